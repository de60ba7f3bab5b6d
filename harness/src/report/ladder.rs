//! The exchange of a run, line by line, with times from time 0 of the case.

use std::path::Path;

use crate::case::{Case, FileId, Location, ThreadId};
use crate::engine::{Event, Report, Status, What};

use super::Style;

/// The events in `range`, one a line: time, direction, what, what was made of it.
pub(super) fn ladder(
    case: &Case,
    report: &Report,
    range: std::ops::Range<usize>,
    style: Style,
) -> Vec<String> {
    let events = report.events.get(range).unwrap_or_default();
    let rows: Vec<(String, String, String)> =
        events.iter().map(|event| row(case, report, event, style)).collect();
    let width = rows.iter().map(|(_, what, _)| what.chars().count()).max().unwrap_or(0).min(78);
    rows.into_iter()
        .map(|(time, what, remark)| format!("{time}  {what:<width$}  {remark}").trim_end().to_owned())
        .collect()
}

fn row(case: &Case, report: &Report, event: &Event, style: Style) -> (String, String, String) {
    let thread = |id: ThreadId| match id.0 {
        0 => String::new(),
        _ => format!("{}: ", case.threads.get(id.0).map_or("?", String::as_str)),
    };
    let what = match &event.what {
        What::Injected(_) => format!("  -> {}", event.text),
        What::Lost(_) => format!("  -x {}", event.text),
        What::Emitted(_) => format!("<-   {}", event.text),
        What::Called(id) => format!("call {}{}", thread(*id), event.text),
        What::Returned(id) => format!("     {}returns {}", thread(*id), event.text),
        What::Signalled(id, _) => format!("     {}raises {}", thread(*id), event.text),
        What::Did => format!("     {}", event.text),
    };
    let line = event.step.and_then(|step| case.steps.get(step)).map(|step| place(case, step.origin.at));
    let fates: String = event.fates.iter().map(|fate| format!("; {fate}")).collect();
    let remark = match (event.status, line) {
        (Status::Done, None) if matches!(event.what, What::Injected(_) | What::Lost(_)) => {
            style.faint(format!("peer{fates}"))
        }
        (Status::Content, _) => style.faint(format!("{}{fates}", event.status.name())),
        (Status::Done, line) => line.unwrap_or_default(),
        (Status::Expected, line) => format!("{} {}", line.unwrap_or_default(), style.good("ok")),
        (Status::Wrong, line) => format!("{} {}", line.unwrap_or_default(), style.bad("wrong")),
        (Status::Unexpected, _) => style.bad("unexpected"),
        (status, _) => style.faint(status.name()),
    };
    let at = event.at - report.zero;
    let micros = at.0 / 1_000;
    let sign = if micros < 0 { "-" } else { " " };
    let time = format!("{sign}{}.{:06}", micros.abs() / 1_000_000, micros.abs() % 1_000_000);
    (format!("{time:>12}"), what, remark)
}

/// The line of a step; with the file's name where it is not the case's own.
fn place(case: &Case, at: Location) -> String {
    let (line, _) = case.sources.line_column(at);
    let file = case.sources.file(at.file).filter(|_| at.file != FileId(0));
    match file.and_then(|file| Path::new(&file.path).file_name()) {
        Some(name) => format!("{}:{line}", name.to_string_lossy()),
        None => format!("line {line}"),
    }
}
