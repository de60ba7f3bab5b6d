//! What a packetdrill script says, as written: nothing is looked up, counted or converted yet.

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
    /// Events, in order; a command or code before the first time is one without a time.
    pub events: Vec<Event>,
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
    /// When; none for what stands before the first event.
    pub time: Option<Node<Time>>,
    /// `...` and when a blocking call returns.
    pub until: Option<Node<Time>>,
    /// What.
    pub kind: EventKind,
    /// The whole event, time included.
    pub at: Location,
}

/// A moment as written.
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
    /// Ends, where they are written.
    pub ends: Option<Ends>,
    /// Headers around it, outermost first.
    pub outer: Vec<Node<Outer>>,
    /// IP attributes in brackets or parentheses: `[ect0]`, `(tos 0x2, ttl 64)`.
    pub ip: Vec<Node<IpAttribute>>,
    /// What it carries.
    pub body: Node<Body>,
}

/// Both ends of a packet, or their ports alone: `8080 > 1234`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Source: address, if written, and port.
    pub source: Node<(Option<std::net::IpAddr>, u16)>,
    /// Destination.
    pub destination: Node<(Option<std::net::IpAddr>, u16)>,
}

/// A header around a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outer {
    /// `ipv4 1.1.1.1 > 2.2.2.2:`
    Ip {
        /// Its source.
        source: std::net::IpAddr,
        /// Its destination.
        destination: std::net::IpAddr,
    },
    /// `gre ...:`: the attributes by name.
    Gre(Vec<(String, u64)>),
    /// `mpls ...:`: label stack entries.
    Mpls(Vec<MplsEntry>),
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
    /// `tos 0x2`.
    Tos(u8),
    /// `ttl 64`.
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
        length: u32,
    },
    /// `icmp unreachable frag_needed mtu 1200 [1:1001(1000)]`.
    Icmp(Box<Icmp>),
    /// PSP, SCTP: the protocol's name. Recognized, and not run.
    OutOfScope(String),
}

/// A TCP segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Flags; with AccECN digits or CWR, ECE, AE letters they are in here, too.
    pub flags: Flags,
    /// First byte, end, length.
    pub range: Option<Range>,
    /// `ack 1`.
    pub ack: Option<Node<Number>>,
    /// `win 1000`.
    pub win: Option<Node<Number>>,
    /// `urg 1`.
    pub urg: Option<Node<Number>>,
    /// `<...>`; none: not written.
    pub options: Option<Node<Options>>,
}

/// `1:1001(1000)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// First byte.
    pub start: Node<Number>,
    /// One past the last.
    pub end: Node<Number>,
    /// How many.
    pub length: Node<u32>,
}

/// A number of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// Relative, or plain where there is nothing to be relative to.
    Is(u32),
    /// `1234!`: as it stands on the wire (FreeBSD).
    OnWire(u32),
    /// `*`: whatever (FreeBSD).
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
    /// Blocks; `None` stands for a block that is not written (`<...sack>` without blocks).
    Sack(Vec<(Number, Number)>),
    Timestamps {
        val: Number,
        ecr: Number,
    },
    /// `FO abcd`: cookie; `None`: `TFO_COOKIE`, the one the target makes.
    FastOpen(Cookie),
    /// `FOEXP`: in the experimental option.
    FastOpenExp(Cookie),
    /// `md5 ...`: digest; empty if unwritten.
    Md5(Vec<u8>),
    /// AccECN counters, in the order written.
    AccEcn(Vec<(String, u32)>),
    /// Any kind (`gen` of FreeBSD).
    Other {
        kind: u8,
        data: Vec<u8>,
    },
}

/// A Fast Open cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// These bytes; none: a request.
    Bytes(Vec<u8>),
    /// A name that stands for a cookie: `TFO_COOKIE`.
    Named(String),
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
    /// `[1:1001(1000)]`: of the quoted segment.
    pub quoted: Option<Quoted>,
}

/// What an ICMP message quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quoted {
    /// A segment with this range.
    Tcp(Range),
    /// A segment of which only the first byte's number is written.
    TcpStart(Node<Number>),
    /// A datagram with this payload length.
    Udp(u32),
}

/// A system call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Its name.
    pub name: Node<String>,
    /// Its arguments.
    pub arguments: Vec<Node<Value>>,
    /// What it returns; none: `= ?` or unwritten.
    pub result: Option<Node<Value>>,
    /// `EAGAIN` behind a -1.
    pub errno: Option<Node<String>>,
    /// `(Resource temporarily unavailable)`.
    pub remark: Option<Node<String>>,
}

/// An argument or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `...`: whatever is right there.
    Ellipsis,
    /// A number.
    Int(i64),
    /// A number with a point.
    Float(f64),
    /// A name: `SOCK_STREAM`.
    Word(String),
    /// Text in quotes, escapes resolved.
    Text(Vec<u8>),
    /// `A | B`.
    Or(Vec<Node<Self>>),
    /// `htons(8080)`.
    Apply(Node<String>, Vec<Node<Self>>),
    /// `[a, b]`.
    List(Vec<Node<Self>>),
    /// `{a=b, c=d}`.
    Fields(Vec<(Node<String>, Node<Self>)>),
    /// `{a, b}`: positions without names.
    Tuple(Vec<Node<Self>>),
    /// `a...b` or `a~b` as a result: from, to.
    Between(Box<Node<Self>>, Box<Node<Self>>),
}
