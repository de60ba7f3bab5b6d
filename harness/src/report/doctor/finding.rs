//! One thing that was found, and how all are shown.

use serde::Serialize;
use serde_json::json;

use crate::report::Style;
use crate::report::fold::fold;
use crate::target::machine::Machine;

/// Width of the column of subjects.
const SUBJECT: usize = 20;
/// Room beside it, in 80 columns.
const ROOM: usize = 80 - 6 - SUBJECT;

/// What a finding means for running cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Good,
    /// Cases run, but something is to be known, or could be better.
    Note,
    /// No case can run.
    Obstacle,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub subject: &'static str,
    /// What it means.
    pub state: State,
    /// What was found, a clause.
    pub found: String,
    /// What to do, if anything.
    pub todo: Option<String>,
}

impl Finding {
    pub(super) fn good(subject: &'static str, found: impl Into<String>) -> Self {
        Self { subject, state: State::Good, found: found.into(), todo: None }
    }

    pub(super) fn note(subject: &'static str, found: impl Into<String>, todo: &str) -> Self {
        Self {
            subject,
            state: State::Note,
            found: found.into(),
            todo: (!todo.is_empty()).then(|| todo.to_owned()),
        }
    }

    /// Something without which no case can run.
    pub fn obstacle(subject: &'static str, found: impl Into<String>, todo: &str) -> Self {
        Self { state: State::Obstacle, ..Self::note(subject, found, todo) }
    }
}

/// The first obstacle as a sentence; `None` where cases can run.
fn obstacle(findings: &[Finding]) -> Option<String> {
    let first = findings.iter().find(|finding| finding.state == State::Obstacle)?;
    let todo = first.todo.as_ref().map(|todo| format!(": {todo}")).unwrap_or_default();
    Some(format!("{}{todo}", first.found))
}

/// For a person: a line for each finding, below it what to do, and what it comes to.
#[must_use]
pub fn diagnosis_text(findings: &[Finding], style: Style) -> String {
    let mut lines = Vec::new();
    for finding in findings {
        let word = match finding.state {
            State::Good => style.good("ok  "),
            State::Note => style.unsure("note"),
            State::Obstacle => style.bad("NO  "),
        };
        let found = fold(&finding.found, ROOM);
        let mut found = found.iter();
        let first = found.next().map(String::as_str).unwrap_or_default();
        lines.push(format!("{word}  {:<SUBJECT$}{first}", finding.subject));
        lines.extend(found.map(|line| format!("{:1$}{line}", "", 6 + SUBJECT)));
        for (index, line) in finding.todo.iter().flat_map(|todo| fold(todo, ROOM)).enumerate() {
            let sign = if index == 0 { "> " } else { "  " };
            lines.push(format!("{:1$}{sign}{line}", "", 4 + SUBJECT));
        }
    }
    lines.push(String::new());
    let notes = findings.iter().filter(|finding| finding.state == State::Note).count();
    lines.push(match obstacle(findings) {
        Some(obstacle) => format!("{} here: {obstacle}", style.bad("cases cannot run on Linux")),
        None => format!("{} here; notes: {notes}", style.good("cases can run on Linux")),
    });
    lines.join("\n")
}

/// For programs: an object for each finding, one with the facts behind them, and what it comes to.
#[must_use]
pub fn diagnosis_lines(machine: &Machine, findings: &[Finding]) -> Vec<String> {
    let mut lines: Vec<String> = findings.iter().map(|finding| json!(finding).to_string()).collect();
    lines.push(json!({ "machine": machine }).to_string());
    let obstacle = obstacle(findings);
    lines.push(json!({ "summary": { "usable": obstacle.is_none(), "obstacle": obstacle } }).to_string());
    lines
}
