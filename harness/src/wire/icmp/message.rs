//! An ICMP message as plain data.

use crate::wire::ip::IpVersion;

/// An ICMP message; of which version, its IP header says. The checksum follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Icmp {
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// The second word of the header: MTU, pointer, identifier and sequence number, or unused.
    pub rest: u32,
    /// The rest of the message: of errors, the packet that they quote.
    pub payload: Vec<u8>,
}

impl Icmp {
    /// The next hop's MTU in bytes, if this is a message that has one: IPv4's "fragmentation needed" (RFC 1191),
    /// IPv6's "packet too big".
    #[must_use]
    pub fn mtu(&self, version: IpVersion) -> Option<u32> {
        match (version, self.kind, self.code) {
            (IpVersion::V4, 3, 4) => Some(self.rest & 0xffff),
            (IpVersion::V6, 2, _) => Some(self.rest),
            (IpVersion::V4 | IpVersion::V6, _, _) => None,
        }
    }

    /// Where in the quoted packet the fault lies, in bytes, if this is a parameter problem.
    #[must_use]
    pub fn pointer(&self, version: IpVersion) -> Option<u32> {
        match (version, self.kind) {
            (IpVersion::V4, 12) => Some(self.rest >> 24),
            (IpVersion::V6, 4) => Some(self.rest),
            (IpVersion::V4 | IpVersion::V6, _) => None,
        }
    }

    /// The word in which an MTU stands; IPv4 keeps 16 bits of it.
    #[must_use]
    pub fn mtu_word(version: IpVersion, mtu: u32) -> u32 {
        match version {
            IpVersion::V4 => mtu & 0xffff,
            IpVersion::V6 => mtu,
        }
    }

    /// The word in which a pointer stands; IPv4 keeps 8 bits of it.
    #[must_use]
    pub fn pointer_word(version: IpVersion, pointer: u32) -> u32 {
        match version {
            IpVersion::V4 => pointer << 24,
            IpVersion::V6 => pointer,
        }
    }
}
