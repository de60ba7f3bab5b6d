//! Standard output and error.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use anstream::{AutoStream, ColorChoice};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use terminal_size::{Height, Width};

use crate::report::Style;
use crate::run::Loaded;

/// What is over sooner than this needs no progress.
const PATIENCE: Duration = Duration::from_millis(500);

/// Where text goes. A reader that has gone away (`| head`) is no error: nothing more is written.
pub(super) struct Output {
    out: AutoStream<io::Stdout>,
    err: AutoStream<io::Stderr>,
    closed: bool,
    /// A line on a terminal that says how far a run is; all other text is written around it.
    progress: Option<(ProgressBar, Instant)>,
}

impl Output {
    pub(super) fn new() -> Self {
        let (out, err) = (AutoStream::auto(io::stdout()), AutoStream::auto(io::stderr()));
        Self { out, err, closed: false, progress: None }
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

    /// Whether somebody sits before standard output.
    pub(super) fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// A line on standard output. False: nobody reads any more.
    pub(super) fn line(&mut self, text: &str) -> bool {
        self.text(&format!("{text}\n"))
    }

    /// Whole lines on standard output. False: nobody reads any more.
    pub(super) fn text(&mut self, text: &str) -> bool {
        if !self.closed && !text.is_empty() {
            let out = &mut self.out;
            let write = || out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err();
            self.closed = aside(self.progress.as_ref(), write);
        }
        !self.closed
    }

    /// Text on standard error.
    pub(super) fn error(&mut self, text: &str) {
        let err = &mut self.err;
        // There is nowhere left to report that this failed.
        let _ = aside(self.progress.as_ref(), || writeln!(err, "{}", text.trim_end()));
    }

    /// A mistake of the user or the machine, in the form of all our errors.
    pub(super) fn complain(&mut self, text: &str, help: Option<&str>) {
        let style = self.error_style();
        let help = help.map(|help| format!("\nhelp: {help}")).unwrap_or_default();
        self.error(&format!("tcpdrill: {} {text}{help}", style.bad("error:")));
    }

    /// What is wrong with the files that are no cases.
    pub(super) fn mistakes(&mut self, loaded: &Loaded) {
        let colour = self.error_style().colour;
        for (_, mistakes) in &loaded.invalid {
            self.error(&mistakes.render(colour));
        }
    }

    /// From now on a line on standard error says how many of `total` are over, if that is a terminal.
    #[expect(clippy::disallowed_methods, reason = "how long the user has waited is measured here")]
    pub(super) fn start_progress(&mut self, total: usize) {
        if !io::stderr().is_terminal() {
            return;
        }
        let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("[{bar:24}] {pos}/{len}  {elapsed}  {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        self.progress = Some((bar, Instant::now()));
    }

    /// So many are over.
    pub(super) fn progress(&mut self, over: usize, message: &str) {
        let Some((bar, start)) = &self.progress else { return };
        if bar.is_hidden() && start.elapsed() > PATIENCE {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        if bar.message() != message {
            bar.set_message(message.to_owned());
        }
        bar.set_position(over as u64);
        bar.tick();
    }

    /// Takes the line away.
    pub(super) fn end_progress(&mut self) {
        if let Some((bar, _)) = self.progress.take() {
            bar.finish_and_clear();
        }
    }
}

/// Does something while the progress line is out of the way.
fn aside<T>(progress: Option<&(ProgressBar, Instant)>, write: impl FnOnce() -> T) -> T {
    match progress {
        Some((bar, _)) => bar.suspend(write),
        None => write(),
    }
}

/// As wide as the terminal, if there is one.
fn style(colour: ColorChoice, size: Option<(Width, Height)>) -> Style {
    let usual = Style::default();
    let width = size.map_or(usual.width, |(width, _)| usize::from(width.0));
    Style { colour: colour != ColorChoice::Never, width }
}
