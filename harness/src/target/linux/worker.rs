//! Threads that make the calls of a case: one each for `main` and every other thread that the case names.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::unistd::gettid;

use super::calls::{self, Context};
use super::faults::{broken, out_of_files};
use super::inbox::Inbox;
use super::mailbox::Mailbox;
use super::namespace::{Namespace, STACK};
use super::schedule::Processors;
use super::{schedule, sys};
use crate::case::{Signal, Submission, ThreadId};
use crate::target::{Completion, Observation, TargetError};
use crate::time::Timestamp;

/// How long a thread may take to make a call, or to fall asleep in it.
const PATIENCE: Duration = Duration::from_secs(1);
/// Most calls return within this time; looking at the thread costs more than waiting so long.
const GLANCE: Duration = Duration::from_micros(150);

/// Where a thread is in its call, for those who watch it.
#[derive(Debug)]
pub(super) struct Progress {
    number: AtomicI64,
    started: AtomicI64,
}

impl Progress {
    /// It is about to enter a system call.
    pub(super) fn enter(&self, number: i64, at: Timestamp) {
        self.started.store(at.0, Ordering::Release);
        self.number.store(number, Ordering::Release);
    }

    fn reset(&self) {
        self.number.store(-1, Ordering::Release);
    }
}

/// One of the threads.
#[derive(Debug)]
pub(super) struct Worker {
    id: ThreadId,
    jobs: Mailbox<Submission>,
    number: i32,
    progress: Arc<Progress>,
    inbox: Arc<Inbox>,
    handle: JoinHandle<()>,
}

impl Worker {
    /// Starts a thread in the namespace.
    pub(super) fn start(
        id: ThreadId,
        namespace: &Namespace,
        context: &Arc<Context>,
        inbox: &Arc<Inbox>,
    ) -> Result<Self, TargetError> {
        let (jobs, told) = (Mailbox::<Submission>::new(), Mailbox::new());
        let (work, tell) = (jobs.share(), told.share());
        let progress = Arc::new(Progress { number: AtomicI64::new(-1), started: AtomicI64::new(0) });
        let processors = Processors::ours();
        let (theirs, results, context) = (progress.clone(), inbox.clone(), context.clone());
        // A thread lives where the thread that starts it lives.
        let handle = namespace
            .run(move || {
                thread::Builder::new().name(format!("tcpdrill-call{}", id.0)).stack_size(STACK).spawn(
                    move || {
                        let _closes = work.closer();
                        schedule::raise();
                        if let Some(processors) = processors {
                            processors.take();
                        }
                        sys::mask(libc::SIGPIPE, true);
                        let _ = tell.put(gettid().as_raw());
                        while let Some(submission) = work.take() {
                            let outcome = run(id, &submission, &context, &theirs);
                            results.finish(id, outcome);
                        }
                    },
                )
            })?
            .map_err(|error| out_of_files("a thread", &error))?;
        let number = told.take().ok_or_else(|| broken("a thread of the case died"))?;
        Ok(Self { id, jobs, number, progress, inbox: inbox.clone(), handle })
    }

    /// Makes it call. Returns when the call has returned or is known to block; says when it was made.
    pub(super) fn submit(&self, submission: &Submission) -> Result<Timestamp, TargetError> {
        if !self.inbox.begin(self.id) {
            return Err(broken(format!("thread {} is blocked in a call", self.id.0)));
        }
        self.progress.reset();
        self.jobs.put(submission.clone()).map_err(|_| broken("a thread of the case died"))?;
        self.settle()?;
        match self.inbox.take_failure(self.id) {
            Some(error) => Err(error),
            None => Ok(Timestamp(self.progress.started.load(Ordering::Acquire))),
        }
    }

    /// Waits until its call has returned, or it sleeps in it.
    pub(super) fn settle(&self) -> Result<(), TargetError> {
        let mut waited = Duration::ZERO;
        loop {
            if !self.inbox.is_calling(self.id) || self.sleeps() {
                return Ok(());
            }
            if self.inbox.wait(self.id, GLANCE) {
                return Ok(());
            }
            waited += GLANCE;
            if waited > PATIENCE {
                return Err(broken(format!(
                    "thread {} of the case was not scheduled for {} s",
                    self.id.0,
                    PATIENCE.as_secs()
                )));
            }
        }
    }

    /// Whether it is in a call.
    pub(super) fn is_calling(&self) -> bool {
        self.inbox.is_calling(self.id)
    }

    /// Interrupts it.
    pub(super) fn signal(&self, signal: i32) -> Result<(), TargetError> {
        sys::kill_thread(self.number, signal)
            .map_err(|error| broken(format!("a thread cannot be signalled: {error}")))
    }

    /// Makes a blocked call return and ends the thread.
    pub(super) fn stop(self, interrupt: i32) -> Result<(), TargetError> {
        let mut tries = 0;
        while self.inbox.is_calling(self.id) {
            self.signal(interrupt)?;
            self.inbox.wait(self.id, Duration::from_millis(1));
            tries += 1;
            if tries > PATIENCE.as_millis() {
                // The thread is left behind: joining it would block.
                return Err(broken(format!("the call of thread {} cannot be interrupted", self.id.0)));
            }
        }
        self.jobs.close();
        self.handle.join().map_err(|_| broken("a thread of the case panicked"))
    }

    /// Whether it provably sleeps in its call: its state and the number of the system call it is in, read twice.
    ///
    /// The kernel gives that number only for a thread that it made sure is off its processor.
    fn sleeps(&self) -> bool {
        let number = self.progress.number.load(Ordering::Acquire);
        number >= 0 && (0..2).all(|_| self.asleep_in(number) == Some(true))
    }

    fn asleep_in(&self, number: i64) -> Option<bool> {
        let directory = format!("/proc/self/task/{}", self.number);
        let stat = fs::read_to_string(format!("{directory}/stat")).ok()?;
        let (_, behind_name) = stat.rsplit_once(") ")?;
        let call = fs::read_to_string(format!("{directory}/syscall")).ok()?;
        let current = call.split_whitespace().next()?.parse::<i64>().ok();
        Some(behind_name.starts_with('S') && current == Some(number))
    }
}

/// Makes the call on this thread.
fn run(
    thread: ThreadId,
    submission: &Submission,
    context: &Context,
    progress: &Progress,
) -> Result<Vec<Observation>, TargetError> {
    let mut stage = calls::Stage::new(context.clock, progress);
    let outcome = calls::make(submission, context, &mut stage)?;
    context.descriptors.bind(&submission.binds, &outcome.made);
    let at = stage.returned();
    let mut observations = Vec::new();
    if sys::take_signal(libc::SIGPIPE) {
        let signal = Signal::Pipe;
        observations.push(Observation::Signalled { at, thread, signal });
    }
    let completion = Completion { result: outcome.result, data: outcome.data, given: outcome.given };
    observations.push(Observation::Returned { at, thread, completion });
    Ok(observations)
}
