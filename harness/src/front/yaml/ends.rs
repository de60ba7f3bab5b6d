//! Ports and addresses in what is expected: a segment belongs to its flow by them before it is compared.

use crate::case::{Alt, Expected, FlowId, Location, Num, PacketSpec, Term, Transport};

use super::lowerer::Lowerer;
use super::report::{Lowers, Phase};
use super::tree::{Node, Value};

impl Lowerer<'_, '_> {
    /// What is expected on a flow may name its ends, never others. The local end that a flow learns may be any.
    pub(super) fn ends_fit(&mut self, node: &Node, flow: FlowId, expected: &Expected) -> Lowers<()> {
        match expected {
            Expected::Nothing => Ok(()),
            Expected::Packet(packet) => self.packet_ends_fit(node, flow, packet),
            Expected::OneOf(several) => several.iter().try_for_each(|one| self.ends_fit(node, flow, one)),
        }
    }

    pub(super) fn packet_ends_fit(&mut self, node: &Node, flow: FlowId, packet: &PacketSpec) -> Lowers<()> {
        let (Transport::Tcp(tcp), Some(flow)) = (&packet.transport, self.flows.get(flow.0)) else {
            return Ok(());
        };
        let (local, remote) = (flow.local, flow.remote);
        let other_port = |written: Option<&Num>, port: u16| written.is_some_and(|num| !may_be(num, port));
        let found = [
            ("dport", other_port(tcp.dport.as_ref(), remote.port()), "remote", remote),
            ("dst", packet.ip.dst.is_some_and(|ip| ip != remote.ip()), "remote", remote),
        ];
        let local = local.map(|local| {
            [
                ("sport", other_port(tcp.sport.as_ref(), local.port()), "local", local),
                ("src", packet.ip.src.is_some_and(|ip| ip != local.ip()), "local", local),
            ]
        });
        let wrong = found.into_iter().chain(local.into_iter().flatten()).find(|(_, differs, ..)| *differs);
        let Some((word, _, side, end)) = wrong else { return Ok(()) };
        let text = format!("no segment of flow {} has this {word}: its {side} end is {end}", flow.name);
        let at = place_of(node, word).unwrap_or(node.at);
        Err(self.report.error_help(
            Phase::Names,
            at,
            text,
            "declare a flow with that end, and name it: flow: ...",
        ))
    }
}

/// Whether a number can be this port.
fn may_be(number: &Num, port: u16) -> bool {
    let port = i64::from(port);
    number.0.iter().any(|alt| match alt {
        Alt::Any | Alt::Is { term: Term::Computed(_), .. } => true,
        Alt::Is { term: Term::Known(known), .. } => *known == port,
        Alt::Between(low, high) => (*low..=*high).contains(&port),
    })
}

/// Where a word stands in a packet: in its line, or as a key of its map.
fn place_of(node: &Node, word: &str) -> Option<Location> {
    match &node.value {
        Value::Scalar(text) => {
            let start = text.as_str().find(word)?;
            Some(text.at(start..start + word.len()))
        }
        Value::List(items) => items.iter().find_map(|item| place_of(item, word)),
        Value::Map(entries) => entries.iter().find_map(|entry| {
            if entry.key == word { Some(entry.key_at) } else { place_of(&entry.node, word) }
        }),
    }
}
