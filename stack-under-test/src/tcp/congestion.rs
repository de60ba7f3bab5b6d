//! How much may be in flight. Reno, in segments, as Linux counts.

use crate::wire::seq::SeqNum;

/// RFC6928/2a
const INITIAL_WINDOW: u32 = 10;
const NO_THRESHOLD: u32 = 0x7fff_ffff;

/// The congestion window and what it is made of.
#[derive(Clone, Debug)]
pub(crate) struct Congestion {
    window: u32,
    threshold: u32,
    /// Segments acknowledged since the window last grew, beyond slow start.
    counted: u32,
    /// Until this is acknowledged the connection recovers from a time-out.
    recover: Option<SeqNum>,
    /// Whether the window held something back in this round, and the most that was in flight.
    limited: bool,
    most_in_flight: u32,
    round_end: SeqNum,
}

impl Congestion {
    pub(crate) fn new(start: SeqNum) -> Self {
        Self {
            window: INITIAL_WINDOW,
            threshold: NO_THRESHOLD,
            counted: 0,
            recover: None,
            limited: false,
            most_in_flight: 0,
            round_end: start,
        }
    }

    /// RFC5681/3.1-iw-synloss
    pub(crate) fn handshake_was_repeated(&mut self) {
        self.window = 1;
    }

    pub(crate) fn window(&self) -> u32 {
        self.window
    }

    pub(crate) fn threshold(&self) -> u32 {
        self.threshold
    }

    pub(crate) fn in_recovery(&self) -> bool {
        self.recover.is_some()
    }

    pub(crate) fn in_slow_start(&self) -> bool {
        self.window < self.threshold
    }

    /// After sending: the window grows only where it is used.
    pub(crate) fn sent(&mut self, in_flight: u32, limited: bool, una: SeqNum, nxt: SeqNum) {
        let new_round = !una.before(self.round_end);
        if new_round || limited || (!self.limited && in_flight > self.most_in_flight) {
            self.limited = limited;
            self.most_in_flight = in_flight;
            self.round_end = nxt;
        }
    }

    /// `segments` were acknowledged, up to `una`.
    pub(crate) fn acknowledged(&mut self, mut segments: u32, una: SeqNum) {
        if self.recover.is_some_and(|recover| !una.before(recover)) {
            self.recover = None;
        }
        let used =
            self.limited || (self.in_slow_start() && self.window < self.most_in_flight.saturating_mul(2));
        if !used && self.recover.is_none() {
            return;
        }
        if self.in_slow_start() {
            // RFC5681/3.1-ss-growth, counting segments instead of acknowledgements.
            let room = self.threshold - self.window;
            let growth = segments.min(room);
            self.window += growth;
            segments -= growth;
        }
        if segments > 0 {
            // RFC5681/3.1-ca-growth
            self.counted += segments;
            if self.counted >= self.window {
                self.counted -= self.window;
                self.window += 1;
            }
        }
    }

    /// The retransmission timer fired with this much in flight, up to `nxt`.
    pub(crate) fn timed_out(&mut self, una: SeqNum, nxt: SeqNum) {
        // RFC5681/3.1-rto-hold: once per loss.
        if self.recover.is_none_or(|recover| !una.before(recover)) {
            // RFC5681/3.1-rto-ssthresh. Linux halves the window instead of what is in flight.
            self.threshold = (self.window / 2).max(2);
        }
        // RFC5681/3.1-rto-lw
        self.window = 1;
        self.counted = 0;
        self.recover = Some(nxt);
    }
}
