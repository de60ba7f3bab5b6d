//! packetdrill's rules: what times count from and how far off they may be, the one order, joined segments, numbers
//! that are names, and what is not looked at.

mod engine_support;

use std::collections::VecDeque;
use std::sync::Mutex;

use engine_support::{REAL, bare, emitted, lowered, problems, run_case};
use tcpdrill::case::{Case, Rules};
use tcpdrill::engine::{Report, Status, What};
use tcpdrill::run::RunOptions;
use tcpdrill::target::scripted::Scripted;
use tcpdrill::target::{Completion, Observation, Target, TargetError, TargetFactory, Timing, World};
use tcpdrill::time::Span;
use tcpdrill::wire::{Body, Flags, Ip, Ipv6, Lies, Packet, Tcp, TcpOption, parse};

const HEAD: &str = "title: a story\npacketdrill: { tolerance: 4ms, percent: 12.5 }\n";

/// As in `engine_support`, with zeros for data.
fn to(port: u16, ms: i64, flags: Flags, seq: u32, length: usize) -> Observation {
    emitted(ms, Tcp { dport: port, seq, payload: vec![0; length], ..bare(flags) })
}

fn segment(ms: i64, flags: Flags, seq: u32, length: usize) -> Observation {
    to(8080, ms, flags, seq, length)
}

/// A story judged by packetdrill's rules with their usual tolerance.
fn script(steps: &str) -> Case {
    lowered(&format!("{HEAD}steps:\n  - inject: . 1:1(0) ack 1\n{steps}"))
}

fn virtually(steps: &str, coming: Vec<Observation>) -> Report {
    run_case(&script(steps), Scripted::new(Timing::Virtual, coming))
}

/// `. 1:11(10) ack 1`, so many microseconds after the start.
fn at(micros: i64) -> Observation {
    let Observation::Emitted { packet, .. } = segment(0, Flags::ACK, 1, 10) else {
        unreachable!("it is a packet")
    };
    Observation::Emitted { at: tcpdrill::time::Timestamp(micros * 1_000), packet }
}

fn done(value: i64) -> Option<Completion> {
    Some(Completion { result: Ok(value), data: Vec::new(), given: None })
}

const NOW: &str = "  - expect: . 1:11(10) ack 1\n";

#[test]
fn times_are_in_the_larger_of_the_two_tolerances() {
    let after = |wait: &str| format!("  - after: {wait}\n    expect: . 1:11(10) ack 1\n");
    let start = |moment: &str| format!("  - at: {moment}\n    expect: . 1:11(10) ack 1\n");
    let table: Vec<(&str, String, Vec<Observation>, &[&str])> = vec![
        ("4 ms late", NOW.to_owned(), vec![at(4_000)], &[]),
        ("more", NOW.to_owned(), vec![at(4_001)], &["nothing"]),
        ("4 ms early", after("10ms"), vec![at(6_000)], &[]),
        ("more", after("10ms"), vec![at(5_999)], &["early"]),
        ("12.5 % late", after("100ms"), vec![at(112_500)], &[]),
        ("more", after("100ms"), vec![at(112_501)], &["nothing"]),
        ("12.5 % early", after("100ms"), vec![at(87_500)], &[]),
        ("more", after("100ms"), vec![at(87_499)], &["early"]),
        ("a range is left by the tolerance of its beginning", after("100ms..200ms"), vec![at(212_500)], &[]),
        ("more", after("100ms..200ms"), vec![at(212_501)], &["nothing"]),
        ("before a range", after("100ms..200ms"), vec![at(87_499)], &["early"]),
        ("any time", "  - at: any\n    expect: . 1:11(10) ack 1\n".to_owned(), vec![at(50_000_000)], &[]),
        (
            "from when it came",
            format!("{}{}", after("100ms"), after("10ms")),
            vec![at(110_000), at(116_250)],
            &[],
        ),
        ("absolute", start("100ms"), vec![at(112_500)], &[]),
        (
            "a later one has a share of what is between",
            start("50ms") + &start("100ms"),
            vec![at(50_000), at(106_250)],
            &[],
        ),
        ("more", start("50ms") + &start("100ms"), vec![at(50_000), at(106_251)], &["nothing"]),
    ];
    for (what, steps, coming, expected) in table {
        assert_eq!(problems(&virtually(&steps, coming)), expected, "{what}: {steps}");
    }
}

#[test]
fn the_share_is_of_the_nominal_gap() {
    // The first came 10 ms late. The second is due 100 ms after that, 110 ms after the nominal time of the first.
    let steps =
        "  - after: 100ms\n    expect: . 1:11(10) ack 1\n  - after: 100ms\n    expect: . 1:11(10) ack 1\n";
    assert_eq!(problems(&virtually(steps, vec![at(110_000), at(223_750)])), [""; 0]);
    assert_eq!(problems(&virtually(steps, vec![at(110_000), at(223_751)])), ["nothing"]);
}

#[test]
fn acts_count_from_when_the_step_before_was_over() {
    let late = |us: i64| {
        let mut target = Scripted::new(REAL, vec![at(us)]);
        target.lateness = Span::millis(2);
        target
    };
    // Every act is 2 ms late. After a call the expectation counts from that.
    let after_call =
        "  - call: s = socket(af, SOCK_STREAM, 0)\n  - after: 10ms\n    expect: . 1:11(10) ack 1\n";
    let run = |steps: &str, mut target: Scripted| {
        target.at_once = vec![done(3)].into();
        problems(&run_case(&script(steps), target))
    };
    assert_eq!(run(after_call, late(16_000)), [""; 0]);
    assert_eq!(run(after_call, late(7_999)), ["early"]);
    // Between two packets that are injected it does not add up.
    let twice = "  - after: 10ms\n    inject: . 1:1(0) ack 1\n  - after: 10ms\n    inject: . 1:1(0) ack 1\n";
    let report = run_case(&script(twice), late(1_000_000));
    let dues: Vec<i64> = report.moments.iter().flatten().map(|moment| moment.0 / 1_000_000).collect();
    assert_eq!(dues, [2, 12, 22], "each 2 ms late, none 4");
}

#[test]
fn the_oldest_packet_of_the_flow_is_the_one() {
    let a = |ms| segment(ms, Flags::ACK, 1, 10);
    let b = |ms| segment(ms, Flags::ACK, 11, 10);
    let second = "  - expect: . 11:21(10) ack 1\n";
    let table: Vec<(&str, String, Vec<Observation>, &[&str])> = vec![
        ("in order", format!("{NOW}{second}"), vec![a(0), b(0)], &[]),
        ("a later one would fit", second.to_owned(), vec![a(0), b(0)], &["wrong"]),
        ("it is used up", format!("{second}{second}"), vec![a(0), b(0)], &["wrong"]),
        ("one from before", format!("  - after: 100ms\n    inject: . 1:1(0) ack 1\n{NOW}"), vec![a(97)], &[]),
        ("nothing after the last", NOW.to_owned(), vec![a(0), b(0), b(1)], &[]),
        ("no silence", "  - after: 1s\n    inject: . 1:1(0) ack 1\n".to_owned(), vec![a(10)], &[]),
        ("strangers", NOW.to_owned(), vec![to(7, 0, Flags::RST, 1, 0), a(0)], &[]),
        (
            "late, and something else is due",
            format!("{NOW}  - after: 1s\n    expect: . 11:21(10) ack 1\n"),
            vec![a(10), b(1000)],
            &["late"],
        ),
    ];
    for (what, steps, coming, expected) in table {
        assert_eq!(problems(&virtually(&steps, coming)), expected, "{what}");
    }
}

#[test]
fn what_is_unseen_when_another_flow_is_looked_at_is_lost() {
    let a = || segment(0, Flags::ACK, 1, 10);
    let flows = "flows:\n  main: { remote: remote:8080 }\n  other: { remote: remote:9 }\n";
    let steps =
        ["main, inject: . 1:1(0) ack 1", "other, inject: . 1:1(0) ack 1", "other, expect: . 1:11(10) ack 1"];
    let steps: String =
        steps.iter().map(|step| format!("  - flow: {}\n", step.replace(", ", "\n    "))).collect();
    let other = |coming| {
        run_case(&lowered(&format!("{HEAD}{flows}steps:\n{steps}")), Scripted::new(Timing::Virtual, coming))
    };
    let report = other(vec![a(), to(9, 0, Flags::ACK, 1, 10)]);
    assert_eq!(problems(&report), [""; 0]);
    let ignored = report.events.iter().filter(|event| event.status == Status::Ignored).count();
    assert_eq!(ignored, 1, "{:?}", report.events);
    let report = other(vec![a()]);
    assert_eq!(problems(&report), ["nothing"]);
    let hints = &report.verdict.mismatches()[0].hints;
    assert!(hints.iter().any(|hint| hint.starts_with("such a packet came on flow main")), "{hints:?}");
}

#[test]
fn segments_are_joined() {
    let piece = |seq, length| segment(0, Flags::ACK, seq, length);
    let last = |seq, length| segment(0, Flags::ACK | Flags::PSH, seq, length);
    let all = "  - expect: P. 1:3001(3000) ack 1\n";
    let other = |tcp: Tcp| emitted(0, tcp);
    let acked = |seq: u32, length: usize, ack: u32| {
        other(Tcp { seq, ack, payload: vec![0; length], ..bare(Flags::ACK | Flags::PSH) })
    };
    let table: Vec<(&str, Vec<Observation>, &[&str])> = vec![
        ("one", vec![last(1, 3000)], &[]),
        ("three", vec![piece(1, 1460), piece(1461, 1460), last(2921, 80)], &[]),
        ("the last is as long as it likes", vec![piece(1, 1000), last(1001, 2000)], &[]),
        ("not those before", vec![piece(1, 1000), piece(1001, 500), last(1501, 1500)], &["wrong"]),
        ("a gap", vec![piece(1, 1460), piece(1462, 1460), last(2922, 80)], &["wrong"]),
        ("too much", vec![piece(1, 1460), piece(1461, 1460), last(2921, 81)], &["wrong"]),
        ("too little", vec![piece(1, 1460), last(1461, 1460)], &["wrong"]),
        ("another acknowledgement", vec![piece(1, 1500), acked(1501, 1500, 2)], &["wrong"]),
    ];
    for (what, coming, expected) in table {
        assert_eq!(problems(&virtually(all, coming)), expected, "{what}");
    }
    // Each is shown as it came.
    let report = virtually(all, vec![piece(1, 1460), piece(1461, 1540)]);
    assert!(
        report.events.iter().any(|event| event.text.starts_with(". 1461:3001(1540)")),
        "{:?}",
        report.events
    );
    // What does not continue is not used up.
    let then = format!("{all}  - expect: . 1462:2922(1460) ack 1\n");
    assert_eq!(problems(&virtually(&then, vec![piece(1, 1460), piece(1462, 1460)])), ["wrong"]);
    // Nothing expected: exactly one packet.
    let none = "  - expect: . 1:1(0) ack 1\n  - expect: . 1:1(0) ack 1\n";
    assert_eq!(problems(&virtually(none, vec![piece(1, 0), piece(1, 0)])), [""; 0]);
    let mut whole = script(all);
    let Rules::Packetdrill(rules) = &mut whole.rules else { unreachable!("it is a script") };
    rules.whole_segments = true;
    let coming = vec![piece(1, 1500), last(1501, 1500)];
    assert_eq!(problems(&run_case(&whole, Scripted::new(Timing::Virtual, coming))), ["wrong"]);
}

/// `. 1:1(0) ack 1 <nop,nop,TS val .. ecr 9>`.
fn stamped(ms: i64, val: u32) -> Observation {
    let options = vec![TcpOption::Nop, TcpOption::Nop, TcpOption::Ts { val, ecr: 9 }];
    emitted(ms, Tcp { options, ..bare(Flags::ACK) })
}

/// The echo in the last segment that was injected, as on the wire.
fn echoed(report: &Report) -> u32 {
    let injected = report.events.iter().rev().find_map(|event| match &event.what {
        What::Injected(bytes) => Some(bytes),
        _ => None,
    });
    let parsed = parse(injected.expect("something was injected")).expect("a packet");
    parsed.packet.tcp().and_then(Tcp::timestamps).expect("timestamps").1
}

#[test]
fn timestamps_are_names() {
    let expect = |val: u32| format!("  - expect: . 1:1(0) ack 1 <nop,nop,TS val {val} ecr 5>\n");
    let echo = |ecr: u32| format!("  - inject: . 1:1(0) ack 1 <nop,nop,TS val 1 ecr {ecr}>\n");
    let run = |steps: &str, rules: fn(&mut tcpdrill::case::PacketdrillRules), coming: Vec<Observation>| {
        let mut case = script(steps);
        let Rules::Packetdrill(known) = &mut case.rules else { unreachable!("it is a script") };
        rules(known);
        run_case(&case, Scripted::new(Timing::Virtual, coming))
    };
    let report = run(&(expect(100) + &echo(100)), |_| {}, vec![stamped(0, 777_000)]);
    assert_eq!(problems(&report), [""; 0]);
    let texts: Vec<&str> = report.events.iter().map(|event| event.text.as_str()).collect();
    assert_eq!(echoed(&report), 777_000);
    assert!(texts.iter().any(|text| text.contains("TS val 1 ecr 100")), "as the script has it: {texts:?}");
    assert!(texts.iter().any(|text| text.contains("TS val 100 ecr 9")), "as the script has it: {texts:?}");
    assert_eq!(problems(&run(&(expect(100) + &echo(101)), |_| {}, vec![stamped(0, 7)])), ["meaningless"]);
    let scaled = run(&(expect(100) + &echo(101)), |rules| rules.scaled_echo = true, vec![stamped(0, 7)]);
    assert_eq!(echoed(&scaled), 8);
    let both = expect(100) + "  - after: 100ms\n" + &expect(200).replace("  - ", "    ");
    let tick = |rules: &mut tcpdrill::case::PacketdrillRules| rules.tick = Span::millis(1);
    let come = |second: u32| vec![stamped(0, 7), stamped(100, second)];
    assert_eq!(problems(&run(&both, |_| {}, come(9_000))), [""; 0], "no tick, nothing compared");
    assert_eq!(problems(&run(&both, tick, come(107 + 12))), [""; 0]);
    assert_eq!(problems(&run(&both, tick, come(107 + 13))), ["wrong"]);
}

#[test]
fn what_the_rules_leave_out() {
    let two = || vec![segment(0, Flags::ACK, 1, 10), segment(0, Flags::ACK, 11, 10)];
    let with = |rules: fn(&mut tcpdrill::case::PacketdrillRules), steps: &str, coming| {
        let mut case = script(steps);
        let Rules::Packetdrill(known) = &mut case.rules else { unreachable!("it is a script") };
        rules(known);
        problems(&run_case(&case, Scripted::new(Timing::Virtual, coming)))
    };
    assert_eq!(with(|rules| rules.strict = true, NOW, two()), ["unexpected"]);
    assert_eq!(with(|_| {}, NOW, two()), [""; 0]);
    let second = "  - expect: . 11:21(10) ack 1\n";
    assert_eq!(with(|rules| rules.lenient = true, second, two()), [""; 0]);
    assert_eq!(with(|rules| rules.lenient = true, second, vec![]), ["nothing"], "it must come");
    let later = "  - after: 50ms\n    expect: . 1:11(10) ack 1\n";
    assert_eq!(with(|_| {}, later, vec![at(0)]), ["early"]);
    assert_eq!(with(|rules| rules.lenient = true, later, vec![at(0)]), [""; 0]);
}

#[test]
fn calls_take_their_time_and_wait_for_each_other() {
    let returned = |ms| engine_support::returned(ms, 3);
    let other_returned = |ms| match returned(ms) {
        Observation::Returned { at, completion, .. } => {
            Observation::Returned { at, thread: tcpdrill::case::ThreadId(1), completion }
        }
        other => other,
    };
    let unmarked = "  - call: s = socket(af, SOCK_STREAM, 0)\n    returns: 3\n  - after: 10ms\n    expect: . 1:11(10) ack 1\n";
    let slow = virtually(unmarked, vec![returned(500), at(510_000)]);
    assert_eq!(problems(&slow), [""; 0], "what follows counts from its return");
    let blocking = "  - call: s = socket(af, SOCK_STREAM, 0)\n    blocks: 100ms\n    returns: 3\n";
    assert_eq!(problems(&virtually(blocking, vec![returned(112)])), [""; 0]);
    assert_eq!(problems(&virtually(blocking, vec![returned(113)])), ["late"]);
    let long = blocking.replace("100ms", "5s");
    assert_eq!(
        problems(&virtually(&long, vec![returned(5000)])),
        ["blocked"],
        "a second at the end is the most"
    );
    let then = blocking.replace("    blocks", "    thread: other\n    blocks")
        + "  - call: t = socket(af, SOCK_STREAM, 0)\n    returns: 3\n";
    let mut target = Scripted::new(Timing::Virtual, vec![other_returned(100)]);
    target.at_once = vec![None, done(3)].into();
    assert_eq!(problems(&run_case(&script(&then), target)), ["past"], "it had to wait");
}

#[test]
fn flow_labels_are_names() {
    let labelled = |label: u32| {
        let local = "fd3d:a0b:17d6::1".parse().expect("an address");
        let remote = "fd3d:fa7b:d17d::1".parse().expect("an address");
        let ip = Ip::V6(Ipv6 { flow_label: label, ..Ipv6::new(local, remote) });
        engine_support::packet(0, Packet { ip, body: Body::Tcp(bare(Flags::ACK)) }, &Lies::default())
    };
    let run = |labels: [(u32, u32); 2]| {
        let steps: String = labels
            .iter()
            .map(|(written, _)| format!("  - expect: (flowlabel {written}) . 1:1(0) ack 1\n"))
            .collect();
        let text = format!("{HEAD}matrix: {{ ip: [v6] }}\nsteps:\n  - inject: . 1:1(0) ack 1\n{steps}");
        let coming = labels.iter().map(|(_, live)| labelled(*live)).collect();
        problems(&run_case(&lowered(&text), Scripted::new(Timing::Virtual, coming)))
    };
    assert_eq!(run([(1, 77), (1, 77)]), [""; 0]);
    assert_eq!(run([(1, 77), (2, 78)]), [""; 0]);
    assert_eq!(run([(1, 77), (1, 78)]), ["wrong"], "one name, two labels");
    assert_eq!(run([(1, 77), (2, 77)]), ["wrong"], "two names, one label");
    assert_eq!(run([(1, 0), (1, 0)]), ["wrong", "wrong"], "none at all");
    assert_eq!(run([(1, 77), (1, 0)]), ["wrong"], "no label");
}

#[test]
fn a_packet_of_a_known_flow_is_no_first_one_of_another() {
    let flows = "flows:\n  main: { remote: remote:8080 }\n  other: { remote: remote:8080 }\n";
    let steps =
        "steps:\n  - flow: main\n    inject: . 1:1(0) ack 1\n  - flow: other\n    expect: S 1!:1(0)\n";
    let syn = |sport: u16| emitted(0, Tcp { sport, flags: Flags::SYN, ack: 0, ..bare(Flags::SYN) });
    let run =
        |coming| run_case(&lowered(&format!("{HEAD}{flows}{steps}")), Scripted::new(Timing::Virtual, coming));
    assert_eq!(problems(&run(vec![syn(8080), syn(4000)])), [""; 0]);
    assert_eq!(problems(&run(vec![syn(8080)])), ["nothing"]);
}

/// Makes targets that emit `. 1:11(10) ack 1` at these moments, one after the other.
struct Factory {
    info: tcpdrill::target::TargetInfo,
    micros: Mutex<VecDeque<i64>>,
}

impl TargetFactory for Factory {
    fn info(&self) -> &tcpdrill::target::TargetInfo {
        &self.info
    }

    fn open(&self, world: &World) -> Result<Box<dyn Target>, TargetError> {
        assert!(world.prompt, "scripts run promptly");
        let micros = self.micros.lock().expect("nobody panics").pop_front().expect("as often as it is run");
        Ok(Box::new(Scripted::new(self.info.timing, vec![at(micros)])))
    }
}

/// The verdict on a script, and how often it was run.
fn attempts(timing: Timing, steps: &str, micros: &[i64]) -> (&'static str, u32) {
    let info = Scripted::new(timing, Vec::new()).info().clone();
    let factory = Factory { info, micros: Mutex::new(micros.iter().copied().collect()) };
    let run = tcpdrill::run::run_case(&script(steps), &factory, RunOptions::default());
    (run.report.verdict.name(), run.attempts)
}

#[test]
fn a_script_in_which_things_were_only_late_is_run_again() {
    let later = "  - after: 20ms\n    expect: . 1:11(10) ack 1\n";
    assert_eq!(attempts(REAL, later, &[26_000, 27_000, 21_000]), ("pass", 3), "once is enough");
    assert_eq!(attempts(REAL, later, &[26_000; 16]), ("fail", 16), "too late each time");
    assert_eq!(attempts(REAL, later, &[15_000]), ("fail", 1), "too early, for which no machine is at fault");
    assert_eq!(attempts(REAL, "  - expect: . 11:21(10) ack 1\n", &[0]), ("fail", 1), "not for its time");
    assert_eq!(attempts(Timing::Virtual, later, &[26_000]), ("fail", 1), "a virtual clock is exact");
    let two = format!("{later}  - expect: . 11:21(10) ack 1\n");
    assert_eq!(attempts(REAL, &two, &[26_000; 16]), ("fail", 16), "the second may follow from the first");
    assert_eq!(attempts(REAL, &two, &[20_000]), ("fail", 1), "the first was in time");
}

#[test]
fn a_script_that_a_slow_machine_may_have_helped_must_pass_often() {
    let later = "  - after: 20ms\n    expect: . 1:11(10) ack 1\n";
    assert_eq!(
        attempts(REAL, later, &[18_000; 8]),
        ("pass", 8),
        "a tick before, it would have been too early"
    );
    assert_eq!(attempts(REAL, later, &[18_000, 18_000, 15_000]), ("fail", 3), "as it was then");
    assert_eq!(attempts(REAL, later, &[18_000, 20_500, 15_000]), ("pass", 2), "in time without doubt");
    assert_eq!(attempts(REAL, later, &[18_000, 26_000, 20_500]), ("pass", 3), "too late counts for nothing");
    assert_eq!(attempts(Timing::Virtual, later, &[18_000]), ("pass", 1), "a virtual clock is never slow");
    let at_once = "  - expect: . 1:11(10) ack 1\n";
    assert_eq!(attempts(REAL, at_once, &[-1]), ("pass", 1), "no timer had to run out");
}

#[test]
fn an_assertion_fails_a_script_when_two_runs_fail_at_it() {
    let steps = "  - after: 200ms\n    expect: . 1:11(10) ack 1\n    as: it\n  - assert: it.time < 185ms\n  - assert: it.time < 175ms\n";
    let (late, between, early) = (224_000, 212_000, 185_000);
    assert_eq!(attempts(REAL, steps, &[late, early]), ("pass", 2));
    assert_eq!(attempts(REAL, steps, &[between, between]), ("fail", 2));
    assert_eq!(attempts(REAL, steps, &[late, between, late]), ("fail", 3), "not each at another one");
    assert_eq!(
        attempts(Timing::Virtual, steps, &[late]),
        ("fail", 1),
        "a virtual clock counts alike each time"
    );
}
