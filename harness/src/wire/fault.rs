//! What can be wrong with a packet.

use std::fmt;

use thiserror::Error;

use super::option::OptionFault;

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
