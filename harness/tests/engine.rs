//! Stories of the engine on a scripted target: what it takes, what it refuses, and what it says.

mod engine_support;

use std::net::{Ipv4Addr, SocketAddr};

use engine_support::{OPEN, REAL, case, problems, returned, run, segment, story, to};
use tcpdrill::case::Value;
use tcpdrill::target::scripted::Scripted;
use tcpdrill::target::{Completion, Observation, Timing};
use tcpdrill::time::{Span, Timestamp};
use tcpdrill::verdict::Verdict;
use tcpdrill::wire::Flags;

#[test]
fn segments_against_expectations() {
    let a = |ms| segment(ms, Flags::ACK, 1, 10);
    let b = |ms| segment(ms, Flags::ACK, 11, 10);
    let first = "  - expect: . 1:11(10) ack 1\n";
    let after = "  - after: 100ms\n    expect: . 1:11(10) ack 1\n";
    let range = "  - after: 100ms..200ms\n    expect: . 1:11(10) ack 1\n";
    let second = "  - expect: . 11:21(10) ack 1\n";
    let silent = "  - silent: 1s\n";
    let allow = "  - allow: . 1:11(10) ack 1\n";
    type Row<'a> = (&'a str, String, Vec<Observation>, &'a [&'a str]);
    let table: Vec<Row<'_>> = vec![
        ("at once", first.to_owned(), vec![a(0)], &[]),
        ("a millisecond late", first.to_owned(), vec![a(1)], &["nothing"]),
        ("late, and seen later", format!("{first}{silent}"), vec![a(1)], &["late"]),
        ("exactly then", after.to_owned(), vec![a(100)], &[]),
        ("one tick too early", after.to_owned(), vec![a(99)], &["early"]),
        ("both ends belong to a range", range.to_owned(), vec![a(100)], &[]),
        ("both ends belong to a range", range.to_owned(), vec![a(200)], &[]),
        ("after a range", format!("{range}{silent}"), vec![a(201)], &["late"]),
        ("late, and before the next is due", format!("{after}{after}"), vec![a(120), a(220)], &["late"]),
        ("nothing at all", range.to_owned(), vec![], &["nothing"]),
        ("another one", first.to_owned(), vec![b(0)], &["wrong"]),
        ("a later one fits", second.to_owned(), vec![a(0), b(0)], &["unexpected"]),
        ("left at the end", first.to_owned(), vec![a(0), b(0)], &["unexpected"]),
        ("after the end", first.to_owned(), vec![a(0), b(1)], &[]),
        ("in a silence", silent.to_owned(), vec![a(500)], &["unexpected"]),
        ("before a silence", silent.to_owned(), vec![a(0)], &["unexpected"]),
        ("at the end of a silence", format!("{silent}{first}"), vec![a(1000)], &[]),
        ("allowed in a silence", format!("{allow}{silent}"), vec![a(500), a(600)], &[]),
        ("allowed before what is expected", format!("{allow}{second}"), vec![a(0), b(0)], &[]),
        ("allowed is not expected", format!("{allow}{silent}"), vec![b(500)], &["unexpected"]),
        ("nothing is nothing", "  - expect: nothing\n".to_owned(), vec![], &[]),
        ("nothing is not something", "  - expect: nothing\n".to_owned(), vec![a(0)], &["unexpected"]),
        ("two wrong things", format!("{first}{second}"), vec![b(0), a(0)], &["unexpected", "nothing"]),
        ("no flow", first.to_owned(), vec![a(0), to(9, 0, Flags::ACK, 1, 0)], &["no flow"]),
    ];
    for (what, steps, coming, expected) in table {
        assert_eq!(problems(&story(&steps, coming)), expected, "{what}");
    }
}

#[test]
fn a_case_ends_with_the_window_of_its_last_step() {
    let wide = "  - within: 500ms\n    expect: . 1:11(10) ack 1\n";
    let then_silent = "  - silent: 1ms\n";
    let stray = |ms| vec![segment(100, Flags::ACK, 1, 10), segment(ms, Flags::ACK, 11, 10)];
    assert_eq!(problems(&story(wide, stray(500))), ["unexpected"]);
    assert_eq!(problems(&story(wide, stray(501))), [""; 0]);
    assert_eq!(
        problems(&story(&format!("{wide}{then_silent}"), stray(102))),
        [""; 0],
        "the window of an earlier step"
    );
}

#[test]
fn a_case_ends_when_what_may_come_at_any_time_has_come() {
    let any = "  - at: any\n    expect: . 1:11(10) ack 1\n";
    let stray = |ms| vec![segment(30_000, Flags::ACK, 1, 10), segment(ms, Flags::ACK, 11, 10)];
    assert_eq!(problems(&story(any, stray(30_000))), ["unexpected"]);
    assert_eq!(problems(&story(any, stray(30_001))), [""; 0]);
    assert_eq!(problems(&story(any, vec![])), ["nothing"]);
    let silent = format!("{any}  - silent: 1s\n");
    assert_eq!(problems(&story(&silent, stray(30_500))), ["unexpected"]);
}

#[test]
fn an_address_is_given_with_a_range_of_ports() {
    let call = "  - call: s = socket(af, SOCK_STREAM, 0)\n  - call: getsockname(s)\n    gives: ";
    let name = |port| Completion {
        result: Ok(0),
        data: Vec::new(),
        given: Some(Value::Address(SocketAddr::new(Ipv4Addr::new(192, 168, 0, 1).into(), port))),
    };
    for (gives, port, expected) in [
        ("local:42000..43000", 42000, &[][..]),
        ("local:42000..43000", 43000, &[]),
        ("local:42000..43000", 41999, &["result"]),
        ("local:42000..43000", 43001, &["result"]),
        ("remote:42000..43000", 42000, &["result"]),
        ("42000..43000", 42500, &[]),
        ("42000..43000", 8080, &["result"]),
        ("8080", 8080, &[]),
        ("local", 8080, &[]),
        ("local", 8081, &["result"]),
    ] {
        let mut target = Scripted::new(Timing::Virtual, vec![]);
        let socket = Completion { result: Ok(3), data: Vec::new(), given: None };
        target.at_once = vec![Some(socket), Some(name(port))].into();
        assert_eq!(problems(&run(&format!("{call}{gives}\n"), target)), expected, "{gives} {port}");
    }
}

#[test]
fn calls_return_or_block_as_written() {
    let at_once = "  - call: s = socket(af, SOCK_STREAM, 0)\n";
    let ok = |value| Some(Completion { result: Ok(value), data: Vec::new(), given: None });
    let blocks = format!("{at_once}  - call: accept(s)\n    blocks: 10ms\n");
    let later =
        format!("{at_once}  - call: accept(s)\n    blocks: true\n  - after: 10ms\n    returns: any\n");
    let forever = format!("{at_once}  - call: accept(s)\n    blocks: forever\n  - silent: 1s\n");
    type Row<'a> = (&'a str, &'a str, Vec<Option<Completion>>, Vec<Observation>, &'a [&'a str]);
    let table: Vec<Row<'_>> = vec![
        ("returns", at_once, vec![ok(3)], vec![], &[]),
        ("does not return", at_once, vec![None], vec![], &["blocked"]),
        ("returns late", at_once, vec![None], vec![returned(1, 3)], &["blocked"]),
        ("blocks so long", &blocks, vec![ok(3), None], vec![returned(10, 4)], &[]),
        ("returns too early", &blocks, vec![ok(3), None], vec![returned(9, 4)], &["early"]),
        ("blocks too long", &blocks, vec![ok(3), None], vec![], &["blocked"]),
        ("does not block", &blocks, vec![ok(3), ok(4)], vec![], &["early"]),
        ("returns when a step says", &later, vec![ok(3), None], vec![returned(10, 4)], &[]),
        ("before the step says", &later, vec![ok(3), None], vec![returned(5, 4)], &["early"]),
        ("never", &later, vec![ok(3), None], vec![], &["blocked"]),
        ("at once instead", &later, vec![ok(3), ok(4)], vec![], &["did not block", "consequence"]),
        ("still blocked at the end", &forever, vec![ok(3), None], vec![], &[]),
        ("not blocked at the end", &forever, vec![ok(3), None], vec![returned(500, 4)], &["did not block"]),
    ];
    for (what, steps, results, coming, expected) in table {
        let mut target = Scripted::new(Timing::Virtual, coming);
        target.at_once = results.into();
        assert_eq!(problems(&run(steps, target)), expected, "{what}");
    }
}

#[test]
fn calls_on_a_descriptor_that_was_never_obtained_are_not_made() {
    let steps = "  - call: s = socket(af, SOCK_STREAM, 0)\n  - call: listen(s, 1)\n";
    let failed = Completion { result: Err(tcpdrill::case::Errno(24)), data: Vec::new(), given: None };
    let mut target = Scripted::new(Timing::Virtual, Vec::new());
    target.at_once = vec![Some(failed)].into();
    assert_eq!(problems(&run(steps, target)), ["result", "consequence"]);
}

#[test]
fn a_real_clock_has_its_tolerance() {
    let after = "  - inject: . 1:1(0) ack 1\n  - after: 200ms\n    expect: . 1:11(10) ack 1\n";
    // 200 ms may be 5 ms early, and 4.5 ms and an eighth of the wait late.
    for (ms, expected) in [(194, &["early"][..]), (195, &[]), (200, &[]), (229, &[]), (230, &["late"])] {
        let target = Scripted::new(REAL, vec![segment(ms, Flags::ACK, 1, 10)]);
        assert_eq!(problems(&run(after, target)), expected, "{ms} ms");
    }
}

#[test]
fn acts_that_come_too_late_say_nothing_about_the_target() {
    let first = "  - inject: . 1:1(0) ack 1\n";
    let steps =
        &format!("{first}  - after: 10ms\n    inject: . 1:1(0) ack 1\n  - expect: . 1:11(10) ack 1\n");
    for (lateness, passes) in [(Span::millis(4), true), (Span::millis(5), false)] {
        let mut target = Scripted::new(REAL, vec![segment(16, Flags::ACK, 1, 10)]);
        target.lateness = lateness;
        let verdict = run(steps, target).verdict;
        match passes {
            true => assert_eq!(verdict, Verdict::Pass, "what an act causes may be later by as much"),
            false => assert!(matches!(verdict, Verdict::Inconclusive { .. }), "{verdict:?}"),
        }
    }
}

#[test]
fn before_the_first_act_nothing_can_be_late() {
    let mut target = Scripted::new(REAL, Vec::new());
    target.lateness = Span::millis(50);
    assert_eq!(run("  - inject: . 1:1(0) ack 1\n", target).verdict, Verdict::Pass);
}

#[test]
fn a_disturbed_run_is_inconclusive() {
    let disturbed = Observation::Disturbed { at: Timestamp(1), by: "packets were lost".to_owned() };
    let report = story("  - silent: 1s\n", vec![disturbed]);
    assert_eq!(report.verdict, Verdict::Inconclusive { why: "packets were lost".to_owned() });
}

#[test]
fn a_missing_answer_comes_with_the_state_of_the_connection() {
    let report = story("  - expect: . 1:11(10) ack 1\n", Vec::new());
    let [mismatch] = report.verdict.mismatches() else { panic!("{:?}", report.verdict) };
    assert_eq!(mismatch.hints, ["the connection is in state ESTABLISHED"]);
}

#[test]
fn the_remote_end_of_a_flow_is_where_it_should_be() {
    let case = case(OPEN);
    let remote: SocketAddr = (Ipv4Addr::new(192, 0, 2, 1), 8080).into();
    assert_eq!(case.flows[0].remote, remote);
}

#[test]
fn what_the_target_lacks_skips_a_case_that_has_not_failed() {
    let socket = "  - call: s = socket(af, SOCK_STREAM, 0)\n";
    let asks = "  - assert: s.unread == 0\n";
    let fails = format!("{OPEN}  - expect: . 1:11(10) ack 1\n");
    let with = |steps: String| {
        let mut target = Scripted::new(Timing::Virtual, Vec::new());
        target.at_once = vec![Some(Completion { result: Ok(3), data: Vec::new(), given: None })].into();
        run(&steps, target)
    };
    assert!(matches!(with(format!("{socket}{asks}")).verdict, Verdict::Skipped { .. }));
    assert_eq!(problems(&with(format!("{socket}{fails}{asks}"))), ["nothing"]);
}
