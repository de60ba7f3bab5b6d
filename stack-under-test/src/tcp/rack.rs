//! What is lost, told by time: a segment that was sent before one that arrived, and long enough before.
//!
//! RFC 8985 as Linux has it.

use core::time::Duration;

use super::congestion::CongestionState;
use super::connection::Connection;
use super::env::Env;
use super::send_queue::Sent;
use super::timers::Timer;
use super::undo::Undo;
use crate::time::Instant;
use crate::wire::seq::SeqNum;

/// Duplicates that mean loss where nothing was seen to be reordered. RFC5681/3.2-fr
pub(super) const DUPLICATES: u32 = 3;
/// What Linux adds to a time that ends in a timer, so that it never fires at once.
pub(super) const TIMER_MIN: Duration = Duration::from_millis(2);

/// Recoveries after which a tolerance that proved too large is forgotten.
const PERSISTENCE: u8 = 16;

/// How many quarters of a round trip are tolerated: one more for each round in which the peer reported a duplicate.
/// RFC8985/6.2-4c
#[derive(Clone, Debug)]
pub(crate) struct Tolerance {
    quarters: u8,
    /// Recoveries for which it lasts.
    persists: u8,
    /// A duplicate was reported that reordering may have caused.
    pending: bool,
    /// How many segments had arrived when it last changed.
    changed_at: u32,
}

impl Tolerance {
    pub(super) fn saw_duplicate(&mut self, by_reordering: bool) {
        self.pending |= by_reordering;
    }

    /// A recovery was needed.
    pub(super) fn recovered(&mut self) {
        self.persists = self.persists.saturating_sub(1);
    }

    /// A recovery was needless.
    pub(super) fn undone(&mut self) {
        self.persists = (self.persists + 1).min(PERSISTENCE);
    }

    /// Once per round trip: `sent_at` segments had arrived when the last of those was sent that arrived now.
    fn adapt(&mut self, sent_at: u32, delivered: u32) {
        if sent_at < self.changed_at {
            self.pending = false;
        }
        if self.pending {
            self.quarters = self.quarters.saturating_add(1);
            self.pending = false;
            self.changed_at = delivered;
            self.persists = PERSISTENCE;
        } else if self.persists == 0 {
            self.quarters = 1;
        }
    }
}

/// What is known of loss beside the scoreboard.
#[derive(Clone, Debug)]
pub(crate) struct Recovery {
    /// Without SACK: segments that duplicate acknowledgements stand for.
    pub(super) duplicates: u32,
    /// Duplicates that mean loss.
    pub(super) reordering: u32,
    /// How often something was seen to arrive after what was sent later.
    pub(super) reordered: u32,
    /// The last sent of the segments that arrived: when, its end, and its round trip. RFC8985/6.2-2
    latest: Option<(Instant, SeqNum, Duration)>,
    /// Something arrived since loss was last looked for.
    pub(super) arrivals: bool,
    pub(super) tolerance: Tolerance,
    /// Segments that arrived, the SYN among them.
    pub(super) delivered: u32,
    /// Segments that D-SACK reported.
    pub(super) duplicates_reported: u32,
    /// The timestamp of ours that the peer echoed last.
    pub(super) echo: Option<u32>,
    pub(super) undo: Undo,
    /// F-RTO finds out whether the time-out was needless (RFC 5682 section 3.1).
    pub(super) frto: bool,
    /// A probe of the tail is out: the end of what had been sent then, and whether it repeated something.
    pub(super) tail_probe: Option<(SeqNum, bool)>,
}

impl Default for Recovery {
    fn default() -> Self {
        Self {
            duplicates: 0,
            reordering: DUPLICATES,
            reordered: 0,
            latest: None,
            arrivals: false,
            tolerance: Tolerance { quarters: 1, persists: 0, pending: false, changed_at: 0 },
            delivered: 1,
            duplicates_reported: 0,
            echo: None,
            undo: Undo::default(),
            frto: false,
            tail_probe: None,
        }
    }
}

impl Connection {
    /// A segment arrived, for all that the peer says. RFC8985/6.2-1
    pub(super) fn rack_arrived(&mut self, env: &Env<'_>, sent: &Sent) {
        let round_trip = env.now - sent.at;
        // RFC8985/6.2-2: the acknowledgement may be of the first transmission.
        if sent.retransmitted && self.rtt.min().is_some_and(|min| round_trip < min) {
            return;
        }
        self.recovery.arrivals = true;
        let later = self.recovery.latest.is_none_or(|(at, end, _)| is_later(sent, at, end));
        let (at, end) = match self.recovery.latest {
            Some((at, end, _)) if !later => (at, end),
            _ => (sent.at, sent.end),
        };
        self.recovery.latest = Some((at, end, round_trip));
    }

    /// How much reordering is tolerated. RFC8985/6.2-4a, RFC8985/6.2-4b
    fn rack_window(&self) -> Duration {
        let eager = match self.congestion.state() {
            CongestionState::Recovery | CongestionState::Loss => true,
            CongestionState::Open | CongestionState::Disorder | CongestionState::Reduced => {
                self.queue.sacked() >= self.recovery.reordering
            }
        };
        if eager && self.recovery.reordered == 0 {
            return Duration::ZERO;
        }
        let tolerated = self.rtt.min().unwrap_or_default() / 4 * self.recovery.tolerance.quarters.into();
        self.rtt.smoothed().map_or(tolerated, |smoothed| tolerated.min(smoothed))
    }

    /// Adapts the tolerance to what arrived. RFC8985/6.2-4c
    pub(super) fn adapt_tolerance<'a>(&mut self, arrived: impl Iterator<Item = &'a Sent>, count: u32) {
        if let Some(last) = arrived.max_by_key(|sent| (sent.at, sent.delivered)) {
            self.recovery.tolerance.adapt(last.delivered, self.recovery.delivered + count);
        }
    }

    /// Marks what is lost by now and waits for what may be lost soon; returns whether it waits. RFC8985/6.2-5a
    pub(super) fn rack_detect(&mut self, env: &Env<'_>) -> bool {
        let Some((at, end, round_trip)) = self.recovery.latest else {
            return false;
        };
        let patience = round_trip + self.rack_window();
        let mut longest: Option<Duration> = None;
        self.queue.mark_lost(|_, sent| {
            if is_later(sent, at, end) || (sent.at == at && sent.end == end) {
                return false;
            }
            let age = env.now - sent.at;
            if age >= patience {
                return true;
            }
            longest = longest.max(Some(patience - age));
            false
        });
        // RFC8985/6.2-5c
        let Some(longest) = longest else { return false };
        let due = env.now + (longest + TIMER_MIN).min(self.rtt.rto());
        self.clear_retransmission();
        self.timers.set(Timer::Reorder, due);
        true
    }

    /// Whether a segment was sent so recently that a time-out of another says nothing about it.
    pub(super) fn is_recent(&self, env: &Env<'_>, sent: &Sent) -> bool {
        self.recovery.latest.is_some_and(|(_, _, round_trip)| round_trip > env.now - sent.at)
    }
}

/// Whether a segment was sent after the one that was sent at `at` and ends at `end`.
fn is_later(sent: &Sent, at: Instant, end: SeqNum) -> bool {
    sent.at > at || (sent.at == at && sent.end.after(end))
}
