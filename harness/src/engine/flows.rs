//! Flows: which packets belong to which pair of endpoints, what their numbers count from, what is unclaimed.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use crate::case::{Addresses, Case, DEFAULT_PORT, FlowId};
use crate::time::Timestamp;
use crate::wire::notation::Bases;
use crate::wire::{Body, Endpoints, Flags, Packet, Parsed, icmp};

use super::peer::Peer;

/// The relative value of the first timestamp that the target emits on a flow, so that 0 stays "none".
const FIRST_TIMESTAMP: u32 = 100;

/// A packet that left the target.
#[derive(Clone, Debug)]
pub(super) struct Emitted {
    pub(super) at: Timestamp,
    pub(super) parsed: Parsed,
    pub(super) bytes: Vec<u8>,
    /// Its place in the log.
    pub(super) event: usize,
}

/// One flow while the case runs.
#[derive(Clone, Debug)]
pub(super) struct FlowState {
    pub(super) name: String,
    pub(super) local: Option<SocketAddr>,
    pub(super) remote: SocketAddr,
    pub(super) peer_isn: u32,
    /// Of the first SYN the target emitted.
    pub(super) target_isn: Option<u32>,
    first_timestamp: Option<u32>,
    /// Not yet claimed, in order.
    pub(super) queue: VecDeque<Emitted>,
    /// The last segment the target emitted; what an ICMP error quotes.
    pub(super) last: Option<Vec<u8>>,
    pub(super) peer: Peer,
}

/// Where an emitted packet belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Belongs {
    To(FlowId),
    /// Neighbour discovery, multicast reports: captured, not judged.
    Ignored,
    Nowhere,
}

impl FlowState {
    /// What the numbers of packets from the target count from.
    pub(super) fn bases(&self) -> Bases {
        Bases {
            seq: self.target_isn.unwrap_or(0),
            ack: self.peer_isn,
            sack: self.peer_isn,
            ts_val: self.first_timestamp.map_or(0, |first| first.wrapping_sub(FIRST_TIMESTAMP)),
            ts_ecr: 0,
        }
    }

    /// A packet to the target is about to be built: a flow without a local end gets the default port.
    pub(super) fn settle_local(&mut self, addresses: Addresses) -> SocketAddr {
        *self.local.get_or_insert_with(|| SocketAddr::new(addresses.local(1), DEFAULT_PORT))
    }

    /// The peer starts a new connection on the same ports.
    pub(super) fn renumber(&mut self, peer_isn: u32) {
        self.peer_isn = peer_isn;
        self.target_isn = None;
    }

    /// The next SYN of the target is the first of a new connection: numbers count from it.
    pub(super) fn relearn(&mut self) {
        let new = self
            .queue
            .iter()
            .filter_map(|emitted| emitted.parsed.packet.tcp())
            .find(|tcp| tcp.flags.contains(Flags::SYN));
        self.target_isn = new.map(|tcp| tcp.seq);
    }

    /// The case sent a packet as the peer.
    pub(super) fn injected(&mut self, at: Timestamp, parsed: &Parsed) {
        let is_ours = parsed.packet.endpoints().is_some_and(|ends| self.takes(ends.reversed()));
        if let Some(tcp) = parsed.packet.tcp().filter(|_| is_ours && parsed.faults.is_empty()) {
            self.peer.sends(at, tcp);
        }
    }

    fn learn(&mut self, packet: &Packet, ends: Option<Endpoints>) {
        let Some(tcp) = packet.tcp() else { return };
        if let Some(ends) = ends {
            self.local.get_or_insert(ends.src);
        }
        if tcp.flags.contains(Flags::SYN) {
            self.target_isn.get_or_insert(tcp.seq);
        }
        if let Some((value, _)) = tcp.timestamps() {
            self.first_timestamp.get_or_insert(value);
        }
    }

    pub(super) fn takes(&self, ends: Endpoints) -> bool {
        self.local == Some(ends.src) && self.remote == ends.dst
    }

    fn could_start(&self, ends: Endpoints, packet: &Packet) -> bool {
        let is_syn = packet.tcp().is_some_and(|tcp| tcp.flags.contains(Flags::SYN));
        self.local.is_none() && self.remote == ends.dst && is_syn
    }
}

/// All flows of a case.
#[derive(Clone, Debug)]
pub(super) struct Flows(pub(super) Vec<FlowState>);

impl Flows {
    pub(super) fn new(case: &Case) -> Self {
        Self(
            case.flows
                .iter()
                .map(|flow| FlowState {
                    name: flow.name.clone(),
                    local: flow.local,
                    remote: flow.remote,
                    peer_isn: flow.isn,
                    target_isn: None,
                    first_timestamp: None,
                    queue: VecDeque::new(),
                    last: None,
                    peer: Peer::default(),
                })
                .collect(),
        )
    }

    /// Finds the flow of an emitted packet and lets it learn ports and numbers.
    pub(super) fn place(&mut self, packet: &Packet) -> Belongs {
        if is_background(packet) {
            return Belongs::Ignored;
        }
        let ends = packet.endpoints().or_else(|| quoted_endpoints(packet));
        let found = match ends {
            Some(ends) => self
                .0
                .iter()
                .position(|flow| flow.takes(ends))
                .or_else(|| self.0.iter().position(|flow| flow.could_start(ends, packet))),
            None => self.by_addresses(packet.ip.src(), packet.ip.dst()),
        };
        let Some(index) = found else { return Belongs::Nowhere };
        if let Some(flow) = self.0.get_mut(index) {
            flow.learn(packet, ends);
        }
        Belongs::To(FlowId(index))
    }

    /// Fragments, echo replies and other packets without ports go to the only flow between their addresses.
    fn by_addresses(&self, src: IpAddr, dst: IpAddr) -> Option<usize> {
        let mut fitting =
            self.0.iter().enumerate().filter(|(_, flow)| {
                flow.remote.ip() == dst && flow.local.is_none_or(|local| local.ip() == src)
            });
        let (index, _) = fitting.next()?;
        fitting.next().is_none().then_some(index)
    }

    /// The flow that a packet of no flow nearly fits, and what is different; or else which flows there are.
    pub(super) fn nearly(&self, packet: &Packet) -> Option<String> {
        let ends = packet.endpoints()?;
        let known = || {
            let flows = self.0.iter().map(|flow| match flow.local {
                Some(local) => format!("{} is {local} > {}", flow.name, flow.remote),
                None => format!("{} goes to {}", flow.name, flow.remote),
            });
            format!("the flows of this case: {}", flows.collect::<Vec<_>>().join("; "))
        };
        let nearest = self.0.iter().find_map(|flow| {
            let local = flow.local?;
            let differences: Vec<String> = [
                (
                    local.ip() != ends.src.ip(),
                    format!("source address {} instead of {}", ends.src.ip(), local.ip()),
                ),
                (
                    local.port() != ends.src.port(),
                    format!("source port {} instead of {}", ends.src.port(), local.port()),
                ),
                (
                    flow.remote.ip() != ends.dst.ip(),
                    format!("destination {} instead of {}", ends.dst.ip(), flow.remote.ip()),
                ),
                (
                    flow.remote.port() != ends.dst.port(),
                    format!("destination port {} instead of {}", ends.dst.port(), flow.remote.port()),
                ),
            ]
            .into_iter()
            .filter_map(|(differs, text)| differs.then_some(text))
            .collect();
            (differences.len() == 1)
                .then(|| format!("it would be of flow {} but for {}", flow.name, differences.concat()))
        });
        Some(nearest.unwrap_or_else(known))
    }
}

/// Whose connection an ICMP error of the target is about: it quotes a packet of the peer. Messages that are no
/// errors quote nothing.
fn quoted_endpoints(packet: &Packet) -> Option<Endpoints> {
    let message = packet.icmp()?;
    let is_error = match packet.ip.src() {
        IpAddr::V4(_) => matches!(message.kind, 3..=5 | 11 | 12),
        IpAddr::V6(_) => message.kind < 128,
    };
    is_error.then(|| icmp::quoted(message))?.and_then(|quote| Some(quote.endpoints()?.reversed()))
}

/// Neighbour discovery, multicast listener reports and IGMP.
fn is_background(packet: &Packet) -> bool {
    const IGMP: u8 = 2;
    match &packet.body {
        Body::Icmp(icmp) => matches!(packet.ip.src(), IpAddr::V6(_)) && matches!(icmp.kind, 130..=137 | 143),
        Body::Other { protocol, .. } => *protocol == IGMP,
        Body::Tcp(_) | Body::Fragment { .. } => false,
    }
}
