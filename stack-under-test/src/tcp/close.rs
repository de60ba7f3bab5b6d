//! How does it end?

use core::time::Duration;

use super::connection::{Connection, Ending, Fate};
use super::env::Env;
use super::flow::Outbox;
use super::handshake::OrphanTime;
use super::time_wait;
use super::timers::Timer;
use super::transition::{Next, SyncEvent, SyncState};

impl Connection {
    /// The one place where the state changes; returns the fate that the table demands.
    pub(super) fn transit(&mut self, env: &Env<'_>, event: SyncEvent) -> Fate {
        match self.state.on(event) {
            Next::Stay => Fate::Lives,
            Next::To(state) => {
                self.state = state;
                env.tally.journal.note(self.flow, state.name());
                Fate::Lives
            }
            Next::TimeWait => Fate::TimeWait,
            Next::Closed => Fate::Ended(Ending::Closed),
        }
    }

    /// `shutdown(SHUT_RD)`: nothing is sent, and data goes on to be taken.
    pub(crate) fn shut_read(&mut self) {
        self.read_shut = true;
    }

    /// `shutdown(SHUT_WR)`: the FIN follows what was written.
    pub(crate) fn shut_write(&mut self, env: &Env<'_>, out: &mut Outbox) {
        self.write_shut = true;
        // Linux: before the peer acknowledged our SYN the FIN waits, unless the program closes.
        if self.state != SyncState::SynReceived {
            self.send_fin(env, out);
        }
    }

    fn send_fin(&mut self, env: &Env<'_>, out: &mut Outbox) {
        if self.state.may_send() {
            self.queue.append_fin();
            let fate = self.transit(env, SyncEvent::LocalClose);
            debug_assert_eq!(fate, Fate::Lives, "closing our direction never ends a connection by itself");
            self.transmit(env, out);
        }
    }

    /// The last descriptor is closed; `abortive` if the program asked not to linger at all.
    pub(crate) fn close(&mut self, env: &Env<'_>, abortive: bool, out: &mut Outbox) -> Fate {
        // RFC9293/SHLD-3, RFC2525/2.17: data that nobody will read must not look as if it had been.
        if self.received.unread() > 0 {
            self.send_reset(env, out);
            return Fate::Ended(Ending::Aborted);
        }
        if abortive {
            return self.abort(env, out);
        }
        self.read_shut = true;
        self.write_shut = true;
        self.send_fin(env, out);
        Fate::Lives
    }

    /// RFC9293/3.10.5-abort-rst, RFC9293/3.10.5-abort-silent
    pub(crate) fn abort(&mut self, env: &Env<'_>, out: &mut Outbox) -> Fate {
        if self.state.abort_sends_reset() || self.send.nxt != self.queue.end() {
            self.send_reset(env, out);
        }
        Fate::Ended(Ending::Aborted)
    }

    /// Whether our FIN still waits for its acknowledgement, for which a lingering `close` waits.
    pub(crate) fn is_closing(&self) -> bool {
        match self.state {
            SyncState::FinWait1 | SyncState::Closing | SyncState::LastAck => true,
            SyncState::SynReceived | SyncState::Established | SyncState::FinWait2 | SyncState::CloseWait => {
                false
            }
        }
    }

    /// Nobody holds the connection any more.
    pub(crate) fn become_orphan(&mut self, env: &Env<'_>, out: &mut Outbox) -> Fate {
        self.orphan = true;
        match self.state {
            SyncState::FinWait2 if self.knobs.orphan_time == OrphanTime::None => {
                self.send_reset(env, out);
                Fate::Ended(Ending::Aborted)
            }
            SyncState::FinWait2 => self.wait_without_owner(env, false),
            SyncState::SynReceived
            | SyncState::Established
            | SyncState::FinWait1
            | SyncState::CloseWait
            | SyncState::Closing
            | SyncState::LastAck => Fate::Lives,
        }
    }

    /// In FIN-WAIT-2 with nobody to tell: the peer's FIN has limited time. Linux keeps the last minute of it in the
    /// form of a TIME-WAIT entry.
    pub(super) fn wait_without_owner(&mut self, env: &Env<'_>, fin_is_here: bool) -> Fate {
        let time = self.fin_time(env);
        if time > time_wait::LENGTH {
            self.timers.set(Timer::Orphan, env.now + (time - time_wait::LENGTH));
        } else if fin_is_here {
            self.timers.set(Timer::Orphan, env.now + time);
        } else {
            return Fate::OrphanTimeWait(time);
        }
        Fate::Lives
    }

    /// `tcp_fin_timeout`, but no less than three and a half retransmission time-outs.
    pub(super) fn fin_time(&self, env: &Env<'_>) -> Duration {
        let time = match self.knobs.orphan_time {
            OrphanTime::System | OrphanTime::None => env.settings.fin_timeout,
            OrphanTime::So(time) => time,
        };
        time.max(self.rtt.rto() * 7 / 2)
    }
}
