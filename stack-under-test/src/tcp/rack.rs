//! What is lost, told by time: a segment that was sent before one that arrived, and long enough before.
//!
//! RFC 8985 as Linux has it, with one difference: the tolerance for reordering does not adapt to D-SACK.

use core::time::Duration;

use super::congestion::CongestionState;
use super::connection::Connection;
use super::env::Env;
use super::send_queue::Sent;
use super::timers::Timer;
use crate::time::Instant;
use crate::wire::seq::SeqNum;

/// Duplicates that mean loss where nothing was seen to be reordered. RFC5681/3.2-fr
pub(super) const DUPLICATES: u32 = 3;
/// What Linux adds to a time that ends in a timer, so that it never fires at once.
pub(super) const TIMER_MIN: Duration = Duration::from_millis(2);

/// What is known of loss beside the scoreboard.
#[derive(Clone, Debug)]
pub(crate) struct Recovery {
    /// Without SACK: segments that duplicate acknowledgements stand for.
    pub(super) duplicates: u32,
    /// Duplicates that mean loss.
    pub(super) reordering: u32,
    /// Something was seen to arrive after what was sent later.
    pub(super) reordered: bool,
    /// The last sent of the segments that arrived: when, its end, and its round trip. RFC8985/6.2-2
    latest: Option<(Instant, SeqNum, Duration)>,
    /// A probe of the tail is out: the end of what had been sent then, and whether it repeated something.
    pub(super) tail_probe: Option<(SeqNum, bool)>,
}

impl Default for Recovery {
    fn default() -> Self {
        Self { duplicates: 0, reordering: DUPLICATES, reordered: false, latest: None, tail_probe: None }
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
        if eager && !self.recovery.reordered {
            return Duration::ZERO;
        }
        let quarter = self.rtt.min().unwrap_or_default() / 4;
        self.rtt.smoothed().map_or(quarter, |smoothed| quarter.min(smoothed))
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
