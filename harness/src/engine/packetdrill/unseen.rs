//! The one order: which packet answers an expectation.

use crate::case::{FlowId, PacketSpec, Transport};
use crate::time::Timestamp;
use crate::verdict::FieldDifference;
use crate::wire::notation::{Bases, packet_text};
use crate::wire::{Body, Endpoints, Flags, Packet, Parsed, Tcp, parse, protocol};

use super::super::Engine;
use super::super::flows::{Emitted, FlowState};
use super::super::log::{Event, Status, What};

/// What there is for an expectation.
pub(super) enum Answer {
    /// Nothing, or not yet all of it.
    Waiting,
    /// One packet, or what several come to.
    Whole(Box<Emitted>),
    /// One that does not continue those before it.
    Broken(Box<Emitted>, FieldDifference),
}

impl Engine<'_> {
    /// Something left the target. Whether it matters is seen when an expectation looks for it.
    pub(in crate::engine) fn unseen(&mut self, at: Timestamp, bytes: Vec<u8>) {
        let what = What::Emitted(bytes.clone());
        let Ok(parsed) = parse(&bytes) else {
            let text = format!("{} bytes that are no packet", bytes.len());
            self.record(at, what, text, None, Status::Ignored);
            return;
        };
        let ends = ends(&parsed);
        let found = self.flows.0.iter().position(|flow| ends.is_some_and(|ends| flow.takes(ends)));
        let event = Event::new(at, what, String::new(), None, Status::Unclaimed);
        self.events.push(event);
        let emitted = Emitted { at, parsed, bytes, event: self.events.len() - 1 };
        self.tell(found.map(FlowId), &emitted);
        if let Some(script) = &mut self.script {
            script.unseen.push_back(emitted);
        }
    }

    /// What the numbers of a packet of the target count from, to be shown as the script has them.
    pub(super) fn bases_of(&self, flow: FlowId, packet: &Packet) -> Bases {
        let bases = self.flows.0.get(flow.0).map(FlowState::bases).unwrap_or_default();
        self.script.as_ref().map_or(bases, |script| script.bases(flow, bases, is_syn(packet)))
    }

    /// The text of a packet as it came, in the numbers of its flow as far as they are known.
    fn tell(&mut self, flow: Option<FlowId>, emitted: &Emitted) {
        // What several are joined to has the bytes of the last.
        let own = parse(&emitted.bytes);
        let packet = own.as_ref().map_or(&emitted.parsed.packet, |own| &own.packet);
        let (text, bases) = match flow {
            Some(flow) => {
                let bases = self.bases_of(flow, packet);
                (packet_text(packet, &bases), bases)
            }
            None => {
                let bases = Bases::default();
                let (src, dst) = (packet.ip.src(), packet.ip.dst());
                let ends =
                    ends(&emitted.parsed).map_or_else(|| format!("{src} > {dst}"), |ends| ends.to_string());
                (format!("{ends} {}", packet_text(packet, &bases)), bases)
            }
        };
        if let Some(event) = self.events.get_mut(emitted.event) {
            (event.text, event.flow, event.bases) = (text, flow, bases);
        }
    }

    /// The numbers of a flow are known now: what has come of it is told again.
    pub(super) fn tell_again(&mut self, flow: FlowId, emitted: &Emitted) {
        self.tell(Some(flow), emitted);
        let Some(state) = self.flows.0.get(flow.0) else { return };
        let unseen = self.script.iter().flat_map(|script| &script.unseen);
        let same: Vec<Emitted> = unseen
            .filter(|other| ends(&other.parsed).is_some_and(|ends| state.takes(ends)))
            .cloned()
            .collect();
        same.iter().for_each(|other| self.tell(Some(flow), other));
    }

    /// What answers an expectation of this flow: the oldest that nobody has looked at, or as many as it takes.
    pub(super) fn look_for(&mut self, flow: FlowId, spec: &PacketSpec) -> Answer {
        while let Some(emitted) = self.script.as_mut().and_then(|script| script.unseen.pop_front()) {
            if !self.belongs(flow, spec, &emitted) {
                self.lose(emitted);
                continue;
            }
            self.learn_ends(flow, &emitted);
            self.tell(Some(flow), &emitted);
            let Some(script) = self.script.as_mut() else { break };
            let wanted = if script.rules.whole_segments { 0 } else { wanted(spec) };
            let got: usize = script.pieces.iter().map(|piece| length(&piece.parsed)).sum();
            let completes = got + length(&emitted.parsed) >= wanted;
            if let Some(before) = script.pieces.last()
                && let Some(difference) = discontinuity(&before.parsed, &emitted.parsed, completes)
            {
                script.unseen.push_front(emitted);
                return match self.joined() {
                    Some(joined) => Answer::Broken(Box::new(joined), difference),
                    None => Answer::Waiting,
                };
            }
            script.pieces.push(emitted);
            if completes && let Some(joined) = self.joined() {
                return Answer::Whole(Box::new(joined));
            }
        }
        Answer::Waiting
    }

    /// The pieces as one: the last with the number of the first.
    pub(super) fn joined(&mut self) -> Option<Emitted> {
        let mut pieces = std::mem::take(&mut self.script.as_mut()?.pieces);
        let mut whole = pieces.pop()?;
        let Body::Tcp(tcp) = &mut whole.parsed.packet.body else { return Some(whole) };
        let Some(first) = pieces.first().and_then(|first| first.parsed.packet.tcp()) else {
            return Some(whole);
        };
        tcp.seq = first.seq;
        tcp.flags = tcp.flags.without(Flags::CWR);
        if first.flags.contains(Flags::CWR) {
            tcp.flags |= Flags::CWR;
        }
        let mut payload = Vec::new();
        for piece in &pieces {
            payload.extend(piece.parsed.packet.tcp().into_iter().flat_map(|tcp| &tcp.payload));
            whole.parsed.faults.extend(piece.parsed.faults.iter().cloned());
            let status = Status::Expected;
            self.mark(piece.event, Some(self.cursor), status);
        }
        payload.append(&mut tcp.payload);
        tcp.payload = payload;
        Some(whole)
    }

    /// Nobody will look at it any more.
    fn lose(&mut self, emitted: Emitted) {
        self.mark(emitted.event, None, Status::Ignored);
        let Some(ends) = ends(&emitted.parsed) else { return };
        // Kept for those who ask where a packet has gone.
        if let Some(flow) = self.flows.0.iter_mut().find(|flow| flow.takes(ends)) {
            flow.queue.push_back(emitted);
        }
    }

    /// What nobody has looked at by the end.
    pub(super) fn lose_rest(&mut self) {
        let rest: Vec<Emitted> =
            self.script.iter_mut().flat_map(|script| std::mem::take(&mut script.unseen)).collect();
        rest.into_iter().for_each(|emitted| self.lose(emitted));
    }

    /// Whether a packet is the flow's, or its first where its local end is not known.
    pub(super) fn belongs(&self, flow: FlowId, spec: &PacketSpec, emitted: &Emitted) -> bool {
        let Some(state) = self.flows.0.get(flow.0) else { return false };
        let packet = &emitted.parsed.packet;
        match (&spec.transport, &packet.body) {
            (Transport::Icmp(_), Body::Icmp(_)) => {
                state.remote.ip() == packet.ip.dst()
                    && state.local.is_none_or(|local| local.ip() == packet.ip.src())
            }
            (Transport::Tcp(_), Body::Tcp(tcp)) => {
                let starts = tcp.flags.contains(Flags::SYN) && !tcp.flags.contains(Flags::ACK);
                self.is_between(state, ends(&emitted.parsed), starts)
            }
            (Transport::Udp(_), Body::Other { protocol: protocol::UDP, .. }) => {
                self.is_between(state, ends(&emitted.parsed), true)
            }
            _ => false,
        }
    }

    fn is_between(&self, state: &FlowState, ends: Option<Endpoints>, starts: bool) -> bool {
        let is_others = |ends| self.flows.0.iter().any(|flow| flow.takes(ends));
        ends.is_some_and(|ends| match state.local {
            Some(_) => state.takes(ends),
            None => starts && state.remote == ends.dst && !is_others(ends),
        })
    }

    fn learn_ends(&mut self, flow: FlowId, emitted: &Emitted) {
        if let (Some(state), Some(ends)) = (self.flows.0.get_mut(flow.0), ends(&emitted.parsed)) {
            state.local.get_or_insert(ends.src);
        }
        if let (Some(state), Body::Tcp(_)) = (self.flows.0.get_mut(flow.0), &emitted.parsed.packet.body) {
            state.last = Some(emitted.bytes.clone());
        }
    }
}

pub(in crate::engine) fn is_syn(packet: &Packet) -> bool {
    packet.tcp().is_some_and(|tcp| tcp.flags.contains(Flags::SYN))
}

/// Who sends to whom: of segments and datagrams.
fn ends(parsed: &Parsed) -> Option<Endpoints> {
    let packet = &parsed.packet;
    let Body::Other { protocol: protocol::UDP, bytes } = &packet.body else { return packet.endpoints() };
    let port = |at: usize| Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
    Some(Endpoints { src: (packet.ip.src(), port(0)?).into(), dst: (packet.ip.dst(), port(2)?).into() })
}

/// How many bytes of payload an expected segment has.
fn wanted(spec: &PacketSpec) -> usize {
    let Transport::Tcp(tcp) = &spec.transport else { return 0 };
    tcp.length.known().and_then(|length| usize::try_from(length).ok()).unwrap_or(0)
}

fn length(parsed: &Parsed) -> usize {
    parsed.packet.tcp().map_or(0, |tcp| tcp.payload.len())
}

/// Why a segment does not go on where the one before it ends.
fn discontinuity(before: &Parsed, next: &Parsed, completes: bool) -> Option<FieldDifference> {
    let (a, b) = (before.packet.tcp()?, next.packet.tcp()?);
    let free = |tcp: &Tcp| tcp.flags.without(Flags::FIN).without(Flags::PSH).without(Flags::CWR);
    let differs = |field: &str, wanted: String, got: String| {
        let field = format!("{field} of the segment that should continue it");
        (wanted != got).then(|| FieldDifference::new(field, wanted, got))
    };
    let shorter = (!completes && a.payload.len() != b.payload.len())
        .then(|| differs("length", a.payload.len().to_string(), b.payload.len().to_string()));
    let follows = a.seq.wrapping_add(a.payload.len() as u32);
    let distance = b.seq.wrapping_sub(follows).cast_signed();
    differs(
        "seq",
        "the next byte".to_owned(),
        match distance {
            0 => "the next byte".to_owned(),
            1.. => format!("{distance} bytes further"),
            _ => format!("{} bytes before", distance.unsigned_abs()),
        },
    )
    .or_else(|| differs("flags", free(a).to_string(), free(b).to_string()))
    .or_else(|| differs("ack", "the same".to_owned(), same(a.ack == b.ack)))
    .or_else(|| differs("win", a.win.to_string(), b.win.to_string()))
    .or_else(|| differs("urg", a.urg.to_string(), b.urg.to_string()))
    .or_else(|| differs("ttl", before.packet.ip.ttl().to_string(), next.packet.ip.ttl().to_string()))
    .or_else(|| differs("reserved", a.reserved.to_string(), b.reserved.to_string()))
    .or_else(|| differs("data offset", offset(before), offset(next)))
    .or(shorter.flatten())
}

fn same(is_same: bool) -> String {
    if is_same { "the same" } else { "another" }.to_owned()
}

fn offset(parsed: &Parsed) -> String {
    parsed.stated.data_offset.map_or_else(String::new, |words| words.to_string())
}
