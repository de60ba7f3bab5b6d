//! What two emitted packets have that differs. What a target draws by chance does not count: initial sequence numbers,
//! IP identification, flow labels, chosen ports, cookies. Timestamps count as clocks.

use crate::target::Timing;
use crate::time::Span;
use crate::wire::notation::{Bases, option_text, options_text, packet_text};
use crate::wire::{Body, Fault, Flags, Icmp, Ip, Parsed, Tcp, TcpOption, icmp};

use super::calls::byte;
use super::{Class, Difference};

/// A packet, and what its numbers count from.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) parsed: &'a Parsed,
    pub(super) bases: Bases,
    /// Its numbers mean something: it belongs to a flow.
    pub(super) is_numbered: bool,
    /// How long after the flow's first timestamp it was emitted.
    pub(super) age: Span,
    pub(super) timing: Timing,
}

/// Everything that differs.
pub(super) fn differences(a: Side<'_>, b: Side<'_>) -> Vec<Difference> {
    let mut list = Findings(Vec::new());
    match (&a.parsed.packet.body, &b.parsed.packet.body) {
        (Body::Tcp(one), Body::Tcp(other)) => list.tcp((a, one), (b, other)),
        (Body::Icmp(one), Body::Icmp(other)) => list.icmp((a, one), (b, other)),
        _ => {
            let text = |side: Side<'_>| packet_text(&side.parsed.packet, &side.bases);
            list.note("packet", text(a), text(b));
        }
    }
    list.ip(&a.parsed.packet.ip, &b.parsed.packet.ip);
    let faults = |side: Side<'_>| {
        let texts: Vec<&str> = side.parsed.faults.iter().map(fault).collect();
        if texts.is_empty() { "well-formed".to_owned() } else { texts.join(", ") }
    };
    list.note("form", faults(a), faults(b));
    list.0
}

struct Findings(Vec<Difference>);

impl Findings {
    fn note(&mut self, field: &str, a: String, b: String) {
        if a != b {
            self.0.push(Difference::new(Class::Field, field, a, b));
        }
    }

    fn number(&mut self, field: &str, a: impl Into<u64>, b: impl Into<u64>) {
        self.note(field, a.into().to_string(), b.into().to_string());
    }

    fn tcp(&mut self, (side_a, a): (Side<'_>, &Tcp), (side_b, b): (Side<'_>, &Tcp)) {
        let flags = |tcp: &Tcp| tcp.flags.without(Flags::PSH).to_string();
        self.note("flags", flags(a), flags(b));
        let seq = |side: Side<'_>, tcp: &Tcp| tcp.seq.wrapping_sub(side.bases.seq);
        // What belongs to no connection has the number of what it answers.
        let is_same_place = a.seq == b.seq || seq(side_a, a) == seq(side_b, b);
        if side_a.is_numbered && side_b.is_numbered {
            if !is_same_place {
                self.number("seq", seq(side_a, a), seq(side_b, b));
            }
            if a.flags.contains(Flags::ACK) && b.flags.contains(Flags::ACK) {
                let ack = |side: Side<'_>, tcp: &Tcp| tcp.ack.wrapping_sub(side.bases.ack);
                self.number("ack", ack(side_a, a), ack(side_b, b));
            }
        }
        self.number("length", a.payload.len() as u64, b.payload.len() as u64);
        if is_same_place && a.payload.len() == b.payload.len() {
            self.0.extend(byte(Class::Data, "payload byte", &a.payload, &b.payload));
        }
        self.number("win", a.win, b.win);
        let push = |tcp: &Tcp| tcp.flags.contains(Flags::PSH).to_string();
        self.note("push", push(a), push(b));
        self.number("urg", a.urg, b.urg);
        self.number("reserved", a.reserved, b.reserved);
        self.options((side_a, a), (side_b, b));
    }

    fn options(&mut self, (side_a, a): (Side<'_>, &Tcp), (side_b, b): (Side<'_>, &Tcp)) {
        let before = self.0.len();
        let (one, other) = (words(&a.options, &side_a.bases), words(&b.options, &side_b.bases));
        let mut names: Vec<&str> = one.iter().chain(&other).map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let all = |words: &[(String, String)], name: &str| {
            let texts: Vec<&str> =
                words.iter().filter(|(known, _)| known == name).map(|(_, text)| text.as_str()).collect();
            if texts.is_empty() { "none".to_owned() } else { texts.join(" ") }
        };
        for name in names {
            self.note(name, all(&one, name), all(&other, name));
        }
        if let (Some(a), Some(b)) = (a.timestamps(), b.timestamps()) {
            self.timestamps((side_a, a), (side_b, b));
        }
        let order = |options: &[TcpOption]| -> Vec<String> { options.iter().map(kind).collect() };
        if self.0.len() == before && order(&a.options) != order(&b.options) {
            let text = |options: &[TcpOption], bases: &Bases| options_text(options, bases);
            self.note("options", text(&a.options, &side_a.bases), text(&b.options, &side_b.bases));
        }
    }

    /// The echo is compared as it stands, the value by how far the clock has gone since the flow's first one.
    fn timestamps(
        &mut self,
        (a, (val_a, ecr_a)): (Side<'_>, (u32, u32)),
        (b, (val_b, ecr_b)): (Side<'_>, (u32, u32)),
    ) {
        self.note("TS", format!("ecr {ecr_a}"), format!("ecr {ecr_b}"));
        if !(a.is_numbered && b.is_numbered) {
            return;
        }
        let ahead = |side: Side<'_>, val: u32| {
            i64::from(val.wrapping_sub(side.bases.ts_val)) - 100 - side.age.0 / 1_000_000
        };
        // A tick of either clock, and what a real one is uncertain about.
        let allowed = 1 + (a.timing.early().0 + b.timing.early().0) / 1_000_000;
        let (ahead_a, ahead_b) = (ahead(a, val_a), ahead(b, val_b));
        if (ahead_a - ahead_b).abs() > allowed {
            let text = |side: Side<'_>, val: u32| {
                let ticks = i64::from(val.wrapping_sub(side.bases.ts_val)) - 100;
                format!("{ticks} ticks in {}", Span(side.age.0 / 1_000 * 1_000))
            };
            self.note("TS", text(a, val_a), text(b, val_b));
        }
    }

    fn icmp(&mut self, (side_a, a): (Side<'_>, &Icmp), (side_b, b): (Side<'_>, &Icmp)) {
        let kind = |side: Side<'_>, message: &Icmp| {
            icmp::text(message.kind, message.code, side.parsed.packet.ip.version())
        };
        self.note("icmp", kind(side_a, a), kind(side_b, b));
        let word =
            |number: Option<u32>| number.map_or_else(|| "none".to_owned(), |number| number.to_string());
        let version = |side: Side<'_>| side.parsed.packet.ip.version();
        self.note("mtu", word(a.mtu(version(side_a))), word(b.mtu(version(side_b))));
        self.note("icmp pointer", word(a.pointer(version(side_a))), word(b.pointer(version(side_b))));
        self.number("quote length", a.payload.len() as u64, b.payload.len() as u64);
        if self.0.is_empty() {
            let text = |side: Side<'_>| packet_text(&side.parsed.packet, &side.bases);
            self.note("quote", text(side_a), text(side_b));
        }
    }

    fn ip(&mut self, a: &Ip, b: &Ip) {
        self.number("ttl", a.ttl(), b.ttl());
        self.number("dscp", a.dscp(), b.dscp());
        self.number("ecn", a.ecn(), b.ecn());
        match (a, b) {
            (Ip::V4(a), Ip::V4(b)) => {
                self.note("df", a.df.to_string(), b.df.to_string());
                self.number("ip options", a.options.len() as u64, b.options.len() as u64);
            }
            (Ip::V6(a), Ip::V6(b)) => {
                self.number("ip extensions", a.ext.len() as u64, b.ext.len() as u64);
            }
            _ => self.note("ip", format!("{:?}", a.version()), format!("{:?}", b.version())),
        }
    }
}

/// Options by their names, with the text that is compared: none of fillings, and none of values that are compared
/// otherwise or drawn by chance.
fn words(options: &[TcpOption], bases: &Bases) -> Vec<(String, String)> {
    let filling = |option: &&TcpOption| !matches!(option, TcpOption::Nop | TcpOption::Eol);
    let word = |option: &TcpOption| {
        let text = match option {
            TcpOption::Ts { .. } => "there".to_owned(),
            TcpOption::FastOpen(cookie) | TcpOption::FastOpenExp(cookie) => format!("{} bytes", cookie.len()),
            other => option_text(other, bases),
        };
        (kind(option), text)
    };
    options.iter().filter(filling).map(word).collect()
}

/// The name of an option.
fn kind(option: &TcpOption) -> String {
    let text = option_text(option, &Bases::default());
    let mut words = text.split(' ');
    let first = words.next().unwrap_or_default();
    match first {
        "opt" => format!("opt {}", words.next().unwrap_or_default()),
        _ => first.to_owned(),
    }
}

/// A fault without its numbers: sums differ with the numbers that they are over.
fn fault(fault: &Fault) -> &'static str {
    match fault {
        Fault::Checksum { .. } => "wrong checksum",
        Fault::HeaderLength { .. } => "wrong header length",
        Fault::TotalLength { .. } => "wrong total length",
        Fault::TrailingBytes { .. } => "trailing bytes",
        Fault::ReservedBits { .. } => "reserved bits set",
        Fault::TruncatedHeader { .. } => "cut header",
        Fault::DataOffset { .. } => "wrong data offset",
        Fault::Option(_) => "malformed option",
    }
}
