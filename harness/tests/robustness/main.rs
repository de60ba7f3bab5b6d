//! Whatever comes in, nothing panics or goes on without end: files, packets, traces, and what a target does.

mod drivers;
mod front;
mod perturbed;
mod script;

use arbitrary::{Arbitrary, Unstructured};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, proptest};
use proptest::sample::Index;
use tcpdrill::run::{RunOptions, run_case};
use tcpdrill::target::bundled::BundledFactory;

use perturbed::Story;

/// The trace of a shipped case.
fn trace(index: Index) -> String {
    let case = index.get(drivers::cases());
    let run = run_case(case, &BundledFactory::new(), RunOptions::default());
    run.trace.map(|trace| trace.to_text()).unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_target_does_is_judged_again_from_its_trace(bytes in vec(any::<u8>(), 4..400)) {
        if let Ok(story) = Story::arbitrary(&mut Unstructured::new(&bytes)) {
            perturbed::tell(&story);
        }
    }

    #[test]
    fn traces_with_bytes_changed(index in any::<Index>(), changes in vec((any::<Index>(), any::<u8>()), 1..8)) {
        let mut bytes = trace(index).into_bytes();
        for (at, byte) in changes {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        drivers::trace(&bytes);
    }

    #[test]
    fn packets_of_any_bytes(first in 0x45_u8..0x61, mut bytes in vec(any::<u8>(), 0..120)) {
        bytes.insert(0, first);
        drivers::packet(&bytes);
    }
}

#[test]
fn the_shipped_traces_can_be_judged_again() {
    for index in (0..drivers::cases().len()).step_by(50) {
        let case = &drivers::cases()[index];
        let run = run_case(case, &BundledFactory::new(), RunOptions::default());
        if let Some(trace) = run.trace {
            assert_eq!(drivers::trace(trace.to_text().as_bytes()), Some(run.report.verdict.name()));
        }
    }
}
