//! IP packets.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::checksum::Checksum;
use super::drops::DropReason;

const V4_HEADER: usize = 20;
const V6_HEADER: usize = 40;
const TTL: u8 = 64;
const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const FRAGMENT_OFFSET: u16 = 0x1fff;

/// The ECN field: what routers say, or may say, about congestion (RFC 3168 section 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ecn {
    #[default]
    NotCapable,
    Capable1,
    Capable0,
    /// A router was congested.
    Congestion,
}

impl Ecn {
    fn of(traffic_class: u8) -> Self {
        match traffic_class & 3 {
            0 => Self::NotCapable,
            1 => Self::Capable1,
            2 => Self::Capable0,
            _ => Self::Congestion,
        }
    }
}

/// A packet that arrived, with the checks of the IP layer passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet<'a> {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) ecn: Ecn,
    pub(crate) protocol: u8,
    pub(crate) payload: &'a [u8],
}

/// A part of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fragment<'a> {
    /// The packet in whose place the fragment came: of the first fragment the protocol counts.
    pub(crate) packet: Packet<'a>,
    pub(crate) identification: u32,
    /// Where it begins, in bytes.
    pub(crate) offset: usize,
    /// It is not the last one.
    pub(crate) more: bool,
    /// The fragment with its headers, as it came.
    pub(crate) bytes: &'a [u8],
    /// Where the field with the offset stands in `bytes`.
    pub(crate) offset_field: usize,
}

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival<'a> {
    Whole(Packet<'a>),
    Fragment(Fragment<'a>),
}

/// Bytes of IP header that packets to `address` carry.
pub(crate) fn header_length(address: IpAddr) -> u16 {
    match address {
        IpAddr::V4(_) => V4_HEADER as u16,
        IpAddr::V6(_) => V6_HEADER as u16,
    }
}

impl<'a> Arrival<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, DropReason> {
        match bytes.first().map(|first| first >> 4) {
            Some(4) => Self::parse_v4(bytes),
            Some(6) => Self::parse_v6(bytes),
            Some(_) => Err(DropReason::IpVersion),
            None => Err(DropReason::Truncated),
        }
    }

    /// The packet that it is, or is a part of.
    pub(crate) fn packet(&self) -> &Packet<'a> {
        match self {
            Self::Whole(packet) | Self::Fragment(Fragment { packet, .. }) => packet,
        }
    }

    fn parse_v4(bytes: &'a [u8]) -> Result<Self, DropReason> {
        let Some((header, _)) = bytes.split_first_chunk::<V4_HEADER>() else {
            return Err(DropReason::Truncated);
        };
        let &[first, class, l0, l1, i0, i1, f0, f1, _, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] =
            header;
        let header_length = usize::from(first & 0xf) * 4;
        let total_length = usize::from(u16::from_be_bytes([l0, l1]));
        if header_length < V4_HEADER || total_length < header_length {
            return Err(DropReason::IpHeader);
        }
        // RFC9293/MUST-50: options between the two are skipped.
        let whole = bytes.get(..total_length).ok_or(DropReason::Truncated)?;
        let (header, payload) = whole.split_at_checked(header_length).ok_or(DropReason::IpHeader)?;
        if Checksum::default().add(header).finish() != 0 {
            return Err(DropReason::IpChecksum);
        }
        let source = IpAddr::V4(Ipv4Addr::new(s0, s1, s2, s3));
        let destination = IpAddr::V4(Ipv4Addr::new(d0, d1, d2, d3));
        let packet = Packet { source, destination, ecn: Ecn::of(class), protocol, payload };
        let place = u16::from_be_bytes([f0, f1]);
        if place & (MORE_FRAGMENTS | FRAGMENT_OFFSET) == 0 {
            return Ok(Self::Whole(packet));
        }
        Ok(Self::Fragment(Fragment {
            packet,
            identification: u16::from_be_bytes([i0, i1]).into(),
            offset: usize::from(place & FRAGMENT_OFFSET) * 8,
            more: place & MORE_FRAGMENTS != 0,
            bytes: whole,
            offset_field: 6,
        }))
    }

    fn parse_v6(bytes: &'a [u8]) -> Result<Self, DropReason> {
        let Some((header, rest)) = bytes.split_first_chunk::<V6_HEADER>() else {
            return Err(DropReason::Truncated);
        };
        let &[first, second, _, _, l0, l1, next, _, ref addresses @ ..] = header;
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let payload = rest.get(..length).ok_or(DropReason::Truncated)?;
        let (source, destination) = addresses.split_first_chunk::<16>().ok_or(DropReason::Truncated)?;
        let destination = destination.first_chunk::<16>().ok_or(DropReason::Truncated)?;
        let packet = Packet {
            source: IpAddr::V6(Ipv6Addr::from(*source)),
            destination: IpAddr::V6(Ipv6Addr::from(*destination)),
            ecn: Ecn::of(first << 4 | second >> 4),
            protocol: next,
            payload,
        };
        let packet = packet.skip_extensions()?;
        if packet.protocol != FRAGMENT {
            return Ok(Self::Whole(packet));
        }
        let &[next, _, p0, p1, i0, i1, i2, i3, ref payload @ ..] = packet.payload else {
            return Err(DropReason::Truncated);
        };
        let place = u16::from_be_bytes([p0, p1]);
        let packet = Packet { protocol: next, payload, ..packet };
        // RFC8200/4.5d: a fragment that is the whole packet stands for itself.
        if place & !6 == 0 {
            return Ok(Self::Whole(packet.end_of_extensions()?));
        }
        Ok(Self::Fragment(Fragment {
            packet,
            identification: u32::from_be_bytes([i0, i1, i2, i3]),
            offset: usize::from(place & !7),
            more: place & 1 != 0,
            bytes: bytes.get(..V6_HEADER + length).ok_or(DropReason::Truncated)?,
            offset_field: V6_HEADER + length - payload.len() - 6,
        }))
    }
}

const FRAGMENT: u8 = 44;

impl Packet<'_> {
    /// Skips the IPv6 extension headers that an end system may ignore, up to a fragment header.
    fn skip_extensions(mut self) -> Result<Self, DropReason> {
        const HOP_BY_HOP: u8 = 0;
        const ROUTING: u8 = 43;
        const DESTINATION: u8 = 60;
        while let HOP_BY_HOP | DESTINATION | ROUTING = self.protocol {
            let &[following, length, _, segments_left, ..] = self.payload else {
                return Err(DropReason::Truncated);
            };
            if self.protocol == ROUTING && segments_left != 0 {
                return Err(DropReason::NotOurs);
            }
            let rest = self.payload.get((usize::from(length) + 1) * 8..);
            self.payload = rest.ok_or(DropReason::Truncated)?;
            self.protocol = following;
        }
        Ok(self)
    }

    /// Skips the extension headers of a packet that was put together; fragments of fragments are none.
    pub(crate) fn end_of_extensions(self) -> Result<Self, DropReason> {
        if self.destination.is_ipv4() {
            return Ok(self);
        }
        let packet = self.skip_extensions()?;
        if packet.protocol == FRAGMENT { Err(DropReason::Fragment) } else { Ok(packet) }
    }
}

/// Whether a packet may come from this address at all. RFC9293/MUST-63
pub(crate) fn is_valid_source(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            !(address.is_unspecified()
                || address.is_broadcast()
                || address.is_multicast()
                || address.is_loopback())
        }
        IpAddr::V6(address) => !(address.is_unspecified() || address.is_multicast() || address.is_loopback()),
    }
}

/// What stands in the header of a packet to be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) protocol: u8,
    /// The class of service, the ECN field its lowest two bits.
    pub(crate) traffic_class: u8,
    /// How many links it may pass, if not the usual number.
    pub(crate) hops: Option<u8>,
    /// For IPv4 only.
    pub(crate) identification: u16,
    /// For IPv4 only: routers on the way may not cut the packet.
    pub(crate) dont_fragment: bool,
}

/// A whole packet.
pub(crate) fn emit(header: Header, payload: &[u8]) -> Vec<u8> {
    match (header.source, header.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => emit_v4(header, source, destination, payload),
        (IpAddr::V6(source), IpAddr::V6(destination)) => emit_v6(header, source, destination, payload),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
            unreachable!("both ends of a packet are of one family")
        }
    }
}

fn emit_v4(header: Header, source: Ipv4Addr, destination: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(V4_HEADER + payload.len());
    bytes.extend([0x45, header.traffic_class]);
    // Payloads are cut to the MTU, which is a `u16`.
    bytes.extend(((V4_HEADER + payload.len()) as u16).to_be_bytes());
    bytes.extend(header.identification.to_be_bytes());
    bytes.extend(if header.dont_fragment { DONT_FRAGMENT } else { 0 }.to_be_bytes());
    bytes.extend([header.hops.unwrap_or(TTL), header.protocol, 0, 0]);
    bytes.extend(source.octets());
    bytes.extend(destination.octets());
    let sum = Checksum::default().add(&bytes).finish();
    if let Some(field) = bytes.get_mut(10..12) {
        field.copy_from_slice(&sum.to_be_bytes());
    }
    bytes.extend(payload);
    bytes
}

fn emit_v6(header: Header, source: Ipv6Addr, destination: Ipv6Addr, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(V6_HEADER + payload.len());
    bytes.extend([0x60 | header.traffic_class >> 4, header.traffic_class << 4, 0, 0]);
    bytes.extend((payload.len() as u16).to_be_bytes());
    bytes.extend([header.protocol, header.hops.unwrap_or(TTL)]);
    bytes.extend(source.octets());
    bytes.extend(destination.octets());
    bytes.extend(payload);
    bytes
}
