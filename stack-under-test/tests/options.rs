//! Socket options, told by what they change.

mod util;

use std::time::Duration;

use stack_under_test::syscall::constants::{
    F_SETFL, IPPROTO_TCP, MSG_EOR, MSG_MORE, O_NONBLOCK, POLLOUT, SHUT_WR, SIOCOUTQ, SIOCOUTQNSD,
    SO_KEEPALIVE, SO_RCVLOWAT, SO_RCVTIMEO, SO_REUSEADDR, SO_REUSEPORT, SO_SNDTIMEO, SOL_SOCKET, TCP_CORK,
    TCP_DEFER_ACCEPT, TCP_KEEPCNT, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_LINGER2, TCP_NODELAY, TCP_NOTSENT_LOWAT,
    TCP_USER_TIMEOUT, TCP_WINDOW_CLAMP,
};
use stack_under_test::{Errno, Fd, OptionValue, Reply, Syscall, TcpState};
use util::{MAIN, OTHER, World, address, data, failed};

fn set(world: &mut World, fd: Fd, level: i32, name: i32, value: i64) {
    world.value(Syscall::Setsockopt { fd, level, name, value: OptionValue::Int(value).into() });
}

fn set_time(world: &mut World, fd: Fd, name: i32, millis: u64) {
    let value = OptionValue::Timeval(Duration::from_millis(millis));
    world.value(Syscall::Setsockopt { fd, level: SOL_SOCKET, name, value: value.into() });
}

fn get(world: &mut World, fd: Fd, level: i32, name: i32) -> i64 {
    match world.call(Syscall::Getsockopt { fd, level, name, room: 4096.into() }) {
        Ok(Reply::Option(OptionValue::Int(value))) => value,
        other => panic!("getsockopt: {other:?}"),
    }
}

fn bind(world: &mut World, fd: Fd, addr: &str) -> Result<Reply, stack_under_test::Failure> {
    world.call(Syscall::Bind { fd, addr: address(addr) })
}

#[test]
fn a_receive_timeout_ends_the_call_and_not_the_connection() {
    let mut world = World::new();
    let fd = world.server();
    set_time(&mut world, fd, SO_RCVTIMEO, 500);
    world.start(MAIN, Syscall::Read { fd, room: 10usize.into() });
    world.silent(600);
    let (at, result) = world.returns();
    assert_eq!((at, failed(result)), (510, Errno::EAGAIN));
    world.inject("P. 1:11(10) ack 1");
    world.expect(". 1:1(0) ack 11");
    assert_eq!(data(world.read_now(fd)), 10);
}

#[test]
fn a_send_timeout_returns_what_was_taken_and_then_nothing() {
    let mut world = World::new();
    let fd = world.server_with(&[2, 4, 3, 232], 1000);
    set_time(&mut world, fd, SO_SNDTIMEO, 300);
    world.start(MAIN, Syscall::Write { fd, data: vec![1; 400_000].into() });
    world.start(OTHER, Syscall::Write { fd, data: vec![1; 10].into() });
    world.wait(400);
    let (at, result) = world.returns();
    assert!(matches!(result, Ok(Reply::Value(1..400_000))), "{result:?}");
    assert_eq!(at, 310);
    let (at, result) = world.returns();
    assert_eq!((at, failed(result)), (310, Errno::EAGAIN));
}

#[test]
fn a_connect_with_a_limit_says_that_it_goes_on() {
    let mut world = World::new();
    let fd = world.socket();
    set_time(&mut world, fd, SO_SNDTIMEO, 300);
    world.start(MAIN, Syscall::Connect { fd, addr: world.remote.into() });
    world.expect("S 0:0(0)");
    world.wait(300);
    let (at, result) = world.returns();
    assert_eq!((at, failed(result)), (300, Errno::EINPROGRESS));
    world.start(MAIN, Syscall::Connect { fd, addr: world.remote.into() });
    world.wait(300);
    let (at, result) = world.returns();
    assert_eq!((at, failed(result)), (600, Errno::EALREADY));
}

#[test]
fn a_signal_that_restarts_calls_does_not_restart_one_with_a_limit() {
    let mut world = World::new();
    let fd = world.server();
    world.start(MAIN, Syscall::Read { fd, room: 10usize.into() });
    world.stack.interrupt_and_restart(world.now, MAIN);
    world.drain();
    assert!(world.returned.is_empty());
    world.stack.interrupt(world.now, MAIN);
    world.drain();
    assert_eq!(failed(world.returns().1), Errno::EINTR);
    set_time(&mut world, fd, SO_RCVTIMEO, 500);
    world.start(MAIN, Syscall::Read { fd, room: 10usize.into() });
    world.stack.interrupt_and_restart(world.now, MAIN);
    world.drain();
    assert_eq!(failed(world.returns().1), Errno::EINTR);
}

#[test]
fn a_silent_peer_is_asked_and_given_up() {
    let mut world = World::new();
    let fd = world.server();
    for (name, value) in [(TCP_KEEPIDLE, 10), (TCP_KEEPINTVL, 2), (TCP_KEEPCNT, 3)] {
        set(&mut world, fd, IPPROTO_TCP, name, value);
    }
    set(&mut world, fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    world.start(MAIN, Syscall::Read { fd, room: 1usize.into() });
    world.silent(9_999);
    world.wait(1);
    world.expect_at(10_010, ". 0:0(0) ack 1");
    world.inject(". 1:1(0) ack 1");
    // The timer that was set for the next probe finds that something came.
    world.silent(9_999);
    world.wait(6_001);
    for at in [20_010, 22_010, 24_010] {
        world.expect_at(at, ". 0:0(0) ack 1");
    }
    world.expect_at(26_010, "R. 1:1(0) ack 1");
    let (at, result) = world.returns();
    assert_eq!((at, failed(result)), (26_010, Errno::ETIMEDOUT));
    world.silent(100_000);
}

#[test]
fn without_the_option_nobody_is_asked() {
    let mut world = World::new();
    world.server();
    world.silent(100_000_000);
}

#[test]
fn the_user_timeout_ends_a_connection_that_is_not_acknowledged() {
    let mut world = World::new();
    let fd = world.server();
    set(&mut world, fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 1_000);
    world.write(fd, 10).expect("written");
    world.start(MAIN, Syscall::Read { fd, room: 1usize.into() });
    world.wait(10_000);
    for at in [10, 220, 640] {
        world.expect_at(at, "P. 1:11(10) ack 1");
    }
    // A second after the first repetition.
    let (at, result) = world.returns();
    assert_eq!((at, failed(result)), (1_220, Errno::ETIMEDOUT));
    world.quiet();
}

#[test]
fn a_cork_holds_short_segments_until_it_is_drawn() {
    let mut world = World::new();
    let fd = world.server();
    set(&mut world, fd, IPPROTO_TCP, TCP_CORK, 1);
    world.write(fd, 10).expect("written");
    world.silent(100);
    world.write(fd, 10).expect("written");
    set(&mut world, fd, IPPROTO_TCP, TCP_CORK, 0);
    world.expect("P. 1:21(20) ack 1");
    world.inject(". 1:1(0) ack 21");
    set(&mut world, fd, IPPROTO_TCP, TCP_CORK, 1);
    world.write(fd, 10).expect("written");
    // Not for ever.
    world.wait(230);
    let (at, _) = world.expect("P. 21:31(10) ack 1");
    assert!((300..=330).contains(&at), "{at}");
    world.inject(". 1:1(0) ack 31");
    world.write(fd, 10).expect("written");
    set(&mut world, fd, IPPROTO_TCP, TCP_NODELAY, 1);
    world.expect("P. 31:41(10) ack 1");
}

#[test]
fn more_that_follows_holds_a_short_segment() {
    let mut world = World::new();
    let fd = world.server();
    world.value(Syscall::Send { fd, data: vec![1; 10].into(), flags: MSG_MORE });
    world.silent(100);
    assert_eq!(world.value(Syscall::Ioctl { fd, request: SIOCOUTQNSD, argument: 0 }), 10);
    world.value(Syscall::Send { fd, data: vec![1; 10].into(), flags: 0 });
    world.expect("P. 1:21(20) ack 1");
    assert_eq!(world.value(Syscall::Ioctl { fd, request: SIOCOUTQNSD, argument: 0 }), 0);
}

#[test]
fn a_deferred_connection_waits_for_data() {
    let mut world = World::new();
    let listener = world.listener(10);
    set(&mut world, listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5);
    assert_eq!(get(&mut world, listener, IPPROTO_TCP, TCP_DEFER_ACCEPT), 7);
    world.start(OTHER, Syscall::Accept { fd: listener, flags: 0 });
    world.inject_with("S 0:0(0) win 1000", &[2, 4, 3, 232]);
    world.expect("S. 0:0(0) ack 1");
    world.inject(". 1:1(0) ack 1");
    assert_eq!(world.state(), TcpState::SynRecv);
    world.silent(500);
    assert!(world.returned.is_empty());
    world.inject("P. 1:11(10) ack 1");
    world.expect(". 1:1(0) ack 11");
    assert_eq!(world.returns().0, 500);
}

#[test]
fn reading_waits_for_the_low_water_mark() {
    let mut world = World::new();
    let fd = world.server();
    set(&mut world, fd, SOL_SOCKET, SO_RCVLOWAT, 15);
    world.start(MAIN, Syscall::Read { fd, room: 100usize.into() });
    world.inject("P. 1:11(10) ack 1");
    world.sent.clear();
    assert!(world.returned.is_empty());
    world.inject("P. 11:21(10) ack 1");
    assert_eq!(data(world.returns().1), 20);
}

#[test]
fn an_orphan_need_not_wait_for_the_peer() {
    let mut world = World::new();
    let fd = world.server();
    set(&mut world, fd, IPPROTO_TCP, TCP_LINGER2, -1);
    world.value(Syscall::Close { fd });
    world.expect("F. 1:1(0) ack 1");
    world.inject(". 1:1(0) ack 2");
    world.silent(10);
    assert_eq!(world.state(), TcpState::Closed);
}

#[test]
fn a_clamp_bounds_the_window() {
    let mut world = World::new();
    let fd = world.server();
    set(&mut world, fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 3000);
    assert_eq!(get(&mut world, fd, IPPROTO_TCP, TCP_WINDOW_CLAMP), 3000);
    assert_eq!(
        world.errno(Syscall::Setsockopt {
            fd,
            level: IPPROTO_TCP,
            name: TCP_WINDOW_CLAMP,
            value: OptionValue::Int(0).into()
        }),
        Errno::EINVAL
    );
    let before = world.stack.tcp_info(fd).expect("info");
    assert_eq!(before.rcv_ssthresh, 3000);
}

#[test]
fn who_may_share_a_port() {
    // Options of the first and the second, whether the first listens, and whether the second may bind.
    for (options, listens, allowed) in [
        ([0, 0], false, false),
        ([SO_REUSEADDR, 0], false, false),
        ([SO_REUSEADDR, SO_REUSEADDR], false, true),
        ([SO_REUSEADDR, SO_REUSEADDR], true, false),
        ([SO_REUSEPORT, SO_REUSEPORT], true, true),
        ([SO_REUSEPORT, SO_REUSEADDR], false, false),
        ([0, SO_REUSEPORT], false, false),
    ] {
        let mut world = World::new();
        let mut made = Vec::new();
        for option in options {
            let fd = world.socket();
            if option != 0 {
                set(&mut world, fd, SOL_SOCKET, option, 1);
            }
            made.push(fd);
        }
        bind(&mut world, made[0], "0.0.0.0:80").expect("bound");
        if listens {
            world.value(Syscall::Listen { fd: made[0], backlog: 1 });
        }
        let second = bind(&mut world, made[1], "192.168.0.2:80");
        assert_eq!(second.is_ok(), allowed, "{options:?} {listens}");
        if !allowed {
            assert_eq!(failed(second), Errno::EADDRINUSE);
        }
    }
    let mut world = World::new();
    let (one, two) = (world.socket(), world.socket());
    bind(&mut world, one, "192.168.0.1:80").expect("bound");
    bind(&mut world, two, "192.168.0.2:80").expect("another address");
    let three = world.socket();
    assert_eq!(failed(bind(&mut world, three, "192.0.2.7:80")), Errno::EADDRNOTAVAIL);
}

#[test]
fn listeners_on_one_port_share_what_comes() {
    let mut world = World::new();
    let mut listeners = Vec::new();
    for _ in 0..2 {
        let fd = world.socket();
        set(&mut world, fd, SOL_SOCKET, SO_REUSEPORT, 1);
        bind(&mut world, fd, "0.0.0.0:8080").expect("bound");
        world.value(Syscall::Listen { fd, backlog: 100 });
        listeners.push(fd);
    }
    for port in 0..20 {
        world.remote.set_port(5000 + port);
        world.inject("S 0:0(0) win 1000");
        world.inject(". 1:1(0) ack 1");
    }
    let counts: Vec<u32> =
        listeners.iter().map(|fd| world.stack.tcp_info(*fd).expect("info").unacked).collect();
    assert_eq!(counts.iter().sum::<u32>(), 20);
    assert!(counts.iter().all(|count| *count > 3), "{counts:?}");
}

#[test]
fn of_three_ports_two_are_given() {
    let mut world = World::new();
    world.set("net.ipv4.ip_local_port_range", "40000\t40002");
    let mut ports = Vec::new();
    for _ in 0..2 {
        let fd = world.socket();
        world.start(MAIN, Syscall::Connect { fd, addr: world.remote.into() });
        ports.push(world.local.port());
        world.stack.interrupt(world.now, MAIN);
        world.drain();
    }
    assert_ne!(ports[0], ports[1]);
    let fd = world.socket();
    assert_eq!(world.errno(Syscall::Connect { fd, addr: world.remote.into() }), Errno::EADDRNOTAVAIL);
}

#[test]
fn what_waits_for_an_acknowledgement_includes_the_fin() {
    let mut world = World::new();
    let fd = world.server();
    world.write(fd, 10).expect("written");
    world.value(Syscall::Shutdown { fd, how: SHUT_WR });
    assert_eq!(world.value(Syscall::Ioctl { fd, request: SIOCOUTQ, argument: 0 }), 11);
    assert_eq!(world.stack.queued(fd), Some([0, 0, 11]));
    world.inject(". 1:1(0) ack 12");
    assert_eq!(world.state(), TcpState::FinWait2);
    assert_eq!(world.value(Syscall::Ioctl { fd, request: SIOCOUTQ, argument: 0 }), 0);
    assert_eq!(world.value(Syscall::Ioctl { fd, request: SIOCOUTQNSD, argument: 0 }), 0);
}

#[test]
fn what_is_not_sent_is_bounded() {
    let mut world = World::new();
    let fd = world.server_with(&[2, 4, 3, 232], 4000);
    let value = 10_000i32.to_ne_bytes().to_vec().into();
    world.value(Syscall::Setsockopt { fd, level: IPPROTO_TCP, name: TCP_NOTSENT_LOWAT, value });
    world.value(Syscall::Fcntl { fd, cmd: F_SETFL, arg: O_NONBLOCK.into() });
    assert_eq!(world.write(fd, 8_999), Ok(Reply::Value(8_999)));
    let poll = Syscall::Poll { fds: vec![(fd, POLLOUT)], timeout: Some(Duration::ZERO) };
    assert_eq!(world.call(poll.clone()), Ok(Reply::Poll(vec![POLLOUT])), "4999 are not sent");
    assert_eq!(world.write(fd, 1), Ok(Reply::Value(1)));
    assert_eq!(world.call(poll), Ok(Reply::Poll(vec![0])), "5000 are half");
}

#[test]
fn records_are_not_joined() {
    let mut world = World::new();
    let fd = world.server();
    let option = |name, value: i32| Syscall::Setsockopt {
        fd,
        level: IPPROTO_TCP,
        name,
        value: value.to_ne_bytes().to_vec().into(),
    };
    world.value(option(TCP_NODELAY, 1));
    world.value(option(TCP_CORK, 1));
    for flags in [MSG_EOR, 0, 0] {
        world.value(Syscall::Send { fd, data: vec![b'x'; 100].into(), flags });
    }
    world.value(option(TCP_CORK, 0));
    world.expect("P. 1:101(100) ack 1");
    world.expect("P. 101:301(200) ack 1");
    world.inject(". 1:1(0) ack 301");
    for _ in 0..2 {
        world.value(Syscall::Send { fd, data: vec![b'x'; 1500].into(), flags: MSG_EOR });
    }
    for text in [
        ". 301:1301(1000) ack 1",
        "P. 1301:1801(500) ack 1",
        ". 1801:2801(1000) ack 1",
        "P. 2801:3301(500) ack 1",
    ] {
        world.expect(text);
    }
}
