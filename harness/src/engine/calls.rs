//! Calls: from what is written to what is made, and from what came back to what is wrong with it.

use crate::case::{
    Alt, DescriptorId, Lie, Num, OptionValue, Outcome, Payload, PollFd, ResultSpec, Scalar, Signal, Syscall, Term,
    Value, ValueSpec,
};
use crate::target::{Completion, Timing};
use crate::time::Span;
use crate::verdict::FieldDifference;
use crate::wire::pattern::Direction;

use super::build::payload;
use super::eval::{self, EvalError, Known};
use super::matching::first_difference;

/// How far the bytes of a socket's two streams have got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Streams {
    pub(super) sent: u64,
    pub(super) received: u64,
}

/// The call with every captured value put in.
pub(super) fn resolve(call: &Syscall<Scalar>, known: &dyn Known) -> Result<Syscall, EvalError> {
    let int = |scalar: &Scalar| match scalar {
        Scalar::Known(number) => Ok(*number),
        Scalar::Computed(expr) => eval::int(expr, known),
    };
    let ints = |scalars: &[Scalar]| scalars.iter().map(int).collect::<Result<Vec<_>, _>>();
    let lie = |lie: &Option<Lie<Scalar>>| match lie {
        None => Ok(None),
        Some(Lie::NullBuffer) => Ok(Some(Lie::NullBuffer)),
        Some(Lie::Length(length)) => int(length).map(|length| Some(Lie::Length(length))),
    };
    let value = |value: &OptionValue<Scalar>| {
        Ok(match value {
            OptionValue::Int(number) => OptionValue::Int(int(number)?),
            OptionValue::Time(span) => OptionValue::Time(*span),
            OptionValue::Linger { on, seconds } => OptionValue::Linger { on: int(on)?, seconds: int(seconds)? },
            OptionValue::Bytes(bytes) => OptionValue::Bytes(bytes.clone()),
        })
    };
    Ok(match call.clone() {
        Syscall::Socket { domain, kind, protocol } => {
            Syscall::Socket { domain: int(&domain)?, kind: int(&kind)?, protocol: int(&protocol)? }
        }
        Syscall::Bind { fd, addr, lie: a } => Syscall::Bind { fd, addr, lie: lie(&a)? },
        Syscall::Listen { fd, backlog } => Syscall::Listen { fd, backlog: int(&backlog)? },
        Syscall::Accept { fd } => Syscall::Accept { fd },
        Syscall::Accept4 { fd, flags } => Syscall::Accept4 { fd, flags: int(&flags)? },
        Syscall::Connect { fd, addr, lie: a } => Syscall::Connect { fd, addr, lie: lie(&a)? },
        Syscall::Shutdown { fd, how } => Syscall::Shutdown { fd, how: int(&how)? },
        Syscall::Close { fd } => Syscall::Close { fd },
        Syscall::Dup { fd } => Syscall::Dup { fd },
        Syscall::Read { fd, count, lie: a } => Syscall::Read { fd, count: int(&count)?, lie: lie(&a)? },
        Syscall::Readv { fd, counts } => Syscall::Readv { fd, counts: ints(&counts)? },
        Syscall::Recv { fd, count, flags, lie: a } => {
            Syscall::Recv { fd, count: int(&count)?, flags: int(&flags)?, lie: lie(&a)? }
        }
        Syscall::Recvfrom { fd, count, flags } => {
            Syscall::Recvfrom { fd, count: int(&count)?, flags: int(&flags)? }
        }
        Syscall::Recvmsg { fd, counts, control, flags } => {
            Syscall::Recvmsg { fd, counts: ints(&counts)?, control: int(&control)?, flags: int(&flags)? }
        }
        Syscall::Write { fd, count, lie: a } => Syscall::Write { fd, count: int(&count)?, lie: lie(&a)? },
        Syscall::Writev { fd, counts } => Syscall::Writev { fd, counts: ints(&counts)? },
        Syscall::Send { fd, count, flags, lie: a } => {
            Syscall::Send { fd, count: int(&count)?, flags: int(&flags)?, lie: lie(&a)? }
        }
        Syscall::Sendto { fd, count, flags, addr } => {
            Syscall::Sendto { fd, count: int(&count)?, flags: int(&flags)?, addr }
        }
        Syscall::Sendmsg { fd, counts, name, control, flags } => {
            Syscall::Sendmsg { fd, counts: ints(&counts)?, name, control, flags: int(&flags)? }
        }
        Syscall::Setsockopt { fd, level, name, value: v, lie: a } => Syscall::Setsockopt {
            fd,
            level: int(&level)?,
            name: int(&name)?,
            value: value(&v)?,
            lie: lie(&a)?,
        },
        Syscall::Getsockopt { fd, level, name, lie: a } => {
            Syscall::Getsockopt { fd, level: int(&level)?, name: int(&name)?, lie: lie(&a)? }
        }
        Syscall::Getsockname { fd } => Syscall::Getsockname { fd },
        Syscall::Getpeername { fd } => Syscall::Getpeername { fd },
        Syscall::Fcntl { fd, command, argument } => Syscall::Fcntl {
            fd,
            command: int(&command)?,
            argument: argument.as_ref().map(int).transpose()?,
        },
        Syscall::Ioctl { fd, request, argument } => Syscall::Ioctl {
            fd,
            request: int(&request)?,
            argument: argument.as_ref().map(int).transpose()?,
        },
        Syscall::Poll { fds, timeout } => Syscall::Poll {
            fds: fds
                .iter()
                .map(|entry| Ok(PollFd { fd: entry.fd, events: int(&entry.events)? }))
                .collect::<Result<_, EvalError>>()?,
            timeout,
        },
        Syscall::Select { read, write, except, timeout } => Syscall::Select { read, write, except, timeout },
        Syscall::EpollCreate { size } => Syscall::EpollCreate { size: int(&size)? },
        Syscall::EpollCtl { ep, operation, fd, events, data } => {
            Syscall::EpollCtl { ep, operation: int(&operation)?, fd, events: int(&events)?, data }
        }
        Syscall::EpollWait { ep, max, timeout } => Syscall::EpollWait { ep, max: int(&max)?, timeout },
        Syscall::Sendfile { fd, count } => Syscall::Sendfile { fd, count: int(&count)? },
        Syscall::Splice { from, to, count, flags } => {
            Syscall::Splice { from, to, count: int(&count)?, flags: int(&flags)? }
        }
        Syscall::Pipe => Syscall::Pipe,
    })
}

/// How many bytes the call asks to move.
pub(super) fn wanted(call: &Syscall) -> Option<usize> {
    let counts = call.counts()?;
    Some(counts.into_iter().map(|count| usize::try_from(*count).unwrap_or(0)).sum())
}

/// The bytes a sending call sends.
pub(super) fn outgoing(call: &Syscall, data: &Payload, streams: Streams) -> Result<Vec<u8>, EvalError> {
    if call.sends_on().is_none() || matches!(call, Syscall::Sendfile { .. }) {
        return Ok(Vec::new());
    }
    let length = wanted(call).unwrap_or(0);
    let bytes = payload(data, Direction::ToPeer, streams.sent, length);
    if bytes.len() == length {
        Ok(bytes)
    } else {
        Err(EvalError(format!("data has {} bytes, the call {length}", bytes.len())))
    }
}

/// What a completed call is judged with.
pub(super) struct Judge<'a> {
    pub(super) call: &'a Syscall,
    pub(super) streams: Streams,
    pub(super) raised: &'a [Signal],
    pub(super) timing: Timing,
    pub(super) known: &'a dyn Known,
    pub(super) names: &'a [String],
}

impl Judge<'_> {
    /// What differs from what the case says must come back.
    pub(super) fn differences(
        &self,
        outcome: &Outcome,
        completion: &Completion,
    ) -> Result<Vec<FieldDifference>, EvalError> {
        let mut list = Vec::new();
        let mut note = |field: &str, expected: String, actual: String| {
            list.push(FieldDifference { field: field.to_owned(), expected, actual });
        };
        if !self.result_fits(&outcome.result, completion.result)? {
            note("returns", self.expected_result(&outcome.result), show_result(completion.result));
        }
        let raised: Vec<String> = self.raised.iter().map(ToString::to_string).collect();
        let wanted: Vec<String> = outcome.raises.iter().map(ToString::to_string).collect();
        if raised != wanted {
            note("raises", or_none(&wanted), or_none(&raised));
        }
        if self.call.receives_on().is_some() && completion.result.is_ok() && outcome.data != Payload::Any {
            let expected =
                payload(&outcome.data, Direction::FromPeer, self.streams.received, completion.data.len());
            if expected.len() != completion.data.len() {
                note("data", format!("{} bytes", expected.len()), format!("{} bytes", completion.data.len()));
            } else if let Some((field, expected, actual)) = first_difference(&expected, &completion.data) {
                note(&field, expected, actual);
            }
        }
        if let Some(spec) = &outcome.gives {
            match &completion.given {
                None => note("gives", self.show_spec(spec), "nothing".to_owned()),
                Some(value) => self.compare("gives", spec, value, &mut list)?,
            }
        }
        Ok(list)
    }

    fn result_fits(&self, spec: &ResultSpec, result: Result<i64, crate::case::Errno>) -> Result<bool, EvalError> {
        Ok(match (spec, result) {
            (ResultSpec::Any, _) => true,
            (ResultSpec::Success, Ok(value)) => self.is_complete(value),
            (ResultSpec::Value(num), Ok(value)) => self.int_fits(num, value)?,
            (ResultSpec::Fails(errnos), Err(errno)) => errnos.contains(&errno),
            (ResultSpec::Success | ResultSpec::Value(_), Err(_)) | (ResultSpec::Fails(_), Ok(_)) => false,
        })
    }

    fn is_complete(&self, value: i64) -> bool {
        match self.call {
            Syscall::Socket { .. }
            | Syscall::Accept { .. }
            | Syscall::Accept4 { .. }
            | Syscall::Dup { .. }
            | Syscall::EpollCreate { .. }
            | Syscall::Fcntl { .. } => value >= 0,
            call => match wanted(call) {
                Some(count) => usize::try_from(value) == Ok(count),
                None => value == 0,
            },
        }
    }

    fn expected_result(&self, spec: &ResultSpec) -> String {
        match spec {
            ResultSpec::Success => match wanted(self.call) {
                Some(count) => count.to_string(),
                None if self.is_complete(1) => "a descriptor".to_owned(),
                None => "0".to_owned(),
            },
            ResultSpec::Any => "any".to_owned(),
            ResultSpec::Value(num) => num.to_string(),
            ResultSpec::Fails(errnos) => {
                let names: Vec<String> = errnos.iter().map(ToString::to_string).collect();
                format!("-1 {}", names.join(" or "))
            }
        }
    }

    fn int_fits(&self, num: &Num, value: i64) -> Result<bool, EvalError> {
        for alt in &num.0 {
            let fits = match alt {
                Alt::Any => true,
                Alt::Between(low, high) => (*low..=*high).contains(&value),
                Alt::Is { term: Term::Known(number), .. } => *number == value,
                Alt::Is { term: Term::Computed(expr), .. } => eval::int(expr, self.known)? == value,
            };
            if fits {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn compare(
        &self,
        field: &str,
        spec: &ValueSpec,
        value: &Value,
        list: &mut Vec<FieldDifference>,
    ) -> Result<(), EvalError> {
        let fits = match (spec, value) {
            (ValueSpec::Int(num), Value::Int(number)) => self.int_fits(num, *number)?,
            (ValueSpec::Flags { bits, more }, Value::Int(number)) => {
                if *more { number & bits == *bits } else { number == bits }
            }
            (ValueSpec::Time(from, to), Value::Time(span)) => {
                *span >= *from - self.timing.early() && *span <= *to + self.timing.late(*to)
            }
            (ValueSpec::Time(from, to), Value::Int(0)) => *from <= Span::ZERO && Span::ZERO <= *to,
            (ValueSpec::Address(wanted), Value::Address(found)) => wanted == found,
            (ValueSpec::Descriptor(wanted), Value::Descriptor(found)) => wanted == found,
            (ValueSpec::Bytes(wanted), Value::Bytes(found)) => wanted == found,
            (ValueSpec::Map(fields), Value::Map(found)) => {
                for (name, spec) in fields {
                    let inner = format!("{field}.{name}");
                    match found.get(name) {
                        Some(value) => self.compare(&inner, spec, value, list)?,
                        None => list.push(FieldDifference {
                            field: inner,
                            expected: self.show_spec(spec),
                            actual: "no such field".to_owned(),
                        }),
                    }
                }
                true
            }
            (ValueSpec::List(specs), Value::List(values)) => self.list_fits(specs, values)?,
            _ => false,
        };
        if !fits {
            list.push(FieldDifference {
                field: field.to_owned(),
                expected: self.show_spec(spec),
                actual: self.show_value(value),
            });
        }
        Ok(())
    }

    /// Exactly as many, each value for one of the specifications, in any order.
    fn list_fits(&self, specs: &[ValueSpec], values: &[Value]) -> Result<bool, EvalError> {
        let mut left: Vec<&Value> = values.iter().collect();
        for spec in specs {
            let mut found = None;
            for (index, value) in left.iter().enumerate() {
                let mut inner = Vec::new();
                self.compare("", spec, value, &mut inner)?;
                if inner.is_empty() {
                    found = Some(index);
                    break;
                }
            }
            match found {
                Some(index) => left.remove(index),
                None => return Ok(false),
            };
        }
        Ok(left.is_empty())
    }

    fn descriptor(&self, id: DescriptorId) -> String {
        self.names.get(id.0).cloned().unwrap_or_else(|| format!("descriptor {}", id.0))
    }

    fn show_spec(&self, spec: &ValueSpec) -> String {
        match spec {
            ValueSpec::Int(num) => num.to_string(),
            ValueSpec::Flags { bits, more } => format!("0x{bits:x}{}", if *more { " or more" } else { "" }),
            ValueSpec::Time(from, to) if from == to => from.to_string(),
            ValueSpec::Time(from, to) => format!("{from}..{to}"),
            ValueSpec::Address(address) => address.to_string(),
            ValueSpec::Descriptor(id) => self.descriptor(*id),
            ValueSpec::Bytes(bytes) => format!("{} bytes", bytes.len()),
            ValueSpec::Map(fields) => {
                let fields: Vec<String> =
                    fields.iter().map(|(name, spec)| format!("{name}: {}", self.show_spec(spec))).collect();
                format!("{{ {} }}", fields.join(", "))
            }
            ValueSpec::List(specs) => {
                format!("[{}]", specs.iter().map(|spec| self.show_spec(spec)).collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn show_value(&self, value: &Value) -> String {
        match value {
            Value::Int(number) => number.to_string(),
            Value::Time(span) => span.to_string(),
            Value::Address(address) => address.to_string(),
            Value::Descriptor(id) => self.descriptor(*id),
            Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
            Value::Map(fields) => {
                let fields: Vec<String> =
                    fields.iter().map(|(name, value)| format!("{name}: {}", self.show_value(value))).collect();
                format!("{{ {} }}", fields.join(", "))
            }
            Value::List(values) => {
                format!("[{}]", values.iter().map(|value| self.show_value(value)).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// A return value as a case writes it.
pub(super) fn show_result(result: Result<i64, crate::case::Errno>) -> String {
    match result {
        Ok(value) => value.to_string(),
        Err(errno) => format!("-1 {errno}"),
    }
}

fn or_none(words: &[String]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}
