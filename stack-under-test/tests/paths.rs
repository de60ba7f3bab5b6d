//! What ICMP tells: of paths that take less, of peers out of reach.

mod util;

use std::net::IpAddr;

use stack_under_test::syscall::constants::{SO_ERROR, SOL_SOCKET};
use stack_under_test::{Errno, Fd, OptionValue, Reply, Syscall, TcpState};
use util::{MAIN, World, failed};

fn checksum(parts: &[&[u8]]) -> [u8; 2] {
    let bytes = parts.concat();
    let mut sum = 0u32;
    for word in bytes.chunks(2) {
        sum += (u32::from(word[0]) << 8) | u32::from(*word.get(1).unwrap_or(&0));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}

/// An ICMP error about a packet that the stack sent.
fn icmp(world: &mut World, kind: u8, code: u8, field: u32, quoted: &[u8]) {
    let mut message = vec![kind, code, 0, 0];
    message.extend(field.to_be_bytes());
    let packet = match (world.remote.ip(), world.local.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            message.extend(&quoted[..28]);
            let sum = checksum(&[&message]);
            message[2..4].copy_from_slice(&sum);
            let mut header = vec![0x45, 0];
            header.extend(((20 + message.len()) as u16).to_be_bytes());
            header.extend([0, 0, 0, 0, 64, 1, 0, 0]);
            header.extend(from.octets());
            header.extend(to.octets());
            let sum = checksum(&[&header]);
            header[10..12].copy_from_slice(&sum);
            [header, message].concat()
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            message.extend(&quoted[..60]);
            let length = (message.len() as u32).to_be_bytes();
            let sum = checksum(&[&from.octets(), &to.octets(), &length, &[0, 0, 0, 58], &message]);
            message[2..4].copy_from_slice(&sum);
            let mut header = vec![0x60, 0, 0, 0];
            header.extend((message.len() as u16).to_be_bytes());
            header.extend([58, 64]);
            header.extend(from.octets());
            header.extend(to.octets());
            [header, message].concat()
        }
        _ => unreachable!("one family"),
    };
    world.raw(&packet);
}

fn soft_error(world: &mut World, fd: Fd) -> i64 {
    match world.call(Syscall::Getsockopt { fd, level: SOL_SOCKET, name: SO_ERROR, room: 4096.into() }) {
        Ok(Reply::Option(OptionValue::Int(value))) => value,
        other => panic!("SO_ERROR: {other:?}"),
    }
}

#[test]
fn a_packet_too_big_makes_the_sender_cut_smaller_at_once() {
    let mut world = World::v6();
    let fd = world.server_with(&[2, 4, 5, 160], 32792);
    world.write(fd, 2880).expect("written");
    let first = world.expect(". 1:1441(1440) ack 1").1.bytes;
    world.expect("P. 1441:2881(1440) ack 1");
    icmp(&mut world, 2, 0, 1300, &first);
    world.expect(". 1:1241(1240) ack 1");
    world.expect("P. 1241:2481(1240) ack 1");
    world.expect("P. 2481:2881(400) ack 1");
    let info = world.stack.tcp_info(fd).expect("info");
    assert_eq!((info.pmtu, info.snd_mss, info.snd_cwnd), (1300, 1240, 10));
    // Larger again, and smaller than any link of IPv6 may be: not believed.
    icmp(&mut world, 2, 0, 1400, &first);
    icmp(&mut world, 2, 0, 1000, &first);
    world.quiet();
    world.inject(". 1:1(0) ack 2881 win 32792");
    world.silent(100_000);
    world.write(fd, 1240).expect("written");
    world.expect("P. 2881:4121(1240) ack 1");
}

#[test]
fn fragmentation_needed_does_the_same() {
    let mut world = World::new();
    let fd = world.server_with(&[2, 4, 5, 180], 32792);
    world.write(fd, 2920).expect("written");
    let first = world.expect(". 1:1461(1460) ack 1").1.bytes;
    world.expect("P. 1461:2921(1460) ack 1");
    icmp(&mut world, 3, 4, 1040, &first);
    for text in [". 1:1001(1000) ack 1", "P. 1001:2001(1000) ack 1", "P. 2001:2921(920) ack 1"] {
        world.expect(text);
    }
    world.quiet();
    world.inject(". 1:1(0) ack 2921 win 32792");
    // What is known of a path is forgotten.
    world.wait(600_000);
    world.write(fd, 1460).expect("written");
    world.expect("P. 2921:4381(1460) ack 1");
}

#[test]
fn what_quotes_nothing_that_is_under_way_is_ignored() {
    let mut world = World::new();
    let fd = world.server_with(&[2, 4, 5, 180], 32792);
    world.write(fd, 1460).expect("written");
    let mut quoted = world.expect("P. 1:1461(1460) ack 1").1.bytes;
    quoted[24] ^= 0x40;
    icmp(&mut world, 3, 4, 1040, &quoted);
    icmp(&mut world, 3, 1, 0, &quoted);
    world.quiet();
    assert_eq!(soft_error(&mut world, fd), 0);
    assert_eq!(world.stack.tcp_info(fd).expect("info").pmtu, 1500);
}

#[test]
fn trouble_after_the_handshake_explains_a_time_out_and_ends_nothing() {
    let mut world = World::new();
    world.set("net.ipv4.tcp_retries2", "3");
    let fd = world.server();
    world.write(fd, 10).expect("written");
    let quoted = world.expect("P. 1:11(10) ack 1").1.bytes;
    icmp(&mut world, 3, 3, 0, &quoted);
    assert_eq!(world.state(), TcpState::Established);
    assert_eq!(soft_error(&mut world, fd), i64::from(Errno::ECONNREFUSED.0));
    assert_eq!(soft_error(&mut world, fd), 0, "reported once");
    icmp(&mut world, 3, 10, 0, &quoted);
    world.start(MAIN, Syscall::Read { fd, room: 1usize.into() });
    world.wait(100_000);
    assert_eq!(failed(world.returns().1), Errno::EHOSTUNREACH);
}

#[test]
fn an_unreachable_network_takes_a_doubling_back() {
    let mut world = World::new();
    let fd = world.server();
    world.write(fd, 10).expect("written");
    world.wait(700);
    for at in [10, 220, 640] {
        world.expect_at(at, "P. 1:11(10) ack 1");
    }
    let quoted = {
        world.wait(10);
        let info = world.stack.tcp_info(fd).expect("info");
        assert_eq!(info.backoff, 2);
        world.inject(". 1:1(0) ack 1");
        world.sent.clear();
        util::packet(world.local, world.remote, world.target_isn.expect("isn") + 1, 0, 16, 0, &[], &[])
    };
    icmp(&mut world, 3, 0, 0, &quoted);
    // From 840 to 420 ms after the last repetition.
    world.wait(400);
    world.expect_at(1060, "P. 1:11(10) ack 1");
}

#[test]
fn a_handshake_is_forgotten_for_a_peer_out_of_reach() {
    let mut world = World::new();
    world.listener(1);
    world.inject("S 0:0(0) win 1000");
    let quoted = world.expect("S. 0:0(0) ack 1").1.bytes;
    // A port that is closed is no reason, as the peer had just asked.
    icmp(&mut world, 3, 3, 0, &quoted);
    assert_eq!(world.state(), TcpState::SynRecv);
    icmp(&mut world, 3, 1, 0, &quoted);
    assert_eq!(world.state(), TcpState::Closed);
    world.silent(100_000);
}
