//! What is sent again, and when is it given up?

use core::time::Duration;

use super::congestion::CongestionState;
use super::connection::{Connection, Ending, Fate};
use super::env::Env;
use super::flow::Outbox;
use super::rack::DUPLICATES;
use super::send_queue::Sent;
use super::timers::Timer;
use super::transition::SyncState;
use super::transmit::Piece;
use crate::counters::Counter;
use crate::settings::Settings;
use crate::wire::flags::Flags;
use crate::wire::seq::SeqNum;

/// The time that `retries` doublings of `base` take, as if the first repetition had come after `base`. Linux gives up
/// by this time, not by a count, so that connections with any round-trip time live equally long. RFC9293/SHLD-11
pub(super) fn patience(retries: u32, base: Duration, settings: &Settings) -> Duration {
    let ratio = (settings.rto_max.as_micros() / base.as_micros().max(1)).max(1);
    let doublings = ratio.ilog2();
    let exponential = base * ((2 << retries.min(doublings)) - 1);
    exponential + settings.rto_max * retries.saturating_sub(doublings)
}

impl Connection {
    /// The retransmission timer is due. RFC9293/3.10.8-rto
    pub(super) fn retransmission_due(&mut self, env: &Env<'_>, out: &mut Outbox) -> Fate {
        if self.queue.packets_out() == 0 {
            return Fate::Lives;
        }
        // RFC9293/SHLD-17, RFC9293/MUST-35: a window closed behind our back is probed with what lies before it, and
        // answered probes keep the connection.
        let shut = self.send.window == 0 && !self.orphan;
        let given_up = !(shut && self.peer_answers(env)) && self.is_given_up(env);
        self.suspect_middlebox(env, given_up);
        if given_up {
            return Fate::Ended(self.time_out());
        }
        self.enter_loss(env);
        self.recovery.tail_probe = None;
        self.repetition.retransmits += u32::from(!shut);
        self.resend(env, 1, out);
        // RFC6298/5.5
        self.repetition.backoff += 1;
        self.rtt.back_off(env.settings);
        let wait = self.within_user_timeout(env, self.rtt.rto());
        self.arm_retransmission(env, env.now + wait);
        Fate::Lives
    }

    /// A time-out is taken for congestion.
    pub(super) fn enter_loss(&mut self, env: &Env<'_>) {
        self.presume_lost(env);
        let again = self.repetition.retransmits > 0;
        let calm = self.congestion.state() < CongestionState::Recovery;
        self.recovery.frto = env.settings.frto > 0 && (calm || again);
        if calm && self.queue.sacked() >= DUPLICATES {
            // So many duplicates, and it was loss nevertheless: reordering was overestimated.
            self.recovery.reordering = self.recovery.reordering.min(DUPLICATES);
        }
        if self.congestion.timed_out(env.now, (self.send.una, self.send.nxt), again, self.in_flight()) {
            self.begin_undo();
        }
    }

    /// No wait goes beyond the end of the program's patience.
    fn within_user_timeout(&self, env: &Env<'_>, wait: Duration) -> Duration {
        match (self.knobs.user_timeout, self.repetition.since) {
            (Some(most), Some(since)) => {
                wait.min(most.saturating_sub(env.now - since)).max(Duration::from_millis(1))
            }
            (_, _) => wait,
        }
    }

    /// After a time-out everything in flight is thought lost that was not sent a moment ago. RFC6675/5.1-rto
    fn presume_lost(&mut self, env: &Env<'_>) {
        self.recovery.duplicates = 0;
        let reneged = self.queue.head().is_some_and(|head| head.sacked);
        if reneged {
            // RFC2018/8c
            self.queue.forget_sacks();
        }
        let recent: alloc::vec::Vec<bool> =
            self.queue.in_flight().map(|sent| !reneged && self.is_recent(env, sent)).collect();
        self.queue.mark_lost(|index, _| index == 0 || !recent.get(index).copied().unwrap_or(false));
    }

    fn peer_answers(&self, env: &Env<'_>) -> bool {
        env.now - self.counters.last_ack_received <= env.settings.rto_max * 2
    }

    /// RFC9293/MUST-20
    fn is_given_up(&self, env: &Env<'_>) -> bool {
        let Some(since) = self.repetition.since.filter(|_| self.repetition.retransmits > 0) else {
            return false;
        };
        let retries = if self.orphan { self.orphan_retries(env) } else { env.settings.retries2 };
        let most = self.knobs.user_timeout;
        env.now - since >= most.unwrap_or_else(|| patience(retries, env.settings.rto_min, env.settings))
    }

    /// Repetitions for a connection that nobody holds.
    fn orphan_retries(&self, env: &Env<'_>) -> u32 {
        const SAFE: u32 = 8;
        let lively = self.rtt.rto() < env.settings.rto_max;
        match env.settings.orphan_retries {
            0 if lively => SAFE,
            retries => retries,
        }
    }

    pub(super) fn time_out(&self) -> Ending {
        // RFC9293/MUST-56, RFC9293/SHLD-25: trouble that the network reported explains the silence.
        self.soft_error.map_or(Ending::TimedOut, Ending::Unreachable)
    }

    /// Sends the oldest segments thought lost again, up to `most` if they left in one piece; returns whether any was
    /// sent. RFC6298/5.4
    fn resend(&mut self, env: &Env<'_>, most: u32, out: &mut Outbox) -> bool {
        let Some(first) = self.queue.first_lost() else {
            return false;
        };
        let count = self.queue.lost_together(first, most);
        for index in first..first + count {
            // As for what is sent for the first time, the last of several is pushed.
            let more = Flags::PSH.when(count > 1 && index + 1 == first + count);
            let Some(sent) = self.send_again(env, index, more, out) else {
                return index > first;
            };
            sent.resent = true;
            self.repetition.since.get_or_insert(env.now);
            self.recovery.undo.repeated();
            self.congestion.count_sent();
        }
        true
    }

    /// Sends a segment again, if that is possible.
    pub(super) fn send_again(
        &mut self,
        env: &Env<'_>,
        index: usize,
        more: Flags,
        out: &mut Outbox,
    ) -> Option<&mut Sent> {
        let mss = self.segment_size(env);
        let start = self.queue.in_flight().nth(index)?.start;
        let most = match self.send.window_end().beyond(start) {
            // RFC9293/SHLD-16: beyond a window that shrank nothing is repeated but the very first segment.
            0 if start != self.send.una => return None,
            0 => mss,
            room => room.min(mss),
        };
        self.queue.split(index, most);
        if env.settings.retrans_collapse {
            self.queue.collapse(index, mss, self.send.window_end());
        }
        let sent = self.queue.note_resent(index, env.now, self.recovery.delivered)?;
        let payload = self.queue.slice(sent.start, sent.end);
        self.counters.total_retransmits += 1;
        env.tally.count(Counter::RetransSegs);
        self.counters.bytes_retransmitted += payload.len() as u64;
        let push = Flags::PSH.when(self.queue.is_pushed(sent.start, sent.end));
        let flags = Flags::FIN.when(sent.fin) | push | more;
        self.emit(env, sent.start, flags, payload, out);
        self.queue.get_mut(index)
    }

    /// While recovering, what arrives makes room for more of what was lost. RFC6675/4-nextseg1
    pub(super) fn resend_lost(&mut self, env: &Env<'_>, out: &mut Outbox) {
        while self.in_flight() < self.congestion.window() {
            let is_head = self.queue.first_lost() == Some(0);
            let room = self.congestion.window() - self.in_flight();
            let most = room.min(self.burst(env, self.segment_size(env)));
            if !self.resend(env, most, out) {
                break;
            }
            if is_head && !self.timers.is_set(Timer::Reorder) {
                self.arm_retransmission(env, env.now + self.rtt.rto());
            }
        }
    }

    /// What is in flight is too long for the path: it was dropped, and goes again at once, cut smaller. RFC8201/5.4a
    pub(crate) fn path_shrank(&mut self, env: &Env<'_>, out: &mut Outbox) {
        let mss = self.segment_size(env);
        if self.queue.recut(mss) {
            if self.congestion.state() != CongestionState::Loss {
                self.recovery.undo.forget();
            }
            self.congestion.repeat_without_blame(env.now, self.send.nxt);
            self.resend_lost(env, out);
        }
    }

    /// The network said that the peer is out of reach: the time-out was not congestion, and one doubling is taken back.
    /// RFC6069/4
    pub(crate) fn revert_backoff(&mut self, env: &Env<'_>, seq: SeqNum, out: &mut Outbox) -> Fate {
        let repeats = self.repetition.retransmits > 0 && self.repetition.backoff > 0;
        let Some(sent_at) = self.queue.head().map(|sent| sent.at) else { return Fate::Lives };
        if seq != self.send.una || !repeats {
            return Fate::Lives;
        }
        self.repetition.backoff -= 1;
        self.rtt.back_off_to(self.repetition.backoff, env.settings);
        let due = sent_at + self.rtt.rto();
        if due > env.now {
            self.arm_retransmission(env, due);
            return Fate::Lives;
        }
        self.clear_retransmission();
        self.retransmission_due(env, out)
    }

    /// The interval to the next probe. RFC9293/SHLD-30
    pub(super) fn probe_interval(&self, env: &Env<'_>) -> Duration {
        let settings = env.settings;
        let most = (settings.rto_max.as_micros() / settings.rto_min.as_micros().max(1)).max(1).ilog2() + 1;
        let base = self.rtt.rto().max(settings.rto_min);
        base.saturating_mul(1 << self.repetition.backoff.min(most)).min(settings.rto_max)
    }

    /// The peer's window was closed for long enough. RFC9293/MUST-36
    pub(super) fn probe_due(&mut self, env: &Env<'_>, out: &mut Outbox) -> Fate {
        if self.queue.packets_out() > 0 || self.send.nxt == self.queue.end() {
            self.repetition.probes = 0;
            self.repetition.probing_since = None;
            return Fate::Lives;
        }
        let since = *self.repetition.probing_since.get_or_insert(env.now);
        if self.knobs.user_timeout.is_some_and(|most| env.now - since >= most) {
            return Fate::Ended(self.time_out());
        }
        // RFC9293/MUST-37: answers reset the count, unless nobody holds the connection.
        let most = if self.orphan { self.orphan_retries(env) } else { env.settings.retries2 };
        if self.repetition.probes >= most {
            return Fate::Ended(self.time_out());
        }
        self.probe(env, out);
        if self.queue.packets_out() > 0 {
            self.repetition.probes = 0;
            self.repetition.backoff = 0;
            return Fate::Lives;
        }
        self.repetition.probes += 1;
        self.repetition.backoff = (self.repetition.backoff + 1).min(env.settings.retries2);
        let mut wait = self.probe_interval(env);
        if let Some(most) = self.knobs.user_timeout {
            wait = wait.min(most.saturating_sub(env.now - since)).max(Duration::from_millis(1));
        }
        self.timers.set(Timer::Probe, env.now + wait);
        Fate::Lives
    }

    /// A window that is too small for a full segment but not closed is filled; a closed one is asked for by an empty
    /// segment below it, which the peer must answer. RFC9293/3.8.6.1-probe-one-octet has an octet of data instead.
    fn probe(&mut self, env: &Env<'_>, out: &mut Outbox) {
        let start = self.send.nxt;
        let room = self.send.window_end().beyond(start);
        if room == 0 {
            self.probe_urgently(env, out);
            let seq = self.send.una - 1;
            self.emit(env, seq, Flags::NONE, alloc::vec::Vec::new(), out);
            return;
        }
        let length = room.min(self.segment_size(env)).min(self.queue.end() - start);
        let end = start + length;
        let fin = self.queue.fin() && end == self.queue.end();
        // RFC9293/MUST-61
        self.send_new(env, Piece { start, end, fin, follows: false }, Flags::PSH, out);
    }

    /// A timer is due.
    pub(crate) fn on_timer(&mut self, env: &Env<'_>, timer: Timer, out: &mut Outbox) -> Fate {
        self.timers.clear(timer);
        match timer {
            Timer::Retransmit if self.is_unconfirmed() => self.confirmation_due(env, out),
            Timer::Retransmit => self.retransmission_due(env, out),
            Timer::Reorder => {
                self.reorder_due(env, out);
                Fate::Lives
            }
            Timer::TailProbe => {
                self.tail_probe_due(env, out);
                Fate::Lives
            }
            Timer::Probe => self.probe_due(env, out),
            Timer::DelayedAck => {
                self.delayed_ack_due(env, out);
                Fate::Lives
            }
            Timer::CompressedAck => {
                self.send_ack(env, out);
                Fate::Lives
            }
            Timer::KeepAlive => self.keep_alive_due(env, out),
            Timer::Orphan => self.orphan_due(env, out),
            Timer::TimeWait => unreachable!("what is left of a connection keeps its own timer"),
        }
    }

    fn orphan_due(&mut self, env: &Env<'_>, out: &mut Outbox) -> Fate {
        if self.state != SyncState::FinWait2 {
            return Fate::Lives;
        }
        match self.fin_time(env).checked_sub(super::time_wait::LENGTH) {
            Some(rest) if !rest.is_zero() => Fate::OrphanTimeWait(rest),
            Some(_) | None => {
                self.send_reset(env, out);
                Fate::Ended(Ending::Aborted)
            }
        }
    }
}
