//! Colours, or none, and how wide lines may be.

use std::fmt::Display;

use anstyle::{AnsiColor, Effects, Style as Ansi};

/// How wide lines are where nothing says so: no terminal is there.
pub const USUAL_WIDTH: usize = 100;
/// Nothing is laid out for less.
const LEAST_WIDTH: usize = 40;

/// How text looks. Without colour it says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Colours for a terminal.
    pub colour: bool,
    /// Characters in a line.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self { colour: false, width: USUAL_WIDTH }
    }
}

impl Style {
    /// How many characters are left beside so many.
    pub(super) fn beside(self, taken: usize) -> usize {
        self.width.max(LEAST_WIDTH).saturating_sub(taken).max(LEAST_WIDTH / 4)
    }

    fn paint(self, style: Ansi, text: impl Display) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_string() }
    }

    /// What went right.
    #[must_use]
    pub fn good(self, text: impl Display) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    /// What went wrong.
    #[must_use]
    pub fn bad(self, text: impl Display) -> String {
        self.paint(AnsiColor::Red.on_default() | Effects::BOLD, text)
    }

    /// What is neither.
    #[must_use]
    pub fn unsure(self, text: impl Display) -> String {
        self.paint(AnsiColor::Yellow.on_default(), text)
    }

    /// What stands out.
    #[must_use]
    pub fn strong(self, text: impl Display) -> String {
        self.paint(Ansi::new() | Effects::BOLD, text)
    }

    /// What stands back.
    #[must_use]
    pub fn faint(self, text: impl Display) -> String {
        self.paint(Ansi::new() | Effects::DIMMED, text)
    }

    /// What the target sends.
    pub(super) fn sent(self, text: impl Display) -> String {
        self.paint(AnsiColor::Cyan.on_default(), text)
    }

    /// What is sent to the target.
    pub(super) fn received(self, text: impl Display) -> String {
        self.paint(AnsiColor::Magenta.on_default(), text)
    }
}

/// The text in lines of at most `width` characters, broken at blanks and, inside brackets of a packet, after commas; a
/// word that is longer stays whole.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for piece in pieces(text) {
        let Some(line) = lines.last_mut() else { break };
        let length = line.chars().count() + piece.trim_end().chars().count();
        if length > width && !line.is_empty() {
            lines.push(piece);
        } else {
            line.push_str(&piece);
        }
    }
    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    lines
}

/// What stays together, with the blank or comma after it.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut in_options = false;
    let mut before = ' ';
    for c in text.chars() {
        let c = if c == '\n' { ' ' } else { c };
        in_options = match c {
            '<' | '[' => before == ' ' || in_options,
            '>' | ']' => false,
            // A comparison.
            ' ' => in_options && before != '<',
            _ => in_options,
        };
        if let Some(piece) = pieces.last_mut() {
            piece.push(c);
        }
        if c == ' ' && !in_options || c == ',' && in_options {
            pieces.push(String::new());
        }
        before = c;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn lines_are_broken_at_blanks_and_commas() {
        for (text, width, lines) in [
            ("", 10, &[""][..]),
            ("one two", 10, &["one two"]),
            ("one two three", 7, &["one two", "three"]),
            ("<mss 1460,nop,nop>", 11, &["<mss 1460,", "nop,nop>"]),
            ("incomprehensibilities are long", 9, &["incomprehensibilities", "are long"]),
            ("S 0:0(0) <TS val 1 ecr 2,nop>", 16, &["S 0:0(0)", "<TS val 1 ecr 2,", "nop>"]),
            ("1 < 2 and 3 <= 4", 9, &["1 < 2 and", "3 <= 4"]),
            ("one\ntwo", 10, &["one two"]),
        ] {
            assert_eq!(wrap(text, width), lines, "{text:?} in {width}");
        }
    }
}
