//! Whether two waits on two clocks can be the same wait.

use crate::target::{Timing, Tolerance};
use crate::time::Span;

/// Whether no nominal wait explains both: what was measured lies further apart than the tolerances of both clocks.
pub(super) fn apart(a: (Span, Timing), b: (Span, Timing)) -> bool {
    let (from_a, to_a) = nominal(a);
    let (from_b, to_b) = nominal(b);
    to_a < from_b || to_b < from_a
}

/// The waits that can be measured as this one: how much too late it may be follows from the wait, not from the measure.
fn nominal((wait, timing): (Span, Timing)) -> (Span, Span) {
    let shortest = match timing {
        Timing::Virtual => wait,
        Timing::Real(Tolerance { late, divisor, .. }) => {
            let divisor = divisor.max(1);
            Span((wait.0 - late).max(0) / (divisor + 1) * divisor)
        }
    };
    (shortest.min(wait), wait + timing.early())
}

#[cfg(test)]
mod tests {
    use super::apart;
    use crate::target::{Timing, Tolerance};
    use crate::time::Span;

    #[test]
    fn the_coarser_clock_decides() {
        let real = Timing::Real(Tolerance { early: 5_000_000, late: 4_500_000, divisor: 8 });
        let exact = Timing::Virtual;
        for (a, b, expected) in [
            ((Span::millis(200), exact), (Span::millis(200), exact), false),
            ((Span::millis(200), exact), (Span::micros(200_001), exact), true),
            // 4.5 ms and an eighth of the wait late, 5 ms early.
            ((Span::millis(200), exact), (Span::millis(230), real), true),
            ((Span::millis(200), exact), (Span::millis(229), real), false),
            ((Span::millis(200), exact), (Span::millis(195), real), false),
            ((Span::millis(200), exact), (Span::millis(194), real), true),
            ((Span::millis(229), real), (Span::millis(200), exact), false),
            ((Span::millis(205), real), (Span::millis(229), real), false),
            ((Span::millis(200), real), (Span::millis(400), real), true),
        ] {
            assert_eq!(apart(a, b), expected, "{a:?} {b:?}");
            assert_eq!(apart(b, a), expected, "{b:?} {a:?}");
        }
    }
}
