//! One JSON object a line for each run, and one for the summary. The fields are an interface.

use std::time::Duration;

use serde::Serialize;

use crate::case::Case;
use crate::run::{CaseRun, Saved};
use crate::verdict::Verdict;

use super::{Outcome, Tally};

#[derive(Serialize)]
struct Line<'a> {
    case: &'a str,
    target: &'a str,
    verdict: &'a str,
    outcome: &'a str,
    asserts: Vec<&'a str>,
    covers: &'a [String],
    wall_us: u64,
    virtual_us: i64,
    capture: Option<String>,
    trace: Option<String>,
    repeat: u32,
    attempts: u32,
    repeated: &'a [String],
    line: Option<usize>,
    why: Option<String>,
}

#[derive(Serialize)]
struct Summary {
    summary: Counts,
}

#[derive(Serialize)]
struct Counts {
    pass: usize,
    fail: usize,
    inconclusive: usize,
    skipped: usize,
    invalid: usize,
    repeated: usize,
    wall_ms: u64,
}

/// The object of one run.
#[must_use]
pub fn case_line(case: &Case, target: &str, run: &CaseRun, saved: Option<&Saved>, repeat: u32) -> String {
    let verdict = &run.report.verdict;
    let mut asserts: Vec<&str> =
        case.steps.iter().flat_map(|step| &step.covers).map(String::as_str).collect();
    asserts.sort_unstable();
    asserts.dedup();
    let first = verdict.mismatches().first();
    let step = first.and_then(|mismatch| case.steps.get(mismatch.step));
    let why = match verdict {
        Verdict::Pass => None,
        Verdict::Fail(_) => first.map(|mismatch| mismatch.problem.to_string()),
        Verdict::Inconclusive { why } => Some(why.clone()),
        Verdict::Skipped { missing } => Some(missing.clone()),
    };
    write(&Line {
        case: &case.id,
        target,
        verdict: verdict.name(),
        outcome: Outcome::of(verdict).name(),
        asserts: case.asserts(),
        covers: &case.covers,
        wall_us: u64::try_from(run.wall.as_micros()).unwrap_or(u64::MAX),
        virtual_us: run.target_time.0 / 1_000,
        capture: saved.map(|saved| saved.capture.display().to_string()),
        trace: saved.map(|saved| saved.trace.display().to_string()),
        repeat,
        attempts: run.attempts,
        repeated: &run.repeated,
        line: step.map(|step| case.sources.line_column(step.origin.at).0),
        why,
    })
}

/// The object of a file that is wrong.
#[must_use]
pub fn invalid_line(id: &str, target: &str, line: Option<usize>, why: &str) -> String {
    write(&Line {
        case: id,
        target,
        verdict: "invalid",
        outcome: Outcome::Invalid.name(),
        asserts: Vec::new(),
        covers: &[],
        wall_us: 0,
        virtual_us: 0,
        capture: None,
        trace: None,
        repeat: 1,
        attempts: 0,
        repeated: &[],
        line,
        why: Some(why.to_owned()),
    })
}

/// The last object.
#[must_use]
pub fn summary_line(tally: &Tally, wall: Duration) -> String {
    write(&Summary {
        summary: Counts {
            pass: tally.pass,
            fail: tally.fail,
            inconclusive: tally.inconclusive,
            skipped: tally.skipped,
            invalid: tally.invalid,
            repeated: tally.repeated,
            wall_ms: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX),
        },
    })
}

fn write(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings, numbers and lists of them are JSON")
}
