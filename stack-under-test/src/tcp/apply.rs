//! A segment arrives: decide, then apply.

use super::acceptable::Place;
use super::acknowledge::AckMeaning;
use super::connection::{Connection, Ending, Fate};
use super::delayed_ack::MAX_QUICK;
use super::env::Env;
use super::flow::Outbox;
use super::handshake::OrphanTime;
use super::text::TextPlace;
use super::transition::{SyncEvent, SyncState};
use crate::counters::Counter;
use crate::wire::tcp::Segment;

/// What is to be done about a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// Nothing.
    Ignore,
    /// Say what we expect.
    Rebuke {
        /// The segment repeats data: the peer missed an acknowledgement.
        repeated: bool,
    },
    /// Ask the peer to confirm.
    Challenge,
    /// The connection is reset.
    Reset,
    /// Its parts are taken in turn.
    Take { ack: AckMeaning, text: TextPlace },
}

impl Connection {
    /// Decides; changes nothing.
    pub(crate) fn on_segment(&self, env: &Env<'_>, segment: &Segment<'_>) -> Disposition {
        match self.place(segment) {
            Place::Ignored => Disposition::Ignore,
            Place::Rebuked if self.may_rebuke(env, segment) => {
                let repeated = segment.len() > 0 && segment.seq.before(self.window.nxt);
                Disposition::Rebuke { repeated }
            }
            Place::Challenged if self.may_challenge(env) => Disposition::Challenge,
            Place::Rebuked | Place::Challenged => Disposition::Ignore,
            Place::Reset => Disposition::Reset,
            Place::Acceptable => {
                Disposition::Take { ack: self.ack_meaning(segment), text: self.text_place(segment) }
            }
        }
    }

    /// Does what was decided. The only way in which a segment changes a connection.
    pub(crate) fn apply(
        &mut self,
        env: &Env<'_>,
        segment: &Segment<'_>,
        disposition: Disposition,
        out: &mut Outbox,
    ) -> Fate {
        self.counters.segments_in += 1;
        match disposition {
            Disposition::Ignore => Fate::Lives,
            Disposition::Rebuke { repeated } => {
                if segment.len() == 0 || segment.flags.syn() {
                    self.last_rebuke = Some(env.now);
                }
                if repeated {
                    self.acking.enter_quick(self.window.advertised, MAX_QUICK);
                    self.note_repeated(segment);
                }
                self.send_ack(env, out);
                Fate::Lives
            }
            Disposition::Challenge => self.challenge(env, out),
            // RFC9293/3.10.7.4-rst-exact, RFC9293/3.10.7.4-rst-closing
            Disposition::Reset => Fate::Ended(match self.state {
                SyncState::CloseWait => Ending::ResetAfterFin,
                SyncState::SynReceived
                | SyncState::Established
                | SyncState::FinWait1
                | SyncState::FinWait2
                | SyncState::Closing
                | SyncState::LastAck => Ending::Reset,
            }),
            Disposition::Take { ack, text } => self.take(env, segment, ack, text, out),
        }
    }

    /// RFC5961/3.2-2, RFC5961/4.2-1, RFC5961/5.2-1
    fn challenge(&mut self, env: &Env<'_>, out: &mut Outbox) -> Fate {
        self.last_rebuke = Some(env.now);
        if env.tally.may_challenge(env.now.as_millis() / 1000, env.settings.challenge_limit) {
            env.tally.count(Counter::ChallengeAck);
            self.send_ack(env, out);
        }
        Fate::Lives
    }

    fn take(
        &mut self,
        env: &Env<'_>,
        segment: &Segment<'_>,
        ack: AckMeaning,
        text: TextPlace,
        out: &mut Outbox,
    ) -> Fate {
        let fin_acknowledged = match ack {
            AckMeaning::Current => {
                let fin_acknowledged = self.take_current(env, segment, out);
                self.confirm(env, segment, out);
                fin_acknowledged
            }
            AckMeaning::Old => {
                self.take_old_reports(env, segment, out);
                false
            }
            // RFC9293/3.10.7.4-ack-future, RFC5961/5.2-1
            AckMeaning::Future | AckMeaning::TooOld => {
                return if self.may_challenge(env) { self.challenge(env, out) } else { Fate::Lives };
            }
        };
        if fin_acknowledged {
            let was = self.state;
            let fate = self.transit(env, SyncEvent::FinAcknowledged);
            if fate != Fate::Lives {
                return fate;
            }
            if was == SyncState::FinWait1 && self.orphan {
                if self.knobs.orphan_time == OrphanTime::None {
                    return Fate::Ended(Ending::Aborted);
                }
                if self.brings_data(segment) {
                    return Fate::EndedWithReset(Ending::Aborted);
                }
                let fate = self.wait_without_owner(env, segment.flags.fin());
                if fate != Fate::Lives {
                    return fate;
                }
            }
        }
        if self.state.may_receive() {
            self.measure_by_echo(env, segment);
            self.take_urgent(env, segment);
        }
        let fate = self.take_what_the_state_permits(env, segment, text, out);
        if fate == Fate::Lives {
            self.transmit(env, out);
            self.acknowledge_or_wait(env, out);
        }
        fate
    }

    fn take_current(&mut self, env: &Env<'_>, segment: &Segment<'_>, out: &mut Outbox) -> bool {
        self.soft_error = None;
        self.take_reduced(segment);
        self.take_ack(env, segment, out)
    }

    fn take_what_the_state_permits(
        &mut self,
        env: &Env<'_>,
        segment: &Segment<'_>,
        text: TextPlace,
        out: &mut Outbox,
    ) -> Fate {
        // RFC9293/3.10.7.4-text-late: after its FIN the peer has nothing new to say.
        if !self.state.may_receive() && !segment.seq.before(self.window.nxt) {
            return Fate::Lives;
        }
        // RFC1122/4.2.2.13: data that nobody can ever read is refused. While the program can still write, it is kept.
        if self.state != SyncState::Established && self.read_closed() && self.brings_data(segment) {
            return Fate::EndedWithReset(Ending::Reset);
        }
        if self.take_text(env, segment, text) { self.take_fin(env, out) } else { Fate::Lives }
    }

    /// The peer's FIN was reached. RFC9293/3.10.7.4-fin-ack
    pub(super) fn take_fin(&mut self, env: &Env<'_>, out: &mut Outbox) -> Fate {
        let was = self.state;
        self.peer_closed = true;
        self.acking.scheduled = true;
        self.received.forget_early();
        match was {
            // The answer, a FIN among them, may follow soon; the acknowledgement waits for it.
            SyncState::SynReceived | SyncState::Established => self.acking.enter_ping_pong(env),
            SyncState::FinWait1 | SyncState::FinWait2 => self.send_ack(env, out),
            SyncState::CloseWait | SyncState::Closing | SyncState::LastAck => {}
        }
        self.transit(env, SyncEvent::PeerFin)
    }
}
