//! `$name` and `$(..)`: replaced by texts known in advance before a value's notation is read, once.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::case::{Expr, Location, Place};

use super::cursor::{Cursor, Literal, exact_time};
use super::expr::{Names, expression};
use super::fold::{NoValue, fold};
use super::report::{Fault, Parse};
use super::text::Text;

/// Texts by name.
pub(super) type Environment = BTreeMap<String, Text>;

/// Texts longer than this after replacement are refused.
const LONGEST: usize = 1 << 20;

/// A value's text with every known name replaced. Names that are left belong to captured values.
pub(super) fn replace(text: &Text, known: &Environment, level: usize) -> Parse<Text> {
    let source = text.as_str();
    let own = |range: Range<usize>| text.slice(range).at_level(level);
    let mut out = Text::empty(text.whole());
    let mut done = 0;
    while let Some(offset) = source[done..].find('$') {
        let at = done + offset;
        append_all(&mut out, &own(done..at));
        let rest = &source[at + 1..];
        if rest.starts_with('$') {
            append_all(&mut out, &own(at..at + 1));
            done = at + 2;
        } else if rest.starts_with('(') {
            done = computed(text, at, known, level, &mut out)?;
        } else if let Some(name) = longest_name(rest, |name| known.contains_key(name)) {
            done = at + 1 + name.len();
            out.append_via(&known[name], text.at(at..done));
        } else {
            append_all(&mut out, &own(at..at + 1));
            done = at + 1;
        }
        if out.as_str().len() > LONGEST {
            return Err(Fault::new(at..done, "the text is over 1 MiB after replacement"));
        }
    }
    append_all(&mut out, &own(done..source.len()));
    Ok(out)
}

fn append_all(out: &mut Text, piece: &Text) {
    out.append(piece, 0..piece.as_str().len());
}

/// The longest name there is at the start of a text.
pub(super) fn longest_name(rest: &str, known: impl Fn(&str) -> bool) -> Option<&str> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len()).min(256);
    let word_ends = |length: usize| {
        // A name ends at a word's end, but for the `-` that names may contain.
        let next = rest[length..].chars().next();
        next.is_none_or(|c| !(c.is_ascii_alphanumeric() || c == '_'))
    };
    (1..=end).rev().filter(|length| word_ends(*length)).map(|length| &rest[..length]).find(|name| known(name))
}

/// Names of an expression that are texts of numbers and times.
struct Known<'e> {
    known: &'e Environment,
    /// Names that mean something later.
    later: Vec<Range<usize>>,
    /// Names found, where, and what they stand for.
    found: Vec<(Range<usize>, String)>,
}

impl Names for Known<'_> {
    fn value(&mut self, _: &Text, path: &[&str], range: Range<usize>) -> Parse<Expr> {
        if let ([name], Some(text)) = (path, self.known.get(path[0])) {
            let mut cursor = Cursor::new(text);
            let negative = cursor.take("-");
            if let Ok((literal, _)) = cursor.literal()
                && cursor.at_end()
            {
                self.found.push((range, known_text(self.known, name)));
                return Ok(match (literal, negative) {
                    (Literal::Int(number), false) => Expr::Int(number),
                    (Literal::Int(number), true) => Expr::Int(-number),
                    (Literal::Time(span), false) => Expr::Time(span),
                    (Literal::Time(span), true) => Expr::Time(-span),
                });
            }
            return Err(Fault::new(range, format!("{name} is \"{}\" here, not a number", text.as_str())));
        }
        self.later.push(range);
        Ok(Expr::Place(Place::Captured { step: 0, name: String::new(), path: Vec::new() }))
    }
}

fn known_text(known: &Environment, name: &str) -> String {
    known.get(name).map(|text| text.as_str().to_owned()).unwrap_or_default()
}

/// `$(..)` at `at`: its value if everything in it is known, else the same with what is known filled in.
fn computed(text: &Text, at: usize, known: &Environment, level: usize, out: &mut Text) -> Parse<usize> {
    let mut cursor = Cursor::within(text, at + 2..text.as_str().len());
    let mut names = Known { known, later: Vec::new(), found: Vec::new() };
    let expr = expression(&mut cursor, &mut names)?;
    cursor.expect(")")?;
    let end = cursor.position();
    let here: Location = text.at(at..end);
    if names.later.is_empty() {
        let value = match fold(&expr) {
            Ok(Literal::Int(number)) => number.to_string(),
            Ok(Literal::Time(span)) => exact_time(span),
            Err(NoValue::Wrong(why)) => return Err(Fault::new(at..end, why)),
            Err(NoValue::Later) => return Err(Fault::new(at..end, "a number is needed here")),
        };
        out.append_made(&value, here, level);
        return Ok(end);
    }
    let mut done = at;
    for (range, value) in names.found {
        append_all(out, &text.slice(done..range.start).at_level(level));
        out.append_made(&value, text.at(range.clone()), level);
        done = range.end;
    }
    append_all(out, &text.slice(done..end).at_level(level));
    Ok(end)
}
