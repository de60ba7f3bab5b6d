//! Which case walks which transition of RFC 9293 figure 5 on the bundled stack: docs/state-transitions.md says it, and
//! every arrow must be walked.
//!
//! `TCPDRILL_UPDATE=1` (the script `ci/transitions`) writes the page; without, it is compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use tcpdrill::case::split_id;
use tcpdrill::run::{RunOptions, Selection, run_case};
use tcpdrill::target::bundled::BundledFactory;
use tcpdrill::trace::{Entry, Trace};
use tcpdrill::verdict::Verdict;

/// Where the connection was, where it came to, and by what: `call`, `segment`, `reset`, `icmp`, `timer`.
type Step = (String, String, String);
/// The cases that walk each.
type Walks = BTreeMap<Step, BTreeSet<String>>;

/// An arrow: from, to, the event as the RFC writes it, by what it is walked here.
type Arrow = (&'static str, &'static str, &'static str, &'static str);

const FIGURE: [Arrow; 19] = [
    ("CLOSED", "LISTEN", "passive OPEN", "call"),
    ("CLOSED", "SYN-SENT", "active OPEN", "call"),
    ("LISTEN", "CLOSED", "CLOSE", "call"),
    ("LISTEN", "SYN-RECEIVED", "rcv SYN", "segment"),
    ("SYN-SENT", "CLOSED", "CLOSE", "call"),
    ("SYN-SENT", "SYN-RECEIVED", "rcv SYN (simultaneous open)", "segment"),
    ("SYN-SENT", "ESTABLISHED", "rcv SYN,ACK", "segment"),
    ("SYN-RECEIVED", "LISTEN", "rcv RST, after a passive OPEN (note 1)", "reset"),
    ("SYN-RECEIVED", "ESTABLISHED", "rcv ACK of SYN", "segment"),
    ("SYN-RECEIVED", "FIN-WAIT-1", "CLOSE", "call"),
    ("ESTABLISHED", "FIN-WAIT-1", "CLOSE", "call"),
    ("ESTABLISHED", "CLOSE-WAIT", "rcv FIN", "segment"),
    ("FIN-WAIT-1", "FIN-WAIT-2", "rcv ACK of FIN", "segment"),
    ("FIN-WAIT-1", "CLOSING", "rcv FIN", "segment"),
    ("FIN-WAIT-2", "TIME-WAIT", "rcv FIN", "segment"),
    ("CLOSING", "TIME-WAIT", "rcv ACK of FIN", "segment"),
    ("CLOSE-WAIT", "LAST-ACK", "CLOSE", "call"),
    ("LAST-ACK", "CLOSED", "rcv ACK of FIN", "segment"),
    ("TIME-WAIT", "CLOSED", "Timeout=2MSL", "timer"),
];

/// Arrows that sockets do not have, and why.
const NOT_HERE: [(&str, &str, &str, &str); 1] = [(
    "LISTEN",
    "SYN-SENT",
    "SEND",
    "A socket that listens cannot become an active open: `write` on it fails with EPIPE (`errors/wrong-role`), \
     `connect` with EISCONN (`connect/connected`)",
)];

/// What the figure leaves out and its notes say: one segment does two steps.
const NOTES: [Arrow; 1] =
    [("FIN-WAIT-1", "TIME-WAIT", "rcv FIN with ACK of FIN (note 2), by way of FIN-WAIT-2", "segment")];

/// Section 3.10.7 and note 3: what a reset that is taken does. The event names the place in the section.
const RESETS: [Arrow; 9] = [
    ("SYN-SENT", "CLOSED", "3.10.7.3, second", "reset"),
    ("SYN-RECEIVED", "CLOSED", "3.10.7.4, second, after an active OPEN", "reset"),
    ("ESTABLISHED", "CLOSED", "3.10.7.4, second", "reset"),
    ("FIN-WAIT-1", "CLOSED", "3.10.7.4, second", "reset"),
    ("FIN-WAIT-2", "CLOSED", "3.10.7.4, second", "reset"),
    ("CLOSE-WAIT", "CLOSED", "3.10.7.4, second", "reset"),
    ("CLOSING", "CLOSED", "3.10.7.4, second", "reset"),
    ("LAST-ACK", "CLOSED", "3.10.7.4, second", "reset"),
    ("TIME-WAIT", "CLOSED", "3.10.7.4, second; `net.ipv4.tcp_rfc1337` keeps the state", "reset"),
];

/// What else there is, and why: states it may start in (none: all), where it leads, by what, the reason.
const OTHERS: [(&[&str], &str, &str, &str); 10] = [
    (
        &["SYN-RECEIVED"],
        "CLOSED",
        "call",
        "the listener is closed, which forgets its handshakes, or the program aborts (3.10.5)",
    ),
    (
        &["TIME-WAIT"],
        "CLOSED",
        "call",
        "`tcp_tw_reuse`: `connect` takes the place of what is left of an old connection",
    ),
    (
        &[],
        "CLOSED",
        "call",
        "ABORT (3.10.5): `close` with a linger time of zero or with data that nobody read; a listener that is closed \
         with connections nobody accepted",
    ),
    (
        &["FIN-WAIT-2"],
        "CLOSED",
        "timer",
        "an orphan waits for the peer's FIN no longer than `tcp_fin_timeout` or `TCP_LINGER2`",
    ),
    (
        &[],
        "CLOSED",
        "timer",
        "the peer does not answer (3.8.3, 3.8.4): retries, keep-alive or `TCP_USER_TIMEOUT`",
    ),
    (
        &["FIN-WAIT-1", "FIN-WAIT-2"],
        "CLOSED",
        "segment",
        "data comes that nobody can read any more (3.6.1), or the orphan is not to wait (`TCP_LINGER2` below zero)",
    ),
    (
        &["TIME-WAIT"],
        "CLOSED",
        "segment",
        "a SYN begins a new connection (3.6.1, MAY-2), or an old one is answered with a reset",
    ),
    (
        &["SYN-SENT", "SYN-RECEIVED"],
        "CLOSED",
        "icmp",
        "ICMP reports trouble with the SYN; Linux ends the open",
    ),
    (
        &["ESTABLISHED"],
        "FIN-WAIT-1",
        "segment",
        "`shutdown` of sending came in SYN-RECEIVED of a simultaneous open: Linux's FIN waits for the handshake",
    ),
    (&["LISTEN"], "ESTABLISHED", "segment", "a SYN cookie comes back: there was no state in between"),
];

/// Ways back to the listener.
const BACK: [(&str, &str); 3] = [
    ("segment", "a SYN inside the window (3.10.7.4, fourth), or `tcp_abort_on_overflow`"),
    ("timer", "the SYN-ACK was repeated `tcp_synack_retries` times"),
    ("icmp", "ICMP reports trouble with the SYN-ACK"),
];

/// The name of a state as the RFC writes it.
fn rfc(state: &str) -> String {
    match state {
        "SYN_RECV" => "SYN-RECEIVED".to_owned(),
        "FIN_WAIT1" => "FIN-WAIT-1".to_owned(),
        "FIN_WAIT2" => "FIN-WAIT-2".to_owned(),
        other => other.replace('_', "-"),
    }
}

/// Every change of state in every case that passes. Two changes by one segment also count as one step.
fn walks() -> Walks {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases");
    let selection = Selection { paths: vec![folder.display().to_string()], ..Selection::default() };
    let (loaded, _) = selection.load().expect("the cases of the repository can be read");
    let mut walks = Walks::new();
    for case in &loaded.cases {
        let run = run_case(case, &BundledFactory::new(), RunOptions::default());
        if let (Verdict::Pass, Some(trace)) = (&run.report.verdict, &run.trace) {
            for step in steps(trace) {
                walks.entry(step).or_default().insert(split_id(&case.id).0.to_owned());
            }
        }
    }
    walks
}

fn steps(trace: &Trace) -> BTreeSet<Step> {
    let mut steps = BTreeSet::new();
    let mut before = None;
    for entry in &trace.entries {
        let Entry::Changed { ends, from, to, cause, .. } = entry else {
            before = None;
            continue;
        };
        steps.insert((rfc(from), rfc(to), cause.clone()));
        if let Some((first, same)) = before.replace((from, ends))
            && same == ends
            && ends.is_some()
            && NOTES.iter().any(|(a, b, _, by)| *a == rfc(first) && *b == rfc(to) && by == cause)
        {
            steps.insert((rfc(first), rfc(to), cause.clone()));
        }
    }
    steps
}

fn is_shown((from, to, _, by): &Arrow, step: &Step) -> bool {
    (*from, *to, *by) == (step.0.as_str(), step.1.as_str(), step.2.as_str())
}

/// Why there is a step that is no arrow.
fn reason((from, to, by): &Step) -> Option<&'static str> {
    if from == "SYN-RECEIVED" && to == "LISTEN" {
        return BACK.iter().find(|(cause, _)| cause == by).map(|(_, reason)| *reason);
    }
    let found = OTHERS.iter().find(|(states, end, cause, _)| {
        (states.is_empty() || states.contains(&from.as_str())) && end == to && cause == by
    });
    found.map(|(.., reason)| *reason)
}

/// How many cases, and the first of them.
fn cases(found: Option<&BTreeSet<String>>) -> String {
    let Some(found) = found else { return "0 |".to_owned() };
    let first: Vec<String> = found.iter().take(3).map(|id| format!("`{id}`")).collect();
    format!("{} | {}", found.len(), first.join(", "))
}

fn rows(page: &mut String, arrows: &[Arrow], walks: &Walks) {
    for (from, to, event, by) in arrows {
        let found = walks.get(&((*from).to_owned(), (*to).to_owned(), (*by).to_owned()));
        writeln!(page, "| {from} | {to} | {event} | {} |", cases(found)).expect("a string takes all text");
    }
}

fn page(walks: &Walks) -> String {
    let mut page = String::from(
        "# State transitions\n\n\
         Written by `ci/transitions`; a test compares. Which cases walk which transition on the bundled stack, all of\n\
         them passing: how many case files, and the first of them. A connection that a listener begins for a peer comes\n\
         from LISTEN, and goes back there if the handshake fails. CLOSE is `close`, or `shutdown` of the sending side.\n\n\
         ## RFC 9293, figure 5\n\n\
         | from | to | event | cases | first |\n|---|---|---|---|---|\n",
    );
    rows(&mut page, &FIGURE, walks);
    rows(&mut page, &NOTES, walks);
    page.push_str("\nNot here:\n\n| from | to | event | why |\n|---|---|---|---|\n");
    for (from, to, event, why) in NOT_HERE {
        writeln!(page, "| {from} | {to} | {event} | {why} |").expect("a string takes all text");
    }
    page.push_str(
        "\n## A reset arrives\n\n\
         Figure 5, note 3: the figure does not show these. LISTEN and CLOSED take no reset; SYN-RECEIVED after a passive\n\
         OPEN is above.\n\n\
         | from | to | section | cases | first |\n|---|---|---|---|---|\n",
    );
    rows(&mut page, &RESETS, walks);
    page.push_str("\n## What figure 5 does not show\n\n| from | to | by | why | cases | first |\n|---|---|---|---|---|---|\n");
    let drawn: Vec<&Arrow> = FIGURE.iter().chain(&NOTES).chain(&RESETS).collect();
    for (step, found) in walks.iter().filter(|(step, _)| !drawn.iter().any(|arrow| is_shown(arrow, step))) {
        let why = reason(step).unwrap_or("?");
        let (from, to, by) = step;
        writeln!(page, "| {from} | {to} | {by} | {why} | {} |", cases(Some(found)))
            .expect("a string takes all text");
    }
    page
}

#[test]
fn every_transition_is_walked_by_a_case() {
    let walks = walks();
    let all: Vec<&Arrow> = FIGURE.iter().chain(&NOTES).chain(&RESETS).collect();
    let missing: Vec<String> = all
        .iter()
        .filter(|arrow| !walks.keys().any(|step| is_shown(arrow, step)))
        .map(|(from, to, event, _)| format!("{from} -> {to} ({event})"))
        .collect();
    assert!(missing.is_empty(), "no case walks {}", missing.join(", "));
    for (from, to, ..) in NOT_HERE {
        assert!(
            !walks.keys().any(|step| step.0 == from && step.1 == to),
            "{from} -> {to} is walked after all"
        );
    }
    let strange: Vec<String> = walks
        .iter()
        .filter(|(step, _)| !all.iter().any(|arrow| is_shown(arrow, step)) && reason(step).is_none())
        .map(|((from, to, by), found)| format!("{from} -> {to} by {by} in {}", cases(Some(found))))
        .collect();
    assert!(strange.is_empty(), "neither an arrow nor given a reason in this file:\n{}", strange.join("\n"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/state-transitions.md");
    let page = page(&walks);
    if std::env::var_os("TCPDRILL_UPDATE").is_some() {
        fs::write(&path, &page).expect("the page can be written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/state-transitions.md is not what the cases do: run ci/transitions");
}
