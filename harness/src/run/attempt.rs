//! A case on a target: as often as it takes to say something, within bounds.

use std::time::Duration;

use crate::case::{Case, Flow, Rules};
use crate::engine::{Report, unsupported};
use crate::target::{TargetError, TargetFactory, Timing, World};
use crate::time::Timestamp;
use crate::trace::{Header, Source, Trace, VERSION};
use crate::verdict::Verdict;

use super::drive::drive;

/// How often a run that the machine disturbed is made again.
const DISTURBED_ATTEMPTS: u32 = 6;
/// How often a run is made in which things were late and nothing else was wrong.
const LATE_ATTEMPTS: u32 = 3;

/// The same of a script by packetdrill's rules. Its bounds are as narrow as a tick of a kernel's timers, so that what comes
/// at one tick or the next decides: it passes if it passes once. What came early came so by itself: no machine is at
/// fault, and it is not run again.
const SCRIPT_ATTEMPTS: u32 = 16;

/// What steers runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunOptions {
    /// Of everything drawn by chance.
    pub seed: u64,
    /// Also run cases that take more than 5 s on a real clock.
    pub slow: bool,
}

/// One case run on one target, with all its attempts.
#[derive(Clone, Debug)]
pub struct CaseRun {
    /// What the last attempt came to, judged over all of them.
    pub report: Report,
    /// The trace of the last attempt; none if no target could be made.
    pub trace: Option<Trace>,
    /// How often it was run.
    pub attempts: u32,
    /// Why earlier attempts did not count.
    pub repeated: Vec<String>,
    /// Time that passed for us.
    pub wall: Duration,
    /// Time that passed for the target in the last attempt.
    pub target_time: crate::time::Span,
}

/// Runs a case.
#[must_use]
pub fn run_case(case: &Case, factory: &dyn TargetFactory, options: RunOptions) -> CaseRun {
    run_case_until(case, factory, options, &|| false).unwrap_or_else(|| unreachable!("nothing cuts it short"))
}

/// Runs a case until `stop` says so. `None`: it was cut short before anything could be said.
pub(super) fn run_case_until(
    case: &Case,
    factory: &dyn TargetFactory,
    options: RunOptions,
    stop: &dyn Fn() -> bool,
) -> Option<CaseRun> {
    let start = now();
    let mut repeated = Vec::new();
    let mut late_at = Vec::new();
    let impossible = impossible(case, factory, options);
    for attempt in 1.. {
        let (report, trace) = match &impossible {
            Some(missing) => (empty(Verdict::Skipped { missing: missing.clone() }), None),
            None => run_once(case, factory, options, stop),
        };
        let (report, again) = weigh(case, report, attempt, &mut late_at);
        let is_open = again.is_some() || matches!(report.verdict, Verdict::Inconclusive { .. });
        if is_open && stop() {
            return None;
        }
        if let Some(why) = again {
            repeated.push(why);
            pause(attempt);
            continue;
        }
        let target_time = trace.as_ref().and_then(last_moment).unwrap_or_default();
        let wall = now() - start;
        return Some(CaseRun { report, trace, attempts: attempt, repeated, wall, target_time });
    }
    unreachable!("attempts are bounded by weigh()")
}

#[expect(clippy::disallowed_methods, reason = "how long a run took is measured here")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

/// What disturbed a run may pass: 20 ms before the second attempt, twice as long before each further one.
#[expect(clippy::disallowed_methods, reason = "between two runs no target waits")]
fn pause(attempt: u32) {
    std::thread::sleep(Duration::from_millis(10 << attempt.min(6)));
}

/// Whether a run counts; if not, why it is made again. `late_at` collects the steps that were late, run by run.
fn weigh(
    case: &Case,
    mut report: Report,
    attempt: u32,
    late_at: &mut Vec<Vec<usize>>,
) -> (Report, Option<String>) {
    if let Verdict::Inconclusive { why } = &report.verdict {
        let again = (attempt < DISTURBED_ATTEMPTS).then(|| format!("disturbed: {why}"));
        return (report, again);
    }
    let most = match case.rules {
        Rules::Native => LATE_ATTEMPTS,
        Rules::Packetdrill(_) => SCRIPT_ATTEMPTS,
    };
    if !report.verdict.is_only_late() {
        return (report, None);
    }
    late_at.push(report.verdict.mismatches().iter().map(|mismatch| mismatch.step).collect());
    let runs = u32::try_from(late_at.len()).unwrap_or(u32::MAX);
    if matches!(report.clock, Timing::Virtual) {
        return (report, None);
    }
    if runs < most {
        let why = report
            .verdict
            .mismatches()
            .iter()
            .map(|mismatch| mismatch.problem.to_string())
            .collect::<Vec<_>>();
        return (report, Some(format!("late: {}", why.join("; "))));
    }
    let always: Vec<usize> = late_at
        .first()
        .map(|first| {
            first.iter().copied().filter(|step| late_at.iter().all(|run| run.contains(step))).collect()
        })
        .unwrap_or_default();
    if always.is_empty() && case.rules == Rules::Native {
        let why = format!("late at different steps in {runs} runs");
        report.verdict = Verdict::Inconclusive { why };
    }
    (report, None)
}

/// Why the target cannot run the case at all.
pub(super) fn impossible(case: &Case, factory: &dyn TargetFactory, options: RunOptions) -> Option<String> {
    let info = factory.info();
    if let Some(missing) = unsupported(case) {
        return Some(missing);
    }
    let lacking: Vec<&str> =
        case.needs.iter().filter(|need| !info.capabilities.contains(need)).map(|need| need.name()).collect();
    if !lacking.is_empty() {
        return Some(lacking.join(", "));
    }
    let real = matches!(info.timing, Timing::Real(_));
    (real && case.is_slow() && !options.slow).then(|| "--slow: it takes more than 5 s".to_owned())
}

fn empty(verdict: Verdict) -> Report {
    Report {
        verdict,
        events: Vec::new(),
        zero: Timestamp::START,
        clock: Timing::Virtual,
        moments: Vec::new(),
        seen: Vec::new(),
    }
}

/// What must be in place before the first step of a case.
pub(super) fn world_of(case: &Case, options: RunOptions) -> World {
    World {
        ip: case.ip,
        link: case.link.clone(),
        settings: case.settings.clone(),
        flows: case.flows.iter().map(Flow::clone).collect(),
        threads: case.threads.len(),
        prompt: matches!(case.rules, Rules::Packetdrill(_)),
        seed: options.seed,
    }
}

fn run_once(
    case: &Case,
    factory: &dyn TargetFactory,
    options: RunOptions,
    stop: &dyn Fn() -> bool,
) -> (Report, Option<Trace>) {
    let target = match factory.open(&world_of(case, options)) {
        Ok(target) => target,
        Err(TargetError::Missing(missing)) => return (empty(Verdict::Skipped { missing }), None),
        Err(TargetError::Unusable(why) | TargetError::Broken(why)) => {
            return (empty(Verdict::Inconclusive { why }), None);
        }
    };
    let info = target.info();
    let header = Header {
        tcpdrill_trace: VERSION,
        case: case.id.clone(),
        target: info.id.clone(),
        version: info.version.clone(),
        timing: info.timing,
        seed: options.seed,
        epoch_ns: target.epoch_ns(),
        sources: case
            .sources
            .files
            .iter()
            .map(|file| Source { path: file.path.clone(), text: file.text.to_string() })
            .collect(),
    };
    let (report, entries) = drive(case, target, options.seed, stop);
    (report, Some(Trace { header, entries }))
}

/// The last moment that a trace reached.
fn last_moment(trace: &Trace) -> Option<crate::time::Span> {
    trace.entries.iter().rev().find_map(|entry| match entry {
        crate::trace::Entry::Reached(at) => Some(crate::time::Span(*at)),
        _ => None,
    })
}
