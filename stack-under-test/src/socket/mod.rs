//! Sockets: what a program holds.

pub(crate) mod epoll;
pub(crate) mod errors;
pub(crate) mod pipe;
pub(crate) mod table;
mod zero_copy;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;

use crate::tcp::connection::Connection;
use crate::tcp::fast_open::Key;
use crate::tcp::flow::{Endpoint, Flow};
use crate::tcp::handshake::Knobs;
use crate::tcp::info::TcpInfo;
use crate::tcp::listen::Listen;
use crate::tcp::state::TcpState;
use crate::tcp::syn_received::SynReceived;
use crate::tcp::syn_sent::SynSent;
use crate::tcp::timers::Timers;
use errors::{Errno, Report};

/// Names a socket for as long as it lives, with or without a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SocketId(pub(crate) u32);

/// The address family of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Domain {
    Inet,
    Inet6,
}

/// Where `connect` stands, apart from the state of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Unconnected,
    Connecting,
    Connected,
}

/// The address a socket is bound to. Port 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Binding {
    /// `None` is any address.
    pub(crate) address: Option<IpAddr>,
    pub(crate) port: u16,
    /// The program chose the port, which so stays bound when the connection ends.
    pub(crate) chosen: bool,
}

/// What a connection leaves to a socket that is still held.
#[derive(Clone, Debug, Default)]
pub(crate) struct Remains {
    pub(crate) unread: VecDeque<u8>,
    pub(crate) read_shut: bool,
    pub(crate) write_shut: bool,
    /// The peer's FIN came.
    pub(crate) peer_closed: bool,
    /// What `TCP_INFO` said of it last.
    pub(crate) info: Option<Box<TcpInfo>>,
}

/// The protocol's part of a socket.
#[derive(Debug)]
pub(crate) enum Tcp {
    Closed(Remains),
    Listen(Listen),
    SynSent(Box<SynSent>),
    SynReceived(Box<SynReceived>),
    Synchronized(Box<Connection>),
}

/// A socket.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) domain: Domain,
    pub(crate) nonblocking: bool,
    /// Descriptors and blocked calls that refer to it.
    pub(crate) references: u32,
    pub(crate) binding: Binding,
    /// The port it had before it was disconnected, which Linux goes on showing.
    pub(crate) former_port: u16,
    /// The ends of the connection it has or had last.
    pub(crate) flow: Option<Flow>,
    pub(crate) v6only: bool,
    pub(crate) reuse_address: bool,
    pub(crate) reuse_port: bool,
    /// `IP_FREEBIND`: any address may be bound to.
    pub(crate) free_bind: bool,
    /// How long calls wait; `None` is for ever.
    pub(crate) receive_timeout: Option<Duration>,
    pub(crate) send_timeout: Option<Duration>,
    /// Bytes that must be there before reading returns.
    pub(crate) receive_low: u32,
    pub(crate) linger: Option<Duration>,
    pub(crate) linger_seconds: u32,
    pub(crate) knobs: Knobs,
    pub(crate) phase: Phase,
    /// `shutdown` of reading and of writing, between the two SYNs of a simultaneous open.
    pub(crate) shut_early: (bool, bool),
    /// Waits to be reported, once.
    pub(crate) error: Option<Errno>,
    /// The error queue.
    pub(crate) errors: VecDeque<Report>,
    /// Entries of other origin than ICMP that there ever were.
    pub(crate) reports: u64,
    /// `SO_ZEROCOPY`
    pub(crate) may_lend: bool,
    pub(crate) loans: zero_copy::Loans,
    /// `TCP_INQ`
    pub(crate) tell_unread: bool,
    pub(crate) ignored: Ignored,
    pub(crate) fast_open: FastOpenListener,
    pub(crate) tcp: Tcp,
}

/// What a program set of Fast Open for a listener.
#[derive(Clone, Debug, Default)]
pub(crate) struct FastOpenListener {
    /// Connections that may have begun with a SYN and not be confirmed; 0 is none.
    pub(crate) backlog: u32,
    /// `TCP_FASTOPEN_KEY`
    pub(crate) keys: Vec<Key>,
}

/// Options that a program reads back, and that change nothing where there are no queues, marks and broadcasts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ignored {
    pub(crate) debug: bool,
    pub(crate) dont_route: bool,
    pub(crate) broadcast: bool,
    pub(crate) priority: i32,
    pub(crate) mark: i32,
    pub(crate) discovery_v4: Option<i32>,
    pub(crate) discovery_v6: Option<i32>,
}

impl Socket {
    pub(crate) fn new(domain: Domain, nonblocking: bool) -> Self {
        Self {
            domain,
            nonblocking,
            references: 0,
            binding: Binding::default(),
            former_port: 0,
            flow: None,
            v6only: false,
            reuse_address: false,
            reuse_port: false,
            free_bind: false,
            receive_timeout: None,
            send_timeout: None,
            receive_low: 1,
            linger: None,
            linger_seconds: 0,
            knobs: Knobs::default(),
            phase: Phase::Unconnected,
            shut_early: (false, false),
            error: None,
            errors: VecDeque::new(),
            reports: 0,
            may_lend: false,
            loans: zero_copy::Loans::default(),
            tell_unread: false,
            ignored: Ignored::default(),
            fast_open: FastOpenListener::default(),
            tcp: Tcp::Closed(Remains::default()),
        }
    }

    /// A connection that a listener made. It inherits what was set on the listener.
    pub(crate) fn accepted(listener: &Self, connection: Connection) -> Self {
        let local = connection.flow.local;
        Self {
            domain: listener.domain,
            nonblocking: false,
            references: 0,
            binding: Binding {
                address: Some(local.address),
                port: local.port,
                chosen: listener.binding.chosen,
            },
            former_port: 0,
            flow: Some(connection.flow),
            v6only: listener.v6only,
            reuse_address: listener.reuse_address,
            reuse_port: listener.reuse_port,
            free_bind: listener.free_bind,
            receive_timeout: listener.receive_timeout,
            send_timeout: listener.send_timeout,
            receive_low: listener.receive_low,
            linger: listener.linger,
            linger_seconds: listener.linger_seconds,
            knobs: listener.knobs.clone(),
            phase: Phase::Connected,
            shut_early: (false, false),
            error: None,
            errors: VecDeque::new(),
            reports: 0,
            may_lend: listener.may_lend,
            loans: zero_copy::Loans::default(),
            tell_unread: listener.tell_unread,
            ignored: listener.ignored,
            fast_open: FastOpenListener::default(),
            tcp: Tcp::Synchronized(Box::new(connection)),
        }
    }

    pub(crate) fn state(&self) -> TcpState {
        match &self.tcp {
            Tcp::Closed(_) => TcpState::Closed,
            Tcp::Listen(_) => TcpState::Listen,
            Tcp::SynSent(_) => TcpState::SynSent,
            Tcp::SynReceived(_) => TcpState::SynRecv,
            Tcp::Synchronized(connection) => connection.state().name(),
        }
    }

    /// Bytes that a program is told are there to be read: one more when the peer has closed.
    pub(crate) fn unread_hint(&self) -> i32 {
        let (unread, closed) = match &self.tcp {
            Tcp::Synchronized(connection) => {
                (connection.unread_before_mark() as usize, connection.peer_closed())
            }
            Tcp::Closed(remains) => (remains.unread.len(), remains.peer_closed),
            Tcp::Listen(_) | Tcp::SynSent(_) | Tcp::SynReceived(_) => (0, false),
        };
        i32::try_from(unread + usize::from(closed)).unwrap_or(i32::MAX)
    }

    /// The timers of the protocol. Those of a listener belong to its handshakes.
    pub(crate) fn timers(&self) -> Option<&Timers> {
        match &self.tcp {
            Tcp::Closed(_) | Tcp::Listen(_) => None,
            Tcp::SynSent(open) => Some(&open.timers),
            Tcp::SynReceived(crossed) => Some(&crossed.timers),
            Tcp::Synchronized(connection) => Some(&connection.timers),
        }
    }

    pub(crate) fn connection(&self) -> Option<&Connection> {
        match &self.tcp {
            Tcp::Synchronized(connection) => Some(connection),
            Tcp::Closed(_) | Tcp::Listen(_) | Tcp::SynSent(_) | Tcp::SynReceived(_) => None,
        }
    }

    pub(crate) fn connection_mut(&mut self) -> Option<&mut Connection> {
        match &mut self.tcp {
            Tcp::Synchronized(connection) => Some(connection),
            Tcp::Closed(_) | Tcp::Listen(_) | Tcp::SynSent(_) | Tcp::SynReceived(_) => None,
        }
    }

    pub(crate) fn listener(&self) -> Option<&Listen> {
        match &self.tcp {
            Tcp::Listen(listen) => Some(listen),
            Tcp::Closed(_) | Tcp::SynSent(_) | Tcp::SynReceived(_) | Tcp::Synchronized(_) => None,
        }
    }

    pub(crate) fn listener_mut(&mut self) -> Option<&mut Listen> {
        match &mut self.tcp {
            Tcp::Listen(listen) => Some(listen),
            Tcp::Closed(_) | Tcp::SynSent(_) | Tcp::SynReceived(_) | Tcp::Synchronized(_) => None,
        }
    }

    /// Whether the socket, if it listens, hears what is sent to this end; how exactly, if so.
    pub(crate) fn hears(&self, local: Endpoint) -> Option<u8> {
        let Tcp::Listen(_) = self.tcp else {
            return None;
        };
        if self.binding.port != local.port {
            return None;
        }
        let family = match self.domain {
            Domain::Inet => local.address.is_ipv4(),
            Domain::Inet6 => local.address.is_ipv6() || !self.v6only,
        };
        match self.binding.address {
            Some(address) => (address == local.address).then_some(3),
            None if !family => None,
            // An IPv4 socket hears IPv4 better than an IPv6 one does.
            None => Some(u8::from((self.domain == Domain::Inet) == local.address.is_ipv4()) + 1),
        }
    }

    /// An address as this socket's family writes it: an IPv6 socket sees IPv4 as v4-mapped.
    pub(crate) fn present(&self, endpoint: Endpoint) -> SocketAddr {
        let address = match (self.domain, endpoint.address) {
            (Domain::Inet6, IpAddr::V4(address)) => IpAddr::V6(address.to_ipv6_mapped()),
            (_, address) => address,
        };
        SocketAddr::new(address, endpoint.port)
    }

    /// The unspecified address of the family.
    pub(crate) fn any_address(&self) -> IpAddr {
        match self.domain {
            Domain::Inet => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Domain::Inet6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        }
    }
}
