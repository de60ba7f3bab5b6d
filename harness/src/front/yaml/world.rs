//! The world of a case: flows, settings, link, needs.

use std::net::SocketAddr;

use crate::case::{
    Action, Addresses, Capability, DEFAULT_PORT, Flow, Link, LinkSide, Offload, PacketdrillRules, Rules,
    SETTINGS, Setting, is_setting, nearest,
};
use crate::front::Diagnostic;

use super::address::{self, Place};
use super::cursor::Cursor;
use super::lowerer::Lowerer;
use super::number::{Bits, exact};
use super::report::{Fault, Lowers, Parse, Phase, Reported};
use super::shape::{Shape, is_name, not_a_name, unknown_key, wrong_type};
use super::text::Text;
use super::tree::{Entry, Node, Value};

/// How many flows a case may have.
const MOST_FLOWS: usize = 4096;

pub(super) const LINK_KEYS: [&str; 9] =
    ["mtu", "offload", "joined_from", "delay", "loss", "duplicate", "reorder", "drop", "to"];
pub(super) const FLOW_KEYS: [&str; 5] = ["remote", "local", "isn", "local_isn", "count"];
pub(super) const PACKETDRILL_KEYS: [&str; 7] =
    ["tolerance", "percent", "tick", "scaled_echo", "whole_segments", "lenient", "strict"];

impl Lowerer<'_, '_> {
    /// The declared flows, or the one there is by default.
    pub(super) fn declare_flows(&mut self, entries: &[Entry]) {
        if entries.is_empty() {
            let remote = SocketAddr::new(Addresses(self.ip).remote(1), DEFAULT_PORT);
            self.flows.push(Flow { name: "main".to_owned(), local: None, remote, isn: 0, local_isn: None });
        }
        for entry in entries {
            let _ = self.declare_flow(entry);
        }
    }

    fn declare_flow(&mut self, entry: &Entry) -> Lowers<()> {
        if !is_name(&entry.key, false) {
            return Err(not_a_name(entry.key_at, &entry.key, false, self.report));
        }
        let Value::Map(keys) = &entry.node.value else {
            return Err(wrong_type(&entry.node, "a flow", "a map", self.report));
        };
        let mut flow = Flow {
            name: entry.key.clone(),
            local: None,
            remote: SocketAddr::new(Addresses(self.ip).remote(1), DEFAULT_PORT),
            isn: 0,
            local_isn: None,
        };
        let mut count = None;
        for key in keys {
            if !FLOW_KEYS.contains(&key.key.as_str()) {
                unknown_key(key, FLOW_KEYS, self.report);
                return Err(Reported);
            }
            let text = self.entry_text(key)?;
            let ip = self.ip;
            let endpoint = |this: &mut Self| {
                this.parse(&text, |_| {
                    let mut cursor = Cursor::new(&text);
                    let (address, _) = address::address(&mut cursor, ip, Place::Link)?;
                    cursor.finish()?;
                    Ok(address)
                })
            };
            match key.key.as_str() {
                "remote" => flow.remote = endpoint(self)?,
                "local" => flow.local = Some(endpoint(self)?),
                "isn" => flow.isn = self.exact_text(&text, 32)? as u32,
                "local_isn" => {
                    flow.local_isn = Some(self.exact_text(&text, 32)? as u32);
                    self.needs.insert(Capability::LocalIsn);
                }
                _ => count = Some(self.exact_text(&text, 16)?),
            }
        }
        self.add_flows(flow, count, entry)
    }

    /// One flow, or `count` of them with ports that count up.
    fn add_flows(&mut self, flow: Flow, count: Option<i64>, entry: &Entry) -> Lowers<()> {
        let Some(count) = count else {
            self.add_flow(flow, entry);
            return Ok(());
        };
        let last = i64::from(flow.remote.port()) + count - 1;
        if count == 0 || self.flows.len() + count as usize > MOST_FLOWS || last > 65535 {
            let text = format!("{count} flows from port {} on", flow.remote.port());
            let help = format!("1 to {MOST_FLOWS}, up to port 65535");
            return Err(self.report.error_help(Phase::Names, entry.node.at, text, help));
        }
        for index in 0..count {
            let mut one = flow.clone();
            one.name = format!("{}{index}", flow.name);
            one.remote.set_port(flow.remote.port() + index as u16);
            self.add_flow(one, entry);
        }
        Ok(())
    }

    fn add_flow(&mut self, flow: Flow, entry: &Entry) {
        if let Some(first) = self.flows_at.insert(flow.name.clone(), entry.key_at) {
            let (line, _) = self.report.sources.line_column(first);
            let text = format!("name \"{}\" given twice (first in line {line})", flow.name);
            self.report.error(Phase::Names, entry.key_at, text);
        }
        let same = |known: &&Flow| known.remote == flow.remote && known.local == flow.local;
        // Without a local port written, the flow that is free is taken.
        if flow.local.is_some()
            && let Some(same) = self.flows.iter().find(same)
        {
            let text = format!("flows {} and {} have the same ends", same.name, flow.name);
            self.report.error(Phase::Names, entry.key_at, text);
        }
        self.flows.push(flow);
    }

    fn entry_text(&mut self, entry: &Entry) -> Lowers<Text> {
        match entry.node.text() {
            Some(text) => self.replaced(text),
            None => Err(wrong_type(&entry.node, &entry.key, "text", self.report)),
        }
    }

    fn exact_text(&mut self, text: &Text, bits: u32) -> Lowers<i64> {
        self.parse(text, |_| {
            let mut cursor = Cursor::new(text);
            let number = exact(&mut cursor, Bits(bits))?;
            cursor.finish()?;
            Ok(number)
        })
    }

    /// A map of settings.
    pub(super) fn settings(&mut self, node: &Node) -> Lowers<Vec<Setting>> {
        let Value::Map(entries) = &node.value else {
            return Err(wrong_type(node, "set", "a map", self.report));
        };
        let mut out = Vec::new();
        let mut failed = false;
        for entry in entries {
            // As in sysctl.conf: with a dash in front it may be missing.
            let optional = entry.key.strip_prefix('-');
            let name = optional.unwrap_or(entry.key.as_str());
            // Whatever a script sets: the target says what it lacks.
            if !is_setting(name) && !self.is_script() {
                let help = nearest(name, SETTINGS.iter().copied());
                let mut diagnostic = Diagnostic::error(entry.key_at, format!("unknown setting {name}"));
                diagnostic.help = help.map(|near| format!("did you mean {near}?"));
                self.report.add(Phase::Notation, diagnostic);
                failed = true;
                continue;
            }
            let text = self.entry_text(entry)?;
            out.push(Setting {
                name: name.to_owned(),
                value: text.as_str().split_whitespace().collect::<Vec<_>>().join(" "),
                optional: optional.is_some(),
            });
        }
        if failed { Err(Reported) } else { Ok(out) }
    }

    /// A `link` step: what it does not name stays.
    pub(super) fn link_change(&mut self, shape: &Shape) -> Lowers<Action> {
        if let Value::Map(entries) = &shape.value.value
            && let Some(entry) = entries.iter().find(|entry| entry.key == "offload")
        {
            let text = "offload cannot change while a case runs";
            let diagnostic = Diagnostic::error(entry.key_at, text)
                .with_help("give it in the link of the case, before the steps");
            return Err(self.report.add(Phase::Keys, diagnostic));
        }
        let mut link = self.link.clone();
        self.link_map(&shape.value, &mut link)?;
        self.link = link.clone();
        Ok(Action::Link(link))
    }

    /// The keys of `link`.
    pub(super) fn link_map(&mut self, node: &Node, link: &mut Link) -> Lowers<()> {
        let Value::Map(entries) = &node.value else {
            return Err(wrong_type(node, "link", "a map", self.report));
        };
        for entry in entries {
            if !LINK_KEYS.contains(&entry.key.as_str()) {
                unknown_key(entry, LINK_KEYS, self.report);
                return Err(Reported);
            }
            if entry.key == "drop" {
                link.drop = self.drops(&entry.node)?;
                continue;
            }
            let text = self.entry_text(entry)?;
            self.parse(&text, |_| link_key(&entry.key, &text, link))?;
        }
        Ok(())
    }

    fn drops(&mut self, node: &Node) -> Lowers<Vec<u64>> {
        let Value::List(items) = &node.value else {
            return Err(wrong_type(node, "drop", "a list of numbers", self.report));
        };
        let mut out = Vec::new();
        for item in items {
            let Some(text) = item.text() else {
                return Err(wrong_type(item, "drop", "numbers", self.report));
            };
            let text = self.replaced(text)?;
            let number = self.exact_text(&text, 32)?;
            if number == 0 {
                let fault = Fault::new(0..text.as_str().len(), "segments are counted from 1");
                return Err(self.fault(&text, fault));
            }
            out.push(number as u64);
        }
        Ok(out)
    }

    /// Capabilities that cannot be seen in the steps.
    pub(super) fn named_needs(&mut self, texts: &[Text]) {
        for written in texts {
            let Ok(text) = self.replaced(written) else {
                continue;
            };
            let name = text.as_str();
            if let Some(capability) = Capability::from_name(name) {
                self.needs.insert(capability);
                continue;
            }
            let names = Capability::ALL.map(Capability::name);
            let fault = Fault::new(0..name.len(), format!("unknown capability \"{name}\""))
                .help(format!("one of {}", names.join(", ")))
                .help_opt(nearest(name, names).map(|near| format!("did you mean {near}?")));
            self.fault(&text, fault.phase(Phase::Expansion));
        }
    }

    /// By whose rules the case is judged.
    pub(super) fn rules(&mut self, node: Option<&Node>) -> Lowers<Rules> {
        let Some(node) = node else {
            return Ok(Rules::Native);
        };
        let Value::Map(entries) = &node.value else {
            return Err(wrong_type(node, "packetdrill", "a map", self.report));
        };
        let mut rules = PacketdrillRules::default();
        for entry in entries {
            if !PACKETDRILL_KEYS.contains(&entry.key.as_str()) {
                unknown_key(entry, PACKETDRILL_KEYS, self.report);
                return Err(Reported);
            }
            let text = self.entry_text(entry)?;
            self.parse(&text, |_| rule(&entry.key, &text, &mut rules))?;
        }
        Ok(Rules::Packetdrill(rules))
    }
}

fn link_key(key: &str, text: &Text, link: &mut Link) -> Parse<()> {
    let mut cursor = Cursor::new(text);
    let whole = 0..text.as_str().len();
    match key {
        "mtu" => {
            let mtu = exact(&mut cursor, Bits(16))?;
            if mtu < 68 {
                return Err(Fault::new(whole, "an MTU is at least 68"));
            }
            link.mtu = mtu as u16;
        }
        "offload" | "to" => {
            let value = text.as_str();
            match (key, value) {
                ("offload", "none") => link.offload = Offload::None,
                ("offload", "tso") => link.offload = Offload::Tso,
                ("to", "local") => link.to = Some(LinkSide::Local),
                ("to", "remote") => link.to = Some(LinkSide::Remote),
                ("offload", _) => return Err(Fault::new(whole, "offload is none or tso")),
                _ => return Err(Fault::new(whole, "to is remote or local")),
            }
            return Ok(());
        }
        "delay" => link.delay = cursor.time()?.0,
        "joined_from" => link.joined_from = Some(exact(&mut cursor, Bits(16))? as u16),
        _ => {
            let ppm = parts(text, "%", 10_000)?;
            match key {
                "loss" => link.loss_ppm = ppm,
                "duplicate" => link.duplicate_ppm = ppm,
                _ => link.reorder_ppm = ppm,
            }
            return Ok(());
        }
    }
    cursor.finish()
}

/// One of packetdrill's rules.
fn rule(key: &str, text: &Text, rules: &mut PacketdrillRules) -> Parse<()> {
    let field = match key {
        "percent" => {
            rules.per_million = parts(text, "", 10_000)?;
            return Ok(());
        }
        "tolerance" | "tick" => {
            let mut cursor = Cursor::new(text);
            let (span, _) = cursor.time()?;
            cursor.finish()?;
            match key {
                "tick" => rules.tick = span,
                _ => rules.tolerance = span,
            }
            return Ok(());
        }
        "scaled_echo" => &mut rules.scaled_echo,
        "whole_segments" => &mut rules.whole_segments,
        "lenient" => &mut rules.lenient,
        _ => &mut rules.strict,
    };
    *field = match text.as_str() {
        "true" => true,
        "false" => false,
        other => return Err(Fault::new(0..other.len(), format!("{key} is true or false"))),
    };
    Ok(())
}

/// A decimal number up to 100, followed by `unit`, in parts of which one is `scale`.
fn parts(text: &Text, unit: &str, scale: u32) -> Parse<u32> {
    let whole = 0..text.as_str().len();
    let wrong = || {
        let example = format!("2{unit} or 12.5{unit}");
        Fault::new(whole.clone(), "a percentage up to 100 is needed").help(example)
    };
    let digits = text.as_str().strip_suffix(unit).ok_or_else(wrong)?;
    let (integer, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = integer.len() > 1 && integer.starts_with('0');
    if !is_number(integer) || !is_number(fraction) || fraction.len() > 4 || leading_zero {
        return Err(wrong());
    }
    let integer: u32 = integer.parse().map_err(|_| wrong())?;
    let mut value = integer.checked_mul(scale).ok_or_else(wrong)?;
    let mut digit_scale = scale;
    for digit in fraction.bytes() {
        digit_scale /= 10;
        value += u32::from(digit - b'0') * digit_scale;
    }
    if value > 100 * scale {
        return Err(wrong());
    }
    Ok(value)
}
