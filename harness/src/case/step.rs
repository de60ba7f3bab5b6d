//! Steps: what is done and expected, in order, and when.

use super::{
    Claim, DescriptorId, Errno, Expr, FlowId, Link, Num, Origin, PacketSpec, Payload, Scalar, Setting,
    Signal, Syscall, ThreadId, ValueSpec,
};
use crate::time::Span;

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// When it happens, or must happen.
    pub when: When,
    /// What happens, or must.
    pub action: Action,
    /// `as:` keeps what happened under this name.
    pub name: Option<String>,
    /// The requirements this step checks.
    pub covers: Vec<String>,
    /// For the failure page and the capture.
    pub note: Option<String>,
    /// Where it was written.
    pub origin: Origin,
}

/// What a step does or expects.
#[derive(Clone, Debug)]
pub enum Action {
    /// A socket call is made.
    Call {
        /// The thread that makes it.
        thread: ThreadId,
        /// The call.
        call: Syscall<Scalar>,
        /// The bytes it sends, for calls that send.
        data: Payload,
        /// Descriptors that get names from its result.
        binds: Vec<DescriptorId>,
        /// Whether, and how long, it blocks.
        blocks: Blocks,
        /// What it must return; checked by the `Returns` step instead where `blocks` is `UntilReturns`.
        outcome: Outcome,
    },
    /// A blocked call returns now.
    Returns {
        /// The thread whose call it is.
        thread: ThreadId,
        /// What it must return.
        outcome: Outcome,
    },
    /// A packet arrives at the target.
    Inject {
        /// The flow that gives addresses, ports and bases.
        flow: FlowId,
        /// What is built; only exact numbers.
        packet: PacketSpec,
        /// A new connection on the same ports: the peer's new ISN.
        isn: Option<u32>,
    },
    /// A packet is emitted.
    Expect {
        /// The flow whose queue it is taken from.
        flow: FlowId,
        /// What it must look like.
        expected: Expected,
        /// Whether a new ISN of the target is learnt from it.
        isn: Option<Isn>,
    },
    /// Nothing is emitted for so long, and nothing is left unclaimed.
    Silent {
        /// Only this flow; all if unset.
        flow: Option<FlowId>,
        /// How long.
        span: TimeSpec,
    },
    /// From here on any number of such packets may be emitted.
    Allow {
        /// The flow they belong to.
        flow: FlowId,
        /// What they look like.
        packet: PacketSpec,
        /// For how long; to the end if unset.
        within: Option<TimeSpec>,
    },
    /// Truths that must hold. With a name the step keeps what it looks at: `name.s.tcpi_snd_cwnd`.
    Assert(Vec<Claim>),
    /// A setting is changed.
    Set(Vec<Setting>),
    /// The link changes.
    Link(Link),
    /// Who plays the peer of a flow from here on.
    Peer {
        /// The flow.
        flow: FlowId,
        /// Automaton or script.
        mode: PeerMode,
    },
    /// A signal is delivered to a thread.
    Signal {
        /// The thread.
        thread: ThreadId,
        /// Which signal.
        signal: Signal,
        /// Whether its handler restarts calls (SA_RESTART).
        restart: bool,
    },
    /// `Expect` and `Returns` steps that may happen in any order inside this step's window; their own `when` says
    /// nothing. What a member keeps (`as`) is looked up by the index of this step and the member's name.
    AnyOrder(Vec<Step>),
}

/// What an `expect` accepts.
#[derive(Clone, Debug)]
pub enum Expected {
    /// This packet.
    Packet(Box<PacketSpec>),
    /// The first of these that matches.
    OneOf(Vec<Expected>),
    /// Nothing at all.
    Nothing,
}

/// A new numbering of the target on the same ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isn {
    /// Learnt from this SYN.
    New,
    /// By packetdrill's rules: learnt from the packet that is taken, and called so by the script in segments with SYN.
    As(u32),
}

/// Who answers as the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerMode {
    /// Acknowledges everything in order, at once, and answers a FIN.
    Auto,
    /// Only what the steps inject.
    Scripted,
}

/// When a step happens, or must happen.
///
/// By packetdrill's rules `Base::Previous` is its reference: the nominal moment of the step before if both inject, else
/// the moment at which that was over. `Base::Reached(given)` is the start, which absolute times count from. A time is a
/// window without width, a range one with; `*` is `Any`. A call that blocks has `Blocks::For` the time from its
/// nominal start to its written end, and a thread that makes such calls only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// In the window that starts at `base`, both ends included. For what a case does both ends are the same.
    Window {
        /// What the times count from.
        base: Base,
        /// Not before.
        from: TimeSpec,
        /// Not after.
        to: TimeSpec,
    },
    /// Whenever it comes; a target is waited for at most 60 s.
    Any,
}

/// What a window counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// The moment of the step before.
    Previous,
    /// The moment of the step with this index (`since`).
    Step(usize),
    /// The moment at which the step with this index was reached (`at`): time 0 of the story or of a fixture.
    Reached(usize),
}

/// A length of time, known or computed when its step is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeSpec {
    /// Written as a time.
    Known(Span),
    /// `$(2 * rtt)`.
    Computed(Expr),
}

/// Whether a call blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocks {
    /// It returns at the moment it is made.
    No,
    /// It returns inside this window, counted from its moment, and is blocked until then.
    For {
        /// Not before.
        from: TimeSpec,
        /// Not after.
        to: TimeSpec,
    },
    /// Until a later `Returns` step on the same thread.
    UntilReturns,
    /// It is still blocked at the end of the case.
    Forever,
}

/// What a call must return.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Return value or errno.
    pub result: ResultSpec,
    /// What comes back through pointers; unchecked if unset.
    pub gives: Option<ValueSpec>,
    /// What a read must return.
    pub data: Payload,
    /// The signal the call must raise.
    pub raises: Option<Signal>,
    /// Where `returns` was written, if it was.
    pub origin: Option<Origin>,
}

/// A return value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultSpec {
    /// Success, completely: every byte asked for.
    Success,
    /// Anything, failure included.
    Any,
    /// This value.
    Value(Num),
    /// -1 with one of these; with none written, -1 whatever the error.
    Fails(Vec<Errno>),
}

impl When {
    /// At the moment of the step before.
    pub const NOW: Self = Self::Window { base: Base::Previous, from: TimeSpec::ZERO, to: TimeSpec::ZERO };
}

impl TimeSpec {
    /// No time at all.
    pub const ZERO: Self = Self::Known(Span::ZERO);
}

impl Outcome {
    /// Success without anything to look at.
    #[must_use]
    pub fn success() -> Self {
        Self {
            result: ResultSpec::Success,
            gives: None,
            data: Payload::Pattern(None),
            raises: None,
            origin: None,
        }
    }
}
