//! The Linux target, driven by hand: connections, blocked calls, signals, what can be inspected.

#![cfg(all(feature = "linux", target_os = "linux"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod linux_support;

use std::collections::BTreeMap;

use linux_support::{ACK, FIN, MAIN, OTHER, PSH, RST, Rig, SYN, factory, world};
use tcpdrill::case::{
    DescriptorId, Errno, EventData, Flow, FlowId, IpVersion, Lie, Offload, OptionValue, PollFd, Setting,
    Signal, Syscall, Value,
};
use tcpdrill::target::{Inspection, Observation, TargetError, TargetFactory, Timing};
use tcpdrill::time::{Span, Timestamp};

const L: DescriptorId = DescriptorId(0);
const S: DescriptorId = DescriptorId(1);
const ALL: [IpVersion; 3] = [IpVersion::V4, IpVersion::V6, IpVersion::V4Mapped];

fn errno(name: &str) -> Errno {
    Errno::from_name(name).unwrap()
}

fn read(count: i64) -> Syscall {
    let lie = None;
    Syscall::Read { fd: S, count, lie }
}

fn state(rig: &mut Rig) -> i64 {
    let what = Inspection::FlowState { flow: FlowId(0), local: rig.local(), remote: rig.remote() };
    match rig.target.inspect(&what).unwrap() {
        Value::Int(state) => state,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_peer_connects_sends_and_is_answered() {
    let Some(factory) = factory() else { return };
    for ip in ALL {
        let mut rig = Rig::open(factory, ip);
        let next = rig.accepted();
        assert_eq!(state(&mut rig), 1, "ESTABLISHED");
        let mut data = rig.segment(PSH | ACK, 1, next);
        data.payload = b"hello".to_vec();
        let sent = rig.inject(&data);
        let completion = rig.call(read(100), &[]);
        assert_eq!((completion.result, &completion.data[..]), (Ok(5), &b"hello"[..]));
        let (at, ack) = rig.emitted(Span::millis(100));
        assert_eq!((ack.flags, ack.ack), (ACK, 6));
        assert!(at >= sent);
        let write = Syscall::Write { fd: S, count: 3, lie: None };
        assert_eq!(rig.call_with(write, b"abc", &[]).result, Ok(3));
        let (_, segment) = rig.emitted(Span::millis(10));
        assert_eq!((segment.seq, &segment.payload[..]), (next, &b"abc"[..]));
        let left = rig.target.finish().unwrap();
        assert!(left.iter().any(is_reset), "{left:?}");
    }
}

fn is_reset(observation: &Observation) -> bool {
    match observation {
        Observation::Emitted { packet, .. } => {
            linux_support::Segment::parse(packet).is_some_and(|segment| segment.flags & RST != 0)
        }
        _ => false,
    }
}

#[test]
fn a_connect_blocks_and_is_refused() {
    let Some(factory) = factory() else { return };
    for ip in ALL {
        let mut rig = Rig::open(factory, ip);
        rig.socket(1);
        let addr = rig.for_call(rig.remote());
        let made = rig.start(MAIN, Syscall::Connect { fd: S, addr, lie: None }, &[], &[]);
        let (at, syn) = rig.emitted(Span::millis(10));
        assert_eq!(syn.flags & SYN, SYN);
        assert!(at >= made && (at - made).0 < 2_000_000, "{}", at - made);
        rig.silent(Span::millis(20));
        let mut refusal = rig.segment(RST | ACK, 0, syn.seq.wrapping_add(1));
        refusal.to = syn.from;
        let injected = rig.inject(&refusal);
        let (at, completion) = rig.returned(Span::millis(10));
        assert_eq!(completion.result, Err(errno("ECONNREFUSED")));
        assert!(at >= injected && (at - injected).0 < 3_000_000, "{}", at - injected);
        rig.target.finish().unwrap();
    }
}

#[test]
fn a_blocked_read_is_released_by_data_before_the_next_step() {
    let Some(factory) = factory() else { return };
    let mut rig = Rig::open(factory, IpVersion::V4);
    let next = rig.accepted();
    rig.start(OTHER, read(100), &[], &[]);
    rig.silent(Span::millis(5));
    let mut data = rig.segment(PSH | ACK, 1, next);
    data.payload = vec![7; 10];
    let injected = rig.inject(&data);
    // Released by the first segment, not by both: its thread is waited for.
    data.seq = 11;
    rig.inject(&data);
    let (at, completion) = rig.returned(Span::millis(10));
    assert_eq!(completion.result, Ok(10));
    assert!((at - injected).0 < 3_000_000, "{}", at - injected);
    rig.target.finish().unwrap();
}

#[test]
fn a_write_after_a_reset_raises_a_signal() {
    let Some(factory) = factory() else { return };
    let mut rig = Rig::open(factory, IpVersion::V4);
    let next = rig.accepted();
    rig.inject(&rig.segment(RST, 1, next));
    let write = || Syscall::Write { fd: S, count: 1, lie: None };
    assert_eq!(rig.call_with(write(), b"x", &[]).result, Err(errno("ECONNRESET")));
    rig.start(MAIN, write(), b"x", &[]);
    let first = rig.next_relevant(Span::millis(5));
    assert!(
        matches!(first, Some(Observation::Signalled { thread: MAIN, signal: Signal::Pipe, .. })),
        "{first:?}"
    );
    assert_eq!(rig.returned(Span::ZERO).1.result, Err(errno("EPIPE")));
    // MSG_NOSIGNAL
    let send = Syscall::Send { fd: S, count: 1, flags: 0x4000, lie: None };
    rig.start(MAIN, send, b"x", &[]);
    let first = rig.next_relevant(Span::millis(5));
    assert!(matches!(first, Some(Observation::Returned { .. })), "{first:?}");
    rig.target.finish().unwrap();
}

#[test]
fn a_signal_interrupts_a_call_unless_it_restarts() {
    let Some(factory) = factory() else { return };
    let mut rig = Rig::open(factory, IpVersion::V4);
    rig.accepted();
    rig.start(OTHER, read(1), &[], &[]);
    rig.silent(Span::millis(2));
    rig.target.signal(OTHER, Signal::Usr1, true).unwrap();
    rig.silent(Span::millis(2));
    let sent = rig.target.signal(OTHER, Signal::Usr1, false).unwrap();
    let (at, completion) = rig.returned(Span::millis(5));
    assert_eq!(completion.result, Err(errno("EINTR")));
    assert!((at - sent).0 < 2_000_000, "{}", at - sent);
    rig.target.finish().unwrap();
}

#[test]
fn states_without_descriptor_can_be_seen() {
    let Some(factory) = factory() else { return };
    for ip in ALL {
        let mut rig = Rig::open(factory, ip);
        assert_eq!(state(&mut rig), 7, "nothing there");
        let next = rig.accepted();
        rig.remote_port = 7_000;
        assert_eq!(state(&mut rig), 7, "the listener is not a connection");
        rig.remote_port = linux_support::PORT;
        assert_eq!(rig.call(Syscall::Shutdown { fd: S, how: 1 }, &[]).result, Ok(0));
        let (_, fin) = rig.emitted(Span::millis(5));
        assert_eq!(fin.flags, FIN | ACK);
        assert_eq!(state(&mut rig), 4, "FIN_WAIT1");
        rig.inject(&rig.segment(ACK, 1, next + 1));
        assert_eq!(state(&mut rig), 5, "FIN_WAIT2");
        rig.inject(&rig.segment(FIN | ACK, 1, next + 1));
        assert_eq!(state(&mut rig), 6, "TIME_WAIT");
        rig.emitted(Span::millis(5));
        // The next one gets as far as SYN_RECV.
        rig.remote_port = 9_000;
        rig.inject(&rig.segment(SYN, 0, 0));
        assert_eq!(state(&mut rig), 3, "SYN_RECV");
        rig.target.finish().unwrap();
    }
}

#[test]
fn retransmissions_come_when_their_timer_says() {
    let Some(factory) = factory() else { return };
    let Timing::Real(_) = factory.info().timing else {
        panic!("a real clock");
    };
    let timing = factory.info().timing;
    let mut rig = Rig::open(factory, IpVersion::V4);
    rig.accepted();
    let write = Syscall::Write { fd: S, count: 1, lie: None };
    assert_eq!(rig.call_with(write, b"x", &[]).result, Ok(1));
    let (mut last, _) = rig.emitted(Span::millis(5));
    for nominal in [Span::millis(200), Span::millis(400), Span::millis(800)] {
        let (at, _) = rig.emitted(nominal + nominal);
        let late = (at - last) - nominal;
        assert!(late >= -timing.early() && late <= timing.late(nominal), "{late} after {nominal}");
        last = at;
    }
    rig.target.finish().unwrap();
}

#[test]
fn silence_ends_on_time() {
    let Some(factory) = factory() else { return };
    let mut rig = Rig::open(factory, IpVersion::V4);
    rig.silent(Span::millis(1_500));
    for millis in [1, 5, 20] {
        let until = rig.target.now() + Span::millis(millis);
        assert_eq!(rig.target.advance(until).unwrap(), None);
        let late = rig.target.now() - until;
        assert!((0..3_000_000).contains(&late.0), "{late}");
    }
    assert_eq!(rig.target.advance(Timestamp::START).unwrap(), None);
    rig.target.finish().unwrap();
}

#[test]
fn options_are_set_and_read() {
    let Some(factory) = factory() else { return };
    let mut rig = Rig::open(factory, IpVersion::V4);
    rig.accepted();
    let (socket, tcp) = (1, 6);
    let set = |level, name, value| Syscall::Setsockopt { fd: S, level, name, value, lie: None };
    let get = |level, name| Syscall::Getsockopt { fd: S, level, name, raw: false, lie: None };
    let linger = OptionValue::Linger { on: 1, seconds: 3 };
    assert_eq!(rig.call(set(socket, 13, linger), &[]).result, Ok(0));
    let fields = [("l_onoff", 1), ("l_linger", 3)].map(|(name, n)| (name.to_owned(), Value::Int(n)));
    assert_eq!(rig.call(get(socket, 13), &[]).given, Some(Value::Map(BTreeMap::from(fields))));
    let time = OptionValue::Time(Span::millis(100));
    assert_eq!(rig.call(set(socket, 20, time), &[]).result, Ok(0));
    assert_eq!(rig.call(get(socket, 20), &[]).given, Some(Value::Time(Span::millis(100))));
    assert_eq!(rig.call(get(socket, 4), &[]).given, Some(Value::Int(0)), "SO_ERROR");
    assert_eq!(rig.call(get(tcp, 13), &[]).given, Some(Value::Bytes(b"reno".to_vec())));
    let Some(Value::Map(info)) = rig.call(get(tcp, 11), &[]).given else {
        panic!("TCP_INFO is a map");
    };
    assert_eq!(info["tcpi_state"], Value::Int(1));
    assert_eq!(info["tcpi_snd_mss"], Value::Int(1_000));
    assert!(matches!(info["tcpi_rto"], Value::Time(_)));
    let cwnd = Inspection::Descriptor(S, "tcpi_snd_cwnd".to_owned());
    assert_eq!(rig.target.inspect(&cwnd), Ok(Value::Int(10)));
    // A receive timeout, and a read that lies.
    let made = rig.start(MAIN, read(1), &[], &[]);
    let (at, completion) = rig.returned(Span::millis(120));
    assert_eq!(completion.result, Err(errno("EAGAIN")));
    assert!((99_000_000..115_000_000).contains(&(at - made).0), "{}", at - made);
    let lie = Some(Lie::Length(2));
    let value = OptionValue::Int(1);
    let short = Syscall::Setsockopt { fd: S, level: tcp, name: 1, value, lie };
    assert_eq!(rig.call(short, &[]).result, Err(errno("EINVAL")));
    rig.target.finish().unwrap();
}

#[test]
fn readiness_is_told_by_name() {
    let Some(factory) = factory() else { return };
    let mut rig = Rig::open(factory, IpVersion::V4);
    let next = rig.accepted();
    let poll = |timeout| Syscall::Poll {
        fds: vec![PollFd { fd: L, events: 1 }, PollFd { fd: S, events: 1 }],
        timeout,
    };
    let quiet = rig.call(poll(Some(Span::ZERO)), &[]);
    assert_eq!((quiet.result, quiet.given), (Ok(0), Some(Value::List(Vec::new()))));
    assert!(rig.call(Syscall::EpollCreate { size: 1 }, &[5]).result.is_ok());
    let ep = DescriptorId(5);
    let add = Syscall::EpollCtl { ep, operation: 1, fd: S, events: 1, data: EventData::Descriptor(S) };
    assert_eq!(rig.call(add, &[]).result, Ok(0));
    rig.start(OTHER, Syscall::EpollWait { ep, max: 8, timeout: None }, &[], &[]);
    rig.start(MAIN, poll(None), &[], &[]);
    rig.silent(Span::millis(2));
    let mut data = rig.segment(PSH | ACK, 1, next);
    data.payload = vec![1];
    rig.inject(&data);
    let event = |name: &str, bits| {
        let fields = [("fd".to_owned(), Value::Descriptor(S)), (name.to_owned(), Value::Int(bits))];
        Some(Value::List(vec![Value::Map(BTreeMap::from(fields))]))
    };
    let given = [rig.returned(Span::millis(5)).1.given, rig.returned(Span::millis(5)).1.given];
    assert!(given.contains(&event("revents", 1)), "{given:?}");
    assert!(given.contains(&event("events", 1)), "{given:?}");
    let select =
        Syscall::Select { read: vec![L, S], write: vec![S], except: vec![], timeout: Some(Span::ZERO) };
    let Some(Value::Map(sets)) = rig.call(select, &[]).given else {
        panic!("select gives a map");
    };
    assert_eq!(sets["read"], Value::List(vec![Value::Descriptor(S)]));
    assert_eq!(sets["write"], Value::List(vec![Value::Descriptor(S)]));
    let count = Inspection::Descriptor(S, "unread".to_owned());
    assert_eq!(rig.target.inspect(&count), Ok(Value::Int(1)));
    rig.target.finish().unwrap();
}

#[test]
fn a_closed_name_stays_closed() {
    let Some(factory) = factory() else { return };
    let mut rig = Rig::open(factory, IpVersion::V4);
    rig.socket(1);
    assert_eq!(rig.call(Syscall::Close { fd: S }, &[]).result, Ok(0));
    rig.socket(2);
    for call in [Syscall::Close { fd: S }, read(1), Syscall::Getsockname { fd: S }] {
        let name = call.name();
        assert_eq!(rig.call(call, &[]).result, Err(errno("EBADF")), "{name}");
    }
    rig.target.finish().unwrap();
}

#[test]
fn settings_are_made_or_missing() {
    let Some(factory) = factory() else { return };
    let setting =
        |name: &str, value: &str| Setting { name: name.to_owned(), value: value.to_owned(), optional: false };
    let open = |setting: Setting| {
        let mut world = world(IpVersion::V4);
        world.settings.push(setting);
        factory.open(&world).map(drop)
    };
    assert_eq!(open(setting("net.ipv4.tcp_sack", "0")), Ok(()));
    for name in ["net.ipv4.tcp_nothing", "net.ipv4.tcp_mem", "net.core.rmem_max", "kernel.hostname"] {
        assert_eq!(open(setting(name, "1 2 3")), Err(TargetError::Missing(name.to_owned())));
    }
    // One that namespaces may not have by default, made by socket.
    let mut world = world(IpVersion::V4);
    world.settings.push(setting("net.ipv4.tcp_congestion_control", "cubic"));
    let mut rig = Rig::with(factory, world);
    rig.accepted();
    let get = Syscall::Getsockopt { fd: S, level: 6, name: 13, raw: false, lie: None };
    assert_eq!(rig.call(get, &[]).given, Some(Value::Bytes(b"cubic".to_vec())));
    rig.target.configure(&setting("net.ipv4.tcp_retries2", "3")).unwrap();
    rig.target.finish().unwrap();
}

#[test]
fn the_first_sequence_number_can_be_chosen() {
    let Some(factory) = factory() else { return };
    for ip in ALL {
        let mut world = world(ip);
        let remote = std::net::SocketAddr::new(tcpdrill::case::Addresses(ip).remote(1), 8080);
        world.flows.push(Flow {
            name: "main".to_owned(),
            local: None,
            remote,
            isn: 0,
            local_isn: Some(0xffff_fff0),
        });
        let mut rig = Rig::with(factory, world);
        rig.socket(1);
        let addr = rig.for_call(remote);
        rig.start(MAIN, Syscall::Connect { fd: S, addr, lie: None }, &[], &[]);
        assert_eq!(rig.emitted(Span::millis(5)).1.seq, 0xffff_fff0);
        rig.target.finish().unwrap();
    }
}

#[test]
fn a_device_with_offload_shows_large_segments_with_good_checksums() {
    let Some(factory) = factory() else { return };
    for (ip, offload, largest) in [
        (IpVersion::V4, Offload::None, 1_000..=1_000),
        (IpVersion::V4, Offload::Tso, 1_001..=10_000),
        (IpVersion::V6, Offload::Tso, 1_001..=10_000),
    ] {
        let mut world = world(ip);
        world.link.offload = offload;
        let mut rig = Rig::with(factory, world);
        rig.accepted();
        let write = Syscall::Write { fd: S, count: 10_000, lie: None };
        assert_eq!(rig.call_with(write, &[7; 10_000], &[]).result, Ok(10_000));
        let mut sizes = Vec::new();
        while sizes.iter().sum::<usize>() < 10_000 {
            sizes.push(rig.emitted(Span::millis(5)).1.payload.len());
        }
        assert!(sizes.iter().max().is_some_and(|most| largest.contains(most)), "{sizes:?}");
        rig.target.finish().unwrap();
    }
}

#[test]
fn counters_count() {
    let Some(factory) = factory() else { return };
    let mut rig = Rig::open(factory, IpVersion::V4);
    rig.accepted();
    let counter = |name: &str| Inspection::Counter(name.to_owned());
    assert_eq!(rig.target.inspect(&counter("TcpPassiveOpens")), Ok(Value::Int(1)));
    assert_eq!(rig.target.inspect(&counter("TcpExtListenOverflows")), Ok(Value::Int(0)));
    assert!(matches!(rig.target.inspect(&counter("TcpExtNothing")), Err(TargetError::Missing(_))));
    rig.target.finish().unwrap();
}

#[test]
fn malformed_packets_arrive_and_do_no_harm() {
    let Some(factory) = factory() else { return };
    let mut rig = Rig::open(factory, IpVersion::V4);
    rig.listener();
    let syn = rig.segment(SYN, 0, 0).build();
    let mut version = syn.clone();
    version[0] = 0x55;
    for packet in [&[][..], &[0x45], &syn[..30], &version, &[0; 1500]] {
        rig.target.inject(packet).unwrap();
    }
    rig.silent(Span::millis(2));
    let what = Inspection::Counter("IpInHdrErrors".to_owned());
    let errors = rig.target.inspect(&what).unwrap();
    assert!(matches!(errors, Value::Int(2..)), "{errors:?}");
    rig.target.finish().unwrap();
}
