//! packetdrill scripts on the command line: what is selected, what options change, what a trace gives again.

#![expect(clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]
#![cfg(feature = "cli")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A connection that was accepted as 4.
const ACCEPTED: &str = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n\
    +0 listen(3, 1) = 0\n+0 < S 0:0(0) win 32000 <mss 1000>\n+0 > S. 0:0(0) ack 1 <mss 1460>\n\
    +.1 < . 1:1(0) ack 1 win 32000\n+0 accept(3, ..., ...) = 4\n";
/// Two segments, of which a line stands for one.
const MORE: &str = "+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n+0 < F. 1:1(0) ack 11 win 32000\n";

/// A folder with a script in it, in a folder of its own.
fn folder(name: &str, script: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scripts").join(name);
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(root.join("scripts/area")).unwrap();
    fs::write(root.join("scripts/area/one.pkt"), script).unwrap();
    root
}

fn tcpdrill(root: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tcpdrill"));
    let Output { status, stdout, stderr } = command.current_dir(root).args(arguments).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// The exit status and the first line of the summary.
fn run(root: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let (status, out, _) = tcpdrill(root, &[&["run"], arguments].concat());
    let summary = out.lines().rev().find(|line| line.contains(" on bundled: ")).unwrap_or_default();
    (status, summary.split(", in ").next().unwrap_or_default().to_owned())
}

fn ids(root: &Path, arguments: &[&str]) -> Vec<String> {
    let (_, out, _) = tcpdrill(root, &[&["list"], arguments].concat());
    out.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn a_script_is_three_tests() {
    let root = folder("three", ACCEPTED);
    let all = ["area/one[ipv4]", "area/one[ipv4-mapped-ipv6]", "area/one[ipv6]"];
    assert_eq!(ids(&root, &["scripts"]), all);
    assert_eq!(ids(&root, &["scripts/area/one.pkt"]), all.map(|id| id.trim_start_matches("area/")));
    assert_eq!(ids(&root, &["scripts/area/one.pkt[ipv6]"]), ["one[ipv6]"]);
    assert_eq!(ids(&root, &["--variant", "ipv4*", "scripts"]), all[..2]);
    assert_eq!(run(&root, &["scripts"]), (Some(0), "3 tests on bundled: 3 passed".to_owned()));
    fs::rename(root.join("scripts/area/one.pkt"), root.join("scripts/area/one-v4.pkt")).unwrap();
    assert_eq!(ids(&root, &["scripts"]), ["area/one-v4[ipv4]", "area/one-v4[ipv4-mapped-ipv6]"]);
}

#[test]
fn definitions_and_tolerance_come_from_outside() {
    let root =
        folder("outside", &format!("{ACCEPTED}+0 write(4, ..., COUNT) = 10\n+.01 > P. 1:11(10) ack 1\n"));
    let (status, _, wrong) = tcpdrill(&root, &["check", "scripts"]);
    assert_eq!(status, Some(2), "{wrong}");
    assert!(wrong.contains("one.pkt:8:"), "{wrong}");
    let early = run(&root, &["-D", "COUNT=10", "scripts"]);
    assert_eq!(early, (Some(1), "3 tests on bundled: 0 passed, 3 failed".to_owned()));
    for spelling in ["--tolerance-usecs", "--tolerance_usecs"] {
        let wider = run(&root, &["--define", "COUNT=10", &format!("{spelling}=10000"), "scripts"]);
        assert_eq!(wider, (Some(0), "3 tests on bundled: 3 passed".to_owned()));
    }
    let (status, _, wrong) = tcpdrill(&root, &["run", "-D", "COUNT", "scripts"]);
    assert_eq!(status, Some(2));
    assert!(wrong.contains("NAME=VALUE"), "{wrong}");
}

#[test]
fn strict_looks_at_what_comes_after_the_last_expectation() {
    let root = folder("strict", &format!("{ACCEPTED}{MORE}"));
    assert_eq!(run(&root, &["scripts"]), (Some(0), "3 tests on bundled: 3 passed".to_owned()));
    let strict = run(&root, &["--strict", "scripts"]);
    assert_eq!(strict, (Some(1), "3 tests on bundled: 0 passed, 3 failed".to_owned()));
    // A trace carries what the command line said.
    let (status, out, wrong) = tcpdrill(&root, &["replay", "captures"]);
    assert_eq!(status, Some(0), "{out}{wrong}");
    assert!(out.contains("3 of 3 traces give their live verdict again"), "{out}");
    let trace = "captures/bundled/area/one_ipv4_.trace.jsonl";
    let (status, page, _) = tcpdrill(&root, &["explain", trace]);
    assert_eq!(status, Some(1));
    assert!(page.contains("a packet came here that no step expects"), "{page}");
}

#[test]
fn a_trace_carries_the_files_that_a_script_read() {
    let script = format!("`../common/settings.sh`\n{ACCEPTED}{MORE}");
    let root = folder("files", &script);
    fs::create_dir_all(root.join("scripts/common")).unwrap();
    fs::write(root.join("scripts/common/settings.sh"), "sysctl -q net.ipv4.tcp_sack=0\n").unwrap();
    assert_eq!(run(&root, &["scripts"]), (Some(0), "3 tests on bundled: 3 passed".to_owned()));
    fs::remove_dir_all(root.join("scripts")).unwrap();
    let (status, out, wrong) = tcpdrill(&root, &["replay", "captures"]);
    assert_eq!(status, Some(0), "{out}{wrong}");
}

#[test]
fn a_variant_can_be_wrong_alone() {
    let root = folder("alone", &format!("{ACCEPTED}+0 < icmp unreachable host_unreachable [1:1(0)]\n"));
    let (status, out, wrong) = tcpdrill(&root, &["check", "scripts"]);
    assert_eq!((status, out.as_str()), (Some(2), "1 of 1 files are wrong; 2 tests are right\n"));
    assert!(wrong.contains("host_unreachable") && wrong.contains("one.pkt:8:"), "{wrong}");
    assert_eq!(run(&root, &["scripts"]), (Some(2), "3 tests on bundled: 2 passed, 1 invalid".to_owned()));
    assert_eq!(run(&root, &["scripts/area/one.pkt[ipv4]"]).0, Some(0), "it was not asked for");
    assert_eq!(run(&root, &["--filter", "[ipv4]", "scripts"]).0, Some(0));
}

#[test]
fn what_cannot_be_run_is_skipped_and_named() {
    let root = folder("lacking", &format!("{ACCEPTED}+0 `iptables -A INPUT -j DROP`\n"));
    let (status, out, _) = tcpdrill(&root, &["run", "-v", "scripts"]);
    assert_eq!(status, Some(3));
    assert!(out.contains("line 8") && out.contains("iptables"), "{out}");
}
