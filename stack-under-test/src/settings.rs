//! Kernel settings by their Linux names.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use crate::tcp::congestion::Algorithm;
use crate::tcp::fast_open::Key;

/// Why a setting was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingError {
    /// The stack has no such setting, or nothing in it that the setting would steer.
    Unknown,
    /// The value is not one of the setting's.
    Invalid,
}

/// The settings that steer the stack; defaults are Linux's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub(crate) sack: bool,
    pub(crate) dsack: bool,
    pub(crate) timestamps: bool,
    pub(crate) window_scaling: bool,
    pub(crate) syn_retries: u32,
    pub(crate) syn_linear_timeouts: u32,
    pub(crate) synack_retries: u32,
    pub(crate) retries2: u32,
    pub(crate) orphan_retries: u32,
    pub(crate) fin_timeout: Duration,
    pub(crate) rmem: [u32; 3],
    pub(crate) wmem: [u32; 3],
    pub(crate) rto_min: Duration,
    pub(crate) rto_max: Duration,
    pub(crate) local_ports: (u16, u16),
    pub(crate) somaxconn: u32,
    pub(crate) max_syn_backlog: u32,
    pub(crate) abort_on_overflow: bool,
    pub(crate) rfc1337: bool,
    pub(crate) invalid_ratelimit: Duration,
    pub(crate) pingpong_threshold: u32,
    pub(crate) retrans_collapse: bool,
    pub(crate) min_snd_mss: u32,
    pub(crate) tail_probe: bool,
    /// 0 is off; Linux does not tell other values apart.
    pub(crate) frto: u32,
    pub(crate) slow_start_after_idle: bool,
    pub(crate) tw_reuse: u32,
    pub(crate) tw_reuse_delay: Duration,
    pub(crate) max_time_waits: u32,
    pub(crate) challenge_limit: u32,
    /// 0 never, 1 when there are too many handshakes, 2 always.
    pub(crate) syn_cookies: u32,
    pub(crate) standard_urgent: bool,
    pub(crate) keep_alive_idle: Duration,
    pub(crate) keep_alive_interval: Duration,
    pub(crate) keep_alive_probes: u32,
    pub(crate) ecn: u32,
    pub(crate) ecn_fallback: bool,
    pub(crate) moderate_receive_buffer: bool,
    /// How long, and how many, acknowledgements of what comes out of order may be held back.
    pub(crate) compressed_delay: Duration,
    pub(crate) compressed_most: u32,
    /// How long fragments wait for the others, IPv4 and IPv6.
    pub(crate) fragment_time: [Duration; 2],
    /// Memory beyond which fragments of no further packet are taken.
    pub(crate) fragment_memory: [u32; 2],
    pub(crate) congestion: Algorithm,
    /// In percent, of a rate that steers how large the pieces are.
    pub(crate) pacing: [u32; 2],
    /// Segments that leave in one piece at least, however slow the connection is.
    pub(crate) least_burst: u32,
    /// The part of the window that is free before the rest of a burst waits no longer; 0: three segments.
    pub(crate) burst_parts: u32,
    /// What ends slow start early with CUBIC: bit 0 trains, bit 1 delays.
    pub(crate) slow_start_exits: u32,
    /// Bytes that may be written and not sent before a program waits.
    pub(crate) unsent_low: u32,
    /// Bits of `tcp_fastopen`.
    pub(crate) fast_open: u32,
    /// What cookies are made with, the second one still good; none of both: the seed's.
    pub(crate) fast_open_keys: Vec<Key>,
    /// How long Fast Open rests after trouble with middleboxes; never if zero.
    pub(crate) fast_open_pause: Duration,
}

/// What the stack has one way of doing, or does not have: the value that says so is the only one taken, so that it can
/// be pinned and read back.
const FIXED: [(&str, &str); 3] =
    [("net.ipv4.tcp_mtu_probing", "0"), ("net.ipv4.tcp_recovery", "1"), ("net.ipv4.tcp_shrink_window", "0")];

fn fixed(name: &str) -> Option<&'static str> {
    FIXED.iter().find_map(|(other, value)| (*other == name).then_some(*value))
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sack: true,
            dsack: true,
            timestamps: true,
            window_scaling: true,
            syn_retries: 6,
            syn_linear_timeouts: 4,
            synack_retries: 5,
            retries2: 15,
            orphan_retries: 0,
            fin_timeout: Duration::from_secs(60),
            rmem: [4096, 131_072, 6_291_456],
            wmem: [4096, 16_384, 4_194_304],
            rto_min: Duration::from_millis(200),
            rto_max: Duration::from_secs(120),
            local_ports: (32768, 60999),
            somaxconn: 4096,
            max_syn_backlog: 2048,
            abort_on_overflow: false,
            rfc1337: false,
            invalid_ratelimit: Duration::from_millis(500),
            pingpong_threshold: 1,
            retrans_collapse: true,
            min_snd_mss: 48,
            tail_probe: true,
            frto: 2,
            slow_start_after_idle: true,
            tw_reuse: 2,
            tw_reuse_delay: Duration::from_secs(1),
            max_time_waits: 131_072,
            challenge_limit: i32::MAX.unsigned_abs(),
            syn_cookies: 1,
            standard_urgent: false,
            keep_alive_idle: Duration::from_secs(7200),
            keep_alive_interval: Duration::from_secs(75),
            keep_alive_probes: 9,
            ecn: 2,
            ecn_fallback: true,
            moderate_receive_buffer: true,
            compressed_delay: Duration::from_millis(1),
            compressed_most: 44,
            fragment_time: [Duration::from_secs(30), Duration::from_secs(60)],
            fragment_memory: [4 << 20; 2],
            congestion: Algorithm::Reno,
            pacing: [200, 120],
            least_burst: 2,
            burst_parts: 3,
            slow_start_exits: 3,
            unsent_low: u32::MAX,
            fast_open: 1,
            fast_open_keys: Vec::new(),
            fast_open_pause: Duration::ZERO,
        }
    }
}

impl Settings {
    /// Changes one setting, by its name as in `sysctl` (`net.ipv4.tcp_sack`), to a value as `sysctl` takes it.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SettingError> {
        match name {
            "net.ipv4.tcp_sack" => self.sack = flag(value)?,
            "net.ipv4.tcp_dsack" => self.dsack = flag(value)?,
            "net.ipv4.tcp_frto" => self.frto = number(value, 0, 255)?,
            // 2 is 1 without the random offset, which is the seed's here.
            "net.ipv4.tcp_timestamps" => self.timestamps = number(value, 0, 2)? != 0,
            "net.ipv4.tcp_window_scaling" => self.window_scaling = flag(value)?,
            "net.ipv4.tcp_syn_retries" => self.syn_retries = number(value, 1, 127)?,
            "net.ipv4.tcp_syn_linear_timeouts" => self.syn_linear_timeouts = number(value, 0, 127)?,
            "net.ipv4.tcp_synack_retries" => self.synack_retries = number(value, 0, 255)?,
            "net.ipv4.tcp_retries2" => self.retries2 = number(value, 0, 255)?,
            "net.ipv4.tcp_orphan_retries" => self.orphan_retries = number(value, 0, 255)?,
            "net.ipv4.tcp_fin_timeout" => {
                self.fin_timeout = Duration::from_secs(number(value, 0, 1 << 20)?.into());
            }
            "net.ipv4.tcp_rmem" => self.rmem = triple(value)?,
            "net.ipv4.tcp_wmem" => self.wmem = triple(value)?,
            "net.ipv4.tcp_rto_min_us" => {
                self.rto_min = Duration::from_micros(number(value, 1, 1_000_000)?.into());
            }
            "net.ipv4.tcp_rto_max_ms" => {
                self.rto_max = Duration::from_millis(number(value, 1_000, 120_000)?.into());
            }
            "net.ipv4.ip_local_port_range" => self.local_ports = range(value)?,
            "net.core.somaxconn" => self.somaxconn = number(value, 0, i32::MAX.unsigned_abs())?,
            "net.ipv4.tcp_max_syn_backlog" => {
                self.max_syn_backlog = number(value, 0, i32::MAX.unsigned_abs())?;
            }
            "net.ipv4.tcp_abort_on_overflow" => self.abort_on_overflow = flag(value)?,
            "net.ipv4.tcp_rfc1337" => self.rfc1337 = flag(value)?,
            "net.ipv4.tcp_invalid_ratelimit" => {
                self.invalid_ratelimit =
                    Duration::from_millis(number(value, 0, i32::MAX.unsigned_abs())?.into());
            }
            "net.ipv4.tcp_pingpong_thresh" => self.pingpong_threshold = number(value, 1, 255)?,
            "net.ipv4.tcp_retrans_collapse" => self.retrans_collapse = flag(value)?,
            "net.ipv4.tcp_min_snd_mss" => self.min_snd_mss = number(value, 48, 65535)?,
            "net.ipv4.tcp_stdurg" => self.standard_urgent = flag(value)?,
            "net.ipv4.tcp_syncookies" => self.syn_cookies = number(value, 0, 2)?,
            "net.ipv4.tcp_slow_start_after_idle" => self.slow_start_after_idle = flag(value)?,
            "net.ipv4.tcp_challenge_ack_limit" => {
                self.challenge_limit = number(value, 0, i32::MAX.unsigned_abs())?;
            }
            // 3 probes the tail; of the other values only "off" is left in Linux.
            "net.ipv4.tcp_early_retrans" => {
                self.tail_probe = match value.trim() {
                    "0" => false,
                    "3" => true,
                    _ => return Err(SettingError::Invalid),
                };
            }
            _ if self.set_receiving(name, value)?
                || self.set_sending(name, value)?
                || self.set_quiet(name, value)? => {}
            _ => only(value, fixed(name).ok_or(SettingError::Unknown)?)?,
        }
        Ok(())
    }

    /// Those of the direction from the peer; returns whether it is one.
    fn set_receiving(&mut self, name: &str, value: &str) -> Result<bool, SettingError> {
        match name {
            // Higher values are those of accurate ECN, which is not there.
            "net.ipv4.tcp_ecn" => self.ecn = number(value, 0, 2)?,
            "net.ipv4.tcp_ecn_fallback" => self.ecn_fallback = flag(value)?,
            "net.ipv4.tcp_moderate_rcvbuf" => self.moderate_receive_buffer = flag(value)?,
            "net.ipv4.tcp_comp_sack_delay_ns" => {
                self.compressed_delay = Duration::from_nanos(number(value, 0, u32::MAX)?.into());
            }
            "net.ipv4.tcp_comp_sack_nr" => self.compressed_most = number(value, 0, 255)?,
            "net.ipv4.ipfrag_time" => self.fragment_time[0] = seconds(value)?,
            "net.ipv6.ip6frag_time" => self.fragment_time[1] = seconds(value)?,
            "net.ipv4.ipfrag_high_thresh" => self.fragment_memory[0] = number(value, 0, u32::MAX)?,
            "net.ipv6.ip6frag_high_thresh" => self.fragment_memory[1] = number(value, 0, u32::MAX)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Those of the direction to the peer; returns whether it is one.
    fn set_sending(&mut self, name: &str, value: &str) -> Result<bool, SettingError> {
        match name {
            "net.ipv4.tcp_min_tso_segs" => self.least_burst = number(value, 1, 255)?,
            "net.ipv4.tcp_tso_win_divisor" => self.burst_parts = number(value, 0, 255)?,
            "module.tcp_cubic.hystart_detect" => self.slow_start_exits = number(value, 0, u32::MAX)?,
            "net.ipv4.tcp_congestion_control" => {
                self.congestion = Algorithm::named(value.trim()).ok_or(SettingError::Invalid)?;
            }
            "net.ipv4.tcp_pacing_ss_ratio" => self.pacing[0] = number(value, 0, 1000)?,
            "net.ipv4.tcp_pacing_ca_ratio" => self.pacing[1] = number(value, 0, 1000)?,
            "net.ipv4.tcp_notsent_lowat" => self.unsent_low = number(value, 0, u32::MAX)?,
            "net.ipv4.tcp_fastopen" => self.fast_open = number(value, 0, i32::MAX.unsigned_abs())?,
            "net.ipv4.tcp_fastopen_key" => self.fast_open_keys = keys(value)?,
            "net.ipv4.tcp_fastopen_blackhole_timeout_sec" => {
                self.fast_open_pause = Duration::from_secs(number(value, 0, i32::MAX.unsigned_abs())?.into());
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Those of connections in which nothing happens any more; returns whether it is one.
    fn set_quiet(&mut self, name: &str, value: &str) -> Result<bool, SettingError> {
        match name {
            "net.ipv4.tcp_keepalive_time" => {
                self.keep_alive_idle = Duration::from_secs(number(value, 0, 1 << 20)?.into());
            }
            "net.ipv4.tcp_keepalive_intvl" => {
                self.keep_alive_interval = Duration::from_secs(number(value, 0, 1 << 20)?.into());
            }
            "net.ipv4.tcp_keepalive_probes" => self.keep_alive_probes = number(value, 0, 255)?,
            "net.ipv4.tcp_tw_reuse" => self.tw_reuse = number(value, 0, 2)?,
            "net.ipv4.tcp_tw_reuse_delay" => {
                self.tw_reuse_delay = Duration::from_millis(number(value, 1, 60_000)?.into());
            }
            "net.ipv4.tcp_max_tw_buckets" => {
                self.max_time_waits = number(value, 0, i32::MAX.unsigned_abs())?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// How long fragments wait for the others, and the memory beyond which no further packet begins.
    pub(crate) fn reassembly(&self, v6: bool) -> (Duration, u32) {
        let [time_v4, time_v6] = self.fragment_time;
        let [memory_v4, memory_v6] = self.fragment_memory;
        if v6 { (time_v6, memory_v6) } else { (time_v4, memory_v4) }
    }

    /// The value of a setting as `sysctl` prints it.
    pub fn get(&self, name: &str) -> Option<String> {
        let digit = |on: bool| u8::from(on).to_string();
        let spaced = |[a, b, c]: [u32; 3]| format!("{a}\t{b}\t{c}");
        Some(match name {
            "net.ipv4.tcp_sack" => digit(self.sack),
            "net.ipv4.tcp_dsack" => digit(self.dsack),
            "net.ipv4.tcp_frto" => self.frto.to_string(),
            "net.ipv4.tcp_timestamps" => digit(self.timestamps),
            "net.ipv4.tcp_window_scaling" => digit(self.window_scaling),
            "net.ipv4.tcp_syn_retries" => self.syn_retries.to_string(),
            "net.ipv4.tcp_syn_linear_timeouts" => self.syn_linear_timeouts.to_string(),
            "net.ipv4.tcp_synack_retries" => self.synack_retries.to_string(),
            "net.ipv4.tcp_retries2" => self.retries2.to_string(),
            "net.ipv4.tcp_orphan_retries" => self.orphan_retries.to_string(),
            "net.ipv4.tcp_fin_timeout" => self.fin_timeout.as_secs().to_string(),
            "net.ipv4.tcp_rmem" => spaced(self.rmem),
            "net.ipv4.tcp_wmem" => spaced(self.wmem),
            "net.ipv4.tcp_rto_min_us" => self.rto_min.as_micros().to_string(),
            "net.ipv4.tcp_rto_max_ms" => self.rto_max.as_millis().to_string(),
            "net.ipv4.ip_local_port_range" => {
                format!("{}\t{}", self.local_ports.0, self.local_ports.1)
            }
            "net.core.somaxconn" => self.somaxconn.to_string(),
            "net.ipv4.tcp_max_syn_backlog" => self.max_syn_backlog.to_string(),
            "net.ipv4.tcp_abort_on_overflow" => digit(self.abort_on_overflow),
            "net.ipv4.tcp_rfc1337" => digit(self.rfc1337),
            "net.ipv4.tcp_invalid_ratelimit" => self.invalid_ratelimit.as_millis().to_string(),
            "net.ipv4.tcp_pingpong_thresh" => self.pingpong_threshold.to_string(),
            "net.ipv4.tcp_retrans_collapse" => digit(self.retrans_collapse),
            "net.ipv4.tcp_min_snd_mss" => self.min_snd_mss.to_string(),
            "net.ipv4.tcp_stdurg" => digit(self.standard_urgent),
            "net.ipv4.tcp_syncookies" => self.syn_cookies.to_string(),
            "net.ipv4.tcp_slow_start_after_idle" => digit(self.slow_start_after_idle),
            "net.ipv4.tcp_tw_reuse" => self.tw_reuse.to_string(),
            "net.ipv4.tcp_tw_reuse_delay" => self.tw_reuse_delay.as_millis().to_string(),
            "net.ipv4.tcp_max_tw_buckets" => self.max_time_waits.to_string(),
            "net.ipv4.tcp_challenge_ack_limit" => self.challenge_limit.to_string(),
            "net.ipv4.tcp_keepalive_time" => self.keep_alive_idle.as_secs().to_string(),
            "net.ipv4.tcp_keepalive_intvl" => self.keep_alive_interval.as_secs().to_string(),
            "net.ipv4.tcp_keepalive_probes" => self.keep_alive_probes.to_string(),
            "net.ipv4.tcp_ecn" => self.ecn.to_string(),
            "net.ipv4.tcp_ecn_fallback" => digit(self.ecn_fallback),
            "net.ipv4.tcp_moderate_rcvbuf" => digit(self.moderate_receive_buffer),
            "net.ipv4.tcp_comp_sack_delay_ns" => self.compressed_delay.as_nanos().to_string(),
            "net.ipv4.tcp_comp_sack_nr" => self.compressed_most.to_string(),
            "net.ipv4.ipfrag_time" => self.fragment_time[0].as_secs().to_string(),
            "net.ipv6.ip6frag_time" => self.fragment_time[1].as_secs().to_string(),
            "net.ipv4.ipfrag_high_thresh" => self.fragment_memory[0].to_string(),
            "net.ipv6.ip6frag_high_thresh" => self.fragment_memory[1].to_string(),
            "net.ipv4.tcp_congestion_control" => self.congestion.name().to_string(),
            "net.ipv4.tcp_pacing_ss_ratio" => self.pacing[0].to_string(),
            "net.ipv4.tcp_pacing_ca_ratio" => self.pacing[1].to_string(),
            "net.ipv4.tcp_min_tso_segs" => self.least_burst.to_string(),
            "net.ipv4.tcp_tso_win_divisor" => self.burst_parts.to_string(),
            "module.tcp_cubic.hystart_detect" => self.slow_start_exits.to_string(),
            "net.ipv4.tcp_notsent_lowat" => self.unsent_low.to_string(),
            "net.ipv4.tcp_fastopen" => self.fast_open.to_string(),
            "net.ipv4.tcp_fastopen_key" => written_keys(&self.fast_open_keys),
            "net.ipv4.tcp_fastopen_blackhole_timeout_sec" => self.fast_open_pause.as_secs().to_string(),
            "net.ipv4.tcp_early_retrans" => if self.tail_probe { "3" } else { "0" }.to_string(),
            _ => fixed(name)?.to_string(),
        })
    }
}

/// As the kernel reads one: hexadecimal after `0x`, octal after `0`.
fn number(value: &str, least: u32, most: u32) -> Result<u32, SettingError> {
    let value = value.trim();
    let (digits, radix) = match value.strip_prefix("0x").or_else(|| value.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if value.starts_with('0') => (value, 8),
        None => (value, 10),
    };
    // `from_str_radix` takes a sign too, which is none behind a prefix.
    let number = digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(digits);
    let number = number.and_then(|digits| u32::from_str_radix(digits, radix).ok());
    number.filter(|number| (least..=most).contains(number)).ok_or(SettingError::Invalid)
}

fn seconds(value: &str) -> Result<Duration, SettingError> {
    Ok(Duration::from_secs(number(value, 0, i32::MAX.unsigned_abs() / 1000)?.into()))
}

fn flag(value: &str) -> Result<bool, SettingError> {
    Ok(number(value, 0, 1)? == 1)
}

fn only(value: &str, choice: &str) -> Result<(), SettingError> {
    if value.trim() == choice { Ok(()) } else { Err(SettingError::Invalid) }
}

fn triple(value: &str) -> Result<[u32; 3], SettingError> {
    let mut words = value.split_whitespace();
    let mut next = || number(words.next().ok_or(SettingError::Invalid)?, 1, i32::MAX.unsigned_abs());
    let triple = [next()?, next()?, next()?];
    if words.next().is_some() { Err(SettingError::Invalid) } else { Ok(triple) }
}

/// One key, or two with a comma between them; each as four hexadecimal words, which are little-endian.
fn keys(value: &str) -> Result<Vec<Key>, SettingError> {
    let keys: Vec<Key> = value.trim().split(',').map(key).collect::<Result<_, _>>()?;
    if keys.len() <= 2 { Ok(keys) } else { Err(SettingError::Invalid) }
}

fn key(text: &str) -> Result<Key, SettingError> {
    let words = text
        .trim()
        .split('-')
        .map(|word| u32::from_str_radix(word, 16).map(u32::to_le_bytes).map_err(|_| SettingError::Invalid));
    let bytes = words.collect::<Result<Vec<_>, _>>()?.concat();
    bytes.try_into().map_err(|_| SettingError::Invalid)
}

/// Keys as they are read back; all zeros if none was set.
fn written_keys(keys: &[Key]) -> String {
    let word = |bytes: &[u8]| {
        let word = bytes.iter().rev().fold(0u32, |word, byte| (word << 8) | u32::from(*byte));
        format!("{word:08x}")
    };
    let text = |key: &Key| key.chunks(4).map(word).collect::<Vec<_>>().join("-");
    if keys.is_empty() { text(&[0; 16]) } else { keys.iter().map(text).collect::<Vec<_>>().join(",") }
}

fn range(value: &str) -> Result<(u16, u16), SettingError> {
    let mut words = value.split_whitespace();
    let mut next = || {
        let port = number(words.next().ok_or(SettingError::Invalid)?, 1, u16::MAX.into())?;
        u16::try_from(port).map_err(|_| SettingError::Invalid)
    };
    let (low, high) = (next()?, next()?);
    if words.next().is_some() || high < low { Err(SettingError::Invalid) } else { Ok((low, high)) }
}

#[cfg(test)]
mod tests {
    use super::{SettingError, Settings};

    #[test]
    fn numbers_are_read_as_the_kernel_reads_them() {
        let mut settings = Settings::default();
        for (value, read) in [("0x70403", Some("459779")), ("017", Some("15")), ("0", Some("0"))] {
            assert_eq!(settings.set("net.ipv4.tcp_fastopen", value), Ok(()), "{value}");
            assert_eq!(settings.get("net.ipv4.tcp_fastopen").as_deref(), read, "{value}");
        }
        for value in ["", "0x", "08", "+1", "0x+1", "a"] {
            let refused = settings.set("net.ipv4.tcp_fastopen", value);
            assert_eq!(refused, Err(SettingError::Invalid), "{value}");
        }
        assert_eq!(settings.set("net.ipv4.ip_local_port_range", "0x400 02000"), Ok(()));
        assert_eq!(settings.get("net.ipv4.ip_local_port_range").as_deref(), Some("1024\t1024"));
    }

    #[test]
    fn what_is_set_is_read_back_and_what_steers_nothing_is_refused() {
        let mut settings = Settings::default();
        for (name, value, result) in [
            ("net.ipv4.tcp_sack", "0", Ok(())),
            ("net.ipv4.tcp_sack", "2", Err(SettingError::Invalid)),
            ("net.ipv4.tcp_rmem", "4096\t8192\t16384", Ok(())),
            ("net.ipv4.tcp_rmem", "4096 8192", Err(SettingError::Invalid)),
            ("net.ipv4.ip_local_port_range", "2000\t1000", Err(SettingError::Invalid)),
            ("net.ipv4.tcp_congestion_control", "reno", Ok(())),
            ("net.ipv4.tcp_congestion_control", "bbr", Err(SettingError::Invalid)),
            ("net.ipv4.tcp_fastopen_key", "01020304-00000005-00000006-00000007", Ok(())),
            ("net.ipv4.tcp_fastopen_key", "1-2-3", Err(SettingError::Invalid)),
            ("net.ipv4.tcp_sacks", "1", Err(SettingError::Unknown)),
        ] {
            assert_eq!(settings.set(name, value), result, "{name} {value}");
            if result.is_ok() {
                assert_eq!(settings.get(name).as_deref(), Some(value));
            }
        }
    }
}
