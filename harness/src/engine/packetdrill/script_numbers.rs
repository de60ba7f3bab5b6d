//! Timestamps and flow labels: a script's are names for what really comes.

use std::collections::BTreeMap;

use crate::case::{Alt, FlowId, Num, OptionItem, OptionSpec, OptionsSpec, PacketSpec, Term, Transport};
use crate::time::Span;
use crate::verdict::FieldDifference;
use crate::wire::notation::Bases;
use crate::wire::{Flags, Ip, Packet};

use super::super::build::wrap;
use super::super::eval::EvalError;
use super::Script;

/// What was learnt of one flow.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    /// The script's timestamp value, and what came for it last.
    stamps: BTreeMap<u32, u32>,
    /// The first such pair.
    first_stamp: Option<(u32, u32)>,
    /// What the script calls the target's initial number.
    isn: u32,
    /// The last written flow label, and what came for it.
    label: Option<(u32, u32)>,
}

impl Script {
    /// The packet to inject: echoes of timestamps are what really came.
    pub(in crate::engine) fn injected(
        &self,
        spec: &PacketSpec,
        flow: FlowId,
    ) -> Result<PacketSpec, EvalError> {
        let mut spec = spec.clone();
        let Transport::Tcp(tcp) = &mut spec.transport else { return Ok(spec) };
        if !tcp.flags.contains(Flags::ACK) {
            return Ok(spec);
        }
        for item in items(&mut tcp.options) {
            if let OptionSpec::Timestamps { ecr, .. } = &mut item.option
                && let Some(written) = ecr.known().map(wrap)
            {
                *ecr = absolute(self.live_stamp(flow, written)?);
            }
        }
        Ok(spec)
    }

    /// What came for a timestamp value of the script.
    fn live_stamp(&self, flow: FlowId, written: u32) -> Result<u32, EvalError> {
        let numbers = self.numbers.get(flow.0);
        let known = numbers.and_then(|numbers| numbers.stamps.get(&written).copied());
        let scaled = || {
            let (script, live) = numbers?.first_stamp.filter(|_| self.rules.scaled_echo)?;
            Some(written.wrapping_sub(script).wrapping_add(live))
        };
        known.or_else(scaled).ok_or_else(|| {
            EvalError(format!("TS ecr {written}: no segment with TS val {written} has been expected before"))
        })
    }

    /// What is compared as in any case: timestamps and flow labels are not.
    pub(in crate::engine) fn expected(spec: &PacketSpec) -> PacketSpec {
        let mut spec = spec.clone();
        spec.ip.flow_label = None;
        if let Transport::Tcp(tcp) = &mut spec.transport {
            for item in items(&mut tcp.options) {
                if let OptionSpec::Timestamps { val, ecr } = &mut item.option {
                    (*val, *ecr) = (Num::any(), Num::any());
                }
            }
        }
        spec
    }

    /// What differs in timestamp and flow label.
    pub(in crate::engine) fn differences(
        &self,
        spec: &PacketSpec,
        flow: FlowId,
        actual: &Packet,
        since_start: Span,
    ) -> Vec<FieldDifference> {
        let Some(numbers) = self.numbers.get(flow.0) else { return Vec::new() };
        let mut list = Vec::new();
        if let (Some(written), Some(live)) = (written_stamp(spec), live_stamp(actual)) {
            let came = numbers.in_script(live).unwrap_or(written);
            let ticks = i64::from(written.wrapping_sub(came).cast_signed()).abs();
            let off = Span(ticks.saturating_mul(self.rules.tick.0));
            if off > self.share(since_start) {
                list.push(FieldDifference::new("TS val", written.to_string(), came.to_string()));
            }
        }
        if let (Some(written), Some(live)) = (written_label(spec), live_label(actual)) {
            let (text, came) = (format!("0x{written:05x}"), format!("0x{live:05x}"));
            match numbers.label {
                _ if live == 0 => list.push(FieldDifference::new("flowlabel", "not 0", "0")),
                Some((before, label)) if before == written && label != live => {
                    let expected = format!("{text}, which was 0x{label:05x} before");
                    list.push(FieldDifference::new("flowlabel", expected, came));
                }
                Some((before, label)) if before != written && label == live => {
                    let actual = format!("{came}, which is 0x{before:05x}");
                    list.push(FieldDifference::new("flowlabel", format!("{text}, another one"), actual));
                }
                _ => {}
            }
        }
        list
    }

    /// The larger of the two tolerances.
    fn share(&self, waited: Span) -> Span {
        super::Pace::new(self.rules).share(waited)
    }

    /// A packet answered an expectation: what the script calls its numbers is known from now on.
    pub(super) fn learn(&mut self, spec: &PacketSpec, flow: FlowId, actual: &Packet) {
        let Some(numbers) = self.numbers.get_mut(flow.0) else { return };
        if let (Some(written), Some(live)) = (written_stamp(spec), live_stamp(actual)) {
            numbers.stamps.insert(written, live);
            numbers.first_stamp.get_or_insert((written, live));
        }
        if let (Some(written), Some(live)) = (written_label(spec), live_label(actual)) {
            numbers.label = Some((written, live));
        }
    }

    /// What the script calls the target's initial number in segments with SYN.
    pub(super) fn call(&mut self, flow: FlowId, written: u32) {
        if let Some(numbers) = self.numbers.get_mut(flow.0) {
            numbers.isn = written;
        }
    }

    /// What the numbers of a packet of the target count from, to be shown as the script has them. In segments with SYN
    /// those of the peer are what they are.
    pub(in crate::engine) fn bases(&self, flow: FlowId, bases: Bases, is_syn: bool) -> Bases {
        let Some(numbers) = self.numbers.get(flow.0) else { return bases };
        let ts_val = numbers.first_stamp.map_or(0, |(script, live)| live.wrapping_sub(script));
        match is_syn {
            false => Bases { ts_val, ..bases },
            true => Bases { seq: bases.seq.wrapping_sub(numbers.isn), ack: 0, sack: 0, ts_val, ts_ecr: 0 },
        }
    }
}

impl Numbers {
    fn in_script(&self, live: u32) -> Option<u32> {
        let (script, first) = self.first_stamp?;
        Some(script.wrapping_add(live.wrapping_sub(first)))
    }
}

fn items(options: &mut OptionsSpec) -> impl Iterator<Item = &mut OptionItem> {
    let items = match options {
        OptionsSpec::Exactly(items) | OptionsSpec::Including(items) => items.as_mut_slice(),
        OptionsSpec::Unwritten | OptionsSpec::Raw(_) => &mut [],
    };
    items.iter_mut()
}

fn absolute(number: u32) -> Num {
    Num(vec![Alt::Is { term: Term::Known(i64::from(number)), absolute: true }])
}

fn written_stamp(spec: &PacketSpec) -> Option<u32> {
    let Transport::Tcp(tcp) = &spec.transport else { return None };
    let (OptionsSpec::Exactly(items) | OptionsSpec::Including(items)) = &tcp.options else { return None };
    items.iter().find_map(|item| match &item.option {
        OptionSpec::Timestamps { val, .. } => val.known().map(wrap),
        _ => None,
    })
}

fn live_stamp(packet: &Packet) -> Option<u32> {
    packet.tcp()?.timestamps().map(|(value, _)| value)
}

fn written_label(spec: &PacketSpec) -> Option<u32> {
    spec.ip.flow_label.as_ref().and_then(Num::known).map(wrap)
}

fn live_label(packet: &Packet) -> Option<u32> {
    match &packet.ip {
        Ip::V6(ip) => Some(ip.flow_label),
        Ip::V4(_) => None,
    }
}
