//! Which priority our threads run with.
//!
//! What the kernel does is timed by its own interrupts, but a busy neighbour makes *us* late: an action that comes
//! late spoils the run. So threads that act run in the real-time class where that is permitted, which costs nobody
//! anything: they sleep nearly always.

use std::cell::Cell;
use std::io;
use std::marker::PhantomData;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use super::sys;

/// The lowest of the class, for all of our threads: between threads of different priority one could wait for another
/// that it does not let run.
const PRIORITY: i32 = 1;

/// So long may a thread run without sleeping, in microseconds. Ours never do; one that spins through a mistake of ours
/// must not take a processor away from the machine.
const LONGEST_RUN: u64 = 2_000_000;

static LIMITED: Once = Once::new();

thread_local! {
    /// How many targets this thread drives.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// The policy and priority it had before.
    static BEFORE: Cell<(i32, i32)> = const { Cell::new((libc::SCHED_OTHER, 0)) };
}

/// Keeps the thread that made it in the real-time class, as long as it lives on that thread.
#[derive(Debug)]
pub(super) struct Driving {
    not_send: PhantomData<*const ()>,
}

impl Driving {
    /// Raises the calling thread. Without permission it stays what it is.
    pub(super) fn start() -> Self {
        DEPTH.with(|depth| {
            if depth.get() == 0 {
                BEFORE.set(sys::scheduling());
                raise();
            }
            depth.set(depth.get() + 1);
        });
        Self { not_send: PhantomData }
    }
}

impl Drop for Driving {
    fn drop(&mut self) {
        DEPTH.with(|depth| {
            depth.set(depth.get() - 1);
            if depth.get() == 0 {
                let (policy, priority) = BEFORE.get();
                let _ = sys::schedule(policy, priority);
            }
        });
    }
}

/// Keeps the thread that made it on one processor, as long as it lives on that thread.
///
/// Between threads on one processor work is handed over in microseconds; another one has to be woken first. And what the
/// kernel does later because of what we do now, it then does on that processor, too.
#[derive(Debug)]
pub(super) struct Pinned {
    before: Processors,
    not_send: PhantomData<*const ()>,
}

impl Pinned {
    /// Chooses a processor in turn. `None` where that is not permitted.
    pub(super) fn start() -> Option<Self> {
        static TURN: AtomicUsize = AtomicUsize::new(0);
        let before = Processors::ours()?;
        let allowed: Vec<usize> =
            (0..CpuSet::count()).filter(|&index| before.0.is_set(index).unwrap_or(false)).collect();
        let turn = TURN.fetch_add(1, Ordering::Relaxed) % allowed.len().max(1);
        let mut one = CpuSet::new();
        one.set(*allowed.get(turn)?).ok()?;
        Processors(one).take().then_some(Self { before, not_send: PhantomData })
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        self.before.take();
    }
}

/// Processors a thread may run on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Processors(CpuSet);

impl Processors {
    /// Those of the calling thread.
    pub(super) fn ours() -> Option<Self> {
        sched_getaffinity(Pid::from_raw(0)).ok().map(Self)
    }

    /// From now on the calling thread runs on these; whether that is permitted.
    pub(super) fn take(&self) -> bool {
        sched_setaffinity(Pid::from_raw(0), &self.0).is_ok()
    }
}

/// Raises the calling thread for as long as it lives.
pub(super) fn raise() {
    LIMITED.call_once(|| {
        let _ = limit();
    });
    let _ = try_raise();
}

/// Raises the calling thread, or says why that is not permitted.
pub(super) fn try_raise() -> io::Result<()> {
    sys::schedule(libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, PRIORITY)
}

/// Limits how long a thread of this process may run without sleeping, or says why that is not permitted.
pub(super) fn limit() -> io::Result<()> {
    sys::limit_real_time(LONGEST_RUN)
}

#[cfg(test)]
mod tests {
    use super::{Pinned, Processors};

    fn count() -> usize {
        Processors::ours().map_or(0, |processors| {
            (0..nix::sched::CpuSet::count()).filter(|&index| processors.0.is_set(index) == Ok(true)).count()
        })
    }

    #[test]
    fn a_thread_stays_on_one_processor_as_long_as_it_is_pinned() {
        let before = count();
        let pinned = Pinned::start();
        assert!(pinned.is_some(), "{before} processors");
        assert_eq!(count(), 1);
        drop(pinned);
        assert_eq!(count(), before);
    }
}
