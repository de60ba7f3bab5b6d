//! One JSON object a line for each run, and one for the summary. The fields are an interface.

use serde::Serialize;

use crate::case::Case;
use crate::run::{CaseRun, Saved};
use crate::verdict::{Deviation, Verdict};

use super::event::first_mistake;
use super::{Ending, Outcome, Reporter, RunEvent};

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
struct Summary<'a> {
    summary: Counts<'a>,
}

#[derive(Serialize)]
struct Counts<'a> {
    target: &'a str,
    pass: usize,
    fail: usize,
    inconclusive: usize,
    skipped: usize,
    invalid: usize,
    repeated: usize,
    known: usize,
    unexpected_pass: usize,
    stale: usize,
    not_run: usize,
    interrupted: bool,
    wall_ms: u64,
}

/// Writes each object as soon as it is known.
#[derive(Debug, Default)]
pub struct JsonReport {
    target: String,
}

impl Reporter for JsonReport {
    fn report(&mut self, event: &RunEvent<'_>) -> String {
        let line = match event {
            RunEvent::Begins(target) => {
                self.target.clone_from(&target.id);
                return String::new();
            }
            RunEvent::Invalid { id, mistakes } => {
                let (_, line) = first_mistake(mistakes);
                let why = mistakes.list.first().map(|first| first.text.as_str()).unwrap_or_default();
                invalid_line(id, &self.target, line, why)
            }
            RunEvent::Finished(finished) => {
                let (run, repeat) = (finished.run, finished.repeat);
                case_line(finished.case, &self.target, run, finished.deviation, finished.saved, repeat)
            }
            RunEvent::Stale { deviation, line } => stale_line(deviation, &self.target, *line),
            RunEvent::Ends(ending) => summary_line(ending),
            RunEvent::Planned(_) | RunEvent::NotRun { .. } | RunEvent::Over => return String::new(),
        };
        line + "\n"
    }
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
fn invalid_line(id: &str, target: &str, line: Option<usize>, why: &str) -> String {
    write(&Line { line, why: Some(why.to_owned()), ..nothing_ran(id, target, Outcome::Invalid) })
}

/// The object of an entry of the ledger that matches no test; `line` is its place in the ledger.
fn stale_line(deviation: &Deviation, target: &str, line: usize) -> String {
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

/// The last object of a target.
fn summary_line(ending: &Ending<'_>) -> String {
    let tally = ending.tally;
    write(&Summary {
        summary: Counts {
            target: &ending.target.id,
            pass: tally.pass,
            fail: tally.fail,
            inconclusive: tally.inconclusive,
            skipped: tally.skipped,
            invalid: tally.invalid,
            repeated: tally.repeated,
            known: tally.known,
            unexpected_pass: tally.unexpected_pass,
            stale: tally.stale,
            not_run: tally.not_run,
            interrupted: ending.is_interrupted,
            wall_ms: u64::try_from(ending.wall.as_millis()).unwrap_or(u64::MAX),
        },
    })
}

fn write(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings, numbers and lists of them are JSON")
}
