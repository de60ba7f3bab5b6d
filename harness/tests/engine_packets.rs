//! What of an emitted packet is compared: all that is written, and nothing that is not.

mod engine_support;

use engine_support::{REAL, bare, emitted, ip, packet, problems, run, story};
use tcpdrill::front::{MemoryLibrary, yaml};
use tcpdrill::target::scripted::Scripted;
use tcpdrill::target::{Observation, Timing};
use tcpdrill::wire::pattern::{self, Direction};
use tcpdrill::wire::{
    AccEcnOrder, Body, Checksum, Flags, Icmp, Ip, IpLies, Lies, Packet, Tcp, TcpOption, build, icmp,
};

fn options(options: &[TcpOption]) -> Observation {
    emitted(0, Tcp { options: options.to_vec(), ..bare(Flags::ACK) })
}

fn with_lies(lies: &Lies) -> Observation {
    packet(0, Packet { ip: Ip::V4(ip()), body: Body::Tcp(bare(Flags::ACK)) }, lies)
}

fn lying_ip(lies: IpLies) -> Observation {
    with_lies(&Lies { ip: lies, ..Lies::default() })
}

/// Each line: what, the expectation, what comes, and whether it is that.
type Line<'a> = (&'a str, &'a str, Observation, bool);

fn check(lines: Vec<Line<'_>>) {
    let mut wrong = Vec::new();
    for (what, expectation, coming, fits) in lines {
        let found = problems(&story(&format!("  - expect: {expectation}\n"), vec![coming]));
        if found != if fits { &[][..] } else { &["wrong"] } {
            wrong.push(format!("{what}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn options_are_compared_as_written() {
    use TcpOption::{AccEcn, Lying, Mss, Nop, Other};
    let lie = |option: TcpOption, length| Lying { option: Box::new(option), length };
    let ecn = |counters: &[u32]| AccEcn { order: AccEcnOrder::E0First, counters: counters.to_vec() };
    let nops = [Nop, Nop, Nop, Nop];
    let other = Other { kind: 254, data: vec![0xbe, 0xef] };
    check(vec![
        ("a true length", "\". 1:1(0) ack 1 <mss 1460>\"", options(&[Mss(1460)]), true),
        ("a lie that is not there", "\". 1:1(0) ack 1 <mss 1460 len 3>\"", options(&[Mss(1460)]), false),
        ("a lie", "\". 1:1(0) ack 1 <mss 1460 len 6>\"", options(&[lie(Mss(1460), 6)]), true),
        ("a lie within", "\". 1:1(0) ack 1 <mss 1460 len 3,...>\"", options(&[Mss(1460)]), false),
        ("a lie that is not written", "\". 1:1(0) ack 1 <mss 1460>\"", options(&[lie(Mss(1460), 6)]), false),
        ("two of a kind", "\". 1:1(0) ack 1 <nop,nop,...>\"", options(&nops), true),
        ("one for two", "\". 1:1(0) ack 1 <mss 9,mss 9,...>\"", options(&[Mss(9)]), false),
        ("the second of its kind", "\". 1:1(0) ack 1 <mss 9,...>\"", options(&[Mss(1), Mss(9)]), true),
        ("other bytes", "\". 1:1(0) ack 1 <opt 254 beef>\"", options(std::slice::from_ref(&other)), true),
        ("other other bytes", "\". 1:1(0) ack 1 <opt 254 beee>\"", options(&[other]), false),
        ("a known kind in bytes", "\". 1:1(0) ack 1 <opt 2 05b4>\"", options(&[Mss(1460)]), true),
        ("bytes of several", "\". 1:1(0) ack 1 <hex 01010101>\"", options(&nops), true),
        ("all bytes", "{ segment: . 1:1(0) ack 1, options: hex 020405b4 }", options(&[Mss(1460)]), true),
        (
            "fewer counters",
            "\". 1:1(0) ack 1 <ECN e0b 1,nop,nop,nop>\"",
            options(&[ecn(&[1]), Nop, Nop, Nop]),
            true,
        ),
        ("more counters", "\". 1:1(0) ack 1 <ECN e0b 1,nop>\"", options(&[ecn(&[1, 2, 3]), Nop]), false),
    ]);
}

#[test]
fn payload_is_compared_to_its_end() {
    let says = |text: &str| emitted(0, Tcp { payload: text.into(), ..bare(Flags::ACK) });
    let table = [
        ("the whole text", ". 1(any) ack 1", "text hello", "hello", true),
        ("less of it", ". 1(any) ack 1", "text hello", "hel", false),
        ("more than it", ". 1(any) ack 1", "text hello", "hello!", false),
    ];
    for (what, segment, data, said, fits) in table {
        let found = problems(&story(&format!("  - expect: {segment}\n    data: {data}\n"), vec![says(said)]));
        assert_eq!(found.is_empty(), fits, "{what}: {found:?}");
    }
}

#[test]
fn the_pattern_goes_on_beyond_its_period_and_before_the_first_byte() {
    let at = |seq: u32, length| {
        let payload = pattern::fill(Direction::ToPeer, u64::from(seq.wrapping_sub(1)), length);
        emitted(0, Tcp { seq, payload, ..bare(Flags::ACK) })
    };
    check(vec![
        ("beyond 2^28", ". 268435449(16) ack 1", at((1 << 28) - 7, 16), true),
        ("across 2^32", ". 4294967295(16) ack 1", at(u32::MAX, 16), true),
        ("before the first", ". 0(1) ack 1", at(0, 1), true),
        (
            "shifted",
            ". 268435449(16) ack 1",
            {
                let payload = pattern::fill(Direction::ToPeer, (1 << 28) - 7, 16);
                emitted(0, Tcp { seq: (1 << 28) - 7, payload, ..bare(Flags::ACK) })
            },
            false,
        ),
    ]);
}

#[test]
fn header_fields_are_compared_when_written() {
    let plain = || emitted(0, bare(Flags::ACK));
    let of = |ip| packet(0, Packet { ip: Ip::V4(ip), body: Body::Tcp(bare(Flags::ACK)) }, &Lies::default());
    let offset = |words| with_lies(&Lies { data_offset: Some(words), ..Lies::default() });
    let bad = || lying_ip(IpLies { checksum: Checksum::Bad, ..IpLies::default() });
    let long = || lying_ip(IpLies { total_length: Some(39), ..IpLies::default() });
    check(vec![
        ("IP checksum good", "{ segment: . 1:1(0) ack 1, ip: { checksum: good } }", bad(), false),
        ("IP checksum bad", "{ segment: . 1:1(0) ack 1, ip: { checksum: bad } }", plain(), false),
        ("IP checksum is bad", "{ segment: . 1:1(0) ack 1, ip: { checksum: bad } }", bad(), true),
        ("IP checksum value", "{ segment: . 1:1(0) ack 1, ip: { checksum: 1 } }", plain(), false),
        ("IP checksum any", "{ segment: . 1:1(0) ack 1, ip: { checksum: any } }", bad(), true),
        ("IP options", "{ segment: . 1:1(0) ack 1, ip: { options: hex 01010101 } }", plain(), false),
        (
            "IP options are there",
            "{ segment: . 1:1(0) ack 1, ip: { options: hex 01010101 } }",
            of(tcpdrill::wire::Ipv4 { options: vec![1; 4], ..ip() }),
            true,
        ),
        ("protocol", "{ segment: . 1:1(0) ack 1, ip: { protocol: 17 } }", plain(), false),
        ("protocol is TCP", "{ segment: . 1:1(0) ack 1, ip: { protocol: 6 } }", plain(), true),
        ("version", "{ segment: . 1:1(0) ack 1, ip: { version: 6 } }", plain(), false),
        ("header length", "{ segment: . 1:1(0) ack 1, ip: { header_length: 6 } }", plain(), false),
        ("header length is 5", "{ segment: . 1:1(0) ack 1, ip: { header_length: 5 } }", plain(), true),
        ("total length", "{ segment: . 1:1(0) ack 1, ip: { total_length: 41 } }", plain(), false),
        ("total length is 40", "{ segment: . 1:1(0) ack 1, ip: { total_length: 40 } }", plain(), true),
        ("total length lies", ". 1:1(0) ack 1", long(), false),
        ("offset", "{ segment: . 1:1(0) ack 1, ip: { offset: 8 } }", plain(), false),
        ("more fragments", "{ segment: . 1:1(0) ack 1, ip: { mf: true } }", plain(), false),
        ("flow label", "(flowlabel 1) . 1:1(0) ack 1", plain(), false),
        (
            "extension headers",
            "{ segment: . 1:1(0) ack 1, ip: { ext: [hop_by_hop hex 000000000000] } }",
            plain(),
            false,
        ),
        ("data offset", "{ segment: . 1:1(0) ack 1, data_offset: 6 }", plain(), false),
        ("data offset lies", "{ segment: . 1:1(0) ack 1, data_offset: 6 }", offset(6), true),
        ("data offset lies unwritten", ". 1:1(0) ack 1", offset(4), false),
        (
            "an ack without the flag",
            "{ segment: R 1:1(0), ack: 7 }",
            emitted(0, Tcp { ack: 8, ..bare(Flags::RST) }),
            false,
        ),
        (
            "the ack without the flag",
            "{ segment: R 1:1(0), ack: 7 }",
            emitted(0, Tcp { ack: 7, ..bare(Flags::RST) }),
            true,
        ),
    ]);
}

/// `icmp unreachable port`, about the peer's segment with this sequence number.
fn error(seq: u32, quote_length: usize, to: [u8; 4]) -> Observation {
    let quoted =
        Tcp { sport: 8080, dport: 8080, seq, ack: 1, flags: Flags::ACK, win: 65535, ..Tcp::default() };
    let back = tcpdrill::wire::Ipv4::new(ip().dst, ip().src);
    let mut quote = build(&Packet { ip: Ip::V4(back), body: Body::Tcp(quoted) }, &Lies::default()).concat();
    quote.truncate(quote_length);
    let body = Body::Icmp(Icmp { kind: 3, code: 3, rest: 0, payload: quote });
    packet(0, Packet { ip: Ip::V4(tcpdrill::wire::Ipv4::new(ip().src, to.into())), body }, &Lies::default())
}

#[test]
fn what_an_icmp_error_quotes_is_compared_when_written() {
    let here = [192, 0, 2, 1];
    let pointer = |rest| {
        let body = Body::Icmp(Icmp { kind: 12, code: 0, rest, payload: Vec::new() });
        packet(0, Packet { ip: Ip::V4(ip()), body }, &Lies::default())
    };
    assert_eq!(icmp::text(3, 3, tcpdrill::wire::IpVersion::V4), "unreachable port");
    check(vec![
        ("no quote written", "icmp unreachable port", error(5, 28, here), true),
        ("the range", "\"icmp unreachable port [5:5(0)]\"", error(5, 28, here), true),
        ("another range", "\"icmp unreachable port [6:6(0)]\"", error(5, 28, here), false),
        ("another length", "\"icmp unreachable port [5:15(10)]\"", error(5, 40, here), false),
        ("the segment", "\"icmp unreachable port [. 5:5(0) ack 1]\"", error(5, 40, here), true),
        ("other flags", "\"icmp unreachable port [S 5:5(0)]\"", error(5, 40, here), false),
        ("another ack", "\"icmp unreachable port [. 5:5(0) ack 2]\"", error(5, 40, here), false),
        ("nothing to read", "\"icmp unreachable port [5:5(0)]\"", error(5, 24, here), false),
        (
            "its length",
            "{ icmp: { type: unreachable, code: port, quote_length: 28 } }",
            error(5, 28, here),
            true,
        ),
        (
            "more of it",
            "{ icmp: { type: unreachable, code: port, quote_length: 28 } }",
            error(5, 40, here),
            false,
        ),
        ("to somebody else", "icmp unreachable port", error(5, 28, [192, 0, 2, 2]), false),
        ("a pointer", "icmp parameter_problem ptr 20", pointer(20 << 24), true),
        ("another pointer", "icmp parameter_problem ptr 20", pointer(20), false),
    ]);
}

#[test]
fn fragments_and_cut_packets_cannot_be_expected() {
    for key in ["truncate: 20", "fragments: [{ offset: 0, length: 8 }]"] {
        let text = format!("title: a story\nsteps:\n  - expect: {{ segment: . 1:1(0) ack 1, {key} }}\n");
        let lowered = yaml::lower("story.yaml", "story", text.into(), &MemoryLibrary::default());
        assert!(lowered.is_err(), "{key} is accepted and would not be compared");
    }
}

#[test]
fn timestamps_are_as_exact_as_the_clock() {
    let story = |ts: &str| {
        format!(
            "  - inject: . 1:1(0) ack 1\n  - expect: . 1:1(0) ack 1 <nop,nop,TS val 100 ecr 0>\n  \
             - after: 200ms\n    expect: . 1:1(0) ack 1 <nop,nop,TS val {ts} ecr 0>\n"
        )
    };
    let at = |ms, val| {
        let ts = [TcpOption::Nop, TcpOption::Nop, TcpOption::Ts { val, ecr: 0 }];
        emitted(ms, Tcp { options: ts.to_vec(), ..bare(Flags::ACK) })
    };
    let first = 5000;
    let table = [
        (Timing::Virtual, "300", 300, true),
        (Timing::Virtual, "300", 301, false),
        (Timing::Virtual, "5200!", 300, true),
        (Timing::Virtual, "300..310", 311, false),
        (REAL, "300", 310, true),
        (REAL, "300", 400, false),
        (REAL, "290..300", 310, true),
        (REAL, "290..300", 400, false),
        (REAL, "1 or 300", 310, true),
    ];
    for (timing, written, relative, fits) in table {
        let coming = vec![at(0, first), at(200, first + relative - 100)];
        let found = problems(&run(&story(written), Scripted::new(timing, coming)));
        assert_eq!(found.is_empty(), fits, "{written} and {relative}: {found:?}");
    }
}

#[test]
fn a_new_connection_starts_numbering_again() {
    let syn = |ms, seq| emitted(ms, Tcp { seq, ..bare(Flags::SYN | Flags::ACK) });
    let story = |isn: &str| {
        format!(
            "  - inject: S 0:0(0)\n  - expect: S. 0:0(0) ack 1\n  - after: 1s\n    inject: S 0:0(0)\n  \
             - expect: S. 0:0(0) ack 1\n{isn}"
        )
    };
    let run =
        |isn| problems(&run(&story(isn), Scripted::new(Timing::Virtual, vec![syn(0, 7), syn(1000, 9)])));
    assert_eq!(run(""), ["wrong"], "a SYN with another ISN is a mismatch");
    assert_eq!(run("    isn: new\n"), [""; 0]);
    let by_peer = "  - inject: S 0:0(0)\n  - expect: S. 0:0(0) ack 1\n  - after: 1s\n    inject: S 0:0(0)\n    isn: 1000\n  \
                   - after: 1ms\n    expect: S. 0:0(0) ack 1\n";
    for (ack, expected) in [(1001, &[][..]), (1, &["wrong"])] {
        let second = emitted(1001, Tcp { seq: 9, ack, ..bare(Flags::SYN | Flags::ACK) });
        let target = Scripted::new(Timing::Virtual, vec![syn(0, 7), second]);
        assert_eq!(problems(&engine_support::run(by_peer, target)), expected, "ack {ack}");
    }
}

#[test]
fn an_echo_reply_belongs_to_its_flow_and_is_not_quoted() {
    let reply = Icmp { kind: 0, code: 0, rest: 0, payload: vec![0x45; 28] };
    let reply = packet(0, Packet { ip: Ip::V4(ip()), body: Body::Icmp(reply) }, &Lies::default());
    let sent = emitted(0, Tcp { payload: pattern::fill(Direction::ToPeer, 0, 10), ..bare(Flags::ACK) });
    let steps = "  - expect: . 1:11(10) ack 1\n  - expect: icmp echo_reply\n  - after: 1ms\n    inject: icmp unreachable host\n";
    let report = story(steps, vec![sent.clone(), reply.clone()]);
    assert_eq!(problems(&report), [""; 0]);
    let shown = report.events.last().map(|event| event.text.clone()).unwrap_or_default();
    assert_eq!(shown, "icmp unreachable host [1(any)]");
    assert_eq!(problems(&story("  - expect: . 1:11(10) ack 1\n", vec![sent, reply])), ["unexpected"]);
}
