//! What nearly matched: facts that explain a mismatch, as hints on it.

use crate::case::{Action, FlowId, PacketSpec, Transport, render_packet};
use crate::time::Timestamp;
use crate::wire::{IpVersion, icmp};

use super::expects::alternatives;
use super::flows::Emitted;
use super::{Engine, What};

impl<'c> Engine<'c> {
    pub(super) fn hint(&mut self, mismatch: usize, hint: String) {
        if let Some(mismatch) = self.mismatches.get_mut(mismatch)
            && !mismatch.hints.contains(&hint)
        {
            mismatch.hints.push(hint);
        }
    }

    /// What waits on other flows: perhaps the very packet. Others are told of only where nothing came.
    pub(super) fn look_at_other_flows(
        &mut self,
        mismatch: usize,
        flow: FlowId,
        packets: &[&'c PacketSpec],
        others_too: bool,
    ) {
        let mut hints = Vec::new();
        for (index, other) in self.flows.0.iter().enumerate() {
            if index == flow.0 || other.queue.is_empty() {
                continue;
            }
            let fits = |emitted: &&Emitted| {
                packets.iter().any(|packet| {
                    self.compare(packet, FlowId(index), emitted).is_ok_and(|fields| fields.is_empty())
                })
            };
            let (count, name) = (other.queue.len(), &other.name);
            hints.extend(match other.queue.iter().find(fits) {
                Some(emitted) => {
                    let at = self.since_zero(emitted.at);
                    Some(format!("such a packet came on flow {name} at {at}"))
                }
                None if !others_too => None,
                None if count == 1 => Some(format!("1 packet is unclaimed on flow {name}")),
                None => Some(format!("{count} packets are unclaimed on flow {name}")),
            });
        }
        for hint in hints {
            self.hint(mismatch, hint);
        }
    }

    /// Why a packet of this flow is not what it should be: another step expects it, or it came before. One that nearly
    /// is what an earlier step missed explains that step's failure.
    pub(super) fn explain_packet(&mut self, mismatch: usize, flow: FlowId, emitted: &Emitted) {
        if let Some((missed, hint)) = self.nearly_missed(flow, emitted) {
            self.hint(missed, hint);
        }
        let hint = match (self.expected_later(flow, emitted), self.same_before(emitted)) {
            (Some(line), _) => {
                format!("it is what line {line} expects: it is early, or something before it is missing")
            }
            (None, Some(at)) => format!("the same was sent at {}: it is sent again", self.since_zero(at)),
            (None, None) => return,
        };
        self.hint(mismatch, hint);
    }

    /// The line of a later step that expects such a packet.
    fn expected_later(&self, flow: FlowId, emitted: &Emitted) -> Option<usize> {
        let step = self.case.steps.iter().skip(self.cursor + 1).find(|step| {
            let Action::Expect { flow: of, expected, isn: None } = &step.action else { return false };
            let fits = |packet: &&PacketSpec| {
                self.compare(packet, flow, emitted).is_ok_and(|fields| fields.is_empty())
            };
            *of == flow && alternatives(expected).iter().any(fits)
        })?;
        Some(self.case.sources.line_column(step.origin.at).0)
    }

    /// When the same bytes of the stream were sent before.
    fn same_before(&self, emitted: &Emitted) -> Option<Timestamp> {
        let event = self.events.get(emitted.event)?;
        let is_worth_it = emitted.parsed.packet.tcp().is_some_and(|tcp| tcp.seq_len() > 0);
        let before = self.events.get(..emitted.event)?.iter().rev();
        let mut same =
            before.filter(|other| matches!(other.what, What::Emitted(_)) && other.text == event.text);
        same.next().filter(|_| is_worth_it).map(|event| event.at)
    }

    /// The mismatch of an expectation that nothing answered, and that this packet would have but for one field.
    fn nearly_missed(&self, flow: FlowId, emitted: &Emitted) -> Option<(usize, String)> {
        self.missed.iter().filter(|missed| missed.flow == flow).find_map(|missed| {
            let fields = self.compare(missed.packet, flow, emitted).ok()?;
            let [field] = fields.as_slice() else { return None };
            let at = self.since_zero(emitted.at);
            Some((missed.mismatch, format!("at {at} one came that differs only in one field: {field}")))
        })
    }

    /// A packet as it is expected, in the words that packets are shown in.
    pub(super) fn expected_text(&self, packet: &PacketSpec) -> String {
        if self.script.is_some()
            && let Some(written) =
                self.case.steps.get(self.cursor).and_then(|step| step.origin.text.strip_prefix("> "))
        {
            return written.to_owned();
        }
        let text = render_packet(packet);
        let Transport::Icmp(message) = &packet.transport else { return text };
        let number = |field: &Option<crate::case::Num>| {
            field.as_ref().and_then(crate::case::Num::known).and_then(|number| u8::try_from(number).ok())
        };
        let (Some(kind), Some(code)) = (number(&message.kind), number(&message.code)) else { return text };
        let version = match self.case.ip {
            crate::case::IpVersion::V6 => IpVersion::V6,
            crate::case::IpVersion::V4 | crate::case::IpVersion::V4Mapped => IpVersion::V4,
        };
        text.replace(&format!("type_{kind} code_{code}"), &icmp::text(kind, code, version))
    }

    /// Where there is only one connection, its state may say what a call waits for.
    pub(super) fn wonder(&mut self, mismatch: usize) {
        if let [flow] = self.flows.0.as_slice()
            && flow.local.is_some()
        {
            self.curious = Some((mismatch, FlowId(0)));
        }
    }

    pub(super) fn since_zero(&self, at: Timestamp) -> Timestamp {
        Timestamp((at - self.clock.zero(self.case).unwrap_or(Timestamp::START)).0)
    }
}
