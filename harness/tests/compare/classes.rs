//! One planted difference of each class.

use tcpdrill::case::Errno;
use tcpdrill::compare::{Class, Ignored, Side, compare};
use tcpdrill::run::{case_of, replay};
use tcpdrill::time::Span;
use tcpdrill::trace::Trace;
use tcpdrill::verdict::Verdict;
use tcpdrill::wire::{Body, Flags, Ip, Packet, TcpOption};

use super::planted::Plant;
use super::{SKETCH, STRICT, against, case, run, side};

fn window(packet: &mut Packet) {
    tcp(packet).win -= 1;
}

fn tcp(packet: &mut Packet) -> &mut tcpdrill::wire::Tcp {
    match &mut packet.body {
        Body::Tcp(tcp) => tcp,
        _ => panic!("not a segment"),
    }
}

fn reset(result: &mut Result<i64, Errno>) {
    *result = Err(Errno::from_name("ETIMEDOUT").expect("a known name"));
}

/// What the sketch's segments are: 0 SYN-ACK, 1 and 2 data, 3 the acknowledgement, 4 and on retransmissions. Its calls:
/// 0 socket, 1 setsockopt, 2 bind, 3 listen, 4 accept, 5 write, 6 read, 7 and 8 writes to a reset connection.
const PLANTS: &[(Plant, Class, &str, &str, &str)] = &[
    (Plant::Segment(0, window), Class::Field, "win", "64240", "64239"),
    (Plant::Segment(1, |p| tcp(p).flags |= Flags::URG), Class::Field, "flags", ".", ".U"),
    (Plant::Segment(2, |p| tcp(p).flags = Flags::ACK), Class::Field, "push", "true", "false"),
    (Plant::Segment(3, |p| tcp(p).ack += 1), Class::Field, "ack", "11", "12"),
    (Plant::Segment(3, |p| tcp(p).seq += 1), Class::Field, "seq", "1501", "1502"),
    (Plant::Segment(3, |p| tcp(p).urg = 7), Class::Field, "urg", "0", "7"),
    (Plant::Segment(0, |p| tcp(p).options[0] = TcpOption::Mss(9)), Class::Field, "mss", "mss 1460", "mss 9"),
    (
        Plant::Segment(0, |p| tcp(p).options.rotate_left(1)),
        Class::Field,
        "options",
        "<mss 1460,nop,nop,sackOK>",
        "<nop,nop,sackOK,mss 1460>",
    ),
    (Plant::Segment(1, |p| ttl(p, 63)), Class::Field, "ttl", "64", "63"),
    (Plant::Segment(1, |p| tcp(p).payload[4] = b'x'), Class::Data, "payload byte 4", "0x30", "0x78"),
    (Plant::Lose(3), Class::Missing, "segment", ". 1501:1501(0) ack 11 win 64230", "nothing"),
    (Plant::Repeat(3), Class::Extra, "segment", "nothing", ". 1501:1501(0) ack 11 win 64230"),
    (Plant::Delay(3, Span::millis(40)), Class::Timing, "after P. 1:11(10) ack 1001 win 65535", "0", "40ms"),
    (Plant::Returns(6, |result| *result = Ok(9)), Class::Return, "returns", "10", "9"),
    (Plant::Returns(6, reset), Class::Errno, "returns", "10", "-1 ETIMEDOUT"),
    (Plant::Returns(7, reset), Class::Errno, "returns", "-1 ECONNRESET", "-1 ETIMEDOUT"),
    (Plant::Hang(8), Class::Missing, "return", "-1 EPIPE", "nothing"),
    (Plant::Reads(6, |data| data[3] = b'x'), Class::Data, "byte 3", "0x30", "0x78"),
    (Plant::NoSignal, Class::Signal, "signal", "SIGPIPE", "nothing"),
    (Plant::Looks, Class::State, "s.tcpi_unacked", "1", "2"),
    (Plant::State(1), Class::State, "state", "LISTEN -> SYN_RECV (segment)", "LISTEN -> TIME_WAIT (segment)"),
];

fn ttl(packet: &mut Packet, ttl: u8) {
    match &mut packet.ip {
        Ip::V4(ip) => ip.ttl = ttl,
        Ip::V6(ip) => ip.hop_limit = ttl,
    }
}

#[test]
fn the_same_build_is_equal() {
    for text in [SKETCH, STRICT] {
        let comparison = against(&case(text), Plant::None, &Ignored::default());
        assert_eq!(comparison.first(), None);
        assert!(comparison.rows.len() > 15, "{comparison:?}");
    }
}

#[test]
fn every_class_is_found_where_it_was_planted() {
    let case = case(SKETCH);
    let mut wrong = Vec::new();
    for (plant, class, what, a, b) in PLANTS {
        let comparison = against(&case, *plant, &Ignored::default());
        let found = comparison.first().map(|(_, first)| (first.class, &*first.what, &*first.a, &*first.b));
        if found != Some((*class, *what, *a, *b)) {
            wrong.push(format!("{plant:?}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let classes = |class| PLANTS.iter().any(|(_, planted, ..)| *planted == class);
    assert!(Class::ALL.into_iter().filter(|class| *class != Class::Verdict).all(classes));
}

/// One planted segment is one difference: what follows is not found to differ because of it.
#[test]
fn a_difference_is_found_once() {
    let case = case(SKETCH);
    for (plant, class, ..) in PLANTS {
        let lasting = matches!(plant, Plant::Hang(_) | Plant::State(_));
        let comparison = against(&case, *plant, &Ignored::default());
        let differences: Vec<_> = comparison.rows.iter().flat_map(|row| &row.differences).collect();
        let expected = if matches!(class, Class::Data) || !lasting { 1 } else { differences.len() };
        assert_eq!(differences.len(), expected, "{plant:?}: {differences:?}");
    }
}

#[test]
fn what_no_step_checks_is_found_in_runs_that_pass() {
    let case = case(STRICT);
    let after = run(&case, Plant::Segment(1, window));
    assert_eq!(after.report.verdict, Verdict::Pass);
    let comparison = against(&case, Plant::Segment(1, window), &Ignored::default());
    let (row, first) = comparison.first().unwrap();
    assert_eq!((first.class, &*first.what), (Class::Field, "win"));
    assert_eq!(row.step, Some(case.given + 1));
}

#[test]
fn what_is_ignored_is_not_found() {
    let ignored = |name| Ignored::parse([name]).unwrap();
    let case = case(SKETCH);
    for (plant, class, what, ..) in PLANTS {
        let by_class = against(&case, *plant, &ignored(class.name()));
        assert!(!matches!(by_class.first(), Some((_, first)) if first.class == *class), "{plant:?}");
        if *class == Class::Field {
            assert_eq!(against(&case, *plant, &ignored(what)).first(), None, "{plant:?}");
        }
    }
}

/// A trace that was written and read again says the same as the run.
#[test]
fn traces_are_compared_like_runs() {
    let case = case(SKETCH);
    for (plant, ..) in PLANTS {
        let (before, after) = (run(&case, Plant::None), run(&case, *plant));
        let live = compare(&case, side("a", &before), side("b", &after), &Ignored::default());
        let read = |run: &tcpdrill::run::CaseRun| {
            let text = run.trace.as_ref().expect("it ran").to_text();
            Trace::from_text(&text).expect("a trace")
        };
        let (one, other) = (read(&before), read(&after));
        let recorded = case_of(&one).unwrap();
        let (report_a, report_b) = (replay(&recorded, &one).unwrap(), replay(&recorded, &other).unwrap());
        let again = compare(
            &recorded,
            Side { name: "a", report: &report_a, trace: Some(&one) },
            Side { name: "b", report: &report_b, trace: Some(&other) },
            &Ignored::default(),
        );
        assert_eq!(live, again, "{plant:?}");
    }
}
