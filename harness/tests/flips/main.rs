//! Can every expectation fail? Each one of every case is flipped, one at a time, and the case must then fail on the
//! bundled stack. What cannot be flipped, because it accepts anything, is counted.

mod calls;
mod numbers;
mod packets;
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

impl Tally {
    fn check(&mut self, flip: &Flip) {
        self.flipped += 1;
        if !matches!(verdict(&flip.case), Verdict::Fail(_)) {
            self.survivors.push(format!("{}: {}", flip.case.id, flip.what));
        }
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
    for case in passing() {
        for index in 0..case.steps.len() {
            for flip in steps::flips(&case, index, &mut tally) {
                tally.check(&flip);
            }
        }
    }
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
