//! Flips of expected packets.

use tcpdrill::case::{
    IcmpSpec, IpSpec, Num, OptionItem, OptionSpec, OptionsSpec, PacketSpec, Payload, TcpSpec, Transport,
};
use tcpdrill::wire::Flags;
use tcpdrill::wire::pattern::{self, Direction};

use super::numbers::number;

/// Changed packets, each with what was changed; `exempt` counts numbers that accept anything.
pub(crate) fn flips(packet: &PacketSpec, exempt: &mut usize) -> Vec<(String, PacketSpec)> {
    let mut found = Vec::new();
    match &packet.transport {
        Transport::Tcp(tcp) => {
            for (what, tcp) in segments(tcp, exempt) {
                found.push((what, PacketSpec { transport: Transport::Tcp(tcp), ..packet.clone() }));
            }
        }
        Transport::Icmp(icmp) => {
            for (what, icmp) in messages(icmp, exempt) {
                found.push((what, PacketSpec { transport: Transport::Icmp(icmp), ..packet.clone() }));
            }
        }
        Transport::Udp(_) | Transport::Bytes(_) => {}
    }
    for (what, ip) in headers(&packet.ip, exempt) {
        found.push((what, PacketSpec { ip, ..packet.clone() }));
    }
    found
}

fn segments(tcp: &TcpSpec, exempt: &mut usize) -> Vec<(String, TcpSpec)> {
    let mut found = Vec::new();
    for (flag, letter) in Flags::LETTERS {
        // PSH is compared by its own key only.
        if flag != Flags::PSH {
            let flags = Flags::from_bits(tcp.flags.bits() ^ flag.bits());
            found.push((format!("flag {letter}"), TcpSpec { flags, ..tcp.clone() }));
        }
    }
    if let Some(push) = tcp.push {
        found.push(("push".to_owned(), TcpSpec { push: Some(!push), ..tcp.clone() }));
    }
    let mut change = |what: &str, num: Option<&Num>, set: fn(&mut TcpSpec, Num)| {
        let Some(num) = num else { return };
        match number(num) {
            Some(other) => {
                let mut changed = tcp.clone();
                set(&mut changed, other);
                found.push((what.to_owned(), changed));
            }
            None => *exempt += 1,
        }
    };
    change("seq + 1", Some(&tcp.seq), |tcp, num| tcp.seq = num);
    change("ack + 1", tcp.ack.as_ref(), |tcp, num| tcp.ack = Some(num));
    change("length + 1", Some(&tcp.length), |tcp, num| tcp.length = num);
    change("win + 1", tcp.win.as_ref(), |tcp, num| tcp.win = Some(num));
    change("urg + 1", tcp.urg.as_ref(), |tcp, num| tcp.urg = Some(num));
    change("sport + 1", tcp.sport.as_ref(), |tcp, num| tcp.sport = Some(num));
    change("dport + 1", tcp.dport.as_ref(), |tcp, num| tcp.dport = Some(num));
    change("reserved + 1", tcp.reserved.as_ref(), |tcp, num| tcp.reserved = Some(num));
    found.extend(payloads(tcp));
    for (what, options) in option_lists(&tcp.options, exempt) {
        found.push((what, TcpSpec { options, ..tcp.clone() }));
    }
    found
}

/// Each byte of the payload changed, one at a time; of a long one, one in every hundred and the last.
fn payloads(tcp: &TcpSpec) -> Vec<(String, TcpSpec)> {
    let (Some(length), Some(seq)) = (tcp.length.known(), tcp.seq.known()) else { return Vec::new() };
    let length = usize::try_from(length).unwrap_or(0);
    let bytes = match &tcp.payload {
        Payload::Any => return Vec::new(),
        Payload::Bytes(bytes) => bytes.clone(),
        Payload::Zeros => vec![0; length],
        Payload::Pattern(from) => {
            let start = if tcp.flags.contains(Flags::SYN) { seq } else { seq - 1 };
            let offset = from.unwrap_or_else(|| u64::try_from(start).unwrap_or(0));
            pattern::fill(Direction::ToPeer, offset, length)
        }
    };
    let step = if length > 200 { 100 } else { 1 };
    let last = length.checked_sub(1);
    (0..length)
        .step_by(step)
        .chain(last)
        .map(|at| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            (format!("payload byte {at}"), TcpSpec { payload: Payload::Bytes(bytes), ..tcp.clone() })
        })
        .collect()
}

fn option_lists(options: &OptionsSpec, exempt: &mut usize) -> Vec<(String, OptionsSpec)> {
    type Wrap = fn(Vec<OptionItem>) -> OptionsSpec;
    let (items, wrap): (&Vec<OptionItem>, Wrap) = match options {
        OptionsSpec::Unwritten => return Vec::new(),
        OptionsSpec::Raw(bytes) => {
            let mut bytes = bytes.clone();
            bytes.iter_mut().take(1).for_each(|byte| *byte ^= 1);
            return vec![("option bytes".to_owned(), OptionsSpec::Raw(bytes))];
        }
        OptionsSpec::Exactly(items) => (items, OptionsSpec::Exactly),
        OptionsSpec::Including(items) => (items, OptionsSpec::Including),
    };
    let mut found = Vec::new();
    let is_exact = matches!(options, OptionsSpec::Exactly(_));
    for (index, item) in items.iter().enumerate() {
        let mut with = |what: String, option: OptionSpec| {
            let mut items = items.clone();
            items[index] = OptionItem { option, length: item.length };
            found.push((what, wrap(items)));
        };
        for (what, option) in option_values(&item.option, exempt) {
            with(what, option);
        }
        with(format!("option {item} replaced"), OptionSpec::Other { kind: 253, data: vec![0xbe, 0xef] });
        if is_exact {
            let mut fewer = items.clone();
            fewer.remove(index);
            found.push((format!("option {item} removed"), wrap(fewer)));
        }
    }
    if is_exact {
        let mut more = items.clone();
        more.push(OptionItem { option: OptionSpec::Nop, length: None });
        found.push(("option nop added".to_owned(), wrap(more)));
    }
    found
}

fn option_values(option: &OptionSpec, exempt: &mut usize) -> Vec<(String, OptionSpec)> {
    let mut found = Vec::new();
    let mut put = |what: &str, num: &Num, make: &dyn Fn(Num) -> OptionSpec| match number(num) {
        Some(other) => found.push((format!("{what} + 1"), make(other))),
        None => *exempt += 1,
    };
    match option {
        OptionSpec::Mss(mss) => put("mss", mss, &OptionSpec::Mss),
        OptionSpec::Wscale(shift) => put("wscale", shift, &OptionSpec::Wscale),
        OptionSpec::Timestamps { val, ecr } => {
            put("TS val", val, &|val| OptionSpec::Timestamps { val, ecr: ecr.clone() });
            put("TS ecr", ecr, &|ecr| OptionSpec::Timestamps { val: val.clone(), ecr });
        }
        OptionSpec::Sack(blocks) => {
            for (index, (left, right)) in blocks.iter().enumerate() {
                let with = |edges: (Num, Num)| {
                    let mut blocks = blocks.clone();
                    blocks[index] = edges;
                    OptionSpec::Sack(blocks)
                };
                put("left edge", left, &|left| with((left, right.clone())));
                put("right edge", right, &|right| with((left.clone(), right)));
            }
        }
        OptionSpec::Nop
        | OptionSpec::Eol
        | OptionSpec::SackOk
        | OptionSpec::FastOpen(_)
        | OptionSpec::FastOpenExp(_)
        | OptionSpec::Md5(_)
        | OptionSpec::AccEcn { .. }
        | OptionSpec::Other { .. }
        | OptionSpec::Raw(_) => {}
    }
    found
}

fn messages(icmp: &IcmpSpec, exempt: &mut usize) -> Vec<(String, IcmpSpec)> {
    let mut found = Vec::new();
    let mut change = |what: &str, num: Option<&Num>, set: fn(&mut IcmpSpec, Num)| {
        let Some(num) = num else { return };
        match number(num) {
            Some(other) => {
                let mut changed = icmp.clone();
                set(&mut changed, other);
                found.push((what.to_owned(), changed));
            }
            None => *exempt += 1,
        }
    };
    change("icmp type + 1", icmp.kind.as_ref(), |icmp, num| icmp.kind = Some(num));
    change("icmp code + 1", icmp.code.as_ref(), |icmp, num| icmp.code = Some(num));
    change("icmp mtu + 1", icmp.mtu.as_ref(), |icmp, num| icmp.mtu = Some(num));
    found
}

fn headers(ip: &IpSpec, exempt: &mut usize) -> Vec<(String, IpSpec)> {
    let mut found = Vec::new();
    let mut change = |what: &str, num: Option<&Num>, set: fn(&mut IpSpec, Num)| {
        let Some(num) = num else { return };
        match number(num) {
            Some(other) => {
                let mut changed = ip.clone();
                set(&mut changed, other);
                found.push((what.to_owned(), changed));
            }
            None => *exempt += 1,
        }
    };
    change("ttl + 1", ip.ttl.as_ref(), |ip, num| ip.ttl = Some(num));
    change("dscp + 1", ip.dscp.as_ref(), |ip, num| ip.dscp = Some(num));
    change("ecn + 1", ip.ecn.as_ref(), |ip, num| ip.ecn = Some(num));
    change("id + 1", ip.id.as_ref(), |ip, num| ip.id = Some(num));
    change("flowlabel + 1", ip.flow_label.as_ref(), |ip, num| ip.flow_label = Some(num));
    if let Some(df) = ip.df {
        found.push(("df".to_owned(), IpSpec { df: Some(!df), ..ip.clone() }));
    }
    found
}
