//! Data both ways: acknowledged, repeated, held back.

mod util;

use stack_under_test::syscall::constants::{
    IPPROTO_TCP, MSG_DONTWAIT, MSG_PEEK, SIOCINQ, SIOCOUTQ, SO_RCVBUF, SO_SNDBUF, SOL_SOCKET, TCP_NODELAY,
};
use stack_under_test::{Errno, OptionValue, Reply, Signal, Syscall};
use util::{MAIN, OTHER, World, address, data, failed};

#[test]
fn a_blocked_read_returns_what_arrives() {
    let mut world = World::new();
    let fd = world.server();
    world.start(MAIN, Syscall::Read { fd, room: 100usize.into() });
    world.wait(500);
    world.inject("P. 1:11(10) ack 1");
    world.expect(". 1:1(0) ack 11");
    let (at, result) = world.returns();
    assert_eq!((at, data(result)), (510, 10));
}

#[test]
fn what_is_lost_is_repeated_with_doubled_intervals() {
    let mut world = World::new();
    let fd = world.server();
    world.write(fd, 10).expect("written");
    world.wait(1470);
    for at in [10, 220, 640, 1480] {
        world.expect_at(at, "P. 1:11(10) ack 1");
    }
    world.inject(". 1:1(0) ack 11");
    world.silent(1_000_000);
}

#[test]
fn two_hours_of_silence_end_a_connection() {
    let mut world = World::new();
    world.set("net.ipv4.tcp_retries2", "67");
    let fd = world.server();
    world.start(OTHER, Syscall::Read { fd, room: 1usize.into() });
    world.write(fd, 10).expect("written");
    world.wait(8_000_000);
    let mut due = 10;
    world.expect_at(due, "P. 1:11(10) ack 1");
    for count in 0..67u32 {
        due += (210u64 << count.min(10)).min(120_000);
        world.expect_at(due, "P. 1:11(10) ack 1");
    }
    world.quiet();
    let (at, result) = world.returns();
    assert_eq!((at, failed(result)), (due + 120_000, Errno::ETIMEDOUT));
    assert_eq!(failed(world.write(fd, 1)), Errno::EPIPE);
    assert_eq!(world.signals, [Signal::Sigpipe]);
}

#[test]
fn pieces_out_of_order_are_put_together() {
    let mut world = World::new();
    let fd = world.server();
    world.inject("P. 11:21(10) ack 1");
    world.expect(". 1:1(0) ack 1");
    world.inject("P. 21:31(10) ack 1");
    world.expect(". 1:1(0) ack 1");
    assert_eq!(failed(world.read_now(fd)), Errno::EAGAIN);
    world.inject("P. 1:16(15) ack 1");
    world.expect(". 1:1(0) ack 31");
    let Ok(Reply::Data(bytes)) = world.read_now(fd) else { panic!("no data") };
    assert_eq!(bytes, (1..31).collect::<Vec<u8>>());
}

#[test]
fn acknowledgements_wait_once_the_program_answers() {
    let mut world = World::new();
    let fd = world.server();
    world.inject("P. 1:11(10) ack 1");
    world.expect_at(10, ". 1:1(0) ack 11");
    world.write(fd, 10).expect("written");
    world.expect("P. 1:11(10) ack 11");
    world.inject("P. 11:21(10) ack 11");
    world.wait(1000);
    world.expect_at(50, ". 11:11(0) ack 21");
    world.quiet();
}

#[test]
fn ten_segments_are_the_first_window() {
    let mut world = World::new();
    let fd = world.server();
    assert_eq!(world.write(fd, 20_000), Ok(Reply::Value(20_000)));
    for number in 0..10 {
        let start = number * 1000 + 1;
        let flags = if number % 2 == 0 { "." } else { "P." };
        world.expect(&format!("{flags} {start}:{}(1000) ack 1", start + 1000));
    }
    world.quiet();
    world.inject(". 1:1(0) ack 2001 win 32792");
    for number in 10..14 {
        let start = number * 1000 + 1;
        let (_, seen) = world.sent.pop_front().expect("a segment");
        assert!(seen.text.contains(&format!(" {start}:")), "{}", seen.text);
    }
    world.quiet();
}

#[test]
fn a_short_segment_waits_for_another_short_one() {
    for nodelay in [false, true] {
        let mut world = World::new();
        let fd = world.server();
        let value = OptionValue::Int(nodelay.into());
        world.value(Syscall::Setsockopt { fd, level: IPPROTO_TCP, name: TCP_NODELAY, value: value.into() });
        world.write(fd, 10).expect("written");
        world.expect("P. 1:11(10) ack 1");
        world.write(fd, 10).expect("written");
        if nodelay {
            world.expect("P. 11:21(10) ack 1");
            continue;
        }
        world.silent(100);
        world.write(fd, 10).expect("written");
        world.quiet();
        world.inject(". 1:1(0) ack 11");
        world.expect("P. 11:31(20) ack 1");
    }
}

#[test]
fn a_closed_window_is_probed() {
    let mut world = World::new();
    let fd = world.server();
    world.inject(". 1:1(0) ack 1 win 0");
    assert_eq!(world.write(fd, 100), Ok(Reply::Value(100)));
    world.wait(1570);
    for at in [220, 640, 1480] {
        world.expect_at(at, ". 0:0(0) ack 1");
    }
    world.inject(". 1:1(0) ack 1 win 1000");
    world.expect("P. 1:101(100) ack 1");
}

#[test]
fn a_window_too_small_for_a_segment_is_filled_by_the_probe() {
    let mut world = World::new();
    let fd = world.server();
    // At the same numbers a smaller window does not count; after new data it does.
    world.inject("P. 1:2(1) ack 1 win 300");
    world.expect(". 1:1(0) ack 2");
    world.inject(". 2:2(0) ack 1 win 300");
    world.write(fd, 1000).expect("written");
    world.silent(209);
    world.wait(1);
    let (_, seen) = world.expect("P. 1:301(300) ack 2");
    assert_eq!(seen.payload.len(), 300);
}

#[test]
fn a_full_send_buffer_blocks() {
    let mut world = World::new();
    let fd = world.server();
    let size = OptionValue::Int(8_000);
    world.value(Syscall::Setsockopt { fd, level: SOL_SOCKET, name: SO_SNDBUF, value: size.into() });
    world.start(OTHER, Syscall::Write { fd, data: vec![0; 40_000].into() });
    assert!(world.returned.is_empty());
    let mut acknowledged = 1;
    for _ in 0..100 {
        while let Some((_, seen)) = world.sent.pop_front() {
            acknowledged += seen.payload.len();
        }
        world.inject(&format!(". 1:1(0) ack {acknowledged} win 32792"));
    }
    assert_eq!(acknowledged, 40_001);
    assert_eq!(world.returns().1, Ok(Reply::Value(40_000)));
}

#[test]
fn timestamps_are_echoed_and_old_ones_refused() {
    let timestamps = |value: u32| {
        let [a, b, c, d] = value.to_be_bytes();
        [1, 1, 8, 10, a, b, c, d, 0, 0, 0, 0]
    };
    let mut world = World::new();
    let listener = world.listener(1);
    world.inject_with("S 0:0(0)", &[&[2, 4, 3, 232][..], &timestamps(5000)].concat());
    let (_, seen) = world.expect("S. 0:0(0) ack 1");
    assert_eq!(seen.win, 65160);
    world.inject_with(". 1:1(0) ack 1", &timestamps(5010));
    let fd = world.accept(listener);
    world.inject_with("P. 1:11(10) ack 1", &timestamps(4000));
    let (_, seen) = world.expect(". 1:1(0) ack 1");
    assert!(seen.options.ends_with("00001392"), "{}", seen.options);
    assert_eq!(failed(world.read_now(fd)), Errno::EAGAIN);
    world.inject_with("P. 1:11(10) ack 1", &timestamps(5030));
    world.expect(". 1:1(0) ack 11");
    assert_eq!(data(world.read_now(fd)), 10);
}

#[test]
fn our_window_closes_and_reading_opens_it() {
    let mut world = World::new();
    let size = OptionValue::Int(5_000);
    let listener = world.socket();
    world.value(Syscall::Setsockopt { fd: listener, level: SOL_SOCKET, name: SO_RCVBUF, value: size.into() });
    world.value(Syscall::Bind { fd: listener, addr: address("0.0.0.0:8080") });
    world.value(Syscall::Listen { fd: listener, backlog: 1 });
    world.inject("S 0:0(0)");
    world.expect("S. 0:0(0) ack 1");
    world.inject(". 1:1(0) ack 1");
    let fd = world.accept(listener);
    let mut next = 1;
    let mut window = 4380;
    let mut edge = 4381;
    for _ in 0..50 {
        if window == 0 {
            break;
        }
        let length = window.min(500);
        world.inject(&format!("P. {next}:{}({length}) ack 1", next + length));
        next += length;
        world.wait(500);
        while let Some((_, seen)) = world.sent.pop_front() {
            window = u32::from(seen.win);
            assert!(next + window >= edge, "the right edge never moves left");
            edge = next + window;
        }
    }
    assert_eq!(window, 0);
    world.inject(&format!("P. {next}:{}(10) ack 1", next + 10));
    let (_, seen) = world.expect(&format!(". 1:1(0) ack {next}"));
    assert_eq!(seen.win, 0);
    assert_eq!(data(world.read_now(fd)) as u32, next - 1);
    let (_, seen) = world.expect(&format!(". 1:1(0) ack {next}"));
    assert!(seen.win >= 1460, "{}", seen.win);
}

#[test]
fn peeking_takes_nothing() {
    let mut world = World::new();
    let fd = world.server();
    world.inject("P. 1:11(10) ack 1");
    for _ in 0..2 {
        assert_eq!(data(world.call(Syscall::Recv { fd, room: 100usize.into(), flags: MSG_PEEK })), 10);
    }
    assert_eq!(world.value(Syscall::Ioctl { fd, request: SIOCINQ, argument: 0 }), 10);
    assert_eq!(data(world.read_now(fd)), 10);
}

#[test]
fn as_much_is_taken_as_linux_takes() {
    // As measured with Linux 6.18: largest window, MSS, bytes taken by one write that does not block.
    for (win, mss, taken) in
        [(32792, 1000, 42_000), (65535, 1000, 42_000), (8000, 1000, 40_000), (65535, 1460, 46_720)]
    {
        let mut world = World::new();
        let [high, low] = u16::to_be_bytes(mss);
        let fd = world.server_with(&[2, 4, high, low], win);
        let write = Syscall::Send { fd, data: vec![0; 300_000].into(), flags: MSG_DONTWAIT };
        assert_eq!(world.value(write), taken, "window {win}, MSS {mss}");
        assert_eq!(world.value(Syscall::Ioctl { fd, request: SIOCOUTQ, argument: 0 }), taken);
    }
}

#[test]
fn an_acknowledgement_of_the_future_is_answered() {
    let mut world = World::new();
    let fd = world.server();
    world.inject("P. 1:11(10) ack 5000");
    world.expect(". 1:1(0) ack 1");
    world.inject("P. 1:11(10) ack 5000");
    world.quiet();
    assert_eq!(failed(world.read_now(fd)), Errno::EAGAIN);
}
