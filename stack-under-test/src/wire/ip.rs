//! IP packets.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::checksum::Checksum;
use super::drops::DropReason;
use super::tcp;

const V4_HEADER: usize = 20;
const V6_HEADER: usize = 40;
const TTL: u8 = 64;
const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS_OR_OFFSET: u16 = 0x3fff;

/// A packet that arrived, with the checks of the IP layer passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet<'a> {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) protocol: u8,
    pub(crate) payload: &'a [u8],
}

/// Bytes of IP header that packets to `address` carry.
pub(crate) fn header_length(address: IpAddr) -> u16 {
    match address {
        IpAddr::V4(_) => V4_HEADER as u16,
        IpAddr::V6(_) => V6_HEADER as u16,
    }
}

impl<'a> Packet<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, DropReason> {
        match bytes.first().map(|first| first >> 4) {
            Some(4) => Self::parse_v4(bytes),
            Some(6) => Self::parse_v6(bytes),
            Some(_) => Err(DropReason::IpVersion),
            None => Err(DropReason::Truncated),
        }
    }

    fn parse_v4(bytes: &'a [u8]) -> Result<Self, DropReason> {
        let Some((header, _)) = bytes.split_first_chunk::<V4_HEADER>() else {
            return Err(DropReason::Truncated);
        };
        let &[first, _, l0, l1, _, _, f0, f1, _, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = header;
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
        if u16::from_be_bytes([f0, f1]) & MORE_FRAGMENTS_OR_OFFSET != 0 {
            return Err(DropReason::Fragment);
        }
        let source = IpAddr::V4(Ipv4Addr::new(s0, s1, s2, s3));
        let destination = IpAddr::V4(Ipv4Addr::new(d0, d1, d2, d3));
        Ok(Self { source, destination, protocol, payload })
    }

    fn parse_v6(bytes: &'a [u8]) -> Result<Self, DropReason> {
        let Some((header, rest)) = bytes.split_first_chunk::<V6_HEADER>() else {
            return Err(DropReason::Truncated);
        };
        let &[_, _, _, _, l0, l1, next, _, ref addresses @ ..] = header;
        let payload = rest.get(..usize::from(u16::from_be_bytes([l0, l1]))).ok_or(DropReason::Truncated)?;
        let (source, destination) = addresses.split_first_chunk::<16>().ok_or(DropReason::Truncated)?;
        let destination = destination.first_chunk::<16>().ok_or(DropReason::Truncated)?;
        let (protocol, payload) = skip_extensions(next, payload)?;
        Ok(Self {
            source: IpAddr::V6(Ipv6Addr::from(*source)),
            destination: IpAddr::V6(Ipv6Addr::from(*destination)),
            protocol,
            payload,
        })
    }
}

/// Skips the IPv6 extension headers that an end system may ignore.
fn skip_extensions(mut next: u8, mut payload: &[u8]) -> Result<(u8, &[u8]), DropReason> {
    const HOP_BY_HOP: u8 = 0;
    const ROUTING: u8 = 43;
    const FRAGMENT: u8 = 44;
    const DESTINATION: u8 = 60;
    loop {
        match next {
            FRAGMENT => return Err(DropReason::Fragment),
            HOP_BY_HOP | DESTINATION | ROUTING => {
                let &[following, length, _, segments_left, ..] = payload else {
                    return Err(DropReason::Truncated);
                };
                if next == ROUTING && segments_left != 0 {
                    return Err(DropReason::NotOurs);
                }
                payload = payload.get((usize::from(length) + 1) * 8..).ok_or(DropReason::Truncated)?;
                next = following;
            }
            _ => return Ok((next, payload)),
        }
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

/// A whole packet around a TCP segment. `hops` is the number of links it may pass, `class` the octet behind the
/// version; `identification` is for IPv4 only.
pub(crate) fn emit(
    source: IpAddr,
    destination: IpAddr,
    (hops, class): (Option<u8>, u8),
    identification: u16,
    payload: &[u8],
) -> Vec<u8> {
    let hops = hops.unwrap_or(TTL);
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            emit_v4(source, destination, (hops, class), identification, payload)
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => emit_v6(source, destination, (hops, class), payload),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
            unreachable!("both ends of a packet are of one family")
        }
    }
}

fn emit_v4(
    source: Ipv4Addr,
    destination: Ipv4Addr,
    (hops, class): (u8, u8),
    identification: u16,
    payload: &[u8],
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(V4_HEADER + payload.len());
    bytes.extend([0x45, class]);
    // Payloads are cut to the MTU, which is a `u16`.
    bytes.extend(((V4_HEADER + payload.len()) as u16).to_be_bytes());
    bytes.extend(identification.to_be_bytes());
    bytes.extend(DONT_FRAGMENT.to_be_bytes());
    bytes.extend([hops, tcp::PROTOCOL, 0, 0]);
    bytes.extend(source.octets());
    bytes.extend(destination.octets());
    let sum = Checksum::default().add(&bytes).finish();
    if let Some(field) = bytes.get_mut(10..12) {
        field.copy_from_slice(&sum.to_be_bytes());
    }
    bytes.extend(payload);
    bytes
}

fn emit_v6(source: Ipv6Addr, destination: Ipv6Addr, (hops, class): (u8, u8), payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(V6_HEADER + payload.len());
    bytes.extend([0x60 | (class >> 4), class << 4, 0, 0]);
    bytes.extend((payload.len() as u16).to_be_bytes());
    bytes.extend([tcp::PROTOCOL, hops]);
    bytes.extend(source.octets());
    bytes.extend(destination.octets());
    bytes.extend(payload);
    bytes
}
