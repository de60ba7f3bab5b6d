//! What Wireshark shows of a run: marks, steps and what is wrong, packet by packet.

#![expect(clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use pcap_file::pcapng::PcapNgReader;
use pcap_file::pcapng::blocks::section_header::SectionHeaderOption;
use tcpdrill::case::Case;
use tcpdrill::front::yaml;
use tcpdrill::run::{CaseRun, RunOptions, Tree, run_case};
use tcpdrill::target::bundled::BundledFactory;
use tcpdrill::trace::capture;
use tcpdrill::trace::pcapng::CaptureReader;

const TEXT: &str = "\
title: a case that fails in several ways
why: to see its marks
given: server()
steps:
  - inject: P. 1:101(100) ack 1
    note: the peer speaks
  - expect: . 1:1(0) ack 102
  - call: read(s, 100)
  - call: write(s, 50)
  - expect: P. 1:51(50) ack 101
  - after: 100ms
    expect: P. 1:51(50) ack 101
  - after: 300ms
    inject: . 101:101(0) ack 51
  - call: write(s, 50)
  - allow: P. 51:101(50) ack 101
    within: 1s
  - silent: 200ms
";

fn run(text: &str) -> (Case, CaseRun) {
    let tree = Tree::embedded();
    let mut lowered = yaml::lower("mine/marks.yaml", "mine/marks", Arc::from(text), &tree).unwrap();
    let case = lowered.cases.remove(0);
    let run = run_case(&case, &BundledFactory::new(), RunOptions::default());
    (case, run)
}

fn rendered(text: &str) -> Vec<u8> {
    let (case, run) = run(text);
    capture::render(&case, &run.trace.unwrap().header, &run.report).unwrap()
}

fn comments(bytes: &[u8]) -> Vec<Vec<String>> {
    CaptureReader::new(bytes).unwrap().map(|packet| packet.unwrap().comments).collect()
}

#[test]
fn packets_say_their_step_and_what_is_wrong_with_them() {
    let comments = comments(&rendered(TEXT));
    let of_fixture = "<embedded>/fixtures/accepted.yaml";
    let want: [&[&str]; 9] = [
        &[&format!("injected: S 0:0(0) win 32792 <mss 1000> ({of_fixture}:5, at -0.010000)")],
        &[&format!("ok: S. 0:0(0) ack 1 ({of_fixture}:6, at -0.010000)")],
        &[&format!("injected: . 1:1(0) ack 1 win 32792 ({of_fixture}:8, at 0.000000)")],
        &["injected: P. 1:101(100) ack 1 (mine/marks.yaml:5, at 0.000000)", "note: the peer speaks"],
        &[
            "wrong: . 1:1(0) ack 102 (mine/marks.yaml:7, at 0.000000)",
            "expected: . 1:1(0) ack 102",
            "actual: . 1:1(0) ack 101 win 64140",
            "differs: ack: expected 102, got 101",
        ],
        &["ok: P. 1:51(50) ack 101 (mine/marks.yaml:10, at 0.000000)"],
        &["wrong: P. 1:51(50) ack 101 (mine/marks.yaml:12, at 0.210000)", "too late by 110ms"],
        &["injected: . 101:101(0) ack 51 (mine/marks.yaml:14, at 0.400000)"],
        &["allowed: P. 51:101(50) ack 101 win 64140 (an allow permits it, at 0.400000)"],
    ];
    assert_eq!(comments, want, "{comments:#?}");
}

#[test]
fn what_no_step_names_is_unexpected() {
    let text =
        "title: nobody waits for this\ngiven: server()\nsteps:\n  - call: write(s, 50)\n  - silent: 1ms\n";
    let comments = comments(&rendered(text));
    assert_eq!(
        comments.last().unwrap(),
        &["unexpected: P. 1:51(50) ack 1 win 64240 (no step names it, at 0.000000)"]
    );
}

#[test]
fn the_section_says_what_was_run_and_how_it_went() {
    let bytes = rendered(TEXT);
    let reader = PcapNgReader::new(bytes.as_slice()).unwrap();
    let comments: Vec<String> = reader
        .section()
        .options
        .iter()
        .filter_map(|option| match option {
            SectionHeaderOption::Comment(comment) => Some(comment.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(
        comments,
        [
            "case: mine/marks",
            "title: a case that fails in several ways",
            &format!("target: bundled {}", env!("CARGO_PKG_VERSION")),
            "why: to see its marks",
            "verdict: fail",
            "mine/marks.yaml:7: ack: expected 102, got 101",
            "mine/marks.yaml:12: too late by 110ms",
        ]
    );
}

/// A colour of the profile for each mark, and none for another word.
#[test]
fn every_mark_has_a_colour() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let rules = fs::read_to_string(root.join("docs/wireshark/tcpdrill/colorfilters")).unwrap();
    let mut coloured: Vec<&str> = rules
        .lines()
        .filter_map(|line| line.split_once("matches \"^")?.1.split_once(": \"@"))
        .flat_map(|(words, _)| words.trim_matches(['(', ')']).split('|'))
        .collect();
    coloured.sort_unstable();
    assert_eq!(
        coloured,
        ["after the end", "allowed", "ignored", "injected", "lost", "ok", "unexpected", "wrong"]
    );
}
