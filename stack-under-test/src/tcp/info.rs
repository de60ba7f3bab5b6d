//! What `getsockopt(TCP_INFO)` tells.

use core::time::Duration;

use super::connection::Connection;
use super::env::Env;
use super::fast_open::FastOpened;
use super::handshake::{Negotiated, announced_mss};
use super::rack::DUPLICATES;
use super::state::TcpState;
use crate::socket::{Socket, Tcp};

/// The fields of `struct tcp_info` that this stack keeps, under their Linux names without the prefix `tcpi_`.
///
/// What Linux counts in microseconds or milliseconds is a [`Duration`]; a count is of segments unless the name says bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpInfo {
    /// State of the connection.
    pub state: TcpState,
    /// Congestion state: 0 open, 1 disorder, 3 recovery, 4 loss (as `TCP_CA_Open` and so on).
    pub ca_state: u8,
    /// Time-outs in a row of the segment that waits for an acknowledgement.
    pub retransmits: u8,
    /// Unanswered window probes.
    pub probes: u8,
    /// How often the retransmission time-out was doubled.
    pub backoff: u8,
    /// Negotiated options: bit 0 timestamps, bit 1 SACK, bit 2 window scale, bit 3 ECN, bit 4 that a
    /// codepoint of it came, bit 5 that data in a SYN was taken, bit 7 that the connection began with the peer's SYN.
    pub options: u8,
    /// The shift of windows that the peer advertises.
    pub snd_wscale: u8,
    /// The shift of windows that we advertise.
    pub rcv_wscale: u8,
    /// Retransmission time-out.
    pub rto: Duration,
    /// Time-out of a delayed acknowledgement.
    pub ato: Duration,
    /// Largest payload we send, in bytes.
    pub snd_mss: u32,
    /// Our guess of the peer's segment size, in bytes.
    pub rcv_mss: u32,
    /// Segments sent and not acknowledged; of a listener: connections that wait for `accept`.
    pub unacked: u32,
    /// Segments reported by SACK; of a listener: the backlog.
    pub sacked: u32,
    /// Segments thought lost.
    pub lost: u32,
    /// Retransmitted segments in flight.
    pub retrans: u32,
    /// Time since data was last sent.
    pub last_data_sent: Duration,
    /// Time since data last arrived.
    pub last_data_recv: Duration,
    /// Time since an acknowledgement last arrived.
    pub last_ack_recv: Duration,
    /// Path MTU in bytes.
    pub pmtu: u32,
    /// Largest window that will be advertised for now, in bytes.
    pub rcv_ssthresh: u32,
    /// Smoothed round-trip time.
    pub rtt: Duration,
    /// Its variation (`tcpi_rttvar`: a quarter of what the time-out adds).
    pub rttvar: Duration,
    /// Slow start threshold in segments.
    pub snd_ssthresh: u32,
    /// Congestion window in segments.
    pub snd_cwnd: u32,
    /// Largest payload we are willing to receive, in bytes.
    pub advmss: u32,
    /// Assumed reordering distance in segments.
    pub reordering: u32,
    /// Segments retransmitted in the life of the connection.
    pub total_retrans: u32,
    /// Bytes acknowledged by the peer.
    pub bytes_acked: u64,
    /// Bytes received in order.
    pub bytes_received: u64,
    /// Segments sent.
    pub segs_out: u32,
    /// Segments received.
    pub segs_in: u32,
    /// Bytes written and not yet sent.
    pub notsent_bytes: u32,
    /// Smallest round-trip time seen.
    pub min_rtt: Duration,
    /// Segments with data received.
    pub data_segs_in: u32,
    /// Segments with data sent.
    pub data_segs_out: u32,
    /// Bytes sent, repetitions included.
    pub bytes_sent: u64,
    /// Bytes retransmitted.
    pub bytes_retrans: u64,
    /// The peer's window, in bytes.
    pub snd_wnd: u32,
    /// Our window as last advertised, in bytes.
    pub rcv_wnd: u32,
    /// Round-trip time as seen by the receiver.
    pub rcv_rtt: Duration,
    /// The most bytes that the program took in a round trip.
    pub rcv_space: u32,
    /// Segments that arrived, as far as the peer told.
    pub delivered: u32,
    /// Times that something was seen to arrive out of order.
    pub reord_seen: u32,
    /// Time that something was to be sent or acknowledged.
    pub busy_time: Duration,
    /// Time of it that the peer's window was closed.
    pub rwnd_limited: Duration,
    /// Why Fast Open did not succeed: 1 no cookie, 2 data not acknowledged, 3 the SYN was repeated.
    pub fastopen_client_fail: u8,
}

const NO_THRESHOLD: u32 = 0x7fff_ffff;
const UNMEASURED_VARIATION: Duration = Duration::from_millis(250);
const DEFAULT_MSS: u32 = 536;

/// The answer for a socket in any state.
pub(crate) fn of_socket(env: &Env<'_>, socket: &Socket) -> TcpInfo {
    let mut info = blank(socket.state());
    match &socket.tcp {
        Tcp::Closed(remains) => {
            if let Some(last) = &remains.info {
                return TcpInfo { state: TcpState::Closed, ..last.as_ref().clone() };
            }
        }
        Tcp::Listen(listen) => {
            info.unacked = listen.queue.len() as u32;
            info.sacked = listen.backlog;
        }
        Tcp::SynSent(open) => {
            info.rto = open.rto();
            info.retransmits = open.retransmits as u8;
            info.total_retrans = open.retransmits;
            info.fastopen_client_fail = open.attempt.failure;
            info.unacked = open.packets_out();
            info.segs_out = open.retransmits + 1;
            info.pmtu = u32::from(env.path_mtu(open.flow.remote.address));
            info.advmss = u32::from(announced_mss(env, open.flow, &open.knobs));
        }
        Tcp::SynReceived(crossed) => {
            info.unacked = 1;
            info.total_retrans = crossed.timeouts;
            info.pmtu = u32::from(env.path_mtu(crossed.flow.remote.address));
        }
        Tcp::Synchronized(connection) => connection.describe(env, &mut info),
    }
    info
}

fn blank(state: TcpState) -> TcpInfo {
    TcpInfo {
        state,
        ca_state: 0,
        retransmits: 0,
        probes: 0,
        backoff: 0,
        options: 0,
        snd_wscale: 0,
        rcv_wscale: 0,
        rto: Duration::from_secs(1),
        ato: Duration::ZERO,
        snd_mss: DEFAULT_MSS,
        rcv_mss: 0,
        unacked: 0,
        sacked: 0,
        lost: 0,
        retrans: 0,
        last_data_sent: Duration::ZERO,
        last_data_recv: Duration::ZERO,
        last_ack_recv: Duration::ZERO,
        pmtu: 0,
        rcv_ssthresh: 0,
        rtt: Duration::ZERO,
        rttvar: UNMEASURED_VARIATION,
        snd_ssthresh: NO_THRESHOLD,
        snd_cwnd: 10,
        advmss: 0,
        reordering: DUPLICATES,
        total_retrans: 0,
        bytes_acked: 0,
        bytes_received: 0,
        segs_out: 0,
        segs_in: 0,
        notsent_bytes: 0,
        min_rtt: Duration::ZERO,
        data_segs_in: 0,
        data_segs_out: 0,
        bytes_sent: 0,
        bytes_retrans: 0,
        snd_wnd: 0,
        rcv_wnd: 0,
        rcv_rtt: Duration::ZERO,
        rcv_space: 0,
        delivered: 0,
        reord_seen: 0,
        busy_time: Duration::ZERO,
        rwnd_limited: Duration::ZERO,
        fastopen_client_fail: 0,
    }
}

impl Connection {
    fn describe(&self, env: &Env<'_>, info: &mut TcpInfo) {
        let counters = &self.counters;
        info.ca_state = self.congestion.state() as u8;
        info.retransmits = u8::try_from(self.repetition.retransmits).unwrap_or(u8::MAX);
        info.probes = u8::try_from(self.repetition.probes).unwrap_or(u8::MAX);
        info.backoff = u8::try_from(self.repetition.backoff).unwrap_or(u8::MAX);
        let scaled = self.negotiated.scales.is_some();
        let timestamps = self.negotiated.timestamps.is_some();
        let Negotiated { sack, ecn, .. } = self.negotiated;
        let FastOpened { syn_data, child, asked: _, failure } = self.fast_opened;
        info.fastopen_client_fail = failure;
        let options = [timestamps, sack, scaled, ecn, self.notification.seen, syn_data, false, child];
        info.options = (0..).zip(options).map(|(bit, on)| u8::from(on) << bit).sum();
        info.snd_wscale = self.negotiated.send_scale();
        info.rcv_wscale = self.window.scale;
        info.rto = self.rtt.rto();
        info.ato = self.acking.ato;
        info.snd_mss = self.segment_size(env);
        info.rcv_mss = self.acking.peer_mss;
        info.unacked = self.queue.packets_out();
        info.sacked = if self.negotiated.sack { self.queue.sacked() } else { self.recovery.duplicates };
        info.lost = self.queue.lost();
        info.retrans = self.queue.resent();
        info.reordering = self.recovery.reordering;
        info.last_data_sent = env.now - counters.last_data_sent;
        info.last_data_recv = env.now - self.acking.last_data;
        info.last_ack_recv = env.now - counters.last_ack_received;
        info.pmtu = u32::from(env.path_mtu(self.flow.remote.address));
        info.rcv_ssthresh = self.window.threshold();
        info.rtt = self.rtt.smoothed().unwrap_or_default();
        info.rttvar = self.rtt.smoothed().map_or(UNMEASURED_VARIATION, |_| self.rtt.mean_deviation());
        info.snd_ssthresh = self.congestion.threshold();
        info.snd_cwnd = self.congestion.window();
        info.advmss = u32::from(self.negotiated.our_mss) - self.negotiated.options_length();
        info.total_retrans = counters.total_retransmits;
        info.bytes_acked = counters.bytes_acked;
        info.bytes_received = counters.bytes_received;
        info.segs_out = counters.segments_out;
        info.segs_in = counters.segments_in;
        info.notsent_bytes = self.queue.data_end().beyond(self.send.nxt);
        info.min_rtt = self.rtt.min().unwrap_or_default();
        info.data_segs_in = counters.data_segments_in;
        info.data_segs_out = counters.data_segments_out;
        info.bytes_sent = counters.bytes_sent;
        info.bytes_retrans = counters.bytes_retransmitted;
        info.snd_wnd = self.send.window;
        info.rcv_wnd = self.window.advertised;
        info.rcv_rtt = self.pace.round_trip();
        info.rcv_space = self.pace.space();
        // Our SYN counts when it is acknowledged.
        info.delivered = self.recovery.delivered - u32::from(self.is_unconfirmed());
        info.reord_seen = self.recovery.reordered;
        [info.busy_time, info.rwnd_limited] = self.chronograph.read(env.now);
    }
}
