//! Error numbers, and which event becomes which.

use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;

use super::Socket;
use crate::syscall::ExtendedError;
use crate::syscall::constants::{SO_EE_ORIGIN_TIMESTAMPING, SO_EE_ORIGIN_ZEROCOPY};
use crate::tcp::connection::Ending;
use crate::tcp::stamps::Stamp;
use crate::time::Instant;
use crate::wire::icmp::Trouble;

/// What stands in the error queue.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) entry: ExtendedError,
    /// The packet that it is about.
    pub(crate) quoted: Quoted,
    /// Where that was going.
    pub(crate) name: Option<SocketAddr>,
    /// When something happened to it.
    pub(crate) stamp: Option<Instant>,
}

/// What a report gives to read.
#[derive(Clone, Debug)]
pub(crate) enum Quoted {
    Bytes(Vec<u8>),
    /// The whole packet, which this stack does not keep.
    Packet,
}

impl Report {
    /// One that is not about a packet.
    pub(crate) fn of(entry: ExtendedError) -> Self {
        Self { entry, quoted: Quoted::Bytes(Vec::new()), name: None, stamp: None }
    }

    /// Whether it tells of an error, and not of what became of memory or packets.
    pub(crate) fn is_error(&self) -> bool {
        ![SO_EE_ORIGIN_ZEROCOPY, SO_EE_ORIGIN_TIMESTAMPING].contains(&self.entry.origin)
    }
}

impl Socket {
    /// Reports when what was written was sent and acknowledged.
    pub(crate) fn report_stamps(&mut self) {
        let stamps = self.connection_mut().map(|connection| connection.stamps.take()).unwrap_or_default();
        for Stamp { kind, at, key } in stamps {
            let entry = ExtendedError {
                errno: Errno::ENOMSG.0.unsigned_abs(),
                origin: SO_EE_ORIGIN_TIMESTAMPING,
                kind: 0,
                code: 0,
                info: kind as u32,
                data: key,
                offender: None,
            };
            self.reports += 1;
            self.errors.push_back(Report { quoted: Quoted::Packet, stamp: Some(at), ..Report::of(entry) });
        }
    }
}

/// A Linux error number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Errno(pub i32);

macro_rules! errnos {
    ($($name:ident = $number:literal),+ $(,)?) => {
        #[expect(missing_docs, reason = "the names are those of errno(3)")]
        impl Errno {
            $(pub const $name: Self = Self($number);)+

            /// The name, `None` for a number that this stack never returns.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some(stringify!($name)),)+
                    _ => None,
                }
            }
        }
    };
}

errnos! {
    EPERM = 1,
    ENOENT = 2,
    EINTR = 4,
    EBADF = 9,
    EAGAIN = 11,
    EACCES = 13,
    EFAULT = 14,
    EEXIST = 17,
    ENODEV = 19,
    EINVAL = 22,
    EMFILE = 24,
    ENOTTY = 25,
    EPIPE = 32,
    EDOM = 33,
    ELOOP = 40,
    ENOMSG = 42,
    ENONET = 64,
    EPROTO = 71,
    ENOTSOCK = 88,
    EDESTADDRREQ = 89,
    EMSGSIZE = 90,
    EPROTOTYPE = 91,
    ENOPROTOOPT = 92,
    EPROTONOSUPPORT = 93,
    ESOCKTNOSUPPORT = 94,
    EOPNOTSUPP = 95,
    EAFNOSUPPORT = 97,
    EADDRINUSE = 98,
    EADDRNOTAVAIL = 99,
    ENETDOWN = 100,
    ENETUNREACH = 101,
    ECONNABORTED = 103,
    ECONNRESET = 104,
    ENOBUFS = 105,
    EISCONN = 106,
    ENOTCONN = 107,
    ETIMEDOUT = 110,
    ECONNREFUSED = 111,
    EHOSTDOWN = 112,
    EHOSTUNREACH = 113,
    EALREADY = 114,
    EINPROGRESS = 115,
}

impl fmt::Display for Errno {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => formatter.write_str(name),
            None => write!(formatter, "errno {}", self.0),
        }
    }
}

/// The error that a socket reports after its connection ended, if any.
pub(crate) fn after(ending: Ending) -> Option<Errno> {
    match ending {
        Ending::Closed | Ending::Aborted => None,
        // RFC9293/MUST-12
        Ending::Reset => Some(Errno::ECONNRESET),
        // Linux: the peer had closed, so all that can be missing is what we wrote.
        Ending::ResetAfterFin => Some(Errno::EPIPE),
        Ending::Refused => Some(Errno::ECONNREFUSED),
        Ending::TimedOut => Some(Errno::ETIMEDOUT),
        Ending::Unreachable(trouble) => Some(from_icmp(trouble)),
    }
}

/// The error that an ICMP message stands for.
pub(crate) fn from_icmp(trouble: Trouble) -> Errno {
    match trouble {
        Trouble::NetUnreachable => Errno::ENETUNREACH,
        Trouble::HostUnreachable => Errno::EHOSTUNREACH,
        Trouble::ProtocolUnreachable => Errno::ENOPROTOOPT,
        Trouble::PortUnreachable => Errno::ECONNREFUSED,
        Trouble::SourceRouteFailed => Errno::EOPNOTSUPP,
        Trouble::HostDown => Errno::EHOSTDOWN,
        Trouble::HostIsolated => Errno::ENONET,
        Trouble::Prohibited => Errno::EACCES,
        Trouble::ParameterProblem => Errno::EPROTO,
        Trouble::TooBig(_) => Errno::EMSGSIZE,
    }
}
