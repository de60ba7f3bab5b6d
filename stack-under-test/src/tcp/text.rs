//! What of the text is new?

use super::connection::Connection;
use super::env::Env;
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
                // RFC9293/MAY-13, RFC5681/3.2-rcv-dupack
                self.received.keep(segment.seq, segment.payload, segment.flags.fin());
                self.acking.scheduled = true;
                false
            }
            // RFC9293/3.10.7.4-trim: nothing of it is new, which the peer should know at once.
            TextPlace::Known | TextPlace::Outside => {
                self.note_repeated(segment);
                self.acking.enter_quick(self.window.advertised);
                self.acking.scheduled = true;
                false
            }
        }
    }

    fn take_next(&mut self, env: &Env<'_>, segment: &Segment<'_>) -> bool {
        // RFC9293/3.10.7.4-trim
        self.note_repeated(segment);
        let known = (self.window.nxt - segment.seq) as usize;
        let new = segment.payload.get(known..).unwrap_or_default();
        let before = self.window.nxt;
        if !new.is_empty() {
            self.received.append(new);
            self.window.nxt += new.len() as u32;
            self.counters.data_segments_in += 1;
            let rto = self.rtt.rto();
            let our_mss = u32::from(self.negotiated.our_mss);
            self.acking.data_arrived(env.now, segment, self.window.advertised, rto, our_mss);
            // The peer should hear soon of a window that grew.
            if new.len() >= 128 && self.window.grow(new.len() as u32, self.received.held(), our_mss) {
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

    /// The part of a segment that came before is reported to the peer (`RFC2883/4-1`, `RFC2883/4.2`).
    pub(super) fn note_repeated(&mut self, segment: &Segment<'_>) {
        if segment.seq.before(self.window.nxt) && segment.len() > 0 {
            self.received.report.repeated(segment.seq, segment.end().min(self.window.nxt));
        }
    }

    fn count_received(&mut self, before: SeqNum, fin: bool) {
        self.counters.bytes_received += u64::from(self.window.nxt - before - u32::from(fin));
    }
}
