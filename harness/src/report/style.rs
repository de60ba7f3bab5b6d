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
