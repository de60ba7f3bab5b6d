//! Flips of numbers and times.

use tcpdrill::case::{Alt, BinaryOp, Expr, Num, Term, TimeSpec, When};
use tcpdrill::time::Span;

/// The number plus one; nothing where it accepts anything. Of several alternatives each moves out of reach of all.
pub(crate) fn number(num: &Num) -> Option<Num> {
    let by = if num.0.len() == 1 { 1 } else { 1_000_003 };
    num.0
        .iter()
        .map(|alt| match alt {
            Alt::Any => None,
            Alt::Between(low, high) => Some(Alt::Between(high + 1, high + 1 + (high - low))),
            Alt::Is { term, absolute } => {
                let term = match term {
                    Term::Known(number) => Term::Known(number + by),
                    Term::Computed(expr) => Term::Computed(Expr::Binary(
                        BinaryOp::Add,
                        Box::new(expr.clone()),
                        Box::new(Expr::Int(by)),
                    )),
                };
                Some(Alt::Is { term, absolute: *absolute })
            }
        })
        .collect::<Option<Vec<_>>>()
        .map(Num)
}

/// A window moved by its width and a second; nothing where any time will do.
pub(crate) fn window(when: &When) -> Option<When> {
    let When::Window { base, from, to } = when else { return None };
    let (from, to) = times(from, to)?;
    Some(When::Window { base: *base, from, to })
}

/// Both ends moved by their distance and a second.
pub(crate) fn times(from: &TimeSpec, to: &TimeSpec) -> Option<(TimeSpec, TimeSpec)> {
    if let (TimeSpec::Known(from), TimeSpec::Known(to)) = (from, to) {
        let by = *to - *from + Span::seconds(1);
        return Some((TimeSpec::Known(*from + by), TimeSpec::Known(*to + by)));
    }
    Some((later(from), later(to)))
}

fn later(time: &TimeSpec) -> TimeSpec {
    match time {
        TimeSpec::Known(span) => TimeSpec::Known(*span + Span::seconds(1)),
        TimeSpec::Computed(expr) => TimeSpec::Computed(Expr::Binary(
            BinaryOp::Add,
            Box::new(expr.clone()),
            Box::new(Expr::Time(Span::seconds(1))),
        )),
    }
}
