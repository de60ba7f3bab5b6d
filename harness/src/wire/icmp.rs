//! ICMP messages of both versions, their names, and the packets that they quote.

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
