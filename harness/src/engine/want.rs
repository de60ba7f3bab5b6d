//! What the engine asks of whoever drives it, and the answers.

use crate::case::{Setting, Signal, Submission, ThreadId, Value};
use crate::target::{Inspection, Observation, TargetError};
use crate::time::Timestamp;

/// What is wanted next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// Let time pass up to this moment, and hand over what happens first.
    Advance(Timestamp),
    /// Do something to the target.
    Act {
        /// The step that does it; none for a peer that answers by itself.
        step: Option<usize>,
        /// When it is due; it is due now.
        due: Timestamp,
        /// What.
        act: Act,
    },
    /// Look at something.
    Inspect(Inspection),
    /// The run is over.
    Done,
}

/// Something done to the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A packet arrives.
    Inject(Vec<u8>),
    /// A call is made.
    Submit(Submission),
    /// A setting changes.
    Configure(Setting),
    /// The link carries packets of at most so many bytes.
    Resize(u16),
    /// A signal is delivered.
    Signal {
        /// To this thread.
        thread: ThreadId,
        /// Which.
        signal: Signal,
        /// Whether its handler restarts calls.
        restart: bool,
    },
}

/// An answer to a [`Want`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Something happened first.
    Observed(Observation),
    /// Nothing (more) happened up to this moment.
    Reached(Timestamp),
    /// It was done at this moment.
    Acted {
        /// When it was really done.
        at: Timestamp,
    },
    /// The target cannot do it.
    Refused(TargetError),
    /// What was seen, or why nothing could be.
    Inspected(Result<Value, String>),
}
