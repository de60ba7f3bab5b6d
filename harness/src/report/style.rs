//! Colours, or none.

use std::fmt::Display;

use anstyle::{AnsiColor, Effects, Style as Ansi};

/// Whether text is coloured. Without colour it says the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Colours for a terminal.
    pub colour: bool,
}

impl Style {
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
}
