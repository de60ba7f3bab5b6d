//! Who talks to whom.

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::handshake::HeaderKnobs;
use crate::wire::flags::Flags;
use crate::wire::seq::SeqNum;
use crate::wire::tcp::{Outgoing, Segment};

/// An address and a port. A v4-mapped IPv6 address is kept as the IPv4 address that goes over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Endpoint {
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
}

impl Endpoint {
    pub(crate) fn new(address: IpAddr, port: u16) -> Self {
        Self { address: address.to_canonical(), port }
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::new(address.ip(), address.port())
    }
}

/// The two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Flow {
    pub(crate) local: Endpoint,
    pub(crate) remote: Endpoint,
}

/// A segment on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Departure {
    pub(crate) flow: Flow,
    /// The IPv4 identification; Linux sends 0 with what no socket stands behind.
    pub(crate) identification: u16,
    pub(crate) header: HeaderKnobs,
    pub(crate) segment: Outgoing,
}

impl Departure {
    /// Takes the next segment into this one, if it continues it.
    pub(crate) fn join(&mut self, next: Self) -> Option<Self> {
        if !next.segment.follows || next.flow != self.flow {
            return Some(next);
        }
        self.segment.flags = self.segment.flags | next.segment.flags;
        self.segment.payload.extend(next.segment.payload);
        None
    }
}

/// Segments on their way out, in order.
pub(crate) type Outbox = Vec<Departure>;

/// The reset that answers a segment nobody wanted. RFC9293/3.5.2-no-rst-to-rst
pub(crate) fn reset_for(segment: &Segment<'_>) -> Option<Outgoing> {
    if segment.flags.rst() {
        return None;
    }
    Some(if segment.flags.ack() {
        // RFC9293/3.5.2-rst-closed-ack
        Outgoing { seq: segment.ack, flags: Flags::RST, ..Outgoing::default() }
    } else {
        // RFC9293/3.5.2-rst-closed-noack
        Outgoing { seq: SeqNum(0), ack: segment.end(), flags: Flags::RST | Flags::ACK, ..Outgoing::default() }
    })
}
