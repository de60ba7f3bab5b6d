//! A packet in one line, as cases write it: `S. 0:0(0) ack 1 win 64240 <mss 1460,sackOK,nop,wscale 7>`.

use std::fmt::Write;

use super::icmp::{self, Icmp, Quote};
use super::ip::{Extension, Ip, protocol};
use super::option::TcpOption;
use super::packet::{Body, Packet};
use super::seq::relative;
use super::tcp::{Flags, Tcp};

/// The TTL that goes without saying.
const USUAL_TTL: u8 = 64;

/// What the numbers of a packet are counted from. The default leaves them as on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bases {
    /// Of sequence numbers: the sender's initial one.
    pub seq: u32,
    /// Of acknowledgement numbers: the other side's initial sequence number.
    pub ack: u32,
    /// Of SACK edges: the same as of acknowledgement numbers.
    pub sack: u32,
    /// Of timestamp values: what is subtracted. For a target whose first value shall count as 100, that value
    /// minus 100; for the peer 0.
    pub ts_val: u32,
    /// Of timestamp echo replies, likewise for the other side's clock. A 0 on the wire stays 0: there was no echo.
    pub ts_ecr: u32,
}

impl Bases {
    /// Of packets of the same connection in the other direction.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { seq: self.ack, ack: self.seq, sack: self.seq, ts_val: self.ts_ecr, ts_ecr: self.ts_val }
    }
}

/// The packet in one line. Window and options are always written, attributes in front only when they are unusual.
/// What the notation has no words for (fragments, other protocols) is described.
#[must_use]
pub fn packet_text(packet: &Packet, bases: &Bases) -> String {
    let body = match &packet.body {
        Body::Tcp(tcp) => tcp_text(tcp, bases),
        Body::Icmp(icmp) => icmp_text(icmp, &packet.ip, bases),
        Body::Fragment { protocol, bytes } => fragment_text(&packet.ip, *protocol, bytes.len()),
        Body::Other { protocol: protocol::UDP, bytes } if bytes.len() >= 8 => {
            format!("udp ({})", bytes.len() - 8)
        }
        Body::Other { protocol, bytes } => format!("protocol {protocol}, {} bytes", bytes.len()),
    };
    attributes_text(&packet.ip) + &body
}

/// Attributes that are not the usual ones, in parentheses with a space after, or nothing.
fn attributes_text(ip: &Ip) -> String {
    let mut words = Vec::new();
    match ip.ecn() {
        1 => words.push("ect1".to_owned()),
        2 => words.push("ect0".to_owned()),
        3 => words.push("ce".to_owned()),
        _ => {}
    }
    if ip.dscp() != 0 {
        words.push(format!("dscp {}", ip.dscp()));
    }
    if ip.ttl() != USUAL_TTL {
        words.push(format!("ttl {}", ip.ttl()));
    }
    if words.is_empty() { String::new() } else { format!("({}) ", words.join(", ")) }
}

/// A segment in one line, without attributes of its IP header.
#[must_use]
pub fn tcp_text(tcp: &Tcp, bases: &Bases) -> String {
    segment_text(tcp, Some(tcp.payload.len()), bases)
}

fn segment_text(tcp: &Tcp, payload_len: Option<usize>, bases: &Bases) -> String {
    let mut line = format!("{} {}", tcp.flags, range_text(relative(bases.seq, tcp.seq), payload_len));
    // Writing to a string cannot fail.
    if tcp.flags.contains(Flags::ACK) {
        let _ = write!(line, " ack {}", relative(bases.ack, tcp.ack));
    }
    let _ = write!(line, " win {}", tcp.win);
    if tcp.flags.contains(Flags::URG) || tcp.urg != 0 {
        let _ = write!(line, " urg {}", tcp.urg);
    }
    if !tcp.options.is_empty() {
        let _ = write!(line, " {}", options_text(&tcp.options, bases));
    }
    line
}

fn range_text(start: u32, len: Option<usize>) -> String {
    match len {
        Some(len) => format!("{start}:{}({len})", start.wrapping_add(len as u32)),
        None => format!("{start}(any)"),
    }
}

/// A list of options in angle brackets.
#[must_use]
pub fn options_text(options: &[TcpOption], bases: &Bases) -> String {
    let words: Vec<String> = options.iter().map(|option| option_text(option, bases)).collect();
    format!("<{}>", words.join(","))
}

/// One option: `mss 1460`, `TS val 1 ecr 2`, `opt 254 beef`.
#[must_use]
pub fn option_text(option: &TcpOption, bases: &Bases) -> String {
    match option {
        TcpOption::Nop => "nop".to_owned(),
        TcpOption::Eol => "eol".to_owned(),
        TcpOption::Mss(size) => format!("mss {size}"),
        TcpOption::Wscale(shift) => format!("wscale {shift}"),
        TcpOption::SackOk => "sackOK".to_owned(),
        TcpOption::Sack(blocks) if !blocks.is_empty() => {
            let edges = blocks
                .iter()
                .map(|(from, to)| format!(" {}:{}", relative(bases.sack, *from), relative(bases.sack, *to)));
            format!("sack{}", edges.collect::<String>())
        }
        TcpOption::Ts { val, ecr } => {
            let ecr = if *ecr == 0 { 0 } else { relative(bases.ts_ecr, *ecr) };
            format!("TS val {} ecr {ecr}", relative(bases.ts_val, *val))
        }
        TcpOption::FastOpen(cookie) => spaced("FO", cookie),
        TcpOption::FastOpenExp(cookie) => spaced("FOEXP", cookie),
        TcpOption::Md5(digest) => spaced("md5", digest),
        TcpOption::AccEcn { order, counters } if (1..=3).contains(&counters.len()) => {
            let pairs = order.names().into_iter().zip(counters);
            format!(
                "ECN{}",
                pairs.map(|(name, count)| format!(" {name} {}", count & 0xff_ffff)).collect::<String>()
            )
        }
        TcpOption::Sack(_) | TcpOption::AccEcn { .. } => {
            let mut bytes = Vec::new();
            option.encode(&mut bytes);
            spaced(&format!("opt {}", bytes[0]), &bytes[2..])
        }
        TcpOption::Other { kind, data } => spaced(&format!("opt {kind}"), data),
        TcpOption::Lying { option, length } => {
            format!("{} len {length}", option_text(option, bases))
        }
        TcpOption::Raw(bytes) => spaced("hex", bytes),
    }
}

fn spaced(word: &str, bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    if digits.is_empty() { word.to_owned() } else { format!("{word} {digits}") }
}

fn icmp_text(message: &Icmp, ip: &Ip, bases: &Bases) -> String {
    let version = ip.version();
    let mut line = format!("icmp {}", icmp::text(message.kind, message.code, version));
    if let Some(mtu) = message.mtu(version) {
        let _ = write!(line, " mtu {mtu}");
    }
    if let Some(pointer) = message.pointer(version) {
        let _ = write!(line, " ptr {pointer}");
    }
    let quoted = icmp::quoted(message).and_then(|quote| quote_text(&quote, &bases.reversed()));
    if let Some(quoted) = quoted {
        let _ = write!(line, " [{quoted}]");
    }
    line
}

/// The quoted segment, of which only the sequence number may be known.
fn quote_text(quote: &Quote, bases: &Bases) -> Option<String> {
    match &quote.tcp {
        Some(tcp) => Some(segment_text(tcp, quote.payload_len, bases)),
        None => Some(range_text(relative(bases.seq, quote.seq?), None)),
    }
}

fn fragment_text(ip: &Ip, protocol: u8, len: usize) -> String {
    let (offset, more) = match ip {
        Ip::V4(ip) => (ip.offset, ip.mf),
        Ip::V6(ip) => {
            let last = ip.ext.iter().rev().find_map(|extension| match extension {
                Extension::Fragment { offset, more, .. } => Some((*offset, *more)),
                Extension::HopByHop(_) | Extension::Routing(_) | Extension::Destination(_) => None,
            });
            last.unwrap_or((0, false))
        }
    };
    let more = if more { ", more to come" } else { "" };
    format!("fragment at {offset}, {len} bytes of protocol {protocol}{more}")
}
