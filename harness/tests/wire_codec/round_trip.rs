//! Building and parsing undo each other, and nothing that arrives is too odd to be read.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use tcpdrill::wire::notation::{Bases, packet_text};
use tcpdrill::wire::{
    Body, Fault, Ip, IpVersion, Layer, Lies, Packet, build, icmp, parse, protocol,
};

use crate::strategies::{bare_ip, icmp as messages, packet, tcp, version};

fn built(packet: &Packet) -> Vec<u8> {
    build(packet, &Lies::default()).remove(0)
}

/// Sets every checksum to what parsing says it should be.
fn with_good_checksums(mut bytes: Vec<u8>) -> Vec<u8> {
    let Ok(parsed) = parse(&bytes) else {
        return bytes;
    };
    let start = match &parsed.packet.ip {
        Ip::V4(ip) => 20 + ip.options.len(),
        // The strategy below makes no extension headers.
        Ip::V6(_) => 40,
    };
    for fault in parsed.faults {
        let Fault::Checksum {
            layer, expected, ..
        } = fault
        else {
            continue;
        };
        let at = match layer {
            Layer::Ip => 10,
            Layer::Tcp => start + 16,
            Layer::Icmp => start + 2,
        };
        bytes[at..at + 2].copy_from_slice(&expected.to_be_bytes());
    }
    bytes
}

/// Arbitrary bytes, of which only version, lengths, protocol and checksums are made to fit.
fn plausible() -> impl Strategy<Value = Vec<u8>> {
    // Small numbers are what options are made of.
    let bytes = vec(prop_oneof![any::<u8>(), 0..=10_u8], 60..160);
    (version(), bytes, 5..=15_u8, any::<bool>()).prop_map(|(version, mut bytes, words, tcp)| {
        bytes[0] = version.number() << 4 | bytes[0] & 15;
        let length = bytes.len() as u16;
        let protocol = if tcp {
            protocol::TCP
        } else {
            version.icmp_protocol()
        };
        let start = match version {
            IpVersion::V4 => {
                bytes[0] = 0x45;
                bytes[2..4].copy_from_slice(&length.to_be_bytes());
                bytes[6] &= 0x7f;
                bytes[9] = protocol;
                20
            }
            IpVersion::V6 => {
                bytes[4..6].copy_from_slice(&(length - 40).to_be_bytes());
                bytes[6] = protocol;
                40
            }
        };
        if tcp {
            let offset = words.min(((bytes.len() - start) / 4) as u8);
            bytes[start + 12] = offset << 4 | bytes[start + 12] & 1;
        }
        with_good_checksums(bytes)
    })
}

/// Which bits of a packet no checksum covers and no length depends on.
fn is_unprotected(version: IpVersion, byte: usize, bit: u8) -> bool {
    match version {
        // Turns the packet into one of IPv6.
        IpVersion::V4 => (byte, bit) == (0, 5),
        // Traffic class, flow label and hop limit; turned into IPv4; the protocol that says what is summed.
        IpVersion::V6 => {
            (byte == 0 && bit <= 3)
                || (1..=3).contains(&byte)
                || byte == 7
                || (byte, bit) == (0, 5)
                || byte == 6
        }
    }
}

proptest! {
    #[test]
    fn parsing_what_was_built_gives_the_same_packet(packet in packet()) {
        let parsed = parse(&built(&packet)).unwrap();
        prop_assert_eq!(&parsed.faults, &vec![]);
        prop_assert_eq!(parsed.packet, packet);
    }

    #[test]
    fn building_what_was_parsed_gives_the_same_bytes(bytes in plausible()) {
        let parsed = parse(&bytes).unwrap();
        if parsed.faults.is_empty() {
            prop_assert_eq!(built(&parsed.packet), bytes);
        }
    }

    #[test]
    fn even_faulty_segments_keep_their_bytes(bytes in plausible()) {
        let parsed = parse(&bytes).unwrap();
        if parsed.faults.iter().all(|fault| matches!(fault, Fault::Option(_))) {
            prop_assert_eq!(built(&parsed.packet), bytes);
        }
    }

    #[test]
    fn nothing_makes_the_reader_panic(mut bytes in vec(any::<u8>(), 0..200), version in version(), plain in any::<bool>()) {
        if let Some(first) = bytes.first_mut() {
            *first = version.number() << 4 | if plain { 5 } else { *first & 15 };
        }
        if let Ok(parsed) = parse(&bytes) {
            let _ = packet_text(&parsed.packet, &Bases::default());
            let _ = build(&parsed.packet, &Lies::default());
        }
        let _ = icmp::quote(&bytes);
        let _ = icmp::quoted(&icmp::Icmp { kind: 3, code: 3, rest: 0, payload: bytes });
    }

    #[test]
    fn cut_and_overwritten_packets_can_be_read(packet in packet(), cut in any::<usize>(), at in any::<usize>(), byte in any::<u8>()) {
        let mut bytes = built(&packet);
        let at = at % bytes.len();
        bytes[at] = byte;
        bytes.truncate(cut % (bytes.len() + 1));
        if let Ok(parsed) = parse(&bytes) {
            let _ = packet_text(&parsed.packet, &Bases::default());
        }
    }

    #[test]
    fn single_flipped_bits_are_noticed(ip in bare_ip(), tcp in tcp(), message in messages(), as_tcp in any::<bool>()) {
        let version = ip.version();
        let body = if as_tcp { Body::Tcp(tcp) } else { Body::Icmp(message) };
        let bytes = built(&Packet { ip, body });
        for (byte, bit) in (0..bytes.len()).flat_map(|byte| (0..8).map(move |bit| (byte, bit))) {
            if is_unprotected(version, byte, bit) {
                continue;
            }
            let mut flipped = bytes.clone();
            flipped[byte] ^= 1 << bit;
            if let Ok(parsed) = parse(&flipped) {
                prop_assert!(!parsed.faults.is_empty(), "bit {} of byte {} flipped unnoticed", bit, byte);
            }
        }
    }
}
