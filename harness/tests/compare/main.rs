//! A planted difference between two builds of a stack is found, classified, and shown at the first thing that differs.

mod classes;
mod pages;
mod planted;
mod program;

use std::path::Path;
use std::sync::Arc;

use tcpdrill::case::Case;
use tcpdrill::compare::{Comparison, Ignored, Side, compare};
use tcpdrill::front::yaml;
use tcpdrill::run::{CaseRun, RunOptions, Tree, run_case};

use planted::{Plant, PlantedFactory};

/// Only acts, and time that passes: nothing is expected.
pub(crate) const SKETCH: &str = "\
title: a sketch of a connection
given: server(rtt=10ms, options=\"<mss 1000,sackOK,nop,nop>\")
steps:
  - call: write(s, 1500)
  - after: 10ms
    inject: . 1:1(0) ack 1001
  - inject: P. 1:11(10) ack 1001
  - call: read(s, 10)
  - silent: 1s
  - assert: s.tcpi_unacked == 1
  - inject: R. 11:11(0) ack 1001
  - call: write(s, 1)
    returns: any
  - call: write(s, 1)
    returns: any
";

/// All that happens is expected, but no case looks at everything.
pub(crate) const STRICT: &str = "\
title: a write and its acknowledgement
given: server(rtt=10ms)
steps:
  - call: write(s, 10)
  - expect: P. 1:11(10) ack 1
  - after: 10ms
    inject: . 1:1(0) ack 11
  - inject: P. 1:11(10) ack 11
  - expect: . 11:11(0) ack 11
    within: 1s
";

pub(crate) fn case(text: &str) -> Case {
    let tree = Tree::around(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases"));
    let lowered = yaml::lower("story.yaml", "story", Arc::from(text), &tree);
    let lowered = lowered.unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false)));
    lowered.cases.into_iter().next().expect("a story is one case")
}

pub(crate) fn run(case: &Case, plant: Plant) -> CaseRun {
    run_case(case, &PlantedFactory::new(plant), RunOptions::default())
}

pub(crate) fn side<'a>(name: &'a str, run: &'a CaseRun) -> Side<'a> {
    Side { name, report: &run.report, trace: run.trace.as_ref() }
}

/// The stack as it is against the stack with a planted difference.
pub(crate) fn against(case: &Case, plant: Plant, ignored: &Ignored) -> Comparison {
    let (before, after) = (run(case, Plant::None), run(case, plant));
    compare(case, side("before", &before), side("after", &after), ignored)
}
