//! Packets cut into pieces that lie where they are asked to.

use tcpdrill::wire::{
    Body, Extension, Fragment, Ip, IpLies, Ipv4, Lies, Packet, Parsed, build, parse,
};

use crate::samples::{one, read, tcp4, tcp6};

#[test]
fn fragments_are_cut_as_asked() {
    let pieces = [
        (8, 100, false),
        (0, 8, true),
        (0, 16, true),
        (1000, 8, false),
    ];
    let fragments = pieces
        .map(|(offset, length, more)| Fragment::new(offset, length, more))
        .to_vec();
    let lies = Lies {
        fragments,
        ..Lies::default()
    };
    for packet in [tcp4(), tcp6()] {
        let whole = one(&packet, &Lies::default())[packet.ip.version().header_len()..].to_vec();
        let found: Vec<(u16, Vec<u8>, bool)> = build(&packet, &lies)
            .iter()
            .map(|bytes| {
                let parsed = parse(bytes).unwrap();
                assert_eq!(parsed.faults, []);
                let Body::Fragment { protocol: 6, bytes } = parsed.packet.body else {
                    panic!("no fragment")
                };
                match parsed.packet.ip {
                    Ip::V4(ip) => (ip.offset, bytes, ip.mf),
                    Ip::V6(ip) => match ip.ext[..] {
                        [Extension::Fragment { offset, more, .. }] => (offset, bytes, more),
                        _ => panic!("extensions {:?}", ip.ext),
                    },
                }
            })
            .collect();
        let want = [
            (8, whole[8..].to_vec(), false),
            (0, whole[..8].to_vec(), true),
            (0, whole[..16].to_vec(), true),
            (1000, vec![], false),
        ];
        assert_eq!(found, want);
    }
}

#[test]
fn fragments_lie_for_themselves() {
    let mut other = Fragment::new(0, 8, true);
    other.lies.total_length = Some(21);
    other.ip = Some(Ip::V4(Ipv4 {
        ttl: 3,
        ..Ipv4::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into())
    }));
    let ip = IpLies {
        total_length: Some(22),
        ..IpLies::default()
    };
    let lies = Lies {
        ip,
        fragments: vec![other, Fragment::new(8, 8, false)],
        ..Lies::default()
    };
    let packets: Vec<Parsed> = build(&tcp4(), &lies)
        .iter()
        .map(|bytes| parse(bytes).unwrap())
        .collect();
    assert_eq!(packets[0].stated.ip_total_length, 21);
    assert_eq!(packets[0].packet.ip.ttl(), 3);
    assert_eq!(packets[1].stated.ip_total_length, 22);
    assert_eq!(packets[1].packet.ip.ttl(), 64);
}

#[test]
fn the_checksum_of_a_fragmented_packet_is_that_of_the_whole() {
    let ip = IpLies {
        total_length: Some(45),
        ..IpLies::default()
    };
    let fragments = vec![Fragment::new(0, 24, true), Fragment::new(24, 4, false)];
    let pieces = build(
        &tcp4(),
        &Lies {
            ip,
            fragments,
            ..Lies::default()
        },
    );
    let together = [&pieces[0][20..], &pieces[1][20..]].concat();
    assert_eq!(together, one(&tcp4(), &Lies::default())[20..]);
}

#[test]
fn the_identification_of_ipv6_fragments_is_the_headers() {
    let Packet {
        ip: Ip::V6(mut ip),
        body,
    } = tcp6()
    else {
        panic!("not IPv6")
    };
    ip.ext = vec![
        Extension::Destination(vec![0; 6]),
        Extension::Fragment {
            offset: 0,
            more: false,
            id: 77,
        },
    ];
    let lies = Lies {
        fragments: vec![Fragment::new(8, 8, false)],
        ..Lies::default()
    };
    let parsed = read(
        &Packet {
            ip: Ip::V6(ip),
            body,
        },
        &lies,
    );
    let Ip::V6(ip) = parsed.packet.ip else {
        panic!("not IPv6")
    };
    assert_eq!(
        ip.ext[1],
        Extension::Fragment {
            offset: 8,
            more: false,
            id: 77
        }
    );
}
