//! One JSON object a line for each test that was compared, and one for the summary. The fields are an interface.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::compare::{Difference, Mark, Row};

use super::{CompareFinding, CompareTally, Compared};

/// The object of one test.
#[must_use]
pub fn comparison_line(compared: &Compared<'_>) -> String {
    let Compared { case, names, verdicts, finding } = *compared;
    let rows = finding.comparison().map(|comparison| comparison.rows.as_slice()).unwrap_or_default();
    let differences: Vec<Value> = rows
        .iter()
        .flat_map(|row| row.differences.iter().map(move |difference| (row, difference)))
        .map(|(row, difference)| object(compared, row, difference))
        .collect();
    let why = match finding {
        CompareFinding::Equal(_) | CompareFinding::Differs(_) => None,
        CompareFinding::Known(_, why) | CompareFinding::Skipped(why) | CompareFinding::Inconclusive(why) => {
            Some(why)
        }
    };
    json!({
        "case": case.id,
        "a": { "name": names.0, "verdict": verdicts.0 },
        "b": { "name": names.1, "verdict": verdicts.1 },
        "result": finding.name(),
        "first": differences.first(),
        "differences": differences,
        "why": why,
    })
    .to_string()
}

fn object(compared: &Compared<'_>, row: &Row, difference: &Difference) -> Value {
    let case = compared.case;
    let step = row.step.and_then(|step| case.steps.get(step));
    let micros = |mark: &Option<Mark>| mark.as_ref().map(|mark| mark.at.0 / 1_000);
    let text = |mark: &Option<Mark>| mark.as_ref().map(|mark| mark.text.clone());
    json!({
        "class": difference.class.name(),
        "what": difference.what,
        "a": difference.a,
        "b": difference.b,
        "line": step.map(|step| case.sources.line_column(step.origin.at).0),
        "file": step.and_then(|step| case.sources.file(step.origin.at.file)).map(|file| file.path.clone()),
        "at_us": [micros(&row.a), micros(&row.b)],
        "text": [text(&row.a), text(&row.b)],
    })
}

/// The last object.
#[must_use]
pub fn comparison_summary_line(tally: &CompareTally, wall: Duration) -> String {
    let classes: BTreeMap<&str, usize> =
        tally.differ.iter().map(|(class, count)| (class.name(), *count)).collect();
    json!({ "summary": {
        "equal": tally.equal,
        "differ": tally.differing(),
        "classes": classes,
        "known": tally.known,
        "skipped": tally.skipped,
        "inconclusive": tally.inconclusive,
        "invalid": tally.invalid,
        "wall_ms": u64::try_from(wall.as_millis()).unwrap_or(u64::MAX),
    } })
    .to_string()
}
