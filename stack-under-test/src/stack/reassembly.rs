//! Packets that come in fragments.
//!
//! As Linux puts them together (RFC 791 section 3.2, RFC 8200 section 4.5): fragments that overlap make the whole packet
//! void (`RFC5722/4a`), in IPv4 too; one that only repeats what came is ignored; the wait begins with the first that came.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::IpAddr;

use crate::memory;
use crate::settings::Settings;
use crate::time::Instant;
use crate::wire::drops::DropReason;
use crate::wire::icmp::{self, Complaint};
use crate::wire::ip::{Ecn, Fragment, Packet};
use crate::wire::tcp;

/// The largest IPv4 packet, and the largest payload of IPv6.
const MOST: usize = 65535;
const V4_HEADER: usize = 20;
/// More than an ICMP error can quote.
const QUOTED: usize = 1280;

/// What fragments of one packet have in common. RFC791/3.2a, RFC8200/4.5a
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    source: IpAddr,
    destination: IpAddr,
    identification: u32,
    /// In IPv4 only.
    protocol: Option<u8>,
}

impl Key {
    fn of(fragment: &Fragment<'_>) -> Self {
        let Packet { source, destination, protocol, .. } = fragment.packet;
        let protocol = source.is_ipv4().then_some(protocol);
        Self { source, destination, identification: fragment.identification, protocol }
    }
}

/// Fragments that follow each other.
#[derive(Clone, Debug)]
struct Run {
    start: usize,
    bytes: Vec<u8>,
}

impl Run {
    fn end(&self) -> usize {
        self.start + self.bytes.len()
    }
}

/// A packet of which not everything came.
#[derive(Clone, Debug)]
struct Partial {
    due: Instant,
    /// In order.
    runs: Vec<Run>,
    /// How long it is, or must be at least.
    length: usize,
    last_came: bool,
    /// Which values of the ECN field came.
    ecn: [bool; 4],
    /// The fragment with the headers: its own headers and its protocol.
    first: Option<(Vec<u8>, u8, Ecn)>,
    charged: u32,
}

/// A packet that was put together.
#[derive(Clone, Debug)]
pub(super) struct Whole {
    source: IpAddr,
    destination: IpAddr,
    ecn: Ecn,
    protocol: u8,
    payload: Vec<u8>,
}

impl Whole {
    pub(super) fn packet(&self) -> Result<Packet<'_>, DropReason> {
        let &Self { source, destination, ecn, protocol, ref payload } = self;
        Packet { source, destination, ecn, protocol, payload }.end_of_extensions()
    }
}

/// What became of a fragment.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// It waits for others.
    Kept,
    Complete(Whole),
    Dropped,
    /// It is dropped, and its sender hears of it.
    Answered(Vec<u8>),
}

/// What a new fragment is to those that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    /// It goes before the run with this index.
    New(usize),
    /// It continues the last run.
    Continues,
    Known,
    Overlaps,
}

/// All packets of which not everything came.
#[derive(Debug, Default)]
pub(super) struct Reassembly {
    partials: BTreeMap<Key, Partial>,
    charged: u32,
}

impl Reassembly {
    /// When the first one is given up.
    pub(super) fn next(&self) -> Option<(Instant, Key)> {
        self.partials.iter().map(|(key, partial)| (partial.due, *key)).min()
    }

    /// The rest did not come in time; returns what is sent about it. RFC1122/3.3.2b, RFC8200/4.5b
    pub(super) fn expire(&mut self, key: Key) -> Option<Vec<u8>> {
        let (quoted, ..) = self.forget(key)?.first?;
        Some(icmp::complain(Complaint::ReassemblyTime, key.destination, key.source, &quoted, 0))
    }

    fn forget(&mut self, key: Key) -> Option<Partial> {
        let partial = self.partials.remove(&key)?;
        self.charged -= partial.charged;
        Some(partial)
    }

    pub(super) fn take(&mut self, now: Instant, settings: &Settings, fragment: &Fragment<'_>) -> Outcome {
        let packet = &fragment.packet;
        let v6 = packet.source.is_ipv6();
        if v6 && fragment.offset == 0 && lacks_headers(packet) {
            return answer(Complaint::HeadersIncomplete, fragment);
        }
        let key = Key::of(fragment);
        if !self.partials.contains_key(&key) {
            let (patience, most) = settings.reassembly(v6);
            // Bounded: nothing new begins beyond this.
            if self.charged > most {
                return Outcome::Dropped;
            }
            self.partials.insert(key, Partial::new(now + patience));
        }
        let Some(partial) = self.partials.get_mut(&key) else { return Outcome::Dropped };
        let mut end = fragment.offset + packet.payload.len();
        if v6 && end > MOST {
            return answer(Complaint::Offset, fragment);
        }
        // RFC8200/4.5c
        if v6 && fragment.more && !end.is_multiple_of(8) {
            return answer(Complaint::Length, fragment);
        }
        if fragment.more {
            end -= end % 8;
        }
        let piece = packet.payload.get(..end.saturating_sub(fragment.offset)).unwrap_or_default();
        match partial.place(fragment, end) {
            Fit::Known => return Outcome::Dropped,
            Fit::Overlaps => {
                self.forget(key);
                return Outcome::Dropped;
            }
            Fit::New(index) => {
                partial.runs.insert(index, Run { start: fragment.offset, bytes: piece.to_vec() });
            }
            Fit::Continues => {
                if let Some(last) = partial.runs.last_mut() {
                    last.bytes.extend(piece);
                }
            }
        }
        // An IPv4 or IPv6 packet is shorter than 2^17.
        let charge = memory::charge(fragment.bytes.len() as u32);
        partial.charged += charge;
        self.charged += charge;
        partial.note(fragment);
        if !partial.is_complete() {
            return Outcome::Kept;
        }
        self.forget(key).and_then(|partial| partial.whole(key)).map_or(Outcome::Dropped, Outcome::Complete)
    }
}

impl Partial {
    fn new(due: Instant) -> Self {
        Self { due, runs: Vec::new(), length: 0, last_came: false, ecn: [false; 4], first: None, charged: 0 }
    }

    /// Where the fragment goes; settles how long the packet is.
    fn place(&mut self, fragment: &Fragment<'_>, end: usize) -> Fit {
        let start = fragment.offset;
        let contradicts = if fragment.more {
            self.last_came && end > self.length
        } else {
            end < self.length || (self.last_came && end != self.length)
        };
        if contradicts || end <= start {
            return Fit::Overlaps;
        }
        self.last_came |= !fragment.more;
        self.length = self.length.max(end);
        let Some(last) = self.runs.last() else { return Fit::New(0) };
        if last.end() == start {
            return Fit::Continues;
        }
        let before = self.runs.partition_point(|run| run.end() <= start);
        match self.runs.get(before) {
            None => Fit::New(before),
            Some(next) if end <= next.start => Fit::New(before),
            Some(next) if start >= next.start && end <= next.end() => Fit::Known,
            Some(_) => Fit::Overlaps,
        }
    }

    fn note(&mut self, fragment: &Fragment<'_>) {
        if let Some(seen) = self.ecn.get_mut(fragment.packet.ecn as usize) {
            *seen = true;
        }
        if fragment.offset == 0 {
            let quoted = fragment.bytes.iter().take(QUOTED).copied().collect();
            self.first = Some((quoted, fragment.packet.protocol, fragment.packet.ecn));
        }
    }

    fn is_complete(&self) -> bool {
        let came: usize = self.runs.iter().map(|run| run.bytes.len()).sum();
        self.last_came && self.first.is_some() && came == self.length
    }

    fn whole(self, key: Key) -> Option<Whole> {
        let (_, protocol, first_ecn) = self.first?;
        let header = if key.source.is_ipv4() { V4_HEADER } else { 0 };
        if self.length + header > MOST {
            return None;
        }
        // RFC3168/5.3: congestion that one fragment met is not lost, and mixtures that nobody sends are not believed.
        let ecn = match self.ecn {
            [true, false, false, false] | [false, _, _, false] => first_ecn,
            [false, _, _, true] => Ecn::Congestion,
            [true, ..] => return None,
        };
        let payload = self.runs.into_iter().flat_map(|run| run.bytes).collect();
        Some(Whole { source: key.source, destination: key.destination, ecn, protocol, payload })
    }
}

fn answer(complaint: Complaint, fragment: &Fragment<'_>) -> Outcome {
    let Packet { source, destination, .. } = fragment.packet;
    Outcome::Answered(icmp::complain(complaint, destination, source, fragment.bytes, fragment.offset_field))
}

/// The first fragment of IPv6 must hold all headers. RFC8200/4.5e
fn lacks_headers(packet: &Packet<'_>) -> bool {
    let Ok(inner) = packet.end_of_extensions() else { return true };
    let least = match inner.protocol {
        tcp::PROTOCOL => tcp::HEADER,
        icmp::PROTOCOL_V6 => 8,
        _ => 1,
    };
    inner.payload.len() < least
}
