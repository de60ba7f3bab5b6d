//! Our window: how much the peer may send.

use super::env::Env;
use super::handshake::Knobs;
use crate::wire::options::MAX_WINDOW_SCALE;
use crate::wire::seq::SeqNum;

const UNSCALED_MAX: u32 = 65535;
/// Before anything is known, half of the memory is for data.
const RATIO: u32 = 128;
/// `net.core.rmem_max`, which bounds what programs ask for: a buffer may grow so large.
const RMEM_MAX: u32 = 4_194_304;
/// Half of the smallest buffer.
const LEAST_CLAMP: u32 = 1152;

/// Bytes of data that fit into so much memory.
fn holds(memory: u32, ratio: u32) -> u32 {
    (u64::from(memory) * u64::from(ratio) / 256) as u32
}

/// A segment with data, in bytes of data and of memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    pub(crate) length: u32,
    pub(crate) charge: u32,
}

/// What was offered to the peer, and what bounds the next offer.
///
/// As in Linux: what data costs in memory is learnt from what comes, the window grows into the buffer as data arrives,
/// and its right edge never moves left.
#[derive(Clone, Debug)]
pub(crate) struct ReceiveWindow {
    /// The next number expected.
    pub(crate) nxt: SeqNum,
    /// `nxt` when the window was last advertised.
    pub(crate) advertised_at: SeqNum,
    /// The window last advertised, in bytes.
    pub(crate) advertised: u32,
    /// The shift of windows we advertise. Offered in the SYN, in force when agreed.
    pub(crate) scale: u8,
    /// Bytes of memory.
    buffer: u32,
    /// How many of 256 bytes of memory hold data, as far as is known.
    ratio: u32,
    /// The most that will be advertised for now.
    threshold: u32,
    /// The most that will ever be.
    clamp: u32,
    /// Something was dropped for lack of memory: the next offer is none.
    closed: bool,
}

impl ReceiveWindow {
    /// The window of a SYN or SYN-ACK; `mss` is the payload of a full segment.
    pub(crate) fn new(env: &Env<'_>, knobs: &Knobs, mss: u32, scaling: bool) -> Self {
        let buffer = knobs.receive_buffer.unwrap_or(env.settings.rmem[1]);
        let space = holds(buffer, RATIO);
        let clamp = if knobs.receive_buffer.is_some() { space } else { UNSCALED_MAX << MAX_WINDOW_SCALE };
        let clamp = clamp.min(knobs.window_clamp.unwrap_or(u32::MAX));
        let space = space.min(clamp);
        let advertised = if space > mss { space - space % mss } else { space };
        let most = space.max(env.settings.rmem[2]).max(RMEM_MAX).min(clamp);
        // RFC7323/2.3a
        let scale = if scaling {
            most.max(1).ilog2().saturating_sub(15).min(u32::from(MAX_WINDOW_SCALE)) as u8
        } else {
            0
        };
        let clamp = clamp.min(UNSCALED_MAX << scale);
        Self {
            nxt: SeqNum(0),
            advertised_at: SeqNum(0),
            advertised: advertised.min(clamp),
            scale,
            buffer,
            ratio: RATIO,
            threshold: advertised.min(clamp),
            clamp,
            closed: false,
        }
    }

    /// The field of a SYN, which is never scaled. RFC7323/2.2d
    pub(crate) fn syn_field(&self) -> u16 {
        u16::try_from(self.advertised).unwrap_or(u16::MAX)
    }

    /// The peer's SYN came: its numbers begin, and scaling is settled.
    pub(crate) fn begin(&mut self, irs: SeqNum, scaled: bool) {
        self.nxt = irs + 1;
        self.advertised_at = self.nxt;
        if !scaled {
            self.scale = 0;
            self.clamp = self.clamp.min(UNSCALED_MAX);
            self.advertised = self.advertised.min(UNSCALED_MAX);
        }
    }

    /// The handshake is over: one segment of the buffer is kept in reserve.
    pub(crate) fn establish(&mut self, mss: u32) {
        let space = self.full();
        self.clamp = self.clamp.min(space);
        if self.clamp > 2 * mss && self.clamp + mss > space {
            self.clamp = (2 * mss).max(space.saturating_sub(mss));
        }
        self.threshold = self.threshold.min(self.clamp);
    }

    /// `setsockopt(TCP_WINDOW_CLAMP)` on a connection.
    pub(crate) fn set_clamp(&mut self, clamp: u32) {
        let shrinks = clamp < self.clamp;
        self.clamp = clamp;
        self.threshold =
            if shrinks { self.threshold.min(clamp) } else { self.threshold.max(self.advertised.min(clamp)) };
    }

    pub(crate) fn threshold(&self) -> u32 {
        self.threshold
    }

    pub(crate) fn clamp(&self) -> u32 {
        self.clamp
    }

    /// What is left of the window last advertised.
    pub(crate) fn left(&self) -> u32 {
        (self.advertised_at + self.advertised).beyond(self.nxt)
    }

    /// The number after the last one that may come.
    pub(crate) fn right_edge(&self) -> SeqNum {
        self.nxt + self.left()
    }

    /// What the whole buffer holds, in bytes of data.
    fn full(&self) -> u32 {
        holds(self.buffer, self.ratio)
    }

    /// What is free beside data that costs `charged`.
    fn free(&self, charged: u32) -> u32 {
        holds(self.buffer.saturating_sub(charged), self.ratio)
    }

    pub(crate) fn buffer(&self) -> u32 {
        self.buffer
    }

    /// `setsockopt(SO_RCVBUF)` on a connection.
    pub(crate) fn set_buffer(&mut self, buffer: u32) {
        self.buffer = buffer;
    }

    /// Segments of `length` bytes, which cost so much, are what the peer sends from now on. Returns the new clamp if
    /// there is one.
    pub(crate) fn learn(&mut self, length: u32, charge: u32) -> Option<u32> {
        let ratio = (u64::from(length) * 256 / u64::from(charge)).clamp(1, 255) as u32;
        if ratio == self.ratio {
            return None;
        }
        self.ratio = ratio;
        self.set_clamp(self.full().max(LEAST_CLAMP));
        Some(self.clamp)
    }

    /// Makes the buffer large enough for so many bytes of data, and the clamp with it.
    pub(crate) fn enlarge(&mut self, window: u64, most: u32) {
        let buffer = (window * 256 / u64::from(self.ratio)).min(u64::from(most)) as u32;
        if buffer > self.buffer {
            self.buffer = buffer;
            self.clamp = self.full();
        }
    }

    /// If more memory is taken than the buffer has, it grows as far as it may, else the window shrinks to two segments.
    /// Returns whether there is too little still.
    pub(crate) fn overflow(&mut self, charged: u32, fixed: bool, most: u32, mss: u32) -> bool {
        if charged <= self.buffer {
            return false;
        }
        if !fixed && self.buffer < most {
            self.buffer = charged.min(most);
        }
        if charged > self.buffer {
            self.threshold = self.clamp.min(2 * mss);
        }
        charged > self.buffer
    }

    /// The next offer is none at all, whatever was offered before.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// A segment arrived, and what waits costs `charged`: the window grows into the free part of the buffer, if
    /// segments like this one fit there. Returns whether it grew.
    pub(crate) fn grow(
        &mut self,
        arrived: Arrived,
        charged: u32,
        (our_mss, peer_mss): (u32, u32),
        most: u32,
    ) -> bool {
        let Arrived { length, charge } = arrived;
        let room = self.clamp.min(self.free(charged)).saturating_sub(self.threshold);
        if room == 0 {
            return false;
        }
        let growth = if holds(charge, self.ratio) <= length {
            2 * our_mss
        } else if self.is_worth(arrived, most) {
            2 * peer_mss
        } else {
            return false;
        };
        self.threshold += room.min(growth.max(2 * length));
        true
    }

    /// Whether segments that waste memory may still widen the window: the smaller it is, the more they may.
    fn is_worth(&self, arrived: Arrived, most: u32) -> bool {
        let mut cost = holds(arrived.charge, self.ratio) / 2;
        let mut window = holds(most, self.ratio) / 2;
        while self.threshold <= window {
            if cost <= arrived.length {
                return true;
            }
            cost /= 2;
            window /= 2;
        }
        false
    }

    /// The window that would be offered now, in bytes. RFC9293/MUST-39
    pub(crate) fn select(&self, charged: u32, peer_mss: u32) -> u32 {
        let full = self.clamp.min(self.full());
        let mss = peer_mss.min(full);
        let mut free = self.free(charged);
        if free < full / 2 {
            free &= !((1 << self.scale) - 1);
            if free < self.full() / 16 || free < mss {
                return 0;
            }
        }
        let free = free.min(self.threshold);
        if self.scale != 0 {
            return free.next_multiple_of(1 << self.scale);
        }
        // Without scaling the offer is a multiple of the peer's segments and moves by whole ones.
        let window = self.advertised;
        if window > free || free - window >= mss {
            return free - free % mss.max(1);
        }
        if mss == full && free > window + full / 2 { free } else { window }
    }

    /// Whether the next offer reduces the peer's acknowledgement traffic to nothing: the buffer is over half full.
    pub(crate) fn is_tight(&self, charged: u32) -> bool {
        self.free(charged) < self.clamp.min(self.full()) / 2
    }

    /// Settles the next offer and returns the header's field. RFC9293/SHLD-14
    pub(crate) fn advertise(&mut self, charged: u32, peer_mss: u32) -> u16 {
        if core::mem::take(&mut self.closed) {
            self.advertised = 0;
            self.advertised_at = self.nxt;
            return 0;
        }
        let left = self.left();
        let mut window = self.select(charged, peer_mss);
        if window < left {
            window = left.next_multiple_of(1 << self.scale);
        }
        self.advertised = window;
        self.advertised_at = self.nxt;
        (window.min(UNSCALED_MAX << self.scale) >> self.scale) as u16
    }
}
