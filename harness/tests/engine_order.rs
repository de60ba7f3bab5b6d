//! Order, moments and ends: what may come when, and what is left over.

mod engine_support;

use std::sync::Arc;

use engine_support::{REAL, problems, run, run_case, segment, story};
use tcpdrill::case::{Case, Signal, ThreadId, Value};
use tcpdrill::engine::Report;
use tcpdrill::front::{MemoryLibrary, yaml};
use tcpdrill::target::scripted::Scripted;
use tcpdrill::target::{Completion, Observation, Timing};
use tcpdrill::time::{Span, Timestamp};
use tcpdrill::wire::Flags;

fn ok(value: i64) -> Option<Completion> {
    Some(Completion { result: Ok(value), data: Vec::new(), given: None })
}

fn calls(steps: &str, results: Vec<Option<Completion>>, coming: Vec<Observation>) -> Report {
    let mut target = Scripted::new(Timing::Virtual, coming);
    target.at_once = results.into();
    run(steps, target)
}

#[test]
fn permission_starts_where_it_is_given() {
    let a = |ms| segment(ms, Flags::ACK, 1, 10);
    let b = |ms| segment(ms, Flags::ACK, 11, 10);
    let later = "  - after: 100ms\n    inject: . 1:1(0) ack 1\n  - allow: . 1:11(10) ack 1\n  - silent: 1s\n";
    assert_eq!(problems(&story(later, vec![a(50)])), ["unexpected"], "before");
    assert_eq!(problems(&story(later, vec![a(100)])), [""; 0], "from then on");
    let within = "  - allow: . 1:11(10) ack 1\n    within: 10ms\n  - silent: 1s\n";
    assert_eq!(problems(&story(within, vec![a(10)])), [""; 0]);
    assert_eq!(problems(&story(within, vec![a(11)])), ["unexpected"]);
    let one_of = "  - allow: . 1:11(10) ack 1\n  - within: 100ms\n    expect: { one_of: [. 11:21(10) ack 1, nothing] }\n";
    assert_eq!(problems(&story(one_of, vec![a(50)])), [""; 0], "nothing but what is permitted");
    assert_eq!(problems(&story(one_of, vec![a(50), b(60)])), [""; 0]);
    assert_eq!(problems(&story(one_of, vec![segment(50, Flags::ACK, 21, 10)])), ["wrong"]);
}

#[test]
fn any_order_takes_each_thing_once() {
    let a = |ms| segment(ms, Flags::ACK, 1, 10);
    let b = |ms| segment(ms, Flags::ACK, 11, 10);
    let both = "  - within: 100ms\n    any_order:\n      - expect: . 1:11(10) ack 1\n      - expect: . 11:21(10) ack 1\n";
    let kept = "  - within: 100ms\n    any_order:\n      - expect: . 1:11(10) ack 1\n        as: first\n      \
                - expect: . 11:21(10) ack 1\n        as: second\n  - assert: [first.seq == 1, second.seq == 11]\n";
    let choice = "  - within: 100ms\n    any_order:\n      - expect: { one_of: [. 5:5(0) ack 1, . 1:11(10) ack 1] }\n      \
                  - expect: . 11:21(10) ack 1\n";
    let table: Vec<(&str, &str, Vec<Observation>, &[&str])> = vec![
        ("in order", both, vec![a(10), b(20)], &[]),
        ("the other way", both, vec![b(10), a(20)], &[]),
        ("one twice", both, vec![a(10), a(20)], &["nothing", "unexpected"]),
        ("one late", both, vec![a(10), b(101)], &["nothing"]),
        ("one more", both, vec![a(10), segment(15, Flags::ACK, 5, 1), b(20)], &["unexpected"]),
        ("what members keep", kept, vec![b(10), a(20)], &[]),
        ("a choice", choice, vec![b(10), a(20)], &[]),
    ];
    for (what, steps, coming, expected) in table {
        assert_eq!(problems(&story(steps, coming)), expected, "{what}");
    }
}

#[test]
fn signals_are_accounted_for() {
    let raised = |ms: i64| Observation::Signalled {
        at: Timestamp(ms * 1_000_000),
        thread: ThreadId(0),
        signal: Signal::Pipe,
    };
    let steps = "  - call: s = socket(af, SOCK_STREAM, 0)\n  - silent: 1s\n";
    assert_eq!(problems(&calls(steps, vec![ok(3)], vec![])), [""; 0]);
    assert_eq!(problems(&calls(steps, vec![ok(3)], vec![raised(500)])), ["result"], "left over");
}

#[test]
fn calls_return_at_the_moment_they_are_made_on_a_real_clock_too() {
    let steps = "  - call: s = socket(af, SOCK_STREAM, 0)\n  - silent: 10ms\n";
    for (ms, expected) in [(4, &[][..]), (5, &["late"])] {
        let mut target = Scripted::new(REAL, vec![]);
        target.at_once = vec![ok(3)].into();
        target.slowness = Span::millis(ms);
        assert_eq!(problems(&run(steps, target)), expected, "{ms} ms");
    }
}

/// A case with a fixture that injects, and ends at the same moment.
fn given(steps: &str) -> Case {
    let fixture = "title: a fixture\nsteps:\n  - inject: . 1:1(0) ack 1\n";
    let text = format!("title: a story\ngiven: opened()\nsteps:\n{steps}");
    let mut library = MemoryLibrary::default();
    library.add_fixture("opened", fixture);
    let lowered = yaml::lower("story.yaml", "story", Arc::from(text), &library);
    let lowered = lowered.unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false)));
    lowered.cases.into_iter().next().expect("a story is one case")
}

#[test]
fn what_given_leaves_unclaimed_fails() {
    let case = given("  - expect: . 1:11(10) ack 1\n");
    let run = |coming| run_case(&case, Scripted::new(Timing::Virtual, coming));
    let report = run(vec![segment(0, Flags::ACK, 1, 10)]);
    assert_eq!(problems(&report), ["unexpected", "nothing"]);
    assert_eq!(report.verdict.mismatches()[0].step, 0, "it belongs to given");
}

#[test]
fn times_that_are_kept_count_from_time_0() {
    let fixture = "title: a fixture\nsteps:\n  - after: 30ms\n    inject: . 1:1(0) ack 1\n";
    let text = "title: a story\ngiven: opened()\nsteps:\n  - after: 10ms\n    expect: . 1:11(10) ack 1\n    as: first\n  \
                - assert: first.time == 10ms\n  - at: $(2 * first.time)\n    expect: . 11:21(10) ack 1\n";
    let mut library = MemoryLibrary::default();
    library.add_fixture("opened", fixture);
    let lowered = yaml::lower("story.yaml", "story", Arc::from(text), &library);
    let lowered = lowered.unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false)));
    let coming = vec![segment(40, Flags::ACK, 1, 10), segment(50, Flags::ACK, 11, 10)];
    // The scripted target plays from the first act on.
    assert_eq!(problems(&run_case(&lowered.cases[0], Scripted::new(Timing::Virtual, coming))), [""; 0]);
}

#[test]
fn lists_that_are_no_events_have_an_order() {
    let control = |kind: i64| Value::Map([("type".to_owned(), Value::Int(kind))].into());
    let given = Value::Map([("control".to_owned(), Value::List(vec![control(1), control(2)]))].into());
    let steps = |first: i64, second: i64| {
        format!(
            "  - call: s = socket(af, SOCK_STREAM, 0)\n  - call: recvmsg(s, {{iov=[0], control=256}}, MSG_ERRQUEUE)\n    \
             gives: {{ control: [{{ type: {first} }}, {{ type: {second} }}] }}\n"
        )
    };
    let completion = || Some(Completion { result: Ok(0), data: Vec::new(), given: Some(given.clone()) });
    assert_eq!(problems(&calls(&steps(1, 2), vec![ok(3), completion()], vec![])), [""; 0]);
    assert_eq!(problems(&calls(&steps(2, 1), vec![ok(3), completion()], vec![])), ["result"]);
}

#[test]
fn reads_follow_the_stream() {
    use tcpdrill::wire::pattern::{Direction, fill};
    let data = |offset, length: usize| {
        let data = fill(Direction::FromPeer, offset, length);
        Some(Completion { result: Ok(i64::try_from(length).unwrap()), data, given: None })
    };
    let steps = "  - call: s = socket(af, SOCK_STREAM, 0)\n  - call: d = dup(s)\n  - call: recv(s, 5, MSG_PEEK)\n  \
                 - call: read(s, 5)\n  - call: read(d, 5)\n";
    let results = |third| vec![ok(3), ok(4), data(0, 5), data(0, 5), data(third, 5)];
    assert_eq!(problems(&calls(steps, results(5), vec![])), [""; 0]);
    assert_eq!(problems(&calls(steps, results(0), vec![])), ["result"], "a descriptor of the same socket");
}

#[test]
fn what_is_injected_is_kept_too() {
    let steps = "  - inject: P. 1:11(10) ack 1 win 77 <nop,nop,TS val 5 ecr 0>\n    as: sent\n  \
                 - assert: [sent.seq == 1, sent.len == 10, sent.ack == 1, sent.win == 77, sent.ts_val == 5, sent.time == 0]\n";
    assert_eq!(problems(&run(steps, Scripted::new(Timing::Virtual, Vec::new()))), [""; 0]);
}

#[test]
fn a_name_given_anew_is_a_new_socket() {
    use tcpdrill::wire::pattern::{Direction, fill};
    let read = || Some(Completion { result: Ok(5), data: fill(Direction::FromPeer, 0, 5), given: None });
    let steps =
        "  - repeat: 2\n    steps:\n      - call: s = socket(af, SOCK_STREAM, 0)\n      - call: read(s, 5)\n";
    assert_eq!(problems(&calls(steps, vec![ok(3), read(), ok(4), read()], vec![])), [""; 0]);
}

#[test]
fn setting_flags_returns_0() {
    let steps = "  - call: s = socket(af, SOCK_STREAM, 0)\n  - call: fcntl(s, F_SETFL, O_NONBLOCK)\n";
    assert_eq!(problems(&calls(steps, vec![ok(3), ok(0)], vec![])), [""; 0]);
    assert_eq!(problems(&calls(steps, vec![ok(3), ok(2)], vec![])), ["result"]);
    let steps = "  - call: s = socket(af, SOCK_STREAM, 0)\n  - call: fcntl(s, F_GETFL)\n";
    assert_eq!(problems(&calls(steps, vec![ok(3), ok(2)], vec![])), [""; 0]);
}

#[test]
fn events_are_found_whichever_fits_which() {
    let event = |revents: i64| Value::Map([("revents".to_owned(), Value::Int(revents))].into());
    let steps = "  - call: s = socket(af, SOCK_STREAM, 0)\n  - call: poll([{fd=s, events=POLLIN}, {fd=s, events=POLLIN}], 0)\n    \
                 returns: 2\n    gives: [{ revents: POLLIN|... }, { revents: POLLIN|POLLHUP }]\n";
    let gives = |events: [i64; 2]| {
        let given = Some(Value::List(events.map(event).to_vec()));
        let polled = Some(Completion { result: Ok(2), data: Vec::new(), given });
        problems(&calls(steps, vec![ok(3), polled], vec![]))
    };
    assert_eq!(gives([1, 17]), [""; 0]);
    assert_eq!(gives([17, 1]), [""; 0]);
    assert_eq!(gives([1, 1]), ["result"]);
}

#[test]
fn a_time_that_is_computed_from_measured_ones_is_as_uncertain_as_they_are() {
    let steps = "  - inject: . 1:1(0) ack 1\n    as: start\n  - after: 80ms\n    expect: . 1:11(10) ack 1\n    as: first\n  \
                 - after: $(4 * (first.time - start.time))\n    expect: . 11:21(10) ack 1\n";
    // The first is 10 ms late and might have been 14.5; so the second, due at 450 ms, may be early by 4 times that
    // and the clock's own 5 ms.
    for (timing, first, second, expected) in [
        (REAL, 90, 410, &[][..]),
        (REAL, 90, 387, &[]),
        (REAL, 90, 386, &["early"]),
        (Timing::Virtual, 80, 400, &[]),
        (Timing::Virtual, 80, 401, &["nothing"]),
    ] {
        let coming = vec![segment(first, Flags::ACK, 1, 10), segment(second, Flags::ACK, 11, 10)];
        assert_eq!(problems(&run(steps, Scripted::new(timing, coming))), expected, "{first} and {second}");
    }
}
