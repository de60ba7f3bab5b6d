//! Which segments in flight arrived, as far as SACK tells.

use alloc::vec::Vec;

use super::send_queue::{SendQueue, Sent};
use crate::wire::options::SackBlock;
use crate::wire::seq::SeqNum;

impl SendQueue {
    /// Marks what a block covers, cutting segments at its edges; returns what was not known before. RFC2018/5a
    pub(super) fn mark_sacked(&mut self, block: SackBlock) -> Vec<Sent> {
        self.cut_at(block.start);
        self.cut_at(block.end);
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

    /// Makes a number the beginning of a segment, if it lies inside one.
    fn cut_at(&mut self, edge: SeqNum) {
        let inside = |sent: &Sent| sent.start.before(edge) && edge.before(sent.end);
        let found = self.in_flight().position(inside);
        if let Some((index, start)) =
            found.and_then(|index| Some((index, self.in_flight().nth(index)?.start)))
        {
            self.split(index, edge - start);
        }
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

    /// The oldest segment in flight.
    pub(super) fn head(&self) -> Option<&Sent> {
        self.in_flight().next()
    }
}
