//! Calls in the stack's words.

use std::time::Duration;

use stack_under_test as sut;

use super::Bundled;
use crate::case::{OptionValue, PollFd, Submission, Syscall};
use crate::target::TargetError;
use crate::time::Span;

impl Bundled {
    /// The call in the stack's words.
    pub(super) fn convert(&self, submission: &Submission) -> Result<sut::Syscall, TargetError> {
        let data = || submission.data.to_vec();
        Ok(match &submission.call {
            Syscall::Socket { domain, kind, protocol } => {
                sut::Syscall::Socket { domain: int(*domain)?, kind: int(*kind)?, protocol: int(*protocol)? }
            }
            Syscall::Bind { fd, addr, lie: None } => sut::Syscall::Bind { fd: self.fd(*fd), addr: *addr },
            Syscall::Listen { fd, backlog } => {
                sut::Syscall::Listen { fd: self.fd(*fd), backlog: int(*backlog)? }
            }
            Syscall::Accept { fd } => sut::Syscall::Accept { fd: self.fd(*fd), flags: 0 },
            Syscall::Accept4 { fd, flags } => sut::Syscall::Accept { fd: self.fd(*fd), flags: int(*flags)? },
            Syscall::Connect { fd, addr, lie: None } => {
                sut::Syscall::Connect { fd: self.fd(*fd), addr: *addr }
            }
            Syscall::Shutdown { fd, how } => sut::Syscall::Shutdown { fd: self.fd(*fd), how: int(*how)? },
            Syscall::Close { fd } => sut::Syscall::Close { fd: self.fd(*fd) },
            Syscall::Dup { fd } => sut::Syscall::Dup { fd: self.fd(*fd) },
            Syscall::Read { fd, count, lie: None } => {
                sut::Syscall::Read { fd: self.fd(*fd), count: size(*count)? }
            }
            Syscall::Recv { fd, count, flags, lie: None } => {
                sut::Syscall::Recv { fd: self.fd(*fd), count: size(*count)?, flags: int(*flags)? }
            }
            Syscall::Write { fd, lie: None, .. } => sut::Syscall::Write { fd: self.fd(*fd), data: data() },
            Syscall::Send { fd, flags, lie: None, .. } => {
                sut::Syscall::Send { fd: self.fd(*fd), data: data(), flags: int(*flags)? }
            }
            other => match self.convert_vector(other, &submission.data)? {
                Some(call) => call,
                None => return self.convert_option(other),
            },
        })
    }

    /// Calls that differ from reading and writing in their arguments only: how the bytes are spread over buffers is
    /// nothing that the other end, or the number of bytes, shows.
    fn convert_vector(&self, call: &Syscall, data: &[u8]) -> Result<Option<sut::Syscall>, TargetError> {
        let total = |counts: &[i64]| size(counts.iter().sum());
        Ok(Some(match call {
            Syscall::Readv { fd, counts } => sut::Syscall::Read { fd: self.fd(*fd), count: total(counts)? },
            Syscall::Recvfrom { fd, count, flags } => {
                sut::Syscall::Recv { fd: self.fd(*fd), count: size(*count)?, flags: int(*flags)? }
            }
            Syscall::Recvmsg { fd, counts, flags, .. } => {
                sut::Syscall::Recv { fd: self.fd(*fd), count: total(counts)?, flags: int(*flags)? }
            }
            Syscall::Writev { fd, .. } => sut::Syscall::Write { fd: self.fd(*fd), data: data.to_vec() },
            // The address of a message on a stream is ignored.
            Syscall::Sendto { fd, flags, .. } => {
                sut::Syscall::Send { fd: self.fd(*fd), data: data.to_vec(), flags: int(*flags)? }
            }
            Syscall::Sendmsg { fd, control, flags, .. } if control.is_empty() => {
                sut::Syscall::Send { fd: self.fd(*fd), data: data.to_vec(), flags: int(*flags)? }
            }
            _ => return Ok(None),
        }))
    }

    /// Calls that read or set something of a socket; the last place where a call can turn out to be unknown.
    fn convert_option(&self, call: &Syscall) -> Result<sut::Syscall, TargetError> {
        let missing = || TargetError::Missing(format!("call {}", call.name()));
        Ok(match call {
            Syscall::Setsockopt { fd, level, name, value, lie: None } => sut::Syscall::Setsockopt {
                fd: self.fd(*fd),
                level: int(*level)?,
                name: int(*name)?,
                value: match value {
                    OptionValue::Int(number) => sut::OptionValue::Int(*number),
                    OptionValue::Time(span) => sut::OptionValue::Timeval(duration(*span)),
                    OptionValue::Linger { on, seconds } => {
                        sut::OptionValue::Linger { on: *on != 0, seconds: int(*seconds)? }
                    }
                    OptionValue::Bytes(_) => return Err(missing()),
                },
            },
            Syscall::Getsockopt { fd, level, name, lie: None } => {
                sut::Syscall::Getsockopt { fd: self.fd(*fd), level: int(*level)?, name: int(*name)? }
            }
            Syscall::Getsockname { fd } => sut::Syscall::Getsockname { fd: self.fd(*fd) },
            Syscall::Getpeername { fd } => sut::Syscall::Getpeername { fd: self.fd(*fd) },
            Syscall::Fcntl { fd, command, argument } => {
                sut::Syscall::Fcntl { fd: self.fd(*fd), cmd: int(*command)?, arg: argument.unwrap_or(0) }
            }
            Syscall::Ioctl { fd, request, argument: None } => sut::Syscall::Ioctl {
                fd: self.fd(*fd),
                request: u64::try_from(*request).map_err(|_| missing())?,
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
                // The name of a descriptor: what an event carries.
                data: u64::try_from(data.unwrap_or(*fd).0).map_err(|_| missing())?,
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

fn int(number: i64) -> Result<i32, TargetError> {
    i32::try_from(number).map_err(|_| TargetError::Missing(format!("an int argument of {number}")))
}

fn size(number: i64) -> Result<usize, TargetError> {
    usize::try_from(number).map_err(|_| TargetError::Missing(format!("a size argument of {number}")))
}

fn duration(span: Span) -> Duration {
    Duration::from_nanos(u64::try_from(span.0).unwrap_or(0))
}
