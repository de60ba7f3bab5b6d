//! ICMP errors, as far as a connection hears of them.

use alloc::vec::Vec;
use core::net::IpAddr;

use super::checksum::Checksum;
use super::drops::DropReason;
use super::ip::{self, Packet};
use super::seq::SeqNum;
use super::tcp;

/// The number of ICMP in IPv4 headers.
pub(crate) const PROTOCOL_V4: u8 = 1;
/// The number of ICMP in IPv6 headers.
pub(crate) const PROTOCOL_V6: u8 = 58;

/// What an ICMP message says is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    NetUnreachable,
    HostUnreachable,
    ProtocolUnreachable,
    PortUnreachable,
    SourceRouteFailed,
    HostDown,
    HostIsolated,
    Prohibited,
    ParameterProblem,
    /// The packet is longer than a link takes, which is so many bytes.
    TooBig(u32),
}

/// An ICMP error about a TCP segment that we sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IcmpError<'a> {
    pub(crate) trouble: Trouble,
    /// The quoted segment's source: us.
    pub(crate) local: (IpAddr, u16),
    /// The quoted segment's destination.
    pub(crate) remote: (IpAddr, u16),
    pub(crate) seq: SeqNum,
    /// The message's type, code and rest, for the error queue.
    pub(crate) kind: u8,
    pub(crate) code: u8,
    pub(crate) info: u32,
    /// Who sent it.
    pub(crate) reporter: IpAddr,
    /// What it quotes, from the TCP header on.
    pub(crate) quoted: &'a [u8],
    /// A handshake that a listener began is forgotten for it.
    pub(crate) ends_request: bool,
    /// It explains a time-out as something other than congestion.
    pub(crate) explains_timeout: bool,
}

impl<'a> IcmpError<'a> {
    pub(crate) fn parse(packet: &Packet<'a>) -> Result<Self, DropReason> {
        let (head, quoted) = packet.payload.split_first_chunk::<8>().ok_or(DropReason::Truncated)?;
        let sum = match packet.destination {
            IpAddr::V4(_) => Checksum::default(),
            IpAddr::V6(_) => {
                let length = u32::try_from(packet.payload.len()).map_err(|_| DropReason::Truncated)?;
                Checksum::default().add_pseudo_header(packet.source, packet.destination, PROTOCOL_V6, length)
            }
        };
        if sum.add(packet.payload).finish() != 0 {
            return Err(DropReason::Checksum);
        }
        let &[kind, code, _, _, m0, m1, m2, m3] = head;
        let (trouble, ends_request, explains_timeout) = match packet.destination {
            IpAddr::V4(_) => {
                let trouble = match (kind, code) {
                    (3, 4) => Some(Trouble::TooBig(u16::from_be_bytes([m2, m3]).into())),
                    (_, _) => trouble_v4(kind, code),
                };
                let far = kind == 3 && code <= 1;
                (trouble, far || kind == 11 || kind == 12, far)
            }
            IpAddr::V6(_) => {
                let trouble = match kind {
                    2 => Some(Trouble::TooBig(u32::from_be_bytes([m0, m1, m2, m3]))),
                    _ => trouble_v6(kind, code),
                };
                let is_final = kind == 4 || (kind == 1 && matches!(code, 1 | 4 | 5 | 6));
                (trouble, is_final, kind == 1 && code == 0)
            }
        };
        let trouble = trouble.ok_or(DropReason::Icmp)?;
        let (source, destination, transport) = quoted_ip(quoted).ok_or(DropReason::Icmp)?;
        let &[s0, s1, d0, d1, q0, q1, q2, q3] = transport.first_chunk::<8>().ok_or(DropReason::Truncated)?;
        Ok(Self {
            trouble,
            local: (source, u16::from_be_bytes([s0, s1])),
            remote: (destination, u16::from_be_bytes([d0, d1])),
            seq: SeqNum(u32::from_be_bytes([q0, q1, q2, q3])),
            kind,
            code,
            // A parameter problem in IPv4 says where; everything else that is queued has nothing to say.
            info: if packet.destination.is_ipv4() && kind == 12 { m0.into() } else { 0 },
            reporter: packet.source,
            quoted: transport,
            ends_request,
            explains_timeout,
        })
    }
}

/// What we tell a peer about its fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Complaint {
    /// The rest did not come in time.
    ReassemblyTime,
    /// The first one ends before the headers do.
    HeadersIncomplete,
    /// It is not the last one, and its length is not a multiple of eight.
    Length,
    /// It ends beyond the largest packet.
    Offset,
}

/// An ICMP error about a fragment that came, as a whole packet.
pub(crate) fn complain(
    complaint: Complaint,
    source: IpAddr,
    destination: IpAddr,
    about: &[u8],
    offset_field: usize,
) -> Vec<u8> {
    // As much as fits: RFC 1812 section 4.3.2.3, RFC 4443 section 2.4.
    let (most, traffic_class) = if source.is_ipv4() { (576, 0xc0) } else { (1280, 0) };
    let room = most - usize::from(ip::header_length(source)) - 8;
    let (kind, code, pointer) = match (complaint, source) {
        (Complaint::ReassemblyTime, IpAddr::V4(_)) => (11, 1, 0),
        (Complaint::ReassemblyTime, IpAddr::V6(_)) => (3, 1, 0),
        (Complaint::HeadersIncomplete, _) => (4, 3, 0),
        (Complaint::Length, _) => (4, 0, 4),
        (Complaint::Offset, _) => (4, 0, offset_field as u32),
    };
    let mut message: Vec<u8> = Vec::with_capacity(most);
    message.extend([kind, code, 0, 0]);
    message.extend(u32::to_be_bytes(pointer));
    message.extend(about.iter().take(room));
    let protocol = if source.is_ipv4() { PROTOCOL_V4 } else { PROTOCOL_V6 };
    let sum = match source {
        IpAddr::V4(_) => Checksum::default(),
        IpAddr::V6(_) => {
            Checksum::default().add_pseudo_header(source, destination, protocol, message.len() as u32)
        }
    };
    let sum = sum.add(&message).finish();
    if let Some(field) = message.get_mut(2..4) {
        field.copy_from_slice(&sum.to_be_bytes());
    }
    let header = ip::Header {
        source,
        destination,
        protocol,
        traffic_class,
        hops: None,
        identification: 0,
        dont_fragment: false,
    };
    ip::emit(header, &message)
}

fn trouble_v4(kind: u8, code: u8) -> Option<Trouble> {
    match (kind, code) {
        (3, 0 | 6 | 9 | 11) => Some(Trouble::NetUnreachable),
        (3, 1 | 10 | 12..=15) | (11, 0) => Some(Trouble::HostUnreachable),
        (3, 2) => Some(Trouble::ProtocolUnreachable),
        (3, 3) => Some(Trouble::PortUnreachable),
        (3, 5) => Some(Trouble::SourceRouteFailed),
        (3, 7) => Some(Trouble::HostDown),
        (3, 8) => Some(Trouble::HostIsolated),
        (12, _) => Some(Trouble::ParameterProblem),
        // RFC9293/MUST-55: source quench (4) and everything else has no effect.
        (_, _) => None,
    }
}

fn trouble_v6(kind: u8, code: u8) -> Option<Trouble> {
    match (kind, code) {
        (1, 0) => Some(Trouble::NetUnreachable),
        (1, 1 | 5 | 6) => Some(Trouble::Prohibited),
        (1, 2 | 3) | (3, _) => Some(Trouble::HostUnreachable),
        (1, 4) => Some(Trouble::PortUnreachable),
        (4, _) => Some(Trouble::ParameterProblem),
        (_, _) => None,
    }
}

/// Addresses and transport header of a quoted packet, which is cut short, so that its lengths and checksums are moot.
fn quoted_ip(bytes: &[u8]) -> Option<(IpAddr, IpAddr, &[u8])> {
    match bytes.first()? >> 4 {
        4 => {
            let header = bytes.first_chunk::<20>()?;
            let source: [u8; 4] = header.get(12..16)?.try_into().ok()?;
            let destination: [u8; 4] = header.get(16..20)?.try_into().ok()?;
            let transport = bytes.get(usize::from(bytes.first()? & 0xf) * 4..)?;
            (*header.get(9)? == tcp::PROTOCOL).then(|| (source.into(), destination.into(), transport))
        }
        6 => {
            let header = bytes.first_chunk::<40>()?;
            let source: [u8; 16] = header.get(8..24)?.try_into().ok()?;
            let destination: [u8; 16] = header.get(24..40)?.try_into().ok()?;
            (*header.get(6)? == tcp::PROTOCOL)
                .then(|| (source.into(), destination.into(), bytes.get(40..)))
                .and_then(|(source, destination, transport)| Some((source, destination, transport?)))
        }
        _ => None,
    }
}
