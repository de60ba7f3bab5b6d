//! Targets: whatever is tested, behind one trait. Only a target knows the time.

pub mod bundled;
#[cfg(all(feature = "linux", target_os = "linux"))]
pub mod linux;
pub mod machine;
pub mod replay;
pub mod scripted;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::case::{
    Capability, DescriptorId, Errno, Flow, FlowId, IpVersion, Link, Setting, Signal, Submission, ThreadId,
    Value,
};
use crate::time::{Span, Timestamp};

/// What the driver of the engine needs of a target. One value runs one case.
///
/// Methods that act return the moment at which the act was done. Only [`advance`](Self::advance) moves time.
pub trait Target {
    /// What this target is.
    fn info(&self) -> &TargetInfo;

    /// Nanoseconds from the Unix epoch to the moment that timestamps count from; 0 on a virtual clock.
    fn epoch_ns(&self) -> u64 {
        0
    }

    /// The present moment.
    fn now(&mut self) -> Timestamp;

    /// Changes a setting while the case runs.
    ///
    /// # Errors
    /// [`TargetError::Missing`] where the target lacks the setting.
    fn configure(&mut self, setting: &Setting) -> Result<Timestamp, TargetError>;

    /// Changes how many bytes a packet on the link may have.
    ///
    /// # Errors
    /// [`TargetError::Missing`] where the target's link cannot have that size.
    fn resize(&mut self, mtu: u16) -> Result<Timestamp, TargetError>;

    /// Lets a packet arrive.
    ///
    /// # Errors
    /// [`TargetError::Broken`] where the way into the target is gone.
    fn inject(&mut self, packet: &[u8]) -> Result<Timestamp, TargetError>;

    /// Makes a call. Returns when the call has returned, or is known to block; the result comes as an
    /// [`Observation::Returned`].
    ///
    /// # Errors
    /// [`TargetError::Missing`] for calls the target does not know.
    fn submit(&mut self, submission: &Submission) -> Result<Timestamp, TargetError>;

    /// Delivers a signal to a thread; its handler does nothing, and restarts calls only with `restart`.
    ///
    /// # Errors
    /// [`TargetError::Missing`] where the target has no signals.
    fn signal(&mut self, thread: ThreadId, signal: Signal, restart: bool) -> Result<Timestamp, TargetError>;

    /// Looks at something without changing it.
    ///
    /// # Errors
    /// [`TargetError::Missing`] where the target cannot tell.
    fn inspect(&mut self, what: &Inspection) -> Result<Value, TargetError>;

    /// Moves time to `until` at most. `Ok(None)`: `until` was reached in silence, and everything due then is done.
    /// With `until` not after [`now`](Self::now): what is there already, without waiting.
    ///
    /// # Errors
    /// [`TargetError::Broken`] where the target cannot go on.
    fn advance(&mut self, until: Timestamp) -> Result<Option<Observation>, TargetError>;

    /// Takes the changes of state since it was last asked, in order. They are evidence and no part of a verdict; most
    /// targets have none to tell.
    fn state_changes(&mut self) -> Vec<StateChange> {
        Vec::new()
    }

    /// Destroys every flow. What that emits is given back; it is not judged.
    ///
    /// # Errors
    /// [`TargetError::Broken`] where something could not be removed.
    fn finish(self: Box<Self>) -> Result<Vec<Observation>, TargetError>;
}

/// Makes a [`Target`] for each case.
pub trait TargetFactory: Sync {
    /// What its targets are.
    fn info(&self) -> &TargetInfo;

    /// Makes a target in which nothing has happened yet, with baseline, settings and link in place.
    ///
    /// # Errors
    /// [`TargetError::Missing`] where the world asks for what the target lacks; [`TargetError::Unusable`] where
    /// this machine cannot run the target at all.
    fn open(&self, world: &World) -> Result<Box<dyn Target>, TargetError>;
}

/// What must be in place before the first step.
#[derive(Clone, Debug)]
pub struct World {
    /// Address family of sockets and link.
    pub ip: IpVersion,
    /// MTU and offload.
    pub link: Link,
    /// Settings of the case, on top of the baseline.
    pub settings: Vec<Setting>,
    /// The case's flows; a target needs those with a chosen `local_isn`.
    pub flows: Vec<Flow>,
    /// How many threads make calls.
    pub threads: usize,
    /// On a real clock: begin at one place between two ticks of the kernel's timers, act within microseconds of the time,
    /// and hand over at once what happens, in the order in which it is noticed. That is how packetdrill runs, whose
    /// scripts count on it.
    pub prompt: bool,
    /// Seed of what a target draws by chance.
    pub seed: u64,
}

/// What a target is and can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetInfo {
    /// The name after `--target`.
    pub id: String,
    /// Of the stack behind it: a crate version, a kernel release.
    pub version: String,
    /// What it can do.
    pub capabilities: BTreeSet<Capability>,
    /// How exact its clock is.
    pub timing: Timing,
}

/// How exact a target's clock is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// Exact and instant.
    Virtual,
    /// The machine's.
    Real(Tolerance),
}

/// How far from its nominal time something may happen on a real clock. Nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tolerance {
    /// How much too early: one jiffy and a little.
    pub early: i64,
    /// How much too late whatever the wait: one jiffy and the wake-up lateness measured.
    pub late: i64,
    /// And the wait divided by this: kernel timers are the later the longer they are.
    pub divisor: i64,
}

impl Timing {
    /// How much too early something may happen.
    #[must_use]
    pub const fn early(self) -> Span {
        match self {
            Self::Virtual => Span::ZERO,
            Self::Real(tolerance) => Span(tolerance.early),
        }
    }

    /// How much too late something may happen that was waited for so long.
    #[must_use]
    pub fn late(self, interval: Span) -> Span {
        match self {
            Self::Virtual => Span::ZERO,
            Self::Real(tolerance) => Span(tolerance.late + interval.0.max(0) / tolerance.divisor.max(1)),
        }
    }
}

/// Something that crossed the boundary from the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// A packet left the target.
    Emitted {
        /// When.
        at: Timestamp,
        /// The whole packet, from its IP header.
        packet: Vec<u8>,
    },
    /// A call returned.
    Returned {
        /// When.
        at: Timestamp,
        /// Whose call it was.
        thread: ThreadId,
        /// With what.
        completion: Completion,
    },
    /// A call raised a signal. Comes before the call's return.
    Signalled {
        /// When.
        at: Timestamp,
        /// In which thread.
        thread: ThreadId,
        /// Which.
        signal: Signal,
    },
    /// The run says nothing: packets were lost on their way to us, or the machine stood still.
    Disturbed {
        /// When it was noticed.
        at: Timestamp,
        /// What happened.
        by: String,
    },
}

impl Observation {
    /// When it happened.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Emitted { at, .. }
            | Self::Returned { at, .. }
            | Self::Signalled { at, .. }
            | Self::Disturbed { at, .. } => *at,
        }
    }
}

/// A connection, or a socket that listens, changed its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// When.
    pub at: Timestamp,
    /// The target's end and the peer's; none of a socket that listens.
    pub ends: Option<(SocketAddr, SocketAddr)>,
    /// The state before, `LISTEN` of a connection that a listener begins.
    pub from: String,
    /// The state after.
    pub to: String,
    /// What it came of: `call`, `segment`, `reset`, `icmp`, `timer`.
    pub cause: String,
}

/// What a call came back with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The return value, or the errno of a -1.
    pub result: Result<i64, Errno>,
    /// Bytes read.
    pub data: Vec<u8>,
    /// What came back through other pointers.
    pub given: Option<Value>,
}

/// What can be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inspection {
    /// A field of a descriptor: `tcpi_snd_cwnd`, `state`, `unread`, `unsent`, `unacked`, `accept_queue`.
    Descriptor(DescriptorId, String),
    /// The state of the connection between two ends, with or without descriptor: a [`Value::Int`] as in
    /// `tcp_states.h` (1 ESTABLISHED .. 12 NEW_SYN_RECV shown as 3), 7 where there is none.
    FlowState {
        /// The flow asked about.
        flow: FlowId,
        /// The target's end, as on the link.
        local: SocketAddr,
        /// The peer's end.
        remote: SocketAddr,
    },
    /// An SNMP counter: `TcpExtListenOverflows`.
    Counter(String),
    /// The exit status of a shell command, which is run: the only one of these that may change something.
    Command {
        /// What is given to the shell.
        text: String,
        /// The folder it runs in.
        folder: String,
    },
}

/// Why a target did not do what it was asked. The environment's fault, never the judged stack's.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TargetError {
    /// It lacks something the case needs: the case is skipped.
    #[error("{0}")]
    Missing(String),
    /// This machine cannot run it; the text says what to do.
    #[error("{0}")]
    Unusable(String),
    /// It broke while running; the text says what happened.
    #[error("{0}")]
    Broken(String),
}
