//! Linux names and numbers, as our own tables: errno, signals and the constants of calls.
//!
//! Other systems number them differently; a test on Linux compares them with libc.

use std::fmt;

/// An error number of Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Errno(pub i32);

impl Errno {
    /// The number of a name: `ECONNREFUSED`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        ERRNOS.iter().find(|(known, _)| *known == name).map(|(_, number)| Self(*number))
    }

    /// The name, where it has one here.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        ERRNOS.iter().find(|(_, number)| *number == self.0).map(|(name, _)| *name)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "errno {}", self.0),
        }
    }
}

/// A signal that a case sends or a call raises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "signals under their names in signal(7)")]
pub enum Signal {
    Pipe,
    Usr1,
    Usr2,
    Alrm,
    Int,
    Term,
    Urg,
    Io,
}

impl Signal {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Pipe, Self::Usr1, Self::Usr2, Self::Alrm, Self::Int, Self::Term, Self::Urg, Self::Io];

    /// `SIGPIPE`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pipe => "SIGPIPE",
            Self::Usr1 => "SIGUSR1",
            Self::Usr2 => "SIGUSR2",
            Self::Alrm => "SIGALRM",
            Self::Int => "SIGINT",
            Self::Term => "SIGTERM",
            Self::Urg => "SIGURG",
            Self::Io => "SIGIO",
        }
    }

    /// A name read back.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| signal.name() == name)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Errors that socket calls return, by name.
pub const ERRNOS: &[(&str, i32)] = &[
    ("EPERM", 1),
    ("ENOENT", 2),
    ("EINTR", 4),
    ("EIO", 5),
    ("E2BIG", 7),
    ("EBADF", 9),
    ("EAGAIN", 11),
    ("ENOMEM", 12),
    ("EACCES", 13),
    ("EFAULT", 14),
    ("EBUSY", 16),
    ("EEXIST", 17),
    ("ENODEV", 19),
    ("ENOTDIR", 20),
    ("EINVAL", 22),
    ("ENFILE", 23),
    ("EMFILE", 24),
    ("ENOTTY", 25),
    ("EFBIG", 27),
    ("ENOSPC", 28),
    ("ESPIPE", 29),
    ("EPIPE", 32),
    ("EDOM", 33),
    ("ERANGE", 34),
    ("ENOSYS", 38),
    ("ELOOP", 40),
    ("ENOMSG", 42),
    ("ENODATA", 61),
    ("ETIME", 62),
    ("ENONET", 64),
    ("EPROTO", 71),
    ("EOVERFLOW", 75),
    ("ENOTSOCK", 88),
    ("EDESTADDRREQ", 89),
    ("EMSGSIZE", 90),
    ("EPROTOTYPE", 91),
    ("ENOPROTOOPT", 92),
    ("EPROTONOSUPPORT", 93),
    ("ESOCKTNOSUPPORT", 94),
    ("EOPNOTSUPP", 95),
    ("EPFNOSUPPORT", 96),
    ("EAFNOSUPPORT", 97),
    ("EADDRINUSE", 98),
    ("EADDRNOTAVAIL", 99),
    ("ENETDOWN", 100),
    ("ENETUNREACH", 101),
    ("ENETRESET", 102),
    ("ECONNABORTED", 103),
    ("ECONNRESET", 104),
    ("ENOBUFS", 105),
    ("EISCONN", 106),
    ("ENOTCONN", 107),
    ("ESHUTDOWN", 108),
    ("ETOOMANYREFS", 109),
    ("ETIMEDOUT", 110),
    ("ECONNREFUSED", 111),
    ("EHOSTDOWN", 112),
    ("EHOSTUNREACH", 113),
    ("EALREADY", 114),
    ("EINPROGRESS", 115),
    ("ECANCELED", 125),
    // Second names come after first ones, so that a number prints under its usual name.
    ("EWOULDBLOCK", 11),
    ("ENOTSUP", 95),
];

/// Constants of calls, by name, in the numbering of Linux on x86-64 and aarch64.
pub const CONSTANTS: &[(&str, i64)] = &[
    ("AF_UNSPEC", 0),
    ("AF_UNIX", 1),
    ("AF_INET", 2),
    ("AF_INET6", 10),
    ("SOCK_STREAM", 1),
    ("SOCK_DGRAM", 2),
    ("SOCK_RAW", 3),
    ("SOCK_NONBLOCK", 0o4000),
    ("SOCK_CLOEXEC", 0o2000000),
    ("IPPROTO_IP", 0),
    ("IPPROTO_ICMP", 1),
    ("IPPROTO_TCP", 6),
    ("IPPROTO_UDP", 17),
    ("IPPROTO_IPV6", 41),
    ("IPPROTO_ICMPV6", 58),
    ("IPPROTO_MPTCP", 262),
    ("SOL_IP", 0),
    ("SOL_SOCKET", 1),
    ("SOL_TCP", 6),
    ("SOL_IPV6", 41),
    ("SHUT_RD", 0),
    ("SHUT_WR", 1),
    ("SHUT_RDWR", 2),
    ("SO_DEBUG", 1),
    ("SO_REUSEADDR", 2),
    ("SO_TYPE", 3),
    ("SO_ERROR", 4),
    ("SO_DONTROUTE", 5),
    ("SO_BROADCAST", 6),
    ("SO_SNDBUF", 7),
    ("SO_RCVBUF", 8),
    ("SO_KEEPALIVE", 9),
    ("SO_OOBINLINE", 10),
    ("SO_PRIORITY", 12),
    ("SO_LINGER", 13),
    ("SO_REUSEPORT", 15),
    ("SO_RCVLOWAT", 18),
    ("SO_SNDLOWAT", 19),
    ("SO_RCVTIMEO", 20),
    ("SO_SNDTIMEO", 21),
    ("SO_ACCEPTCONN", 30),
    ("SO_SNDBUFFORCE", 32),
    ("SO_RCVBUFFORCE", 33),
    ("SO_PROTOCOL", 38),
    ("SO_DOMAIN", 39),
    ("SO_MARK", 36),
    ("SO_BUSY_POLL", 46),
    ("SO_MAX_PACING_RATE", 47),
    ("SO_INCOMING_CPU", 49),
    ("SO_ZEROCOPY", 60),
    ("SCM_RIGHTS", 1),
    ("SCM_CREDENTIALS", 2),
    ("SO_TIMESTAMPING", 37),
    ("TCP_NODELAY", 1),
    ("TCP_MAXSEG", 2),
    ("TCP_CORK", 3),
    ("TCP_KEEPIDLE", 4),
    ("TCP_KEEPINTVL", 5),
    ("TCP_KEEPCNT", 6),
    ("TCP_SYNCNT", 7),
    ("TCP_LINGER2", 8),
    ("TCP_DEFER_ACCEPT", 9),
    ("TCP_WINDOW_CLAMP", 10),
    ("TCP_INFO", 11),
    ("TCP_QUICKACK", 12),
    ("TCP_CONGESTION", 13),
    ("TCP_MD5SIG", 14),
    ("TCP_THIN_LINEAR_TIMEOUTS", 16),
    ("TCP_THIN_DUPACK", 17),
    ("TCP_USER_TIMEOUT", 18),
    ("TCP_REPAIR", 19),
    ("TCP_FASTOPEN", 23),
    ("TCP_TIMESTAMP", 24),
    ("TCP_NOTSENT_LOWAT", 25),
    ("TCP_SAVE_SYN", 27),
    ("TCP_SAVED_SYN", 28),
    ("TCP_FASTOPEN_CONNECT", 30),
    ("TCP_FASTOPEN_KEY", 33),
    ("TCP_FASTOPEN_NO_COOKIE", 34),
    ("TCP_INQ", 36),
    ("TCP_TX_DELAY", 37),
    ("IP_TOS", 1),
    ("IP_TTL", 2),
    ("IP_MTU_DISCOVER", 10),
    ("IP_RECVERR", 11),
    ("IP_MTU", 14),
    ("IP_FREEBIND", 15),
    ("IP_PMTUDISC_DONT", 0),
    ("IP_PMTUDISC_WANT", 1),
    ("IP_PMTUDISC_DO", 2),
    ("IP_PMTUDISC_PROBE", 3),
    ("IPV6_UNICAST_HOPS", 16),
    ("IPV6_MTU_DISCOVER", 23),
    ("IPV6_MTU", 24),
    ("IPV6_RECVERR", 25),
    ("IPV6_V6ONLY", 26),
    ("IPV6_TCLASS", 67),
    ("MSG_OOB", 1),
    ("MSG_PEEK", 2),
    ("MSG_DONTROUTE", 4),
    ("MSG_CTRUNC", 8),
    ("MSG_TRUNC", 0x20),
    ("MSG_DONTWAIT", 0x40),
    ("MSG_EOR", 0x80),
    ("MSG_WAITALL", 0x100),
    ("MSG_FIN", 0x200),
    ("MSG_SYN", 0x400),
    ("MSG_ERRQUEUE", 0x2000),
    ("MSG_NOSIGNAL", 0x4000),
    ("MSG_MORE", 0x8000),
    ("MSG_ZEROCOPY", 0x400_0000),
    ("MSG_FASTOPEN", 0x2000_0000),
    ("F_DUPFD", 0),
    ("F_GETFD", 1),
    ("F_SETFD", 2),
    ("F_GETFL", 3),
    ("F_SETFL", 4),
    ("F_DUPFD_CLOEXEC", 1030),
    ("FD_CLOEXEC", 1),
    ("O_RDONLY", 0),
    ("O_WRONLY", 1),
    ("O_RDWR", 2),
    ("O_NONBLOCK", 0o4000),
    ("FIONREAD", 0x541B),
    ("SIOCINQ", 0x541B),
    ("SIOCOUTQ", 0x5411),
    ("SIOCOUTQNSD", 0x894B),
    ("SIOCATMARK", 0x8905),
    ("FIONBIO", 0x5421),
    ("POLLIN", 0x001),
    ("POLLPRI", 0x002),
    ("POLLOUT", 0x004),
    ("POLLERR", 0x008),
    ("POLLHUP", 0x010),
    ("POLLNVAL", 0x020),
    ("POLLRDNORM", 0x040),
    ("POLLRDBAND", 0x080),
    ("POLLWRNORM", 0x100),
    ("POLLWRBAND", 0x200),
    ("POLLRDHUP", 0x2000),
    ("EPOLLIN", 0x001),
    ("EPOLLPRI", 0x002),
    ("EPOLLOUT", 0x004),
    ("EPOLLERR", 0x008),
    ("EPOLLHUP", 0x010),
    ("EPOLLRDNORM", 0x040),
    ("EPOLLRDBAND", 0x080),
    ("EPOLLWRNORM", 0x100),
    ("EPOLLWRBAND", 0x200),
    ("EPOLLRDHUP", 0x2000),
    ("EPOLLEXCLUSIVE", 1 << 28),
    ("EPOLLWAKEUP", 1 << 29),
    ("EPOLLONESHOT", 1 << 30),
    ("EPOLLET", 1 << 31),
    ("EPOLL_CTL_ADD", 1),
    ("EPOLL_CTL_DEL", 2),
    ("EPOLL_CTL_MOD", 3),
    ("SPLICE_F_MOVE", 1),
    ("SPLICE_F_NONBLOCK", 2),
    ("SPLICE_F_MORE", 4),
    ("SO_EE_ORIGIN_NONE", 0),
    ("SO_EE_ORIGIN_LOCAL", 1),
    ("SO_EE_ORIGIN_ICMP", 2),
    ("SO_EE_ORIGIN_ICMP6", 3),
    ("SO_EE_ORIGIN_TIMESTAMPING", 4),
    ("SO_EE_ORIGIN_ZEROCOPY", 5),
];

/// The number of a constant of calls.
#[must_use]
pub fn constant(name: &str) -> Option<i64> {
    CONSTANTS.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// The known word that looks most like `word`, for "did you mean": near enough to be a slip of the hand.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = word.to_lowercase();
    let length = wanted.chars().count();
    let most = |candidate: &str| 2.max(candidate.len() / 4);
    known
        .into_iter()
        // What is much longer or shorter is not near; comparing it letter by letter would take long.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= most(candidate))
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= most(candidate) && *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(all(test, target_os = "linux", feature = "linux"))]
mod tests {
    use super::{ERRNOS, constant};

    #[test]
    fn errno_numbers_are_those_of_libc() {
        for (name, number) in ERRNOS.iter().filter(|(name, _)| !["EWOULDBLOCK", "ENOTSUP"].contains(name)) {
            assert_eq!(format!("{:?}", nix::errno::Errno::from_raw(*number)), *name, "errno {number}");
        }
    }

    #[test]
    fn constants_are_those_of_libc() {
        let pairs: &[(&str, i64)] = &[
            ("SOCK_NONBLOCK", i64::from(libc::SOCK_NONBLOCK)),
            ("SOCK_CLOEXEC", i64::from(libc::SOCK_CLOEXEC)),
            ("SO_REUSEADDR", i64::from(libc::SO_REUSEADDR)),
            ("SO_ERROR", i64::from(libc::SO_ERROR)),
            ("SO_LINGER", i64::from(libc::SO_LINGER)),
            ("SO_RCVTIMEO", i64::from(libc::SO_RCVTIMEO)),
            ("SO_ZEROCOPY", i64::from(libc::SO_ZEROCOPY)),
            ("SO_TIMESTAMPING", i64::from(libc::SO_TIMESTAMPING)),
            ("SO_MARK", i64::from(libc::SO_MARK)),
            ("TCP_QUICKACK", i64::from(libc::TCP_QUICKACK)),
            ("TCP_USER_TIMEOUT", i64::from(libc::TCP_USER_TIMEOUT)),
            ("TCP_REPAIR", i64::from(libc::TCP_REPAIR)),
            ("MSG_NOSIGNAL", i64::from(libc::MSG_NOSIGNAL)),
            ("MSG_ERRQUEUE", i64::from(libc::MSG_ERRQUEUE)),
            ("MSG_FASTOPEN", i64::from(libc::MSG_FASTOPEN)),
            ("O_NONBLOCK", i64::from(libc::O_NONBLOCK)),
            ("F_SETFL", i64::from(libc::F_SETFL)),
            ("F_DUPFD_CLOEXEC", i64::from(libc::F_DUPFD_CLOEXEC)),
            ("EPOLLWAKEUP", i64::from(libc::EPOLLWAKEUP)),
            ("IPV6_MTU", i64::from(libc::IPV6_MTU)),
            ("SCM_CREDENTIALS", i64::from(libc::SCM_CREDENTIALS)),
            ("POLLRDHUP", i64::from(libc::POLLRDHUP)),
            ("EPOLLRDHUP", i64::from(libc::EPOLLRDHUP)),
            ("IPV6_V6ONLY", i64::from(libc::IPV6_V6ONLY)),
            ("FIONREAD", i64::try_from(libc::FIONREAD).unwrap()),
            ("SIOCOUTQ", i64::try_from(libc::TIOCOUTQ).unwrap()),
        ];
        for (name, number) in pairs {
            assert_eq!(constant(name), Some(*number), "{name}");
        }
    }
}
