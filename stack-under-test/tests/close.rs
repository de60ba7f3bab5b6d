//! Closing one direction or both, resets, and what is left.

mod util;

use stack_under_test::syscall::constants::{
    AF_INET, MSG_NOSIGNAL, POLLIN, POLLOUT, POLLRDHUP, SHUT_RD, SHUT_RDWR, SHUT_WR, SO_LINGER, SOCK_STREAM,
    SOL_SOCKET,
};
use stack_under_test::{Config, Errno, Fd, Instant, OptionValue, Reply, Signal, Stack, Syscall, TcpState};
use util::{MAIN, World, data, failed};

fn shutdown(world: &mut World, fd: Fd, how: i32) {
    assert_eq!(world.value(Syscall::Shutdown { fd, how }), 0);
}

fn events(world: &mut World, fd: Fd) -> i16 {
    let call = Syscall::Poll {
        fds: vec![(fd, POLLIN | POLLOUT | POLLRDHUP)],
        timeout: Some(std::time::Duration::ZERO),
    };
    match world.call(call) {
        Ok(Reply::Poll(events)) => events[0],
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reset_is_reported_once() {
    let mut world = World::new();
    let fd = world.server();
    world.inject("R 1:1(0)");
    assert_eq!(failed(world.write(fd, 10)), Errno::ECONNRESET);
    assert!(world.signals.is_empty());
    assert_eq!(failed(world.write(fd, 10)), Errno::EPIPE);
    assert_eq!(world.signals, [Signal::Sigpipe]);
    let quiet = Syscall::Send { fd, data: vec![0; 10].into(), flags: MSG_NOSIGNAL };
    assert_eq!(world.errno(quiet), Errno::EPIPE);
    assert_eq!(world.signals.len(), 1);
    assert_eq!(data(world.call(Syscall::Read { fd, room: 10usize.into() })), 0);
}

#[test]
fn data_that_came_before_the_reset_is_read_first() {
    let mut world = World::new();
    let fd = world.server();
    world.inject("P. 1:11(10) ack 1");
    world.expect(". 1:1(0) ack 11");
    world.inject("R 11:11(0)");
    assert_eq!(data(world.read_now(fd)), 10);
    assert_eq!(failed(world.read_now(fd)), Errno::ECONNRESET);
    assert_eq!(data(world.read_now(fd)), 0);
}

#[test]
fn a_reset_in_close_wait_breaks_the_pipe() {
    let mut world = World::new();
    let fd = world.server();
    world.inject("F. 1:1(0) ack 1");
    world.wait(1);
    world.expect(". 1:1(0) ack 2");
    assert_eq!(world.state(), TcpState::CloseWait);
    world.write(fd, 10).expect("written");
    world.expect("P. 1:11(10) ack 2");
    world.inject("R 2:2(0)");
    assert_eq!(failed(world.write(fd, 10)), Errno::EPIPE);
    assert_eq!(world.signals, [Signal::Sigpipe]);
    assert_eq!(data(world.read_now(fd)), 0);
}

#[test]
fn where_a_reset_stands_decides() {
    for (reset, answer, read) in [
        ("R 1:1(0)", None, Errno::ECONNRESET),
        ("R. 1:1(0) ack 1", None, Errno::ECONNRESET),
        ("R 2:2(0)", Some(". 1:1(0) ack 1"), Errno::EAGAIN),
        ("R 30000:30000(0)", Some(". 1:1(0) ack 1"), Errno::EAGAIN),
        ("R 100001:100001(0)", None, Errno::EAGAIN),
        ("R 4294967000:4294967000(0)", None, Errno::EAGAIN),
    ] {
        let mut world = World::new();
        let fd = world.server();
        world.wait(100);
        world.inject(reset);
        if let Some(answer) = answer {
            world.expect(answer);
            world.inject(reset);
            world.quiet();
            world.wait(500);
            world.inject(reset);
            world.expect(answer);
        }
        world.quiet();
        assert_eq!(failed(world.read_now(fd)), read, "{reset}");
    }
}

#[test]
fn the_three_modes_of_shutdown() {
    let mut world = World::new();
    let fd = world.server();
    shutdown(&mut world, fd, SHUT_RD);
    assert_eq!(data(world.read_now(fd)), 0);
    assert_eq!(world.write(fd, 10), Ok(Reply::Value(10)));
    world.expect("P. 1:11(10) ack 1");
    world.inject("P. 1:11(10) ack 11");
    world.expect(". 11:11(0) ack 11");
    assert_eq!(data(world.read_now(fd)), 10);

    let mut world = World::new();
    let fd = world.server();
    shutdown(&mut world, fd, SHUT_WR);
    world.expect("F. 1:1(0) ack 1");
    assert_eq!(failed(world.read_now(fd)), Errno::EAGAIN);
    assert_eq!(failed(world.write(fd, 10)), Errno::EPIPE);
    world.inject("P. 1:11(10) ack 2");
    world.expect(". 2:2(0) ack 11");
    assert_eq!(data(world.read_now(fd)), 10);
    assert_eq!(world.state(), TcpState::FinWait2);
    world.silent(1_000_000);

    let mut world = World::new();
    let fd = world.server();
    shutdown(&mut world, fd, SHUT_RDWR);
    world.expect("F. 1:1(0) ack 1");
    assert_eq!(data(world.read_now(fd)), 0);
    world.inject("P. 1:11(10) ack 2");
    world.expect("R 2:2(0)");
    assert_eq!(failed(world.read_now(fd)), Errno::ECONNRESET);
}

#[test]
fn we_close_first_and_time_wait_stands_a_minute() {
    let mut world = World::new();
    let fd = world.server();
    assert_eq!(world.value(Syscall::Close { fd }), 0);
    world.expect("F. 1:1(0) ack 1");
    assert_eq!(world.errno(Syscall::Read { fd, room: 1usize.into() }), Errno::EBADF);
    world.inject(". 1:1(0) ack 2");
    assert_eq!(world.state(), TcpState::FinWait2);
    world.inject("F. 1:1(0) ack 2");
    world.expect(". 2:2(0) ack 2");
    assert_eq!(world.state(), TcpState::TimeWait);
    world.silent(30_000);
    world.inject("F. 1:1(0) ack 2");
    world.expect(". 2:2(0) ack 2");
    world.silent(59_999);
    assert_eq!(world.state(), TcpState::TimeWait);
    world.silent(1);
    assert_eq!(world.state(), TcpState::Closed);
}

#[test]
fn a_newer_syn_reopens_time_wait() {
    let mut world = World::new();
    let fd = world.server();
    shutdown(&mut world, fd, SHUT_WR);
    world.expect("F. 1:1(0) ack 1");
    world.inject("F. 1:1(0) ack 2");
    world.expect(". 2:2(0) ack 2");
    world.wait(1000);
    world.inject("S 4294900000:4294900000(0)");
    world.expect(". 2:2(0) ack 2");
    let old = world.target_isn.expect("a SYN was seen");
    world.isn = 100_000;
    world.inject("S 0:0(0)");
    world.expect("S. 0:0(0) ack 1");
    assert_eq!(world.target_isn, Some(old.wrapping_add(2 + 65537)));
    world.inject(". 1:1(0) ack 1");
    assert_eq!(world.state(), TcpState::Established);
}

#[test]
fn the_peer_closes_first() {
    let mut world = World::new();
    let fd = world.server();
    world.inject("P. 1:11(10) ack 1");
    world.expect(". 1:1(0) ack 11");
    world.inject("F. 11:11(0) ack 1");
    world.wait(100);
    world.expect_at(50, ". 1:1(0) ack 12");
    assert_eq!(events(&mut world, fd), POLLIN | POLLOUT | POLLRDHUP);
    assert_eq!(data(world.read_now(fd)), 10);
    assert_eq!(data(world.read_now(fd)), 0);
    world.value(Syscall::Close { fd });
    world.expect("F. 1:1(0) ack 12");
    assert_eq!(world.state(), TcpState::LastAck);
    world.inject(". 12:12(0) ack 2");
    assert_eq!(world.state(), TcpState::Closed);
    world.silent(100_000);
}

#[test]
fn both_close() {
    let mut world = World::new();
    let fd = world.server();
    world.value(Syscall::Close { fd });
    world.expect("F. 1:1(0) ack 1");
    world.inject("F. 1:1(0) ack 1");
    world.expect(". 2:2(0) ack 2");
    assert_eq!(world.state(), TcpState::Closing);
    world.inject(". 2:2(0) ack 2");
    assert_eq!(world.state(), TcpState::TimeWait);
}

#[test]
fn unread_data_turns_close_into_a_reset() {
    let mut world = World::new();
    let fd = world.server();
    world.inject("P. 1:11(10) ack 1");
    world.expect(". 1:1(0) ack 11");
    world.value(Syscall::Close { fd });
    world.expect("R. 1:1(0) ack 11");
    assert_eq!(world.state(), TcpState::Closed);
}

#[test]
fn data_for_nobody_is_refused() {
    for acknowledge_first in [false, true] {
        let mut world = World::new();
        let fd = world.server();
        world.value(Syscall::Close { fd });
        world.expect("F. 1:1(0) ack 1");
        if acknowledge_first {
            world.inject(". 1:1(0) ack 2");
        }
        world.inject("P. 1:11(10) ack 2");
        world.expect("R 2:2(0)");
        assert_eq!(world.state(), TcpState::Closed);
    }
}

#[test]
fn an_orphan_waits_a_minute_for_the_fin() {
    let mut world = World::new();
    let fd = world.server();
    world.value(Syscall::Close { fd });
    world.expect("F. 1:1(0) ack 1");
    world.inject(". 1:1(0) ack 2");
    world.silent(59_999);
    assert_eq!(world.state(), TcpState::FinWait2);
    world.silent(1);
    assert_eq!(world.state(), TcpState::Closed);
}

#[test]
fn a_lingering_close_waits_or_aborts() {
    let linger = |fd, seconds| Syscall::Setsockopt {
        fd,
        level: SOL_SOCKET,
        name: SO_LINGER,
        value: OptionValue::Linger { on: true, seconds }.into(),
    };
    let mut world = World::new();
    let fd = world.server();
    world.value(linger(fd, 0));
    world.value(Syscall::Close { fd });
    world.expect("R. 1:1(0) ack 1");

    for answered in [true, false] {
        let mut world = World::new();
        let fd = world.server();
        world.value(linger(fd, 1));
        world.start(MAIN, Syscall::Close { fd });
        world.expect("F. 1:1(0) ack 1");
        world.wait(150);
        assert!(world.returned.is_empty());
        if answered {
            world.inject(". 1:1(0) ack 2");
            assert_eq!(world.returns(), (160, Ok(Reply::Value(0))));
            assert_eq!(world.state(), TcpState::FinWait2);
        } else {
            world.wait(1000);
            assert_eq!(world.returns(), (1010, Ok(Reply::Value(0))));
            world.expect_at(220, "F. 1:1(0) ack 1");
            assert_eq!(world.state(), TcpState::FinWait1);
        }
    }
}

#[test]
fn closing_a_listener_resets_what_waits_in_it() {
    let mut world = World::new();
    let listener = world.listener(5);
    world.inject("S 0:0(0)");
    world.expect("S. 0:0(0) ack 1");
    world.inject(". 1:1(0) ack 1");
    world.value(Syscall::Close { fd: listener });
    world.expect("R. 1:1(0) ack 1");
    world.target_isn = Some(0);
    world.inject("S 0:0(0)");
    world.expect("R. 0:0(0) ack 1");
}

#[test]
fn a_duplicate_keeps_the_connection() {
    let mut world = World::new();
    let fd = world.server();
    let twin = Fd(world.value(Syscall::Dup { fd }) as i32);
    world.value(Syscall::Close { fd });
    world.quiet();
    world.write(twin, 1).expect("written");
    world.expect("P. 1:2(1) ack 1");
    world.value(Syscall::Close { fd: twin });
    world.expect("F. 2:2(0) ack 1");
}

#[test]
fn every_segment_in_every_closing_state() {
    for state in ["established", "fin-wait-1", "fin-wait-2"] {
        for (segment, answers) in [
            ("R 1:1(0)", false),
            ("R 1000:1000(0)", true),
            ("S 1000:1000(0)", true),
            ("P. 4294966796:0(500) ack 1", true),
        ] {
            let mut world = World::new();
            let fd = world.server();
            let next = if state == "established" { 1 } else { 2 };
            if next == 2 {
                shutdown(&mut world, fd, SHUT_WR);
                world.expect("F. 1:1(0) ack 1");
            }
            if state == "fin-wait-2" {
                world.wait(10);
                world.inject(". 1:1(0) ack 2");
            }
            world.wait(10);
            world.inject(segment);
            if answers {
                world.expect(&format!(". {next}:{next}(0) ack 1"));
            }
            world.silent(100);
        }
    }
}

#[test]
fn changes_of_state_are_kept_for_who_asks() {
    let mut world = World::new();
    let fd = world.server();
    world.inject("F. 1:1(0) ack 1");
    world.value(Syscall::Close { fd });
    world.inject(". 2:2(0) ack 2");
    assert_eq!(
        world.changes(),
        "CLOSED LISTEN Call, LISTEN SYN_RECV Segment, SYN_RECV ESTABLISHED Segment, \
         ESTABLISHED CLOSE_WAIT Segment, CLOSE_WAIT LAST_ACK Call, LAST_ACK CLOSED Segment"
    );
    let mut unobserved = Stack::new(Config::default(), 7);
    let domain = AF_INET;
    let socket = Syscall::Socket { domain, kind: SOCK_STREAM, protocol: 0 };
    unobserved.submit(Instant::ZERO, MAIN, socket).expect("a free thread");
    let listen = Syscall::Listen { fd: Fd(3), backlog: 1 };
    unobserved.submit(Instant::ZERO, MAIN, listen).expect("a free thread");
    assert_eq!(unobserved.poll_state_change(), None);
}

#[test]
fn a_change_of_state_says_what_it_came_of() {
    let mut world = World::new();
    world.listener(1);
    world.inject("S 0:0(0)");
    world.inject("R 1:1(0)");
    assert!(
        world.changes().ends_with("LISTEN SYN_RECV Segment, SYN_RECV LISTEN Reset"),
        "{}",
        world.changes()
    );
    world.inject("S 0:0(0)");
    world.wait(200_000);
    assert!(
        world.changes().ends_with("LISTEN SYN_RECV Segment, SYN_RECV LISTEN Timer"),
        "{}",
        world.changes()
    );
}
