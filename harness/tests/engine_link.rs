//! Stories of the link between the target and peers that answer by themselves: what it delays, loses, repeats, swaps.

mod engine_support;

use engine_support::{case, lowered, problems, run_on, segment, to};
use tcpdrill::case::Case;
use tcpdrill::engine::{Report, What};
use tcpdrill::run::{RunOptions, replay, run_case};
use tcpdrill::target::scripted::Scripted;
use tcpdrill::target::{Observation, Target, TargetError, TargetFactory, TargetInfo, Timing, World};
use tcpdrill::trace::{Entry, Trace};
use tcpdrill::verdict::Verdict;
use tcpdrill::wire::Flags;

fn over(link: &str, steps: &str) -> Case {
    let open = "  - inject: . 1:1(0) ack 1\n  - peer: auto\n";
    lowered(&format!("title: t\nlink: {link}\nsteps:\n{open}{steps}  - silent: 20s\n"))
}

/// Ten segments of ten bytes, one each 20 ms.
fn ten() -> Vec<Observation> {
    (0..10).map(|n| segment(20 * (n + 1), Flags::ACK, 1 + 10 * n as u32, 10)).collect()
}

fn story(link: &str, steps: &str, coming: Vec<Observation>) -> Report {
    let report = run_on(&over(link, steps), &mut Scripted::new(Timing::Virtual, coming), 0);
    assert_eq!(report.verdict, Verdict::Pass);
    report
}

/// What the peer sent by itself: when it arrived, in milliseconds, or that it did not, and what it acknowledges.
fn answers(report: &Report) -> Vec<String> {
    let events = report.events.iter().filter(|event| event.step.is_none());
    events
        .filter_map(|event| {
            let number = event.text.split(' ').nth(3).unwrap_or_default();
            match event.what {
                What::Injected(_) => Some(format!("{}: {number}", event.at.0 / 1_000_000)),
                What::Lost(_) => Some(format!("lost: {number}")),
                _ => None,
            }
        })
        .collect()
}

/// What the link did to what the target sent, one letter for each packet.
fn fates(report: &Report) -> String {
    let emitted = report.events.iter().filter(|event| matches!(event.what, What::Emitted(_)));
    emitted
        .map(|event| match event.fates.last().map(ToString::to_string) {
            None => '.',
            Some(fate) if fate == "dropped by the link" => 'x',
            Some(fate) if fate == "duplicated by the link" => '2',
            Some(fate) if fate == "held back by the link" => 's',
            Some(fate) if fate.starts_with("delayed by the link for ") => 'd',
            Some(fate) => panic!("{fate}"),
        })
        .collect()
}

#[test]
fn a_delay_is_that_of_each_direction_it_acts_in() {
    let one = || vec![segment(1, Flags::ACK, 1, 10)];
    assert_eq!(answers(&story("{ delay: 25ms }", "", one())), ["51: 11"]);
    assert_eq!(answers(&story("{ delay: 25ms, to: remote }", "", one())), ["26: 11"]);
    assert_eq!(answers(&story("{ delay: 25ms, to: local }", "", one())), ["26: 11"]);
    let report = story("{ delay: 25ms }", "  - after: 40ms\n    inject: . 1:1(0) ack 1\n", one());
    let order: Vec<i64> = report.events.iter().map(|event| event.at.0 / 1_000_000).collect();
    assert_eq!(order, [0, 0, 1, 40, 51], "what the case does comes at its time");
}

#[test]
fn what_arrives_in_time_counts_and_nothing_before() {
    let at = |ms: i32, count: i32| format!("  - after: {ms}ms\n    assert: main.received == {count}\n");
    let steps = at(25, 0) + &at(1, 10);
    story("{ delay: 25ms }", &steps, vec![segment(1, Flags::ACK, 1, 10)]);
}

#[test]
fn data_segments_are_dropped_by_their_number() {
    let report = story("{ drop: [3, 7] }", "", ten());
    assert_eq!(fates(&report), "..x...x...");
    let numbers: Vec<String> = answers(&report);
    assert_eq!(
        numbers,
        ["20: 11", "40: 21", "80: 21", "100: 21", "120: 21", "160: 21", "180: 21", "200: 21"]
    );
    // From the step on that makes the peer answer, and again from one that changes the list.
    let again = "  - after: 90ms\n    link: { drop: [1, 2] }\n";
    assert_eq!(fates(&story("{ drop: [3] }", again, ten())), "..x.xx....");
    let another = "  - after: 90ms\n    link: { delay: 1ms }\n";
    assert_eq!(fates(&story("{ drop: [6] }", another, ten())), "....dxdddd");
    assert_eq!(fates(&story("{ drop: [3], to: local }", "", ten())), "..........");
    let begins_again = "  - after: 10ms\n    peer: scripted\n  - after: 10ms\n    expect: . 1:11(10) ack 1\n  - peer: auto\n";
    assert_eq!(fates(&story("{ drop: [2] }", begins_again, ten())), "..x.......");
    let twice = "  - after: 30ms\n    peer: scripted\n  - peer: auto\n";
    assert_eq!(
        fates(&story("{ drop: [2] }", twice, ten())),
        "..x.......",
        "counted from the second beginning"
    );
}

#[test]
fn segments_without_data_are_not_counted() {
    let bare = engine_support::emitted(5, engine_support::bare(Flags::ACK));
    let coming: Vec<Observation> = std::iter::once(bare).chain(ten()).collect();
    assert_eq!(fates(&story("{ drop: [1] }", "", coming)), ".x.........");
}

#[test]
fn each_flow_counts_for_itself() {
    let head = "title: t\nlink: { drop: [2] }\nflows:\n  a: { remote: remote:1 }\n  b: { remote: remote:2 }\nsteps:\n";
    let open: String = ["a", "b"]
        .map(|flow| {
            format!("  - inject: . 1:1(0) ack 1\n    flow: {flow}\n  - peer: auto\n    flow: {flow}\n")
        })
        .concat();
    let case =
        lowered(&format!("{head}{open}  - silent: 1s\n  - assert: [a.received == 10, b.received == 10]\n"));
    let a = |port, ms, seq| to(port, ms, Flags::ACK, seq, 10);
    let coming = vec![a(1, 1, 1), a(2, 2, 1), a(2, 3, 11), a(1, 4, 11)];
    let report = run_on(&case, &mut Scripted::new(Timing::Virtual, coming), 0);
    assert_eq!(report.verdict, Verdict::Pass);
    assert_eq!(fates(&report), "..xx");
}

#[test]
fn a_link_that_loses_everything_in_one_direction() {
    let report = story("{ loss: 100%, to: remote }", "", ten());
    assert_eq!((fates(&report).as_str(), answers(&report).len()), ("xxxxxxxxxx", 0));
    let report = story("{ loss: 100%, to: local }", "", ten());
    assert_eq!(fates(&report), "..........");
    assert!(answers(&report).iter().all(|answer| answer.starts_with("lost")));
    let healed = "  - after: 50ms\n    link: { loss: 0% }\n";
    assert_eq!(fates(&story("{ loss: 100% }", healed, ten())), "xx........");
}

#[test]
fn a_scripted_flow_and_what_a_script_injects_are_not_impaired() {
    let case = lowered(
        "title: t\nlink: { loss: 100%, delay: 1s }\nsteps:\n  - inject: . 1:1(0) ack 1\n  - after: 1ms\n    expect: . \
         1:11(10) ack 1\n  - peer: auto\n  - after: 1ms\n    inject: . 1:1(0) ack 11\n  - silent: 5s\n",
    );
    let report = run_on(&case, &mut Scripted::new(Timing::Virtual, vec![segment(1, Flags::ACK, 1, 10)]), 0);
    assert_eq!(report.verdict, Verdict::Pass);
    assert!(report.events.iter().all(|event| event.fates.is_empty() || event.step.is_none()));
}

#[test]
fn duplicates_arrive_twice_and_are_answered_twice() {
    let one = || vec![segment(1, Flags::ACK, 1, 10)];
    assert_eq!(answers(&story("{ duplicate: 100%, to: remote }", "", one())), ["1: 11", "1: 11"]);
    assert_eq!(answers(&story("{ duplicate: 100% }", "", one())), ["1: 11"; 4]);
}

#[test]
fn a_packet_is_overtaken_by_the_one_after_it_or_comes_ten_milliseconds_late() {
    let a = |ms, seq| segment(ms, Flags::ACK, seq, 10);
    let swapped = |coming| answers(&story("{ reorder: 100%, to: remote }", "", coming));
    assert_eq!(swapped(vec![a(1, 1), a(3, 11)]), ["3: 1", "3: 21"]);
    assert_eq!(swapped(vec![a(1, 1)]), ["11: 11"]);
    assert_eq!(swapped(vec![a(1, 1), a(12, 11)]), ["11: 11", "22: 21"], "too long ago");
    let report = story("{ reorder: 100%, delay: 20ms, to: remote }", "", vec![a(1, 1), a(12, 11)]);
    assert_eq!(
        answers(&report),
        ["31: 11", "42: 21"],
        "sent while the first is on its way, but too late for it"
    );
    assert_eq!(swapped(vec![a(1, 1), a(2, 11), a(3, 21), a(4, 31)]), ["2: 1", "2: 21", "4: 21", "4: 41"]);
}

#[test]
fn chance_follows_from_the_seed_and_from_nothing_else() {
    let many = || (0..200).map(|n| segment(n + 1, Flags::ACK, 1 + 10 * n as u32, 10)).collect::<Vec<_>>();
    let with = |link: &str, seed| {
        let report = run_on(&over(link, ""), &mut Scripted::new(Timing::Virtual, many()), seed);
        assert_eq!(report.verdict, Verdict::Pass);
        fates(&report)
    };
    let lossy = "{ loss: 20%, to: remote }";
    assert_eq!(with(lossy, 1), with(lossy, 1));
    assert_ne!(with(lossy, 1), with(lossy, 2));
    let lost = with(lossy, 1).matches('x').count();
    assert!((20..=60).contains(&lost), "{lost} of 200 at 20%");
    // What one impairment does does not depend on another.
    let both = with("{ loss: 20%, duplicate: 50%, to: remote }", 1);
    assert_eq!(both.replace('2', "."), with(lossy, 1));
    assert!(both.contains('2'));
}

#[test]
fn the_link_changes_its_size_on_the_target_and_all_else_by_itself() {
    let acts = |steps: &str| {
        let mut target = Scripted::new(Timing::Virtual, Vec::new());
        assert_eq!(problems(&run_on(&case(steps), &mut target, 0)), [""; 0]);
        target.acts
    };
    let first = "  - inject: . 1:1(0) ack 1\n";
    assert_eq!(acts(&format!("{first}  - link: {{ mtu: 1200 }}\n"))[1..], ["mtu 1200"]);
    assert_eq!(acts(&format!("{first}  - link: {{ mtu: 1500 }}\n"))[1..], [""; 0], "it is that already");
    assert_eq!(acts(&format!("{first}  - link: {{ loss: 3% }}\n"))[1..], [""; 0]);
}

#[test]
fn after_the_link_shrank_a_packet_that_was_right_is_too_large() {
    let a = |ms, seq| segment(ms, Flags::ACK, seq, 1000);
    let shrinks = "  - after: 5ms\n    link: { mtu: 1039 }\n";
    let run = |coming| {
        problems(&run_on(&over("{ mtu: 1500 }", shrinks), &mut Scripted::new(Timing::Virtual, coming), 0))
    };
    assert_eq!(run(vec![a(4, 1)]), [""; 0]);
    assert_eq!(run(vec![a(4, 1), a(6, 1001)]), ["wrong"]);
}

/// Makes scripted targets on which the same happens each time.
struct Factory(Scripted);

impl TargetFactory for Factory {
    fn info(&self) -> &TargetInfo {
        self.0.info()
    }

    fn open(&self, _: &World) -> Result<Box<dyn Target>, TargetError> {
        Ok(Box::new(self.0.clone()))
    }
}

#[test]
fn a_trace_has_what_the_link_did_and_gives_it_again() {
    let case = over("{ loss: 30%, duplicate: 20%, reorder: 20%, delay: 3ms }", "  - link: { mtu: 1400 }\n");
    let factory = Factory(Scripted::new(Timing::Virtual, ten()));
    let with =
        |seed| run_case(&case, &factory, RunOptions { seed, ..RunOptions::default() }).trace.expect("it ran");
    let trace = with(5);
    assert_eq!(with(5), trace);
    let verdict =
        |trace: &Trace| replay(&case, trace).map(|report| report.verdict).map_err(|error| error.to_string());
    assert_eq!(verdict(&trace), Ok(Verdict::Pass));
    let fate = |entry: &Entry| match entry {
        Entry::OnTheWay { fate, .. } => Some(fate.clone()),
        _ => None,
    };
    assert!(trace.entries.iter().filter_map(fate).any(|fate| fate == "dropped by the link"));
    for length in 0..trace.entries.len() {
        let mut without = trace.clone();
        without.entries.remove(length);
        assert!(verdict(&without).is_err(), "without entry {length}: {:?}", trace.entries[length]);
    }
    let mut another = trace.clone();
    another.header.seed = 6;
    assert!(verdict(&another).is_err(), "another seed is another run");
}
