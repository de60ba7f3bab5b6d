//! What the peer sent and the program has not read.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::sack_report::SackReport;
use crate::memory;
use crate::wire::seq::SeqNum;

/// A stretch of data that arrived before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Early {
    start: SeqNum,
    bytes: Vec<u8>,
    fin: bool,
    /// What it costs; nothing if it stands in another's buffer.
    charge: u32,
    room: u32,
}

/// A buffer of bytes in order, or a part of one that came early.
#[derive(Clone, Copy, Debug)]
struct Buffer {
    /// Bytes that were not read.
    unread: u32,
    charge: u32,
    /// Bytes that it can still take.
    room: u32,
}

impl Early {
    fn data_end(&self) -> SeqNum {
        self.start + self.bytes.len() as u32
    }

    fn end(&self) -> SeqNum {
        self.data_end() + u32::from(self.fin)
    }
}

/// Bytes in order, and what came early.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReceiveQueue {
    ready: VecDeque<u8>,
    buffers: VecDeque<Buffer>,
    early: Vec<Early>,
    /// What the peer is told of it.
    pub(crate) report: SackReport,
}

impl ReceiveQueue {
    /// Bytes that can be read.
    pub(crate) fn unread(&self) -> u32 {
        self.ready.len() as u32
    }

    /// The memory that all of it takes.
    pub(crate) fn charged(&self) -> u32 {
        let ready = self.buffers.iter().map(|buffer| buffer.charge);
        ready.chain(self.early.iter().map(|early| early.charge)).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    /// Drops what came early, the last first and nothing before `end`, until so much memory is enough.
    pub(crate) fn forget_last(&mut self, end: SeqNum, memory: u32) {
        while self.charged() > memory && self.early.last().is_some_and(|last| !last.start.before(end)) {
            self.early.pop();
            self.report.clear();
        }
    }

    /// The end of what came early.
    pub(crate) fn early_end(&self) -> Option<SeqNum> {
        self.early.last().map(Early::end)
    }

    pub(crate) fn has_early(&self) -> bool {
        !self.early.is_empty()
    }

    /// Takes bytes in order that came in a packet of this length.
    pub(crate) fn append(&mut self, bytes: &[u8], packet: u32) {
        self.ready.extend(bytes);
        self.hold(bytes.len() as u32, memory::charge(packet), memory::room_behind(packet));
    }

    /// A short segment is copied behind the one before it, if that has room.
    fn hold(&mut self, length: u32, charge: u32, room: u32) {
        match self.buffers.back_mut() {
            Some(last) if last.room >= length => {
                last.room -= length;
                last.unread += length;
            }
            Some(_) | None => self.buffers.push_back(Buffer { unread: length, charge, room }),
        }
    }

    /// How a read of so many bytes is spread over buffers.
    pub(crate) fn pieces(&self, count: usize) -> Vec<u32> {
        let mut left = u32::try_from(count).unwrap_or(u32::MAX);
        let mut pieces = Vec::new();
        for buffer in &self.buffers {
            if left == 0 {
                break;
            }
            pieces.push(buffer.unread.min(left));
            left -= buffer.unread.min(left);
        }
        pieces
    }

    pub(crate) fn read(&mut self, count: usize, peek: bool) -> Vec<u8> {
        let count = count.min(self.ready.len());
        let bytes = self.ready.range(..count).copied().collect();
        if peek {
            return bytes;
        }
        let mut left = count as u32;
        while let Some(first) = self.buffers.front_mut().filter(|first| first.unread <= left) {
            left -= first.unread;
            self.buffers.pop_front();
        }
        if let Some(first) = self.buffers.front_mut() {
            first.unread -= left;
        }
        self.ready.drain(..count);
        bytes
    }

    /// What can still be read when the connection is gone.
    pub(crate) fn into_unread(self) -> VecDeque<u8> {
        self.ready
    }

    pub(crate) fn forget_early(&mut self) {
        self.early.clear();
        self.report.clear();
    }

    /// Keeps data that came early (`RFC9293/SHLD-31`); what was there before wins where they overlap.
    pub(crate) fn keep(&mut self, start: SeqNum, bytes: &[u8], fin: bool, packet: u32) {
        let end = start + bytes.len() as u32 + u32::from(fin);
        // RFC2883/4-1, RFC2883/4.2
        for early in &self.early {
            let known = (early.start.max(start), early.end().min(end));
            if known.0.before(known.1) {
                self.report.repeated_too(known.0, known.1);
            }
        }
        self.report.early(start, end);
        self.insert(start, bytes, fin, packet);
    }

    fn insert(&mut self, start: SeqNum, bytes: &[u8], fin: bool, packet: u32) {
        let (mut charge, mut room) = (memory::charge(packet), memory::room_behind(packet));
        let mut start = start;
        let mut bytes = bytes.to_vec();
        let mut index = 0;
        while let Some(other) = self.early.get(index) {
            if !other.end().after(start) {
                index += 1;
                continue;
            }
            if !other.start.after(start) {
                // The head is known.
                let known = (other.data_end().beyond(start) as usize).min(bytes.len());
                bytes.drain(..known);
                start += known as u32;
                // A FIN inside known data comes from a peer that goes on behind it: what was there before wins.
                if bytes.is_empty() && (!fin || other.fin || other.data_end().after(start)) {
                    return;
                }
                index += 1;
                continue;
            }
            let gap = (other.start - start) as usize;
            if bytes.len() < gap || (bytes.len() == gap && !fin) {
                break;
            }
            // The other begins inside: what lies before it goes in, the rest is looked at again.
            let rest = bytes.split_off(gap);
            let resume = other.start;
            self.early.insert(index, Early { start, bytes, fin: false, charge, room });
            (charge, room) = (0, 0);
            (start, bytes) = (resume, rest);
            index += 1;
        }
        if !bytes.is_empty() || fin {
            self.place(index, Early { start, bytes, fin, charge, room });
        }
    }

    /// A short segment is copied behind the one that it continues, if that has room.
    fn place(&mut self, index: usize, early: Early) {
        let before = index.checked_sub(1).and_then(|index| self.early.get_mut(index));
        let length = early.bytes.len() as u32;
        match before.filter(|before| !before.fin && before.end() == early.start && before.room >= length) {
            Some(before) => {
                before.bytes.extend(early.bytes);
                before.fin = early.fin;
                before.room -= length;
            }
            None => self.early.insert(index, early),
        }
    }

    /// Moves what follows `nxt` without a gap to the bytes in order; returns the new next number and whether a FIN
    /// was reached.
    pub(crate) fn take_in_order(&mut self, mut nxt: SeqNum) -> (SeqNum, bool) {
        let arrived = nxt;
        let mut fin = false;
        while self.early.first().is_some_and(|first| !first.start.after(nxt)) && !fin {
            let first = self.early.remove(0);
            if first.start.before(arrived) {
                self.report.repeated_too(first.start, first.end().min(arrived));
            }
            if let Some(new) = first.bytes.get((nxt - first.start) as usize..) {
                self.ready.extend(new);
                let length = new.len() as u32;
                self.hold(length, first.charge, first.room);
                nxt = first.data_end();
            }
            if first.fin && nxt == first.data_end() {
                nxt += 1;
                fin = true;
            }
        }
        self.report.advanced(nxt);
        (nxt, fin)
    }

    /// The first rule that the queue breaks if `nxt` is expected.
    pub(crate) fn inconsistency(&self, nxt: SeqNum) -> Option<&'static str> {
        let mut from = nxt;
        for early in &self.early {
            if early.start.before(from) || (early.bytes.is_empty() && !early.fin) {
                return Some("what came early overlaps, or is nothing, or is due");
            }
            // A peer may send data behind its FIN, at the FIN's own number.
            from = early.data_end();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::ReceiveQueue;
    use crate::wire::options::SackBlock;
    use crate::wire::seq::SeqNum;

    #[test]
    fn pieces_in_any_order_make_the_whole() {
        let mut queue = ReceiveQueue::default();
        queue.keep(SeqNum(6), b"fgh", true, 50);
        queue.keep(SeqNum(3), b"cd", false, 50);
        queue.keep(SeqNum(2), b"bcdefg", false, 50);
        queue.keep(SeqNum(4), b"d", false, 50);
        assert_eq!(queue.report.blocks(), [SackBlock { start: SeqNum(2), end: SeqNum(10) }]);
        assert_eq!(queue.charged(), 3 * 896);
        queue.append(b"a", 41);
        assert_eq!(queue.take_in_order(SeqNum(2)), (SeqNum(10), true));
        assert_eq!(queue.read(100, true), b"abcdefgh");
        assert_eq!(queue.read(100, false), b"abcdefgh");
        assert_eq!(queue.charged(), 0);
    }

    #[test]
    fn a_fin_inside_early_data_is_forgotten() {
        let mut queue = ReceiveQueue::default();
        queue.keep(SeqNum(13), b"xxxxx", false, 50);
        queue.keep(SeqNum(11), b"xxxx", true, 50);
        assert_eq!(queue.inconsistency(SeqNum(10)), None);
        assert_eq!(queue.take_in_order(SeqNum(11)), (SeqNum(18), false));
        assert!(!queue.has_early());
    }

    #[test]
    fn data_behind_an_early_fin_makes_no_overlapping_blocks() {
        let mut queue = ReceiveQueue::default();
        queue.keep(SeqNum(10), b"xx", true, 50);
        queue.keep(SeqNum(11), b"xxx", false, 50);
        assert_eq!(queue.report.blocks(), [SackBlock { start: SeqNum(10), end: SeqNum(14) }]);
    }

    #[test]
    fn what_came_twice_is_reported_as_one_stretch() {
        let mut queue = ReceiveQueue::default();
        queue.keep(SeqNum(10), b"kkkkk", false, 50);
        queue.keep(SeqNum(20), b"uuuuu", false, 50);
        queue.keep(SeqNum(8), b"iijjjjjjjjjjjjj", false, 50);
        let block = |start, end| SackBlock { start: SeqNum(start), end: SeqNum(end) };
        assert_eq!(queue.report.all(4, true), [block(10, 15), block(8, 25)]);
        queue.report.sent();
        queue.append(b"abcdefgiik", 50);
        assert_eq!(queue.take_in_order(SeqNum(11)), (SeqNum(25), false));
        assert_eq!(queue.report.all(4, true), [block(8, 11)]);
    }
}
