//! A network namespace in this process: one thread lives in it and does there what must be done there.
//!
//! A namespace without a name exists as long as a thread or a socket is in it, so a killed process leaves nothing.

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Pid, gettid};

use super::faults::{broken, out_of_files};
use super::schedule;
use crate::target::TargetError;

/// Enough for threads that only make calls.
pub(super) const STACK: usize = 256 * 1024;

type Job = Box<dyn FnOnce() + Send>;

/// The thread that lives in the namespace.
#[derive(Debug)]
pub(super) struct Namespace {
    /// Dropped first, so that the thread ends.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Pid,
    handle: Option<JoinHandle<()>>,
}

impl Namespace {
    /// A new one, with nothing in it but an idle loopback device.
    pub(super) fn create() -> Result<Self, TargetError> {
        let (jobs, work) = mpsc::channel::<Job>();
        let (tell, told) = mpsc::channel();
        let handle = thread::Builder::new()
            .name("tcpdrill-netns".to_owned())
            .stack_size(STACK)
            .spawn(move || {
                schedule::raise_caller();
                let entered = unshare(CloneFlags::CLONE_NEWNET).map(|()| gettid());
                let failed = entered.is_err();
                if tell.send(entered).is_err() || failed {
                    return;
                }
                for job in work {
                    job();
                }
            })
            .map_err(|error| out_of_files("a thread", &error))?;
        let entered = told.recv().map_err(|_| broken("the thread of a namespace died"))?;
        let thread = entered.map_err(|errno| {
            TargetError::Unusable(format!(
                "a network namespace cannot be made ({errno}); this needs CAP_SYS_ADMIN: run as root or in a \
                 user namespace, and see that user.max_net_namespaces is not 0"
            ))
        })?;
        Ok(Self {
            jobs: Some(jobs),
            thread,
            handle: Some(handle),
        })
    }

    /// Does something inside and waits for what comes of it. Threads that it starts stay inside.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, TargetError> {
        let (tell, told) = mpsc::channel();
        let job = Box::new(move || {
            let _ = tell.send(work());
        });
        let gone = || broken("the thread of the namespace died");
        let jobs = self.jobs.as_ref().ok_or_else(gone)?;
        jobs.send(job).map_err(|_| gone())?;
        told.recv().map_err(|_| gone())
    }

    /// A file below `/proc/net`, as the namespace has it.
    pub(super) fn proc_net(&self, file: &str) -> PathBuf {
        format!("/proc/self/task/{}/net/{file}", self.thread).into()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.jobs.take());
        // A panic in there was reported by the call that it happened in.
        let _ = self.handle.take().map(JoinHandle::join);
    }
}
