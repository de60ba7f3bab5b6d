//! Which socket is under test at each event, and what the numbers of its packets count from.
//!
//! Scripts name no flows: which connection a packet belongs to follows from the calls and packets before it.

use std::net::SocketAddr;

use crate::case::{Alt, Term};
use crate::case::{DescriptorId, Flow, FlowId, Lie, Num, Scalar, Syscall, constant};
use crate::front::pkt::script::{Direction, Number};
use crate::wire::{Flags, protocol};

/// Remote ports of connections that the peer makes; each gets its own.
const FIRST_REMOTE_PORT: u16 = 50_000;

/// What a socket has come to, as far as the script says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    Listening,
    /// A call connects it.
    Connecting,
    /// Its SYN was expected.
    SynSent,
    /// The peer's SYN-ACK was sent.
    SynAcked,
    /// Made by an inbound packet.
    SynReceived,
    /// Its SYN-ACK was expected.
    SynAckSent,
    /// That was acknowledged.
    Acked,
}

/// A socket of the script.
#[derive(Clone, Copy, Debug)]
struct Socket {
    state: State,
    protocol: i64,
    flow: Option<FlowId>,
    descriptor: Option<DescriptorId>,
    numbering: Numbering,
}

/// What the numbers of a connection count from: the initial numbers as the script has them, once they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbering {
    /// The target's.
    pub(super) local: Option<u32>,
    /// The peer's.
    pub(super) remote: Option<u32>,
}

/// Where a packet of the script belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Home {
    pub(super) flow: FlowId,
    pub(super) numbering: Numbering,
    /// The target's initial number is learnt from this packet.
    pub(super) learns: bool,
}

/// All sockets of a script, as they are at one of its events.
#[derive(Clone, Debug)]
pub(super) struct Sockets {
    /// The end that the target has in connections that the peer makes.
    local: SocketAddr,
    /// The end that the target connects to.
    remote: SocketAddr,
    all: Vec<Socket>,
    under_test: Option<usize>,
    flows: Vec<Flow>,
    /// A blocking `accept` is in progress: its descriptor is that of the next child.
    accepting: Option<DescriptorId>,
}

impl Sockets {
    pub(super) fn new(local: SocketAddr, remote: SocketAddr) -> Self {
        Self { local, remote, all: Vec::new(), under_test: None, flows: Vec::new(), accepting: None }
    }

    /// All connections; where there is none, the one that a case always has.
    pub(super) fn into_flows(mut self) -> Vec<Flow> {
        if self.flows.is_empty() {
            self.add_flow(None, self.remote);
        }
        self.flows
    }

    pub(super) fn descriptor_under_test(&self) -> Option<DescriptorId> {
        self.all.get(self.under_test?)?.descriptor
    }

    fn of(&mut self, descriptor: DescriptorId) -> Option<&mut Socket> {
        self.all.iter_mut().find(|socket| socket.descriptor == Some(descriptor))
    }

    fn add_flow(&mut self, local: Option<SocketAddr>, remote: SocketAddr) -> FlowId {
        let number = self.flows.len();
        let name = if number == 0 { "main".to_owned() } else { format!("flow{}", number + 1) };
        self.flows.push(Flow { name, local, remote, isn: 0, local_isn: None });
        FlowId(number)
    }

    /// A call is about to be made.
    pub(super) fn about_to(&mut self, call: &Syscall<Scalar>) {
        let (fd, family) = match call {
            Syscall::Connect { fd, lie, .. } | Syscall::Sendto { fd, lie, .. } => (*fd, family(lie.as_ref())),
            Syscall::Sendmsg { fd, .. } => (*fd, None),
            _ => return,
        };
        let remote = self.remote;
        if family.is_some() && family == constant("AF_UNSPEC") {
            if let Some(socket) = self.of(fd) {
                socket.state = State::New;
            }
            return;
        }
        if self.of(fd).is_some_and(|socket| socket.state == State::New) {
            let flow = self.add_flow(None, remote);
            if let Some(socket) = self.of(fd) {
                socket.state = State::Connecting;
                socket.flow = Some(flow);
                socket.numbering = Numbering::default();
            }
        }
    }

    /// A call returned as it should. Where it accepted a connection: the peer's end.
    pub(super) fn returned(
        &mut self,
        call: &Syscall<Scalar>,
        binds: &[DescriptorId],
        is_blocking: bool,
    ) -> Result<Option<SocketAddr>, String> {
        match (call, binds) {
            (Syscall::Socket { protocol, .. }, [descriptor]) => {
                let Scalar::Known(protocol) = protocol else { return Ok(None) };
                self.under_test = Some(self.all.len());
                self.all.push(Socket {
                    state: State::New,
                    protocol: *protocol,
                    flow: None,
                    descriptor: Some(*descriptor),
                    numbering: Numbering::default(),
                });
            }
            (Syscall::Listen { fd, .. }, _) => {
                if let Some(socket) = self.of(*fd) {
                    socket.state = State::Listening;
                }
            }
            (Syscall::Accept { .. } | Syscall::Accept4 { .. }, [descriptor]) => {
                return self.accepted(*descriptor, is_blocking);
            }
            (Syscall::Close { fd }, _) => {
                if let Some(socket) = self.of(*fd) {
                    socket.descriptor = None;
                }
            }
            _ => {}
        }
        Ok(None)
    }

    /// The youngest child that was sent a SYN-ACK gets the descriptor. A call that blocks may get one that is still
    /// to come.
    fn accepted(
        &mut self,
        descriptor: DescriptorId,
        is_blocking: bool,
    ) -> Result<Option<SocketAddr>, String> {
        let child = self.all.iter_mut().rev().find(|socket| {
            matches!(socket.state, State::SynAckSent | State::Acked) && socket.descriptor.is_none()
        });
        match child {
            Some(child) => {
                child.descriptor = Some(descriptor);
                let flow = child.flow.and_then(|id| self.flows.get(id.0));
                Ok(flow.map(|flow| flow.remote))
            }
            None if is_blocking => {
                self.accepting = Some(descriptor);
                Ok(None)
            }
            None => Err("no connection that was sent a SYN-ACK is there to accept".to_owned()),
        }
    }

    /// The flow of an inbound TCP packet, and what its numbers count from.
    pub(super) fn inbound_tcp(&mut self, flags: Flags, seq: Number) -> Result<Home, String> {
        let listens = |socket: &Socket| socket.state == State::Listening && socket.protocol == TCP;
        let makes_child = self.under_test.is_none_or(|index| self.all.get(index).is_some_and(listens));
        if makes_child {
            self.make_child(seq);
        }
        let socket = self.tcp_under_test()?;
        let flow = socket.flow.ok_or_else(no_connection)?;
        let is_syn_ack = flags.contains(Flags::SYN) && flags.contains(Flags::ACK);
        if socket.state == State::SynSent && is_syn_ack {
            socket.numbering.remote = Some(script_number(seq));
            socket.state = State::SynAcked;
        }
        if socket.state == State::SynAckSent && flags.contains(Flags::ACK) {
            socket.state = State::Acked;
        }
        let numbering = socket.numbering;
        if let (Some(flow), Some(isn)) = (self.flows.get_mut(flow.0), numbering.remote) {
            flow.isn = isn;
        }
        Ok(Home { flow, numbering, learns: false })
    }

    fn make_child(&mut self, seq: Number) {
        let count = u16::try_from(self.flows.len()).unwrap_or(u16::MAX);
        let port = FIRST_REMOTE_PORT.saturating_add(count);
        let flow = self.add_flow(Some(self.local), SocketAddr::new(self.remote.ip(), port));
        self.under_test = Some(self.all.len());
        self.all.push(Socket {
            state: State::SynReceived,
            protocol: TCP,
            flow: Some(flow),
            descriptor: None,
            numbering: Numbering { local: None, remote: Some(script_number(seq)) },
        });
    }

    /// The flow of an outbound TCP packet, and what its numbers count from.
    pub(super) fn outbound_tcp(&mut self, flags: Flags, seq: Number) -> Result<Home, String> {
        let accepting = self.accepting;
        let socket = self.tcp_under_test()?;
        let flow = socket.flow.ok_or_else(no_connection)?;
        let next = match (flags.contains(Flags::SYN), flags.contains(Flags::ACK), socket.state) {
            (true, false, State::Connecting) => Some(State::SynSent),
            (true, true, State::SynReceived) => Some(State::SynAckSent),
            _ => None,
        };
        if let Some(next) = next {
            socket.state = next;
            socket.numbering.local = Some(script_number(seq));
        }
        if socket.state == State::SynAckSent && socket.descriptor.is_none() && accepting.is_some() {
            socket.descriptor = accepting;
        }
        let (numbering, is_accepted) = (socket.numbering, socket.descriptor == accepting);
        if is_accepted {
            self.accepting = None;
        }
        Ok(Home { flow, numbering, learns: next.is_some() })
    }

    /// The flow of a datagram.
    pub(super) fn datagram(&self) -> Result<Home, String> {
        let socket = self.under_test.and_then(|index| self.all.get(index)).ok_or_else(no_socket)?;
        if socket.protocol != UDP {
            return Err("a datagram, and the socket under test is none of IPPROTO_UDP".to_owned());
        }
        home(socket)
    }

    /// The flow of an ICMP message. What comes in is about whatever the socket has; what goes out has no ports, and
    /// so is looked at only with a socket for such messages.
    pub(super) fn message(&self, direction: Direction) -> Result<Home, String> {
        let socket = self.under_test.and_then(|index| self.all.get(index)).ok_or_else(no_socket)?;
        if direction == Direction::Outbound && !is_icmp(socket.protocol) {
            return Err("an ICMP message, and the socket under test is none of IPPROTO_ICMP".to_owned());
        }
        home(socket)
    }

    /// Whether a descriptor is of a socket for ICMP messages.
    pub(super) fn pings(&self, descriptor: DescriptorId) -> bool {
        let socket = self.all.iter().find(|socket| socket.descriptor == Some(descriptor));
        socket.is_some_and(|socket| is_icmp(socket.protocol))
    }

    fn tcp_under_test(&mut self) -> Result<&mut Socket, String> {
        let socket = self.under_test.and_then(|index| self.all.get_mut(index)).ok_or_else(no_socket)?;
        if socket.protocol != TCP {
            return Err("a TCP packet, and the socket under test is none of IPPROTO_TCP".to_owned());
        }
        Ok(socket)
    }
}

const TCP: i64 = protocol::TCP as i64;
const UDP: i64 = protocol::UDP as i64;

fn is_icmp(protocol: i64) -> bool {
    [protocol::ICMP, protocol::ICMPV6].map(i64::from).contains(&protocol)
}

fn home(socket: &Socket) -> Result<Home, String> {
    let flow = socket.flow.ok_or_else(no_connection)?;
    Ok(Home { flow, numbering: socket.numbering, learns: false })
}

fn no_socket() -> String {
    "no socket is under test at this point".to_owned()
}

fn no_connection() -> String {
    "the socket under test has no connection at this point".to_owned()
}

/// The address family that a call lies about.
fn family(lie: Option<&Lie<Scalar>>) -> Option<i64> {
    match lie {
        Some(Lie::Family(Scalar::Known(family))) => Some(*family),
        _ => None,
    }
}

/// A number as it is written; an initial number that is not written is 0.
const fn script_number(number: Number) -> u32 {
    match number {
        Number::Is(number) | Number::OnWire(number) => number,
        Number::Any => 0,
    }
}

impl Number {
    /// The number of a packet: relative to this initial number, absolute where there is none yet. In a segment with
    /// SYN it is written as the script has initial numbers, else from 0.
    pub(super) fn lower(self, initial: Option<u32>, in_syn: bool) -> Num {
        let (number, absolute) = match (self, initial) {
            (Self::Any, _) => return Num::any(),
            (Self::OnWire(number), _) | (Self::Is(number), None) => (number, true),
            (Self::Is(number), Some(initial)) if in_syn => (number.wrapping_sub(initial), false),
            (Self::Is(number), Some(_)) => (number, false),
        };
        Num(vec![Alt::Is { term: Term::Known(i64::from(number)), absolute }])
    }
}
