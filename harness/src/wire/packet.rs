//! An IP packet as plain data.

use std::fmt;
use std::net::SocketAddr;

use super::icmp::Icmp;
use super::ip::{Ip, protocol};
use super::tcp::Tcp;

/// A whole packet, from the IP header on. Lengths, checksums and protocol numbers follow from it; what shall differ
/// from the truth is said in [`Lies`](super::Lies).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The IP header, with extension headers.
    pub ip: Ip,
    /// What it carries.
    pub body: Body,
}

/// What an IP header carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A TCP segment.
    Tcp(Tcp),
    /// An ICMP message: of ICMP in IPv4, of ICMPv6 in IPv6.
    Icmp(Icmp),
    /// A piece of a fragmented packet. The header says which.
    Fragment {
        /// Protocol of the whole packet.
        protocol: u8,
        /// The piece.
        bytes: Vec<u8>,
    },
    /// Anything else, or TCP and ICMP too short for their headers.
    Other {
        /// Protocol number.
        protocol: u8,
        /// Everything after the headers.
        bytes: Vec<u8>,
    },
}

impl Packet {
    /// Who sends to whom, if the packet is a TCP segment.
    #[must_use]
    pub fn endpoints(&self) -> Option<Endpoints> {
        let tcp = self.tcp()?;
        Some(Endpoints {
            src: SocketAddr::new(self.ip.src(), tcp.sport),
            dst: SocketAddr::new(self.ip.dst(), tcp.dport),
        })
    }

    /// The TCP segment, if it is one.
    #[must_use]
    pub fn tcp(&self) -> Option<&Tcp> {
        match &self.body {
            Body::Tcp(tcp) => Some(tcp),
            Body::Icmp(_) | Body::Fragment { .. } | Body::Other { .. } => None,
        }
    }

    /// The ICMP message, if it is one.
    #[must_use]
    pub fn icmp(&self) -> Option<&Icmp> {
        match &self.body {
            Body::Icmp(icmp) => Some(icmp),
            Body::Tcp(_) | Body::Fragment { .. } | Body::Other { .. } => None,
        }
    }

    /// The protocol number of the body.
    #[must_use]
    pub fn protocol(&self) -> u8 {
        match &self.body {
            Body::Tcp(_) => protocol::TCP,
            Body::Icmp(_) => self.ip.version().icmp_protocol(),
            Body::Fragment { protocol, .. } | Body::Other { protocol, .. } => *protocol,
        }
    }
}

/// The two ends of a TCP segment, as it travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoints {
    /// Who sent it.
    pub src: SocketAddr,
    /// Whom it is for.
    pub dst: SocketAddr,
}

impl Endpoints {
    /// The same in the other direction.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            src: self.dst,
            dst: self.src,
        }
    }
}

impl fmt::Display for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} > {}", self.src, self.dst)
    }
}
