//! SYN-RECEIVED: a SYN came and was answered.

use alloc::vec::Vec;
use core::time::Duration;

use super::connection::{Connection, Opening};
use super::ecn;
use super::env::Env;
use super::flow::{Departure, Flow, Outbox};
use super::handshake::{Knobs, Negotiated};
use super::timers::{Timer, Timers};
use super::window::ReceiveWindow;
use crate::counters::Counter;
use crate::time::Instant;
use crate::wire::flags::Flags;
use crate::wire::options::{Cookie, Options, Timestamps};
use crate::wire::seq::SeqNum;
use crate::wire::tcp::{Outgoing, Segment};

/// The first interval between repetitions of a SYN-ACK.
pub(crate) const INITIAL_TIMEOUT: Duration = Duration::from_secs(1);

/// What a segment means for the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SynReceivedDisposition {
    Ignore,
    /// The peer repeats its SYN: the answer is repeated.
    AnswerAgain,
    /// Not where it should be: say what we expect.
    Rebuke,
    /// It acknowledges what was never sent: answered with a reset, and the handshake goes on.
    Refuse,
    /// The peer gives up.
    Reset,
    /// A second SYN inside the window: both sides forget it.
    Abandon,
    /// The handshake is complete.
    Establish,
}

/// The data of a handshake that waits for the peer's acknowledgement. `RFC9293/MUST-11`: where it stands tells
/// whether a listener began it or an open that crossed the peer's.
#[derive(Clone, Debug)]
pub(crate) struct SynReceived {
    pub(crate) flow: Flow,
    pub(crate) negotiated: Negotiated,
    pub(crate) knobs: Knobs,
    pub(crate) isn: SeqNum,
    pub(crate) irs: SeqNum,
    pub(crate) window: ReceiveWindow,
    /// The window in the peer's SYN.
    pub(crate) peer_window: u32,
    pub(crate) sent_at: Instant,
    /// Repetitions because nothing came.
    pub(crate) timeouts: u32,
    /// Whether the SYN-ACK was sent more than once, for whatever reason.
    pub(crate) repeated: bool,
    pub(crate) last_rebuke: Option<Instant>,
    /// The peer acknowledged, and the listener waits for data.
    pub(crate) bare_ack_came: bool,
    pub(crate) timers: Timers,
    pub(crate) identification: u16,
    /// Data in a SYN of ours that crossed the peer's, and when it left.
    pub(crate) sent: Option<(Vec<u8>, Instant)>,
}

impl SynReceived {
    /// A listener heard a SYN.
    pub(crate) fn new(env: &Env<'_>, flow: Flow, knobs: Knobs, isn: SeqNum, syn: &Segment<'_>) -> Self {
        let mut negotiated = Negotiated::from_syn(env, flow, &knobs, &syn.options, 0);
        let mss = u32::from(negotiated.our_mss) - negotiated.options_length();
        let mut window = ReceiveWindow::new(env, &knobs, mss, negotiated.scales.is_some());
        if let Some(scales) = &mut negotiated.scales {
            scales.receive = window.scale;
        }
        window.begin(syn.seq, negotiated.scales.is_some());
        negotiated.ecn = ecn::agrees(env, syn);
        let mut timers = Timers::default();
        timers.set(Timer::Retransmit, env.now + INITIAL_TIMEOUT);
        Self {
            flow,
            negotiated,
            knobs,
            isn,
            irs: syn.seq,
            window,
            peer_window: u32::from(syn.window),
            sent_at: env.now,
            timeouts: 0,
            repeated: false,
            last_rebuke: None,
            bare_ack_came: false,
            timers,
            identification: 0,
            sent: None,
        }
    }

    /// RFC 9293 section 3.10.7.4, the SYN-RECEIVED parts, in the order of Linux's `tcp_check_req`.
    pub(crate) fn on_segment(&self, env: &Env<'_>, segment: &Segment<'_>) -> SynReceivedDisposition {
        // Where our SYN carried data, any part of it may be acknowledged with it.
        let carried = self.sent.as_ref().map_or(0, |(data, _)| data.len() as u32);
        let first = self.isn + 1;
        let ack = segment.ack;
        self.check(env, segment, Some(if ack.within(first, first + carried) { ack } else { first }))
    }

    /// As [`on_segment`](Self::on_segment); `acknowledgement` is the only one that is looked at further, if there is
    /// only one.
    pub(crate) fn check(
        &self,
        env: &Env<'_>,
        segment: &Segment<'_>,
        acknowledgement: Option<SeqNum>,
    ) -> SynReceivedDisposition {
        use SynReceivedDisposition::{Abandon, AnswerAgain, Establish, Ignore, Rebuke, Refuse, Reset};
        let flags = segment.flags;
        let old_timestamp = !flags.rst() && self.negotiated.is_old_timestamp(segment);
        let bare_syn = flags.syn() && !flags.ack() && !flags.rst() && !flags.fin();
        let may_answer = self.last_rebuke.is_none_or(|last| env.now - last >= env.settings.invalid_ratelimit);
        if bare_syn && segment.seq == self.irs && !old_timestamp {
            return if may_answer { AnswerAgain } else { Ignore };
        }
        // RFC9293/3.10.7.4-synrcvd-ack
        if flags.ack() && acknowledgement.is_some_and(|only| segment.ack != only) {
            return if flags.rst() { Ignore } else { Refuse };
        }
        let (nxt, edge) = (self.window.nxt, self.window.right_edge());
        let seq = segment.seq;
        // A SYN before the window is cut off.
        let syn_is_new = flags.syn() && seq != self.irs;
        let overlaps = seq == nxt
            || (segment.end().after(nxt) && seq.before(edge))
            || (seq.within(nxt, edge) && seq != edge);
        let is_synack_again = flags.syn() && flags.ack() && seq == self.irs;
        if old_timestamp || !(overlaps || is_synack_again) {
            return if flags.rst() || !may_answer { Ignore } else { Rebuke };
        }
        if flags.rst() {
            // RFC9293/3.10.7.4-rst-synrcvd
            return Reset;
        }
        if syn_is_new {
            // RFC9293/3.10.7.4-syn-synrcvd
            return Abandon;
        }
        if flags.ack() { Establish } else { Ignore }
    }

    /// Sends the SYN-ACK.
    pub(crate) fn answer(&self, env: &Env<'_>, out: &mut Outbox) {
        self.answer_with(env, None, out);
    }

    /// Sends the SYN-ACK; only the first one carries a cookie.
    pub(crate) fn answer_with(&self, env: &Env<'_>, cookie: Option<Cookie>, out: &mut Outbox) {
        let segment = Outgoing {
            seq: self.isn,
            ack: self.window.nxt,
            // RFC3168/6.1.1b
            flags: Flags::SYN | Flags::ACK | Flags::ECE.when(self.negotiated.ecn),
            window: self.window.syn_field(),
            options: Options { fast_open: cookie, ..self.negotiated.answer(env) },
            ..Outgoing::default()
        };
        let header = self.knobs.header(self.flow);
        out.push(Departure { flow: self.flow, identification: self.identification, header, segment });
    }

    /// The peer repeated its SYN.
    pub(crate) fn answer_again(&mut self, env: &Env<'_>, out: &mut Outbox) {
        self.last_rebuke = Some(env.now);
        self.repeated = true;
        env.tally.count(Counter::RetransSegs);
        self.answer(env, out);
        self.timers.set(Timer::Retransmit, env.now + self.interval(env));
    }

    pub(crate) fn rebuke(&mut self, env: &Env<'_>, out: &mut Outbox) {
        self.rebuke_from(env, self.isn + 1, out);
    }

    /// Says what we expect; `seq` is the next number we send.
    pub(crate) fn rebuke_from(&mut self, env: &Env<'_>, seq: SeqNum, out: &mut Outbox) {
        self.last_rebuke = Some(env.now);
        let options = Options {
            timestamps: self.negotiated.timestamps.map(|echo| Timestamps { value: env.timestamp(), echo }),
            ..Options::default()
        };
        let segment = Outgoing {
            seq,
            ack: self.window.nxt,
            flags: Flags::ACK,
            window: u16::try_from(self.window.advertised >> self.window.scale).unwrap_or(u16::MAX),
            options,
            ..Outgoing::default()
        };
        let header = self.knobs.header(self.flow);
        out.push(Departure { flow: self.flow, identification: self.identification, header, segment });
    }

    pub(super) fn interval(&self, env: &Env<'_>) -> Duration {
        INITIAL_TIMEOUT.saturating_mul(1 << self.timeouts.min(16)).min(env.settings.rto_max)
    }

    /// Whether the listener waits for data before it makes a connection, and this is only an acknowledgement.
    pub(crate) fn is_deferred(&self, segment: &Segment<'_>) -> bool {
        self.timeouts < self.knobs.defer_accept && segment.end() == self.irs + 1
    }

    /// The answer to the SYN-ACK is overdue; returns whether the handshake goes on for now. RFC9293/MUST-22
    pub(crate) fn on_timeout(&mut self, env: &Env<'_>, retries: u32, out: &mut Outbox) -> bool {
        self.timers.clear(Timer::Retransmit);
        let deferred = self.bare_ack_came && self.timeouts < self.knobs.defer_accept;
        if self.timeouts >= retries && !deferred {
            return false;
        }
        // While data is awaited the peer is left alone; at the end it gets a last chance.
        if !self.bare_ack_came || self.timeouts + 1 >= self.knobs.defer_accept {
            self.repeat(env, out);
        } else {
            self.timeouts += 1;
        }
        self.timers.set(Timer::Retransmit, env.now + self.interval(env));
        true
    }

    /// Sends the SYN-ACK again because nothing came.
    pub(crate) fn repeat(&mut self, env: &Env<'_>, out: &mut Outbox) {
        self.repeated = true;
        self.timeouts += 1;
        env.tally.count(Counter::RetransSegs);
        self.answer(env, out);
    }

    /// What a connection starts from that is closed before the peer answered.
    pub(crate) fn into_unanswered(self, env: &Env<'_>) -> Connection {
        let opening = Opening {
            flow: self.flow,
            peer_window: self.peer_window,
            max_window: self.peer_window,
            wl1: self.irs,
            negotiated: self.negotiated,
            knobs: self.knobs,
            isn: self.isn,
            window: self.window,
            rtt: None,
            repeated: self.timeouts > 1,
            identification: self.identification,
            sent: self.sent,
        };
        Connection::open(env, opening)
    }

    /// What the connection starts from.
    pub(crate) fn into_opening(mut self, env: &Env<'_>, segment: &Segment<'_>) -> Opening {
        self.negotiated.take_timestamp(segment, self.window.advertised_at);
        let is_crossed = self.sent.is_some();
        Opening {
            flow: self.flow,
            peer_window: u32::from(segment.window) << self.negotiated.send_scale(),
            // A listener's connection begins with what came last, as on Linux: it forgets the window of the SYN.
            max_window: if is_crossed { self.peer_window } else { 0 },
            wl1: segment.seq,
            negotiated: self.negotiated,
            knobs: self.knobs,
            isn: self.isn,
            window: self.window,
            rtt: (!self.repeated).then(|| env.now - self.sent_at),
            repeated: self.timeouts > 1,
            identification: self.identification,
            sent: self.sent,
        }
    }
}
