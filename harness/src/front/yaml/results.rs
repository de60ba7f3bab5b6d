//! What calls return, and what they give through pointers.

use crate::case::{
    Alt, DEFAULT_PORT, ERRNOS, Errno, Num, ResultSpec, Rules, Term, ValueSpec, constant, nearest,
};
use crate::time::Span;

use super::address::{self, Place};
use super::arguments::constants;
use super::cursor::{Cursor, Literal};
use super::expr::Names;
use super::lowerer::Lowerer;
use super::number::{Bits, Use, hex_digits, number};
use super::report::{Fault, Lowers, Parse, Reported};
use super::text::Text;
use super::tree::{Node, Value};

/// The value of `returns`.
pub(super) fn returns(text: &Text, names: &mut dyn Names) -> Parse<ResultSpec> {
    let mut cursor = Cursor::new(text);
    if text.as_str() == "any" {
        return Ok(ResultSpec::Any);
    }
    if cursor.take("-") {
        let spec = fails(&mut cursor)?;
        cursor.finish()?;
        return Ok(spec);
    }
    if let Some(word) = cursor.peek_word()
        && word.starts_with(|c: char| c.is_ascii_uppercase())
    {
        let range = cursor.token_range();
        if constant(word).is_none() {
            let shown = nearest(word, ERRNOS.iter().map(|(name, _)| *name));
            let help = shown.map(|name| format!("returns: -1 {name}"));
            let is_errno = Errno::from_name(word).is_some();
            let fault = Fault::new(
                range,
                "an error is written -1 EAGAIN".replace("EAGAIN", shown.unwrap_or("EAGAIN")),
            );
            return Err(if is_errno { fault } else { fault.help_opt(help) });
        }
        let bits = constants(&mut cursor)?;
        cursor.finish()?;
        return Ok(ResultSpec::Value(Num::exactly(bits)));
    }
    let value = number(&mut cursor, Use::Expect, Bits(62), names)?;
    cursor.finish()?;
    Ok(ResultSpec::Value(value))
}

/// `-1 EPIPE or ECONNRESET`, after the minus.
fn fails(cursor: &mut Cursor<'_>) -> Parse<ResultSpec> {
    let (number, range) = cursor.int()?;
    if number != 1 {
        return Err(Fault::new(range, format!("a call does not return -{number}"))
            .help("a failure is -1 and its errno"));
    }
    let mut errors = Vec::new();
    if cursor.at_end() {
        return Ok(ResultSpec::Fails(errors));
    }
    loop {
        let Some((word, range)) = cursor.word() else {
            return Err(cursor.unexpected("an errno").help("as in -1 EAGAIN"));
        };
        let Some(errno) = Errno::from_name(word) else {
            let near = nearest(word, ERRNOS.iter().map(|(name, _)| *name));
            return Err(Fault::new(range, format!("unknown errno \"{word}\""))
                .help_opt(near.map(|near| format!("did you mean {near}?"))));
        };
        errors.push(errno);
        if !cursor.take_word("or") {
            return Ok(ResultSpec::Fails(errors));
        }
    }
}

/// What a key of `gives` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Open,
    Address,
    Descriptor,
    Flags,
}

fn kind_of_key(key: &str) -> Kind {
    match key {
        "name" | "address" => Kind::Address,
        "fd" | "read" | "write" | "except" => Kind::Descriptor,
        "revents" | "events" | "flags" => Kind::Flags,
        _ => Kind::Open,
    }
}

fn kind_of_call(function: &str) -> Kind {
    match function {
        "accept" | "accept4" | "recvfrom" | "getsockname" | "getpeername" => Kind::Address,
        _ => Kind::Open,
    }
}

impl Lowerer<'_, '_> {
    /// The value of `gives`.
    pub(super) fn gives(&mut self, node: &Node, function: &str) -> Lowers<ValueSpec> {
        self.value_spec(node, kind_of_call(function))
    }

    fn value_spec(&mut self, node: &Node, kind: Kind) -> Lowers<ValueSpec> {
        match &node.value {
            Value::Scalar(text) => {
                let text = self.replaced(text)?;
                self.parse(&text, |this| this.scalar_spec(&text, kind))
            }
            Value::List(items) => {
                if let [first, rest] = items.as_slice()
                    && rest.text().is_some_and(|text| text.as_str() == "...")
                {
                    return self.value_spec(first, kind).map(|first| ValueSpec::First(Box::new(first)));
                }
                let items: Lowers<Vec<ValueSpec>> =
                    items.iter().map(|item| self.value_spec(item, kind)).collect();
                items.map(ValueSpec::List)
            }
            Value::Map(entries) => {
                let mut fields = Vec::new();
                let mut failed = false;
                for entry in entries {
                    match self.value_spec(&entry.node, kind_of_key(&entry.key)) {
                        Ok(value) => fields.push((entry.key.clone(), value)),
                        Err(Reported) => failed = true,
                    }
                }
                if failed { Err(Reported) } else { Ok(ValueSpec::Map(fields)) }
            }
        }
    }

    fn scalar_spec(&mut self, text: &Text, kind: Kind) -> Parse<ValueSpec> {
        let mut cursor = Cursor::new(text);
        let spec = match kind {
            Kind::Address => self.address_spec(&mut cursor)?,
            Kind::Descriptor => self.descriptor_spec(&mut cursor)?,
            Kind::Flags => flags_spec(&mut cursor)?,
            Kind::Open => self.open_spec(&mut cursor)?,
        };
        cursor.finish()?;
        Ok(spec)
    }

    /// `local:8080`, `local:32768..60999`, or the port alone.
    fn address_spec(&mut self, cursor: &mut Cursor<'_>) -> Parse<ValueSpec> {
        if cursor.at_number() {
            let (from, to) = address::ports(cursor)?;
            return Ok(ValueSpec::Address(None, from, to));
        }
        let ip = address::host(cursor, self.ip, Place::Call)?;
        let (from, to) = match address::colon(cursor) {
            true => address::ports(cursor)?,
            false => (DEFAULT_PORT, DEFAULT_PORT),
        };
        Ok(ValueSpec::Address(Some(ip), from, to))
    }

    fn descriptor_spec(&mut self, cursor: &mut Cursor<'_>) -> Parse<ValueSpec> {
        let Some((word, range)) = cursor.word() else {
            return Err(cursor.unexpected("a descriptor"));
        };
        let (_, range) = super::expr::fields(cursor, word, range);
        let id = self.descriptor(cursor.text(), range);
        Ok(ValueSpec::Descriptor(id))
    }

    /// A value whose kind only the option or field decides that it belongs to.
    fn open_spec(&mut self, cursor: &mut Cursor<'_>) -> Parse<ValueSpec> {
        cursor.skip_spaces();
        match cursor.peek() {
            Some('"') => return self.address_spec(cursor),
            Some(c) if c.is_ascii_digit() => return self.number_or_time(cursor),
            Some('$') => return number(cursor, Use::Expect, Bits(62), self).map(ValueSpec::Int),
            Some('-') => {
                cursor.advance(1);
                let (value, _) = cursor.int()?;
                return Ok(ValueSpec::Int(Num::exactly(-value)));
            }
            _ => {}
        }
        let Some(word) = cursor.peek_word() else {
            return Err(cursor.unexpected("a value"));
        };
        if word == "any" && cursor.clone().rest().trim() == "any" {
            cursor.word();
            return Ok(ValueSpec::Any);
        }
        if word == "at" {
            cursor.word();
            return self.moment(cursor);
        }
        if word == "hex" {
            cursor.word();
            return hex_digits(cursor).map(ValueSpec::Bytes);
        }
        if word == "text" {
            cursor.word();
            let rest = cursor.rest();
            cursor.advance(rest.len());
            let bytes = rest.strip_prefix(' ').unwrap_or(rest).as_bytes();
            return Ok(ValueSpec::Bytes(bytes.to_vec()));
        }
        if let Some(errno) = Errno::from_name(word) {
            cursor.word();
            return Ok(ValueSpec::Int(Num::exactly(i64::from(errno.0))));
        }
        if word.starts_with(|c: char| c.is_ascii_uppercase()) {
            return constant_spec(cursor, word);
        }
        if address::named(word, self.ip, Place::Call).is_some() {
            return self.address_spec(cursor);
        }
        self.descriptor_spec(cursor)
    }

    /// `at 10ms`: so long after time 0. A script's own tolerance counts.
    fn moment(&self, cursor: &mut Cursor<'_>) -> Parse<ValueSpec> {
        let (at, _) = cursor.time()?;
        let tolerance = match self.rules {
            Rules::Packetdrill(rules) => rules.tolerance,
            Rules::Native => Span::ZERO,
        };
        Ok(ValueSpec::Moment(at, tolerance))
    }

    fn number_or_time(&mut self, cursor: &mut Cursor<'_>) -> Parse<ValueSpec> {
        let mut ahead = cursor.clone();
        let (first, _) = ahead.literal()?;
        let second = if ahead.rest().starts_with("..") {
            ahead.advance(2);
            Some(ahead.literal()?.0)
        } else {
            None
        };
        if matches!(first, Literal::Time(_)) || matches!(second, Some(Literal::Time(_))) {
            let start = cursor.position();
            let (low, _) = cursor.time()?;
            let high = if cursor.take("..") { cursor.time()?.0 } else { low };
            if high < low {
                let range = start..cursor.position();
                return Err(Fault::new(range, format!("empty range: {low} is after {high}")));
            }
            return Ok(ValueSpec::Time(low, high));
        }
        number(cursor, Use::Expect, Bits(62), self).map(ValueSpec::Int)
    }
}

/// A single constant is a number; joined ones are flags.
fn constant_spec(cursor: &mut Cursor<'_>, word: &str) -> Parse<ValueSpec> {
    let joined = cursor.rest().contains('|');
    if !joined {
        if constant(word).is_none() {
            let range = cursor.token_range();
            let near = nearest(word, ERRNOS.iter().map(|(name, _)| *name));
            if let Some(near) = near.filter(|_| word.starts_with('E')) {
                return Err(Fault::new(range, format!("unknown errno \"{word}\""))
                    .help(format!("did you mean {near}?")));
            }
        }
        let value = constants(cursor)?;
        return Ok(ValueSpec::Int(Num(vec![Alt::Is { term: Term::Known(value), absolute: false }])));
    }
    flags_spec(cursor)
}

/// `POLLIN|POLLHUP` exactly, `POLLIN|...` and perhaps more.
fn flags_spec(cursor: &mut Cursor<'_>) -> Parse<ValueSpec> {
    cursor.skip_spaces();
    if cursor.peek() == Some('$') {
        return Err(cursor.unexpected("flags"));
    }
    if cursor.take("-") {
        let (number, _) = cursor.int()?;
        return Ok(ValueSpec::Flags { bits: -number, more: false });
    }
    let bits = constants(cursor)?;
    let more = cursor.take("|...");
    Ok(ValueSpec::Flags { bits, more })
}
