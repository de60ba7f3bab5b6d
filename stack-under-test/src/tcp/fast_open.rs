//! TCP Fast Open (RFC 7413): data in the SYN, and what must be known for it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use super::chronograph::Why;
use super::congestion::CongestionState;
use super::connection::{Connection, Fate};
use super::env::Env;
use super::flow::{Flow, Outbox};
use super::send_queue::Sent;
use super::syn_received::{INITIAL_TIMEOUT, SynReceived};
use super::timers::Timer;
use super::transition::{SyncEvent, SyncState};
use crate::counters::Counter;
use crate::socket::SocketId;
use crate::time::Instant;
use crate::wire::options::Cookie;
use crate::wire::siphash;
use crate::wire::tcp::Segment;

/// Bits of `tcp_fastopen`.
pub(crate) const CLIENT: u32 = 0x1;
pub(crate) const SERVER: u32 = 0x2;
pub(crate) const CLIENT_WITHOUT_COOKIE: u32 = 0x4;
pub(crate) const SERVER_WITHOUT_COOKIE: u32 = 0x200;
pub(crate) const EVERY_LISTENER: u32 = 0x400;

/// What cookies are made with.
pub(crate) type Key = [u8; 16];

/// `tcpi_fastopen_client_fail`
pub(crate) const COOKIE_UNAVAILABLE: u8 = 1;
const DATA_NOT_ACKED: u8 = 2;
const SYN_RETRANSMITTED: u8 = 3;

/// The cookie of the client at the far end. RFC7413/4.1.2
pub(crate) fn cookie(key: Key, flow: Flow) -> [u8; 8] {
    let mut addresses = Vec::new();
    for address in [flow.remote.address, flow.local.address] {
        match address {
            IpAddr::V4(address) => addresses.extend(address.octets()),
            IpAddr::V6(address) => addresses.extend(address.octets()),
        }
    }
    siphash::hash(key, &addresses).to_le_bytes()
}

/// What a server told us: kept per destination, for the next open. RFC7413/4.1.3a
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub(crate) mss: u16,
    cookie: Option<Cookie>,
    /// Linux: who does not answer the option is asked with that of the experiment, once.
    experiment: u8,
}

impl Known {
    /// What to say in the next SYN.
    pub(crate) fn cookie(&self) -> Cookie {
        self.cookie.clone().unwrap_or(Cookie { bytes: Vec::new(), experimental: self.experiment == 1 })
    }

    pub(crate) fn learn(&mut self, learnt: Learnt) {
        let Learnt { mss, cookie, experiment } = learnt;
        self.mss = mss;
        if let Some(cookie) = cookie.filter(|cookie| !cookie.bytes.is_empty()) {
            self.cookie = Some(cookie);
        } else if self.cookie.is_none() {
            self.experiment = self.experiment.max(experiment);
        }
    }
}

/// What the SYN-ACK of a server tells.
#[derive(Clone, Debug)]
pub(crate) struct Learnt {
    pub(crate) mss: u16,
    pub(crate) cookie: Option<Cookie>,
    /// 1 if it ignored the option, 2 if it ignored that of the experiment.
    pub(crate) experiment: u8,
}

/// What the first SYN of an open carries.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempt {
    pub(crate) option: Option<Cookie>,
    pub(crate) data: Vec<u8>,
    /// Why it carries no data: `tcpi_fastopen_client_fail`.
    pub(crate) failure: u8,
}

impl Attempt {
    pub(crate) fn is_used(&self) -> bool {
        self.option.is_some() || !self.data.is_empty()
    }

    /// What the answer tells; `repeated` if the SYN was.
    pub(crate) fn judge(&self, answer: &Segment<'_>, mss: u16, repeated: bool) -> Learnt {
        let asked = self.option.as_ref();
        // One that was not asked for is not believed.
        let cookie = answer.options.fast_open.clone().filter(|_| asked.is_some());
        let ignored = !repeated && cookie.is_none() && self.data.is_empty();
        let experiment = match asked {
            Some(option) if ignored => 1 + u8::from(option.experimental),
            Some(_) | None => 0,
        };
        Learnt { mss, cookie, experiment }
    }
}

/// After trouble with middleboxes no open of the host uses it for a while.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pause {
    times: u32,
    since: Instant,
}

impl Pause {
    pub(crate) fn begin(&mut self, now: Instant) {
        self.times += 1;
        self.since = now;
    }

    /// Longer each time, up to 64 times as long.
    pub(crate) fn lasts(self, now: Instant, length: Duration) -> bool {
        let doublings = self.times.saturating_sub(1).min(6);
        self.times > 0 && !length.is_zero() && now - self.since <= length * (1 << doublings)
    }
}

/// A connection that began with the SYN: the peer's acknowledgement of our SYN is awaited.
#[derive(Clone, Debug)]
pub(crate) struct Unconfirmed {
    pub(crate) listener: SocketId,
    pub(crate) request: SynReceived,
}

/// How a connection came to be, as far as `TCP_INFO` tells of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FastOpened {
    /// The SYN, or its answer, carried data that was taken.
    pub(crate) syn_data: bool,
    /// A listener began it with the SYN.
    pub(crate) child: bool,
    /// We asked for it.
    pub(crate) asked: bool,
    pub(crate) failure: u8,
}

impl Connection {
    /// A SYN with a cookie that is good: the connection begins with it. RFC7413/4.2.2c
    pub(crate) fn open_at_once(
        env: &Env<'_>,
        request: SynReceived,
        listener: SocketId,
        (syn, cookie): (&Segment<'_>, Option<Cookie>),
        out: &mut Outbox,
    ) -> Self {
        let mut connection = request.clone().into_unanswered(env);
        connection.state = SyncState::SynReceived;
        connection.fast_opened.child = true;
        connection.counters.segments_in = 1;
        connection.take_syn_data(syn);
        connection.window.advertised_at = connection.window.nxt;
        let mut request = request;
        request.window.nxt = connection.window.nxt;
        request.window.advertised_at = connection.window.nxt;
        request.answer_with(env, cookie, out);
        connection.timers.set(Timer::Retransmit, env.now + INITIAL_TIMEOUT);
        connection.unconfirmed = Some(Box::new(Unconfirmed { listener, request }));
        connection
    }

    /// Data of a segment with SYN.
    pub(super) fn take_syn_data(&mut self, syn: &Segment<'_>) {
        if syn.payload.is_empty() {
            return;
        }
        self.received.append(syn.payload, syn.packet_length);
        self.window.nxt += syn.payload_len();
        self.counters.data_segments_in += 1;
        self.counters.bytes_received += u64::from(syn.payload_len());
        self.fast_opened.syn_data = true;
    }

    /// The end of the stream, in the answer to a SYN of ours.
    pub(super) fn take_syn_fin(&mut self, env: &Env<'_>, syn: &Segment<'_>, out: &mut Outbox) {
        if syn.flags.fin() {
            self.window.nxt += 1;
            let fate = self.take_fin(env, out);
            debug_assert_eq!(fate, Fate::Lives, "a FIN ends no connection that was just opened");
        }
    }

    /// The peer acknowledged our SYN.
    pub(super) fn confirm(&mut self, env: &Env<'_>, segment: &Segment<'_>, out: &mut Outbox) {
        let Some(unconfirmed) = self.unconfirmed.take() else { return };
        let request = &unconfirmed.request;
        if self.rtt.smoothed().is_none() && !request.repeated {
            let rtt = env.now - request.sent_at;
            self.rtt.measure(rtt, self.send.una, self.send.nxt, env.settings);
        }
        if self.congestion.state() == CongestionState::Loss && self.queue.packets_out() == 0 {
            self.leave_trouble(env);
        }
        self.repetition.retransmits = 0;
        self.repetition.since = None;
        if self.queue.packets_out() > 0 {
            self.arm_retransmission(env, env.now + self.rtt.rto());
        } else {
            self.clear_retransmission();
        }
        if self.state != SyncState::SynReceived {
            return;
        }
        self.send.window = u32::from(segment.window) << self.negotiated.send_scale();
        self.send.wl1 = segment.seq;
        self.counters.last_data_sent = env.now;
        let fate = self.transit(env, SyncEvent::Confirmed);
        debug_assert_eq!(fate, Fate::Lives, "the peer's acknowledgement ends no connection");
        if self.write_shut {
            self.shut_write(env, out);
        }
    }

    /// The acknowledgement of our SYN is overdue. Nothing else is sent again before it came.
    pub(super) fn confirmation_due(&mut self, env: &Env<'_>, out: &mut Outbox) -> Fate {
        // Linux gives one repetition more than to an ordinary handshake.
        let most = self.knobs.syn_retries.unwrap_or(env.settings.synack_retries + 1);
        if self.unconfirmed.as_ref().is_some_and(|waiting| waiting.request.timeouts >= most) {
            return Fate::Ended(self.time_out());
        }
        if self.repetition.retransmits == 1 {
            self.enter_loss(env);
        }
        if let Some(waiting) = &mut self.unconfirmed {
            waiting.request.repeat(env, out);
            let wait = waiting.request.interval(env);
            self.timers.set(Timer::Retransmit, env.now + wait);
        }
        self.repetition.retransmits += 1;
        self.repetition.since.get_or_insert(env.now);
        Fate::Lives
    }

    /// Our SYN carried data, which is in flight.
    pub(super) fn begin_with_data(&mut self, env: &Env<'_>, sent: Option<(Vec<u8>, Instant)>) {
        let Some((data, at)) = sent.filter(|(data, _)| !data.is_empty()) else { return };
        let start = self.send.nxt;
        let end = start + data.len() as u32;
        self.queue.append(start, &data, data.len() as u32);
        self.queue.push();
        self.queue.record(Sent {
            start,
            end,
            fin: false,
            follows: false,
            at,
            retransmitted: false,
            sacked: false,
            lost: false,
            resent: false,
            delivered: 0,
        });
        self.send.nxt = end;
        self.send.pushed = end;
        self.chronograph.start(at, Why::Busy);
        self.counters.data_segments_out += 1;
        self.counters.bytes_sent += data.len() as u64;
        self.arm_retransmission(env, env.now + self.rtt.rto());
    }

    /// Whether the open asked for Fast Open, and why no data went with it.
    pub(super) fn remember_attempt(&mut self, asked: bool, failure: u8) {
        self.fast_opened.asked = asked;
        self.fast_opened.failure = failure;
    }

    /// The peer answered a SYN with data. What it did not acknowledge is sent again at once, which answers it; returns
    /// whether that was so. RFC7413/4.2.2g
    pub(super) fn judge_syn_data(
        &mut self,
        env: &Env<'_>,
        segment: &Segment<'_>,
        repeated: bool,
        out: &mut Outbox,
    ) -> bool {
        if self.queue.packets_out() == 0 {
            return false;
        }
        let una = self.send.una;
        self.send.una = segment.ack;
        self.counters.bytes_acked += u64::from(segment.ack - una);
        self.queue.acknowledge(segment.ack);
        if self.queue.packets_out() == 0 {
            self.chronograph.stop(env.now, Why::Busy, true);
            self.fast_opened.syn_data = true;
            self.clear_retransmission();
            env.tally.count(Counter::FastOpenActive);
            return false;
        }
        env.tally.count(Counter::FastOpenActiveFail);
        self.fast_opened.failure = if repeated { SYN_RETRANSMITTED } else { DATA_NOT_ACKED };
        self.queue.mark_lost(|_, _| true);
        self.congestion.repeat_without_blame(env.now, self.send.nxt);
        self.resend_lost(env, out);
        self.transmit(env, out);
        true
    }

    /// Time-outs of a connection that used Fast Open may be a middlebox's doing.
    pub(super) fn suspect_middlebox(&self, env: &Env<'_>, expired: bool) {
        let used = self.fast_opened.asked || (self.fast_opened.syn_data && !self.fast_opened.child);
        if used {
            suspect_middlebox(env, self.repetition.retransmits, expired);
        }
    }

    /// Whether the peer's acknowledgement of our SYN is awaited.
    pub(crate) fn is_unconfirmed(&self) -> bool {
        self.unconfirmed.is_some()
    }
}

/// The third time-out in a row, or the last one there is, stops Fast Open on the host. RFC7413/4.1.3.1b
pub(super) fn suspect_middlebox(env: &Env<'_>, timeouts: u32, expired: bool) {
    let length = env.settings.fast_open_pause;
    if (timeouts == 2 || (timeouts < 2 && expired)) && !length.is_zero() {
        env.tally.pause_fast_open(env.now);
        env.tally.count(Counter::FastOpenBlackhole);
    }
}
