//! Both exchanges side by side or, where a line is too short for that, one below the other.

use std::collections::BTreeSet;

use crate::compare::{Class, Comparison, Kind, Mark, Row};

use super::super::Style;
use super::super::fold::fold;
use super::text::in_words;
use super::{CompareFinding, Compared, seconds, where_of};

/// From so many columns on there is a column for each run.
const TWO_COLUMNS: usize = 110;
/// So many rows without a difference are shown before and after one with.
const CONTEXT: usize = 4;
/// Width of a time.
const TIME: usize = 11;

/// The page of one test, without a final newline.
#[must_use]
pub fn comparison_page(compared: &Compared<'_>, style: Style) -> String {
    let Compared { case, names, verdicts, finding } = *compared;
    let word = match finding {
        CompareFinding::Equal(_) => style.good("equal"),
        CompareFinding::Differs(_) => style.bad("differs"),
        CompareFinding::Known(..) | CompareFinding::Skipped(_) | CompareFinding::Inconclusive(_) => {
            style.unsure(finding.name())
        }
    };
    let below = |text: &str| wrapped(text, style.width, 9);
    let mut lines = vec![format!("{word}  {}", style.strong(&case.id))];
    lines.extend(below(&case.title));
    lines.extend(below(&format!("{}: {}, {}: {}", names.0, verdicts.0, names.1, verdicts.1)));
    match finding {
        CompareFinding::Known(_, why) | CompareFinding::Skipped(why) | CompareFinding::Inconclusive(why) => {
            lines.extend(below(why));
        }
        CompareFinding::Equal(_) | CompareFinding::Differs(_) => {}
    }
    if let Some(comparison) = finding.comparison() {
        lines.push(String::new());
        lines.extend(Ladder::new(compared, comparison, style).lines());
    }
    lines.join("\n")
}

struct Ladder<'a> {
    compared: &'a Compared<'a>,
    comparison: &'a Comparison,
    style: Style,
    /// The width of the column of places.
    places: usize,
    /// The width of one run's column; of the only one.
    cell: usize,
    is_wide: bool,
}

impl<'a> Ladder<'a> {
    fn new(compared: &'a Compared<'a>, comparison: &'a Comparison, style: Style) -> Self {
        let place = |row: &Row| where_of(compared.case, row.step).chars().count();
        let places = comparison.rows.iter().map(place).max().unwrap_or(0);
        let is_wide = style.width >= TWO_COLUMNS;
        // Two columns have a mark between them, one has it in front; two blanks follow the place.
        let rest = style.width.saturating_sub(places + 2);
        let cell = if is_wide { rest.saturating_sub(3) / 2 } else { rest.saturating_sub(2) };
        Self { compared, comparison, style, places, cell: cell.max(TIME + 20), is_wide }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = self.head();
        let first = self.comparison.rows.iter().position(|row| !row.differences.is_empty());
        let mut alike = 0;
        for (index, row) in self.comparison.rows.iter().enumerate() {
            if first.is_some() && !self.is_near(index) {
                alike += 1;
                continue;
            }
            lines.extend(self.fold(&mut alike));
            lines.extend(if self.is_wide { self.wide(row) } else { self.narrow(row) });
            lines.extend(self.notes(row, first == Some(index)));
        }
        lines.extend(self.fold(&mut alike));
        lines
    }

    fn head(&self) -> Vec<String> {
        let (a, b) = self.compared.names;
        let line = match self.is_wide {
            true => format!("{:>TIME$}  {a:<cell$}{b}", "", cell = self.cell + 3),
            false => format!("A {a}, B {b}"),
        };
        let indent = if self.is_wide { self.places + 2 } else { 0 };
        vec![self.style.strong(format!("{:indent$}{line}", "").trim_end())]
    }

    /// Whether a row differs or stands near one that does.
    fn is_near(&self, index: usize) -> bool {
        let range = index.saturating_sub(CONTEXT)..(index + CONTEXT + 1).min(self.comparison.rows.len());
        self.comparison.rows.get(range).unwrap_or_default().iter().any(|row| !row.differences.is_empty())
    }

    fn fold(&self, alike: &mut usize) -> Option<String> {
        let count = std::mem::take(alike);
        let text = format!("{:>width$} {count} alike", "..", width = self.places);
        (count > 0).then(|| self.style.faint(text))
    }

    fn place(&self, row: &Row) -> String {
        let place = format!("{:>width$}", where_of(self.compared.case, row.step), width = self.places);
        self.style.faint(place)
    }

    /// A row with a column for each run.
    fn wide(&self, row: &Row) -> Vec<String> {
        let mark = match (&row.a, &row.b) {
            _ if row.differences.is_empty() => ' ',
            (Some(_), None) => '<',
            (None, Some(_)) => '>',
            _ => '|',
        };
        let (words_a, words_b) = odd_words(row);
        let cell = |mark: &Option<Mark>, odd: &BTreeSet<String>| match mark {
            Some(mark) => self.cell_lines(mark, odd, is_late(row)),
            None => Vec::new(),
        };
        let (a, b) = (cell(&row.a, &words_a), cell(&row.b, &words_b));
        (0..a.len().max(b.len()))
            .map(|index| {
                let place = if index == 0 { self.place(row) } else { " ".repeat(self.places) };
                let mark = if index == 0 { mark } else { ' ' };
                let (left, width) = a.get(index).cloned().unwrap_or_default();
                let right = b.get(index).map(|(text, _)| text.as_str()).unwrap_or_default();
                let blanks = " ".repeat(self.cell.saturating_sub(width));
                let mark = if mark == ' ' { " ".to_owned() } else { self.style.bad(mark) };
                format!("{place}  {left}{blanks} {mark} {right}").trim_end().to_owned()
            })
            .collect()
    }

    /// A row on lines of its own: one if nothing differs, else one of each run.
    fn narrow(&self, row: &Row) -> Vec<String> {
        let (words_a, words_b) = odd_words(row);
        let lines = |letter: &str, mark: &Mark, odd: &BTreeSet<String>| -> Vec<String> {
            let letter = if letter == " " { letter.to_owned() } else { self.style.bad(letter) };
            let cell = self.cell_lines(mark, odd, is_late(row));
            cell.into_iter()
                .enumerate()
                .map(|(index, (text, _))| match index {
                    0 => format!("{letter} {}  {text}", self.place(row)),
                    _ => format!("{:width$}{text}", "", width = self.places + 4),
                })
                .collect()
        };
        if row.differences.is_empty() {
            return row
                .a
                .as_ref()
                .or(row.b.as_ref())
                .map(|mark| lines(" ", mark, &words_a))
                .unwrap_or_default();
        }
        let of_a = row.a.iter().flat_map(|mark| lines("A", mark, &words_a));
        of_a.chain(row.b.iter().flat_map(|mark| lines("B", mark, &words_b))).collect()
    }

    /// Time and text of a run, wrapped, each line with its width on the screen.
    fn cell_lines(&self, mark: &Mark, odd: &BTreeSet<String>, is_late: bool) -> Vec<(String, usize)> {
        let time = format!("{:>TIME$}", seconds(mark.at.0));
        let time = if is_late { self.style.bad(time) } else { time };
        let sign = sign(mark.kind);
        let indent = TIME + 1 + sign.len();
        let mut lines = Vec::new();
        let (mut line, mut width) = (format!("{time} {sign}"), indent);
        let mut is_empty = true;
        for word in mark.text.split(' ') {
            let length = word.chars().count();
            if !is_empty && width + 1 + length > self.cell {
                lines.push((std::mem::replace(&mut line, " ".repeat(indent)), width));
                (width, is_empty) = (indent, true);
            }
            if !is_empty {
                line.push(' ');
                width += 1;
            }
            line.push_str(&if odd.contains(word) { self.style.bad(word) } else { word.to_owned() });
            width += length;
            is_empty = false;
        }
        lines.push((line, width));
        lines
    }

    /// What differs in a row, each on a line of its own.
    fn notes(&self, row: &Row, is_first: bool) -> Vec<String> {
        let indent = self.places + 2 + TIME + 1 + if self.is_wide { 0 } else { 2 };
        let note = |(index, difference)| {
            let text = in_words(difference, self.compared.names);
            let text = if is_first && index == 0 { format!("first difference: {text}") } else { text };
            let blanks = " ".repeat(indent);
            let paint = move |line: String| {
                let words = line.get(indent..).unwrap_or_default();
                format!("{blanks}{}", self.style.bad(words))
            };
            wrapped(&text, self.style.width, indent).into_iter().map(paint).collect::<Vec<_>>()
        };
        row.differences.iter().enumerate().flat_map(note).collect()
    }
}

fn sign(kind: Kind) -> &'static str {
    match kind {
        Kind::Injected => "-> ",
        Kind::Emitted => "<- ",
        Kind::Called => "call ",
        Kind::Returned => "returns ",
        Kind::Signalled => "raises ",
        Kind::Did => "",
        Kind::Seen => "sees ",
        Kind::State => "state ",
        Kind::Verdict => "verdict ",
    }
}

/// Whether the two moments of a row differ.
fn is_late(row: &Row) -> bool {
    row.differences.iter().any(|difference| difference.class == Class::Timing)
}

/// A text in lines of this width that begin with so many blanks.
fn wrapped(text: &str, width: usize, indent: usize) -> Vec<String> {
    let blanks = " ".repeat(indent);
    fold(text, width.saturating_sub(indent)).into_iter().map(|line| format!("{blanks}{line}")).collect()
}

/// The words of either text that the other lacks, in rows that differ.
fn odd_words(row: &Row) -> (BTreeSet<String>, BTreeSet<String>) {
    let words = |mark: &Option<Mark>| -> BTreeSet<String> {
        let text = mark.as_ref().filter(|_| !row.differences.is_empty());
        text.map(|mark| mark.text.split(' ').map(str::to_owned).collect()).unwrap_or_default()
    };
    let (a, b) = (words(&row.a), words(&row.b));
    (a.difference(&b).cloned().collect(), b.difference(&a).cloned().collect())
}
