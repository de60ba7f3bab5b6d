//! IP headers and fragments of packets that are written as a map.

use crate::case::{FragmentSpec, IpSpec, Num, nearest};

use super::address::{self, Place};
use super::cursor::Cursor;
use super::lowerer::Lowerer;
use super::number::{Use, hex_digits};
use super::report::{Fault, Lowers, Parse, Phase};
use super::text::Text;
use super::tree::{Node, Value};

pub(super) const IP_KEYS: [&str; 17] = [
    "src",
    "dst",
    "ttl",
    "dscp",
    "ecn",
    "df",
    "mf",
    "id",
    "protocol",
    "version",
    "header_length",
    "total_length",
    "checksum",
    "offset",
    "options",
    "flow_label",
    "ext",
];

pub(super) const FRAGMENT_KEYS: [&str; 4] = ["offset", "length", "more", "ip"];

impl Lowerer<'_, '_> {
    pub(super) fn ip_map(&mut self, node: &Node, how: Use, ip: &mut IpSpec) -> Lowers<()> {
        let Value::Map(entries) = &node.value else {
            return Err(self.report.error(Phase::Keys, node.at, "ip takes a map"));
        };
        for (key, node) in self.written(entries, &IP_KEYS)? {
            let (field, bits): (&mut Option<Num>, u32) = match key.as_str() {
                "src" => {
                    ip.src = Some(self.link_address(&node)?);
                    continue;
                }
                "dst" => {
                    ip.dst = Some(self.link_address(&node)?);
                    continue;
                }
                "df" => {
                    ip.df = Some(self.truth_key(&node, "df")?);
                    continue;
                }
                "mf" => {
                    ip.mf = Some(self.truth_key(&node, "mf")?);
                    continue;
                }
                "checksum" => {
                    ip.checksum = Some(self.checksum(&node, how)?);
                    continue;
                }
                "options" => {
                    ip.options = Some(self.hex(&node)?);
                    continue;
                }
                "ext" => {
                    ip.ext = self.extensions(&node)?;
                    continue;
                }
                "ttl" => (&mut ip.ttl, 8),
                "dscp" => (&mut ip.dscp, 6),
                "ecn" => (&mut ip.ecn, 2),
                "id" => (&mut ip.id, 32),
                "protocol" => (&mut ip.protocol, 8),
                "version" => (&mut ip.version, 4),
                "header_length" => (&mut ip.header_length, 4),
                "total_length" => (&mut ip.total_length, 16),
                "offset" => (&mut ip.offset, 16),
                _ => (&mut ip.flow_label, 20),
            };
            *field = Some(self.number_key(&node, bits, how)?);
        }
        Ok(())
    }

    fn link_address(&mut self, node: &Node) -> Lowers<std::net::IpAddr> {
        let text = self.node_text(node, "an address")?;
        let ip = self.ip;
        self.parse(&text, |_| {
            let mut cursor = Cursor::new(&text);
            // A bare literal needs no quotes here, where nothing else can stand.
            if let Ok(address) = text.as_str().parse() {
                return Ok(address);
            }
            let (address, _) = address::address(&mut cursor, ip, Place::Link)?;
            cursor.finish()?;
            Ok(address.ip())
        })
    }

    /// IPv6 extension headers: `hop_by_hop hex ..`, or the same as a map of one key.
    fn extensions(&mut self, node: &Node) -> Lowers<Vec<(u8, Vec<u8>)>> {
        let Value::List(items) = &node.value else {
            return Err(self.report.error(Phase::Keys, node.at, "ext takes a list"));
        };
        let mut out = Vec::new();
        for item in items {
            let text = match &item.value {
                Value::Scalar(text) => self.replaced(text)?,
                Value::Map(entries) if entries.len() == 1 => {
                    let entry = &entries[0];
                    let value = self.node_text(&entry.node, &entry.key)?;
                    let value = self.replaced(&value)?;
                    let mut joined = Text::verbatim(&entry.key, entry.key_at);
                    joined.append(&Text::made(" ", entry.key_at), 0..1);
                    joined.append(&value, 0..value.as_str().len());
                    joined
                }
                Value::Map(_) | Value::List(_) => {
                    let text = "an extension header is hop_by_hop, routing or destination, and hex ..";
                    return Err(self.report.error(Phase::Keys, item.at, text));
                }
            };
            out.push(self.parse(&text, |_| extension(&text))?);
        }
        Ok(out)
    }

    pub(super) fn fragments(&mut self, node: &Node, how: Use) -> Lowers<Vec<FragmentSpec>> {
        let Value::List(items) = &node.value else {
            return Err(self.report.error(Phase::Keys, node.at, "fragments takes a list"));
        };
        let mut out = Vec::new();
        for item in items {
            let Value::Map(entries) = &item.value else {
                return Err(self.report.error(Phase::Keys, item.at, "a fragment is a map"));
            };
            let mut fragment = FragmentSpec { offset: 0, length: 0, more: false, ip: IpSpec::default() };
            let written = self.written(entries, &FRAGMENT_KEYS)?;
            for wanted in ["offset", "length"] {
                if !written.iter().any(|(key, _)| key == wanted) {
                    let text = format!("a fragment needs {wanted}");
                    return Err(self.report.error(Phase::Keys, item.at, text));
                }
            }
            for (key, node) in &written {
                match key.as_str() {
                    "offset" => fragment.offset = self.exact_key(node, 16)? as u16,
                    "length" => fragment.length = self.exact_key(node, 16)? as u16,
                    "more" => fragment.more = self.truth_key(node, "more")?,
                    _ => self.ip_map(node, how, &mut fragment.ip)?,
                }
            }
            out.push(fragment);
        }
        Ok(out)
    }
}

fn extension(text: &Text) -> Parse<(u8, Vec<u8>)> {
    const NAMES: [(&str, u8); 3] = [("hop_by_hop", 0), ("routing", 43), ("destination", 60)];
    let mut cursor = Cursor::new(text);
    let Some((word, range)) = cursor.word() else {
        return Err(cursor.unexpected("an extension header"));
    };
    let Some((_, number)) = NAMES.iter().find(|(name, _)| *name == word) else {
        let near = nearest(word, NAMES.map(|(name, _)| name));
        return Err(Fault::new(range, format!("unknown extension header \"{word}\""))
            .help("hop_by_hop, routing or destination")
            .help_opt(near.map(|near| format!("did you mean {near}?"))));
    };
    if !cursor.take_word("hex") {
        return Err(cursor.unexpected("\"hex\""));
    }
    let bytes = hex_digits(&mut cursor)?;
    cursor.finish()?;
    Ok((*number, bytes))
}
