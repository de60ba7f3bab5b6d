//! Can every expectation fail? Each one of every case is flipped, one at a time, and the case must then fail on the
//! bundled stack. What cannot be flipped, because it accepts anything, is counted.
//!
//! There are many: without `TCPDRILL_FLIPS=all` (the lane `ci/flips`) only some thousands are tried, evenly spread.

mod calls;
mod numbers;
mod packets;
mod peers;
mod silence;
mod steps;

use std::path::Path;

use tcpdrill::case::Case;
use tcpdrill::run::{RunOptions, Selection, run_case};
use tcpdrill::target::bundled::BundledFactory;
use tcpdrill::verdict::Verdict;

/// A case with one expectation changed.
pub(crate) struct Flip {
    /// What was changed, for the message.
    what: String,
    case: Case,
}

/// What came of flipping.
#[derive(Default)]
pub(crate) struct Tally {
    flipped: usize,
    exempt: usize,
    survivors: Vec<String>,
}

/// So many are tried unless all are asked for.
const SAMPLE: usize = 2_000;

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases");
    let selection = Selection { paths: vec![folder.display().to_string()], ..Selection::default() };
    let (loaded, _) = selection.load().expect("the cases of the repository can be read");
    assert!(loaded.invalid.is_empty(), "the cases of the repository are right");
    loaded.cases
}

fn verdict(case: &Case) -> Verdict {
    run_case(case, &BundledFactory::new(), RunOptions::default()).report.verdict
}

/// Cases that take part: those that the bundled stack runs and passes.
fn passing() -> Vec<Case> {
    let passing: Vec<Case> = cases().into_iter().filter(|case| verdict(case) == Verdict::Pass).collect();
    assert!(!passing.is_empty(), "no case passes");
    passing
}

/// Every how-manieth flip is tried.
fn stride(flips: usize) -> usize {
    match std::env::var("TCPDRILL_FLIPS") {
        Ok(wanted) if wanted == "all" => 1,
        _ => flips.div_ceil(SAMPLE).max(1),
    }
}

impl Tally {
    /// Runs flips side by side.
    fn check(&mut self, flips: &[Flip]) {
        let parts = std::thread::available_parallelism().map_or(1, usize::from);
        let survivors = std::thread::scope(|scope| {
            let threads: Vec<_> = flips
                .chunks(flips.len().div_ceil(parts).max(1))
                .map(|part| {
                    let survives = |flip: &&Flip| !matches!(verdict(&flip.case), Verdict::Fail(_));
                    let name = |flip: &Flip| format!("{}: {}", flip.case.id, flip.what);
                    scope.spawn(move || part.iter().filter(survives).map(name).collect::<Vec<String>>())
                })
                .collect();
            threads
                .into_iter()
                .flat_map(|thread| thread.join().expect("a flip does not panic"))
                .collect::<Vec<_>>()
        });
        self.flipped += flips.len();
        self.survivors.extend(survivors);
    }

    fn conclude(&self, what: &str) {
        println!("{what}: {} flipped, {} accept anything and cannot be", self.flipped, self.exempt);
        assert!(self.flipped > 0, "nothing was flipped");
        assert!(
            self.survivors.is_empty(),
            "{} of {} flips did not fail:\n{}",
            self.survivors.len(),
            self.flipped,
            self.survivors.join("\n")
        );
    }
}

#[test]
fn every_flipped_expectation_fails() {
    let mut tally = Tally::default();
    let passing = passing();
    let all = |case: &Case, tally: &mut Tally| -> Vec<Flip> {
        (0..case.steps.len()).flat_map(|index| steps::flips(case, index, tally)).collect()
    };
    let total: usize = passing.iter().map(|case| all(case, &mut Tally::default()).len()).sum();
    let stride = stride(total);
    let mut before = 0;
    for case in &passing {
        let flips = all(case, &mut tally);
        let count = flips.len();
        let chosen: Vec<Flip> = flips
            .into_iter()
            .enumerate()
            .filter(|(at, _)| (before + at).is_multiple_of(stride))
            .map(|(_, flip)| flip)
            .collect();
        before += count;
        tally.check(&chosen);
    }
    println!("one in {stride} of {total} flips was tried");
    tally.conclude("expectations");
}

#[test]
fn a_segment_in_a_silence_fails() {
    let mut tally = Tally::default();
    for case in passing() {
        silence::disturb(&case, &mut tally);
    }
    tally.conclude("silences");
}
