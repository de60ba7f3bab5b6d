//! Numbers of packets and results, with their alternatives.

use std::ops::RangeInclusive;

use crate::case::{Alt, Expr, Num, Term};

use super::cursor::Cursor;
use super::expr::{Names, expression, fields};
use super::report::{Fault, Parse};

/// Whether a packet is injected or expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Inject,
    Expect,
}

/// What a number must fit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits(pub(super) u32);

impl Bits {
    fn range(self) -> RangeInclusive<i64> {
        0..=(1_i64 << self.0) - 1
    }
}

/// A number with its alternatives; only a single exact one for what is injected.
pub(super) fn number(cursor: &mut Cursor<'_>, how: Use, bits: Bits, names: &mut dyn Names) -> Parse<Num> {
    cursor.skip_spaces();
    let start = cursor.position();
    let mut alternatives = vec![alternative(cursor, how, bits, names)?];
    while cursor.take_word("or") {
        alternatives.push(alternative(cursor, how, bits, names)?);
    }
    if how == Use::Inject && alternatives.len() > 1 {
        return Err(inexact(start, cursor.position(), "or"));
    }
    Ok(Num(alternatives))
}

fn inexact(start: usize, end: usize, what: &str) -> Fault {
    Fault::new(start..end, format!("{what} is for expectations; what is injected is exact"))
}

fn alternative(cursor: &mut Cursor<'_>, how: Use, bits: Bits, names: &mut dyn Names) -> Parse<Alt> {
    cursor.skip_spaces();
    let start = cursor.position();
    if cursor.take_word("any") {
        if how == Use::Inject {
            return Err(inexact(start, cursor.position(), "any"));
        }
        return Ok(Alt::Any);
    }
    if cursor.peek() == Some('$') {
        let term = Term::Computed(capture(cursor, names)?);
        let absolute = cursor.rest().starts_with('!') && cursor.take("!");
        return Ok(Alt::Is { term, absolute });
    }
    let low = fitting(cursor, bits)?;
    if cursor.rest().starts_with("..") && !cursor.rest().starts_with("...") {
        cursor.advance(2);
        let high = fitting(cursor, bits)?;
        let range = start..cursor.position();
        if how == Use::Inject {
            return Err(inexact(range.start, range.end, ".."));
        }
        if high < low {
            return Err(Fault::new(range, format!("empty range: {low} is after {high}")));
        }
        return Ok(Alt::Between(low, high));
    }
    let absolute = cursor.rest().starts_with('!');
    if absolute {
        cursor.advance(1);
    }
    Ok(Alt::Is { term: Term::Known(low), absolute })
}

fn fitting(cursor: &mut Cursor<'_>, bits: Bits) -> Parse<i64> {
    let (number, range) = cursor.int()?;
    if !bits.range().contains(&number) {
        return Err(Fault::new(range, format!("{number} does not fit {} bits", bits.0)));
    }
    Ok(number)
}

/// `$name.field` or `$(expression)`.
pub(super) fn capture(cursor: &mut Cursor<'_>, names: &mut dyn Names) -> Parse<Expr> {
    cursor.expect("$")?;
    if cursor.rest().starts_with('(') {
        cursor.advance(1);
        let expr = expression(cursor, names)?;
        cursor.expect(")")?;
        return Ok(expr);
    }
    let at = cursor.position();
    match cursor.word() {
        Some((word, range)) if range.start == at => {
            let (path, range) = fields(cursor, word, range);
            names.value(cursor.text(), &path, range)
        }
        _ => Err(Fault::new(at - 1..at, "a name must follow $").help("$$ is a dollar sign")),
    }
}

/// A number that must be one that is known.
pub(super) fn exact(cursor: &mut Cursor<'_>, bits: Bits) -> Parse<i64> {
    cursor.skip_spaces();
    fitting(cursor, bits)
}

/// `hex 00 ff10`, after the word.
pub(super) fn hex_digits(cursor: &mut Cursor<'_>) -> Parse<Vec<u8>> {
    cursor.skip_spaces();
    let start = cursor.position();
    let rest = cursor.rest();
    let length = rest.find(|c: char| !(c.is_ascii_hexdigit() || c == ' ')).unwrap_or(rest.len());
    let written = rest[..length].trim_end();
    cursor.advance(written.len());
    let range = start..start + written.len();
    let is_word = cursor.peek().is_some_and(|c| c.is_ascii_alphanumeric());
    // Without any digits the length that lies follows at once: FO len 3.
    if is_word && cursor.peek_word() != Some("len") {
        return Err(Fault::new(cursor.token_range(), "not a hex digit"));
    }
    let digits: Vec<u8> = written.bytes().filter(|byte| *byte != b' ').collect();
    if digits.len() % 2 == 1 {
        return Err(Fault::new(range, "hex bytes have two digits each"));
    }
    let value = |digit: u8| (digit as char).to_digit(16).unwrap_or(0) as u8;
    Ok(digits.chunks_exact(2).map(|pair| value(pair[0]) << 4 | value(pair[1])).collect())
}
