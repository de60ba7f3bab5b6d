//! Tells a story to the stack and looks at it after each event. Property tests and fuzzers share it.
#![allow(clippy::allow_attributes, reason = "no expectation holds in every program")]
#![allow(dead_code, reason = "each program uses its part")]

use stack_under_test::syscall::constants::{
    AF_INET, EPOLLET, EPOLLIN, EPOLLONESHOT, EPOLLOUT, IPPROTO_TCP, MSG_DONTWAIT, MSG_OOB, MSG_PEEK,
    MSG_WAITALL, POLLIN, POLLOUT, SIOCATMARK, SIOCOUTQ, SO_LINGER, SO_RCVBUF, SO_RCVTIMEO, SO_SNDBUF,
    SO_SNDTIMEO, SOCK_NONBLOCK, SOCK_STREAM, SOL_SOCKET, TCP_INQ,
};
use stack_under_test::{Fd, Input, OptionValue, Syscall, ThreadId};
use std::time::Duration;

use crate::grammar::{Event, Number, Segment, Story};
use crate::util::{World, checksum, fragment, packet};

/// An input is answered with fewer packets than this: a full send buffer in the smallest segments.
const MOST_ANSWERS: usize = 4000;
/// Settings that change what packets mean, with what they take.
const SETTINGS: [(&str, &[&str]); 13] = [
    ("net.ipv4.tcp_ecn", &["0", "1", "2"]),
    ("net.ipv4.tcp_syncookies", &["0", "1", "2"]),
    ("net.ipv4.tcp_timestamps", &["0", "1"]),
    ("net.ipv4.tcp_sack", &["0", "1"]),
    ("net.ipv4.tcp_window_scaling", &["0", "1"]),
    ("net.ipv4.tcp_rmem", &["4096 131072 6291456", "256 2304 4096", "4096 5000 9000"]),
    ("net.ipv4.tcp_wmem", &["4096 16384 4194304", "256 4608 9000"]),
    ("net.ipv4.tcp_min_snd_mss", &["48", "536"]),
    ("net.ipv4.tcp_rfc1337", &["0", "1"]),
    ("net.ipv4.tcp_tw_reuse", &["0", "1", "2"]),
    ("net.ipv4.tcp_max_tw_buckets", &["0", "2", "4096"]),
    ("net.ipv4.tcp_retries2", &["0", "3", "15"]),
    ("net.ipv4.tcp_early_retrans", &["0", "3"]),
];

/// The stack, and what a peer has seen of it.
struct Teller {
    world: World,
    /// The number that the stack expects next.
    expected: u32,
    /// The number that it sends next, from its first one on.
    sent: u32,
    events: u64,
}

/// Tells the whole story.
///
/// # Panics
/// Where a rule is broken.
pub(crate) fn tell(story: &Story) {
    let mut world = World::new();
    if story.opening > 127 {
        world.set("net.ipv4.tcp_ecn", "1").set("net.ipv4.tcp_rmem", "4096 20000 60000");
    }
    match story.opening % 6 {
        0 => drop(world.server()),
        2 => drop(world.server_with(&[2, 4, 3, 232, 4, 2, 1, 1], 32_000)),
        1 => drop(world.listener(1)),
        3 => drop(world.server_with(&[2, 4, 3, 232, 3, 3, 7, 1], 32_000)),
        4 => drop(world.ecn_server()),
        _ => {}
    }
    let mut teller = Teller { world, expected: 1, sent: 1, events: 0 };
    for event in &story.events {
        teller.happen(event);
        teller.check();
    }
    teller.end();
}

/// Packets as raw bytes, each once as it is and once with its sums made right.
///
/// # Panics
/// Where a rule is broken.
pub(crate) fn receive(opening: u8, packets: &[Vec<u8>]) {
    let mut world = World::new();
    match opening % 3 {
        0 => drop(world.server()),
        1 => drop(world.listener(1)),
        _ => {}
    }
    let mut teller = Teller { world, expected: 1, sent: 1, events: 0 };
    for bytes in packets {
        for bytes in [bytes.clone(), repaired(bytes)] {
            teller.events += 1;
            teller.world.raw(&bytes);
            teller.check();
        }
        teller.world.wait(u64::from(bytes.first().copied().unwrap_or_default()));
        teller.check();
    }
    teller.end();
}

/// Packets of a story for [`receive`]: each with its length in two bytes before it.
pub(crate) fn packets(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let (packet, rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)).min(rest.len()));
        packets.push(packet.to_vec());
        bytes = rest;
    }
    packets
}

/// The packet with right sums and, if it is of IPv4, a right length.
fn repaired(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let total = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    let header = match bytes.first() {
        Some(first) if first >> 4 == 4 => usize::from(first & 15) * 4,
        Some(first) if first >> 4 == 6 => 40,
        _ => return bytes,
    };
    if header < 20 || bytes.len() < header + 20 {
        return bytes;
    }
    let mut pseudo = if header == 40 && bytes[0] >> 4 == 6 {
        bytes[4..6].copy_from_slice(&(total - 40).to_be_bytes());
        [&bytes[8..40], &[0, bytes[6]]].concat()
    } else {
        bytes[2..4].copy_from_slice(&total.to_be_bytes());
        bytes[10..12].fill(0);
        let sum = checksum(&bytes[..header]);
        bytes[10..12].copy_from_slice(&sum);
        [&bytes[12..20], &[0, bytes[9]]].concat()
    };
    let at = header + if matches!(pseudo.last(), Some(1 | 58)) { 2 } else { 16 };
    bytes[at..at + 2].fill(0);
    if pseudo.last() == Some(&1) {
        pseudo.clear();
    } else {
        pseudo.extend((total - header as u16).to_be_bytes());
    }
    let sum = checksum(&[&pseudo, &bytes[header..]].concat());
    bytes[at..at + 2].copy_from_slice(&sum);
    bytes
}

/// With this ECN field.
fn marked(mut bytes: Vec<u8>, mark: u8) -> Vec<u8> {
    bytes[1] = mark;
    bytes[10..12].fill(0);
    let sum = checksum(&bytes[..20]);
    bytes[10..12].copy_from_slice(&sum);
    bytes
}

impl Teller {
    fn happen(&mut self, event: &Event) {
        self.events += 1;
        let world = &mut self.world;
        let base = world.target_isn.unwrap_or(0);
        match event {
            Event::Segment(segment) => self.segment(segment),
            Event::Sack { ack, start, len } => {
                let start = base.wrapping_add(*start);
                let mut options = vec![1, 1, 5, 10];
                options.extend(start.to_be_bytes());
                options.extend(start.wrapping_add(*len).to_be_bytes());
                let ack = base.wrapping_add(*ack);
                world.raw(&packet(world.remote, world.local, self.expected, ack, 16, 32_000, &options, &[]));
            }
            Event::Fragment { id, offset, len, more, mark } => {
                let ack = base.wrapping_add(1);
                let whole = marked(packet(world.remote, world.local, 1, ack, 24, 500, &[], &[1; 100]), *mark);
                world.raw(&fragment(&whole, *id, (*offset, *len), *more));
            }
            Event::Burst { segments, len, mark } => self.burst(*segments, *len, *mark),
            Event::Mutated { at, bit, cut } => {
                let ack = base.wrapping_add(1);
                let mut bytes = packet(world.remote, world.local, 1, ack, 24, 500, &[2, 4, 5, 0], &[1; 40]);
                if let Some(byte) = bytes.get_mut(*at) {
                    *byte ^= 1 << bit;
                }
                bytes.truncate(*cut);
                world.raw(&bytes);
            }
            Event::Icmp { kind, code, mtu, seq } => icmp(world, *kind, *code, *mtu, base.wrapping_add(*seq)),
            Event::Junk(bytes) => world.raw(bytes),
            Event::Call(number, which) => {
                let thread = ThreadId(u32::from(*which % 3));
                let call = call(*number, *which, world);
                if world.stack.submit(world.now, thread, call).is_ok() {
                    world.drain();
                }
            }
            Event::Signal(thread) => {
                let number = ThreadId(u32::from(*thread % 3));
                if *thread > 127 {
                    world.stack.interrupt_and_restart(world.now, number);
                } else {
                    world.stack.interrupt(world.now, number);
                }
                world.drain();
            }
            Event::Set(which, value) => {
                let (name, values) = SETTINGS[usize::from(*which) % SETTINGS.len()];
                world.set(name, values[usize::from(*value) % values.len()]);
            }
            Event::Wait(millis) => world.wait(*millis),
        }
    }

    fn burst(&mut self, segments: u32, len: usize, mark: u8) {
        let world = &mut self.world;
        let ack = world.target_isn.unwrap_or(0).wrapping_add(1);
        for _ in 0..segments {
            let flags = 16 | mark << 6;
            let bytes =
                packet(world.remote, world.local, world.next_expected, ack, flags, 500, &[], &vec![3; len]);
            world.raw(&marked(bytes, mark));
            self.events += 1;
        }
    }

    fn segment(&mut self, segment: &Segment) {
        let world = &mut self.world;
        let base = world.target_isn.unwrap_or(0);
        let number = |number: Number, expected: u32, first: u32| match number {
            Number::Expected(offset) => expected.wrapping_add_signed(offset),
            Number::First(offset) => first.wrapping_add(offset),
            Number::Any(number) => number,
        };
        let seq = number(segment.seq, self.expected, 0);
        let ack = number(segment.ack, base.wrapping_add(self.sent), base);
        let mut from = world.remote;
        from.set_port(from.port() + u16::from(segment.peer));
        let to = if segment.elsewhere { "192.168.0.2:8081".parse().expect("address") } else { world.local };
        let payload = vec![7; segment.len];
        let options = &segment.options;
        world.raw(&packet(from, to, seq, ack, segment.flags, segment.win, options, &payload));
    }

    /// Nothing that always holds is broken.
    fn check(&mut self) {
        let world = &mut self.world;
        assert_eq!(world.stack.inconsistency(), None);
        assert!(world.sent.len() < MOST_ANSWERS, "{} packets at once", world.sent.len());
        for (_, seen) in std::mem::take(&mut world.sent) {
            self.observe(&seen.bytes);
        }
        let world = &mut self.world;
        world.returned.clear();
        world.signals.clear();
        if let Some(due) = world.stack.poll_timeout() {
            assert!(due >= world.now, "a timer was forgotten");
        }
        for fd in 3..8 {
            if let Some(info) = world.stack.tcp_info(Fd(fd)) {
                let queued = world.stack.queued(Fd(fd)).expect("a socket has queues");
                assert!(queued[1] <= queued[2], "more waits than is not acknowledged");
                assert!(queued[0] <= 1 << 23, "{} bytes unread", queued[0]);
                assert!(info.notsent_bytes < 500_000 && info.rcv_wnd <= 1 << 23 && info.snd_cwnd > 0);
            }
        }
        assert!(world.stack.dropped().total() <= self.events);
    }

    /// Remembers what the peer would of a packet.
    fn observe(&mut self, bytes: &[u8]) {
        let header = if bytes[0] >> 4 == 4 { 20 } else { 40 };
        let tcp = &bytes[header..];
        let word = |at: usize| u32::from_be_bytes([tcp[at], tcp[at + 1], tcp[at + 2], tcp[at + 3]]);
        let data = tcp.len() - usize::from(tcp[12] >> 4) * 4;
        let flags = tcp[13];
        let first = self.world.target_isn.unwrap_or(0);
        let end = word(4).wrapping_add(data as u32 + u32::from(flags & 1) + u32::from(flags >> 1 & 1));
        if flags & 4 == 0 {
            self.sent = end.wrapping_sub(first);
            if flags & 16 != 0 {
                self.expected = word(8);
            }
        }
    }

    /// Hours later everything has come to rest.
    fn end(&mut self) {
        self.world.wait(10_000_000);
        assert_eq!(self.world.stack.inconsistency(), None);
    }
}

fn call(number: u8, which: u8, world: &World) -> Syscall {
    let fd = Fd(3 + i32::from(which % 5));
    let value = OptionValue::Int(i64::from(which) * 20);
    match number % 32 {
        0 => Syscall::Socket {
            domain: AF_INET,
            kind: SOCK_STREAM | if which > 127 { SOCK_NONBLOCK } else { 0 },
            protocol: 0,
        },
        1 => Syscall::Bind { fd, addr: world.local.into() },
        2 => Syscall::Listen { fd, backlog: i32::from(which % 3) },
        3 | 4 => Syscall::Accept { fd, flags: 0 },
        5 => Syscall::Connect { fd, addr: world.remote.into() },
        6 => Syscall::Read { fd, room: (usize::from(which) * 100).into() },
        7 => Syscall::Recv {
            fd,
            room: 1000usize.into(),
            flags: if which > 127 { MSG_PEEK } else { MSG_WAITALL },
        },
        8 | 9 => Syscall::Write { fd, data: vec![which; usize::from(which) * 400].into() },
        10 => Syscall::Shutdown { fd, how: i32::from(which / 5 % 3) },
        11 => Syscall::Close { fd },
        12 => Syscall::Dup { fd },
        13 if which > 127 => {
            Syscall::Ioctl { fd, request: if which > 190 { SIOCOUTQ } else { SIOCATMARK }, argument: 0 }
        }
        13 => Syscall::Getpeername { fd },
        14 => {
            Syscall::Setsockopt { fd, level: IPPROTO_TCP, name: i32::from(which % 19), value: value.into() }
        }
        15 => Syscall::Setsockopt {
            fd,
            level: SOL_SOCKET,
            name: if which > 127 { SO_RCVBUF } else { SO_SNDBUF },
            value: value.into(),
        },
        16 => Syscall::Setsockopt {
            fd,
            level: SOL_SOCKET,
            name: SO_LINGER,
            value: OptionValue::Linger { on: which > 100, seconds: i32::from(which / 5 % 3) }.into(),
        },
        17 => Syscall::Setsockopt { fd, level: SOL_SOCKET, name: i32::from(which % 19), value: value.into() },
        18 => Syscall::Setsockopt {
            fd,
            level: SOL_SOCKET,
            name: if which > 127 { SO_RCVTIMEO } else { SO_SNDTIMEO },
            value: OptionValue::Timeval(Duration::from_millis(u64::from(which))).into(),
        },
        19 => Syscall::Send { fd, data: vec![which; usize::from(which)].into(), flags: MSG_OOB },
        20 => Syscall::Recv {
            fd,
            room: 10usize.into(),
            flags: if which > 127 { MSG_OOB } else { MSG_DONTWAIT },
        },
        _ => call_of_files(number, which, fd),
    }
}

/// Calls on descriptors of any kind.
fn call_of_files(number: u8, which: u8, fd: Fd) -> Syscall {
    let other = Fd(3 + i32::from(which / 5 % 5));
    match number % 32 {
        21 => Syscall::EpollCreate { size: 1 },
        22 => Syscall::EpollCtl {
            ep: other,
            operation: 1 + i32::from(which % 3),
            fd,
            events: if which > 127 { EPOLLIN | EPOLLET } else { EPOLLIN | EPOLLOUT | EPOLLONESHOT },
            data: 1,
        },
        23 => Syscall::EpollWait { ep: fd, most: 2, timeout: Some(Duration::from_millis(u64::from(which))) },
        24 => Syscall::Select {
            read: vec![fd],
            write: vec![],
            except: vec![fd],
            timeout: Some(Duration::from_secs(u64::from(which))),
        },
        25 => Syscall::Pipe,
        26 => Syscall::Splice {
            from: fd,
            to: other,
            count: usize::from(which) * 200,
            flags: i32::from(which % 4),
        },
        // Nowhere, to no family: the connection ends.
        27 => Syscall::Connect { fd, addr: vec![0; usize::from(which % 20)].into() },
        28 => Syscall::Recvmsg { fd, room: 100usize.into(), control: usize::from(which), flags: 0x2000 },
        29 => Syscall::Fcntl { fd, cmd: i32::from(which % 6), arg: i64::from(which) * 30 },
        30 => Syscall::Setsockopt {
            fd,
            level: IPPROTO_TCP,
            name: TCP_INQ,
            value: Input { bytes: None, length: i64::from(which % 8) },
        },
        _ => Syscall::Poll {
            fds: vec![(fd, POLLIN | POLLOUT)],
            timeout: Some(Duration::from_secs(u64::from(which))),
        },
    }
}

fn icmp(world: &mut World, kind: u8, code: u8, mtu: u16, seq: u32) {
    let quoted = packet(world.local, world.remote, seq, 0, 16, 0, &[], &[]);
    let mut message = vec![kind, code, 0, 0, 0, 0];
    message.extend(mtu.to_be_bytes());
    message.extend(&quoted[..28]);
    let sum = checksum(&message);
    message[2..4].copy_from_slice(&sum);
    let mut bytes = packet(world.remote, world.local, 0, 0, 0, 0, &[], &[0; 16]);
    bytes.truncate(20);
    bytes[9] = 1;
    bytes[10..12].fill(0);
    let sum = checksum(&bytes);
    bytes[10..12].copy_from_slice(&sum);
    bytes.extend(message);
    world.raw(&bytes);
}
