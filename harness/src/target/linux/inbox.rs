//! Where threads that make calls leave what came of them, and the driver of the case finds it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::case::ThreadId;
use crate::target::{Observation, TargetError};

/// Results of calls, in the order they came.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    state: Mutex<State>,
    /// A call returned: for a driver that waits for one thread.
    changed: Condvar,
    /// A call returned: for a driver that waits for anything.
    arrived: Notify,
}

#[derive(Debug, Default)]
struct State {
    observations: Vec<Observation>,
    calling: BTreeSet<ThreadId>,
    failed: BTreeMap<ThreadId, TargetError>,
}

impl Inbox {
    /// Notes that a thread was given a call; false if it has one already.
    pub(super) fn begin(&self, thread: ThreadId) -> bool {
        self.lock().calling.insert(thread)
    }

    /// Leaves what came of a thread's call.
    pub(super) fn finish(&self, thread: ThreadId, outcome: Result<Vec<Observation>, TargetError>) {
        let mut state = self.lock();
        state.calling.remove(&thread);
        match outcome {
            Ok(observations) => state.observations.extend(observations),
            Err(error) => {
                state.failed.insert(thread, error);
            }
        }
        drop(state);
        self.changed.notify_all();
        self.arrived.notify_one();
    }

    /// Whether the thread has a call.
    pub(super) fn is_calling(&self, thread: ThreadId) -> bool {
        self.lock().calling.contains(&thread)
    }

    /// Takes what there is.
    pub(super) fn take(&self) -> Vec<Observation> {
        std::mem::take(&mut self.lock().observations)
    }

    /// Why a thread's call could not be made.
    pub(super) fn take_failure(&self, thread: ThreadId) -> Option<TargetError> {
        self.lock().failed.remove(&thread)
    }

    /// Waits for a thread's call to return, but not longer than `patience`; whether it did.
    pub(super) fn wait(&self, thread: ThreadId, patience: Duration) -> bool {
        let (state, _) = self
            .changed
            .wait_timeout_while(self.lock(), patience, |state| state.calling.contains(&thread))
            .unwrap_or_else(PoisonError::into_inner);
        !state.calling.contains(&thread)
    }

    /// Returns when something was left since the last time.
    pub(super) async fn arrival(&self) {
        self.arrived.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
