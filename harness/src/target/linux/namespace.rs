//! A network namespace in this process: one thread lives in it and does there what must be done there.
//!
//! A namespace without a name exists as long as a thread or a socket is in it, so a killed process leaves nothing.

use std::path::PathBuf;
use std::thread::{self, JoinHandle};

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Pid, gettid};

use super::faults::{broken, out_of_files};
use super::mailbox::Mailbox;
use crate::target::TargetError;

/// Enough for threads that only make calls.
pub(super) const STACK: usize = 256 * 1024;

/// Dropped when it was not done, which closes the mailbox of whoever waits for it.
type Job = Box<dyn FnOnce() + Send>;

/// The thread that lives in the namespace.
#[derive(Debug)]
pub(super) struct Namespace {
    jobs: Jobs,
    thread: Pid,
    handle: Option<JoinHandle<()>>,
}

/// A mailbox of what cannot be shown.
struct Jobs(Mailbox<Job>);

impl std::fmt::Debug for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Jobs")
    }
}

impl Namespace {
    /// A new one, with nothing in it but an idle loopback device.
    pub(super) fn create() -> Result<Self, TargetError> {
        let jobs = Mailbox::<Job>::new();
        let told = Mailbox::new();
        let (work, tell) = (jobs.share(), told.share());
        let handle = thread::Builder::new()
            .name("tcpdrill-netns".to_owned())
            .stack_size(STACK)
            .spawn(move || {
                let _closes = work.closer();
                let entered = unshare(CloneFlags::CLONE_NEWNET).map(|()| gettid());
                let failed = entered.is_err();
                if tell.put(entered).is_err() || failed {
                    return;
                }
                while let Some(job) = work.take() {
                    job();
                }
            })
            .map_err(|error| out_of_files("a thread", &error))?;
        let thread = told
            .take()
            .ok_or_else(|| broken("the thread of a namespace died"))?
            .map_err(|errno| {
                TargetError::Unusable(format!(
                    "a network namespace cannot be made ({errno}); this needs CAP_SYS_ADMIN: run as root or in a \
                     user namespace, and see that user.max_net_namespaces is not 0"
                ))
            })?;
        Ok(Self { jobs: Jobs(jobs), thread, handle: Some(handle) })
    }

    /// Does something inside and waits for what comes of it. Threads that it starts stay inside.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, TargetError> {
        let told = Mailbox::new();
        let answer = Answer(told.share());
        let job: Job = Box::new(move || {
            // Nobody listens only if the one who asked has panicked.
            let _ = answer.0.put(work());
        });
        let gone = || broken("the thread of the namespace died");
        self.jobs.0.put(job).map_err(|_| gone())?;
        told.take().ok_or_else(gone)
    }

    /// A file below `/proc/net`, as the namespace has it.
    pub(super) fn proc_net(&self, file: &str) -> PathBuf {
        format!("/proc/self/task/{}/net/{file}", self.thread).into()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        self.jobs.0.close();
        // A panic in there was reported by the call that it happened in.
        let _ = self.handle.take().map(JoinHandle::join);
    }
}

/// Where an answer goes; closed when no answer can come any more.
struct Answer<T>(Mailbox<T>);

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}
