//! Two runs of the same case, for people and programs.

mod json;
mod page;
mod tally;
mod text;

use crate::case::Case;
use crate::compare::Comparison;

use super::ladder::place;

pub use json::{comparison_line, comparison_summary_line};
pub use page::comparison_page;
pub use tally::CompareTally;
pub use text::{comparison_summary_text, comparison_text};

/// One test and what its two runs came to.
#[derive(Clone, Copy, Debug)]
pub struct Compared<'a> {
    /// The test.
    pub case: &'a Case,
    /// What the two runs are called.
    pub names: (&'a str, &'a str),
    /// Their verdicts.
    pub verdicts: (&'a str, &'a str),
    /// What was found.
    pub finding: &'a CompareFinding,
}

/// What two runs of a test say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompareFinding {
    /// Nothing differs.
    Equal(Comparison),
    /// Something does.
    Differs(Comparison),
    /// Something does, and a ledger says that one of the targets fails the test.
    Known(Comparison, String),
    /// One of the targets cannot run it, or there is only one run of it.
    Skipped(String),
    /// The machine got in the way of one of the runs.
    Inconclusive(String),
}

impl CompareFinding {
    /// One word.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Equal(_) => "equal",
            Self::Differs(_) => "differs",
            Self::Known(..) => "known",
            Self::Skipped(_) => "skipped",
            Self::Inconclusive(_) => "inconclusive",
        }
    }

    /// What happened, if both ran.
    #[must_use]
    pub const fn comparison(&self) -> Option<&Comparison> {
        match self {
            Self::Equal(comparison) | Self::Differs(comparison) | Self::Known(comparison, _) => {
                Some(comparison)
            }
            Self::Skipped(_) | Self::Inconclusive(_) => None,
        }
    }
}

/// Where a step stands.
fn where_of(case: &Case, step: Option<usize>) -> String {
    let step = step.and_then(|step| case.steps.get(step));
    step.map(|step| place(case, step.origin.at)).unwrap_or_default()
}

/// Nanoseconds as seconds with six decimals.
fn seconds(nanos: i64) -> String {
    let micros = nanos / 1_000;
    let sign = if micros < 0 { "-" } else { "" };
    format!("{sign}{}.{:06}", micros.abs() / 1_000_000, micros.abs() % 1_000_000)
}
