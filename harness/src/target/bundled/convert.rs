//! Calls in the stack's words.

use std::time::Duration;

use stack_under_test as sut;

use super::Bundled;
use crate::case::{CONSTANTS, Lie, OptionValue, PollFd, Submission, Syscall, Value, constant};
use crate::target::TargetError;
use crate::time::Span;

/// Room for a name as value of an option.
const LONGEST_NAME: usize = 16;
/// Room for the value of any option.
const LONGEST_VALUE: i64 = 4096;

impl Bundled {
    /// The call in the stack's words.
    pub(super) fn convert(&self, submission: &Submission) -> Result<sut::Syscall, TargetError> {
        let data = || submission.data.to_vec();
        Ok(match &submission.call {
            Syscall::Socket { domain, kind, protocol } => {
                sut::Syscall::Socket { domain: int(*domain)?, kind: int(*kind)?, protocol: int(*protocol)? }
            }
            Syscall::Bind { fd, addr, lie } => {
                sut::Syscall::Bind { fd: self.fd(*fd), addr: told((*addr).into(), lie.as_ref()) }
            }
            Syscall::Listen { fd, backlog } => {
                sut::Syscall::Listen { fd: self.fd(*fd), backlog: int(*backlog)? }
            }
            Syscall::Accept { fd } => sut::Syscall::Accept { fd: self.fd(*fd), flags: 0 },
            Syscall::Accept4 { fd, flags } => sut::Syscall::Accept { fd: self.fd(*fd), flags: int(*flags)? },
            Syscall::Connect { fd, addr, lie } => {
                sut::Syscall::Connect { fd: self.fd(*fd), addr: told((*addr).into(), lie.as_ref()) }
            }
            Syscall::Shutdown { fd, how } => sut::Syscall::Shutdown { fd: self.fd(*fd), how: int(*how)? },
            Syscall::Close { fd } => sut::Syscall::Close { fd: self.fd(*fd) },
            Syscall::Dup { fd } => sut::Syscall::Dup { fd: self.fd(*fd) },
            Syscall::Read { fd, count, lie } => {
                sut::Syscall::Read { fd: self.fd(*fd), room: room(*count, lie.as_ref()) }
            }
            Syscall::Recv { fd, count, flags, lie } => {
                sut::Syscall::Recv { fd: self.fd(*fd), room: room(*count, lie.as_ref()), flags: int(*flags)? }
            }
            Syscall::Write { fd, lie, .. } => {
                sut::Syscall::Write { fd: self.fd(*fd), data: told(data().into(), lie.as_ref()) }
            }
            Syscall::Send { fd, flags, lie, .. } => sut::Syscall::Send {
                fd: self.fd(*fd),
                data: told(data().into(), lie.as_ref()),
                flags: int(*flags)?,
            },
            Syscall::Pipe => sut::Syscall::Pipe,
            Syscall::Sendfile { fd, from: Some((from, offset)), count } => {
                sut::Syscall::Sendfile { fd: self.fd(*fd), data: self.files.part(*from, *offset, *count)? }
            }
            Syscall::Sendfile { fd, from: None, .. } => {
                sut::Syscall::Sendfile { fd: self.fd(*fd), data: data() }
            }
            Syscall::Splice { from, to, count, flags } => sut::Syscall::Splice {
                from: self.fd(*from),
                to: self.fd(*to),
                count: size(*count)?,
                flags: int(*flags)?,
            },
            other => match self.convert_vector(other, &submission.data)? {
                Some(call) => call,
                None => return self.convert_option(other),
            },
        })
    }

    /// Calls that differ from reading and writing in their arguments only: how the bytes are spread over buffers is
    /// nothing that the other end, or the number of bytes, shows.
    fn convert_vector(&self, call: &Syscall, data: &[u8]) -> Result<Option<sut::Syscall>, TargetError> {
        let total = |counts: &[i64]| room(counts.iter().sum(), None);
        Ok(Some(match call {
            Syscall::Readv { fd, counts } => sut::Syscall::Read { fd: self.fd(*fd), room: total(counts) },
            Syscall::Recvfrom { fd, count, flags, lie } => sut::Syscall::Recvmsg {
                fd: self.fd(*fd),
                room: room(*count, lie.as_ref()),
                control: 0,
                flags: int(*flags)?,
            },
            Syscall::Recvmsg { fd, counts, control, flags } => sut::Syscall::Recvmsg {
                fd: self.fd(*fd),
                room: total(counts),
                control: size(*control)?,
                flags: int(*flags)?,
            },
            Syscall::Writev { fd, .. } => {
                sut::Syscall::Write { fd: self.fd(*fd), data: data.to_vec().into() }
            }
            Syscall::Sendto { fd, flags, addr, lie, .. } => sut::Syscall::Sendmsg {
                fd: self.fd(*fd),
                data: told(data.to_vec().into(), lie.as_ref().filter(|lie| **lie == Lie::NullBuffer)),
                name: Some(told((*addr).into(), lie.as_ref().filter(|lie| **lie != Lie::NullBuffer))),
                control: Vec::new(),
                flags: int(*flags)?,
            },
            Syscall::Sendmsg { fd, name, control, flags, .. } => sut::Syscall::Sendmsg {
                fd: self.fd(*fd),
                data: data.to_vec().into(),
                name: name.map(sut::Input::from),
                control: control.iter().map(control_message).collect::<Result<_, _>>()?,
                flags: int(*flags)?,
            },
            _ => return Ok(None),
        }))
    }

    /// Calls that read or set something of a socket; the last place where a call can turn out to be unknown.
    fn convert_option(&self, call: &Syscall) -> Result<sut::Syscall, TargetError> {
        let missing = || TargetError::Missing(format!("call {}", call.name()));
        Ok(match call {
            Syscall::Setsockopt { fd, level, name, value, lie } => sut::Syscall::Setsockopt {
                fd: self.fd(*fd),
                level: int(*level)?,
                name: int(*name)?,
                value: told(value_bytes(value)?.into(), lie.as_ref()),
            },
            Syscall::Getsockopt { fd, level, name, lie, .. } => sut::Syscall::Getsockopt {
                fd: self.fd(*fd),
                level: int(*level)?,
                name: int(*name)?,
                room: room(LONGEST_VALUE, lie.as_ref()),
            },
            Syscall::Getsockname { fd } => sut::Syscall::Getsockname { fd: self.fd(*fd) },
            Syscall::Getpeername { fd } => sut::Syscall::Getpeername { fd: self.fd(*fd) },
            Syscall::Fcntl { fd, command, argument } => {
                sut::Syscall::Fcntl { fd: self.fd(*fd), cmd: int(*command)?, arg: argument.unwrap_or(0) }
            }
            Syscall::Ioctl { fd, request, argument } => sut::Syscall::Ioctl {
                fd: self.fd(*fd),
                request: u64::try_from(*request).map_err(|_| missing())?,
                argument: int(argument.unwrap_or(0))?,
            },
            Syscall::Poll { fds, timeout } => sut::Syscall::Poll {
                fds: fds
                    .iter()
                    .map(|PollFd { fd, events }| {
                        Ok((self.fd(*fd), i16::try_from(*events).map_err(|_| missing())?))
                    })
                    .collect::<Result<_, TargetError>>()?,
                timeout: timeout.filter(|span| span.0 >= 0).map(duration),
            },
            Syscall::Select { read, write, except, timeout } => {
                let list = |ids: &[crate::case::DescriptorId]| ids.iter().map(|id| self.fd(*id)).collect();
                sut::Syscall::Select {
                    read: list(read),
                    write: list(write),
                    except: list(except),
                    timeout: timeout.filter(|span| span.0 >= 0).map(duration),
                }
            }
            Syscall::EpollCreate { size } => sut::Syscall::EpollCreate { size: int(*size)? },
            Syscall::EpollCtl { ep, operation, fd, events, data } => sut::Syscall::EpollCtl {
                ep: self.fd(*ep),
                operation: int(*operation)?,
                fd: self.fd(*fd),
                events: u32::try_from(*events).map_err(|_| missing())?,
                data: data.to_bits(),
            },
            Syscall::EpollWait { ep, max, timeout } => sut::Syscall::EpollWait {
                ep: self.fd(*ep),
                most: int(*max)?,
                timeout: timeout.filter(|span| span.0 >= 0).map(duration),
            },
            _ => return Err(missing()),
        })
    }
}

/// Of an option whose value is asked for as bytes, how many there are at least: a name is filled up with zeros.
pub(super) fn raw_length(call: &Syscall) -> Option<usize> {
    let Syscall::Getsockopt { level, name, raw: true, lie, .. } = call else { return None };
    let is_name = constant("SOL_TCP") == Some(*level)
        && ["TCP_CONGESTION", "TCP_ULP"].iter().any(|known| constant(known) == Some(*name));
    match lie {
        Some(Lie::Length(length)) if is_name => Some(usize::try_from(*length).unwrap_or(0).min(LONGEST_NAME)),
        _ => Some(0),
    }
}

/// A call by its name, and an option by the name it has in Linux.
pub(super) fn describe(call: &Syscall) -> String {
    let (Syscall::Setsockopt { level, name, .. } | Syscall::Getsockopt { level, name, .. }) = call else {
        return call.name().to_owned();
    };
    let prefixes = [("SOL_SOCKET", "SO_"), ("SOL_TCP", "TCP_"), ("SOL_IP", "IP_"), ("SOL_IPV6", "IPV6_")];
    let prefix = prefixes.iter().find(|(of, _)| constant(of) == Some(*level)).map(|(_, prefix)| *prefix);
    let known = CONSTANTS
        .iter()
        .find(|(known, number)| number == name && prefix.is_some_and(|prefix| known.starts_with(prefix)));
    match known {
        Some((known, _)) => format!("{} {known}", call.name()),
        None => format!("{} {name} of level {level}", call.name()),
    }
}

/// What a call is given to read, with the lie that is told about it.
fn told(input: sut::Input, lie: Option<&Lie<i64>>) -> sut::Input {
    match lie {
        None => input,
        Some(Lie::NullBuffer) => sut::Input { bytes: None, ..input },
        Some(Lie::Family(family)) => {
            let own = input.bytes.iter().flatten().skip(2).copied();
            (*family as u16).to_ne_bytes().into_iter().chain(own).collect::<Vec<u8>>().into()
        }
        Some(Lie::Length(length)) => {
            // There is more memory behind, for lengths that say too much.
            let mut bytes = input.bytes.unwrap_or_default();
            bytes.resize(bytes.len().max(LONGEST_VALUE as usize), 0);
            // The kernel takes lengths for ints.
            sut::Input { bytes: Some(bytes), length: i64::from(*length as i32) }
        }
    }
}

/// Where a call is to write, with the lie that is told about it.
fn room(length: i64, lie: Option<&Lie<i64>>) -> sut::Room {
    match lie {
        None | Some(Lie::Family(_)) => sut::Room { length, nowhere: false },
        Some(Lie::NullBuffer) => sut::Room { length, nowhere: true },
        Some(Lie::Length(length)) => sut::Room { length: *length, nowhere: false },
    }
}

/// The value of an option as it lies in memory.
fn value_bytes(value: &OptionValue<i64>) -> Result<Vec<u8>, TargetError> {
    Ok(match value {
        // The kernel takes the lower half of what does not fit.
        OptionValue::Int(number) => (*number as i32).to_ne_bytes().to_vec(),
        OptionValue::Time(span) => {
            let micros = span.0.div_euclid(1_000);
            let (seconds, micros) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
            [seconds.to_ne_bytes(), micros.to_ne_bytes()].concat()
        }
        OptionValue::Linger { on, seconds } => {
            [int(*on)?.to_ne_bytes(), int(*seconds)?.to_ne_bytes()].concat()
        }
        OptionValue::Bytes(bytes) => bytes.clone(),
    })
}

fn control_message(item: &Value) -> Result<sut::Control, TargetError> {
    let wrong = || TargetError::Missing("sendmsg: control is a list of {level, type, data}".to_owned());
    let Value::Map(fields) = item else { return Err(wrong()) };
    let number = |name: &str| match fields.get(name) {
        Some(Value::Int(number)) => int(*number),
        _ => Err(wrong()),
    };
    let data = match fields.get("data") {
        Some(Value::Int(number)) => int(*number)?.to_ne_bytes().to_vec(),
        Some(Value::Bytes(bytes)) => bytes.clone(),
        None => Vec::new(),
        Some(_) => return Err(wrong()),
    };
    let data = sut::ControlData::Bytes(data);
    Ok(sut::Control { level: number("level")?, kind: number("type")?, data })
}

fn int(number: i64) -> Result<i32, TargetError> {
    i32::try_from(number).map_err(|_| TargetError::Missing(format!("an int argument of {number}")))
}

fn size(number: i64) -> Result<usize, TargetError> {
    usize::try_from(number).map_err(|_| TargetError::Missing(format!("a size argument of {number}")))
}

fn duration(span: Span) -> Duration {
    Duration::from_nanos(u64::try_from(span.0).unwrap_or(0))
}
