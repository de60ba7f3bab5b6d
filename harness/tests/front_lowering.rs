//! What cases become.

mod front_library;

use std::sync::Arc;

use front_library::library;
use tcpdrill::case::{
    Action, Base, Blocks, Capability, Case, Expected, OptionsSpec, Outcome, ResultSpec, TimeSpec, Transport,
    When, render_packet,
};
use tcpdrill::front::yaml;
use tcpdrill::time::Span;

fn cases(source: &str) -> Vec<Case> {
    match yaml::lower("cases/a/b.yaml", "a/b", Arc::from(source), &library()) {
        Ok(lowered) => lowered.cases,
        Err(found) => panic!("{}", found.render(false)),
    }
}

fn one(source: &str) -> Case {
    let mut cases = cases(source);
    assert_eq!(cases.len(), 1);
    cases.remove(0)
}

/// The steps of a case as short texts.
fn story(case: &Case) -> Vec<String> {
    case.steps.iter().map(|step| short(&step.action)).collect()
}

fn short(action: &Action) -> String {
    match action {
        Action::Call { call, .. } => format!("call {}", call.name()),
        Action::Returns { outcome, .. } => format!("returns {:?}", outcome.result),
        Action::Inject { packet, flow, .. } => {
            format!("inject {} {}", flow.0, render_packet(packet))
        }
        Action::Expect { expected: Expected::Packet(packet), flow, .. } => {
            format!("expect {} {}", flow.0, render_packet(packet))
        }
        Action::Expect { expected: Expected::Nothing, .. } => "expect nothing".to_owned(),
        Action::Assert(claims) => {
            claims.iter().map(|claim| claim.truth.to_string()).collect::<Vec<_>>().join("; ")
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn fixtures_come_before_the_story() {
    let case = one("title: t\ngiven: server(win=1000)\nsteps:\n  - call: read(s, 1)\n    blocks: forever\n");
    assert_eq!(case.given, 8);
    assert_eq!(case.descriptors, ["l", "s"]);
    let story = story(&case);
    assert_eq!(story[4], "inject 0 S 0:0(0) win 1000 <mss 1000>");
    assert_eq!(story[6], "inject 0 . 1:1(0) ack 1 win 1000");
    assert_eq!(case.steps[4].origin.through.len(), 2);
    assert_eq!(case.steps[8].origin.text, "call: read(s, 1)");
}

#[test]
fn rows_and_combinations_are_named_in_order() {
    let source = "title: t\ntable: |\n  name | n\n  a    | 1\n  b    | 2\nmatrix: { ip: [v4, v6] }\nsteps:\n  - inject: . $n:$n(0) ack 1\n";
    let ids: Vec<String> = cases(source).into_iter().map(|case| case.id).collect();
    assert_eq!(ids, ["a/b[a,ip=v4]", "a/b[a,ip=v6]", "a/b[b,ip=v4]", "a/b[b,ip=v6]"]);
}

#[test]
fn a_grid_has_a_test_for_each_cell_that_is_not_empty() {
    let source = "title: t\nlet: { rst: \"R 1:1(0)\", ack: . 1:1(0) ack 1 }\ngrid: |\n  segment \\ state | established | fin-wait-1\n  # left out\n  rst             | nothing     |\n  ack             | ack         | nothing\ngiven: $state()\nsteps:\n  - inject: $segment\n  - expect: $cell\n";
    let cases = cases(source);
    let ids: Vec<&str> = cases.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(ids, ["a/b[rst,established]", "a/b[ack,established]", "a/b[ack,fin-wait-1]"]);
    assert_eq!(story(&cases[0])[8..], ["inject 0 R 1:1(0)", "expect nothing"]);
    assert!(cases[0].steps[9].origin.cell.is_some());
}

#[test]
fn loops_are_unrolled_and_known_numbers_computed() {
    let source = "title: t\nflows: { f: { remote: remote:6000, count: 3 } }\nsteps:\n  - repeat: 2\n    steps:\n      - after: $(min(210ms << i, 300ms))\n        inject: S 0:0(0) win $(100 * i)\n        flow: f$(i + 1)\n";
    let case = one(source);
    assert_eq!(story(&case), ["inject 1 S 0:0(0) win 0", "inject 2 S 0:0(0) win 100"]);
    assert_eq!(case.flows[2].remote.port(), 6002);
    let whens: Vec<&When> = case.steps.iter().map(|step| &step.when).collect();
    let exactly =
        |span| When::Window { base: Base::Previous, from: TimeSpec::Known(span), to: TimeSpec::Known(span) };
    assert_eq!(whens, [&exactly(Span::millis(210)), &exactly(Span::millis(300))]);
}

#[test]
fn an_assertion_keeps_what_it_looks_at() {
    let steps = "  - assert: [s.tcpi_rtt > 0, counter.TcpPassiveOpens == 1]\n    as: before\n";
    let with = |later: &str| {
        format!(
            "title: t\ngiven: server()\nsteps:\n{steps}  - assert: {later}\n  - set: {{ -net.ipv4.tcp_fack: 0 }}\n"
        )
    };
    let case = one(&with("s.tcpi_rtt <= before.s.tcpi_rtt + 1ms"));
    let last = story(&case).len() - 2;
    assert_eq!(story(&case)[last], "s.tcpi_rtt <= (before.s.tcpi_rtt + 1ms)");
    match &case.steps[last + 1].action {
        Action::Set(settings) => assert!(settings[0].optional && settings[0].name == "net.ipv4.tcp_fack"),
        other => panic!("{other:?}"),
    }
    let wrong = |later: &str| match yaml::lower("a.yaml", "a", Arc::from(with(later)), &library()) {
        Ok(_) => panic!("{later} is wrong"),
        Err(wrong) => wrong.render(false),
    };
    assert!(wrong("before.s.tcpi_lost == 0").contains("before did not look at s.tcpi_lost"));
    assert!(
        wrong("before.s.tcpi_rtt == 0 and before.s.tcpi_rtt == 5")
            .contains("a time compared with an integer")
    );
}

#[test]
fn lists_are_steps_and_times_belong_to_the_first() {
    let source = "title: t\nsteps:\n  - within: 1s\n    expect:\n      - S 0:0(0)\n      - R 1:1(0)\n";
    let case = one(source);
    assert_eq!(story(&case), ["expect 0 S 0:0(0)", "expect 0 R 1:1(0)"]);
    assert_eq!(
        case.steps[0].when,
        When::Window { base: Base::Previous, from: TimeSpec::ZERO, to: TimeSpec::Known(Span::seconds(1)) }
    );
    assert_eq!(case.steps[1].when, When::NOW);
}

#[test]
fn times_count_from_what_they_name() {
    let source = "title: t\ngiven: listener()\nsteps:\n  - inject: S 0:0(0)\n    as: first\n  - at: 1s\n    inject: S 0:0(0)\n  - since: first\n    after: 2s\n    inject: S 0:0(0)\n";
    let case = one(source);
    let bases: Vec<Base> = case.steps[4..]
        .iter()
        .filter_map(|step| match step.when {
            When::Window { base, .. } => Some(base),
            When::Any => None,
        })
        .collect();
    assert_eq!(bases, [Base::Previous, Base::Reached(4), Base::Step(4)]);
}

#[test]
fn blocked_calls_leave_their_outcome_to_returns() {
    let source = "title: t\ngiven: server()\nsteps:\n  - call: n = read(s, 100)\n    blocks: true\n  - returns: -1 EINTR or EAGAIN\n  - call: read(s, 5)\n    blocks: 10ms..20ms\n    data: text hello\n  - assert: $n == -1\n".replace("$n", "n");
    let case = one(&source);
    let Action::Call { blocks, .. } = &case.steps[8].action else {
        panic!("a call");
    };
    assert_eq!(*blocks, Blocks::UntilReturns);
    let Action::Returns { outcome: Outcome { result: ResultSpec::Fails(errors), .. }, .. } =
        &case.steps[9].action
    else {
        panic!("returns with errors");
    };
    assert_eq!(errors.len(), 2);
    assert_eq!(story(&case)[11], "n.result == -1");
}

#[test]
fn maps_say_what_a_line_cannot() {
    let source = "title: t\nsteps:\n  - inject:\n      segment: S 0:0(0) win 65535\n      checksum: bad\n      data_offset: 15\n      truncate: auto\n      ip: { ttl: 3, total_length: 20, ext: [hop_by_hop hex 01040000] }\n      fragments: [{ offset: 0, length: 8, more: true }]\n";
    let case = one(source);
    let Action::Inject { packet, .. } = &case.steps[0].action else {
        panic!("inject");
    };
    assert_eq!(packet.truncate, None);
    assert_eq!(packet.fragments.len(), 1);
    assert_eq!(packet.ip.ext, [(0, vec![1, 4, 0, 0])]);
    let Transport::Tcp(tcp) = &packet.transport else {
        panic!("a segment");
    };
    assert_eq!(tcp.options, OptionsSpec::Unwritten);
    assert_eq!(tcp.data_offset.as_ref().and_then(|number| number.known()), Some(15));
    assert!(case.needs.contains(&Capability::RawIp));
}

#[test]
fn icmp_has_the_numbers_of_its_version() {
    let source = "title: t\nmatrix: { ip: [v4, v6] }\nsteps:\n  - inject: icmp unreachable port [S 0:0(0)]\n";
    let found: Vec<String> = cases(source).iter().map(|case| story(case).remove(0)).collect();
    assert_eq!(found, ["inject 0 icmp type_3 code_3 [S 0:0(0)]", "inject 0 icmp type_1 code_4 [S 0:0(0)]"]);
}

#[test]
fn constructs_of_every_section_are_taken() {
    let source = r#"title: t
flows: { a: {}, b: { remote: remote2:80, local: local:81, isn: 4294967000, local_isn: 7 } }
link: { mtu: 1400, offload: tso, loss: 2%, drop: [3, 7], to: remote }
packetdrill: { tolerance: 4ms, percent: 12.5 }
given: [listener(), "s = accepted(listener=l, flow=a)"]
steps:
  - peer: auto
    flow: a
  - link: { delay: 20ms }
  - peer: scripted
    flow: a
  - set: { net.ipv4.tcp_rmem: 4096 131072 6291456 }
  - signal: SIGUSR1
    restart: true
    thread: other
  - allow: . any:any(0) ack any
    within: 1s
    flow: a
  - within: 1s
    any_order:
      - expect: . 1..3(0) ack 1 or 2 win any
        flow: a
      - expect: { one_of: [R 1:1(0), nothing] }
        flow: b
  - inject: { icmp: { type: unreachable, code: port, quote: S 0:0(0), quote_length: 28 } }
    flow: a
  - inject: { bytes: hex 4500 }
    flow: a
  - call: setsockopt(s, SOL_SOCKET, SO_LINGER, {l_onoff=1, l_linger=0})
  - call: setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, 1.5s)
  - call: setsockopt(s, SOL_TCP, TCP_CONGESTION, "reno", len=2)
  - call: connect(s, "192.0.2.9":80, len=4)
    returns: -1 EINVAL
  - call: sendmsg(s, {iov=[5], name=remote, control=[{level=SOL_IP, type=IP_TTL, data=5}]}, 0)
    data: text hello
  - call: recvmsg(s, {iov=[0], control=256}, MSG_ERRQUEUE)
    returns: 0
    gives:
      flags: MSG_ERRQUEUE
      control:
        - { level: SOL_IP, type: IP_RECVERR, data: { ee_errno: 0, ee_origin: SO_EE_ORIGIN_ZEROCOPY } }
  - call: select({read=[s], write=[l]}, 100ms)
    returns: 1
    gives: { read: [s] }
  - call: getsockopt(s, SOL_SOCKET, SO_ERROR)
    gives: ECONNREFUSED
  - call: getsockname(s)
    gives: local:8080
  - expect: S 0:0(0)
    isn: new
    flow: a
  - call: r, w = pipe()
  - call: splice(r, s, 10, SPLICE_F_MOVE)
  - call: fcntl(s, F_SETFL, O_NONBLOCK)
  - expect: . 1:1(0) ack 1 <nop,nop,ECN e0b 1 ceb 0 e1b 1,opt 254 beef len 40>
    push: false
    flow: a
    as: last
  - assert: not (last.win < 10 or last.time > 1s) and main.state == CLOSED
"#
    .replace(" and main.state == CLOSED", " and a.state == CLOSED and a.received == 0");
    let case = one(&source);
    for needed in [Capability::LocalIsn, Capability::Signals, Capability::Errqueue, Capability::Inspect] {
        assert!(case.needs.contains(&needed), "{needed}");
    }
}

#[test]
fn renamed_fixtures_keep_their_other_names_apart() {
    let source = "title: t\ngiven: x = server()\nsteps:\n  - call: close(x.l)\n  - assert: x.l.accept_queue == 0\n  - assert: x.state == ESTABLISHED\n";
    let case = one(source);
    assert_eq!(case.descriptors, ["x.l", "x"]);
    assert_eq!(story(&case)[9], "x.l.accept_queue == 0");
}

#[test]
fn line_ends_of_windows_and_a_byte_order_mark_change_nothing() {
    let source = "title: t\ntable: |\n  name | n\n  a    | 1\nsteps:\n  - inject: . $n:$n(0) ack 1\n";
    let windows = format!("\u{feff}{}", source.replace('\n', "\r\n"));
    assert_eq!(story(&one(&windows)), story(&one(source)));
    let wrong = windows.replace("ack 1", "ack 01");
    let found = yaml::lower("a.yaml", "a/b", Arc::from(wrong), &library()).expect_err("wrong");
    assert!(found.render(false).starts_with("a.yaml:6:28: error: a number does"), "{}", found.render(false));
}

#[test]
fn limits_are_kept() {
    let source = "title: t\nsteps:\n  - repeat: 200000\n    steps:\n      - silent: 1ms\n";
    let found = yaml::lower("a.yaml", "a/b", Arc::from(source), &library()).expect_err("too many");
    assert_eq!(found.list[0].text, "more than 100000 steps");
    let list = format!("[{}]", vec!["x"; 150].join(", "));
    let source = format!("title: t\nmatrix: {{ a: {list}, b: {list} }}\nsteps: []\n");
    let found = yaml::lower("a.yaml", "a/b", Arc::from(source), &library()).expect_err("too many");
    assert_eq!(found.list[0].text, "more than 20000 tests in one file");
}
