//! Opening a connection, from either side or both.

mod util;

use stack_under_test::syscall::constants::{
    AF_INET, AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, POLLIN, SO_ERROR, SOCK_NONBLOCK, SOCK_STREAM, SOL_SOCKET,
};
use std::net::SocketAddr;

use stack_under_test::{Errno, Failure, Fd, OptionValue, Reply, Syscall, TcpState};
use util::{MAIN, World, address, failed};

fn connect(world: &mut World, fd: Fd) {
    world.start(MAIN, Syscall::Connect { fd, addr: world.remote.into() });
}

#[test]
fn the_peer_opens() {
    for mut world in [World::new(), World::v6()] {
        let fd = world.server();
        assert_eq!(world.state(), TcpState::Established);
        assert_eq!(world.call(Syscall::Getpeername { fd }), Ok(Reply::Address(world.remote)));
        assert_eq!(world.call(Syscall::Getsockname { fd }), Ok(Reply::Address(world.local)));
        world.silent(100_000);
    }
}

#[test]
fn we_open() {
    for (mut world, mss) in [(World::new(), "05b4"), (World::v6(), "05a0")] {
        let fd = world.socket();
        connect(&mut world, fd);
        let (_, syn) = world.expect("S 0:0(0)");
        assert!(syn.options.starts_with(&format!("0204{mss}0402080a")), "{}", syn.options);
        assert!(syn.options.ends_with("0000000001030307"), "{}", syn.options);
        assert_eq!(syn.win, if mss == "05b4" { 64240 } else { 64800 });
        world.wait(10);
        world.inject_with("S. 0:0(0) ack 1", &[2, 4, 3, 232]);
        world.expect_at(10, ". 1:1(0) ack 1");
        assert_eq!(world.returns(), (10, Ok(Reply::Value(0))));
        assert_eq!(world.errno(Syscall::Connect { fd, addr: world.remote.into() }), Errno::EISCONN);
    }
}

#[test]
fn nobody_listens() {
    let mut world = World::new();
    world.target_isn = Some(0);
    world.inject("S 5:5(0)");
    world.expect("R. 0:0(0) ack 6");
    world.inject(". 5:5(0) ack 77");
    world.expect("R 77:77(0)");
    world.inject("R 5:5(0)");
    world.quiet();
}

#[test]
fn a_refused_open_can_be_tried_again() {
    let mut world = World::new();
    let fd = world.socket();
    connect(&mut world, fd);
    world.expect("S 0:0(0)");
    world.inject("R 0:0(0)");
    world.inject("R. 0:0(0) ack 9");
    assert!(world.returned.is_empty(), "neither acknowledges the SYN");
    world.inject("R. 0:0(0) ack 1");
    assert_eq!(failed(world.returns().1), Errno::ECONNREFUSED);
    world.silent(3000);
    connect(&mut world, fd);
    world.expect("S 0:0(0)");
    assert_eq!(world.state(), TcpState::SynSent);
}

#[test]
fn a_syn_is_repeated_linearly_and_then_with_doubled_intervals() {
    let mut world = World::new();
    let fd = world.socket();
    connect(&mut world, fd);
    world.wait(200_000);
    for second in [0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67] {
        world.expect_at(second * 1000, "S 0:0(0)");
    }
    world.quiet();
    let (at, result) = world.returns();
    assert_eq!((at, failed(result)), (131_000, Errno::ETIMEDOUT));
}

#[test]
fn a_syn_ack_is_repeated_and_the_handshake_forgotten() {
    let mut world = World::new();
    let listener = world.listener(1);
    world.inject("S 0:0(0)");
    assert_eq!(world.state(), TcpState::SynRecv);
    world.wait(62_999);
    for second in [0, 1, 3, 7, 15, 31] {
        world.expect_at(second * 1000, "S. 0:0(0) ack 1");
    }
    assert_eq!(world.state(), TcpState::SynRecv);
    world.silent(1);
    assert_eq!(world.state(), TcpState::Closed);
    world.inject(". 1:1(0) ack 1");
    world.expect("R 1:1(0)");
    let result =
        world.call(Syscall::Poll { fds: vec![(listener, POLLIN)], timeout: Some(std::time::Duration::ZERO) });
    assert_eq!(result, Ok(Reply::Poll(vec![0])));
}

#[test]
fn both_open() {
    let mut world = World::new();
    let domain = AF_INET;
    let fd =
        Fd(world.value(Syscall::Socket { domain, kind: SOCK_STREAM | SOCK_NONBLOCK, protocol: 0 }) as i32);
    assert_eq!(world.errno(Syscall::Connect { fd, addr: world.remote.into() }), Errno::EINPROGRESS);
    world.expect("S 0:0(0)");
    world.wait(10);
    world.inject_with("S 0:0(0) win 5000", &[2, 4, 3, 232]);
    world.expect("S. 0:0(0) ack 1");
    assert_eq!(world.state(), TcpState::SynRecv);
    assert_eq!(world.errno(Syscall::Connect { fd, addr: world.remote.into() }), Errno::EALREADY);
    world.wait(10);
    world.inject(". 1:1(0) ack 1 win 5000");
    assert_eq!(world.state(), TcpState::Established);
    let error = world.call(Syscall::Getsockopt { fd, level: SOL_SOCKET, name: SO_ERROR, room: 4096.into() });
    assert_eq!(error, Ok(Reply::Option(OptionValue::Int(0))));
    assert_eq!(world.write(fd, 10), Ok(Reply::Value(10)));
    world.expect("P. 1:11(10) ack 1");
}

#[test]
fn both_open_and_the_answers_cross_too() {
    let mut world = World::new();
    let fd = world.socket();
    connect(&mut world, fd);
    world.expect("S 0:0(0)");
    world.inject("S 0:0(0) win 5000");
    world.expect("S. 0:0(0) ack 1");
    world.inject("S. 0:0(0) ack 1 win 5000");
    world.expect(". 1:1(0) ack 1");
    assert_eq!(world.returns().1, Ok(Reply::Value(0)));
    world.silent(10_000);
}

#[test]
fn a_signal_ends_connect_and_the_handshake_goes_on() {
    let mut world = World::new();
    let fd = world.socket();
    connect(&mut world, fd);
    world.expect("S 0:0(0)");
    world.wait(100);
    world.stack.interrupt(world.now, MAIN);
    world.drain();
    assert_eq!(failed(world.returns().1), Errno::EINTR);
    connect(&mut world, fd);
    world.wait(100);
    world.inject("S. 0:0(0) ack 1");
    world.expect(". 1:1(0) ack 1");
    assert_eq!(world.returns(), (200, Ok(Reply::Value(0))));
}

#[test]
fn backlog_and_one_more_fit() {
    let mut world = World::new();
    let listener = world.listener(1);
    for port in [5000, 5001] {
        world.remote.set_port(port);
        world.inject("S 0:0(0)");
        world.expect("S. 0:0(0) ack 1");
        world.inject(". 1:1(0) ack 1");
    }
    world.remote.set_port(5002);
    world.inject("S 0:0(0)");
    world.silent(1000);
    match world.call(Syscall::Accept { fd: listener, flags: 0 }) {
        Ok(Reply::Accepted { peer, .. }) => assert_eq!(peer.port(), 5000),
        other => panic!("{other:?}"),
    }
    world.inject("S 0:0(0)");
    world.expect("S. 0:0(0) ack 1");
}

#[test]
fn an_ipv6_listener_hears_ipv4_unless_told_not_to() {
    for v6only in [0, 1] {
        let mut world = World::new();
        let fd = Fd(world.value(Syscall::Socket { domain: AF_INET6, kind: SOCK_STREAM, protocol: 0 }) as i32);
        let value = OptionValue::Int(v6only);
        world.value(Syscall::Setsockopt { fd, level: IPPROTO_IPV6, name: IPV6_V6ONLY, value: value.into() });
        world.value(Syscall::Bind { fd, addr: address("[::]:8080") });
        world.value(Syscall::Listen { fd, backlog: 1 });
        world.inject("S 0:0(0)");
        if v6only == 1 {
            world.expect("R. 0:0(0) ack 1");
            continue;
        }
        world.expect("S. 0:0(0) ack 1");
        world.inject(". 1:1(0) ack 1");
        let mapped: SocketAddr = "[::ffff:192.0.2.1]:8080".parse().expect("address");
        match world.call(Syscall::Accept { fd, flags: 0 }) {
            Ok(Reply::Accepted { peer, .. }) => assert_eq!(peer, mapped),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_cannot_be_reached() {
    let mut world = World::new();
    let fd = world.socket();
    for (addr, errno) in [
        ("203.0.113.1:80", Errno::ENETUNREACH),
        ("224.0.0.1:80", Errno::ENETUNREACH),
        ("[fd3d:fa7b:d17d::1]:80", Errno::EAFNOSUPPORT),
    ] {
        assert_eq!(world.errno(Syscall::Connect { fd, addr: address(addr) }), errno, "{addr}");
    }
    let own = world.call(Syscall::Connect { fd, addr: world.local.into() });
    assert!(matches!(own, Err(Failure::Unsupported(_))), "{own:?}");
}
