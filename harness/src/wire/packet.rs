//! An IP packet as plain data.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::icmp::Icmp;
use super::tcp::Tcp;

/// Protocol numbers of IPv4's protocol field and IPv6's next header field.
pub mod protocol {
    /// IPv6 hop-by-hop options.
    pub const HOP_BY_HOP: u8 = 0;
    /// ICMP for IPv4.
    pub const ICMP: u8 = 1;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// IPv6 routing header.
    pub const ROUTING: u8 = 43;
    /// IPv6 fragment header.
    pub const FRAGMENT: u8 = 44;
    /// ICMP for IPv6.
    pub const ICMPV6: u8 = 58;
    /// IPv6 destination options.
    pub const DESTINATION: u8 = 60;
}

/// A whole packet, from the IP header on. Lengths, checksums and protocol numbers follow from it; what shall differ
/// from the truth is said in [`Lies`](super::Lies).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The IP header, with extension headers.
    pub ip: Ip,
    /// What it carries.
    pub body: Body,
}

/// An IP header of either version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ip {
    /// IPv4.
    V4(Ipv4),
    /// IPv6.
    V6(Ipv6),
}

/// The two versions of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IpVersion {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// The fields of an IPv4 header that do not follow from the rest of the packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipv4 {
    /// Source address.
    pub src: Ipv4Addr,
    /// Destination address.
    pub dst: Ipv4Addr,
    /// Differentiated services code point, 0..=63.
    pub dscp: u8,
    /// Explicit congestion notification, 0..=3: 1 is ECT(1), 2 is ECT(0), 3 is CE.
    pub ecn: u8,
    /// Identification.
    pub id: u16,
    /// The flag bit that must be zero.
    pub reserved: bool,
    /// Do not fragment.
    pub df: bool,
    /// More fragments.
    pub mf: bool,
    /// Fragment offset in bytes, a multiple of 8 up to 65528 (lower bits are dropped).
    pub offset: u16,
    /// Time to live.
    pub ttl: u8,
    /// Options as they stand; filled up with zeros to whole words, at most 40 bytes of them in the header length.
    pub options: Vec<u8>,
}

/// The fields of an IPv6 header that do not follow from the rest of the packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipv6 {
    /// Source address.
    pub src: Ipv6Addr,
    /// Destination address.
    pub dst: Ipv6Addr,
    /// Differentiated services code point, 0..=63.
    pub dscp: u8,
    /// Explicit congestion notification, 0..=3: 1 is ECT(1), 2 is ECT(0), 3 is CE.
    pub ecn: u8,
    /// Flow label, 20 bits.
    pub flow_label: u32,
    /// Hop limit.
    pub hop_limit: u8,
    /// Extension headers, in order.
    pub ext: Vec<Extension>,
}

/// An IPv6 extension header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extension {
    /// Hop-by-hop options: what follows next header and length; filled up with zeros to 6 + 8n bytes.
    HopByHop(Vec<u8>),
    /// Routing header, likewise.
    Routing(Vec<u8>),
    /// Destination options, likewise.
    Destination(Vec<u8>),
    /// Fragment header.
    Fragment {
        /// Offset in bytes, a multiple of 8 up to 65528 (lower bits are dropped).
        offset: u16,
        /// More fragments follow.
        more: bool,
        /// Identification.
        id: u32,
    },
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

impl Ip {
    /// The version.
    #[must_use]
    pub fn version(&self) -> IpVersion {
        match self {
            Self::V4(_) => IpVersion::V4,
            Self::V6(_) => IpVersion::V6,
        }
    }

    /// Source address.
    #[must_use]
    pub fn src(&self) -> IpAddr {
        match self {
            Self::V4(ip) => ip.src.into(),
            Self::V6(ip) => ip.src.into(),
        }
    }

    /// Destination address.
    #[must_use]
    pub fn dst(&self) -> IpAddr {
        match self {
            Self::V4(ip) => ip.dst.into(),
            Self::V6(ip) => ip.dst.into(),
        }
    }

    /// Differentiated services code point.
    #[must_use]
    pub fn dscp(&self) -> u8 {
        match self {
            Self::V4(ip) => ip.dscp,
            Self::V6(ip) => ip.dscp,
        }
    }

    /// Explicit congestion notification: 1 is ECT(1), 2 is ECT(0), 3 is CE.
    #[must_use]
    pub fn ecn(&self) -> u8 {
        match self {
            Self::V4(ip) => ip.ecn,
            Self::V6(ip) => ip.ecn,
        }
    }

    /// Time to live, or hop limit.
    #[must_use]
    pub fn ttl(&self) -> u8 {
        match self {
            Self::V4(ip) => ip.ttl,
            Self::V6(ip) => ip.hop_limit,
        }
    }
}

impl IpVersion {
    /// The number in the version field.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::V4 => 4,
            Self::V6 => 6,
        }
    }

    /// The protocol number of this version's ICMP.
    #[must_use]
    pub fn icmp_protocol(self) -> u8 {
        match self {
            Self::V4 => protocol::ICMP,
            Self::V6 => protocol::ICMPV6,
        }
    }

    /// Length of the header without options, in bytes.
    #[must_use]
    pub fn header_len(self) -> usize {
        match self {
            Self::V4 => 20,
            Self::V6 => 40,
        }
    }
}

impl Ipv4 {
    /// A header with TTL 64, everything else zero.
    #[must_use]
    pub fn new(src: Ipv4Addr, dst: Ipv4Addr) -> Self {
        Self {
            src,
            dst,
            dscp: 0,
            ecn: 0,
            id: 0,
            reserved: false,
            df: false,
            mf: false,
            offset: 0,
            ttl: 64,
            options: Vec::new(),
        }
    }
}

impl Ipv6 {
    /// Whether `protocol` names an extension header, of those that [`Extension`] knows.
    #[must_use]
    pub fn is_extension(protocol: u8) -> bool {
        matches!(
            protocol,
            protocol::HOP_BY_HOP | protocol::ROUTING | protocol::FRAGMENT | protocol::DESTINATION
        )
    }

    /// A header with hop limit 64, everything else zero.
    #[must_use]
    pub fn new(src: Ipv6Addr, dst: Ipv6Addr) -> Self {
        Self {
            src,
            dst,
            dscp: 0,
            ecn: 0,
            flow_label: 0,
            hop_limit: 64,
            ext: Vec::new(),
        }
    }
}

impl Extension {
    /// The number that announces it.
    #[must_use]
    pub fn protocol(&self) -> u8 {
        match self {
            Self::HopByHop(_) => protocol::HOP_BY_HOP,
            Self::Routing(_) => protocol::ROUTING,
            Self::Destination(_) => protocol::DESTINATION,
            Self::Fragment { .. } => protocol::FRAGMENT,
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
