//! What does the acknowledgement say?

use super::chronograph::Why;
use super::connection::Connection;
use super::cubic::Exit;
use super::env::Env;
use super::flow::Outbox;
use super::recovery::{News, Reported};
use super::send_queue::{Freed, Sent};
use super::timers::Timer;
use crate::counters::Counter;
use crate::wire::seq::SeqNum;
use crate::wire::tcp::Segment;

/// What the acknowledgement field means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AckMeaning {
    /// Older than any segment of ours that could be under way. RFC5961/5.2-1
    TooOld,
    /// Known already and passed.
    Old,
    /// Of something never sent.
    Future,
    /// At or beyond the oldest number not acknowledged.
    Current,
}

impl Connection {
    pub(super) fn ack_meaning(&self, segment: &Segment<'_>) -> AckMeaning {
        let ack = segment.ack;
        if ack.before(self.send.una) {
            let reach = u64::from(self.send.max_window).min(self.counters.bytes_acked) as u32;
            return if ack.before(self.send.una - reach) { AckMeaning::TooOld } else { AckMeaning::Old };
        }
        if ack.after(self.send.nxt) { AckMeaning::Future } else { AckMeaning::Current }
    }

    /// RFC9293/3.8-update-window-order. With equal numbers Linux takes a window that is larger or zero only.
    pub(super) fn updates_window(&self, segment: &Segment<'_>, window: u32) -> bool {
        segment.ack.after(self.send.una)
            || segment.seq.after(self.send.wl1)
            || (segment.seq == self.send.wl1 && (window > self.send.window || window == 0))
    }

    /// Applies a current acknowledgement; returns whether it covers our FIN.
    pub(super) fn take_ack(&mut self, env: &Env<'_>, segment: &Segment<'_>, out: &mut Outbox) -> bool {
        let ack = segment.ack;
        self.negotiated.take_timestamp(segment, self.window.advertised_at);
        let window = u32::from(segment.window) << self.negotiated.send_scale();
        let updates = self.updates_window(segment, window);
        if updates {
            self.send.wl1 = segment.seq;
            if self.send.window != window && self.unsent() > 0 {
                self.forget_stale_window(env);
            }
            self.send.window = window;
            self.send.max_window = self.send.max_window.max(window);
        }
        let had_packets_out = self.queue.packets_out() > 0;
        let una_before = self.send.una;
        let advanced = ack != una_before;
        self.counters.last_ack_received = env.now;
        self.repetition.probes = 0;
        self.repetition.probing_since = None;
        self.send.una = ack;
        self.send.urgent = self.send.urgent.filter(|end| end.after(ack));
        self.counters.bytes_acked += u64::from(ack - una_before);
        if advanced {
            self.repetition.retransmits = 0;
        }
        self.recovery.echo = self.echo_of(segment);
        let highest = self.queue.highest_sacked().map(|sent| sent.end);
        let reported = self.take_sacks(env, segment, una_before);
        let freed = self.queue.acknowledge(ack);
        self.stamp_acknowledged(env);
        if had_packets_out && self.queue.packets_out() == 0 {
            self.chronograph.stop(env.now, Why::Busy, self.queue.end() == ack);
        }
        self.take_sample(env, segment, &freed, &reported);
        self.steer_slow_start(env, &freed, &reported);
        let bare = !advanced && !updates && segment.len() == 0 && reported.news.is_empty();
        let duplicate = bare && reported.duplicate.is_none();
        let congested = self.hears_of_congestion(segment);
        let news = News { una_before, advanced, duplicate, bare, congested, freed, reported };
        if had_packets_out {
            self.recover(env, &news, highest, out);
        } else {
            if news.reported.duplicate.is_some() {
                self.judge_reports(env, &news, out);
            }
            self.window_may_have_opened(env);
            self.judge_tail_probe(&news);
        }
        self.queue.fin() && ack == self.queue.end()
    }

    fn take_sample(&mut self, env: &Env<'_>, segment: &Segment<'_>, freed: &Freed, reported: &Reported) {
        let sent = freed.measurable().or_else(|| Self::sack_sample(reported));
        if let Some(sample) = self.rtt_sample(env, segment, sent, freed.count() > 0) {
            self.rtt.measure(sample, self.send.una, self.send.nxt, env.settings);
            self.repetition.backoff = 0;
        }
    }

    /// CUBIC looks at the round trip of what arrived last.
    fn steer_slow_start(&mut self, env: &Env<'_>, freed: &Freed, reported: &Reported) {
        let last = |sent: &[Sent]| {
            sent.iter().rev().find(|sent| !sent.sacked && !sent.retransmitted).map(|sent| sent.at)
        };
        let reported = reported.news.iter().rev().find(|sent| !sent.retransmitted).map(|sent| sent.at);
        let freed = if freed.retransmitted() { None } else { last(&freed.0) };
        let Some(at) = reported.or(freed) else { return };
        let numbers = (self.send.una, self.send.nxt);
        let slack = self.train_slack(env);
        match self.congestion.measured(env.now, env.now - at, numbers, (slack, env.settings.slow_start_exits))
        {
            Some(Exit::Train) => env.tally.count(Counter::HystartTrain),
            Some(Exit::Delay) => env.tally.count(Counter::HystartDelay),
            None => {}
        }
    }

    /// RFC6298/3a: of a segment sent once; else by the echoed timestamp (`RFC7323/4.1a`).
    fn rtt_sample(
        &self,
        env: &Env<'_>,
        segment: &Segment<'_>,
        sent: Option<crate::time::Instant>,
        freed: bool,
    ) -> Option<core::time::Duration> {
        if let Some(sent) = sent {
            return Some(env.now - sent);
        }
        let echo = segment.options.timestamps.filter(|_| freed && self.negotiated.timestamps.is_some())?.echo;
        let ticks = env.timestamp().wrapping_sub(echo);
        (echo != 0 && ticks < 1 << 30).then(|| core::time::Duration::from_millis(u64::from(ticks.max(1))))
    }

    /// Nothing was in flight: if something waits for the window, it can go, or probing goes on.
    fn window_may_have_opened(&mut self, env: &Env<'_>) {
        if self.send.nxt == self.queue.end() {
            return;
        }
        let needed: SeqNum = self.queue.block_end(self.send.nxt);
        if needed.after(self.send.window_end()) {
            self.timers.set(Timer::Probe, env.now + self.probe_interval(env));
        } else {
            self.repetition.backoff = 0;
            self.timers.clear(Timer::Probe);
        }
    }
}
