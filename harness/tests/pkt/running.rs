//! Scripts of ours, run: each passes in every variant on Linux, and on the bundled stack unless that lacks something.

use std::path::{Path, PathBuf};

use tcpdrill::case::Case;
use tcpdrill::front::pkt::{Files, Options, from_bytes};
use tcpdrill::run::{RunOptions, run_case};
use tcpdrill::target::TargetFactory;
use tcpdrill::target::bundled::BundledFactory;
use tcpdrill::verdict::Verdict;

/// All scripts below this folder that are to be run.
pub(crate) const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pkt/scripts");
/// Folders of them.
const FOLDERS: [&str; 6] = ["calls", "code", "commands", "flows", "judge", "time"];

fn scripts() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in FOLDERS {
        let entries = std::fs::read_dir(Path::new(SCRIPTS).join(folder)).expect("a folder of scripts");
        found.extend(entries.map(|entry| entry.expect("a script").path()));
    }
    found.retain(|path| path.extension().is_some_and(|extension| extension == "pkt"));
    found.sort();
    assert!(!found.is_empty(), "there are scripts");
    found
}

/// Files that the commands of a script name.
pub(crate) struct Beside<'a>(pub(crate) &'a Path);

impl Files for Beside<'_> {
    fn read(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.0.parent()?.join(path)).ok()
    }
}

/// Every variant of every script, whichever `TCPDRILL_SCRIPT` is a part of the name of.
fn cases() -> Vec<Case> {
    let part = std::env::var("TCPDRILL_SCRIPT").unwrap_or_default();
    let mut cases = Vec::new();
    for path in scripts() {
        let id = path.with_extension("");
        let id = id.strip_prefix(SCRIPTS).unwrap_or(&id).to_string_lossy().into_owned();
        if !id.contains(&part) {
            continue;
        }
        let bytes = std::fs::read(&path).expect("a script");
        match from_bytes(&path.to_string_lossy(), &id, &bytes, &Options::default(), &Beside(&path)) {
            Ok(variants) => {
                assert!(variants.invalid.is_empty(), "{id}: {}", variants.invalid[0].1.render(false));
                cases.extend(variants.cases);
            }
            Err(wrong) => panic!("{}", wrong.render(false)),
        }
    }
    cases
}

/// What is not as it should be.
fn failures(factory: &dyn TargetFactory, may_lack: bool) -> Vec<String> {
    let mut failures = Vec::new();
    for case in cases() {
        assert_eq!(case.lacking, [], "{}", case.id);
        let run = run_case(&case, factory, RunOptions::default());
        match &run.report.verdict {
            Verdict::Pass => {}
            Verdict::Skipped { missing } if may_lack => eprintln!("{}: {missing}", case.id),
            Verdict::Fail(mismatches) => {
                let list: Vec<String> = mismatches
                    .iter()
                    .map(|mismatch| {
                        let words = &case.steps[mismatch.step].origin.text;
                        format!("  {words}\n    {:?} {:?}", mismatch.problem, mismatch.hints)
                    })
                    .collect();
                failures.push(format!("{} at\n{}", case.id, list.join("\n")));
            }
            other => failures.push(format!("{}: {other:?}", case.id)),
        }
    }
    failures
}

#[test]
fn scripts_pass_on_the_bundled_stack() {
    let failures = failures(&BundledFactory::new(), true);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[cfg(all(feature = "linux", target_os = "linux"))]
#[test]
fn scripts_pass_on_linux() {
    let factory = match tcpdrill::target::linux::LinuxFactory::new() {
        Ok(factory) => factory,
        Err(error) => {
            eprintln!("skipped: {error}");
            return;
        }
    };
    let failures = failures(&factory, false);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
