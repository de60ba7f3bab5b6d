//! What the two ends agree on before the first byte.

use core::time::Duration;

use super::congestion::Algorithm;
use super::env::Env;
use super::flow::Flow;
use crate::wire::ip;
use crate::wire::options::{Options, Timestamps};
use crate::wire::seq::SeqNum;
use crate::wire::tcp::Segment;

use super::window::ReceiveWindow;

const TCP_HEADER: u16 = 20;
/// Bytes that a timestamps option takes, with its padding.
pub(crate) const TIMESTAMPS_LENGTH: u32 = 12;

/// What a program set on a socket that steers its connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Knobs {
    pub(crate) nodelay: bool,
    /// Bounds both the segments sent and the size announced.
    pub(crate) max_segment: Option<u16>,
    /// Bytes of memory, as `SO_RCVBUF` returns them.
    pub(crate) receive_buffer: Option<u32>,
    pub(crate) send_buffer: Option<u32>,
    pub(crate) syn_retries: Option<u32>,
    /// `TCP_QUICKACK` was set to 0: acknowledgements wait from the start.
    pub(crate) lazy_ack: bool,
    /// `SO_TIMESTAMPING`, and where the program began to count bytes.
    pub(crate) stamping: u32,
    pub(crate) stamp_base: Option<SeqNum>,
    /// Urgent data stands in the stream.
    pub(crate) urgent_inline: bool,
    /// Short segments wait until they are full.
    pub(crate) cork: bool,
    /// The most that is ever advertised, in bytes.
    pub(crate) window_clamp: Option<u32>,
    pub(crate) keep_alive: KeepAlive,
    /// Silence after which data that is not acknowledged ends the connection.
    pub(crate) user_timeout: Option<Duration>,
    pub(crate) orphan_time: OrphanTime,
    /// A listener makes no connection before data comes, for so many repetitions of the SYN-ACK.
    pub(crate) defer_accept: u32,
    /// `TCP_CONGESTION`; unset is the system's.
    pub(crate) congestion: Option<Algorithm>,
    /// Bytes that may be written and not sent; unset is the system's.
    pub(crate) unsent_low: Option<u32>,
    pub(crate) fast_open: FastOpenKnobs,
    /// Of packets to IPv4 peers, and to IPv6 peers.
    pub(crate) v4: HeaderKnobs,
    pub(crate) v6: HeaderKnobs,
}

/// How a program opens with data in the SYN.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FastOpenKnobs {
    /// `TCP_FASTOPEN_CONNECT`: the SYN waits for data.
    pub(crate) connect: bool,
    /// `TCP_FASTOPEN_NO_COOKIE`
    pub(crate) no_cookie: bool,
}

/// What a program set for one address family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HeaderKnobs {
    /// `IP_TTL`, `IPV6_UNICAST_HOPS`; unset is the system's.
    pub(crate) hops: Option<u8>,
    /// `IP_TOS`, `IPV6_TCLASS`, without the two bits of ECN.
    pub(crate) class: u8,
    /// `IP_RECVERR`, `IPV6_RECVERR`
    pub(crate) report_errors: bool,
    /// `IP_PMTUDISC_DONT`: whoever has to may cut our packets, and reports of what is too long change nothing.
    pub(crate) may_be_cut: bool,
}

/// `SO_KEEPALIVE` and what belongs to it; what is not set is the system's.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeepAlive {
    pub(crate) on: bool,
    pub(crate) idle: Option<Duration>,
    pub(crate) interval: Option<Duration>,
    pub(crate) count: Option<u32>,
}

/// `TCP_LINGER2`: how long the peer's FIN is awaited when nobody holds the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OrphanTime {
    #[default]
    System,
    /// Not at all.
    None,
    So(Duration),
}

impl Knobs {
    /// What is set for packets of this flow.
    pub(crate) fn header(&self, flow: Flow) -> HeaderKnobs {
        if flow.remote.address.is_ipv4() { self.v4 } else { self.v6 }
    }
}

/// The largest payload that fits the link to this peer, without options. RFC9293/MUST-67
pub(crate) fn link_mss(env: &Env<'_>, flow: Flow) -> u16 {
    env.mtu.saturating_sub(ip::header_length(flow.remote.address) + TCP_HEADER)
}

/// The size that we announce.
pub(crate) fn announced_mss(env: &Env<'_>, flow: Flow, knobs: &Knobs) -> u16 {
    let link = env.path_mtu(flow.remote.address) - (env.mtu - link_mss(env, flow));
    link.min(knobs.max_segment.unwrap_or(u16::MAX))
}

/// RFC9293/MUST-15
fn default_mss(flow: Flow) -> u16 {
    if flow.remote.address.is_ipv4() { 536 } else { 1220 }
}

/// Shifts of the windows advertised by the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scales {
    /// Of the peer's windows.
    pub(crate) send: u8,
    /// Of ours.
    pub(crate) receive: u8,
}

/// What was agreed.
#[derive(Clone, Debug)]
pub(crate) struct Negotiated {
    /// What the peer takes, in bytes of payload and options.
    pub(crate) peer_mss: u16,
    /// What we announced.
    pub(crate) our_mss: u16,
    pub(crate) scales: Option<Scales>,
    pub(crate) sack: bool,
    /// Marks of congestion are understood.
    pub(crate) ecn: bool,
    /// With timestamps: the peer's value that is echoed.
    pub(crate) timestamps: Option<u32>,
}

impl Negotiated {
    /// What we offer in a SYN.
    pub(crate) fn offer(
        env: &Env<'_>,
        flow: Flow,
        knobs: &Knobs,
        window: &ReceiveWindow,
        echo: u32,
    ) -> Options {
        let timestamps = Timestamps { value: env.timestamp(), echo };
        Options {
            mss: Some(announced_mss(env, flow, knobs)),
            window_scale: env.settings.window_scaling.then_some(window.scale),
            sack_permitted: env.settings.sack,
            timestamps: env.settings.timestamps.then_some(timestamps),
            ..Options::default()
        }
    }

    /// What follows from the peer's SYN: both ends must have offered (`RFC7323/2.2b`, `RFC7323/3.2d`).
    pub(crate) fn from_syn(env: &Env<'_>, flow: Flow, knobs: &Knobs, syn: &Options, scale: u8) -> Self {
        let both = |ours: bool, theirs: Option<u8>| theirs.filter(|_| ours);
        let peer_mss = syn.mss.unwrap_or_else(|| default_mss(flow));
        Self {
            peer_mss: peer_mss.min(knobs.max_segment.unwrap_or(u16::MAX)),
            our_mss: announced_mss(env, flow, knobs),
            scales: both(env.settings.window_scaling, syn.window_scale)
                .map(|send| Scales { send, receive: scale }),
            sack: env.settings.sack && syn.sack_permitted,
            ecn: false,
            timestamps: syn.timestamps.filter(|_| env.settings.timestamps).map(|timestamps| timestamps.value),
        }
    }

    /// The options of our SYN-ACK: what the peer offered and we have.
    pub(crate) fn answer(&self, env: &Env<'_>) -> Options {
        Options {
            mss: Some(self.our_mss),
            window_scale: self.scales.map(|scales| scales.receive),
            sack_permitted: self.sack,
            timestamps: self.timestamps.map(|echo| Timestamps { value: env.timestamp(), echo }),
            ..Options::default()
        }
    }

    pub(crate) fn send_scale(&self) -> u8 {
        self.scales.map_or(0, |scales| scales.send)
    }

    /// Payload that the largest segment carries. RFC9293/MUST-16, RFC6691/2a
    pub(crate) fn segment_size(&self, env: &Env<'_>, flow: Flow, more_options: u32) -> u32 {
        let path = env.path_mtu(flow.remote.address);
        let fits = path.saturating_sub(ip::header_length(flow.remote.address) + TCP_HEADER);
        let bare = u32::from(fits.min(self.peer_mss)).max(env.settings.min_snd_mss);
        bare.saturating_sub(self.options_length() + more_options).max(8)
    }

    pub(crate) fn options_length(&self) -> u32 {
        if self.timestamps.is_some() { TIMESTAMPS_LENGTH } else { 0 }
    }

    /// Whether the peer's timestamp is older than what it sent before. RFC7323/5.3-R1
    pub(crate) fn is_old_timestamp(&self, segment: &Segment<'_>) -> bool {
        match (self.timestamps, segment.options.timestamps) {
            // Linux: a peer that sent zero in its SYN may go on with anything.
            (Some(recent), Some(timestamps)) => {
                recent != 0 && SeqNum(timestamps.value).before(SeqNum(recent))
            }
            (Some(_), None) | (None, _) => false,
        }
    }

    /// Takes the timestamp that is to be echoed from a segment that begins at or before the last acknowledgement sent.
    pub(crate) fn take_timestamp(&mut self, segment: &Segment<'_>, last_ack_sent: SeqNum) {
        // RFC7323/4.3a, RFC7323/4.3b
        let fresh = !self.is_old_timestamp(segment) && !segment.seq.after(last_ack_sent);
        if let (Some(recent), Some(timestamps), true) =
            (&mut self.timestamps, segment.options.timestamps, fresh)
        {
            *recent = timestamps.value;
        }
    }
}
