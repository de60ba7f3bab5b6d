//! Tables and grids: block text whose rows, or cells, are tests.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::case::Location;

use super::replace::Environment;
use super::report::{Lowers, Phase, Report, Reported};
use super::shape::{is_name, not_a_name};
use super::text::Text;

/// One test of a table or grid: what its name has in brackets, and the texts of its columns.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) texts: Environment,
}

/// A line's cells, as stretches of the table's text.
type Cells = Vec<Range<usize>>;

/// Lines with their cells. Lines that start with `#` are skipped; a `\` at the end of a line continues it.
fn lines(source: &str) -> Vec<Cells> {
    let mut out: Vec<Cells> = Vec::new();
    let mut continued = false;
    let mut start = 0;
    for line in source.split_inclusive('\n') {
        let from = start;
        start += line.len();
        let content = line.trim_end();
        if content.trim().is_empty() || (!continued && content.trim_start().starts_with('#')) {
            continue;
        }
        let (content, more) = match content.strip_suffix('\\') {
            Some(rest) => (rest, true),
            None => (content, false),
        };
        let cells = cells(content, from);
        if continued && let Some(last) = out.last_mut() {
            let mut cells = cells.into_iter();
            // An empty cell on either side of the break is no cell of its own.
            if let Some(first) = cells.next() {
                match last.last_mut() {
                    Some(open) if open.start == open.end => *open = first,
                    Some(_) if first.start == first.end => {}
                    _ => last.push(first),
                }
            }
            last.extend(cells);
        } else {
            out.push(cells);
        }
        continued = more;
    }
    out
}

/// Cells are separated by `|` with blanks, or the line's end, on both sides.
fn cells(line: &str, from: usize) -> Cells {
    let trimmed = |range: Range<usize>| {
        let text = &line[range.clone()];
        let start = range.start + text.len() - text.trim_start().len();
        let end = start + text.trim().len();
        from + start..from + end
    };
    let bytes = line.as_bytes();
    let blank = |at: Option<&u8>| at.is_none_or(u8::is_ascii_whitespace);
    let mut out = Vec::new();
    let mut start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        if *byte == b'|' && blank(before) && blank(bytes.get(at + 1)) {
            out.push(trimmed(start..at));
            start = at + 1;
        }
    }
    out.push(trimmed(start..line.len()));
    out
}

/// The texts of all cells.
pub(super) fn cells_of(text: &Text) -> Vec<&str> {
    lines(text.as_str()).into_iter().flatten().map(|cell| &text.as_str()[cell]).collect()
}

/// The columns that the first line names, and where.
pub(super) fn columns_of(text: &Text) -> Vec<(String, Location)> {
    let head = lines(text.as_str()).into_iter().next().unwrap_or_default();
    head.into_iter().map(|cell| (text.as_str()[cell.clone()].to_owned(), text.at(cell))).collect()
}

/// The tests of a table.
pub(super) fn table(text: &Text, report: &mut Report) -> Lowers<Vec<Row>> {
    let lines = lines(text.as_str());
    let Some((head, rows)) = lines.split_first() else {
        return Err(report.error(Phase::Expansion, text.whole(), "the table is empty"));
    };
    let columns = heads(text, head, report)?;
    let Some(name_column) = columns.iter().position(|column| column == "name") else {
        let at = text.at(head[0].start..head.last().map_or(head[0].end, |last| last.end));
        return Err(report.error(Phase::Expansion, at, "the table has no column name"));
    };
    if rows.is_empty() {
        return Err(report.error(Phase::Expansion, text.whole(), "the table has no rows"));
    }
    let mut names = BTreeMap::new();
    let mut out = Vec::new();
    let mut failed = false;
    for cells in rows {
        match row(text, &columns, cells, report) {
            Ok(texts) => {
                let name = &texts["name"];
                let at = text.at(cells[name_column].clone());
                failed |= row_name(name.as_str(), at, &mut names, report).is_err();
                out.push(Row { name: name.as_str().to_owned(), texts });
            }
            Err(Reported) => failed = true,
        }
    }
    if failed { Err(Reported) } else { Ok(out) }
}

fn heads(text: &Text, head: &Cells, report: &mut Report) -> Lowers<Vec<String>> {
    let mut columns: Vec<String> = Vec::new();
    for cell in head {
        let name = &text.as_str()[cell.clone()];
        let at = text.at(cell.clone());
        if !is_name(name, true) {
            return Err(not_a_name(at, name, true, report));
        }
        if columns.iter().any(|known| known == name) {
            let text = format!("column \"{name}\" given twice");
            return Err(report.error(Phase::Expansion, at, text));
        }
        columns.push(name.to_owned());
    }
    Ok(columns)
}

fn row(text: &Text, columns: &[String], cells: &Cells, report: &mut Report) -> Lowers<Environment> {
    if cells.len() != columns.len() {
        let at = text.at(cells[0].start..cells.last().map_or(cells[0].end, |last| last.end));
        let message =
            format!("row has {}, the table {}", count(cells.len(), "cell"), count(columns.len(), "column"));
        return Err(report.error(Phase::Expansion, at, message));
    }
    Ok(columns
        .iter()
        .zip(cells)
        .map(|(column, cell)| (column.clone(), text.slice(cell.clone()).into_cell()))
        .collect())
}

fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

fn row_name(
    name: &str,
    at: Location,
    names: &mut BTreeMap<String, Location>,
    report: &mut Report,
) -> Lowers<()> {
    if !is_name(name, true) {
        return Err(not_a_name(at, name, true, report));
    }
    if let Some(first) = names.insert(name.to_owned(), at) {
        let (line, _) = report.sources.line_column(first);
        let text = format!("row \"{name}\" given twice (first in line {line})");
        return Err(report.error(Phase::Expansion, at, text));
    }
    Ok(())
}

/// The tests of a grid. Heads and cells that name a `let` stand for its text.
pub(super) fn grid(text: &Text, lets: &Environment, report: &mut Report) -> Lowers<Vec<Row>> {
    let lines = lines(text.as_str());
    let Some((head, rows)) = lines.split_first() else {
        return Err(report.error(Phase::Expansion, text.whole(), "the grid is empty"));
    };
    let corner = &text.as_str()[head[0].clone()];
    let corner_at = text.at(head[0].clone());
    let Some((row_word, column_word)) = corner.split_once('\\') else {
        let message = "the corner of a grid names both directions";
        return Err(report.error_help(Phase::Expansion, corner_at, message, "segment \\ state"));
    };
    let (row_word, column_word) = (row_word.trim(), column_word.trim());
    for word in [row_word, column_word] {
        if !is_name(word, true) {
            return Err(not_a_name(corner_at, word, true, report));
        }
    }
    let mut column_names = BTreeMap::new();
    for cell in &head[1..] {
        let at = text.at(cell.clone());
        row_name(&text.as_str()[cell.clone()], at, &mut column_names, report)?;
    }
    let mut out = Vec::new();
    let mut row_names = BTreeMap::new();
    for cells in rows {
        if cells.len() != head.len() {
            let at = text.at(cells[0].start..cells.last().map_or(cells[0].end, |last| last.end));
            let message =
                format!("row has {}, the grid {}", count(cells.len(), "cell"), count(head.len(), "column"));
            return Err(report.error(Phase::Expansion, at, message));
        }
        let row_head = &text.as_str()[cells[0].clone()];
        row_name(row_head, text.at(cells[0].clone()), &mut row_names, report)?;
        for (column, cell) in head.iter().zip(cells).skip(1) {
            if cell.start == cell.end {
                continue;
            }
            let stands_for = |range: &Range<usize>| {
                let written = text.slice(range.clone());
                let found = lets.get(written.as_str()).cloned();
                found.unwrap_or(written).into_cell()
            };
            let mut texts = Environment::new();
            texts.insert(row_word.to_owned(), stands_for(&cells[0]));
            texts.insert(column_word.to_owned(), stands_for(column));
            texts.insert("cell".to_owned(), stands_for(cell));
            out.push(Row { name: format!("{row_head},{}", &text.as_str()[column.clone()]), texts });
        }
    }
    if out.is_empty() {
        return Err(report.error(Phase::Expansion, text.whole(), "the grid has no cells"));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::{cells, lines};

    fn texts(source: &str) -> Vec<Vec<&str>> {
        lines(source).into_iter().map(|cells| cells.into_iter().map(|cell| &source[cell]).collect()).collect()
    }

    #[test]
    fn cells_are_split_at_lone_bars_only() {
        assert_eq!(cells("a | POLLIN|POLLHUP |", 0).len(), 3);
        assert_eq!(texts("a | b|c\n# x | y\n\nd |\n"), [vec!["a", "b|c"], vec!["d", ""]]);
    }

    #[test]
    fn a_backslash_continues_a_row() {
        assert_eq!(texts("a | b | \\\n    c\nd | e | f"), [["a", "b", "c"], ["d", "e", "f"]]);
        assert_eq!(texts("a | b \\\n  | c"), [["a", "b", "c"]]);
    }
}
