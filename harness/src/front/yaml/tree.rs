//! YAML as a tree in which every key and value knows where it stands.
//!
//! Parsing here refuses what a case must not have: aliases, more than one document, deep nesting, keys given twice.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle};

use crate::case::{FileId, Location};

use super::mistakes;
use super::report::{Lowers, Phase, Report, Reported};
use super::text::Text;

/// How deep lists and maps may lie in each other.
const DEEPEST: usize = 32;

/// A value.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: Location,
    pub(super) value: Value,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Scalar(Text),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_at: Location,
    pub(super) node: Node,
}

impl Node {
    /// Its text, if it is one.
    pub(super) fn text(&self) -> Option<&Text> {
        match &self.value {
            Value::Scalar(text) => Some(text),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar(text) if text.as_str().is_empty() => "nothing",
            Value::Scalar(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// As written, on one line.
    pub(super) fn one_line(&self, show: &dyn Fn(&Text) -> String) -> String {
        match &self.value {
            Value::Scalar(text) => show(text).split_whitespace().collect::<Vec<_>>().join(" "),
            Value::List(items) => {
                let items: Vec<String> = items.iter().map(|item| item.one_line(show)).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Map(entries) => {
                let entries: Vec<String> = entries
                    .iter()
                    .map(|entry| format!("{}: {}", entry.key, entry.node.one_line(show)))
                    .collect();
                format!("{{ {} }}", entries.join(", "))
            }
        }
    }
}

/// A list or map that is not finished.
enum Open {
    List(Location, Vec<Node>),
    Map {
        at: Location,
        entries: Vec<Entry>,
        key: Option<(String, Location)>,
        lines: BTreeMap<String, Location>,
    },
}

/// Finds bytes from saphyr's count of characters.
struct Places<'s> {
    source: &'s str,
    file: FileId,
    /// Byte of each character, unless they are the same.
    bytes: Option<Vec<usize>>,
}

impl<'s> Places<'s> {
    fn new(source: &'s str, file: FileId) -> Self {
        let bytes = (!source.is_ascii()).then(|| source.char_indices().map(|(at, _)| at).collect());
        Self { source, file, bytes }
    }

    fn byte(&self, index: usize) -> usize {
        match &self.bytes {
            Some(bytes) => bytes.get(index).copied().unwrap_or(self.source.len()),
            None => index.min(self.source.len()),
        }
    }

    fn location(&self, span: saphyr_parser::Span) -> Location {
        let start = self.byte(span.start.index());
        let end = self.byte(span.end.index()).max(start);
        let kept = self.source[start..end].trim_end().len();
        Location { file: self.file, start, end: start + kept }
    }
}

/// Reads one document.
pub(super) fn read(source: &str, file: FileId, report: &mut Report) -> Lowers<Node> {
    let mut reader = Reader { places: Places::new(source, file), report, open: Vec::new(), root: None };
    let mut parser = Parser::new_from_str(source);
    while let Some(next) = parser.next_event() {
        match next {
            Ok((event, span)) => reader.event(event, span)?,
            Err(error) => {
                let at = reader.places.byte(error.marker().index());
                return Err(mistakes::report(source, file, at, error.info(), reader.report));
            }
        }
    }
    let nothing = Location { file, start: 0, end: 0 };
    match reader.root.take() {
        Some(Node { value: Value::Scalar(text), .. }) if text.as_str().is_empty() => {
            Err(report.error(Phase::Yaml, nothing, "the file is empty"))
        }
        Some(_) if report.failed(Phase::Yaml) => Err(Reported),
        Some(root) => Ok(root),
        None => Err(report.error(Phase::Yaml, nothing, "the file is empty")),
    }
}

struct Reader<'s, 'r> {
    places: Places<'s>,
    report: &'r mut Report,
    open: Vec<Open>,
    root: Option<Node>,
}

impl Reader<'_, '_> {
    fn event(&mut self, event: Event<'_>, span: saphyr_parser::Span) -> Lowers<()> {
        let at = self.places.location(span);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) if self.root.is_some() => {
                Err(self.report.error(Phase::Yaml, at, "a case is one YAML document"))
            }
            Event::DocumentStart(_) => Ok(()),
            Event::Alias(_) => Err(mistakes::alias(at, self.report)),
            Event::Scalar(text, style, anchor, tag) => {
                self.plain_node(at, anchor, tag.is_some())?;
                self.scalar(&text, style, at);
                Ok(())
            }
            Event::SequenceStart(anchor, tag) => {
                self.plain_node(at, anchor, tag.is_some())?;
                self.start(at, Open::List(at, Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.plain_node(at, anchor, tag.is_some())?;
                let map = Open::Map { at, entries: Vec::new(), key: None, lines: BTreeMap::new() };
                self.start(at, map)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.finish(at);
                Ok(())
            }
        }
    }

    fn plain_node(&mut self, at: Location, anchor: usize, tagged: bool) -> Lowers<()> {
        if anchor != 0 {
            return Err(mistakes::alias(self.before(at, '&'), self.report));
        }
        if tagged {
            let at = self.before(at, '!');
            return Err(self.report.error(Phase::Yaml, at, "tags are not allowed in a case"));
        }
        Ok(())
    }

    /// The word with this sign before a value, in its line.
    fn before(&self, at: Location, sign: char) -> Location {
        let before = &self.places.source[..at.start.max(at.end)];
        let Some(start) = before.rfind(sign) else {
            return at;
        };
        let rest = &self.places.source[start..];
        let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
        Location { file: at.file, start, end: start + length }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, at: Location) {
        let raw = &self.places.source[at.start..at.end];
        let inner = match style {
            ScalarStyle::Plain => at,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Location {
                start: (at.start + 1).min(at.end),
                end: at.end.saturating_sub(1).max((at.start + 1).min(at.end)),
                ..at
            },
            ScalarStyle::Literal | ScalarStyle::Folded => {
                let header = if raw.starts_with(['|', '>']) {
                    raw.find('\n').map_or(raw.len(), |end| end + 1)
                } else {
                    0
                };
                Location { start: at.start + header, ..at }
            }
        };
        if text == "<<" && style == ScalarStyle::Plain && self.at_key() {
            mistakes::alias(at, self.report);
        }
        let source = &self.places.source[inner.start..inner.end];
        let node = Node { at, value: Value::Scalar(Text::aligned(text, source, inner)) };
        self.add(node);
    }

    fn at_key(&self) -> bool {
        matches!(self.open.last(), Some(Open::Map { key: None, .. }))
    }

    fn start(&mut self, at: Location, open: Open) -> Lowers<()> {
        if self.open.len() >= DEEPEST {
            return Err(mistakes::too_deep(at, self.report));
        }
        if self.at_key() {
            return Err(self.report.error(Phase::Yaml, at, "a key must be plain text"));
        }
        self.open.push(open);
        Ok(())
    }

    fn finish(&mut self, end: Location) {
        let node = match self.open.pop() {
            Some(Open::List(at, items)) => {
                let last = items.last().map_or(end.end, |item| item.at.end);
                Node { at: self.trimmed(at, end, last), value: Value::List(items) }
            }
            Some(Open::Map { at, entries, .. }) => {
                let last = entries.last().map_or(end.end, |entry| entry.node.at.end);
                Node { at: self.trimmed(at, end, last), value: Value::Map(entries) }
            }
            None => return,
        };
        self.add(node);
    }

    /// From the first sign to the closing bracket, or to the last member.
    fn trimmed(&self, at: Location, end: Location, last: usize) -> Location {
        let bracketed = self.places.source[at.start..].starts_with(['[', '{']);
        Location { file: at.file, start: at.start, end: if bracketed { end.end } else { last }.max(at.start) }
    }

    fn add(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List(_, items)) => items.push(node),
            Some(Open::Map { entries, key, lines, .. }) => match key.take() {
                None => {
                    let name = node.text().map(|text| text.as_str().to_owned());
                    *key = Some((name.unwrap_or_default(), node.at));
                }
                Some((name, key_at)) => {
                    if let Some(first) = lines.get(&name) {
                        let (line, _) = self.report.sources.line_column(*first);
                        let text = format!("key \"{name}\" given twice (first in line {line})");
                        self.report.error(Phase::Yaml, key_at, text);
                    } else {
                        lines.insert(name.clone(), key_at);
                    }
                    entries.push(Entry { key: name, key_at, node });
                }
            },
        }
    }
}
