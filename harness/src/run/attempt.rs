//! A case on a target: as often as it takes to say something, within bounds.

use std::time::Duration;

use crate::case::{Case, Flow, Rules};
use crate::engine::{Report, unsupported};
use crate::target::{TargetError, TargetFactory, Timing, World};
use crate::time::Timestamp;
use crate::trace::{Header, Source, Trace, VERSION};
use crate::verdict::Verdict;

use super::drive::drive;
use super::scales::Scales;

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
    let mut scales = Scales::new(case);
    let impossible = impossible(case, factory, options);
    for attempt in 1.. {
        let (report, trace) = match &impossible {
            Some(missing) => (empty(Verdict::Skipped { missing: missing.clone() }), None),
            None => run_once(case, factory, options, stop),
        };
        let (report, again) = scales.weigh(report);
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
    unreachable!("attempts are bounded by Scales")
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
        scarcely: None,
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
