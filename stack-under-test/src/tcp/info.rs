//! What `getsockopt(TCP_INFO)` tells.

use core::time::Duration;

use super::state::TcpState;

/// The fields of `struct tcp_info` that this stack keeps, under their Linux names without the prefix `tcpi_`.
///
/// What Linux counts in microseconds or milliseconds is a [`Duration`]; a count is of segments unless the name says bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpInfo {
    /// State of the connection.
    pub state: TcpState,
    /// Congestion state: 0 open, 4 loss (as `TCP_CA_Open`, `TCP_CA_Loss`).
    pub ca_state: u8,
    /// Time-outs in a row of the segment that waits for an acknowledgement.
    pub retransmits: u8,
    /// Unanswered window probes.
    pub probes: u8,
    /// How often the retransmission time-out was doubled.
    pub backoff: u8,
    /// Negotiated options: bit 0 timestamps, bit 1 SACK, bit 2 window scale.
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
}
