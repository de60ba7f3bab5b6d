//! Reads a notation from left to right.

use std::ops::Range;

use crate::time::Span;

use super::report::{Fault, Parse};
use super::text::Text;

/// A place in a text.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'t> {
    text: &'t Text,
    at: usize,
    end: usize,
}

/// A number or a time, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    Int(i64),
    Time(Span),
}

impl<'t> Cursor<'t> {
    /// At the start of a text.
    pub(super) fn new(text: &'t Text) -> Self {
        Self::within(text, 0..text.as_str().len())
    }

    /// At the start of a stretch of a text.
    pub(super) fn within(text: &'t Text, range: Range<usize>) -> Self {
        Self { text, at: range.start, end: range.end }
    }

    pub(super) fn text(&self) -> &'t Text {
        self.text
    }

    /// The byte it stands at.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn seek(&mut self, at: usize) {
        self.at = at;
    }

    pub(super) fn end(&self) -> usize {
        self.end
    }

    /// What is still to come.
    pub(super) fn rest(&self) -> &'t str {
        &self.text.as_str()[self.at..self.end]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn advance(&mut self, bytes: usize) {
        self.at = (self.at + bytes).min(self.end);
    }

    pub(super) fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.advance(rest.len() - rest.trim_start().len());
    }

    /// Whether only blanks are left.
    pub(super) fn at_end(&mut self) -> bool {
        self.skip_spaces();
        self.rest().is_empty()
    }

    /// Skips blanks, then takes `sign` if it comes next.
    pub(super) fn take(&mut self, sign: &str) -> bool {
        self.skip_spaces();
        let found = self.rest().starts_with(sign);
        if found {
            self.advance(sign.len());
        }
        found
    }

    /// Skips blanks, then takes `sign`; an error if something else comes.
    pub(super) fn expect(&mut self, sign: &str) -> Parse<()> {
        if self.take(sign) {
            return Ok(());
        }
        Err(self.unexpected(&format!("\"{sign}\"")))
    }

    /// What comes next is not what belongs here.
    pub(super) fn unexpected(&mut self, wanted: &str) -> Fault {
        self.skip_spaces();
        let range = self.token_range();
        if range.is_empty() {
            return Fault::new(range, format!("{wanted} is missing"));
        }
        let found = &self.text.as_str()[range.clone()];
        Fault::new(range, format!("{wanted} expected, not \"{found}\""))
    }

    /// The run of characters up to the next blank, comma or bracket; one character if that is empty.
    pub(super) fn token_range(&self) -> Range<usize> {
        let rest = self.rest();
        let stops = |c: char| c.is_whitespace() || ",()[]{}<>".contains(c);
        let length = rest.find(stops).unwrap_or(rest.len());
        let length = if length == 0 { rest.chars().next().map_or(0, char::len_utf8) } else { length };
        self.at..self.at + length
    }

    /// Everything must have been read.
    pub(super) fn finish(&mut self) -> Parse<()> {
        if self.at_end() {
            return Ok(());
        }
        let start = self.at;
        let end = start + self.rest().trim_end().len();
        let found = shorten(&self.text.as_str()[start..end]);
        Err(Fault::new(start..end, format!("unexpected \"{found}\"")))
    }

    /// A word: letters, digits and `_`, starting with a letter or `_`. Blanks before it are skipped.
    pub(super) fn word(&mut self) -> Option<(&'t str, Range<usize>)> {
        self.skip_spaces();
        let rest = self.rest();
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return None;
        }
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let range = self.at..self.at + length;
        self.advance(length);
        Some((&rest[..length], range))
    }

    /// Looks at the next word without taking it.
    pub(super) fn peek_word(&self) -> Option<&'t str> {
        self.clone().word().map(|(word, _)| word)
    }

    /// Takes this word if it comes next.
    pub(super) fn take_word(&mut self, wanted: &str) -> bool {
        let found = self.peek_word() == Some(wanted);
        if found {
            self.word();
        }
        found
    }

    /// Whether a number or time comes next.
    pub(super) fn at_number(&mut self) -> bool {
        self.skip_spaces();
        self.peek().is_some_and(|c| c.is_ascii_digit())
    }

    /// A number or a time.
    pub(super) fn literal(&mut self) -> Parse<(Literal, Range<usize>)> {
        self.skip_spaces();
        let rest = self.rest();
        let bytes = rest.as_bytes();
        if !bytes.first().is_some_and(u8::is_ascii_digit) {
            return Err(self.unexpected("a number"));
        }
        let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut length = digits(0);
        if bytes.get(length) == Some(&b'.') && bytes.get(length + 1).is_some_and(u8::is_ascii_digit) {
            length += 1 + digits(length + 1);
        }
        length +=
            bytes[length..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let range = self.at..self.at + length;
        let literal = read_literal(&rest[..length], range.clone())?;
        self.advance(length);
        Ok((literal, range))
    }

    /// A number without a unit.
    pub(super) fn int(&mut self) -> Parse<(i64, Range<usize>)> {
        match self.literal()? {
            (Literal::Int(number), range) => Ok((number, range)),
            (Literal::Time(_), range) => Err(Fault::new(range, "a number here has no unit")),
        }
    }

    /// A time.
    pub(super) fn time(&mut self) -> Parse<(Span, Range<usize>)> {
        match self.literal()? {
            (Literal::Time(span), range) => Ok((span, range)),
            (Literal::Int(0), range) => Ok((Span::ZERO, range)),
            (Literal::Int(number), range) => {
                Err(Fault::new(range, "a time needs a unit").help(format!("{number}ms or {number}s?")))
            }
        }
    }
}

/// Text for a message, not too long.
pub(super) fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}

/// Nanoseconds of each unit.
const UNITS: [(&str, i64); 6] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

fn read_literal(text: &str, range: Range<usize>) -> Parse<Literal> {
    let neither =
        || Fault::new(range.clone(), format!("\"{}\" is neither a number nor a time", shorten(text)));
    let too_large = || Fault::new(range.clone(), format!("{} is too large", shorten(text)));
    if let Some(hex) = text.strip_prefix("0x") {
        if hex.is_empty() || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(neither());
        }
        return i64::from_str_radix(hex, 16).map(Literal::Int).map_err(|_| too_large());
    }
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (whole, rest) = text.split_at(digits);
    if whole.len() > 1 && whole.starts_with('0') {
        let plain = whole.trim_start_matches('0');
        let plain = if plain.is_empty() { "0" } else { plain };
        return Err(
            Fault::new(range, "a number does not start with 0").help(format!("{plain}, or 0x{plain}"))
        );
    }
    if rest.is_empty() {
        return whole.parse().map(Literal::Int).map_err(|_| too_large());
    }
    let (fraction, unit) = match rest.strip_prefix('.') {
        Some(rest) => {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            rest.split_at(digits)
        }
        None => ("", rest),
    };
    let Some((_, nanos)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(neither());
    };
    let mut total =
        whole.parse::<i64>().ok().and_then(|whole| whole.checked_mul(*nanos)).ok_or_else(too_large)?;
    let mut scale = *nanos;
    for digit in fraction.bytes() {
        if scale % 10 != 0 {
            return Err(Fault::new(range, "finer than a nanosecond"));
        }
        scale /= 10;
        total = total.checked_add(i64::from(digit - b'0') * scale).ok_or_else(too_large)?;
    }
    Ok(Literal::Time(Span(total)))
}

/// A time as a case writes it, without loss.
pub(super) fn exact_time(span: Span) -> String {
    if span.0 == 0 {
        return "0".to_owned();
    }
    let (name, nanos) = UNITS
        .iter()
        .rev()
        .filter(|(name, _)| !["h", "min"].contains(name))
        .find(|(_, nanos)| span.0 % nanos == 0)
        .copied()
        .unwrap_or(("ns", 1));
    format!("{}{name}", span.0 / nanos)
}
