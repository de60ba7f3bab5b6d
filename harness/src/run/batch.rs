//! Many runs side by side.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
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

/// Runs all of a plan and hands each run over as soon as it and all before it are done: case by case, repeat by
/// repeat, whatever order they end in. The case's index and the repeat (from 1) come with it. The sink ends the
/// batch early by returning false.
pub fn run_batch(plan: &Plan<'_>, mut sink: impl FnMut(usize, u32, CaseRun) -> bool) {
    let repeats = usize::try_from(plan.repeat.max(1)).unwrap_or(usize::MAX);
    let total = plan.cases.len().saturating_mul(repeats);
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..plan.jobs.clamp(1, total.max(1)) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = plan.cases.get(index / repeats).filter(|_| index < total) else { break };
                    let run = run_case(case, plan.factory, plan.options);
                    if sender.send((index, run)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = std::collections::BTreeMap::new();
        let mut due = 0;
        for (index, run) in receiver {
            waiting.insert(index, run);
            while let Some(run) = waiting.remove(&due) {
                let repeat = u32::try_from(due % repeats).unwrap_or(u32::MAX).saturating_add(1);
                if !sink(due / repeats, repeat, run) {
                    next.store(total, Ordering::Relaxed);
                    return;
                }
                due += 1;
            }
        }
    });
}
