//! The fields of `struct tcp_info`, by name.

use std::collections::BTreeMap;

use crate::case::Value;
use crate::time::Span;

/// Larger than the structure of any kernel so far.
pub(super) const ROOM: usize = 512;

/// How a field is kept.
#[derive(Clone, Copy, Debug)]
enum Kind {
    U8,
    /// First bit and number of bits in a byte.
    Bits(u32, u32),
    U16,
    U32,
    U64,
    /// Microseconds in 32 bits.
    Micros,
    /// Microseconds in 64 bits.
    LongMicros,
    /// Milliseconds in 32 bits.
    Millis,
}

use Kind::{Bits, LongMicros, Micros, Millis, U8, U16, U32, U64};

/// Name, offset, kind: the kernel adds fields at the end only.
const FIELDS: &[(&str, usize, Kind)] = &[
    ("tcpi_state", 0, U8),
    ("tcpi_ca_state", 1, U8),
    ("tcpi_retransmits", 2, U8),
    ("tcpi_probes", 3, U8),
    ("tcpi_backoff", 4, U8),
    ("tcpi_options", 5, U8),
    ("tcpi_snd_wscale", 6, Bits(0, 4)),
    ("tcpi_rcv_wscale", 6, Bits(4, 4)),
    ("tcpi_delivery_rate_app_limited", 7, Bits(0, 1)),
    ("tcpi_fastopen_client_fail", 7, Bits(1, 2)),
    ("tcpi_rto", 8, Micros),
    ("tcpi_ato", 12, Micros),
    ("tcpi_snd_mss", 16, U32),
    ("tcpi_rcv_mss", 20, U32),
    ("tcpi_unacked", 24, U32),
    ("tcpi_sacked", 28, U32),
    ("tcpi_lost", 32, U32),
    ("tcpi_retrans", 36, U32),
    ("tcpi_fackets", 40, U32),
    ("tcpi_last_data_sent", 44, Millis),
    ("tcpi_last_ack_sent", 48, Millis),
    ("tcpi_last_data_recv", 52, Millis),
    ("tcpi_last_ack_recv", 56, Millis),
    ("tcpi_pmtu", 60, U32),
    ("tcpi_rcv_ssthresh", 64, U32),
    ("tcpi_rtt", 68, Micros),
    ("tcpi_rttvar", 72, Micros),
    ("tcpi_snd_ssthresh", 76, U32),
    ("tcpi_snd_cwnd", 80, U32),
    ("tcpi_advmss", 84, U32),
    ("tcpi_reordering", 88, U32),
    ("tcpi_rcv_rtt", 92, Micros),
    ("tcpi_rcv_space", 96, U32),
    ("tcpi_total_retrans", 100, U32),
    ("tcpi_pacing_rate", 104, U64),
    ("tcpi_max_pacing_rate", 112, U64),
    ("tcpi_bytes_acked", 120, U64),
    ("tcpi_bytes_received", 128, U64),
    ("tcpi_segs_out", 136, U32),
    ("tcpi_segs_in", 140, U32),
    ("tcpi_notsent_bytes", 144, U32),
    ("tcpi_min_rtt", 148, Micros),
    ("tcpi_data_segs_in", 152, U32),
    ("tcpi_data_segs_out", 156, U32),
    ("tcpi_delivery_rate", 160, U64),
    ("tcpi_busy_time", 168, LongMicros),
    ("tcpi_rwnd_limited", 176, LongMicros),
    ("tcpi_sndbuf_limited", 184, LongMicros),
    ("tcpi_delivered", 192, U32),
    ("tcpi_delivered_ce", 196, U32),
    ("tcpi_bytes_sent", 200, U64),
    ("tcpi_bytes_retrans", 208, U64),
    ("tcpi_dsack_dups", 216, U32),
    ("tcpi_reord_seen", 220, U32),
    ("tcpi_rcv_ooopack", 224, U32),
    ("tcpi_snd_wnd", 228, U32),
    ("tcpi_rcv_wnd", 232, U32),
    ("tcpi_rehash", 236, U32),
    ("tcpi_total_rto", 240, U16),
    ("tcpi_total_rto_recoveries", 242, U16),
    ("tcpi_total_rto_time", 244, Millis),
    ("tcpi_received_ce", 248, U32),
    ("tcpi_delivered_e1_bytes", 252, U32),
    ("tcpi_delivered_e0_bytes", 256, U32),
    ("tcpi_delivered_ce_bytes", 260, U32),
    ("tcpi_received_e1_bytes", 264, U32),
    ("tcpi_received_e0_bytes", 268, U32),
    ("tcpi_received_ce_bytes", 272, U32),
    ("tcpi_accecn_fail_mode", 276, U16),
    ("tcpi_accecn_opt_seen", 278, U16),
];

/// What congestion controls tell as TCP_CC_INFO: one structure each, in the same bytes.
const CONGESTION_FIELDS: &[(&str, usize, Kind)] = &[
    ("bbr_bw", 0, U64),
    ("bbr_bw_lo", 0, U32),
    ("bbr_bw_hi", 4, U32),
    ("bbr_min_rtt", 8, U32),
    ("bbr_pacing_gain", 12, U32),
    ("bbr_cwnd_gain", 16, U32),
    ("dctcp_enabled", 0, U16),
    ("dctcp_ce_state", 2, U16),
    ("dctcp_alpha", 4, U32),
    ("dctcp_ab_ecn", 8, U32),
    ("dctcp_ab_tot", 12, U32),
    ("tcpv_enabled", 0, U32),
    ("tcpv_rttcnt", 4, U32),
    ("tcp_rtt", 8, U32),
    ("tcp_minrtt", 12, U32),
];

/// What SO_MEMINFO tells.
const MEMORY_FIELDS: &[(&str, usize, Kind)] = &[
    ("SK_MEMINFO_RMEM_ALLOC", 0, U32),
    ("SK_MEMINFO_RCVBUF", 4, U32),
    ("SK_MEMINFO_WMEM_ALLOC", 8, U32),
    ("SK_MEMINFO_SNDBUF", 12, U32),
    ("SK_MEMINFO_FWD_ALLOC", 16, U32),
    ("SK_MEMINFO_WMEM_QUEUED", 20, U32),
    ("SK_MEMINFO_OPTMEM", 24, U32),
    ("SK_MEMINFO_BACKLOG", 28, U32),
    ("SK_MEMINFO_DROPS", 32, U32),
];
/// `SO_MEMINFO` of `asm-generic/socket.h`.
const SO_MEMINFO: i32 = 55;

/// The option of a socket that tells a field: level and name.
pub(super) fn option_of(name: &str) -> (i32, i32) {
    let is_in = |fields: &[(&str, usize, Kind)]| fields.iter().any(|(known, ..)| *known == name);
    if is_in(CONGESTION_FIELDS) {
        (libc::SOL_TCP, libc::TCP_CC_INFO)
    } else if is_in(MEMORY_FIELDS) {
        (libc::SOL_SOCKET, SO_MEMINFO)
    } else {
        (libc::SOL_TCP, libc::TCP_INFO)
    }
}

/// All fields that lie within the bytes.
pub(super) fn fields(bytes: &[u8]) -> BTreeMap<String, Value> {
    FIELDS
        .iter()
        .filter_map(|(name, offset, kind)| Some(((*name).to_owned(), value(bytes, *offset, *kind)?)))
        .collect()
}

/// One field, where the bytes that its option gave have it.
pub(super) fn field(bytes: &[u8], name: &str) -> Option<Value> {
    let all = FIELDS.iter().chain(CONGESTION_FIELDS).chain(MEMORY_FIELDS);
    let (_, offset, kind) = all.into_iter().find(|(known, _, _)| *known == name)?;
    value(bytes, *offset, *kind)
}

fn value(bytes: &[u8], offset: usize, kind: Kind) -> Option<Value> {
    let rest = bytes.get(offset..)?;
    let word = || Some(i64::from(u32::from_ne_bytes(*rest.first_chunk()?)));
    let long = || {
        let number = u64::from_ne_bytes(*rest.first_chunk()?);
        Some(i64::try_from(number).unwrap_or(i64::MAX))
    };
    Some(match kind {
        U8 => Value::Int(i64::from(*rest.first()?)),
        Bits(first, count) => Value::Int(i64::from(*rest.first()? >> first & ((1 << count) - 1))),
        U16 => Value::Int(i64::from(u16::from_ne_bytes(*rest.first_chunk()?))),
        U32 => Value::Int(word()?),
        U64 => Value::Int(long()?),
        Micros => Value::Time(Span::micros(word()?)),
        LongMicros => Value::Time(Span::micros(long()?)),
        Millis => Value::Time(Span::millis(word()?)),
    })
}

#[cfg(test)]
mod tests {
    use super::{field, fields};
    use crate::case::Value;
    use crate::time::Span;

    #[test]
    fn fields_are_where_libc_has_them() {
        use std::mem::offset_of;
        let at = |name: &str| super::FIELDS.iter().find(|field| field.0 == name).unwrap().1;
        assert_eq!(at("tcpi_rto"), offset_of!(libc::tcp_info, tcpi_rto));
        assert_eq!(at("tcpi_rtt"), offset_of!(libc::tcp_info, tcpi_rtt));
        assert_eq!(at("tcpi_snd_cwnd"), offset_of!(libc::tcp_info, tcpi_snd_cwnd));
        assert_eq!(at("tcpi_total_retrans"), offset_of!(libc::tcp_info, tcpi_total_retrans));
    }

    #[test]
    fn what_a_kernel_lacks_is_left_out() {
        let mut bytes = [0; 104];
        bytes[6] = 0x7a;
        bytes[8..12].copy_from_slice(&204_000_u32.to_ne_bytes());
        let fields = fields(&bytes);
        assert_eq!(fields["tcpi_snd_wscale"], Value::Int(10));
        assert_eq!(fields["tcpi_rcv_wscale"], Value::Int(7));
        assert_eq!(fields["tcpi_rto"], Value::Time(Span::millis(204)));
        assert_eq!(fields.get("tcpi_pacing_rate"), None);
        assert_eq!(field(&bytes, "tcpi_cwnd"), None);
        assert_eq!(field(&bytes[..8], "bbr_min_rtt"), None);
    }
}
