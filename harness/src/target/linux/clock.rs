//! The time of a target: nanoseconds of CLOCK_MONOTONIC since it was made.
//!
//! Packets are stamped with CLOCK_REALTIME; the kernel offers no other clock there. A stamp is converted with the
//! distance of the two clocks when the packet is read, a moment after it was stamped. That follows a clock that is
//! slewed, and notices one that is set.

use std::sync::OnceLock;

use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_getres, clock_gettime, clock_nanosleep};

use crate::time::Timestamp;

/// So often a tick is waited for to know where they are.
const LOOKS: usize = 12;
/// A tick is noticed so soon, if nothing comes in between.
const SOON: i64 = 60_000;

/// Beyond this change of distance between two reads the real-time clock was set: 1 ms, and 1 ms for each second
/// between them (the kernel slews by half of that at most).
const STEP: i64 = 1_000_000;

/// So long before its start a clock may be made that starts at a tick.
const AHEAD: i64 = 2_000_000;
/// So long after a tick it starts, in a place where what scripts do next is far from the next tick, too: 0.75 ms,
/// or a quarter of a jiffy where that is less. packetdrill starts 0.25 ms after one and takes longer for what it does.
const AFTER_TICK: i64 = 750_000;

/// Counts from the moment the target was made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: i64,
}

impl Clock {
    /// A clock that starts now.
    pub(super) fn start() -> Self {
        Self { start: monotonic() }
    }

    /// A clock that starts in a few milliseconds, a moment after a tick: what the kernel rounds to ticks, it then always
    /// rounds alike.
    pub(super) fn start_between_ticks() -> Self {
        let (jiffy, tick) = (jiffy(), tick());
        let soon = monotonic() + AHEAD;
        Self { start: soon + (tick + after_tick() - soon).rem_euclid(jiffy) }
    }

    /// The present moment.
    pub(super) fn now(self) -> Timestamp {
        Timestamp(monotonic() - self.start)
    }

    /// The Unix time of the moment it started, in nanoseconds, by the present distance of the clocks.
    pub(super) fn epoch(self) -> u64 {
        u64::try_from(self.start.saturating_add(Offset::sample().nanos)).unwrap_or(0)
    }

    /// A moment as CLOCK_MONOTONIC has it.
    pub(super) const fn absolute(self, at: Timestamp) -> i64 {
        self.start.saturating_add(at.0)
    }
}

/// How far CLOCK_REALTIME is ahead of CLOCK_MONOTONIC.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offset {
    nanos: i64,
    sampled: i64,
}

impl Offset {
    /// The distance now.
    pub(super) fn sample() -> Self {
        let before = monotonic();
        let real = nanos(ClockId::CLOCK_REALTIME);
        let after = monotonic();
        let sampled = before + (after - before) / 2;
        Self { nanos: real - sampled, sampled }
    }

    /// Samples again; whether the real-time clock was set meanwhile.
    pub(super) fn update(&mut self) -> bool {
        let last = std::mem::replace(self, Self::sample());
        let between = (self.sampled - last.sampled).max(0);
        (self.nanos - last.nanos).abs() > STEP + between / 1_000
    }

    /// As if the real-time clock had been set by so much since the last sample.
    #[cfg(test)]
    pub(super) fn step(&mut self, nanos: i64) {
        self.nanos -= nanos;
    }

    /// A stamp of the real-time clock as the target's time.
    pub(super) const fn convert(self, stamp: i64, clock: Clock) -> Timestamp {
        Timestamp(stamp - self.nanos - clock.start)
    }
}

/// CLOCK_MONOTONIC in nanoseconds.
pub(super) fn monotonic() -> i64 {
    nanos(ClockId::CLOCK_MONOTONIC)
}

/// Sleeps for so many nanoseconds; says how much longer it took.
pub(super) fn nap(length: i64) -> i64 {
    let due = monotonic() + length;
    let at = TimeSpec::new(due / 1_000_000_000, due % 1_000_000_000);
    let clock = ClockId::CLOCK_MONOTONIC;
    // A signal that ends it early does no harm.
    let _ = clock_nanosleep(clock, ClockNanosleepFlags::TIMER_ABSTIME, &at);
    monotonic() - due
}

/// One jiffy in nanoseconds. The coarse clocks advance once a tick, and the kernel gives the length of a tick as
/// their resolution: exactly what CONFIG_HZ says, without a file to find.
pub(super) fn jiffy() -> i64 {
    clock_getres(ClockId::CLOCK_MONOTONIC_COARSE)
        .map(|length| length.tv_sec() * 1_000_000_000 + length.tv_nsec())
        .ok()
        .filter(|length| (100_000..=10_000_000).contains(length))
        .unwrap_or(10_000_000)
}

/// How long after a tick to start.
fn after_tick() -> i64 {
    AFTER_TICK.min(jiffy() / 4)
}

/// A moment at which the kernel's timers were looked at. All others are whole jiffies away.
fn tick() -> i64 {
    static TICK: OnceLock<i64> = OnceLock::new();
    *TICK.get_or_init(|| {
        let looks: Vec<i64> = (0..LOOKS).map(|_| look()).collect();
        likeliest(&looks, jiffy())
    })
}

/// Waits for a tick: when the coarse clock was first seen to have moved on, which it does at ticks and rarely else. It
/// may be seen late, by whom is interrupted or because the processor that keeps the time was.
fn look() -> i64 {
    let before = nanos(ClockId::CLOCK_MONOTONIC_COARSE);
    let latest = monotonic() + 3 * jiffy();
    loop {
        let moved = nanos(ClockId::CLOCK_MONOTONIC_COARSE) != before;
        let now = monotonic();
        if moved || now > latest {
            return now;
        }
    }
}

/// Of moments most of which are at or a little after ticks: the one that most others are soon after. One that was late
/// itself, or at which the clock was set right between ticks, stands alone.
fn likeliest(looks: &[i64], jiffy: i64) -> i64 {
    let late = |tick: i64| looks.iter().map(move |look| (look - tick).rem_euclid(jiffy));
    let company = |tick: i64| late(tick).filter(|late| *late < SOON).count();
    looks.iter().copied().max_by_key(|&look| (company(look), -late(look).sum::<i64>())).unwrap_or(0)
}

fn nanos(clock: ClockId) -> i64 {
    // These clocks exist since Linux 2.6; reading them cannot fail.
    clock_gettime(clock).map_or(0, |time| time.tv_sec() * 1_000_000_000 + time.tv_nsec())
}

#[cfg(test)]
mod tests {
    use super::{Clock, Offset, STEP, after_tick, jiffy, likeliest, tick};

    #[test]
    fn a_set_clock_is_noticed_and_a_slewed_one_is_not() {
        let mut offset = Offset::sample();
        assert!(!offset.update());
        offset.step(2 * STEP);
        assert!(offset.update());
        offset.step(STEP / 2);
        assert!(!offset.update());
    }

    #[test]
    fn stamps_convert_to_the_time_of_the_target() {
        let clock = Clock::start();
        let offset = Offset::sample();
        let stamp = clock.start + offset.nanos + 5_000;
        assert_eq!(offset.convert(stamp, clock).0, 5_000);
    }

    #[test]
    fn a_clock_starts_between_two_ticks() {
        for _ in 0..3 {
            let clock = Clock::start_between_ticks();
            assert!(clock.now().0 < 0, "it starts in a moment");
            let after = (clock.start - tick()).rem_euclid(jiffy());
            assert_eq!(after, after_tick());
        }
    }

    #[test]
    fn ticks_are_found_among_moments_that_are_late() {
        let jiffy = 4_000_000;
        // Late by so much, one early, wherever in a jiffy the ticks are.
        let late = [900_000, 70_000, 20_000, 2_500_000, 25_000, -350_000, 1_100_000];
        for phase in [0, 18_000, 2_000_000, 3_999_000] {
            let looks: Vec<i64> =
                late.iter().zip(1_000..).map(|(late, tick)| phase + tick * jiffy + late).collect();
            let found = (likeliest(&looks, jiffy) - phase).rem_euclid(jiffy);
            assert_eq!(found, 20_000, "ticks at {phase}");
        }
    }

    #[test]
    fn a_jiffy_is_one_of_those_linux_is_built_with() {
        assert!(
            [1_000_000, 3_333_333, 4_000_000, 10_000_000]
                .iter()
                .any(|length: &i64| (jiffy() - length).abs() < 10_000),
            "{}",
            jiffy()
        );
    }
}
