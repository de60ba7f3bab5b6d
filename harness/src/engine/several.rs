//! `any_order`: several things that must all happen inside one window.

use crate::case::{Action, FlowId, Isn, PacketSpec, Step};
use crate::time::{Span, Timestamp};
use crate::verdict::Problem;

use super::clock::Window;
use super::eval::EvalError;
use super::expects::{accepts_nothing, alternatives};
use super::memory::Keeper;
use super::{Engine, Next, Stage};

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
        let keeper = Keeper { member: member.name.as_deref(), ..Keeper::look(self.cursor, window) };
        match &member.action {
            Action::Expect { flow, expected, isn } if !accepts_nothing(expected) => {
                if *isn == Some(Isn::New) {
                    self.relearn(*flow);
                }
                self.try_packets(*flow, &alternatives(expected), keeper, window)
            }
            Action::Returns { thread, outcome } => {
                let Some((made, back)) = self.threads.take(*thread) else { return Ok(None) };
                self.check_time(self.cursor, made.text, back.at, window);
                self.accept(&made, &back, Some((keeper, outcome)));
                Ok(Some(back.at))
            }
            _ => Err(EvalError("any_order takes packets and returns only".to_owned())),
        }
    }

    /// The first packet of the flow that fits, whatever stands before it: another member may take that.
    fn try_packets(
        &mut self,
        flow: FlowId,
        packets: &[&'c PacketSpec],
        keeper: Keeper<'c>,
        window: Window,
    ) -> Result<Option<Timestamp>, EvalError> {
        let length = self.flows.0.get(flow.0).map_or(0, |flow| flow.queue.len());
        for index in 0..length {
            if let Some(packet) = self.fitting(flow, index, packets)? {
                return Ok(self.take(flow, index, packet, keeper, window));
            }
        }
        Ok(None)
    }
}
