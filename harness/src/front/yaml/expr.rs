//! Expressions.

use std::ops::Range;

use crate::case::{BinaryOp, CompareOp, Expr, constant, nearest};

use super::cursor::{Cursor, Literal};
use super::report::{Fault, Parse};
use super::text::Text;
use super::types::{may_combine, may_compare};

/// How deep brackets may lie in each other.
const DEEPEST: usize = 48;

/// States of a connection, as an `assert` names them.
pub(super) const STATES: [&str; 11] = [
    "LISTEN",
    "SYN_SENT",
    "SYN_RECV",
    "ESTABLISHED",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "CLOSING",
    "TIME_WAIT",
    "CLOSE_WAIT",
    "LAST_ACK",
    "CLOSED",
];

/// What names in an expression stand for.
pub(super) trait Names {
    /// The meaning of a name with its fields.
    fn value(&mut self, text: &Text, path: &[&str], range: Range<usize>) -> Parse<Expr>;
}

/// Reads an expression; stops where it cannot go on.
pub(super) fn expression(cursor: &mut Cursor<'_>, names: &mut dyn Names) -> Parse<Expr> {
    Reader { cursor, names, depth: 0 }.or()
}

struct Reader<'c, 't, 'n> {
    cursor: &'c mut Cursor<'t>,
    names: &'n mut dyn Names,
    depth: usize,
}

impl Reader<'_, '_, '_> {
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth >= DEEPEST {
            let at = self.cursor.position();
            return Err(Fault::new(at..at, "expression nested too deep"));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn or(&mut self) -> Parse<Expr> {
        let mut terms = vec![self.and()?];
        while self.cursor.take_word("or") {
            terms.push(self.and()?);
        }
        Ok(single(terms, Expr::Or))
    }

    fn and(&mut self) -> Parse<Expr> {
        let mut terms = vec![self.not()?];
        while self.cursor.take_word("and") {
            terms.push(self.not()?);
        }
        Ok(single(terms, Expr::And))
    }

    fn not(&mut self) -> Parse<Expr> {
        if self.cursor.take_word("not") {
            let inner = self.deeper(Self::not)?;
            return Ok(Expr::Not(Box::new(inner)));
        }
        self.compare()
    }

    fn compare(&mut self) -> Parse<Expr> {
        self.cursor.skip_spaces();
        let mut start = self.cursor.position();
        let first = self.bits()?;
        let mut rest: Vec<(CompareOp, Expr)> = Vec::new();
        while let Some(op) = self.compare_op() {
            self.cursor.skip_spaces();
            let next = self.cursor.position();
            let right = self.bits()?;
            let left = rest.last().map_or(&first, |(_, left)| left);
            may_compare(left, &right, start..self.cursor.position())?;
            start = next;
            rest.push((op, right));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(Expr::Compare(Box::new(first), rest))
    }

    fn compare_op(&mut self) -> Option<CompareOp> {
        self.operator(&[
            ("==", CompareOp::Eq),
            ("!=", CompareOp::Ne),
            ("<=", CompareOp::Le),
            (">=", CompareOp::Ge),
            ("<", CompareOp::Lt),
            (">", CompareOp::Gt),
        ])
    }

    fn operator<T: Copy>(&mut self, operators: &[(&str, T)]) -> Option<T> {
        self.cursor.skip_spaces();
        let rest = self.cursor.rest();
        let (sign, op) = operators.iter().find(|(sign, _)| rest.starts_with(sign))?;
        self.cursor.advance(sign.len());
        Some(*op)
    }

    fn bits(&mut self) -> Parse<Expr> {
        let operators =
            [("&", BinaryOp::BitAnd), ("|", BinaryOp::BitOr), ("<<", BinaryOp::Shl), (">>", BinaryOp::Shr)];
        self.binary(&operators, Self::sum)
    }

    fn sum(&mut self) -> Parse<Expr> {
        self.binary(&[("+", BinaryOp::Add), ("-", BinaryOp::Sub)], Self::term)
    }

    fn term(&mut self) -> Parse<Expr> {
        let operators = [("*", BinaryOp::Mul), ("/", BinaryOp::Div), ("%", BinaryOp::Rem)];
        self.binary(&operators, Self::unary)
    }

    fn binary(
        &mut self,
        operators: &[(&str, BinaryOp)],
        operand: fn(&mut Self) -> Parse<Expr>,
    ) -> Parse<Expr> {
        self.cursor.skip_spaces();
        let start = self.cursor.position();
        let mut left = operand(self)?;
        let mut length = 0;
        while let Some(op) = self.operator(operators) {
            length += 1;
            if length > 10 * DEEPEST {
                let at = self.cursor.position();
                return Err(Fault::new(at..at, "expression too long"));
            }
            let right = operand(self)?;
            may_combine(op, &left, &right, start..self.cursor.position())?;
            left = Expr::Binary(op, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parse<Expr> {
        if self.cursor.take("-") {
            let inner = self.deeper(Self::unary)?;
            return Ok(match inner {
                Expr::Int(number) => Expr::Int(number.wrapping_neg()),
                other => Expr::Negative(Box::new(other)),
            });
        }
        self.atom()
    }

    fn atom(&mut self) -> Parse<Expr> {
        if self.cursor.take("(") {
            let inner = self.deeper(Self::or)?;
            self.cursor.expect(")")?;
            return Ok(inner);
        }
        if self.cursor.at_number() {
            let (literal, _) = self.cursor.literal()?;
            return Ok(match literal {
                Literal::Int(number) => Expr::Int(number),
                Literal::Time(span) => Expr::Time(span),
            });
        }
        let Some((word, range)) = self.cursor.word() else {
            let fault = self.cursor.unexpected("a number or name");
            return Err(match self.cursor.peek() {
                Some('$') => fault.help("names in an expression are written without $"),
                _ => fault,
            });
        };
        if ["min", "max"].contains(&word) && self.cursor.take("(") {
            let left = self.deeper(Self::or)?;
            self.cursor.expect(",")?;
            let right = self.deeper(Self::or)?;
            self.cursor.expect(")")?;
            let (left, right) = (Box::new(left), Box::new(right));
            return Ok(if word == "min" { Expr::Min(left, right) } else { Expr::Max(left, right) });
        }
        if word.starts_with(|c: char| c.is_ascii_uppercase()) {
            return symbol(word, range);
        }
        let (path, range) = fields(self.cursor, word, range);
        self.names.value(self.cursor.text(), &path, range)
    }
}

/// The fields after a name: `.tcpi_rtt`. Two dots are a range, not a field.
pub(super) fn fields<'t>(
    cursor: &mut Cursor<'t>,
    first: &'t str,
    range: Range<usize>,
) -> (Vec<&'t str>, Range<usize>) {
    let (mut path, mut range) = (vec![first], range);
    loop {
        let mut ahead = cursor.clone();
        if !ahead.rest().starts_with('.') || ahead.rest().starts_with("..") {
            return (path, range);
        }
        ahead.advance(1);
        let joined = ahead.rest().starts_with(|c: char| c.is_ascii_alphabetic());
        match ahead.word() {
            Some((word, at)) if joined => {
                path.push(word);
                range.end = at.end;
                *cursor = ahead;
            }
            _ => return (path, range),
        }
    }
}

fn symbol(word: &str, range: Range<usize>) -> Parse<Expr> {
    if STATES.contains(&word) {
        return Ok(Expr::Symbol(word.to_owned()));
    }
    if let Some(number) = constant(word) {
        return Ok(Expr::Int(number));
    }
    let near = nearest(word, STATES).map(|near| format!("did you mean {near}?"));
    Err(Fault::new(range, format!("unknown state \"{word}\""))
        .help(format!("one of {}", STATES.join(", ")))
        .help_opt(near))
}

fn single(mut terms: Vec<Expr>, many: fn(Vec<Expr>) -> Expr) -> Expr {
    match terms.len() {
        1 => terms.remove(0),
        _ => many(terms),
    }
}
