//! Many runs side by side.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::case::Case;
use crate::target::TargetFactory;

use super::attempt::run_case_until;
use super::{CaseRun, RunOptions};

/// So often whoever watches a batch hears of it, whether or not there is news.
const TICK: Duration = Duration::from_millis(200);

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
    /// Asked again and again: once it is true, no run starts any more, and those on a real clock are cut short.
    pub stop: &'a (dyn Fn() -> bool + Sync),
}

impl Plan<'_> {
    /// How many runs that makes.
    #[must_use]
    pub fn total(&self) -> usize {
        self.cases.len().saturating_mul(self.repeats())
    }

    fn repeats(&self) -> usize {
        usize::try_from(self.repeat.max(1)).unwrap_or(usize::MAX)
    }

    /// The case and the repeat, from 1, that stand in a place of the plan.
    fn at(&self, place: usize) -> (usize, u32) {
        let repeat = u32::try_from(place % self.repeats()).unwrap_or(u32::MAX);
        (place / self.repeats(), repeat.saturating_add(1))
    }
}

/// What becomes known of a batch while it runs.
#[derive(Debug)]
pub enum News {
    /// So many runs are over, in whatever order. Comes when that changes, and several times a second.
    Over(usize),
    /// A run is over, and so are all before it in the plan.
    Run {
        /// Which case.
        index: usize,
        /// Which repeat of it, from 1.
        repeat: u32,
        /// How it went.
        run: Box<CaseRun>,
    },
    /// A run was never begun, or was cut short before anything could be said.
    NotRun {
        /// Which case.
        index: usize,
        /// Which repeat of it, from 1.
        repeat: u32,
    },
}

/// Runs that are over, by their place in the plan; a run that panicked panics again where it is taken. Readers sleep
/// until there is news: a target may have put the threads that write here above all others, and nobody may spin for
/// them.
struct Finished {
    state: Mutex<State>,
    news: Condvar,
}

struct State {
    runs: BTreeMap<usize, thread::Result<CaseRun>>,
    /// How many were put here so far.
    over: usize,
    /// How many threads may still put something here.
    workers: usize,
}

impl Finished {
    fn put(&self, place: usize, run: thread::Result<CaseRun>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.runs.insert(place, run);
        state.over += 1;
        self.news.notify_all();
    }

    fn leave(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).workers -= 1;
        self.news.notify_all();
    }

    /// The run in a place of the plan; none, if nobody is left who could bring it. `tick` hears how many are over.
    fn take(&self, place: usize, mut tick: impl FnMut(usize)) -> Option<CaseRun> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(run) = state.runs.remove(&place) {
                return Some(run.unwrap_or_else(|panic| resume_unwind(panic)));
            }
            if state.workers == 0 {
                return None;
            }
            state = self.news.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0;
            let over = state.over;
            drop(state);
            tick(over);
            state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Runs all of a plan and hands each run over as soon as it and all before it are done: case by case, repeat by
/// repeat, whatever order they end in. The sink ends the batch early by returning false; what was not handed over by
/// then, or was never run, it is told of all the same.
pub fn run_batch(plan: &Plan<'_>, mut sink: impl FnMut(News) -> bool) {
    let total = plan.total();
    let next = AtomicUsize::new(0);
    let workers = plan.jobs.clamp(1, total.max(1));
    let state = State { runs: BTreeMap::new(), over: 0, workers };
    let finished = Finished { state: Mutex::new(state), news: Condvar::new() };
    let work = || {
        while !(plan.stop)() {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(case) = plan.cases.get(plan.at(place).0).filter(|_| place < total) else { break };
            let run = || run_case_until(case, plan.factory, plan.options, plan.stop);
            match catch_unwind(AssertUnwindSafe(run)).transpose() {
                Some(run) => finished.put(place, run),
                None => break,
            }
        }
        finished.leave();
    };
    let mut is_heard = true;
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
        for place in 0..total {
            let (index, repeat) = plan.at(place);
            let run = finished.take(place, |over| is_heard = sink(News::Over(over)) && is_heard);
            let news = match run.filter(|_| is_heard) {
                Some(run) => News::Run { index, repeat, run: Box::new(run) },
                None => News::NotRun { index, repeat },
            };
            is_heard = sink(news) && is_heard;
            if !is_heard {
                next.store(total, Ordering::Relaxed);
            }
        }
    });
}
