//! SYN-SENT: our SYN is out.

use core::time::Duration;

use super::connection::{Connection, Opening};
use super::ecn;
use super::env::Env;
use super::fast_open::{self, Attempt, Learnt};
use super::flow::{Departure, Flow, Outbox};
use super::handshake::{Knobs, Negotiated, announced_mss};
use super::retransmit::patience;
use super::syn_received::SynReceived;
use super::timers::{Timer, Timers};
use super::window::ReceiveWindow;
use crate::counters::Counter;
use crate::time::Instant;
use crate::wire::flags::Flags;
use crate::wire::options::Options;
use crate::wire::seq::SeqNum;
use crate::wire::tcp::{Outgoing, Segment};

const INITIAL_RTO: Duration = Duration::from_secs(1);
/// After an answer to some other SYN ours is repeated at once, as Linux does: two ticks of a 250 Hz clock.
const HASTY_RTO: Duration = Duration::from_millis(8);

/// What a segment means for our open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SynSentDisposition {
    Ignore,
    /// It acknowledges something else: answered with a reset, and the open goes on.
    Refuse,
    /// The peer refuses.
    Refused,
    /// The peer accepts.
    Establish,
    /// The peer opens towards us at the same time.
    Cross,
}

/// The data of an open that was not answered yet.
#[derive(Clone, Debug)]
pub(crate) struct SynSent {
    pub(crate) flow: Flow,
    pub(crate) isn: SeqNum,
    /// The peer's last timestamp, if there was a connection before.
    echo: u32,
    pub(crate) knobs: Knobs,
    window: ReceiveWindow,
    rto: Duration,
    pub(crate) retransmits: u32,
    /// As often the SYN was sent again, for whatever reason.
    pub(crate) repetitions: u32,
    /// Whether we asked for notification of congestion.
    ecn_offered: bool,
    sent_at: Instant,
    first_timestamp: u32,
    pub(crate) timers: Timers,
    identification: u16,
    /// What the first SYN carries of Fast Open.
    pub(crate) attempt: Attempt,
    /// The SYN waits for data to carry (`TCP_FASTOPEN_CONNECT`).
    pub(crate) deferred: bool,
}

impl SynSent {
    /// An open that has not sent its SYN.
    pub(crate) fn new(
        env: &Env<'_>,
        flow: Flow,
        knobs: Knobs,
        (isn, echo): (SeqNum, u32),
        identification: u16,
    ) -> Self {
        let mss = u32::from(announced_mss(env, flow, &knobs));
        let window = ReceiveWindow::new(env, &knobs, mss, env.settings.window_scaling);
        Self {
            flow,
            isn,
            echo,
            knobs,
            window,
            rto: INITIAL_RTO,
            retransmits: 0,
            repetitions: 0,
            ecn_offered: ecn::offers(env),
            sent_at: env.now,
            first_timestamp: env.timestamp(),
            timers: Timers::default(),
            identification,
            attempt: Attempt::default(),
            deferred: true,
        }
    }

    /// Sends the first SYN.
    pub(crate) fn start(&mut self, env: &Env<'_>, attempt: Attempt, out: &mut Outbox) {
        self.attempt = attempt;
        self.deferred = false;
        self.sent_at = env.now;
        self.first_timestamp = env.timestamp();
        self.send(env, out);
        self.timers.set(Timer::Retransmit, env.now + self.rto);
    }

    /// The number after what the first SYN carried.
    pub(crate) fn end(&self) -> SeqNum {
        self.isn + 1 + self.attempt.data.len() as u32
    }

    /// Segments in flight: Linux counts data in a SYN as one of its own.
    pub(crate) fn packets_out(&self) -> u32 {
        u32::from(!self.deferred) + u32::from(!self.attempt.data.is_empty())
    }

    /// The SYN was too long for the path: it goes again without data.
    pub(crate) fn path_shrank(&mut self, env: &Env<'_>, out: &mut Outbox) {
        if !self.attempt.data.is_empty() {
            self.repetitions += 1;
            env.tally.count(Counter::RetransSegs);
            self.send(env, out);
            self.timers.set(Timer::Retransmit, env.now + self.rto);
        }
    }

    pub(crate) fn rto(&self) -> Duration {
        self.rto
    }

    fn send(&mut self, env: &Env<'_>, out: &mut Outbox) {
        // RFC7413/4.2.2b: what is sent again is an ordinary SYN.
        let attempt = if self.repetitions == 0 { self.attempt.clone() } else { Attempt::default() };
        let offer = Negotiated::offer(env, self.flow, &self.knobs, &self.window, self.echo);
        let segment = Outgoing {
            seq: self.isn,
            ack: SeqNum(0),
            flags: if self.asks_for_ecn(env) { Flags::SYN | Flags::ECE | Flags::CWR } else { Flags::SYN },
            window: self.window.syn_field(),
            options: Options { fast_open: attempt.option, ..offer },
            payload: attempt.data,
            ..Outgoing::default()
        };
        let header = self.knobs.header(self.flow);
        out.push(Departure { flow: self.flow, identification: self.identification, header, segment });
        self.identification = self.identification.wrapping_add(1);
    }

    /// RFC3168/6.1.1a. A repetition does not ask: somebody on the way may drop what does. RFC3168/6.1.1.1
    fn asks_for_ecn(&self, env: &Env<'_>) -> bool {
        self.ecn_offered && (self.repetitions == 0 || !env.settings.ecn_fallback)
    }

    /// RFC 9293 section 3.10.7.3.
    pub(crate) fn on_segment(&self, env: &Env<'_>, segment: &Segment<'_>) -> SynSentDisposition {
        use SynSentDisposition::{Cross, Establish, Ignore, Refuse, Refused};
        let flags = segment.flags;
        if !flags.ack() {
            // RFC9293/3.5.3-rst-synsent, RFC9293/3.10.7.3-synsent-noflags
            return if flags.syn() && !flags.rst() { Cross } else { Ignore };
        }
        // RFC9293/3.10.7.3-synsent-badack
        if !self.is_acknowledged_by(segment) || self.echoes_nonsense(env, segment) {
            return if flags.rst() { Ignore } else { Refuse };
        }
        if flags.rst() {
            return Refused;
        }
        // RFC9293/3.10.7.3-synsent-synack
        if flags.syn() { Establish } else { Ignore }
    }

    fn is_acknowledged_by(&self, segment: &Segment<'_>) -> bool {
        segment.ack.after(self.isn) && !segment.ack.after(self.end())
    }

    /// A timestamp that we never sent comes from another connection.
    fn echoes_nonsense(&self, env: &Env<'_>, segment: &Segment<'_>) -> bool {
        let echo = segment
            .options
            .timestamps
            .filter(|_| env.settings.timestamps)
            .map_or(0, |timestamps| timestamps.echo);
        echo != 0 && !SeqNum(echo).within(SeqNum(self.first_timestamp), SeqNum(env.timestamp()))
    }

    /// The segment was answered with a reset. If it acknowledged something else, the peer may listen now.
    pub(crate) fn hurry(&mut self, env: &Env<'_>, segment: &Segment<'_>) {
        if self.retransmits == 0 && !self.is_acknowledged_by(segment) {
            self.timers.set(Timer::Retransmit, env.now + HASTY_RTO);
        }
    }

    /// Nothing came; returns whether the open goes on. RFC9293/MUST-22. Linux gives up sooner than RFC9293/MUST-23.
    pub(crate) fn on_timeout(&mut self, env: &Env<'_>, out: &mut Outbox) -> bool {
        self.timers.clear(Timer::Retransmit);
        let settings = env.settings;
        let retries = self.knobs.syn_retries.unwrap_or(settings.syn_retries);
        // Linux counts from the first SYN on, and never gives up before the first repetition.
        let elapsed = env.now - self.sent_at;
        let patience = self.knobs.user_timeout.unwrap_or_else(|| patience(retries, INITIAL_RTO, settings));
        let overdue = self.retransmits > 0 && elapsed >= patience;
        let expired = self.retransmits >= retries + settings.syn_linear_timeouts || overdue;
        if self.attempt.is_used() {
            fast_open::suspect_middlebox(env, self.retransmits, expired);
        }
        if expired {
            return false;
        }
        self.retransmits += 1;
        self.repetitions += 1;
        env.tally.count(Counter::RetransSegs);
        self.send(env, out);
        // The first repetitions keep the interval, the later ones double it.
        if self.retransmits > settings.syn_linear_timeouts {
            self.rto = (self.rto * 2).min(settings.rto_max);
        }
        let mut wait = self.rto;
        if let Some(most) = self.knobs.user_timeout {
            wait = wait.min(most.saturating_sub(elapsed)).max(Duration::from_millis(1));
        }
        self.timers.set(Timer::Retransmit, env.now + wait);
        true
    }

    /// The peer accepted: acknowledges, and becomes a connection. `writes` if a program waits for it to write. Also
    /// returns what was learnt of the peer's Fast Open, if that was tried.
    pub(crate) fn establish(
        mut self,
        env: &Env<'_>,
        segment: &Segment<'_>,
        writes: bool,
        out: &mut Outbox,
    ) -> (Connection, Option<Learnt>) {
        let negotiated = self.settle(env, segment);
        let repeated = self.repetitions > 0;
        let tried = self.attempt.is_used();
        let learnt = tried.then(|| {
            let mss = segment.options.mss.unwrap_or(negotiated.peer_mss);
            self.attempt.judge(segment, mss, repeated)
        });
        let opening = Opening {
            flow: self.flow,
            // RFC7323/2.2d: the window of a SYN is not scaled.
            peer_window: u32::from(segment.window),
            max_window: 0,
            wl1: segment.seq,
            negotiated,
            knobs: self.knobs,
            isn: self.isn,
            window: self.window,
            rtt: (!repeated).then(|| env.now - self.sent_at),
            repeated: self.repetitions > 1,
            identification: self.identification,
            sent: Some((self.attempt.data, self.sent_at)),
        };
        let mut connection = Connection::open(env, opening);
        if repeated {
            connection.tell_of_reduction();
        }
        connection.remember_attempt(self.attempt.option.is_some(), self.attempt.failure);
        if !connection.judge_syn_data(env, segment, repeated, out) {
            if tried {
                connection.take_syn_data(segment);
                connection.take_syn_fin(env, segment, out);
            }
            connection.acknowledge_handshake(env, writes, out);
        }
        (connection, learnt)
    }

    /// The peer opens too: answers with the same number as before (`RFC9293/3.10.7.3-synsent-syn`).
    pub(crate) fn cross(mut self, env: &Env<'_>, segment: &Segment<'_>, out: &mut Outbox) -> SynReceived {
        let negotiated = self.settle(env, segment);
        let mut timers = Timers::default();
        timers.set(Timer::Retransmit, self.timers.due(Timer::Retransmit).unwrap_or(env.now + self.rto));
        let crossed = SynReceived {
            flow: self.flow,
            negotiated,
            knobs: self.knobs,
            isn: self.isn,
            irs: segment.seq,
            window: self.window,
            peer_window: u32::from(segment.window),
            sent_at: env.now,
            timeouts: self.retransmits,
            repeated: self.repetitions > 0,
            last_rebuke: None,
            bare_ack_came: false,
            timers,
            identification: self.identification,
            sent: Some((self.attempt.data, self.sent_at)),
        };
        crossed.answer(env, out);
        crossed
    }

    fn settle(&mut self, env: &Env<'_>, segment: &Segment<'_>) -> Negotiated {
        let mut negotiated =
            Negotiated::from_syn(env, self.flow, &self.knobs, &segment.options, self.window.scale);
        // A SYN-ACK agrees with ECE alone, a SYN that crosses ours asks with both. RFC3168/6.1.1b
        let flags = segment.flags;
        let agreed = flags.has(Flags::ECE) && flags.has(Flags::CWR) != flags.ack();
        negotiated.ecn = self.ecn_offered && agreed;
        self.window.begin(segment.seq, negotiated.scales.is_some());
        negotiated
    }
}
