//! A run as a capture: every packet with its direction, its step and what the judge made of it.
//!
//! The first comment of a packet begins with a mark ([`mark`]), by which docs/wireshark/ colours it; what is wrong with
//! it follows in further comments.

use crate::case::{Addresses, Case};
use crate::engine::{Event, Report, Status, What};
use crate::time::Timestamp;
use crate::verdict::{Mismatch, Problem, Verdict};

use super::Header;
use super::pcapng::{CaptureError, CaptureWriter, Direction, Heading};

/// How the two directions are called, in the description of the interface.
const DIRECTIONS: &str = "at the target: inbound is what the case injects, outbound what the target sends";
/// More mismatches are counted, not listed.
const LISTED: usize = 20;

/// The capture of a run as the bytes of a pcapng file.
///
/// # Errors
/// Only if a packet is too large for the format.
pub fn render(case: &Case, header: &Header, report: &Report) -> Result<Vec<u8>, CaptureError> {
    let addresses = Addresses(case.ip);
    let names = (1..=Addresses::COUNT).flat_map(|n| {
        let number = if n == 1 { String::new() } else { n.to_string() };
        [(addresses.local(n), format!("local{number}")), (addresses.remote(n), format!("remote{number}"))]
    });
    let heading = Heading {
        interface: header.target.clone(),
        description: DIRECTIONS.to_owned(),
        os: format!("{} {}", header.target, header.version),
        comments: about(case, header, &report.verdict),
        names: names.collect(),
    };
    let mut writer = CaptureWriter::new(Vec::new(), &heading)?;
    for event in &report.events {
        let (direction, bytes) = match &event.what {
            What::Injected(bytes) | What::Lost(bytes) => (Direction::Inbound, bytes),
            What::Emitted(bytes) => (Direction::Outbound, bytes),
            What::Called(_) | What::Returned(_) | What::Signalled(..) | What::Did => continue,
        };
        let time = header.epoch_ns.saturating_add(u64::try_from(event.at.0).unwrap_or(0));
        writer.packet(time, direction, bytes, &comments(case, report, event))?;
    }
    writer.finish()
}

/// What stands above all packets, a comment each: the case, and how it went.
fn about(case: &Case, header: &Header, verdict: &Verdict) -> Vec<String> {
    let mut lines = vec![
        format!("case: {}", case.id),
        format!("title: {}", case.title),
        format!("target: {} {}", header.target, header.version),
    ];
    if let Some(why) = &case.why {
        lines.push(format!("why: {}", why.trim()));
    }
    lines.push(match verdict {
        Verdict::Pass | Verdict::Fail(_) => format!("verdict: {}", verdict.name()),
        Verdict::Inconclusive { why } => format!("verdict: {} ({why})", verdict.name()),
        Verdict::Skipped { missing } => format!("verdict: {} ({missing})", verdict.name()),
    });
    let mismatches = verdict.mismatches();
    lines.extend(mismatches.iter().take(LISTED).map(|mismatch| {
        let place = case.steps.get(mismatch.step).map(|step| place(case, step.origin.at));
        format!("{}: {}", place.unwrap_or_default(), mismatch.problem)
    }));
    if mismatches.len() > LISTED {
        lines.push(format!("and {} more", mismatches.len() - LISTED));
    }
    lines
}

/// The word that a packet's comments begin with.
#[must_use]
pub const fn mark(event: &Event) -> &'static str {
    match (&event.what, event.status) {
        (What::Injected(_), _) => "injected",
        (What::Lost(_), _) => "lost",
        (_, Status::Expected | Status::Content | Status::Done) => "ok",
        (_, Status::Allowed) => "allowed",
        (_, Status::Wrong) => "wrong",
        (_, Status::Unexpected | Status::Unclaimed) => "unexpected",
        (_, Status::Ignored) => "ignored",
        (_, Status::Teardown) => "after the end",
    }
}

/// What stands beside a packet: mark, step and place, then what is wrong with it, and the step's note.
fn comments(case: &Case, report: &Report, event: &Event) -> Vec<String> {
    let mark = mark(event);
    let when = event.at - report.zero;
    let fates = event.fates.iter().map(|fate| format!("link: {fate}"));
    let sign = if when.0 < 0 { "-" } else { "" };
    let when = format!("{sign}{}", Timestamp(when.0.saturating_abs()));
    let step = event.step.and_then(|index| Some((index, case.steps.get(index)?)));
    let (Some((index, step)), false) = (step, event.status == Status::Unexpected) else {
        let why = match event.status {
            Status::Unexpected | Status::Unclaimed => "no step names it",
            Status::Allowed => "an allow permits it",
            Status::Done => "the peer answers by itself",
            Status::Content => "for the peer that answers by itself",
            _ => "not judged",
        };
        let first = format!("{mark}: {} ({why}, at {when})", event.text);
        return std::iter::once(first).chain(fates).collect();
    };
    let place = place(case, step.origin.at);
    // The mark says what kind of step it is.
    let text = step.origin.text.split_once(": ").map_or(step.origin.text.as_str(), |(_, packet)| packet);
    let mut comments = vec![format!("{mark}: {text} ({place}, at {when})")];
    if event.status == Status::Wrong {
        let of_this = |mismatch: &&Mismatch| {
            mismatch.step == index
                && !matches!(mismatch.problem, Problem::UnexpectedPacket { .. } | Problem::NoFlow { .. })
        };
        for mismatch in report.verdict.mismatches().iter().filter(of_this) {
            comments.extend(wrong(&mismatch.problem));
        }
    }
    comments.extend(fates);
    comments.extend(step.note.iter().map(|note| format!("note: {}", note.trim())));
    comments
}

/// Expected and actual, and the fields in which they differ.
fn wrong(problem: &Problem) -> Vec<String> {
    match problem {
        Problem::WrongPacket { expected, actual, fields } => {
            let differs = fields.iter().map(|field| format!("differs: {field}"));
            [format!("expected: {expected}"), format!("actual: {actual}")]
                .into_iter()
                .chain(differs)
                .collect()
        }
        other => vec![other.to_string()],
    }
}

/// `path:line`.
fn place(case: &Case, at: crate::case::Location) -> String {
    let (line, _) = case.sources.line_column(at);
    let path = case.sources.file(at.file).map_or("?", |file| file.path.as_str());
    format!("{path}:{line}")
}
