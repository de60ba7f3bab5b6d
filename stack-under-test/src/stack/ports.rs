//! Numbers that the seed chooses: sequence numbers, ports, identifications.

use core::net::IpAddr;

use super::{Owner, Stack};
use crate::socket::{Binding, Domain, Socket, SocketId, Tcp};
use crate::tcp::flow::{Endpoint, Flow};
use crate::tcp::state::TcpState;
use crate::wire::seq::SeqNum;

/// A number that depends on all of these and on nothing else. Not for secrets: RFC9293/MUST-9 needs a seed that
/// nobody knows and a better function than this.
pub(super) fn mix(seed: u64, values: &[u64]) -> u64 {
    values.iter().fold(scramble(seed), |state, value| scramble(state ^ value))
}

/// The output function of the splitmix64 generator.
fn scramble(value: u64) -> u64 {
    let mut bits = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

fn halves(address: IpAddr) -> [u64; 2] {
    let bits = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    };
    [(bits >> 64) as u64, bits as u64]
}

impl Stack {
    fn mix_flow(&self, flow: Flow, purpose: u64) -> u64 {
        let [a, b] = halves(flow.local.address);
        let [c, d] = halves(flow.remote.address);
        let ports = (u64::from(flow.local.port) << 16) | u64::from(flow.remote.port);
        mix(self.seed, &[purpose, a, b, c, d, ports])
    }

    /// The first number of a connection: a clock of 64 ns (`RFC9293/MUST-8`) and a number that belongs to the flow
    /// (`RFC9293/SHLD-1`).
    pub(crate) fn isn(&self, flow: Flow) -> SeqNum {
        let clock = (self.now.as_nanos() >> 6) as u32;
        SeqNum((self.mix_flow(flow, 1) as u32).wrapping_add(clock))
    }

    /// The first number of an open, which may have been ordered.
    pub(crate) fn isn_of_open(&mut self, flow: Flow) -> SeqNum {
        let ordered = self.forced.iter().position(|forced| {
            forced.remote == flow.remote && forced.local.is_none_or(|local| local == flow.local)
        });
        match ordered {
            Some(index) => self.forced.remove(index).isn,
            None => self.isn(flow),
        }
    }

    /// A number that says which of those that share a port takes the flow.
    pub(super) fn share_of(&self, flow: Flow) -> usize {
        self.mix_flow(flow, 4) as u16 as usize
    }

    pub(super) fn flow_secret(&self, flow: Flow) -> u64 {
        self.mix_flow(flow, 5)
    }

    pub(crate) fn identification(&self, flow: Flow) -> u16 {
        self.mix_flow(flow, 2) as u16
    }

    /// A port of the range that is free for this purpose. RFC6056/3.3
    pub(crate) fn ephemeral_port(&mut self, mut is_free: impl FnMut(&Self, u16) -> bool) -> Option<u16> {
        let (low, high) = self.config.settings.local_ports;
        // As in Linux, which keeps the parities apart: of an odd number one is never given.
        let count = match u64::from(high - low) + 1 {
            1 => 1,
            count => count & !1,
        };
        self.ports_given += 1;
        let start = mix(self.seed, &[3, self.ports_given]) % count;
        (0..count)
            .filter_map(|step| u16::try_from(u64::from(low) + (start + step) % count).ok())
            .find(|port| is_free(self, *port))
    }

    /// Whether a socket may be bound there. As in Linux: a port is shared by sockets that all allow it, none of which
    /// listens, or that are bound to different addresses.
    pub(crate) fn may_bind(&self, who: SocketId, address: Option<IpAddr>, port: u16) -> bool {
        let Some(socket) = self.sockets.get(&who) else {
            return false;
        };
        let in_the_way = |other: &Socket| {
            let share = (socket.reuse_address && other.reuse_address && other.state() != TcpState::Listen)
                || (socket.reuse_port && other.reuse_port);
            other.binding.port == port && overlap(socket, address, other, other.binding.address) && !share
        };
        let by_socket = self.sockets.iter().any(|(id, other)| *id != who && in_the_way(other));
        let by_remains = self.time_waits.iter().any(|(flow, remains)| {
            let same = flow.local.port == port && address.is_none_or(|address| address == flow.local.address);
            let share =
                (socket.reuse_address && remains.reuse_address) || (socket.reuse_port && remains.reuse_port);
            same && !share
        });
        !by_socket && !by_remains
    }

    /// Whether a socket bound to a shared port may begin to listen there.
    pub(crate) fn may_listen(&self, who: SocketId) -> bool {
        let Some(socket) = self.sockets.get(&who) else {
            return false;
        };
        let Binding { address, port, .. } = socket.binding;
        !self.sockets.iter().any(|(id, other)| {
            let listens = matches!(other.tcp, Tcp::Listen(_)) && !(socket.reuse_port && other.reuse_port);
            *id != who
                && listens
                && other.binding.port == port
                && overlap(socket, address, other, other.binding.address)
        })
    }

    /// Whether no connection occupies this pair of ends, nor what is left of one and must stay.
    pub(crate) fn is_flow_free(&self, local: Endpoint, remote: Endpoint, port_was_chosen: bool) -> bool {
        let flow = Flow { local, remote };
        match self.flows.get(&flow) {
            None => true,
            Some(Owner::TimeWait) => {
                let remains = self.time_waits.get(&flow);
                remains.is_some_and(|remains| remains.may_be_reused(&self.env(), port_was_chosen))
            }
            Some(Owner::Socket(_) | Owner::Request(_)) => false,
        }
    }
}

/// Whether two bindings of one port get in each other's way.
fn overlap(one: &Socket, address: Option<IpAddr>, other: &Socket, other_address: Option<IpAddr>) -> bool {
    let takes = |socket: &Socket, address: IpAddr| match socket.domain {
        Domain::Inet => address.is_ipv4(),
        Domain::Inet6 => address.is_ipv6() || !socket.v6only,
    };
    match (address, other_address) {
        (Some(address), Some(other)) => address == other,
        (Some(address), None) => takes(other, address),
        (None, Some(address)) => takes(one, address),
        (None, None) => one.domain == other.domain || !(one.v6only || other.v6only),
    }
}
