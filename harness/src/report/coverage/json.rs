//! Coverage as JSON lines. The fields are an interface.

use serde_json::{Map, Value, json};

use crate::run::Testable;

use super::rows::rows;
use super::{Coverage, Covered, Verdicts};

/// An object for each of these requirements, and one for the summary of all.
#[must_use]
pub fn coverage_lines(coverage: &Coverage<'_>, shown: &[&Covered<'_>]) -> Vec<String> {
    let mut lines: Vec<String> = shown.iter().map(|covered| object(covered, coverage).to_string()).collect();
    let rows = rows(coverage);
    if let Some(total) = rows.last() {
        let targets = coverage.targets.iter().zip(&total.targets).map(|((name, _), counts)| {
            let [passing, failing, skipped, unknown] = counts;
            let counts =
                json!({ "passing": passing, "failing": failing, "skipped": skipped, "unknown": unknown });
            (name.clone(), counts)
        });
        let summary = json!({
            "requirements": coverage.requirements.len(),
            "testable": total.testable,
            "asserted": total.asserted,
            "named_only": total.named_only,
            "absent": total.absent,
            "untestable": total.untestable,
            "proved": null,
            "tests": coverage.cases.len(),
            "targets": targets.collect::<Map<String, Value>>(),
        });
        lines.push(json!({ "summary": summary }).to_string());
    }
    lines
}

fn object(covered: &Covered<'_>, coverage: &Coverage<'_>) -> Value {
    let requirement = covered.requirement;
    let targets = coverage.targets.iter().map(|(name, verdicts)| (name.clone(), on(covered, verdicts)));
    json!({
        "id": requirement.id,
        "document": requirement.document(),
        "level": requirement.level,
        "section": requirement.section,
        "summary": requirement.summary,
        "testable": match requirement.testable {
            Testable::Yes => "yes",
            Testable::Partially => "partially",
            Testable::No => "no",
        },
        "named": covered.named,
        "asserted": covered.asserted,
        "proved": null,
        "targets": targets.collect::<Map<String, Value>>(),
    })
}

/// How a target did in the tests that check a requirement.
fn on(covered: &Covered<'_>, verdicts: &Verdicts) -> Value {
    let tests = |verdict: Option<&str>| -> Vec<&str> {
        covered.asserted.iter().copied().filter(|test| verdicts.of(test) == verdict).collect()
    };
    json!({
        "state": covered.outlook(verdicts).map(super::Outlook::name),
        "pass": tests(Some("pass")),
        "fail": tests(Some("fail")),
        "inconclusive": tests(Some("inconclusive")),
        "skipped": tests(Some("skipped")),
        "not_run": tests(None),
    })
}

/// An object for each test.
#[must_use]
pub fn tests_lines(coverage: &Coverage<'_>) -> Vec<String> {
    let line = |case: &crate::case::Case| {
        let verdicts: Map<String, Value> = coverage
            .targets
            .iter()
            .map(|(name, verdicts)| (name.clone(), json!(verdicts.of(&case.id))))
            .collect();
        json!({ "case": case.id, "covers": case.covers, "asserts": case.asserts(), "verdicts": verdicts })
            .to_string()
    };
    coverage.cases.iter().map(line).collect()
}
