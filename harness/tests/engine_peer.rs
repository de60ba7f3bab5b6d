//! Stories of peers that answer by themselves: what they take, what they answer, and what is wrong with what they get.

mod engine_support;

use engine_support::{OPEN, REAL, bare, case, emitted, packet, problems, run, run_on, segment, to};
use tcpdrill::case::{Setting, Signal, Submission, ThreadId, Value};
use tcpdrill::engine::{Report, Status, What};
use tcpdrill::target::scripted::Scripted;
use tcpdrill::target::{Inspection, Observation, Target, TargetError, TargetInfo, Timing};
use tcpdrill::time::{Span, Timestamp};
use tcpdrill::verdict::Verdict;
use tcpdrill::wire::pattern::{self, Direction};
use tcpdrill::wire::{Body, Checksum, Flags, Ip, Lies, Packet, Tcp, TcpOption};

const AUTO: &str = "  - peer: auto\n";
const FIN: Flags = Flags::FIN;

/// Opened with these options on both sides, so that the numbers of both count from 0.
fn opened(options: &str, ours: Vec<TcpOption>) -> (String, Observation) {
    let steps = format!(
        "  - inject: S 0:0(0) win 500 {options}\n  - expect: S. 0:0(0) ack 1\n  - inject: . 1:1(0) ack 1 {}\n",
        if options.contains("TS") { "<nop,nop,TS val 1000 ecr 100>" } else { "" }
    );
    let flags = Flags::SYN | Flags::ACK;
    (steps, emitted(0, Tcp { seq: 0, options: ours, ..bare(flags) }))
}

fn story(steps: &str, coming: Vec<Observation>) -> Report {
    run(&format!("{OPEN}{AUTO}{steps}  - silent: 20s\n"), Scripted::new(Timing::Virtual, coming))
}

/// What the peers sent by themselves: when in milliseconds, and what.
fn answers(report: &Report) -> Vec<String> {
    let events = report.events.iter().filter(|event| event.step.is_none());
    events
        .filter_map(|event| match event.what {
            What::Injected(_) => Some(format!("{} {}", event.at.0 / 1_000_000, event.text)),
            _ => None,
        })
        .collect()
}

fn ack(flags: Flags) -> Flags {
    flags | Flags::ACK
}

#[test]
fn everything_in_order_is_acknowledged_at_once() {
    let coming = vec![segment(1, Flags::ACK, 1, 100), segment(2, ack(Flags::PSH), 101, 50)];
    let report = story("", coming);
    assert_eq!(report.verdict, Verdict::Pass);
    assert_eq!(answers(&report), ["1 . 1:1(0) ack 101 win 65535", "2 . 1:1(0) ack 151 win 65535"]);
    let taken = report.events.iter().filter(|event| event.status == Status::Content).count();
    assert_eq!(taken, 2);
}

#[test]
fn holes_duplicates_and_probes_are_acknowledged_and_what_asks_for_nothing_is_not() {
    let a = |ms, seq, length| segment(ms, Flags::ACK, seq, length);
    let bare = |ms, seq| emitted(ms, Tcp { seq, ..bare(Flags::ACK) });
    type Row<'a> = (&'a str, Vec<Observation>, &'a [u32]);
    let table: Vec<Row<'_>> = vec![
        ("a hole, then filled", vec![a(1, 11, 10), a(2, 21, 10), a(3, 1, 10)], &[1, 1, 31]),
        ("a duplicate", vec![a(1, 1, 10), a(2, 1, 10)], &[11, 11]),
        ("an overlap", vec![a(1, 1, 10), a(2, 6, 10)], &[11, 16]),
        ("two holes", vec![a(1, 11, 10), a(2, 31, 10), a(3, 1, 10), a(4, 21, 10)], &[1, 1, 21, 41]),
        ("no data", vec![a(1, 1, 10), bare(2, 11)], &[11]),
        ("no data beyond a hole", vec![bare(2, 11)], &[]),
        ("a keep-alive", vec![a(1, 1, 10), bare(2, 10)], &[11, 11]),
    ];
    for (what, coming, expected) in table {
        let report = story("", coming);
        assert_eq!(report.verdict, Verdict::Pass, "{what}");
        let numbers: Vec<u32> = answers(&report)
            .iter()
            .map(|text| text.split(' ').nth(4).and_then(|number| number.parse().ok()).expect("ack N"))
            .collect();
        assert_eq!(numbers, expected, "{what}");
    }
}

#[test]
fn blocks_say_what_came_the_latest_first_if_both_sides_can_read_them() {
    let (steps, syn) =
        opened("<mss 1000,sackOK,nop,nop>", vec![TcpOption::SackOk, TcpOption::Nop, TcpOption::Nop]);
    let a = |ms, seq| segment(ms, Flags::ACK, seq, 10);
    let coming = vec![syn, a(1, 21), a(2, 41), a(3, 61), a(4, 81), a(5, 101), a(6, 31), a(7, 1)];
    let report =
        run(&format!("{steps}{AUTO}  - silent: 1s\n"), Scripted::new(Timing::Virtual, coming.clone()));
    assert_eq!(report.verdict, Verdict::Pass);
    assert_eq!(
        answers(&report),
        [
            "1 . 1:1(0) ack 1 win 65535 <nop,nop,sack 21:31>",
            "2 . 1:1(0) ack 1 win 65535 <nop,nop,sack 41:51 21:31>",
            "3 . 1:1(0) ack 1 win 65535 <nop,nop,sack 61:71 41:51 21:31>",
            "4 . 1:1(0) ack 1 win 65535 <nop,nop,sack 81:91 61:71 41:51 21:31>",
            "5 . 1:1(0) ack 1 win 65535 <nop,nop,sack 101:111 81:91 61:71 41:51>",
            "6 . 1:1(0) ack 1 win 65535 <nop,nop,sack 21:51 101:111 81:91 61:71>",
            "7 . 1:1(0) ack 11 win 65535 <nop,nop,sack 21:51 101:111 81:91 61:71>",
        ]
    );
    let (steps, syn) = opened("<mss 1000,sackOK,nop,nop>", Vec::new());
    let coming = std::iter::once(syn).chain(coming.into_iter().skip(1)).collect();
    let report = run(&format!("{steps}{AUTO}  - silent: 1s\n"), Scripted::new(Timing::Virtual, coming));
    assert!(answers(&report).iter().all(|text| !text.contains("sack")), "the target did not offer it");
}

#[test]
fn timestamps_run_on_and_echo_what_the_last_acknowledgement_waited_for() {
    let stamp = |val| vec![TcpOption::Nop, TcpOption::Nop, TcpOption::Ts { val, ecr: 1000 }];
    let syn = [vec![TcpOption::SackOk], vec![TcpOption::Ts { val: 5000, ecr: 1000 }]].concat();
    let (steps, syn) = opened("<mss 1000,sackOK,TS val 1000 ecr 0>", syn);
    let a = |ms, seq, val| {
        let payload = pattern::fill(Direction::ToPeer, u64::from(seq) - 1, 10);
        emitted(ms, Tcp { seq, payload, options: stamp(val), ..bare(Flags::ACK) })
    };
    let coming = vec![syn, a(10, 1, 5010), a(20, 21, 5020), a(30, 11, 5030)];
    let report = run(&format!("{steps}{AUTO}  - silent: 1s\n"), Scripted::new(Timing::Virtual, coming));
    assert_eq!(report.verdict, Verdict::Pass);
    // The target's first value counts as 100.
    assert_eq!(
        answers(&report),
        [
            "10 . 1:1(0) ack 11 win 65535 <nop,nop,TS val 1010 ecr 110>",
            "20 . 1:1(0) ack 11 win 65535 <nop,nop,TS val 1020 ecr 110,nop,nop,sack 21:31>",
            "30 . 1:1(0) ack 31 win 65535 <nop,nop,TS val 1030 ecr 130>",
        ]
    );
}

#[test]
fn wrong_content_fails() {
    let a = |tcp: Tcp| vec![emitted(1, tcp)];
    let data = |seq: u32, length| pattern::fill(Direction::ToPeer, u64::from(seq) - 1, length);
    let damaged = Packet {
        ip: Ip::V4(engine_support::ip()),
        body: Body::Tcp(Tcp { payload: data(1, 8), ..bare(Flags::ACK) }),
    };
    let bad = Lies { checksum: Checksum::Bad, ..Lies::default() };
    let narrow = "  - inject: . 1:1(0) ack 1 win 100\n";
    type Row<'a> = (&'a str, Vec<Observation>, &'a str);
    let table: Vec<Row<'_>> = vec![
        ("other bytes", a(Tcp { payload: data(2, 8), ..bare(Flags::ACK) }), "payload byte 6"),
        ("a bad checksum", vec![packet(1, damaged, &bad)], "form"),
        ("reserved bits", a(Tcp { reserved: 1, ..bare(Flags::ACK) }), "form"),
        ("an acknowledgement of what was not sent", a(Tcp { ack: 2, ..bare(Flags::ACK) }), "ack"),
        (
            "beyond the window",
            a(Tcp { seq: 65_530, payload: data(65_530, 8), ..bare(Flags::ACK) }),
            "end of the data",
        ),
        ("more than the link carries", a(Tcp { payload: data(1, 1461), ..bare(Flags::ACK) }), "length"),
        (
            "data after the FIN",
            vec![segment(1, ack(FIN), 1, 10), segment(2, Flags::ACK, 11, 10)],
            "end of the data",
        ),
        (
            "the FIN elsewhere",
            vec![segment(1, ack(FIN), 1, 10), segment(2, ack(FIN), 1, 5)],
            "end of the data",
        ),
    ];
    for (what, coming, field) in table {
        let report = story("", coming);
        let [mismatch] = report.verdict.mismatches() else { panic!("{what}: {:?}", report.verdict) };
        assert_eq!(mismatch.step, 1, "{what}: the step that says auto has failed");
        let text = mismatch.problem.to_string();
        assert!(text.starts_with(field), "{what}: {text}");
        assert!(field != "form" || answers(&report).is_empty(), "{what}: what is damaged is not answered");
    }
    // Exactly to the end of the window, however late that was granted.
    for (length, expected) in [(100, &[][..]), (101, &["wrong"])] {
        let steps = format!("{narrow}{AUTO}  - silent: 1s\n");
        let report = run(&steps, Scripted::new(Timing::Virtual, vec![segment(1, Flags::ACK, 1, length)]));
        assert_eq!(problems(&report), expected, "{length} bytes");
    }
}

#[test]
fn one_byte_may_probe_a_closed_window_and_is_not_taken() {
    let steps = |rest: &str| format!("  - inject: . 1:1(0) ack 1 win 0\n{AUTO}  - silent: 10ms\n{rest}");
    let probe = |length| vec![segment(1, Flags::ACK, 1, length)];
    let nothing = "  - assert: main.received == 0\n";
    let report = run(&steps(nothing), Scripted::new(Timing::Virtual, probe(1)));
    assert_eq!(report.verdict, Verdict::Pass);
    assert_eq!(answers(&report), ["1 . 1:1(0) ack 1 win 0"]);
    assert_eq!(problems(&run(&steps(nothing), Scripted::new(Timing::Virtual, probe(2)))), ["wrong"]);
}

#[test]
fn an_error_message_quotes_what_the_peer_took() {
    let steps = format!("{OPEN}{AUTO}  - after: 5ms\n    inject: icmp unreachable port\n  - silent: 1s\n");
    let report = run(&steps, Scripted::new(Timing::Virtual, vec![segment(1, Flags::ACK, 1, 10)]));
    assert_eq!(report.verdict, Verdict::Pass);
    let texts: Vec<&str> = report.events.iter().map(|event| event.text.as_str()).collect();
    assert_eq!(texts.last(), Some(&"icmp unreachable port [1(any)]"));
}

#[test]
fn a_segment_larger_than_announced_fails() {
    for (length, expected) in [(500, &[][..]), (501, &["wrong"])] {
        let (steps, syn) = opened("<mss 500>", vec![TcpOption::Mss(1460)]);
        let coming = vec![syn, segment(1, Flags::ACK, 1, length)];
        let report = run(&format!("{steps}{AUTO}  - silent: 1s\n"), Scripted::new(Timing::Virtual, coming));
        assert_eq!(problems(&report), expected, "{length} bytes");
    }
}

#[test]
fn the_window_is_scaled_as_negotiated() {
    for (theirs, expected) in [(Some(TcpOption::Wscale(7)), &[][..]), (None, &["wrong"])] {
        let (steps, syn) = opened("<mss 1000,nop,wscale 2>", theirs.into_iter().collect());
        let narrow = "  - inject: . 1:1(0) ack 1 win 100\n";
        // The third segment of the handshake offers the default window, which is not scaled here.
        let steps = steps.replace("ack 1 \n", "ack 1 win 100\n") + narrow;
        let coming = vec![syn, segment(1, Flags::ACK, 1, 400)];
        let report = run(&format!("{steps}{AUTO}  - silent: 1s\n"), Scripted::new(Timing::Virtual, coming));
        assert_eq!(problems(&report), expected);
    }
}

#[test]
fn a_reset_is_not_taken_and_must_be_named() {
    let reset = |flags| vec![emitted(1, bare(flags))];
    let named = "  - after: 1ms\n    expect: R. 1:1(0) ack 1\n";
    assert_eq!(problems(&story("", reset(ack(Flags::RST)))), ["unexpected"]);
    assert_eq!(problems(&story(named, reset(ack(Flags::RST)))), [""; 0]);
    assert_eq!(problems(&story("", reset(Flags::PSH))), ["unexpected"], "a segment without acknowledgement");
}

#[test]
fn what_came_before_is_acknowledged_when_it_begins_and_nothing_when_it_has_ended() {
    let a = |ms, seq| segment(ms, Flags::ACK, seq, 10);
    let steps = format!(
        "{OPEN}  - after: 1ms\n    expect: . 1:11(10) ack 1\n  - after: 1ms\n    peer: auto\n  - after: 3ms\n    \
         peer: scripted\n  - after: 1ms\n    expect: . 21:31(10) ack 1\n  - silent: 1s\n"
    );
    let report = run(&steps, Scripted::new(Timing::Virtual, vec![a(1, 1), a(3, 11), a(6, 21)]));
    assert_eq!(report.verdict, Verdict::Pass);
    assert_eq!(answers(&report), ["2 . 1:1(0) ack 11 win 65535", "3 . 1:1(0) ack 21 win 65535"]);
}

#[test]
fn its_window_is_the_one_injected_last() {
    let steps = format!("{OPEN}{AUTO}  - after: 5ms\n    inject: . 1:1(0) ack 11 win 300\n  - silent: 1s\n");
    let coming = vec![segment(1, Flags::ACK, 1, 10), segment(8, Flags::ACK, 11, 10)];
    let report = run(&steps, Scripted::new(Timing::Virtual, coming));
    assert_eq!(answers(&report), ["1 . 1:1(0) ack 11 win 65535", "8 . 1:1(0) ack 21 win 300"]);
}

#[test]
fn a_fin_is_answered_with_a_fin_that_is_repeated_until_it_is_acknowledged() {
    let fin = || segment(1, ack(FIN), 1, 10);
    let acknowledges = |ms| emitted(ms, Tcp { seq: 12, ack: 2, ..bare(Flags::ACK) });
    let report = story("", vec![fin(), acknowledges(500)]);
    assert_eq!(report.verdict, Verdict::Pass);
    assert_eq!(answers(&report), ["1 F. 1:1(0) ack 12 win 65535"]);
    let report = story("", vec![fin(), acknowledges(3500)]);
    let again = |ms| format!("{ms} F. 1:1(0) ack 12 win 65535");
    assert_eq!(answers(&report), [again(1), again(1001), again(3001)]);
    // The FIN of a repeated one is acknowledged, and not answered with another.
    let report = story("", vec![fin(), segment(2, ack(FIN), 1, 10), acknowledges(3)]);
    assert_eq!(answers(&report), [again(1), "2 . 2:2(0) ack 12 win 65535".to_owned()]);
}

#[test]
fn a_peer_that_has_closed_by_script_only_acknowledges_the_fin() {
    let steps = format!("{OPEN}  - inject: F. 1:1(0) ack 1\n{AUTO}  - silent: 20s\n");
    let coming = vec![emitted(1, Tcp { ack: 2, ..bare(ack(FIN)) })];
    let report = run(&steps, Scripted::new(Timing::Virtual, coming));
    assert_eq!(answers(&report), ["1 . 2:2(0) ack 2 win 65535"]);
}

#[test]
fn what_was_received_can_be_asserted() {
    let a = |ms, seq| segment(ms, Flags::ACK, seq, 10);
    let coming = || vec![a(1, 1), a(2, 21), a(3, 11), segment(4, ack(FIN), 31, 0)];
    for (ms, count) in [(0, 0), (1, 10), (2, 10), (3, 30), (4, 30)] {
        let at = format!("  - after: {ms}ms\n    assert: main.received == ");
        let steps = |count: i32| format!("{OPEN}{AUTO}{at}{count}\n");
        let report = run(&steps(count), Scripted::new(Timing::Virtual, coming()));
        assert_eq!(problems(&report), [""; 0], "{count} bytes at {ms} ms");
        let report = run(&steps(count + 1), Scripted::new(Timing::Virtual, coming()));
        assert_eq!(problems(&report), ["not true"], "{} bytes at {ms} ms", count + 1);
    }
}

#[test]
fn each_flow_has_a_peer_of_its_own() {
    let flows = "title: t\nflows:\n  a: { remote: remote:1 }\n  b: { remote: remote:2 }\nsteps:\n";
    let open = "  - inject: . 1:1(0) ack 1\n    flow: a\n  - inject: . 1:1(0) ack 1\n    flow: b\n";
    let rest = "  - peer: auto\n    flow: a\n  - after: 1ms\n    expect: . 1:11(10) ack 1\n    flow: b\n  - silent: 1s\n  \
                - assert: [a.received == 20, b.received == 10]\n";
    let case = engine_support::lowered(&format!("{flows}{open}{rest}"));
    let coming = vec![to(2, 1, Flags::ACK, 1, 10), to(1, 1, Flags::ACK, 1, 20)];
    let report = run_on(&case, &mut Scripted::new(Timing::Virtual, coming), 0);
    assert_eq!(report.verdict, Verdict::Pass);
    assert_eq!(answers(&report), ["1 . 1:1(0) ack 21 win 65535"]);
}

#[test]
fn a_peer_on_a_real_clock_may_be_late_and_so_may_what_follows() {
    let steps = format!(
        "{OPEN}{AUTO}  - after: 10ms\n    inject: . 1:1(0) ack 11\n  - after: 10ms\n    expect: R. 1:1(0) ack 1\n"
    );
    let with = |lateness: Span, ms: i64| {
        let coming = vec![segment(1, Flags::ACK, 1, 10), emitted(ms, bare(ack(Flags::RST)))];
        let mut target = Scripted::new(REAL, coming);
        target.lateness = lateness;
        run(&steps, target)
    };
    assert_eq!(with(Span::millis(4), 20).verdict, Verdict::Pass);
    // The bound is 4.5 ms, an eighth of 10 ms, and what the peer and the action before were late: 4 ms each at most.
    assert_eq!(problems(&with(Span::ZERO, 26)), ["late"]);
    assert_eq!(problems(&with(Span::millis(4), 26)), [""; 0]);
    // Three answers that are overdue for 4 ms, one after the other or all at the same time; without them the bound is
    // 31 ms.
    let steps = format!("{OPEN}{AUTO}  - after: 20ms\n    expect: R. 1:1(0) ack 1\n");
    for (answers, bound) in [([1, 6, 11], 43), ([1, 1, 1], 35)] {
        for (ms, expected) in [(bound, &[][..]), (bound + 1, &["late"])] {
            let a = |ms, seq| segment(ms, Flags::ACK, seq, 10);
            let [first, second, third] = answers;
            let coming = vec![a(first, 1), a(second, 11), a(third, 21), emitted(ms, bare(ack(Flags::RST)))];
            let mut target = Scripted::new(REAL, coming);
            target.lateness = Span::millis(4);
            assert_eq!(problems(&run(&steps, target)), expected, "{ms} ms");
        }
    }
    let auto_only = |lateness| {
        let steps = format!("{OPEN}{AUTO}  - silent: 500ms\n");
        let mut target = Scripted::new(REAL, vec![segment(100, Flags::ACK, 1, 10)]);
        target.lateness = lateness;
        run(&steps, target).verdict
    };
    assert_eq!(auto_only(Span::millis(50)), Verdict::Pass);
    assert!(matches!(auto_only(Span::millis(51)), Verdict::Inconclusive { .. }));
}

/// A target that answers each packet with a probe, at once.
struct Quarrelsome(Scripted, Vec<Observation>);

impl Target for Quarrelsome {
    fn info(&self) -> &TargetInfo {
        self.0.info()
    }

    fn now(&mut self) -> Timestamp {
        self.0.now()
    }

    fn configure(&mut self, setting: &Setting) -> Result<Timestamp, TargetError> {
        self.0.configure(setting)
    }

    fn resize(&mut self, mtu: u16) -> Result<Timestamp, TargetError> {
        self.0.resize(mtu)
    }

    fn inject(&mut self, packet: &[u8]) -> Result<Timestamp, TargetError> {
        let now = self.now().0 / 1_000_000;
        self.1.push(emitted(now, Tcp { seq: 0, ..bare(Flags::ACK) }));
        self.0.acts.clear();
        self.0.inject(packet)
    }

    fn submit(&mut self, submission: &Submission) -> Result<Timestamp, TargetError> {
        self.0.submit(submission)
    }

    fn signal(&mut self, thread: ThreadId, signal: Signal, restart: bool) -> Result<Timestamp, TargetError> {
        self.0.signal(thread, signal, restart)
    }

    fn inspect(&mut self, what: &Inspection) -> Result<Value, TargetError> {
        self.0.inspect(what)
    }

    fn advance(&mut self, until: Timestamp) -> Result<Option<Observation>, TargetError> {
        self.1.pop().map_or_else(|| self.0.advance(until), |observation| Ok(Some(observation)))
    }

    fn finish(self: Box<Self>) -> Result<Vec<Observation>, TargetError> {
        Ok(Vec::new())
    }
}

#[test]
fn a_target_and_a_peer_that_never_stop_answering_each_other_end_the_case() {
    let steps = format!("{AUTO}{OPEN}  - silent: 1s\n");
    let mut target = Quarrelsome(Scripted::new(Timing::Virtual, Vec::new()), Vec::new());
    assert_eq!(problems(&run_on(&case(&steps), &mut target, 0)), ["meaningless"]);
}
