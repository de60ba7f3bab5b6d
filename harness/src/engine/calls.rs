//! Calls: from what is written to what is made, and from what came back to what is wrong with it.

use std::net::IpAddr;

use crate::case::{
    Alt, CONSTANTS, DescriptorId, Lie, Num, OptionValue, Outcome, Payload, PollFd, ResultSpec, Scalar,
    Signal, Syscall, Term, Value, ValueSpec, constant,
};
use crate::target::{Completion, Timing};
use crate::time::{Span, Timestamp};
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

/// Puts captured values in.
struct Resolve<'a>(&'a dyn Known);

impl Resolve<'_> {
    fn int(&self, scalar: &Scalar) -> Result<i64, EvalError> {
        match scalar {
            Scalar::Known(number) => Ok(*number),
            Scalar::Computed(expr) => eval::int(expr, self.0),
        }
    }

    fn ints(&self, scalars: &[Scalar]) -> Result<Vec<i64>, EvalError> {
        scalars.iter().map(|scalar| self.int(scalar)).collect()
    }

    fn maybe(&self, scalar: Option<&Scalar>) -> Result<Option<i64>, EvalError> {
        scalar.map(|scalar| self.int(scalar)).transpose()
    }

    fn lie(&self, lie: Option<&Lie<Scalar>>) -> Result<Option<Lie<i64>>, EvalError> {
        match lie {
            None => Ok(None),
            Some(Lie::NullBuffer) => Ok(Some(Lie::NullBuffer)),
            Some(Lie::Length(length)) => self.int(length).map(|length| Some(Lie::Length(length))),
            Some(Lie::Family(family)) => self.int(family).map(|family| Some(Lie::Family(family))),
        }
    }

    fn value(&self, value: &OptionValue<Scalar>) -> Result<OptionValue<i64>, EvalError> {
        Ok(match value {
            OptionValue::Int(number) => OptionValue::Int(self.int(number)?),
            OptionValue::Time(span) => OptionValue::Time(*span),
            OptionValue::Linger { on, seconds } => {
                OptionValue::Linger { on: self.int(on)?, seconds: self.int(seconds)? }
            }
            OptionValue::Bytes(bytes) => OptionValue::Bytes(bytes.clone()),
        })
    }

    fn poll_fds(&self, fds: &[PollFd<Scalar>]) -> Result<Vec<PollFd<i64>>, EvalError> {
        fds.iter().map(|entry| Ok(PollFd { fd: entry.fd, events: self.int(&entry.events)? })).collect()
    }

    /// Calls that move bytes.
    fn transfer(&self, call: &Syscall<Scalar>) -> Result<Option<Syscall>, EvalError> {
        use Syscall as S;
        let int = |scalar| self.int(scalar);
        Ok(Some(match call {
            S::Read { fd, count, lie } => {
                S::Read { fd: *fd, count: int(count)?, lie: self.lie(lie.as_ref())? }
            }
            S::Readv { fd, counts } => S::Readv { fd: *fd, counts: self.ints(counts)? },
            S::Recv { fd, count, flags, lie } => {
                S::Recv { fd: *fd, count: int(count)?, flags: int(flags)?, lie: self.lie(lie.as_ref())? }
            }
            S::Recvfrom { fd, count, flags, lie } => {
                let lie = self.lie(lie.as_ref())?;
                S::Recvfrom { fd: *fd, count: int(count)?, flags: int(flags)?, lie }
            }
            S::Recvmsg { fd, counts, control, flags } => {
                let counts = self.ints(counts)?;
                S::Recvmsg { fd: *fd, counts, control: int(control)?, flags: int(flags)? }
            }
            S::Write { fd, count, lie } => {
                S::Write { fd: *fd, count: int(count)?, lie: self.lie(lie.as_ref())? }
            }
            S::Writev { fd, counts } => S::Writev { fd: *fd, counts: self.ints(counts)? },
            S::Send { fd, count, flags, lie } => {
                S::Send { fd: *fd, count: int(count)?, flags: int(flags)?, lie: self.lie(lie.as_ref())? }
            }
            S::Sendto { fd, count, flags, addr, lie } => {
                let lie = self.lie(lie.as_ref())?;
                S::Sendto { fd: *fd, count: int(count)?, flags: int(flags)?, addr: *addr, lie }
            }
            S::Sendmsg { fd, counts, name, control, flags } => {
                let (counts, control) = (self.ints(counts)?, control.clone());
                S::Sendmsg { fd: *fd, counts, name: *name, control, flags: int(flags)? }
            }
            S::Sendfile { fd, from, count } => {
                let from = from.as_ref().map(|(id, offset)| Ok((*id, int(offset)?))).transpose()?;
                S::Sendfile { fd: *fd, from, count: int(count)? }
            }
            S::Splice { from, to, count, flags } => {
                S::Splice { from: *from, to: *to, count: int(count)?, flags: int(flags)? }
            }
            _ => return Ok(None),
        }))
    }
}

/// The call with every captured value put in.
pub(super) fn resolve(call: &Syscall<Scalar>, known: &dyn Known) -> Result<Syscall, EvalError> {
    use Syscall as S;
    let with = Resolve(known);
    if let Some(transfer) = with.transfer(call)? {
        return Ok(transfer);
    }
    let int = |scalar| with.int(scalar);
    Ok(match call {
        S::Socket { domain, kind, protocol } => {
            S::Socket { domain: int(domain)?, kind: int(kind)?, protocol: int(protocol)? }
        }
        S::Bind { fd, addr, lie } => S::Bind { fd: *fd, addr: *addr, lie: with.lie(lie.as_ref())? },
        S::Listen { fd, backlog } => S::Listen { fd: *fd, backlog: int(backlog)? },
        S::Accept { fd } => S::Accept { fd: *fd },
        S::Accept4 { fd, flags } => S::Accept4 { fd: *fd, flags: int(flags)? },
        S::Connect { fd, addr, lie } => S::Connect { fd: *fd, addr: *addr, lie: with.lie(lie.as_ref())? },
        S::Shutdown { fd, how } => S::Shutdown { fd: *fd, how: int(how)? },
        S::Close { fd } => S::Close { fd: *fd },
        S::Dup { fd } => S::Dup { fd: *fd },
        S::Setsockopt { fd, level, name, value, lie } => {
            let (value, lie) = (with.value(value)?, with.lie(lie.as_ref())?);
            S::Setsockopt { fd: *fd, level: int(level)?, name: int(name)?, value, lie }
        }
        S::Getsockopt { fd, level, name, raw, lie } => {
            let lie = with.lie(lie.as_ref())?;
            S::Getsockopt { fd: *fd, level: int(level)?, name: int(name)?, raw: *raw, lie }
        }
        S::Getsockname { fd } => S::Getsockname { fd: *fd },
        S::Getpeername { fd } => S::Getpeername { fd: *fd },
        S::Fcntl { fd, command, argument } => {
            S::Fcntl { fd: *fd, command: int(command)?, argument: with.maybe(argument.as_ref())? }
        }
        S::Ioctl { fd, request, argument } => {
            S::Ioctl { fd: *fd, request: int(request)?, argument: with.maybe(argument.as_ref())? }
        }
        S::Poll { fds, timeout } => S::Poll { fds: with.poll_fds(fds)?, timeout: *timeout },
        S::Select { read, write, except, timeout } => {
            let (read, write, except) = (read.clone(), write.clone(), except.clone());
            S::Select { read, write, except, timeout: *timeout }
        }
        S::EpollCreate { size } => S::EpollCreate { size: int(size)? },
        S::EpollCtl { ep, operation, fd, events, data } => {
            let (operation, events) = (int(operation)?, int(events)?);
            S::EpollCtl { ep: *ep, operation, fd: *fd, events, data: *data }
        }
        S::EpollWait { ep, max, timeout } => S::EpollWait { ep: *ep, max: int(max)?, timeout: *timeout },
        S::Open { zeros } => S::Open { zeros: *zeros },
        S::Pipe => S::Pipe,
        transfer => unreachable!("{} moves bytes: see transfer()", transfer.name()),
    })
}

/// How many bytes the call asks to move.
pub(super) fn wanted(call: &Syscall) -> Option<usize> {
    let counts = call.counts()?;
    Some(counts.into_iter().map(|count| usize::try_from(*count).unwrap_or(0)).sum())
}

/// The bytes a sending call sends.
pub(super) fn outgoing(call: &Syscall, data: &Payload, streams: Streams) -> Result<Vec<u8>, EvalError> {
    if call.sends_on().is_none() {
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
    /// Time 0.
    pub(super) zero: Timestamp,
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
            list.push(FieldDifference::new(field, expected, actual));
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
            let (direction, offset) = (Direction::FromPeer, self.streams.received);
            list.extend(first_difference(&expected, &completion.data, direction, offset));
        }
        if let Some(spec) = &outcome.gives {
            match &completion.given {
                None => list.push(FieldDifference::new("gives", self.show_spec(spec), "nothing")),
                Some(value) => self.compare("gives", spec, value, &mut list)?,
            }
        }
        Ok(list)
    }

    fn result_fits(
        &self,
        spec: &ResultSpec,
        result: Result<i64, crate::case::Errno>,
    ) -> Result<bool, EvalError> {
        Ok(match (spec, result) {
            (ResultSpec::Any, _) => true,
            (ResultSpec::Success, Ok(value)) => self.is_complete(value),
            (ResultSpec::Value(num), Ok(value)) => self.int_fits(num, value)?,
            (ResultSpec::Fails(errnos), Err(errno)) => errnos.is_empty() || errnos.contains(&errno),
            (ResultSpec::Success | ResultSpec::Value(_), Err(_)) | (ResultSpec::Fails(_), Ok(_)) => false,
        })
    }

    fn is_complete(&self, value: i64) -> bool {
        match self.call {
            Syscall::Socket { .. }
            | Syscall::Accept { .. }
            | Syscall::Accept4 { .. }
            | Syscall::Dup { .. }
            | Syscall::Open { .. }
            | Syscall::EpollCreate { .. } => value >= 0,
            Syscall::Fcntl { command, .. } if Some(*command) != constant("F_SETFL") => value >= 0,
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
            ResultSpec::Fails(errnos) if errnos.is_empty() => "-1".to_owned(),
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
            (ValueSpec::Any, _) => true,
            (ValueSpec::Int(num), Value::Int(number)) => self.int_fits(num, *number)?,
            (ValueSpec::Flags { bits, more }, Value::Int(number)) => {
                if *more {
                    number & bits == *bits
                } else {
                    number == bits
                }
            }
            (ValueSpec::Time(from, to), Value::Time(span)) => {
                *span >= *from - self.timing.early() && *span <= *to + self.timing.late(*to)
            }
            (ValueSpec::Time(from, to), Value::Int(0)) => *from <= Span::ZERO && Span::ZERO <= *to,
            (ValueSpec::Moment(at, tolerance), Value::Time(found)) => {
                (self.since_zero(*found) - *at).abs() <= *tolerance
            }
            (ValueSpec::Address(ip, from, to), Value::Address(found)) => {
                ip.is_none_or(|ip| ip == found.ip()) && (*from..=*to).contains(&found.port())
            }
            (ValueSpec::Descriptor(wanted), Value::Descriptor(found)) => wanted == found,
            (ValueSpec::Bytes(wanted), Value::Bytes(found)) => wanted == found,
            (ValueSpec::Map(fields), Value::Map(found)) => {
                for (name, spec) in fields {
                    let inner = format!("{field}.{name}");
                    match found.get(name) {
                        Some(value) => self.compare(&inner, spec, value, list)?,
                        None => list.push(FieldDifference::new(inner, self.show_spec(spec), "no such field")),
                    }
                }
                true
            }
            (ValueSpec::First(spec), Value::List(values)) => {
                match values.first() {
                    Some(value) => self.compare(&format!("{field}[0]"), spec, value, list)?,
                    None => list.push(FieldDifference::new(field, self.show_spec(spec), "nothing")),
                }
                true
            }
            (ValueSpec::List(specs), Value::List(values)) if self.gives_events() => {
                self.list_fits(specs, values)?
            }
            (ValueSpec::List(specs), Value::List(values)) if specs.len() == values.len() => {
                for (index, (spec, value)) in specs.iter().zip(values).enumerate() {
                    self.compare(&format!("{field}[{index}]"), spec, value, list)?;
                }
                true
            }
            _ => false,
        };
        if !fits {
            let actual = match (spec, value) {
                (ValueSpec::Flags { .. }, Value::Int(bits)) => self.show_bits(*bits),
                (ValueSpec::Moment(..), Value::Time(found)) => self.since_zero(*found).to_string(),
                _ => self.show_value(value),
            };
            list.push(FieldDifference::new(field, self.show_spec(spec), actual));
        }
        Ok(())
    }

    /// Whether lists that the call gives are of events, which have no order.
    fn gives_events(&self) -> bool {
        matches!(self.call, Syscall::Poll { .. } | Syscall::Select { .. } | Syscall::EpollWait { .. })
    }

    /// Exactly as many, each value for one of the specifications, in any order.
    fn list_fits(&self, specs: &[ValueSpec], values: &[Value]) -> Result<bool, EvalError> {
        let mut accepts = Vec::new();
        for spec in specs {
            let mut accepted = Vec::new();
            for (index, value) in values.iter().enumerate() {
                let mut differences = Vec::new();
                self.compare("", spec, value, &mut differences)?;
                if differences.is_empty() {
                    accepted.push(index);
                }
            }
            accepts.push(accepted);
        }
        let mut owners = vec![None; values.len()];
        let each_has_one = (0..specs.len())
            .all(|spec| find_value(spec, &accepts, &mut vec![false; values.len()], &mut owners));
        Ok(specs.len() == values.len() && each_has_one)
    }

    /// A moment of the target's clock as the case counts.
    fn since_zero(&self, moment: Span) -> Span {
        Timestamp(moment.0) - self.zero
    }

    fn descriptor(&self, id: DescriptorId) -> String {
        self.names.get(id.0).cloned().unwrap_or_else(|| format!("descriptor {}", id.0))
    }

    /// A set of flags by their names, as far as the call says which flags they are.
    fn show_bits(&self, bits: i64) -> String {
        let prefix = match self.call {
            Syscall::Poll { .. } => "POLL",
            Syscall::EpollWait { .. } => "EPOLL",
            Syscall::Recvmsg { .. } => "MSG_",
            _ => return format!("0x{bits:x}"),
        };
        let mut left = bits;
        let mut names = Vec::new();
        // Not EPOLL_CTL_ADD and its like.
        let is_flag = |name: &str| name.strip_prefix(prefix).is_some_and(|rest| !rest.contains('_'));
        for (name, bit) in CONSTANTS.iter().filter(|(name, _)| is_flag(name)) {
            if left & bit == *bit && bit.count_ones() == 1 {
                names.push((*name).to_owned());
                left &= !bit;
            }
        }
        if left != 0 || names.is_empty() {
            names.push(format!("0x{left:x}"));
        }
        names.join("|")
    }

    fn show_spec(&self, spec: &ValueSpec) -> String {
        match spec {
            ValueSpec::Any => "any".to_owned(),
            ValueSpec::Int(num) => num.to_string(),
            ValueSpec::Flags { bits, more } => {
                format!("{}{}", self.show_bits(*bits), if *more { " or more" } else { "" })
            }
            ValueSpec::Time(from, to) if from == to => from.to_string(),
            ValueSpec::Time(from, to) => format!("{from}..{to}"),
            ValueSpec::Moment(at, tolerance) => format!("{at} ± {tolerance}"),
            ValueSpec::Address(ip, from, to) => show_address(*ip, *from, *to),
            ValueSpec::Descriptor(id) => self.descriptor(*id),
            ValueSpec::Bytes(bytes) => show_bytes(bytes),
            ValueSpec::Map(fields) => {
                let fields: Vec<String> =
                    fields.iter().map(|(name, spec)| format!("{name}: {}", self.show_spec(spec))).collect();
                format!("{{ {} }}", fields.join(", "))
            }
            ValueSpec::First(spec) => format!("[{}, ...]", self.show_spec(spec)),
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
            Value::Bytes(bytes) => show_bytes(bytes),
            Value::Map(fields) => {
                let show = |name: &str, value: &Value| match (name, value) {
                    ("events" | "revents" | "flags", Value::Int(bits)) => self.show_bits(*bits),
                    _ => self.show_value(value),
                };
                let fields: Vec<String> =
                    fields.iter().map(|(name, value)| format!("{name}: {}", show(name, value))).collect();
                format!("{{ {} }}", fields.join(", "))
            }
            Value::List(values) => {
                format!(
                    "[{}]",
                    values.iter().map(|value| self.show_value(value)).collect::<Vec<_>>().join(", ")
                )
            }
        }
    }
}

/// Bytes, as long as they fit on a line.
fn show_bytes(bytes: &[u8]) -> String {
    if bytes.len() > 32 {
        return format!("{} bytes", bytes.len());
    }
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("hex {digits}")
}

/// An address with a port or a range of them.
fn show_address(ip: Option<IpAddr>, from: u16, to: u16) -> String {
    let ports = if from == to { from.to_string() } else { format!("{from}..{to}") };
    match ip {
        None => format!("port {ports}"),
        Some(IpAddr::V4(ip)) => format!("{ip}:{ports}"),
        Some(IpAddr::V6(ip)) => format!("[{ip}]:{ports}"),
    }
}

/// Finds a value for a specification. One that has an owner is taken if its owner finds another.
fn find_value(spec: usize, accepts: &[Vec<usize>], tried: &mut [bool], owners: &mut [Option<usize>]) -> bool {
    for &value in &accepts[spec] {
        if std::mem::replace(&mut tried[value], true) {
            continue;
        }
        if owners[value].is_none_or(|owner| find_value(owner, accepts, tried, owners)) {
            owners[value] = Some(spec);
            return true;
        }
    }
    false
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
