//! One mismatch in full: what was expected, what came, and what that means.

use crate::case::{Action, Case, Rules};
use crate::engine::Report;
use crate::target::Timing;
use crate::time::Timestamp;
use crate::verdict::{FieldDifference, Mismatch, Problem};

use super::fold::fold;
use super::{Style, aligned, bytes, meaning};

/// The column in which facts begin.
const MARGIN: usize = 12;

/// A fact under its name, on as many lines as it takes.
pub(super) fn fact(name: &str, text: &str, style: Style) -> Vec<String> {
    painted(name, text, style, |line| line.to_owned())
}

/// A fact that stands out.
fn painted(name: &str, text: &str, style: Style, paint: impl Fn(&str) -> String) -> Vec<String> {
    let lines = fold(text, style.beside(MARGIN));
    let name = |index| if index == 0 { name } else { "" };
    lines.iter().enumerate().map(|(index, line)| format!("  {:<9} {}", name(index), paint(line))).collect()
}

/// In a few words, what is wrong.
pub(super) fn headline(case: &Case, mismatch: &Mismatch) -> String {
    let step = case.steps.get(mismatch.step).map(|step| &step.action);
    match &mismatch.problem {
        Problem::WrongPacket { fields, .. } => format!("what came differs in {}", names(fields)),
        Problem::NothingCame { .. } => "nothing came".to_owned(),
        Problem::UnexpectedPacket { .. } => match step {
            Some(Action::Silent { .. }) => "the silence is broken".to_owned(),
            _ => "a packet came here that no step expects".to_owned(),
        },
        Problem::NoFlow { .. } => "a packet came here that belongs to no flow".to_owned(),
        Problem::TooEarly { by, .. } => format!("too early by {by}"),
        Problem::TooLate { by, .. } => format!("too late by {by}"),
        Problem::StillBlocked { .. } => "the call is still blocked".to_owned(),
        Problem::DidNotBlock { .. } => "the call should block, and it returned".to_owned(),
        Problem::WrongResult { fields, .. } => match fields.as_slice() {
            [field] if field.bytes.is_some() => "the call read other bytes".to_owned(),
            [field] if field.field == "returns" => "the call returned something else".to_owned(),
            [field] if field.field.starts_with("gives") => "the call gives something else".to_owned(),
            [field] if field.field == "raises" => "the call raised another signal".to_owned(),
            _ => format!("what the call came back with differs in {}", names(fields)),
        },
        Problem::NotTrue { .. } => "this is not true".to_owned(),
        Problem::InThePast { by } => format!("the time of this step had passed {by} before it was reached"),
        Problem::Consequence { .. } => "not done, because an earlier step failed".to_owned(),
        Problem::Meaningless { .. } => "this has no meaning with the values of this run".to_owned(),
    }
}

/// `ack and win`.
fn names(fields: &[FieldDifference]) -> String {
    let names: Vec<&str> = fields.iter().map(|field| field.field.as_str()).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => "nothing that can be named".to_owned(),
    }
}

/// The tolerance that times were compared with, if any.
fn allowed(case: &Case, report: &Report) -> Option<String> {
    match (case.rules, report.clock) {
        (Rules::Packetdrill(rules), _) => {
            let percent = f64::from(rules.per_million) / 10_000.0;
            let tolerance = rules.tolerance;
            Some(format!("the script's tolerance, {tolerance} or {percent} %, is already allowed for"))
        }
        (Rules::Native, Timing::Real(_)) => {
            Some("the tolerance of this target's clock is already allowed for".to_owned())
        }
        (Rules::Native, Timing::Virtual) => None,
    }
}

/// What was expected and what came. The call is named where the step is not the one that makes it.
pub(super) fn details(case: &Case, mismatch: &Mismatch, report: &Report, style: Style) -> Vec<String> {
    let fact = |name: &str, text: &str| fact(name, text, style);
    let step = case.steps.get(mismatch.step).map(|step| &step.action);
    let call_of = |call: &str| match step {
        Some(Action::Call { .. }) => Vec::new(),
        _ => fact("call", call),
    };
    match &mismatch.problem {
        Problem::WrongPacket { expected, actual, fields } => wrong_packet(expected, actual, fields, style),
        Problem::WrongResult { call, fields } => {
            let mut lines = call_of(call);
            lines.extend(fields.iter().flat_map(|field| wrong_value(field, style)));
            lines.extend(errors(fields, style));
            lines
        }
        Problem::NothingCame { expected } => {
            let mut lines = fact("expected", expected);
            lines.extend(painted("actual", "nothing", style, |text| style.bad(text)));
            lines
        }
        Problem::UnexpectedPacket { actual } | Problem::NoFlow { actual } => {
            let mut lines = match step {
                Some(Action::Silent { .. }) => fact("expected", "nothing"),
                _ => Vec::new(),
            };
            lines.extend(painted("actual", actual, style, |text| style.bad(text)));
            lines
        }
        Problem::TooEarly { what, window, .. } | Problem::TooLate { what, window, .. } => {
            let at = Timestamp((mismatch.at - report.zero).0).to_string();
            let field = FieldDifference::new("at", due(*window, report.zero), at);
            let mut lines = fact("what", what);
            lines.extend(aligned::values(&field, style));
            if let Some(allowed) = allowed(case, report) {
                lines.extend(fact("", &allowed));
            }
            lines
        }
        Problem::StillBlocked { call } => {
            let at = Timestamp((mismatch.at - report.zero).0);
            let mut lines = call_of(call);
            lines.extend(fact("expected", "it returns"));
            let actual = format!("it is still blocked at {at}");
            lines.extend(painted("actual", &actual, style, |text| style.bad(text)));
            if let Some(what) = meaning::waits_for(call) {
                lines.extend(fact("waits for", what));
            }
            lines
        }
        Problem::DidNotBlock { call, returned } => {
            let field = FieldDifference::new("", "", returned.as_str());
            let mut lines = call_of(call);
            lines.extend(painted("expected", "it blocks", style, |text| style.good(text)));
            lines.extend(painted("actual", &format!("it returns {returned}"), style, |text| style.bad(text)));
            lines.extend(errors(&[field], style));
            lines
        }
        Problem::NotTrue { expression, values, says } => {
            let mut lines = fact("assert", expression);
            lines.extend(values.iter().flat_map(|(name, value)| {
                painted("actual", &format!("{name} is {value}"), style, |text| style.bad(text))
            }));
            lines.extend(says.iter().flat_map(|says| fact("says", says)));
            lines
        }
        Problem::InThePast { by } => fact("late by", &by.to_string()),
        Problem::Consequence { missing } => fact("missing", missing),
        Problem::Meaningless { why } => fact("because", why),
    }
}

fn wrong_packet(expected: &str, actual: &str, fields: &[FieldDifference], style: Style) -> Vec<String> {
    let mut lines = aligned::packets(expected, actual, fields, style);
    for field in fields {
        match &field.bytes {
            Some(differ) => {
                lines.extend(bytes::bytes(field, differ, style));
                lines.extend(differ.belongs.iter().flat_map(|text| fact("", text, style)));
            }
            None if !aligned::is_on_the_line(field) => {
                let text = match field.field.as_str() {
                    "push" if field.expected == "true" => "the flag P must be set, and is not".to_owned(),
                    "push" => "the flag P must not be set, and is".to_owned(),
                    _ => field.to_string(),
                };
                lines.extend(fact("differs", &text, style));
            }
            None => {}
        }
        if field.field == "options" {
            lines.extend(reordered(field).iter().flat_map(|text| fact("", text, style)));
        }
    }
    lines
}

fn wrong_value(field: &FieldDifference, style: Style) -> Vec<String> {
    match &field.bytes {
        Some(differ) => {
            let mut lines = bytes::bytes(field, differ, style);
            lines.extend(differ.belongs.iter().flat_map(|text| fact("", text, style)));
            lines
        }
        None => aligned::values(field, style),
    }
}

/// The same options in another order are worth a word.
fn reordered(field: &FieldDifference) -> Option<&'static str> {
    let items = |text: &str| {
        let mut items: Vec<String> = text.trim_matches(['<', '>']).split(',').map(str::to_owned).collect();
        items.sort();
        items
    };
    (items(&field.expected) == items(&field.actual)).then_some("the options are the same, in another order")
}

/// What the errors say that a call came back with, or should have.
fn errors(fields: &[FieldDifference], style: Style) -> Vec<String> {
    let texts: Vec<&str> =
        fields.iter().flat_map(|field| [field.expected.as_str(), field.actual.as_str()]).collect();
    let named = meaning::errors_in(&texts);
    named.into_iter().flat_map(|(name, what)| fact("", &format!("{name}: {what}"), style)).collect()
}

/// A window, counted from time 0 as the exchange is.
fn due((from, to): (Timestamp, Timestamp), zero: Timestamp) -> String {
    let at = |moment: Timestamp| Timestamp((moment - zero).0);
    if from == to { at(from).to_string() } else { format!("{}..{}", at(from), at(to)) }
}
