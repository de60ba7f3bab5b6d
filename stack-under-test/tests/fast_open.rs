//! TCP Fast Open, from both ends.

mod util;

use stack_under_test::syscall::constants::{
    IPPROTO_TCP, MSG_DONTWAIT, MSG_FASTOPEN, TCP_FASTOPEN, TCP_FASTOPEN_CONNECT,
};
use stack_under_test::{Errno, Fd, Reply, Syscall, TcpState};
use util::{MAIN, World, address, data};

const ASKED: [u8; 8] = [2, 4, 3, 232, 34, 2, 1, 1];

fn listener(world: &mut World) -> Fd {
    world.set("net.ipv4.tcp_fastopen", "3");
    let fd = world.socket();
    let any = if world.local.is_ipv4() { "0.0.0.0:8080" } else { "[::]:8080" };
    world.value(Syscall::Bind { fd, addr: address(any) });
    option(world, fd, TCP_FASTOPEN, 5);
    world.value(Syscall::Listen { fd, backlog: 5 });
    fd
}

fn option(world: &mut World, fd: Fd, name: i32, value: i32) {
    let value = value.to_ne_bytes().to_vec().into();
    world.value(Syscall::Setsockopt { fd, level: IPPROTO_TCP, name, value });
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

#[test]
fn a_cookie_that_was_given_is_good_and_no_other() {
    for mut world in [World::new(), World::v6()] {
        let fd = listener(&mut world);
        world.inject_with("S 0:0(0)", &ASKED);
        let (_, seen) = world.expect("S. 0:0(0) ack 1");
        let given = bytes(&seen.options[8..]);
        assert_eq!(given[..2], [34, 10]);
        world.inject("R 1:1(0)");
        let mut other = given.clone();
        other[5] ^= 1;
        world.inject_with("S 0:10(10)", &[&ASKED[..4], &other].concat());
        let (_, seen) = world.expect("S. 0:0(0) ack 1");
        assert_eq!(bytes(&seen.options[8..]), given, "the right one comes back");
        world.inject("R 1:1(0)");
        world.inject_with("S 0:10(10)", &[&ASKED[..4], &given].concat());
        world.expect("S. 0:0(0) ack 11");
        let fd = world.accept(fd);
        assert_eq!(world.state(), TcpState::SynRecv);
        assert_eq!(data(world.read_now(fd)), 10);
        world.write(fd, 5).expect("written");
        world.expect("P. 1:6(5) ack 11");
        world.inject(". 11:11(0) ack 6");
        assert_eq!(world.state(), TcpState::Established);
        assert!(world.changes().ends_with("LISTEN SYN_RECV Segment, SYN_RECV ESTABLISHED Segment"));
        world.silent(10_000);
    }
}

#[test]
fn the_syn_waits_for_data_only_with_a_cookie() {
    let mut world = World::new();
    let opening = |world: &mut World| {
        let fd = world.socket();
        option(world, fd, TCP_FASTOPEN_CONNECT, 1);
        world.start(MAIN, Syscall::Connect { fd, addr: world.remote.into() });
        fd
    };
    let fd = opening(&mut world);
    world.expect("S 0:0(0)");
    world.inject_with("S. 0:0(0) ack 1", &[2, 4, 3, 232, 34, 6, 1, 2, 3, 4, 1, 1]);
    world.expect(". 1:1(0) ack 1");
    assert_eq!(world.returns().1, Ok(Reply::Value(0)));
    world.value(Syscall::Close { fd });
    world.expect("F. 1:1(0) ack 1");
    world.inject("R. 1:1(0) ack 2");
    let fd = opening(&mut world);
    assert_eq!(world.returns().1, Ok(Reply::Value(0)));
    world.silent(5_000);
    world.start(MAIN, Syscall::Write { fd, data: vec![b'x'; 100].into() });
    let (_, seen) = world.expect("S 0:100(100)");
    assert!(seen.options.ends_with("2206010203040101"), "{}", seen.options);
    world.inject_with("S. 0:0(0) ack 101", &[2, 4, 3, 232]);
    world.expect(". 101:101(0) ack 1");
    assert_eq!(world.returns().1, Ok(Reply::Value(100)));
    world.silent(5_000);
}

#[test]
fn a_call_that_opens_and_does_not_wait_says_what_the_syn_took() {
    let mut world = World::new();
    let fd = world.socket();
    let send = |fd, flags| Syscall::Sendmsg {
        fd,
        data: vec![b'x'; 2000].into(),
        name: Some("192.0.2.1:8080".parse::<std::net::SocketAddr>().expect("address").into()),
        control: Vec::new(),
        flags,
    };
    assert_eq!(world.errno(send(fd, MSG_FASTOPEN | MSG_DONTWAIT)), Errno::EINPROGRESS);
    world.expect("S 0:0(0)");
    assert_eq!(world.errno(send(fd, MSG_FASTOPEN | MSG_DONTWAIT)), Errno::EALREADY);
    world.set("net.ipv4.tcp_fastopen", "5");
    let other = world.socket();
    assert_eq!(world.value(send(other, MSG_FASTOPEN | MSG_DONTWAIT)), 1420);
    world.expect("S 0:1420(1420)");
    world.set("net.ipv4.tcp_fastopen", "0");
    let last = world.socket();
    assert_eq!(world.errno(send(last, MSG_FASTOPEN)), Errno::EOPNOTSUPP);
    world.quiet();
}
