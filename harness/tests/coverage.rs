//! `tcpdrill coverage` on a small tree, whose numbers can be counted by hand.

#![expect(clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]
#![cfg(feature = "cli")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tcpdrill::run::Tree;

const REQUIREMENTS: &str = "\
- { id: RFC9293/MUST-10, level: MUST, section: '3.2', summary: Ten., testable: 'yes' }
- { id: RFC9293/MUST-9, level: MUST, section: '3.1', summary: Nine., testable: 'yes' }
- { id: RFC9293/MUST-11, level: MUST NOT, section: '3.3', summary: Eleven., testable: 'no' }
- { id: RFC9293/SHLD-1, level: SHOULD, section: '3.4', summary: One., testable: partially }
- { id: RFC9293/SHLD-2, level: SHOULD, section: '3.4', summary: Two., testable: 'yes' }
- { id: RFC1122/4.2, level: MUST, section: '4.2', summary: A rule that is so long that it does not fit into one line of a \
narrow terminal., testable: 'yes' }
";
const FOLKLORE: &str = "\
- { id: folklore/S0-1, claim: It is told., black_box: yes (wire) }
- { id: folklore/S0-2, claim: It is told of a tool., black_box: no (tool output) }
";
const FAULTS: &str = "others:\n- { id: fault/X-1, summary: Nine is broken., violates: [RFC9293/MUST-9] }\n";

const SOCKET: &str = "steps:\n  - call: s = socket(af, SOCK_STREAM, 0)\n  - call: read(s, 1)\n";
const NOT_CONNECTED: &str = "    returns: -1 ENOTCONN\n";

/// The tree: one file passes, one fails in both its variants, one is skipped, one is about nothing.
fn tree(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("coverage").join(name);
    let _ = fs::remove_dir_all(&root);
    for folder in ["a", "requirements"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    let passes = format!(
        "title: passes\n{SOCKET}{NOT_CONNECTED}    covers: [RFC9293/MUST-10, folklore/S0-1, folklore/S0-2]\n"
    );
    let fails = format!(
        "title: fails\nmatrix: {{ ip: [v4, v6] }}\n{SOCKET}    returns: -1 EMFILE\n    covers: [RFC9293/MUST-9, RFC9293/MUST-10]\n"
    );
    let skipped = format!(
        "title: skipped\ncovers: [RFC9293/SHLD-1, RFC9293/SHLD-2]\nset: {{ net.ipv4.tcp_congestion_control: nosuch }}\n{SOCKET}{NOT_CONNECTED}    covers: [RFC9293/SHLD-1]\n"
    );
    for (file, text) in [
        ("requirements/rfcs.yaml", REQUIREMENTS),
        ("requirements/told.yaml", FOLKLORE),
        ("requirements/faults.yaml", FAULTS),
        ("a/nothing.yaml", &format!("title: nothing\n{SOCKET}")),
        ("a/passes.yaml", &passes),
        ("a/fails.yaml", &fails),
        ("a/skipped.yaml", &skipped),
    ] {
        fs::write(root.join(file), text).unwrap();
    }
    root
}

fn tcpdrill(root: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tcpdrill")).current_dir(root).args(arguments).output().unwrap()
}

/// What `coverage` writes; it must end well.
fn coverage(root: &Path, arguments: &[&str]) -> String {
    let output = tcpdrill(root, &[&["coverage", "."], arguments].concat());
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.as_str()), (Some(0), ""), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

const TABLE: &str = "\
8 requirements, 5 tests in 4 files

document   level       testable      asserted named only  absent untestable
RFC9293    MUST               2       2 100 %          0       0          0
RFC9293    MUST NOT           0       0                0       0          1
RFC9293    SHOULD             2       1  50 %          1       0          0
RFC1122                       1       0   0 %          0       1          0
folklore                      1       1 100 %          0       0          1
total                         6       4  66 %          1       1          2
";
const END: &str = "
proved by a fault that was caught: not measured
untestable, says the catalogue, and asserted all the same: folklore/S0-2
";

#[test]
fn without_a_target_the_cases_are_counted() {
    assert_eq!(coverage(&tree("static"), &[]), format!("{TABLE}{END}"));
}

const ON_BUNDLED: &str = "
on bundled             asserted  passing  failing  skipped  unknown
RFC9293    MUST               2        0        2        0        0
RFC9293    SHOULD             1        0        0        1        0
folklore                      1        1        0        0        0
total                         4        1        2        1        0
";

#[test]
fn with_a_target_its_verdicts_are_counted_too() {
    let root = tree("target");
    let wanted = format!("{TABLE}{ON_BUNDLED}{END}");
    assert_eq!(coverage(&root, &["--target", "bundled"]), wanted);
    // The same from what a run wrote.
    let run = tcpdrill(&root, &["run", ".", "--format", "json"]);
    fs::write(root.join("run.json"), run.stdout).unwrap();
    assert_eq!(coverage(&root, &["--from", "run.json"]), wanted);
    // What was skipped left no trace.
    let unknown = wanted.replace(
        "SHOULD             1        0        0        1        0",
        "SHOULD             1        0        0        0        1",
    );
    let unknown = unknown.replace(
        "total                         4        1        2        1        0",
        "total                         4        1        2        0        1",
    );
    assert_ne!(unknown, wanted);
    assert_eq!(coverage(&root, &["--from", "captures"]), unknown);
}

#[test]
fn a_part_of_the_cases_can_be_looked_at() {
    let text = coverage(&tree("part"), &["--filter", "skipped"]);
    assert!(text.starts_with("8 requirements, 1 tests in 1 files\n"), "{text}");
    assert!(
        text.contains("\ntotal                         6       1  16 %          1       4          2\n"),
        "{text}"
    );
}

#[test]
fn what_is_missing_is_named() {
    assert_eq!(
        coverage(&tree("missing"), &["--missing"]),
        "\
RFC1122/4.2  MUST, section 4.2
  A rule that is so long that it does not fit into one line of a narrow
  terminal.
RFC9293/SHLD-2  SHOULD, section 3.4, named only
  Two.
"
    );
}

#[test]
fn of_a_requirement_the_cases_are_named() {
    let root = tree("id");
    assert_eq!(
        coverage(&root, &["--id", "RFC9293/*1*", "--target", "bundled"]),
        "\
RFC9293/MUST-10  MUST, section 3.2
  Ten.
    asserted  a/fails  bundled: failing
    asserted  a/passes  bundled: passing
RFC9293/MUST-11  MUST NOT, section 3.3, untestable
  Eleven.
RFC9293/SHLD-1  SHOULD, section 3.4, testable in part
  One.
    asserted  a/skipped  bundled: skipped
    named     a/skipped
"
    );
    let output = tcpdrill(&root, &["coverage", ".", "--id", "RFC1/*"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("tcpdrill: error: no requirement matches \"RFC1/*\"\nhelp: "), "{error}");
}

#[test]
fn of_a_case_the_requirements_are_named() {
    assert_eq!(
        coverage(&tree("by-case"), &["--by-case"]),
        "\
a/fails
  asserts  RFC9293/MUST-9 RFC9293/MUST-10
a/nothing  no requirement
a/passes
  asserts  RFC9293/MUST-10 folklore/S0-1 folklore/S0-2
a/skipped
  asserts  RFC9293/SHLD-1
  names    RFC9293/SHLD-1 RFC9293/SHLD-2
"
    );
}

#[test]
fn json_has_an_object_for_each_requirement() {
    let root = tree("json");
    let text = coverage(&root, &["--format", "json", "--target", "bundled"]);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<&str> = lines.iter().filter_map(|line| line["id"].as_str()).collect();
    assert_eq!(
        ids,
        [
            "RFC1122/4.2",
            "RFC9293/MUST-9",
            "RFC9293/MUST-10",
            "RFC9293/MUST-11",
            "RFC9293/SHLD-1",
            "RFC9293/SHLD-2",
            "folklore/S0-1",
            "folklore/S0-2",
        ]
    );
    let ten = json!({
        "id": "RFC9293/MUST-10", "document": "RFC9293", "level": "MUST", "section": "3.2", "summary": "Ten.",
        "testable": "yes", "named": [], "asserted": ["a/fails[ip=v4]", "a/fails[ip=v6]", "a/passes"], "proved": null,
        "targets": { "bundled": {
            "state": "failing", "pass": ["a/passes"], "fail": ["a/fails[ip=v4]", "a/fails[ip=v6]"],
            "inconclusive": [], "skipped": [], "not_run": [],
        } },
    });
    assert_eq!(lines[2], ten);
    assert_eq!(lines[0]["targets"]["bundled"]["state"], Value::Null);
    let summary = json!({
        "requirements": 8, "testable": 6, "asserted": 4, "named_only": 1, "absent": 1, "untestable": 2, "proved": null,
        "tests": 5, "targets": { "bundled": { "passing": 1, "failing": 2, "skipped": 1, "unknown": 0 } },
    });
    assert_eq!(lines.last().unwrap()["summary"], summary);
    let by_case = coverage(&root, &["--format", "json", "--by-case", "--filter", "skipped"]);
    let wanted = json!({
        "case": "a/skipped", "covers": ["RFC9293/SHLD-1", "RFC9293/SHLD-2"], "asserts": ["RFC9293/SHLD-1"], "verdicts": {},
    });
    assert_eq!(serde_json::from_str::<Value>(&by_case).unwrap(), wanted);
}

#[test]
fn what_cannot_be_read_is_said() {
    let root = tree("wrong");
    fs::write(root.join("no.json"), "{\n").unwrap();
    fs::write(root.join("empty.json"), "").unwrap();
    for (arguments, status, wanted) in [
        (&["--from", "no.json"][..], 2, "no.json: line 1: not what tcpdrill run --format json writes: "),
        (&["--from", "empty.json"], 2, "empty.json: there is no verdict\n"),
        (&["--from", "nothing"], 2, "nothing: No such file or directory"),
        (&["--target", "bundeld"], 2, "no target \"bundeld\"\nhelp: did you mean bundled?"),
        (&["--filter", "absent"], 2, "no test is selected"),
    ] {
        let output = tcpdrill(&root, &[&["coverage", "."], arguments].concat());
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{error}");
        assert!(error.starts_with(&format!("tcpdrill: error: {wanted}")), "{error}");
    }
}

#[test]
fn the_catalogue_says_what_can_be_tested() {
    let tree = Tree::embedded();
    let known = tree.requirements().unwrap();
    let testable = |id: &str| format!("{:?}", known[id].testable);
    assert_eq!(testable("RFC9293/MUST-2"), "Yes");
    assert_eq!(testable("RFC9293/SHLD-13"), "No");
    assert_eq!(testable("folklore/S0-2"), "Yes");
    assert_eq!(testable("folklore/S4-8"), "Partially");
    assert_eq!(testable("folklore/S4-46"), "No");
    assert!(known["RFC2525/2.1"].is_fault() && !known["RFC9293/MUST-2"].is_fault());
}
