//! What a run says about a target.

mod ledger;

use crate::time::{Span, Timestamp};

pub use ledger::{Comparison, Condition, Deviation, DeviationKind, Ledger, Version};

/// The outcome of one run of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every expectation held, and nothing else happened.
    Pass,
    /// Something did not happen as written, in the order it was noticed.
    Fail(Vec<Mismatch>),
    /// The machine, not the target, got in the way.
    Inconclusive {
        /// How.
        why: String,
    },
    /// The target lacks something.
    Skipped {
        /// What.
        missing: String,
    },
}

impl Verdict {
    /// `pass`, `fail`, `inconclusive`, `skipped`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail(_) => "fail",
            Self::Inconclusive { .. } => "inconclusive",
            Self::Skipped { .. } => "skipped",
        }
    }

    /// What did not happen as written; empty unless the case failed.
    #[must_use]
    pub fn mismatches(&self) -> &[Mismatch] {
        match self {
            Self::Fail(mismatches) => mismatches,
            Self::Pass | Self::Inconclusive { .. } | Self::Skipped { .. } => &[],
        }
    }

    /// Whether all that is wrong is that things happened late.
    #[must_use]
    pub fn is_only_late(&self) -> bool {
        self.is_first_late() && self.mismatches().iter().all(Mismatch::is_late)
    }

    /// Whether the first thing that is wrong is that something happened late: what follows may follow from that.
    #[must_use]
    pub fn is_first_late(&self) -> bool {
        self.mismatches().first().is_some_and(Mismatch::is_late)
    }

    /// The step whose assertion is the first thing that is wrong.
    #[must_use]
    pub fn first_untrue(&self) -> Option<usize> {
        let first = self.mismatches().first()?;
        matches!(first.problem, Problem::NotTrue { .. }).then_some(first.step)
    }
}

/// One thing that did not happen as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Index of the step it belongs to.
    pub step: usize,
    /// When it was noticed, or happened.
    pub at: Timestamp,
    /// What is wrong.
    pub problem: Problem,
    /// A fact that may explain it: another flow, the state of the connection.
    pub hints: Vec<String>,
}

impl Mismatch {
    const fn is_late(&self) -> bool {
        matches!(self.problem, Problem::TooLate { .. })
    }
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The packet that came differs in these fields.
    WrongPacket {
        /// In one line.
        expected: String,
        /// In one line.
        actual: String,
        /// Only what differs.
        fields: Vec<FieldDifference>,
    },
    /// Nothing came.
    NothingCame {
        /// What was expected, in one line.
        expected: String,
    },
    /// A packet that no step names.
    UnexpectedPacket {
        /// In one line.
        actual: String,
    },
    /// A packet that fits no flow.
    NoFlow {
        /// Addresses and what it is, in one line.
        actual: String,
    },
    /// It came, but before its window.
    TooEarly {
        /// What.
        what: String,
        /// By how much.
        by: Span,
        /// The window it should have come in.
        window: (Timestamp, Timestamp),
    },
    /// It came, but after its window.
    TooLate {
        /// What.
        what: String,
        /// By how much.
        by: Span,
        /// The window it should have come in.
        window: (Timestamp, Timestamp),
    },
    /// A call that should have returned has not.
    StillBlocked {
        /// The call.
        call: String,
    },
    /// A call that should block has returned.
    DidNotBlock {
        /// The call.
        call: String,
        /// With what.
        returned: String,
    },
    /// A call came back with something else.
    WrongResult {
        /// The call.
        call: String,
        /// Only what differs: `returns`, `gives`, `data`, `raises`.
        fields: Vec<FieldDifference>,
    },
    /// An `assert` is not true.
    NotTrue {
        /// The expression.
        expression: String,
        /// The values it saw.
        values: Vec<(String, String)>,
        /// What the case says about it.
        says: Option<String>,
    },
    /// The step's time had passed when it was reached.
    InThePast {
        /// By how much.
        by: Span,
    },
    /// The step could not be done because an earlier one failed.
    Consequence {
        /// What was not there.
        missing: String,
    },
    /// The step cannot mean anything with the values of this run.
    Meaningless {
        /// Why.
        why: String,
    },
}

/// One field that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldDifference {
    /// `seq`, `win`, `payload byte 17`, `returns`.
    pub field: String,
    /// As the case has it.
    pub expected: String,
    /// As it came.
    pub actual: String,
    /// The bytes around the first that differs, where bytes do.
    pub bytes: Option<Box<BytesDiffer>>,
}

/// Where bytes differ first, and what is known of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BytesDiffer {
    /// The first byte that differs, counted from the first of the segment or of what was read.
    pub at: usize,
    /// Its place in the stream; 0 is the first byte of data.
    pub offset: u64,
    /// How many bytes come before the first that is shown here.
    pub shown_from: usize,
    /// What should have come, from there on.
    pub expected: Vec<u8>,
    /// What came.
    pub actual: Vec<u8>,
    /// Where the bytes that came belong, if that shows.
    pub belongs: Option<String>,
}

impl FieldDifference {
    /// A field with what was expected and what came.
    #[must_use]
    pub fn new(field: impl Into<String>, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        Self { field: field.into(), expected: expected.into(), actual: actual.into(), bytes: None }
    }
}

/// In one line.
impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::WrongPacket { fields, .. } | Self::WrongResult { fields, .. } => {
                let fields: Vec<String> = fields.iter().map(ToString::to_string).collect();
                f.write_str(&fields.join("; "))
            }
            Self::NothingCame { expected } => write!(f, "nothing came; expected {expected}"),
            Self::UnexpectedPacket { actual } => write!(f, "unexpected packet: {actual}"),
            Self::NoFlow { actual } => write!(f, "packet of no flow: {actual}"),
            Self::TooEarly { by, .. } => write!(f, "too early by {by}"),
            Self::TooLate { by, .. } => write!(f, "too late by {by}"),
            Self::StillBlocked { call } => write!(f, "{call} is still blocked"),
            Self::DidNotBlock { call, returned } => write!(f, "{call} did not block: it returned {returned}"),
            Self::NotTrue { expression, .. } => write!(f, "not true: {expression}"),
            Self::InThePast { by } => write!(f, "its time had passed {by} before it was reached"),
            Self::Consequence { missing } => write!(f, "not done: {missing}"),
            Self::Meaningless { why } => write!(f, "no meaning here: {why}"),
        }
    }
}

impl std::fmt::Display for FieldDifference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: expected {}, got {}", self.field, self.expected, self.actual)
    }
}
