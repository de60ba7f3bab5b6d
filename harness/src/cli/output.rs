//! Standard output and error.

use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice};
use terminal_size::{Height, Width};

use crate::report::Style;

/// Where text goes. A reader that has gone away (`| head`) is no error: nothing more is written.
pub(super) struct Output {
    out: AutoStream<io::Stdout>,
    err: AutoStream<io::Stderr>,
    closed: bool,
}

impl Output {
    pub(super) fn new() -> Self {
        Self { out: AutoStream::auto(io::stdout()), err: AutoStream::auto(io::stderr()), closed: false }
    }

    /// The style of standard output.
    pub(super) fn style(&self) -> Style {
        let width = terminal_size::terminal_size_of(io::stdout());
        style(self.out.current_choice(), width)
    }

    /// The style of standard error.
    pub(super) fn error_style(&self) -> Style {
        let width = terminal_size::terminal_size_of(io::stderr());
        style(self.err.current_choice(), width)
    }

    /// A line on standard output. False: nobody reads any more.
    pub(super) fn line(&mut self, text: &str) -> bool {
        if !self.closed {
            self.closed = writeln!(self.out, "{text}").and_then(|()| self.out.flush()).is_err();
        }
        !self.closed
    }

    /// Text on standard error.
    pub(super) fn error(&mut self, text: &str) {
        // There is nowhere left to report that this failed.
        let _ = writeln!(self.err, "{}", text.trim_end());
    }

    /// A mistake of the user or the machine, in the form of all our errors.
    pub(super) fn complain(&mut self, text: &str, help: Option<&str>) {
        let style = self.error_style();
        let help = help.map(|help| format!("\nhelp: {help}")).unwrap_or_default();
        self.error(&format!("tcpdrill: {} {text}{help}", style.bad("error:")));
    }
}

/// As wide as the terminal, if there is one.
fn style(colour: ColorChoice, size: Option<(Width, Height)>) -> Style {
    let usual = Style::default();
    let width = size.map_or(usual.width, |(width, _)| usize::from(width.0));
    Style { colour: colour != ColorChoice::Never, width }
}
