//! IP headers of both versions as plain data.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
