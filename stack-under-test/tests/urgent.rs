//! Urgent data: one byte beside the stream, and the mark where it stood.

mod util;

use stack_under_test::syscall::constants::{
    MSG_DONTWAIT, MSG_OOB, POLLIN, POLLPRI, SIOCATMARK, SIOCINQ, SO_OOBINLINE, SOL_SOCKET,
};
use stack_under_test::{Errno, Fd, OptionValue, Reply, Syscall};
use util::{MAIN, World, data, failed, packet};

const URG: u8 = 32;

/// A segment of the peer's with an urgent pointer.
fn urgent(world: &mut World, seq: u32, pointer: u16, payload: &[u8]) {
    let base = world.target_isn.expect("a connection");
    let mut bytes =
        packet(world.remote, world.local, seq, base.wrapping_add(1), 16 | 8 | URG, 1000, &[], payload);
    // The pointer, and the checksum less by it: one's complement.
    bytes[38..40].copy_from_slice(&pointer.to_be_bytes());
    let sum = u16::from_be_bytes([bytes[36], bytes[37]]);
    let (sum, borrow) = sum.overflowing_sub(pointer);
    bytes[36..38].copy_from_slice(&(sum - u16::from(borrow)).to_be_bytes());
    world.raw(&bytes);
    world.sent.clear();
}

fn oob(world: &mut World, fd: Fd) -> Result<Reply, stack_under_test::Failure> {
    world.call(Syscall::Recv { fd, room: 1usize.into(), flags: MSG_OOB })
}

fn read(world: &mut World, fd: Fd) -> Vec<u8> {
    match world.call(Syscall::Recv { fd, room: 100usize.into(), flags: MSG_DONTWAIT }) {
        Ok(Reply::Data(data)) => data,
        other => panic!("recv: {other:?}"),
    }
}

fn at_mark(world: &mut World, fd: Fd) -> bool {
    world.value(Syscall::Ioctl { fd, request: SIOCATMARK, argument: 0 }) == 1
}

#[test]
fn the_urgent_byte_is_read_beside_the_stream() {
    let mut world = World::new();
    let fd = world.server();
    assert_eq!(failed(oob(&mut world, fd)), Errno::EINVAL);
    urgent(&mut world, 1, 3, b"abcde");
    let ask = Syscall::Poll { fds: vec![(fd, POLLIN | POLLPRI)], timeout: None };
    assert_eq!(world.call(ask), Ok(Reply::Poll(vec![POLLIN | POLLPRI])));
    assert_eq!(world.value(Syscall::Ioctl { fd, request: SIOCINQ, argument: 0 }), 2);
    assert!(!at_mark(&mut world, fd));
    assert_eq!(read(&mut world, fd), b"ab");
    assert!(at_mark(&mut world, fd));
    assert_eq!(oob(&mut world, fd), Ok(Reply::Data(b"c".to_vec())));
    assert_eq!(failed(oob(&mut world, fd)), Errno::EINVAL, "read once");
    assert_eq!(read(&mut world, fd), b"de");
    assert!(!at_mark(&mut world, fd));
}

#[test]
fn in_line_the_byte_stays_and_reading_stops_before_it() {
    let mut world = World::new();
    let fd = world.server();
    let value = OptionValue::Int(1);
    world.value(Syscall::Setsockopt { fd, level: SOL_SOCKET, name: SO_OOBINLINE, value: value.into() });
    urgent(&mut world, 1, 3, b"abcde");
    assert_eq!(failed(oob(&mut world, fd)), Errno::EINVAL);
    assert_eq!(read(&mut world, fd), b"ab");
    assert_eq!(read(&mut world, fd), b"cde");
}

#[test]
fn a_byte_that_is_only_announced_is_not_waited_for() {
    let mut world = World::new();
    let fd = world.server();
    urgent(&mut world, 1, 5, b"ab");
    assert_eq!(failed(oob(&mut world, fd)), Errno::EAGAIN);
    assert_eq!(read(&mut world, fd), b"ab");
    world.start(MAIN, Syscall::Read { fd, room: 10usize.into() });
    world.inject("P. 3:7(4) ack 1 win 1000");
    assert_eq!(data(world.returns().1), 2);
}

#[test]
fn the_pointer_may_mean_the_byte_itself() {
    let mut world = World::new();
    world.set("net.ipv4.tcp_stdurg", "1");
    let fd = world.server();
    urgent(&mut world, 1, 2, b"abcde");
    assert_eq!(oob(&mut world, fd), Ok(Reply::Data(b"c".to_vec())));
}

#[test]
fn what_is_sent_urgently_says_where_it_ends() {
    let mut world = World::new();
    let fd = world.server();
    world.value(Syscall::Send { fd, data: b"x".to_vec().into(), flags: MSG_OOB });
    let pointer = |bytes: &[u8]| (bytes[33] & URG != 0, u16::from_be_bytes([bytes[38], bytes[39]]));
    let seen = world.expect("P. 1:2(1) ack 1").1;
    assert_eq!(pointer(&seen.bytes), (true, 1));
    // Not held by the short segment before it, and repeated with its pointer.
    world.value(Syscall::Send { fd, data: b"abc".to_vec().into(), flags: MSG_OOB });
    let seen = world.expect("P. 2:5(3) ack 1").1;
    assert_eq!(pointer(&seen.bytes), (true, 3));
    world.inject(". 1:1(0) ack 2");
    world.wait(300);
    let seen = world.expect("P. 2:5(3) ack 1").1;
    assert_eq!(pointer(&seen.bytes), (true, 3));
    world.inject(". 1:1(0) ack 5");
    world.write(fd, 1).expect("written");
    let seen = world.expect("P. 5:6(1) ack 1").1;
    assert_eq!(pointer(&seen.bytes), (false, 0));
}
