//! From any bytes to plain data, and a list of what is wrong with them.

use super::build::icmp_checksum;
use super::checksum;
use super::fault::{Fault, Layer, ParseError};
use super::fields::{self, ICMP_LEN, TCP_LEN};
use super::ip::{Extension, Ip, IpVersion, Ipv6, protocol};
use super::option::parse_options;
use super::packet::{Body, Packet};

/// A packet as read, with what its redundant fields say and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The packet. Building it again gives the same bytes if there are no faults.
    pub packet: Packet,
    /// What its lengths and checksums say, true or not.
    pub stated: Stated,
    /// What is wrong, in the order of the headers. A strict reader refuses a packet that has any.
    pub faults: Vec<Fault>,
}

/// Fields that follow from the rest of a packet, as they stand in it. `None` where it has no such field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stated {
    /// IPv4 header length, in words of four bytes.
    pub ip_header_length: Option<u8>,
    /// IPv4 total length or IPv6 payload length, in bytes.
    pub ip_total_length: u16,
    /// IPv4 header checksum.
    pub ip_checksum: Option<u16>,
    /// TCP's data offset, in words of four bytes.
    pub data_offset: Option<u8>,
    /// The checksum of TCP or ICMP.
    pub checksum: Option<u16>,
}

/// Reads a packet that starts with its IP header.
///
/// # Errors
/// If the bytes are too few for an IP header, or of another version. Everything else is a [`Fault`].
pub fn parse(bytes: &[u8]) -> Result<Parsed, ParseError> {
    let version = version(bytes)?;
    let mut reader = Reader { stated: Stated::default(), faults: Vec::new() };
    let packet = match version {
        IpVersion::V4 => reader.ipv4(bytes),
        IpVersion::V6 => reader.ipv6(bytes),
    };
    Ok(Parsed { packet, stated: reader.stated, faults: reader.faults })
}

/// The version of a packet that holds at least the fixed part of its IP header.
pub(super) fn version(bytes: &[u8]) -> Result<IpVersion, ParseError> {
    let first = bytes.first().ok_or(ParseError::Empty)?;
    let version = match first >> 4 {
        4 => IpVersion::V4,
        6 => IpVersion::V6,
        other => return Err(ParseError::Version(other)),
    };
    let needed = version.header_len();
    if bytes.len() < needed {
        return Err(ParseError::Short { needed, found: bytes.len() });
    }
    Ok(version)
}

struct Reader {
    stated: Stated,
    faults: Vec<Fault>,
}

impl Reader {
    fn ipv4(&mut self, bytes: &[u8]) -> Packet {
        let header = fields::read_ipv4(bytes);
        let mut ip = header.ip;
        self.stated.ip_header_length = Some(header.header_length);
        self.stated.ip_total_length = header.total_length;
        self.stated.ip_checksum = Some(header.checksum);

        let header_len = usize::from(header.header_length) * 4;
        let end = header_len.clamp(IpVersion::V4.header_len(), bytes.len());
        if end != header_len {
            self.faults.push(Fault::HeaderLength { words: header.header_length, available: bytes.len() });
        }
        ip.options = bytes[20..end].to_vec();
        let expected = expected_checksum(&bytes[..end], 10, checksum::plain);
        self.check(Layer::Ip, header.checksum, expected);
        if ip.reserved {
            self.faults.push(Fault::ReservedBits { layer: Layer::Ip });
        }
        let bytes = self.within(bytes, usize::from(header.total_length), end);
        let fragment = ip.mf || ip.offset != 0;
        let body = &bytes[end..];
        let ip = Ip::V4(ip);
        Packet { body: self.body(&ip, header.protocol, fragment, body), ip }
    }

    fn ipv6(&mut self, bytes: &[u8]) -> Packet {
        let header = fields::read_ipv6(bytes);
        let mut ip = header.ip;
        self.stated.ip_total_length = header.payload_length;
        let header_len = IpVersion::V6.header_len();
        let mut rest = self.within(&bytes[header_len..], usize::from(header.payload_length), 0);

        let mut protocol = header.next_header;
        let mut fragment = false;
        while !fragment && let Some(found) = fields::read_extension(protocol, rest) {
            if found.reserved {
                self.faults.push(Fault::ReservedBits { layer: Layer::Ip });
            }
            fragment =
                matches!(found.extension, Extension::Fragment { offset, more, .. } if more || offset != 0);
            ip.ext.push(found.extension);
            protocol = found.next_header;
            rest = &rest[found.length..];
        }
        if !fragment && Ipv6::is_extension(protocol) {
            let needed = fields::extension_len(rest);
            self.faults.push(Fault::TruncatedHeader { protocol, needed, found: rest.len() });
        }
        let ip = Ip::V6(ip);
        Packet { body: self.body(&ip, protocol, fragment, rest), ip }
    }

    /// Cuts `bytes` to the `stated` length, unless that is less than `least` or more than there is.
    fn within<'a>(&mut self, bytes: &'a [u8], stated: usize, least: usize) -> &'a [u8] {
        let found = bytes.len();
        if stated < least || stated > found {
            self.faults.push(Fault::TotalLength { stated, found });
            return bytes;
        }
        if stated < found {
            self.faults.push(Fault::TrailingBytes { count: found - stated });
        }
        &bytes[..stated]
    }

    fn check(&mut self, layer: Layer, found: u16, expected: u16) {
        // Both are zero in one's complement, and a receiver that adds everything up cannot tell them apart.
        let same = found == expected || (found == 0xffff && expected == 0);
        if !same {
            self.faults.push(Fault::Checksum { layer, found, expected });
        }
    }

    fn body(&mut self, ip: &Ip, protocol: u8, fragment: bool, bytes: &[u8]) -> Body {
        if fragment {
            return Body::Fragment { protocol, bytes: bytes.to_vec() };
        }
        let needed = match protocol {
            protocol::TCP => TCP_LEN,
            number if number == ip.version().icmp_protocol() => ICMP_LEN,
            _ => {
                return Body::Other { protocol, bytes: bytes.to_vec() };
            }
        };
        if bytes.len() < needed {
            self.faults.push(Fault::TruncatedHeader { protocol, needed, found: bytes.len() });
            return Body::Other { protocol, bytes: bytes.to_vec() };
        }
        if protocol == protocol::TCP { self.tcp(ip, bytes) } else { self.icmp(ip, bytes) }
    }

    fn tcp(&mut self, ip: &Ip, bytes: &[u8]) -> Body {
        let header = fields::read_tcp(bytes);
        let mut tcp = header.tcp;
        self.stated.data_offset = Some(header.data_offset);
        self.stated.checksum = Some(header.checksum);

        let sum = |segment: &[u8]| checksum::transport(ip, protocol::TCP, segment);
        self.check(Layer::Tcp, header.checksum, expected_checksum(bytes, 16, sum));
        if tcp.reserved != 0 {
            self.faults.push(Fault::ReservedBits { layer: Layer::Tcp });
        }
        let header_len = usize::from(header.data_offset) * 4;
        let end = header_len.clamp(TCP_LEN, bytes.len());
        if end != header_len {
            self.faults.push(Fault::DataOffset { words: header.data_offset, available: bytes.len() });
        }
        let (options, faults) = parse_options(&bytes[TCP_LEN..end]);
        self.faults.extend(faults.into_iter().map(Fault::Option));
        tcp.options = options;
        tcp.payload = bytes[end..].to_vec();
        Body::Tcp(tcp)
    }

    fn icmp(&mut self, ip: &Ip, bytes: &[u8]) -> Body {
        let (icmp, found) = fields::read_icmp(bytes);
        self.stated.checksum = Some(found);
        let sum = |message: &[u8]| icmp_checksum(ip, message);
        self.check(Layer::Icmp, found, expected_checksum(bytes, 2, sum));
        Body::Icmp(icmp)
    }
}

/// The checksum that should stand at byte `at` of `bytes`. Compared exactly: the sum a sender complements is never
/// zero, so 0xffff never stands for 0.
fn expected_checksum(bytes: &[u8], at: usize, sum: impl Fn(&[u8]) -> u16) -> u16 {
    let mut bytes = bytes.to_vec();
    bytes[at..at + 2].fill(0);
    sum(&bytes)
}
