//! What is wrong with a file, and how it is shown.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::case::{Location, SourceFile, Sources};

/// How much of a line is shown around the words at fault, in bytes.
const SHOWN: usize = 100;

/// Whether the file can be used all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can.
    Warning,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The words at fault.
    pub location: Option<Location>,
    /// Whether the file can be used all the same.
    pub severity: Severity,
    /// What is wrong.
    pub text: String,
    /// What to write instead.
    pub help: Option<String>,
    /// Other places that have to do with it.
    pub related: Vec<(Location, String)>,
}

/// Mistakes, and the texts they are in.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    /// The texts that locations point into.
    pub sources: Sources,
    /// In the order they were found.
    pub list: Vec<Diagnostic>,
}

impl Diagnostic {
    /// An error at these words.
    #[must_use]
    pub fn error(location: Location, text: impl Into<String>) -> Self {
        Self {
            location: Some(location),
            severity: Severity::Error,
            text: text.into(),
            help: None,
            related: Vec::new(),
        }
    }

    /// The same with help.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl Diagnostics {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Everything for a person: `file:line:col: error: text`, the line with a mark under the words, help.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let texts: Vec<String> =
            self.list.iter().map(|diagnostic| self.render_one(diagnostic, colour)).collect();
        texts.join("\n")
    }

    fn render_one(&self, diagnostic: &Diagnostic, colour: bool) -> String {
        let word = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let word = match (colour, diagnostic.severity) {
            (false, _) => format!("{word}:"),
            (true, Severity::Error) => format!("\u{1b}[1;31m{word}:\u{1b}[0m"),
            (true, Severity::Warning) => format!("\u{1b}[1;33m{word}:\u{1b}[0m"),
        };
        let place = match diagnostic.location {
            Some(at) => format!("{}: ", self.sources.describe(at)),
            None => match self.sources.files.first() {
                Some(file) => format!("{}: ", file.path),
                None => String::new(),
            },
        };
        let mut out = format!("{place}{word} {}\n", diagnostic.text);
        if let Some(at) = diagnostic.location {
            out.push_str(&self.snippet(at, colour));
        }
        if let Some(help) = &diagnostic.help {
            out.push_str(&format!("help: {help}\n"));
        }
        for (at, text) in &diagnostic.related {
            out.push_str(&format!("{}: note: {text}\n", self.sources.describe(*at)));
            out.push_str(&self.snippet(*at, colour));
        }
        out
    }

    /// The line of a location with a mark under its words.
    pub(crate) fn snippet(&self, at: Location, colour: bool) -> String {
        let Some(shown) = self.sources.file(at.file).and_then(|file| window(file, at)) else {
            return String::new();
        };
        let (line, _) = self.sources.line_column(at);
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let group = Group::with_level(Level::ERROR).element(
            Snippet::source(shown.text)
                .line_start(line)
                .annotation(AnnotationKind::Primary.span(shown.start..shown.end)),
        );
        let mut text = renderer.decor_style(DecorStyle::Ascii).term_width(2 * SHOWN).render(&[group]);
        text.push('\n');
        text
    }
}

/// The part of a line that is shown, and the marked bytes in it.
struct Window {
    text: String,
    start: usize,
    end: usize,
}

/// The line of a location's first byte, cut to what is near the location. Whitespace is shown as spaces.
fn window(file: &SourceFile, at: Location) -> Option<Window> {
    let text = &*file.text;
    let line_start = text.get(..at.start)?.rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[at.start..].find('\n').map_or(text.len(), |offset| at.start + offset);
    let line = text[line_start..line_end].trim_end_matches('\r');
    let start = at.start - line_start;
    let start = start.min(line.len());
    let end = floor(line, at.end.clamp(at.start, line_end) - line_start).max(start);
    let from = floor(line, start.saturating_sub(SHOWN));
    let end = floor(line, end.min(start + SHOWN)).max(start);
    let to = floor(line, end + SHOWN);
    let (before, marked, after) = (&line[from..start], &line[start..end], &line[end..to]);
    let before = format!("{}{}", if from > 0 { "..." } else { "" }, printable(before));
    let marked = printable(marked);
    let after = format!("{}{}", printable(after), if to < line.len() { "..." } else { "" });
    let start = before.len();
    // A mark needs something to stand under.
    let marked_end = start + marked.len();
    Some(Window { text: format!("{before}{marked}{after}"), start, end: marked_end })
}

/// The nearest character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
