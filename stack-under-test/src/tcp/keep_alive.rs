//! Is the peer still there? RFC9293/MUST-24: only if the program asks.

use core::time::Duration;

use super::connection::{Connection, Ending, Fate};
use super::env::Env;
use super::flow::Outbox;
use super::timers::Timer;
use crate::counters::Counter;
use crate::wire::flags::Flags;

impl Connection {
    /// RFC9293/MUST-27, RFC9293/MUST-28
    fn keep_alive_idle(&self, env: &Env<'_>) -> Duration {
        self.knobs.keep_alive.idle.unwrap_or(env.settings.keep_alive_idle)
    }

    /// How long nothing came. RFC9293/MUST-26
    fn silence(&self, env: &Env<'_>) -> Duration {
        (env.now - self.acking.last_data).min(env.now - self.counters.last_ack_received)
    }

    /// The connection began, or `SO_KEEPALIVE` was set.
    pub(crate) fn arm_keep_alive(&mut self, env: &Env<'_>) {
        if self.knobs.keep_alive.on {
            self.timers.set(Timer::KeepAlive, env.now + self.keep_alive_idle(env));
        } else {
            self.timers.clear(Timer::KeepAlive);
        }
    }

    /// `TCP_KEEPIDLE` was set: it counts from the last sign of life.
    pub(crate) fn rearm_keep_alive(&mut self, env: &Env<'_>) {
        if self.knobs.keep_alive.on {
            let rest = self.keep_alive_idle(env).saturating_sub(self.silence(env));
            self.timers.set(Timer::KeepAlive, env.now + rest);
        }
    }

    pub(super) fn keep_alive_due(&mut self, env: &Env<'_>, out: &mut Outbox) -> Fate {
        if !self.knobs.keep_alive.on {
            return Fate::Lives;
        }
        let idle = self.keep_alive_idle(env);
        let mut wait = idle;
        // What is under way asks by itself.
        if self.queue.packets_out() == 0 && self.send.nxt == self.queue.end() {
            let silence = self.silence(env);
            wait = idle.saturating_sub(silence);
            if wait.is_zero() {
                if self.is_silent_too_long(env, silence) {
                    // RFC9293/MUST-20
                    self.send_reset(env, out);
                    return Fate::Ended(self.soft_error.map_or(Ending::TimedOut, Ending::Unreachable));
                }
                // RFC9293/SHLD-12
                let seq = self.send.una - 1;
                self.emit(env, seq, Flags::NONE, alloc::vec::Vec::new(), out);
                self.repetition.probes += 1;
                env.tally.count(Counter::KeepAlive);
                wait = self.knobs.keep_alive.interval.unwrap_or(env.settings.keep_alive_interval);
            }
        }
        self.timers.set(Timer::KeepAlive, env.now + wait);
        Fate::Lives
    }

    /// RFC9293/MUST-29: one probe without an answer proves nothing.
    fn is_silent_too_long(&self, env: &Env<'_>, silence: Duration) -> bool {
        let probes = self.repetition.probes;
        match self.knobs.user_timeout {
            Some(most) => silence >= most && probes > 0,
            None => probes >= self.knobs.keep_alive.count.unwrap_or(env.settings.keep_alive_probes),
        }
    }
}
