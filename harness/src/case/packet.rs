//! Packets as a case writes them: exact for what is injected, with matchers for what is expected.

use super::Expr;
use crate::wire::{AccEcnOrder, Flags};

/// A number: one of its alternatives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Num(pub Vec<Alt>);

/// One alternative of a [`Num`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alt {
    /// Every number.
    Any,
    /// This one.
    Is {
        /// The number, relative to its base unless `absolute`.
        term: Term,
        /// Written with `!`: as it stands on the wire.
        absolute: bool,
    },
    /// From the first to the second, both included.
    Between(i64, i64),
}

/// A number that is known, or computed when its step is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// Written as a number.
    Known(i64),
    /// `$first.win`, `$(first.win - 1)`.
    Computed(Expr),
}

/// A packet. Fields that are `None` are not compared (expected) or take their correct value (injected).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketSpec {
    /// Headers below the transport.
    pub ip: IpSpec,
    /// What the packet carries.
    pub transport: Transport,
    /// Cut the finished packet so; empty: in one piece.
    pub fragments: Vec<FragmentSpec>,
    /// Cut the finished packet after so many bytes.
    pub truncate: Option<usize>,
}

/// What a packet carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A TCP segment.
    Tcp(TcpSpec),
    /// An ICMP or ICMPv6 message.
    Icmp(IcmpSpec),
    /// A UDP datagram (packetdrill's language only).
    Udp(UdpSpec),
    /// The whole packet as bytes; nothing is computed.
    Bytes(Vec<u8>),
}

/// IP header fields. Numbers of IPv6 use the same names where they mean the same: `ttl` is the hop limit,
/// `total_length` the payload length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the header fields of RFC 791 and RFC 8200 under their names there")]
pub struct IpSpec {
    pub src: Option<std::net::IpAddr>,
    pub dst: Option<std::net::IpAddr>,
    pub ttl: Option<Num>,
    pub dscp: Option<Num>,
    pub ecn: Option<Num>,
    pub df: Option<bool>,
    pub mf: Option<bool>,
    pub id: Option<Num>,
    pub protocol: Option<Num>,
    pub version: Option<Num>,
    pub header_length: Option<Num>,
    pub total_length: Option<Num>,
    pub checksum: Option<ChecksumSpec>,
    pub offset: Option<Num>,
    pub options: Option<Vec<u8>>,
    pub flow_label: Option<Num>,
    /// IPv6 extension headers: next-header number and the bytes after the first two.
    pub ext: Vec<(u8, Vec<u8>)>,
    /// Headers around the packet (packetdrill's GRE, MPLS and IP-in-IP prefixes), outermost first, as bytes.
    pub encapsulation: Vec<Vec<u8>>,
}

impl IpSpec {
    /// These fields; those that are not written are `others`'.
    #[must_use]
    pub fn over(&self, others: &Self) -> Self {
        let list = |own: &Vec<_>, other: &Vec<_>| if own.is_empty() { other.clone() } else { own.clone() };
        Self {
            src: self.src.or(others.src),
            dst: self.dst.or(others.dst),
            ttl: self.ttl.clone().or_else(|| others.ttl.clone()),
            dscp: self.dscp.clone().or_else(|| others.dscp.clone()),
            ecn: self.ecn.clone().or_else(|| others.ecn.clone()),
            df: self.df.or(others.df),
            mf: self.mf.or(others.mf),
            id: self.id.clone().or_else(|| others.id.clone()),
            protocol: self.protocol.clone().or_else(|| others.protocol.clone()),
            version: self.version.clone().or_else(|| others.version.clone()),
            header_length: self.header_length.clone().or_else(|| others.header_length.clone()),
            total_length: self.total_length.clone().or_else(|| others.total_length.clone()),
            checksum: self.checksum.or(others.checksum),
            offset: self.offset.clone().or_else(|| others.offset.clone()),
            options: self.options.clone().or_else(|| others.options.clone()),
            flow_label: self.flow_label.clone().or_else(|| others.flow_label.clone()),
            ext: list(&self.ext, &others.ext),
            encapsulation: others.encapsulation.clone(),
        }
    }
}

/// A TCP segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpSpec {
    /// All nine bits. PSH is compared only by `push`.
    pub flags: Flags,
    /// Sequence number, relative to the sender's ISN.
    pub seq: Num,
    /// Payload length in bytes.
    pub length: Num,
    /// Acknowledgement number, relative to the other side's ISN.
    pub ack: Option<Num>,
    /// The 16-bit window field, not scaled.
    pub win: Option<Num>,
    /// Urgent pointer.
    pub urg: Option<Num>,
    /// TCP options.
    pub options: OptionsSpec,
    /// Payload bytes.
    pub payload: Payload,
    /// Whether PSH must be set.
    pub push: Option<bool>,
    /// Source port, where it is not the flow's.
    pub sport: Option<Num>,
    /// Destination port, where it is not the flow's.
    pub dport: Option<Num>,
    /// The reserved bits, 0..7.
    pub reserved: Option<Num>,
    /// Header length in words, where it is not the true one.
    pub data_offset: Option<Num>,
    /// The checksum field.
    pub checksum: ChecksumSpec,
}

/// A checksum field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChecksumSpec {
    /// Correct.
    #[default]
    Good,
    /// The true value plus 1.
    Bad,
    /// This value.
    Value(u16),
    /// Whatever (expected only).
    Any,
}

/// TCP options as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionsSpec {
    /// Expected: not compared. Injected: none.
    Unwritten,
    /// These, in this order, padding included.
    Exactly(Vec<OptionItem>),
    /// These, in any order, and perhaps more (`...`).
    Including(Vec<OptionItem>),
    /// All bytes of the option space.
    Raw(Vec<u8>),
}

/// One TCP option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionItem {
    /// What it is.
    pub option: OptionSpec,
    /// A length byte that lies.
    pub length: Option<u8>,
}

/// Kinds of TCP options.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the options under their names in the notation")]
pub enum OptionSpec {
    Nop,
    Eol,
    Mss(Num),
    Wscale(Num),
    SackOk,
    /// Edges relative to the ISN of the side whose bytes they name.
    Sack(Vec<(Num, Num)>),
    Timestamps {
        val: Num,
        ecr: Num,
    },
    FastOpen(Vec<u8>),
    FastOpenExp(Vec<u8>),
    Md5(Vec<u8>),
    /// AccECN counters, fields in the order sent.
    AccEcn {
        order: AccEcnOrder,
        counters: Vec<Num>,
    },
    /// Any kind, right length.
    Other {
        kind: u8,
        data: Vec<u8>,
    },
    /// Bytes as they stand.
    Raw(Vec<u8>),
}

/// Bytes that are sent or must arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// The pattern, from this stream offset or from where the stream is.
    Pattern(Option<u64>),
    /// These bytes.
    Bytes(Vec<u8>),
    /// Zeros.
    Zeros,
    /// Not compared (expected only).
    Any,
}

/// An ICMP message, already in the numbers of its IP version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IcmpSpec {
    /// Type; `None` in an expectation that leaves it open.
    pub kind: Option<Num>,
    /// Code.
    pub code: Option<Num>,
    /// Next-hop MTU.
    pub mtu: Option<Num>,
    /// Identifier of an echo (injected, packetdrill's language only).
    pub id: Option<u16>,
    /// Pointer of a parameter problem.
    pub ptr: Option<Num>,
    /// The checksum field.
    pub checksum: ChecksumSpec,
    /// The segment that is quoted.
    pub quote: Quote,
    /// How many bytes of the quoted packet; as the RFCs have it if unset.
    pub quote_length: Option<usize>,
}

/// What an ICMP message quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quote {
    /// The last segment the target emitted on the flow (injected); not compared (expected).
    Last,
    /// This segment, as the target would have sent it.
    Packet(Box<PacketSpec>),
}

/// A UDP datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdpSpec {
    /// Payload length in bytes.
    pub length: Num,
}

/// One piece of a packet, in bytes of its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FragmentSpec {
    /// Where the piece starts.
    pub offset: u16,
    /// How long it is.
    pub length: u16,
    /// Whether more follow.
    pub more: bool,
    /// IP header fields of this piece alone.
    pub ip: IpSpec,
}

impl Num {
    /// Exactly this number, relative to its base.
    #[must_use]
    pub fn exactly(number: i64) -> Self {
        Self(vec![Alt::Is { term: Term::Known(number), absolute: false }])
    }

    /// Every number.
    #[must_use]
    pub fn any() -> Self {
        Self(vec![Alt::Any])
    }

    /// Whether it is one number, known or computed.
    #[must_use]
    pub fn is_single(&self) -> bool {
        matches!(self.0.as_slice(), [Alt::Is { .. }])
    }

    /// The number, if it is a single one that is known and relative to its base.
    #[must_use]
    pub fn known(&self) -> Option<i64> {
        match self.0.as_slice() {
            [Alt::Is { term: Term::Known(number), absolute: false }] => Some(*number),
            _ => None,
        }
    }
}

impl TcpSpec {
    /// A segment with these flags and bytes, and nothing else said about it.
    #[must_use]
    pub fn bare(flags: Flags, seq: Num, length: Num) -> Self {
        Self {
            flags,
            seq,
            length,
            ack: None,
            win: None,
            urg: None,
            options: OptionsSpec::Unwritten,
            payload: Payload::Pattern(None),
            push: None,
            sport: None,
            dport: None,
            reserved: None,
            data_offset: None,
            checksum: ChecksumSpec::Good,
        }
    }
}

impl PacketSpec {
    /// A packet that carries `transport` and is otherwise as it should be.
    #[must_use]
    pub fn plain(transport: Transport) -> Self {
        Self { ip: IpSpec::default(), transport, fragments: Vec::new(), truncate: None }
    }
}
