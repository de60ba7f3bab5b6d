//! What can be looked at without changing it.

use std::fs;
use std::os::fd::RawFd;

use super::diag;
use super::faults::broken;
use super::namespace::Namespace;
use super::netlink::Netlink;
use super::{sys, tcp_info};
use crate::case::Value;
use crate::target::TargetError;

/// Linux has it as SIOCINQ, SIOCOUTQ and SIOCOUTQNSD.
const UNREAD: u64 = 0x541b;
const UNACKED: u64 = 0x5411;
const UNSENT: u64 = 0x894b;

/// A field of a descriptor.
pub(super) fn descriptor(fd: RawFd, field: &str) -> Result<Value, TargetError> {
    let missing = || TargetError::Missing(format!("inspect: a descriptor has no {field}"));
    let queue = |request| {
        let count = sys::socket_queue(fd, request).map_err(|_| missing())?;
        Ok(Value::Int(i64::from(count)))
    };
    match field {
        "unread" => queue(UNREAD),
        "unacked" => queue(UNACKED),
        "unsent" => queue(UNSENT),
        _ => {
            let mut bytes = [0; tcp_info::ROOM];
            // Of a listener, tcpi_unacked is how many connections wait to be accepted.
            let name = match field {
                "state" => "tcpi_state",
                "accept_queue" => "tcpi_unacked",
                other => other,
            };
            let (level, option) = tcp_info::option_of(name);
            let length = sys::get_option(fd, level, option, &mut bytes);
            length.ok().and_then(|length| tcp_info::field(&bytes[..length], name)).ok_or_else(missing)
        }
    }
}

/// The state of a connection between two ends.
pub(super) fn flow_state(
    netlink: &mut Netlink,
    local: std::net::SocketAddr,
    remote: std::net::SocketAddr,
) -> Result<Value, TargetError> {
    let state = diag::state(netlink, local, remote)
        .map_err(|error| TargetError::Missing(format!("inspect: sock_diag says {error}")))?;
    Ok(Value::Int(i64::from(state)))
}

/// A counter under the name that `nstat` gives it: group and name in one word.
pub(super) fn counter(namespace: &Namespace, name: &str) -> Result<Value, TargetError> {
    for file in ["netstat", "snmp"] {
        let text = fs::read_to_string(namespace.proc_net(file)).map_err(broken)?;
        if let Some(number) = in_pairs(&text, name) {
            return Ok(Value::Int(number));
        }
    }
    let text = fs::read_to_string(namespace.proc_net("snmp6")).unwrap_or_default();
    in_lines(&text, name).map(Value::Int).ok_or_else(|| TargetError::Missing(format!("counter {name}")))
}

/// How many TCP sockets the namespace holds, those without descriptor, too.
pub(super) fn sockets(namespace: &Namespace) -> i64 {
    let count = |file, group: &str| {
        let text = fs::read_to_string(namespace.proc_net(file)).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(group))?;
        let mut words = line.split_whitespace();
        words.find(|word| *word == "inuse")?;
        words.next()?.parse::<i64>().ok()
    };
    count("sockstat", "TCP:").unwrap_or(0) + count("sockstat6", "TCP6:").unwrap_or(0)
}

/// `netstat` and `snmp`: a line of names and a line of numbers, both behind the group's name.
fn in_pairs(text: &str, wanted: &str) -> Option<i64> {
    let mut lines = text.lines();
    while let (Some(names), Some(numbers)) = (lines.next(), lines.next()) {
        let (group, names) = names.split_once(':')?;
        let (_, numbers) = numbers.split_once(':')?;
        let Some(name) = wanted.strip_prefix(group) else {
            continue;
        };
        let mut pairs = names.split_whitespace().zip(numbers.split_whitespace());
        if let Some((_, number)) = pairs.find(|(known, _)| *known == name) {
            return number.parse().ok();
        }
    }
    None
}

/// `snmp6`: a name and a number in each line.
fn in_lines(text: &str, wanted: &str) -> Option<i64> {
    text.lines().find_map(|line| {
        let (name, number) = line.split_once(char::is_whitespace)?;
        (name == wanted).then(|| number.trim().parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::{in_lines, in_pairs};

    #[test]
    fn counters_are_found_by_group_and_name() {
        let text = "Tcp: ActiveOpens MaxConn\nTcp: 3 -1\nTcpExt: ListenOverflows\nTcpExt: 7\n";
        assert_eq!(in_pairs(text, "TcpActiveOpens"), Some(3));
        assert_eq!(in_pairs(text, "TcpMaxConn"), Some(-1));
        assert_eq!(in_pairs(text, "TcpExtListenOverflows"), Some(7));
        assert_eq!(in_pairs(text, "TcpExtNothing"), None);
        assert_eq!(in_lines("Ip6InReceives   12\n", "Ip6InReceives"), Some(12));
    }
}
