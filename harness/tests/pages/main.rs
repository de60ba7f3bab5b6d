//! Pages of cases that are broken on purpose, each in its own way: what a person reads who did not write the case.
//! `INSTA_UPDATE=always cargo test --test pages` writes the pages anew; read them before they are committed.

#![expect(clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]

#[path = "../engine_support/mod.rs"]
mod engine_support;

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine_support::{bare, emitted, ip, packet};
use tcpdrill::case::Case;
use tcpdrill::engine::Report;
use tcpdrill::front::pkt::{self, Options};
use tcpdrill::front::yaml;
use tcpdrill::report::{FailureContext, Style, explanation, failure_page};
use tcpdrill::run::{RunOptions, Saved, Tree, run_case};
use tcpdrill::target::Timing;
use tcpdrill::target::bundled::BundledFactory;
use tcpdrill::target::scripted::Scripted;
use tcpdrill::target::{Observation, Target};
use tcpdrill::wire::pattern::{Direction, fill};
use tcpdrill::wire::{Body, Flags, Icmp, Ip, Ipv4, Lies, Packet, Tcp};

/// Cases that fail on the bundled stack, because they ask for something wrong.
const ON_BUNDLED: [&str; 18] = [
    "wrong-ack",
    "missing-segment",
    "extra-segment",
    "late",
    "early",
    "wrong-errno",
    "blocks",
    "returns-late",
    "does-not-block",
    "wrong-option",
    "two-flows",
    "gives",
    "assertion",
    "cascade",
    "from-a-table",
    "between-hosts",
    "out-of-order",
    "nearly",
];

/// Scripts, likewise, as IPv4.
const SCRIPTS: [&str; 2] = ["script-differs", "script-nothing"];

/// Lines that are to be copied and so are never broken.
const WHOLE: [&str; 3] = ["again", "capture", "trace"];

fn tree() -> Tree {
    Tree::around(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases"))
}

fn case(name: &str) -> Case {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pages/cases");
    let text = fs::read_to_string(folder.join(format!("{name}.yaml"))).unwrap();
    let lowered = yaml::lower(&format!("cases/{name}.yaml"), name, Arc::from(text), &tree());
    let lowered = lowered.unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false)));
    lowered.cases.into_iter().next().unwrap()
}

fn script(name: &str) -> Case {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/pages/cases/{name}.pkt"));
    let shown = format!("cases/{name}.pkt");
    let variants = pkt::from_bytes(&shown, name, &fs::read(path).unwrap(), &Options::default(), &());
    let variants = variants.unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false)));
    variants.cases.into_iter().next().unwrap()
}

fn on_bundled(case: &Case) -> Report {
    run_case(case, &BundledFactory::new(), RunOptions::default()).report
}

type Show = fn(&Case, &Report, &FailureContext<'_>, Style) -> String;

fn page(case: &Case, report: &Report, target: &str, style: Style, show: Show) -> String {
    let stem = format!("captures/{target}/{}", case.id);
    let saved = Saved {
        capture: PathBuf::from(format!("{stem}.pcapng")),
        trace: PathBuf::from(format!("{stem}.trace.jsonl")),
    };
    let tree = tree();
    let requirements = tree.requirements().unwrap();
    let context = FailureContext { target, requirements, saved: Some(&saved), seed: 0 };
    show(case, report, &context, style)
}

/// The page in a terminal of eighty columns is the snapshot; in all others it keeps to their width.
fn check(name: &str, case: &Case, report: &Report, target: &str, show: Show) {
    for width in [40, 60, 80, 120] {
        let plain = page(case, report, target, Style { width, ..Style::default() }, show);
        let coloured = page(case, report, target, Style { width, colour: true }, show);
        for line in plain.lines() {
            let is_whole = WHOLE.iter().any(|word| line.trim_start().starts_with(word));
            let is_place = line.starts_with("cases/");
            let length = line.chars().count();
            assert!(
                length <= width || width < 80 || is_whole || is_place,
                "{name}, {length} > {width}: {line}"
            );
        }
        let without = anstream_free(&coloured);
        for word in plain.split_whitespace().filter(|word| !word.trim_matches(['^', '~', '|']).is_empty()) {
            assert!(without.contains(word), "{name}: {word:?} is not said in colour");
        }
    }
    let text = page(case, report, target, Style { width: 80, ..Style::default() }, show);
    snapshot(name, &text);
}

fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// The text without escape sequences.
fn anstream_free(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').map_or(part, |(_, after)| after));
    }
    plain
}

#[test]
fn cases_that_ask_for_something_wrong() {
    for name in ON_BUNDLED {
        let case = case(name);
        let report = on_bundled(&case);
        assert_eq!(report.verdict.name(), "fail", "{name}: {:?}", report.verdict);
        check(name, &case, &report, "bundled", failure_page);
    }
}

#[test]
fn scripts_that_ask_for_something_wrong() {
    for name in SCRIPTS {
        let case = script(name);
        let report = on_bundled(&case);
        assert_eq!(report.verdict.name(), "fail", "{name}: {:?}", report.verdict);
        check(name, &case, &report, "bundled", failure_page);
    }
}

fn scripted(name: &str, coming: Vec<Observation>) -> (Case, Report) {
    let case = case(name);
    let report = engine_support::run_case(&case, Scripted::new(Timing::Virtual, coming));
    (case, report)
}

fn segment(seq: u32, payload: Vec<u8>) -> Observation {
    emitted(0, Tcp { seq, payload, ..bare(Flags::ACK) })
}

#[test]
fn stacks_that_send_something_wrong() {
    let shifted = [fill(Direction::ToPeer, 0, 512), fill(Direction::ToPeer, 520, 488)].concat();
    let (case, report) = scripted("wrong-byte", vec![segment(1, shifted)]);
    check("wrong-byte", &case, &report, "scripted", failure_page);

    let again = fill(Direction::ToPeer, 0, 100);
    let (case, report) = scripted("repeated-bytes", vec![segment(1, again.clone()), segment(101, again)]);
    check("repeated-bytes", &case, &report, "scripted", failure_page);

    let (local, remote) = (Ipv4Addr::new(192, 168, 0, 1), Ipv4Addr::new(192, 0, 2, 1));
    let quoted = Tcp { sport: 8080, dport: 8080, seq: 1, ack: 1, flags: Flags::ACK, ..Tcp::default() };
    let quoted = Packet { ip: Ip::V4(Ipv4::new(remote, local)), body: Body::Tcp(quoted) };
    let payload = tcpdrill::wire::build(&quoted, &Lies::default()).concat();
    let message = Icmp { kind: 3, code: 1, rest: 0, payload };
    let message = Packet { ip: Ip::V4(ip()), body: Body::Icmp(message) };
    let (case, report) = scripted("icmp-code", vec![packet(0, message, &Lies::default())]);
    check("icmp-code", &case, &report, "scripted", failure_page);
}

#[test]
fn a_target_that_breaks_says_nothing() {
    let case = case("broken-target");
    let mut target = Scripted::new(Timing::Virtual, Vec::new());
    target.breaks_when_advanced = true;
    assert_eq!(target.info().id, "scripted");
    let report = engine_support::run_case(&case, target);
    assert_eq!(page(&case, &report, "scripted", Style::default(), failure_page), "", "it has not failed");
    check("broken-target", &case, &report, "scripted", explanation);
}

#[test]
fn a_run_is_told_step_by_step() {
    let case = case("late");
    check("late-told", &case, &on_bundled(&case), "bundled", explanation);
}

#[test]
fn colours_mark_the_same() {
    for name in ["wrong-ack", "wrong-errno", "wrong-option"] {
        let case = case(name);
        let style = Style { colour: true, width: 120 };
        let text = page(&case, &on_bundled(&case), "bundled", style, failure_page);
        snapshot(&format!("{name}-in-colour"), &text.replace('\u{1b}', "^"));
    }
}
