//! Packets in one line.

use tcpdrill::wire::notation::{Bases, option_text, packet_text};
use tcpdrill::wire::{
    AccEcnOrder, Body, Flags, Icmp, Ip, Ipv4, Ipv6, Lies, Packet, Tcp, TcpOption, build, icmp, protocol,
};

const BASES: Bases = Bases { seq: 1000, ack: 2000, sack: 2000, ts_val: 5000 - 100, ts_ecr: 0 };

fn v4(body: Body) -> Packet {
    Packet { ip: Ip::V4(Ipv4::new([192, 0, 2, 1].into(), [192, 168, 0, 1].into())), body }
}

fn syn_ack() -> Tcp {
    Tcp {
        seq: 1000,
        ack: 2001,
        flags: Flags::SYN | Flags::ACK,
        win: 64240,
        options: vec![
            TcpOption::Mss(1460),
            TcpOption::SackOk,
            TcpOption::Ts { val: 5000, ecr: 5 },
            TcpOption::Nop,
            TcpOption::Wscale(7),
        ],
        ..Tcp::default()
    }
}

fn data() -> Tcp {
    Tcp {
        seq: 1001,
        ack: 2001,
        flags: Flags::PSH | Flags::ACK,
        win: 257,
        payload: vec![0; 1000],
        ..Tcp::default()
    }
}

fn text(tcp: Tcp) -> String {
    packet_text(&v4(Body::Tcp(tcp)), &BASES)
}

#[test]
fn segments() {
    let options = "<mss 1460,sackOK,TS val 100 ecr 5,nop,wscale 7>";
    assert_eq!(text(syn_ack()), format!("S. 0:0(0) ack 1 win 64240 {options}"));
    assert_eq!(text(data()), "P. 1:1001(1000) ack 1 win 257");
    assert_eq!(
        text(Tcp { flags: Flags::NONE, seq: 999, ..Tcp::default() }),
        "none 4294967295:4294967295(0) win 0"
    );
    let urgent = Tcp { flags: Flags::URG | Flags::ACK, urg: 3, payload: vec![], ..data() };
    assert_eq!(text(urgent), ".U 1:1(0) ack 1 win 257 urg 3");
    let all = Tcp { flags: Flags::from_bits(0x1ff), payload: vec![], ..data() };
    assert_eq!(text(all), "FSRP.UEWA 1:1(0) ack 1 win 257 urg 0");
}

#[test]
fn attributes_only_when_unusual() {
    let Packet { ip: Ip::V4(ip), body } = v4(Body::Tcp(data())) else { panic!("not IPv4") };
    let line = |ip| packet_text(&Packet { ip: Ip::V4(ip), body: body.clone() }, &BASES);
    assert_eq!(line(Ipv4 { ecn: 2, ..ip.clone() }), "(ect0) P. 1:1001(1000) ack 1 win 257");
    assert_eq!(
        line(Ipv4 { ecn: 1, dscp: 46, ttl: 1, ..ip.clone() }),
        "(ect1, dscp 46, ttl 1) P. 1:1001(1000) ack 1 win 257"
    );
    assert_eq!(line(Ipv4 { ecn: 3, ..ip }), "(ce) P. 1:1001(1000) ack 1 win 257");
    let ip = Ipv6::new("::1".parse().unwrap(), "::1".parse().unwrap());
    let ip = Ip::V6(Ipv6 { ecn: 2, dscp: 1, hop_limit: 255, ..ip });
    let line = packet_text(&Packet { ip, body }, &BASES);
    assert_eq!(line, "(ect0, dscp 1, ttl 255) P. 1:1001(1000) ack 1 win 257");
}

#[test]
fn options() {
    let other = |kind, data: &[u8]| TcpOption::Other { kind, data: data.to_vec() };
    let table = [
        (TcpOption::Sack(vec![(2001, 2011), (2021, 2031)]), "sack 1:11 21:31"),
        (TcpOption::Sack(vec![]), "opt 5"),
        (TcpOption::Ts { val: 5007, ecr: 0 }, "TS val 107 ecr 0"),
        (TcpOption::FastOpen(vec![]), "FO"),
        (TcpOption::FastOpen(vec![0xab, 0x01]), "FO ab01"),
        (TcpOption::FastOpenExp(vec![0xab, 0x01]), "FOEXP ab01"),
        (TcpOption::Md5([0x11; 16]), "md5 11111111111111111111111111111111"),
        (TcpOption::AccEcn { order: AccEcnOrder::E0First, counters: vec![1, 2, 3] }, "ECN e0b 1 ceb 2 e1b 3"),
        (TcpOption::AccEcn { order: AccEcnOrder::E1First, counters: vec![1] }, "ECN e1b 1"),
        (TcpOption::AccEcn { order: AccEcnOrder::E1First, counters: vec![] }, "opt 174"),
        (other(254, &[0xbe, 0xef]), "opt 254 beef"),
        (other(77, &[]), "opt 77"),
        (TcpOption::Lying { option: Box::new(TcpOption::Mss(1460)), length: 3 }, "mss 1460 len 3"),
        (TcpOption::Raw(vec![3, 0]), "hex 0300"),
        (TcpOption::Eol, "eol"),
    ];
    for (option, want) in table {
        assert_eq!(option_text(&option, &BASES), want);
    }
}

#[test]
fn errors_quote_the_other_direction() {
    let sent = |tcp| build(&v4(Body::Tcp(tcp)), &Lies::default()).remove(0);
    let line = |kind, code, rest, payload| {
        let icmp = Icmp { kind, code, rest, payload };
        packet_text(&v4(Body::Icmp(icmp)), &BASES.reversed())
    };
    assert_eq!(line(3, 3, 0, icmp::quote(&sent(data()))), "icmp unreachable port [1(any)]");
    assert_eq!(line(3, 4, 1400, icmp::quote(&sent(data()))), "icmp packet_too_big mtu 1400 [1(any)]");
    assert_eq!(line(12, 0, 20 << 24, vec![]), "icmp parameter_problem ptr 20");
    assert_eq!(line(11, 0, 0, sent(data())), "icmp time_exceeded [P. 1:1001(1000) ack 1 win 257]");
    let syn_ack = line(3, 13, 0, sent(syn_ack()));
    assert!(
        syn_ack.starts_with("icmp unreachable admin_prohibited [S. 0:0(0) ack 1 win 64240 <mss 1460,"),
        "{syn_ack}"
    );
    assert!(syn_ack.contains("TS val 100 ecr 5"), "{syn_ack}");
}

#[test]
fn what_has_no_notation_is_described() {
    let bytes = vec![0; 20];
    let udp = v4(Body::Other { protocol: protocol::UDP, bytes: bytes.clone() });
    assert_eq!(packet_text(&udp, &BASES), "udp (12)", "without the eight bytes of its header");
    let other = v4(Body::Other { protocol: 99, bytes: bytes.clone() });
    assert_eq!(packet_text(&other, &BASES), "protocol 99, 20 bytes");
    let Packet { ip: Ip::V4(ip), .. } = other else { panic!("not IPv4") };
    let ip = Ip::V4(Ipv4 { offset: 1480, mf: true, ..ip });
    let piece = Packet { ip, body: Body::Fragment { protocol: 6, bytes } };
    assert_eq!(packet_text(&piece, &BASES), "fragment at 1480, 20 bytes of protocol 6, more to come");
    let ip = Ipv6::new("::1".parse().unwrap(), "::1".parse().unwrap());
    let echo =
        Packet { ip: Ip::V6(ip), body: Body::Icmp(Icmp { kind: 128, code: 0, rest: 0, payload: vec![] }) };
    assert_eq!(packet_text(&echo, &BASES), "icmp echo_request");
}
