//! What commands come to.

use std::net::{IpAddr, Ipv4Addr};

use super::{Deed, Surroundings, understand};
use crate::case::{Offload, Setting};

const DEFAULTS: &str = "#!/bin/bash\n# Ours.\nsysctl -q net.ipv4.tcp_rmem=\"4096 540000 $((15*1024*1024))\"\n\
                        ip tcp_metrics flush all > /dev/null 2>&1\ntc qdisc add dev tun0 root pfifo\n";

fn deeds(text: &str) -> Result<Vec<Deed>, String> {
    let read = |path: &str| match path {
        "../common/defaults.sh" => Ok(DEFAULTS.to_owned()),
        "./loop.sh" => Ok("./loop.sh".to_owned()),
        _ => Err(format!("{path} cannot be read")),
    };
    let remote = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    understand(text, Surroundings { remote, read: &read }).map_err(|error| error.to_string())
}

fn set(name: &str, value: &str) -> Deed {
    Deed::Set(Setting { name: name.to_owned(), value: value.to_owned(), optional: false })
}

fn maybe(name: &str, value: &str) -> Deed {
    Deed::Set(Setting { name: name.to_owned(), value: value.to_owned(), optional: true })
}

#[track_caller]
fn comes_to(text: &str, expected: &[Deed]) {
    assert_eq!(deeds(text).as_deref(), Ok(expected), "{text}");
}

#[track_caller]
fn is_refused(text: &str, reason: &str) {
    assert_eq!(deeds(text), Err(reason.to_owned()), "{text}");
}

#[test]
fn sysctl_sets() {
    comes_to("sysctl -q net.ipv4.tcp_sack=0", &[set("net.ipv4.tcp_sack", "0")]);
    comes_to("sysctl -w net/ipv4/tcp_sack=0 >/dev/null 2>&1", &[set("net.ipv4.tcp_sack", "0")]);
    comes_to(
        "sysctl -q \\\n net.ipv4.tcp_wmem=\"4096 1  2\" \\\n net.ipv4.tcp_ecn=1 # why",
        &[set("net.ipv4.tcp_wmem", "4096 1 2"), set("net.ipv4.tcp_ecn", "1")],
    );
    comes_to("sysctl -e -q net.ipv4.tcp_sack=0", &[maybe("net.ipv4.tcp_sack", "0")]);
    is_refused("sysctl -a", "the command \"sysctl -a\"");
    is_refused("sysctl net.ipv4.tcp_sack", "the command \"sysctl net.ipv4.tcp_sack\"");
}

#[test]
fn a_fallback_is_for_settings_that_no_kernel_has() {
    let flush = set("tcp_metrics", "flush");
    comes_to("sysctl -q net.ipv4.tcp_no_such=0 || ip tcp_metrics flush all", std::slice::from_ref(&flush));
    // Not of bash: the first runs in the background, and making the file succeeds.
    let no_such = maybe("net.ipv4.tcp_no_such", "0");
    comes_to("sysctl -q net.ipv4.tcp_no_such=0 &> /dev/null || ip tcp_metrics flush all", &[no_such]);
    comes_to("sysctl -q net.ipv4.tcp_sack=0 || ip tcp_metrics flush all", &[set("net.ipv4.tcp_sack", "0")]);
    comes_to("false && ip tcp_metrics flush all; true", &[]);
    comes_to("true && ip tcp_metrics flush all", &[flush]);
}

#[test]
fn the_status_is_that_of_the_last_command() {
    comes_to("true; false", &[Deed::Fails("false".to_owned())]);
    comes_to("false\ntrue", &[]);
    // What no kernel is known to have may be missing where that decides nothing.
    comes_to("sysctl -q net.ipv4.tcp_no_such=0\ntrue", &[maybe("net.ipv4.tcp_no_such", "0")]);
    comes_to("sysctl -q net.ipv4.tcp_no_such=0", &[set("net.ipv4.tcp_no_such", "0")]);
    comes_to("sysctl -q net.ipv4.tcp_sack=0\ntrue", &[set("net.ipv4.tcp_sack", "0")]);
    let why = "there is no route to 198.51.100.1 that could be changed";
    comes_to("ip route change 198.51.100.1 dev tun0 mtu 900", &[Deed::Fails(why.to_owned())]);
    comes_to("ip route change 198.51.100.1 dev tun0 mtu 900\ntrue", &[]);
}

#[test]
fn lists_of_files_set_and_restoring_is_nothing() {
    comes_to(
        "../common/set_sysctls.py /proc/sys/net/ipv4/tcp_timestamps=0\\\n /proc/sys/net/ipv4/tcp_wmem=\"1 2 3\"",
        &[set("net.ipv4.tcp_timestamps", "0"), set("net.ipv4.tcp_wmem", "1 2 3")],
    );
    comes_to("/tmp/sysctl_restore_${PPID}.sh", &[]);
    is_refused("./set_sysctls.py /etc/passwd=0", "the command \"./set_sysctls.py /etc/passwd=0\"");
}

#[test]
fn a_script_beside_is_read_and_what_it_sets_may_be_missing() {
    comes_to(
        "../common/defaults.sh\nsysctl -q net.ipv4.tcp_sack=0",
        &[
            maybe("net.ipv4.tcp_rmem", "4096 540000 15728640"),
            maybe("tcp_metrics", "flush"),
            maybe("qdisc", "pfifo"),
            set("net.ipv4.tcp_sack", "0"),
        ],
    );
    comes_to(". ../common/defaults.sh", &deeds("../common/defaults.sh").unwrap());
    is_refused("./gone.sh", "the command \"./gone.sh\" (./gone.sh cannot be read)");
    is_refused("./loop.sh", "the command \"./loop.sh\"");
}

#[test]
fn queue_route_device() {
    comes_to("tc qdisc replace dev tun0 root fq", &[set("qdisc", "fq")]);
    comes_to(
        "tc qdisc delete dev tun0 root 2>/dev/null ; tc qdisc add dev tun0 root pfifo limit 0",
        &[set("qdisc", "pfifo"), set("qdisc", "pfifo limit 0")],
    );
    comes_to(
        "ip route change 192.0.2.1 via 192.168.0.2 dev tun0 advmss 600 mtu lock 640 initcwnd 11",
        &[set("route", "advmss 600 mtu lock 640 initcwnd 11")],
    );
    comes_to("ethtool -K tun0 tso off gso off", &[Deed::Offload(Offload::None)]);
    comes_to("ethtool -K tun0 gso off", &[]);
    comes_to("ip link set dev tun0 mtu 1400", &[Deed::Mtu(1400)]);
    is_refused("tc qdisc add dev lo root fq", "the command \"tc qdisc add dev lo root fq\"");
    is_refused("ip route add default dev tun0", "the command \"ip route add default dev tun0\"");
}

#[test]
fn files_of_the_system() {
    comes_to("echo 1 > /proc/sys/net/ipv4/tcp_sack", &[set("net.ipv4.tcp_sack", "1")]);
    comes_to(
        "echo 3 > /sys/module/tcp_cubic/parameters/hystart_detect",
        &[set("module.tcp_cubic.hystart_detect", "3")],
    );
    comes_to(
        "/bin/rm -f /tmp/f\n/bin/dd bs=2 count=1k if=/dev/zero of=/tmp/f status=none",
        &[Deed::File { path: "/tmp/f".to_owned(), length: 2048 }],
    );
    is_refused("echo 1 > /etc/passwd", "the command \"echo 1 > /etc/passwd\"");
}

#[test]
fn counters_and_listeners() {
    comes_to("nstat > /dev/null", &[Deed::CountersFrom]);
    comes_to("nstat | grep TcpExtX > /dev/null", &[Deed::CounterGrew("TcpExtX".to_owned())]);
    is_refused("nstat | grep \"\"", "the command \"nstat | grep \"\"\"");
    is_refused("nstat | grep 9", "the command \"nstat | grep 9\"");
    is_refused("nstat | grep Tcp.*Opens", "the command \"nstat | grep Tcp.*Opens\"");
    comes_to("grep \" 0A \" /proc/net/tcp /proc/net/tcp6 | grep \":1F90\"", &[Deed::Listens(8080)]);
    is_refused("grep x /etc/passwd | grep y", "the command \"grep x /etc/passwd | grep y\"");
}

#[test]
fn anything_else_is_named_on_one_line() {
    is_refused("iptables -A INPUT \\\n  -j DROP", "the command \"iptables -A INPUT -j DROP\"");
    is_refused("true; (cd /)", "the command \"(cd /)\"");
    is_refused("if true; then true; fi", "the command \"if true; then true; fi\"");
    is_refused("echo $(id)", "the command \"echo $(id)\"");
    is_refused("sysctl -q a=$UNKNOWN", "the command \"sysctl -q a=$UNKNOWN\"");
    is_refused("cat < /etc/passwd", "the command \"cat < /etc/passwd\"");
    is_refused("sleep 1 &", "the command \"sleep 1 &\"");
    let doubled = format!("A=word\n{}", "A=$A$A\n".repeat(40));
    is_refused(&doubled, "the command \"A=$A$A\"");
    is_refused("rm -rf *", "the command \"rm -rf *\"");
    is_refused("true \"open", "the command \"true \"open\"");
    comes_to("N=7\nsysctl -q net.ipv4.tcp_syn_retries=$N", &[set("net.ipv4.tcp_syn_retries", "7")]);
}
