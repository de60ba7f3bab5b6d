//! Was a reduction of the congestion window needless? Then it is taken back.
//!
//! As in Linux in three ways: the peer echoes a timestamp from before the first repetition (Eifel, RFC 3522), it reports
//! every repetition as a duplicate (D-SACK), or F-RTO finds that what was sent once arrived (RFC 5682).

use super::congestion::CongestionState;
use super::connection::Connection;
use super::env::Env;
use super::recovery::Duplicate;
use super::send_queue::Sent;
use crate::counters::Counter;
use crate::wire::options::SackBlock;
use crate::wire::seq::SeqNum;
use crate::wire::tcp::Segment;

/// What must be known to take a reduction back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Undo {
    /// The oldest number in flight when it began; none if there is nothing to take back.
    marker: Option<SeqNum>,
    /// Repetitions that the peer did not report as duplicates; none before the first.
    repetitions: Option<u32>,
}

impl Undo {
    /// A reduction begins; `resent` repetitions are on the way already.
    pub(super) fn begin(&mut self, una: SeqNum, resent: u32) {
        self.marker = Some(una);
        self.repetitions = (resent > 0).then_some(resent);
    }

    /// The reduction stays.
    pub(super) fn forget(&mut self) {
        self.marker = None;
    }

    pub(super) fn is_possible(&self) -> bool {
        self.marker.is_some()
    }

    pub(super) fn repeated(&mut self) {
        self.repetitions = Some(self.repetitions.unwrap_or(0) + 1);
    }

    /// The peer reported repetitions as duplicates, up to `end`.
    fn reported(&mut self, count: u32, end: SeqNum) {
        if let (Some(marker), Some(repetitions)) = (self.marker, &mut self.repetitions)
            && end.after(marker)
        {
            *repetitions = repetitions.saturating_sub(count);
        }
    }

    /// All repetitions were needless.
    fn were_all_needless(&self) -> bool {
        self.marker.is_some() && self.repetitions == Some(0)
    }
}

impl Connection {
    /// A reduction of the window begins.
    pub(super) fn begin_undo(&mut self) {
        let probe = u32::from(self.recovery.tail_probe.is_some_and(|(_, again)| again));
        let resent = self.queue.resent() + probe;
        self.recovery.undo.begin(self.send.una, resent);
    }

    /// Takes a D-SACK block, unless it tells of more than was ever repeated. RFC2883/4-1
    pub(super) fn take_duplicate(
        &mut self,
        env: &Env<'_>,
        block: SackBlock,
        una: SeqNum,
    ) -> Option<Duplicate> {
        let length = block.end.beyond(block.start);
        if length == 0 || length > self.send.max_window {
            return None;
        }
        let segments = length.div_ceil(self.segment_size(env));
        let of_probe = segments == 1 && self.recovery.tail_probe.is_some_and(|(end, _)| end == block.end);
        self.recovery.duplicates_reported += segments;
        if self.recovery.duplicates_reported > self.counters.total_retransmits {
            return None;
        }
        self.recovery.tolerance.saw_duplicate(self.recovery.reordered > 0 && !of_probe);
        if block.end.after(una) {
            let needless = self.queue.take_repeated(block);
            self.recovery.undo.reported(needless.len() as u32, block.end);
            if let Some(sent) = needless.iter().find(|sent| sent.sacked) {
                self.note_reordering(env, sent.start);
            }
        } else {
            self.recovery.undo.reported(segments, block.end);
        }
        Some(Duplicate { segments, of_probe })
    }

    /// Whether the peer answers a segment from before the first repetition. Without a repetition since the reduction
    /// began, what was missing was only late (RFC 3522 section 3.2).
    fn is_answer_to_original(&self, env: &Env<'_>) -> bool {
        match (self.repetition.since, self.recovery.echo) {
            (Some(since), Some(echo)) => SeqNum(echo).before(SeqNum(env.clock.at(since))),
            (Some(_), None) => false,
            // Without SACK the mark is taken away while the old state is held.
            (None, _) => self.negotiated.sack || self.send.una.before(self.congestion.high()),
        }
    }

    fn may_undo(&self, env: &Env<'_>) -> bool {
        self.recovery.undo.is_possible()
            && (self.recovery.undo.were_all_needless() || self.is_answer_to_original(env))
    }

    /// The window is what it was before. RFC9438/4.9.1, RFC9438/4.9.2
    fn undo_reduction(&mut self, unmark: bool) {
        if unmark {
            self.queue.unmark_lost();
        }
        self.congestion.undo();
        self.recovery.undo.forget();
        self.recovery.arrivals = true;
    }

    /// What was in flight when trouble began is acknowledged; returns whether the old state is held nevertheless.
    pub(super) fn leave_trouble(&mut self, env: &Env<'_>) -> bool {
        if self.may_undo(env) {
            let loss = self.congestion.state() == CongestionState::Loss;
            env.tally.count(if loss { Counter::LossUndo } else { Counter::FullUndo });
            self.undo_reduction(false);
        } else {
            self.recovery.tolerance.recovered();
        }
        if self.holds_old_state() {
            self.forget_repetitions();
            return true;
        }
        if self.congestion.state() == CongestionState::Recovery && self.recovery.undo.is_possible() {
            // RFC6582/3.2-3full
            self.congestion.end_reduction();
        }
        self.congestion.settle(CongestionState::Open);
        false
    }

    /// The peer reported all repetitions as duplicates; returns whether the window was restored.
    pub(super) fn undo_by_duplicates(&mut self, env: &Env<'_>) -> bool {
        let needless = self.recovery.undo.were_all_needless();
        if needless {
            self.recovery.tolerance.undone();
            env.tally.count(Counter::DsackUndo);
            self.undo_reduction(false);
        }
        needless
    }

    /// The peer acknowledged a part in recovery; returns whether the hole was filled by something late, so that nothing
    /// more is to be repeated for now.
    pub(super) fn undo_partially(&mut self, env: &Env<'_>, una_before: SeqNum) -> bool {
        if !self.recovery.undo.is_possible() || !self.is_answer_to_original(env) {
            return false;
        }
        self.note_reordering(env, una_before);
        if self.queue.resent() > 0 {
            return true;
        }
        env.tally.count(Counter::PartialUndo);
        self.undo_reduction(true);
        self.settle();
        false
    }

    /// After a time-out: `proved` if F-RTO found it needless. Returns whether it was.
    pub(super) fn undo_timeout(&mut self, env: &Env<'_>, proved: bool) -> bool {
        if !proved && !self.may_undo(env) {
            return false;
        }
        self.undo_reduction(true);
        env.tally.count(Counter::LossUndo);
        if proved {
            env.tally.count(Counter::SpuriousRtos);
        }
        self.repetition.retransmits = 0;
        if self.holds_old_state() {
            self.forget_repetitions();
        } else if proved || self.negotiated.sack {
            self.congestion.settle(CongestionState::Open);
        }
        true
    }

    /// Whether a segment that was sent more than once arrived before its last repetition left.
    pub(super) fn is_original(&self, env: &Env<'_>, sent: &Sent) -> bool {
        let before = |echo| SeqNum(echo).before(SeqNum(env.clock.at(sent.at)));
        sent.retransmitted && self.recovery.echo.is_some_and(before)
    }

    /// The timestamp that the peer echoes, if it does.
    pub(super) fn echo_of(&self, segment: &Segment<'_>) -> Option<u32> {
        let timestamps = segment.options.timestamps.filter(|_| self.negotiated.timestamps.is_some())?;
        Some(timestamps.echo).filter(|echo| *echo != 0)
    }
}
