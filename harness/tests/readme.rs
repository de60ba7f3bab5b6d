//! The failure page in the README is what the program prints.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tcpdrill::front::yaml;
use tcpdrill::report::{FailureContext, Style, failure_page};
use tcpdrill::run::{RunOptions, Saved, Tree, run_case};
use tcpdrill::target::bundled::BundledFactory;

#[test]
fn the_failure_page_is_real() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let shown = "cases/retransmit/back-off.yaml";
    let text = fs::read_to_string(root.join(shown)).unwrap().replace("after: 420ms", "after: 400ms");
    let tree = Tree::around(&root.join("cases"));
    let lowered = yaml::lower(shown, "retransmit/back-off", Arc::from(text), &tree).unwrap();
    let [case] = lowered.cases.as_slice() else { panic!("one case") };
    let run = run_case(case, &BundledFactory::new(), RunOptions::default());
    let stem = "captures/bundled/retransmit/back-off";
    let saved = Saved {
        capture: PathBuf::from(format!("{stem}.pcapng")),
        trace: PathBuf::from(format!("{stem}.trace.jsonl")),
    };
    let requirements = tree.requirements().unwrap();
    let context = FailureContext { target: "bundled", requirements, saved: Some(&saved), seed: 0 };
    let page = failure_page(case, &run.report, &context, Style::default());
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    assert!(readme.contains(&format!("```\n{page}\n```\n")), "the README should show:\n\n{page}\n");
}
