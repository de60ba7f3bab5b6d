//! A run as a capture: every packet with its direction, its step and what the judge made of it.

use crate::case::{Addresses, Case};
use crate::engine::{Event, Report, Status, What};

use super::Header;
use super::pcapng::{CaptureError, CaptureWriter, Direction, Heading};

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
        os: format!("{} {}", header.target, header.version),
        comment: format!("{}: {} ({})", case.id, case.title, report.verdict.name()),
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
        writer.packet(time, direction, bytes, &comment(case, report, event))?;
    }
    writer.finish()
}

/// What stands beside a packet: its step as written, and the verdict on it.
fn comment(case: &Case, report: &Report, event: &Event) -> String {
    let fates: String = event.fates.iter().map(|fate| format!("; {fate}")).collect();
    let step = event.step.and_then(|index| Some((index, case.steps.get(index)?)));
    let Some((index, step)) = step else {
        let text = match (event.status, &event.what) {
            (Status::Unclaimed, _) => "no step had a say in it",
            (Status::Done, What::Injected(_) | What::Lost(_)) => "peer",
            (status, _) => status.name(),
        };
        return text.to_owned() + &fates;
    };
    let place = case.sources.describe(step.origin.at);
    let mut text = format!("{place} {}", step.origin.text);
    if !matches!(event.what, What::Injected(_)) {
        text.push_str(&format!(" [{}]", event.status.name()));
    }
    if event.status == Status::Wrong {
        for mismatch in report.verdict.mismatches().iter().filter(|mismatch| mismatch.step == index) {
            text.push_str("; ");
            text.push_str(&mismatch.problem.to_string());
        }
    }
    text.push_str(&fates);
    if let Some(note) = &step.note {
        text.push_str(&format!("; note: {note}"));
    }
    text
}
