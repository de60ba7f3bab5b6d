//! Packets that say what is not so: each lie shows in the bytes, and is found by the reader.

use tcpdrill::wire::{
    Body, Checksum, Extension, Fault, Flags, Fragment, Icmp, Ip, IpLies, Ipv4, Ipv6, Layer, Lies,
    OptionFault, Packet, ParseError, Parsed, Tcp, TcpOption, build, parse,
};

fn segment(options: Vec<TcpOption>, payload: &[u8]) -> Tcp {
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

fn ipv4() -> Ipv4 {
    Ipv4::new([192, 0, 2, 1].into(), [192, 168, 0, 1].into())
}

fn v4(body: Body) -> Packet {
    Packet {
        ip: Ip::V4(ipv4()),
        body,
    }
}

fn v6(body: Body) -> Packet {
    let ip = Ipv6::new("2001:db8::1".parse().unwrap(), "fd00::1".parse().unwrap());
    Packet {
        ip: Ip::V6(ip),
        body,
    }
}

fn tcp4() -> Packet {
    v4(Body::Tcp(segment(vec![], b"0000000>")))
}

fn tcp6() -> Packet {
    v6(Body::Tcp(segment(vec![], b"0000000>")))
}

fn one(packet: &Packet, lies: &Lies) -> Vec<u8> {
    let mut packets = build(packet, lies);
    assert_eq!(packets.len(), 1);
    packets.remove(0)
}

fn read(packet: &Packet, lies: &Lies) -> Parsed {
    parse(&one(packet, lies)).unwrap()
}

#[test]
fn checksums_are_as_asked() {
    for packet in [tcp4(), tcp6()] {
        let good = read(&packet, &Lies::default()).stated.checksum.unwrap();
        for (lie, found) in [
            (Checksum::Bad, good.wrapping_add(1)),
            (Checksum::Value(0x1234), 0x1234),
        ] {
            let parsed = read(
                &packet,
                &Lies {
                    checksum: lie,
                    ..Lies::default()
                },
            );
            assert_eq!(
                parsed.faults,
                [Fault::Checksum {
                    layer: Layer::Tcp,
                    found,
                    expected: good
                }]
            );
            assert_eq!(parsed.packet, packet);
        }
    }
    let icmp = Icmp {
        kind: 8,
        code: 0,
        rest: 7,
        payload: vec![1, 2, 3],
    };
    for packet in [v4(Body::Icmp(icmp.clone())), v6(Body::Icmp(icmp))] {
        let parsed = read(
            &packet,
            &Lies {
                checksum: Checksum::Value(1),
                ..Lies::default()
            },
        );
        assert!(
            matches!(
                parsed.faults[..],
                [Fault::Checksum {
                    layer: Layer::Icmp,
                    found: 1,
                    ..
                }]
            ),
            "{parsed:?}"
        );
    }
    let ip = IpLies {
        checksum: Checksum::Bad,
        ..IpLies::default()
    };
    let parsed = read(
        &tcp4(),
        &Lies {
            ip,
            ..Lies::default()
        },
    );
    let [
        Fault::Checksum {
            layer: Layer::Ip,
            found,
            expected,
        },
    ] = parsed.faults[..]
    else {
        panic!("{parsed:?}")
    };
    assert_eq!(found, expected.wrapping_add(1));
}

#[test]
fn the_ip_header_lies() {
    let lies = |ip| Lies {
        ip,
        ..Lies::default()
    };
    // 48 bytes: two headers and eight bytes of payload.
    let table = [
        (
            IpLies {
                header_length: Some(4),
                ..IpLies::default()
            },
            Fault::HeaderLength {
                words: 4,
                available: 48,
            },
        ),
        (
            IpLies {
                header_length: Some(15),
                ..IpLies::default()
            },
            Fault::HeaderLength {
                words: 15,
                available: 48,
            },
        ),
        (
            IpLies {
                total_length: Some(0),
                ..IpLies::default()
            },
            Fault::TotalLength {
                stated: 0,
                found: 48,
            },
        ),
        (
            IpLies {
                total_length: Some(49),
                ..IpLies::default()
            },
            Fault::TotalLength {
                stated: 49,
                found: 48,
            },
        ),
        (
            IpLies {
                total_length: Some(47),
                ..IpLies::default()
            },
            Fault::TrailingBytes { count: 1 },
        ),
    ];
    for (lie, fault) in table {
        let bytes = one(&tcp4(), &lies(lie));
        assert_eq!(bytes.len(), 48);
        let faults = parse(&bytes).unwrap().faults;
        assert_eq!(faults[0], fault);
        let wrong = |fault: &&Fault| {
            matches!(
                fault,
                Fault::Checksum {
                    layer: Layer::Ip,
                    ..
                }
            )
        };
        assert_eq!(
            faults.iter().find(wrong),
            None,
            "a good checksum is computed over the lie"
        );
    }
    let longer = read(
        &tcp4(),
        &lies(IpLies {
            header_length: Some(6),
            ..IpLies::default()
        }),
    );
    assert_eq!(
        longer.packet.ip,
        Ip::V4(Ipv4 {
            options: vec![0x1f, 0x90, 0x9c, 0x40],
            ..ipv4()
        })
    );
    assert!(!longer.faults.iter().any(|fault| matches!(
        fault,
        Fault::Checksum {
            layer: Layer::Ip,
            ..
        }
    )));
    let parsed = read(
        &tcp4(),
        &lies(IpLies {
            protocol: Some(17),
            ..IpLies::default()
        }),
    );
    assert!(
        matches!(parsed.packet.body, Body::Other { protocol: 17, .. }) && parsed.faults.is_empty()
    );
    let bytes = one(
        &tcp6(),
        &lies(IpLies {
            version: Some(5),
            ..IpLies::default()
        }),
    );
    assert_eq!(parse(&bytes), Err(ParseError::Version(5)));
    let parsed = read(
        &tcp6(),
        &lies(IpLies {
            total_length: Some(29),
            ..IpLies::default()
        }),
    );
    assert_eq!(
        parsed.faults[0],
        Fault::TotalLength {
            stated: 29,
            found: 28
        }
    );
}

#[test]
fn a_receiver_that_believes_a_short_length_finds_the_checksum_good() {
    for (packet, length) in [(tcp4(), 45), (tcp6(), 25)] {
        let ip = IpLies {
            total_length: Some(length),
            ..IpLies::default()
        };
        let parsed = read(
            &packet,
            &Lies {
                ip,
                ..Lies::default()
            },
        );
        assert_eq!(parsed.faults, [Fault::TrailingBytes { count: 3 }]);
        assert_eq!(parsed.packet.tcp().unwrap().payload, b"00000");
    }
}

#[test]
fn a_lying_data_offset_moves_no_bytes() {
    let packet = v4(Body::Tcp(segment(vec![TcpOption::Mss(1460)], b"abcd")));
    let read = |words| {
        read(
            &packet,
            &Lies {
                data_offset: Some(words),
                ..Lies::default()
            },
        )
    };
    let longer = read(7);
    assert_eq!(longer.packet.tcp().unwrap().payload, b"");
    assert_eq!(
        longer.packet.tcp().unwrap().options[0],
        TcpOption::Mss(1460)
    );
    let shorter = read(5);
    assert_eq!(
        shorter.packet.tcp().unwrap().payload,
        b"\x02\x04\x05\xb4abcd"
    );
    for words in [0, 4, 8, 15] {
        assert_eq!(
            read(words).faults[0],
            Fault::DataOffset {
                words,
                available: 28
            }
        );
    }
}

#[test]
fn options_fill_words_unless_the_offset_is_written() {
    let packet = v4(Body::Tcp(segment(vec![TcpOption::SackOk], b"abcd")));
    assert_eq!(one(&packet, &Lies::default())[40..], *b"\x04\x02\0\0abcd");
    let lies = Lies {
        data_offset: Some(6),
        ..Lies::default()
    };
    assert_eq!(one(&packet, &lies)[40..], *b"\x04\x02abcd");
    let unreadable = OptionFault::Unreadable {
        kind: b'a',
        offset: 2,
    };
    assert_eq!(read(&packet, &lies).faults, [Fault::Option(unreadable)]);
}

#[test]
fn reserved_bits_are_told() {
    let mut tcp = segment(vec![], b"");
    tcp.reserved = 5;
    tcp.flags |= Flags::AE;
    let parsed = read(&v4(Body::Tcp(tcp.clone())), &Lies::default());
    assert_eq!(parsed.faults, [Fault::ReservedBits { layer: Layer::Tcp }]);
    assert_eq!(parsed.packet.tcp(), Some(&tcp));
    let Packet {
        ip: Ip::V4(ip),
        body,
    } = tcp4()
    else {
        panic!("not IPv4")
    };
    let packet = Packet {
        ip: Ip::V4(Ipv4 {
            reserved: true,
            ..ip
        }),
        body,
    };
    assert_eq!(
        read(&packet, &Lies::default()).faults,
        [Fault::ReservedBits { layer: Layer::Ip }]
    );
}

#[test]
fn truncation_comes_last() {
    let whole = one(&tcp4(), &Lies::default());
    for length in 0..=whole.len() + 1 {
        let bytes = one(
            &tcp4(),
            &Lies {
                truncate: Some(length),
                ..Lies::default()
            },
        );
        assert_eq!(bytes, whole[..length.min(whole.len())]);
    }
    assert_eq!(parse(&[]), Err(ParseError::Empty));
    assert_eq!(
        parse(&whole[..19]),
        Err(ParseError::Short {
            needed: 20,
            found: 19
        })
    );
    let parsed = parse(&whole[..39]).unwrap();
    let [stated, header] = &parsed.faults[..] else {
        panic!("{parsed:?}")
    };
    assert_eq!(
        *stated,
        Fault::TotalLength {
            stated: 48,
            found: 39
        }
    );
    assert_eq!(
        *header,
        Fault::TruncatedHeader {
            protocol: 6,
            needed: 20,
            found: 19
        }
    );
    assert_eq!(
        parsed.packet.body,
        Body::Other {
            protocol: 6,
            bytes: whole[20..39].to_vec()
        }
    );
}

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

#[test]
fn big_segments_are_checksummed_in_full() {
    let packet = v4(Body::Tcp(segment(vec![], &[0xff; 65_495])));
    assert_eq!(read(&packet, &Lies::default()).faults, []);
    let packet = v4(Body::Tcp(segment(vec![], &[0xff; 200_000])));
    assert!(
        !read(&packet, &Lies::default()).faults.is_empty(),
        "it does not fit into its length field"
    );
}
