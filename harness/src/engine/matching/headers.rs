//! IP headers, lengths and checksums: what is written against what stands in a packet.

use crate::case::{ChecksumSpec, IpSpec, Num, PacketSpec, Transport};
use crate::engine::eval::EvalError;
use crate::wire::{Body, Extension, Fault, Ip, IpVersion, Ipv4, Ipv6, Layer, Parsed, protocol};

use super::{Findings, Scale, options};

impl Findings<'_> {
    /// Checksums, lengths and reserved bits must be right unless the case says what they are.
    pub(super) fn form(
        &mut self,
        actual: &Parsed,
        spec: &PacketSpec,
        transport: ChecksumSpec,
    ) -> Result<(), EvalError> {
        for fault in &actual.faults {
            if !is_excused(fault, spec, transport) {
                self.note("form", "well-formed", fault.to_string());
            }
        }
        let is_bad = |wanted: fn(&Layer) -> bool| {
            let mut faults = actual.faults.iter();
            faults.any(|fault| matches!(fault, Fault::Checksum { layer, .. } if wanted(layer)))
        };
        let stated = &actual.stated;
        if let Some(checksum) = stated.checksum {
            let is_bad = is_bad(|layer| matches!(layer, Layer::Tcp | Layer::Icmp));
            self.checksum("checksum", transport, checksum, is_bad);
        }
        match (spec.ip.checksum, stated.ip_checksum) {
            (Some(written), Some(checksum)) => {
                self.checksum("IP checksum", written, checksum, is_bad(|layer| *layer == Layer::Ip));
            }
            (Some(_), None) => self.absent("IP checksum"),
            (None, _) => {}
        }
        let version = match actual.packet.ip.version() {
            IpVersion::V4 => 4,
            IpVersion::V6 => 6,
        };
        let ip = &spec.ip;
        self.maybe("version", ip.version.as_ref(), version, &Scale::Plain)?;
        self.if_there("header length", ip.header_length.as_ref(), stated.ip_header_length.map(u32::from))?;
        self.maybe(
            "total length",
            ip.total_length.as_ref(),
            u32::from(stated.ip_total_length),
            &Scale::Plain,
        )?;
        self.maybe(
            "protocol",
            ip.protocol.as_ref(),
            protocol_of(&actual.packet.body, &actual.packet.ip),
            &Scale::Plain,
        )?;
        if let Transport::Tcp(tcp) = &spec.transport {
            self.if_there("data offset", tcp.data_offset.as_ref(), stated.data_offset.map(u32::from))?;
        }
        Ok(())
    }

    fn checksum(&mut self, field: &str, spec: ChecksumSpec, stated: u16, is_bad: bool) {
        let stated_text = format!("0x{stated:04x}");
        match spec {
            // A bad one that should be good is a fault already.
            ChecksumSpec::Any | ChecksumSpec::Good => {}
            ChecksumSpec::Bad if is_bad => {}
            ChecksumSpec::Bad => self.note(field, "bad", format!("{stated_text}, which is good")),
            ChecksumSpec::Value(value) if value == stated => {}
            ChecksumSpec::Value(value) => self.note(field, format!("0x{value:04x}"), stated_text),
        }
    }

    /// A field that is written and that such a packet does not have.
    fn absent(&mut self, field: &str) {
        self.note(field, "as written", "no such field");
    }

    /// Compares a field that not every packet has.
    pub(super) fn if_there(
        &mut self,
        field: &str,
        expected: Option<&Num>,
        actual: Option<u32>,
    ) -> Result<(), EvalError> {
        match (expected, actual) {
            (None, _) => Ok(()),
            (Some(expected), Some(actual)) => self.number(field, expected, actual, &Scale::Plain),
            (Some(_), None) => {
                self.absent(field);
                Ok(())
            }
        }
    }

    pub(super) fn ip(&mut self, spec: &IpSpec, ip: &Ip) -> Result<(), EvalError> {
        self.maybe("ttl", spec.ttl.as_ref(), u32::from(ip.ttl()), &Scale::Plain)?;
        self.maybe("dscp", spec.dscp.as_ref(), u32::from(ip.dscp()), &Scale::Plain)?;
        self.maybe("ecn", spec.ecn.as_ref(), u32::from(ip.ecn()), &Scale::Plain)?;
        for (field, expected, actual) in [("src", spec.src, ip.src()), ("dst", spec.dst, ip.dst())] {
            if let Some(expected) = expected.filter(|expected| *expected != actual) {
                self.note(field, expected.to_string(), actual.to_string());
            }
        }
        match ip {
            Ip::V4(v4) => self.ipv4(spec, v4),
            Ip::V6(v6) => self.ipv6(spec, v6),
        }
    }

    fn ipv4(&mut self, spec: &IpSpec, ip: &Ipv4) -> Result<(), EvalError> {
        self.maybe("id", spec.id.as_ref(), u32::from(ip.id), &Scale::Plain)?;
        self.maybe("offset", spec.offset.as_ref(), u32::from(ip.offset), &Scale::Plain)?;
        for (field, expected, actual) in [("df", spec.df, ip.df), ("mf", spec.mf, ip.mf)] {
            if let Some(expected) = expected.filter(|expected| *expected != actual) {
                self.note(field, expected.to_string(), actual.to_string());
            }
        }
        if let Some(expected) = &spec.options {
            let mut expected = expected.clone();
            expected.resize(expected.len().next_multiple_of(4), 0);
            if expected != ip.options {
                self.note("IP options", format!("{expected:02x?}"), format!("{:02x?}", ip.options));
            }
        }
        if spec.flow_label.is_some() {
            self.absent("flowlabel");
        }
        if !spec.ext.is_empty() {
            self.absent("ext");
        }
        Ok(())
    }

    fn ipv6(&mut self, spec: &IpSpec, ip: &Ipv6) -> Result<(), EvalError> {
        self.maybe("flowlabel", spec.flow_label.as_ref(), ip.flow_label, &Scale::Plain)?;
        if !spec.ext.is_empty() {
            let found: Vec<(u8, &[u8])> = ip.ext.iter().filter_map(extension).collect();
            let same =
                spec.ext.iter().map(|(number, bytes)| (*number, bytes.as_slice())).eq(found.iter().copied());
            if !same {
                self.note("ext", format!("{:02x?}", spec.ext), format!("{found:02x?}"));
            }
        }
        for (field, is_written) in [
            ("id", spec.id.is_some()),
            ("offset", spec.offset.is_some()),
            ("df", spec.df.is_some()),
            ("mf", spec.mf.is_some()),
            ("IP options", spec.options.is_some()),
        ] {
            if is_written {
                self.absent(field);
            }
        }
        Ok(())
    }
}

/// An extension header as a case writes it.
fn extension(extension: &Extension) -> Option<(u8, &[u8])> {
    match extension {
        Extension::HopByHop(bytes) => Some((protocol::HOP_BY_HOP, bytes)),
        Extension::Routing(bytes) => Some((protocol::ROUTING, bytes)),
        Extension::Destination(bytes) => Some((protocol::DESTINATION, bytes)),
        Extension::Fragment { .. } => None,
    }
}

fn protocol_of(body: &Body, ip: &Ip) -> u32 {
    u32::from(match body {
        Body::Tcp(_) => protocol::TCP,
        Body::Icmp(_) => ip.version().icmp_protocol(),
        Body::Fragment { protocol, .. } | Body::Other { protocol, .. } => *protocol,
    })
}

/// Whether the case says what stands there instead.
fn is_excused(fault: &Fault, spec: &PacketSpec, transport: ChecksumSpec) -> bool {
    let ip = &spec.ip;
    let tcp = match &spec.transport {
        Transport::Tcp(tcp) => Some(tcp),
        Transport::Icmp(_) | Transport::Udp(_) | Transport::Bytes(_) => None,
    };
    match fault {
        Fault::Checksum { layer: Layer::Ip, .. } => {
            ip.checksum.is_some_and(|written| written != ChecksumSpec::Good)
        }
        Fault::Checksum { .. } => transport != ChecksumSpec::Good,
        Fault::ReservedBits { layer: Layer::Tcp } => tcp.is_some_and(|tcp| tcp.reserved.is_some()),
        Fault::DataOffset { .. } => tcp.is_some_and(|tcp| tcp.data_offset.is_some()),
        Fault::Option(_) => tcp.is_some_and(|tcp| options::are_bytes(&tcp.options)),
        Fault::HeaderLength { .. } => ip.header_length.is_some(),
        Fault::TotalLength { .. } | Fault::TrailingBytes { .. } => ip.total_length.is_some(),
        Fault::ReservedBits { .. } | Fault::TruncatedHeader { .. } => false,
    }
}
