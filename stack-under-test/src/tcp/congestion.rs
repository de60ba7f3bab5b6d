//! How much may be in flight. Reno, in segments, as Linux counts.

use core::time::Duration;

use crate::wire::seq::SeqNum;

/// RFC6928/2a
const INITIAL_WINDOW: u32 = 10;
const NO_THRESHOLD: u32 = 0x7fff_ffff;

/// How the connection stands towards loss, with Linux's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum CongestionState {
    /// Nothing is amiss.
    Open = 0,
    /// Something arrived out of order.
    Disorder = 1,
    /// A router marked something; the window shrinks in proportion to what arrives.
    Reduced = 2,
    /// Something was lost and is repeated while the window shrinks in proportion to what arrives.
    Recovery = 3,
    /// The retransmission timer fired: slow start from one segment.
    Loss = 4,
}

/// The congestion window and what it is made of.
#[derive(Clone, Debug)]
pub(crate) struct Congestion {
    state: CongestionState,
    window: u32,
    threshold: u32,
    /// Segments acknowledged since the window last grew, beyond slow start.
    counted: u32,
    /// What was sent when the present state began; its acknowledgement ends recovery. RFC6582/3.2-1
    high: SeqNum,
    /// Proportional reduction: the window when it began, and since then segments delivered and sent.
    prior_window: u32,
    delivered: u32,
    sent: u32,
    /// Whether the window held something back in this round, and the most that was in flight.
    limited: bool,
    most_in_flight: u32,
    round_end: SeqNum,
    /// The peer was not told of the last reduction yet. RFC3168/6.1.2e
    pub(super) tell: bool,
}

impl Congestion {
    pub(crate) fn new(start: SeqNum) -> Self {
        Self {
            state: CongestionState::Open,
            window: INITIAL_WINDOW,
            threshold: NO_THRESHOLD,
            counted: 0,
            high: start,
            prior_window: 0,
            delivered: 0,
            sent: 0,
            limited: false,
            most_in_flight: 0,
            round_end: start,
            tell: false,
        }
    }

    /// RFC5681/3.1-iw-synloss
    pub(crate) fn handshake_was_repeated(&mut self) {
        self.window = 1;
    }

    pub(crate) fn state(&self) -> CongestionState {
        self.state
    }

    pub(crate) fn window(&self) -> u32 {
        self.window
    }

    pub(crate) fn threshold(&self) -> u32 {
        self.threshold
    }

    /// Whether what was sent before the present state began is acknowledged.
    pub(crate) fn is_past(&self, una: SeqNum) -> bool {
        !una.before(self.high)
    }

    pub(crate) fn high(&self) -> SeqNum {
        self.high
    }

    /// Whether the window shrinks in proportion to what arrives.
    pub(crate) fn is_reducing(&self) -> bool {
        matches!(self.state, CongestionState::Reduced | CongestionState::Recovery)
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

    /// A segment left, new or again.
    pub(crate) fn count_sent(&mut self) {
        self.sent += u32::from(self.is_reducing());
    }

    /// `segments` were acknowledged.
    pub(crate) fn acknowledged(&mut self, mut segments: u32) {
        let used =
            self.limited || (self.in_slow_start() && self.window < self.most_in_flight.saturating_mul(2));
        if !used && self.state != CongestionState::Loss {
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
            if self.counted >= self.window {
                self.counted = 0;
                self.window += 1;
            }
            self.counted += segments;
            let growth = self.counted / self.window.max(1);
            self.counted -= growth * self.window;
            self.window += growth;
        }
    }

    /// Nothing is thought lost, or not any more.
    pub(crate) fn settle(&mut self, state: CongestionState) {
        self.state = state;
    }

    /// Loss was found by what arrived (`RFC5681/3.2-ssthresh`). Linux halves the window instead of what is in flight,
    /// and lets it shrink step by step.
    pub(crate) fn enter_recovery(&mut self, nxt: SeqNum) {
        // A window that shrinks already shrinks once.
        if !self.is_reducing() {
            self.begin_reduction(nxt);
        }
        self.state = CongestionState::Recovery;
    }

    /// Congestion was found by a router's mark, at most once in a round trip. RFC3168/6.1.2b
    pub(crate) fn enter_reduced(&mut self, nxt: SeqNum) {
        if matches!(self.state, CongestionState::Open | CongestionState::Disorder) {
            self.begin_reduction(nxt);
            self.state = CongestionState::Reduced;
        }
    }

    fn begin_reduction(&mut self, nxt: SeqNum) {
        self.high = nxt;
        self.prior_window = self.window;
        self.delivered = 0;
        self.sent = 0;
        self.counted = 0;
        self.threshold = (self.window / 2).max(2);
        self.tell = true;
    }

    /// Proportional rate reduction: while more is in flight than the threshold, as many segments leave for those that
    /// arrived as the new window is a part of the old; after that slow start, up to the threshold.
    pub(crate) fn reduce(&mut self, delivered: u32, in_flight: u32, advanced_without_loss: bool) {
        if delivered == 0 || self.prior_window == 0 {
            return;
        }
        self.delivered += delivered;
        let room = if in_flight > self.threshold {
            let share = u64::from(self.threshold) * u64::from(self.delivered);
            (share.div_ceil(u64::from(self.prior_window)) as u32).saturating_sub(self.sent)
        } else {
            let earned = self.delivered.saturating_sub(self.sent).max(delivered);
            (earned + u32::from(advanced_without_loss)).min(self.threshold - in_flight)
        };
        // RFC5681/3.2-fr: the first repetition always leaves.
        let room = room.max(u32::from(self.sent == 0));
        self.window = in_flight + room;
    }

    /// Nothing was sent for so long: what was known of the path is stale. RFC5681/4.1-idle
    pub(crate) fn was_idle(&mut self, idle: Duration, rto: Duration) {
        if idle <= rto {
            return;
        }
        if !self.is_reducing() {
            self.threshold = self.threshold.max(self.window / 2 + self.window / 4);
        }
        let least = self.window.min(INITIAL_WINDOW);
        let mut rest = idle.saturating_sub(rto);
        while !rest.is_zero() && self.window > least {
            self.window /= 2;
            rest = rest.saturating_sub(rto);
        }
        self.window = self.window.max(least);
    }

    /// Something is sent again for a reason other than congestion: the window stays.
    pub(crate) fn repeat_without_blame(&mut self, nxt: SeqNum) {
        let reducing = self.is_reducing();
        if self.state != CongestionState::Loss {
            self.high = nxt;
            if !reducing {
                self.threshold = self.threshold.max(self.window / 2 + self.window / 4);
            }
            self.state = CongestionState::Loss;
        }
    }

    /// Recovery is over. RFC6582/3.2-3full
    pub(crate) fn end_reduction(&mut self) {
        self.window = self.threshold;
        self.state = CongestionState::Open;
    }

    /// A probe of the tail was needed to learn of a loss: the window is halved at once.
    pub(crate) fn halve(&mut self) {
        self.threshold = (self.window / 2).max(2);
        self.window = self.threshold;
        self.counted = 0;
        self.tell = true;
    }

    /// The retransmission timer fired. `again` if it had fired before and nothing was acknowledged since.
    pub(crate) fn timed_out(&mut self, una: SeqNum, nxt: SeqNum, again: bool, in_flight: u32) {
        let first = match self.state {
            CongestionState::Open | CongestionState::Disorder => true,
            CongestionState::Reduced | CongestionState::Recovery => self.is_past(una),
            CongestionState::Loss => self.is_past(una) || !again,
        };
        // RFC5681/3.1-rto-hold: once per loss.
        if first {
            // RFC5681/3.1-rto-ssthresh. Linux halves the window instead of what is in flight.
            self.threshold = (self.window / 2).max(2);
        }
        // RFC5681/3.1-rto-lw
        self.window = in_flight + 1;
        self.counted = 0;
        self.tell = true;
        self.high = nxt;
        self.state = CongestionState::Loss;
    }
}
