//! Variants of a script as one document: what differs becomes columns of a table.

use super::write::{Line, Parts};

/// A column: its name, and its cell in each variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) cells: Vec<String>,
}

/// The document that all variants are, with the columns that it uses. Nothing where they differ in more than words.
pub(super) fn merge(variants: &[Parts]) -> Option<(Parts, Vec<Column>)> {
    let (first, others) = variants.split_first()?;
    let mut columns = Vec::new();
    let same_count = |parts: &Parts| parts.steps.len() == first.steps.len();
    if !others.iter().all(same_count) {
        return None;
    }
    let heads: Vec<&[Line]> = variants.iter().map(|parts| parts.head.as_slice()).collect();
    let mut merged = Parts { head: lines(&heads, &mut columns)?, steps: Vec::new() };
    for (index, (at, _)) in first.steps.iter().enumerate() {
        let same: Option<Vec<&[Line]>> =
            variants.iter().map(|parts| parts.steps.get(index).map(|(_, lines)| lines.as_slice())).collect();
        merged.steps.push((*at, lines(&same?, &mut columns)?));
    }
    Some((merged, columns))
}

fn lines(variants: &[&[Line]], columns: &mut Vec<Column>) -> Option<Vec<Line>> {
    let first = variants.first()?;
    if variants.iter().any(|lines| lines.len() != first.len()) {
        return None;
    }
    let mut merged = Vec::new();
    for index in 0..first.len() {
        let same: Option<Vec<&Line>> = variants.iter().map(|lines| lines.get(index)).collect();
        merged.push(line(&same?, columns)?);
    }
    Some(merged)
}

fn line(variants: &[&Line], columns: &mut Vec<Column>) -> Option<Line> {
    let first = *variants.first()?;
    if variants.iter().all(|line| line.text == first.text) {
        return Some(first.clone());
    }
    let key = first.text.get(..first.value)?;
    if variants.iter().any(|line| line.text.get(..line.value) != Some(key)) {
        return None;
    }
    let values: Vec<Vec<&str>> =
        variants.iter().map(|line| tokens(line.text.get(line.value..).unwrap_or_default())).collect();
    let count = values.first()?.len();
    if values.iter().any(|value| value.len() != count) {
        return None;
    }
    let mut text = key.to_owned();
    for place in 0..count {
        let cells: Vec<String> =
            values.iter().map(|value| value.get(place).copied().unwrap_or_default().to_owned()).collect();
        let cell = cells.first()?.clone();
        if cells.iter().all(|other| *other == cell) {
            text.push_str(&cell);
            continue;
        }
        if cells.iter().any(|cell| cell.is_empty() || !cell.chars().all(is_part)) {
            return None;
        }
        let before: String = values.first()?.get(..place)?.concat();
        text.push('$');
        text.push_str(&column(columns, cells, &format!("{key}{before}")));
    }
    Some(Line { text, ..first.clone() })
}

/// The column with these cells.
fn column(columns: &mut Vec<Column>, cells: Vec<String>, before: &str) -> String {
    if let Some(known) = columns.iter().find(|column| column.cells == cells) {
        return known.name.clone();
    }
    // What stands before a value is as good as a name for it.
    let word = before.trim_end().rsplit(|c: char| !c.is_ascii_alphanumeric()).find(|word| !word.is_empty());
    let starts = |start: &str| cells.iter().all(|cell| cell.starts_with(start));
    let word = match word.unwrap_or("value").to_lowercase().as_str() {
        "fo" | "foexp" => "cookie".to_owned(),
        "mtu" | "control" | "type" | "level" => word.unwrap_or_default().to_owned(),
        _ if starts("SOL_") => "level".to_owned(),
        _ if starts("IP") => "option".to_owned(),
        _ => "value".to_owned(),
    };
    let taken =
        columns.iter().filter(|column| column.name.trim_end_matches(char::is_numeric) == word).count();
    let name = if taken == 0 { word } else { format!("{word}{}", taken + 1) };
    columns.push(Column { name: name.clone(), cells });
    name
}

/// Whether a character belongs to a word that may become a cell.
fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_".contains(c)
}

/// Words, and what stands between them.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let kind = is_part(first);
        let end = rest.find(|c| is_part(c) != kind).unwrap_or(rest.len());
        let (token, after) = rest.split_at(end);
        tokens.push(token);
        rest = after;
    }
    tokens
}
