//! Socket calls: their arguments, what they return, and Linux's constants.

mod connect;
pub mod constants;
pub(crate) mod dispatch;
mod epoll;
mod files;
mod ip_options;
mod memory;
mod message;
mod options;
mod pipe;
mod poll;
mod setup;
mod splice;
mod tcp_options;
mod transfer;

pub use memory::{Input, Room};

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use crate::socket::errors::Errno;
use crate::tcp::info::TcpInfo;
use crate::time::Instant;

/// A thread of the program that makes the calls; a blocked call occupies its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadId(pub u32);

/// A file descriptor. The lowest free number from 3 is given out, as in a process with its three standard files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fd(pub i32);

/// A socket call. Numbers are those of Linux headers, see [`constants`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Syscall {
    /// `socket(2)`; `kind` may carry `SOCK_NONBLOCK` and `SOCK_CLOEXEC`.
    Socket {
        /// `AF_INET` or `AF_INET6`.
        domain: i32,
        /// `SOCK_STREAM` and flags.
        kind: i32,
        /// 0 or `IPPROTO_TCP`.
        protocol: i32,
    },
    /// `bind(2)`.
    Bind {
        /// The socket.
        fd: Fd,
        /// Where to; port 0 lets the stack choose.
        addr: Input,
    },
    /// `listen(2)`.
    Listen {
        /// The socket.
        fd: Fd,
        /// Finished connections that may wait, less one.
        backlog: i32,
    },
    /// `accept4(2)`; `accept(2)` is this with flags 0.
    Accept {
        /// The listening socket.
        fd: Fd,
        /// `SOCK_NONBLOCK`, `SOCK_CLOEXEC`.
        flags: i32,
    },
    /// `connect(2)`.
    Connect {
        /// The socket.
        fd: Fd,
        /// The peer; one of no family (`AF_UNSPEC`) ends the connection there is.
        addr: Input,
    },
    /// `read(2)`, `readv(2)`.
    Read {
        /// The descriptor.
        fd: Fd,
        /// Where the bytes go.
        room: Room,
    },
    /// `recv(2)`.
    Recv {
        /// The socket.
        fd: Fd,
        /// Where the bytes go.
        room: Room,
        /// `MSG_DONTWAIT`, `MSG_PEEK`, `MSG_WAITALL`, ...
        flags: i32,
    },
    /// `recvmsg(2)`, `recvfrom(2)`.
    Recvmsg {
        /// The socket.
        fd: Fd,
        /// Where the bytes go.
        room: Room,
        /// Room for control messages, in bytes.
        control: usize,
        /// As for `recv`.
        flags: i32,
    },
    /// `write(2)`, `writev(2)`.
    Write {
        /// The descriptor.
        fd: Fd,
        /// The bytes.
        data: Input,
    },
    /// `send(2)`.
    Send {
        /// The socket.
        fd: Fd,
        /// The bytes.
        data: Input,
        /// `MSG_DONTWAIT`, `MSG_NOSIGNAL`, `MSG_MORE`, ...
        flags: i32,
    },
    /// `sendmsg(2)`, `sendto(2)`.
    Sendmsg {
        /// The socket.
        fd: Fd,
        /// The bytes.
        data: Input,
        /// Where to, which a stream ignores.
        name: Option<Input>,
        /// Control messages.
        control: Vec<Control>,
        /// As for `send`.
        flags: i32,
    },
    /// `sendfile(2)` from a file.
    Sendfile {
        /// The socket.
        fd: Fd,
        /// What the file holds from where it is read.
        data: Vec<u8>,
    },
    /// `splice(2)` without offsets.
    Splice {
        /// Where the bytes come from.
        from: Fd,
        /// Where they go.
        to: Fd,
        /// Most bytes to move.
        count: usize,
        /// `SPLICE_F_NONBLOCK`, `SPLICE_F_MORE`, `SPLICE_F_MOVE`.
        flags: i32,
    },
    /// `pipe(2)`.
    Pipe,
    /// `shutdown(2)`.
    Shutdown {
        /// The socket.
        fd: Fd,
        /// `SHUT_RD`, `SHUT_WR` or `SHUT_RDWR`.
        how: i32,
    },
    /// `close(2)`.
    Close {
        /// The descriptor.
        fd: Fd,
    },
    /// `dup(2)`.
    Dup {
        /// The descriptor.
        fd: Fd,
    },
    /// `getsockname(2)`.
    Getsockname {
        /// The socket.
        fd: Fd,
    },
    /// `getpeername(2)`.
    Getpeername {
        /// The socket.
        fd: Fd,
    },
    /// `setsockopt(2)`.
    Setsockopt {
        /// The socket.
        fd: Fd,
        /// `SOL_SOCKET`, `IPPROTO_TCP`, ...
        level: i32,
        /// The option.
        name: i32,
        /// Its new value.
        value: Input,
    },
    /// `getsockopt(2)`.
    Getsockopt {
        /// The socket.
        fd: Fd,
        /// `SOL_SOCKET`, `IPPROTO_TCP`, ...
        level: i32,
        /// The option.
        name: i32,
        /// Where the value goes.
        room: Room,
    },
    /// `fcntl(2)`.
    Fcntl {
        /// The descriptor.
        fd: Fd,
        /// `F_GETFL`, `F_SETFL`, `F_DUPFD`, ...
        cmd: i32,
        /// The new flags, or the lowest number wanted.
        arg: i64,
    },
    /// `ioctl(2)` with an integer result.
    Ioctl {
        /// The descriptor.
        fd: Fd,
        /// `SIOCINQ`, `SIOCOUTQ`, `SIOCOUTQNSD`, `SIOCATMARK` or `FIONBIO`.
        request: u64,
        /// The number that the program's pointer points to.
        argument: i32,
    },
    /// `poll(2)`.
    Poll {
        /// Descriptors and the events asked for.
        fds: Vec<(Fd, i16)>,
        /// How long to wait; `None` is for ever.
        timeout: Option<Duration>,
    },
    /// `select(2)`.
    Select {
        /// Descriptors to be read from.
        read: Vec<Fd>,
        /// Descriptors to be written to.
        write: Vec<Fd>,
        /// Descriptors with urgent data.
        except: Vec<Fd>,
        /// How long to wait; `None` is for ever.
        timeout: Option<Duration>,
    },
    /// `epoll_create(2)`.
    EpollCreate {
        /// Anything above zero.
        size: i32,
    },
    /// `epoll_ctl(2)`.
    EpollCtl {
        /// The interest list.
        ep: Fd,
        /// `EPOLL_CTL_ADD`, `EPOLL_CTL_MOD` or `EPOLL_CTL_DEL`.
        operation: i32,
        /// The descriptor watched.
        fd: Fd,
        /// `EPOLLIN`, `EPOLLET` and so on.
        events: u32,
        /// What comes back with an event.
        data: u64,
    },
    /// `epoll_wait(2)`.
    EpollWait {
        /// The interest list.
        ep: Fd,
        /// Most events to return.
        most: i32,
        /// How long to wait; `None` is for ever.
        timeout: Option<Duration>,
    },
}

/// Descriptors that `select` found ready.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    /// They can be read from.
    pub read: Vec<Fd>,
    /// They can be written to.
    pub write: Vec<Fd>,
    /// They have urgent data.
    pub except: Vec<Fd>,
}

/// What a call that succeeded returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The return value: 0, a descriptor, a count.
    Value(i64),
    /// Bytes read; none is the end of the stream.
    Data(Vec<u8>),
    /// Bytes that were counted and thrown away (`MSG_TRUNC`).
    Discarded(usize),
    /// What `recvmsg` gives.
    Message(Box<Message>),
    /// The two ends of a pipe: to read from, to write to.
    Pipe([Fd; 2]),
    /// A connection.
    Accepted {
        /// Its descriptor.
        fd: Fd,
        /// Who opened it.
        peer: SocketAddr,
    },
    /// An address.
    Address(SocketAddr),
    /// The value of an option.
    Option(OptionValue),
    /// Returned events per descriptor, in the order asked. The return value of `poll` is how many are not zero.
    Poll(Vec<i16>),
    /// What `select` found. Its return value is the number of entries.
    Select(Selected),
    /// What `epoll_wait` found: events and the number given with the interest.
    Epoll(Vec<(u32, u64)>),
}

/// The value of a socket option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionValue {
    /// An `int`.
    Int(i64),
    /// A `struct linger`.
    Linger {
        /// `l_onoff`.
        on: bool,
        /// `l_linger`.
        seconds: i32,
    },
    /// A `struct tcp_info`.
    Info(Box<TcpInfo>),
    /// A `struct timeval`.
    Timeval(Duration),
    /// Bytes: a text without its end, the first bytes of a longer value.
    Bytes(Vec<u8>),
}

/// What `recvmsg` gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The return value.
    pub count: usize,
    /// The bytes, unless they were thrown away.
    pub data: Vec<u8>,
    /// An address, which only the error queue has.
    pub name: Option<SocketAddr>,
    /// Control messages.
    pub control: Vec<Control>,
    /// `MSG_OOB`, `MSG_ERRQUEUE`, `MSG_CTRUNC`.
    pub flags: i32,
}

/// A control message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// `SOL_SOCKET`, `IPPROTO_TCP`, ...
    pub level: i32,
    /// Its type.
    pub kind: i32,
    /// What it says.
    pub data: ControlData,
}

/// What a control message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlData {
    /// Bytes, of which an `int` has four.
    Bytes(Vec<u8>),
    /// A `scm_timestamping`: a moment of this stack's time, and no others.
    Stamp(Instant),
    /// A `sock_extended_err` and the address behind it.
    Error(ExtendedError),
}

/// An entry of the error queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of recvmsg's manual page, without ee_")]
pub struct ExtendedError {
    pub errno: u32,
    pub origin: u8,
    pub kind: u8,
    pub code: u8,
    pub info: u32,
    pub data: u32,
    /// Who reported it.
    pub offender: Option<SocketAddr>,
}

/// Why a call returned no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The call returned -1 and this.
    Errno(Errno),
    /// This stack does not have what was asked for. Never the same as an error of the call.
    Unsupported(&'static str),
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

/// A signal that the stack sends to a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The thread wrote where nobody reads.
    Sigpipe,
}
