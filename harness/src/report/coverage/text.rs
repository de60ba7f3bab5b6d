//! Coverage for a person: a table, and lists on request. Within 80 columns.

use std::collections::BTreeSet;

use crate::case::Case;
use crate::report::Style;
use crate::report::fold::fold;
use crate::run::Testable;

use super::rows::{Row, rows};
use super::{Coverage, Covered, Outlook, files, natural};

/// Columns that fit every terminal.
const WIDTH: usize = 80;

/// How much is said of each requirement of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// What it says.
    Words,
    /// And which cases are about it.
    Cases,
}

/// The tables, without a final newline.
#[must_use]
pub fn coverage_text(coverage: &Coverage<'_>, style: Style) -> String {
    let tests: Vec<&str> = coverage.cases.iter().map(|case| case.id.as_str()).collect();
    let rows = rows(coverage);
    let head = format!(
        "{:<10} {:<11} {:>8} {:>13} {:>10} {:>7} {:>10}",
        "document", "level", "testable", "asserted", "named only", "absent", "untestable"
    );
    let mut lines = vec![
        format!(
            "{} requirements, {} tests in {} files",
            coverage.requirements.len(),
            tests.len(),
            files(&tests).len()
        ),
        String::new(),
        style.strong(head),
    ];
    lines.extend(rows.iter().map(|row| numbers(row, style)));
    for (index, (name, _)) in coverage.targets.iter().enumerate() {
        let head = format!(
            "{:<22} {:>8} {:>8} {:>8} {:>8} {:>8}",
            format!("on {name}"),
            "asserted",
            "passing",
            "failing",
            "skipped",
            "unknown"
        );
        lines.extend([String::new(), style.strong(head)]);
        lines.extend(rows.iter().filter(|row| row.asserted > 0).map(|row| on_target(row, index, style)));
    }
    lines.extend([String::new(), "proved by a fault that was caught: not measured".to_owned()]);
    lines.extend(contradictions(coverage));
    lines.join("\n")
}

fn numbers(row: &Row, style: Style) -> String {
    let percent = (100 * row.asserted).checked_div(row.testable).map(|percent| format!("{percent} %"));
    let line = format!(
        "{:<10} {:<11} {:>8} {:>7} {:>5} {:>10} {:>7} {:>10}",
        row.document,
        row.level,
        row.testable,
        row.asserted,
        percent.unwrap_or_default(),
        row.named_only,
        row.absent,
        row.untestable
    );
    if row.document == "total" { style.strong(line) } else { line }
}

fn on_target(row: &Row, index: usize, style: Style) -> String {
    let [passing, failing, skipped, unknown] = row.targets.get(index).copied().unwrap_or_default();
    let failing_text = format!("{failing:>8}");
    let failing_text = if failing > 0 { style.bad(failing_text) } else { failing_text };
    format!(
        "{:<10} {:<11} {:>8} {passing:>8} {failing_text} {skipped:>8} {unknown:>8}",
        row.document, row.level, row.asserted
    )
}

/// What the catalogue says cannot be tested and a step checks all the same.
fn contradictions(coverage: &Coverage<'_>) -> Vec<String> {
    let ids: Vec<&str> = coverage
        .requirements
        .iter()
        .filter(|covered| covered.requirement.testable == Testable::No && !covered.asserted.is_empty())
        .map(|covered| covered.requirement.id.as_str())
        .collect();
    if ids.is_empty() {
        return Vec::new();
    }
    fold(&format!("untestable, says the catalogue, and asserted all the same: {}", ids.join(", ")), WIDTH)
}

/// A list of requirements, without a final newline.
#[must_use]
pub fn requirements_text(
    coverage: &Coverage<'_>,
    shown: &[&Covered<'_>],
    show: Show,
    style: Style,
) -> String {
    let mut lines = Vec::new();
    for covered in shown {
        let requirement = covered.requirement;
        let mut facts: Vec<String> = requirement.level.clone().into_iter().collect();
        facts.extend(requirement.section.as_ref().map(|section| format!("section {section}")));
        match requirement.testable {
            Testable::Yes => {}
            Testable::Partially => facts.push("testable in part".to_owned()),
            Testable::No => facts.push("untestable".to_owned()),
        }
        if covered.asserted.is_empty() && !covered.named.is_empty() {
            facts.push("named only".to_owned());
        }
        lines.push(format!("{}  {}", style.strong(&requirement.id), facts.join(", ")).trim_end().to_owned());
        let summary = requirement.summary.as_deref().unwrap_or_default();
        lines.extend(fold(summary, WIDTH - 2).into_iter().map(|line| format!("  {line}")));
        if show == Show::Cases {
            lines.extend(cases(covered, coverage, style));
        }
    }
    lines.join("\n")
}

/// The cases that are about a requirement, and how the targets did in those that check it.
fn cases(covered: &Covered<'_>, coverage: &Coverage<'_>, style: Style) -> Vec<String> {
    let mut lines = Vec::new();
    for (file, tests) in files(&covered.asserted) {
        let one = Covered { requirement: covered.requirement, named: Vec::new(), asserted: tests };
        let on: Vec<String> = coverage
            .targets
            .iter()
            .filter_map(|(name, verdicts)| Some(format!("{name}: {}", word(one.outlook(verdicts)?, style))))
            .collect();
        lines.push(format!("    asserted  {file}  {}", on.join(", ")).trim_end().to_owned());
    }
    lines.extend(files(&covered.named).into_iter().map(|(file, _)| format!("    named     {file}")));
    lines
}

fn word(outlook: Outlook, style: Style) -> String {
    match outlook {
        Outlook::Passing => style.good(outlook.name()),
        Outlook::Failing => style.bad(outlook.name()),
        Outlook::Skipped | Outlook::Unknown => style.unsure(outlook.name()),
    }
}

/// The files of cases, with what they assert and name.
#[must_use]
pub fn tests_text(coverage: &Coverage<'_>, style: Style) -> String {
    let ids: Vec<&str> = coverage.cases.iter().map(|case| case.id.as_str()).collect();
    let mut lines = Vec::new();
    for (file, tests) in files(&ids) {
        let of_file = || coverage.cases.iter().filter(|case| tests.contains(&case.id.as_str()));
        let asserts: BTreeSet<&str> = of_file().flat_map(Case::asserts).collect();
        let covers: BTreeSet<&str> = of_file().flat_map(|case| &case.covers).map(String::as_str).collect();
        let nothing = if asserts.is_empty() && covers.is_empty() { "  no requirement" } else { "" };
        lines.push(format!("{}{nothing}", style.strong(file)));
        for (word, ids) in [("asserts", asserts), ("names", covers)] {
            let mut ids: Vec<&str> = ids.into_iter().collect();
            ids.sort_by_cached_key(|id| natural(id));
            if !ids.is_empty() {
                let folded = fold(&ids.join(" "), WIDTH - 11);
                let words = std::iter::once(word).chain(std::iter::repeat(""));
                lines.extend(words.zip(folded).map(|(word, line)| format!("  {word:<8} {line}")));
            }
        }
    }
    lines.join("\n")
}
