//! A few packets to lie about.

use tcpdrill::wire::{
    Body, Flags, Ip, Ipv4, Ipv6, Lies, Packet, Parsed, Tcp, TcpOption, build, parse,
};

pub(crate) fn segment(options: Vec<TcpOption>, payload: &[u8]) -> Tcp {
    Tcp {
        sport: 8080,
        dport: 40000,
        seq: 0x1000,
        ack: 0x2000,
        flags: Flags::PSH | Flags::ACK,
        win: 257,
        options,
        payload: payload.to_vec(),
        ..Tcp::default()
    }
}

pub(crate) fn ipv4() -> Ipv4 {
    Ipv4::new([192, 0, 2, 1].into(), [192, 168, 0, 1].into())
}

pub(crate) fn v4(body: Body) -> Packet {
    Packet {
        ip: Ip::V4(ipv4()),
        body,
    }
}

pub(crate) fn v6(body: Body) -> Packet {
    let ip = Ipv6::new("2001:db8::1".parse().unwrap(), "fd00::1".parse().unwrap());
    Packet {
        ip: Ip::V6(ip),
        body,
    }
}

pub(crate) fn tcp4() -> Packet {
    v4(Body::Tcp(segment(vec![], b"0000000>")))
}

pub(crate) fn tcp6() -> Packet {
    v6(Body::Tcp(segment(vec![], b"0000000>")))
}

pub(crate) fn one(packet: &Packet, lies: &Lies) -> Vec<u8> {
    let mut packets = build(packet, lies);
    assert_eq!(packets.len(), 1);
    packets.remove(0)
}

pub(crate) fn read(packet: &Packet, lies: &Lies) -> Parsed {
    parse(&one(packet, lies)).unwrap()
}
