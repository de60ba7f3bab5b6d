//! Packets that say what is not so: each lie shows in the bytes, and is found by the reader.

use tcpdrill::wire::{
    Body, Checksum, Extension, Fault, Flags, Icmp, Ip, IpLies, Ipv4, Ipv6, Layer, Lies,
    OptionFault, Packet, ParseError, TcpOption, parse,
};

use crate::samples::{ipv4, one, read, segment, tcp4, tcp6, v4, v6};

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
fn big_segments_are_checksummed_in_full() {
    let packet = v4(Body::Tcp(segment(vec![], &[0xff; 65_495])));
    assert_eq!(read(&packet, &Lies::default()).faults, []);
    let packet = v4(Body::Tcp(segment(vec![], &[0xff; 200_000])));
    assert!(
        !read(&packet, &Lies::default()).faults.is_empty(),
        "it does not fit into its length field"
    );
}

#[test]
fn a_length_that_cannot_be_believed_leaves_the_checksum_alone() {
    let truth = one(&tcp4(), &Lies::default());
    for length in (0..38).chain([49, u16::MAX]) {
        let ip = IpLies {
            total_length: Some(length),
            ..IpLies::default()
        };
        let bytes = one(
            &tcp4(),
            &Lies {
                ip,
                ..Lies::default()
            },
        );
        assert_eq!(bytes[2..4], length.to_be_bytes());
        assert_eq!(bytes[20..], truth[20..], "total length {length}");
    }
}

#[test]
fn headers_are_filled_up_to_what_their_lengths_can_say() {
    let Packet {
        ip: Ip::V4(ip),
        body,
    } = tcp4()
    else {
        panic!("not IPv4")
    };
    let options = |options: &[u8]| Ipv4 {
        options: options.to_vec(),
        ..ip.clone()
    };
    let parsed = read(
        &Packet {
            ip: Ip::V4(options(&[1, 1, 1, 1, 1])),
            body,
        },
        &Lies::default(),
    );
    assert_eq!(
        (parsed.packet.ip, parsed.faults),
        (Ip::V4(options(&[1, 1, 1, 1, 1, 0, 0, 0])), vec![])
    );

    let Packet {
        ip: Ip::V6(ip),
        body,
    } = tcp6()
    else {
        panic!("not IPv6")
    };
    let ext = |ext: [&[u8]; 3]| {
        Ip::V6(Ipv6 {
            ext: ext
                .map(|data| Extension::Destination(data.to_vec()))
                .to_vec(),
            ..ip.clone()
        })
    };
    let parsed = read(
        &Packet {
            ip: ext([&[], &[1, 2, 3], &[9; 7]]),
            body,
        },
        &Lies::default(),
    );
    let filled = ext([
        &[0; 6],
        &[1, 2, 3, 0, 0, 0],
        &[9, 9, 9, 9, 9, 9, 9, 0, 0, 0, 0, 0, 0, 0],
    ]);
    assert_eq!((parsed.packet.ip, parsed.faults), (filled, vec![]));
}

#[test]
fn reserved_bits_of_a_fragment_header_are_told() {
    let Packet {
        ip: Ip::V6(mut ip),
        body,
    } = tcp6()
    else {
        panic!("not IPv6")
    };
    ip.ext = vec![Extension::Fragment {
        offset: 0,
        more: false,
        id: 1,
    }];
    let bytes = one(
        &Packet {
            ip: Ip::V6(ip),
            body,
        },
        &Lies::default(),
    );
    for (byte, bits) in [(41, 0x80), (41, 1), (43, 2), (43, 4)] {
        let mut bytes = bytes.clone();
        bytes[byte] |= bits;
        assert_eq!(
            parse(&bytes).unwrap().faults,
            [Fault::ReservedBits { layer: Layer::Ip }]
        );
    }
}

#[test]
fn an_extension_header_that_is_cut_off_is_told() {
    let Packet {
        ip: Ip::V6(mut ip),
        body,
    } = tcp6()
    else {
        panic!("not IPv6")
    };
    ip.ext = vec![Extension::Destination(vec![0; 14])];
    let mut bytes = one(
        &Packet {
            ip: Ip::V6(ip),
            body,
        },
        &Lies::default(),
    );
    bytes.truncate(52);
    bytes[5] = 12;
    let parsed = parse(&bytes).unwrap();
    assert_eq!(
        parsed.faults,
        [Fault::TruncatedHeader {
            protocol: 60,
            needed: 16,
            found: 12
        }]
    );
    assert_eq!(
        parsed.packet.body,
        Body::Other {
            protocol: 60,
            bytes: bytes[40..].to_vec()
        }
    );
}
