//! The timer of what is in flight: a probe of the tail first, where that is possible, then the retransmission.
//!
//! As in Linux there is one timer with three meanings: one of [`Timer::Retransmit`], [`Timer::Reorder`] and
//! [`Timer::TailProbe`] runs, or none.

use super::congestion::CongestionState;
use super::connection::Connection;
use super::env::Env;
use super::flow::Outbox;
use super::rack::TIMER_MIN;
use super::recovery::News;
use super::timers::Timer;
use crate::counters::Counter;
use crate::time::Instant;
use crate::wire::flags::Flags;

impl Connection {
    pub(super) fn clear_retransmission(&mut self) {
        if self.is_unconfirmed() {
            // The timer is that of our SYN.
            return;
        }
        self.timers.clear(Timer::Retransmit);
        self.timers.clear(Timer::Reorder);
        self.timers.clear(Timer::TailProbe);
    }

    pub(super) fn arm_retransmission(&mut self, env: &Env<'_>, due: Instant) {
        self.clear_retransmission();
        if self.is_unconfirmed() {
            return;
        }
        self.timers.set(Timer::Retransmit, due.max(env.now));
    }

    /// The time-out counts from when the oldest segment was last sent. RFC6298/5.1
    pub(super) fn rearm_retransmission(&mut self, env: &Env<'_>) {
        match self.queue.head().map(|sent| sent.at) {
            Some(at) => self.arm_retransmission(env, at + self.rtt.rto()),
            None => self.clear_retransmission(),
        }
    }

    /// An acknowledgement made progress: the timer starts anew. RFC6298/5.2, RFC6298/5.3
    pub(super) fn restart_retransmission(&mut self, env: &Env<'_>) {
        if self.arm_tail_probe(env, true) {
            return;
        }
        if self.queue.packets_out() == 0 {
            self.clear_retransmission();
        } else if self.timers.is_set(Timer::Reorder) || self.timers.is_set(Timer::TailProbe) {
            self.rearm_retransmission(env);
        } else {
            self.arm_retransmission(env, env.now + self.rtt.rto());
        }
    }

    /// Where the tail can be probed the time-out begins with that; returns whether it does. RFC8985/7.2a
    pub(super) fn arm_tail_probe(&mut self, env: &Env<'_>, anew: bool) -> bool {
        let out = self.queue.packets_out();
        let calm = matches!(self.congestion.state(), CongestionState::Open | CongestionState::Reduced);
        if self.is_unconfirmed() || !env.settings.tail_probe || out == 0 || !self.negotiated.sack || !calm {
            return false;
        }
        let rto = self.rtt.rto();
        // RFC8985/7.2b
        let wait = match self.rtt.smoothed() {
            Some(smoothed) if out == 1 => smoothed * 2 + env.settings.rto_min,
            Some(smoothed) => smoothed * 2 + TIMER_MIN,
            None => core::time::Duration::from_secs(1),
        };
        let latest = match self.queue.head() {
            Some(head) if !anew => head.at + rto,
            Some(_) | None => env.now + rto,
        };
        let mut due = env.now + wait;
        if latest > env.now {
            due = due.min(latest);
        }
        self.clear_retransmission();
        self.timers.set(Timer::TailProbe, due);
        true
    }

    /// Nothing came for the last segments: something new is sent if there is any, else the last again. RFC8985/7.3a
    pub(super) fn tail_probe_due(&mut self, env: &Env<'_>, out: &mut Outbox) {
        if self.queue.packets_out() == 0 {
            return;
        }
        if self.recovery.tail_probe.is_none() {
            let before = self.send.nxt;
            if self.send.nxt != self.queue.end() && self.send_one(env, out) {
                debug_assert!(self.send.nxt.after(before), "something new was sent");
                self.recovery.tail_probe = Some((self.send.nxt, false));
            } else if self.send_again(env, self.queue.packets_out() as usize - 1, Flags::NONE, out).is_some()
            {
                self.recovery.tail_probe = Some((self.send.nxt, true));
            }
            if self.recovery.tail_probe.is_some() {
                env.tally.count(Counter::LossProbes);
                self.arm_retransmission(env, env.now + self.rtt.rto());
                return;
            }
        }
        self.rearm_retransmission(env);
    }

    /// What the acknowledgement says about the probe. RFC8985/7.4.2a
    pub(super) fn judge_tail_probe(&mut self, news: &News) {
        let Some((end, again)) = self.recovery.tail_probe else { return };
        let ack = self.send.una;
        if ack.before(end) {
            return;
        }
        let both = news.reported.duplicate.is_some_and(|duplicate| duplicate.of_probe);
        if !again || both || (ack == end && news.bare) {
            self.recovery.tail_probe = None;
        } else if ack.after(end) {
            // RFC8985/7.4.2b: the probe repaired a loss, which counts as congestion.
            self.recovery.tail_probe = None;
            self.congestion.halve(self.send.nxt);
            self.settle();
        }
    }
}
