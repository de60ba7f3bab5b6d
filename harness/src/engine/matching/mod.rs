//! Whether an emitted packet is the one a case expects, and if not, in which fields.

mod bytes;
mod headers;
mod icmp;
mod options;

use std::net::SocketAddr;

use crate::case::{Alt, ChecksumSpec, Num, PacketSpec, Payload, TcpSpec, Term, Transport, UdpSpec};
use crate::target::Timing;
use crate::verdict::FieldDifference;
use crate::wire::notation::Bases;
use crate::wire::pattern::Direction;
use crate::wire::{Body, Flags, Parsed, Tcp, protocol};

use super::build::{payload, stream_offset, wrap};
use super::eval::{self, EvalError, Known};

pub(super) use bytes::first_difference;

/// What numbers are compared against.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) bases: Bases,
    pub(super) local: Option<SocketAddr>,
    pub(super) remote: SocketAddr,
    pub(super) known: &'a dyn Known,
    pub(super) timing: Timing,
}

/// Source port, destination port, length, checksum.
const UDP_HEADER: usize = 8;

/// Collects what differs.
struct Findings<'a> {
    view: &'a View<'a>,
    list: Vec<FieldDifference>,
}

/// Every compared field that differs; none: it is the expected packet.
pub(super) fn differences(
    spec: &PacketSpec,
    actual: &Parsed,
    bytes: &[u8],
    view: &View<'_>,
) -> Result<Vec<FieldDifference>, EvalError> {
    if !spec.fragments.is_empty() || spec.truncate.is_some() || !spec.ip.encapsulation.is_empty() {
        return Err(EvalError("only whole packets without others around them can be compared".to_owned()));
    }
    let mut findings = Findings { view, list: Vec::new() };
    if let Transport::Bytes(expected) = &spec.transport {
        if expected != bytes {
            findings.note(
                "bytes",
                format!("{} as written", expected.len()),
                format!("{} others", bytes.len()),
            );
        }
        return Ok(findings.list);
    }
    match (&spec.transport, &actual.packet.body) {
        (Transport::Tcp(expected), Body::Tcp(tcp)) => {
            findings.form(actual, spec, expected.checksum)?;
            findings.tcp(expected, tcp)?;
        }
        (Transport::Icmp(expected), Body::Icmp(icmp)) => {
            findings.form(actual, spec, expected.checksum)?;
            findings.icmp(expected, &spec.ip, &actual.packet.ip, icmp)?;
        }
        (Transport::Udp(expected), Body::Other { protocol: protocol::UDP, bytes }) => {
            findings.form(actual, spec, ChecksumSpec::Any)?;
            findings.udp(expected, bytes)?;
        }
        (expected, body) => findings.note("protocol", transport_name(expected), body_name(body)),
    }
    findings.ip(&spec.ip, &actual.packet.ip)?;
    Ok(findings.list)
}

fn transport_name(transport: &Transport) -> &'static str {
    match transport {
        Transport::Tcp(_) => "TCP",
        Transport::Icmp(_) => "ICMP",
        Transport::Udp(_) => "UDP",
        Transport::Bytes(_) => "bytes",
    }
}

fn body_name(body: &Body) -> String {
    match body {
        Body::Tcp(_) => "TCP".to_owned(),
        Body::Icmp(_) => "ICMP".to_owned(),
        Body::Fragment { .. } => "a fragment".to_owned(),
        Body::Other { protocol, .. } => format!("protocol {protocol}"),
    }
}

/// How a number on the wire relates to what is written.
enum Scale {
    /// As it stands.
    Plain,
    /// Modulo 2^32, from this base unless written with `!`.
    Circle(u32),
}

impl Findings<'_> {
    fn note(&mut self, field: impl Into<String>, expected: impl Into<String>, actual: impl Into<String>) {
        self.list.push(FieldDifference::new(field, expected, actual));
    }

    fn term(&self, term: &Term) -> Result<i64, EvalError> {
        match term {
            Term::Known(number) => Ok(*number),
            Term::Computed(expr) => eval::int(expr, self.view.known),
        }
    }

    fn number(&mut self, field: &str, expected: &Num, actual: u32, scale: &Scale) -> Result<(), EvalError> {
        let base = match scale {
            Scale::Plain => 0,
            Scale::Circle(base) => *base,
        };
        let relative = actual.wrapping_sub(base);
        for alt in &expected.0 {
            let fits = match alt {
                Alt::Any => true,
                Alt::Between(low, high) => (*low..=*high).contains(&i64::from(relative)),
                Alt::Is { term, absolute } => {
                    let number = self.term(term)?;
                    match scale {
                        Scale::Plain => number == i64::from(actual),
                        Scale::Circle(_) => wrap(number) == if *absolute { actual } else { relative },
                    }
                }
            };
            if fits {
                return Ok(());
            }
        }
        self.note(field, expected.to_string(), relative.to_string());
        Ok(())
    }

    fn maybe(
        &mut self,
        field: &str,
        expected: Option<&Num>,
        actual: u32,
        scale: &Scale,
    ) -> Result<(), EvalError> {
        expected.map_or(Ok(()), |expected| self.number(field, expected, actual, scale))
    }

    fn tcp(&mut self, spec: &TcpSpec, tcp: &Tcp) -> Result<(), EvalError> {
        let bases = self.view.bases;
        let (wanted, got) = (spec.flags.without(Flags::PSH), tcp.flags.without(Flags::PSH));
        if wanted != got {
            self.note("flags", wanted.to_string(), got.to_string());
        }
        let pushed = tcp.flags.contains(Flags::PSH);
        if let Some(push) = spec.push.filter(|push| *push != pushed) {
            self.note("push", push.to_string(), pushed.to_string());
        }
        self.number("seq", &spec.seq, tcp.seq, &Scale::Circle(bases.seq))?;
        if got.contains(Flags::ACK) || !wanted.contains(Flags::ACK) {
            self.maybe("ack", spec.ack.as_ref(), tcp.ack, &Scale::Circle(bases.ack))?;
        }
        let before = self.list.len();
        self.number(
            "length",
            &spec.length,
            u32::try_from(tcp.payload.len()).unwrap_or(u32::MAX),
            &Scale::Plain,
        )?;
        if self.list.len() == before {
            self.payload(&spec.payload, tcp);
        }
        self.maybe("win", spec.win.as_ref(), u32::from(tcp.win), &Scale::Plain)?;
        self.maybe("urg", spec.urg.as_ref(), u32::from(tcp.urg), &Scale::Plain)?;
        self.maybe("sport", spec.sport.as_ref(), u32::from(tcp.sport), &Scale::Plain)?;
        self.maybe("dport", spec.dport.as_ref(), u32::from(tcp.dport), &Scale::Plain)?;
        self.maybe("reserved", spec.reserved.as_ref(), u32::from(tcp.reserved), &Scale::Plain)?;
        let ends = (self.view.local.map(|end| end.port()), self.view.remote.port());
        if spec.sport.is_none() && ends.0.is_some_and(|port| port != tcp.sport) {
            self.note("sport", ends.0.unwrap_or(0).to_string(), tcp.sport.to_string());
        }
        if spec.dport.is_none() && ends.1 != tcp.dport {
            self.note("dport", ends.1.to_string(), tcp.dport.to_string());
        }
        self.options(&spec.options, &tcp.options)
    }

    /// A datagram's length; its bytes are zeros.
    fn udp(&mut self, spec: &UdpSpec, bytes: &[u8]) -> Result<(), EvalError> {
        let data = bytes.get(UDP_HEADER..).unwrap_or_default();
        let before = self.list.len();
        self.number("length", &spec.length, u32::try_from(data.len()).unwrap_or(u32::MAX), &Scale::Plain)?;
        if self.list.len() == before {
            self.list.extend(first_difference(&vec![0; data.len()], data, Direction::ToPeer, 0));
        }
        Ok(())
    }

    fn payload(&mut self, spec: &Payload, tcp: &Tcp) {
        if *spec == Payload::Any {
            return;
        }
        let offset = stream_offset(tcp.seq.wrapping_sub(self.view.bases.seq), tcp.flags);
        let expected = payload(spec, Direction::ToPeer, offset, tcp.payload.len());
        self.list.extend(first_difference(&expected, &tcp.payload, Direction::ToPeer, offset));
    }
}
