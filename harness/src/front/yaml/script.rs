//! What is not written in a case that is judged by packetdrill's rules means what it means in a script.

use crate::case::{
    Alt, ChecksumSpec, IcmpSpec, IpVersion, Num, OptionItem, OptionSpec, OptionsSpec, Outcome, PacketSpec,
    Payload, Quote, ResultSpec, Scalar, Syscall, TcpSpec, Term, Transport, duplicates,
};
use crate::wire::Flags;

use super::number::Use;

/// The TTL of what is injected.
const TTL: i64 = 255;
/// So many bytes after the IP header are quoted in an ICMP message.
const QUOTED: usize = 8;

/// Completes a packet.
pub(super) fn fill_in(packet: &mut PacketSpec, how: Use, ip: IpVersion) {
    match &mut packet.transport {
        Transport::Tcp(tcp) => segment(tcp, how),
        Transport::Icmp(icmp) => message(icmp, how, ip),
        Transport::Udp(_) | Transport::Bytes(_) => return,
    }
    match how {
        Use::Inject => {
            packet.ip.ttl.get_or_insert_with(|| Num::exactly(TTL));
        }
        Use::Expect if !ip.wire_is_v6() => packet.ip.options = Some(Vec::new()),
        Use::Expect => {}
    }
}

fn segment(tcp: &mut TcpSpec, how: Use) {
    let has_ack = tcp.flags.contains(Flags::ACK);
    tcp.options = match std::mem::replace(&mut tcp.options, OptionsSpec::Unwritten) {
        OptionsSpec::Unwritten => OptionsSpec::Exactly(Vec::new()),
        OptionsSpec::Including(items) if items.is_empty() => OptionsSpec::Unwritten,
        written => written,
    };
    tcp.payload = Payload::Zeros;
    tcp.urg.get_or_insert_with(|| Num::exactly(0));
    let ack = tcp.ack.get_or_insert_with(|| Num::exactly(0));
    // Without its flag an acknowledgement counts from nothing.
    if !has_ack {
        make_absolute(ack);
    }
    match how {
        Use::Inject => {
            if !has_ack {
                echoes(&mut tcp.options).for_each(make_absolute);
            }
        }
        Use::Expect => {
            tcp.push = Some(tcp.flags.contains(Flags::PSH));
            tcp.checksum = ChecksumSpec::Any;
        }
    }
}

fn message(icmp: &mut IcmpSpec, how: Use, ip: IpVersion) {
    let header_len = if ip.wire_is_v6() { 40 } else { 20 };
    icmp.quote_length.get_or_insert(header_len + QUOTED);
    if how == Use::Expect {
        icmp.checksum = ChecksumSpec::Any;
    } else if icmp.quote == Quote::Last {
        icmp.quote = Quote::Packet(Box::new(quoted(Num::exactly(0), Num::exactly(0))));
    }
}

/// The segment that an ICMP message quotes: of its header nothing but ports and this number is looked at.
pub(super) fn quoted(seq: Num, length: Num) -> PacketSpec {
    let tcp = TcpSpec { payload: Payload::Zeros, ..TcpSpec::bare(Flags::NONE, seq, length) };
    let mut packet = PacketSpec::plain(Transport::Tcp(tcp));
    packet.ip.ttl = Some(Num::exactly(TTL));
    packet
}

fn make_absolute(number: &mut Num) {
    for alt in &mut number.0 {
        if let Alt::Is { term: Term::Known(_), absolute } = alt {
            *absolute = true;
        }
    }
}

fn echoes(options: &mut OptionsSpec) -> impl Iterator<Item = &mut Num> {
    let items: &mut [OptionItem] = match options {
        OptionsSpec::Exactly(items) | OptionsSpec::Including(items) => items,
        OptionsSpec::Unwritten | OptionsSpec::Raw(_) => &mut [],
    };
    items.iter_mut().filter_map(|item| match &mut item.option {
        OptionSpec::Timestamps { ecr, .. } => Some(ecr),
        _ => None,
    })
}

/// What a call returns that says nothing of it: a descriptor, as many bytes as it was asked for, or 0. What it reads
/// is not looked at.
pub(super) fn outcome(call: &Syscall<Scalar>, outcome: &mut Outcome) {
    outcome.data = Payload::Any;
    if let Some(number) = returned(call) {
        outcome.result = ResultSpec::Value(Num::exactly(number));
    }
}

fn returned(call: &Syscall<Scalar>) -> Option<i64> {
    let is_descriptor = match call {
        Syscall::Fcntl { command: Scalar::Known(command), .. } => duplicates(*command),
        _ => ["socket", "accept", "accept4", "dup", "epoll_create", "open"].contains(&call.name()),
    };
    if is_descriptor {
        return None;
    }
    call.known_count()
}
