//! What a connection that has something to send spends its time with, as Linux tells it in `TCP_INFO`.

use core::time::Duration;

use crate::time::Instant;

/// Linux's clock.
const TICK: Duration = Duration::from_millis(4);

/// Why it takes so long. Of several reasons the highest counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// There is nothing to send.
    #[default]
    Idle,
    /// Something is to be sent, or to be acknowledged.
    Busy,
    /// The peer's window is closed to it.
    Closed,
}

/// The present reason, and how long each one lasted.
#[derive(Clone, Debug, Default)]
pub(super) struct Chronograph {
    why: Why,
    since: u64,
    /// Ticks spent for [`Why::Busy`] and [`Why::Closed`].
    spent: [u64; 2],
}

fn tick(now: Instant) -> u64 {
    now.as_nanos() / TICK.as_nanos() as u64
}

impl Chronograph {
    fn turn(&mut self, now: Instant, why: Why) {
        let now = tick(now);
        self.spent = self.spent_until(now);
        self.since = now;
        self.why = why;
    }

    fn spent_until(&self, now: u64) -> [u64; 2] {
        let [busy, closed] = self.spent;
        let elapsed = now - self.since;
        match self.why {
            Why::Idle => [busy, closed],
            Why::Busy => [busy + elapsed, closed],
            Why::Closed => [busy, closed + elapsed],
        }
    }

    pub(super) fn start(&mut self, now: Instant, why: Why) {
        if why > self.why {
            self.turn(now, why);
        }
    }

    /// The reason is gone; `done` if nothing is left to be sent or acknowledged.
    pub(super) fn stop(&mut self, now: Instant, why: Why, done: bool) {
        if done {
            self.turn(now, Why::Idle);
        } else if why == self.why {
            self.turn(now, Why::Busy);
        }
    }

    /// How long there was something to send, for whatever reason it took time, and how long the peer's window was
    /// closed to it.
    pub(super) fn read(&self, now: Instant) -> [Duration; 2] {
        let [busy, closed] = self.spent_until(tick(now));
        [busy + closed, closed].map(|ticks| TICK.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Chronograph, Why};
    use crate::time::Instant;
    use core::time::Duration;

    #[test]
    fn the_highest_reason_counts_and_all_are_busy_time() {
        let at = |millis| Instant::ZERO + Duration::from_millis(millis);
        let mut chronograph = Chronograph::default();
        chronograph.start(at(100), Why::Busy);
        chronograph.start(at(120), Why::Closed);
        chronograph.start(at(140), Why::Busy);
        assert_eq!(chronograph.read(at(160)).map(|time| time.as_millis()), [60, 40]);
        chronograph.stop(at(160), Why::Busy, false);
        chronograph.stop(at(200), Why::Closed, false);
        chronograph.stop(at(220), Why::Busy, true);
        assert_eq!(chronograph.read(at(400)).map(|time| time.as_millis()), [120, 80]);
    }
}
