//! Calls that come back: at once, in a window, or when a step says so.

use crate::case::{DescriptorId, Outcome, Step, Syscall, ThreadId, constant};
use crate::target::Completion;
use crate::time::{Span, Timestamp};
use crate::verdict::Problem;

use super::calls::{self, Judge, Streams};
use super::clock::Window;
use super::memory::Keeper;
use super::packetdrill::Script;
use super::threads::{Back, Ends, Made};
use super::{Engine, Next, Stage, Status, What};

impl<'c> Engine<'c> {
    /// A call returned.
    pub(super) fn returned(&mut self, at: Timestamp, thread: ThreadId, completion: Completion) {
        let text = calls::show_result(completion.result);
        let event = self.record(at, What::Returned(thread), text, None, Status::Unclaimed);
        if let Some(event) = self.events.get_mut(event) {
            event.back = Some(completion.clone());
        }
        self.threads.come_back(thread, at, completion, event);
        let Some(made) = self.threads.get(thread).and_then(|thread| thread.made.as_ref()) else { return };
        match (made.ends, made.overdue) {
            (Ends::In(window, outcome), None) => {
                if let Some((made, back)) = self.threads.take(thread) {
                    self.check_time(made.step, made.text, back.at, window);
                    let step = made.step;
                    self.accept(&made, &back, Some((Keeper::look(step, window), outcome)));
                }
            }
            (_, Some(mismatch)) => {
                if let Some((made, back)) = self.threads.take(thread) {
                    self.came_late(mismatch, &made, &back);
                    self.accept(&made, &back, None);
                }
            }
            (Ends::WhenLooked, None) => {}
        }
    }

    /// A call that was reported as blocked came back after all: it is late.
    fn came_late(&mut self, index: usize, made: &Made<'c>, back: &Back) {
        let Some(mismatch) = self.mismatches.get_mut(index) else { return };
        let by = back.at - mismatch.at;
        let window = (mismatch.at, mismatch.at);
        mismatch.at = back.at;
        mismatch.hints.clear();
        mismatch.problem = Problem::TooLate { what: format!("return of {}", made.text), by, window };
        mismatch.hints.push(format!("it returned {}", calls::show_result(back.completion.result)));
    }

    /// A step that says: a blocked call returns now.
    pub(super) fn returns(&mut self, step: &'c Step, thread: ThreadId, outcome: &'c Outcome) -> Next {
        let window = match self.waiting(step) {
            Ok(window) => window,
            Err(error) => return self.meaningless(&error),
        };
        let is_in_call = self.threads.get(thread).is_some_and(|thread| thread.made.is_some());
        if !is_in_call {
            let missing = "no call is blocked on this thread any more".to_owned();
            self.fail(self.clock.moment.at, Problem::Consequence { missing });
            return self.next_step(window.to, Span::ZERO);
        }
        if !self.threads.is_back(thread)
            && let Some(wait) = self.settle(window.give_up(self.clock.timing))
        {
            return wait;
        }
        let Some((made, back)) = self.threads.take(thread) else {
            self.still_blocked(thread, window.to);
            return self.next_step(window.to, Span::ZERO);
        };
        self.check_time(self.cursor, made.text, back.at, window);
        let at = back.at;
        self.accept(&made, &back, Some((Keeper::look(self.cursor, window), outcome)));
        self.next_step(at, Span::ZERO)
    }

    /// The window of an expecting step, computed once.
    pub(super) fn waiting(&mut self, step: &'c Step) -> Result<Window, super::EvalError> {
        if let Stage::Waiting(window) = &self.stage {
            return Ok(*window);
        }
        let window = self.clock.window(step, &self.memory)?;
        self.stage = Stage::Waiting(window);
        Ok(window)
    }

    /// Something came at `at`: was it in time?
    pub(super) fn check_time(&mut self, step: usize, what: &str, at: Timestamp, window: Window) {
        let timing = self.clock.timing;
        let bounds = (window.from, window.to);
        let what = what.to_owned();
        if at < window.earliest(timing) {
            self.fail_step(step, at, Problem::TooEarly { what, by: window.from - at, window: bounds });
        } else if at > window.latest(timing) {
            self.fail_step(step, at, Problem::TooLate { what, by: at - window.to, window: bounds });
        } else if at < window.from && self.is_scarce(at, window) {
            let by = window.from - at;
            self.scarcely.get_or_insert_with(|| format!("{what} came {by} early, which is just in time"));
        }
    }

    /// Whether what came in time was waited for, and would have been too early a tick before.
    fn is_scarce(&self, at: Timestamp, window: Window) -> bool {
        let tick = self.clock.timing.early();
        window.from - self.clock.moment.at > tick && at - tick < window.earliest(self.clock.timing)
    }

    pub(super) fn still_blocked(&mut self, thread: ThreadId, at: Timestamp) {
        let Some(made) = self.threads.get(thread).and_then(|thread| thread.made.as_ref()) else { return };
        let call = made.text.to_owned();
        let index = self.fail(at, Problem::StillBlocked { call });
        self.wonder(index);
        if let Some(made) = self.threads.get(thread).and_then(|thread| thread.made.as_mut()) {
            made.overdue = Some(index);
        }
    }

    /// Calls whose window has passed are still blocked.
    pub(super) fn expire(&mut self, now: Timestamp) {
        let timing = self.clock.timing;
        for index in 0..self.threads.0.len() {
            let Some(made) = self.threads.0.get(index).and_then(|thread| thread.made.as_ref()) else {
                continue;
            };
            let Ends::In(window, _) = made.ends else { continue };
            if made.overdue.is_some() || now <= window.give_up(timing) {
                continue;
            }
            let (step, call) = (made.step, made.text.to_owned());
            let mismatch = self.fail_step(step, window.to, Problem::StillBlocked { call });
            self.wonder(mismatch);
            if let Some(made) = self.threads.0.get_mut(index).and_then(|thread| thread.made.as_mut()) {
                made.overdue = Some(mismatch);
            }
        }
    }

    /// Takes what a call came back with, and judges it where an outcome is given with the step it belongs to.
    pub(super) fn accept(&mut self, made: &Made<'c>, back: &Back, judged: Option<(Keeper<'c>, &'c Outcome)>) {
        let stream = made.call.receives_on().or(made.call.sends_on());
        let streams = stream.map(|id| self.stream(id)).unwrap_or_default();
        let mut status = Status::Expected;
        if let Some((keeper, outcome)) = judged {
            let step = keeper.step;
            let judge = Judge {
                call: &made.call,
                streams,
                // packetdrill's language has no signals.
                raised: if self.script.is_some() { &[] } else { &back.raised },
                timing: self.script.as_ref().map_or(self.clock.timing, Script::timing),
                zero: self.memory.zero,
                known: &self.memory,
                names: &self.case.descriptors,
            };
            match judge.differences(outcome, &back.completion) {
                Ok(fields) if fields.is_empty() => {}
                Ok(fields) => {
                    status = Status::Wrong;
                    let call = made.text.to_owned();
                    self.fail_step(step, back.at, Problem::WrongResult { call, fields });
                }
                Err(error) => {
                    status = Status::Wrong;
                    self.fail_step(step, back.at, Problem::Meaningless { why: error.0 });
                }
            }
            self.memory.keep_call(keeper, back.at, &back.completion);
        } else {
            status = Status::Wrong;
        }
        let step = judged.map_or(made.step, |(keeper, _)| keeper.step);
        for event in &back.events {
            self.mark(*event, Some(step), status);
        }
        self.take_effect(made, back, streams);
    }

    /// Descriptors get bound and streams move on, whether or not the result was right.
    fn take_effect(&mut self, made: &Made<'c>, back: &Back, mut streams: Streams) {
        let Ok(value) = back.completion.result else { return };
        for id in made.binds {
            if let Some(bound) = self.bound.get_mut(id.0) {
                *bound = true;
            }
            if let Some(fd) = made.call.duplicates()
                && let Some(&shared) = self.stream_of.get(fd.0)
                && let Some(slot) = self.stream_of.get_mut(id.0)
                && fd != *id
            {
                *slot = shared;
            }
        }
        if made.call.sends_on().is_some() {
            streams.sent += u64::try_from(value).unwrap_or(0);
        }
        if made.call.receives_on().is_some() && !leaves_bytes(&made.call) {
            streams.received += u64::try_from(back.completion.data.len()).unwrap_or(0);
        }
        let id = made.call.receives_on().or(made.call.sends_on());
        if let Some(stream) =
            id.and_then(|id| self.stream_of.get(id.0)).and_then(|at| self.streams.get_mut(*at))
        {
            *stream = streams;
        }
    }

    /// How far the streams of a descriptor's socket are.
    pub(super) fn stream(&self, id: DescriptorId) -> Streams {
        self.stream_of.get(id.0).and_then(|at| self.streams.get(*at)).copied().unwrap_or_default()
    }
}

/// Whether a reading call leaves the stream where it is: peeked, out of band, or of the error queue.
fn leaves_bytes(call: &Syscall) -> bool {
    let (Syscall::Recv { flags, .. } | Syscall::Recvfrom { flags, .. } | Syscall::Recvmsg { flags, .. }) =
        call
    else {
        return false;
    };
    ["MSG_PEEK", "MSG_OOB", "MSG_ERRQUEUE"]
        .iter()
        .filter_map(|name| constant(name))
        .any(|bit| flags & bit != 0)
}
