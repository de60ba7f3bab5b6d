//! `tcpdrill import`: where cases go, what is refused, and what comes along.

#![expect(clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]
#![cfg(feature = "cli")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A connection that was accepted as 4.
const ACCEPTED: &str = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n\
    +0 listen(3, 1) = 0\n+0 < S 0:0(0) win 32000 <mss 1000>\n+0 > S. 0:0(0) ack 1 <mss 1460>\n\
    +.1 < . 1:1(0) ack 1 win 32000\n+0 accept(3, ..., ...) = 4\n";
/// A socket of another protocol.
const DATAGRAM: &str = "0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3\n+0 connect(3, ..., ...) = 0\n\
    +0 write(3, ..., 10) = 10\n+0 > udp (10)\n";

/// A folder of its own with these scripts.
fn folder(name: &str, scripts: &[(&str, &str)]) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("import").join(name);
    let _ = fs::remove_dir_all(&root);
    for (path, script) in scripts {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, script).unwrap();
    }
    root
}

fn tcpdrill(root: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_tcpdrill")).current_dir(root).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_case_goes_to_standard_output_or_into_a_file_and_runs() {
    let root = folder("one", &[("scripts/one.pkt", ACCEPTED)]);
    let (status, shown, _) = tcpdrill(&root, &["import", "scripts/one.pkt"]);
    assert_eq!(status, Some(0));
    let written = tcpdrill(&root, &["import", "scripts/one.pkt", "-o", "cases/new/two.yaml"]);
    assert_eq!(written, (Some(0), "wrote cases/new/two.yaml\n".to_owned(), String::new()));
    assert_eq!(fs::read_to_string(root.join("cases/new/two.yaml")).unwrap(), shown);
    let (status, out, _) = tcpdrill(&root, &["run", "cases/new/two.yaml"]);
    assert!(status == Some(0) && out.contains("3 tests on bundled: 3 passed"), "{out}");
    let (_, ids, _) = tcpdrill(&root, &["list", "cases/new/two.yaml"]);
    let ids: Vec<&str> = ids.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(ids, ["two[ipv4]", "two[ipv4-mapped-ipv6]", "two[ipv6]"], "as the script has them");
    let (status, out, _) = tcpdrill(&root, &["check", "cases/new/two.yaml"]);
    assert!(status == Some(0) && out.contains("all as they should be"), "{out}");
}

#[test]
fn of_a_folder_all_are_written_that_can_be() {
    let root = folder("all", &[("in/a/one.pkt", ACCEPTED), ("in/b/two.pkt", DATAGRAM)]);
    let (status, out, err) = tcpdrill(&root, &["import", "in", "--out", "out"]);
    assert_eq!(status, Some(2));
    assert_eq!(out, "wrote out/a/one.yaml\n1 of 2 scripts are written as cases\n");
    assert!(err.starts_with("in/b/two.pkt:4:1: error: UDP cannot be imported\n"), "{err}");
    assert!(root.join("out/a/one.yaml").exists() && !root.join("out/b").exists());
    fs::remove_file(root.join("in/b/two.pkt")).unwrap();
    let (status, out, _) = tcpdrill(&root, &["import", "in"]);
    assert_eq!((status, out.lines().next()), (Some(0), Some("wrote in/a/one.yaml")), "beside it");
}

#[test]
fn variants_that_differ_in_more_than_words_are_files_of_their_own() {
    let script = format!("{ACCEPTED}+0 < (flowlabel 0x5) F. 1:1(0) ack 1 win 100\n+0 > . 1:1(0) ack 2\n");
    let root = folder("differ", &[("one.pkt", &script)]);
    let (status, out, err) = tcpdrill(&root, &["import", "one.pkt"]);
    assert_eq!((status, out.as_str()), (Some(2), ""));
    assert!(err.contains("the variants of this script differ in more than words"), "{err}");
    let (status, out, _) = tcpdrill(&root, &["import", "one.pkt", "--variant", "ipv6"]);
    assert!(status == Some(0) && out.contains("(flowlabel 0x5) F. 1:1(0) ack 1"), "{out}");
    let (status, out, _) = tcpdrill(&root, &["import", "one.pkt", "-o", "case.yaml"]);
    let lines: Vec<&str> = out.lines().collect();
    let names = ["wrote case-ipv4.yaml", "wrote case-ipv4-mapped-ipv6.yaml", "wrote case-ipv6.yaml"];
    assert_eq!((status, lines.as_slice()), (Some(0), &names[..]));
}

#[test]
fn comments_come_along() {
    let script = format!(
        "// What it shows. \n/* Why\n * it matters: $5 */\n{ACCEPTED}// A write.\n\
         +0 write(4, ..., 10) = 10 // ten bytes\n+0 > P. 1:11(10) ack 1\n// The end.\n"
    );
    let root = folder("comments", &[("one.pkt", &script)]);
    let (_, out, _) = tcpdrill(&root, &["import", "one.pkt"]);
    assert!(out.starts_with("title: What it shows.\n# Why\n# it matters: $5\ntable: |\n"), "{out}");
    let end =
        "  # A write.\n  - call: write(fd4, 10) # ten bytes\n  - expect: P. 1:11(10) ack 1\n  # The end.\n";
    assert!(out.ends_with(end), "{out}");
}

#[test]
fn what_is_wrong_is_told() {
    let root = folder(
        "wrong",
        &[
            ("one.pkt", "0 socket(\n"),
            ("two.pkt", "`iptables -F`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"),
        ],
    );
    for (arguments, told) in [
        (&["one.pkt"][..], "one.pkt:2:1: error:"),
        (&["two.pkt"], "error: the command \"iptables -F\" cannot be imported"),
        (&["none.pkt"], "none.pkt: No such file"),
        (&["one.pkt", "--variant", "ipv7"], "one of ipv4, ipv4-mapped-ipv6, ipv6"),
        (&[".", "-o", "x.yaml"], "-o is for a single script"),
    ] {
        let (status, out, err) = tcpdrill(&root, &[&["import"], arguments].concat());
        assert_eq!((status, out.as_str()), (Some(2), ""), "{arguments:?} {err}");
        assert!(err.contains(told), "{arguments:?}: {err}");
    }
}
