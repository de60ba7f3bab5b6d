//! How large the receive buffer should be: the program's pace, measured over round trips, as Linux does.

use core::time::Duration;

use super::connection::Connection;
use super::env::Env;
use crate::time::Instant;
use crate::wire::seq::SeqNum;
use crate::wire::tcp::Segment;

/// RFC6928/2a
const INITIAL_SEGMENTS: u32 = 10;

/// What is known of the peer's pace and the program's.
#[derive(Clone, Debug)]
pub(super) struct ReceivePace {
    /// Eight times the round trip, in microseconds, as seen by a receiver. Zero: not known.
    round_trip: u32,
    /// A window began then; it is full with this number.
    window: Option<(Instant, SeqNum)>,
    /// The last timestamp that a round trip was measured by.
    echo: u32,
    /// The most bytes that the program took in a round trip.
    space: u32,
    /// When the present round trip began, and what the program had taken then.
    since: Instant,
    copied: SeqNum,
}

impl ReceivePace {
    pub(super) fn new(env: &Env<'_>, copied: SeqNum, mss: u32, window: u32) -> Self {
        let space = window.min(INITIAL_SEGMENTS * mss);
        Self { round_trip: 0, window: None, echo: 0, space, since: env.now, copied }
    }

    pub(super) fn round_trip(&self) -> Duration {
        Duration::from_micros(u64::from(self.round_trip >> 3))
    }

    pub(super) fn space(&self) -> u32 {
        self.space
    }

    /// The buffer holds less than was thought.
    pub(super) fn bound(&mut self, clamp: u32) {
        self.space = self.space.min(clamp);
    }

    /// A round trip took so long. By a window that filled it may seem longer than it is.
    fn measure(&mut self, sample: Duration, by_window: bool, drained: bool) {
        let sample = sample.as_micros().clamp(1, u128::from(u32::MAX >> 3)) as u32;
        let old = self.round_trip;
        if old == 0 || sample << 3 < old {
            self.round_trip = sample << 3;
        } else if !by_window && drained {
            self.round_trip = old - (old >> 3) + sample;
        }
    }
}

impl Connection {
    /// Data came in order: does it fill the window that was offered a round trip ago?
    pub(super) fn measure_by_window(&mut self, env: &Env<'_>) {
        let nxt = self.window.nxt;
        if let Some((since, end)) = self.pace.window {
            if nxt.before(end) {
                return;
            }
            self.pace.measure(env.now - since, true, false);
        }
        self.pace.window = Some((env.now, nxt + self.window.advertised));
    }

    /// The peer echoes when our last segment left.
    pub(super) fn measure_by_echo(&mut self, env: &Env<'_>, segment: &Segment<'_>) {
        let Some(stamps) = segment.options.timestamps.filter(|_| self.negotiated.timestamps.is_some()) else {
            return;
        };
        if core::mem::replace(&mut self.pace.echo, stamps.echo) == stamps.echo {
            return;
        }
        let ticks = env.timestamp().wrapping_sub(stamps.echo);
        if segment.len() >= self.acking.peer_mss && (1..1 << 20).contains(&ticks) {
            let drained = self.received.unread() == 0;
            self.pace.measure(Duration::from_millis(u64::from(ticks)), false, drained);
        }
    }

    /// The program read, buffer by buffer: takes it a full window in a round trip, the buffer was too small.
    pub(super) fn adjust_space(&mut self, env: &Env<'_>, pieces: &[u32]) {
        let unread = self.received.unread();
        let mut left: u32 = pieces.iter().sum();
        for piece in pieces {
            left -= piece;
            let queued = unread + left;
            let copied = self.window.nxt - u32::from(self.peer_closed) - queued;
            let elapsed = (env.now - self.pace.since).as_micros();
            if self.pace.round_trip == 0 || elapsed < u128::from(self.pace.round_trip >> 3) {
                continue;
            }
            let taken = (copied - self.pace.copied).saturating_sub(queued);
            if taken > self.pace.space && taken < 1 << 31 {
                self.grow_buffer(env, taken);
            }
            self.pace.copied = copied;
            self.pace.since = env.now;
        }
    }

    /// Room for what the program takes in a round trip, twice because the peer hears of it a round trip late, and more
    /// while it still speeds up.
    pub(super) fn grow_buffer(&mut self, env: &Env<'_>, taken: u32) {
        let before = core::mem::replace(&mut self.pace.space, taken);
        if !env.settings.moderate_receive_buffer || self.knobs.receive_buffer.is_some() {
            return;
        }
        let mut window = u64::from(taken) * 2;
        let growth = window * u64::from(taken.saturating_sub(before)) / u64::from(before.max(1));
        window += growth * 2;
        window += u64::from(self.received.early_end().map_or(0, |end| end.beyond(self.window.nxt)));
        self.window.enlarge(window, env.settings.rmem[2]);
    }
}
