//! When an acknowledgement goes out.
//!
//! As Linux does it: the first segments of a connection are acknowledged at once ("quick"), then acknowledgements wait
//! for company; a program that answers ("ping-pong") makes them wait from its first answer on.

use core::time::Duration;

use super::connection::Connection;
use super::env::Env;
use super::flow::Outbox;
use super::rack::DUPLICATES;
use super::timers::Timer;
use crate::time::Instant;
use crate::wire::seq::SeqNum;
use crate::wire::tcp::Segment;

/// Segments that are acknowledged at once at the start and after trouble.
pub(super) const MAX_QUICK: u32 = 16;
const ATO_MIN: Duration = Duration::from_millis(40);
/// RFC9293/MUST-40
const DELAY_MAX: Duration = Duration::from_millis(200);
const SLOW_DELAY_MAX: Duration = Duration::from_millis(500);
const MIN_MSS: u32 = 88;
const DEFAULT_MSS: u32 = 536;
const TCP_HEADER: u32 = 20;

/// What is owed to the peer.
#[derive(Clone, Debug)]
pub(crate) struct DelayedAck {
    /// Something is to be acknowledged.
    pub(crate) scheduled: bool,
    /// It must not wait.
    pub(crate) urgent: bool,
    /// A short segment arrived; two did.
    pushed: bool,
    pushed_twice: bool,
    /// Acknowledgements still sent at once.
    pub(crate) quick: u32,
    /// Answers by the program, counted up to the threshold.
    ping_pong: u32,
    pub(crate) ato: Duration,
    pub(crate) last_data: Instant,
    /// The peer's segment size, as guessed.
    pub(crate) peer_mss: u32,
    last_length: u32,
    /// Acknowledgements of this number that told of data out of order, and those held back since.
    duplicates: (SeqNum, u32),
    compressed: u32,
}

impl DelayedAck {
    pub(crate) fn new(now: Instant, lazy: bool, hint: u32) -> Self {
        Self {
            scheduled: false,
            urgent: false,
            pushed: false,
            pushed_twice: false,
            quick: 0,
            ping_pong: u32::from(lazy),
            ato: Duration::ZERO,
            last_data: now,
            peer_mss: hint.clamp(MIN_MSS, DEFAULT_MSS),
            last_length: 0,
            duplicates: (SeqNum(0), 0),
            compressed: 0,
        }
    }

    pub(crate) fn is_ping_pong(&self, env: &Env<'_>) -> bool {
        self.ping_pong >= env.settings.pingpong_threshold
    }

    fn is_quick(&self, env: &Env<'_>) -> bool {
        self.quick > 0 && !self.is_ping_pong(env)
    }

    pub(crate) fn enter_ping_pong(&mut self, env: &Env<'_>) {
        self.ping_pong = env.settings.pingpong_threshold;
    }

    fn raise_quick(&mut self, window: u32, most: u32) {
        let affordable = match window / (2 * self.peer_mss) {
            0 => 2,
            affordable => affordable,
        };
        self.quick = self.quick.max(affordable.min(most));
    }

    /// Something went wrong: acknowledge at once for a while, at most so many times.
    pub(crate) fn enter_quick(&mut self, window: u32, most: u32) {
        self.raise_quick(window, most);
        self.ping_pong = 0;
        self.ato = ATO_MIN;
    }

    /// An acknowledgement left, alone or with data.
    pub(crate) fn sent(&mut self) {
        if self.quick > 0 {
            self.quick -= u32::from(self.scheduled);
            if self.quick == 0 {
                self.ato = ATO_MIN;
            }
        }
        self.compressed = 0;
        self.scheduled = false;
        self.urgent = false;
        self.pushed = false;
        self.pushed_twice = false;
    }

    /// Data left: if it may be an answer, the exchange is interactive.
    pub(crate) fn data_sent(&mut self, now: Instant) {
        if now - self.last_data < self.ato {
            self.ping_pong = (self.ping_pong + 1).min(u32::from(u8::MAX));
        }
    }

    /// Data arrived in order.
    pub(crate) fn data_arrived(&mut self, now: Instant, window: u32, rto: Duration) {
        self.scheduled = true;
        if self.ato.is_zero() {
            self.raise_quick(window, MAX_QUICK);
            self.ato = ATO_MIN;
        } else {
            let gap = now - self.last_data;
            if gap <= ATO_MIN / 2 {
                self.ato = self.ato / 2 + ATO_MIN / 2;
            } else if gap < self.ato {
                self.ato = (self.ato / 2 + gap).min(rto);
            } else if gap > rto {
                self.raise_quick(window, MAX_QUICK);
            }
        }
        self.last_data = now;
    }

    /// Returns whether the segment changed the guess by being larger.
    pub(crate) fn guess_peer_mss(&mut self, segment: &Segment<'_>, advertised_mss: u32) -> bool {
        let length = segment.payload_len();
        let last = core::mem::take(&mut self.last_length);
        if length >= self.peer_mss {
            let larger = length != self.peer_mss;
            self.peer_mss = length.min(advertised_mss);
            // Exactly one segment with a push is likely all there is.
            self.pushed |= segment.flags.psh();
            return larger;
        }
        let options = if segment.options.timestamps.is_some() { 12 } else { 0 };
        let whole = length + TCP_HEADER + options;
        let alone = !(segment.flags.psh() || segment.flags.fin() || segment.flags.syn());
        if whole >= DEFAULT_MSS + TCP_HEADER || (whole >= MIN_MSS + TCP_HEADER && alone) {
            self.last_length = length;
            if length == last {
                self.peer_mss = length;
                return false;
            }
        }
        self.pushed_twice |= self.pushed;
        self.pushed = true;
        false
    }
}

impl Connection {
    /// After a segment was taken: acknowledges now, or arms the timer. RFC9293/MUST-58
    pub(super) fn acknowledge_or_wait(&mut self, env: &Env<'_>, out: &mut Outbox) {
        if !self.acking.scheduled {
            return;
        }
        let unacknowledged = self.window.nxt - self.window.advertised_at;
        let charged = self.received.charged();
        // RFC9293/SHLD-19
        let second_segment = unacknowledged > self.acking.peer_mss
            && (self.received.unread() == 0
                || self.window.select(charged, self.acking.peer_mss) >= self.window.advertised);
        if second_segment || self.acking.is_quick(env) || self.acking.urgent {
            self.send_ack(env, out);
        } else if self.received.has_early() {
            self.duplicate_ack(env, out);
        } else {
            self.delay_ack(env, out);
        }
    }

    /// RFC5681/4.2-delack: what arrives out of order is acknowledged at once. With SACK three times; from then on the
    /// next acknowledgement stands for some more, but not for long.
    fn duplicate_ack(&mut self, env: &Env<'_>, out: &mut Outbox) {
        let acking = &mut self.acking;
        if !self.negotiated.sack || acking.compressed >= env.settings.compressed_most {
            return self.send_ack(env, out);
        }
        if acking.duplicates.0 != self.window.nxt {
            acking.duplicates = (self.window.nxt, 0);
        }
        if acking.duplicates.1 < DUPLICATES {
            acking.duplicates.1 += 1;
            return self.send_ack(env, out);
        }
        acking.compressed += 1;
        if !self.timers.is_set(Timer::CompressedAck) {
            let round_trip = self.pace.round_trip();
            let round_trip = self.rtt.smoothed().map_or(round_trip, |smoothed| smoothed.min(round_trip));
            let wait = env.settings.compressed_delay.min(round_trip / 20);
            self.timers.set(Timer::CompressedAck, env.now + wait);
        }
    }

    /// Completes a handshake that we began, at once unless data is about to follow or the program wants
    /// acknowledgements to wait.
    pub(super) fn acknowledge_handshake(&mut self, env: &Env<'_>, data_follows: bool, out: &mut Outbox) {
        if data_follows || self.acking.is_ping_pong(env) || self.knobs.defer_accept > 0 {
            self.acking.enter_quick(self.window.advertised, MAX_QUICK);
            self.acking.scheduled = true;
            self.timers.set(Timer::DelayedAck, env.now + DELAY_MAX);
        } else {
            self.send_ack(env, out);
        }
    }

    /// What came is a repetition: the peer misses our acknowledgement.
    pub(crate) fn owe_ack(&mut self, env: &Env<'_>, out: &mut Outbox) {
        self.acking.enter_quick(self.window.advertised, MAX_QUICK);
        self.acking.scheduled = true;
        self.acknowledge_or_wait(env, out);
    }

    pub(super) fn delay_ack(&mut self, env: &Env<'_>, out: &mut Outbox) {
        let mut delay = self.acking.ato;
        if delay > ATO_MIN {
            let lively = self.acking.is_ping_pong(env) || self.acking.pushed;
            let most = if lively { DELAY_MAX } else { SLOW_DELAY_MAX };
            let most = self.rtt.smoothed().map_or(most, |rtt| rtt.max(ATO_MIN).min(most));
            delay = delay.min(most);
        }
        delay = delay.min(DELAY_MAX).min(env.settings.rto_min);
        let mut due = env.now + delay;
        if let Some(earlier) = self.timers.due(Timer::DelayedAck) {
            if earlier <= env.now + delay / 4 {
                self.send_ack(env, out);
                return;
            }
            due = due.min(earlier);
        }
        self.acking.scheduled = true;
        self.timers.set(Timer::DelayedAck, due);
    }

    pub(super) fn delayed_ack_due(&mut self, env: &Env<'_>, out: &mut Outbox) {
        if !self.acking.scheduled {
            return;
        }
        if self.acking.is_ping_pong(env) {
            // The answer did not come: the exchange is not interactive any more.
            self.acking.ping_pong = 0;
            self.acking.ato = ATO_MIN;
        } else {
            self.acking.ato = (self.acking.ato * 2).min(self.rtt.rto());
        }
        self.send_ack(env, out);
    }

    /// The program read `count` bytes: tells the peer if that matters.
    pub(super) fn after_read(&mut self, env: &Env<'_>, count: u32, out: &mut Outbox) {
        let acking = &self.acking;
        let drained = count > 0 && self.received.unread() == 0;
        let small_and_drained =
            drained && (acking.pushed_twice || (acking.pushed && !acking.is_ping_pong(env)));
        let unacknowledged = self.window.nxt - self.window.advertised_at;
        let mut now = acking.scheduled && (unacknowledged > acking.peer_mss || small_and_drained);
        if count > 0 && !now && !self.read_closed() {
            // RFC9293/3.8.6.2.2-rule: only an offer at least twice as large is worth a segment.
            let left = self.window.left();
            if left.saturating_mul(2) <= self.window.clamp() {
                let offer = self.window.select(self.received.charged(), acking.peer_mss);
                now = offer > 0 && offer >= left.saturating_mul(2);
            }
        }
        if now {
            self.send_ack(env, out);
        }
    }

    /// `setsockopt(TCP_QUICKACK)`.
    pub(crate) fn set_quick_ack(&mut self, env: &Env<'_>, value: i64, out: &mut Outbox) {
        if value == 0 {
            self.acking.enter_ping_pong(env);
            return;
        }
        self.acking.ping_pong = 0;
        if self.state.may_send() && self.acking.scheduled {
            self.acking.pushed = true;
            self.after_read(env, 1, out);
            if value & 1 == 0 {
                self.acking.enter_ping_pong(env);
            }
        }
    }

    pub(crate) fn quick_ack(&self, env: &Env<'_>) -> bool {
        !self.acking.is_ping_pong(env)
    }
}
