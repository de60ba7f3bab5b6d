//! The packet that an ICMP error quotes: usually only its beginning.

use std::net::{IpAddr, SocketAddr};

use super::message::Icmp;
use crate::wire::fields::{self, TCP_LEN};
use crate::wire::ip::{IpVersion, protocol};
use crate::wire::option::parse_options;
use crate::wire::packet::Endpoints;
use crate::wire::parse::version;
use crate::wire::tcp::Tcp;

/// An ICMPv6 error fits into the minimum MTU of 1280 bytes (RFC 4443, 2.4): what its headers leave.
const V6_QUOTE: usize = 1280 - 40 - 8;
/// An ICMPv4 error quotes the IP header and as many bytes after it (RFC 792).
const V4_QUOTE_BODY: usize = 8;

/// As much of a quoted packet as could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Who sent the packet.
    pub src: IpAddr,
    /// Whom it was for.
    pub dst: IpAddr,
    /// What it carried.
    pub protocol: u8,
    /// Source and destination port, if it was TCP and four bytes of it are there.
    pub ports: Option<(u16, u16)>,
    /// Sequence number as on the wire, if eight bytes of it are there.
    pub seq: Option<u32>,
    /// The segment, if all of its header but the options is there. Options and payload may be cut short.
    pub tcp: Option<Tcp>,
    /// Length of the segment's payload as sent, in bytes, if it can be told.
    pub payload_len: Option<usize>,
}

impl Quote {
    /// Who sent the quoted segment to whom.
    #[must_use]
    pub fn endpoints(&self) -> Option<Endpoints> {
        let (sport, dport) = self.ports?;
        Some(Endpoints {
            src: SocketAddr::new(self.src, sport),
            dst: SocketAddr::new(self.dst, dport),
        })
    }
}

/// What an ICMP error quotes of this packet: in IPv4 the header and eight bytes, in IPv6 as much as fits in 1280.
/// Of bytes that are no IP packet, up to the latter.
#[must_use]
pub fn quote(packet: &[u8]) -> Vec<u8> {
    let length = match version(packet) {
        Ok(IpVersion::V4) => {
            usize::from(fields::read_ipv4(packet).header_length) * 4 + V4_QUOTE_BODY
        }
        Ok(IpVersion::V6) | Err(_) => V6_QUOTE,
    };
    packet[..length.min(packet.len())].to_vec()
}

/// Reads what an ICMP message quotes. Nothing in it is judged; `None` if there is not even an IP header.
#[must_use]
pub fn quoted(message: &Icmp) -> Option<Quote> {
    let bytes = message.payload.as_slice();
    match version(bytes).ok()? {
        IpVersion::V4 => {
            let header = fields::read_ipv4(bytes);
            let header_len = usize::from(header.header_length) * 4;
            let quote = unread(header.ip.src.into(), header.ip.dst.into(), header.protocol);
            let body_len = usize::from(header.total_length).checked_sub(header_len);
            let first = header.ip.offset == 0;
            Some(with_body(
                quote,
                bytes.get(header_len..).filter(|_| first).unwrap_or(&[]),
                body_len,
            ))
        }
        IpVersion::V6 => {
            let header = fields::read_ipv6(bytes);
            let mut rest = &bytes[IpVersion::V6.header_len()..];
            let mut body_len = Some(usize::from(header.payload_length));
            let mut protocol = header.next_header;
            while let Some(found) = fields::read_extension(protocol, rest) {
                protocol = found.next_header;
                rest = &rest[found.length..];
                body_len = body_len.and_then(|length| length.checked_sub(found.length));
            }
            Some(with_body(
                unread(header.ip.src.into(), header.ip.dst.into(), protocol),
                rest,
                body_len,
            ))
        }
    }
}

fn unread(src: IpAddr, dst: IpAddr, protocol: u8) -> Quote {
    Quote {
        src,
        dst,
        protocol,
        ports: None,
        seq: None,
        tcp: None,
        payload_len: None,
    }
}

fn with_body(mut quote: Quote, body: &[u8], body_len: Option<usize>) -> Quote {
    if quote.protocol != protocol::TCP {
        return quote;
    }
    // Missing bytes read as zeros; how many there are decides what counts.
    let mut start = [0; TCP_LEN];
    let there = body.len().min(TCP_LEN);
    start[..there].copy_from_slice(&body[..there]);
    let header = fields::read_tcp(&start);
    quote.ports = (there >= 4).then_some((header.tcp.sport, header.tcp.dport));
    quote.seq = (there >= 8).then_some(header.tcp.seq);
    if there == TCP_LEN {
        let header_len = usize::from(header.data_offset) * 4;
        let end = header_len.clamp(TCP_LEN, body.len());
        let mut tcp = header.tcp;
        tcp.options = parse_options(&body[TCP_LEN..end]).0;
        tcp.payload = body[end..].to_vec();
        quote.tcp = Some(tcp);
        quote.payload_len = body_len.and_then(|length| length.checked_sub(header_len));
    }
    quote
}
