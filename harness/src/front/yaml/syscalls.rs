//! Calls and what they become.

use std::collections::BTreeMap;

use crate::case::{
    DescriptorId, EventData, Lie, OptionValue, PollFd, Scalar, Syscall, Value, constant, nearest,
};
use crate::time::Span;

use super::arguments::{Argument, CallText, Written};
use super::lowerer::Lowerer;
use super::report::{Fault, Parse};
use super::text::Text;

/// Reads the arguments of one call.
pub(super) struct Arguments<'a, 'l, 'r, 'f> {
    pub(super) text: &'a Text,
    pub(super) call: &'a CallText,
    pub(super) lowerer: &'l mut Lowerer<'r, 'f>,
}

fn wrong(at: &Argument, wanted: &str) -> Fault {
    Fault::new(at.range.clone(), format!("{wanted} is needed here"))
}

impl Arguments<'_, '_, '_, '_> {
    fn at(&self, index: usize) -> Parse<Argument> {
        self.call
            .arguments
            .get(index)
            .cloned()
            .ok_or_else(|| Fault::new(self.call.function.clone(), "an argument is missing"))
    }

    fn fd(&mut self, index: usize) -> Parse<DescriptorId> {
        let argument = self.at(index)?;
        self.descriptor(&argument)
    }

    fn descriptor(&mut self, argument: &Argument) -> Parse<DescriptorId> {
        match &argument.value {
            Written::Word(_) => Ok(self.lowerer.descriptor(self.text, argument.range.clone())),
            Written::Computed(_) => {
                Err(wrong(argument, "a descriptor").help("descriptors are used without $"))
            }
            _ => Err(wrong(argument, "a descriptor")),
        }
    }

    fn int(&mut self, index: usize) -> Parse<Scalar> {
        self.scalar(&self.at(index)?)
    }

    fn scalar(&self, argument: &Argument) -> Parse<Scalar> {
        match &argument.value {
            Written::Int(number) | Written::Bits(number) => Ok(Scalar::Known(*number)),
            Written::Computed(expr) => Ok(Scalar::Computed(expr.clone())),
            Written::Time(_) => Err(Fault::new(argument.range.clone(), "a number here has no unit")),
            _ => Err(wrong(argument, "a number")),
        }
    }

    /// How many bytes: not negative.
    fn count(&mut self, index: usize) -> Parse<Scalar> {
        let argument = self.at(index)?;
        self.bytes(&argument)
    }

    fn bytes(&self, argument: &Argument) -> Parse<Scalar> {
        match self.scalar(argument)? {
            Scalar::Known(count) if !(0..=1 << 31).contains(&count) && !self.lowerer.is_script() => {
                Err(Fault::new(argument.range.clone(), format!("{count} is no number of bytes")))
            }
            scalar => Ok(scalar),
        }
    }

    fn counts(&self, argument: &Argument) -> Parse<Vec<Scalar>> {
        match &argument.value {
            Written::List(items) => items.iter().map(|item| self.bytes(item)).collect(),
            _ => Err(wrong(argument, "a list of lengths").help("as in [500, 500]")),
        }
    }

    fn address(&self, argument: &Argument) -> Parse<std::net::SocketAddr> {
        match &argument.value {
            Written::Address(address) => Ok(*address),
            Written::Word(word) => Err(super::address::not_an_address(word, argument.range.clone())),
            _ => Err(wrong(argument, "an address")),
        }
    }

    /// How long to wait; negative or NULL is forever.
    fn timeout(&self, argument: &Argument) -> Parse<Option<Span>> {
        match &argument.value {
            Written::Time(span) => Ok(Some(*span)),
            Written::Int(0) => Ok(Some(Span::ZERO)),
            Written::Int(-1) | Written::Null => Ok(None),
            Written::Int(number) => Err(Fault::new(argument.range.clone(), "a time needs a unit")
                .help(format!("{number}ms or {number}s?"))),
            _ => Err(wrong(argument, "a time")),
        }
    }

    fn lie(&mut self) -> Parse<Option<Lie<Scalar>>> {
        let [(name, argument)] = self.call.named.as_slice() else {
            return match self.call.named.get(1) {
                None => Ok(None),
                Some((second, _)) => Err(Fault::new(second.clone(), "one lie at a time")),
            };
        };
        match (&self.text.as_str()[name.clone()], &argument.value) {
            ("len" | "bytes", _) => self.scalar(argument).map(Lie::Length).map(Some),
            ("family", _) => self.scalar(argument).map(Lie::Family).map(Some),
            (_, Written::Null | Written::Int(0)) => Ok(Some(Lie::NullBuffer)),
            _ => Err(wrong(argument, "NULL")),
        }
    }

    /// Whether an argument of this name is written.
    fn is_named(&self, name: &str) -> bool {
        self.call.named.iter().any(|(range, _)| &self.text.as_str()[range.clone()] == name)
    }

    /// How long the file is that `open` makes.
    fn zeros(&self) -> Parse<u64> {
        let Some((_, argument)) = self.call.named.first() else {
            return Err(Fault::new(self.call.function.clone(), "how many zeros the file holds is missing")
                .help("as in f = open(zeros=1000)"));
        };
        match argument.value {
            Written::Int(zeros) => u64::try_from(zeros).map_err(|_| wrong(argument, "a length")),
            _ => Err(wrong(argument, "a length")),
        }
    }

    /// What the call becomes.
    pub(super) fn syscall(&mut self, function: &str) -> Parse<Syscall<Scalar>> {
        Ok(match function {
            "socket" => Syscall::Socket { domain: self.int(0)?, kind: self.int(1)?, protocol: self.int(2)? },
            "bind" => Syscall::Bind { fd: self.fd(0)?, addr: self.address(&self.at(1)?)?, lie: self.lie()? },
            "listen" => Syscall::Listen { fd: self.fd(0)?, backlog: self.int(1)? },
            "accept" => Syscall::Accept { fd: self.fd(0)? },
            "accept4" => Syscall::Accept4 { fd: self.fd(0)?, flags: self.int(1)? },
            "connect" => {
                Syscall::Connect { fd: self.fd(0)?, addr: self.address(&self.at(1)?)?, lie: self.lie()? }
            }
            "shutdown" => Syscall::Shutdown { fd: self.fd(0)?, how: self.int(1)? },
            "close" => Syscall::Close { fd: self.fd(0)? },
            "dup" => Syscall::Dup { fd: self.fd(0)? },
            "getsockname" => Syscall::Getsockname { fd: self.fd(0)? },
            "getpeername" => Syscall::Getpeername { fd: self.fd(0)? },
            "fcntl" => Syscall::Fcntl { fd: self.fd(0)?, command: self.int(1)?, argument: self.optional(2)? },
            "ioctl" => Syscall::Ioctl { fd: self.fd(0)?, request: self.int(1)?, argument: self.optional(2)? },
            "setsockopt" => Syscall::Setsockopt {
                fd: self.fd(0)?,
                level: self.int(1)?,
                name: self.int(2)?,
                value: self.option_value()?,
                lie: self.lie()?,
            },
            "getsockopt" => Syscall::Getsockopt {
                fd: self.fd(0)?,
                level: self.int(1)?,
                name: self.int(2)?,
                raw: self.is_named("bytes"),
                lie: self.lie()?,
            },
            "pipe" => Syscall::Pipe,
            "open" => Syscall::Open { zeros: self.zeros()? },
            other => return self.reading_or_writing(other),
        })
    }

    fn optional(&mut self, index: usize) -> Parse<Option<Scalar>> {
        match self.call.arguments.get(index) {
            Some(argument) => self.scalar(argument).map(Some),
            None => Ok(None),
        }
    }

    fn reading_or_writing(&mut self, function: &str) -> Parse<Syscall<Scalar>> {
        if ["poll", "select", "epoll_create", "epoll_ctl", "epoll_wait"].contains(&function) {
            return self.waiting(function);
        }
        let fd = self.fd(0)?;
        Ok(match function {
            "read" => Syscall::Read { fd, count: self.count(1)?, lie: self.lie()? },
            "write" => Syscall::Write { fd, count: self.count(1)?, lie: self.lie()? },
            "recv" => Syscall::Recv { fd, count: self.count(1)?, flags: self.int(2)?, lie: self.lie()? },
            "send" => Syscall::Send { fd, count: self.count(1)?, flags: self.int(2)?, lie: self.lie()? },
            "recvfrom" => {
                Syscall::Recvfrom { fd, count: self.count(1)?, flags: self.int(2)?, lie: self.lie()? }
            }
            "sendto" => Syscall::Sendto {
                fd,
                count: self.count(1)?,
                flags: self.int(2)?,
                addr: self.address(&self.at(3)?)?,
                lie: self.lie()?,
            },
            "readv" => Syscall::Readv { fd, counts: self.counts(&self.at(1)?)? },
            "writev" => Syscall::Writev { fd, counts: self.counts(&self.at(1)?)? },
            "recvmsg" => self.recvmsg(fd)?,
            "sendmsg" => self.sendmsg(fd)?,
            "splice" => {
                Syscall::Splice { from: fd, to: self.fd(1)?, count: self.count(2)?, flags: self.int(3)? }
            }
            _ if self.call.arguments.len() == 2 => {
                Syscall::Sendfile { fd, from: None, count: self.count(1)? }
            }
            _ => Syscall::Sendfile { fd, from: Some((self.fd(1)?, self.int(2)?)), count: self.count(3)? },
        })
    }

    /// The fields of a map argument, each of which is known.
    fn map(&self, argument: &Argument, known: &[&str], usage: &str) -> Parse<BTreeMap<String, Argument>> {
        let Written::Map(fields) = &argument.value else {
            return Err(wrong(argument, "a map").help(usage.to_owned()));
        };
        for (name, value) in fields {
            if !known.contains(&name.as_str()) {
                let near = nearest(name, known.iter().copied()).map(|near| format!("did you mean {near}?"));
                return Err(Fault::new(value.range.clone(), format!("unknown field \"{name}\""))
                    .help(usage.to_owned())
                    .help_opt(near));
            }
        }
        Ok(fields.iter().cloned().collect())
    }

    fn recvmsg(&mut self, fd: DescriptorId) -> Parse<Syscall<Scalar>> {
        let argument = self.at(1)?;
        let fields = self.map(&argument, &["iov", "control"], "as in {iov=[1000], control=256}")?;
        Ok(Syscall::Recvmsg {
            fd,
            counts: match fields.get("iov") {
                Some(iov) => self.counts(iov)?,
                None => Vec::new(),
            },
            control: match fields.get("control") {
                Some(control) => self.bytes(control)?,
                None => Scalar::Known(0),
            },
            flags: self.int(2)?,
        })
    }

    fn sendmsg(&mut self, fd: DescriptorId) -> Parse<Syscall<Scalar>> {
        let argument = self.at(1)?;
        let usage = "as in {iov=[1000], name=remote, control=[{level=SOL_IP, type=IP_TTL, data=5}]}";
        let fields = self.map(&argument, &["iov", "name", "control"], usage)?;
        let mut control = Vec::new();
        if let Some(list) = fields.get("control") {
            let Written::List(items) = &list.value else {
                return Err(wrong(list, "a list of control messages").help(usage));
            };
            for item in items {
                control.push(self.value(item)?);
            }
        }
        Ok(Syscall::Sendmsg {
            fd,
            counts: match fields.get("iov") {
                Some(iov) => self.counts(iov)?,
                None => Vec::new(),
            },
            name: match fields.get("name") {
                Some(name) => Some(self.address(name)?),
                None => None,
            },
            control,
            flags: self.int(2)?,
        })
    }

    fn value(&mut self, argument: &Argument) -> Parse<Value> {
        Ok(match &argument.value {
            Written::Int(number) | Written::Bits(number) => Value::Int(*number),
            Written::Time(span) => Value::Time(*span),
            Written::Null => Value::Int(0),
            Written::Address(address) => Value::Address(*address),
            Written::Text(text) => Value::Bytes(text.as_bytes().to_vec()),
            Written::Bytes(bytes) => Value::Bytes(bytes.clone()),
            Written::Word(_) => Value::Descriptor(self.descriptor(argument)?),
            Written::Computed(_) => return Err(wrong(argument, "a value known in advance")),
            Written::Map(fields) => {
                let mut out = BTreeMap::new();
                for (name, field) in fields {
                    out.insert(name.clone(), self.value(field)?);
                }
                Value::Map(out)
            }
            Written::List(items) => {
                let items: Parse<Vec<Value>> = items.iter().map(|item| self.value(item)).collect();
                Value::List(items?)
            }
        })
    }

    fn waiting(&mut self, function: &str) -> Parse<Syscall<Scalar>> {
        Ok(match function {
            "poll" => Syscall::Poll { fds: self.poll_list()?, timeout: self.timeout(&self.at(1)?)? },
            "select" => {
                let argument = self.at(0)?;
                let usage = "as in {read=[s], write=[s]}";
                let fields = self.map(&argument, &["read", "write", "except"], usage)?;
                let timeout = self.timeout(&self.at(1)?)?;
                Syscall::Select {
                    read: self.descriptors(fields.get("read"))?,
                    write: self.descriptors(fields.get("write"))?,
                    except: self.descriptors(fields.get("except"))?,
                    timeout,
                }
            }
            "epoll_create" => Syscall::EpollCreate { size: self.int(0)? },
            "epoll_ctl" => self.epoll_ctl()?,
            _ => Syscall::EpollWait {
                ep: self.fd(0)?,
                max: self.int(1)?,
                timeout: self.timeout(&self.at(2)?)?,
            },
        })
    }

    fn poll_list(&mut self) -> Parse<Vec<PollFd<Scalar>>> {
        let argument = self.at(0)?;
        let usage = "as in [{fd=s, events=POLLIN}]; what comes back is written under gives";
        let Written::List(items) = &argument.value else {
            return Err(wrong(&argument, "a list").help(usage));
        };
        let mut out = Vec::new();
        for item in items {
            let fields = self.map(item, &["fd", "events"], usage)?;
            let Some(fd) = fields.get("fd") else {
                return Err(wrong(item, "fd=").help(usage));
            };
            out.push(PollFd {
                fd: self.descriptor(fd)?,
                events: match fields.get("events") {
                    Some(events) => self.scalar(events)?,
                    None => Scalar::Known(0),
                },
            });
        }
        Ok(out)
    }

    fn descriptors(&mut self, argument: Option<&Argument>) -> Parse<Vec<DescriptorId>> {
        let Some(argument) = argument else {
            return Ok(Vec::new());
        };
        match &argument.value {
            Written::List(items) => items.iter().map(|item| self.descriptor(item)).collect(),
            _ => Err(wrong(argument, "a list of descriptors").help("as in [s]")),
        }
    }

    fn epoll_ctl(&mut self) -> Parse<Syscall<Scalar>> {
        let (ep, operation, fd) = (self.fd(0)?, self.int(1)?, self.fd(2)?);
        let (mut events, mut data) = (Scalar::Known(0), EventData::Descriptor(fd));
        if let Some(argument) = self.call.arguments.get(3)
            && !matches!(argument.value, Written::Null)
        {
            let fields =
                self.map(argument, &["events", "fd", "data"], "as in {events=EPOLLIN|EPOLLET, fd=s}")?;
            if let Some(written) = fields.get("events") {
                events = self.scalar(written)?;
            }
            if let Some(written) = fields.get("fd") {
                data = EventData::Descriptor(self.descriptor(written)?);
            }
            if let Some(written) = fields.get("data") {
                let number =
                    written.value_bits().ok_or_else(|| wrong(written, "a number known in advance"))?;
                data = EventData::Number(number.cast_unsigned());
            }
        }
        Ok(Syscall::EpollCtl { ep, operation, fd, events, data })
    }

    /// What `setsockopt` sets.
    fn option_value(&mut self) -> Parse<OptionValue<Scalar>> {
        let argument = self.at(3)?;
        let name = self.at(2)?;
        let is_time = match &name.value {
            Written::Bits(bits) => {
                self.at(1)?.value_bits() == constant("SOL_SOCKET")
                    && [constant("SO_RCVTIMEO"), constant("SO_SNDTIMEO")].contains(&Some(*bits))
            }
            _ => false,
        };
        Ok(match &argument.value {
            Written::Int(0) if is_time => OptionValue::Time(Span::ZERO),
            Written::Int(number) if is_time => {
                return Err(Fault::new(argument.range.clone(), "a time needs a unit")
                    .help(format!("{number}ms or {number}s?")));
            }
            Written::Time(span) => OptionValue::Time(*span),
            Written::Map(_) => {
                let fields =
                    self.map(&argument, &["l_onoff", "l_linger"], "as in {l_onoff=1, l_linger=0}")?;
                let field = |name: &str| match fields.get(name) {
                    Some(field) => self.scalar(field),
                    None => Ok(Scalar::Known(0)),
                };
                OptionValue::Linger { on: field("l_onoff")?, seconds: field("l_linger")? }
            }
            Written::Text(text) => match text.strip_prefix("hex ") {
                Some(digits) => OptionValue::Bytes(quoted_hex(digits, &argument)?),
                None => OptionValue::Bytes(text.as_bytes().to_vec()),
            },
            Written::Bytes(bytes) => OptionValue::Bytes(bytes.clone()),
            _ => OptionValue::Int(self.scalar(&argument)?),
        })
    }
}

impl Argument {
    /// The number it is, if it is one that is known.
    pub(super) fn value_bits(&self) -> Option<i64> {
        match &self.value {
            Written::Int(number) | Written::Bits(number) => Some(*number),
            _ => None,
        }
    }
}

fn quoted_hex(digits: &str, argument: &Argument) -> Parse<Vec<u8>> {
    let text = Text::made(digits, crate::case::Location { file: crate::case::FileId(0), start: 0, end: 0 });
    let mut cursor = super::cursor::Cursor::new(&text);
    super::number::hex_digits(&mut cursor)
        .and_then(|bytes| cursor.finish().map(|()| bytes))
        .map_err(|fault| Fault { start: argument.range.start, end: argument.range.end, ..fault })
}
