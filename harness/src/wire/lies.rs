//! What a packet shall say that is not so.

use super::ip::Ip;

/// How a packet differs from the truth. The default is none at all.
///
/// They apply in this order: the packet is built, cut into fragments, fields are overwritten, checksums are set (a
/// good one is computed over the lie), and what results is truncated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lies {
    /// In the IP header, of every fragment where there are any.
    pub ip: IpLies,
    /// TCP's data offset, in words of four bytes. The bytes do not move, and the options then need not fill words.
    pub data_offset: Option<u8>,
    /// The checksum of TCP or ICMP.
    pub checksum: Checksum,
    /// How the finished packet is cut. Empty: in one piece.
    pub fragments: Vec<Fragment>,
    /// Cut every finished packet after so many bytes; lengths and checksums stay.
    pub truncate: Option<usize>,
}

/// Lies in an IP header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IpLies {
    /// Version field.
    pub version: Option<u8>,
    /// IPv4 header length in words of four bytes. The bytes do not move. IPv6 has no such field.
    pub header_length: Option<u8>,
    /// IPv4 total length, IPv6 payload length.
    pub total_length: Option<u16>,
    /// IPv4 protocol; in IPv6 the last next header field.
    pub protocol: Option<u8>,
    /// IPv4 header checksum. IPv6 has none.
    pub checksum: Checksum,
}

/// What to put into a checksum field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksum {
    /// The true value.
    #[default]
    Good,
    /// The true value plus one.
    Bad,
    /// This value.
    Value(u16),
}

impl Checksum {
    /// The field's value, given the true one.
    #[must_use]
    pub fn apply(self, good: u16) -> u16 {
        match self {
            Self::Good => good,
            Self::Bad => good.wrapping_add(1),
            Self::Value(value) => value,
        }
    }
}

/// One piece of a packet. Gaps, overlaps and any order are allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// First byte, counted from the end of the IP header (IPv6: of all its extension headers). On the wire it is
    /// rounded down to a multiple of eight.
    pub offset: u16,
    /// Number of bytes. Past the end of the packet there are none.
    pub length: usize,
    /// The "more fragments" bit.
    pub more: bool,
    /// Another IP header than the packet's; offset, more and the IPv6 fragment header are still set.
    pub ip: Option<Ip>,
    /// Lies of this fragment; where it says nothing, those of the whole packet count.
    pub lies: IpLies,
}

impl Fragment {
    /// A piece with the packet's own header.
    #[must_use]
    pub fn new(offset: u16, length: usize, more: bool) -> Self {
        Self {
            offset,
            length,
            more,
            ip: None,
            lies: IpLies::default(),
        }
    }
}

impl IpLies {
    /// These lies; where they say nothing, `others`.
    #[must_use]
    pub fn or(&self, others: &Self) -> Self {
        Self {
            version: self.version.or(others.version),
            header_length: self.header_length.or(others.header_length),
            total_length: self.total_length.or(others.total_length),
            protocol: self.protocol.or(others.protocol),
            checksum: if self.checksum == Checksum::Good {
                others.checksum
            } else {
                self.checksum
            },
        }
    }
}
