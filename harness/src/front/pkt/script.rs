//! What a packetdrill script says, as written: nothing is looked up, counted or converted yet.

use std::net::IpAddr;

use crate::case::Location;
use crate::time::Span;
use crate::wire::Flags;

/// Something with the words it was written in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node<T> {
    /// What it says.
    pub value: T,
    /// Where.
    pub at: Location,
}

/// A whole script.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// `--name=value` lines, in order.
    pub options: Vec<Setting>,
    /// Events, in order. One without a time is a command: the initialisation if it is the first, the cleanup if the last.
    pub events: Vec<Event>,
    /// The first sign of a protocol that is not run here: `PSP`, `SCTP`. Nothing else of such a script is kept.
    pub out_of_scope: Option<Node<&'static str>>,
    /// Comments with their places, in order: an import keeps them.
    pub comments: Vec<Node<String>>,
}

/// An option: `--mtu=1000`, `--strict`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Without the dashes.
    pub name: Node<String>,
    /// What follows `=`.
    pub value: Option<Node<String>>,
}

/// Something that happens or must happen.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When; none for the initialisation and the cleanup command.
    pub time: Option<Node<Time>>,
    /// `...` and when a blocking call returns: `Absolute` or `Relative`, whichever its beginning is.
    ///
    /// A relative end counts from where the beginning counts from.
    pub until: Option<Node<Time>>,
    /// What.
    pub kind: EventKind,
    /// The whole event, time included.
    pub at: Location,
}

/// A moment as written, cut to whole microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// `1.5`: since the script began.
    Absolute(Span),
    /// `+1.5`: since the event before.
    Relative(Span),
    /// `1~2`.
    AbsoluteRange(Span, Span),
    /// `+1~+2`.
    RelativeRange(Span, Span),
    /// `*`.
    Any,
}

/// Kinds of events.
#[derive(Clone, Debug, PartialEq)]
pub enum EventKind {
    /// A packet that is sent or expected.
    Packet(Box<Packet>),
    /// A system call.
    Call(Box<Call>),
    /// A shell command: the text between backquotes.
    Command(Node<String>),
    /// Code: the text between `%{` and `}%`.
    Code(Node<String>),
}

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// `<`: into the stack under test.
    Inbound,
    /// `>`: out of it.
    Outbound,
}

/// A packet.
#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    /// Which way it goes.
    pub direction: Direction,
    /// Headers around it, outermost first.
    pub outer: Vec<Node<Outer>>,
    /// Attributes of the innermost IP header: `[ect0]`, `(tos 0x2, flowlabel 0x3)`.
    pub ip: Vec<Node<IpAttribute>>,
    /// Ports, where they are written: `5000 > 8080`.
    pub ports: Option<Ports>,
    /// What it carries.
    pub body: Node<Body>,
}

/// Ports of a packet: `5000 > 8080`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Source.
    pub source: Node<u16>,
    /// Destination.
    pub destination: Node<u16>,
}

/// A header around a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outer {
    /// `ipv4 192.0.2.1 > 192.0.2.2:`; both addresses are of one version.
    Ip {
        /// Attributes of this header.
        ip: Vec<Node<IpAttribute>>,
        /// Its source.
        source: IpAddr,
        /// Its destination.
        destination: IpAddr,
    },
    /// `gre:`, `gre flags ...:`.
    Gre(Gre),
    /// `mpls (label 5, tc 0, [S], ttl 64):`, outermost entry first.
    Mpls(Vec<MplsEntry>),
}

/// What a GRE header says (RFC 2784, RFC 2890).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gre {
    /// The first sixteen bits, names resolved: checksum present 0x8000, key 0x2000, sequence 0x1000.
    pub flags: u16,
    /// `sum`.
    pub checksum: u16,
    /// `off`.
    pub offset: u16,
    /// `key`.
    pub key: u32,
    /// `seq`.
    pub sequence: u32,
}

/// One entry of an MPLS label stack (RFC 3032).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MplsEntry {
    /// Label.
    pub label: u32,
    /// Traffic class.
    pub class: u8,
    /// `[S]`: the last of the stack.
    pub bottom: bool,
    /// Time to live.
    pub ttl: u8,
}

/// An attribute of the IP header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IpAttribute {
    /// `tos 0x2`; `class 0x2` (FreeBSD).
    Tos(u8),
    /// `dscp 0x2e`: the upper six bits of that byte (FreeBSD).
    Dscp(u8),
    /// `ttl 64`; `hlim 64` (FreeBSD).
    Ttl(u8),
    /// `flowlabel 0x12345`.
    FlowLabel(u32),
    /// `noecn`, `ect0`, `ect1`, `ce`: the two ECN bits.
    Ecn(u8),
    /// `ect01`: either of the two ECT code points (expected only).
    AnyEct,
}

/// What a packet carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// A TCP segment.
    Tcp(Box<Segment>),
    /// `udp (100)`: payload length.
    Udp {
        /// Payload bytes.
        length: u16,
    },
    /// `icmp unreachable frag_needed mtu 1200 [1:1001(1000)]`.
    Icmp(Box<Icmp>),
}

/// A TCP segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Flags; an ACE digit stands for AE, CWR and ECE.
    pub flags: Node<Flags>,
    /// First byte and length.
    pub range: Range,
    /// `ack 1`.
    pub ack: Option<Node<Number>>,
    /// `win 1000`; always there inbound.
    pub win: Option<Node<u16>>,
    /// `urg 1`.
    pub urg: Option<Node<u16>>,
    /// `<...>`; none: not written.
    pub options: Option<Node<Options>>,
    /// `/udp(5000 > 9899)`: TCP in UDP with these ports (FreeBSD).
    pub in_udp: Option<Ports>,
}

/// `1:1001(1000)`. The parser has seen to it that the end is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// First byte.
    pub start: Node<Number>,
    /// How many.
    pub length: Node<u16>,
}

/// A number of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// Mapped by the rules of its place.
    Is(u32),
    /// `1:11(10)!`, `ecr 5!`: as it stands on the wire (FreeBSD).
    OnWire(u32),
    /// `...(10)`, `val ...`: whatever (FreeBSD).
    Any,
}

/// TCP options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Options {
    /// `<...>`: whatever.
    Any,
    /// These.
    List(Vec<Node<TcpOption>>),
}

/// A TCP option.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the options under their names in scripts")]
pub enum TcpOption {
    Nop,
    Eol,
    Mss(u16),
    Wscale(u8),
    SackOk,
    /// Left and right edges.
    Sack(Vec<(u32, u32)>),
    Timestamps {
        val: Number,
        ecr: Number,
    },
    /// `FO abcd`: cookie; empty: a request.
    FastOpen(Vec<u8>),
    /// `FOEXP`: the same in the experimental option.
    FastOpenExp(Vec<u8>),
    /// `md5 ...`: the digest as it is.
    Md5(Vec<u8>),
    /// `md5 valid`: the right digest (FreeBSD).
    Md5Valid,
    /// `ECN e0b 1 ceb 1 e1b 1`.
    AccEcn(AccEcn),
    /// Any kind, and what follows its length (`gen-`, `exp-` of FreeBSD).
    Other {
        kind: u8,
        data: Vec<u8>,
    },
}

/// Counters of accurate ECN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccEcn {
    /// Whether the order on the wire is that of kind 172 (ECT(0) first) or of kind 174 (ECT(1) first).
    pub ect0_first: bool,
    /// Whether it is in the experimental option 254 (FreeBSD).
    pub experimental: bool,
    /// As written.
    pub counters: Vec<(AccEcnCounter, u32)>,
}

/// What a counter of accurate ECN counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccEcnCounter {
    /// `e0b`: bytes marked ECT(0).
    Ect0,
    /// `ceb`: bytes marked CE.
    Ce,
    /// `e1b`: bytes marked ECT(1).
    Ect1,
}

/// An ICMP message; its names are those of the IP version at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Icmp {
    /// `unreachable`, `packet_too_big`.
    pub kind: Node<String>,
    /// `port_unreachable`.
    pub code: Option<Node<String>>,
    /// `mtu 1200`.
    pub mtu: Option<Node<u32>>,
    /// `id 7`.
    pub id: Option<Node<u16>>,
    /// `[1:1001(1000)]`: what it quotes.
    pub quoted: Option<Node<Quoted>>,
}

/// What an ICMP message quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quoted {
    /// A segment with this range.
    Tcp(Range),
    /// `udp (n)`: a datagram with this payload length.
    Udp(u16),
    /// `raw (n)`: nothing; the whole ICMP message has this length.
    Raw(u16),
}

/// A system call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Its name.
    pub name: Node<String>,
    /// Its arguments.
    pub arguments: Vec<Node<Value>>,
    /// What it returns.
    pub result: Node<i64>,
    /// `EAGAIN` behind a -1.
    pub errno: Option<Node<String>>,
    /// `(Resource temporarily unavailable)`, without the parentheses.
    pub note: Option<Node<String>>,
}

/// An argument or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `...`: whatever is right there.
    Ellipsis,
    /// A number.
    Int(i64),
    /// A name: `SOCK_STREAM`.
    Word(String),
    /// Text in quotes, escapes resolved, adjacent ones joined.
    Text(Vec<u8>),
    /// `A | B`.
    Or(Vec<Node<Self>>),
    /// `htons(8080)`, `inet6_addr("2001:db8::1")`.
    Apply(Node<String>, Vec<Node<Self>>),
    /// `[a, b]`.
    List(Vec<Node<Self>>),
    /// `{a=b, c=d}`.
    Fields(Vec<Field>),
    /// `{..., 10}`: positions without names.
    Tuple(Vec<Node<Self>>),
    /// A GRE header as value of a socket option.
    Gre(Gre),
    /// An MPLS stack as value of a socket option.
    Mpls(Vec<MplsEntry>),
}

/// A member of a structure.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// `msg_iov`, `fd`.
    pub name: Node<String>,
    /// What stands in parentheses behind the name: `msg_iov(2)=`, `msg_name(...)=`.
    pub length: Option<Node<Value>>,
    /// Its value.
    pub value: Node<Value>,
}
