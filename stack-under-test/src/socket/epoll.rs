//! Interest lists.

use alloc::collections::BTreeMap;

use super::pipe::Pipe;
use super::table::File;
use super::{Socket, Tcp};
use crate::syscall::Fd;
use crate::tcp::env::Env;
use crate::tcp::state::TcpState;

/// Names an interest list for as long as it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EpollId(pub(crate) u32);

/// What a program wants to hear, and the number it hears it with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interest {
    pub(crate) events: u32,
    pub(crate) data: u64,
}

/// A descriptor under watch.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) interest: Interest,
    /// Something happened that was not reported yet.
    pub(crate) ready: bool,
    /// How the socket stood when that was last looked at.
    pub(crate) seen: Activity,
}

/// An interest list: an entry for each descriptor and what it referred to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Epoll {
    pub(crate) items: BTreeMap<(Fd, File), Item>,
    /// Times that something became ready.
    pub(crate) woken: u64,
    pub(crate) nonblocking: bool,
}

/// What of a descriptor tells, by its change, that Linux would wake those who wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Activity {
    /// Bytes that came in order, connections, or entries that became ready.
    arrived: u64,
    /// Urgent bytes announced.
    urgent: u64,
    writable: bool,
    state: TcpState,
    error: bool,
    /// Entries of the error queue that are no errors.
    reports: u64,
    peer_closed: bool,
    shut: (bool, bool),
}

impl Activity {
    const NONE: Self = Self {
        arrived: 0,
        urgent: 0,
        writable: false,
        state: TcpState::Closed,
        error: false,
        reports: 0,
        peer_closed: false,
        shut: (false, false),
    };

    pub(crate) fn of_list(epoll: &Epoll) -> Self {
        Self { arrived: epoll.woken, ..Self::NONE }
    }

    pub(crate) fn of_pipe(pipe: &Pipe) -> Self {
        let shut = (pipe.read_closed, pipe.write_closed);
        Self { arrived: pipe.written, writable: !pipe.is_full(), shut, ..Self::NONE }
    }

    pub(crate) fn of(env: &Env<'_>, socket: &Socket) -> Self {
        let error = socket.error.is_some() || !socket.errors.is_empty();
        let mut activity = Self { state: socket.state(), error, reports: socket.reports, ..Self::NONE };
        match &socket.tcp {
            Tcp::Listen(listen) => activity.arrived = listen.finished,
            Tcp::Synchronized(connection) => {
                activity.urgent = connection.counters.marks + u64::from(connection.has_urgent());
                activity.arrived = connection.counters.bytes_received;
                activity.writable = connection.is_writable(env);
                activity.peer_closed = connection.peer_closed();
                activity.shut = (connection.read_closed(), connection.write_closed());
            }
            Tcp::Closed(remains) => activity.shut = (remains.read_shut, remains.write_shut),
            Tcp::SynSent(_) | Tcp::SynReceived(_) => activity.shut = socket.shut_early,
        }
        activity
    }

    /// What those who wait are told to look for: as `poll` writes it, everything if the state changed.
    pub(crate) fn since(self, before: Self) -> i16 {
        use crate::syscall::constants::{POLLERR, POLLIN, POLLOUT, POLLPRI, POLLRDNORM, POLLWRNORM};
        let same_state =
            (self.state, self.peer_closed, self.shut) == (before.state, before.peer_closed, before.shut);
        if !same_state {
            return !0;
        }
        let mut events = 0;
        if (self.error && !before.error) || self.reports != before.reports {
            events |= POLLERR;
        }
        if self.arrived != before.arrived || self.urgent != before.urgent {
            events |= POLLIN | POLLRDNORM | POLLPRI;
        }
        if self.writable && !before.writable {
            events |= POLLOUT | POLLWRNORM;
        }
        events
    }
}
