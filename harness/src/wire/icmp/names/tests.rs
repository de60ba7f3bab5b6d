//! Names and numbers, both ways.

use super::{CODES, Code, KINDS, Kind, names, numbers, text};
use crate::wire::IpVersion::{V4, V6};

#[test]
fn names_of_the_language() {
    let table = [
        ("unreachable", Some("port"), Some((3, 3)), Some((1, 4))),
        ("unreachable", Some("host"), Some((3, 1)), Some((1, 3))),
        ("unreachable", Some("net"), Some((3, 0)), Some((1, 0))),
        (
            "unreachable",
            Some("admin_prohibited"),
            Some((3, 13)),
            Some((1, 1)),
        ),
        ("unreachable", Some("protocol"), Some((3, 2)), None),
        (
            "unreachable",
            Some("port_unreachable"),
            Some((3, 3)),
            Some((1, 4)),
        ),
        (
            "unreachable",
            Some("code_200"),
            Some((3, 200)),
            Some((1, 200)),
        ),
        ("packet_too_big", None, Some((3, 4)), Some((2, 0))),
        ("source_quench", None, Some((4, 0)), None),
        ("redirect", Some("host"), Some((5, 1)), None),
        ("echo_reply", Some("host"), None, None),
        ("type_77", Some("code_1"), Some((77, 1)), Some((77, 1))),
    ];
    for (kind, code, v4, v6) in table {
        let (kind, code) = (
            Kind::from_name(kind).unwrap(),
            code.map(|code| Code::from_name(code).unwrap()),
        );
        assert_eq!(numbers(kind, code, V4), v4, "{kind} {code:?} in IPv4");
        assert_eq!(numbers(kind, code, V6), v6, "{kind} {code:?} in IPv6");
    }
    for name in [
        "", "prot", "type_", "type_256", "type_07", "type_+1", "code_1",
    ] {
        assert_eq!(Kind::from_name(name), None, "{name:?}");
    }
}

#[test]
fn every_number_has_names_that_lead_back_to_it() {
    for version in [V4, V6] {
        for pair in (0..=u8::MAX).flat_map(|kind| (0..=u8::MAX).map(move |code| (kind, code))) {
            let (kind, code) = names(pair.0, pair.1, version);
            assert_eq!(
                numbers(kind, code, version),
                Some(pair),
                "{kind} {code:?} in {version:?}"
            );
            assert_eq!(Kind::from_name(&kind.to_string()), Some(kind));
            assert!(code.is_none_or(|code| Code::from_name(&code.to_string()) == Some(code)));
        }
    }
}

#[test]
fn names_are_given_once() {
    let mut all: Vec<&str> = KINDS
        .iter()
        .map(|k| k.1)
        .chain(CODES.iter().map(|c| c.1))
        .collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), KINDS.len() + CODES.len());
}

#[test]
fn text_names_a_code_only_where_it_says_something() {
    assert_eq!(text(3, 0, V4), "unreachable net");
    assert_eq!(text(3, 4, V4), "packet_too_big");
    assert_eq!(text(11, 0, V4), "time_exceeded");
    assert_eq!(text(11, 1, V4), "time_exceeded code_1");
    assert_eq!(text(13, 0, V4), "type_13");
    assert_eq!(text(1, 2, V6), "unreachable code_2");
    assert_eq!(text(5, 1, V6), "type_5 code_1");
}
