//! ICMP messages, and the segments that they quote.

use std::net::IpAddr;

use crate::case::{ChecksumSpec, IcmpSpec, IpSpec, PacketSpec, Quote, TcpSpec, Transport};
use crate::engine::eval::EvalError;
use crate::wire::{Flags, Icmp, Ip, icmp};

use super::{Findings, Scale, View};

impl Findings<'_> {
    pub(super) fn icmp(
        &mut self,
        spec: &IcmpSpec,
        headers: &IpSpec,
        ip: &Ip,
        icmp: &Icmp,
    ) -> Result<(), EvalError> {
        self.maybe("type", spec.kind.as_ref(), u32::from(icmp.kind), &Scale::Plain)?;
        self.maybe("code", spec.code.as_ref(), u32::from(icmp.code), &Scale::Plain)?;
        self.if_there("mtu", spec.mtu.as_ref(), icmp.mtu(ip.version()))?;
        self.if_there("ptr", spec.ptr.as_ref(), icmp.pointer(ip.version()))?;
        let ends: [(&str, Option<IpAddr>, Option<IpAddr>, IpAddr); 2] = [
            ("src", headers.src, self.view.local.map(|end| end.ip()), ip.src()),
            ("dst", headers.dst, Some(self.view.remote.ip()), ip.dst()),
        ];
        for (field, written, of_flow, actual) in ends {
            if let (None, Some(expected)) = (written, of_flow.filter(|expected| *expected != actual)) {
                self.note(field, expected.to_string(), actual.to_string());
            }
        }
        if let Some(length) = spec.quote_length.filter(|length| *length != icmp.payload.len()) {
            self.note("quote length", length.to_string(), icmp.payload.len().to_string());
        }
        match &spec.quote {
            Quote::Last => Ok(()),
            Quote::Packet(packet) => self.quote(packet, icmp),
        }
    }

    /// What is quoted is the peer's, and of its segment only the beginning may be there.
    fn quote(&mut self, spec: &PacketSpec, icmp: &Icmp) -> Result<(), EvalError> {
        let Some(tcp) = comparable(spec) else {
            let why = "of a quote only flags, range, ack, win, urg and options can be compared";
            return Err(EvalError(why.to_owned()));
        };
        let bases = self.view.bases.reversed();
        let quote = icmp::quoted(icmp);
        let Some((quote, seq)) = quote.and_then(|quote| Some((quote.clone(), quote.seq?))) else {
            self.note("quote", "a segment", format!("{} bytes that show none", icmp.payload.len()));
            return Ok(());
        };
        let view = View { bases, ..*self.view };
        let mut findings = Findings { view: &view, list: Vec::new() };
        findings.number("seq", &tcp.seq, seq, &Scale::Circle(bases.seq))?;
        if let Some(length) = quote.payload_len {
            let length = u32::try_from(length).unwrap_or(u32::MAX);
            findings.number("length", &tcp.length, length, &Scale::Plain)?;
        }
        if let Some(quoted) = &quote.tcp {
            let (wanted, got) = (tcp.flags.without(Flags::PSH), quoted.flags.without(Flags::PSH));
            // A range alone says nothing of flags.
            let is_range = wanted == Flags::ACK && tcp.ack.is_none();
            if wanted != got && !is_range {
                findings.note("flags", wanted.to_string(), got.to_string());
            }
            findings.maybe("ack", tcp.ack.as_ref(), quoted.ack, &Scale::Circle(bases.ack))?;
            findings.maybe("win", tcp.win.as_ref(), u32::from(quoted.win), &Scale::Plain)?;
            findings.maybe("urg", tcp.urg.as_ref(), u32::from(quoted.urg), &Scale::Plain)?;
            findings.options(&tcp.options, &quoted.options)?;
        }
        for mut difference in findings.list {
            difference.field = format!("quoted {}", difference.field);
            self.list.push(difference);
        }
        Ok(())
    }
}

/// The quoted segment, if nothing is said of it that is not compared.
fn comparable(spec: &PacketSpec) -> Option<&TcpSpec> {
    let Transport::Tcp(tcp) = &spec.transport else { return None };
    let others = [&tcp.sport, &tcp.dport, &tcp.reserved, &tcp.data_offset];
    let is_plain = spec.ip == IpSpec::default()
        && spec.fragments.is_empty()
        && spec.truncate.is_none()
        && tcp.checksum == ChecksumSpec::Good
        && others.iter().all(|field| field.is_none());
    is_plain.then_some(tcp)
}
