//! Arguments of calls, as written.

use std::net::SocketAddr;
use std::ops::Range;

use crate::case::{CONSTANTS, Expr, IpVersion, constant, nearest};
use crate::time::Span;

use super::address::{self, Place};
use super::cursor::{Cursor, Literal};
use super::expr::Names;
use super::number::{capture, hex_digits};
use super::report::{Fault, Parse};

/// How deep lists and maps may lie in each other.
const DEEPEST: usize = 8;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Argument {
    pub(super) value: Written,
    pub(super) range: Range<usize>,
}

/// What was written.
#[derive(Clone, Debug)]
pub(super) enum Written {
    Int(i64),
    Time(Span),
    /// Constants joined by `|`: their bits.
    Bits(i64),
    Null,
    /// A descriptor, or `sa.l`.
    Word(String),
    Address(SocketAddr),
    Text(String),
    Bytes(Vec<u8>),
    Computed(Expr),
    Map(Vec<(String, Argument)>),
    List(Vec<Argument>),
}

/// What belongs to a call's arguments.
pub(super) struct Context<'n> {
    pub(super) ip: IpVersion,
    pub(super) names: &'n mut dyn Names,
}

/// A call: names for what it returns, function, arguments with the names of those that lie.
#[derive(Clone, Debug)]
pub(super) struct CallText {
    pub(super) binds: Vec<Range<usize>>,
    pub(super) function: Range<usize>,
    pub(super) arguments: Vec<Argument>,
    pub(super) named: Vec<(Range<usize>, Argument)>,
}

/// Reads a call to its end.
pub(super) fn call(cursor: &mut Cursor<'_>, context: &mut Context<'_>) -> Parse<CallText> {
    let binds = bindings(cursor)?;
    let Some((_, function)) = cursor.word() else {
        return Err(cursor.unexpected("a call").help("as in read(s, 1000)"));
    };
    let mut out = CallText { binds, function, arguments: Vec::new(), named: Vec::new() };
    cursor.expect("(")?;
    if !cursor.take(")") {
        loop {
            let mut ahead = cursor.clone();
            match (ahead.word(), ahead.take("=")) {
                (Some((_, name)), true) => {
                    *cursor = ahead;
                    out.named.push((name, argument(cursor, context, 0)?));
                }
                _ => out.arguments.push(argument(cursor, context, 0)?),
            }
            if cursor.take(")") {
                break;
            }
            cursor.expect(",")?;
        }
    }
    cursor.finish().map_err(|fault| match cursor.peek() {
        Some('=') => fault.help("what it returns is a key of its own: returns: 10"),
        _ => fault,
    })?;
    Ok(out)
}

/// `name, name =` before the function.
fn bindings(cursor: &mut Cursor<'_>) -> Parse<Vec<Range<usize>>> {
    let mut ahead = cursor.clone();
    let mut names = Vec::new();
    loop {
        let Some((name, range)) = ahead.word() else {
            return Ok(Vec::new());
        };
        names.push((name, range));
        if ahead.take("=") {
            break;
        }
        if !ahead.take(",") {
            return Ok(Vec::new());
        }
    }
    *cursor = ahead;
    for (name, range) in &names {
        if !super::shape::is_name(name, false) {
            return Err(Fault::new(range.clone(), format!("\"{name}\" is not a name"))
                .help("a to z, digits and _, a letter first"));
        }
    }
    Ok(names.into_iter().map(|(_, range)| range).collect())
}

fn argument(cursor: &mut Cursor<'_>, context: &mut Context<'_>, depth: usize) -> Parse<Argument> {
    cursor.skip_spaces();
    let start = cursor.position();
    if depth > DEEPEST {
        return Err(Fault::new(start..start, "nested too deep"));
    }
    let value = match cursor.peek() {
        Some('{') => Written::Map(fields(cursor, context, depth)?),
        Some('[') => Written::List(list(cursor, context, depth)?),
        Some('"') => text(cursor, context)?,
        Some('$') => Written::Computed(capture(cursor, context.names)?),
        Some('-') => {
            cursor.advance(1);
            Written::Int(-cursor.int()?.0)
        }
        Some(c) if c.is_ascii_digit() => match cursor.literal()?.0 {
            Literal::Int(number) => Written::Int(number),
            Literal::Time(span) => Written::Time(span),
        },
        _ => word(cursor, context)?,
    };
    Ok(Argument { value, range: start..cursor.position() })
}

fn word(cursor: &mut Cursor<'_>, context: &Context<'_>) -> Parse<Written> {
    let mut ahead = cursor.clone();
    let Some((word, range)) = ahead.word() else {
        return Err(cursor.unexpected("an argument"));
    };
    if word == "NULL" {
        *cursor = ahead;
        return Ok(Written::Null);
    }
    if word.starts_with(|c: char| c.is_ascii_uppercase()) {
        return constants(cursor).map(Written::Bits);
    }
    if word == "af" {
        *cursor = ahead;
        return Ok(Written::Int(context.ip.af()));
    }
    if word == "hex" {
        *cursor = ahead;
        return hex_digits(cursor).map(Written::Bytes);
    }
    if ahead.rest().starts_with(':') || address::named(word, context.ip, Place::Call).is_some() {
        let (address, _) = address::address(cursor, context.ip, Place::Call)?;
        return Ok(Written::Address(address));
    }
    let (path, _) = super::expr::fields(&mut ahead, word, range);
    *cursor = ahead;
    Ok(Written::Word(path.join(".")))
}

/// Constants joined by `|`, as bits.
pub(super) fn constants(cursor: &mut Cursor<'_>) -> Parse<i64> {
    let mut bits = 0;
    loop {
        let Some((word, range)) = cursor.word() else {
            if cursor.at_number() {
                bits |= cursor.int()?.0;
                if cursor.take("|") {
                    continue;
                }
                return Ok(bits);
            }
            return Err(cursor.unexpected("a constant"));
        };
        let Some(value) = constant(word) else {
            return Err(unknown_constant(word, range));
        };
        bits |= value;
        cursor.skip_spaces();
        if cursor.rest().starts_with("|...") || !cursor.take("|") {
            return Ok(bits);
        }
    }
}

fn unknown_constant(word: &str, range: Range<usize>) -> Fault {
    let names = || CONSTANTS.iter().map(|(name, _)| *name);
    let help = nearest(word, names()).map(|near| format!("did you mean {near}?")).or_else(|| {
        let family = &word[..=word.find('_')?];
        let known: Vec<&str> = names().filter(|name| name.starts_with(family)).collect();
        (!known.is_empty()).then(|| format!("one of {}", known.join(", ")))
    });
    Fault::new(range, format!("unknown constant \"{word}\"")).help_opt(help)
}

/// A text in quotes: an address where it is one with or without port, else characters.
fn text(cursor: &mut Cursor<'_>, context: &Context<'_>) -> Parse<Written> {
    let mut ahead = cursor.clone();
    if let Ok((address, _)) = address::address(&mut ahead, context.ip, Place::Call) {
        *cursor = ahead;
        return Ok(Written::Address(address));
    }
    let start = cursor.position();
    let inner = &cursor.rest()[1..];
    let Some(length) = inner.find('"') else {
        return Err(Fault::new(start..cursor.end(), "the quotes are not closed"));
    };
    if inner[length + 1..].starts_with(':') {
        // Only an address has a port.
        address::address(cursor, context.ip, Place::Call)?;
    }
    cursor.advance(length + 2);
    Ok(Written::Text(inner[..length].to_owned()))
}

fn fields(
    cursor: &mut Cursor<'_>,
    context: &mut Context<'_>,
    depth: usize,
) -> Parse<Vec<(String, Argument)>> {
    cursor.expect("{")?;
    let mut out: Vec<(String, Argument)> = Vec::new();
    if cursor.take("}") {
        return Ok(out);
    }
    loop {
        let Some((name, range)) = cursor.word() else {
            return Err(cursor.unexpected("name=value"));
        };
        if out.iter().any(|(known, _)| known == name) {
            return Err(Fault::new(range, format!("\"{name}\" given twice")));
        }
        cursor.expect("=")?;
        out.push((name.to_owned(), argument(cursor, context, depth + 1)?));
        if cursor.take("}") {
            return Ok(out);
        }
        cursor.expect(",")?;
    }
}

fn list(cursor: &mut Cursor<'_>, context: &mut Context<'_>, depth: usize) -> Parse<Vec<Argument>> {
    cursor.expect("[")?;
    let mut out = Vec::new();
    if cursor.take("]") {
        return Ok(out);
    }
    loop {
        out.push(argument(cursor, context, depth + 1)?);
        if cursor.take("]") {
            return Ok(out);
        }
        cursor.expect(",")?;
    }
}
