//! From any bytes to plain data, and a list of what is wrong with them.

use std::fmt;

use thiserror::Error;

use super::build::icmp_checksum;
use super::checksum;
use super::fields::{self, ICMP_LEN, TCP_LEN};
use super::option::{OptionFault, parse_options};
use super::packet::{Body, Extension, Ip, IpVersion, Ipv6, Packet, protocol};

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

/// Something wrong with a packet that could be read all the same.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// A checksum is not what a sender computes.
    #[error("{layer} checksum is 0x{found:04x}, should be 0x{expected:04x}")]
    Checksum {
        /// Whose.
        layer: Layer,
        /// What stands there.
        found: u16,
        /// What should.
        expected: u16,
    },
    /// The IPv4 header length is below five words, or more than there is. The header was taken to end there.
    #[error("IP header length is {words} words, of {available} bytes")]
    HeaderLength {
        /// What stands there.
        words: u8,
        /// How many bytes the packet has.
        available: usize,
    },
    /// The IP length is less than the header or more than there is. All bytes were taken to belong to the packet.
    #[error("IP length field says {stated}, there are {found} bytes")]
    TotalLength {
        /// What stands there.
        stated: usize,
        /// How many of the bytes that it counts there are.
        found: usize,
    },
    /// Bytes after the end that the IP length gives. They were dropped.
    #[error("{count} bytes after the end of the packet")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// Bits that must be zero are not.
    #[error("reserved bits of {layer} are not zero")]
    ReservedBits {
        /// Where.
        layer: Layer,
    },
    /// The data ends inside a header, which was left in the body as it stands.
    #[error("protocol {protocol} needs {needed} bytes of header, there are {found}")]
    TruncatedHeader {
        /// Which header.
        protocol: u8,
        /// The least that it needs.
        needed: usize,
        /// What there is.
        found: usize,
    },
    /// TCP's data offset is below five words, or more than there is. The options were taken to end there.
    #[error("data offset is {words} words, of {available} bytes")]
    DataOffset {
        /// What stands there.
        words: u8,
        /// How many bytes the segment has.
        available: usize,
    },
    /// A TCP option is malformed.
    #[error("{0}")]
    Option(#[from] OptionFault),
}

/// A part of a packet with a checksum or reserved bits of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The IP header.
    Ip,
    /// The TCP segment.
    Tcp,
    /// The ICMP message.
    Icmp,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ip => "IP",
            Self::Tcp => "TCP",
            Self::Icmp => "ICMP",
        })
    }
}

/// Not even an IP header can be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseError {
    /// No bytes at all.
    #[error("the packet is empty")]
    Empty,
    /// Neither 4 nor 6.
    #[error("IP version is {0}, neither 4 nor 6")]
    Version(u8),
    /// The fixed part of the header is cut off.
    #[error("an IP header needs {needed} bytes, there are {found}")]
    Short {
        /// Its length.
        needed: usize,
        /// What there is.
        found: usize,
    },
}

/// Reads a packet that starts with its IP header.
///
/// # Errors
/// If the bytes are too few for an IP header, or of another version. Everything else is a [`Fault`].
pub fn parse(bytes: &[u8]) -> Result<Parsed, ParseError> {
    let version = version(bytes)?;
    let mut reader = Reader {
        stated: Stated::default(),
        faults: Vec::new(),
    };
    let packet = match version {
        IpVersion::V4 => reader.ipv4(bytes),
        IpVersion::V6 => reader.ipv6(bytes),
    };
    Ok(Parsed {
        packet,
        stated: reader.stated,
        faults: reader.faults,
    })
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
        return Err(ParseError::Short {
            needed,
            found: bytes.len(),
        });
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
            self.faults.push(Fault::HeaderLength {
                words: header.header_length,
                available: bytes.len(),
            });
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
        Packet {
            body: self.body(&ip, header.protocol, fragment, body),
            ip,
        }
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
            fragment = matches!(found.extension, Extension::Fragment { offset, more, .. } if more || offset != 0);
            ip.ext.push(found.extension);
            protocol = found.next_header;
            rest = &rest[found.length..];
        }
        if !fragment && Ipv6::is_extension(protocol) {
            let needed = fields::extension_len(rest);
            self.faults.push(Fault::TruncatedHeader {
                protocol,
                needed,
                found: rest.len(),
            });
        }
        let ip = Ip::V6(ip);
        Packet {
            body: self.body(&ip, protocol, fragment, rest),
            ip,
        }
    }

    /// Cuts `bytes` to the `stated` length, unless that is less than `least` or more than there is.
    fn within<'a>(&mut self, bytes: &'a [u8], stated: usize, least: usize) -> &'a [u8] {
        let found = bytes.len();
        if stated < least || stated > found {
            self.faults.push(Fault::TotalLength { stated, found });
            return bytes;
        }
        if stated < found {
            self.faults.push(Fault::TrailingBytes {
                count: found - stated,
            });
        }
        &bytes[..stated]
    }

    fn check(&mut self, layer: Layer, found: u16, expected: u16) {
        if found != expected {
            self.faults.push(Fault::Checksum {
                layer,
                found,
                expected,
            });
        }
    }

    fn body(&mut self, ip: &Ip, protocol: u8, fragment: bool, bytes: &[u8]) -> Body {
        if fragment {
            return Body::Fragment {
                protocol,
                bytes: bytes.to_vec(),
            };
        }
        let needed = match protocol {
            protocol::TCP => TCP_LEN,
            number if number == ip.version().icmp_protocol() => ICMP_LEN,
            _ => {
                return Body::Other {
                    protocol,
                    bytes: bytes.to_vec(),
                };
            }
        };
        if bytes.len() < needed {
            self.faults.push(Fault::TruncatedHeader {
                protocol,
                needed,
                found: bytes.len(),
            });
            return Body::Other {
                protocol,
                bytes: bytes.to_vec(),
            };
        }
        if protocol == protocol::TCP {
            self.tcp(ip, bytes)
        } else {
            self.icmp(ip, bytes)
        }
    }

    fn tcp(&mut self, ip: &Ip, bytes: &[u8]) -> Body {
        let header = fields::read_tcp(bytes);
        let mut tcp = header.tcp;
        self.stated.data_offset = Some(header.data_offset);
        self.stated.checksum = Some(header.checksum);

        let sum = |segment: &[u8]| checksum::transport(ip, protocol::TCP, segment, segment.len());
        self.check(
            Layer::Tcp,
            header.checksum,
            expected_checksum(bytes, 16, sum),
        );
        if tcp.reserved != 0 {
            self.faults.push(Fault::ReservedBits { layer: Layer::Tcp });
        }
        let header_len = usize::from(header.data_offset) * 4;
        let end = header_len.clamp(TCP_LEN, bytes.len());
        if end != header_len {
            self.faults.push(Fault::DataOffset {
                words: header.data_offset,
                available: bytes.len(),
            });
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
        let sum = |message: &[u8]| icmp_checksum(ip, message, message.len());
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
