//! What happened in a run, in order: material for ladders, captures and comparisons.

use crate::case::{FlowId, Signal, ThreadId};
use crate::target::Completion;
use crate::time::Timestamp;
use crate::wire::notation::Bases;

use super::eval::Worth;
use super::link::Fate;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
    /// In one line: a packet in notation with relative numbers, a call as written, what it returned.
    pub text: String,
    /// The step that did it or claimed it.
    pub step: Option<usize>,
    /// What the judge made of it.
    pub status: Status,
    /// What the link did to it.
    pub fates: Vec<Fate>,
    /// Of a packet that left the target: its flow, if it has one.
    pub flow: Option<FlowId>,
    /// Of a packet that left the target: what its numbers count from.
    pub bases: Bases,
    /// Of a call that returned: what it came back with.
    pub back: Option<Completion>,
}

impl Event {
    /// Something that belongs to no flow, as far as is known.
    pub(super) fn new(at: Timestamp, what: What, text: String, step: Option<usize>, status: Status) -> Self {
        Self {
            at,
            what,
            text,
            step,
            status,
            fates: Vec::new(),
            flow: None,
            bases: Bases::default(),
            back: None,
        }
    }
}

/// What a step with `assert` saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The step.
    pub step: usize,
    /// When it was due.
    pub at: Timestamp,
    /// What was looked at, as written: `s.tcpi_snd_cwnd`.
    pub place: String,
    /// What was there.
    pub worth: Worth,
}

/// Kinds of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A packet arrived at the target.
    Injected(Vec<u8>),
    /// A packet left the target.
    Emitted(Vec<u8>),
    /// A packet was sent to the target and never arrived: the link lost it.
    Lost(Vec<u8>),
    /// A call was made.
    Called(ThreadId),
    /// A call returned.
    Returned(ThreadId),
    /// A signal was raised in a thread.
    Signalled(ThreadId, Signal),
    /// A setting or signal of the case.
    Did,
}

/// What the judge made of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Done by the case: nothing to judge.
    Done,
    /// No step has claimed it (yet).
    Unclaimed,
    /// It is what its step expected.
    Expected,
    /// A step permits it.
    Allowed,
    /// It is for a peer that answers by itself: its content was judged.
    Content,
    /// Its step expected something else.
    Wrong,
    /// No step names it.
    Unexpected,
    /// Not judged: neighbour discovery and the like.
    Ignored,
    /// After the end of the case: not judged.
    Teardown,
}

impl Status {
    /// One word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Unclaimed => "unclaimed",
            Self::Expected => "as expected",
            Self::Allowed => "allowed",
            Self::Content => "taken by the peer",
            Self::Wrong => "wrong",
            Self::Unexpected => "unexpected",
            Self::Ignored => "ignored",
            Self::Teardown => "after the end",
        }
    }
}
