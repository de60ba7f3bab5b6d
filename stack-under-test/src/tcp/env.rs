//! What every decision may look at besides the connection itself.

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

/// The world at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Env<'a> {
    pub(crate) now: Instant,
    pub(crate) settings: &'a Settings,
    pub(crate) mtu: u16,
    pub(crate) clock: TimestampClock,
    pub(crate) tally: &'a Tally,
}

impl Env<'_> {
    pub(crate) fn timestamp(&self) -> u32 {
        self.clock.at(self.now)
    }
}
