//! The link between the target and the peers that answer by themselves: what it delays, loses, repeats and swaps.
//!
//! Nothing here is random but what follows from a seed, and each direction of each flow has a series of numbers of its
//! own: how flows mix on a real clock changes nobody's fate.

use std::collections::BTreeMap;
use std::fmt;

use crate::case::{Case, FlowId, Link, LinkSide};
use crate::time::{Span, Timestamp};
use crate::wire::Tcp;

/// How long a packet that shall be overtaken waits for the one that overtakes it.
const HELD: Span = Span::millis(10);

/// What the link did to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It never arrives.
    Dropped,
    /// It arrives so much later than it was sent.
    Delayed(Span),
    /// It arrives twice.
    Duplicated,
    /// The one sent after it arrives first, if that comes soon.
    Overtaken,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dropped => f.write_str("dropped by the link"),
            Self::Delayed(span) => write!(f, "delayed by the link for {span}"),
            Self::Duplicated => f.write_str("duplicated by the link"),
            Self::Overtaken => f.write_str("held back by the link"),
        }
    }
}

/// What is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cargo {
    /// A segment to the peer.
    ToPeer(Box<Tcp>),
    /// A packet of the peer to the target, with what the link did to it.
    ToTarget(Vec<u8>, Vec<Fate>),
    /// Nothing: the peer looks whether its FIN was acknowledged.
    Timer,
}

/// The link of a case, and what is on it.
#[derive(Debug)]
pub(super) struct Path {
    link: Link,
    /// For each flow the way to the target and the way to the peer.
    ways: Vec<[Way; 2]>,
    transit: BTreeMap<Place, (FlowId, Cargo)>,
    sent: u64,
}

/// When something arrives, and after how many others that were sent before it.
type Place = (Timestamp, u64);

/// One direction of one flow.
#[derive(Clone, Debug)]
struct Way {
    chance: Chance,
    /// Data segments so far.
    data: u64,
    /// Where the packet is that waits to be overtaken.
    held: Option<Place>,
}

impl Path {
    pub(super) fn new(case: &Case, seed: u64) -> Self {
        let way = |flow: usize, side: LinkSide| Way {
            chance: Chance::new(seed, &format!("{} {flow} {side:?}", case.id)),
            data: 0,
            held: None,
        };
        Self {
            link: case.link.clone(),
            ways: (0..case.flows.len())
                .map(|flow| [way(flow, LinkSide::Local), way(flow, LinkSide::Remote)])
                .collect(),
            transit: BTreeMap::new(),
            sent: 0,
        }
    }

    pub(super) const fn link(&self) -> &Link {
        &self.link
    }

    /// The link is another from now on. What is on its way arrives as it would have.
    pub(super) fn change(&mut self, link: Link) {
        if link.drop != self.link.drop {
            self.ways.iter_mut().flatten().for_each(|way| way.data = 0);
        }
        self.link = link;
    }

    /// A peer begins to answer by itself: the data segments of its flow are counted from here.
    pub(super) fn restart(&mut self, flow: FlowId) {
        self.ways.get_mut(flow.0).into_iter().flatten().for_each(|way| way.data = 0);
    }

    /// Sends something at this moment and says what becomes of it.
    pub(super) fn send(
        &mut self,
        flow: FlowId,
        to: LinkSide,
        at: Timestamp,
        has_data: bool,
        cargo: impl Fn(&[Fate]) -> Cargo,
    ) -> Vec<Fate> {
        let side = usize::from(to == LinkSide::Remote);
        let Some(way) = self.ways.get_mut(flow.0).and_then(|ways| ways.get_mut(side)) else {
            return Vec::new();
        };
        // Drawn whether or not it matters, so that one impairment does not change the effect of another.
        let [lost, repeated, swapped] = [(); 3].map(|()| way.chance.draw());
        way.data += u64::from(has_data);
        let held = way.held.take();
        if self.link.to.is_some_and(|side| side != to) {
            self.put(at, flow, cargo(&[]));
            return Vec::new();
        }
        if lost < self.link.loss_ppm || (has_data && self.link.drop.contains(&way.data)) {
            way.held = held;
            return vec![Fate::Dropped];
        }
        let mut fates = Vec::new();
        if self.link.delay > Span::ZERO {
            fates.push(Fate::Delayed(self.link.delay));
        }
        let due = at + self.link.delay;
        let waiting = held.filter(|place| place.0 > due && self.transit.contains_key(place));
        if swapped < self.link.reorder_ppm && waiting.is_none() {
            fates.push(Fate::Overtaken);
            let place = self.put(due + HELD, flow, cargo(&fates));
            if let Some(way) = self.ways.get_mut(flow.0).and_then(|ways| ways.get_mut(side)) {
                way.held = Some(place);
            }
            return fates;
        }
        if repeated < self.link.duplicate_ppm {
            fates.push(Fate::Duplicated);
            self.put(due, flow, cargo(&fates));
        }
        self.put(due, flow, cargo(&fates));
        if let Some((flow, cargo)) = waiting.and_then(|place| self.transit.remove(&place)) {
            self.put(due, flow, cargo);
        }
        fates
    }

    /// A look at the peer's FIN at this moment.
    pub(super) fn remind(&mut self, at: Timestamp, flow: FlowId) {
        self.put(at, flow, Cargo::Timer);
    }

    fn put(&mut self, at: Timestamp, flow: FlowId, cargo: Cargo) -> Place {
        self.sent += 1;
        let place = (at, self.sent);
        self.transit.insert(place, (flow, cargo));
        place
    }

    /// What arrives next, and when.
    pub(super) fn next(&self) -> Option<(Timestamp, FlowId, &Cargo)> {
        self.transit.iter().next().map(|(place, (flow, cargo))| (place.0, *flow, cargo))
    }

    /// Takes off what arrives next.
    pub(super) fn arrive(&mut self) -> Option<(Timestamp, FlowId, Cargo)> {
        self.transit.pop_first().map(|(place, (flow, cargo))| (place.0, flow, cargo))
    }
}

/// Numbers that follow from a seed and a name (SplitMix64).
#[derive(Clone, Debug)]
struct Chance(u64);

impl Chance {
    fn new(seed: u64, name: &str) -> Self {
        // FNV-1a over the name, from a start that the seed moves.
        let mut chance = Self(seed);
        let start = chance.next();
        let state =
            name.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        Self(state)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a million.
    fn draw(&mut self) -> u32 {
        u32::try_from(self.next() % 1_000_000).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn numbers_follow_from_seed_and_name() {
        let some = |seed, name| {
            let mut chance = Chance::new(seed, name);
            [(); 4].map(|()| chance.draw())
        };
        assert_eq!(some(7, "a"), some(7, "a"));
        assert_ne!(some(7, "a"), some(8, "a"));
        assert_ne!(some(7, "a"), some(7, "b"));
    }

    #[test]
    fn numbers_are_even() {
        let mut chance = Chance::new(1, "even");
        let low = (0..100_000).filter(|_| chance.draw() < 20_000).count();
        assert!((1_850..=2_150).contains(&low), "2% of 100 000 is about 2 000, not {low}");
    }
}
