//! Which segments in flight arrived, as far as SACK tells.

use alloc::vec::Vec;

use super::send_queue::{SendQueue, Sent};
use crate::wire::options::SackBlock;

impl SendQueue {
    /// Marks the segments that a block covers, as in Linux only whole ones; returns what was not known before. RFC2018/5a
    pub(super) fn mark_sacked(&mut self, block: SackBlock) -> Vec<Sent> {
        let mut news = Vec::new();
        for sent in self.scoreboard() {
            let covered = !sent.start.before(block.start) && !sent.end.after(block.end);
            if covered && !sent.sacked {
                news.push(sent.clone());
                sent.sacked = true;
                sent.lost = false;
                sent.resent = false;
            }
        }
        news
    }

    /// The end of the highest segment reported by SACK.
    pub(super) fn highest_sacked(&self) -> Option<&Sent> {
        self.in_flight().rfind(|sent| sent.sacked)
    }

    /// The peer gave up data that it had reported: nothing counts that was reported. RFC2018/8c
    pub(super) fn forget_sacks(&mut self) {
        for sent in self.scoreboard() {
            sent.sacked = false;
        }
    }

    /// Marks segments as lost; `which` is asked about those that were not reported. Returns how many were marked that
    /// had not been.
    pub(super) fn mark_lost(&mut self, mut which: impl FnMut(usize, &Sent) -> bool) -> u32 {
        let mut marked = 0;
        for (index, sent) in self.scoreboard().iter_mut().enumerate() {
            let known = sent.sacked || (sent.lost && !sent.resent);
            if !known && which(index, sent) {
                sent.lost = true;
                sent.resent = false;
                marked += 1;
            }
        }
        marked
    }

    /// Cuts what is longer than `mss` anew, together with what left in one piece with it, and marks it as lost; returns
    /// whether there was any.
    pub(super) fn recut(&mut self, mss: u32) -> bool {
        let mut old = core::mem::take(self.scoreboard());
        let mut found = false;
        while let Some(mut first) = old.pop_front() {
            let mut pieces = alloc::vec![first.clone()];
            while old.front().is_some_and(|next| next.follows && !next.sacked) {
                pieces.extend(old.pop_front());
            }
            let long = |piece: &Sent| piece.end - piece.start - u32::from(piece.fin) > mss;
            if first.sacked || !pieces.iter().any(long) {
                self.scoreboard().extend(pieces);
                continue;
            }
            found = true;
            let Some(last) = pieces.last().cloned() else { continue };
            let data_end = last.end - u32::from(last.fin);
            first.lost = true;
            first.resent = false;
            while first.start != last.end {
                let stop = data_end.min(first.start + mss);
                let ends = stop == data_end;
                let piece =
                    Sent { end: if ends { last.end } else { stop }, fin: ends && last.fin, ..first.clone() };
                first.start = piece.end;
                first.follows = true;
                self.scoreboard().push_back(piece);
            }
        }
        found
    }

    /// Nothing is thought lost any more.
    pub(super) fn unmark_lost(&mut self) {
        for sent in self.scoreboard() {
            sent.lost = false;
        }
    }

    /// The segments inside a block that were sent more than once; the peer has both copies, so that none is on the way.
    pub(super) fn take_repeated(&mut self, block: SackBlock) -> Vec<Sent> {
        let inside = |sent: &Sent| !sent.start.before(block.start) && !sent.end.after(block.end);
        let mut repeated = Vec::new();
        for sent in self.scoreboard().iter_mut().filter(|sent| sent.retransmitted && inside(sent)) {
            sent.resent = false;
            repeated.push(sent.clone());
        }
        repeated
    }

    /// The oldest segment in flight.
    pub(super) fn head(&self) -> Option<&Sent> {
        self.in_flight().next()
    }
}
