//! What may be sent next?

use core::time::Duration;

use super::chronograph::Why;
use super::congestion::CongestionState;
use super::connection::Connection;
use super::env::Env;
use super::flow::Outbox;
use super::send_queue::Sent;
use super::timers::Timer;
use crate::wire::flags::Flags;
use crate::wire::seq::SeqNum;

/// The most that Linux hands to a device in one piece: 64 KiB with all headers.
const DEVICE_MAX: u32 = 65536 - 321;

/// What stands next in the queue of things to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Segments up to this number.
    Send(SeqNum),
    /// The congestion window is full.
    Congested,
    /// The peer's window is full.
    Closed,
    /// Nagle's rule holds a short segment, or there is nothing.
    Held,
}

/// How a program writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manner {
    /// More follows soon.
    pub(crate) more: bool,
    /// The last byte is urgent.
    pub(crate) urgent: bool,
    /// What comes next goes in another segment.
    pub(crate) ends_record: bool,
    /// It waits for room for the rest.
    pub(crate) waits: bool,
}

/// Which short segments wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    Nothing,
    /// Those that another short one precedes. RFC9293/SHLD-7
    Nagle,
    /// All: the program says that more follows.
    Short,
}

/// A segment about to be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) start: SeqNum,
    pub(super) end: SeqNum,
    pub(super) fin: bool,
    pub(super) follows: bool,
}

impl Connection {
    /// Appends what the send buffer has room for and sends what may go; returns how much was taken.
    pub(crate) fn write(&mut self, env: &Env<'_>, bytes: &[u8], how: Manner, out: &mut Outbox) -> usize {
        let Manner { more, urgent, ends_record, waits } = how;
        self.forget_stale_window(env);
        let goal = self.block_goal(env);
        let mut rest = bytes;
        while !rest.is_empty() {
            let mut room = self.queue.room_in_block(self.send.nxt, goal);
            if room == 0 {
                if !self.has_memory(env) {
                    break;
                }
                room = goal;
            }
            let (now, later) = rest.split_at_checked(room as usize).unwrap_or((rest, &[]));
            self.queue.append(self.send.nxt, now, goal);
            self.chronograph.start(env.now, Why::Busy);
            rest = later;
            if self.queue.room_in_block(self.send.nxt, goal) > 0 {
                continue;
            }
            // A full block leaves while the rest is copied, if it is the only one or much is not pushed yet.
            let much = self.queue.data_end().beyond(self.send.pushed) > self.send.max_window / 2;
            if much {
                self.push_mark();
            }
            if much || self.queue.has_one_block() {
                self.transmit(env, out);
            }
        }
        if rest.len() < bytes.len() {
            // RFC9293/MUST-61
            if urgent {
                // RFC9293/MUST-30
                self.send.urgent = Some(self.queue.data_end());
            }
            if !more {
                self.push_mark();
            }
            if rest.is_empty() || !waits {
                self.mark_for_stamps();
            }
            if ends_record && rest.is_empty() {
                self.queue.end_record();
            }
            self.transmit_holding(env, if more { Hold::Short } else { self.hold() }, out);
        }
        bytes.len() - rest.len()
    }

    /// RFC5681/4.1-idle
    pub(super) fn forget_stale_window(&mut self, env: &Env<'_>) {
        if env.settings.slow_start_after_idle && self.queue.packets_out() == 0 {
            self.congestion.was_idle(env.now - self.counters.last_data_sent, self.rtt.rto());
        }
    }

    fn push_mark(&mut self) {
        self.queue.push();
        self.send.pushed = self.queue.data_end();
    }

    /// Data is cut in blocks of whole segments, at most half of the peer's largest window.
    fn block_goal(&self, env: &Env<'_>) -> u32 {
        let mss = self.segment_size(env);
        let most =
            super::connection::bound_to_half(65535, self.send.max_window, self.negotiated.options_length());
        (most - most % mss).max(mss)
    }

    /// The bytes that may wait for acknowledgement: a multiple of the memory that segments of this size take in Linux.
    pub(crate) fn send_buffer(&self, env: &Env<'_>) -> u32 {
        const OVERHEAD: u32 = 576;
        const DESCRIPTOR: u32 = 256;
        if let Some(fixed) = self.knobs.send_buffer {
            return fixed;
        }
        let segment = (self.segment_size(env) + OVERHEAD).next_power_of_two() + DESCRIPTOR;
        let segments = self.congestion.window().max(10);
        let [_, start, most] = env.settings.wmem;
        segment.saturating_mul(2 * segments).max(start).min(most)
    }

    pub(crate) fn has_memory(&self, env: &Env<'_>) -> bool {
        self.queue.memory() < self.send_buffer(env) && self.unsent() < self.unsent_limit(env)
    }

    /// `TCP_NOTSENT_LOWAT`: of what is not sent no more is taken.
    fn unsent_limit(&self, env: &Env<'_>) -> u32 {
        self.knobs.unsent_low.unwrap_or(env.settings.unsent_low)
    }

    /// Whether a program that waits for room is woken: a third of the buffer is free, and half of what may be unsent.
    pub(crate) fn is_writable(&self, env: &Env<'_>) -> bool {
        let queued = self.queue.memory();
        self.send_buffer(env).saturating_sub(queued) >= queued / 2
            && self.has_memory(env)
            && self.unsent().saturating_mul(2) < self.unsent_limit(env)
    }

    /// Sends whatever may be sent, oldest first. RFC9293/SHLD-28
    pub(crate) fn transmit(&mut self, env: &Env<'_>, out: &mut Outbox) {
        self.transmit_holding(env, self.hold(), out);
    }

    /// What the program asked for: `TCP_CORK`, `TCP_NODELAY` or neither.
    fn hold(&self) -> Hold {
        match (self.knobs.cork, self.knobs.nodelay) {
            (true, _) => Hold::Short,
            (false, true) => Hold::Nothing,
            (false, false) => Hold::Nagle,
        }
    }

    /// Sends short segments, too.
    pub(crate) fn push_out(&mut self, env: &Env<'_>, out: &mut Outbox) {
        self.transmit_holding(env, Hold::Nothing, out);
    }

    fn transmit_holding(&mut self, env: &Env<'_>, hold: Hold, out: &mut Outbox) {
        let mut sent = false;
        let had_unsent = self.send.nxt != self.queue.end();
        let stopped_by = loop {
            self.grow_next(env);
            match self.next(env, hold) {
                Next::Send(end) => {
                    self.send_until(env, end, out);
                    sent = true;
                }
                why => break why,
            }
        };
        if had_unsent && stopped_by == Next::Closed {
            self.chronograph.start(env.now, Why::Closed);
        } else if had_unsent {
            self.chronograph.stop(env.now, Why::Closed, self.queue.end() == self.send.una);
        }
        let limited = stopped_by == Next::Congested || self.in_flight() >= self.congestion.window();
        if sent || limited {
            self.congestion.sent(self.queue.packets_out(), limited, self.send.una, self.send.nxt);
        }
        if sent {
            self.arm_tail_probe(env, false);
        }
        let waits = self.send.nxt != self.queue.end() && self.queue.packets_out() == 0;
        if waits && !self.timers.is_set(Timer::Probe) && !self.is_unconfirmed() {
            // RFC9293/SHLD-29
            let base = self.rtt.rto().max(env.settings.rto_min);
            self.timers.set(Timer::Probe, env.now + base);
        }
    }

    /// How many segments may leave in one piece: what the congestion window has room for, but never more than half of it.
    fn quota(&self) -> u32 {
        let window = self.congestion.window();
        window.saturating_sub(self.in_flight()).min((window / 2).max(1))
    }

    /// As Linux does: what leaves in one piece is gathered from several blocks.
    fn grow_next(&mut self, env: &Env<'_>) {
        let mss = self.segment_size(env);
        let quota = self.quota();
        if quota > 0 {
            self.queue.grow_block(self.send.nxt, mss * quota.min(self.burst(env, mss)));
        }
    }

    fn next(&self, env: &Env<'_>, hold: Hold) -> Next {
        let (start, end) = (self.send.nxt, self.queue.end());
        if start == end {
            return Next::Held;
        }
        let quota = self.quota();
        if quota == 0 {
            return Next::Congested;
        }
        let mss = self.segment_size(env);
        let block = self.queue.block_end(start);
        let data = block.min(self.queue.data_end()) - start;
        let first_end = if data > mss { start + mss } else { block };
        // RFC9293/SHLD-15, RFC9293/3.8.6.2.1-rules: as much as was written, or a full segment, must fit.
        if first_end.after(self.send.window_end()) {
            return Next::Closed;
        }
        if data <= mss {
            // What stands before something else gets no longer by waiting.
            let waived = self.queue.fin() || self.is_urgent() || block != self.queue.end();
            return if !waived && self.is_held(hold, data < mss) { Next::Held } else { Next::Send(block) };
        }
        if let Some(why) = self.defers(env, data) {
            return why;
        }
        let needed = data.min(self.send.window_end() - start);
        let most = mss * quota.min(self.burst(env, mss));
        if most <= needed {
            return Next::Send(start + most);
        }
        let short = needed % mss;
        let whole = needed - if self.is_held(hold, short != 0) { short } else { 0 };
        Next::Send(if whole == data { block } else { start + whole })
    }

    /// Linux lets the rest of a burst wait for the acknowledgement that is about to come, so that larger pieces leave:
    /// where less than a part of the window is free, right after sending. `data` is the length of what is next.
    fn defers(&self, env: &Env<'_>, data: u32) -> Option<Next> {
        const RECENT: Duration = Duration::from_millis(1);
        /// Where no part of the window is given.
        const SEGMENTS: u32 = 3;
        let mss = self.segment_size(env);
        let oldest = self.queue.head()?.at;
        let by_peer = self.send.window_end() - self.send.nxt;
        let by_congestion = self.congestion.window().saturating_sub(self.in_flight()) * mss;
        let limit = by_peer.min(by_congestion);
        let block = self.queue.block_end(self.send.nxt);
        let window = self.send.window.min(self.congestion.window() * mss);
        let enough = window.checked_div(env.settings.burst_parts).unwrap_or(SEGMENTS * mss + 1);
        let round_trip = self.rtt.smoothed().unwrap_or_default();
        let soon = (round_trip / 2).min(RECENT);
        if self.congestion.state() >= CongestionState::Recovery
            || env.now - self.counters.last_segment_sent >= RECENT
            || limit >= self.burst(env, mss) * mss
            || (block != self.queue.end() && limit >= data)
            || limit >= enough
            || oldest + round_trip > env.now + soon
        {
            return None;
        }
        if by_congestion < by_peer {
            (by_congestion <= data).then_some(Next::Congested)
        } else {
            (by_peer <= data).then_some(Next::Closed)
        }
    }

    /// RFC9293/SHLD-7 in Linux's form (RFC9293/A.3-nagle-mod): a short segment waits only for another short one.
    /// RFC9293/MUST-17
    fn is_held(&self, hold: Hold, short: bool) -> bool {
        let small = self.send.small_end;
        let small_in_flight = small.after(self.send.una) && !small.after(self.send.nxt);
        short
            && match hold {
                Hold::Nothing => false,
                Hold::Nagle => self.queue.packets_out() > 0 && small_in_flight,
                Hold::Short => true,
            }
    }

    /// Segments that Linux hands to the device in one piece: about a millisecond's worth at the rate of the
    /// connection, at least as many as the settings say.
    pub(super) fn burst(&self, env: &Env<'_>, mss: u32) -> u32 {
        let Some(rtt) = self.rtt.smoothed() else {
            return DEVICE_MAX / mss;
        };
        let rate = self.rate(env, mss, rtt);
        let near = self.rtt.min().unwrap_or(Duration::MAX).as_micros() >> 9;
        let bonus = if near < 16 { 65536u64 >> near } else { 0 };
        let bytes = ((rate >> 10) + bonus).min(DEVICE_MAX.into());
        ((bytes / u64::from(mss)) as u32).max(env.settings.least_burst)
    }

    /// Bytes a second, with some reserve.
    fn rate(&self, env: &Env<'_>, mss: u32, rtt: Duration) -> u64 {
        let [early, late] = env.settings.pacing.map(u64::from);
        let percent = if self.congestion.window() < self.congestion.threshold() / 2 { early } else { late };
        let window = u64::from(mss) * u64::from(self.congestion.window().max(self.queue.packets_out()));
        window * percent / 100 * 1_000_000 / u64::from(rtt.as_micros().max(1) as u32)
    }

    /// How long somebody on the way may hold acknowledgements to hand them on together: the time of four of the largest
    /// pieces, at most a millisecond.
    pub(super) fn train_slack(&self, env: &Env<'_>) -> Duration {
        const MOST: Duration = Duration::from_millis(1);
        let Some(rtt) = self.rtt.smoothed() else { return MOST };
        let rate = self.rate(env, self.segment_size(env), rtt).max(1);
        Duration::from_micros(4 * u64::from(DEVICE_MAX) * 1_000_000 / rate).min(MOST)
    }

    /// Sends a piece. If it has more than one segment the last is pushed, as by Linux.
    fn send_until(&mut self, env: &Env<'_>, end: SeqNum, out: &mut Outbox) {
        let mss = self.segment_size(env);
        let first = self.send.nxt;
        while self.send.nxt.before(end) {
            let start = self.send.nxt;
            let data_end = end.min(self.queue.data_end());
            let mut stop = data_end.min(start + mss);
            // RFC9293/3.6-close-delivers: the FIN follows the last byte.
            let fin = stop == self.queue.data_end() && end.after(stop);
            stop += u32::from(fin);
            let follows = start != first;
            let push = Flags::PSH.when(follows && stop == end);
            self.send_new(env, Piece { start, end: stop, fin, follows }, push, out);
        }
    }

    /// Sends one new segment regardless of the congestion window; returns whether the peer's window has room for it.
    pub(super) fn send_one(&mut self, env: &Env<'_>, out: &mut Outbox) -> bool {
        let start = self.send.nxt;
        let data_end =
            self.queue.data_end().min(self.queue.block_end(start)).min(start + self.segment_size(env));
        let fin = data_end == self.queue.data_end() && self.queue.fin();
        let end = data_end + u32::from(fin);
        if end == start || end.after(self.send.window_end()) {
            return false;
        }
        self.send_new(env, Piece { start, end, fin, follows: false }, Flags::NONE, out);
        true
    }

    /// Sends a segment for the first time.
    pub(super) fn send_new(&mut self, env: &Env<'_>, piece: Piece, more: Flags, out: &mut Outbox) {
        let Piece { start, end, fin, follows } = piece;
        let payload = self.queue.slice(start, end);
        let length = payload.len() as u32;
        let flags = Flags::FIN.when(fin) | Flags::PSH.when(self.queue.is_pushed(start, end)) | more;
        if length > 0 && length < self.segment_size(env) {
            self.send.small_end = end;
        }
        let first = self.queue.packets_out() == 0;
        self.queue.record(Sent {
            start,
            end,
            fin,
            follows,
            at: env.now,
            retransmitted: false,
            sacked: false,
            lost: false,
            resent: false,
            delivered: self.recovery.delivered,
        });
        self.congestion.count_sent();
        if first {
            self.congestion.resumed(env.now, env.now - self.counters.last_data_sent);
        }
        self.emit(env, start, flags, payload, out);
        self.stamp_sent(env, start, end);
        if let Some(departure) = out.last_mut() {
            departure.segment.follows = follows;
        }
        self.send.nxt = end;
        if first {
            // RFC6298/5.1
            self.timers.clear(Timer::Probe);
            self.arm_retransmission(env, env.now + self.rtt.rto());
        } else if self.timers.is_set(Timer::TailProbe) {
            self.rearm_retransmission(env);
        }
    }
}
