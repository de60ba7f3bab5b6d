//! What we tell the peer by SACK: what arrived beyond a hole, and what arrived twice.

use alloc::vec::Vec;

use crate::wire::options::SackBlock;
use crate::wire::seq::SeqNum;

/// A header has room for no more.
const MOST: usize = 4;

impl SackBlock {
    /// Takes a stretch in that overlaps or touches this one; returns whether it does.
    fn extend(&mut self, start: SeqNum, end: SeqNum) -> bool {
        let touches = !start.after(self.end) && !self.start.after(end);
        if touches {
            self.start = self.start.min(start);
            self.end = self.end.max(end);
        }
        touches
    }
}

/// The blocks of the next acknowledgement.
#[derive(Clone, Debug, Default)]
pub(crate) struct SackReport {
    /// Stretches beyond a hole, the one that grew last first. As in Linux a fifth makes the oldest forgotten.
    blocks: Vec<SackBlock>,
    /// What arrived twice since the last acknowledgement. RFC2883/4-1
    duplicate: Option<SackBlock>,
}

impl SackReport {
    /// Something arrived beyond a hole. RFC2018/4b, RFC2018/4d, RFC2018/4e
    pub(crate) fn early(&mut self, start: SeqNum, end: SeqNum) {
        let known = self.blocks.iter_mut().position(|block| block.extend(start, end));
        let mut newest = known.map_or(SackBlock { start, end }, |index| self.blocks.remove(index));
        self.blocks.retain(|block| !newest.extend(block.start, block.end));
        self.blocks.insert(0, newest);
        self.blocks.truncate(MOST);
    }

    /// Everything before `nxt` is in order now.
    pub(crate) fn advanced(&mut self, nxt: SeqNum) {
        self.blocks.retain(|block| block.start.after(nxt));
    }

    /// Nothing is beyond a hole any more.
    pub(crate) fn clear(&mut self) {
        self.blocks.clear();
    }

    /// Something arrived twice.
    pub(crate) fn repeated(&mut self, start: SeqNum, end: SeqNum) {
        self.duplicate = Some(SackBlock { start, end });
    }

    /// More of it did; what does not join is not told, for there is one block only.
    pub(crate) fn repeated_too(&mut self, start: SeqNum, end: SeqNum) {
        self.duplicate.get_or_insert(SackBlock { start, end }).extend(start, end);
    }

    /// What arrived beyond a hole.
    pub(crate) fn blocks(&self) -> &[SackBlock] {
        &self.blocks
    }

    /// The blocks in the order of the option, as many as fit, with or without what arrived twice. RFC2883/4-1,
    /// RFC2883/4-4
    pub(crate) fn all(&self, most: usize, duplicates: bool) -> Vec<SackBlock> {
        self.duplicate.iter().filter(|_| duplicates).chain(&self.blocks).take(most).copied().collect()
    }

    /// The acknowledgement left: a duplicate is reported once. RFC2883/4-2
    pub(crate) fn sent(&mut self) {
        self.duplicate = None;
    }
}

#[cfg(test)]
mod tests {
    use super::SackReport;
    use crate::wire::options::SackBlock;
    use crate::wire::seq::SeqNum;

    fn block(start: u32, end: u32) -> SackBlock {
        SackBlock { start: SeqNum(start), end: SeqNum(end) }
    }

    #[test]
    fn the_block_that_grew_last_comes_first() {
        let mut report = SackReport::default();
        for (start, end) in [(10, 12), (30, 32), (12, 14)] {
            report.early(SeqNum(start), SeqNum(end));
        }
        assert_eq!(report.blocks(), [block(10, 14), block(30, 32)]);
        report.early(SeqNum(14), SeqNum(30));
        assert_eq!(report.blocks(), [block(10, 32)]);
        report.advanced(SeqNum(32));
        assert_eq!(report.blocks(), []);
    }

    #[test]
    fn a_fifth_stretch_makes_the_oldest_forgotten() {
        let mut report = SackReport::default();
        for start in [10, 20, 30, 40, 50] {
            report.early(SeqNum(start), SeqNum(start + 1));
        }
        assert_eq!(report.blocks(), [block(50, 51), block(40, 41), block(30, 31), block(20, 21)]);
    }

    #[test]
    fn a_duplicate_stands_first_and_once() {
        let mut report = SackReport::default();
        report.early(SeqNum(10), SeqNum(20));
        report.repeated_too(SeqNum(12), SeqNum(14));
        report.repeated_too(SeqNum(14), SeqNum(16));
        report.repeated_too(SeqNum(18), SeqNum(19));
        assert_eq!(report.all(4, true), [block(12, 16), block(10, 20)]);
        assert_eq!(report.all(1, true), [block(12, 16)]);
        assert_eq!(report.all(4, false), [block(10, 20)]);
        report.sent();
        assert_eq!(report.all(4, true), [block(10, 20)]);
    }
}
