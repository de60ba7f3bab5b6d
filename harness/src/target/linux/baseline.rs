//! The settings every case starts from.
//!
//! Linux's defaults, with what varies by machine, distribution or kernel pinned. A new namespace inherits some of
//! these from its host (congestion control, buffer sizes), others depend on memory; with this table cases see the same
//! everywhere. What a kernel does not have is left out and recorded, not an error: it has the behaviour from before
//! the setting existed.

/// Names under `net`, and values. Those of `conf.default` are what the case's device is made with.
pub(super) const BASELINE: &[(&str, &str)] = &[
    // Buffers and windows.
    ("net.ipv4.tcp_rmem", "4096 131072 6291456"),
    ("net.ipv4.tcp_wmem", "4096 16384 4194304"),
    ("net.ipv4.tcp_adv_win_scale", "1"),
    ("net.ipv4.tcp_app_win", "31"),
    ("net.ipv4.tcp_moderate_rcvbuf", "1"),
    ("net.ipv4.tcp_window_scaling", "1"),
    ("net.ipv4.tcp_shrink_window", "0"),
    ("net.ipv4.tcp_notsent_lowat", "4294967295"),
    ("net.ipv4.tcp_limit_output_bytes", "4194304"),
    // Options and extensions.
    ("net.ipv4.tcp_timestamps", "1"),
    ("net.ipv4.tcp_sack", "1"),
    ("net.ipv4.tcp_dsack", "1"),
    ("net.ipv4.tcp_ecn", "2"),
    ("net.ipv4.tcp_ecn_fallback", "1"),
    ("net.ipv4.tcp_ecn_option", "2"),
    ("net.ipv4.tcp_ecn_option_beacon", "3"),
    ("net.ipv4.tcp_fastopen", "1"),
    ("net.ipv4.tcp_fastopen_blackhole_timeout_sec", "0"),
    ("net.ipv4.tcp_mtu_probing", "0"),
    ("net.ipv4.tcp_base_mss", "1024"),
    ("net.ipv4.tcp_min_snd_mss", "48"),
    ("net.ipv4.tcp_migrate_req", "0"),
    ("net.ipv4.tcp_reflect_tos", "0"),
    // Congestion control and recovery.
    ("net.ipv4.tcp_congestion_control", "reno"),
    ("net.ipv4.tcp_early_retrans", "3"),
    ("net.ipv4.tcp_recovery", "1"),
    ("net.ipv4.tcp_frto", "2"),
    ("net.ipv4.tcp_reordering", "3"),
    ("net.ipv4.tcp_max_reordering", "300"),
    ("net.ipv4.tcp_slow_start_after_idle", "1"),
    ("net.ipv4.tcp_no_metrics_save", "1"),
    ("net.ipv4.tcp_no_ssthresh_metrics_save", "1"),
    ("net.ipv4.tcp_thin_linear_timeouts", "0"),
    ("net.ipv4.tcp_retrans_collapse", "1"),
    ("net.ipv4.tcp_min_tso_segs", "2"),
    ("net.ipv4.tcp_tso_win_divisor", "3"),
    ("net.ipv4.tcp_tso_rtt_log", "9"),
    ("net.ipv4.tcp_autocorking", "1"),
    ("net.ipv4.tcp_pacing_ss_ratio", "200"),
    ("net.ipv4.tcp_pacing_ca_ratio", "120"),
    ("net.ipv4.tcp_plb_enabled", "0"),
    // Timers and retries.
    ("net.ipv4.tcp_rto_min_us", "200000"),
    ("net.ipv4.tcp_rto_max_ms", "120000"),
    ("net.ipv4.tcp_min_rtt_wlen", "300"),
    ("net.ipv4.tcp_syn_retries", "6"),
    ("net.ipv4.tcp_syn_linear_timeouts", "4"),
    ("net.ipv4.tcp_synack_retries", "5"),
    ("net.ipv4.tcp_retries1", "3"),
    ("net.ipv4.tcp_retries2", "15"),
    ("net.ipv4.tcp_orphan_retries", "0"),
    ("net.ipv4.tcp_fin_timeout", "60"),
    ("net.ipv4.tcp_keepalive_time", "7200"),
    ("net.ipv4.tcp_keepalive_intvl", "75"),
    ("net.ipv4.tcp_keepalive_probes", "9"),
    // Acknowledgements.
    ("net.ipv4.tcp_pingpong_thresh", "1"),
    ("net.ipv4.tcp_backlog_ack_defer", "1"),
    ("net.ipv4.tcp_comp_sack_delay_ns", "1000000"),
    ("net.ipv4.tcp_comp_sack_slack_ns", "100000"),
    ("net.ipv4.tcp_comp_sack_nr", "44"),
    ("net.ipv4.tcp_invalid_ratelimit", "500"),
    ("net.ipv4.tcp_challenge_ack_limit", "2147483647"),
    // Listening and TIME_WAIT.
    ("net.core.somaxconn", "4096"),
    ("net.ipv4.tcp_max_syn_backlog", "2048"),
    ("net.ipv4.tcp_syncookies", "1"),
    ("net.ipv4.tcp_abort_on_overflow", "0"),
    ("net.ipv4.tcp_max_tw_buckets", "131072"),
    ("net.ipv4.tcp_tw_reuse", "2"),
    ("net.ipv4.tcp_tw_reuse_delay", "1000"),
    ("net.ipv4.tcp_rfc1337", "0"),
    ("net.ipv4.tcp_stdurg", "0"),
    ("net.ipv4.tcp_workaround_signed_windows", "0"),
    ("net.ipv4.tcp_fwmark_accept", "0"),
    ("net.ipv4.ip_local_port_range", "32768 60999"),
    // IP and ICMP.
    ("net.ipv4.ip_default_ttl", "64"),
    ("net.ipv4.ipfrag_time", "30"),
    ("net.ipv4.ipfrag_high_thresh", "4194304"),
    ("net.ipv4.ip_no_pmtu_disc", "0"),
    ("net.ipv4.ip_nonlocal_bind", "0"),
    ("net.ipv4.ip_forward", "0"),
    ("net.ipv4.route.min_pmtu", "552"),
    ("net.ipv4.route.mtu_expires", "600"),
    ("net.ipv4.icmp_ratelimit", "0"),
    ("net.ipv4.icmp_ratemask", "0"),
    ("net.ipv4.icmp_msgs_per_sec", "100000"),
    ("net.ipv4.icmp_msgs_burst", "100000"),
    ("net.ipv4.icmp_errors_use_inbound_ifaddr", "0"),
    ("net.ipv4.conf.all.rp_filter", "0"),
    ("net.ipv4.conf.default.rp_filter", "0"),
    ("net.ipv4.conf.all.accept_redirects", "1"),
    ("net.ipv4.conf.default.accept_redirects", "1"),
    ("net.ipv6.icmp.ratelimit", "0"),
    ("net.ipv6.icmp.ratemask", ""),
    ("net.ipv6.bindv6only", "0"),
    ("net.ipv6.ip6frag_time", "60"),
    ("net.ipv6.ip6frag_high_thresh", "4194304"),
    ("net.ipv6.auto_flowlabels", "1"),
    ("net.ipv6.conf.all.disable_ipv6", "0"),
    ("net.ipv6.conf.default.disable_ipv6", "0"),
    ("net.ipv6.conf.lo.disable_ipv6", "0"),
    ("net.ipv6.conf.all.forwarding", "0"),
    ("net.ipv6.conf.default.hop_limit", "64"),
    // A device that carries packets unasked would disturb the silence of a case.
    ("net.ipv6.conf.all.accept_ra", "0"),
    ("net.ipv6.conf.default.accept_ra", "0"),
    ("net.ipv6.conf.all.router_solicitations", "0"),
    ("net.ipv6.conf.default.router_solicitations", "0"),
    ("net.ipv6.conf.default.addr_gen_mode", "1"),
    ("net.ipv6.conf.default.accept_dad", "0"),
];

#[cfg(test)]
mod tests {
    use super::BASELINE;

    #[test]
    fn the_reference_shows_the_baseline() {
        let reference = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/language.md");
        let Ok(text) = std::fs::read_to_string(reference) else { return };
        let rows: Vec<(&str, &str)> = text
            .lines()
            .skip_while(|line| *line != "### The baseline")
            .take_while(|line| !line.starts_with("**Link.**"))
            .filter_map(|line| line.strip_prefix("| `net.")?.strip_suffix(" |")?.split_once("` | "))
            .map(|(name, value)| (name, if value == "empty" { "" } else { value.trim_matches('`') }))
            .collect();
        let settings: Vec<(&str, &str)> = BASELINE
            .iter()
            .map(|(name, value)| (name.strip_prefix("net.").unwrap_or(name), *value))
            .collect();
        assert_eq!(rows, settings);
    }
}
