//! What one and the same run looks like in each format. Snapshots: they are an interface.

#![expect(clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tcpdrill::case::Case;
use tcpdrill::front::{Diagnostics, MemoryLibrary, yaml};
use tcpdrill::report::{
    Detail, Ending, Finished, JsonReport, JunitReport, Reporter, RunEvent, Style, Tally, TapReport,
    TextReport,
};
use tcpdrill::run::{CaseRun, RunOptions, Saved, run_case};
use tcpdrill::target::bundled::BundledFactory;
use tcpdrill::target::{TargetInfo, Timing, Tolerance};
use tcpdrill::verdict::{Ledger, Verdict};

const PASSES: &str = "title: a socket\nsteps:\n  - call: socket(af, SOCK_STREAM, 0)\n";
const FAILS: &str =
    "title: no <socket>\nsteps:\n  - call: socket(af, SOCK_STREAM, 0)\n    returns: -1 EMFILE\n";
const LEDGER: &str = "deviations:
  - { tests: close/known, kind: never, reason: 'another errno, see #7', link: 'https://example.org/7' }
  - { tests: close/passes-after-all, kind: not-yet, reason: it waits too long }
  - { tests: gone/gone, kind: disputed, reason: nobody knows }
";

fn target() -> TargetInfo {
    TargetInfo {
        id: "linux".to_owned(),
        version: "6.18.0".to_owned(),
        capabilities: BTreeSet::new(),
        timing: Timing::Real(Tolerance { early: 0, late: 0, divisor: 8 }),
    }
}

fn case(id: &str, text: &str) -> Case {
    let lowered = yaml::lower(&format!("cases/{id}.yaml"), id, Arc::from(text), &MemoryLibrary::default());
    lowered.unwrap().cases.into_iter().next().unwrap()
}

/// Runs the case; only what is different in every run is made up.
fn run(case: &Case, millis: u64) -> CaseRun {
    let mut run = run_case(case, &BundledFactory::new(), RunOptions::default());
    run.wall = Duration::from_millis(millis);
    run
}

fn with(verdict: Verdict, mut run: CaseRun) -> CaseRun {
    run.report.verdict = verdict;
    run
}

fn skipped(missing: &str, mut run: CaseRun) -> CaseRun {
    run.trace = None;
    with(Verdict::Skipped { missing: missing.to_owned() }, run)
}

/// All verdicts and outcomes there are.
fn runs() -> Vec<(Case, CaseRun)> {
    let mut runs = Vec::new();
    for (id, text, millis) in [
        ("accept/first", PASSES, 3),
        ("accept/second[ip=v6]", PASSES, 1250),
        ("accept/third", PASSES, 99),
        ("close/fails", FAILS, 400),
        ("close/known", FAILS, 4),
        ("close/passes-after-all", PASSES, 5),
    ] {
        let case = case(id, text);
        let run = run(&case, millis);
        runs.push((case, run));
    }
    let (_, again) = &mut runs[1];
    again.attempts = 2;
    again.repeated = vec!["disturbed: an injection came 7ms late".to_owned()];
    for (id, missing) in [
        ("data/offload", "segmentation offload"),
        ("data/slow", "--slow: it takes more than 5 s"),
        ("data/slower", "--slow: it takes more than 5 s"),
    ] {
        let case = case(id, PASSES);
        let run = skipped(missing, run(&case, 0));
        runs.push((case, run));
    }
    let case = case("data/unsure", PASSES);
    let mut run = with(Verdict::Inconclusive { why: "packets were lost".to_owned() }, run(&case, 700));
    run.attempts = 6;
    run.repeated = vec!["disturbed: packets were lost".to_owned(); 5];
    runs.push((case, run));
    runs
}

fn wrong_file() -> Diagnostics {
    let text = "title: wrong\nstepz: []\n";
    yaml::lower("cases/data/wrong.yaml", "data/wrong", Arc::from(text), &MemoryLibrary::default())
        .unwrap_err()
}

/// Tells a reporter of all that can happen; what it makes of it.
fn tell(reporter: &mut dyn Reporter, is_interrupted: bool) -> String {
    let (target, runs, wrong) = (target(), runs(), wrong_file());
    let ledger: Ledger = yaml::ledger("cases/ledger/linux.yaml", "linux", LEDGER).unwrap();
    let not_run = case("window/never", PASSES);
    let mut tally = Tally { invalid: 1, stale: 1, repeated: 6, ..Tally::default() };
    let mut text = reporter.report(&RunEvent::Planned(13));
    let mut tell = |event: &RunEvent<'_>| text.push_str(&reporter.report(event));
    tell(&RunEvent::Begins(&target));
    tell(&RunEvent::Invalid { id: "data/wrong", mistakes: &wrong });
    for (case, run) in &runs {
        let deviation = ledger.deviation(&case.id, &target.version);
        tally.count(&run.report.verdict, deviation.is_some());
        let stem = format!("captures/linux/{}", case.id);
        let saved = run.trace.as_ref().map(|_| Saved {
            capture: PathBuf::from(format!("{stem}.pcapng")),
            trace: PathBuf::from(format!("{stem}.trace.jsonl")),
        });
        let page =
            |style: Style| format!("{} {}\n\n  a page with ]]> in it, and <&>", style.bad("FAIL"), case.id);
        let (target, saved) = (&target, saved.as_ref());
        tell(&RunEvent::Finished(&Finished { case, target, repeat: 1, run, deviation, saved, page: &page }));
    }
    if is_interrupted {
        tally.not_run = 1;
        tell(&RunEvent::NotRun { case: &not_run, repeat: 2 });
    }
    tell(&RunEvent::Stale { deviation: &ledger.deviations[2], line: 4 });
    let met = [(&ledger, &ledger.deviations[0], 1)];
    let (tally, wall) = (&tally, Duration::from_millis(3210));
    tell(&RunEvent::Ends(&Ending { target: &target, tally, wall, is_interrupted, met: &met }));
    tell(&RunEvent::Over);
    text
}

fn text(colour: bool, detail: Detail, with_times: bool, is_interrupted: bool) -> String {
    let style = Style { colour, ..Style::default() };
    tell(&mut TextReport::new(style, detail, with_times, PathBuf::from("captures")), is_interrupted)
}

#[test]
fn text_of_a_log() {
    insta::assert_snapshot!(text(false, Detail::Normal, false, false));
}

#[test]
fn text_in_detail() {
    insta::assert_snapshot!(text(false, Detail::Verbose, true, false));
}

#[test]
fn text_that_is_quiet() {
    insta::assert_snapshot!(text(false, Detail::Quiet, false, true));
}

#[test]
fn colours_change_nothing_else() {
    let coloured = text(true, Detail::Verbose, true, true);
    assert!(coloured.contains("\x1b[1m\x1b[31mFAIL\x1b[0m"), "{coloured:?}");
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\x1b') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    assert_eq!(plain, text(false, Detail::Verbose, true, true));
}

#[test]
fn text_of_a_terminal_is_no_wider_than_it() {
    for line in text(false, Detail::Normal, true, true).lines() {
        let is_prose = line.contains("close/known (1 test)") || line.starts_with("11 tests on");
        assert!(is_prose || line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn tap() {
    insta::assert_snapshot!(tell(&mut TapReport::default(), true));
}

#[test]
fn junit() {
    let text = tell(&mut JunitReport::default(), true);
    insta::assert_snapshot!(text);
    let read = quick_junit::Report::deserialize_from_str(&text).unwrap();
    assert_eq!((read.tests, read.failures, read.errors), (14, 3, 3));
    let skipped: usize = read.test_suites.iter().map(|suite| suite.skipped).sum();
    assert_eq!(skipped, 5, "three were, one is known, one was not run");
    let page = text.contains("a page with ]]&gt; in it, and &lt;&amp;&gt;");
    assert!(page, "the page is there, escaped");
}

#[test]
fn json() {
    let text = tell(&mut JsonReport::default(), true);
    insta::assert_snapshot!(text);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 13, "ten runs, a wrong file, a stale entry, a summary");
    assert_eq!(lines[12]["summary"]["not_run"], 1);
}
