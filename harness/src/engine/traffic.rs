//! Flows whose peer answers by itself: what the target sends is judged by its content and goes over the link, and so
//! does what the peer answers.

use crate::case::{FlowId, Link, LinkSide, Num, Offload, PacketSpec, PeerMode, TcpSpec, Transport};
use crate::target::Timing;
use crate::time::{Span, Timestamp};
use crate::verdict::{FieldDifference, Problem, Verdict};
use crate::wire::notation::packet_text;
use crate::wire::{Tcp, parse};

use super::build;
use super::clock::Window;
use super::flows::Emitted;
use super::link::{Cargo, Fate};
use super::peer::{FIN_WAIT, Peer};
use super::threads::Ends;
use super::want::{Act, Want};
use super::{Engine, Event, Next, Stage, Status, What};

/// So many packets to and fro at one moment mean that time stands still.
const AT_ONCE: u32 = 20_000;
/// A packet of a peer comes after what caused it was seen, so on a real clock it is always a little late, and what
/// follows may be late by as much. A timer of the target, 200 ms at least, must not run out because of that.
const GROSSLY_LATE: Span = Span::millis(50);

/// How late the packets of the peers are.
#[derive(Debug, Default)]
pub(super) struct Lateness {
    /// Up to here it was counted.
    until: Timestamp,
    /// How many packets there were at one moment.
    burst: (Timestamp, u32),
}

impl<'c> Engine<'c> {
    /// Whether some peer answers by itself.
    pub(super) fn is_automatic(&self) -> bool {
        self.flows.0.iter().any(|flow| flow.peer.auto.is_some())
    }

    /// Whether a packet of a peer is due and nothing else can happen before it.
    pub(super) fn is_arriving(&self) -> bool {
        matches!(self.path.next(), Some((due, _, Cargo::ToTarget(..))) if self.clock.is_settled(due))
    }

    /// Lets arrive what is due: peers answer, and packets for the target are injected.
    pub(super) fn traffic(&mut self) -> Option<Want> {
        while let Some((due, _, cargo)) = self.path.next().filter(|(due, ..)| self.clock.is_settled(*due)) {
            if let Cargo::ToTarget(bytes, _) = cargo {
                let act = Act::Inject(bytes.clone());
                return Some(Want::Act { step: None, due, act });
            }
            let Some((at, flow, cargo)) = self.path.arrive() else { break };
            match cargo {
                Cargo::ToPeer(tcp) => self.reaches_peer(at, flow, &tcp),
                Cargo::Timer => self.look_at_fin(at, flow),
                Cargo::ToTarget(..) => unreachable!("was handed out"),
            }
        }
        None
    }

    /// A packet of a peer has arrived at the target.
    pub(super) fn arrived(&mut self, at: Timestamp) {
        let Some((due, flow, Cargo::ToTarget(bytes, fates))) = self.path.arrive() else { return };
        let ready = due.max(self.clock.busy);
        if matches!(self.clock.timing, Timing::Real(_)) && at - ready > GROSSLY_LATE {
            let why = format!("a packet of the peer came {} too late", at - ready);
            self.ended = Some(Verdict::Inconclusive { why });
        }
        let counted = due.max(self.lateness.until);
        if at > counted {
            self.grow(at - counted);
            self.lateness.until = at;
        }
        self.clock.unsettle(at);
        let text = self.text_of(flow, &bytes);
        let what = What::Injected(bytes);
        self.events.push(Event { fates, ..Event::new(at, what, text, None, Status::Done) });
        let (moment, count) = self.lateness.burst;
        self.lateness.burst = if moment == at { (at, count + 1) } else { (at, 1) };
        if count >= AT_ONCE {
            let why = format!("target and peer exchanged {AT_ONCE} packets at one moment, and go on");
            self.fail(at, Problem::Meaningless { why });
            self.end_unless_failed(Verdict::Pass);
        }
    }

    /// What comes from here on may be later by so much: our own doing.
    fn grow(&mut self, by: Span) {
        self.clock.grow(by);
        match &mut self.stage {
            Stage::Due(window)
            | Stage::Acting { window, .. }
            | Stage::Called(window)
            | Stage::Waiting(window)
            | Stage::Several(window, _) => window.slip += by,
            Stage::Fresh => {}
        }
        for made in self.threads.0.iter_mut().filter_map(|thread| thread.made.as_mut()) {
            if let Ends::In(window, _) = &mut made.ends {
                window.slip += by;
            }
        }
    }

    fn text_of(&self, flow: FlowId, bytes: &[u8]) -> String {
        let bases = self.flows.0.get(flow.0).map(|flow| flow.bases().reversed()).unwrap_or_default();
        match parse(bytes) {
            Ok(parsed) => packet_text(&parsed.packet, &bases),
            Err(error) => format!("{} bytes: {error}", bytes.len()),
        }
    }

    /// The target emitted something on a flow. Whether it is the automatic peer's, and so was seen to.
    pub(super) fn taken_by_peer(&mut self, id: FlowId, emitted: &Emitted) -> bool {
        let Some(flow) = self.flows.0.get_mut(id.0) else { return false };
        let Some(tcp) = emitted.parsed.packet.tcp() else { return false };
        let isn = flow.target_isn.unwrap_or(0);
        let Some(step) = flow.peer.auto.filter(|_| Peer::takes(tcp)) else {
            // What a script answers is its own affair, but it has got it.
            flow.peer.receives(tcp, isn);
            return false;
        };
        let fields = self.content(id, emitted, tcp);
        let mut status = Status::Content;
        if !fields.is_empty() {
            status = Status::Wrong;
            let actual = self.events.get(emitted.event).map(|event| event.text.clone()).unwrap_or_default();
            let expected = "a segment of the stream".to_owned();
            self.fail_step(step, emitted.at, Problem::WrongPacket { expected, actual, fields });
        }
        let mut fates = Vec::new();
        // Nobody takes what is damaged.
        if emitted.parsed.faults.is_empty() {
            let cargo = |_: &[Fate]| Cargo::ToPeer(Box::new(tcp.clone()));
            fates = self.path.send(id, LinkSide::Remote, emitted.at, !tcp.payload.is_empty(), cargo);
        }
        if let Some(event) = self.events.get_mut(emitted.event) {
            event.status = status;
            event.fates = fates;
            event.step = (status == Status::Wrong).then_some(step);
        }
        true
    }

    /// What is wrong with a segment whatever its place in the stream.
    fn content(&self, id: FlowId, emitted: &Emitted, tcp: &Tcp) -> Vec<FieldDifference> {
        let anything = TcpSpec::bare(tcp.flags, Num::any(), Num::any());
        let spec = PacketSpec::plain(Transport::Tcp(anything));
        let mut fields = match self.compare(&spec, id, emitted) {
            Ok(fields) => fields,
            Err(error) => {
                let expected = "what can be compared".to_owned();
                vec![FieldDifference::new("segment", expected, error.0)]
            }
        };
        if let Some(flow) = self.flows.0.get(id.0) {
            let link = self.path.link();
            let most = (link.offload == Offload::None).then(|| (usize::from(link.mtu), emitted.bytes.len()));
            let bases = flow.bases();
            fields.extend(flow.peer.faults(tcp, (bases.seq, bases.ack), flow.remote.is_ipv6(), most));
        }
        fields
    }

    /// A segment has come over the link.
    fn reaches_peer(&mut self, at: Timestamp, id: FlowId, tcp: &Tcp) {
        let Some(flow) = self.flows.0.get_mut(id.0) else { return };
        let isn = flow.target_isn.unwrap_or(0);
        if flow.peer.receives(tcp, isn) && flow.peer.auto.is_some() {
            self.answer(at, id);
        }
    }

    fn answer(&mut self, at: Timestamp, id: FlowId) {
        let Some(flow) = self.flows.0.get_mut(id.0) else { return };
        let was_open = !flow.peer.has_closed();
        let tcp = flow.peer.answer(at, flow.peer_isn);
        if was_open && flow.peer.has_closed() {
            self.path.remind(at + FIN_WAIT, id);
        }
        self.dispatch(at, id, tcp);
    }

    fn look_at_fin(&mut self, at: Timestamp, id: FlowId) {
        let Some(flow) = self.flows.0.get_mut(id.0).filter(|flow| flow.peer.auto.is_some()) else { return };
        let Some((tcp, wait)) = flow.peer.repeats(at, flow.peer_isn) else { return };
        self.path.remind(at + wait, id);
        self.dispatch(at, id, tcp);
    }

    /// A segment of the peer sets out.
    fn dispatch(&mut self, at: Timestamp, id: FlowId, tcp: Tcp) {
        let addresses = self.addresses();
        let Some(flow) = self.flows.0.get_mut(id.0) else { return };
        let local = flow.settle_local(addresses);
        let Some(bytes) = build::segment_between(flow.remote, local, tcp) else { return };
        let cargo = |fates: &[Fate]| Cargo::ToTarget(bytes.clone(), fates.to_vec());
        let fates = self.path.send(id, LinkSide::Local, at, false, cargo);
        if fates.contains(&Fate::Dropped) {
            let text = self.text_of(id, &bytes);
            let what = What::Lost(bytes);
            self.events.push(Event { fates, ..Event::new(at, what, text, None, Status::Done) });
        }
    }

    /// The step that says who plays the peer.
    pub(super) fn change_peer(&mut self, flow: FlowId, mode: PeerMode, window: Window) -> Next {
        let cursor = self.cursor;
        if let Some(state) = self.flows.0.get_mut(flow.0) {
            let before = state.peer.auto;
            state.peer.auto = (mode == PeerMode::Auto).then_some(cursor);
            let owes = state.peer.owes();
            if before.is_none() && state.peer.auto.is_some() {
                self.path.restart(flow);
                if owes {
                    self.answer(window.from, flow);
                }
            }
        }
        self.did(window.from);
        self.next_step(window.from, window.slip)
    }

    /// The step that changes the link: nothing is left but what the engine does itself.
    pub(super) fn change_link(&mut self, link: &Link, at: Timestamp) {
        self.path.change(link.clone());
        self.did(at);
    }

    /// The current step did something that is not the target's.
    fn did(&mut self, at: Timestamp) {
        let text = self.case.steps.get(self.cursor).map(|step| step.origin.text.clone()).unwrap_or_default();
        self.record(at, What::Did, text, Some(self.cursor), Status::Done);
    }
}
