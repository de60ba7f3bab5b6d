//! What of the text is new?

use super::connection::Connection;
use super::delayed_ack::MAX_QUICK;
use super::env::Env;
use super::window::Arrived;
use crate::memory;
use crate::wire::seq::SeqNum;
use crate::wire::tcp::Segment;

/// Where data and FIN of a segment stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextPlace {
    /// There are none.
    Nothing,
    /// They begin at or before the next number expected and go beyond it.
    Next,
    /// They leave a gap.
    Early,
    /// They are known.
    Known,
    /// The window has no room for them.
    Outside,
}

impl Connection {
    pub(super) fn text_place(&self, segment: &Segment<'_>) -> TextPlace {
        let nxt = self.window.nxt;
        let (start, end) = (segment.seq, segment.end());
        if segment.len() == 0 {
            return TextPlace::Nothing;
        }
        if start == nxt {
            // RFC9293/3.8.6-not-accepted-zero. A bare FIN takes no room.
            let fits = self.window.left() > 0 || (segment.payload.is_empty() && segment.flags.fin());
            return if fits { TextPlace::Next } else { TextPlace::Outside };
        }
        if !end.after(nxt) {
            return TextPlace::Known;
        }
        if !start.before(self.window.right_edge()) {
            return TextPlace::Outside;
        }
        if start.before(nxt) {
            return if self.window.left() > 0 { TextPlace::Next } else { TextPlace::Outside };
        }
        TextPlace::Early
    }

    /// Whether the segment brings data that was not seen yet.
    pub(super) fn brings_data(&self, segment: &Segment<'_>) -> bool {
        let end = segment.seq + segment.payload_len();
        !segment.payload.is_empty() && end.after(self.window.nxt)
    }

    /// Takes text; returns whether the peer's FIN was reached.
    pub(super) fn take_text(&mut self, env: &Env<'_>, segment: &Segment<'_>, place: TextPlace) -> bool {
        match place {
            TextPlace::Nothing => false,
            TextPlace::Next => self.take_next(env, segment),
            TextPlace::Early => {
                self.take_early(env, segment);
                false
            }
            // RFC9293/3.10.7.4-trim: nothing of it is new, which the peer should know at once.
            TextPlace::Known | TextPlace::Outside => {
                self.note_repeated(segment);
                self.acking.enter_quick(self.window.advertised, MAX_QUICK);
                self.acking.scheduled = true;
                false
            }
        }
    }

    /// RFC9293/MAY-13, RFC5681/3.2-rcv-dupack
    fn take_early(&mut self, env: &Env<'_>, segment: &Segment<'_>) {
        self.look_at_mark(segment);
        if !self.make_room(env, segment) {
            return;
        }
        self.acking.scheduled = true;
        self.guess_peer(segment);
        if self.negotiated.sack && self.grow_window(env, segment) {
            self.acking.quick |= 1;
        }
        self.received.keep(segment.seq, segment.payload, segment.flags.fin(), segment.packet_length);
        if !self.orphan {
            self.grow_buffer(env, self.pace.space());
        }
    }

    fn take_next(&mut self, env: &Env<'_>, segment: &Segment<'_>) -> bool {
        // RFC9293/3.10.7.4-trim
        self.note_repeated(segment);
        let known = (self.window.nxt - segment.seq) as usize;
        let new = segment.payload.get(known..).unwrap_or_default();
        let before = self.window.nxt;
        if !new.is_empty() {
            if !self.make_room(env, segment) {
                return self.refuse_for_memory();
            }
            self.received.append(new, segment.packet_length);
            self.window.nxt += new.len() as u32;
            self.counters.data_segments_in += 1;
            self.guess_peer(segment);
            self.measure_by_window(env);
            self.acking.data_arrived(env.now, self.window.advertised, self.rtt.rto());
            self.look_at_mark(segment);
            // The peer should hear soon of a window that grew.
            if new.len() >= 128 && self.grow_window(env, segment) {
                self.acking.quick |= 1;
            }
        }
        if segment.flags.fin() {
            self.window.nxt += 1;
            self.count_received(before, true);
            return true;
        }
        let mut fin = false;
        if self.received.has_early() {
            (self.window.nxt, fin) = self.received.take_in_order(self.window.nxt);
            // RFC5681/3.2-rcv-gapfill
            self.acking.urgent |= !self.received.has_early();
        }
        self.count_received(before, fin);
        fin
    }

    /// Larger segments than before tell what data costs in memory.
    fn guess_peer(&mut self, segment: &Segment<'_>) {
        let larger = self.acking.guess_peer_mss(segment, self.our_mss());
        let charge = memory::charge(segment.packet_length);
        if larger && let Some(clamp) = self.window.learn(segment.payload_len(), charge) {
            self.pace.bound(clamp);
        }
    }

    fn grow_window(&mut self, env: &Env<'_>, segment: &Segment<'_>) -> bool {
        let charge = memory::charge(segment.packet_length);
        let arrived = Arrived { length: segment.payload_len(), charge };
        let sizes = (self.our_mss(), self.acking.peer_mss);
        self.window.grow(arrived, self.received.charged(), sizes, env.settings.rmem[2])
    }

    /// Whether there is memory for one more segment; the buffer grows for it if it may. As in Linux a little too much
    /// does not matter: the last segment may go beyond, and what fits into a page that is begun is not looked at.
    fn make_room(&mut self, env: &Env<'_>, segment: &Segment<'_>) -> bool {
        const PAGE: u32 = 4096;
        let charged = self.received.charged();
        let begun = charged.next_multiple_of(PAGE) - charged;
        let plain = segment.seq == self.window.nxt && !self.received.has_early();
        if plain && begun >= memory::charge(segment.packet_length) {
            return true;
        }
        let fixed = self.knobs.receive_buffer.is_some();
        if !self.window.overflow(charged, fixed, env.settings.rmem[2], self.our_mss()) {
            return true;
        }
        self.acking.quick = 0;
        // What is next is worth more than what came early. RFC2018/8b
        self.received.forget_last(segment.end(), self.window.buffer());
        let next = !segment.seq.after(self.window.nxt) && self.received.is_empty();
        next || self.received.charged() <= self.window.buffer()
    }

    /// There is no memory: the peer should stop, and hears so at once.
    fn refuse_for_memory(&mut self) -> bool {
        self.acking.scheduled = true;
        self.acking.urgent = true;
        self.window.close();
        false
    }

    /// The largest payload that the peer may send.
    fn our_mss(&self) -> u32 {
        u32::from(self.negotiated.our_mss) - self.negotiated.options_length()
    }

    /// The part of a segment that came before is reported to the peer (`RFC2883/4-1`, `RFC2883/4.2`).
    pub(crate) fn note_repeated(&mut self, segment: &Segment<'_>) {
        if segment.seq.before(self.window.nxt) && segment.len() > 0 {
            self.received.report.repeated(segment.seq, segment.end().min(self.window.nxt));
        }
    }

    fn count_received(&mut self, before: SeqNum, fin: bool) {
        self.counters.bytes_received += u64::from(self.window.nxt - before - u32::from(fin));
    }
}
