//! Ledgers of known deviations: what is wrong with one, and what one changes in a run.

#![expect(clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]
#![cfg(feature = "cli")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tcpdrill::front::yaml;
use tcpdrill::run::Tree;

const PASSES: &str = "title: a socket is made\nsteps:\n  - call: s = socket(af, SOCK_STREAM, 0)\n";
const FAILS: &str = "title: a socket is not made\nmatrix: { ip: [v4, v6] }\nsteps:\n  - call: socket(af, SOCK_STREAM, 0)\n    returns: -1 EMFILE\n";
const SKIPPED: &str = "title: another control\nset: { net.ipv4.tcp_congestion_control: nosuch }\nsteps:\n  - call: s = socket(af, SOCK_STREAM, 0)\n";

/// A tree with the three cases and this ledger of the bundled stack.
fn tree(name: &str, ledger: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ledger").join(name);
    let _ = fs::remove_dir_all(&root);
    for folder in ["area", "fixtures", "ledger"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for (file, text) in [
        ("area/passes.yaml", PASSES),
        ("area/fails.yaml", FAILS),
        ("area/skipped.yaml", SKIPPED),
        ("ledger/bundled.yaml", ledger),
    ] {
        fs::write(root.join(file), text).unwrap();
    }
    root
}

/// Runs the program in a tree.
fn tcpdrill(root: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tcpdrill")).current_dir(root).args(arguments).output().unwrap()
}

/// The exit status, and of each line `case verdict outcome`.
fn outcomes(root: &Path, arguments: &[&str]) -> (i32, Vec<String>, Value) {
    let output = tcpdrill(root, &[&["run", "--format", "json"], arguments].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = lines.pop().map(|line| line["summary"].clone()).unwrap_or_default();
    let word = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let short =
        |line: &Value| format!("{} {} {}", word(line, "case"), word(line, "verdict"), word(line, "outcome"));
    (output.status.code().unwrap(), lines.iter().map(short).collect(), summary)
}

const KNOWN: &str = "deviations:\n  - tests: area/fails\n    kind: not-yet\n    reason: sockets are made\n    link: https://example.org/1\n";

#[test]
fn without_an_entry_a_failure_is_one() {
    let root = tree("nothing", "deviations: []\n");
    let (status, lines, _) = outcomes(&root, &["."]);
    assert_eq!(status, 1);
    assert_eq!(
        lines,
        [
            "area/fails[ip=v4] fail unexpected-fail",
            "area/fails[ip=v6] fail unexpected-fail",
            "area/passes pass as-expected",
            "area/skipped skipped skipped",
        ]
    );
}

#[test]
fn a_known_failure_is_expected() {
    let root = tree("known", KNOWN);
    let (status, lines, summary) = outcomes(&root, &["."]);
    assert_eq!(status, 0, "{lines:?}");
    assert_eq!(
        lines,
        [
            "area/fails[ip=v4] fail as-expected",
            "area/fails[ip=v6] fail as-expected",
            "area/passes pass as-expected",
            "area/skipped skipped skipped",
        ]
    );
    assert_eq!((&summary["fail"], &summary["known"], &summary["stale"]), (&2.into(), &2.into(), &0.into()));
    let output = tcpdrill(&root, &["run", "--verbose", "."]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(!text.contains("FAIL"), "no failure page:\n{text}");
    for wanted in [
        "known (not-yet): sockets are made",
        "known deviations of bundled\n  not-yet   area/fails (2 tests): sockets are made https://example.org/1  ./ledger/bundled.yaml:2:12",
        "4 tests on bundled: 1 passed, 2 failed as known, 1 skipped",
    ] {
        assert!(text.contains(wanted), "{wanted}\nis not in\n{text}");
    }
}

#[test]
fn a_test_that_passes_after_all_is_told_of() {
    let ledger = "deviations:\n  - tests: area/*\n    kind: disputed\n    reason: none\n";
    let root = tree("passes", ledger);
    let (status, lines, summary) = outcomes(&root, &["."]);
    assert_eq!(status, 1);
    assert!(lines.contains(&"area/passes pass unexpected-pass".to_owned()), "{lines:?}");
    // A ledger does not speak of what a target cannot run.
    assert!(lines.contains(&"area/skipped skipped skipped".to_owned()), "{lines:?}");
    assert_eq!(summary["unexpected_pass"], 1);
    let output = tcpdrill(&root, &["run", "."]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("./ledger/bundled.yaml:2:12: error: passed on bundled "), "{error}");
    assert!(error.contains(": area/passes\n"), "{error}");
}

#[test]
fn an_entry_without_a_test_is_stale_whatever_is_selected() {
    let ledger = format!("{KNOWN}  - tests: area/fials\n    kind: never\n    reason: a typing error\n");
    let root = tree("stale", &ledger);
    for path in [".", "area/passes.yaml"] {
        let (status, lines, summary) = outcomes(&root, &[path]);
        assert_eq!(status, 1);
        assert_eq!(lines.last().map(String::as_str), Some("area/fials invalid stale-ledger"), "{path}");
        assert_eq!((&summary["stale"], &summary["invalid"]), (&1.into(), &0.into()));
    }
    let checked = tcpdrill(&root, &["check", "."]);
    assert_eq!(checked.status.code(), Some(2));
    let error = String::from_utf8(checked.stderr).unwrap();
    assert!(
        error.starts_with("./ledger/bundled.yaml:6:12: error: no test of this tree matches area/fials\n"),
        "{error}"
    );
}

#[test]
fn an_entry_whose_tests_are_not_selected_is_not_judged() {
    let root = tree("unselected", KNOWN);
    let (status, lines, _) = outcomes(&root, &["area/passes.yaml"]);
    assert_eq!((status, lines), (0, vec!["area/passes pass as-expected".to_owned()]));
}

#[test]
fn an_entry_counts_for_its_versions_only() {
    for (condition, status) in [("bundled >= 0.1", 0), ("bundled < 0.1 or bundled > 9999", 1)] {
        let root = tree("condition", &format!("{KNOWN}    condition: {condition}\n"));
        assert_eq!(outcomes(&root, &["."]).0, status, "{condition}");
    }
}

#[test]
fn a_ledger_that_is_wrong_stops_the_run() {
    let root = tree("wrong", "deviations:\n  - tests: area/fails\n    kind: soon\n    reason: none\n");
    for command in ["run", "check"] {
        let output = tcpdrill(&root, &[command, "."]);
        assert_eq!(output.status.code(), Some(2), "{command}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.starts_with("./ledger/bundled.yaml:3:11: error: unknown kind \"soon\"\n"), "{error}");
    }
}

#[test]
fn the_embedded_tree_has_ledgers() {
    let tree = Tree::embedded();
    assert_eq!(tree.ledgers().unwrap(), ["bundled", "linux"]);
    assert!(!tree.ledger("linux").unwrap().verified.is_empty());
    assert!(tree.ledger("nothing-known").unwrap().deviations.is_empty());
}

#[test]
fn mistakes_point_at_the_words_at_fault() {
    let entry = |more: &str| format!("deviations:\n  - tests: a/b\n    kind: never\n    reason: x\n{more}");
    for (text, wanted) in [
        (String::new(), "1:1: error: the file is empty"),
        ("- tests: a/b\n".to_owned(), "1:1: error: a ledger takes a map, this is a list"),
        ("deviation: []\n".to_owned(), "1:1: error: unknown key \"deviation\""),
        ("verified: 6.18\n".to_owned(), "1:11: error: verified takes a list, this is text"),
        ("verified: [6.18, next]\n".to_owned(), "1:18: error: \"next\" is not a version"),
        ("deviations:\n  - kind: never\n    reason: x\n".to_owned(), "2:5: error: tests is missing"),
        ("deviations:\n  - tests: a/b\n    kind: never\n".to_owned(), "2:5: error: reason is missing"),
        ("deviations:\n  - tests: a/b\n    reason: x\n".to_owned(), "2:5: error: kind is missing"),
        (
            "deviations:\n  - tests: a/b\n    kind: never\n    reason: ''\n".to_owned(),
            "4:14: error: the reason is empty",
        ),
        (entry("    kin: never\n"), "5:5: error: unknown key \"kin\""),
        (entry("    link: [x]\n"), "5:11: error: link takes text, this is a list"),
        (
            entry("    condition: bundled < 6.5\n"),
            "5:16: error: a condition of this ledger compares the version of linux",
        ),
        (entry("    condition: linux\n"), "5:21: error: a comparison is missing"),
        (entry("    condition: linux ~ 6.5\n"), "5:22: error: a comparison expected, not \"~\""),
        (entry("    condition: linux < six\n"), "5:24: error: \"six\" is not a version"),
        (entry("    condition: linux < 6.5 but linux > 5\n"), "5:28: error: unexpected \"but linux > 5\""),
        (
            entry("    condition: linux < 6.5 and\n"),
            "5:31: error: a condition of this ledger compares the version of linux",
        ),
        (
            entry("  - tests: a/b[ip\n    kind: never\n    reason: x\n"),
            "5:12: error: the pattern of variants is not closed by one \"]\" at the end",
        ),
        (
            entry("  - tests: a/b\n    kind: disputed\n    reason: y\n"),
            "5:12: error: a/b is there already (line 2)",
        ),
        (entry("    kind: never\n"), "5:5: error: key \"kind\" given twice (first in line 3)"),
    ] {
        let shown = match yaml::ledger("linux.yaml", "linux", &text) {
            Ok(_) => "nothing is wrong".to_owned(),
            Err(mistakes) => mistakes.render(false),
        };
        assert_eq!(shown.lines().next().unwrap_or_default(), format!("linux.yaml:{wanted}"), "{text}");
    }
}

#[test]
fn one_pattern_may_have_a_reason_for_each_range_of_versions() {
    let text = "deviations:\n  - { tests: a/b, kind: never, reason: old, condition: linux < 6.5 }\n  - { tests: a/b, kind: not-yet, reason: new, condition: linux >= 6.5 and linux != 6.9 }\n";
    let ledger = yaml::ledger("linux.yaml", "linux", text).unwrap();
    let reason = |version: &str| ledger.deviation("a/b[ip=v4]", version).map(|known| known.reason.as_str());
    assert_eq!(reason("6.4.11"), Some("old"));
    assert_eq!(reason("6.18.1-x"), Some("new"));
    assert_eq!(reason("6.9.3"), None);
}
