//! What tests of the Linux target share: targets, calls, and packets made by hand.

#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "each test file uses a part of this"
)]

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;

use tcpdrill::case::{Addresses, DescriptorId, IpVersion, Link, Submission, Syscall, ThreadId};
use tcpdrill::target::linux::LinuxFactory;
use tcpdrill::target::{Completion, Observation, Target, TargetFactory, World};
use tcpdrill::time::{Span, Timestamp};

pub(crate) const FIN: u8 = 0x01;
pub(crate) const SYN: u8 = 0x02;
pub(crate) const RST: u8 = 0x04;
pub(crate) const PSH: u8 = 0x08;
pub(crate) const ACK: u8 = 0x10;

pub(crate) const MAIN: ThreadId = ThreadId(0);
pub(crate) const OTHER: ThreadId = ThreadId(1);
pub(crate) const PORT: u16 = 8080;

/// The factory, or `None` with the reason printed where this machine cannot run it.
pub(crate) fn factory() -> Option<&'static LinuxFactory> {
    static FACTORY: OnceLock<Option<LinuxFactory>> = OnceLock::new();
    FACTORY
        .get_or_init(|| LinuxFactory::new().inspect_err(|error| eprintln!("skipped: {error}")).ok())
        .as_ref()
}

pub(crate) fn world(ip: IpVersion) -> World {
    World {
        ip,
        link: Link::default(),
        settings: Vec::new(),
        flows: Vec::new(),
        threads: 2,
        prompt: false,
        seed: 1,
    }
}

/// A TCP segment as a test sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) flags: u8,
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) window: u16,
    pub(crate) options: Vec<u8>,
    pub(crate) payload: Vec<u8>,
}

impl Segment {
    pub(crate) fn parse(packet: &[u8]) -> Option<Self> {
        let (src, dst, tcp): (IpAddr, IpAddr, &[u8]) = match packet[0] >> 4 {
            4 => {
                let header = usize::from(packet[0] & 15) * 4;
                let total = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
                assert_eq!(total, packet.len());
                assert_eq!(checksum(0, &packet[..header]), 0, "IP checksum");
                (packet[9] == 6).then_some(())?;
                (
                    <[u8; 4]>::try_from(&packet[12..16]).unwrap().into(),
                    <[u8; 4]>::try_from(&packet[16..20]).unwrap().into(),
                    &packet[header..],
                )
            }
            _ => {
                (packet[6] == 6).then_some(())?;
                (
                    <[u8; 16]>::try_from(&packet[8..24]).unwrap().into(),
                    <[u8; 16]>::try_from(&packet[24..40]).unwrap().into(),
                    &packet[40..],
                )
            }
        };
        assert_eq!(checksum(pseudo(src, dst, tcp.len()), tcp), 0, "TCP checksum");
        let word = |at: usize| u32::from_be_bytes(tcp[at..at + 4].try_into().unwrap());
        let half = |at: usize| u16::from_be_bytes([tcp[at], tcp[at + 1]]);
        let header = usize::from(tcp[12] >> 4) * 4;
        Some(Self {
            from: SocketAddr::new(src, half(0)),
            to: SocketAddr::new(dst, half(2)),
            flags: tcp[13],
            seq: word(4),
            ack: word(8),
            window: half(14),
            options: tcp[20..header].to_vec(),
            payload: tcp[header..].to_vec(),
        })
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        assert_eq!(self.options.len() % 4, 0);
        let mut tcp = Vec::new();
        tcp.extend(self.from.port().to_be_bytes());
        tcp.extend(self.to.port().to_be_bytes());
        tcp.extend(self.seq.to_be_bytes());
        tcp.extend(self.ack.to_be_bytes());
        tcp.extend([((20 + self.options.len()) as u8 / 4) << 4, self.flags]);
        tcp.extend(self.window.to_be_bytes());
        tcp.extend([0; 4]);
        tcp.extend(&self.options);
        tcp.extend(&self.payload);
        let sum = checksum(pseudo(self.from.ip(), self.to.ip(), tcp.len()), &tcp);
        tcp[16..18].copy_from_slice(&sum.to_be_bytes());
        let mut packet = match (self.from.ip(), self.to.ip()) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                let mut ip = vec![0x45, 0];
                ip.extend(((20 + tcp.len()) as u16).to_be_bytes());
                ip.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
                ip.extend(src.octets());
                ip.extend(dst.octets());
                let sum = checksum(0, &ip);
                ip[10..12].copy_from_slice(&sum.to_be_bytes());
                ip
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                let mut ip = vec![0x60, 0, 0, 0];
                ip.extend((tcp.len() as u16).to_be_bytes());
                ip.extend([6, 64]);
                ip.extend(src.octets());
                ip.extend(dst.octets());
                ip
            }
            _ => panic!("one family"),
        };
        packet.extend(tcp);
        packet
    }
}

fn pseudo(src: IpAddr, dst: IpAddr, length: usize) -> u32 {
    let bytes = |ip: IpAddr| match ip {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    let ends = [bytes(src), bytes(dst)].concat();
    u32::from(!checksum(0, &ends)) + 6 + length as u32
}

fn checksum(start: u32, bytes: &[u8]) -> u16 {
    let mut sum = start;
    for pair in bytes.chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// A target with a connection's worth of bookkeeping.
pub(crate) struct Rig {
    pub(crate) target: Box<dyn Target>,
    pub(crate) ip: IpVersion,
    pub(crate) remote_port: u16,
    /// Seen while a result was waited for.
    held: VecDeque<Observation>,
    /// How long a call that does not block may take.
    pub(crate) brief: Span,
}

impl Rig {
    pub(crate) fn open(factory: &LinuxFactory, ip: IpVersion) -> Self {
        Self::with(factory, world(ip))
    }

    pub(crate) fn with(factory: &LinuxFactory, world: World) -> Self {
        let ip = world.ip;
        Self {
            target: factory.open(&world).unwrap(),
            ip,
            remote_port: PORT,
            held: VecDeque::new(),
            brief: Span::millis(20),
        }
    }

    pub(crate) fn local(&self) -> SocketAddr {
        SocketAddr::new(Addresses(self.ip).local(1), PORT)
    }

    pub(crate) fn remote(&self) -> SocketAddr {
        SocketAddr::new(Addresses(self.ip).remote(1), self.remote_port)
    }

    pub(crate) fn for_call(&self, address: SocketAddr) -> SocketAddr {
        SocketAddr::new(Addresses(self.ip).for_call(address.ip()), address.port())
    }

    /// Submits without waiting for the result.
    pub(crate) fn start(
        &mut self,
        thread: ThreadId,
        call: Syscall,
        data: &[u8],
        binds: &[usize],
    ) -> Timestamp {
        self.target
            .submit(&Submission {
                thread,
                call,
                data: data.into(),
                binds: binds.iter().map(|n| DescriptorId(*n)).collect(),
            })
            .unwrap()
    }

    /// Makes a call that must return at once.
    pub(crate) fn call(&mut self, call: Syscall, binds: &[usize]) -> Completion {
        self.call_with(call, &[], binds)
    }

    pub(crate) fn call_with(&mut self, call: Syscall, data: &[u8], binds: &[usize]) -> Completion {
        let made = self.start(MAIN, call, data, binds);
        let (at, completion) = self.returned(self.brief);
        assert!(at >= made, "returned before it was made");
        assert!(at - made < self.brief, "blocked");
        completion
    }

    /// Passes over everything that is no TCP segment: multicast listener reports.
    pub(crate) fn next_relevant(&mut self, patience: Span) -> Option<Observation> {
        let until = self.target.now() + patience;
        loop {
            let next = self.held.pop_front();
            match next.or_else(|| self.target.advance(until).unwrap()) {
                Some(Observation::Emitted { packet, .. }) if Segment::parse(&packet).is_none() => {}
                other => return other,
            }
        }
    }

    pub(crate) fn returned(&mut self, patience: Span) -> (Timestamp, Completion) {
        // A result that is there already needs the moment in which observations settle.
        let until = self.target.now() + patience + Span::millis(1);
        loop {
            match self.target.advance(until).unwrap() {
                Some(Observation::Returned { at, completion, .. }) => return (at, completion),
                Some(other) => self.held.push_back(other),
                None => panic!("no call returned, but {:?}", self.held),
            }
        }
    }

    pub(crate) fn emitted(&mut self, patience: Span) -> (Timestamp, Segment) {
        match self.next_relevant(patience) {
            Some(Observation::Emitted { at, packet }) => (at, Segment::parse(&packet).unwrap()),
            other => panic!("no segment but {other:?}"),
        }
    }

    /// That nothing happens.
    pub(crate) fn silent(&mut self, span: Span) {
        assert_eq!(self.next_relevant(span), None);
    }

    /// A segment from the peer, without options or data.
    pub(crate) fn segment(&self, flags: u8, seq: u32, ack: u32) -> Segment {
        Segment {
            from: self.remote(),
            to: self.local(),
            flags,
            seq,
            ack,
            window: 65_535,
            options: Vec::new(),
            payload: Vec::new(),
        }
    }

    pub(crate) fn inject(&mut self, segment: &Segment) -> Timestamp {
        self.target.inject(&segment.build()).unwrap()
    }

    pub(crate) fn socket(&mut self, name: usize) {
        let domain = self.ip.af();
        let call = Syscall::Socket { domain, kind: 1, protocol: 0 };
        assert!(self.call(call, &[name]).result.is_ok());
    }

    /// A listener on port 8080 as descriptor 0.
    pub(crate) fn listener(&mut self) {
        self.socket(0);
        let fd = DescriptorId(0);
        let any = SocketAddr::new(Addresses(self.ip).any(), PORT);
        let bind = Syscall::Bind { fd, addr: any, lie: None };
        assert_eq!(self.call(bind, &[]).result, Ok(0));
        assert_eq!(self.call(Syscall::Listen { fd, backlog: 5 }, &[]).result, Ok(0));
    }

    /// A connection accepted as descriptor 1. The peer's next number is 1; gives the target's.
    pub(crate) fn accepted(&mut self) -> u32 {
        self.listener();
        let mut syn = self.segment(SYN, 0, 0);
        syn.options = vec![2, 4, 1000_u16.to_be_bytes()[0], 1000_u16.to_be_bytes()[1]];
        self.inject(&syn);
        let (_, answer) = self.emitted(Span::seconds(1) + self.brief);
        assert_eq!((answer.flags, answer.ack), (SYN | ACK, 1));
        let next = answer.seq.wrapping_add(1);
        self.inject(&self.segment(ACK, 1, next));
        let accepted = self.call(Syscall::Accept { fd: DescriptorId(0) }, &[1]);
        assert!(accepted.result.is_ok());
        let peer = self.for_call(self.remote());
        assert_eq!(accepted.given, Some(tcpdrill::case::Value::Address(peer)));
        next
    }
}
