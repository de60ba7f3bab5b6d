//! Evaluation of expressions over what is known when a step is reached.

use crate::case::{BinaryOp, CompareOp, Expr, Place, Value};
use crate::target::Timing;
use crate::time::Span;

/// What an expression comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Worth {
    /// An integer.
    Int(i64),
    /// A time.
    Time(Span),
    /// A name: `ESTABLISHED`.
    Symbol(String),
    /// Whether something holds.
    Truth(bool),
}

/// Why an expression comes to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct EvalError(pub(super) String);

/// What places hold.
pub(super) trait Known {
    /// The value of a place, if there is one.
    fn look_up(&self, place: &Place) -> Result<Worth, EvalError>;
    /// How exact times are.
    fn timing(&self) -> Timing;
    /// How far the value of a place may be from its nominal one, if it is a time that was measured.
    fn tolerance(&self, place: &Place) -> Span;
}

impl Worth {
    /// What a target or a call gave, as an expression sees it.
    pub(super) fn of(value: &Value) -> Result<Self, EvalError> {
        match value {
            Value::Int(number) => Ok(Self::Int(*number)),
            Value::Time(span) => Ok(Self::Time(*span)),
            Value::Address(_) | Value::Descriptor(_) | Value::Bytes(_) | Value::Map(_) | Value::List(_) => {
                Err(EvalError("this value has parts; name one of them".to_owned()))
            }
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Int(_) => "an integer",
            Self::Time(_) => "a time",
            Self::Symbol(_) => "a name",
            Self::Truth(_) => "a truth",
        }
    }
}

impl std::fmt::Display for Worth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Int(number) => write!(f, "{number}"),
            Self::Time(span) => write!(f, "{span}"),
            Self::Symbol(name) => f.write_str(name),
            Self::Truth(truth) => write!(f, "{truth}"),
        }
    }
}

fn overflow() -> EvalError {
    EvalError("the result does not fit 64 bits".to_owned())
}

/// The value of an expression.
pub(super) fn eval(expr: &Expr, known: &dyn Known) -> Result<Worth, EvalError> {
    match expr {
        Expr::Int(number) => Ok(Worth::Int(*number)),
        Expr::Time(span) => Ok(Worth::Time(*span)),
        Expr::Symbol(name) => Ok(Worth::Symbol(name.clone())),
        Expr::Place(place) => known.look_up(place),
        Expr::Binary(op, left, right) => binary(*op, &eval(left, known)?, &eval(right, known)?),
        Expr::Compare(first, rest) => {
            let mut left = eval(first, known)?;
            for (op, term) in rest {
                let right = eval(term, known)?;
                if !compare(*op, &left, &right, known.timing())? {
                    return Ok(Worth::Truth(false));
                }
                left = right;
            }
            Ok(Worth::Truth(true))
        }
        Expr::And(terms) => all(terms, known, true),
        Expr::Or(terms) => all(terms, known, false),
        Expr::Not(inner) => Ok(Worth::Truth(!truth(inner, known)?)),
        Expr::Negative(inner) => match eval(inner, known)? {
            Worth::Int(number) => number.checked_neg().map(Worth::Int).ok_or_else(overflow),
            Worth::Time(span) => Ok(Worth::Time(-span)),
            other => Err(EvalError(format!("{} has no sign", other.kind()))),
        },
        Expr::Min(left, right) => extreme(left, right, CompareOp::Le, known),
        Expr::Max(left, right) => extreme(left, right, CompareOp::Ge, known),
    }
}

/// `and` (`stop_at_false`) or `or` over terms, stopping at the first that decides.
fn all(terms: &[Expr], known: &dyn Known, stop_at_false: bool) -> Result<Worth, EvalError> {
    for term in terms {
        if truth(term, known)? != stop_at_false {
            return Ok(Worth::Truth(!stop_at_false));
        }
    }
    Ok(Worth::Truth(stop_at_false))
}

/// An expression that must be true or false.
pub(super) fn truth(expr: &Expr, known: &dyn Known) -> Result<bool, EvalError> {
    match eval(expr, known)? {
        Worth::Truth(truth) => Ok(truth),
        other => Err(EvalError(format!("{expr} is {}, not true or false", other.kind()))),
    }
}

/// An expression that must be an integer.
pub(super) fn int(expr: &Expr, known: &dyn Known) -> Result<i64, EvalError> {
    match eval(expr, known)? {
        Worth::Int(number) => Ok(number),
        other => Err(EvalError(format!("{expr} is {}, not an integer", other.kind()))),
    }
}

/// An expression that must be a time.
pub(super) fn time(expr: &Expr, known: &dyn Known) -> Result<Span, EvalError> {
    match eval(expr, known)? {
        Worth::Time(span) => Ok(span),
        Worth::Int(0) => Ok(Span::ZERO),
        other => Err(EvalError(format!("{expr} is {}, not a time", other.kind()))),
    }
}

/// How uncertain a time is that is computed from measured ones: as they are, times the factors they come with.
pub(super) fn uncertainty(expr: &Expr, known: &dyn Known) -> Span {
    let of = |expr| uncertainty(expr, known);
    match expr {
        Expr::Place(place) => known.tolerance(place),
        Expr::Negative(inner) => of(inner),
        Expr::Min(left, right) | Expr::Max(left, right) => of(left).max(of(right)),
        Expr::Binary(op, left, right) => match (op, factor(left, known), factor(right, known)) {
            (BinaryOp::Mul, Some(by), None) => Span(of(right).0.saturating_mul(by)),
            (BinaryOp::Mul, None, Some(by)) => Span(of(left).0.saturating_mul(by)),
            (BinaryOp::Shl, None, Some(by)) => Span(shift_left(of(left).0, by).unwrap_or(i64::MAX)),
            (BinaryOp::Div, None, Some(by)) => Span(of(left).0 / by.max(1)),
            _ => of(left) + of(right),
        },
        Expr::Int(_)
        | Expr::Time(_)
        | Expr::Symbol(_)
        | Expr::Compare(..)
        | Expr::And(_)
        | Expr::Or(_)
        | Expr::Not(_) => Span::ZERO,
    }
}

/// The size of an integer; none of what is a time.
fn factor(expr: &Expr, known: &dyn Known) -> Option<i64> {
    match eval(expr, known) {
        Ok(Worth::Int(number)) => Some(number.saturating_abs()),
        Ok(Worth::Time(_) | Worth::Symbol(_) | Worth::Truth(_)) | Err(_) => None,
    }
}

fn extreme(left: &Expr, right: &Expr, keep_left: CompareOp, known: &dyn Known) -> Result<Worth, EvalError> {
    let (left, right) = (eval(left, known)?, eval(right, known)?);
    Ok(if compare(keep_left, &left, &right, Timing::Virtual)? { left } else { right })
}

fn binary(op: BinaryOp, left: &Worth, right: &Worth) -> Result<Worth, EvalError> {
    let result = match (op, left, right) {
        (_, Worth::Int(a), Worth::Int(b)) => integer(op, *a, *b).map(Worth::Int),
        (BinaryOp::Add, Worth::Time(a), Worth::Time(b)) => a.0.checked_add(b.0).map(|n| Worth::Time(Span(n))),
        (BinaryOp::Sub, Worth::Time(a), Worth::Time(b)) => a.0.checked_sub(b.0).map(|n| Worth::Time(Span(n))),
        (BinaryOp::Mul, Worth::Time(a), Worth::Int(b)) | (BinaryOp::Mul, Worth::Int(b), Worth::Time(a)) => {
            a.0.checked_mul(*b).map(|n| Worth::Time(Span(n)))
        }
        (BinaryOp::Div, Worth::Time(a), Worth::Int(b)) => a.0.checked_div(*b).map(|n| Worth::Time(Span(n))),
        (BinaryOp::Div, Worth::Time(a), Worth::Time(b)) => a.0.checked_div(b.0).map(Worth::Int),
        (BinaryOp::Shl, Worth::Time(a), Worth::Int(b)) => shift_left(a.0, *b).map(|n| Worth::Time(Span(n))),
        _ => return Err(EvalError(format!("{} {op} {} has no meaning", left.kind(), right.kind()))),
    };
    result.ok_or_else(|| EvalError(format!("{left} {op} {right}: {}", overflow().0)))
}

fn integer(op: BinaryOp, a: i64, b: i64) -> Option<i64> {
    match op {
        BinaryOp::Add => a.checked_add(b),
        BinaryOp::Sub => a.checked_sub(b),
        BinaryOp::Mul => a.checked_mul(b),
        BinaryOp::Div => a.checked_div(b),
        BinaryOp::Rem => a.checked_rem(b),
        BinaryOp::Shl => shift_left(a, b),
        BinaryOp::Shr => u32::try_from(b).ok().and_then(|by| a.checked_shr(by)),
        BinaryOp::BitAnd => Some(a & b),
        BinaryOp::BitOr => Some(a | b),
    }
}

fn shift_left(a: i64, by: i64) -> Option<i64> {
    let by = u32::try_from(by).ok().filter(|by| *by < 63)?;
    a.checked_mul(1_i64 << by)
}

fn compare(op: CompareOp, left: &Worth, right: &Worth, timing: Timing) -> Result<bool, EvalError> {
    let zero = Worth::Time(Span::ZERO);
    let (left, right) = match (left, right) {
        (Worth::Time(_), Worth::Int(0)) => (left, &zero),
        (Worth::Int(0), Worth::Time(_)) => (&zero, right),
        pair => pair,
    };
    match (left, right) {
        (Worth::Int(a), Worth::Int(b)) => Ok(holds(op, *a, *b, 0)),
        (Worth::Time(a), Worth::Time(b)) => {
            let longer = if a.abs() > b.abs() { a.abs() } else { b.abs() };
            let slack = match timing {
                Timing::Virtual => Span::ZERO,
                Timing::Real(_) => timing.late(longer) + timing.early(),
            };
            Ok(holds(op, a.0, b.0, slack.0))
        }
        (Worth::Symbol(a), Worth::Symbol(b)) => match op {
            CompareOp::Eq => Ok(a == b),
            CompareOp::Ne => Ok(a != b),
            CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge => {
                Err(EvalError("names have no order".to_owned()))
            }
        },
        _ => Err(EvalError(format!("{} compared with {}", left.kind(), right.kind()))),
    }
}

fn holds(op: CompareOp, a: i64, b: i64, slack: i64) -> bool {
    let difference = a.saturating_sub(b);
    match op {
        CompareOp::Eq => difference.saturating_abs() <= slack,
        CompareOp::Ne => slack > 0 || difference != 0,
        CompareOp::Lt => difference < slack || (slack == 0 && difference < 0),
        CompareOp::Le => difference <= slack,
        CompareOp::Gt => difference > -slack || (slack == 0 && difference > 0),
        CompareOp::Ge => difference >= -slack,
    }
}

#[cfg(test)]
mod tests {
    use super::{EvalError, Known, Worth, eval};
    use crate::case::{BinaryOp, CompareOp, Expr, Place};
    use crate::target::Timing;
    use crate::time::Span;

    struct Nothing;

    impl Known for Nothing {
        fn look_up(&self, place: &Place) -> Result<Worth, EvalError> {
            Err(EvalError(format!("no {place}")))
        }
        fn timing(&self) -> Timing {
            Timing::Virtual
        }
        fn tolerance(&self, _: &Place) -> Span {
            Span::ZERO
        }
    }

    fn binary(op: BinaryOp, a: Expr, b: Expr) -> Result<Worth, EvalError> {
        eval(&Expr::Binary(op, Box::new(a), Box::new(b)), &Nothing)
    }

    #[test]
    fn times_and_integers_mix_only_where_that_means_something() {
        let ms = |n| Expr::Time(Span::millis(n));
        assert_eq!(binary(BinaryOp::Shl, ms(210), Expr::Int(3)), Ok(Worth::Time(Span::millis(1680))));
        assert_eq!(binary(BinaryOp::Mul, Expr::Int(2), ms(10)), Ok(Worth::Time(Span::millis(20))));
        assert_eq!(binary(BinaryOp::Div, ms(10), ms(3)), Ok(Worth::Int(3)));
        assert!(binary(BinaryOp::Add, ms(10), Expr::Int(3)).is_err());
        assert!(binary(BinaryOp::Div, Expr::Int(1), Expr::Int(0)).is_err());
        assert!(binary(BinaryOp::Add, Expr::Int(i64::MAX), Expr::Int(1)).is_err());
    }

    #[test]
    fn chains_compare_as_in_mathematics() {
        let chain = |x| {
            Expr::Compare(
                Box::new(Expr::Int(1)),
                vec![(CompareOp::Le, Expr::Int(x)), (CompareOp::Lt, Expr::Int(3))],
            )
        };
        for (x, truth) in [(0, false), (1, true), (2, true), (3, false)] {
            assert_eq!(eval(&chain(x), &Nothing), Ok(Worth::Truth(truth)), "1 <= {x} < 3");
        }
    }
}
