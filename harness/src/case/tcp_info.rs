//! Fields of TCP_INFO and of what else a target can tell of a descriptor or flow.

/// What an inspected field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// An integer.
    Integer,
    /// A time that Linux counts in microseconds.
    Micros,
    /// A time that Linux counts in milliseconds.
    Millis,
    /// A state: `ESTABLISHED`.
    State,
}

impl FieldKind {
    /// Whether the field is a time.
    #[must_use]
    pub const fn is_time(self) -> bool {
        matches!(self, Self::Micros | Self::Millis)
    }
}

/// All fields of TCP_INFO, by name.
pub const TCP_INFO: &[(&str, FieldKind)] = &[
    ("tcpi_state", FieldKind::Integer),
    ("tcpi_ca_state", FieldKind::Integer),
    ("tcpi_retransmits", FieldKind::Integer),
    ("tcpi_probes", FieldKind::Integer),
    ("tcpi_backoff", FieldKind::Integer),
    ("tcpi_options", FieldKind::Integer),
    ("tcpi_snd_wscale", FieldKind::Integer),
    ("tcpi_rcv_wscale", FieldKind::Integer),
    ("tcpi_delivery_rate_app_limited", FieldKind::Integer),
    ("tcpi_fastopen_client_fail", FieldKind::Integer),
    ("tcpi_rto", FieldKind::Micros),
    ("tcpi_ato", FieldKind::Micros),
    ("tcpi_snd_mss", FieldKind::Integer),
    ("tcpi_rcv_mss", FieldKind::Integer),
    ("tcpi_unacked", FieldKind::Integer),
    ("tcpi_sacked", FieldKind::Integer),
    ("tcpi_lost", FieldKind::Integer),
    ("tcpi_retrans", FieldKind::Integer),
    ("tcpi_fackets", FieldKind::Integer),
    ("tcpi_last_data_sent", FieldKind::Millis),
    ("tcpi_last_ack_sent", FieldKind::Millis),
    ("tcpi_last_data_recv", FieldKind::Millis),
    ("tcpi_last_ack_recv", FieldKind::Millis),
    ("tcpi_pmtu", FieldKind::Integer),
    ("tcpi_rcv_ssthresh", FieldKind::Integer),
    ("tcpi_rtt", FieldKind::Micros),
    ("tcpi_rttvar", FieldKind::Micros),
    ("tcpi_snd_ssthresh", FieldKind::Integer),
    ("tcpi_snd_cwnd", FieldKind::Integer),
    ("tcpi_advmss", FieldKind::Integer),
    ("tcpi_reordering", FieldKind::Integer),
    ("tcpi_rcv_rtt", FieldKind::Micros),
    ("tcpi_rcv_space", FieldKind::Integer),
    ("tcpi_total_retrans", FieldKind::Integer),
    ("tcpi_pacing_rate", FieldKind::Integer),
    ("tcpi_max_pacing_rate", FieldKind::Integer),
    ("tcpi_bytes_acked", FieldKind::Integer),
    ("tcpi_bytes_received", FieldKind::Integer),
    ("tcpi_segs_out", FieldKind::Integer),
    ("tcpi_segs_in", FieldKind::Integer),
    ("tcpi_notsent_bytes", FieldKind::Integer),
    ("tcpi_min_rtt", FieldKind::Micros),
    ("tcpi_data_segs_in", FieldKind::Integer),
    ("tcpi_data_segs_out", FieldKind::Integer),
    ("tcpi_delivery_rate", FieldKind::Integer),
    ("tcpi_busy_time", FieldKind::Micros),
    ("tcpi_rwnd_limited", FieldKind::Micros),
    ("tcpi_sndbuf_limited", FieldKind::Micros),
    ("tcpi_delivered", FieldKind::Integer),
    ("tcpi_delivered_ce", FieldKind::Integer),
    ("tcpi_bytes_sent", FieldKind::Integer),
    ("tcpi_bytes_retrans", FieldKind::Integer),
    ("tcpi_dsack_dups", FieldKind::Integer),
    ("tcpi_reord_seen", FieldKind::Integer),
    ("tcpi_rcv_ooopack", FieldKind::Integer),
    ("tcpi_snd_wnd", FieldKind::Integer),
    ("tcpi_rcv_wnd", FieldKind::Integer),
    ("tcpi_rehash", FieldKind::Integer),
    ("tcpi_total_rto", FieldKind::Integer),
    ("tcpi_total_rto_recoveries", FieldKind::Integer),
    ("tcpi_total_rto_time", FieldKind::Millis),
    ("tcpi_received_ce", FieldKind::Integer),
    ("tcpi_delivered_e1_bytes", FieldKind::Integer),
    ("tcpi_delivered_e0_bytes", FieldKind::Integer),
    ("tcpi_delivered_ce_bytes", FieldKind::Integer),
    ("tcpi_received_e1_bytes", FieldKind::Integer),
    ("tcpi_received_e0_bytes", FieldKind::Integer),
    ("tcpi_received_ce_bytes", FieldKind::Integer),
    ("tcpi_accecn_fail_mode", FieldKind::Integer),
    ("tcpi_accecn_opt_seen", FieldKind::Integer),
];

/// What else the options of a socket tell: fields of TCP_INFO that only newer kernels have, TCP_CC_INFO (each congestion
/// control has some of these, CUBIC and Reno none), SO_MEMINFO.
pub const SOCKET_FIELDS: &[&str] = &[
    "tcpi_ecn_mode",
    "tcpi_options2",
    "bbr_bw",
    "bbr_bw_lo",
    "bbr_bw_hi",
    "bbr_min_rtt",
    "bbr_pacing_gain",
    "bbr_cwnd_gain",
    "dctcp_enabled",
    "dctcp_ce_state",
    "dctcp_alpha",
    "dctcp_ab_ecn",
    "dctcp_ab_tot",
    "tcpv_enabled",
    "tcpv_rttcnt",
    "tcp_rtt",
    "tcp_minrtt",
    "SK_MEMINFO_RMEM_ALLOC",
    "SK_MEMINFO_RCVBUF",
    "SK_MEMINFO_WMEM_ALLOC",
    "SK_MEMINFO_SNDBUF",
    "SK_MEMINFO_FWD_ALLOC",
    "SK_MEMINFO_WMEM_QUEUED",
    "SK_MEMINFO_OPTMEM",
    "SK_MEMINFO_BACKLOG",
    "SK_MEMINFO_DROPS",
];

/// What else a target can tell of a descriptor.
pub const DESCRIPTOR_FIELDS: &[(&str, FieldKind)] = &[
    ("state", FieldKind::State),
    ("unread", FieldKind::Integer),
    ("unsent", FieldKind::Integer),
    ("unacked", FieldKind::Integer),
    ("accept_queue", FieldKind::Integer),
];

/// What can be told of a flow.
pub const FLOW_FIELDS: &[(&str, FieldKind)] =
    &[("state", FieldKind::State), ("received", FieldKind::Integer)];

/// What a field of a descriptor is, if there is such a field.
#[must_use]
pub fn descriptor_field(name: &str) -> Option<FieldKind> {
    let listed = TCP_INFO.iter().chain(DESCRIPTOR_FIELDS).find(|(known, _)| *known == name);
    let kind = listed.map(|(_, kind)| *kind);
    kind.or_else(|| SOCKET_FIELDS.contains(&name).then_some(FieldKind::Integer))
}

/// What a field of a flow is, if there is such a field.
#[must_use]
pub fn flow_field(name: &str) -> Option<FieldKind> {
    FLOW_FIELDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{FieldKind, TCP_INFO, descriptor_field, flow_field};

    #[test]
    fn every_field_is_named_once_and_found() {
        let names: BTreeSet<&str> = TCP_INFO.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.len(), TCP_INFO.len());
        assert_eq!(descriptor_field("tcpi_rtt"), Some(FieldKind::Micros));
        assert_eq!(descriptor_field("tcpi_cwnd"), None);
        assert_eq!(descriptor_field("SK_MEMINFO_SNDBUF"), Some(FieldKind::Integer));
        assert_eq!(flow_field("state"), Some(FieldKind::State));
    }
}
