//! Threads of a case: which call each is in, and what it came back with.

use crate::case::{DescriptorId, Outcome, Signal, Syscall, ThreadId};
use crate::target::Completion;
use crate::time::Timestamp;

use super::clock::Window;

/// A call that was made and has not been judged.
#[derive(Clone, Debug)]
pub(super) struct Made<'c> {
    pub(super) step: usize,
    pub(super) call: Syscall,
    pub(super) binds: &'c [DescriptorId],
    /// As written, for messages.
    pub(super) text: &'c str,
    /// How its return is judged.
    pub(super) ends: Ends<'c>,
    /// It should have returned by now: the mismatch that says so.
    pub(super) overdue: Option<usize>,
}

/// When a call must return.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ends<'c> {
    /// At the moment it is made, or when a later step says: that step looks.
    WhenLooked,
    /// In this window: checked whenever it happens.
    In(Window, &'c Outcome),
}

/// What a call came back with.
#[derive(Clone, Debug)]
pub(super) struct Back {
    pub(super) at: Timestamp,
    pub(super) completion: Completion,
    pub(super) raised: Vec<Signal>,
    /// Places in the log of the return and of the signals it raised.
    pub(super) events: Vec<usize>,
}

/// One thread.
#[derive(Clone, Debug, Default)]
pub(super) struct Thread<'c> {
    /// The call it is in, or whose return nobody has looked at.
    pub(super) made: Option<Made<'c>>,
    pub(super) back: Option<Back>,
    raised: Vec<(Signal, usize)>,
}

/// All threads of a case.
#[derive(Debug)]
pub(super) struct Threads<'c>(pub(super) Vec<Thread<'c>>);

impl<'c> Threads<'c> {
    pub(super) fn new(count: usize) -> Self {
        Self(vec![Thread::default(); count])
    }

    pub(super) fn get(&mut self, id: ThreadId) -> Option<&mut Thread<'c>> {
        self.0.get_mut(id.0)
    }

    pub(super) fn raise(&mut self, id: ThreadId, signal: Signal, event: usize) {
        if let Some(thread) = self.get(id) {
            thread.raised.push((signal, event));
        }
    }

    /// Signals that no call raised, with their places in the log.
    pub(super) fn left_over(&mut self, id: ThreadId) -> Vec<(Signal, usize)> {
        self.get(id).map(|thread| std::mem::take(&mut thread.raised)).unwrap_or_default()
    }

    /// A call of the thread returned.
    pub(super) fn come_back(&mut self, id: ThreadId, at: Timestamp, completion: Completion, event: usize) {
        let Some(thread) = self.get(id) else { return };
        let raised = std::mem::take(&mut thread.raised);
        let events = std::iter::once(event).chain(raised.iter().map(|(_, event)| *event)).collect();
        let raised = raised.into_iter().map(|(signal, _)| signal).collect();
        thread.back = Some(Back { at, completion, raised, events });
    }

    /// Takes a finished call off its thread.
    pub(super) fn take(&mut self, id: ThreadId) -> Option<(Made<'c>, Back)> {
        let thread = self.get(id)?;
        let back = thread.back.take()?;
        let made = thread.made.take()?;
        Some((made, back))
    }

    pub(super) fn is_back(&self, id: ThreadId) -> bool {
        self.0.get(id.0).is_some_and(|thread| thread.back.is_some())
    }
}
