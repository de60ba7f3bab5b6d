//! Traces: a whole one gives its verdict again, and nothing else does.

mod engine_support;

use engine_support::{OPEN, case};
use tcpdrill::case::Case;
use tcpdrill::run::{RunOptions, replay, run_case};
use tcpdrill::target::scripted::Scripted;
use tcpdrill::target::{Target, TargetError, TargetFactory, TargetInfo, Timing, World};
use tcpdrill::trace::{Entry, Trace};
use tcpdrill::verdict::Verdict;

/// Makes scripted targets on which nothing happens; some break after so much time, or when they are put away.
struct Factory(Scripted);

impl TargetFactory for Factory {
    fn info(&self) -> &TargetInfo {
        self.0.info()
    }

    fn open(&self, _: &World) -> Result<Box<dyn Target>, TargetError> {
        Ok(Box::new(self.0.clone()))
    }
}

fn recorded(case: &Case, breaks: impl FnOnce(&mut Scripted)) -> (Verdict, Trace) {
    let mut target = Scripted::new(Timing::Virtual, Vec::new());
    breaks(&mut target);
    let run = run_case(case, &Factory(target), RunOptions::default());
    (run.report.verdict, run.trace.expect("the target can be made"))
}

fn again(case: &Case, trace: &Trace) -> Result<Verdict, String> {
    replay(case, trace).map(|report| report.verdict).map_err(|error| error.to_string())
}

fn story() -> Case {
    case(&format!("{OPEN}  - silent: 10ms\n  - inject: . 1:1(0) ack 1\n  - silent: 10ms\n"))
}

#[test]
fn a_whole_trace_gives_its_verdict_again_and_no_part_of_it_does() {
    let case = story();
    let (verdict, trace) = recorded(&case, |_| ());
    assert_eq!(verdict, Verdict::Pass);
    assert_eq!(again(&case, &trace), Ok(Verdict::Pass));
    for length in 0..trace.entries.len() {
        let mut cut = trace.clone();
        cut.entries.truncate(length);
        assert!(again(&case, &cut).is_err(), "the first {length} entries");
        let mut without = trace.clone();
        without.entries.remove(length);
        assert!(again(&case, &without).is_err(), "without entry {length}");
    }
    for index in 0..=trace.entries.len() {
        for extra in [Entry::Reached(1), Entry::Verdict("pass".to_owned())] {
            let mut longer = trace.clone();
            longer.entries.insert(index, extra.clone());
            assert!(again(&case, &longer).is_err(), "{extra:?} before entry {index}");
        }
    }
}

#[test]
fn a_trace_of_another_case_is_refused() {
    let case = story();
    let (_, mut trace) = recorded(&case, |_| ());
    trace.header.case = "another".to_owned();
    assert!(again(&case, &trace).is_err());
}

#[test]
fn what_a_broken_target_gave_is_derived_again() {
    let case = story();
    let breaks: [fn(&mut Scripted); 2] =
        [|target| target.breaks_when_advanced = true, |target| target.breaks_at_the_end = true];
    for breaks in breaks {
        let (verdict, trace) = recorded(&case, breaks);
        assert!(matches!(verdict, Verdict::Inconclusive { .. }), "{verdict:?}");
        assert_eq!(again(&case, &trace), Ok(verdict));
    }
}
