//! The command, on traces: its output and its exit statuses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tcpdrill::run::save;

use super::planted::Plant;
use super::{SKETCH, STRICT, case, run};

/// A folder of traces of both stories.
fn recorded(name: &str, plant: Plant) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compare").join(name);
    for (id, text) in [("sketch", SKETCH), ("strict", STRICT)] {
        let mut case = case(text);
        case.id = id.to_owned();
        save(&folder, &case, &run(&case, plant), 1).expect("the folder can be written");
    }
    folder
}

fn compare(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tcpdrill"))
        .arg("compare")
        .args(arguments)
        .output()
        .expect("the program runs")
}

fn status(arguments: &[&str]) -> (Option<i32>, String) {
    let output = compare(arguments);
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).expect("it writes text");
    (output.status.code(), text)
}

#[test]
fn exit_statuses() {
    let (one, same) = (recorded("one", Plant::None), recorded("same", Plant::None));
    let lossy = recorded("lossy", Plant::Lose(2));
    let path = |path: &Path| path.display().to_string();
    let file = |folder: &Path| path(&folder.join("bundled/strict.trace.jsonl"));

    let (code, text) = status(&[&path(&one), &path(&same)]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("2 tests") && text.contains("2 equal"), "{text}");

    let (code, text) = status(&[&file(&one), &file(&lossy)]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("first difference: missing segment"), "{text}");

    let (code, text) = status(&[&file(&one), &file(&lossy), "--ignore", "missing,verdict"]);
    assert_eq!(code, Some(0), "{text}");

    let (code, text) = status(&[&path(&one), &path(&lossy), "--format", "json"]);
    assert_eq!(code, Some(1), "{text}");
    let objects: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!(objects.len(), 3, "{text}");
    assert_eq!(objects[1]["first"]["class"], "missing");
    assert_eq!(objects[2]["summary"]["differ"], 2);

    fs::remove_file(lossy.join("bundled/strict.trace.jsonl")).unwrap();
    let (_, text) = status(&[&path(&one), &path(&lossy)]);
    assert!(text.contains("1 not compared"), "{text}");
}

#[test]
fn what_cannot_be_compared_is_told() {
    let one = recorded("wrong", Plant::None);
    let path = |name: &str| one.join("bundled").join(name).display().to_string();
    let (strict, sketch) = (path("strict.trace.jsonl"), path("sketch.trace.jsonl"));
    let cut = path("cut.trace.jsonl");
    let text = fs::read_to_string(&strict).unwrap();
    fs::write(&cut, text.lines().take(9).map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    for (arguments, says) in [
        (vec![strict.as_str(), sketch.as_str()], "no runs of the same case"),
        (vec![strict.as_str(), cut.as_str()], "the trace does not fit the case"),
        (vec![strict.as_str()], "two traces are compared"),
        (vec![strict.as_str(), "nowhere"], "nowhere"),
        (vec![strict.as_str(), sketch.as_str(), "--ignore", "wim"], "did you mean win?"),
        (vec![strict.as_str(), sketch.as_str(), "--filter", "a"], "--filter"),
        (vec!["connect/refused", "--targets", "bundled"], "two targets are compared"),
        (vec!["connect/refused", "--targets", "bundled,lunix"], "did you mean linux?"),
        (vec!["no/such/case", "--targets", "bundled,bundled"], "no such file"),
    ] {
        let (code, text) = status(&arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {text}");
        assert!(text.contains(says), "{arguments:?}: {text}");
    }
}

/// The same target twice, live: nothing differs, and neither run writes over the other's files.
#[test]
fn a_target_is_equal_to_itself() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compare").join("itself");
    let captures = folder.display().to_string();
    let arguments =
        ["connect/refused", "retransmit", "--targets", "bundled,bundled", "--captures", &captures];
    let (code, text) = status(&arguments);
    assert_eq!(code, Some(0), "{text}");
    assert!(folder.join("bundled/connect/refused_ip=v4_.trace.jsonl").exists());
    assert!(folder.join("bundled/connect/refused_ip=v4_.2.trace.jsonl").exists());
}
