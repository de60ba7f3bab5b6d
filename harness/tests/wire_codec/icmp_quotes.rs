//! What ICMP errors quote, whole or cut off anywhere.

use tcpdrill::wire::{
    Body, Extension, Flags, Icmp, Ip, IpVersion, Ipv4, Ipv6, Lies, Packet, Tcp, TcpOption, build,
    icmp,
};

fn segment(payload: usize) -> Body {
    Body::Tcp(Tcp {
        sport: 8080,
        dport: 40000,
        seq: 99,
        flags: Flags::SYN,
        options: vec![TcpOption::Mss(1460)],
        payload: vec![7; payload],
        ..Tcp::default()
    })
}

fn sent_v4(payload: usize) -> Vec<u8> {
    let mut ip = Ipv4::new([192, 0, 2, 1].into(), [192, 168, 0, 1].into());
    ip.options = vec![1; 4];
    build(
        &Packet {
            ip: Ip::V4(ip),
            body: segment(payload),
        },
        &Lies::default(),
    )
    .remove(0)
}

fn sent_v6(payload: usize) -> Vec<u8> {
    let mut ip = Ipv6::new("2001:db8::1".parse().unwrap(), "fd00::1".parse().unwrap());
    ip.ext = vec![Extension::Destination(vec![0; 6])];
    build(
        &Packet {
            ip: Ip::V6(ip),
            body: segment(payload),
        },
        &Lies::default(),
    )
    .remove(0)
}

fn read(payload: &[u8]) -> Option<icmp::Quote> {
    icmp::quoted(&Icmp {
        kind: 3,
        code: 3,
        rest: 0,
        payload: payload.to_vec(),
    })
}

#[test]
fn ipv4_quotes_its_header_and_eight_bytes() {
    let sent = sent_v4(100);
    let quote = icmp::quote(&sent);
    assert_eq!(quote, sent[..24 + 8]);
    let read = read(&quote).unwrap();
    let ends = read.endpoints().unwrap();
    assert_eq!(
        (ends.src, ends.dst),
        (
            "192.0.2.1:8080".parse().unwrap(),
            "192.168.0.1:40000".parse().unwrap()
        )
    );
    assert_eq!(
        (read.seq, read.tcp, read.payload_len),
        (Some(99), None, None)
    );
}

#[test]
fn ipv6_quotes_what_fits() {
    let sent = sent_v6(2000);
    let quote = icmp::quote(&sent);
    assert_eq!(quote, sent[..1280 - 40 - 8]);
    let read = read(&quote).unwrap();
    assert_eq!(read.ports, Some((8080, 40000)));
    assert_eq!(read.payload_len, Some(2000));
    let tcp = read.tcp.unwrap();
    assert_eq!(
        (tcp.options, tcp.payload.len()),
        (vec![TcpOption::Mss(1460)], 1232 - 40 - 8 - 24)
    );
    assert_eq!(icmp::quote(&sent_v6(0)), sent_v6(0));
}

#[test]
fn as_much_is_read_as_is_there() {
    for (sent, headers) in [(sent_v4(10), 24), (sent_v6(10), 48)] {
        for length in 0..=sent.len() {
            let Some(read) = read(&sent[..length]) else {
                assert!(length < 40, "{length} bytes are enough");
                continue;
            };
            let there = length.saturating_sub(headers);
            assert_eq!(read.ports.is_some(), there >= 4, "{length} bytes");
            assert_eq!(read.seq.is_some(), there >= 8, "{length} bytes");
            assert_eq!(read.tcp.is_some(), there >= 20, "{length} bytes");
            assert_eq!(
                read.payload_len,
                (there >= 20).then_some(10),
                "{length} bytes"
            );
        }
    }
}

#[test]
fn words_of_mtu_and_pointer() {
    let message = |kind, code, rest| Icmp {
        kind,
        code,
        rest,
        payload: vec![],
    };
    let (v4, v6) = (IpVersion::V4, IpVersion::V6);
    assert_eq!(message(3, 4, Icmp::mtu_word(v4, 1400)).mtu(v4), Some(1400));
    assert_eq!(
        message(2, 0, Icmp::mtu_word(v6, 70_000)).mtu(v6),
        Some(70_000)
    );
    assert_eq!(
        message(12, 0, Icmp::pointer_word(v4, 20)).pointer(v4),
        Some(20)
    );
    assert_eq!(
        message(4, 1, Icmp::pointer_word(v6, 300)).pointer(v6),
        Some(300)
    );
    assert_eq!(message(3, 3, 1400).mtu(v4), None);
    assert_eq!(message(3, 0, 1400).pointer(v6), None);
}
