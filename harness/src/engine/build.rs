//! From what a case writes to the bytes that are injected.

use std::net::{IpAddr, SocketAddr};

use crate::case::{
    Alt, ChecksumSpec, IcmpSpec, IpSpec, Num, OptionItem, OptionSpec, OptionsSpec, PacketSpec, Payload,
    Quote, TcpSpec, Term, Transport, UdpSpec,
};
use crate::wire;
use crate::wire::notation::Bases;
use crate::wire::pattern::{self, Direction};
use crate::wire::{
    Body, Checksum, Extension, Flags, Fragment, Icmp, Ip, IpLies, IpVersion, Ipv4, Ipv6, Lies, Packet, Tcp,
    TcpOption, build, icmp, protocol,
};

use super::eval::{self, EvalError, Known};

/// The window of an injected segment that writes none.
const DEFAULT_WINDOW: u16 = 65535;

/// What a packet of a flow is built from.
pub(super) struct Frame<'a> {
    pub(super) src: SocketAddr,
    pub(super) dst: SocketAddr,
    /// What its numbers count from.
    pub(super) bases: Bases,
    /// Which stream its payload belongs to.
    pub(super) direction: Direction,
    /// The last packet from the target, for ICMP errors that name none.
    pub(super) last: Option<&'a [u8]>,
    pub(super) known: &'a dyn Known,
}

impl Frame<'_> {
    /// The same connection seen from the other end.
    fn reversed(&self) -> Frame<'_> {
        Frame {
            src: self.dst,
            dst: self.src,
            bases: self.bases.reversed(),
            direction: match self.direction {
                Direction::ToPeer => Direction::FromPeer,
                Direction::FromPeer => Direction::ToPeer,
            },
            last: None,
            known: self.known,
        }
    }
}

/// A segment in a plain packet; ports are filled in. Nothing between ends of different IP versions.
pub(super) fn segment_between(src: SocketAddr, dst: SocketAddr, tcp: Tcp) -> Option<Vec<u8>> {
    let ip = match (src.ip(), dst.ip()) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => Ip::V4(Ipv4::new(src, dst)),
        (IpAddr::V6(src), IpAddr::V6(dst)) => Ip::V6(Ipv6::new(src, dst)),
        _ => return None,
    };
    let body = Body::Tcp(Tcp { sport: src.port(), dport: dst.port(), ..tcp });
    Some(build(&Packet { ip, body }, &Lies::default()).concat())
}

/// The packet, or its fragments.
pub(super) fn packets(spec: &PacketSpec, frame: &Frame<'_>) -> Result<Vec<Vec<u8>>, EvalError> {
    if let Transport::Bytes(bytes) = &spec.transport {
        return Ok(vec![bytes.clone()]);
    }
    let (packet, lies) = assemble(spec, frame)?;
    let prefix = spec.ip.encapsulation.concat();
    let built = build(&packet, &lies);
    Ok(built.into_iter().map(|bytes| [prefix.clone(), bytes].concat()).collect())
}

fn assemble(spec: &PacketSpec, frame: &Frame<'_>) -> Result<(Packet, Lies), EvalError> {
    let mut lies = Lies { truncate: spec.truncate, ..Lies::default() };
    let ip = header(&spec.ip, frame, &mut lies.ip)?;
    let body = match &spec.transport {
        Transport::Tcp(tcp) => {
            lies.checksum = checksum(tcp.checksum);
            lies.data_offset = optional(tcp.data_offset.as_ref(), frame.known)?;
            Body::Tcp(segment(tcp, frame)?)
        }
        Transport::Icmp(icmp) => {
            lies.checksum = checksum(icmp.checksum);
            Body::Icmp(message(icmp, frame)?)
        }
        Transport::Udp(udp) => datagram(udp, &ip, frame)?,
        Transport::Bytes(_) => return Err(EvalError("bytes are a whole packet".to_owned())),
    };
    for piece in &spec.fragments {
        let mut of_piece = IpLies::default();
        let own = if piece.ip == IpSpec::default() {
            None
        } else {
            Some(header(&piece.ip.over(&spec.ip), frame, &mut of_piece)?)
        };
        lies.fragments.push(Fragment {
            offset: piece.offset,
            length: usize::from(piece.length),
            more: piece.more,
            ip: own,
            lies: of_piece,
        });
    }
    Ok((Packet { ip, body }, lies))
}

fn header(spec: &IpSpec, frame: &Frame<'_>, lies: &mut IpLies) -> Result<Ip, EvalError> {
    let known = frame.known;
    let (src, dst) = (spec.src.unwrap_or(frame.src.ip()), spec.dst.unwrap_or(frame.dst.ip()));
    *lies = IpLies {
        version: optional(spec.version.as_ref(), known)?,
        header_length: optional(spec.header_length.as_ref(), known)?,
        total_length: optional(spec.total_length.as_ref(), known)?,
        protocol: optional(spec.protocol.as_ref(), known)?,
        checksum: checksum(spec.checksum.unwrap_or_default()),
    };
    match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let mut ip = Ipv4::new(src, dst);
            set(&mut ip.ttl, spec.ttl.as_ref(), known)?;
            set(&mut ip.dscp, spec.dscp.as_ref(), known)?;
            set(&mut ip.ecn, spec.ecn.as_ref(), known)?;
            set(&mut ip.id, spec.id.as_ref(), known)?;
            set(&mut ip.offset, spec.offset.as_ref(), known)?;
            ip.df = spec.df.unwrap_or(ip.df);
            ip.mf = spec.mf.unwrap_or(ip.mf);
            ip.options = spec.options.clone().unwrap_or_default();
            Ok(Ip::V4(ip))
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            let mut ip = Ipv6::new(src, dst);
            set(&mut ip.hop_limit, spec.ttl.as_ref(), known)?;
            set(&mut ip.dscp, spec.dscp.as_ref(), known)?;
            set(&mut ip.ecn, spec.ecn.as_ref(), known)?;
            set(&mut ip.flow_label, spec.flow_label.as_ref(), known)?;
            for (number, bytes) in &spec.ext {
                ip.ext.push(match *number {
                    protocol::HOP_BY_HOP => Extension::HopByHop(bytes.clone()),
                    protocol::ROUTING => Extension::Routing(bytes.clone()),
                    protocol::DESTINATION => Extension::Destination(bytes.clone()),
                    other => return Err(EvalError(format!("no IPv6 extension header has number {other}"))),
                });
            }
            ip.ext.extend(fragment_header(spec, known)?);
            Ok(Ip::V6(ip))
        }
        _ => Err(EvalError("source and destination are of different IP versions".to_owned())),
    }
}

/// IPv6 has a header of its own for what the IPv4 header says of fragments.
fn fragment_header(spec: &IpSpec, known: &dyn Known) -> Result<Option<Extension>, EvalError> {
    if spec.id.is_none() && spec.offset.is_none() && spec.mf.is_none() {
        return Ok(None);
    }
    let offset = optional(spec.offset.as_ref(), known)?.unwrap_or(0);
    let id = optional(spec.id.as_ref(), known)?.unwrap_or(0);
    Ok(Some(Extension::Fragment { offset, more: spec.mf.unwrap_or(false), id }))
}

fn segment(spec: &TcpSpec, frame: &Frame<'_>) -> Result<Tcp, EvalError> {
    let known = frame.known;
    let bases = frame.bases;
    let mut tcp = Tcp {
        sport: frame.src.port(),
        dport: frame.dst.port(),
        seq: sequence(&spec.seq, bases.seq, known)?,
        ack: spec.ack.as_ref().map_or(Ok(0), |ack| sequence(ack, bases.ack, known))?,
        flags: spec.flags,
        win: DEFAULT_WINDOW,
        options: options(&spec.options, &bases, known)?,
        ..Tcp::default()
    };
    if spec.push == Some(true) {
        tcp.flags |= Flags::PSH;
    }
    set(&mut tcp.sport, spec.sport.as_ref(), known)?;
    set(&mut tcp.dport, spec.dport.as_ref(), known)?;
    set(&mut tcp.win, spec.win.as_ref(), known)?;
    set(&mut tcp.urg, spec.urg.as_ref(), known)?;
    set(&mut tcp.reserved, spec.reserved.as_ref(), known)?;
    let length: u16 = field(&spec.length, known)?;
    let relative = tcp.seq.wrapping_sub(bases.seq);
    tcp.payload =
        payload(&spec.payload, frame.direction, stream_offset(relative, tcp.flags), usize::from(length));
    if tcp.payload.len() != usize::from(length) {
        return Err(EvalError(format!("data has {} bytes, the segment {length}", tcp.payload.len())));
    }
    Ok(tcp)
}

/// The stream offset of a segment's first byte: the byte with relative sequence number 1 is at 0.
pub(super) fn stream_offset(relative_seq: u32, flags: Flags) -> u64 {
    let first = if flags.contains(Flags::SYN) { relative_seq.wrapping_add(1) } else { relative_seq };
    u64::from(first.wrapping_sub(1))
}

/// The bytes a payload stands for.
pub(super) fn payload(spec: &Payload, direction: Direction, offset: u64, length: usize) -> Vec<u8> {
    match spec {
        Payload::Pattern(from) => pattern::fill(direction, from.unwrap_or(offset), length),
        Payload::Bytes(bytes) => bytes.clone(),
        Payload::Zeros | Payload::Any => vec![0; length],
    }
}

/// The options as they stand in a segment.
pub(super) fn options(
    spec: &OptionsSpec,
    bases: &Bases,
    known: &dyn Known,
) -> Result<Vec<TcpOption>, EvalError> {
    match spec {
        OptionsSpec::Unwritten => Ok(Vec::new()),
        OptionsSpec::Raw(bytes) => Ok(vec![TcpOption::Raw(bytes.clone())]),
        OptionsSpec::Exactly(items) | OptionsSpec::Including(items) => {
            items.iter().map(|item| option(item, bases, known)).collect()
        }
    }
}

/// One option as it stands in a segment.
pub(super) fn option(item: &OptionItem, bases: &Bases, known: &dyn Known) -> Result<TcpOption, EvalError> {
    let option = match &item.option {
        OptionSpec::Nop => TcpOption::Nop,
        OptionSpec::Eol => TcpOption::Eol,
        OptionSpec::Mss(mss) => TcpOption::Mss(field(mss, known)?),
        OptionSpec::Wscale(shift) => TcpOption::Wscale(field(shift, known)?),
        OptionSpec::SackOk => TcpOption::SackOk,
        OptionSpec::Sack(blocks) => TcpOption::Sack(
            blocks
                .iter()
                .map(|(left, right)| {
                    Ok((sequence(left, bases.sack, known)?, sequence(right, bases.sack, known)?))
                })
                .collect::<Result<_, EvalError>>()?,
        ),
        OptionSpec::Timestamps { val, ecr } => TcpOption::Ts {
            val: sequence(val, bases.ts_val, known)?,
            ecr: match ecr.known() {
                Some(0) => 0,
                _ => sequence(ecr, bases.ts_ecr, known)?,
            },
        },
        OptionSpec::FastOpen(cookie) => TcpOption::FastOpen(cookie.clone()),
        OptionSpec::FastOpenExp(cookie) => TcpOption::FastOpenExp(cookie.clone()),
        OptionSpec::Md5(digest) => TcpOption::Other { kind: 19, data: digest.clone() },
        OptionSpec::AccEcn { order, counters } => TcpOption::AccEcn {
            order: *order,
            counters: counters
                .iter()
                .map(|counter| field(counter, known))
                .collect::<Result<_, EvalError>>()?,
        },
        OptionSpec::Other { kind, data } => TcpOption::Other { kind: *kind, data: data.clone() },
        OptionSpec::Raw(bytes) => TcpOption::Raw(bytes.clone()),
    };
    Ok(match item.length {
        Some(length) => TcpOption::Lying { option: Box::new(option), length },
        None => option,
    })
}

fn message(spec: &IcmpSpec, frame: &Frame<'_>) -> Result<Icmp, EvalError> {
    let quoted = match &spec.quote {
        Quote::Last => frame.last.map(<[u8]>::to_vec).ok_or_else(|| {
            EvalError("the target has emitted nothing that this message could quote".to_owned())
        })?,
        Quote::Packet(packet) => packets(packet, &frame.reversed())?.concat(),
    };
    let version = if frame.src.is_ipv6() { IpVersion::V6 } else { IpVersion::V4 };
    let payload = match spec.quote_length {
        Some(length) => quoted.into_iter().take(length).collect(),
        None => icmp::quote(&quoted),
    };
    let mtu = optional(spec.mtu.as_ref(), frame.known)?.map(|mtu| Icmp::mtu_word(version, mtu));
    let pointer = optional(spec.ptr.as_ref(), frame.known)?.map(|at| Icmp::pointer_word(version, at));
    // An echo has it in front of a sequence number.
    let id = spec.id.map(|id| u32::from(id) << 16);
    Ok(Icmp {
        kind: optional(spec.kind.as_ref(), frame.known)?.unwrap_or(0),
        code: optional(spec.code.as_ref(), frame.known)?.unwrap_or(0),
        rest: mtu.or(pointer).or(id).unwrap_or(0),
        payload,
    })
}

fn datagram(spec: &UdpSpec, ip: &Ip, frame: &Frame<'_>) -> Result<Body, EvalError> {
    let length: u16 = field(&spec.length, frame.known)?;
    let mut bytes = Vec::with_capacity(8 + usize::from(length));
    for word in [frame.src.port(), frame.dst.port(), length.saturating_add(8), 0] {
        bytes.extend_from_slice(&word.to_be_bytes());
    }
    bytes.resize(8 + usize::from(length), 0);
    // A sum of 0 is sent as its other form: a 0 says that there is none (RFC 768).
    let sum = match wire::checksum::transport(ip, protocol::UDP, &bytes) {
        0 => u16::MAX,
        sum => sum,
    };
    if let Some(place) = bytes.get_mut(6..8) {
        place.copy_from_slice(&sum.to_be_bytes());
    }
    Ok(Body::Other { protocol: protocol::UDP, bytes })
}

fn checksum(spec: ChecksumSpec) -> Checksum {
    match spec {
        ChecksumSpec::Good | ChecksumSpec::Any => Checksum::Good,
        ChecksumSpec::Bad => Checksum::Bad,
        ChecksumSpec::Value(value) => Checksum::Value(value),
    }
}

/// The one number of an injected field, and whether it is absolute.
fn single(num: &Num, known: &dyn Known) -> Result<(i64, bool), EvalError> {
    match num.0.as_slice() {
        [Alt::Is { term: Term::Known(number), absolute }] => Ok((*number, *absolute)),
        [Alt::Is { term: Term::Computed(expr), absolute }] => Ok((eval::int(expr, known)?, *absolute)),
        _ => Err(EvalError(format!("{num} is not one number, and bytes are exact"))),
    }
}

/// A number on the circle of 2^32.
fn sequence(num: &Num, base: u32, known: &dyn Known) -> Result<u32, EvalError> {
    let (number, absolute) = single(num, known)?;
    let number = wrap(number);
    Ok(if absolute { number } else { base.wrapping_add(number) })
}

/// Modulo 2^32.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "arithmetic modulo 2^32 is meant"
)]
pub(super) const fn wrap(number: i64) -> u32 {
    number as u32
}

fn field<T: TryFrom<i64>>(num: &Num, known: &dyn Known) -> Result<T, EvalError> {
    let (number, _) = single(num, known)?;
    T::try_from(number).map_err(|_| EvalError(format!("{number} does not fit its field")))
}

fn optional<T: TryFrom<i64>>(num: Option<&Num>, known: &dyn Known) -> Result<Option<T>, EvalError> {
    num.map(|num| field(num, known)).transpose()
}

fn set<T: TryFrom<i64>>(target: &mut T, num: Option<&Num>, known: &dyn Known) -> Result<(), EvalError> {
    if let Some(value) = optional(num, known)? {
        *target = value;
    }
    Ok(())
}
