//! A YAML document as lines. Values are quoted where YAML asks for it.

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::import) enum Yaml {
    /// One line of text.
    Text(String),
    /// Keys and values, in order.
    Map(Vec<(String, Yaml)>),
    /// Several.
    List(Vec<Yaml>),
    /// Lines as they stand, below the key.
    Block(Vec<String>),
}

/// A line of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::import) struct Line {
    /// The whole line.
    pub(in crate::import) text: String,
    /// Where its value begins; at the end of those that have none.
    pub(in crate::import) value: usize,
    /// What is said behind it.
    pub(in crate::import) comment: Option<String>,
}

/// Maps and lists up to this width stand in one line.
const WIDTH: usize = 100;

impl Yaml {
    pub(in crate::import) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A map of these keys.
    pub(in crate::import) fn map<const N: usize>(entries: [(&str, Self); N]) -> Self {
        Self::Map(entries.map(|(key, value)| (key.to_owned(), value)).to_vec())
    }

    /// In one line, inside brackets.
    fn flow(&self) -> Option<String> {
        Some(match self {
            Self::Text(text) => scalar(text, true),
            Self::Map(entries) if entries.is_empty() => "{}".to_owned(),
            Self::Map(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| Some(format!("{}: {}", scalar(key, true), value.flow()?)));
                format!("{{ {} }}", entries.collect::<Option<Vec<_>>>()?.join(", "))
            }
            Self::List(items) => {
                let items = items.iter().map(Self::flow).collect::<Option<Vec<_>>>()?;
                format!("[{}]", items.join(", "))
            }
            Self::Block(_) => return None,
        })
    }

    fn depth(&self) -> usize {
        match self {
            Self::Text(_) | Self::Block(_) => 0,
            Self::Map(entries) => 1 + entries.iter().map(|(_, value)| value.depth()).max().unwrap_or(0),
            Self::List(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
        }
    }

    /// The lines of a value behind `head`, a key with its colon or the dash of a list.
    fn write(&self, head: &str, indent: usize, lines: &mut Vec<Line>) {
        let inline = match self {
            Self::Text(text) => Some(scalar(text, false)),
            Self::Map(_) | Self::List(_) => self
                .flow()
                .filter(|flow| self.depth() <= 3 && head.chars().count() + flow.chars().count() < WIDTH),
            Self::Block(_) => Some("|".to_owned()),
        };
        if let Some(value) = inline {
            let text = format!("{head} {value}");
            lines.push(Line { value: head.len() + 1, text, comment: None });
            if let Self::Block(block) = self {
                let below = block.iter().map(|line| format!("{:indent$}{line}", "", indent = indent + 2));
                lines.extend(below.map(Line::plain));
            }
            return;
        }
        match self {
            Self::Map(entries) => {
                lines.push(Line::plain(head.to_owned()));
                for (key, value) in entries {
                    let key = scalar(key, false);
                    value.write(&format!("{:width$}{key}:", "", width = indent + 2), indent + 2, lines);
                }
            }
            Self::List(items) => {
                lines.push(Line::plain(head.to_owned()));
                items.iter().for_each(|item| item.item(indent + 2, lines));
            }
            Self::Text(_) | Self::Block(_) => {}
        }
    }

    /// The lines of a member of a list.
    pub(in crate::import) fn item(&self, indent: usize, lines: &mut Vec<Line>) {
        let dash = format!("{:indent$}-", "");
        let Self::Map(entries) = self else {
            self.write(&dash, indent, lines);
            return;
        };
        for (place, (key, value)) in entries.iter().enumerate() {
            let lead = if place == 0 { dash.clone() } else { format!("{:indent$} ", "") };
            value.write(&format!("{lead} {}:", scalar(key, false)), indent + 2, lines);
        }
    }

    /// The lines of a document's key.
    pub(in crate::import) fn key(&self, key: &str, lines: &mut Vec<Line>) {
        self.write(&format!("{key}:"), 0, lines);
    }
}

impl Line {
    pub(in crate::import) fn plain(text: String) -> Self {
        Self { value: text.len(), text, comment: None }
    }

    pub(in crate::import) fn render(&self) -> String {
        match &self.comment {
            Some(comment) => format!("{} # {comment}", self.text),
            None => self.text.clone(),
        }
    }
}

/// Text as a value; plain where that is the same.
fn scalar(text: &str, in_brackets: bool) -> String {
    let starts = |c: char| "?:,[]{}#&*!|>'\"%@`".contains(c);
    let dash = text == "-" || text.starts_with("- ") || text.starts_with("---");
    let is_plain = !text.is_empty()
        && text.trim() == text
        && !text.starts_with(starts)
        && !dash
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with(':')
        && text.chars().all(|c| !is_special(c))
        && !(in_brackets && text.contains([',', '[', ']', '{', '}']));
    // In brackets three dots are what they are.
    if is_plain {
        return text.to_owned();
    }
    if text.chars().all(|c| !is_special(c)) && (text.contains('"') || text.contains('\\')) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if is_special(c) => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether YAML has the character only as an escape, or takes it for the end of a line.
pub(in crate::import) fn is_special(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Text in which a dollar sign is one.
pub(in crate::import) fn literal(text: &str) -> String {
    text.replace('$', "$$")
}
