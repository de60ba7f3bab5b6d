//! The page that explains a run: what the case says, what happened instead, and what to do next.

use std::collections::BTreeMap;

use crate::case::Case;
use crate::engine::Report;
use crate::run::{Requirement, Saved};
use crate::verdict::{Mismatch, Problem, Verdict};

use super::fold::fold;
use super::problem::{details, fact, headline};
use super::{Style, excerpt, ladder, meaning};

/// So many mismatches after the first are named.
const NAMED: usize = 8;

/// What a page needs besides case and report.
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

/// The page of a failure with what happened around it, without a final newline. Empty for runs that did not fail.
#[must_use]
pub fn failure_page(case: &Case, report: &Report, context: &FailureContext<'_>, style: Style) -> String {
    if report.verdict.mismatches().is_empty() {
        return String::new();
    }
    page(case, report, context, style, ladder::around(case, report, style))
}

/// The page of any run, with everything that happened.
#[must_use]
pub fn explanation(case: &Case, report: &Report, context: &FailureContext<'_>, style: Style) -> String {
    page(case, report, context, style, ladder::story(case, report, style))
}

fn page(
    case: &Case,
    report: &Report,
    context: &FailureContext<'_>,
    style: Style,
    exchange: Vec<String>,
) -> String {
    let mut lines = head(case, report, context, style);
    if let Some((first, others)) = report.verdict.mismatches().split_first() {
        lines.push(String::new());
        lines.extend(in_full(case, first, report, style));
        lines.extend(rules(case, first, context.requirements, style));
        lines.extend(in_short(case, first, others, style));
    }
    if !exchange.is_empty() {
        lines.push(String::new());
        lines.extend(fact("exchange", ladder::LEGEND, style));
        lines.extend(exchange);
    }
    lines.push(String::new());
    if let Some(why) = &case.why {
        lines.extend(fact("why", why, style));
    }
    // What is to be copied is not broken.
    let whole = |name: &str, text: String| format!("  {name:<9} {text}");
    lines.push(whole("again", again(case, context)));
    if let Some(saved) = context.saved {
        lines.push(whole("capture", saved.capture.display().to_string()));
        lines.push(whole("trace", saved.trace.display().to_string()));
    }
    lines.join("\n")
}

/// The verdict, the case and its title.
fn head(case: &Case, report: &Report, context: &FailureContext<'_>, style: Style) -> Vec<String> {
    let word = match &report.verdict {
        Verdict::Pass => style.good("pass"),
        Verdict::Fail(_) => style.bad("FAIL"),
        Verdict::Inconclusive { .. } => style.unsure("????"),
        Verdict::Skipped { .. } => style.unsure("skip"),
    };
    let mut lines = vec![format!("{word} {} on {}", style.strong(&case.id), context.target)];
    lines.extend(fold(&case.title, style.beside(5)).into_iter().map(|line| format!("     {line}")));
    let reason = match &report.verdict {
        Verdict::Pass | Verdict::Fail(_) => None,
        Verdict::Inconclusive { why } => Some(format!("this run says nothing about the target: {why}")),
        Verdict::Skipped { missing } => Some(format!("not run for lack of {missing}")),
    };
    if let Some(reason) = reason {
        lines.push(String::new());
        lines.extend(fact("because", &reason, style));
    }
    lines
}

/// One mismatch: the place, the step, what was expected and what came.
fn in_full(case: &Case, mismatch: &Mismatch, report: &Report, style: Style) -> Vec<String> {
    let Some(step) = case.steps.get(mismatch.step) else { return vec![mismatch.problem.to_string()] };
    let headline = headline(case, mismatch);
    let mut lines = vec![format!("{}: {}", case.sources.describe(step.origin.at), style.bad(headline))];
    lines.extend(excerpt::excerpt(&case.sources, step.origin.at, style));
    let written = excerpt::words(&case.sources, step.origin.at);
    let said = step.origin.text.split_whitespace().collect::<Vec<_>>().join(" ");
    if !said.ends_with(&written) && !written.ends_with(&said) {
        lines.extend(fact("that is", &step.origin.text, style));
    }
    for use_of in &step.origin.through {
        let text =
            format!("{} at {}", excerpt::words(&case.sources, *use_of), case.sources.describe(*use_of));
        lines.extend(fact("in given", &text, style));
    }
    if let Some(cell) = step.origin.cell {
        let text = format!("{} at {}", excerpt::words(&case.sources, cell), case.sources.describe(cell));
        lines.extend(fact("cell", &text, style));
    }
    let is_shown = |note: &&String| lines.iter().any(|line| line.contains(note.trim()));
    let note = step.note.iter().find(|note| !is_shown(note));
    lines.extend(note.iter().flat_map(|note| fact("note", note.trim(), style)));
    lines.extend(details(case, mismatch, report, style));
    for hint in &mismatch.hints {
        lines.extend(fact("hint", &with_state(hint), style));
    }
    lines
}

/// A hint that ends in the state of a connection says what that means.
fn with_state(hint: &str) -> String {
    let last = hint.rsplit(' ').next().unwrap_or_default();
    match meaning::state(last) {
        Some(meaning) => format!("{hint}: {meaning}"),
        None => hint.to_owned(),
    }
}

/// Mismatches after the first: a line or two each, with their rules where those are others; what could not be done
/// for one reason together.
fn in_short(case: &Case, first: &Mismatch, others: &[Mismatch], style: Style) -> Vec<String> {
    if others.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), format!("  {}", style.strong("and then"))];
    let mut left = others;
    for _ in 0..NAMED {
        let Some(next) = left.first() else { break };
        let is_consequence = matches!(next.problem, Problem::Consequence { .. });
        let alike = match is_consequence {
            true => left.iter().take_while(|other| other.problem == next.problem).count(),
            false => 1,
        };
        let (group, rest) = left.split_at(alike);
        left = rest;
        let places: Vec<String> = group
            .iter()
            .filter_map(|mismatch| case.steps.get(mismatch.step))
            .map(|step| ladder::place(case, step.origin.at))
            .collect();
        let covers: &[String] = case.steps.get(next.step).map_or(&[], |step| &step.covers);
        let covers = match covers {
            ids if !ids.is_empty() && next.step != first.step => format!(" ({})", ids.join(", ")),
            _ => String::new(),
        };
        let hint = next.hints.first().map(|hint| format!("; {hint}")).unwrap_or_default();
        let text = format!("{}: {}{covers}{hint}", places.join(", "), next.problem);
        for (index, line) in fold(&text, style.beside(6)).into_iter().enumerate() {
            let line = if is_consequence { style.faint(line) } else { line };
            lines.push(format!("{}{line}", if index == 0 { "  " } else { "      " }));
        }
    }
    if !left.is_empty() {
        lines.push(format!("  ... {} more", left.len()));
    }
    lines
}

/// The rules that the failed step checks, in words, and what their failing means.
fn rules(case: &Case, first: &Mismatch, known: &BTreeMap<String, Requirement>, style: Style) -> Vec<String> {
    let Some(step) = case.steps.get(first.step) else { return Vec::new() };
    if step.covers.is_empty() {
        let about = match case.covers.as_slice() {
            [] => String::new(),
            ids => format!("; the case is about {}", ids.join(", ")),
        };
        let text = format!("an expectation of the case; the step names no requirement{about}");
        return fact("rule", &text, style);
    }
    let mut lines = Vec::new();
    for id in &step.covers {
        let rule = known.get(id);
        let broken = match rule.and_then(|rule| rule.level.as_deref()) {
            Some(level) if level.starts_with("MUST") => format!("a {level} is broken"),
            Some(level) if level.starts_with("SHOULD") || level == "RECOMMENDED" => {
                format!("a {level} is missed")
            }
            Some(level) => format!("a {level}"),
            None => "an expectation".to_owned(),
        };
        let section = rule.and_then(|rule| rule.section.as_ref());
        let section = section.map(|section| format!(", section {section}")).unwrap_or_default();
        lines.extend(fact("rule", &format!("{broken}: {id}{section}"), style));
        let summary = rule.and_then(|rule| rule.summary.as_deref());
        lines.extend(summary.iter().flat_map(|summary| fact("", summary.trim(), style)));
    }
    lines
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
