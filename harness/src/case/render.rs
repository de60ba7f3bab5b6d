//! Packets and expressions of a case, written in the language's notation again.

use std::fmt;

use super::{
    Alt, BinaryOp, CompareOp, Expr, IcmpSpec, Num, OptionItem, OptionSpec, OptionsSpec, PacketSpec, Place,
    Quote, TcpSpec, Term, Transport,
};
use crate::wire::Flags;

/// A packet in one line. What the line cannot say (corruptions of the map form) is left out.
#[must_use]
pub fn render_packet(packet: &PacketSpec) -> String {
    let body = match &packet.transport {
        Transport::Tcp(tcp) => render_tcp(tcp),
        Transport::Icmp(icmp) => render_icmp(icmp),
        Transport::Udp(udp) => format!("udp ({})", udp.length),
        Transport::Bytes(bytes) => format!("{} bytes as written", bytes.len()),
    };
    let ip = &packet.ip;
    let mut attributes: Vec<String> = Vec::new();
    match ip.ecn.as_ref().and_then(Num::known) {
        Some(0) => attributes.push("noecn".to_owned()),
        Some(1) => attributes.push("ect1".to_owned()),
        Some(2) => attributes.push("ect0".to_owned()),
        Some(3) => attributes.push("ce".to_owned()),
        _ => {}
    }
    match ip.df {
        Some(true) => attributes.push("df".to_owned()),
        Some(false) => attributes.push("nodf".to_owned()),
        None => {}
    }
    for (name, number) in
        [("ttl", &ip.ttl), ("dscp", &ip.dscp), ("id", &ip.id), ("flowlabel", &ip.flow_label)]
    {
        if let Some(number) = number {
            attributes.push(format!("{name} {number}"));
        }
    }
    if let Transport::Tcp(tcp) = &packet.transport {
        for (name, number) in [("sport", &tcp.sport), ("dport", &tcp.dport)] {
            attributes.extend(number.as_ref().map(|number| format!("{name} {number}")));
        }
    }
    if attributes.is_empty() { body } else { format!("({}) {body}", attributes.join(", ")) }
}

fn render_tcp(tcp: &TcpSpec) -> String {
    let mut text = flag_letters(tcp.flags, tcp.reserved.as_ref());
    text.push(' ');
    match (single_term(&tcp.seq), tcp.length.known()) {
        (Some((Some(seq), false)), Some(length)) => {
            text.push_str(&format!("{seq}:{}({length})", seq.wrapping_add(length) & 0xffff_ffff));
        }
        _ => text.push_str(&format!("{}({})", tcp.seq, tcp.length)),
    }
    for (name, number) in [("ack", &tcp.ack), ("win", &tcp.win), ("urg", &tcp.urg)] {
        if let Some(number) = number {
            text.push_str(&format!(" {name} {number}"));
        }
    }
    if let Some(options) = render_options(&tcp.options) {
        text.push(' ');
        text.push_str(&options);
    }
    text
}

fn single_term(number: &Num) -> Option<(Option<i64>, bool)> {
    match number.0.as_slice() {
        [Alt::Is { term: Term::Known(known), absolute }] => Some((Some(*known), *absolute)),
        _ => None,
    }
}

fn flag_letters(flags: Flags, reserved: Option<&Num>) -> String {
    let mut text: String =
        Flags::LETTERS.iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, letter)| *letter).collect();
    if text.is_empty() {
        text.push_str("none");
    }
    if let Some(reserved) = reserved {
        text.push_str(&format!(" reserved {reserved}"));
    }
    text
}

/// Options as `<..>`; nothing if they are not written.
#[must_use]
pub fn render_options(options: &OptionsSpec) -> Option<String> {
    match options {
        OptionsSpec::Unwritten => None,
        OptionsSpec::Exactly(items) => Some(format!("<{}>", join_options(items))),
        OptionsSpec::Including(items) if items.is_empty() => Some("<...>".to_owned()),
        OptionsSpec::Including(items) => Some(format!("<{},...>", join_options(items))),
        OptionsSpec::Raw(bytes) => Some(format!("<hex {}>", hex(bytes))),
    }
}

fn join_options(items: &[OptionItem]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A blank and the bytes; nothing if there are none.
fn spaced_hex(bytes: &[u8]) -> String {
    if bytes.is_empty() { String::new() } else { format!(" {}", hex(bytes)) }
}

fn render_icmp(icmp: &IcmpSpec) -> String {
    let mut text = "icmp".to_owned();
    for (prefix, number) in
        [("type_", &icmp.kind), ("code_", &icmp.code), ("mtu ", &icmp.mtu), ("ptr ", &icmp.ptr)]
    {
        if let Some(number) = number {
            text.push_str(&format!(" {prefix}{number}"));
        }
    }
    match &icmp.quote {
        Quote::Last => {}
        Quote::Packet(packet) => text.push_str(&format!(" [{}]", render_packet(packet))),
    }
    text
}

impl fmt::Display for OptionItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.option {
            OptionSpec::Nop => f.write_str("nop")?,
            OptionSpec::Eol => f.write_str("eol")?,
            OptionSpec::Mss(mss) => write!(f, "mss {mss}")?,
            OptionSpec::Wscale(shift) => write!(f, "wscale {shift}")?,
            OptionSpec::SackOk => f.write_str("sackOK")?,
            OptionSpec::Sack(blocks) => {
                f.write_str("sack")?;
                for (left, right) in blocks {
                    write!(f, " {left}:{right}")?;
                }
            }
            OptionSpec::Timestamps { val, ecr } => write!(f, "TS val {val} ecr {ecr}")?,
            OptionSpec::FastOpen(cookie) => write!(f, "FO{}", spaced_hex(cookie))?,
            OptionSpec::FastOpenExp(cookie) => write!(f, "FOEXP{}", spaced_hex(cookie))?,
            OptionSpec::Md5(digest) => write!(f, "md5 {}", hex(digest))?,
            OptionSpec::AccEcn { order, counters } => {
                f.write_str("ECN")?;
                for (name, counter) in order.names().into_iter().zip(counters) {
                    write!(f, " {name} {counter}")?;
                }
            }
            OptionSpec::Other { kind, data } => write!(f, "opt {kind}{}", spaced_hex(data))?,
            OptionSpec::Raw(bytes) => write!(f, "hex {}", hex(bytes))?,
        }
        match self.length {
            Some(length) => write!(f, " len {length}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Num {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, alt) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" or ")?;
            }
            match alt {
                Alt::Any => f.write_str("any")?,
                Alt::Between(low, high) => write!(f, "{low}..{high}")?,
                Alt::Is { term, absolute } => {
                    match term {
                        Term::Known(number) => write!(f, "{number}")?,
                        Term::Computed(expr) => write!(f, "$({expr})")?,
                    }
                    if *absolute {
                        f.write_str("!")?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for BinaryOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Rem => "%",
            Self::Shl => "<<",
            Self::Shr => ">>",
            Self::BitAnd => "&",
            Self::BitOr => "|",
        })
    }
}

impl fmt::Display for CompareOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Captured { name, path, .. } => {
                f.write_str(name)?;
                path.iter().try_for_each(|field| write!(f, ".{field}"))
            }
            Self::Descriptor { name, field, .. } | Self::Flow { name, field, .. } => {
                write!(f, "{name}.{field}")
            }
            Self::Counter(name) => write!(f, "counter.{name}"),
            Self::Command { text, .. } => {
                write!(f, "the status of `{}`", text.split_whitespace().collect::<Vec<_>>().join(" "))
            }
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, terms: &[Expr], word: &str| {
            let texts: Vec<String> = terms.iter().map(ToString::to_string).collect();
            write!(f, "({})", texts.join(word))
        };
        match self {
            Self::Int(number) => write!(f, "{number}"),
            Self::Time(span) => write!(f, "{span}"),
            Self::Symbol(name) => f.write_str(name),
            Self::Place(place) => write!(f, "{place}"),
            Self::Binary(op, left, right) => write!(f, "({left} {op} {right})"),
            Self::Compare(first, rest) => {
                write!(f, "{first}")?;
                rest.iter().try_for_each(|(op, term)| write!(f, " {op} {term}"))
            }
            Self::And(terms) => joined(f, terms, " and "),
            Self::Or(terms) => joined(f, terms, " or "),
            Self::Not(inner) => write!(f, "not {inner}"),
            Self::Negative(inner) => write!(f, "-{inner}"),
            Self::Min(left, right) => write!(f, "min({left}, {right})"),
            Self::Max(left, right) => write!(f, "max({left}, {right})"),
        }
    }
}
