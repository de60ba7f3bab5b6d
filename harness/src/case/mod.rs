//! The intermediate representation: what a case says, whichever language it was written in.
//!
//! Front ends lower to [`Case`]; the engine interprets it. Names are resolved to indices, constants to
//! numbers, addresses to socket addresses, `repeat` and lists to single steps. Each step remembers where it
//! was written.

mod call;
mod constants;
mod expr;
mod needs;
mod packet;
mod render;
mod settings;
mod source;
mod step;
mod tcp_info;
mod test_pattern;
mod world;

pub use call::{
    EventData, Lie, OptionValue, PollFd, Scalar, Submission, Syscall, Value, ValueSpec, duplicates,
};
pub use constants::{CONSTANTS, ERRNOS, Errno, Signal, constant, nearest};
pub use expr::{BinaryOp, Claim, CompareOp, Expr, Place, Said};
pub use packet::{
    Alt, ChecksumSpec, FragmentSpec, IcmpSpec, IpSpec, Num, OptionItem, OptionSpec, OptionsSpec, PacketSpec,
    Payload, Quote, TcpSpec, Term, Transport, UdpSpec,
};
pub use render::{render_options, render_packet};
pub use settings::{SETTINGS, is_setting};
pub use source::{FileId, Location, Origin, SourceFile, Sources};
pub use step::{Action, Base, Blocks, Expected, Isn, Outcome, PeerMode, ResultSpec, Step, TimeSpec, When};
pub use tcp_info::{
    DESCRIPTOR_FIELDS, FLOW_FIELDS, FieldKind, SOCKET_FIELDS, TCP_INFO, descriptor_field, flow_field,
};
pub(crate) use test_pattern::glob;
pub use test_pattern::{NotAPattern, TestPattern, split_id};
pub use world::{
    Addresses, Capability, DEFAULT_PORT, DescriptorId, Flow, FlowId, IpVersion, Link, LinkSide, Offload,
    PacketdrillRules, Rules, Setting, ThreadId,
};

use std::collections::BTreeSet;

/// One test, ready to run: a file, or one row or combination of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// Path below the root of the tree without extension, variants in brackets: `connect/refused[ip=v6]`.
    pub id: String,
    /// One sentence stating the behaviour.
    pub title: String,
    /// For the person who sees it fail: the rule, or what breaks in practice.
    pub why: Option<String>,
    /// Requirement ids that the case is about.
    pub covers: Vec<String>,
    /// Free words; `slow` means more than 5 s of target time.
    pub tags: Vec<String>,
    /// What a target must be able to do.
    pub needs: BTreeSet<Capability>,
    /// The address family of sockets and packets.
    pub ip: IpVersion,
    /// Declared flows, or the default one, `main`.
    pub flows: Vec<Flow>,
    /// Descriptor names; a [`DescriptorId`] is an index.
    pub descriptors: Vec<String>,
    /// Thread names; a [`ThreadId`] is an index, 0 is `main`.
    pub threads: Vec<String>,
    /// Settings made before the first step, on top of the baseline.
    pub settings: Vec<Setting>,
    /// MTU, offload and impairment of the link before the first step.
    pub link: Link,
    /// By whose rules the case is judged.
    pub rules: Rules,
    /// Everything that is done and expected, in order.
    pub steps: Vec<Step>,
    /// How many of the steps, from the first, belong to `given`. Time 0 is the moment the next one is reached.
    pub given: usize,
    /// What the front end could not lower, and where it stands. Such a case is skipped on every target.
    pub lacking: Vec<Lacking>,
    /// The texts the case came from.
    pub sources: Sources,
}

/// Something a case says that cannot be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacking {
    /// Where it stands.
    pub at: Location,
    /// What, as a reason to skip the case: `the command "iptables ..."`.
    pub what: String,
}

impl Case {
    /// The requirements that steps check, each once, sorted.
    #[must_use]
    pub fn asserts(&self) -> Vec<&str> {
        let ids: BTreeSet<&str> =
            self.steps.iter().flat_map(|step| &step.covers).map(String::as_str).collect();
        ids.into_iter().collect()
    }

    /// Whether the case takes more than 5 s of target time.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        self.tags.iter().any(|tag| tag == "slow")
    }
}
