//! Turns what a YAML parser has to say into what the writer of a case did.

use crate::case::{FileId, Location};

use super::report::{Phase, Report, Reported};

/// An anchor, alias or merge key.
pub(super) fn alias(at: Location, report: &mut Report) -> Reported {
    report.error_help(Phase::Yaml, at, "aliases are not allowed in a case", "use let, or a fixture")
}

/// Lists and maps lie too deep in each other.
pub(super) fn too_deep(at: Location, report: &mut Report) -> Reported {
    report.error(Phase::Yaml, at, "nested deeper than 32")
}

/// An error of the YAML parser at a byte of the source.
pub(super) fn report(source: &str, file: FileId, byte: usize, info: &str, report: &mut Report) -> Reported {
    let byte = byte.min(source.len());
    let here = |start: usize, end: usize| Location { file, start, end };
    if info.contains("recursion limit") {
        return too_deep(here(byte, byte), report);
    }
    if let Some((start, end)) = indenting_tab(source, byte) {
        return report.error_help(
            Phase::Yaml,
            here(start, end),
            "tab used for indentation",
            "YAML allows only spaces here",
        );
    }
    for line in lines_up_to(source, byte) {
        if let Some(found) = value_mistake(source, line) {
            return report.error_help(Phase::Yaml, here(found.start, found.end), found.text, found.help);
        }
    }
    if info.contains("anchor") {
        return alias(here(byte, byte), report);
    }
    let text = format!("not YAML: {info}");
    if info.contains("flow ") {
        return report.error_help(Phase::Yaml, here(byte, byte), text, "a { or [ above is not closed");
    }
    if info.contains("block ") {
        let help = "keys of one map, and members of one list, start in the same column";
        return report.error_help(Phase::Yaml, here(byte, byte), text, help);
    }
    report.error(Phase::Yaml, here(byte, byte), text)
}

struct Found {
    start: usize,
    end: usize,
    text: String,
    help: String,
}

/// The line of a byte and the two before it, nearest first: start and end.
fn lines_up_to(source: &str, byte: usize) -> Vec<(usize, usize)> {
    let mut lines = Vec::new();
    let mut end = source[byte..].find('\n').map_or(source.len(), |at| byte + at);
    for _ in 0..3 {
        let start = source[..end].rfind('\n').map_or(0, |at| at + 1);
        lines.push((start, end));
        if start == 0 {
            break;
        }
        end = start - 1;
    }
    lines
}

/// A tab in the indentation of the line of a byte, or of the one before.
fn indenting_tab(source: &str, byte: usize) -> Option<(usize, usize)> {
    lines_up_to(source, byte).into_iter().take(2).find_map(|(start, end)| {
        let line = &source[start..end];
        let blank = &line[..line.len() - line.trim_start().len()];
        let tab = blank.find('\t')?;
        Some((start + tab, start + blank.len()))
    })
}

/// What is wrong with the value in a line, if that can be told.
fn value_mistake(source: &str, (start, end): (usize, usize)) -> Option<Found> {
    let line = &source[start..end];
    let content = line.trim_start();
    let content = content.strip_prefix("- ").map_or(content, str::trim_start);
    let is_key = |key: &str| key.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    let Some(key_end) = content.find(": ") else {
        let (key, value) = content.split_once(':').filter(|(key, value)| is_key(key) && !value.is_empty())?;
        let colon = start + (line.len() - content.len()) + key.len();
        return Some(Found {
            start: colon,
            end: colon + 1,
            text: "no blank after \":\"".to_owned(),
            help: format!("write {key}: {}", value.trim()),
        });
    };
    let key = &content[..key_end];
    if !is_key(key) {
        return None;
    }
    let value = content[key_end + 2..].trim();
    let value_start = start + (line.len() - content.len()) + key_end + 2;
    let value_start =
        value_start + (source[value_start..end].len() - source[value_start..end].trim_start().len());
    let first = value.chars().next()?;
    let at = |offset: usize, length: usize, text: &str, help: String| {
        Some(Found {
            start: value_start + offset,
            end: value_start + offset + length,
            text: text.to_owned(),
            help,
        })
    };
    match first {
        '\'' | '"' | '|' | '>' | '{' => None,
        '&' | '*' => at(
            0,
            value.find(' ').unwrap_or(value.len()),
            "aliases are not allowed in a case",
            "use let, or a fixture".to_owned(),
        ),
        '[' => {
            let close = value.find(']')?;
            let rest = value[close + 1..].trim();
            if rest.is_empty() {
                return None;
            }
            let help = format!("write attributes as ({}) {rest}", &value[1..close]);
            at(0, 1, "a value cannot start with \"[\"", help)
        }
        '-' if value.starts_with("- ") => {
            at(0, 1, "\"-\" starts a list here", "no flags is written none".to_owned())
        }
        '%' | '@' | '`' | '!' | ',' | ']' | '}' => {
            at(0, 1, &format!("a value cannot start with \"{first}\""), "put the text in quotes".to_owned())
        }
        _ => {
            let offset = value.find(": ").or_else(|| value.ends_with(':').then(|| value.len() - 1))?;
            at(offset, 1, "\": \" inside unquoted text", "put the text in quotes".to_owned())
        }
    }
}
