//! Our window: how much the peer may send.

use super::env::Env;
use super::handshake::Knobs;
use crate::wire::options::MAX_WINDOW_SCALE;
use crate::wire::seq::SeqNum;

const UNSCALED_MAX: u32 = 65535;

/// What was offered to the peer, and what bounds the next offer.
///
/// As in Linux: memory is accounted twice the bytes, the window grows into the buffer as data arrives, and its right
/// edge never moves left. Unlike Linux the buffer itself does not grow while the program reads.
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
    /// Bytes of data that the buffer holds.
    space: u32,
    /// The most that will be advertised for now.
    threshold: u32,
    /// The most that will ever be.
    clamp: u32,
}

impl ReceiveWindow {
    /// The window of a SYN or SYN-ACK; `mss` is the payload of a full segment.
    pub(crate) fn new(env: &Env<'_>, knobs: &Knobs, mss: u32, scaling: bool) -> Self {
        let space = knobs.receive_space(env);
        let clamp = if knobs.receive_buffer.is_some() { space } else { UNSCALED_MAX << MAX_WINDOW_SCALE };
        let clamp = clamp.min(knobs.window_clamp.unwrap_or(u32::MAX));
        let space = space.min(clamp);
        let advertised = if space > mss { space - space % mss } else { space };
        let most = space.max(env.settings.rmem[2]).min(clamp);
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
            space,
            threshold: advertised.min(clamp),
            clamp,
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
        self.clamp = self.clamp.min(self.space);
        if self.clamp > 2 * mss && self.clamp + mss > self.space {
            self.clamp = (2 * mss).max(self.space - mss);
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

    /// A segment of `length` bytes arrived in order while `held` bytes wait to be read: the window grows into the
    /// free part of the buffer. Returns whether it grew.
    pub(crate) fn grow(&mut self, length: u32, held: u32, mss: u32) -> bool {
        let room = self.clamp.min(self.space.saturating_sub(held)).saturating_sub(self.threshold);
        self.threshold += room.min((2 * mss).max(2 * length));
        room > 0
    }

    /// The window that would be offered now, in bytes. RFC9293/MUST-39
    pub(crate) fn select(&self, held: u32, peer_mss: u32) -> u32 {
        let full = self.clamp.min(self.space);
        let mss = peer_mss.min(full);
        let mut free = self.space.saturating_sub(held);
        if free < full / 2 {
            free &= !((1 << self.scale) - 1);
            if free < self.space / 16 || free < mss {
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
    pub(crate) fn is_tight(&self, held: u32) -> bool {
        self.space.saturating_sub(held) < self.clamp.min(self.space) / 2
    }

    /// Settles the next offer and returns the header's field. RFC9293/SHLD-14
    pub(crate) fn advertise(&mut self, held: u32, peer_mss: u32) -> u16 {
        let left = self.left();
        let mut window = self.select(held, peer_mss);
        if window < left {
            window = left.next_multiple_of(1 << self.scale);
        }
        self.advertised = window;
        self.advertised_at = self.nxt;
        (window.min(UNSCALED_MAX << self.scale) >> self.scale) as u16
    }
}
