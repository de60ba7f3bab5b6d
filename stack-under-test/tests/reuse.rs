//! What outlives a connection, and what a new one takes from it.

mod util;

use stack_under_test::syscall::constants::{SO_REUSEADDR, SOL_SOCKET};
use stack_under_test::{Errno, Fd, OptionValue, Syscall, TcpState};
use util::{MAIN, World, address, failed};

fn stamped(value: u32, echo: u32) -> Vec<u8> {
    let mut option = vec![1, 1, 8, 10];
    option.extend(value.to_be_bytes());
    option.extend(echo.to_be_bytes());
    option
}

/// Connects from a port, closes, and leaves the connection in TIME-WAIT.
fn leave(world: &mut World, stamps: bool) {
    let fd = client(world);
    world.start(MAIN, Syscall::Connect { fd, addr: world.remote.into() });
    world.expect("S 0:0(0)");
    let with = |value: u32| if stamps { stamped(value, 0) } else { Vec::new() };
    world.inject_with("S. 0:0(0) ack 1 win 1000", &with(100));
    world.expect(". 1:1(0) ack 1");
    world.returns().1.expect("connected");
    world.value(Syscall::Close { fd });
    world.expect("F. 1:1(0) ack 1");
    world.inject_with("F. 1:1(0) ack 2 win 1000", &with(101));
    world.expect(". 2:2(0) ack 2");
    assert_eq!(world.state(), TcpState::TimeWait);
}

/// A socket bound to port 42000 that allows it to be bound again.
fn client(world: &mut World) -> Fd {
    let fd = world.socket();
    let value = OptionValue::Int(1);
    world.value(Syscall::Setsockopt { fd, level: SOL_SOCKET, name: SO_REUSEADDR, value: value.into() });
    world.value(Syscall::Bind { fd, addr: address("0.0.0.0:42000") });
    fd
}

#[test]
fn a_chosen_port_is_used_again_where_timestamps_tell_old_from_new() {
    let mut world = World::new();
    leave(&mut world, true);
    let fd = client(&mut world);
    let before = world.target_isn.expect("isn");
    world.start(MAIN, Syscall::Connect { fd, addr: world.remote.into() });
    let seen = world.expect("S 0:0(0)").1;
    assert_eq!(world.target_isn, Some(before.wrapping_add(2 + 65_537)));
    assert!(seen.options.contains("00000065"), "echoes what it heard last: {}", seen.options);
    let mut world = World::new();
    leave(&mut world, false);
    let fd = client(&mut world);
    assert_eq!(world.errno(Syscall::Connect { fd, addr: world.remote.into() }), Errno::EADDRNOTAVAIL);
}

#[test]
fn an_ephemeral_port_is_used_again_if_the_setting_says_so() {
    for (setting, wait, reused) in
        [("0", 5_000, false), ("2", 5_000, false), ("1", 300, false), ("1", 1_001, true)]
    {
        let mut world = World::new();
        world.set("net.ipv4.tcp_tw_reuse", setting);
        leave(&mut world, true);
        world.set("net.ipv4.ip_local_port_range", "42000\t42000");
        world.wait(wait);
        let fd = world.socket();
        world.start(MAIN, Syscall::Connect { fd, addr: world.remote.into() });
        if reused {
            world.expect("S 0:0(0)");
            assert_eq!(world.stack.counter("TcpExtTWRecycled"), Some(1));
        } else {
            assert_eq!(failed(world.returns().1), Errno::EADDRNOTAVAIL, "{setting} {wait}");
        }
    }
}

#[test]
fn beyond_the_limit_nothing_is_left() {
    let mut world = World::new();
    world.set("net.ipv4.tcp_max_tw_buckets", "0");
    let fd = world.server();
    world.value(Syscall::Close { fd });
    world.expect("F. 1:1(0) ack 1");
    world.inject(". 1:1(0) ack 2");
    world.inject("F. 1:1(0) ack 2");
    world.sent.clear();
    assert_eq!(world.state(), TcpState::Closed);
}

#[test]
fn challenges_are_limited_for_the_host() {
    let mut world = World::new();
    world.set("net.ipv4.tcp_challenge_ack_limit", "4").set("net.ipv4.tcp_invalid_ratelimit", "0");
    world.server();
    for _ in 0..20 {
        world.inject("S 5:5(0) win 1000");
    }
    let answers = world.sent.len();
    assert!((2..=5).contains(&answers), "{answers}");
    assert_eq!(world.stack.counter("TcpExtTCPChallengeACK"), Some(answers as u64));
    world.sent.clear();
    world.wait(1_000);
    world.inject("S 5:5(0) win 1000");
    world.expect(". 1:1(0) ack 1");
}

#[test]
fn after_silence_the_window_starts_anew() {
    for (setting, expected) in [("1", 10), ("0", 20)] {
        let mut world = World::new();
        world.set("net.ipv4.tcp_slow_start_after_idle", setting);
        let fd = world.server_with(&[2, 4, 3, 232], 60_000);
        world.write(fd, 20_000).expect("written");
        world.wait(10);
        world.inject(". 1:1(0) ack 10001 win 60000");
        assert_eq!(world.stack.tcp_info(fd).expect("info").snd_cwnd, 20);
        world.inject(". 1:1(0) ack 20001 win 60000");
        let grown = world.stack.tcp_info(fd).expect("info").snd_cwnd;
        world.wait(100_000);
        world.sent.clear();
        world.write(fd, 40_000).expect("written");
        let expected = if expected == 20 { grown as usize } else { expected };
        assert_eq!(world.sent.len(), expected, "{setting}");
    }
}
