//! `SO_TIMESTAMPING`: when the last byte of what a call wrote was sent, and acknowledged.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::connection::Connection;
use super::env::Env;
use crate::time::Instant;
use crate::wire::seq::SeqNum;

/// Flags of `SO_TIMESTAMPING`.
pub(crate) const TX_SOFTWARE: u32 = 1 << 1;
pub(crate) const SOFTWARE: u32 = 1 << 4;
pub(crate) const OPT_ID: u32 = 1 << 7;
pub(crate) const TX_SCHED: u32 = 1 << 8;
pub(crate) const TX_ACK: u32 = 1 << 9;

/// What a stamp tells, with Linux's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum StampKind {
    Sent = 0,
    Scheduled = 1,
    Acknowledged = 2,
}

/// A moment to be told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    pub(crate) kind: StampKind,
    pub(crate) at: Instant,
    /// The number of the byte, counted from where the program began to count.
    pub(crate) key: u32,
}

/// A byte the way of which is told.
#[derive(Clone, Copy, Debug)]
struct Mark {
    seq: SeqNum,
    flags: u32,
    sent: bool,
}

/// Bytes on their way, and what is to be told of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stamps {
    marks: VecDeque<Mark>,
    told: Vec<Stamp>,
}

impl Stamps {
    pub(crate) fn take(&mut self) -> Vec<Stamp> {
        core::mem::take(&mut self.told)
    }
}

impl Connection {
    /// A call ends with the last byte written.
    pub(super) fn mark_for_stamps(&mut self) {
        let flags = self.knobs.stamping & (TX_SOFTWARE | TX_SCHED | TX_ACK);
        if flags == 0 {
            return;
        }
        let seq = self.queue.data_end() - 1;
        let sent = seq.before(self.send.nxt);
        // One packet tells of one byte.
        let block = self.queue.block_end(seq);
        self.stamps.marks.retain(|mark| mark.sent || self.queue.block_end(mark.seq) != block);
        self.stamps.marks.push_back(Mark { seq, flags, sent });
    }

    fn stamp(&mut self, env: &Env<'_>, kind: StampKind, seq: SeqNum) {
        let base = self.knobs.stamp_base.filter(|_| self.knobs.stamping & OPT_ID != 0);
        let key = base.map_or(0, |base| seq - base);
        self.stamps.told.push(Stamp { kind, at: env.now, key });
    }

    /// A segment leaves for the first time.
    pub(super) fn stamp_sent(&mut self, env: &Env<'_>, start: SeqNum, end: SeqNum) {
        let mut found = Vec::new();
        for mark in self.stamps.marks.iter_mut().filter(|mark| !mark.sent) {
            if !mark.seq.before(start) && mark.seq.before(end) {
                mark.sent = true;
                found.push(*mark);
            }
        }
        for Mark { seq, flags, .. } in found {
            if flags & TX_SCHED != 0 {
                self.stamp(env, StampKind::Scheduled, seq);
            }
            if flags & TX_SOFTWARE != 0 {
                self.stamp(env, StampKind::Sent, seq);
            }
        }
    }

    /// Everything before the oldest unacknowledged number arrived.
    pub(super) fn stamp_acknowledged(&mut self, env: &Env<'_>) {
        while let Some(Mark { seq, flags, .. }) = self.stamps.marks.front().copied() {
            if !seq.before(self.send.una) {
                break;
            }
            self.stamps.marks.pop_front();
            if flags & TX_ACK != 0 {
                self.stamp(env, StampKind::Acknowledged, seq);
            }
        }
    }
}
