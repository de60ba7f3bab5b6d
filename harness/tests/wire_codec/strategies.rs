//! Packets of every kind, in the form that parsing gives.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use tcpdrill::wire::{
    AccEcnOrder, Body, Extension, Flags, Icmp, Ip, IpVersion, Ipv4, Ipv6, Packet, Tcp, TcpOption,
    encode_options,
};

pub(crate) fn option() -> impl Strategy<Value = TcpOption> {
    let order = prop_oneof![Just(AccEcnOrder::E0First), Just(AccEcnOrder::E1First)];
    prop_oneof![
        Just(TcpOption::Nop),
        any::<u16>().prop_map(TcpOption::Mss),
        any::<u8>().prop_map(TcpOption::Wscale),
        Just(TcpOption::SackOk),
        vec(any::<(u32, u32)>(), 1..=4).prop_map(TcpOption::Sack),
        any::<(u32, u32)>().prop_map(|(val, ecr)| TcpOption::Ts { val, ecr }),
        vec(any::<u8>(), 0..=16).prop_map(TcpOption::FastOpen),
        vec(any::<u8>(), 0..=16).prop_map(TcpOption::FastOpenExp),
        any::<[u8; 16]>().prop_map(TcpOption::Md5),
        (order, vec(0..1_u32 << 24, 1..=3))
            .prop_map(|(order, counters)| TcpOption::AccEcn { order, counters }),
        (200..=250_u8, vec(any::<u8>(), 0..=20))
            .prop_map(|(kind, data)| TcpOption::Other { kind, data }),
    ]
}

/// Options that fit into a header and fill words.
fn options() -> impl Strategy<Value = Vec<TcpOption>> {
    (vec(option(), 0..=6), any::<bool>()).prop_map(|(wanted, end)| {
        let mut options = Vec::new();
        for option in wanted {
            options.push(option);
            if encode_options(&options).len() > 40 {
                options.pop();
            }
        }
        let filling = if end { TcpOption::Eol } else { TcpOption::Nop };
        while !encode_options(&options).len().is_multiple_of(4) {
            options.push(filling.clone());
        }
        options
    })
}

pub(crate) fn tcp() -> impl Strategy<Value = Tcp> {
    let numbers = any::<(u16, u16, u32, u32, u16, u16)>();
    (numbers, 0..0x200_u16, options(), vec(any::<u8>(), 0..=100)).prop_map(
        |(numbers, flags, options, payload)| {
            let (sport, dport, seq, ack, win, urg) = numbers;
            let flags = Flags::from_bits(flags);
            Tcp {
                sport,
                dport,
                seq,
                ack,
                flags,
                reserved: 0,
                win,
                urg,
                options,
                payload,
            }
        },
    )
}

pub(crate) fn icmp() -> impl Strategy<Value = Icmp> {
    (any::<(u8, u8, u32)>(), vec(any::<u8>(), 0..=100)).prop_map(|((kind, code, rest), payload)| {
        Icmp {
            kind,
            code,
            rest,
            payload,
        }
    })
}

fn other() -> impl Strategy<Value = Body> {
    // Neither TCP, nor ICMP of either version, nor an extension header.
    let protocol = prop_oneof![Just(17_u8), Just(50), Just(59), 100..=255_u8];
    (protocol, vec(any::<u8>(), 0..=100))
        .prop_map(|(protocol, bytes)| Body::Other { protocol, bytes })
}

pub(crate) fn whole_body() -> impl Strategy<Value = Body> {
    prop_oneof![
        tcp().prop_map(Body::Tcp),
        icmp().prop_map(Body::Icmp),
        other()
    ]
}

fn piece() -> impl Strategy<Value = Body> {
    (any::<u8>(), vec(any::<u8>(), 0..=100))
        .prop_map(|(protocol, bytes)| Body::Fragment { protocol, bytes })
}

pub(crate) fn ipv4() -> impl Strategy<Value = Ipv4> {
    let words = (0..=10_usize).prop_flat_map(|words| vec(any::<u8>(), 4 * words));
    (
        any::<([u8; 4], [u8; 4])>(),
        (0..64_u8, 0..4_u8),
        any::<(u16, bool, u8)>(),
        words,
    )
        .prop_map(|((src, dst), (dscp, ecn), (id, df, ttl), options)| {
            let new = Ipv4::new(src.into(), dst.into());
            Ipv4 {
                dscp,
                ecn,
                id,
                df,
                ttl,
                options,
                ..new
            }
        })
}

/// Where a piece lies in its packet: never the whole of it.
fn place() -> impl Strategy<Value = (u16, bool)> {
    (0..0x2000_u16, any::<bool>()).prop_map(|(blocks, more)| (blocks * 8, more || blocks == 0))
}

fn extension() -> impl Strategy<Value = Extension> {
    let data = || (0..=3_usize).prop_flat_map(|blocks| vec(any::<u8>(), 6 + 8 * blocks));
    prop_oneof![
        data().prop_map(Extension::HopByHop),
        data().prop_map(Extension::Routing),
        data().prop_map(Extension::Destination),
        any::<u32>().prop_map(|id| Extension::Fragment {
            offset: 0,
            more: false,
            id
        }),
    ]
}

pub(crate) fn ipv6(extensions: usize) -> impl Strategy<Value = Ipv6> {
    let addresses = any::<([u8; 16], [u8; 16])>();
    (
        addresses,
        (0..64_u8, 0..4_u8),
        (0..1_u32 << 20, any::<u8>()),
        vec(extension(), 0..=extensions),
    )
        .prop_map(|((src, dst), (dscp, ecn), (flow_label, hop_limit), ext)| {
            let new = Ipv6::new(src.into(), dst.into());
            Ipv6 {
                dscp,
                ecn,
                flow_label,
                hop_limit,
                ext,
                ..new
            }
        })
}

/// A header without options or extensions.
pub(crate) fn bare_ip() -> impl Strategy<Value = Ip> {
    let v4 = ipv4().prop_map(|ip| {
        Ip::V4(Ipv4 {
            options: Vec::new(),
            ..ip
        })
    });
    prop_oneof![v4, ipv6(0).prop_map(Ip::V6)]
}

/// Any packet without faults.
pub(crate) fn packet() -> impl Strategy<Value = Packet> {
    let v4 = (ipv4(), whole_body()).prop_map(|(ip, body)| Packet {
        ip: Ip::V4(ip),
        body,
    });
    let v6 = (ipv6(3), whole_body()).prop_map(|(ip, body)| Packet {
        ip: Ip::V6(ip),
        body,
    });
    let v4_piece = (ipv4(), place(), piece()).prop_map(|(ip, (offset, mf), body)| Packet {
        ip: Ip::V4(Ipv4 { offset, mf, ..ip }),
        body,
    });
    let v6_piece =
        (ipv6(3), place(), any::<u32>(), piece()).prop_map(|(mut ip, (offset, more), id, body)| {
            ip.ext.push(Extension::Fragment { offset, more, id });
            Packet {
                ip: Ip::V6(ip),
                body,
            }
        });
    prop_oneof![3 => v4, 3 => v6, 1 => v4_piece, 1 => v6_piece]
}

pub(crate) fn version() -> impl Strategy<Value = IpVersion> {
    prop_oneof![Just(IpVersion::V4), Just(IpVersion::V6)]
}
