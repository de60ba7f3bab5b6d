//! What an acknowledgement says about loss, and what follows for the congestion window.
//!
//! Linux's states: Open, Disorder, Recovery, Loss. With SACK what is lost is told by [`super::rack`], without by
//! duplicate acknowledgements (RFC 6582).

use alloc::vec::Vec;

use super::congestion::CongestionState;
use super::connection::Connection;
use super::env::Env;
use super::flow::Outbox;
use super::send_queue::{Freed, Sent};
use crate::time::Instant;
use crate::wire::seq::SeqNum;
use crate::wire::tcp::Segment;

/// What SACK blocks brought.
#[derive(Clone, Debug, Default)]
pub(super) struct Reported {
    pub(super) news: Vec<Sent>,
    /// The first block tells of something that arrived twice. RFC2883/4-1
    pub(super) twice: bool,
}

/// What an acknowledgement brought.
#[derive(Clone, Debug)]
pub(super) struct News {
    pub(super) advanced: bool,
    /// It says nothing but that something arrived out of order. RFC5681/2-dupack
    pub(super) duplicate: bool,
    /// Nothing in it is new: neither acknowledgement nor window nor data.
    pub(super) bare: bool,
    /// A router marked something of ours. RFC3168/6.1.2b
    pub(super) congested: bool,
    pub(super) freed: Freed,
    pub(super) reported: Reported,
}

impl Connection {
    /// Segments that are presumed to be on the way. RFC6675/4-pipe
    pub(super) fn in_flight(&self) -> u32 {
        self.queue.packets_in_flight().saturating_sub(self.recovery.duplicates)
    }

    /// Takes the SACK blocks of a segment. Those that cannot be are ignored.
    pub(super) fn take_sacks(&mut self, env: &Env<'_>, segment: &Segment<'_>) -> Reported {
        let mut reported = Reported::default();
        if !self.negotiated.sack {
            return reported;
        }
        let blocks = &segment.options.sack;
        reported.twice = match blocks.as_slice() {
            [first, ..] if first.start.before(segment.ack) => true,
            // RFC2883/4-4
            [first, second, ..] => !first.start.before(second.start) && !first.end.after(second.end),
            [_] | [] => false,
        };
        for block in blocks.iter().skip(usize::from(reported.twice)) {
            let sound = block.start.before(block.end)
                && block.start.after(self.send.una)
                && !block.end.after(self.send.nxt);
            if !sound {
                continue;
            }
            let highest = self.queue.highest_sacked().map(|sent| sent.start);
            for sent in self.queue.mark_sacked(*block) {
                self.note_order(env, &sent, highest);
                reported.news.push(sent);
            }
        }
        for sent in &reported.news {
            self.rack_arrived(env, sent);
        }
        reported
    }

    /// A segment that was sent once arrived after one that was sent later: the path reorders.
    fn note_order(&mut self, env: &Env<'_>, sent: &Sent, highest: Option<SeqNum>) {
        if let Some(highest) = highest.filter(|highest| sent.start.before(*highest) && !sent.retransmitted) {
            let distance = (highest - sent.start).div_ceil(self.segment_size(env).max(1));
            self.recovery.reordering = self.recovery.reordering.max(distance.min(300));
            self.recovery.reordered = true;
        }
    }

    /// Whether SACK gives a round trip: when the oldest segment it newly reports was sent.
    pub(super) fn sack_sample(reported: &Reported) -> Option<Instant> {
        reported.news.iter().find(|sent| !sent.retransmitted).map(|sent| sent.at)
    }

    /// Judges loss and steers the congestion window. `highest` begins the highest segment that SACK had reported before.
    pub(super) fn recover(&mut self, env: &Env<'_>, news: &News, highest: Option<SeqNum>, out: &mut Outbox) {
        for sent in &news.freed.0 {
            if self.negotiated.sack && !sent.sacked {
                self.rack_arrived(env, sent);
                self.note_order(env, sent, highest.filter(|_| !news.freed.retransmitted()));
            }
        }
        let mut delivered = news.reported.news.len() as u32;
        delivered += if self.negotiated.sack {
            news.freed.news().count() as u32
        } else {
            self.forget_duplicates(news.freed.count())
        };
        let lost_before = self.queue.lost();
        let mut progress = news.advanced || self.is_fresh_report(env, news);
        let calm = self.congestion.state() == CongestionState::Open;
        let suspicious = news.bare || news.congested || !news.reported.news.is_empty() || !calm;
        let resend = suspicious && self.judge_loss(env, news, &mut delivered, &mut progress);
        self.judge_tail_probe(self.send.una, news.bare, news.reported.twice);
        if progress {
            self.restart_retransmission(env);
        }
        if self.congestion.is_reducing() {
            let calm = news.advanced && self.queue.lost() <= lost_before;
            self.congestion.reduce(delivered, self.in_flight(), calm);
        } else if news.freed.count() > 0 {
            self.congestion.acknowledged(delivered);
        }
        if resend {
            self.resend_lost(env, out);
        }
    }

    /// Whether SACK reported a segment that was sent after the oldest in flight was last sent.
    fn is_fresh_report(&self, env: &Env<'_>, news: &News) -> bool {
        match (Self::sack_sample(&news.reported), self.queue.head()) {
            (Some(at), Some(head)) => env.now - at > env.now - head.at,
            (_, _) => false,
        }
    }

    /// Without SACK: one of the acknowledged segments filled a hole, the others had brought duplicates. Returns how
    /// many arrived.
    fn forget_duplicates(&mut self, freed: u32) -> u32 {
        if freed == 0 {
            return 0;
        }
        let duplicates = self.recovery.duplicates;
        self.recovery.duplicates = duplicates.saturating_sub(freed - 1);
        self.limit_duplicates(freed);
        freed.saturating_sub(duplicates).max(1)
    }

    /// Without SACK: a duplicate stands for a segment that arrived out of order. Returns how many arrived.
    fn count_duplicate(&mut self, news: &News) -> u32 {
        if self.negotiated.sack || !news.duplicate {
            return 0;
        }
        let before = self.recovery.duplicates;
        self.recovery.duplicates += 1;
        self.limit_duplicates(0);
        self.recovery.duplicates.saturating_sub(before)
    }

    /// No more can have arrived than were sent and are not missing: more duplicates mean reordering.
    fn limit_duplicates(&mut self, freed: u32) {
        let out = self.queue.packets_out();
        let holes = self.queue.lost().max(1).min(out);
        if self.recovery.duplicates + holes > out {
            self.recovery.duplicates = out - holes;
            self.recovery.reordering = self.recovery.reordering.max((out + freed).min(300));
        }
    }

    /// As Linux's `tcp_fastretrans_alert`; returns whether what is lost is to be sent again.
    fn judge_loss(&mut self, env: &Env<'_>, news: &News, delivered: &mut u32, progress: &mut bool) -> bool {
        if self.queue.packets_out() == 0 {
            self.recovery.duplicates = 0;
        }
        if news.advanced && self.queue.head().is_some_and(|head| head.sacked) {
            // RFC2018/8a: the peer reported it and does not acknowledge it. It is given little time to explain itself.
            let half = self.rtt.smoothed().unwrap_or_default() / 2;
            self.arm_retransmission(env, env.now + half.max(core::time::Duration::from_millis(10)));
            *progress = false;
            return false;
        }
        let una = self.send.una;
        let state = self.congestion.state();
        if state == CongestionState::Recovery && self.congestion.is_past(una) {
            self.recovery.duplicates = 0;
            if self.holds_old_state() {
                self.forget_repetitions();
                return false;
            }
            // RFC6582/3.2-3full
            self.congestion.end_reduction();
        }
        if state == CongestionState::Reduced && una.after(self.congestion.high()) {
            self.congestion.end_reduction();
        }
        match self.congestion.state() {
            CongestionState::Recovery => {
                if !news.advanced {
                    *delivered += self.count_duplicate(news);
                }
                self.find_lost(env, news, progress);
                return true;
            }
            CongestionState::Loss => {
                if self.congestion.is_past(una) {
                    if !self.holds_old_state() {
                        self.congestion.settle(CongestionState::Open);
                    }
                } else if !self.negotiated.sack {
                    if news.duplicate && self.send.nxt.after(self.congestion.high()) {
                        *delivered += self.count_duplicate(news);
                    } else if news.advanced {
                        self.recovery.duplicates = 0;
                    }
                }
                if self.congestion.state() == CongestionState::Loss {
                    self.find_lost(env, news, progress);
                    if self.congestion.is_past(una) {
                        self.forget_repetitions();
                        return false;
                    }
                    return true;
                }
            }
            CongestionState::Open | CongestionState::Disorder | CongestionState::Reduced => {}
        }
        self.judge_afresh(env, news, delivered, progress)
    }

    /// Outside of recovery: begins one if something is lost.
    fn judge_afresh(&mut self, env: &Env<'_>, news: &News, delivered: &mut u32, progress: &mut bool) -> bool {
        if !self.negotiated.sack && news.advanced {
            self.recovery.duplicates = 0;
        }
        *delivered += self.count_duplicate(news);
        self.find_lost(env, news, progress);
        if self.queue.lost() == 0 {
            self.forget_repetitions();
            let amiss = self.queue.sacked() + self.recovery.duplicates + self.queue.resent() > 0;
            let state = if amiss { CongestionState::Disorder } else { CongestionState::Open };
            if news.congested {
                self.congestion.enter_reduced(self.send.nxt);
                self.recovery.tail_probe = None;
            }
            if self.congestion.state() != CongestionState::Reduced {
                self.congestion.settle(state);
            }
            return false;
        }
        // RFC6675/5-enter, RFC6582/3.2-2
        self.congestion.enter_recovery(self.send.nxt);
        self.recovery.tail_probe = None;
        true
    }

    /// Without SACK the state stays until something beyond it is acknowledged, so that duplicates that the repetitions
    /// cause do not begin a second recovery. RFC6582/3.2-1
    fn holds_old_state(&self) -> bool {
        !self.negotiated.sack && self.send.una == self.congestion.high()
    }

    fn find_lost(&mut self, env: &Env<'_>, news: &News, progress: &mut bool) {
        if self.queue.packets_out() == 0 {
            return;
        }
        if self.negotiated.sack {
            if self.rack_detect(env) {
                *progress = false;
            }
            return;
        }
        // RFC5681/3.2-fr; RFC6582/3.2-3partial
        let lost = match self.congestion.state() {
            CongestionState::Open | CongestionState::Disorder | CongestionState::Reduced => {
                self.recovery.duplicates >= self.recovery.reordering
            }
            CongestionState::Recovery => news.advanced,
            CongestionState::Loss => false,
        };
        if lost && self.queue.head().is_some_and(|head| !head.lost) {
            self.queue.mark_lost(|index, _| index == 0);
        }
    }

    /// When nothing in flight was sent twice, the time of trouble is over.
    fn forget_repetitions(&mut self) {
        let none = self.queue.resent() == 0 && self.queue.head().is_none_or(|head| !head.retransmitted);
        if none {
            self.repetition.since = None;
        }
    }

    /// What was out of order for too long is lost. RFC8985/6.2-5c
    pub(super) fn reorder_due(&mut self, env: &Env<'_>, out: &mut Outbox) {
        let before = self.in_flight();
        let lost = self.queue.lost();
        self.rack_detect(env);
        if self.in_flight() != before {
            if self.congestion.state() != CongestionState::Recovery {
                self.congestion.enter_recovery(self.send.nxt);
                self.recovery.tail_probe = None;
                self.congestion.reduce(1, self.in_flight(), false);
                debug_assert!(self.queue.lost() > lost, "something was found lost");
            }
            self.resend_lost(env, out);
        }
        if !self.timers.is_set(super::timers::Timer::Reorder) {
            self.rearm_retransmission(env);
        }
    }
}
