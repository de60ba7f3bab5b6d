//! Linux names and numbers, as our own tables: errno, signals and the constants of calls.
//!
//! Other systems number them differently; a test on Linux compares them with libc.

mod errnos;
mod numbers;

use std::fmt;

pub use errnos::ERRNOS;
pub use numbers::CONSTANTS;

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
        for (name, number) in
            ERRNOS.iter().filter(|(name, _)| !["EWOULDBLOCK", "EDEADLOCK", "ENOTSUP"].contains(name))
        {
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
            ("SO_PEEK_OFF", i64::from(libc::SO_PEEK_OFF)),
            ("IP_RECVTOS", i64::from(libc::IP_RECVTOS)),
            ("IPV6_FREEBIND", i64::from(libc::IPV6_FREEBIND)),
            ("SOF_TIMESTAMPING_TX_ACK", i64::from(libc::SOF_TIMESTAMPING_TX_ACK)),
            ("SOF_TIMESTAMPING_OPT_STATS", i64::from(libc::SOF_TIMESTAMPING_OPT_STATS)),
            ("SO_EE_ORIGIN_TIMESTAMPING", i64::from(libc::SO_EE_ORIGIN_TIMESTAMPING)),
            ("TCP_REPAIR_WINDOW", i64::from(libc::TCP_REPAIR_WINDOW)),
            ("FIONREAD", i64::try_from(libc::FIONREAD).unwrap()),
            ("SIOCOUTQ", i64::try_from(libc::TIOCOUTQ).unwrap()),
        ];
        for (name, number) in pairs {
            assert_eq!(constant(name), Some(*number), "{name}");
        }
    }
}
