//! Whatever comes, the stack neither panics nor grows.

mod util;

use stack_under_test::syscall::constants::{
    AF_INET, EPOLLET, EPOLLIN, EPOLLONESHOT, EPOLLOUT, IPPROTO_TCP, MSG_DONTWAIT, MSG_OOB, MSG_PEEK,
    MSG_WAITALL, POLLIN, POLLOUT, SIOCATMARK, SIOCOUTQ, SO_LINGER, SO_RCVBUF, SO_RCVTIMEO, SO_SNDBUF,
    SO_SNDTIMEO, SOCK_NONBLOCK, SOCK_STREAM, SOL_SOCKET,
};
use std::time::Duration;

use proptest::prelude::*;
use stack_under_test::{DropReason, Fd, OptionValue, Syscall, ThreadId};
use util::{MAIN, World, checksum, fragment, packet};

/// One thing that happens.
#[derive(Clone, Debug)]
enum Event {
    Segment {
        seq: u32,
        ack: u32,
        flags: u8,
        win: u16,
        options: Vec<u8>,
        len: usize,
        own_port: bool,
    },
    Sack {
        ack: u32,
        start: u32,
        len: u32,
    },
    Mutated {
        at: usize,
        bit: u8,
        cut: usize,
    },
    /// An ICMP error of this type and code about a segment with this number.
    Icmp {
        kind: u8,
        code: u8,
        mtu: u16,
        seq: u32,
    },
    /// Part of a packet with data, maybe with a mark; a fragment may overlap another or lack one.
    Fragment {
        id: u8,
        offset: usize,
        len: usize,
        more: bool,
        mark: u8,
    },
    /// In-order data of several segments, as fast as the peer can.
    Burst {
        segments: u32,
        len: usize,
        mark: u8,
    },
    Junk(Vec<u8>),
    Call(u8, u8),
    Signal(u8),
    Wait(u64),
}

fn near() -> impl Strategy<Value = u32> {
    prop_oneof![0u32..4, 0u32..70_000, (u32::MAX - 3000)..=u32::MAX, any::<u32>()]
}

fn event() -> impl Strategy<Value = Event> {
    let options = prop_oneof![
        Just(vec![]),
        Just(vec![2, 4, 3, 232, 1, 3, 3, 7, 4, 2, 1, 1]),
        proptest::collection::vec(any::<u8>(), 0..10).prop_map(|words| {
            let mut bytes = words;
            bytes.resize(bytes.len().next_multiple_of(4), 1);
            bytes
        }),
    ];
    prop_oneof![
        8 => (near(), near(), any::<u8>(), any::<u16>(), options, 0usize..1400, any::<bool>()).prop_map(
            |(seq, ack, flags, win, options, len, own_port)| Event::Segment { seq, ack, flags, win, options, len, own_port }
        ),
        3 => (0u32..30, 0u32..30, 0u32..10).prop_map(|(ack, start, len)| Event::Sack {
            ack: ack * 1000 + 1,
            start: start * 1000 + 1,
            len: len * 700,
        }),
        1 => (0usize..80, 0u8..8, 0usize..90).prop_map(|(at, bit, cut)| Event::Mutated { at, bit, cut }),
        2 => (prop_oneof![Just(3u8), Just(11), Just(12)], 0u8..6, any::<u16>(), 0u32..5000)
            .prop_map(|(kind, code, mtu, seq)| Event::Icmp { kind, code, mtu, seq }),
        3 => (0u8..4, 0usize..16, 0usize..16, any::<bool>(), 0u8..4).prop_map(|(id, offset, len, more, mark)| {
            Event::Fragment { id, offset: offset * 8, len: len * 8 + usize::from(id == 3), more, mark }
        }),
        2 => (1u32..60, 1usize..1460, 0u8..4)
            .prop_map(|(segments, len, mark)| Event::Burst { segments, len, mark }),
        1 => proptest::collection::vec(any::<u8>(), 0..120).prop_map(Event::Junk),
        6 => (any::<u8>(), any::<u8>()).prop_map(|(call, which)| Event::Call(call, which)),
        1 => any::<u8>().prop_map(Event::Signal),
        2 => (0u64..400_000).prop_map(Event::Wait),
    ]
}

fn call(number: u8, which: u8, world: &World) -> Syscall {
    let fd = Fd(3 + i32::from(which % 5));
    let value = OptionValue::Int(i64::from(which) * 20);
    match number % 26 {
        0 => Syscall::Socket {
            domain: AF_INET,
            kind: SOCK_STREAM | if which > 127 { SOCK_NONBLOCK } else { 0 },
            protocol: 0,
        },
        1 => Syscall::Bind { fd, addr: world.local },
        2 => Syscall::Listen { fd, backlog: i32::from(which % 3) },
        3 | 4 => Syscall::Accept { fd, flags: 0 },
        5 => Syscall::Connect { fd, addr: world.remote },
        6 => Syscall::Read { fd, count: usize::from(which) * 100 },
        7 => Syscall::Recv { fd, count: 1000, flags: if which > 127 { MSG_PEEK } else { MSG_WAITALL } },
        8 | 9 => Syscall::Write { fd, data: vec![which; usize::from(which) * 400] },
        10 => Syscall::Shutdown { fd, how: i32::from(which / 5 % 3) },
        11 => Syscall::Close { fd },
        12 => Syscall::Dup { fd },
        13 if which > 127 => Syscall::Ioctl { fd, request: if which > 190 { SIOCOUTQ } else { SIOCATMARK } },
        13 => Syscall::Getpeername { fd },
        14 => Syscall::Setsockopt { fd, level: IPPROTO_TCP, name: i32::from(which % 19), value },
        15 => Syscall::Setsockopt {
            fd,
            level: SOL_SOCKET,
            name: if which > 127 { SO_RCVBUF } else { SO_SNDBUF },
            value,
        },
        16 => Syscall::Setsockopt {
            fd,
            level: SOL_SOCKET,
            name: SO_LINGER,
            value: OptionValue::Linger { on: which > 100, seconds: i32::from(which / 5 % 3) },
        },
        17 => Syscall::Setsockopt { fd, level: SOL_SOCKET, name: i32::from(which % 19), value },
        18 => Syscall::Setsockopt {
            fd,
            level: SOL_SOCKET,
            name: if which > 127 { SO_RCVTIMEO } else { SO_SNDTIMEO },
            value: OptionValue::Timeval(Duration::from_millis(u64::from(which))),
        },
        19 => Syscall::Send { fd, data: vec![which; usize::from(which)], flags: MSG_OOB },
        20 => Syscall::Recv { fd, count: 10, flags: if which > 127 { MSG_OOB } else { MSG_DONTWAIT } },
        21 => Syscall::EpollCreate { size: 1 },
        22 => Syscall::EpollCtl {
            ep: Fd(3 + i32::from(which / 5 % 5)),
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

/// With this ECN field.
fn marked(mut bytes: Vec<u8>, mark: u8) -> Vec<u8> {
    bytes[1] = mark;
    bytes[10..12].fill(0);
    let sum = checksum(&bytes[..20]);
    bytes[10..12].copy_from_slice(&sum);
    bytes
}

fn happen(world: &mut World, event: &Event) {
    let base = world.target_isn.unwrap_or(0);
    match event {
        Event::Segment { seq, ack, flags, win, options, len, own_port } => {
            let to = if *own_port { world.local } else { "192.168.0.1:8080".parse().expect("address") };
            let bytes =
                packet(world.remote, to, *seq, ack.wrapping_add(base), *flags, *win, options, &vec![7; *len]);
            world.raw(&bytes);
        }
        Event::Sack { ack, start, len } => {
            let start = base.wrapping_add(*start);
            let mut options = vec![1, 1, 5, 10];
            options.extend(start.to_be_bytes());
            options.extend(start.wrapping_add(*len).to_be_bytes());
            let ack = base.wrapping_add(*ack);
            world.raw(&packet(world.remote, world.local, 1, ack, 16, 32_000, &options, &[]));
        }
        Event::Fragment { id, offset, len, more, mark } => {
            let ack = base.wrapping_add(1);
            let whole = marked(packet(world.remote, world.local, 1, ack, 24, 500, &[], &[1; 100]), *mark);
            world.raw(&fragment(&whole, *id, (*offset, *len), *more));
        }
        Event::Burst { segments, len, mark } => {
            for _ in 0..*segments {
                let (seq, ack) = (world.next_expected, base.wrapping_add(1));
                let bytes =
                    packet(world.remote, world.local, seq, ack, 16 | mark << 6, 500, &[], &vec![3; *len]);
                world.raw(&marked(bytes, *mark));
            }
        }
        Event::Mutated { at, bit, cut } => {
            let mut bytes =
                packet(world.remote, world.local, 1, base.wrapping_add(1), 24, 500, &[2, 4, 5, 0], &[1; 40]);
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
            world.stack.interrupt(world.now, ThreadId(u32::from(*thread % 3)));
            world.drain();
        }
        Event::Wait(millis) => world.wait(*millis),
    }
}

fn run(start: u8, events: &[Event]) {
    let mut world = World::new();
    if start > 127 {
        world.set("net.ipv4.tcp_ecn", "1").set("net.ipv4.tcp_rmem", "4096 20000 60000");
    }
    match start % 6 {
        0 => drop(world.server()),
        2 => drop(world.server_with(&[2, 4, 3, 232, 4, 2, 1, 1], 32_000)),
        1 => drop(world.listener(1)),
        3 => drop(world.server_with(&[2, 4, 3, 232, 3, 3, 7, 1], 32_000)),
        4 => drop(world.ecn_server()),
        _ => {}
    }
    for event in events {
        happen(&mut world, event);
        for fd in 3..8 {
            if let Some(info) = world.stack.tcp_info(Fd(fd)) {
                assert!(world.stack.queued(Fd(fd)).is_some());
                assert!(info.notsent_bytes < 500_000 && info.rcv_wnd <= 6_291_456 && info.snd_cwnd > 0);
            }
        }
    }
    world.wait(10_000_000);
    assert!(world.stack.dropped().total() <= events.len() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn nothing_makes_it_panic(start in any::<u8>(), events in proptest::collection::vec(event(), 1..60)) {
        run(start, &events);
    }
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let run = |seed_of_world: fn() -> World| {
        let mut world = seed_of_world();
        let fd = world.socket();
        world.start(MAIN, Syscall::Connect { fd, addr: world.remote });
        world.wait(10_000);
        world.sent.into_iter().map(|(at, seen)| (at, seen.bytes)).collect::<Vec<_>>()
    };
    assert_eq!(run(World::new), run(World::new));
}

#[test]
fn what_is_wrong_with_a_packet_is_counted() {
    let mut world = World::new();
    let good = packet(world.remote, world.local, 0, 0, 2, 100, &[], &[]);
    let mut wrong = |reason: DropReason, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        let before = world.stack.dropped().get(reason);
        world.raw(&bytes);
        assert_eq!(world.stack.dropped().get(reason), before + 1, "{reason:?}");
        world.quiet();
    };
    wrong(DropReason::Checksum, &|bytes| bytes[37] ^= 1);
    wrong(DropReason::DataOffset, &|bytes| bytes[32] = 0x40);
    wrong(DropReason::DataOffset, &|bytes| bytes[32] = 0xf0);
    wrong(DropReason::Truncated, &|bytes| bytes.truncate(30));
    wrong(DropReason::IpChecksum, &|bytes| bytes[8] = 3);
    wrong(DropReason::IpVersion, &|bytes| bytes[0] = 0x55);
    wrong(DropReason::IpHeader, &|bytes| bytes[0] = 0x44);
    let elsewhere = "192.168.0.77:8080".parse().expect("address");
    let stray = packet(world.remote, elsewhere, 0, 0, 2, 100, &[], &[]);
    world.raw(&stray);
    assert_eq!(world.stack.dropped().get(DropReason::NotOurs), 1);
}
