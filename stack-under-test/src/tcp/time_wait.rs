//! TIME-WAIT: what is left of a connection, and FIN-WAIT-2 when nobody holds it any more.

use core::time::Duration;

use super::connection::Connection;
use super::env::Env;
use super::flow::{Departure, Flow, Outbox};
use super::handshake::HeaderKnobs;
use super::timers::{Timer, Timers};
use crate::time::Instant;
use crate::wire::flags::Flags;
use crate::wire::options::{Options, Timestamps};
use crate::wire::seq::SeqNum;
use crate::wire::tcp::{Outgoing, Segment};

/// Linux's constant, where RFC9293/MUST-13 has twice two minutes.
pub(crate) const LENGTH: Duration = Duration::from_secs(60);

/// What a segment means for the remains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeWaitDisposition {
    Ignore,
    /// They disappear.
    Vanish,
    /// They stand from now on as long as they stood at first.
    Restart,
    /// The segment is answered with what is expected.
    Acknowledge {
        restart: bool,
    },
    /// The peer's FIN came at last.
    Finish,
    /// The segment is answered with a reset, and the remains disappear.
    Refuse,
    /// A SYN that cannot be an old one: a listener may take it; its sequence numbers begin here.
    Reopen(SeqNum),
}

/// The remains of a connection.
#[derive(Clone, Debug)]
pub(crate) struct TimeWait {
    flow: Flow,
    /// Whether the peer's FIN is still to come.
    pub(crate) awaits_fin: bool,
    snd_nxt: SeqNum,
    rcv_nxt: SeqNum,
    window: u32,
    scale: u8,
    /// The peer's last timestamp.
    recent: Option<u32>,
    /// When it came.
    recent_at: Instant,
    last_rebuke: Option<Instant>,
    /// `IP_TOS`, `IPV6_TCLASS`; the number of links is the system's, as in Linux.
    class: u8,
    /// Whether the socket allowed its port to be bound again.
    pub(crate) reuse_address: bool,
    pub(crate) reuse_port: bool,
    pub(crate) timers: Timers,
}

impl TimeWait {
    pub(crate) fn new(
        env: &Env<'_>,
        connection: &Connection,
        (reuse_address, reuse_port): (bool, bool),
        awaits_fin: Option<Duration>,
    ) -> Self {
        let (snd_nxt, window, negotiated) = connection.remains();
        let mut timers = Timers::default();
        timers.set(Timer::TimeWait, env.now + awaits_fin.unwrap_or(LENGTH));
        Self {
            flow: connection.flow,
            class: connection.knobs.header(connection.flow).class,
            awaits_fin: awaits_fin.is_some(),
            snd_nxt,
            rcv_nxt: window.nxt,
            window: window.left(),
            scale: window.scale,
            recent: negotiated.timestamps,
            recent_at: env.now,
            last_rebuke: None,
            reuse_address,
            reuse_port,
            timers,
        }
    }

    /// As Linux's `tcp_timewait_state_process`.
    pub(crate) fn on_segment(&self, env: &Env<'_>, segment: &Segment<'_>) -> TimeWaitDisposition {
        if self.awaits_fin { self.before_fin(env, segment) } else { self.after_fin(env, segment) }
    }

    fn before_fin(&self, env: &Env<'_>, segment: &Segment<'_>) -> TimeWaitDisposition {
        let (flags, nxt) = (segment.flags, self.rcv_nxt);
        if self.has_old_timestamp(segment) || !self.is_in_window(segment) {
            return self.rebuke(env, false);
        }
        if flags.rst() {
            return TimeWaitDisposition::Vanish;
        }
        if flags.syn() && !segment.seq.before(nxt) {
            return TimeWaitDisposition::Refuse;
        }
        if !flags.ack() || !segment.end().after(nxt) || segment.len() == 0 {
            return TimeWaitDisposition::Ignore;
        }
        // RFC1122/4.2.2.13: data that nobody can read is refused.
        if !flags.fin() || segment.end() != nxt + 1 {
            return TimeWaitDisposition::Refuse;
        }
        TimeWaitDisposition::Finish
    }

    fn after_fin(&self, env: &Env<'_>, segment: &Segment<'_>) -> TimeWaitDisposition {
        let flags = segment.flags;
        let old = self.has_old_timestamp(segment);
        if !old && segment.seq == self.rcv_nxt && (segment.len() == 0 || flags.rst()) {
            // RFC1337/3-F1 protects from this reset; by default Linux does not.
            return match (flags.rst(), env.settings.rfc1337) {
                (true, false) => TimeWaitDisposition::Vanish,
                (true, true) => TimeWaitDisposition::Ignore,
                (false, _) => TimeWaitDisposition::Restart,
            };
        }
        // RFC9293/MAY-2, RFC6191/2a
        let bare_syn = flags.syn() && !flags.rst() && !flags.ack();
        if bare_syn && !old && (segment.seq.after(self.rcv_nxt) || self.has_newer_timestamp(segment)) {
            return TimeWaitDisposition::Reopen(self.successor().0);
        }
        if flags.rst() {
            return TimeWaitDisposition::Ignore;
        }
        // RFC9293/3.10.7.4-tw-fin
        self.rebuke(env, old || flags.ack())
    }

    fn rebuke(&self, env: &Env<'_>, restart: bool) -> TimeWaitDisposition {
        let may = self.last_rebuke.is_none_or(|last| env.now - last >= env.settings.invalid_ratelimit);
        match (may, restart) {
            (true, restart) => TimeWaitDisposition::Acknowledge { restart },
            (false, true) => TimeWaitDisposition::Restart,
            (false, false) => TimeWaitDisposition::Ignore,
        }
    }

    fn has_old_timestamp(&self, segment: &Segment<'_>) -> bool {
        match (self.recent, segment.options.timestamps) {
            (Some(recent), Some(timestamps)) if !segment.flags.rst() => {
                recent != 0 && SeqNum(timestamps.value).before(SeqNum(recent))
            }
            (_, _) => false,
        }
    }

    fn has_newer_timestamp(&self, segment: &Segment<'_>) -> bool {
        match (self.recent, segment.options.timestamps) {
            (Some(recent), Some(timestamps)) => SeqNum(timestamps.value).after(SeqNum(recent)),
            (_, _) => false,
        }
    }

    fn is_in_window(&self, segment: &Segment<'_>) -> bool {
        let (seq, end) = (segment.seq, segment.end());
        let edge = self.rcv_nxt + self.window;
        seq == self.rcv_nxt || (end.after(self.rcv_nxt) && seq.before(edge)) || (seq == edge && seq == end)
    }

    /// The peer's FIN came: the wait begins.
    pub(crate) fn finish(&mut self, env: &Env<'_>, segment: &Segment<'_>, out: &mut Outbox) {
        self.awaits_fin = false;
        self.rcv_nxt = segment.end();
        self.take_timestamp(env.now, segment);
        self.restart(env);
        self.acknowledge(env, out);
    }

    /// Whether an open of ours may take the place of the remains: timestamps tell old segments from new ones. A program
    /// that chose the port itself need not wait; else settings decide (2 means loopback, which there is none of).
    pub(crate) fn may_be_reused(&self, env: &Env<'_>, port_was_chosen: bool) -> bool {
        let settings = env.settings;
        let allowed =
            settings.tw_reuse == 1 && !self.awaits_fin && env.now - self.recent_at > settings.tw_reuse_delay;
        self.recent.is_some() && (port_was_chosen || allowed)
    }

    /// Where sequence numbers go on, and the peer's last timestamp.
    pub(crate) fn successor(&self) -> (SeqNum, u32) {
        let isn = self.snd_nxt + 65537;
        (if isn == SeqNum(0) { SeqNum(1) } else { isn }, self.recent.unwrap_or(0))
    }

    pub(crate) fn take_timestamp(&mut self, now: Instant, segment: &Segment<'_>) {
        if let (Some(recent), Some(timestamps)) = (&mut self.recent, segment.options.timestamps) {
            *recent = timestamps.value;
            self.recent_at = now;
        }
    }

    pub(crate) fn restart(&mut self, env: &Env<'_>) {
        self.timers.set(Timer::TimeWait, env.now + LENGTH);
    }

    pub(crate) fn rebuked(&mut self, env: &Env<'_>) {
        self.last_rebuke = Some(env.now);
    }

    pub(crate) fn acknowledge(&self, env: &Env<'_>, out: &mut Outbox) {
        let options = Options {
            timestamps: self.recent.map(|echo| Timestamps { value: env.timestamp(), echo }),
            ..Options::default()
        };
        let segment = Outgoing {
            seq: self.snd_nxt,
            ack: self.rcv_nxt,
            flags: Flags::ACK,
            window: u16::try_from(self.window >> self.scale).unwrap_or(u16::MAX),
            options,
            ..Outgoing::default()
        };
        let header = HeaderKnobs { class: self.class, ..HeaderKnobs::default() };
        out.push(Departure { flow: self.flow, identification: 0, header, segment });
    }
}
