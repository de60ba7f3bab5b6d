//! A packet that was read, shown and read again is the same packet: what failure pages and traces show can be
//! written into a case.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use tcpdrill::case::{Action, Expected, PacketSpec, render_packet};
use tcpdrill::front::{MemoryLibrary, yaml};

/// The packet that a line expects; what is wrong with it otherwise.
fn read(line: &str) -> Result<PacketSpec, String> {
    let quoted = line.replace('\'', "''");
    let source = format!("title: t\nsteps:\n  - expect: '{quoted}'\n");
    let lowered = yaml::lower("a.yaml", "a/b", Arc::from(source), &MemoryLibrary::default());
    let lowered = lowered.map_err(|found| found.render(false))?;
    match lowered.cases.first().and_then(|case| case.steps.first()).map(|step| &step.action) {
        Some(Action::Expect { expected: Expected::Packet(packet), .. }) => Ok((**packet).clone()),
        other => Err(format!("{other:?}")),
    }
}

fn number(most: u32) -> impl Strategy<Value = String> {
    prop_oneof![
        Just("any".to_owned()),
        (0..=most).prop_map(|number| number.to_string()),
        (0..=most).prop_map(|number| format!("{number:#x}")),
        (0..=most, 0..=most).prop_map(|(a, b)| format!("{}..{}", a.min(b), a.max(b))),
        (0..=most, 0..=most).prop_map(|(a, b)| format!("{a} or {b}")),
    ]
}

fn relative() -> impl Strategy<Value = String> {
    prop_oneof![number(u32::MAX), any::<u32>().prop_map(|number| format!("{number}!"))]
}

fn option() -> impl Strategy<Value = String> {
    let plain = prop_oneof![
        select(vec![
            "nop",
            "eol",
            "sackOK",
            "FO",
            "FO 0102030405060708",
            "FOEXP",
            "opt 254 beef",
            "opt 77",
            "hex fd04beef"
        ])
        .prop_map(str::to_owned),
        Just("md5 00112233445566778899aabbccddeeff".to_owned()),
        Just("ECN e0b 1 ceb 2 e1b 3".to_owned()),
        Just("ECN e1b any".to_owned()),
        number(65535).prop_map(|mss| format!("mss {mss}")),
        number(255).prop_map(|shift| format!("wscale {shift}")),
        (relative(), relative()).prop_map(|(left, right)| format!("sack {left}:{right}")),
        (100..u32::MAX, number(u32::MAX)).prop_map(|(val, ecr)| format!("TS val {val} ecr {ecr}")),
    ];
    (plain, proptest::option::of(0..=255_u8)).prop_map(|(option, lie)| match lie {
        Some(length) => format!("{option} len {length}"),
        None => option,
    })
}

fn options() -> impl Strategy<Value = String> {
    (proptest::collection::vec(option(), 0..4), any::<bool>()).prop_map(|(mut options, more)| {
        options.extend(more.then(|| "...".to_owned()));
        format!(" <{}>", options.join(","))
    })
}

fn attributes() -> impl Strategy<Value = String> {
    let one = prop_oneof![
        select(vec!["ect0", "ect1", "ce", "noecn", "df", "nodf"]).prop_map(str::to_owned),
        number(255).prop_map(|ttl| format!("ttl {ttl}")),
        number(63).prop_map(|dscp| format!("dscp {dscp}")),
        number(65535).prop_map(|id| format!("id {id}")),
        number(0xfffff).prop_map(|label| format!("flowlabel {label}")),
        number(65535).prop_map(|port| format!("sport {port}")),
    ];
    proptest::collection::vec(one, 0..3).prop_map(|list| match list.as_slice() {
        [] => String::new(),
        list => format!("({}) ", list.join(", ")),
    })
}

fn segment() -> impl Strategy<Value = String> {
    let flags = proptest::sample::subsequence(vec!["F", "S", "R", "P", "U", "E", "W", "A"], 0..=8);
    let urg = proptest::option::of(number(65535));
    let win = proptest::option::of(number(65535));
    let ack = proptest::option::of(relative());
    let parts = (flags, relative(), number(u32::MAX), ack, win, urg, proptest::option::of(options()));
    parts.prop_map(|(flags, seq, length, ack, win, urg, options)| {
        let mut line = flags.concat();
        if ack.is_some() {
            line.push('.');
        }
        if line.is_empty() {
            line.push_str("none");
        }
        line += &format!(" {seq}({length})");
        for (name, number) in [("ack", ack), ("win", win), ("urg", urg)] {
            line += &number.map(|number| format!(" {name} {number}")).unwrap_or_default();
        }
        line + &options.unwrap_or_default()
    })
}

fn icmp() -> impl Strategy<Value = String> {
    let kind = select(vec![
        "unreachable port",
        "unreachable frag_needed",
        "time_exceeded code_1",
        "type_42 code_7",
        "redirect",
        "packet_too_big",
    ]);
    let quote = prop_oneof![
        Just(String::new()),
        (relative(), number(65535)).prop_map(|(seq, length)| format!(" [{seq}({length})]")),
        segment().prop_map(|segment| format!(" [{segment}]")),
    ];
    (kind, proptest::option::of(number(65535)), proptest::option::of(number(255)), quote).prop_map(
        |(kind, mtu, pointer, quote)| {
            let mtu = mtu.map(|mtu| format!(" mtu {mtu}")).unwrap_or_default();
            let pointer = pointer.map(|pointer| format!(" ptr {pointer}")).unwrap_or_default();
            format!("icmp {kind}{mtu}{pointer}{quote}")
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_packet_that_is_shown_can_be_read_again(line in (attributes(), prop_oneof![3 => segment(), 1 => icmp()])) {
        let (attributes, body) = line;
        let line = if body.starts_with("icmp") { body } else { attributes + &body };
        let first = read(&line);
        prop_assert!(first.is_ok(), "{line}: {}", first.unwrap_err());
        let first = first.unwrap();
        let shown = render_packet(&first);
        match read(&shown) {
            Ok(second) => prop_assert_eq!(first, second, "{} shown as {}", line, shown),
            Err(why) => prop_assert!(false, "{line} is shown as {shown}: {why}"),
        }
    }
}
