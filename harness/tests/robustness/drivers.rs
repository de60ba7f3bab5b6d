//! What is done with arbitrary input, and what must hold then. Property tests and fuzzers share it.
#![allow(clippy::allow_attributes, reason = "no expectation holds in every program")]
#![allow(dead_code, reason = "each program uses its part")]

use std::path::Path;
use std::sync::OnceLock;

use tcpdrill::case::Case;
use tcpdrill::front::{Diagnostics, pkt, read_text, yaml};
use tcpdrill::import::import;
use tcpdrill::run::{Loaded, RunOptions, Tree, case_of, replay, run_case};
use tcpdrill::target::bundled::BundledFactory;
use tcpdrill::trace::Trace;
use tcpdrill::wire::notation::{Bases, packet_text};
use tcpdrill::wire::{Fault, Ip, Layer, Lies, build, icmp, parse};

/// A file makes no more tests than this.
const MOST_CASES: usize = 10_000;

/// The cases, fixtures and requirements that come with the crate.
pub(crate) fn library() -> &'static Tree {
    static LIBRARY: OnceLock<Tree> = OnceLock::new();
    LIBRARY.get_or_init(Tree::embedded)
}

/// Every shipped case, lowered once.
pub(crate) fn cases() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| {
        let mut loaded = Loaded::default();
        for file in library().files(Path::new("")).expect("the embedded tree") {
            library().load(&file, &mut loaded).expect("the embedded tree");
        }
        loaded.cases
    })
}

/// A file of these bytes is lowered, or refused with a reason.
pub(crate) fn lower(bytes: &[u8]) {
    match yaml::from_bytes("a.yaml", "a/b", bytes, library()) {
        Ok(lowered) => assert!(lowered.cases.len() <= MOST_CASES, "{} tests", lowered.cases.len()),
        Err(found) => refused(&found),
    }
}

/// A script of these bytes is read, or refused with a reason.
pub(crate) fn script(bytes: &[u8]) {
    let defined = [("COOKIE", "00ff12ab"), ("COUNT", "5"), ("NAME", "\"a\"")];
    let defined = defined.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let read = read_text("a.pkt", bytes).and_then(|text| {
        let length = text.len();
        pkt::parse::parse("a.pkt", text, &defined).map(|(script, _)| (script, length))
    });
    match read {
        Ok((script, length)) => {
            for event in &script.events {
                assert!(event.at.start < event.at.end && event.at.end <= length, "{event:?}");
            }
        }
        Err(found) => refused(&found),
    }
    imported(bytes);
}

/// A script of these bytes becomes a case that says the same, or is refused with a reason.
fn imported(bytes: &[u8]) {
    let options = pkt::Options::default();
    if let Err(found) = import("a.pkt", "a/b", bytes, None, &options, &()) {
        refused(&found);
        let odd = "this script cannot be written as a case";
        assert!(found.list.iter().all(|diagnostic| diagnostic.text != odd), "{}", found.render(false));
    }
}

/// Reasons are given, and point into their files.
fn refused(found: &Diagnostics) {
    assert!(!found.list.is_empty(), "refused without a reason");
    for diagnostic in &found.list {
        let related = diagnostic.related.iter().map(|(at, _)| *at);
        for at in diagnostic.location.into_iter().chain(related) {
            let text = &found.sources.file(at.file).expect("a file").text;
            assert!(text.get(at.start..at.end).is_some(), "{diagnostic:?} is outside of its file");
        }
    }
    let _ = found.render(true);
}

/// A packet of these bytes is read, and built again as it was unless something is wrong with it.
pub(crate) fn packet(bytes: &[u8]) {
    for bytes in [bytes.to_vec(), with_good_checksums(bytes)] {
        let _ = icmp::quote(&bytes);
        let Ok(parsed) = parse(&bytes) else { continue };
        let built = build(&parsed.packet, &Lies::default());
        if parsed.faults.iter().all(|fault| matches!(fault, Fault::Option(_))) {
            assert_eq!(built, [bytes]);
        }
        assert!(!packet_text(&parsed.packet, &Bases::default()).is_empty());
        if let Some(message) = parsed.packet.icmp() {
            let _ = icmp::quoted(message);
        }
    }
}

/// The packet with every checksum as parsing says it should be.
fn with_good_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let Ok(parsed) = parse(&bytes) else { return bytes };
    let start = match &parsed.packet.ip {
        Ip::V4(ip) => 20 + ip.options.len(),
        // With extension headers the sums stay as they are.
        Ip::V6(ip) if ip.ext.is_empty() => 40,
        Ip::V6(_) => return bytes,
    };
    for fault in parsed.faults {
        let Fault::Checksum { layer, expected, .. } = fault else { continue };
        let at = match layer {
            Layer::Ip => 10,
            Layer::Tcp => start + 16,
            Layer::Icmp => start + 2,
        };
        if let Some(field) = bytes.get_mut(at..at + 2) {
            field.copy_from_slice(&expected.to_be_bytes());
        }
    }
    bytes
}

/// A trace of these bytes gives a verdict, or none for a reason; its name.
pub(crate) fn trace(bytes: &[u8]) -> Option<&'static str> {
    let trace = match std::str::from_utf8(bytes).ok().map(Trace::from_text)? {
        Ok(trace) => trace,
        Err(error) => {
            assert!(!error.why.is_empty(), "refused without a reason");
            return None;
        }
    };
    assert_eq!(Trace::from_text(&trace.to_text()).as_ref(), Ok(&trace));
    let case = case_of(&trace).ok()?;
    let report = replay(&case, &trace).ok()?;
    Some(report.verdict.name())
}

/// Where a step has a notation.
pub(crate) const KEYS: [&str; 8] =
    ["inject", "expect", "call", "assert", "silent", "returns", "allow", "after"];

/// A text where a step has a notation: it is refused in words, or it can be run.
pub(crate) fn notation(key: &str, text: &str) {
    let rest = if key == "after" { "\n    expect: nothing" } else { "" };
    let quoted = text.replace('\'', "''");
    let file = format!("title: t\ngiven: server()\nsteps:\n  - {key}: '{quoted}'{rest}\n");
    match yaml::from_bytes("a.yaml", "a/b", file.as_bytes(), library()) {
        Ok(lowered) => {
            for case in &lowered.cases {
                let _ = run_case(case, &BundledFactory::new(), RunOptions::default());
            }
        }
        Err(found) => assert!(!found.render(false).is_empty()),
    }
}
