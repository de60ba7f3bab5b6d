//! Arguments one by one: numbers, descriptors, buffers, members of structures.

use crate::case::{CONSTANTS, DescriptorId, Errno, Lie, Location, Scalar, constant, nearest};
use crate::front::pkt::script::{Call, Field, Node, Value};

use crate::front::pkt::lower::Context;

/// What came of reading an argument.
pub(super) type Read<T> = Result<T, Fault>;

/// Why a call cannot be lowered.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// The language calls it wrong: where, what, what to do.
    Wrong(Location, String, Option<String>),
    /// The harness cannot do it.
    Lacks(Location, String),
    /// It has been said.
    Said,
}

impl Fault {
    pub(super) fn wrong(at: Location, text: impl Into<String>) -> Self {
        Self::Wrong(at, text.into(), None)
    }

    pub(super) fn help(self, help: impl Into<String>) -> Self {
        match self {
            Self::Wrong(at, text, _) => Self::Wrong(at, text, Some(help.into())),
            other => other,
        }
    }
}

/// Reads the arguments of one call.
pub(super) struct Arguments<'a, 'c, 's> {
    pub(super) context: &'a mut Context<'c>,
    pub(super) call: &'s Call,
}

impl<'s> Arguments<'_, '_, 's> {
    /// The argument, the number of which has been checked.
    pub(super) fn get(&self, index: usize) -> Read<&'s Node<Value>> {
        self.call
            .arguments
            .get(index)
            .ok_or_else(|| Fault::wrong(self.call.name.at, "an argument is missing"))
    }

    /// Where the argument stands.
    pub(super) fn at(&self, index: usize) -> Location {
        self.call.arguments.get(index).map_or(self.call.name.at, |argument| argument.at)
    }

    pub(super) fn is_ellipsis(&self, index: usize) -> bool {
        self.call.arguments.get(index).is_some_and(|argument| argument.value == Value::Ellipsis)
    }

    /// Something that a script can only leave open.
    pub(super) fn ellipsis(&self, index: usize) -> Read<()> {
        let argument = self.get(index)?;
        match argument.value {
            Value::Ellipsis => Ok(()),
            _ => Err(Fault::wrong(argument.at, "only `...` can stand here")),
        }
    }

    pub(super) fn number(&self, index: usize) -> Read<i64> {
        int(self.get(index)?)
    }

    pub(super) fn int(&self, index: usize) -> Read<Scalar> {
        self.number(index).map(Scalar::Known)
    }

    pub(super) fn fd(&mut self, index: usize) -> Read<DescriptorId> {
        let argument = self.get(index)?;
        self.descriptor(argument)
    }

    pub(super) fn descriptor(&mut self, argument: &Node<Value>) -> Read<DescriptorId> {
        let number = Node { value: int(argument)?, at: argument.at };
        self.context.descriptor(&number).ok_or(Fault::Said)
    }

    /// Where bytes come from or go: somewhere (`...`), or nowhere.
    pub(super) fn buffer(&self, index: usize) -> Read<Option<Lie<Scalar>>> {
        let argument = self.get(index)?;
        match &argument.value {
            Value::Ellipsis => Ok(None),
            _ if is_null(argument) => Ok(Some(Lie::NullBuffer)),
            _ => Err(Fault::wrong(argument.at, "a buffer is `...` or NULL")),
        }
    }

    pub(super) fn null(&self, index: usize) -> Read<()> {
        let argument = self.get(index)?;
        if is_null(argument) { Ok(()) } else { Err(Fault::wrong(argument.at, "only NULL can stand here")) }
    }

    /// The number in `[5]`.
    pub(super) fn only_int(&self, argument: &Node<Value>) -> Read<i64> {
        match &argument.value {
            Value::List(items) => match items.as_slice() {
                [item] => int(item),
                _ => Err(Fault::wrong(argument.at, "one number in brackets is needed here")),
            },
            _ => Err(Fault::wrong(argument.at, "a number in brackets is needed here").help("as in [1]")),
        }
    }

    /// How long to wait, in milliseconds; for ever if that is negative.
    pub(super) fn timeout(&self, index: usize) -> Read<Option<crate::time::Span>> {
        let millis = self.number(index)?;
        Ok((millis >= 0).then_some(crate::time::Span::millis(millis)))
    }
}

fn is_null(argument: &Node<Value>) -> bool {
    matches!(&argument.value, Value::Word(word) if word == "NULL") || argument.value == Value::Int(0)
}

/// A number: written, a symbol, or several joined by `|`. It has 32 bits, with or without sign.
pub(super) fn int(argument: &Node<Value>) -> Read<i64> {
    let number = wide(argument)?;
    let fits = i32::try_from(number).is_ok() || u32::try_from(number).is_ok();
    if fits { Ok(number) } else { Err(Fault::wrong(argument.at, format!("{number} has more than 32 bits"))) }
}

/// A number of 64 bits.
pub(super) fn wide(argument: &Node<Value>) -> Read<i64> {
    match &argument.value {
        Value::Int(number) => Ok(*number),
        Value::Word(word) => symbol(word, argument.at),
        Value::Or(parts) => parts.iter().try_fold(0, |bits, part| Ok(bits | wide(part)?)),
        _ => Err(Fault::wrong(argument.at, "a number is needed here")),
    }
}

/// The number of a symbol: a constant of calls or an errno.
fn symbol(word: &str, at: Location) -> Read<i64> {
    let errno = || Errno::from_name(word).map(|errno| i64::from(errno.0));
    let null = (word == "NULL").then_some(0);
    null.or_else(|| constant(word)).or_else(errno).ok_or_else(|| {
        let near = nearest(word, CONSTANTS.iter().map(|(known, _)| *known));
        Fault::Wrong(
            at,
            format!("unknown symbol \"{word}\""),
            near.map(|near| format!("did you mean {near}?")),
        )
    })
}

/// The members of a structure, each once and known.
pub(super) struct Members<'s> {
    fields: &'s [Field],
    at: Location,
}

impl<'s> Members<'s> {
    /// Of this structure, which has no members but these.
    pub(super) fn of(argument: &'s Node<Value>, known: &[&str], usage: &str) -> Read<Self> {
        let Value::Fields(fields) = &argument.value else {
            return Err(
                Fault::wrong(argument.at, "a structure is needed here").help(format!("as in {usage}"))
            );
        };
        for (index, field) in fields.iter().enumerate() {
            let name = &field.name;
            if !known.contains(&name.value.as_str()) {
                let text = format!("there is no member {} here", name.value);
                return Err(Fault::wrong(name.at, text).help(format!("as in {usage}")));
            }
            if fields[..index].iter().any(|before| before.name.value == name.value) {
                return Err(Fault::wrong(name.at, format!("{} is there already", name.value)));
            }
        }
        Ok(Self { fields, at: argument.at })
    }

    pub(super) fn field(&self, name: &str) -> Option<&'s Field> {
        self.fields.iter().find(|field| field.name.value == name)
    }

    pub(super) fn get(&self, name: &str) -> Option<&'s Node<Value>> {
        self.field(name).map(|field| &field.value)
    }

    pub(super) fn needed(&self, name: &str) -> Read<&'s Node<Value>> {
        self.get(name).ok_or_else(|| Fault::wrong(self.at, format!("{name}= is missing")))
    }

    /// A number; 0 where it is not written.
    pub(super) fn int(&self, name: &str) -> Read<i64> {
        self.get(name).map_or(Ok(0), int)
    }
}
