//! Expectations: waiting, comparing, going on. And what is different about calls and the end.

use crate::case::{Action, Expected, FlowId, Isn, PacketSpec, Step};
use crate::time::{Span, Timestamp};
use crate::verdict::{FieldDifference, Problem, Verdict};
use crate::wire::notation::packet_text;

use super::super::clock::{PATIENCE, Window};
use super::super::eval::EvalError;
use super::super::expects::alternatives;
use super::super::flows::Emitted;
use super::super::memory::Keeper;
use super::super::{Engine, Next, Status};
use super::LAST_CHANCE;
use super::unseen::Answer;

impl<'c> Engine<'c> {
    /// The oldest packet of the flow that nobody has looked at must be this one, at its time.
    pub(in crate::engine) fn expect_in_order(
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
        let Some(packet) = alternatives(expected).first().copied() else { return self.skip_step() };
        match self.look_for(flow, packet) {
            Answer::Whole(emitted) => match self.judge(flow, packet, isn, &emitted, window) {
                Ok(next) => next,
                Err(error) => self.meaningless(&error),
            },
            Answer::Broken(emitted, difference) => self.differs(flow, packet, &emitted, vec![difference]),
            Answer::Waiting => {
                let most = if window.unbounded { window.from + self.patience() } else { Timestamp(i64::MAX) };
                if let Some(wait) = self.settle(window.give_up(self.clock.timing).min(most)) {
                    return wait;
                }
                match self.joined().map(|part| self.judge(flow, packet, isn, &part, window)) {
                    Some(Ok(next)) => next,
                    Some(Err(error)) => self.meaningless(&error),
                    None => self.nothing_came(flow, &[packet], window),
                }
            }
        }
    }

    fn judge(
        &mut self,
        flow: FlowId,
        packet: &'c PacketSpec,
        isn: Option<Isn>,
        emitted: &Emitted,
        window: Window,
    ) -> Result<Next, EvalError> {
        if isn.is_none()
            && let Some(index) = self.missed_before(flow, packet, emitted)?
        {
            self.came_after_all(flow, index, emitted)?;
            return Ok(Next::Again);
        }
        if let (Some(isn), Some(tcp), Some(state)) =
            (isn, emitted.parsed.packet.tcp(), self.flows.0.get_mut(flow.0))
        {
            state.target_isn.get_or_insert(tcp.seq);
            if let (Isn::As(written), Some(script)) = (isn, &mut self.script) {
                script.call(flow, written);
            }
        }
        let fields = self.compare(packet, flow, emitted)?;
        if let Some(script) = &mut self.script {
            script.learn(packet, flow, &emitted.parsed.packet);
        }
        self.tell_again(flow, emitted);
        if !fields.is_empty() {
            return Ok(self.differs(flow, packet, emitted, fields));
        }
        let before = self.mismatches.len();
        let bases = self.flows.0.get(flow.0).map(|state| state.bases()).unwrap_or_default();
        self.memory.keep_segment(Keeper::look(self.cursor, window), emitted.at, &emitted.parsed, &bases);
        if !self.is_lenient() {
            self.check_time(self.cursor, &self.expected_text(packet), emitted.at, window);
        }
        let status = if self.mismatches.len() == before { Status::Expected } else { Status::Wrong };
        self.mark(emitted.event, Some(self.cursor), status);
        Ok(self.next_step(emitted.at.max(self.clock.moment.at), Span::ZERO))
    }

    /// Where it is not what is expected now, but what was before and did not come in time: which of those missed.
    fn missed_before(
        &self,
        flow: FlowId,
        packet: &PacketSpec,
        emitted: &Emitted,
    ) -> Result<Option<usize>, EvalError> {
        if self.missed.is_empty() || self.compare(packet, flow, emitted)?.is_empty() {
            return Ok(None);
        }
        self.missed_by(flow, emitted)
    }

    /// What was missed came: late, or because of something that the script did in the meantime.
    fn came_after_all(&mut self, flow: FlowId, index: usize, emitted: &Emitted) -> Result<(), EvalError> {
        let timing = self.clock.timing;
        let Some(missed) = self.missed.get(index).filter(|missed| emitted.at <= missed.window.latest(timing))
        else {
            return self.dismiss(flow, emitted.clone());
        };
        let mismatch = missed.mismatch;
        self.missed.remove(index);
        self.mark(emitted.event, self.mismatches.get(mismatch).map(|mismatch| mismatch.step), Status::Wrong);
        self.hint(
            mismatch,
            format!("it came at {}, only after what the script does next", self.since_zero(emitted.at)),
        );
        Ok(())
    }

    /// How long a call is waited for that is not said to block. Once something has failed nobody waits for long.
    pub(in crate::engine) fn patience(&self) -> Span {
        if self.mismatches.is_empty() { PATIENCE } else { LAST_CHANCE }
    }

    /// The packet is used up, and is not the one.
    fn differs(
        &mut self,
        flow: FlowId,
        packet: &'c PacketSpec,
        emitted: &Emitted,
        fields: Vec<FieldDifference>,
    ) -> Next {
        let at = emitted.at;
        let live = &emitted.parsed.packet;
        let actual = packet_text(live, &self.bases_of(flow, live));
        self.mark(emitted.event, Some(self.cursor), Status::Wrong);
        if !self.is_lenient() {
            let expected = self.expected_text(packet);
            let mismatch = self.fail(at, Problem::WrongPacket { expected, actual, fields });
            self.explain_packet(mismatch, flow, emitted);
            self.look_at_other_flows(mismatch, flow, &[packet], false);
        }
        self.next_step(at.max(self.clock.moment.at), Span::ZERO)
    }

    fn is_lenient(&self) -> bool {
        self.script.as_ref().is_some_and(|script| script.rules.lenient)
    }

    /// A call waits for one that is in progress. That makes it late.
    pub(in crate::engine) fn wait_for_calls(&mut self, step: &Step, window: Window) -> Option<Next> {
        if self.script.is_none() || !matches!(step.action, Action::Call { .. }) {
            return None;
        }
        if self.is_in_call()
            && let Some(wait) = self.settle(window.from + LAST_CHANCE)
        {
            return Some(wait);
        }
        let by = self.clock.busy - window.from;
        if by > window.late(self.clock.timing) && self.mismatches.is_empty() {
            self.fail(self.clock.busy, Problem::InThePast { by });
        }
        None
    }

    /// Whether some call that blocks has not come back.
    fn is_in_call(&self) -> bool {
        self.threads.0.iter().any(|thread| {
            thread.made.as_ref().is_some_and(|made| made.overdue.is_none()) && thread.back.is_none()
        })
    }

    /// The end: calls get a last chance; of packets nothing is judged unless it is asked for.
    pub(in crate::engine) fn finish_in_order(&mut self) -> Next {
        let end = self.clock.moment.at;
        if self.is_in_call()
            && let Some(wait) = self.settle(end + LAST_CHANCE)
        {
            return wait;
        }
        if self.script.as_ref().is_some_and(|script| script.rules.strict)
            && let Some(next) = self.nothing_is_left(end)
        {
            return next;
        }
        self.lose_rest();
        self.check_threads(end);
        self.end_unless_failed(Verdict::Pass);
        Next::Again
    }

    /// What has come by the end of the last step and that no step has looked at fails the case.
    fn nothing_is_left(&mut self, end: Timestamp) -> Option<Next> {
        let timing = self.clock.timing;
        if let Some(wait) = self.settle(end + timing.late(Span::ZERO) + self.clock.moment.slip) {
            return Some(wait);
        }
        let last = self.case.steps.iter().rev().find_map(|step| match &step.action {
            Action::Expect { flow, expected: Expected::Packet(packet), .. } => Some((*flow, packet)),
            _ => None,
        });
        let (flow, packet) = last?;
        let unseen =
            self.script.as_mut().map(|script| std::mem::take(&mut script.unseen)).unwrap_or_default();
        for emitted in unseen {
            if self.belongs(flow, packet, &emitted)
                && let Err(error) = self.dismiss(flow, emitted)
            {
                self.fail(end, Problem::Meaningless { why: error.0 });
            }
        }
        None
    }
}
