//! One JSON object a line for each run, and one for the summary. The fields are an interface.

use std::time::Duration;

use serde::Serialize;

use crate::case::Case;
use crate::run::{CaseRun, Saved};
use crate::verdict::{Deviation, Verdict};

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
    deviation: Option<Known<'a>>,
}

/// What the ledger says of a test.
#[derive(Serialize)]
struct Known<'a> {
    tests: &'a str,
    kind: &'a str,
    reason: &'a str,
    link: Option<&'a str>,
}

impl<'a> Known<'a> {
    fn of(deviation: &'a Deviation) -> Self {
        let (tests, kind) = (deviation.text.as_str(), deviation.kind.name());
        Self { tests, kind, reason: &deviation.reason, link: deviation.link.as_deref() }
    }
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
    known: usize,
    unexpected_pass: usize,
    stale: usize,
    wall_ms: u64,
}

/// The object of one run, with what the ledger says of the test.
#[must_use]
pub fn case_line(
    case: &Case,
    target: &str,
    run: &CaseRun,
    deviation: Option<&Deviation>,
    saved: Option<&Saved>,
    repeat: u32,
) -> String {
    let verdict = &run.report.verdict;
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
        outcome: Outcome::of(verdict, deviation.is_some()).name(),
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
        deviation: deviation.map(Known::of),
    })
}

/// The object of a file that is wrong.
#[must_use]
pub fn invalid_line(id: &str, target: &str, line: Option<usize>, why: &str) -> String {
    write(&Line { line, why: Some(why.to_owned()), ..nothing_ran(id, target, Outcome::Invalid) })
}

/// The object of an entry of the ledger that matches no test; `line` is its place in the ledger.
#[must_use]
pub fn stale_line(deviation: &Deviation, target: &str, line: usize) -> String {
    let why = Some("no test of the tree matches this entry of the ledger".to_owned());
    let deviation_of = Some(Known::of(deviation));
    let nothing = nothing_ran(&deviation.text, target, Outcome::StaleLedger);
    write(&Line { line: Some(line), why, deviation: deviation_of, ..nothing })
}

fn nothing_ran<'a>(id: &'a str, target: &'a str, outcome: Outcome) -> Line<'a> {
    Line {
        case: id,
        target,
        verdict: "invalid",
        outcome: outcome.name(),
        asserts: Vec::new(),
        covers: &[],
        wall_us: 0,
        virtual_us: 0,
        capture: None,
        trace: None,
        repeat: 1,
        attempts: 0,
        repeated: &[],
        line: None,
        why: None,
        deviation: None,
    }
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
            known: tally.known,
            unexpected_pass: tally.unexpected_pass,
            stale: tally.stale,
            wall_ms: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX),
        },
    })
}

fn write(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings, numbers and lists of them are JSON")
}
