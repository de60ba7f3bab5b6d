//! Collects mistakes by the order in which a file is read; only those of the first order that has any are shown.

use crate::case::{Location, Sources};
use crate::front::{Diagnostic, Diagnostics, Severity};

use super::text::Text;

/// The orders in which a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Size, nesting, YAML, aliases, duplicate keys.
    Yaml,
    /// Keys and the types of their values.
    Keys,
    /// `covers`, `given`, tables and their expansion.
    Expansion,
    /// Each notation, in each row.
    Notation,
    /// Names, flows, threads.
    Names,
    /// Times.
    Times,
}

/// A mistake inside one text, in bytes of it.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) text: String,
    pub(super) help: Option<String>,
    pub(super) phase: Phase,
}

/// What parsing a notation gives.
pub(super) type Parse<T> = Result<T, Fault>;

/// A mistake has been reported; there is nothing to go on with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reported;

/// What lowering gives.
pub(super) type Lowers<T> = Result<T, Reported>;

impl Fault {
    pub(super) fn new(range: std::ops::Range<usize>, text: impl Into<String>) -> Self {
        Self { start: range.start, end: range.end, text: text.into(), help: None, phase: Phase::Notation }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn help_opt(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// Help where there is none yet.
    pub(super) fn or_help(mut self, help: &str) -> Self {
        self.help = self.help.or_else(|| Some(help.to_owned()));
        self
    }

    pub(super) fn phase(mut self, phase: Phase) -> Self {
        self.phase = phase;
        self
    }
}

/// Mistakes found so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Report {
    pub(super) sources: Sources,
    found: Vec<(Phase, Diagnostic)>,
}

/// Mistakes of one file beyond this many are not collected.
const ENOUGH: usize = 200;

impl Report {
    /// Adds an error at a place.
    pub(super) fn error(&mut self, phase: Phase, at: Location, text: impl Into<String>) -> Reported {
        self.add(phase, Diagnostic::error(at, text))
    }

    /// Adds an error at a place, with help.
    pub(super) fn error_help(
        &mut self,
        phase: Phase,
        at: Location,
        text: impl Into<String>,
        help: impl Into<String>,
    ) -> Reported {
        self.add(phase, Diagnostic::error(at, text).with_help(help))
    }

    /// Adds a mistake, once.
    pub(super) fn add(&mut self, phase: Phase, diagnostic: Diagnostic) -> Reported {
        let known = self.is_full()
            || self
                .found
                .iter()
                .any(|(_, known)| known.location == diagnostic.location && known.text == diagnostic.text);
        if !known {
            self.found.push((phase, diagnostic));
        }
        Reported
    }

    /// Adds a warning.
    pub(super) fn warn(&mut self, at: Location, text: impl Into<String>) {
        self.add_warning(Diagnostic::error(at, text));
    }

    /// Adds a warning with help.
    pub(super) fn warn_help(&mut self, at: Location, text: impl Into<String>, help: &str) {
        self.add_warning(Diagnostic::error(at, text).with_help(help));
    }

    fn add_warning(&mut self, mut diagnostic: Diagnostic) {
        diagnostic.severity = Severity::Warning;
        self.add(Phase::Times, diagnostic);
    }

    /// Adds a mistake inside a text: at the words as written, naming the step where a cell or name supplied them.
    pub(super) fn fault(&mut self, text: &Text, fault: Fault, through: &[Location]) -> Reported {
        let mut diagnostic = Diagnostic::error(text.at(fault.start..fault.end), fault.text);
        diagnostic.help = fault.help;
        if let Some(via) = text.via(fault.start) {
            diagnostic.related.push((via, "in this step".to_owned()));
        }
        for at in through.iter().rev() {
            diagnostic.related.push((*at, "used here".to_owned()));
        }
        self.add(fault.phase, diagnostic)
    }

    /// Whether there are errors of this order or an earlier one.
    pub(super) fn failed(&self, up_to: Phase) -> bool {
        self.found.iter().any(|(phase, diagnostic)| *phase <= up_to && diagnostic.severity == Severity::Error)
    }

    /// Whether no more mistakes are collected.
    pub(super) fn is_full(&self) -> bool {
        self.found.len() >= ENOUGH
    }

    /// The errors of the first order that has any.
    pub(super) fn errors(self) -> Diagnostics {
        let is_error = |diagnostic: &Diagnostic| diagnostic.severity == Severity::Error;
        let first =
            self.found.iter().filter(|(_, diagnostic)| is_error(diagnostic)).map(|(phase, _)| *phase).min();
        let list = self
            .found
            .into_iter()
            .filter(|(phase, diagnostic)| Some(*phase) == first && is_error(diagnostic))
            .map(|(_, diagnostic)| diagnostic)
            .collect();
        Diagnostics { sources: self.sources, list }
    }

    /// The warnings.
    pub(super) fn warnings(self) -> Diagnostics {
        let list = self
            .found
            .into_iter()
            .map(|(_, diagnostic)| diagnostic)
            .filter(|diagnostic| diagnostic.severity == Severity::Warning)
            .collect();
        Diagnostics { sources: self.sources, list }
    }
}
