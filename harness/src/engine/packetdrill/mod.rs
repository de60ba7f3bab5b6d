//! packetdrill's rules, as docs/packetdrill-language.md has them and [`PacketdrillRules`] sums them up.
//!
//! | file | owns |
//! |---|---|
//! | `times` | what a time counts from, and how far off is in time |
//! | `unseen` | the one order: which packet answers an expectation, joined from several where need be |
//! | `judge` | expectations: waiting, comparing, going on |
//! | `script_numbers` | timestamps and flow labels: from the script's to what is on the wire and back |

mod judge;
mod script_numbers;
mod times;
mod unseen;

use std::collections::VecDeque;

use crate::case::{Case, PacketdrillRules, Rules};
use crate::target::{Timing, Tolerance};
use crate::time::Span;

use crate::wire::Packet;
use crate::wire::notation::{Bases, packet_text};

use super::flows::Emitted;

pub(super) use times::Pace;
pub(super) use unseen::is_syn;

use script_numbers::Numbers;

/// What a run by these rules remembers.
#[derive(Debug)]
pub(super) struct Script {
    rules: PacketdrillRules,
    /// What was emitted and has not been looked at, oldest first.
    unseen: VecDeque<Emitted>,
    /// What the current expectation is joined from so far.
    pieces: Vec<Emitted>,
    /// By flow.
    numbers: Vec<Numbers>,
}

impl Script {
    /// Of a case that asks for these rules.
    pub(super) fn of(case: &Case) -> Option<Self> {
        let rules = rules(case)?;
        let numbers = vec![Numbers::default(); case.flows.len()];
        Some(Self { rules, unseen: VecDeque::new(), pieces: Vec::new(), numbers })
    }

    /// Times that calls give are compared with the tolerance alone.
    pub(super) fn timing(&self) -> Timing {
        let tolerance = self.rules.tolerance.0;
        Timing::Real(Tolerance { early: tolerance, late: tolerance, divisor: i64::MAX })
    }
}

/// The rules of a case, if they are these.
pub(super) fn rules(case: &Case) -> Option<PacketdrillRules> {
    match case.rules {
        Rules::Native => None,
        Rules::Packetdrill(rules) => Some(rules),
    }
}

/// A packet that was injected in one line: without the TTL that goes without saying in scripts.
pub(super) fn injected_text(packet: &Packet, bases: &Bases) -> String {
    let text = packet_text(packet, bases);
    text.strip_prefix("(ttl 255) ")
        .map(str::to_owned)
        .unwrap_or_else(|| text.replacen(", ttl 255) ", ") ", 1))
}

/// So long a call that is in progress is waited for: by the next call, and at the end.
pub(super) const LAST_CHANCE: Span = Span::seconds(1);
