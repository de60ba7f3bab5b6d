//! What an acknowledgement says about loss, and what follows for the congestion window.
//!
//! Linux's states: Open, Disorder, Recovery, Loss. With SACK what is lost is told by [`super::rack`], without by
//! duplicate acknowledgements (RFC 6582).

use alloc::vec::Vec;

use super::congestion::CongestionState;
use super::connection::Connection;
use super::env::Env;
use super::flow::Outbox;
use super::rack::DUPLICATES;
use super::send_queue::{Freed, Sent};
use crate::time::Instant;
use crate::wire::seq::SeqNum;
use crate::wire::tcp::Segment;

/// Something that arrived twice, for all that the peer says. RFC2883/4-1
#[derive(Clone, Copy, Debug)]
pub(super) struct Duplicate {
    pub(super) segments: u32,
    /// It was the probe of the tail.
    pub(super) of_probe: bool,
}

/// What SACK blocks brought.
#[derive(Clone, Debug, Default)]
pub(super) struct Reported {
    pub(super) news: Vec<Sent>,
    pub(super) duplicate: Option<Duplicate>,
}

/// What an acknowledgement brought.
#[derive(Clone, Debug)]
pub(super) struct News {
    /// The oldest number in flight before it.
    pub(super) una_before: SeqNum,
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

/// What is sent again because of an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repeat {
    Nothing,
    /// What is lost, as far as the window permits.
    Lost,
    /// The same, unless there is something new to send.
    UnlessNew,
}

impl Connection {
    /// Segments that are presumed to be on the way. RFC6675/4-pipe
    pub(super) fn in_flight(&self) -> u32 {
        self.queue.packets_in_flight().saturating_sub(self.recovery.duplicates)
    }

    /// Takes the SACK blocks of a segment. Those that cannot be are ignored.
    pub(super) fn take_sacks(
        &mut self,
        env: &Env<'_>,
        segment: &Segment<'_>,
        una_before: SeqNum,
    ) -> Reported {
        let mut reported = Reported::default();
        if !self.negotiated.sack {
            return reported;
        }
        let blocks = &segment.options.sack;
        // RFC2883/5
        let twice = match blocks.as_slice() {
            [first, ..] if first.start.before(segment.ack) => Some(*first),
            // RFC2883/4-4
            [first, second, ..] => {
                Some(*first).filter(|_| !first.start.before(second.start) && !first.end.after(second.end))
            }
            [_] | [] => None,
        };
        reported.duplicate = twice.and_then(|block| self.take_duplicate(env, block, una_before));
        let highest = self.queue.highest_sacked().map(|sent| sent.end);
        for block in blocks.iter().skip(usize::from(twice.is_some())) {
            let sound = block.start.before(block.end)
                && block.start.after(self.send.una)
                && !block.end.after(self.send.nxt);
            if sound {
                reported.news.extend(self.queue.mark_sacked(*block));
            }
        }
        for sent in &reported.news {
            self.rack_arrived(env, sent);
        }
        self.note_late(env, &reported.news, highest);
        reported
    }

    /// Segments that were sent once arrived below `highest`, which had arrived before.
    fn note_late(&mut self, env: &Env<'_>, arrived: &[Sent], highest: Option<SeqNum>) {
        let once = arrived.iter().filter(|sent| !sent.retransmitted && !sent.sacked).map(|sent| sent.start);
        if let Some(low) = once.reduce(SeqNum::min).filter(|low| highest.is_some_and(|high| low.before(high)))
        {
            self.note_reordering(env, low);
        }
    }

    /// What begins at `low` arrived after something that was sent later: the path reorders.
    pub(super) fn note_reordering(&mut self, env: &Env<'_>, low: SeqNum) {
        let highest = self.queue.highest_sacked().map_or(self.send.una, |sent| sent.end);
        if low.before(highest) {
            let distance = (highest - low).div_ceil(self.segment_size(env));
            self.recovery.reordering = self.recovery.reordering.max(distance.min(300));
            self.recovery.reordered += 1;
        }
    }

    /// Whether SACK gives a round trip: when the oldest segment it newly reports was sent.
    pub(super) fn sack_sample(reported: &Reported) -> Option<Instant> {
        reported.news.iter().find(|sent| !sent.retransmitted).map(|sent| sent.at)
    }

    /// Judges loss and steers the congestion window. `highest` ends the highest segment that SACK had reported before.
    pub(super) fn recover(&mut self, env: &Env<'_>, news: &News, highest: Option<SeqNum>, out: &mut Outbox) {
        if self.negotiated.sack {
            for sent in news.freed.news() {
                if !self.is_original(env, sent) {
                    self.rack_arrived(env, sent);
                }
            }
            self.note_late(env, &news.freed.0, highest);
        }
        let mut delivered = news.reported.news.len() as u32;
        delivered += news.reported.duplicate.map_or(0, |duplicate| duplicate.segments);
        delivered += if self.negotiated.sack {
            news.freed.news().count() as u32
        } else {
            self.forget_duplicates(news.freed.count())
        };
        self.adapt_tolerance(news.freed.news().chain(&news.reported.news), delivered);
        self.judge_tail_probe(news);
        let lost_before = self.queue.lost();
        let mut progress = news.advanced || self.is_fresh_report(env, news);
        let calm = self.congestion.state() == CongestionState::Open;
        let reports = !news.reported.news.is_empty() || news.reported.duplicate.is_some();
        let repeat = if news.bare || news.congested || reports || !calm {
            self.judge_loss(env, news, &mut delivered, &mut progress)
        } else {
            Repeat::Nothing
        };
        if progress {
            self.restart_retransmission(env);
        }
        self.recovery.delivered += delivered;
        if self.congestion.is_reducing() {
            let calm = news.advanced && self.queue.lost() <= lost_before;
            self.congestion.reduce(delivered, self.in_flight(), calm);
        } else if news.freed.count() > 0 || (self.recovery.reordering > DUPLICATES && reports) {
            // Where the path reorders, what arrives counts in any order.
            self.congestion.acknowledged(env.now, delivered);
        }
        self.repeat(env, repeat, out);
    }

    /// An acknowledgement that is passed already may still bring reports.
    pub(super) fn take_old_reports(&mut self, env: &Env<'_>, segment: &Segment<'_>, out: &mut Outbox) {
        if segment.options.sack.is_empty() {
            return;
        }
        let una_before = self.send.una;
        let reported = self.take_sacks(env, segment, una_before);
        let news = News {
            una_before,
            advanced: false,
            duplicate: false,
            bare: false,
            congested: false,
            freed: Freed::default(),
            reported,
        };
        self.judge_reports(env, &news, out);
    }

    /// Reports that come without an acknowledgement of something in flight.
    pub(super) fn judge_reports(&mut self, env: &Env<'_>, news: &News, out: &mut Outbox) {
        let mut delivered = news.reported.news.len() as u32;
        delivered += news.reported.duplicate.map_or(0, |duplicate| duplicate.segments);
        let repeat = self.judge_loss(env, news, &mut delivered, &mut false);
        self.recovery.delivered += delivered;
        self.repeat(env, repeat, out);
    }

    fn repeat(&mut self, env: &Env<'_>, repeat: Repeat, out: &mut Outbox) {
        if repeat == Repeat::UnlessNew {
            self.push_out(env, out);
            if self.send.nxt.after(self.congestion.high()) {
                return;
            }
            self.recovery.frto = false;
        }
        if repeat != Repeat::Nothing {
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
            self.recovery.reordered += 1;
            self.recovery.reordering = self.recovery.reordering.max((out + freed).min(300));
        }
    }

    /// As Linux's `tcp_fastretrans_alert`; returns what is to be sent again.
    fn judge_loss(&mut self, env: &Env<'_>, news: &News, delivered: &mut u32, progress: &mut bool) -> Repeat {
        if self.queue.packets_out() == 0 {
            self.recovery.duplicates = 0;
        }
        if news.advanced && self.queue.head().is_some_and(|head| head.sacked) {
            // RFC2018/8a: the peer reported it and does not acknowledge it. It is given little time to explain itself.
            let half = self.rtt.smoothed().unwrap_or_default() / 2;
            self.arm_retransmission(env, env.now + half.max(core::time::Duration::from_millis(10)));
            *progress = false;
            return Repeat::Nothing;
        }
        if news.congested {
            self.congestion.keep_reduction();
        }
        let past = self.congestion.is_past(self.send.una);
        if self.congestion.state() == CongestionState::Reduced && self.send.una.after(self.congestion.high())
        {
            self.congestion.end_reduction();
        }
        match self.congestion.state() {
            CongestionState::Open => self.repetition.since = None,
            CongestionState::Recovery if past => {
                self.recovery.duplicates = 0;
                if self.leave_trouble(env) {
                    return Repeat::Nothing;
                }
            }
            CongestionState::Recovery => return self.judge_in_recovery(env, news, delivered, progress),
            CongestionState::Loss => {
                let repeat = self.judge_after_timeout(env, news, delivered);
                let lost_again = self.find_lost(env, news, progress);
                if self.congestion.state() != CongestionState::Open && !lost_again {
                    return repeat;
                }
                return self.judge_afresh(env, news, (delivered, progress), repeat);
            }
            CongestionState::Disorder | CongestionState::Reduced => {}
        }
        self.judge_afresh(env, news, (delivered, progress), Repeat::Nothing)
    }

    fn judge_in_recovery(
        &mut self,
        env: &Env<'_>,
        news: &News,
        delivered: &mut u32,
        progress: &mut bool,
    ) -> Repeat {
        if !news.advanced {
            *delivered += self.count_duplicate(news);
        } else if self.undo_partially(env, news.una_before) {
            return Repeat::Nothing;
        }
        if self.undo_by_duplicates(env) {
            self.settle();
        }
        self.find_lost(env, news, progress);
        if self.congestion.state() != CongestionState::Recovery {
            if self.queue.lost() == 0 {
                return Repeat::Nothing;
            }
            self.begin_recovery();
        }
        Repeat::Lost
    }

    /// After a time-out: was it needless (RFC 5682 section 3.1, in the form with SACK), and is it over?
    fn judge_after_timeout(&mut self, env: &Env<'_>, news: &News, delivered: &mut u32) -> Repeat {
        let past = self.congestion.is_past(self.send.una);
        let beyond = self.send.nxt.after(self.congestion.high());
        if news.advanced && self.undo_timeout(env, false) {
            return Repeat::Nothing;
        }
        if self.recovery.frto {
            // Step 3b: something arrived that was sent once.
            if self.proves_timeout_needless(news) && self.undo_timeout(env, true) {
                return Repeat::Nothing;
            }
            if beyond {
                // Step 3a: only the new data arrived.
                self.recovery.frto = news.reported.news.is_empty() && !news.duplicate;
            } else if news.advanced && !past {
                // Step 2b
                self.congestion.await_new_data(self.send.nxt);
                if self.send.nxt != self.queue.end() && self.send.window_end().after(self.send.nxt) {
                    return Repeat::UnlessNew;
                }
                self.recovery.frto = false;
            }
        }
        if past {
            self.leave_trouble(env);
            return Repeat::Nothing;
        }
        if !self.negotiated.sack {
            if news.duplicate && beyond {
                *delivered += self.count_duplicate(news);
            } else if news.advanced {
                self.recovery.duplicates = 0;
            }
        }
        Repeat::Lost
    }

    /// Whether something arrived that was sent once before the time-out. Without SACK nobody can tell if something that
    /// was sent twice arrived with it.
    fn proves_timeout_needless(&self, news: &News) -> bool {
        let high = self.congestion.high();
        let proves = |sent: &Sent| !sent.retransmitted && !sent.end.after(high);
        let by_ack = self.negotiated.sack || !news.freed.retransmitted();
        (by_ack && news.freed.news().any(proves)) || news.reported.news.iter().any(proves)
    }

    /// Outside of recovery: begins one if something is lost.
    fn judge_afresh(
        &mut self,
        env: &Env<'_>,
        news: &News,
        (delivered, progress): (&mut u32, &mut bool),
        repeat: Repeat,
    ) -> Repeat {
        if !self.negotiated.sack && news.advanced {
            self.recovery.duplicates = 0;
        }
        *delivered += self.count_duplicate(news);
        if !matches!(self.congestion.state(), CongestionState::Loss | CongestionState::Reduced) {
            self.undo_by_duplicates(env);
        }
        self.find_lost(env, news, progress);
        if self.queue.lost() == 0 {
            if news.congested {
                self.congestion.enter_reduced(self.send.nxt);
                self.recovery.undo.forget();
                self.recovery.tail_probe = None;
            }
            if self.congestion.state() == CongestionState::Reduced {
                self.forget_repetitions();
            } else {
                self.settle();
            }
            return repeat;
        }
        self.begin_recovery();
        Repeat::Lost
    }

    /// RFC6675/5-enter, RFC6582/3.2-2
    fn begin_recovery(&mut self) {
        self.forget_repetitions();
        self.begin_undo();
        self.congestion.enter_recovery(self.send.nxt);
        self.recovery.tail_probe = None;
    }

    /// Nothing is lost; something may still be out of order.
    pub(super) fn settle(&mut self) {
        self.forget_repetitions();
        let repeated = self.queue.head().is_some_and(|head| head.retransmitted);
        let amiss = self.queue.sacked() + self.recovery.duplicates + self.queue.resent() > 0 || repeated;
        let state = if amiss { CongestionState::Disorder } else { CongestionState::Open };
        self.congestion.settle(state);
    }

    /// Without SACK the state stays until something beyond it is acknowledged, so that duplicates that the repetitions
    /// cause do not begin a second recovery. RFC6582/3.2-1
    pub(super) fn holds_old_state(&self) -> bool {
        !self.negotiated.sack && self.send.una == self.congestion.high()
    }

    /// Marks what is lost; returns whether something is that was sent again.
    fn find_lost(&mut self, env: &Env<'_>, news: &News, progress: &mut bool) -> bool {
        if self.queue.packets_out() == 0 {
            return false;
        }
        if self.negotiated.sack {
            let resent = self.queue.resent();
            if core::mem::take(&mut self.recovery.arrivals) && self.rack_detect(env) {
                *progress = false;
            }
            return self.queue.resent() < resent;
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
        false
    }

    /// When nothing in flight was sent twice, the time of trouble is over.
    pub(super) fn forget_repetitions(&mut self) {
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
                self.begin_recovery();
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
