//! What every decision may look at besides the connection itself.

use alloc::collections::BTreeMap;
use core::net::IpAddr;

use crate::counters::Tally;
use crate::settings::Settings;
use crate::time::Instant;

/// The clock that timestamp options carry: one tick a millisecond (`RFC7323/5.4b`), from a start that the seed chose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimestampClock {
    pub(crate) offset: u32,
}

impl TimestampClock {
    pub(crate) fn at(self, now: Instant) -> u32 {
        // The clock is a circle of 32 bits.
        self.offset.wrapping_add(now.as_millis() as u32)
    }
}

/// What ICMP told about the way to an address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path {
    pub(crate) mtu: u16,
    /// When it is forgotten.
    pub(crate) until: Instant,
}

/// What is known of the ways to peers.
pub(crate) type Paths = BTreeMap<IpAddr, Path>;

/// The world at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Env<'a> {
    pub(crate) now: Instant,
    pub(crate) settings: &'a Settings,
    pub(crate) mtu: u16,
    pub(crate) clock: TimestampClock,
    pub(crate) tally: &'a Tally,
    pub(crate) paths: &'a Paths,
}

impl Env<'_> {
    /// The largest packet that gets through to this address, as far as is known. RFC8201/4a
    pub(crate) fn path_mtu(&self, remote: IpAddr) -> u16 {
        match self.paths.get(&remote) {
            Some(path) if self.now < path.until => path.mtu.min(self.mtu),
            Some(_) | None => self.mtu,
        }
    }

    pub(crate) fn timestamp(&self) -> u32 {
        self.clock.at(self.now)
    }
}
