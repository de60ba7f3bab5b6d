//! Socket calls: their arguments, what comes back, and how a case writes what must come back.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::{DescriptorId, Expr, Num, ThreadId, constant};
use crate::time::Span;

/// An integer argument: known, or a captured value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// A number.
    Known(i64),
    /// Computed when the call is made.
    Computed(Expr),
}

/// A call with its arguments. `I` is what an integer is: [`Scalar`] in a case, `i64` when it is made.
///
/// Arguments are those of the manual page without those that only carry storage or the length of another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "calls and arguments are those of section 2 of the Linux manual")]
pub enum Syscall<I = i64> {
    Socket {
        domain: I,
        kind: I,
        protocol: I,
    },
    Bind {
        fd: DescriptorId,
        addr: SocketAddr,
        lie: Option<Lie<I>>,
    },
    Listen {
        fd: DescriptorId,
        backlog: I,
    },
    Accept {
        fd: DescriptorId,
    },
    Accept4 {
        fd: DescriptorId,
        flags: I,
    },
    Connect {
        fd: DescriptorId,
        addr: SocketAddr,
        lie: Option<Lie<I>>,
    },
    Shutdown {
        fd: DescriptorId,
        how: I,
    },
    Close {
        fd: DescriptorId,
    },
    Dup {
        fd: DescriptorId,
    },
    Read {
        fd: DescriptorId,
        count: I,
        lie: Option<Lie<I>>,
    },
    Readv {
        fd: DescriptorId,
        counts: Vec<I>,
    },
    Recv {
        fd: DescriptorId,
        count: I,
        flags: I,
        lie: Option<Lie<I>>,
    },
    Recvfrom {
        fd: DescriptorId,
        count: I,
        flags: I,
        lie: Option<Lie<I>>,
    },
    Recvmsg {
        fd: DescriptorId,
        counts: Vec<I>,
        control: I,
        flags: I,
    },
    Write {
        fd: DescriptorId,
        count: I,
        lie: Option<Lie<I>>,
    },
    Writev {
        fd: DescriptorId,
        counts: Vec<I>,
    },
    Send {
        fd: DescriptorId,
        count: I,
        flags: I,
        lie: Option<Lie<I>>,
    },
    Sendto {
        fd: DescriptorId,
        count: I,
        flags: I,
        addr: SocketAddr,
        lie: Option<Lie<I>>,
    },
    Sendmsg {
        fd: DescriptorId,
        counts: Vec<I>,
        name: Option<SocketAddr>,
        control: Vec<Value>,
        flags: I,
    },
    Setsockopt {
        fd: DescriptorId,
        level: I,
        name: I,
        value: OptionValue<I>,
        lie: Option<Lie<I>>,
    },
    Getsockopt {
        fd: DescriptorId,
        level: I,
        name: I,
        /// Whether the value comes back as bytes, whatever it means.
        raw: bool,
        lie: Option<Lie<I>>,
    },
    Getsockname {
        fd: DescriptorId,
    },
    Getpeername {
        fd: DescriptorId,
    },
    Fcntl {
        fd: DescriptorId,
        command: I,
        argument: Option<I>,
    },
    Ioctl {
        fd: DescriptorId,
        request: I,
        argument: Option<I>,
    },
    Poll {
        fds: Vec<PollFd<I>>,
        timeout: Option<Span>,
    },
    Select {
        read: Vec<DescriptorId>,
        write: Vec<DescriptorId>,
        except: Vec<DescriptorId>,
        timeout: Option<Span>,
    },
    EpollCreate {
        size: I,
    },
    EpollCtl {
        ep: DescriptorId,
        operation: I,
        fd: DescriptorId,
        events: I,
        data: EventData,
    },
    EpollWait {
        ep: DescriptorId,
        max: I,
        timeout: Option<Span>,
    },
    Open {
        /// How many zeros the file holds.
        zeros: u64,
    },
    Sendfile {
        fd: DescriptorId,
        /// The file and where in it to begin; unset: one that holds what is sent.
        from: Option<(DescriptorId, I)>,
        count: I,
    },
    Splice {
        from: DescriptorId,
        to: DescriptorId,
        count: I,
        flags: I,
    },
    Pipe,
}

/// An argument that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lie<I> {
    /// `len=4`: the length of an address or option.
    Length(I),
    /// `family=AF_UNSPEC`: the family of an address.
    Family(I),
    /// `buf=NULL`.
    NullBuffer,
}

/// What an event of `epoll_wait` carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventData {
    /// `fd=`: one of the case's descriptors.
    Descriptor(DescriptorId),
    /// `ptr=`, `u64=`: a number.
    Number(u64),
}

/// The upper half of a number that stands for a descriptor's name in an event.
const NAMES: u64 = 0x7c3a_91d5;

impl EventData {
    /// The number that goes through the target.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        match self {
            Self::Descriptor(id) => NAMES << 32 | id.0 as u64,
            Self::Number(number) => number,
        }
    }

    /// What comes back with an event: under which name, and what.
    #[must_use]
    pub fn given(bits: u64) -> (String, Value) {
        if bits >> 32 == NAMES {
            let id = DescriptorId((bits & 0xffff_ffff) as usize);
            ("fd".to_owned(), Value::Descriptor(id))
        } else {
            ("data".to_owned(), Value::Int(bits.cast_signed()))
        }
    }
}

/// What `setsockopt` sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionValue<I> {
    /// An int.
    Int(I),
    /// A timeval.
    Time(Span),
    /// A struct linger; seconds.
    Linger {
        /// `l_onoff`
        on: I,
        /// `l_linger`
        seconds: I,
    },
    /// Bytes as they stand.
    Bytes(Vec<u8>),
}

/// One entry of `poll`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollFd<I> {
    /// The descriptor.
    pub fd: DescriptorId,
    /// `POLLIN` and the like.
    pub events: I,
}

/// A call as it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Who makes it.
    pub thread: ThreadId,
    /// The call.
    pub call: Syscall,
    /// The bytes it sends; empty for calls that send nothing. Shared: they may be many, and time runs while they are
    /// handed on.
    pub data: std::sync::Arc<[u8]>,
    /// Descriptors that name what it creates.
    pub binds: Vec<DescriptorId>,
}

/// What comes back through pointers.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A number or a set of flags.
    Int(i64),
    /// A length of time.
    Time(Span),
    /// An address, as the call gives it.
    Address(SocketAddr),
    /// One of the case's descriptors.
    Descriptor(DescriptorId),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Fields by name.
    Map(BTreeMap<String, Value>),
    /// Several.
    List(Vec<Value>),
}

/// What must come back through pointers (`gives`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueSpec {
    /// Whatever it is.
    Any,
    /// A number.
    Int(Num),
    /// Flags: exactly these, or with `...` at least these.
    Flags {
        /// The bits.
        bits: i64,
        /// Whether more may be set.
        more: bool,
    },
    /// A time from the first to the second, both included.
    Time(Span, Span),
    /// A moment: so long after time 0, with this tolerance.
    Moment(Span, Span),
    /// An address; `None`: whichever it is. Its port is from the first to the second, both included.
    Address(Option<IpAddr>, u16, u16),
    /// One of the case's descriptors.
    Descriptor(DescriptorId),
    /// Bytes.
    Bytes(Vec<u8>),
    /// These fields; others are not compared.
    Map(Vec<(String, ValueSpec)>),
    /// Exactly so many; events in any order.
    List(Vec<ValueSpec>),
    /// A list, the first of which is this.
    First(Box<ValueSpec>),
}

impl Syscall {
    /// The descriptor that the call gives another number.
    #[must_use]
    pub fn duplicates(&self) -> Option<DescriptorId> {
        match self {
            Self::Dup { fd } => Some(*fd),
            Self::Fcntl { fd, command, .. } => duplicates(*command).then_some(*fd),
            _ => None,
        }
    }
}

/// Whether a command of `fcntl` makes a descriptor.
#[must_use]
pub fn duplicates(command: i64) -> bool {
    [constant("F_DUPFD"), constant("F_DUPFD_CLOEXEC")].contains(&Some(command))
}

impl Syscall<Scalar> {
    /// How many bytes the call asks to move, if all its counts are known; 0 for a call without any.
    #[must_use]
    pub fn known_count(&self) -> Option<i64> {
        let known = |count: &Scalar| match count {
            Scalar::Known(count) => Some(*count),
            Scalar::Computed(_) => None,
        };
        self.counts().unwrap_or_default().into_iter().map(known).sum()
    }
}

impl<I> Syscall<I> {
    /// The function's name in the manual.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Socket { .. } => "socket",
            Self::Bind { .. } => "bind",
            Self::Listen { .. } => "listen",
            Self::Accept { .. } => "accept",
            Self::Accept4 { .. } => "accept4",
            Self::Connect { .. } => "connect",
            Self::Shutdown { .. } => "shutdown",
            Self::Close { .. } => "close",
            Self::Dup { .. } => "dup",
            Self::Read { .. } => "read",
            Self::Readv { .. } => "readv",
            Self::Recv { .. } => "recv",
            Self::Recvfrom { .. } => "recvfrom",
            Self::Recvmsg { .. } => "recvmsg",
            Self::Write { .. } => "write",
            Self::Writev { .. } => "writev",
            Self::Send { .. } => "send",
            Self::Sendto { .. } => "sendto",
            Self::Sendmsg { .. } => "sendmsg",
            Self::Setsockopt { .. } => "setsockopt",
            Self::Getsockopt { .. } => "getsockopt",
            Self::Getsockname { .. } => "getsockname",
            Self::Getpeername { .. } => "getpeername",
            Self::Fcntl { .. } => "fcntl",
            Self::Ioctl { .. } => "ioctl",
            Self::Poll { .. } => "poll",
            Self::Select { .. } => "select",
            Self::EpollCreate { .. } => "epoll_create",
            Self::EpollCtl { .. } => "epoll_ctl",
            Self::EpollWait { .. } => "epoll_wait",
            Self::Open { .. } => "open",
            Self::Sendfile { .. } => "sendfile",
            Self::Splice { .. } => "splice",
            Self::Pipe => "pipe",
        }
    }

    /// The descriptors the call works on, first the one it is named after.
    #[must_use]
    pub fn descriptors(&self) -> Vec<DescriptorId> {
        match self {
            Self::Socket { .. } | Self::EpollCreate { .. } | Self::Open { .. } | Self::Pipe => Vec::new(),
            Self::Bind { fd, .. }
            | Self::Listen { fd, .. }
            | Self::Accept { fd }
            | Self::Accept4 { fd, .. }
            | Self::Connect { fd, .. }
            | Self::Shutdown { fd, .. }
            | Self::Close { fd }
            | Self::Dup { fd }
            | Self::Read { fd, .. }
            | Self::Readv { fd, .. }
            | Self::Recv { fd, .. }
            | Self::Recvfrom { fd, .. }
            | Self::Recvmsg { fd, .. }
            | Self::Write { fd, .. }
            | Self::Writev { fd, .. }
            | Self::Send { fd, .. }
            | Self::Sendto { fd, .. }
            | Self::Sendmsg { fd, .. }
            | Self::Setsockopt { fd, .. }
            | Self::Getsockopt { fd, .. }
            | Self::Getsockname { fd }
            | Self::Getpeername { fd }
            | Self::Fcntl { fd, .. }
            | Self::Ioctl { fd, .. } => vec![*fd],
            Self::Sendfile { fd, from, .. } => {
                std::iter::once(*fd).chain(from.as_ref().map(|(id, _)| *id)).collect()
            }
            Self::Poll { fds, .. } => fds.iter().map(|entry| entry.fd).collect(),
            Self::Select { read, write, except, .. } => {
                read.iter().chain(write).chain(except).copied().collect()
            }
            Self::EpollCtl { ep, fd, .. } => vec![*ep, *fd],
            Self::EpollWait { ep, .. } => vec![*ep],
            Self::Splice { from, to, .. } => vec![*from, *to],
        }
    }

    /// How many bytes the call asks to move, if it moves bytes: the sum of its counts.
    #[must_use]
    pub fn counts(&self) -> Option<Vec<&I>> {
        match self {
            Self::Read { count, .. }
            | Self::Recv { count, .. }
            | Self::Recvfrom { count, .. }
            | Self::Write { count, .. }
            | Self::Send { count, .. }
            | Self::Sendto { count, .. }
            | Self::Sendfile { count, .. }
            | Self::Splice { count, .. } => Some(vec![count]),
            Self::Readv { counts, .. }
            | Self::Writev { counts, .. }
            | Self::Recvmsg { counts, .. }
            | Self::Sendmsg { counts, .. } => Some(counts.iter().collect()),
            _ => None,
        }
    }

    /// The descriptor whose stream the call writes to.
    #[must_use]
    pub const fn sends_on(&self) -> Option<DescriptorId> {
        match self {
            Self::Write { fd, .. }
            | Self::Writev { fd, .. }
            | Self::Send { fd, .. }
            | Self::Sendto { fd, .. }
            | Self::Sendmsg { fd, .. }
            | Self::Sendfile { fd, .. } => Some(*fd),
            _ => None,
        }
    }

    /// The descriptor whose stream the call reads from.
    #[must_use]
    pub const fn receives_on(&self) -> Option<DescriptorId> {
        match self {
            Self::Read { fd, .. }
            | Self::Readv { fd, .. }
            | Self::Recv { fd, .. }
            | Self::Recvfrom { fd, .. }
            | Self::Recvmsg { fd, .. } => Some(*fd),
            _ => None,
        }
    }
}
