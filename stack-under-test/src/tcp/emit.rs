//! Building the segments of a connection.

use alloc::vec::Vec;

use super::connection::Connection;
use super::env::Env;
use super::flow::{Departure, Outbox};
use super::timers::Timer;
use crate::wire::flags::Flags;
use crate::wire::options::{Options, SackBlock, Timestamps};
use crate::wire::seq::SeqNum;
use crate::wire::tcp::Outgoing;

impl Connection {
    /// Sends a segment that acknowledges everything received. RFC9293/3.8-ack-always
    pub(super) fn emit(
        &mut self,
        env: &Env<'_>,
        seq: SeqNum,
        flags: Flags,
        payload: Vec<u8>,
        out: &mut Outbox,
    ) {
        let window = self.window.advertise(self.received.charged(), self.acking.peer_mss);
        if self.window.is_tight(self.received.charged()) {
            self.acking.quick = 0;
        }
        let has_data = !payload.is_empty();
        self.counters.segments_out += 1;
        self.counters.last_segment_sent = env.now;
        if has_data {
            self.counters.data_segments_out += 1;
            self.counters.bytes_sent += payload.len() as u64;
            self.counters.last_data_sent = env.now;
        }
        let options = Options {
            timestamps: self.negotiated.timestamps.map(|echo| Timestamps { value: env.timestamp(), echo }),
            sack: self.sack_blocks(env),
            ..Options::default()
        };
        self.received.report.sent();
        let urgent = self.urgent_pointer(seq);
        let (notified, ecn_capable) = self.ecn_of_segment(seq, has_data);
        let flags = flags | Flags::ACK | Flags::URG.when(urgent != 0) | notified;
        let segment = Outgoing {
            seq,
            ack: self.window.nxt,
            flags,
            window,
            options,
            payload,
            urgent,
            ecn_capable,
            follows: false,
        };
        let header = self.knobs.header(self.flow);
        out.push(Departure { flow: self.flow, identification: self.identification, header, segment });
        self.identification = self.identification.wrapping_add(1);
        self.acking.sent();
        self.timers.clear(Timer::DelayedAck);
        self.timers.clear(Timer::CompressedAck);
        if has_data {
            self.acking.data_sent(env.now);
        }
    }

    /// An acknowledgement without data.
    pub(super) fn send_ack(&mut self, env: &Env<'_>, out: &mut Outbox) {
        let seq = self.acceptable_seq();
        self.emit(env, seq, Flags::NONE, Vec::new(), out);
    }

    /// A reset that the peer takes. Linux acknowledges with it, where RFC9293/3.10.5-abort-rst has no ACK.
    pub(super) fn send_reset(&mut self, env: &Env<'_>, out: &mut Outbox) {
        let seq = self.acceptable_seq();
        self.emit(env, seq, Flags::RST, Vec::new(), out);
    }

    /// The number of a segment without data: the next one, unless the peer pulled its window back below it.
    fn acceptable_seq(&self) -> SeqNum {
        let end = self.send.window_end();
        let slack = self.negotiated.scales.map_or(0, |scales| 1 << scales.receive);
        if end.before(self.send.nxt) && self.send.nxt - end >= slack { end } else { self.send.nxt }
    }

    /// As many as fit beside timestamps. RFC2018/3-format
    pub(super) fn sack_blocks(&self, env: &Env<'_>) -> Vec<SackBlock> {
        if !self.negotiated.sack {
            return Vec::new();
        }
        let most = if self.negotiated.timestamps.is_some() { 3 } else { 4 };
        self.received.report.all(most, env.settings.dsack)
    }
}
