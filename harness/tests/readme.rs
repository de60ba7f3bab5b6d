//! The failure page in the README is what the program prints, and its table what the bundled stack passes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tcpdrill::front::yaml;
use tcpdrill::report::{FailureContext, Style, failure_page};
use tcpdrill::run::{News, Plan, RunOptions, Saved, Selection, Tree, run_batch, run_case};
use tcpdrill::target::TargetFactory;
use tcpdrill::target::bundled::BundledFactory;
use tcpdrill::verdict::Verdict;

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

#[test]
fn the_row_of_the_bundled_stack_is_true() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let paths = vec![root.join("cases").display().to_string()];
    let (loaded, trees) = Selection { paths, ..Selection::default() }.load().unwrap();
    let factory = BundledFactory::new();
    let version = &factory.info().version;
    let ledger = trees[0].ledger("bundled").unwrap();
    let options = RunOptions { slow: true, ..RunOptions::default() };
    let plan = Plan { cases: &loaded.cases, factory: &factory, options, repeat: 1, jobs: 2, stop: &|| false };
    let (mut pass, mut known, mut skipped) = (0, 0, 0);
    run_batch(&plan, |news| {
        let News::Run { index, run, .. } = news else { return true };
        let deviates = ledger.deviation(&loaded.cases[index].id, version).is_some();
        match run.report.verdict {
            Verdict::Pass => pass += 1,
            Verdict::Skipped { .. } => skipped += 1,
            Verdict::Fail(_) if deviates => known += 1,
            Verdict::Fail(_) | Verdict::Inconclusive { .. } => {}
        }
        true
    });
    let tests = loaded.cases.len();
    let row = format!("| `bundled` | {version} | {tests} | {pass} | {known} | {skipped} |");
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    assert!(readme.lines().any(|line| line == row), "run ci/stack-table; the README should have\n{row}");
}
