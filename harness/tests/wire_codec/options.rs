//! TCP options: any bytes can be read and come out again, and what is odd about them is said.

use proptest::collection::vec;
use proptest::prelude::{any, prop_assert_eq, prop_oneof, proptest};
use tcpdrill::wire::{AccEcnOrder, OptionFault, TcpOption, encode_options, parse_options};

use crate::strategies::option;

fn raw(bytes: &[u8]) -> TcpOption {
    TcpOption::Raw(bytes.to_vec())
}

fn other(kind: u8, data: &[u8]) -> TcpOption {
    TcpOption::Other {
        kind,
        data: data.to_vec(),
    }
}

proptest! {
    #[test]
    fn any_bytes_come_out_again(bytes in vec(any::<u8>(), 0..60)) {
        prop_assert_eq!(encode_options(&parse_options(&bytes).0), bytes);
    }

    #[test]
    fn likely_bytes_come_out_again(bytes in vec(prop_oneof![0..=10_u8, 171..=175_u8, 253..=255_u8], 0..60)) {
        prop_assert_eq!(encode_options(&parse_options(&bytes).0), bytes);
    }

    #[test]
    fn options_are_read_as_they_were_meant(options in vec(option(), 0..8)) {
        let (read, faults) = parse_options(&encode_options(&options));
        prop_assert_eq!(faults, vec![]);
        prop_assert_eq!(read, options);
    }
}

#[test]
fn known_bytes() {
    let table: [(&[u8], TcpOption); 12] = [
        (&[1], TcpOption::Nop),
        (&[0], TcpOption::Eol),
        (&[2, 4, 5, 0xb4], TcpOption::Mss(1460)),
        (&[3, 3, 7], TcpOption::Wscale(7)),
        (&[4, 2], TcpOption::SackOk),
        (
            &[5, 10, 0, 0, 0, 1, 0, 0, 0, 2],
            TcpOption::Sack(vec![(1, 2)]),
        ),
        (
            &[8, 10, 0, 0, 0, 9, 0, 0, 0, 8],
            TcpOption::Ts { val: 9, ecr: 8 },
        ),
        (&[34, 2], TcpOption::FastOpen(vec![])),
        (
            &[254, 6, 0xf9, 0x89, 0xab, 0xcd],
            TcpOption::FastOpenExp(vec![0xab, 0xcd]),
        ),
        (&[254, 4, 0xbe, 0xef], other(254, &[0xbe, 0xef])),
        (
            &[172, 5, 1, 2, 3],
            TcpOption::AccEcn {
                order: AccEcnOrder::E0First,
                counters: vec![0x01_0203],
            },
        ),
        (
            &[174, 5, 1, 2, 3],
            TcpOption::AccEcn {
                order: AccEcnOrder::E1First,
                counters: vec![0x01_0203],
            },
        ),
    ];
    for (bytes, option) in table {
        assert_eq!(parse_options(bytes), (vec![option.clone()], vec![]));
        assert_eq!(encode_options(&[option]), bytes);
    }
}

#[test]
fn oddities_are_kept_and_named() {
    let unreadable = |kind, offset| OptionFault::Unreadable { kind, offset };
    let length = |kind, offset, length| OptionFault::Length {
        kind,
        offset,
        length,
    };
    let table: [(&[u8], Vec<TcpOption>, OptionFault); 8] = [
        (&[1, 2], vec![TcpOption::Nop, raw(&[2])], unreadable(2, 1)),
        (&[2, 0, 5, 6], vec![raw(&[2, 0, 5, 6])], unreadable(2, 0)),
        (&[2, 1, 5, 6], vec![raw(&[2, 1, 5, 6])], unreadable(2, 0)),
        (
            &[254, 5, 1, 1],
            vec![raw(&[254, 5, 1, 1])],
            unreadable(254, 0),
        ),
        (
            &[2, 3, 5, 1],
            vec![other(2, &[5]), TcpOption::Nop],
            length(2, 0, 3),
        ),
        (&[5, 2], vec![other(5, &[])], length(5, 0, 2)),
        (
            &[1, 4, 3, 9],
            vec![TcpOption::Nop, other(4, &[9])],
            length(4, 1, 3),
        ),
        (
            &[0, 0, 4, 2],
            vec![TcpOption::Eol, TcpOption::Eol, raw(&[4, 2])],
            OptionFault::Padding { offset: 2 },
        ),
    ];
    for (bytes, options, fault) in table {
        assert_eq!(parse_options(bytes), (options, vec![fault]), "{bytes:?}");
    }
}

#[test]
fn a_length_byte_can_lie() {
    let lying = |option, length| TcpOption::Lying {
        option: Box::new(option),
        length,
    };
    let table: [(TcpOption, &[u8]); 5] = [
        (lying(TcpOption::Mss(1460), 3), &[2, 3, 5, 0xb4]),
        (lying(other(254, &[0xbe, 0xef]), 40), &[254, 40, 0xbe, 0xef]),
        (lying(TcpOption::SackOk, 0), &[4, 0]),
        (lying(TcpOption::Nop, 2), &[1, 2]),
        (lying(raw(&[9, 9, 9]), 1), &[9, 1, 9]),
    ];
    for (option, bytes) in table {
        // In the middle of a list, so that no neighbour is hit.
        let list = [TcpOption::Nop, option, TcpOption::Nop];
        assert_eq!(encode_options(&list), [&[1], bytes, &[1]].concat());
    }
}
