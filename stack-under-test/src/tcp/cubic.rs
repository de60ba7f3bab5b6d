//! CUBIC (RFC 9438) with HyStart, in segments and ticks, as Linux counts.

use core::time::Duration;

use crate::time::Instant;
use crate::wire::seq::SeqNum;

/// RFC9438/4.6: what is left of the window, in 1024ths.
const BETA: u64 = 717;
const ONE: u64 = 1024;
/// RFC9438/4.1: 0.4, in 1024ths.
const C: u64 = 410;
/// A window that is estimated grows by this in a round trip: the AIMD of RFC9438/4.3, in eighths of its inverse.
const FRIENDLY: u64 = 8 * (ONE + BETA) / 3 / (ONE - BETA);
/// Linux's clock.
const TICK: Duration = Duration::from_millis(4);
const TICKS_PER_SECOND: u64 = 250;
/// A target holds for so many ticks as long as the window does not change.
const TARGET_LIFE: u64 = TICKS_PER_SECOND / 32;
/// No more than half a segment for each that arrived.
const FASTEST: u32 = 2;
/// While the bandwidth is unknown the window grows at least by a twentieth in a round trip.
const BLIND: u32 = 20;

/// HyStart looks at windows from here on.
const LOW_WINDOW: u32 = 16;
const SAMPLES: u32 = 8;
const TRAIN_GAP: Duration = Duration::from_millis(2);
const DELAY_LEAST: Duration = Duration::from_millis(4);
const DELAY_MOST: Duration = Duration::from_millis(16);

/// Bits of `hystart_detect`.
const BY_TRAIN: u32 = 1;
const BY_DELAY: u32 = 2;

/// Why slow start ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// Acknowledgements come close together for as long as half of the way.
    Train,
    /// The round trips get longer.
    Delay,
}

/// What the window is steered by.
#[derive(Clone, Debug)]
pub(super) struct Cubic {
    /// Acknowledged segments for which the window grows by one.
    count: u32,
    /// The window at the last loss; none if there was none.
    last_max: u32,
    last_window: u32,
    computed_at: u64,
    origin: u32,
    /// Until the origin is reached, in 1024ths of a second.
    k: u64,
    shortest: Option<Duration>,
    /// The tick at which growth began after the last loss.
    epoch: Option<u64>,
    /// Segments acknowledged, and the window that Reno would have for them.
    acknowledged: u64,
    friendly: u32,
    start: HyStart,
}

/// The round that slow start is in.
#[derive(Clone, Debug)]
struct HyStart {
    found: bool,
    began: Instant,
    last_close: Instant,
    end: SeqNum,
    shortest: Option<Duration>,
    samples: u32,
}

impl HyStart {
    fn round(now: Instant, nxt: SeqNum, found: bool) -> Self {
        Self { found, began: now, last_close: now, end: nxt, shortest: None, samples: 0 }
    }
}

fn tick(now: Instant) -> u64 {
    now.as_nanos() / TICK.as_nanos() as u64
}

/// The largest number whose cube is not larger.
fn cube_root(value: u64) -> u64 {
    let (mut low, mut high) = (0u64, 1 << 21);
    while high - low > 1 {
        let middle = low.midpoint(high);
        if middle * middle * middle <= value { low = middle } else { high = middle }
    }
    low
}

impl Cubic {
    pub(super) fn new(now: Instant, nxt: SeqNum) -> Self {
        Self {
            count: 0,
            last_max: 0,
            last_window: 0,
            computed_at: 0,
            origin: 0,
            k: 0,
            shortest: None,
            epoch: None,
            acknowledged: 0,
            friendly: 0,
            start: HyStart::round(now, nxt, false),
        }
    }

    /// Something was lost: returns the threshold. RFC9438/4.6, RFC9438/4.7
    pub(super) fn reduce(&mut self, window: u32) -> u32 {
        self.epoch = None;
        let share = |part: u64, of: u64| (u64::from(window) * part / of) as u32;
        self.last_max = if window < self.last_max { share(ONE + BETA, 2 * ONE) } else { window };
        share(BETA, ONE).max(2)
    }

    /// Nothing was sent for some time: that time does not count.
    pub(super) fn was_idle(&mut self, now: Instant, idle: Duration) {
        let ticks = (idle.as_nanos() / TICK.as_nanos()) as u64;
        self.epoch = self.epoch.map(|epoch| (epoch + ticks).min(tick(now)));
    }

    /// `segments` were acknowledged beyond slow start; returns for how many of them the window grows by one.
    pub(super) fn pace(&mut self, now: Instant, window: u32, segments: u32) -> u32 {
        let now = tick(now);
        self.acknowledged += u64::from(segments);
        if self.last_window == window && now - self.computed_at <= TARGET_LIFE {
            return self.count.max(FASTEST);
        }
        // At most once in a tick.
        if self.epoch.is_none() || now != self.computed_at {
            self.last_window = window;
            self.computed_at = now;
            let epoch = self.epoch.unwrap_or_else(|| self.begin(now, window, segments));
            self.count = self.count_to(self.target(now - epoch), window);
        }
        self.be_friendly(window);
        self.count = self.count.max(FASTEST);
        self.count
    }

    /// RFC9438/4.2, RFC9438/4.8
    fn begin(&mut self, now: u64, window: u32, segments: u32) -> u64 {
        self.epoch = Some(now);
        self.acknowledged = segments.into();
        self.friendly = window;
        let below = u64::from(self.last_max.saturating_sub(window));
        self.k = cube_root((1 << 40) / C * below);
        self.origin = self.last_max.max(window);
        now
    }

    /// The window a round trip from now, `ticks` after growth began. RFC9438/4.2
    fn target(&self, ticks: u64) -> u32 {
        let way = self.shortest.unwrap_or_default().as_nanos().div_ceil(TICK.as_nanos()) as u64;
        let time = ((ticks + way) << 10) / TICKS_PER_SECOND;
        let offset = u128::from(time.abs_diff(self.k));
        let delta = (u128::from(C) * offset * offset * offset) >> 40;
        let delta = u32::try_from(delta).unwrap_or(u32::MAX);
        if time < self.k { self.origin.saturating_sub(delta) } else { self.origin.saturating_add(delta) }
    }

    fn count_to(&self, target: u32, window: u32) -> u32 {
        let count = match target.checked_sub(window) {
            // RFC9438/4.5
            Some(above) if above > 0 => window / above,
            Some(_) | None => window.saturating_mul(100),
        };
        if self.last_max == 0 { count.min(BLIND) } else { count }
    }

    /// RFC9438/4.3
    fn be_friendly(&mut self, window: u32) {
        let each = (u64::from(window) * FRIENDLY) >> 3;
        // A whole multiple waits for the next acknowledgement, as in Linux.
        if let Some(grown) = self.acknowledged.saturating_sub(1).checked_div(each) {
            self.acknowledged -= grown * each;
            self.friendly += grown as u32;
        }
        if let Some(most) = window.checked_div(self.friendly.saturating_sub(window)) {
            self.count = self.count.min(most);
        }
    }

    /// A round trip was measured; returns why slow start is to end, if it is. `slack` is the time that the network may
    /// hold acknowledgements together; `exits` are the reasons that count.
    pub(super) fn measured(
        &mut self,
        now: Instant,
        rtt: Duration,
        (window, in_slow_start): (u32, bool),
        (una, nxt): (SeqNum, SeqNum),
        (slack, exits): (Duration, u32),
    ) -> Option<Exit> {
        // Right after a recovery the queue is not empty.
        if self.epoch.is_some_and(|epoch| tick(now) - epoch < TICKS_PER_SECOND) {
            return None;
        }
        let rtt = rtt.max(Duration::from_micros(1));
        let shortest = self.shortest.map_or(rtt, |shortest| shortest.min(rtt));
        self.shortest = Some(shortest);
        if self.start.found || !in_slow_start {
            return None;
        }
        if una.after(self.start.end) {
            self.start = HyStart::round(now, nxt, false);
        }
        if window < LOW_WINDOW {
            return None;
        }
        let train = exits & BY_TRAIN != 0 && self.is_train(now, shortest, slack);
        let delay = exits & BY_DELAY != 0 && self.is_delayed(rtt, shortest);
        self.start.found = train || delay;
        if train { Some(Exit::Train) } else { delay.then_some(Exit::Delay) }
    }

    fn is_train(&mut self, now: Instant, shortest: Duration, slack: Duration) -> bool {
        let close = now - self.start.last_close <= TRAIN_GAP;
        if close {
            self.start.last_close = now;
        }
        close && now - self.start.began > (shortest + slack) / 2
    }

    fn is_delayed(&mut self, rtt: Duration, shortest: Duration) -> bool {
        let round = self.start.shortest.map_or(rtt, |round| round.min(rtt));
        self.start.shortest = Some(round);
        if self.start.samples < SAMPLES {
            self.start.samples += 1;
            return false;
        }
        round > shortest + (shortest / 8).clamp(DELAY_LEAST, DELAY_MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::{Cubic, Exit, cube_root};
    use crate::time::Instant;
    use crate::wire::seq::SeqNum;
    use core::time::Duration;

    const RTT: Duration = Duration::from_millis(100);

    #[test]
    fn cube_roots_are_exact() {
        for root in [0u64, 1, 2, 1000, 99_999] {
            assert_eq!(cube_root(root.pow(3)), root);
            assert_eq!(cube_root((root + 1).pow(3) - 1), root);
        }
    }

    #[test]
    fn the_window_comes_back_to_where_the_loss_was() {
        let mut cubic = Cubic::new(Instant::ZERO, SeqNum(0));
        let mut window = cubic.reduce(1000);
        assert_eq!(window, 700);
        // RFC9438/4.2: K = cbrt(300 / 0.4) = 9.09 s; 999 is reached cbrt(1 / 0.4) = 1.36 s before, or with the next
        // whole number.
        let mut now = Instant::ZERO;
        let mut at_six_seconds = 0;
        while window < 999 {
            now = now + RTT;
            let count = cubic.pace(now, window, window);
            window += window / count;
            if now == Instant::ZERO + RTT * 60 {
                at_six_seconds = window;
            }
        }
        let seconds = (now - Instant::ZERO).as_secs_f64();
        assert!((7.4..7.8).contains(&seconds), "{seconds}");
        assert!((985..995).contains(&at_six_seconds), "{at_six_seconds}: slow near the origin");
        assert_eq!(cubic.reduce(900), 630);
        assert_eq!(cubic.last_max, 765, "less than before: others want room");
    }

    #[test]
    fn longer_round_trips_end_slow_start() {
        let mut cubic = Cubic::new(Instant::ZERO, SeqNum(0));
        let mut now = Instant::ZERO;
        let slack = (Duration::from_millis(1), 3);
        let mut sample = |cubic: &mut Cubic, gap: u64, rtt: u64, una: u32| {
            now = now + Duration::from_millis(gap);
            let numbers = (SeqNum(una), SeqNum(una + 100));
            cubic.measured(now, Duration::from_millis(rtt), (20, true), numbers, slack)
        };
        for _ in 0..20 {
            assert_eq!(sample(&mut cubic, 10, 100, 1), None);
        }
        for _ in 0..8 {
            assert_eq!(sample(&mut cubic, 10, 113, 200), None);
        }
        assert_eq!(sample(&mut cubic, 10, 113, 200), Some(Exit::Delay));
        assert_eq!(sample(&mut cubic, 10, 113, 200), None, "once");
        let mut cubic = Cubic::new(now, SeqNum(0));
        let mut exit = None;
        let mut train = 0;
        while exit.is_none() {
            train += 1;
            now = now + Duration::from_millis(1);
            let numbers = (SeqNum(0), SeqNum(100));
            exit = cubic.measured(now, RTT, (20, true), numbers, slack);
        }
        assert_eq!((train, exit), (51, Some(Exit::Train)));
    }
}
