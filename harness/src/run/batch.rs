//! Many runs side by side.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use crate::case::Case;
use crate::target::TargetFactory;

use super::{CaseRun, RunOptions, run_case};

/// What is run: each case so many times.
#[derive(Clone, Copy)]
pub struct Plan<'a> {
    /// The cases, in the order they are reported.
    pub cases: &'a [Case],
    /// What they run on.
    pub factory: &'a dyn TargetFactory,
    /// What steers each run.
    pub options: RunOptions,
    /// How often each case is run.
    pub repeat: u32,
    /// How many runs at once.
    pub jobs: usize,
}

/// Runs that are over, by their place in the plan; a run that panicked panics again where it is taken. Readers sleep until there is news: a target may have put the
/// threads that write here above all others, and nobody may spin for them.
#[derive(Default)]
struct Finished {
    runs: Mutex<BTreeMap<usize, thread::Result<CaseRun>>>,
    news: Condvar,
}

impl Finished {
    fn put(&self, index: usize, run: thread::Result<CaseRun>) {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).insert(index, run);
        self.news.notify_all();
    }

    fn take(&self, index: usize) -> CaseRun {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(run) = runs.remove(&index) {
                return run.unwrap_or_else(|panic| resume_unwind(panic));
            }
            runs = self.news.wait(runs).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Runs all of a plan and hands each run over as soon as it and all before it are done: case by case, repeat by
/// repeat, whatever order they end in. The case's index and the repeat (from 1) come with it. The sink ends the
/// batch early by returning false.
pub fn run_batch(plan: &Plan<'_>, mut sink: impl FnMut(usize, u32, CaseRun) -> bool) {
    let repeats = usize::try_from(plan.repeat.max(1)).unwrap_or(usize::MAX);
    let total = plan.cases.len().saturating_mul(repeats);
    let next = AtomicUsize::new(0);
    let finished = Finished::default();
    thread::scope(|scope| {
        for _ in 0..plan.jobs.clamp(1, total.max(1)) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = plan.cases.get(index / repeats).filter(|_| index < total) else { break };
                    let run = catch_unwind(AssertUnwindSafe(|| run_case(case, plan.factory, plan.options)));
                    finished.put(index, run);
                }
            });
        }
        for index in 0..total {
            let repeat = u32::try_from(index % repeats).unwrap_or(u32::MAX).saturating_add(1);
            if !sink(index / repeats, repeat, finished.take(index)) {
                next.store(total, Ordering::Relaxed);
                return;
            }
        }
    });
}
