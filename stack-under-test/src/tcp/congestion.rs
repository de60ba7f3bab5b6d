//! How much may be in flight, in segments, as Linux counts: Reno, or CUBIC where it was chosen.

use alloc::boxed::Box;
use core::time::Duration;

use super::cubic::{Cubic, Exit};
use crate::time::Instant;
use crate::wire::seq::SeqNum;

/// RFC6928/2a
const INITIAL_WINDOW: u32 = 10;
const NO_THRESHOLD: u32 = 0x7fff_ffff;

/// How the connection stands towards loss, with Linux's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

/// How congestion is avoided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Algorithm {
    #[default]
    Reno,
    Cubic,
}

impl Algorithm {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Reno => "reno",
            Self::Cubic => "cubic",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Reno, Self::Cubic].into_iter().find(|algorithm| algorithm.name() == name)
    }
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
    /// The threshold before the last reduction; none if it cannot be taken back.
    prior_threshold: Option<u32>,
    delivered: u32,
    sent: u32,
    /// Whether the window held something back in this round, and the most that was not acknowledged.
    limited: bool,
    most_out: u32,
    round_end: SeqNum,
    /// The peer was not told of the last reduction yet. RFC3168/6.1.2e
    pub(super) tell: bool,
    cubic: Option<Box<Cubic>>,
}

impl Congestion {
    pub(crate) fn new(start: SeqNum, algorithm: Algorithm, now: Instant) -> Self {
        Self {
            state: CongestionState::Open,
            window: INITIAL_WINDOW,
            threshold: NO_THRESHOLD,
            counted: 0,
            high: start,
            prior_window: 0,
            prior_threshold: None,
            delivered: 0,
            sent: 0,
            limited: false,
            most_out: 0,
            round_end: start,
            tell: false,
            cubic: None,
        }
        .with(algorithm, now, start)
    }

    fn with(mut self, algorithm: Algorithm, now: Instant, nxt: SeqNum) -> Self {
        self.choose(algorithm, now, nxt);
        self
    }

    /// `setsockopt(TCP_CONGESTION)`
    pub(crate) fn choose(&mut self, algorithm: Algorithm, now: Instant, nxt: SeqNum) {
        self.cubic = match algorithm {
            Algorithm::Reno => None,
            Algorithm::Cubic => Some(Box::new(Cubic::new(now, nxt))),
        };
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        if self.cubic.is_some() { Algorithm::Cubic } else { Algorithm::Reno }
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

    /// After sending: the window grows only where it is used. `out` segments are not acknowledged; `limited` if the
    /// window is full.
    pub(crate) fn sent(&mut self, out: u32, limited: bool, una: SeqNum, nxt: SeqNum) {
        let new_round = !una.before(self.round_end);
        if new_round || limited || (!self.limited && out > self.most_out) {
            self.limited = limited;
            self.most_out = out;
            self.round_end = nxt;
        }
    }

    fn is_used(&self) -> bool {
        self.limited || (self.in_slow_start() && self.window < self.most_out.saturating_mul(2))
    }

    /// A segment left, new or again.
    pub(crate) fn count_sent(&mut self) {
        self.sent += u32::from(self.is_reducing());
    }

    /// `segments` were acknowledged.
    pub(crate) fn acknowledged(&mut self, now: Instant, mut segments: u32) {
        if !self.is_used() {
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
            let window = self.window.max(1);
            let each = self.cubic.as_mut().map_or(window, |cubic| cubic.pace(now, window, segments));
            if self.counted >= each {
                self.counted = 0;
                self.window += 1;
            }
            self.counted += segments;
            let growth = self.counted / each;
            self.counted -= growth * each;
            self.window += growth;
        }
    }

    /// A round trip was measured. CUBIC may find that slow start has gone far enough; returns why.
    pub(super) fn measured(
        &mut self,
        now: Instant,
        rtt: Duration,
        numbers: (SeqNum, SeqNum),
        (slack, exits): (Duration, u32),
    ) -> Option<Exit> {
        let place = (self.window, self.in_slow_start());
        let exit = self.cubic.as_mut()?.measured(now, rtt, place, numbers, (slack, exits))?;
        self.threshold = self.window;
        Some(exit)
    }

    /// Something is sent after a time without anything in flight.
    pub(super) fn resumed(&mut self, now: Instant, idle: Duration) {
        if let Some(cubic) = &mut self.cubic {
            cubic.was_idle(now, idle);
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
            self.prior_threshold = Some(self.current_threshold());
            self.begin_reduction(nxt);
        }
        self.state = CongestionState::Recovery;
    }

    /// Congestion was found by a router's mark, at most once in a round trip. RFC3168/6.1.2b
    pub(crate) fn enter_reduced(&mut self, nxt: SeqNum) {
        if matches!(self.state, CongestionState::Open | CongestionState::Disorder) {
            self.prior_threshold = None;
            self.begin_reduction(nxt);
            self.state = CongestionState::Reduced;
        }
    }

    /// What comes now is a reduction that is not taken back.
    pub(crate) fn keep_reduction(&mut self) {
        self.prior_threshold = None;
    }

    fn begin_reduction(&mut self, nxt: SeqNum) {
        self.high = nxt;
        self.prior_window = self.window;
        self.delivered = 0;
        self.sent = 0;
        self.counted = 0;
        self.threshold = self.reduced();
        self.tell = true;
    }

    /// The threshold after a loss.
    fn reduced(&mut self) -> u32 {
        // RFC5681/3.1-rto-ssthresh. Linux takes a part of the window instead of what is in flight.
        let window = self.window;
        self.cubic.as_mut().map_or((window / 2).max(2), |cubic| cubic.reduce(window))
    }

    /// What was learnt is forgotten.
    fn start_anew(&mut self, now: Instant, nxt: SeqNum) {
        self.choose(self.algorithm(), now, nxt);
    }

    /// The threshold as far as the window is beyond it: most of the window worked. One that was just lowered counts.
    fn current_threshold(&self) -> u32 {
        if self.is_reducing() {
            return self.threshold;
        }
        self.threshold.max(self.window / 2 + self.window / 4)
    }

    /// The last reduction was needless.
    pub(crate) fn undo(&mut self) {
        if let Some(threshold) = self.prior_threshold {
            self.window = self.window.max(self.prior_window);
            self.threshold = self.threshold.max(threshold);
            self.tell = false;
        }
    }

    /// F-RTO waits for what is sent from here on (RFC 5682 section 3.1, step 2b).
    pub(crate) fn await_new_data(&mut self, nxt: SeqNum) {
        self.high = nxt;
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
        self.threshold = self.current_threshold();
        let least = self.window.min(INITIAL_WINDOW);
        let mut rest = idle.saturating_sub(rto);
        while !rest.is_zero() && self.window > least {
            self.window /= 2;
            rest = rest.saturating_sub(rto);
        }
        self.window = self.window.max(least);
    }

    /// Something is sent again for a reason other than congestion: the window stays.
    pub(crate) fn repeat_without_blame(&mut self, now: Instant, nxt: SeqNum) {
        let reducing = self.is_reducing();
        if self.state != CongestionState::Loss {
            self.high = nxt;
            if !reducing {
                self.threshold = self.current_threshold();
            }
            self.prior_threshold = None;
            self.state = CongestionState::Loss;
            self.start_anew(now, nxt);
        }
    }

    /// Recovery is over. RFC6582/3.2-3full
    pub(crate) fn end_reduction(&mut self) {
        self.window = self.threshold;
        self.state = CongestionState::Open;
    }

    /// A probe of the tail was needed to learn of a loss: the window is halved at once.
    pub(crate) fn halve(&mut self, nxt: SeqNum) {
        self.begin_reduction(nxt);
        self.window = self.threshold;
    }

    /// The retransmission timer fired. `again` if it had fired before and nothing was acknowledged since. Returns
    /// whether the threshold was lowered.
    pub(crate) fn timed_out(
        &mut self,
        now: Instant,
        (una, nxt): (SeqNum, SeqNum),
        again: bool,
        in_flight: u32,
    ) -> bool {
        let first = match self.state {
            CongestionState::Open | CongestionState::Disorder => true,
            CongestionState::Reduced | CongestionState::Recovery => self.is_past(una),
            CongestionState::Loss => self.is_past(una) || !again,
        };
        // RFC5681/3.1-rto-hold: once per loss.
        if first {
            self.prior_threshold = Some(if self.state == CongestionState::Recovery {
                self.threshold
            } else {
                self.current_threshold()
            });
            self.prior_window = self.window;
            self.threshold = self.reduced();
        }
        // RFC5681/3.1-rto-lw
        self.window = in_flight + 1;
        self.counted = 0;
        self.tell = true;
        self.high = nxt;
        self.state = CongestionState::Loss;
        self.start_anew(now, nxt);
        first
    }
}
