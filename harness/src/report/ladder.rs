//! The exchange of a run, line by line, with times from time 0 of the case.

use std::path::Path;

use crate::case::{Action, Base, Case, FileId, Flow, Location, Step, ThreadId, TimeSpec, When};
use crate::engine::{Event, Report, Status, What};
use crate::time::Timestamp;
use crate::verdict::{Mismatch, Problem};
use crate::wire::parse;

use super::Style;
use super::fold::fold;

/// How many rows are shown before and after the first one that went wrong.
const BEFORE: usize = 8;
const AFTER: usize = 5;
/// How many more are shown of what went wrong after that.
const FURTHER: usize = 8;
/// What stands left of the text: mark, time, direction.
const MARGIN: usize = 20;
/// A remark needs no more.
const REMARK: usize = 30;

/// What the columns are, in one line.
pub(super) const LEGEND: &str = "--> from the target, <-- to it; at the right the line of its step";

/// One thing that happened, or did not.
struct Row {
    at: Timestamp,
    way: Way,
    text: String,
    /// The line of its step.
    place: Option<String>,
    remark: String,
    step: Option<usize>,
    tone: Tone,
}

/// Which way something went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Sent,
    Received,
    Lost,
    Call,
    Return,
    Missing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tone {
    Wrong,
    Right,
    Aside,
}

impl Way {
    const fn sign(self) -> &'static str {
        match self {
            Self::Sent => "  -->",
            Self::Received => "<--",
            Self::Lost => "x--",
            Self::Call => "call",
            Self::Return => "",
            Self::Missing => "  ...",
        }
    }
}

/// What happened around what went wrong first; gaps say how much is left out.
pub(super) fn around(case: &Case, report: &Report, style: Style) -> Vec<String> {
    let rows = rows(case, report);
    let wrong: Vec<usize> =
        rows.iter().enumerate().filter(|(_, row)| row.tone == Tone::Wrong).map(|(at, _)| at).collect();
    let first = wrong.first().copied().unwrap_or(rows.len());
    let mut shown: Vec<usize> =
        (first.saturating_sub(BEFORE)..first.saturating_add(AFTER + 1).min(rows.len())).collect();
    shown.extend(wrong.iter().filter(|at| **at > first + AFTER).take(FURTHER));
    let columns = Columns::of(shown.iter().filter_map(|at| rows.get(*at)), style);
    let mut lines = Vec::new();
    let mut next = 0;
    for at in shown {
        lines.extend(gap(at.saturating_sub(next)));
        next = at + 1;
        lines.extend(rows.get(at).iter().flat_map(|row| columns.lines(row, report.zero, style)));
    }
    lines.extend(gap(rows.len().saturating_sub(next)));
    lines
}

/// Everything, with each step as it is written above what came of it.
pub(super) fn story(case: &Case, report: &Report, style: Style) -> Vec<String> {
    let rows = rows(case, report);
    let columns = Columns::of(rows.iter(), style);
    let mut lines = Vec::new();
    let mut told = 0;
    for row in &rows {
        while row.step.is_some_and(|step| step >= told) {
            lines.extend(told_step(case, told, style));
            told += 1;
        }
        lines.extend(columns.lines(row, report.zero, style));
    }
    let reached = report.moments.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    while told < reached {
        lines.extend(told_step(case, told, style));
        told += 1;
    }
    lines
}

fn gap(count: usize) -> Option<String> {
    (count > 0).then(|| format!("  ... {count} more"))
}

/// How wide the texts are.
struct Columns {
    text: usize,
}

impl Columns {
    fn of<'a>(rows: impl Iterator<Item = &'a Row> + Clone, style: Style) -> Self {
        let remark = rows.clone().map(|row| row.aside().chars().count()).max().unwrap_or(0).min(REMARK);
        let text = rows.map(|row| row.text.chars().count()).max().unwrap_or(0);
        Self { text: text.min(style.beside(MARGIN + 2 + remark)) }
    }

    fn lines(&self, row: &Row, zero: Timestamp, style: Style) -> Vec<String> {
        let micros = (row.at - zero).0 / 1_000;
        let sign = if micros < 0 { "-" } else { "" };
        let time = format!("{sign}{}.{:06}", micros.abs() / 1_000_000, micros.abs() % 1_000_000);
        let mark = if row.tone == Tone::Wrong { style.bad("!") } else { " ".to_owned() };
        let way = format!("{:<5}", row.way.sign());
        let paint = |text: &str| match (row.tone, row.way) {
            (Tone::Wrong, _) => style.bad(text),
            (_, Way::Sent) => style.sent(text),
            (_, Way::Received | Way::Lost) => style.received(text),
            (_, Way::Call | Way::Return | Way::Missing) => text.to_owned(),
        };
        let pieces = fold(&row.text, self.text);
        let mut lines = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            let pad = " ".repeat(self.text.saturating_sub(piece.chars().count()));
            let line = if index == 0 {
                let aside = row.aside();
                let aside = match row.tone {
                    Tone::Wrong => style.bad(aside),
                    Tone::Right => aside,
                    Tone::Aside => style.faint(aside),
                };
                format!("{mark} {time:>10}  {} {}{pad}  {aside}", paint(&way), paint(piece))
            } else {
                format!("{}{}", " ".repeat(MARGIN + 2), paint(piece))
            };
            lines.push(line.trim_end().to_owned());
        }
        lines
    }
}

impl Row {
    fn aside(&self) -> String {
        match (&self.place, self.remark.is_empty()) {
            (Some(place), true) => place.clone(),
            (Some(place), false) => format!("{place}: {}", self.remark),
            (None, _) => self.remark.clone(),
        }
    }
}

/// What happened, and in its place what did not.
fn rows(case: &Case, report: &Report) -> Vec<Row> {
    let mismatches = report.verdict.mismatches();
    let mut rows: Vec<Row> = report.events.iter().map(|event| happened(case, mismatches, event)).collect();
    for mismatch in mismatches {
        if let Some(row) = did_not_happen(case, mismatch) {
            let by_time = rows.iter().position(|other| other.at > row.at).unwrap_or(rows.len());
            // A real clock does what was due at one moment one after the other: it is missing after its call, and
            // after what the steps before it did.
            let came_before = |other: &Row| {
                let is_earlier = other.step.is_some_and(|step| step < mismatch.step);
                let is_its_call = other.step == Some(mismatch.step) && other.way == Way::Call;
                is_its_call || (is_earlier && matches!(other.way, Way::Call | Way::Received))
            };
            let by_step = rows.iter().rposition(came_before).map_or(0, |last| last + 1);
            rows.insert(by_time.max(by_step), row);
        }
    }
    rows
}

fn happened(case: &Case, mismatches: &[Mismatch], event: &Event) -> Row {
    let thread = |id: ThreadId| match id.0 {
        0 => String::new(),
        _ => format!("{}: ", case.threads.get(id.0).map_or("?", String::as_str)),
    };
    let (way, text) = match &event.what {
        What::Injected(bytes) => (Way::Received, on_flow(case, bytes, true) + &event.text),
        What::Lost(bytes) => (Way::Lost, on_flow(case, bytes, true) + &event.text),
        What::Emitted(bytes) => (Way::Sent, on_flow(case, bytes, false) + &event.text),
        What::Called(id) => (Way::Call, format!("{}{}", thread(*id), event.text)),
        What::Returned(id) => (Way::Return, format!("{}returns {}", thread(*id), event.text)),
        What::Signalled(id, _) => (Way::Return, format!("{}raises {}", thread(*id), event.text)),
        What::Did => (Way::Return, event.text.clone()),
    };
    let by_peer = matches!(event.what, What::Injected(_) | What::Lost(_)) && event.step.is_none();
    let (mut remark, tone) = match event.status {
        Status::Done if by_peer => ("peer".to_owned(), Tone::Aside),
        Status::Done => (String::new(), Tone::Right),
        Status::Expected => ("ok".to_owned(), Tone::Right),
        Status::Wrong => (wrong(mismatches, event), Tone::Wrong),
        Status::Unexpected => ("unexpected".to_owned(), Tone::Wrong),
        Status::Unclaimed | Status::Allowed | Status::Content | Status::Ignored | Status::Teardown => {
            (event.status.name().to_owned(), Tone::Aside)
        }
    };
    for fate in &event.fates {
        remark.push_str(&format!("; {fate}"));
    }
    let is_claimed = event.status != Status::Unexpected;
    let step = event.step.filter(|_| is_claimed);
    let place = step.and_then(|step| case.steps.get(step)).map(|step| place(case, step.origin.at));
    Row { at: event.at, way, text, place, remark, step, tone }
}

/// Where a case has several flows: whose packet it is.
fn on_flow(case: &Case, bytes: &[u8], is_to_target: bool) -> String {
    let Some(ends) = parse(bytes).ok().and_then(|parsed| parsed.packet.endpoints()) else {
        return String::new();
    };
    let ends = if is_to_target { ends.reversed() } else { ends };
    let is_of = |flow: &&Flow| flow.remote == ends.dst && flow.local.is_none_or(|local| local == ends.src);
    match case.flows.iter().find(is_of) {
        Some(flow) if case.flows.len() > 1 => format!("{}: ", flow.name),
        _ => String::new(),
    }
}

/// In a word or two, what is wrong with what a step took.
fn wrong(mismatches: &[Mismatch], event: &Event) -> String {
    let problem = mismatches
        .iter()
        .find(|mismatch| Some(mismatch.step) == event.step && mismatch.at == event.at)
        .map(|mismatch| &mismatch.problem);
    match problem {
        Some(Problem::TooLate { by, .. }) => format!("{by} late"),
        Some(Problem::TooEarly { by, .. }) => format!("{by} early"),
        Some(Problem::WrongPacket { .. }) => "differs".to_owned(),
        Some(Problem::DidNotBlock { .. }) => "should block".to_owned(),
        _ => "wrong".to_owned(),
    }
}

/// A row for what is missing or is no event.
fn did_not_happen(case: &Case, mismatch: &Mismatch) -> Option<Row> {
    let step = case.steps.get(mismatch.step)?;
    let (text, remark) = match &mismatch.problem {
        Problem::NothingCame { expected } => {
            let flow = match &step.action {
                Action::Expect { flow, .. } if case.flows.len() > 1 => case.flows.get(flow.0),
                _ => None,
            };
            let flow = flow.map(|flow| format!("{}: ", flow.name)).unwrap_or_default();
            (flow + expected, "did not come")
        }
        Problem::StillBlocked { call } => (call.clone(), "still blocked"),
        Problem::NotTrue { expression, .. } => (format!("assert: {expression}"), "not true"),
        Problem::InThePast { .. } => (step.origin.text.clone(), "in the past"),
        Problem::Meaningless { .. } => (step.origin.text.clone(), "no meaning"),
        Problem::WrongPacket { .. }
        | Problem::UnexpectedPacket { .. }
        | Problem::NoFlow { .. }
        | Problem::TooEarly { .. }
        | Problem::TooLate { .. }
        | Problem::DidNotBlock { .. }
        | Problem::Consequence { .. }
        | Problem::WrongResult { .. } => return None,
    };
    Some(Row {
        at: mismatch.at,
        way: Way::Missing,
        text,
        place: Some(place(case, step.origin.at)),
        remark: remark.to_owned(),
        step: Some(mismatch.step),
        tone: Tone::Wrong,
    })
}

/// The line of a step; with the file's name where it is not the case's own.
pub(super) fn place(case: &Case, at: Location) -> String {
    let (line, _) = case.sources.line_column(at);
    let file = case.sources.file(at.file).filter(|_| at.file != FileId(0));
    match file.and_then(|file| Path::new(&file.path).file_name()) {
        Some(name) => format!("{}:{line}", name.to_string_lossy()),
        None => format!("line {line}"),
    }
}

/// A step as it is written, with its time and its note; of what the case does, only a note: the row says the rest.
fn told_step(case: &Case, index: usize, style: Style) -> Vec<String> {
    let Some(step) = case.steps.get(index) else { return Vec::new() };
    if step.note.is_none() && matches!(step.action, Action::Call { .. } | Action::Inject { .. }) {
        return Vec::new();
    }
    let place = place(case, step.origin.at);
    let time = when(case, step).map(|time| format!("{time}, ")).unwrap_or_default();
    let text = format!("{place}: {time}{}", step.origin.text);
    let note = step.note.iter().map(|note| format!("note: {}", note.trim()));
    std::iter::once(text)
        .chain(note)
        .flat_map(|text| fold(&text, style.beside(6)))
        .enumerate()
        .map(|(line, text)| format!("{}{}", if line == 0 { "  " } else { "      " }, style.strong(text)))
        .collect()
}

/// When a step happens or must happen; nothing: at the moment of the one before.
fn when(case: &Case, step: &Step) -> Option<String> {
    let When::Window { base, from, to } = &step.when else { return Some("at any time".to_owned()) };
    let text = |time: &TimeSpec| match time {
        TimeSpec::Known(span) => span.to_string(),
        TimeSpec::Computed(expression) => format!("$({expression})"),
    };
    let range = if from == to { text(from) } else { format!("{}..{}", text(from), text(to)) };
    match base {
        Base::Previous if *from == TimeSpec::ZERO && from == to => None,
        Base::Previous => Some(format!("after {range}")),
        Base::Step(since) => {
            let since = case.steps.get(*since).map(|since| place(case, since.origin.at))?;
            Some(format!("{range} after {since}"))
        }
        Base::Reached(_) => Some(format!("at {range}")),
    }
}
