//! A listener that cannot keep up.

mod util;

use stack_under_test::{Reply, Syscall, TcpState};
use util::World;

const OFFER: [u8; 12] = [2, 4, 5, 180, 4, 2, 1, 1, 1, 3, 3, 7];

fn syn(world: &mut World, port: u16, options: &[u8]) {
    world.remote.set_port(port);
    world.inject_with("S 0:0(0) win 65535", options);
}

fn count(world: &World, name: &str) -> u64 {
    world.stack.counter(name).expect("a counter")
}

#[test]
fn under_a_flood_cookies_go_out_and_come_back() {
    let mut world = World::new();
    let fd = world.listener(4);
    for port in 6000..6012 {
        syn(&mut world, port, &OFFER);
        let options = world.expect("S. 0:0(0) ack 1").1.options;
        let whole = "020405b40101040201030307";
        assert_eq!(options, if port < 6005 { whole } else { "020405b4" }, "{port}");
    }
    assert_eq!(count(&world, "TcpExtSyncookiesSent"), 7);
    assert_eq!(count(&world, "TcpExtTCPReqQFullDoCookies"), 7);
    world.inject(". 1:1(0) ack 1");
    world.quiet();
    let accepted = world.accept(fd);
    assert_eq!(count(&world, "TcpExtSyncookiesRecv"), 1);
    let info = world.stack.tcp_info(accepted).expect("info");
    assert_eq!((info.snd_mss, info.options, info.state), (1460, 0, TcpState::Established));
    world.inject("P. 1:11(10) ack 1");
    world.expect(". 1:1(0) ack 11");
    // No cookie of ours.
    world.remote.set_port(7000);
    world.inject(". 1:1(0) ack 12345");
    world.expect("R 12345:12345(0)");
    assert_eq!(count(&world, "TcpExtSyncookiesFailed"), 1);
}

#[test]
fn a_timestamp_carries_what_a_cookie_has_no_room_for() {
    let mut world = World::new();
    world.set("net.ipv4.tcp_syncookies", "2");
    let fd = world.listener(4);
    world.wait(5_000);
    let mut offer = vec![2, 4, 3, 232, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7];
    world.inject_with("S 0:0(0) win 1000", &offer);
    let seen = world.expect("S. 0:0(0) ack 1").1;
    let value = &seen.bytes[20 + 20 + 8..][..4];
    offer = [&[1, 1, 8, 10, 0, 0, 0, 10], value].concat();
    world.inject_with(". 1:1(0) ack 1 win 100", &offer);
    let accepted = world.accept(fd);
    let info = world.stack.tcp_info(accepted).expect("info");
    assert_eq!((info.options, info.snd_wscale, info.snd_wnd), (7, 7, 12_800));
    assert_eq!(info.snd_mss, 536 - 12, "the nearest size that a cookie can express");
}

#[test]
fn a_cookie_spoils() {
    let mut world = World::new();
    world.set("net.ipv4.tcp_syncookies", "2");
    world.listener(4);
    world.inject_with("S 0:0(0) win 1000", &[2, 4, 5, 180]);
    world.expect("S. 0:0(0) ack 1");
    // It is not repeated: nobody remembers it.
    world.silent(130_000);
    world.inject(". 1:1(0) ack 1");
    world.expect("R 1:1(0)");
}

#[test]
fn without_cookies_what_is_too_much_is_dropped() {
    let mut world = World::new();
    world.set("net.ipv4.tcp_syncookies", "0");
    world.listener(2);
    for port in 6000..6005 {
        syn(&mut world, port, &OFFER);
    }
    assert_eq!(world.sent.len(), 3);
    assert_eq!(count(&world, "TcpExtTCPReqQFullDrop"), 2);
    for (limit, answered) in [("16", 13), ("8", 7), ("4", 4)] {
        let mut world = World::new();
        world.set("net.ipv4.tcp_syncookies", "0").set("net.ipv4.tcp_max_syn_backlog", limit);
        world.listener(100);
        for port in 6000..6030 {
            syn(&mut world, port, &OFFER);
        }
        assert_eq!(world.sent.len(), answered, "limit {limit}");
        assert_eq!(count(&world, "TcpExtListenDrops"), 30 - answered as u64);
    }
}

#[test]
fn a_full_accept_queue_drops_what_comes_and_counts_it() {
    let mut world = World::new();
    let fd = world.listener(0);
    for port in 6000..6002 {
        syn(&mut world, port, &[]);
        world.inject(". 1:1(0) ack 1");
    }
    assert_eq!(count(&world, "TcpExtListenOverflows"), 1);
    assert_eq!(count(&world, "TcpExtListenDrops"), 1);
    assert_eq!(count(&world, "TcpPassiveOpens"), 1);
    world.sent.clear();
    world.accept(fd);
    syn(&mut world, 6001, &[]);
    world.expect("S. 0:0(0) ack 1");
    assert!(world.stack.counter("TcpExtNoSuchThing").is_none());
}

#[test]
fn somaxconn_bounds_the_backlog() {
    let mut world = World::new();
    world.set("net.core.somaxconn", "3");
    let fd = world.listener(100);
    assert_eq!(world.stack.tcp_info(fd).expect("info").sacked, 3);
    assert_eq!(world.call(Syscall::Listen { fd, backlog: -1 }), Ok(Reply::Value(0)));
    assert_eq!(world.stack.tcp_info(fd).expect("info").sacked, 3);
}

#[test]
fn what_is_sent_again_is_counted() {
    let mut world = World::new();
    let fd = world.server();
    world.write(fd, 10).expect("written");
    world.wait(700);
    assert_eq!(count(&world, "TcpRetransSegs"), 2);
}
