//! Calls as the program describes them: memory, addresses without a family, descriptors of other kinds.

mod util;

use stack_under_test::syscall::constants::{
    AF_INET, AF_UNSPEC, IP_TTL, IPPROTO_IP, MSG_ERRQUEUE, SO_ERROR, SOCK_NONBLOCK, SOCK_STREAM, SOL_SOCKET,
};
use stack_under_test::{Errno, Failure, Fd, Input, OptionValue, Reply, Room, Syscall, TcpState};
use util::{MAIN, OTHER, World, address, data};

fn to_no_family() -> Input {
    let mut bytes = (AF_UNSPEC as u16).to_ne_bytes().to_vec();
    bytes.resize(16, 0);
    bytes.into()
}

fn nonblocking(world: &mut World) -> Fd {
    let kind = SOCK_STREAM | SOCK_NONBLOCK;
    let fd = world.value(Syscall::Socket { domain: AF_INET, kind, protocol: 0 });
    Fd(i32::try_from(fd).expect("a descriptor"))
}

/// A connection that the stack opened.
fn client(world: &mut World) -> Fd {
    let fd = world.socket();
    world.start(MAIN, Syscall::Connect { fd, addr: world.remote.into() });
    world.inject("S. 0:0(0) ack 1");
    assert_eq!(world.returns().1, Ok(Reply::Value(0)));
    world.sent.clear();
    fd
}

fn pending_error(world: &mut World, fd: Fd) -> i64 {
    let call = Syscall::Getsockopt { fd, level: SOL_SOCKET, name: SO_ERROR, room: 4usize.into() };
    match world.call(call) {
        Ok(Reply::Option(OptionValue::Int(errno))) => errno,
        other => panic!("{other:?}"),
    }
}

fn state(world: &World) -> TcpState {
    world.stack.tcp_state(world.local, world.remote)
}

fn own_address(world: &mut World, fd: Fd) -> String {
    match world.call(Syscall::Getsockname { fd }) {
        Ok(Reply::Address(address)) => address.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn connecting_to_no_family_resets_a_connection() {
    let mut world = World::new();
    let fd = client(&mut world);
    let port = world.local.port();
    world.inject("P. 1:11(10) ack 1");
    assert_eq!(world.value(Syscall::Connect { fd, addr: to_no_family() }), 0);
    assert!(world.sent.iter().any(|(_, seen)| seen.text == "R. 1:1(0) ack 11"), "{:?}", world.sent);
    assert_eq!(state(&world), TcpState::Closed);
    assert_eq!(pending_error(&mut world, fd), i64::from(Errno::ECONNRESET.0));
    assert_eq!(pending_error(&mut world, fd), 0);
    assert_eq!(world.errno(Syscall::Getpeername { fd }), Errno::ENOTCONN);
    assert_eq!(world.errno(Syscall::Read { fd, room: 10usize.into() }), Errno::ENOTCONN);
    // The port is free, and shown nevertheless.
    assert_eq!(own_address(&mut world, fd), format!("0.0.0.0:{port}"));
    world.start(MAIN, Syscall::Connect { fd, addr: world.remote.into() });
    assert_eq!(world.sent.back().map(|(_, seen)| seen.text.as_str()), Some("S 0:0(0)"));
}

#[test]
fn connecting_to_no_family_calls_an_open_off() {
    let mut world = World::new();
    let fd = nonblocking(&mut world);
    let open = Syscall::Connect { fd, addr: world.remote.into() };
    assert_eq!(world.errno(open), Errno::EINPROGRESS);
    world.sent.clear();
    assert_eq!(world.value(Syscall::Connect { fd, addr: to_no_family() }), 0);
    assert!(world.sent.is_empty(), "the peer is told nothing");
    assert_eq!(pending_error(&mut world, fd), i64::from(Errno::ECONNRESET.0));
    world.wait(10_000);
    assert!(world.sent.is_empty(), "and nothing is repeated");
}

#[test]
fn connecting_to_no_family_ends_listening_and_needs_two_bytes() {
    let mut world = World::new();
    let fd = world.socket();
    let cut = Input { length: 1, ..to_no_family() };
    assert_eq!(world.errno(Syscall::Connect { fd, addr: cut }), Errno::EINVAL);
    world.value(Syscall::Bind { fd, addr: address("0.0.0.0:8080") });
    world.value(Syscall::Listen { fd, backlog: 1 });
    world.inject("S 0:0(0)");
    world.inject(". 1:1(0) ack 1");
    world.sent.clear();
    assert_eq!(world.value(Syscall::Connect { fd, addr: to_no_family() }), 0);
    let sent: Vec<&str> = world.sent.iter().map(|(_, seen)| seen.text.as_str()).collect();
    assert_eq!(sent, ["R. 1:1(0) ack 1"], "who waited to be accepted is told");
    assert_eq!(pending_error(&mut world, fd), 0);
    assert_eq!(world.errno(Syscall::Accept { fd, flags: 0 }), Errno::EINVAL);
    // The port was chosen, so it stays.
    assert_eq!(own_address(&mut world, fd), "0.0.0.0:8080");
    world.value(Syscall::Listen { fd, backlog: 1 });
}

#[test]
fn binding_to_no_family_means_any_address_if_that_is_what_is_there() {
    let mut world = World::new();
    let fd = world.socket();
    let mut bytes = to_no_family().bytes.expect("bytes");
    bytes[4] = 1;
    assert_eq!(world.errno(Syscall::Bind { fd, addr: bytes.clone().into() }), Errno::EAFNOSUPPORT);
    bytes[4] = 0;
    bytes[2..4].copy_from_slice(&7000u16.to_be_bytes());
    assert_eq!(world.value(Syscall::Bind { fd, addr: bytes.into() }), 0);
    assert_eq!(own_address(&mut world, fd), "0.0.0.0:7000");
}

#[test]
fn memory_that_is_not_there_is_noticed_when_it_is_touched() {
    let mut world = World::new();
    let fd = world.server();
    let nowhere = Room { length: 10, nowhere: true };
    world.start(MAIN, Syscall::Read { fd, room: nowhere });
    assert!(world.returned.is_empty(), "there is nothing to copy yet");
    world.inject("P. 1:11(10) ack 1");
    assert_eq!(world.returns().1, Err(Failure::Errno(Errno::EFAULT)));
    assert_eq!(data(world.call(Syscall::Read { fd, room: 10usize.into() })), 10);
    let absent = Input { bytes: None, length: 10 };
    assert_eq!(world.errno(Syscall::Write { fd, data: absent }), Errno::EFAULT);
    let empty = Input { bytes: None, length: 0 };
    assert_eq!(world.value(Syscall::Write { fd, data: empty }), 0);
    let name = Input { bytes: None, length: 16 };
    assert_eq!(world.errno(Syscall::Connect { fd, addr: name.clone() }), Errno::EFAULT);
    let value = Input { bytes: None, length: 4 };
    let set = Syscall::Setsockopt { fd, level: IPPROTO_IP, name: IP_TTL, value };
    assert_eq!(world.errno(set), Errno::EFAULT);
}

#[test]
fn a_pipe_lives_as_long_as_a_call_waits_for_it() {
    let mut world = World::new();
    let Ok(Reply::Pipe([read, write])) = world.call(Syscall::Pipe) else { panic!("a pipe") };
    world.start(OTHER, Syscall::Read { fd: read, room: 5usize.into() });
    world.value(Syscall::Close { fd: read });
    assert!(world.returned.is_empty(), "closing the descriptor does not wake the reader");
    world.start(MAIN, Syscall::Write { fd: write, data: b"abc".to_vec().into() });
    assert_eq!(world.returns().1, Ok(Reply::Value(3)));
    assert_eq!(world.returns().1, Ok(Reply::Data(b"abc".to_vec())));
    assert_eq!(world.errno(Syscall::Write { fd: write, data: b"abc".to_vec().into() }), Errno::EPIPE);
}

#[test]
fn the_error_queue_of_a_socket_that_has_none_is_empty() {
    let mut world = World::new();
    let fd = world.server();
    let call = Syscall::Recvmsg { fd, room: 10usize.into(), control: 100, flags: MSG_ERRQUEUE };
    assert_eq!(world.errno(call), Errno::EAGAIN);
}
