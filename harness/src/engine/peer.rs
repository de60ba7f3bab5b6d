//! The peer of a flow as a receiver of TCP: what it has got, what it has offered, what it answers.
//!
//! It listens always, so that it can take over at any moment (`peer: auto`); only then does it answer. It is the
//! simplest receiver that conforms: every segment that takes sequence space is acknowledged at once, and so is a probe
//! of what was acknowledged before. It delays no acknowledgement, reports no duplicates (RFC 2883), sends no data.

use crate::time::{Span, Timestamp};
use crate::verdict::FieldDifference;
use crate::wire::seq::distance;
use crate::wire::{Flags, Tcp, TcpOption};

/// The window of a peer that never wrote one.
const DEFAULT_WINDOW: u16 = 65535;
/// As many blocks as fit beside timestamps, and without them (RFC 2018, 3).
const BLOCKS_BESIDE_TIMESTAMPS: usize = 3;
const BLOCKS: usize = 4;
/// The MSS of a side that announces none (RFC 9293, 3.7.1), and of IPv6.
const DEFAULT_MSS: [u16; 2] = [536, 1220];
/// A FIN that is not acknowledged is repeated after one second (RFC 6298, 2.1) and then after twice as long each time.
pub(super) const FIN_WAIT: Span = Span::seconds(1);
/// So many times.
const FIN_REPEATS: u32 = 8;

/// What a side said in its SYN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Offer {
    mss: Option<u16>,
    shift: Option<u8>,
    sack: bool,
    timestamps: bool,
}

impl Offer {
    fn of(syn: &Tcp) -> Self {
        Self {
            mss: syn.mss(),
            shift: syn.wscale(),
            sack: syn.sack_ok(),
            timestamps: syn.timestamps().is_some(),
        }
    }
}

/// The peer of one flow. Sequence numbers are those on the wire.
#[derive(Clone, Debug, Default)]
pub(super) struct Peer {
    /// The step since which it answers by itself.
    pub(super) auto: Option<usize>,
    /// The target's first sequence number and the next one expected of it, once known.
    expected: Option<(u32, u32)>,
    /// Ranges received beyond that, the latest first.
    beyond: Vec<(u32, u32)>,
    /// Where the target's FIN is.
    fin: Option<u32>,
    /// What the target's and the peer's SYN offered.
    offers: [Offer; 2],
    /// The next number the peer sends.
    next: Option<u32>,
    /// The highest acknowledgement it has sent.
    acknowledged: Option<u32>,
    /// The highest number it has ever permitted the target to send.
    edge: Option<u32>,
    window: Option<u16>,
    /// Its last timestamp, and when it was sent.
    clock: Option<(u32, Timestamp)>,
    /// The target's timestamp that it echoes.
    echo: u32,
    /// The end of its own FIN.
    own_fin: Option<u32>,
    /// That FIN was acknowledged.
    is_closed: bool,
    /// How often the FIN was repeated.
    repeats: u32,
}

impl Peer {
    /// Payload bytes received in order.
    pub(super) fn received(&self) -> i64 {
        let Some((isn, next)) = self.expected else { return 0 };
        let fin = self.fin.is_some_and(|fin| next == fin.wrapping_add(1));
        i64::from(next.wrapping_sub(isn).wrapping_sub(1)) - i64::from(fin)
    }

    /// Whether a segment is one that the automatic peer takes: of an open connection, and no reset.
    pub(super) fn takes(tcp: &Tcp) -> bool {
        tcp.flags.contains(Flags::ACK) && !tcp.flags.contains(Flags::SYN) && !tcp.flags.contains(Flags::RST)
    }

    /// The peer sends a segment, by itself or because the case says so.
    pub(super) fn sends(&mut self, at: Timestamp, tcp: &Tcp) {
        let end = tcp.seq.wrapping_add(tcp.seq_len());
        if tcp.flags.contains(Flags::RST) {
            return;
        }
        if tcp.flags.contains(Flags::SYN) {
            self.offers[1] = Offer::of(tcp);
            self.next = None;
            self.edge = None;
            self.acknowledged = None;
            self.own_fin = None;
            self.is_closed = false;
        }
        if tcp.flags.contains(Flags::FIN) {
            self.own_fin = Some(end);
        }
        if self.next.is_none_or(|next| distance(next, end) > 0) {
            self.next = Some(end);
        }
        self.window = Some(tcp.win);
        if let Some((value, _)) = tcp.timestamps() {
            self.clock = Some((value, at));
        }
        if tcp.flags.contains(Flags::ACK) {
            if self.acknowledged.is_none_or(|acknowledged| distance(acknowledged, tcp.ack) > 0) {
                self.acknowledged = Some(tcp.ack);
            }
            let shift = if tcp.flags.contains(Flags::SYN) { 0 } else { self.shift() };
            let edge = tcp.ack.wrapping_add(u32::from(tcp.win) << shift);
            if self.edge.is_none_or(|before| distance(before, edge) > 0) {
                self.edge = Some(edge);
            }
        }
    }

    fn shift(&self) -> u8 {
        match self.offers.map(|offer| offer.shift) {
            [Some(_), Some(shift)] => shift.min(14),
            _ => 0,
        }
    }

    fn both(&self, what: fn(&Offer) -> bool) -> bool {
        self.offers.iter().all(what)
    }

    /// A segment reaches the peer; whether it answers. `isn` is the target's, as the flow knows it.
    pub(super) fn receives(&mut self, tcp: &Tcp, isn: u32) -> bool {
        if tcp.flags.contains(Flags::RST) {
            return false;
        }
        if tcp.flags.contains(Flags::SYN) {
            if self.expected.is_none_or(|(known, _)| known != tcp.seq) {
                let offers = [Offer::of(tcp), self.offers[1]];
                let Self { auto, next, window, edge, acknowledged, .. } = *self;
                *self = Self {
                    auto,
                    next,
                    window,
                    edge,
                    acknowledged,
                    clock: self.clock,
                    offers,
                    ..Self::default()
                };
            }
            self.expected.get_or_insert((tcp.seq, tcp.seq.wrapping_add(1)));
            self.echo = tcp.timestamps().map_or(0, |(value, _)| value);
            return false;
        }
        self.is_closed |= self.own_fin.is_some_and(|end| distance(end, tcp.ack) >= 0);
        let (isn, next) = *self.expected.get_or_insert((isn, isn.wrapping_add(1)));
        self.note_timestamp(tcp, next);
        let end = tcp.seq.wrapping_add(tcp.seq_len());
        if tcp.flags.contains(Flags::FIN) {
            self.fin.get_or_insert(end.wrapping_sub(1));
        }
        if tcp.seq_len() == 0 {
            // A keep-alive or a probe of the window asks for an answer with a number from before (RFC 9293, 3.10.7.4).
            return distance(next, tcp.seq) < 0;
        }
        // What probes a closed window is not taken (RFC 9293, 3.8.6.1).
        let is_probe = self.edge.is_some_and(|edge| is_beyond(tcp, edge));
        if distance(next, end) > 0 && !is_probe {
            self.add(tcp.seq, end);
        }
        let next = self.advance(next);
        self.expected = Some((isn, next));
        true
    }

    /// RFC 7323, 4.3: the timestamp to echo is that of the segment which the last acknowledgement waited for.
    fn note_timestamp(&mut self, tcp: &Tcp, next: u32) {
        let Some((value, _)) = tcp.timestamps() else { return };
        let last = self.acknowledged.unwrap_or(next);
        if distance(last, tcp.seq) <= 0 && (self.echo == 0 || distance(self.echo, value) >= 0) {
            self.echo = value;
        }
    }

    /// Adds a range; those that it touches become one with it, and the latest.
    fn add(&mut self, from: u32, to: u32) {
        let (mut from, mut to) = (from, to);
        self.beyond.retain(|range| {
            let apart = distance(range.1, from) > 0 || distance(to, range.0) > 0;
            if !apart {
                from = if distance(range.0, from) > 0 { range.0 } else { from };
                to = if distance(to, range.1) > 0 { range.1 } else { to };
            }
            apart
        });
        self.beyond.insert(0, (from, to));
    }

    /// The number expected next, given which one was: ranges that it lies in are over.
    fn advance(&mut self, next: u32) -> u32 {
        let mut next = next;
        while let Some(index) = self.beyond.iter().position(|range| distance(range.0, next) >= 0) {
            let (_, end) = self.beyond.remove(index);
            next = if distance(next, end) > 0 { end } else { next };
        }
        next
    }

    /// Whether it has got more than it ever acknowledged.
    pub(super) fn owes(&self) -> bool {
        match (self.expected, self.acknowledged) {
            (Some((isn, next)), Some(acknowledged)) => {
                next != isn.wrapping_add(1) && distance(acknowledged, next) > 0
            }
            (Some((isn, next)), None) => next != isn.wrapping_add(1),
            (None, _) => false,
        }
    }

    /// Whether it has sent a FIN.
    pub(super) const fn has_closed(&self) -> bool {
        self.own_fin.is_some()
    }

    /// The acknowledgement of all it has got, and its FIN once it has got the target's. Ports are not filled in.
    pub(super) fn answer(&mut self, at: Timestamp, isn: u32) -> Tcp {
        let (_, next) = self.expected.unwrap_or((0, 0));
        let mut tcp = Tcp {
            seq: self.next.unwrap_or_else(|| isn.wrapping_add(1)),
            ack: next,
            flags: Flags::ACK,
            win: self.window.unwrap_or(DEFAULT_WINDOW),
            ..Tcp::default()
        };
        let timestamps = self.both(|offer| offer.timestamps);
        if timestamps {
            let now = self.clock.map_or(0, |(value, since)| value.wrapping_add(millis(at - since)));
            tcp.options.extend([TcpOption::Nop, TcpOption::Nop, TcpOption::Ts { val: now, ecr: self.echo }]);
        }
        if self.both(|offer| offer.sack) && !self.beyond.is_empty() {
            let room = if timestamps { BLOCKS_BESIDE_TIMESTAMPS } else { BLOCKS };
            let blocks = self.beyond.iter().copied().take(room).collect();
            tcp.options.extend([TcpOption::Nop, TcpOption::Nop, TcpOption::Sack(blocks)]);
        }
        if self.fin.is_some_and(|fin| next == fin.wrapping_add(1)) && !self.has_closed() {
            tcp.flags |= Flags::FIN;
        }
        let clock = self.clock;
        self.sends(at, &tcp);
        // Time passed since what the case wrote is added up once, not ack by ack: nothing is lost in rounding.
        self.clock = clock;
        tcp
    }

    /// Its FIN again where that was not acknowledged, and how long to wait then.
    pub(super) fn repeats(&mut self, at: Timestamp, isn: u32) -> Option<(Tcp, Span)> {
        let end = self.own_fin.filter(|_| !self.is_closed && self.repeats < FIN_REPEATS)?;
        self.repeats += 1;
        let mut tcp = self.answer(at, isn);
        tcp.seq = end.wrapping_sub(1);
        tcp.flags |= Flags::FIN;
        Some((tcp, Span(FIN_WAIT.0 << self.repeats)))
    }

    /// What is wrong with a segment that the target sends, beside its own form and bytes. `most` is how many bytes a
    /// packet may have, and how many this one has.
    pub(super) fn faults(
        &self,
        tcp: &Tcp,
        isns: (u32, u32),
        is_v6: bool,
        most: Option<(usize, usize)>,
    ) -> Vec<FieldDifference> {
        let mut list = Vec::new();
        let mut note = |field: &str, expected: String, actual: String| {
            list.push(FieldDifference::new(field, expected, actual));
        };
        let (target, peer) = isns;
        let relative = |number: u32| number.wrapping_sub(target);
        let end = end_of_data(tcp);
        if let Some(next) = self.next
            && distance(next, tcp.ack) > 0
        {
            let (next, ack) = (next.wrapping_sub(peer), tcp.ack.wrapping_sub(peer));
            note("ack", format!("at most {next}, which is what was sent"), ack.to_string());
        }
        let is_probe = |edge: u32| tcp.seq == edge && tcp.payload.len() == 1;
        if let Some(edge) = self.edge.filter(|edge| is_beyond(tcp, *edge) && !is_probe(*edge)) {
            let expected = format!("up to {}, the end of the window", relative(edge));
            note("end of the data", expected, relative(end).to_string());
        }
        if let Some(fin) = self.fin {
            let claims = tcp.flags.contains(Flags::FIN) && end != fin;
            if claims || (!tcp.payload.is_empty() && distance(fin, end) > 0) {
                let expected = format!("up to {}, where the FIN is", relative(fin));
                note("end of the data", expected, relative(end).to_string());
            }
        }
        if let Some((most, length)) = most {
            let mss = self.offers[1].mss.unwrap_or(DEFAULT_MSS[usize::from(is_v6)]);
            let options: usize = crate::wire::encode_options(&tcp.options).len();
            let size = tcp.payload.len() + if tcp.payload.is_empty() { 0 } else { options };
            // Without a SYN nobody knows what was announced.
            if self.offers[1] != Offer::default() && size > usize::from(mss) {
                note("data and options", format!("at most {mss} bytes, the peer's MSS"), size.to_string());
            }
            if length > most {
                note("length", format!("at most {most} bytes, the MTU"), length.to_string());
            }
        }
        list
    }
}

fn end_of_data(tcp: &Tcp) -> u32 {
    tcp.seq.wrapping_add(u32::try_from(tcp.payload.len()).unwrap_or(0))
}

/// Whether it has data beyond the end of the window.
fn is_beyond(tcp: &Tcp, edge: u32) -> bool {
    !tcp.payload.is_empty() && distance(edge, end_of_data(tcp)) > 0
}

fn millis(span: Span) -> u32 {
    u32::try_from(span.0.max(0) / 1_000_000 % (1 << 32)).unwrap_or(0)
}
