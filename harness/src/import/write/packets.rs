//! Packets: one line, or a map where the line cannot say all.
//!
//! What goes without saying by packetdrill's rules is left out, as `front/yaml/script.rs` fills it in.

use crate::case::{
    Alt, IcmpSpec, IpSpec, IpVersion, Num, OptionItem, OptionSpec, OptionsSpec, PacketSpec, Quote, TcpSpec,
    Term, Transport, render_options,
};
use crate::wire::icmp::names;
use crate::wire::{self, Flags};

use super::yaml::Yaml;

/// The TTL of what is injected.
const TTL: i64 = 255;

/// A packet. Nothing where the notation lacks words for it.
pub(super) fn packet(spec: &PacketSpec, ip: IpVersion) -> Option<Yaml> {
    match &spec.transport {
        Transport::Tcp(tcp) => segment(spec, tcp),
        Transport::Icmp(icmp) => Some(message(spec, icmp, ip)),
        Transport::Udp(_) | Transport::Bytes(_) => None,
    }
}

fn segment(spec: &PacketSpec, tcp: &TcpSpec) -> Option<Yaml> {
    let mut attributes = attributes(&spec.ip);
    for (name, port) in [("sport", &tcp.sport), ("dport", &tcp.dport)] {
        attributes.extend(port.as_ref().map(|port| format!("{name} {port}")));
    }
    let line = format!("{}{}", in_front(&attributes), tcp_line(tcp)?);
    Some(match several_ecn(&spec.ip) {
        Some(ecn) => {
            let ip = Yaml::map([("ecn", Yaml::text(ecn.to_string()))]);
            Yaml::map([("segment", Yaml::text(line)), ("ip", ip)])
        }
        None => Yaml::Text(line),
    })
}

fn in_front(attributes: &[String]) -> String {
    if attributes.is_empty() { String::new() } else { format!("({}) ", attributes.join(", ")) }
}

/// Code points of which one is expected.
fn several_ecn(ip: &IpSpec) -> Option<&Num> {
    ip.ecn.as_ref().filter(|ecn| ecn.known().is_none())
}

fn attributes(ip: &IpSpec) -> Vec<String> {
    let known = |number: &Option<Num>| number.as_ref().and_then(Num::known);
    let mut words = Vec::new();
    match (known(&ip.dscp), known(&ip.ecn)) {
        (Some(dscp), Some(ecn)) => words.push(format!("tos {:#x}", dscp << 2 | ecn)),
        (Some(dscp), None) => words.push(format!("dscp {dscp}")),
        (None, Some(ecn)) => {
            let name = ["noecn", "ect1", "ect0", "ce"].into_iter().nth(usize::try_from(ecn).unwrap_or(0));
            words.extend(name.map(str::to_owned));
        }
        (None, None) => {}
    }
    words.extend(known(&ip.ttl).filter(|ttl| *ttl != TTL).map(|ttl| format!("ttl {ttl}")));
    words.extend(known(&ip.flow_label).map(|label| format!("flowlabel {label:#x}")));
    words
}

fn tcp_line(tcp: &TcpSpec) -> Option<String> {
    let mut line = flags(tcp.flags);
    let length = tcp.length.known()?;
    line.push_str(&match tcp.seq.known() {
        Some(seq) => format!(" {seq}:{}({length})", (seq + length) & 0xffff_ffff),
        None => format!(" {}({length})", tcp.seq),
    });
    let has_ack = tcp.flags.contains(Flags::ACK);
    match &tcp.ack {
        Some(ack) if has_ack => line.push_str(&format!(" ack {ack}")),
        Some(ack) => match ack.0.as_slice() {
            [Alt::Is { term: Term::Known(0), .. }] => {}
            [Alt::Is { term: Term::Known(number), .. }] => line.push_str(&format!(" ack {number}")),
            _ => return None,
        },
        None => {}
    }
    if let Some(win) = &tcp.win {
        line.push_str(&format!(" win {win}"));
    }
    if let Some(urg) = tcp.urg.as_ref().filter(|urg| urg.known() != Some(0)) {
        line.push_str(&format!(" urg {urg}"));
    }
    match &tcp.options {
        OptionsSpec::Exactly(items) if items.is_empty() => {}
        OptionsSpec::Unwritten => line.push_str(" <...>"),
        written => {
            let written = if has_ack { written.clone() } else { with_plain_echoes(written) };
            line.push_str(&format!(" {}", render_options(&written)?));
        }
    }
    Some(line)
}

/// Flags: the three bits of accurate ECN as letters.
fn flags(flags: Flags) -> String {
    let letters = Flags::LETTERS.iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, letter)| *letter);
    let text: String = letters.collect();
    if text.is_empty() { "none".to_owned() } else { text }
}

/// Without ACK an echo counts from nothing: that goes without saying.
fn with_plain_echoes(options: &OptionsSpec) -> OptionsSpec {
    let OptionsSpec::Exactly(items) = options else { return options.clone() };
    let plain = |item: &OptionItem| {
        let mut item = item.clone();
        if let OptionSpec::Timestamps { ecr, .. } = &mut item.option
            && let [Alt::Is { absolute, .. }] = ecr.0.as_mut_slice()
        {
            *absolute = false;
        }
        item
    };
    OptionsSpec::Exactly(items.iter().map(plain).collect())
}

fn message(spec: &PacketSpec, icmp: &IcmpSpec, ip: IpVersion) -> Yaml {
    let version = if ip.wire_is_v6() { wire::IpVersion::V6 } else { wire::IpVersion::V4 };
    let number = |number: &Option<Num>| {
        number.as_ref().and_then(Num::known).and_then(|number| u8::try_from(number).ok())
    };
    let (kind, code) = (number(&icmp.kind).unwrap_or(0), number(&icmp.code).unwrap_or(0));
    let (kind, named) = names(kind, code, version);
    // A type that implies its code has it from its name.
    let implied = named.is_none() && kind == wire::icmp::Kind::PacketTooBig;
    let code = named.map_or_else(|| "code_0".to_owned(), |code| code.to_string());
    let bytes = match &icmp.quote {
        Quote::Packet(quote) => match &quote.transport {
            Transport::Bytes(bytes) => Some(bytes.len()),
            _ => None,
        },
        Quote::Last => icmp.quote_length.filter(|length| *length != header_len(ip) + 8),
    };
    let of_map = bytes.or_else(|| icmp.id.and(icmp.quote_length));
    if let Some(length) = of_map {
        let mut entries = vec![("type".to_owned(), Yaml::text(kind.to_string()))];
        entries.extend((!implied).then(|| ("code".to_owned(), Yaml::text(code))));
        let mtu = icmp.mtu.as_ref().map(ToString::to_string);
        let id = icmp.id.map(|id| id.to_string());
        for (name, number) in [("mtu", mtu), ("id", id)] {
            entries.extend(number.map(|number| (name.to_owned(), Yaml::Text(number))));
        }
        if let (Quote::Packet(_), Some(_)) = (&icmp.quote, bytes) {
            let zeros = format!("hex {}", "00".repeat(length));
            entries.push(("quote".to_owned(), Yaml::map([("bytes", Yaml::text(zeros.trim()))])));
        }
        entries.push(("quote_length".to_owned(), Yaml::text(length.to_string())));
        return Yaml::map([("icmp", Yaml::Map(entries))]);
    }
    let mut line = format!("{}icmp {kind}", in_front(&attributes(&spec.ip)));
    if !implied {
        line.push_str(&format!(" {code}"));
    }
    if let Some(mtu) = &icmp.mtu {
        line.push_str(&format!(" mtu {mtu}"));
    }
    if let Quote::Packet(quote) = &icmp.quote
        && let Transport::Tcp(tcp) = &quote.transport
    {
        line.push_str(&match (tcp.seq.known(), tcp.length.known()) {
            (Some(0), Some(0)) => String::new(),
            (Some(seq), Some(length)) => format!(" [{seq}:{}({length})]", (seq + length) & 0xffff_ffff),
            _ => format!(" [{}({})]", tcp.seq, tcp.length),
        });
    }
    Yaml::Text(line)
}

const fn header_len(ip: IpVersion) -> usize {
    if ip.wire_is_v6() { 40 } else { 20 }
}
