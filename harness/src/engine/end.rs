//! The end of a case: the window of its last step, and everything claimed.

use crate::case::{Action, Blocks, ThreadId};
use crate::time::{Span, Timestamp};
use crate::verdict::{FieldDifference, Problem, Verdict};

use super::calls;
use super::threads::Ends;
use super::{Engine, Next, Status};

impl Engine<'_> {
    /// The story begins: what `given` has left unclaimed fails it.
    pub(super) fn end_given(&mut self) {
        let now = self.clock.busy.max(self.clock.moment.at);
        if let Err(error) = self.clear(None, now + Span(1)) {
            self.fail(now, Problem::Meaningless { why: error.0 });
        }
        if let Some(pace) = &mut self.clock.pace {
            pace.begin();
        }
        self.given_over = true;
    }

    pub(super) fn finish(&mut self) -> Next {
        let timing = self.clock.timing;
        let end = self.end();
        if let Some(wait) = self.settle(end + timing.late(Span::ZERO) + self.clock.moment.slip) {
            return wait;
        }
        let limit = Timestamp(i64::MAX);
        if let Err(error) = self.clear(None, limit) {
            self.fail(end, Problem::Meaningless { why: error.0 });
        }
        self.check_threads(end);
        self.end_unless_failed(Verdict::Pass);
        Next::Again
    }

    /// The end of the last step's window, or of a call that must still return, whichever is later.
    fn end(&self) -> Timestamp {
        let timing = self.clock.timing;
        let calls = self.threads.0.iter().filter_map(|thread| thread.made.as_ref()).filter_map(|made| {
            match made.ends {
                Ends::In(window, _) if made.overdue.is_none() => Some(window.give_up(timing)),
                Ends::In(..) | Ends::WhenLooked => None,
            }
        });
        calls.fold(self.last_window.max(self.clock.moment.at), Timestamp::max)
    }

    /// Calls that are still blocked must be allowed to be; calls that came back must have been expected.
    pub(super) fn check_threads(&mut self, end: Timestamp) {
        for index in 0..self.threads.0.len() {
            let thread = ThreadId(index);
            if self.script.is_none() {
                self.check_signals(thread, end);
            }
            if let Some((made, back)) = self.threads.take(thread) {
                let returned = calls::show_result(back.completion.result);
                let call = made.text.to_owned();
                self.accept(&made, &back, None);
                self.fail_step(made.step, back.at, Problem::DidNotBlock { call, returned });
                continue;
            }
            let Some(made) = self.threads.0.get(index).and_then(|thread| thread.made.as_ref()) else {
                continue;
            };
            let (step, call) = (made.step, made.text.to_owned());
            let forever = self.case.steps.get(step).is_some_and(
                |step| matches!(&step.action, Action::Call { blocks, .. } if *blocks == Blocks::Forever),
            );
            if !forever && made.overdue.is_none() {
                self.fail_step(step, end, Problem::StillBlocked { call });
            }
        }
    }

    /// Every signal must have been raised by a call whose step says so.
    fn check_signals(&mut self, thread: ThreadId, end: Timestamp) {
        for (signal, event) in self.threads.left_over(thread) {
            self.mark(event, None, Status::Unexpected);
            let at = self.events.get(event).map_or(end, |event| event.at);
            let field = FieldDifference::new("raises", "none", signal.to_string());
            let name = self.case.threads.get(thread.0).map_or("main", String::as_str);
            let call = format!("no call of thread {name}");
            self.fail(at, Problem::WrongResult { call, fields: vec![field] });
        }
    }
}
