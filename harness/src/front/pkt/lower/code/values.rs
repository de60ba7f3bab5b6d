//! Values of the code in a script: known now, or to be worked out when the case runs.

use crate::case::{BinaryOp, CompareOp, Expr, Said};

/// An expression of so many parts is no check that somebody wrote.
const MOST_PARTS: usize = 2_000;

/// What an expression of the code comes to.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Number(Number),
    Truth(Truth),
    /// Text, and values that are put into it when it is needed.
    Text(Vec<Said>),
    Tuple(Vec<Self>),
    /// From, to (not included), step.
    Range(i64, i64, i64),
}

/// A fraction whose lower part is known and positive.
#[derive(Clone, Debug)]
pub(super) struct Number {
    pub(super) top: Expr,
    pub(super) over: i64,
}

/// A truth, and whether it holds if that is known now.
#[derive(Clone, Debug)]
pub(super) struct Truth {
    pub(super) expr: Expr,
    pub(super) known: Option<bool>,
}

/// Why an operation has no result that the code could use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It does not fit 64 bits.
    TooLarge,
    DivisionByZero,
    /// A kind of values that it is not made for.
    Kind,
    /// Only values that are known beforehand can have it done.
    Unknown,
}

pub(super) type Done<T> = Result<T, Trouble>;

impl Value {
    /// Whether somebody may have written so much. What is put together again and again doubles each time.
    pub(super) fn is_too_large(&self) -> bool {
        let mut count = 0;
        self.count(&mut count);
        count > MOST_PARTS
    }

    fn count(&self, count: &mut usize) {
        match self {
            Self::Number(number) => parts(&number.top, count),
            Self::Truth(truth) => parts(&truth.expr, count),
            Self::Text(said) => said.iter().for_each(|part| match part {
                Said::Text(text) => *count += 1 + text.len() / 10,
                Said::Value(expr) => parts(expr, count),
            }),
            Self::Tuple(items) => {
                *count += 1;
                items.iter().for_each(|item| item.count(count));
            }
            Self::Range(..) => *count += 1,
        }
    }
}

impl Number {
    pub(super) const fn int(number: i64) -> Self {
        Self { top: Expr::Int(number), over: 1 }
    }

    pub(super) const fn whole(top: Expr) -> Self {
        Self { top, over: 1 }
    }

    /// The number, if it is known and whole.
    pub(super) const fn known(&self) -> Option<i64> {
        match self {
            Self { top: Expr::Int(number), over: 1 } => Some(*number),
            _ => None,
        }
    }

    fn times(&self, by: i64) -> Done<Expr> {
        if by == 1 {
            Ok(self.top.clone())
        } else {
            arithmetic(BinaryOp::Mul, self.top.clone(), Expr::Int(by))
        }
    }

    /// Both numbers over the same lower part, which is the last.
    fn alike(&self, other: &Self) -> Done<(Expr, Expr, i64)> {
        if self.over == other.over {
            return Ok((self.top.clone(), other.top.clone(), self.over));
        }
        let over = self.over.checked_mul(other.over).ok_or(Trouble::TooLarge)?;
        Ok((self.times(other.over)?, other.times(self.over)?, over))
    }

    fn reduced(self) -> Self {
        match self.top {
            Expr::Int(top) if self.over > 1 => {
                let by = divisor(top, self.over);
                Self { top: Expr::Int(top / by), over: self.over / by }
            }
            top => Self { top, over: self.over },
        }
    }
}

/// The greatest common divisor; at least 1.
const fn divisor(top: i64, over: i64) -> i64 {
    let (mut a, mut b) = (over, top % over);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    if a < 0 { -a } else { a }
}

/// How many parts an expression has, counted up to the limit.
fn parts(expr: &Expr, count: &mut usize) {
    *count += 1;
    if *count > MOST_PARTS {
        return;
    }
    match expr {
        Expr::Int(_) | Expr::Time(_) | Expr::Symbol(_) | Expr::Place(_) => {}
        Expr::Binary(_, left, right) | Expr::Min(left, right) | Expr::Max(left, right) => {
            parts(left, count);
            parts(right, count);
        }
        Expr::Compare(first, rest) => {
            parts(first, count);
            rest.iter().for_each(|(_, term)| parts(term, count));
        }
        Expr::And(terms) | Expr::Or(terms) => terms.iter().for_each(|term| parts(term, count)),
        Expr::Not(inner) | Expr::Negative(inner) => parts(inner, count),
    }
}

fn sized(expr: Expr) -> Done<Expr> {
    let mut count = 0;
    parts(&expr, &mut count);
    if count > MOST_PARTS { Err(Trouble::TooLarge) } else { Ok(expr) }
}

/// Whole numbers, worked out now if both are known.
fn arithmetic(op: BinaryOp, left: Expr, right: Expr) -> Done<Expr> {
    if let (Expr::Int(a), Expr::Int(b)) = (&left, &right) {
        return folded(op, *a, *b).map(Expr::Int);
    }
    sized(Expr::Binary(op, Box::new(left), Box::new(right)))
}

fn folded(op: BinaryOp, a: i64, b: i64) -> Done<i64> {
    let shift = u32::try_from(b).ok();
    let result = match op {
        BinaryOp::Add => a.checked_add(b),
        BinaryOp::Sub => a.checked_sub(b),
        BinaryOp::Mul => a.checked_mul(b),
        BinaryOp::Div | BinaryOp::Rem if b == 0 => return Err(Trouble::DivisionByZero),
        // Rounded down, as the code's language does, not toward zero.
        BinaryOp::Div => a.checked_div(b).map(|q| if a % b != 0 && (a < 0) != (b < 0) { q - 1 } else { q }),
        BinaryOp::Rem => a.checked_rem(b).map(|r| if r != 0 && (r < 0) != (b < 0) { r + b } else { r }),
        BinaryOp::Shl => shift.filter(|by| *by < 63).and_then(|by| a.checked_mul(1 << by)),
        BinaryOp::Shr => Some(a >> shift.ok_or(Trouble::Kind)?.min(63)),
        BinaryOp::BitAnd => Some(a & b),
        BinaryOp::BitOr => Some(a | b),
    };
    result.ok_or(Trouble::TooLarge)
}

/// An operator between two numbers.
pub(super) fn binary(sign: &str, left: &Number, right: &Number) -> Done<Number> {
    let both_whole = || if left.over == 1 && right.over == 1 { Ok(()) } else { Err(Trouble::Kind) };
    let whole = |op| {
        both_whole()?;
        arithmetic(op, left.top.clone(), right.top.clone()).map(Number::whole)
    };
    match sign {
        "+" | "-" => {
            let (a, b, over) = left.alike(right)?;
            let op = if sign == "+" { BinaryOp::Add } else { BinaryOp::Sub };
            Ok(Number { top: arithmetic(op, a, b)?, over }.reduced())
        }
        "*" => {
            let over = left.over.checked_mul(right.over).ok_or(Trouble::TooLarge)?;
            let top = arithmetic(BinaryOp::Mul, left.top.clone(), right.top.clone())?;
            Ok(Number { top, over }.reduced())
        }
        "/" => {
            let Expr::Int(by) = right.top else { return Err(Trouble::Unknown) };
            if by == 0 {
                return Err(Trouble::DivisionByZero);
            }
            let over =
                left.over.checked_mul(by.checked_abs().ok_or(Trouble::TooLarge)?).ok_or(Trouble::TooLarge)?;
            let top = left.times(if by < 0 { -right.over } else { right.over })?;
            Ok(Number { top, over }.reduced())
        }
        "//" => {
            let (a, b, _) = left.alike(right)?;
            arithmetic(BinaryOp::Div, a, b).map(Number::whole)
        }
        "%" => whole(BinaryOp::Rem),
        "<<" => whole(BinaryOp::Shl),
        ">>" => whole(BinaryOp::Shr),
        "&" => whole(BinaryOp::BitAnd),
        "|" => whole(BinaryOp::BitOr),
        "^" => {
            both_whole()?;
            let (a, b) = (&left.top, &right.top);
            let either = arithmetic(BinaryOp::BitOr, a.clone(), b.clone())?;
            let both = arithmetic(BinaryOp::BitAnd, a.clone(), b.clone())?;
            arithmetic(BinaryOp::Sub, either, both).map(Number::whole)
        }
        "**" => match (left.known(), right.known()) {
            (Some(base), Some(power)) => {
                let power = u32::try_from(power).map_err(|_| Trouble::Kind)?;
                base.checked_pow(power).map(Number::int).ok_or(Trouble::TooLarge)
            }
            _ => Err(Trouble::Unknown),
        },
        _ => Err(Trouble::Kind),
    }
}

/// The number with its sign turned.
pub(super) fn negative(number: &Number) -> Done<Number> {
    binary("-", &Number::int(0), number)
}

/// The smaller (`Le`) or larger of two numbers.
pub(super) fn extreme(op: CompareOp, left: &Number, right: &Number) -> Done<Number> {
    let (a, b, over) = left.alike(right)?;
    let is_less = op == CompareOp::Le;
    let top = match (&a, &b) {
        (Expr::Int(x), Expr::Int(y)) => Expr::Int(if is_less { *x.min(y) } else { *x.max(y) }),
        _ if is_less => sized(Expr::Min(Box::new(a), Box::new(b)))?,
        _ => sized(Expr::Max(Box::new(a), Box::new(b)))?,
    };
    Ok(Number { top, over }.reduced())
}

/// A chain of comparisons.
pub(super) fn compare(first: &Number, rest: &[(CompareOp, Number)]) -> Done<Truth> {
    let mut over = first.over;
    for (_, number) in rest {
        let fewer = over / divisor(number.over, over);
        over = fewer.checked_mul(number.over).ok_or(Trouble::TooLarge)?;
    }
    let first = first.times(over / first.over)?;
    let rest: Vec<(CompareOp, Expr)> =
        rest.iter().map(|(op, number)| Ok((*op, number.times(over / number.over)?))).collect::<Done<_>>()?;
    let mut known = Some(true);
    let mut left = &first;
    for (op, right) in &rest {
        known = match (left, right) {
            (Expr::Int(a), Expr::Int(b)) => known.map(|so_far| so_far && holds(*op, *a, *b)),
            _ => None,
        };
        left = right;
    }
    Ok(Truth { expr: sized(Expr::Compare(Box::new(first), rest))?, known })
}

const fn holds(op: CompareOp, a: i64, b: i64) -> bool {
    match op {
        CompareOp::Eq => a == b,
        CompareOp::Ne => a != b,
        CompareOp::Lt => a < b,
        CompareOp::Le => a <= b,
        CompareOp::Gt => a > b,
        CompareOp::Ge => a >= b,
    }
}

impl Truth {
    /// One that is known.
    pub(super) fn known(holds: bool) -> Self {
        let right = Expr::Int(i64::from(holds));
        Self { expr: Expr::Compare(Box::new(Expr::Int(1)), vec![(CompareOp::Eq, right)]), known: Some(holds) }
    }

    pub(super) fn opposite(self) -> Self {
        Self { expr: Expr::Not(Box::new(self.expr)), known: self.known.map(|known| !known) }
    }

    /// All of them must hold.
    pub(super) fn all(truths: Vec<Self>) -> Self {
        let decided = truths.iter().any(|truth| truth.known == Some(false));
        let known = if decided {
            Some(false)
        } else {
            truths.iter().all(|truth| truth.known == Some(true)).then_some(true)
        };
        Self { expr: joined(truths, Expr::And), known }
    }

    /// One of them must hold.
    pub(super) fn any(truths: Vec<Self>) -> Self {
        let decided = truths.iter().any(|truth| truth.known == Some(true));
        let known = if decided {
            Some(true)
        } else {
            truths.iter().all(|truth| truth.known == Some(false)).then_some(false)
        };
        Self { expr: joined(truths, Expr::Or), known }
    }
}

fn joined(truths: Vec<Truth>, many: fn(Vec<Expr>) -> Expr) -> Expr {
    let mut terms: Vec<Expr> = truths.into_iter().map(|truth| truth.expr).collect();
    if terms.len() == 1 { terms.remove(0) } else { many(terms) }
}
