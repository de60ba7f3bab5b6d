//! `any_order`: several things that must all happen inside one window.

use crate::case::{Action, Expected, FlowId, Step};
use crate::time::{Span, Timestamp};
use crate::verdict::Problem;

use super::clock::Window;
use super::eval::EvalError;
use super::{Engine, Next, Stage, Status};

/// Which members have happened, and when the last of them did.
#[derive(Clone, Debug)]
pub(super) struct Members {
    done: Vec<bool>,
    latest: Timestamp,
}

impl<'c> Engine<'c> {
    pub(super) fn any_order(&mut self, step: &'c Step, members: &'c [Step]) -> Next {
        if matches!(self.stage, Stage::Fresh) {
            let window = match self.clock.window(step, &self.memory) {
                Ok(window) => window,
                Err(error) => return self.meaningless(&error),
            };
            let latest = self.clock.moment.at;
            self.stage = Stage::Several(window, Members { done: vec![false; members.len()], latest });
        }
        let Stage::Several(window, mut progress) = std::mem::replace(&mut self.stage, Stage::Fresh) else {
            return self.skip_step();
        };
        for (index, member) in members.iter().enumerate() {
            if progress.done.get(index) == Some(&true) {
                continue;
            }
            match self.try_member(member, window) {
                Ok(Some(at)) => {
                    progress.latest = progress.latest.max(at);
                    if let Some(done) = progress.done.get_mut(index) {
                        *done = true;
                    }
                }
                Ok(None) => {}
                Err(error) => return self.meaningless(&error),
            }
        }
        let latest = progress.latest;
        let missing: Vec<usize> =
            (0..members.len()).filter(|index| progress.done.get(*index) != Some(&true)).collect();
        self.stage = Stage::Several(window, progress);
        if missing.is_empty() {
            return self.next_step(latest, Span::ZERO);
        }
        if let Some(wait) = self.settle(window.give_up(self.clock.timing)) {
            return wait;
        }
        for index in missing {
            if let Some(member) = members.get(index) {
                self.fail(window.to, Problem::NothingCame { expected: member.origin.text.clone() });
            }
        }
        self.next_step(window.to, Span::ZERO)
    }

    fn try_member(&mut self, member: &'c Step, window: Window) -> Result<Option<Timestamp>, EvalError> {
        match &member.action {
            Action::Expect { flow, expected: Expected::Packet(packet), .. } => {
                self.try_packet(*flow, packet, window)
            }
            Action::Returns { thread, outcome } => {
                let Some((made, back)) = self.threads.take(*thread) else { return Ok(None) };
                self.check_time(self.cursor, made.text, back.at, window);
                self.accept(&made, &back, Some((self.cursor, outcome)));
                Ok(Some(back.at))
            }
            _ => Err(EvalError("any_order takes expect and returns steps only".to_owned())),
        }
    }

    /// The first packet of the flow that fits, whatever stands before it: another member may take that.
    fn try_packet(
        &mut self,
        flow: FlowId,
        packet: &'c crate::case::PacketSpec,
        window: Window,
    ) -> Result<Option<Timestamp>, EvalError> {
        let length = self.flows.0.get(flow.0).map_or(0, |flow| flow.queue.len());
        for index in 0..length {
            let Some(emitted) = self.flows.0.get(flow.0).and_then(|flow| flow.queue.get(index)) else {
                break;
            };
            if !self.compare(packet, flow, emitted)?.is_empty() {
                continue;
            }
            let Some(emitted) = self.flows.0.get_mut(flow.0).and_then(|flow| flow.queue.remove(index)) else {
                break;
            };
            self.check_time(self.cursor, &crate::case::render_packet(packet), emitted.at, window);
            self.mark(emitted.event, Some(self.cursor), Status::Expected);
            return Ok(Some(emitted.at));
        }
        Ok(None)
    }
}
