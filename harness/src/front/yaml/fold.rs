//! Values of expressions that are known in advance.

use crate::case::{BinaryOp, Expr};
use crate::time::Span;

use super::cursor::Literal;

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoValue {
    /// It looks at something that is known only when the case runs.
    Later,
    /// It never has one.
    Wrong(&'static str),
}

const OVERFLOW: NoValue = NoValue::Wrong("the result does not fit 64 bits");
const MIXED: NoValue = NoValue::Wrong("times and integers do not mix so");

/// The value of an expression of numbers and times.
pub(super) fn fold(expr: &Expr) -> Result<Literal, NoValue> {
    match expr {
        Expr::Int(number) => Ok(Literal::Int(*number)),
        Expr::Time(span) => Ok(Literal::Time(*span)),
        Expr::Place(_) => Err(NoValue::Later),
        Expr::Symbol(_) | Expr::Compare(..) | Expr::And(_) | Expr::Or(_) | Expr::Not(_) => {
            Err(NoValue::Wrong("a number or a time is needed here"))
        }
        Expr::Negative(inner) => binary(BinaryOp::Sub, zero_like(fold(inner)?), fold(inner)?),
        Expr::Binary(op, left, right) => {
            let (left, right) = both(left, right)?;
            binary(*op, left, right)
        }
        Expr::Min(left, right) => pick(both(left, right)?, true),
        Expr::Max(left, right) => pick(both(left, right)?, false),
    }
}

fn both(left: &Expr, right: &Expr) -> Result<(Literal, Literal), NoValue> {
    match (fold(left), fold(right)) {
        (Err(NoValue::Wrong(why)), _) | (_, Err(NoValue::Wrong(why))) => Err(NoValue::Wrong(why)),
        (left, right) => Ok((left?, right?)),
    }
}

fn zero_like(value: Literal) -> Literal {
    match value {
        Literal::Int(_) => Literal::Int(0),
        Literal::Time(_) => Literal::Time(Span::ZERO),
    }
}

fn pick(values: (Literal, Literal), smaller: bool) -> Result<Literal, NoValue> {
    match values {
        (Literal::Int(a), Literal::Int(b)) => Ok(Literal::Int(if smaller { a.min(b) } else { a.max(b) })),
        (Literal::Time(a), Literal::Time(b)) => Ok(Literal::Time(if smaller { a.min(b) } else { a.max(b) })),
        _ => Err(MIXED),
    }
}

fn binary(op: BinaryOp, left: Literal, right: Literal) -> Result<Literal, NoValue> {
    use Literal::{Int, Time};
    let time = |nanos: Option<i64>| nanos.map(|n| Time(Span(n))).ok_or(OVERFLOW);
    match (op, left, right) {
        (_, Int(a), Int(b)) => integers(op, a, b).map(Int),
        (BinaryOp::Add, Time(a), Time(b)) => time(a.0.checked_add(b.0)),
        (BinaryOp::Sub, Time(a), Time(b)) => time(a.0.checked_sub(b.0)),
        (BinaryOp::Div, Time(a), Time(b)) => {
            a.0.checked_div(b.0).map(Int).ok_or(NoValue::Wrong("division by zero"))
        }
        (BinaryOp::Mul | BinaryOp::Div | BinaryOp::Shl, Time(a), Int(b)) => {
            integers(op, a.0, b).map(|n| Time(Span(n)))
        }
        (BinaryOp::Mul, Int(a), Time(b)) => integers(op, a, b.0).map(|n| Time(Span(n))),
        _ => Err(MIXED),
    }
}

fn integers(op: BinaryOp, a: i64, b: i64) -> Result<i64, NoValue> {
    let shift = u32::try_from(b).ok().filter(|shift| *shift < 63);
    match op {
        BinaryOp::Add => a.checked_add(b).ok_or(OVERFLOW),
        BinaryOp::Sub => a.checked_sub(b).ok_or(OVERFLOW),
        BinaryOp::Mul => a.checked_mul(b).ok_or(OVERFLOW),
        BinaryOp::Div => a.checked_div(b).ok_or(NoValue::Wrong("division by zero")),
        BinaryOp::Rem => a.checked_rem(b).ok_or(NoValue::Wrong("division by zero")),
        BinaryOp::Shl => shift.and_then(|shift| a.checked_mul(1 << shift)).ok_or(OVERFLOW),
        BinaryOp::Shr => shift.map(|shift| a >> shift).ok_or(OVERFLOW),
        BinaryOp::BitAnd => Ok(a & b),
        BinaryOp::BitOr => Ok(a | b),
    }
}

#[cfg(test)]
mod tests {
    use super::{NoValue, fold};
    use crate::case::{BinaryOp, Expr};
    use crate::front::yaml::cursor::Literal;
    use crate::time::Span;

    fn of(op: BinaryOp, left: Expr, right: Expr) -> Result<Literal, NoValue> {
        fold(&Expr::Binary(op, Box::new(left), Box::new(right)))
    }

    #[test]
    fn times_shift_and_scale_but_do_not_mix() {
        let ten = || Expr::Time(Span::millis(10));
        assert_eq!(of(BinaryOp::Shl, ten(), Expr::Int(2)), Ok(Literal::Time(Span::millis(40))));
        assert_eq!(of(BinaryOp::Mul, Expr::Int(3), ten()), Ok(Literal::Time(Span::millis(30))));
        assert_eq!(of(BinaryOp::Div, ten(), ten()), Ok(Literal::Int(1)));
        assert!(of(BinaryOp::Add, ten(), Expr::Int(1)).is_err());
    }

    #[test]
    fn overflow_is_an_error() {
        assert!(of(BinaryOp::Add, Expr::Int(i64::MAX), Expr::Int(1)).is_err());
        assert!(of(BinaryOp::Div, Expr::Int(1), Expr::Int(0)).is_err());
        assert!(of(BinaryOp::Shl, Expr::Int(1), Expr::Int(63)).is_err());
        assert!(of(BinaryOp::Div, Expr::Int(i64::MIN), Expr::Int(-1)).is_err());
    }
}
