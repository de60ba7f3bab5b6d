//! Packets of steps: one line, or a map whose keys replace what the line says.

use crate::case::{
    Capability, ChecksumSpec, Expected, IcmpSpec, Num, OptionSpec, OptionsSpec, PacketSpec, Quote, TcpSpec,
    Transport,
};
use crate::wire::Flags;

use super::cursor::Cursor;
use super::icmp;
use super::lowerer::Lowerer;
use super::number::{Bits, Use, exact, hex_digits, number};
use super::options;
use super::report::{Fault, Lowers, Parse, Phase, Reported};
use super::script;
use super::segment::{self, Context};
use super::shape::unknown_key;
use super::text::Text;
use super::tree::{Entry, Node, Value};

pub(super) const KEYS: [&str; 19] = [
    "segment",
    "flags",
    "length",
    "sport",
    "dport",
    "seq",
    "ack",
    "win",
    "urg",
    "reserved",
    "data_offset",
    "checksum",
    "options",
    "ip",
    "fragments",
    "truncate",
    "bytes",
    "icmp",
    "one_of",
];
pub(super) const ICMP_KEYS: [&str; 8] =
    ["type", "code", "mtu", "id", "ptr", "checksum", "quote", "quote_length"];

impl Lowerer<'_, '_> {
    fn context(&mut self, how: Use) -> Context<'_> {
        Context { how, ip: self.ip, is_script: self.is_script(), names: self }
    }

    /// What an `expect` accepts.
    pub(super) fn expected(&mut self, node: &Node) -> Lowers<Expected> {
        if let Value::Map(entries) = &node.value
            && let Some(entry) = entries.iter().find(|entry| entry.key == "one_of")
        {
            if entries.len() > 1 {
                let text = "one_of stands alone";
                return Err(self.report.error(Phase::Keys, entry.key_at, text));
            }
            let Value::List(items) = &entry.node.value else {
                let at = entry.node.at;
                return Err(self.report.error(Phase::Keys, at, "one_of takes a list of packets"));
            };
            if items.is_empty() {
                let at = entry.node.at;
                return Err(self.report.error(Phase::Keys, at, "one_of names no packet"));
            }
            let several: Lowers<Vec<Expected>> = items.iter().map(|item| self.expected(item)).collect();
            return several.map(Expected::OneOf);
        }
        if let Some(text) = node.text()
            && self.replaced(text)?.as_str() == "nothing"
        {
            return Ok(Expected::Nothing);
        }
        let packet = self.packet(node, Use::Expect)?;
        Ok(Expected::Packet(Box::new(packet)))
    }

    /// A packet as a line or a map.
    pub(super) fn packet(&mut self, node: &Node, how: Use) -> Lowers<PacketSpec> {
        let packet = match &node.value {
            Value::Scalar(text) => {
                let text = self.replaced(text)?;
                self.parse(&text, |this| segment::packet(&mut Cursor::new(&text), &mut this.context(how)))?
            }
            Value::Map(entries) => self.packet_map(node, entries, how)?,
            Value::List(_) => {
                return Err(self.report.error(Phase::Keys, node.at, "a packet is a line or a map"));
            }
        };
        self.needs_of(&packet, how);
        Ok(packet)
    }

    /// The entries of a map by key; those whose value is `auto` are left out.
    pub(super) fn written(&mut self, entries: &[Entry], known: &[&str]) -> Lowers<Vec<(String, Node)>> {
        let mut out = Vec::new();
        let mut failed = false;
        for entry in entries {
            if !known.contains(&entry.key.as_str()) {
                unknown_key(entry, known.iter().copied(), self.report);
                failed = true;
                continue;
            }
            let mut node = entry.node.clone();
            if let Value::Scalar(text) = &node.value {
                let text = self.replaced(text)?;
                if text.as_str() == "auto" {
                    continue;
                }
                node.value = Value::Scalar(text);
            }
            out.push((entry.key.clone(), node));
        }
        if failed { Err(Reported) } else { Ok(out) }
    }

    fn packet_map(&mut self, node: &Node, entries: &[Entry], how: Use) -> Lowers<PacketSpec> {
        let written = self.written(entries, &KEYS)?;
        let find = |key: &str| written.iter().find(|(known, _)| known == key).map(|(_, node)| node);
        if let Some(bytes) = find("bytes") {
            if written.len() > 1 {
                return Err(self.report.error(Phase::Keys, bytes.at, "bytes stands alone"));
            }
            let bytes = self.hex(bytes)?;
            return Ok(PacketSpec::plain(Transport::Bytes(bytes)));
        }
        let mut packet = match (find("segment"), find("icmp")) {
            (Some(segment), None) => self.map_segment(segment, &written, how)?,
            (None, Some(icmp)) => {
                let icmp = self.icmp_map(icmp, how)?;
                let mut packet = PacketSpec::plain(Transport::Icmp(icmp));
                if self.is_script() {
                    script::fill_in(&mut packet, how, self.ip);
                }
                packet
            }
            (Some(_), Some(icmp)) => {
                return Err(self.report.error(Phase::Keys, icmp.at, "segment and icmp exclude each other"));
            }
            (None, None) => {
                let text = "a packet needs segment, icmp or bytes";
                return Err(self.report.error(Phase::Keys, node.at, text));
            }
        };
        for (key, node) in &written {
            match key.as_str() {
                "fragments" | "truncate" if how == Use::Expect => {
                    let text = format!("{key} is for what is injected");
                    let help = "a packet that is not whole is expected as bytes: hex ..";
                    return Err(self.report.error_help(Phase::Keys, node.at, text, help));
                }
                "ip" => {
                    let mut ip = std::mem::take(&mut packet.ip);
                    self.ip_map(node, how, &mut ip)?;
                    packet.ip = ip;
                }
                "fragments" => packet.fragments = self.fragments(node, how)?,
                "truncate" => packet.truncate = Some(self.exact_key(node, 16)? as usize),
                _ => self.tcp_key(key, node, how, &mut packet)?,
            }
        }
        Ok(packet)
    }

    /// The line of a map, checked as far as other keys leave it as it is.
    fn map_segment(&mut self, node: &Node, written: &[(String, Node)], how: Use) -> Lowers<PacketSpec> {
        let text = node.text().ok_or(Reported).cloned();
        let Ok(text) = text else {
            return Err(self.report.error(Phase::Keys, node.at, "segment takes one line"));
        };
        let has = |key: &str| written.iter().any(|(known, _)| known == key);
        self.parse(&text, |this| {
            let mut cursor = Cursor::new(&text);
            let line = segment::line(&mut cursor, &mut this.context(how))?;
            cursor.finish()?;
            if !has("flags") && !has("ack") && !this.is_script() {
                segment::check_ack(&line)?;
            }
            if !has("options") && !has("data_offset") {
                segment::check_options(&line, how)?;
            }
            Ok(line.packet)
        })
    }

    fn tcp_key(&mut self, key: &str, node: &Node, how: Use, packet: &mut PacketSpec) -> Lowers<()> {
        if ["segment", "icmp"].contains(&key) {
            return Ok(());
        }
        let Transport::Tcp(tcp) = &mut packet.transport else {
            let text = format!("{key} belongs to a segment");
            return Err(self.report.error(Phase::Keys, node.at, text));
        };
        match key {
            "flags" => {
                let text = self.node_text(node, key)?;
                tcp.flags = self.parse(&text, |_| {
                    let mut cursor = Cursor::new(&text);
                    let (flags, _) = segment::flags(&mut cursor)?;
                    cursor.finish()?;
                    Ok(flags)
                })?;
            }
            "checksum" => tcp.checksum = self.checksum(node, how)?,
            "options" => tcp.options = self.map_options(node, how)?,
            _ => {
                let (field, bits): (&mut Option<Num>, u32) = match key {
                    "sport" => (&mut tcp.sport, 16),
                    "dport" => (&mut tcp.dport, 16),
                    "ack" => (&mut tcp.ack, 32),
                    "win" => (&mut tcp.win, 16),
                    "urg" => (&mut tcp.urg, 16),
                    "reserved" => (&mut tcp.reserved, 3),
                    "data_offset" => (&mut tcp.data_offset, 4),
                    _ => return self.range_key(key, node, how, tcp),
                };
                *field = Some(self.number_key(node, bits, how)?);
            }
        }
        Ok(())
    }

    fn range_key(&mut self, key: &str, node: &Node, how: Use, tcp: &mut TcpSpec) -> Lowers<()> {
        let number = self.number_key(node, 32, how)?;
        if key == "seq" {
            tcp.seq = number;
        } else {
            tcp.length = number;
        }
        Ok(())
    }

    /// The text of a value; its names are replaced already.
    pub(super) fn node_text(&mut self, node: &Node, key: &str) -> Lowers<Text> {
        match node.text() {
            Some(text) => Ok(text.clone()),
            None => Err(super::shape::wrong_type(node, key, "text", self.report)),
        }
    }

    pub(super) fn number_key(&mut self, node: &Node, bits: u32, how: Use) -> Lowers<Num> {
        let text = self.node_text(node, "a number")?;
        self.parse(&text, |this| {
            let mut cursor = Cursor::new(&text);
            let read = number(&mut cursor, how, Bits(bits), this)?;
            cursor.finish()?;
            Ok(read)
        })
    }

    pub(super) fn exact_key(&mut self, node: &Node, bits: u32) -> Lowers<i64> {
        let text = self.node_text(node, "a number")?;
        self.parse(&text, |_| {
            let mut cursor = Cursor::new(&text);
            let read = exact(&mut cursor, Bits(bits))?;
            cursor.finish()?;
            Ok(read)
        })
    }

    pub(super) fn hex(&mut self, node: &Node) -> Lowers<Vec<u8>> {
        let text = self.node_text(node, "hex")?;
        self.parse(&text, |_| {
            let mut cursor = Cursor::new(&text);
            if !cursor.take_word("hex") {
                return Err(cursor.unexpected("\"hex\""));
            }
            let bytes = hex_digits(&mut cursor)?;
            cursor.finish()?;
            Ok(bytes)
        })
    }

    pub(super) fn truth_key(&mut self, node: &Node, key: &str) -> Lowers<bool> {
        let text = self.node_text(node, key)?;
        match text.as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            other => {
                let fault = Fault::new(0..other.len(), format!("{key} is true or false"));
                Err(self.fault(&text, fault))
            }
        }
    }

    pub(super) fn checksum(&mut self, node: &Node, how: Use) -> Lowers<ChecksumSpec> {
        let text = self.node_text(node, "checksum")?;
        self.parse(&text, |_| match text.as_str() {
            "good" => Ok(ChecksumSpec::Good),
            "bad" => Ok(ChecksumSpec::Bad),
            "any" if how == Use::Expect => Ok(ChecksumSpec::Any),
            other => {
                let mut cursor = Cursor::new(&text);
                if !cursor.at_number() {
                    let fault = Fault::new(0..other.len(), "checksum is good, bad or a number");
                    return Err(fault.help("any, too, in what is expected"));
                }
                let value = exact(&mut cursor, Bits(16))?;
                cursor.finish()?;
                Ok(ChecksumSpec::Value(value as u16))
            }
        })
    }

    fn map_options(&mut self, node: &Node, how: Use) -> Lowers<OptionsSpec> {
        let text = self.node_text(node, "options")?;
        if text.as_str().starts_with("hex") {
            return self.hex(node).map(OptionsSpec::Raw);
        }
        self.parse(&text, |this| {
            let mut cursor = Cursor::new(&text);
            let read = options::options(&mut cursor, &mut this.context(how))?;
            cursor.finish()?;
            Ok(read)
        })
    }

    fn icmp_map(&mut self, node: &Node, how: Use) -> Lowers<IcmpSpec> {
        let Value::Map(entries) = &node.value else {
            return Err(self.report.error_help(
                Phase::Keys,
                node.at,
                "icmp takes a map here",
                "the one-line form is icmp unreachable port",
            ));
        };
        let mut icmp = IcmpSpec {
            kind: None,
            code: None,
            mtu: None,
            ptr: None,
            checksum: ChecksumSpec::Good,
            quote: Quote::Last,
            id: None,
            quote_length: None,
        };
        let written = self.written(entries, &ICMP_KEYS)?;
        for (key, node) in &written {
            match key.as_str() {
                "type" => {
                    let (kind, code) = self.icmp_number(node, how, icmp::kind)?;
                    icmp.kind = Some(kind);
                    icmp.code = icmp.code.or(code);
                }
                "code" => {
                    let named = |word: &str, range, context: &Context<'_>| {
                        icmp::code_number(word, range, context).map(|code| (code, None))
                    };
                    icmp.code = Some(self.icmp_number(node, how, named)?.0);
                }
                "mtu" => icmp.mtu = Some(self.number_key(node, 32, how)?),
                "id" => icmp.id = Some(self.exact_key(node, 16)? as u16),
                "ptr" => icmp.ptr = Some(self.number_key(node, 32, how)?),
                "checksum" => icmp.checksum = self.checksum(node, how)?,
                "quote" => icmp.quote = Quote::Packet(Box::new(self.packet(node, how)?)),
                _ => icmp.quote_length = Some(self.exact_key(node, 16)? as usize),
            }
        }
        Ok(icmp)
    }

    /// A type or code: its name or its number.
    fn icmp_number(
        &mut self,
        node: &Node,
        how: Use,
        named: impl FnOnce(&str, std::ops::Range<usize>, &Context<'_>) -> Parse<(i64, Option<i64>)>,
    ) -> Lowers<(Num, Option<Num>)> {
        let text = self.node_text(node, "type")?;
        if text.as_str().starts_with(|c: char| c.is_ascii_digit() || c == '$') || text.as_str() == "any" {
            return Ok((self.number_key(node, 8, how)?, None));
        }
        self.parse(&text, |this| {
            let range = 0..text.as_str().len();
            let (number, fixed) = named(text.as_str(), range, &this.context(how))?;
            Ok((Num::exactly(number), fixed.map(Num::exactly)))
        })
    }

    /// What a target must be able to do for this packet.
    fn needs_of(&mut self, packet: &PacketSpec, how: Use) {
        if self.is_script() {
            // Whatever a script's packets need, it is run.
            return;
        }
        if how == Use::Inject && is_raw(packet) {
            self.needs.insert(Capability::RawIp);
        }
        let Transport::Tcp(tcp) = &packet.transport else {
            return;
        };
        let (OptionsSpec::Exactly(items) | OptionsSpec::Including(items)) = &tcp.options else {
            return;
        };
        let syn = tcp.flags.contains(Flags::SYN);
        for item in items {
            let needed = match &item.option {
                OptionSpec::SackOk if how == Use::Expect => Capability::Sack,
                OptionSpec::Sack(_) if how == Use::Expect || !syn => Capability::Sack,
                OptionSpec::Timestamps { .. } if how == Use::Expect => Capability::Timestamps,
                OptionSpec::AccEcn { .. } if how == Use::Expect => Capability::Ecn,
                OptionSpec::FastOpen(_) | OptionSpec::FastOpenExp(_) if how == Use::Expect => {
                    Capability::Fastopen
                }
                OptionSpec::Md5(_) => Capability::Md5,
                _ => continue,
            };
            self.needs.insert(needed);
        }
    }
}

/// Whether the packet is one that only a layer below TCP can be asked to take.
fn is_raw(packet: &PacketSpec) -> bool {
    let ip = &packet.ip;
    matches!(packet.transport, Transport::Bytes(_))
        || !packet.fragments.is_empty()
        || ip.protocol.is_some()
        || ip.version.is_some()
        || ip.header_length.is_some()
        || ip.total_length.is_some()
        || ip.checksum.is_some()
        || ip.offset.is_some()
        || ip.options.is_some()
        || ip.mf.is_some()
        || !ip.ext.is_empty()
}
