//! The page that explains a failed run: what the case says, what happened instead, and what to do next.

use std::collections::BTreeMap;

use crate::case::Case;
use crate::engine::Event;
use crate::front::Diagnostics;
use crate::run::{CaseRun, Requirement, Saved};
use crate::time::Timestamp;
use crate::verdict::{FieldDifference, Mismatch, Problem};

use super::Style;
use super::ladder::ladder;

/// How many events are shown before and after the first one that went wrong.
const BEFORE: usize = 8;
const AFTER: usize = 4;
/// How many mismatches are shown in full.
const IN_FULL: usize = 3;

/// What a page needs besides case and run.
pub struct FailureContext<'a> {
    /// The target's name.
    pub target: &'a str,
    /// The catalogue.
    pub requirements: &'a BTreeMap<String, Requirement>,
    /// Where capture and trace are, if they were kept.
    pub saved: Option<&'a Saved>,
    /// Seed of the run.
    pub seed: u64,
}

/// The page, without a final newline. Empty for runs that did not fail.
#[must_use]
pub fn failure_page(case: &Case, run: &CaseRun, context: &FailureContext<'_>, style: Style) -> String {
    let mismatches = run.report.verdict.mismatches();
    let Some(first) = mismatches.first() else { return String::new() };
    let mut lines = vec![
        format!("{} {} on {}", style.bad("FAIL"), style.strong(&case.id), context.target),
        format!("     {}", case.title),
    ];
    for mismatch in mismatches.iter().take(IN_FULL) {
        lines.push(String::new());
        lines.extend(explain(case, mismatch, run.report.zero, style));
    }
    lines.extend(in_short(case, mismatches.get(IN_FULL..).unwrap_or_default()));
    lines.push(String::new());
    lines.push(format!("  {}", style.strong("exchange")));
    let around = around(&run.report.events, first);
    lines.extend(ladder(case, &run.report, around, style).into_iter().map(|line| format!("  {line}")));
    lines.push(String::new());
    if let Some(why) = &case.why {
        lines.push(fact("why", why.trim()));
    }
    lines.extend(rules(case, first, context.requirements));
    lines.push(fact("again", &again(case, context)));
    if let Some(saved) = context.saved {
        lines.push(fact("capture", &saved.capture.display().to_string()));
        lines.push(fact("trace", &saved.trace.display().to_string()));
    }
    lines.join("\n")
}

fn fact(name: &str, text: &str) -> String {
    format!("  {name:<9} {text}")
}

/// One mismatch: the place, the line, what was expected and what came.
fn explain(case: &Case, mismatch: &Mismatch, zero: Timestamp, style: Style) -> Vec<String> {
    let Some(step) = case.steps.get(mismatch.step) else { return vec![mismatch.problem.to_string()] };
    let place = case.sources.describe(step.origin.at);
    let mut lines = vec![format!("{place}: {}", style.bad(headline(&mismatch.problem)))];
    let sources = Diagnostics { sources: case.sources.clone(), list: Vec::new() };
    lines.extend(sources.snippet(step.origin.at, style.colour).lines().map(str::to_owned));
    match &mismatch.problem {
        Problem::WrongPacket { expected, actual, fields } => {
            lines.push(fact("expected", expected));
            lines.push(fact("actual", actual));
            lines.extend(fields.iter().map(|field| difference(field, style)));
        }
        Problem::WrongResult { call, fields } => {
            lines.push(fact("call", call));
            lines.extend(fields.iter().map(|field| difference(field, style)));
        }
        Problem::NothingCame { expected } => lines.push(fact("expected", expected)),
        Problem::UnexpectedPacket { actual } | Problem::NoFlow { actual } => {
            lines.push(fact("actual", actual));
        }
        Problem::TooEarly { what, by, window } => {
            lines.push(fact("what", what));
            lines.push(fact("due", &due(*window, zero)));
            lines.push(fact("early by", &style.bad(by)));
        }
        Problem::TooLate { what, by, window } => {
            lines.push(fact("what", what));
            lines.push(fact("due", &due(*window, zero)));
            lines.push(fact("late by", &style.bad(by)));
        }
        Problem::StillBlocked { call } => lines.push(fact("call", call)),
        Problem::DidNotBlock { call, returned } => {
            lines.push(fact("call", call));
            lines.push(fact("returned", returned));
        }
        Problem::NotTrue { expression, values } => {
            lines.push(fact("assert", expression));
            lines.extend(values.iter().map(|(name, value)| fact("value", &format!("{name} is {value}"))));
        }
        Problem::InThePast { by } => lines.push(fact("past by", &by.to_string())),
        Problem::Consequence { missing } => lines.push(fact("missing", missing)),
        Problem::Meaningless { why } => lines.push(fact("because", why)),
    }
    for use_of in &step.origin.through {
        lines.push(fact("in given", &case.sources.describe(*use_of)));
    }
    if let Some(cell) = step.origin.cell {
        lines.push(fact("cell", &case.sources.describe(cell)));
    }
    lines.extend(step.note.iter().map(|note| fact("note", note)));
    lines.extend(mismatch.hints.iter().map(|hint| fact("hint", hint)));
    lines
}

/// A window, counted from time 0 as the exchange is.
fn due((from, to): (Timestamp, Timestamp), zero: Timestamp) -> String {
    let at = |moment: Timestamp| Timestamp((moment - zero).0);
    if from == to { at(from).to_string() } else { format!("{} to {}", at(from), at(to)) }
}

fn headline(problem: &Problem) -> &'static str {
    match problem {
        Problem::WrongPacket { .. } => "another segment than expected",
        Problem::NothingCame { .. } => "nothing came",
        Problem::UnexpectedPacket { .. } => "unexpected segment",
        Problem::NoFlow { .. } => "segment of no flow",
        Problem::TooEarly { .. } => "too early",
        Problem::TooLate { .. } => "too late",
        Problem::StillBlocked { .. } => "the call is still blocked",
        Problem::DidNotBlock { .. } => "the call does not block",
        Problem::WrongResult { .. } => "the call came back with something else",
        Problem::NotTrue { .. } => "not true",
        Problem::InThePast { .. } => "time goes backwards here",
        Problem::Consequence { .. } => "not done, because an earlier step failed",
        Problem::Meaningless { .. } => "this has no meaning with the values of this run",
    }
}

fn difference(field: &FieldDifference, style: Style) -> String {
    let text = format!(
        "{}: expected {}, got {}",
        style.strong(&field.field),
        field.expected,
        style.bad(&field.actual)
    );
    fact("differs", &text)
}

/// Mismatches after the first few, a line each.
fn in_short(case: &Case, rest: &[Mismatch]) -> Vec<String> {
    if rest.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), format!("  and {} more:", rest.len())];
    lines.extend(rest.iter().take(10).map(|mismatch| {
        let place = case.steps.get(mismatch.step).map(|step| case.sources.describe(step.origin.at));
        format!("  {}: {}", place.unwrap_or_default(), mismatch.problem)
    }));
    lines
}

/// The events around the one that went wrong first.
fn around(events: &[Event], first: &Mismatch) -> std::ops::Range<usize> {
    let at = events
        .iter()
        .position(|event| event.step == Some(first.step) || event.at > first.at)
        .unwrap_or(events.len());
    at.saturating_sub(BEFORE)..at.saturating_add(AFTER).min(events.len())
}

/// The rules that the failed step checks, in words.
fn rules(case: &Case, first: &Mismatch, known: &BTreeMap<String, Requirement>) -> Vec<String> {
    let Some(step) = case.steps.get(first.step) else { return Vec::new() };
    step.covers
        .iter()
        .map(|id| {
            let Some(rule) = known.get(id) else { return fact("rule", id) };
            let section =
                rule.section.as_ref().map(|section| format!(", section {section}")).unwrap_or_default();
            let level = rule.level.as_ref().map(|level| format!(" ({level}{section})")).unwrap_or_default();
            fact("rule", &format!("{id}{level}: {}", rule.summary.as_deref().unwrap_or_default()))
        })
        .collect()
}

/// The command that runs just this again.
fn again(case: &Case, context: &FailureContext<'_>) -> String {
    let file = case.sources.files.first().map_or("", |file| file.path.as_str());
    let variant = case.id.find('[').and_then(|at| case.id.get(at..)).unwrap_or_default();
    let file = file
        .strip_prefix(&format!("{}/", crate::run::EMBEDDED_ROOT))
        .map_or(file, |id| id.strip_suffix(".yaml").unwrap_or(id));
    let path = if variant.is_empty() { file.to_owned() } else { format!("'{file}{variant}'") };
    let seed = if context.seed == 0 { String::new() } else { format!(" --seed {}", context.seed) };
    format!("tcpdrill run {path} --target {}{seed}", context.target)
}
