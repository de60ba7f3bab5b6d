//! Times of steps.

use crate::case::{Base, TimeSpec, When};
use crate::time::Span;

/// Units, the longest first, in nanoseconds.
const UNITS: [(&str, i64); 4] = [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1)];

/// A length of time as a case writes it, without loss.
pub(super) fn time(span: Span) -> String {
    if span == Span::ZERO {
        return "0".to_owned();
    }
    // With at most two digits behind the point it is easier to read in the longer unit.
    let fits = |nanos: i64| span.0.abs() >= nanos && span.0 % (nanos / 100).max(1) == 0;
    let exact = |nanos: i64| span.0 % nanos == 0;
    let found = UNITS.into_iter().find(|(_, nanos)| fits(*nanos) || exact(*nanos));
    let (name, nanos) = found.unwrap_or(("ns", 1));
    let (whole, rest) = (span.0 / nanos, span.0 % nanos);
    if rest == 0 {
        return format!("{whole}{name}");
    }
    let hundredths = format!("{:02}", rest / (nanos / 100));
    format!("{whole}.{}{name}", hundredths.trim_end_matches('0'))
}

/// The key that says when, and its value. Nothing: at once. `None` where it cannot be written.
pub(super) fn when(when: &When) -> Option<Option<(&'static str, String)>> {
    let (base, from, to) = match when {
        When::Any => return Some(Some(("at", "any".to_owned()))),
        When::Window { base, from: TimeSpec::Known(from), to: TimeSpec::Known(to) } => (base, *from, *to),
        When::Window { .. } => return None,
    };
    let key = match base {
        Base::Previous if from == Span::ZERO && to == Span::ZERO => return Some(None),
        Base::Previous => "after",
        Base::Reached(_) => "at",
        Base::Step(_) => return None,
    };
    let text = if from == to { time(from) } else { format!("{}..{}", time(from), time(to)) };
    Some(Some((key, text)))
}
