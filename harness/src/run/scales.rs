//! Whether a run counts: what the machine did to it, and what earlier runs of the same case came to.

use crate::case::{Case, Rules};
use crate::engine::Report;
use crate::target::Timing;
use crate::verdict::Verdict;

/// How often a run that the machine disturbed is made again.
const DISTURBED_RUNS: u32 = 6;
/// How often a run is made in which things were late and nothing else was wrong.
const LATE_RUNS: usize = 3;

/// The same of a script by packetdrill's rules. Its bounds are as narrow as a tick of a kernel's timers, so that what comes
/// at one tick or the next decides: it passes if it passes once. What came too early came so by itself: no machine is at
/// fault, and it is not run again.
const LATE_SCRIPT_RUNS: usize = 16;
/// So often at most such a script is run whose first failure is an assertion, until two runs failed at the same one: what
/// a kernel counts in ticks, it counts one more of in some runs.
const UNTRUE_RUNS: usize = 6;
/// So often such a script must pass in which something was scarcely not too early: a slow machine may have helped it.
const SCARCE_PASSES: u32 = 8;

/// What the runs of one case came to so far, for all of them to be judged together.
#[derive(Debug)]
pub(super) struct Scales {
    rules: Rules,
    /// Runs that the machine disturbed.
    disturbed: u32,
    /// The steps that were late, run by run.
    late: Vec<Vec<usize>>,
    /// The steps at whose assertions runs failed first.
    untrue: Vec<usize>,
    /// Runs that passed scarcely.
    scarce: u32,
}

impl Scales {
    /// Before the first run.
    pub(super) const fn new(case: &Case) -> Self {
        Self { rules: case.rules, disturbed: 0, late: Vec::new(), untrue: Vec::new(), scarce: 0 }
    }

    /// A run is over: what it came to, and if it does not count, why it is made again.
    pub(super) fn weigh(&mut self, report: Report) -> (Report, Option<String>) {
        let is_real = matches!(report.clock, Timing::Real(_));
        let again = match (&report.verdict, self.rules) {
            (Verdict::Inconclusive { why }, _) => self.disturbed(why),
            (verdict, Rules::Native) if verdict.is_only_late() && is_real => return self.late(report),
            (verdict, Rules::Packetdrill(_)) if is_real => self.noisy(verdict, report.scarcely.as_deref()),
            _ => None,
        };
        (report, again)
    }

    fn disturbed(&mut self, why: &str) -> Option<String> {
        self.disturbed += 1;
        (self.disturbed < DISTURBED_RUNS).then(|| format!("disturbed: {why}"))
    }

    /// What is late in each run is late; nothing can be said where it was always something else.
    fn late(&mut self, mut report: Report) -> (Report, Option<String>) {
        self.late.push(steps(&report.verdict));
        if self.late.len() < LATE_RUNS {
            let why = problems(&report.verdict);
            return (report, Some(why));
        }
        let is_always_late = |step: &usize| self.late.iter().all(|run| run.contains(step));
        if !self.late.first().is_some_and(|first| first.iter().any(is_always_late)) {
            let why = format!("late at different steps in {} runs", self.late.len());
            report.verdict = Verdict::Inconclusive { why };
        }
        (report, None)
    }

    /// What a script came to that noise of the machine may have brought about. It is over for packetdrill at its first
    /// mismatch: the others may follow from that.
    fn noisy(&mut self, verdict: &Verdict, scarcely: Option<&str>) -> Option<String> {
        let again = if verdict.is_first_late() {
            self.late.push(steps(verdict));
            self.late.len() < LATE_SCRIPT_RUNS
        } else if let Some(step) = verdict.first_untrue() {
            let is_confirmed = self.untrue.contains(&step);
            self.untrue.push(step);
            !is_confirmed && self.untrue.len() < UNTRUE_RUNS
        } else if let (Verdict::Pass, Some(why)) = (verdict, scarcely) {
            self.scarce += 1;
            return (self.scarce < SCARCE_PASSES).then(|| why.to_owned());
        } else {
            false
        };
        again.then(|| problems(verdict))
    }
}

/// Where something is wrong.
fn steps(verdict: &Verdict) -> Vec<usize> {
    verdict.mismatches().iter().map(|mismatch| mismatch.step).collect()
}

/// All that is wrong, in one line.
fn problems(verdict: &Verdict) -> String {
    let problems: Vec<String> =
        verdict.mismatches().iter().map(|mismatch| mismatch.problem.to_string()).collect();
    problems.join("; ")
}
