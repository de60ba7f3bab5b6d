//! A peer on a virtual clock, for tests told as short stories.
#![allow(clippy::allow_attributes, reason = "no expectation holds in every test file")]
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use stack_under_test::syscall::constants::{AF_INET, AF_INET6, MSG_DONTWAIT, SOCK_STREAM};
use stack_under_test::{
    Config, Errno, Failure, Fd, Input, Instant, Output, Reply, Signal, Stack, StateChange, Syscall, TcpState,
    ThreadId,
};

pub const MAIN: ThreadId = ThreadId(0);
pub const OTHER: ThreadId = ThreadId(1);

/// A segment as text compares it: flags, range, ack; the rest on demand.
#[derive(Clone, Debug)]
pub struct Seen {
    pub text: String,
    pub win: u16,
    pub options: String,
    pub payload: Vec<u8>,
    pub bytes: Vec<u8>,
}

pub struct World {
    pub stack: Stack,
    pub now: Instant,
    pub local: SocketAddr,
    pub remote: SocketAddr,
    pub isn: u32,
    pub target_isn: Option<u32>,
    /// What the stack acknowledged last.
    pub next_expected: u32,
    pub sent: VecDeque<(u64, Seen)>,
    pub returned: VecDeque<(u64, ThreadId, Result<Reply, Failure>)>,
    pub signals: Vec<Signal>,
    changes: Vec<StateChange>,
    states: BTreeMap<(SocketAddr, SocketAddr), TcpState>,
}

fn sum(parts: &[&[u8]]) -> u16 {
    let bytes: Vec<u8> = parts.concat();
    let mut sum = 0u32;
    for word in bytes.chunks(2) {
        sum += (u32::from(word[0]) << 8) | u32::from(*word.get(1).unwrap_or(&0));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// An address as a call is given it.
pub fn address(text: &str) -> Input {
    text.parse::<SocketAddr>().expect("address").into()
}

/// `P. 1:11(10) ack 1 win 5` -> flags, seq, len, ack, win
struct Line {
    flags: u8,
    seq: u32,
    len: usize,
    ack: Option<u32>,
    win: u16,
}

fn parse_line(text: &str) -> Line {
    let mut words = text.split_whitespace();
    let mut flags = 0;
    for letter in words.next().expect("flags").chars() {
        flags |= match letter {
            'F' => 1,
            'S' => 2,
            'R' => 4,
            'P' => 8,
            '.' => 16,
            'E' => 64,
            'W' => 128,
            '-' => 0,
            other => panic!("flag {other}"),
        };
    }
    let range = words.next().expect("range");
    let (start, rest) = range.split_once(':').expect("start");
    let (_, len) = rest.trim_end_matches(')').split_once('(').expect("length");
    let mut line = Line {
        flags,
        seq: start.parse().expect("seq"),
        len: len.parse().expect("len"),
        ack: None,
        win: 65535,
    };
    while let Some(word) = words.next() {
        let value = words.next().expect("value");
        match word {
            "ack" => line.ack = Some(value.parse().expect("ack")),
            "win" => line.win = value.parse().expect("win"),
            other => panic!("word {other}"),
        }
    }
    line
}

impl World {
    pub fn new() -> Self {
        Self::with(Config::default())
    }

    pub fn with(config: Config) -> Self {
        let mut stack = Stack::new(config, 7);
        stack.keep_state_changes();
        Self {
            stack,
            changes: Vec::new(),
            states: BTreeMap::new(),
            now: Instant::ZERO,
            local: "192.168.0.1:8080".parse().expect("address"),
            remote: "192.0.2.1:8080".parse().expect("address"),
            isn: 0,
            target_isn: None,
            next_expected: 1,
            sent: VecDeque::new(),
            returned: VecDeque::new(),
            signals: Vec::new(),
        }
    }

    pub fn v6() -> Self {
        let mut world = Self::new();
        world.local = "[fd3d:a0b:17d6::1]:8080".parse().expect("address");
        world.remote = "[fd3d:fa7b:d17d::1]:8080".parse().expect("address");
        world
    }

    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.stack.set(name, value).expect("setting");
        self
    }

    fn millis(&self) -> u64 {
        self.now.as_millis()
    }

    pub fn drain(&mut self) {
        self.drain_state_changes();
        let mut count = 0;
        while let Some(output) = self.stack.poll_output() {
            count += 1;
            assert!(count < 10_000, "the stack never falls silent");
            match output {
                Output::Transmit(packet) => {
                    let seen = self.decode(packet);
                    self.sent.push_back((self.millis(), seen));
                }
                Output::Return { thread, result } => {
                    self.returned.push_back((self.millis(), thread, result));
                }
                Output::Signal { signal, .. } => self.signals.push(signal),
            }
        }
    }

    /// Each change of state must begin where the one before it ended, and the last one must end where a connection is.
    fn drain_state_changes(&mut self) {
        let rests = |state| matches!(state, TcpState::Closed | TcpState::Listen);
        while let Some(change) = self.stack.poll_state_change() {
            if let Some(ends) = change.ends {
                let before = self.states.remove(&ends).unwrap_or(TcpState::Closed);
                assert!(before == change.from || rests(before) && rests(change.from), "{before} {change:?}");
                if !rests(change.to) {
                    self.states.insert(ends, change.to);
                }
            }
            self.changes.push(change);
        }
        for ((local, remote), state) in &self.states {
            assert_eq!(self.stack.tcp_state(*local, *remote), *state, "{local} {remote}");
        }
        if !self.states.contains_key(&(self.local, self.remote)) {
            assert_eq!(self.state(), TcpState::Closed, "{:?}", self.changes);
        }
    }

    /// The changes of state so far: from, to, why.
    pub fn changes(&self) -> String {
        let text = |change: &StateChange| format!("{} {} {:?}", change.from, change.to, change.cause);
        self.changes.iter().map(text).collect::<Vec<_>>().join(", ")
    }

    /// Lets time pass, firing the timers on the way.
    pub fn wait(&mut self, millis: u64) {
        let until = self.now + Duration::from_millis(millis);
        for _ in 0..100_000 {
            match self.stack.poll_timeout() {
                Some(due) if due <= until => {
                    self.now = self.now.max(due);
                    self.stack.handle_timeout(self.now);
                    self.drain();
                }
                _ => {
                    self.now = until;
                    return;
                }
            }
        }
        panic!("timers without end");
    }

    pub fn start(&mut self, thread: ThreadId, call: Syscall) {
        self.stack.submit(self.now, thread, call).expect("a free thread");
        self.drain();
    }

    /// Makes a call that must return at once.
    pub fn call(&mut self, call: Syscall) -> Result<Reply, Failure> {
        self.start(MAIN, call.clone());
        match self.returned.pop_back() {
            Some((_, MAIN, result)) => result,
            other => panic!("{call:?} did not return: {other:?}"),
        }
    }

    pub fn value(&mut self, call: Syscall) -> i64 {
        match self.call(call.clone()) {
            Ok(Reply::Value(value)) => value,
            other => panic!("{call:?}: {other:?}"),
        }
    }

    pub fn errno(&mut self, call: Syscall) -> Errno {
        match self.call(call.clone()) {
            Err(Failure::Errno(errno)) => errno,
            other => panic!("{call:?}: {other:?}"),
        }
    }

    pub fn returns(&mut self) -> (u64, Result<Reply, Failure>) {
        let (at, _, result) = self.returned.pop_front().expect("a call returns");
        (at, result)
    }

    pub fn inject(&mut self, text: &str) {
        self.inject_with(text, &[]);
    }

    pub fn inject_with(&mut self, text: &str, options: &[u8]) {
        let line = parse_line(text);
        let ack = line.ack.map_or(0, |ack| ack.wrapping_add(self.target_isn.unwrap_or(0)));
        let seq = line.seq.wrapping_add(self.isn);
        let payload: Vec<u8> = (0..line.len).map(|n| (line.seq as usize + n) as u8).collect();
        let packet = packet(self.remote, self.local, seq, ack, line.flags, line.win, options, &payload);
        self.raw(&packet);
    }

    pub fn raw(&mut self, packet: &[u8]) {
        self.stack.handle_packet(self.now, packet);
        self.drain();
    }

    fn decode(&mut self, packet: Vec<u8>) -> Seen {
        let v4 = packet[0] >> 4 == 4;
        let (source, destination, start) =
            if v4 { (&packet[12..16], &packet[16..20], 20) } else { (&packet[8..24], &packet[24..40], 40) };
        let tcp = &packet[start..];
        let length = (tcp.len() as u32).to_be_bytes();
        if !matches!((v4, packet[9], packet[6]), (true, 6, _) | (false, _, 6)) {
            return decode_icmp(v4, &packet);
        }
        assert_eq!(sum(&[source, destination, &length, &[0, 6], tcp]), 0, "checksum");
        if v4 {
            assert_eq!(sum(&[&packet[..20]]), 0, "IP checksum");
            assert_eq!(usize::from(u16::from_be_bytes([packet[2], packet[3]])), packet.len());
        } else {
            assert_eq!(usize::from(u16::from_be_bytes([packet[4], packet[5]])) + 40, packet.len());
        }
        assert!(packet.len() <= 1500, "longer than the link takes");
        let word = |at: usize| u32::from_be_bytes([tcp[at], tcp[at + 1], tcp[at + 2], tcp[at + 3]]);
        let offset = usize::from(tcp[12] >> 4) * 4;
        let flags = tcp[13];
        if flags & 2 != 0 {
            self.target_isn = Some(word(4));
            self.local.set_port(u16::from_be_bytes([tcp[0], tcp[1]]));
        }
        let letters: String = [(1, 'F'), (2, 'S'), (4, 'R'), (8, 'P'), (16, '.'), (64, 'E'), (128, 'W')]
            .iter()
            .filter_map(|(bit, letter)| (flags & bit != 0).then_some(*letter))
            .collect();
        let seq = word(4).wrapping_sub(self.target_isn.unwrap_or(0));
        if flags & 16 != 0 {
            self.next_expected = word(8);
        }
        let len = (tcp.len() - offset) as u32;
        let ack =
            if flags & 16 != 0 { format!(" ack {}", word(8).wrapping_sub(self.isn)) } else { String::new() };
        Seen {
            text: format!("{letters} {seq}:{}({len}){ack}", seq.wrapping_add(len)),
            win: u16::from_be_bytes([tcp[14], tcp[15]]),
            options: tcp[20..offset].iter().map(|byte| format!("{byte:02x}")).collect(),
            payload: tcp[offset..].to_vec(),
            bytes: packet.clone(),
        }
    }

    /// The next segment must be this one; returns when it left, in milliseconds.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> (u64, Seen) {
        let Some((at, seen)) = self.sent.pop_front() else { panic!("nothing came instead of {text}") };
        assert_eq!(seen.text, text, "at {at} ms");
        (at, seen)
    }

    #[track_caller]
    pub fn expect_at(&mut self, at: u64, text: &str) -> Seen {
        let (came, seen) = self.expect(text);
        assert_eq!(came, at, "time of {text}");
        seen
    }

    #[track_caller]
    pub fn silent(&mut self, millis: u64) {
        self.quiet();
        self.wait(millis);
        self.quiet();
    }

    #[track_caller]
    pub fn quiet(&self) {
        assert!(
            self.sent.is_empty(),
            "unexpected: {:?}",
            self.sent.iter().map(|(_, seen)| &seen.text).collect::<Vec<_>>()
        );
    }

    pub fn state(&self) -> TcpState {
        self.stack.tcp_state(self.local, self.remote)
    }

    fn domain(&self) -> i32 {
        if self.local.is_ipv4() { AF_INET } else { AF_INET6 }
    }

    pub fn socket(&mut self) -> Fd {
        let domain = self.domain();
        Fd(self.value(Syscall::Socket { domain, kind: SOCK_STREAM, protocol: 0 }) as i32)
    }

    pub fn listener(&mut self, backlog: i32) -> Fd {
        let fd = self.socket();
        let any = if self.local.is_ipv4() { "0.0.0.0:8080" } else { "[::]:8080" };
        self.value(Syscall::Bind { fd, addr: address(any) });
        self.value(Syscall::Listen { fd, backlog });
        fd
    }

    pub fn accept(&mut self, fd: Fd) -> Fd {
        match self.call(Syscall::Accept { fd, flags: 0 }) {
            Ok(Reply::Accepted { fd, .. }) => fd,
            other => panic!("accept: {other:?}"),
        }
    }

    /// A connection that the peer opened, with a round-trip time of 10 ms.
    pub fn server(&mut self) -> Fd {
        self.server_with(&[2, 4, 3, 232], 32792)
    }

    /// As [`server`](Self::server), with notification of congestion.
    pub fn ecn_server(&mut self) -> Fd {
        let listener = self.listener(10);
        self.inject_with("SEW 0:0(0) win 32792", &[2, 4, 3, 232]);
        self.expect("S.E 0:0(0) ack 1");
        self.wait(10);
        self.inject(". 1:1(0) ack 1 win 32792");
        self.accept(listener)
    }

    pub fn server_with(&mut self, options: &[u8], win: u16) -> Fd {
        let listener = self.listener(10);
        self.inject_with(&format!("S 0:0(0) win {win}"), options);
        self.expect("S. 0:0(0) ack 1");
        self.wait(10);
        self.inject(&format!(". 1:1(0) ack 1 win {win}"));
        self.accept(listener)
    }

    pub fn write(&mut self, fd: Fd, count: usize) -> Result<Reply, Failure> {
        self.call(Syscall::Write { fd, data: vec![b'x'; count].into() })
    }

    pub fn read_now(&mut self, fd: Fd) -> Result<Reply, Failure> {
        self.call(Syscall::Recv { fd, room: 100_000usize.into(), flags: MSG_DONTWAIT })
    }
}

/// The checksum of a header in which it is zero.
pub fn checksum(bytes: &[u8]) -> [u8; 2] {
    sum(&[bytes]).to_be_bytes()
}

/// An ICMP error as `icmp type code pointer`, what it quotes as its payload.
fn decode_icmp(v4: bool, packet: &[u8]) -> Seen {
    let (protocol, start, most) = if v4 { (packet[9], 20, 576) } else { (packet[6], 40, 1280) };
    assert_eq!(protocol, if v4 { 1 } else { 58 });
    assert!(packet.len() <= most, "longer than an error may be");
    let message = &packet[start..];
    let length = (message.len() as u32).to_be_bytes();
    let check = if v4 { sum(&[message]) } else { sum(&[&packet[8..40], &length, &[0, 58], message]) };
    assert_eq!(check, 0, "checksum");
    Seen {
        text: format!("icmp {} {} {}", message[0], message[1], message[7]),
        win: 0,
        options: String::new(),
        payload: message[8..].to_vec(),
        bytes: packet.to_vec(),
    }
}

/// A part of a packet, as a packet of its own.
pub fn fragment(packet: &[u8], id: u8, (offset, length): (usize, usize), more: bool) -> Vec<u8> {
    let v4 = packet[0] >> 4 == 4;
    let (header, payload) = packet.split_at(if v4 { 20 } else { 40 });
    let piece = &payload[offset.min(payload.len())..(offset + length).min(payload.len())];
    let mut bytes = header.to_vec();
    if v4 {
        bytes[2..4].copy_from_slice(&((20 + piece.len()) as u16).to_be_bytes());
        bytes[5] = id;
        let place = (offset / 8) as u16 | if more { 0x2000 } else { 0 };
        bytes[6..8].copy_from_slice(&place.to_be_bytes());
        bytes[10..12].fill(0);
        let check = sum(&[&bytes]);
        bytes[10..12].copy_from_slice(&check.to_be_bytes());
    } else {
        bytes[4..6].copy_from_slice(&((8 + piece.len()) as u16).to_be_bytes());
        let next = std::mem::replace(&mut bytes[6], 44);
        let place = offset as u16 & !7 | u16::from(more);
        bytes.extend([next, 0]);
        bytes.extend(place.to_be_bytes());
        bytes.extend([0, 0, 0, id]);
    }
    bytes.extend(piece);
    bytes
}

#[expect(clippy::too_many_arguments, reason = "a header has that many fields")]
pub fn packet(
    source: SocketAddr,
    destination: SocketAddr,
    seq: u32,
    ack: u32,
    flags: u8,
    win: u16,
    options: &[u8],
    payload: &[u8],
) -> Vec<u8> {
    let mut tcp = Vec::new();
    tcp.extend(source.port().to_be_bytes());
    tcp.extend(destination.port().to_be_bytes());
    tcp.extend(seq.to_be_bytes());
    tcp.extend(ack.to_be_bytes());
    tcp.extend([(((20 + options.len()) / 4) << 4) as u8, flags]);
    tcp.extend(win.to_be_bytes());
    tcp.extend([0; 4]);
    tcp.extend(options);
    tcp.extend(payload);
    let (from, to) = (octets(source.ip()), octets(destination.ip()));
    let length = (tcp.len() as u32).to_be_bytes();
    let check = sum(&[&from, &to, &length, &[0, 6], &tcp]);
    tcp[16..18].copy_from_slice(&check.to_be_bytes());
    let mut packet = Vec::new();
    if source.is_ipv4() {
        packet.extend([0x45, 0]);
        packet.extend(((20 + tcp.len()) as u16).to_be_bytes());
        packet.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
        packet.extend(from);
        packet.extend(to);
        let check = sum(&[&packet]);
        packet[10..12].copy_from_slice(&check.to_be_bytes());
    } else {
        packet.extend([0x60, 0, 0, 0]);
        packet.extend((tcp.len() as u16).to_be_bytes());
        packet.extend([6, 64]);
        packet.extend(from);
        packet.extend(to);
    }
    packet.extend(tcp);
    packet
}

pub fn data(result: Result<Reply, Failure>) -> usize {
    match result {
        Ok(Reply::Data(data)) => data.len(),
        other => panic!("no data: {other:?}"),
    }
}

pub fn failed(result: Result<Reply, Failure>) -> Errno {
    match result {
        Err(Failure::Errno(errno)) => errno,
        other => panic!("no error: {other:?}"),
    }
}
