//! Types of expressions.

use std::ops::Range;

use crate::case::{BinaryOp, Expr, FieldKind, Place, descriptor_field, flow_field};
use crate::time::Span;

use super::report::{Fault, Parse};

/// What an expression is. Unknown: what a call gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Int,
    Time,
    State,
    Truth,
    Unknown,
}

impl Type {
    fn named(self) -> &'static str {
        match self {
            Self::Int => "an integer",
            Self::Time => "a time",
            Self::State => "a state",
            Self::Truth => "a truth",
            Self::Unknown => "a value",
        }
    }
}

fn of_field(kind: Option<FieldKind>) -> Type {
    match kind {
        Some(FieldKind::Integer) => Type::Int,
        Some(FieldKind::Micros | FieldKind::Millis) => Type::Time,
        Some(FieldKind::State) => Type::State,
        None => Type::Unknown,
    }
}

fn of_place(place: &Place) -> Type {
    match place {
        Place::Captured { path, .. } => match path.last().map(String::as_str) {
            Some("time") if path.len() == 1 => Type::Time,
            Some(_) if path.len() == 1 && path[0] != "value" => Type::Int,
            // What an assertion looked at; what a call gave has no such names.
            Some(field) if path[0] != "value" => of_field(descriptor_field(field)),
            _ => Type::Unknown,
        },
        Place::Descriptor { field, .. } => of_field(descriptor_field(field)),
        Place::Flow { field, .. } => of_field(flow_field(field)),
        Place::Counter(_) | Place::Command { .. } => Type::Int,
    }
}

fn of(expr: &Expr) -> Type {
    match expr {
        Expr::Int(_) => Type::Int,
        Expr::Time(_) => Type::Time,
        Expr::Symbol(_) => Type::State,
        Expr::Place(place) => of_place(place),
        Expr::Compare(..) | Expr::And(_) | Expr::Or(_) | Expr::Not(_) => Type::Truth,
        Expr::Negative(inner) => of(inner),
        Expr::Min(left, _) | Expr::Max(left, _) => of(left),
        Expr::Binary(op, left, right) => match (op, of(left), of(right)) {
            (BinaryOp::Div, Type::Time, Type::Time) => Type::Int,
            (_, Type::Time, _) | (BinaryOp::Mul, _, Type::Time) => Type::Time,
            (_, Type::Unknown, _) | (_, _, Type::Unknown) => Type::Unknown,
            _ => Type::Int,
        },
    }
}

/// Both sides of a comparison are of one type.
pub(super) fn may_compare(left: &Expr, right: &Expr, range: Range<usize>) -> Parse<()> {
    let (a, b) = (of(left), of(right));
    if a == b || a == Type::Unknown || b == Type::Unknown {
        return Ok(());
    }
    let (time, other) = if b == Type::Time { (right, left) } else { (left, right) };
    let zero = |expr: &Expr| matches!(expr, Expr::Int(0));
    if of(time) == Type::Time && zero(other) {
        return Ok(());
    }
    let (first, second) = if b == Type::Time { (b, a) } else { (a, b) };
    let fault = Fault::new(range, format!("{} compared with {}", first.named(), second.named()));
    Err(fault.help_opt(as_time(time, other)))
}

/// The integer that was meant as a time.
fn as_time(time: &Expr, other: &Expr) -> Option<String> {
    let Expr::Int(number) = other else {
        return None;
    };
    let (name, kind) = match time {
        Expr::Place(Place::Descriptor { field, .. }) => (field.clone(), descriptor_field(field)),
        Expr::Place(place) => (place.to_string(), None),
        _ => return None,
    };
    Some(match kind {
        Some(FieldKind::Micros) => format!("{name} is a time: {}", Span::micros(*number)),
        Some(FieldKind::Millis) => format!("{name} is a time: {}", Span::millis(*number)),
        _ => format!("{name} is a time: {number}ms or {number}s?"),
    })
}

/// The operands of arithmetic go together.
pub(super) fn may_combine(op: BinaryOp, left: &Expr, right: &Expr, range: Range<usize>) -> Parse<()> {
    let (a, b) = (of(left), of(right));
    let fine = match (a, b) {
        (Type::Unknown, _) | (_, Type::Unknown) | (Type::Int, Type::Int) => true,
        (Type::Time, Type::Time) => matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Div),
        (Type::Time, Type::Int) => matches!(op, BinaryOp::Mul | BinaryOp::Div | BinaryOp::Shl),
        (Type::Int, Type::Time) => op == BinaryOp::Mul,
        _ => false,
    };
    if fine {
        return Ok(());
    }
    let text = format!("{} {op} {} has no meaning", a.named(), b.named());
    Err(Fault::new(range, text))
}

/// An `assert` needs a truth.
pub(super) fn must_be_truth(expr: &Expr, range: Range<usize>) -> Parse<()> {
    match of(expr) {
        Type::Truth => Ok(()),
        other => Err(Fault::new(range, format!("assert needs a truth, this is {}", other.named()))
            .help("compare it: ... == ...")),
    }
}
