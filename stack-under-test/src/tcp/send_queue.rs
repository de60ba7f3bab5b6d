//! What the program wrote and the peer has not acknowledged.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::time::Instant;
use crate::wire::seq::SeqNum;

/// A segment in flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) start: SeqNum,
    /// The number after the last byte, FIN included.
    pub(crate) end: SeqNum,
    pub(crate) fin: bool,
    /// Whether Linux would have handed it to the device in one piece with the segment before it.
    pub(crate) follows: bool,
    pub(crate) at: Instant,
    /// Sent more than once.
    pub(crate) retransmitted: bool,
    /// Reported by SACK.
    pub(crate) sacked: bool,
    /// Thought lost.
    pub(crate) lost: bool,
    /// Sent again, and that repetition is not thought lost.
    pub(crate) resent: bool,
    /// How many segments had arrived when it was sent.
    pub(crate) delivered: u32,
}

impl Sent {
    /// Whether it is to be sent again.
    fn is_missing(&self) -> bool {
        self.lost && !self.resent && !self.sacked
    }
}

/// What an acknowledgement took from the queue: whole segments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Freed(pub(crate) Vec<Sent>);

impl Freed {
    pub(crate) fn count(&self) -> u32 {
        self.0.len() as u32
    }

    /// Segments that SACK had not reported before.
    pub(crate) fn news(&self) -> impl Iterator<Item = &Sent> + '_ {
        self.0.iter().filter(|sent| !sent.sacked)
    }

    pub(crate) fn retransmitted(&self) -> bool {
        self.0.iter().any(|sent| sent.retransmitted)
    }

    /// When the oldest of them was sent, unless one of them was sent twice.
    pub(crate) fn measurable(&self) -> Option<Instant> {
        if self.retransmitted() { None } else { self.news().map(|sent| sent.at).next() }
    }
}

/// Bytes from the oldest unacknowledged on, and how they were cut.
#[derive(Clone, Debug)]
pub(crate) struct SendQueue {
    /// The number of the first byte held.
    start: SeqNum,
    bytes: VecDeque<u8>,
    /// A FIN follows the bytes.
    fin: bool,
    /// Ends of blocks that are cut into segments together, of what is not yet sent.
    blocks: VecDeque<SeqNum>,
    /// Bytes that end with a push.
    pushes: VecDeque<SeqNum>,
    /// Ends that no segment goes beyond (`MSG_EOR`).
    records: VecDeque<SeqNum>,
    sent: VecDeque<Sent>,
}

impl SendQueue {
    pub(crate) fn new(start: SeqNum) -> Self {
        Self {
            start,
            bytes: VecDeque::new(),
            fin: false,
            blocks: VecDeque::new(),
            pushes: VecDeque::new(),
            records: VecDeque::new(),
            sent: VecDeque::new(),
        }
    }

    /// Bytes held.
    pub(crate) fn len(&self) -> u32 {
        // Bounded by the send buffer.
        self.bytes.len() as u32
    }

    /// Bytes held and what surrounds them in the kernel, for each piece handed to the device and each block.
    pub(crate) fn memory(&self) -> u32 {
        const OVERHEAD: u32 = 832;
        let pieces = self.sent.iter().filter(|sent| !sent.follows).count() + self.blocks.len();
        self.len() + OVERHEAD * pieces as u32
    }

    /// Whether what comes next to be sent is the last block.
    pub(crate) fn has_one_block(&self) -> bool {
        self.blocks.len() == 1
    }

    /// The number after everything written, FIN included.
    pub(crate) fn end(&self) -> SeqNum {
        self.data_end() + u32::from(self.fin)
    }

    pub(crate) fn data_end(&self) -> SeqNum {
        self.start + self.len()
    }

    pub(crate) fn fin(&self) -> bool {
        self.fin
    }

    pub(crate) fn in_flight(&self) -> impl DoubleEndedIterator<Item = &Sent> + '_ {
        self.sent.iter()
    }

    pub(crate) fn packets_out(&self) -> u32 {
        self.sent.len() as u32
    }

    /// Segments that are presumed to be on the way; one that was sent again and is not thought lost counts twice. RFC6675/4-pipe
    pub(crate) fn packets_in_flight(&self) -> u32 {
        let gone = self.sent.iter().filter(|sent| sent.sacked || sent.lost).count() as u32;
        (self.packets_out() + self.resent()).saturating_sub(gone)
    }

    /// Segments reported by SACK.
    pub(crate) fn sacked(&self) -> u32 {
        self.sent.iter().filter(|sent| sent.sacked).count() as u32
    }

    /// Segments thought lost.
    pub(crate) fn lost(&self) -> u32 {
        self.sent.iter().filter(|sent| sent.lost).count() as u32
    }

    /// Repetitions on the way.
    pub(crate) fn resent(&self) -> u32 {
        self.sent.iter().filter(|sent| sent.resent).count() as u32
    }

    /// Appends bytes to the last unsent block, which is filled up to `goal` first.
    pub(crate) fn append(&mut self, nxt: SeqNum, bytes: &[u8], goal: u32) {
        let mut at = self.data_end();
        self.bytes.extend(bytes);
        let end = self.data_end();
        let mut block_start = self.blocks.iter().rev().nth(1).copied().unwrap_or(nxt);
        if at != end && self.records.back() == Some(&at) && !self.blocks.is_empty() {
            block_start = at;
            self.blocks.push_back(at);
        }
        while at != end {
            if let Some(last) = self.blocks.back_mut() {
                let room = goal.saturating_sub(*last - block_start);
                let taken = room.min(end - at);
                if let Some(push) =
                    self.pushes.back_mut().filter(|push| **push == *last && *last != block_start)
                {
                    // A push is one of the whole block.
                    *push += taken;
                }
                *last += taken;
                at += taken;
            }
            if at != end {
                block_start = at;
                self.blocks.push_back(at);
            }
        }
    }

    /// The first unsent block takes in what follows, up to `size`, before it is sent; a push in it moves to its end.
    pub(crate) fn grow_block(&mut self, nxt: SeqNum, size: u32) {
        let Some(index) = self.blocks.iter().position(|end| end.after(nxt)) else { return };
        let (Some(end), Some(following)) =
            (self.blocks.get(index).copied(), self.blocks.get(index + 1).copied())
        else {
            return;
        };
        if end - nxt >= size || self.records.contains(&end) {
            return;
        }
        let grown = following.min(nxt + size);
        self.blocks.remove(index);
        if grown != following {
            self.blocks.insert(index, grown);
        }
        if self.is_pushed(nxt, end) {
            self.pushes.retain(|push| !push.after(nxt) || push.after(grown));
            let place = self.pushes.iter().position(|push| push.after(grown)).unwrap_or(self.pushes.len());
            self.pushes.insert(place, grown);
        }
    }

    /// Room in the last unsent block before a new one must begin.
    pub(crate) fn room_in_block(&self, nxt: SeqNum, goal: u32) -> u32 {
        if self.records.back() == Some(&self.data_end()) {
            return 0;
        }
        let block_start = self.blocks.iter().rev().nth(1).copied().unwrap_or(nxt);
        self.blocks.back().map_or(0, |end| goal.saturating_sub(*end - block_start))
    }

    /// Marks the end of what was written so far as pushed.
    pub(crate) fn push(&mut self) {
        let end = self.data_end();
        if self.pushes.back() != Some(&end) {
            self.pushes.push_back(end);
        }
    }

    /// No segment holds what was written so far and what comes next.
    pub(crate) fn end_record(&mut self) {
        self.records.push_back(self.data_end());
    }

    pub(crate) fn append_fin(&mut self) {
        self.fin = true;
    }

    /// The end of the block that `nxt` begins or continues; the FIN belongs to the last.
    pub(crate) fn block_end(&self, nxt: SeqNum) -> SeqNum {
        let data = self.blocks.iter().copied().find(|end| end.after(nxt));
        match data {
            Some(end) if end == self.data_end() => self.end(),
            Some(end) => end,
            None => self.end(),
        }
    }

    /// Whether a push falls into this range.
    pub(crate) fn is_pushed(&self, start: SeqNum, end: SeqNum) -> bool {
        self.pushes.iter().any(|push| push.after(start) && !push.after(end))
    }

    /// The bytes between two numbers; the number of the FIN has none.
    pub(crate) fn slice(&self, start: SeqNum, end: SeqNum) -> Vec<u8> {
        let from = (start - self.start) as usize;
        let count = end.min(self.data_end()).beyond(start) as usize;
        self.bytes.range(from..from + count).copied().collect()
    }

    /// Remembers a new segment as sent.
    pub(crate) fn record(&mut self, sent: Sent) {
        while self.blocks.front().is_some_and(|end| !end.after(sent.end)) {
            self.blocks.pop_front();
        }
        self.sent.push_back(sent);
    }

    /// Frees what `ack` acknowledges.
    pub(crate) fn acknowledge(&mut self, ack: SeqNum) -> Freed {
        let mut freed = Freed::default();
        while let Some(sent) = self.sent.front_mut() {
            if sent.end.after(ack) {
                // RFC9293/3.10.7.4-trim applies to the peer; what is left of ours is sent again as it is.
                sent.start = sent.start.max(ack);
                break;
            }
            freed.0.extend(self.sent.pop_front());
        }
        let bytes = ack.min(self.data_end()).beyond(self.start);
        self.bytes.drain(..bytes as usize);
        self.start += bytes;
        while self.pushes.front().is_some_and(|push| !push.after(self.start)) {
            self.pushes.pop_front();
        }
        while self.records.front().is_some_and(|end| !end.after(self.start)) {
            self.records.pop_front();
        }
        freed
    }

    /// The segments in flight, for the scoreboard.
    pub(super) fn scoreboard(&mut self) -> &mut VecDeque<Sent> {
        &mut self.sent
    }

    /// The segment to send again first: the oldest that is thought lost.
    pub(crate) fn first_lost(&self) -> Option<usize> {
        self.sent.iter().position(Sent::is_missing)
    }

    /// How many segments from `index` on go again in one piece: those that left in one piece and are all lost, at most
    /// `most`. What is left of the piece is one of its own from here on.
    pub(crate) fn lost_together(&mut self, index: usize, most: u32) -> usize {
        let rest = self.sent.iter().skip(index + 1).take(most.saturating_sub(1) as usize);
        let count = 1 + rest.take_while(|sent| sent.follows && sent.is_missing()).count();
        for edge in [index, index + count] {
            if let Some(sent) = self.sent.get_mut(edge) {
                sent.follows = false;
            }
        }
        count
    }

    /// Notes that a segment was sent again; returns it.
    pub(crate) fn note_resent(&mut self, index: usize, now: Instant, delivered: u32) -> Option<Sent> {
        let sent = self.sent.get_mut(index)?;
        sent.retransmitted = true;
        sent.at = now;
        sent.delivered = delivered;
        Some(sent.clone())
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut Sent> {
        self.sent.get_mut(index)
    }

    /// Joins the segment with the following ones as long as they fit into `mss`, as Linux does before it repeats one.
    pub(crate) fn collapse(&mut self, index: usize, mss: u32, limit: SeqNum) {
        while let (Some(one), Some(next)) = (self.sent.get(index), self.sent.get(index + 1)) {
            let data = next.end.min(self.data_end()).beyond(one.start);
            let ended = self.records.contains(&one.end);
            if data > mss || next.end.after(limit) || next.sacked || next.resent || ended {
                break;
            }
            let (end, fin) = (next.end, next.fin);
            self.sent.remove(index + 1);
            if let Some(one) = self.sent.get_mut(index) {
                one.end = end;
                one.fin = fin;
            }
        }
    }

    /// Cuts a segment in flight that is longer than `mss`.
    pub(crate) fn split(&mut self, index: usize, mss: u32) {
        let Some(sent) = self.sent.get_mut(index) else {
            return;
        };
        if sent.end - sent.start <= mss + u32::from(sent.fin) {
            return;
        }
        let mut rest = sent.clone();
        sent.end = sent.start + mss;
        sent.fin = false;
        rest.start = sent.end;
        rest.follows = true;
        self.sent.insert(index + 1, rest);
    }
}
