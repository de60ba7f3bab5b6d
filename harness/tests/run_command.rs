//! `tcpdrill run` as a process: what it writes where, what a signal does, and what is wrong before a run.

#![expect(clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]
#![cfg(feature = "cli")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const PASSES: &str =
    "title: a socket\nmatrix: { ip: [v4, v6] }\nsteps:\n  - call: socket(af, SOCK_STREAM, 0)\n";
const FAILS: &str =
    "title: no socket\nsteps:\n  - call: socket(af, SOCK_STREAM, 0)\n    returns: -1 EMFILE\n";

/// An empty folder with a tree of cases in it.
fn folder(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("run").join(name);
    let _ = fs::remove_dir_all(&root);
    for folder in ["tree/area", "tree/fixtures"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::write(root.join("tree/area/passes.yaml"), PASSES).unwrap();
    root
}

fn command(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tcpdrill"));
    command.current_dir(root).arg("run").args(arguments);
    command
}

fn run(root: &Path, arguments: &[&str]) -> Output {
    command(root, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The only line, or last one, of JSON lines.
fn summary(lines: &str) -> Value {
    serde_json::from_str::<Value>(lines.lines().last().unwrap()).unwrap()["summary"].clone()
}

#[test]
fn without_a_terminal_two_runs_print_the_same() {
    let root = folder("same");
    fs::write(root.join("tree/area/fails.yaml"), FAILS).unwrap();
    let plain = || {
        let printed = run(&root, &["tree"]);
        let text = text(&printed.stdout);
        let (text, time) = text.split_once(", in ").unwrap();
        assert!(time.contains(" s\ncaptures and traces are in captures/bundled\n"), "{time}");
        assert_eq!((printed.status.code(), printed.stderr.len()), (Some(1), 0));
        text.to_owned()
    };
    let first = plain();
    assert_eq!(first, plain());
    assert!(!first.contains('\x1b') && !first.contains("pass  area/passes"), "{first}");
    assert!(first.contains("  area             2 passed, 1 failed\n"), "{first}");
}

#[test]
fn quiet_and_verbose() {
    let root = folder("quiet");
    let quiet = text(&run(&root, &["tree", "-q"]).stdout);
    assert!(quiet.starts_with("2 tests on bundled: 2 passed, in ") && quiet.lines().count() == 1, "{quiet}");
    let verbose = text(&run(&root, &["tree", "--verbose"]).stdout);
    assert_eq!(verbose.matches("pass  area/passes[ip=").count(), 2, "{verbose}");
}

#[test]
fn reports_go_into_files_beside_what_is_printed() {
    let root = folder("files");
    let reports = ["--report", "junit=a.xml", "--report", "json=b.json", "--report", "text=c.txt"];
    let done = run(&root, &[&["tree", "--format", "tap"], reports.as_slice()].concat());
    assert_eq!(done.status.code(), Some(0));
    assert!(text(&done.stdout).starts_with("TAP version 13\n1..2\n"));
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
    let junit = quick_junit::Report::deserialize_from_str(&read("a.xml")).unwrap();
    assert_eq!((junit.tests, junit.failures, junit.errors), (2, 0, 0));
    let suite = &junit.test_suites[0];
    assert_eq!(suite.name.as_str(), "bundled/area");
    assert_eq!(suite.test_cases[0].name.as_str(), "area/passes[ip=v4]");
    assert_eq!(suite.test_cases[0].classname.as_ref().unwrap().as_str(), "area");
    assert_eq!(summary(&read("b.json"))["pass"], 2);
    assert!(read("c.txt").contains("2 tests on bundled: 2 passed"));
}

#[test]
fn what_is_wrong_before_a_run() {
    let root = folder("wrong");
    fs::write(root.join("taken"), "").unwrap();
    for (arguments, status, wanted) in [
        (&["nosuch"][..], 2, "error: nosuch: no such file, folder or case\nhelp: tcpdrill list "),
        (&["conect/refused"], 2, "no such file, folder or case\nhelp: did you mean connect/refused?"),
        (&["conect"], 2, "help: did you mean connect?"),
        (&["taken"], 2, "error: taken: not a case; cases end in .yaml or .yml"),
        (&["tree", "--target", "linus"], 2, "error: no target \"linus\"\nhelp: did you mean linux?"),
        (&["tree", "--filter", "xyz"], 2, "error: no test is selected\nhelp: --filter "),
        (
            &["tree", "--shard", "3/3"],
            2,
            "error: no test is selected\nhelp: there are fewer tests than parts",
        ),
        (&["tree", "--shard", "4/3"], 2, "2/5 is the second of five parts"),
        (&["tree", "--captures", "taken"], 2, "error: captures cannot be written to taken: "),
        (&["tree", "--captures", "taken"], 2, "help: --captures DIR takes another folder"),
        (&["tree", "--report", "junit"], 2, "junit=report.xml"),
        (
            &["tree", "--report", "junit=no/such/a.xml"],
            2,
            "error: the report no/such/a.xml cannot be written: ",
        ),
        (&["tree", "--report", "tap=tree"], 2, "error: the report tree cannot be written: is a directory"),
        (&["tree", "-q", "-v"], 2, "cannot be used with"),
    ] {
        let done = run(&root, arguments);
        let error = text(&done.stderr);
        assert_eq!(done.status.code(), Some(status), "{arguments:?}: {error}");
        assert!(error.contains(wanted), "{arguments:?}:\n{error}\nshould have\n{wanted}");
        assert_eq!(text(&done.stdout), "", "{arguments:?}: nothing ran");
    }
}

#[cfg(unix)]
mod signals {
    use std::process::{Child, Stdio};
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    use super::{Command, Path, Value, command, folder, fs, summary, text};

    /// More than can be done before a signal comes.
    const MANY: &str = "20000";

    #[expect(clippy::disallowed_methods, reason = "a process is waited for")]
    fn start(root: &Path, arguments: &[&str]) -> Child {
        let child = command(root, arguments).stdout(Stdio::piped()).spawn().unwrap();
        let captures = root.join("captures");
        let start = Instant::now();
        let has_begun =
            || fs::read_dir(captures.join("bundled/area")).is_ok_and(|mut files| files.next().is_some());
        while !has_begun() {
            assert!(start.elapsed() < Duration::from_secs(60), "no run ended");
            sleep(Duration::from_millis(10));
        }
        child
    }

    fn signal(child: &Child, name: &str) {
        let done = Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status().unwrap();
        assert!(done.success());
    }

    fn files_below(folder: &Path) -> Vec<String> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).unwrap().flatten() {
            match entry.path() {
                path if path.is_dir() => names.extend(files_below(&path)),
                path => names.push(path.display().to_string()),
            }
        }
        names
    }

    #[test]
    fn one_ends_a_run_in_order() {
        for (name, status) in [("INT", 130), ("TERM", 143)] {
            let root = folder(&format!("signal-{name}"));
            let child =
                start(&root, &["tree", "--repeat", MANY, "--report", "json=a.json", "--report", "tap=a.tap"]);
            signal(&child, name);
            let done = child.wait_with_output().unwrap();
            assert_eq!(done.status.code(), Some(status));
            let json = fs::read_to_string(root.join("a.json")).unwrap();
            let counts = summary(&json);
            let count = |key: &str| counts[key].as_u64().unwrap();
            assert_eq!(counts["interrupted"], Value::Bool(true));
            assert!(count("pass") > 0 && count("not_run") > 0, "{counts}");
            assert_eq!(count("pass") + count("not_run"), 40_000, "every run is accounted for");
            let printed = text(&done.stdout);
            let wanted = format!("interrupted: {} runs were not made\n", count("not_run"));
            assert!(printed.contains(&wanted), "{printed}");
            let tap = fs::read_to_string(root.join("a.tap")).unwrap();
            assert!(tap.ends_with(&format!("Bail out! {} runs were not made\n", count("not_run"))));
            let files = files_below(&root);
            assert!(files.iter().all(|file| !file.ends_with(".partial")), "half-written files are left");
            let traces = files.iter().filter(|file| file.ends_with(".trace.jsonl")).count();
            assert_eq!(traces as u64, count("pass"), "what is reported has its files");
        }
    }

    #[test]
    fn two_end_it_at_once() {
        let root = folder("signals");
        let child = start(&root, &["tree", "--repeat", MANY]);
        for name in ["STOP", "INT", "TERM", "CONT"] {
            signal(&child, name);
        }
        let done = child.wait_with_output().unwrap();
        assert!([Some(130), Some(143)].contains(&done.status.code()), "{:?}", done.status);
        assert!(!text(&done.stdout).contains("tests on bundled"), "there was no time for a summary");
    }
}
