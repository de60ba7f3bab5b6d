//! Steps that look at what the target emits: `expect`, `silent`, `allow`.

use crate::case::{Expected, FlowId, Isn, PacketSpec, Step, TimeSpec, render_packet};
use crate::target::Timing;
use crate::time::{Span, Timestamp};
use crate::verdict::{FieldDifference, Problem};
use crate::wire::notation::packet_text;

use super::clock::{Moment, Window};
use super::eval::EvalError;
use super::flows::Emitted;
use super::matching::{View, differences};
use super::memory::Keeper;
use super::packetdrill::Script;
use super::{Allowance, Engine, Missed, Next, Stage, Status};

impl<'c> Engine<'c> {
    pub(super) fn expect(
        &mut self,
        step: &'c Step,
        flow: FlowId,
        expected: &'c Expected,
        isn: Option<Isn>,
    ) -> Next {
        let window = match self.waiting(step) {
            Ok(window) => window,
            Err(error) => return self.meaningless(&error),
        };
        let packets = alternatives(expected);
        if packets.is_empty() {
            return self.nothing(flow, window);
        }
        if isn == Some(Isn::New) {
            self.relearn(flow);
        }
        match self.recognize_late(flow, window) {
            Ok(true) => return Next::Again,
            Ok(false) => {}
            Err(error) => return self.meaningless(&error),
        }
        match self.claim(flow, &packets, window) {
            Ok(Some(at)) => return self.next_step(at, Span::ZERO),
            Ok(None) => {}
            Err(error) => return self.meaningless(&error),
        }
        // What is permitted is no answer: whether nothing else came is to be seen at the end of the window.
        let has_head = match self.is_answered(flow) {
            Ok(has_head) => has_head,
            Err(error) => return self.meaningless(&error),
        };
        let timing = self.clock.timing;
        let wait = if has_head { window.latest(timing) } else { window.give_up(timing) };
        if let Some(wait) = self.settle(wait) {
            return wait;
        }
        if !has_head && accepts_nothing(expected) {
            if let Err(error) = self.drop_permitted(flow) {
                return self.meaningless(&error);
            }
            return self.quiet_until(window);
        }
        self.miss(flow, &packets, window)
    }

    /// The head of a flow's queue.
    pub(super) fn head(&self, flow: FlowId) -> Option<&Emitted> {
        self.flows.0.get(flow.0).and_then(|flow| flow.queue.front())
    }

    /// Takes the expected packet from the queue: the head, or a later one inside the window.
    fn claim(
        &mut self,
        flow: FlowId,
        packets: &[&'c PacketSpec],
        window: Window,
    ) -> Result<Option<Timestamp>, EvalError> {
        let timing = self.clock.timing;
        let length = self.flows.0.get(flow.0).map_or(0, |flow| flow.queue.len());
        for index in 0..length {
            let Some(emitted) = self.flows.0.get(flow.0).and_then(|flow| flow.queue.get(index)) else {
                break;
            };
            let in_window = emitted.at >= window.earliest(timing) && emitted.at <= window.latest(timing);
            let Some(packet) = self.fitting(flow, index, packets)? else { continue };
            let is_head = self.only_permitted_before(flow, index)?;
            if !is_head && !in_window {
                continue;
            }
            self.pass_over(flow, index)?;
            return Ok(self.take(flow, 0, packet, Keeper::look(self.cursor, window), window));
        }
        Ok(None)
    }

    /// The first expectation that nothing answered and that this packet would have.
    pub(super) fn missed_by(&self, flow: FlowId, emitted: &Emitted) -> Result<Option<usize>, EvalError> {
        for (index, missed) in self.missed.iter().enumerate() {
            if missed.flow == flow && self.compare(missed.packet, flow, emitted)?.is_empty() {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// The head is too early for this step, but an expectation before it missed it: it is late for that one. Where
    /// that was the step right before, this one counts from when it really came.
    fn recognize_late(&mut self, flow: FlowId, window: Window) -> Result<bool, EvalError> {
        let Some(head) = self.head(flow).filter(|head| head.at < window.earliest(self.clock.timing)) else {
            return Ok(false);
        };
        let at = head.at;
        let missed = self.missed_by(flow, head)?.and_then(|index| self.missed.get(index));
        let mismatch = missed.and_then(|missed| self.mismatches.get(missed.mismatch));
        let Some(step) = mismatch.map(|mismatch| mismatch.step) else { return Ok(false) };
        self.pass_over(flow, 1)?;
        if step + 1 == self.cursor {
            self.clock.happen(step, Moment { at, slip: Span::ZERO });
            self.stage = Stage::Fresh;
        }
        Ok(true)
    }

    /// The first of these that the packet at this place of a queue is.
    pub(super) fn fitting(
        &self,
        flow: FlowId,
        index: usize,
        packets: &[&'c PacketSpec],
    ) -> Result<Option<&'c PacketSpec>, EvalError> {
        let Some(emitted) = self.flows.0.get(flow.0).and_then(|flow| flow.queue.get(index)) else {
            return Ok(None);
        };
        for packet in packets {
            if self.compare(packet, flow, emitted)?.is_empty() {
                return Ok(Some(packet));
            }
        }
        Ok(None)
    }

    /// Whether anything is in the queue that is not permitted.
    fn is_answered(&self, flow: FlowId) -> Result<bool, EvalError> {
        let length = self.flows.0.get(flow.0).map_or(0, |flow| flow.queue.len());
        Ok(!self.only_permitted_before(flow, length)?)
    }

    fn only_permitted_before(&self, flow: FlowId, index: usize) -> Result<bool, EvalError> {
        let Some(state) = self.flows.0.get(flow.0) else { return Ok(true) };
        for emitted in state.queue.iter().take(index) {
            if !self.is_allowed(flow, emitted)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What stands before the packet that was found: permitted, or unexpected.
    fn pass_over(&mut self, flow: FlowId, count: usize) -> Result<(), EvalError> {
        for _ in 0..count {
            let Some(emitted) = self.flows.0.get_mut(flow.0).and_then(|flow| flow.queue.pop_front()) else {
                break;
            };
            self.dismiss(flow, emitted)?;
        }
        Ok(())
    }

    /// A packet that no step names: permitted, late, or unexpected.
    pub(super) fn dismiss(&mut self, flow: FlowId, emitted: Emitted) -> Result<(), EvalError> {
        if self.is_allowed(flow, &emitted)? {
            self.mark(emitted.event, None, Status::Allowed);
            return Ok(());
        }
        if let Some(index) = self.missed_by(flow, &emitted)? {
            let missed = self.missed.remove(index);
            let by = emitted.at - missed.window.to;
            if let Some(mismatch) = self.mismatches.get_mut(missed.mismatch) {
                let step = mismatch.step;
                mismatch.at = emitted.at;
                // They told of silence.
                mismatch.hints.clear();
                mismatch.problem = Problem::TooLate {
                    what: render_packet(missed.packet),
                    by,
                    window: (missed.window.from, missed.window.to),
                };
                self.mark(emitted.event, Some(step), Status::Wrong);
            }
            return Ok(());
        }
        let actual = self.events.get(emitted.event).map(|event| event.text.clone()).unwrap_or_default();
        self.mark(emitted.event, None, Status::Unexpected);
        let mismatch = self.fail(emitted.at, Problem::UnexpectedPacket { actual });
        self.explain_packet(mismatch, flow, &emitted);
        Ok(())
    }

    /// Takes the packet at this place of a queue as the answer to the current step.
    pub(super) fn take(
        &mut self,
        flow: FlowId,
        index: usize,
        packet: &'c PacketSpec,
        keeper: Keeper<'_>,
        window: Window,
    ) -> Option<Timestamp> {
        let state = self.flows.0.get_mut(flow.0)?;
        let emitted = state.queue.remove(index)?;
        let bases = state.bases();
        self.memory.keep_segment(keeper, emitted.at, &emitted.parsed, &bases);
        let before = self.mismatches.len();
        self.check_time(self.cursor, &render_packet(packet), emitted.at, window);
        let status = if self.mismatches.len() == before { Status::Expected } else { Status::Wrong };
        self.mark(emitted.event, Some(self.cursor), status);
        Some(emitted.at)
    }

    /// Nothing in the queue is the expected packet, and the window has passed.
    fn miss(&mut self, flow: FlowId, packets: &[&'c PacketSpec], window: Window) -> Next {
        let permitted = self.drop_permitted(flow);
        if let Err(error) = permitted {
            return self.meaningless(&error);
        }
        let Some(emitted) = self.flows.0.get_mut(flow.0).and_then(|flow| flow.queue.pop_front()) else {
            return self.nothing_came(flow, packets, window);
        };
        let mut best: Option<(&PacketSpec, Vec<FieldDifference>)> = None;
        for packet in packets {
            match self.compare(packet, flow, &emitted) {
                Ok(fields) => {
                    if best.as_ref().is_none_or(|(_, known)| fields.len() < known.len()) {
                        best = Some((packet, fields));
                    }
                }
                Err(error) => return self.meaningless(&error),
            }
        }
        let Some((packet, fields)) = best else { return self.skip_step() };
        let actual = self.events.get(emitted.event).map(|event| event.text.clone()).unwrap_or_default();
        self.mark(emitted.event, Some(self.cursor), Status::Wrong);
        let at = emitted.at;
        let expected = self.expected_text(packet);
        let mismatch = self.fail(at, Problem::WrongPacket { expected, actual, fields });
        self.explain_packet(mismatch, flow, &emitted);
        self.look_at_other_flows(mismatch, flow, packets, false);
        self.next_step(at.max(self.clock.moment.at), Span::ZERO)
    }

    pub(super) fn nothing_came(&mut self, flow: FlowId, packets: &[&'c PacketSpec], window: Window) -> Next {
        let Some(packet) = packets.first().copied() else { return self.skip_step() };
        let expected = self.expected_text(packet);
        let mismatch = self.fail(window.to, Problem::NothingCame { expected });
        self.missed.push(Missed { mismatch, flow, packet, window });
        self.look_at_other_flows(mismatch, flow, packets, true);
        if self.flows.0.get(flow.0).is_some_and(|flow| flow.local.is_some()) {
            self.curious = Some((mismatch, flow));
        }
        self.next_step(window.to, Span::ZERO)
    }

    /// `expect: nothing`: the flow is quiet to the end of the window, and nothing is left on it.
    fn nothing(&mut self, flow: FlowId, window: Window) -> Next {
        if let Some(wait) = self.settle(window.latest(self.clock.timing)) {
            return wait;
        }
        if let Err(error) = self.clear(Some(flow), window.latest(self.clock.timing) + Span(1)) {
            return self.meaningless(&error);
        }
        self.quiet_until(window)
    }

    /// Nothing came, as permitted. A real clock has waited out its tolerance: what follows is due after that.
    fn quiet_until(&mut self, window: Window) -> Next {
        match self.clock.timing {
            Timing::Virtual => self.next_step(window.to, Span::ZERO),
            Timing::Real(_) => self.next_step(window.latest(self.clock.timing), Span::ZERO),
        }
    }

    pub(super) fn silent(&mut self, flow: Option<FlowId>, span: &TimeSpec) -> Next {
        let span = match self.length(span) {
            Ok(span) => span,
            Err(error) => return self.meaningless(&error),
        };
        let moment = self.clock.moment;
        let end = moment.at + span;
        if let Some(wait) = self.settle(end) {
            return wait;
        }
        // What comes at the end of the silence, or a real clock's earliness before it, is after it.
        if let Err(error) = self.clear(flow, end - self.clock.timing.early()) {
            return self.meaningless(&error);
        }
        self.next_step(end, Span::ZERO)
    }

    /// Nothing emitted before `end` may be left on the flow, or on any.
    pub(super) fn clear(&mut self, flow: Option<FlowId>, end: Timestamp) -> Result<(), EvalError> {
        for index in 0..self.flows.0.len() {
            let id = FlowId(index);
            if flow.is_some_and(|flow| flow != id) {
                continue;
            }
            while self.head(id).is_some_and(|emitted| emitted.at < end) {
                self.pass_over(id, 1)?;
            }
        }
        Ok(())
    }

    pub(super) fn allow(&mut self, flow: FlowId, packet: &'c PacketSpec, within: Option<&TimeSpec>) -> Next {
        let until = match within.map(|within| self.length(within)).transpose() {
            Ok(span) => span.map(|span| self.clock.moment.at + span + self.clock.timing.late(span)),
            Err(error) => return self.meaningless(&error),
        };
        let from = self.clock.moment.at - self.clock.timing.early();
        self.allowances.push(Allowance { flow, packet, from, until });
        self.skip_step()
    }

    pub(super) fn is_allowed(&self, flow: FlowId, emitted: &Emitted) -> Result<bool, EvalError> {
        for allowance in &self.allowances {
            let in_time =
                emitted.at >= allowance.from && allowance.until.is_none_or(|until| emitted.at <= until);
            if allowance.flow == flow && in_time && self.compare(allowance.packet, flow, emitted)?.is_empty()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn drop_permitted(&mut self, flow: FlowId) -> Result<(), EvalError> {
        while let Some(emitted) = self.head(flow) {
            if !self.is_allowed(flow, emitted)? {
                break;
            }
            self.pass_over(flow, 1)?;
        }
        Ok(())
    }

    /// The compared fields in which a packet differs from what is written.
    pub(super) fn compare(
        &self,
        packet: &PacketSpec,
        flow: FlowId,
        emitted: &Emitted,
    ) -> Result<Vec<FieldDifference>, EvalError> {
        let Some(state) = self.flows.0.get(flow.0) else { return Ok(Vec::new()) };
        let plain = self.script.as_ref().map(|_| Script::expected(packet));
        let view = View {
            bases: state.bases(),
            local: state.local,
            remote: state.remote,
            known: &self.memory,
            timing: self.clock.timing,
        };
        let mut fields =
            differences(plain.as_ref().unwrap_or(packet), &emitted.parsed, &emitted.bytes, &view)?;
        if let Some(script) = &self.script {
            let start = self.clock.zero(self.case).unwrap_or(Timestamp::START);
            fields.extend(script.differences(packet, flow, &emitted.parsed.packet, emitted.at - start));
        }
        Ok(fields)
    }

    /// The next SYN in the queue is the first of a new connection: its numbering counts from here.
    pub(super) fn relearn(&mut self, flow: FlowId) {
        let Some(state) = self.flows.0.get_mut(flow.0) else { return };
        state.relearn();
        let bases = state.bases();
        for emitted in &state.queue {
            if let Some(event) = self.events.get_mut(emitted.event) {
                event.text = packet_text(&emitted.parsed.packet, &bases);
                event.bases = bases;
            }
        }
    }
}

/// The packets an expectation accepts; none: only silence.
pub(super) fn alternatives(expected: &Expected) -> Vec<&PacketSpec> {
    match expected {
        Expected::Packet(packet) => vec![packet],
        Expected::OneOf(several) => several.iter().flat_map(alternatives).collect(),
        Expected::Nothing => Vec::new(),
    }
}

/// Whether silence is an answer.
pub(super) fn accepts_nothing(expected: &Expected) -> bool {
    match expected {
        Expected::Packet(_) => false,
        Expected::OneOf(several) => several.iter().any(accepts_nothing),
        Expected::Nothing => true,
    }
}

impl Stage {
    /// The window of a step that waits.
    pub(super) const fn window(&self) -> Option<Window> {
        match self {
            Self::Waiting(window) | Self::Several(window, _) | Self::Due(window) | Self::Called(window) => {
                Some(*window)
            }
            Self::Acting { window, .. } => Some(*window),
            Self::Fresh => None,
        }
    }
}
