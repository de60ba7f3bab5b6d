//! Lines of a comparison for a person.

use std::time::Duration;

use crate::compare::{Class, Difference, Row};

use super::super::Style;
use super::{CompareFinding, CompareTally, Compared, seconds, where_of};

/// Width of the column of classes and outcomes.
const WORD: usize = 9;

/// What is said of a test among many: its first difference, on two lines. Nothing of those that are equal.
#[must_use]
pub fn comparison_text(compared: &Compared<'_>, style: Style) -> Option<String> {
    let Compared { case, names, finding, .. } = *compared;
    let head = |word: &str, paint: fn(Style, String) -> String| {
        format!("{} {}", paint(style, format!("{word:<WORD$}")), style.strong(&case.id))
    };
    let bad: fn(Style, String) -> String = |style, text| style.bad(text);
    let unsure: fn(Style, String) -> String = |style, text| style.unsure(text);
    let below = |text: &str| format!("\n{:WORD$} {text}", "");
    match finding {
        CompareFinding::Equal(_) | CompareFinding::Skipped(_) => None,
        CompareFinding::Differs(comparison) => {
            let (row, first) = comparison.first()?;
            let at = moment(row, compared);
            let text = in_words(first, names);
            Some(format!("{}  {}{}", head(first.class.name(), bad), style.faint(at), below(&text)))
        }
        CompareFinding::Known(comparison, reason) => {
            let (_, first) = comparison.first()?;
            let text = in_words(first, names);
            Some(format!("{}  known: {reason}{}", head(first.class.name(), unsure), below(&text)))
        }
        CompareFinding::Inconclusive(why) => Some(format!("{}  inconclusive: {why}", head("????", unsure))),
    }
}

/// Where and when a row is.
fn moment(row: &Row, compared: &Compared<'_>) -> String {
    let at = row.a.as_ref().or(row.b.as_ref()).map(|mark| format!("at {}", seconds(mark.at.0)));
    let place = where_of(compared.case, row.step);
    [place, at.unwrap_or_default()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// A difference in words: `field win: 64240 on bundled, 65535 on linux`.
pub(super) fn in_words(difference: &Difference, (a, b): (&str, &str)) -> String {
    let Difference { class, what, a: of_a, b: of_b } = difference;
    match class {
        Class::Missing => format!("missing {what}: {of_a} on {a} only"),
        Class::Extra => format!("extra {what}: {of_b} on {b} only"),
        Class::Verdict => format!("verdict: {of_a} on {a}, {of_b} on {b}"),
        class => format!("{} {what}: {of_a} on {a}, {of_b} on {b}", class.name()),
    }
}

/// The last line.
#[must_use]
pub fn comparison_summary_text(
    tally: &CompareTally,
    (a, b): (&str, &str),
    wall: Duration,
    style: Style,
) -> String {
    let mut parts = vec![style.good(format!("{} equal", tally.equal))];
    if tally.differing() > 0 {
        let classes: Vec<String> =
            tally.differ.iter().map(|(class, count)| format!("{} {count}", class.name())).collect();
        parts.push(format!(
            "{} ({})",
            style.bad(format!("{} differ", tally.differing())),
            classes.join(", ")
        ));
    }
    for (count, word) in [
        (tally.known, "differ as known"),
        (tally.skipped, "not compared"),
        (tally.inconclusive, "inconclusive"),
        (tally.invalid, "invalid"),
    ] {
        if count > 0 {
            parts.push(style.unsure(format!("{count} {word}")));
        }
    }
    let tests = if tally.total() == 1 { "1 test".to_owned() } else { format!("{} tests", tally.total()) };
    format!("{} on {a} and {b}: {}, in {:.2} s", style.strong(tests), parts.join(", "), wall.as_secs_f64())
}
