//! What was expected above what came, field under field, with marks where they differ.

mod notation;

use std::ops::Range;

use crate::verdict::FieldDifference;

use super::Style;

pub(super) use notation::is_on_the_line;

/// One field on both lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Cell {
    expected: Side,
    actual: Side,
}

/// One field on one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Side {
    /// What stands before it.
    lead: &'static str,
    /// Nothing: the line does not have the field.
    text: Option<String>,
    /// Characters of the text that differ.
    marked: Range<usize>,
}

impl Side {
    fn new(lead: &'static str, text: impl Into<String>) -> Self {
        Self { lead, text: Some(text.into()), marked: 0..0 }
    }

    fn mark_all(&mut self) {
        self.marked = 0..self.text.as_ref().map_or(0, |text| text.chars().count());
    }

    fn width(&self) -> usize {
        self.text.as_ref().map_or(0, |text| self.lead.len() + text.chars().count())
    }
}

/// Two packets in notation, of which these fields differ.
pub(super) fn packets(expected: &str, actual: &str, fields: &[FieldDifference], style: Style) -> Vec<String> {
    lay_out(&notation::cells(expected, actual, fields), style)
}

/// A field by its name, with the words that differ marked.
pub(super) fn values(field: &FieldDifference, style: Style) -> Vec<String> {
    let name = Cell {
        expected: Side::new("", format!("{} ", field.field)),
        actual: Side::new("", format!("{} ", field.field)),
    };
    let (wanted, got): (Vec<&str>, Vec<&str>) =
        (field.expected.split(' ').collect(), field.actual.split(' ').collect());
    let mut cells = vec![name];
    if wanted.len() == got.len() {
        for (index, (wanted, got)) in wanted.into_iter().zip(got).enumerate() {
            let lead = if index == 0 { "" } else { " " };
            let mut cell = Cell { expected: Side::new(lead, wanted), actual: Side::new(lead, got) };
            if wanted != got {
                cell.expected.mark_all();
                cell.actual.mark_all();
            }
            cells.push(cell);
        }
    } else {
        let mut cell = Cell {
            expected: Side::new("", field.expected.as_str()),
            actual: Side::new("", field.actual.as_str()),
        };
        cell.expected.mark_all();
        cell.actual.mark_all();
        cells.push(cell);
    }
    lay_out(&cells, style)
}

/// The columns before the lines: two blanks, `expected`, two blanks.
const MARGIN: usize = 12;

fn lay_out(cells: &[Cell], style: Style) -> Vec<String> {
    let room = style.beside(MARGIN);
    let mut lines = Vec::new();
    let mut rest = cells;
    while !rest.is_empty() {
        let mut width = 0;
        let count = rest
            .iter()
            .take_while(|cell| {
                width += cell.expected.width().max(cell.actual.width());
                width <= room
            })
            .count();
        let (row, after) = rest.split_at(count.max(1));
        lines.extend(row_of(row, style));
        rest = after;
    }
    lines
}

/// Expected, actual and, without colour, a line of marks: `^` under what came and is wrong, `~` where something is
/// missing.
fn row_of(cells: &[Cell], style: Style) -> Vec<String> {
    let (mut expected, mut actual, mut marks) = (String::new(), String::new(), String::new());
    for cell in cells {
        let width = cell.expected.width().max(cell.actual.width());
        put(&mut expected, &cell.expected, width, |text| style.good(text));
        put(&mut actual, &cell.actual, width, |text| style.bad(text));
        let (side, sign) = match (&cell.actual.text, cell.actual.marked.is_empty()) {
            (Some(_), false) => (&cell.actual, "^"),
            _ => (&cell.expected, "~"),
        };
        let start = if side.marked.is_empty() { width } else { side.lead.len() + side.marked.start };
        let mark = format!("{}{}", " ".repeat(start), sign.repeat(side.marked.len()));
        marks.push_str(&format!("{mark:<width$}"));
    }
    let mut lines =
        vec![format!("  expected  {}", expected.trim_end()), format!("  actual    {}", actual.trim_end())];
    if !style.colour && !marks.trim().is_empty() {
        lines.push(format!("{}{}", " ".repeat(MARGIN), marks.trim_end()));
    }
    lines
}

fn put(line: &mut String, side: &Side, width: usize, paint: impl Fn(&str) -> String) {
    let text = side.text.as_deref().unwrap_or_default();
    if side.text.is_some() {
        line.push_str(side.lead);
    }
    let part = |range: Range<usize>| -> String { text.chars().skip(range.start).take(range.len()).collect() };
    line.push_str(&part(0..side.marked.start));
    if !side.marked.is_empty() {
        line.push_str(&paint(&part(side.marked.clone())));
    }
    line.push_str(&part(side.marked.end..usize::MAX));
    line.push_str(&" ".repeat(width.saturating_sub(side.width())));
}

#[cfg(test)]
mod tests;
