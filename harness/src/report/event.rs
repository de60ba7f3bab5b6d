//! What happens in a run of the command line, for whoever reports it.

use std::time::Duration;

use crate::case::{Case, split_id};
use crate::front::Diagnostics;
use crate::run::{CaseRun, Saved};
use crate::target::{TargetInfo, Timing};
use crate::verdict::{Deviation, Ledger, Verdict};

use super::{Outcome, Style, Tally};

/// One thing that happened. They come in this order: `Planned`; for each target `Begins`, then the files that are wrong,
/// the runs in the order of the plan, stale entries, `Ends`; at last `Over`.
pub enum RunEvent<'a> {
    /// So many runs, wrong files and stale entries will follow, if nothing cuts the whole short.
    Planned(usize),
    /// A target's part begins.
    Begins(&'a TargetInfo),
    /// A file is wrong.
    Invalid {
        /// Its id.
        id: &'a str,
        /// What is wrong with it.
        mistakes: &'a Diagnostics,
    },
    /// A run is over.
    Finished(&'a Finished<'a>),
    /// A run was cut short, or never began.
    NotRun {
        /// The case.
        case: &'a Case,
        /// Which repeat, from 1.
        repeat: u32,
    },
    /// An entry of the ledger matches no test.
    Stale {
        /// The entry.
        deviation: &'a Deviation,
        /// Its line in the ledger.
        line: usize,
    },
    /// A target's part is over.
    Ends(&'a Ending<'a>),
    /// All is over.
    Over,
}

/// A run that is over.
pub struct Finished<'a> {
    /// The case.
    pub case: &'a Case,
    /// The target.
    pub target: &'a TargetInfo,
    /// Which repeat, from 1.
    pub repeat: u32,
    /// How it went.
    pub run: &'a CaseRun,
    /// What is known of the test.
    pub deviation: Option<&'a Deviation>,
    /// Its files.
    pub saved: Option<&'a Saved>,
    /// The page that explains it; empty for a run that did not fail.
    pub page: &'a dyn Fn(Style) -> String,
}

impl Finished<'_> {
    /// What the run means for whoever asked.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        Outcome::of(&self.run.report.verdict, self.deviation.is_some())
    }

    /// The test's id, with the number of the repeat from the second on.
    #[must_use]
    pub fn name(&self) -> String {
        name(self.case, self.repeat)
    }

    /// Where the run's files are, one a line.
    pub(super) fn files(&self) -> Vec<(&'static str, String)> {
        self.saved.map_or_else(Vec::new, |saved| {
            vec![
                ("capture", saved.capture.display().to_string()),
                ("trace", saved.trace.display().to_string()),
            ]
        })
    }

    /// What there is to say of a run that is not a plain pass, in a line.
    #[must_use]
    pub fn why(&self) -> Option<String> {
        match (&self.run.report.verdict, self.deviation) {
            (Verdict::Pass, None) => None,
            (Verdict::Pass, Some(deviation)) => {
                Some(format!("passed, but is known to fail ({})", deviation.kind.name()))
            }
            (Verdict::Fail(_), Some(deviation)) => {
                Some(format!("known ({}): {}", deviation.kind.name(), deviation.reason))
            }
            (Verdict::Fail(mismatches), None) => {
                Some(mismatches.first().map(|first| first.problem.to_string()).unwrap_or_default())
            }
            (Verdict::Inconclusive { why }, _) => Some(why.clone()),
            (Verdict::Skipped { missing }, _) => Some(missing.clone()),
        }
    }
}

/// How a target's part ended.
pub struct Ending<'a> {
    /// The target.
    pub target: &'a TargetInfo,
    /// How many of each.
    pub tally: &'a Tally,
    /// How long it took.
    pub wall: Duration,
    /// Whether the user cut it short.
    pub is_interrupted: bool,
    /// Entries of ledgers that tests failed by, and how many tests.
    pub met: &'a [(&'a Ledger, &'a Deviation, usize)],
}

/// Makes text of what happens.
pub trait Reporter {
    /// What is to be added to the report; whole lines, often none.
    fn report(&mut self, event: &RunEvent<'_>) -> String;
}

/// The folder of a test: `connect` of `connect/refused[ip=v4]`.
pub(super) fn area(id: &str) -> &str {
    let (file, _) = split_id(id);
    file.rsplit_once('/').map_or(file, |(area, _)| area)
}

/// The id of a case, with the number of the repeat from the second on.
pub(super) fn name(case: &Case, repeat: u32) -> String {
    if repeat > 1 { format!("{} ({repeat})", case.id) } else { case.id.clone() }
}

/// The first mistake in a file, and where it is.
pub(super) fn first_mistake(mistakes: &Diagnostics) -> (String, Option<usize>) {
    let Some(first) = mistakes.list.first() else { return (String::new(), None) };
    let line = first.location.map(|at| mistakes.sources.line_column(at).0);
    let place = first.location.map(|at| format!("{}: ", mistakes.sources.describe(at)));
    (format!("{}{}", place.unwrap_or_default(), first.text), line)
}

/// Whether the target has a clock of its own beside the user's.
pub(super) const fn is_real(target: &TargetInfo) -> bool {
    matches!(target.timing, Timing::Real(_))
}
