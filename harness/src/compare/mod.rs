//! Two runs of the same case, thing by thing: what differs, and how. Pure.
//!
//! What a run did is sorted into lanes: acts of the case and what calls return are found by their steps, what is
//! emitted on a flow by order and likeness. Pairs are compared, what has no partner is missing or extra. Times are
//! waits since the latest thing that both runs did before, so that one delay is not found again in all that follows.

mod align;
mod calls;
mod happenings;
mod ignored;
mod packets;
mod pairs;
mod times;

use crate::case::Case;
use crate::engine::Report;
use crate::time::Span;
use crate::trace::Trace;
use crate::verdict::Verdict;

use happenings::Happening;
use pairs::Pairing;

pub use ignored::{FIELDS, Ignored, OPTIONS};

/// One of the two runs.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// What it is called.
    pub name: &'a str,
    /// What it came to.
    pub report: &'a Report,
    /// Its trace, for what is in no report: changes of state, and how long was looked.
    pub trace: Option<&'a Trace>,
}

/// What two runs have that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Everything that happened in either run, in order of the first.
    pub rows: Vec<Row>,
}

/// Something that happened in one run or in both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// In the first run.
    pub a: Option<Mark>,
    /// In the second.
    pub b: Option<Mark>,
    /// The step that did it or claimed it.
    pub step: Option<usize>,
    /// How the two differ, what matters most first; empty: they do not.
    pub differences: Vec<Difference>,
}

/// Something that happened, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When, from time 0 of the case.
    pub at: Span,
    /// What it was.
    pub kind: Kind,
    /// In one line.
    pub text: String,
}

/// Kinds of what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A packet arrived at the target.
    Injected,
    /// A packet left it.
    Emitted,
    /// A call was made.
    Called,
    /// A call returned.
    Returned,
    /// A signal was raised.
    Signalled,
    /// A setting, a signal or the link changed.
    Did,
    /// An `assert` looked at something.
    Seen,
    /// A connection changed its state.
    State,
    /// The verdict.
    Verdict,
}

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// How.
    pub class: Class,
    /// What: a field, a wait.
    pub what: String,
    /// In the first run.
    pub a: String,
    /// In the second.
    pub b: String,
}

/// Kinds of differences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The second run lacks it.
    Missing,
    /// Only the second run has it.
    Extra,
    /// A call failed in one run, or in both with different errors.
    Errno,
    /// A call gave something else.
    Return,
    /// A signal.
    Signal,
    /// A field of a packet.
    Field,
    /// Bytes that were sent or read.
    Data,
    /// The state of a connection, or what else a target tells of itself.
    State,
    /// It came sooner or later than the tolerances of both clocks allow, or before something else.
    Timing,
    /// Only the verdicts differ.
    Verdict,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Missing,
        Self::Extra,
        Self::Errno,
        Self::Return,
        Self::Signal,
        Self::Field,
        Self::Data,
        Self::State,
        Self::Timing,
        Self::Verdict,
    ];

    /// One word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Errno => "errno",
            Self::Return => "return",
            Self::Signal => "signal",
            Self::Field => "field",
            Self::Data => "data",
            Self::State => "state",
            Self::Timing => "timing",
            Self::Verdict => "verdict",
        }
    }
}

impl Difference {
    fn new(class: Class, what: impl Into<String>, a: impl Into<String>, b: impl Into<String>) -> Self {
        Self { class, what: what.into(), a: a.into(), b: b.into() }
    }
}

impl Comparison {
    /// The first row that differs, and its first difference.
    #[must_use]
    pub fn first(&self) -> Option<(&Row, &Difference)> {
        self.rows.iter().find_map(|row| Some((row, row.differences.first()?)))
    }

    /// How many differences there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.rows.iter().map(|row| row.differences.len()).sum()
    }
}

/// Compares two runs of a case.
#[must_use]
pub fn compare(case: &Case, a: Side<'_>, b: Side<'_>, ignored: &Ignored) -> Comparison {
    let tells = (happenings::tells_states(&a), happenings::tells_states(&b));
    let target = |side: Side<'_>| side.trace.map(|trace| trace.header.target.clone());
    // That a target tells of no change says something only if it could.
    let with_states = tells == (true, true) || (tells != (false, false) && target(a) == target(b));
    let (one, other) = (happenings::of(case, &a, with_states), happenings::of(case, &b, with_states));
    let pairing = Pairing::new(case, (a, &one), (b, &other));
    let mut rows: Vec<Row> = pairing
        .order()
        .into_iter()
        .filter_map(|(i, j)| {
            let mut differences = pairing.differences(i, j);
            differences.retain(|difference| !ignored.has(difference.class, &difference.what));
            row(&pairing, (i, j), differences)
        })
        .collect();
    let is_different = rows.iter().any(|row| !row.differences.is_empty());
    if !is_different
        && a.report.verdict.name() != b.report.verdict.name()
        && !ignored.has(Class::Verdict, "verdict")
    {
        rows.push(verdicts(a, b));
    }
    Comparison { rows }
}

/// A row; none of changes of state that do not differ.
fn row(pairing: &Pairing<'_>, (i, j): align::Pair, differences: Vec<Difference>) -> Option<Row> {
    let mark = |happening: &Happening<'_>, side: Side<'_>| Mark {
        at: happening.at - side.report.zero,
        kind: happening.kind,
        text: happening.text.clone(),
    };
    let a = i.and_then(|i| pairing.one.get(i));
    let b = j.and_then(|j| pairing.other.get(j));
    let is_state = a.or(b).is_some_and(|happening| happening.kind == Kind::State);
    if is_state && differences.is_empty() {
        return None;
    }
    let step = a.and_then(|a| a.step).or(b.and_then(|b| b.step));
    Some(Row { a: a.map(|a| mark(a, pairing.a)), b: b.map(|b| mark(b, pairing.b)), step, differences })
}

/// The row of two verdicts that differ where nothing else does.
fn verdicts(a: Side<'_>, b: Side<'_>) -> Row {
    let text = |side: Side<'_>| match &side.report.verdict {
        Verdict::Fail(mismatches) => {
            let first = mismatches.first().map(|mismatch| mismatch.problem.to_string());
            format!("fail: {}", first.unwrap_or_default())
        }
        Verdict::Inconclusive { why } => format!("inconclusive: {why}"),
        verdict @ (Verdict::Pass | Verdict::Skipped { .. }) => verdict.name().to_owned(),
    };
    let first = a.report.verdict.mismatches().first().or(b.report.verdict.mismatches().first());
    let mark = |side: Side<'_>| {
        let at = first.map_or(Span::ZERO, |first| first.at - side.report.zero);
        Some(Mark { at, kind: Kind::Verdict, text: text(side) })
    };
    Row {
        a: mark(a),
        b: mark(b),
        step: first.map(|first| first.step),
        differences: vec![Difference::new(Class::Verdict, "verdict", text(a), text(b))],
    }
}
