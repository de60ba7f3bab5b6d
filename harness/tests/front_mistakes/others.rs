//! Mistakes that the table of the reference leaves out.

use std::sync::Arc;

use tcpdrill::front::yaml;

use super::front_library::library;
use super::{check, story};

#[test]
fn ends_of_another_flow() {
    let two = "title: t\nflows: { a: { local: local:80 }, b: { remote: remote2 } }\nsteps:\n";
    check(
        "ends_of_another_flow",
        &[
            (
                story("  - expect: (dport 9) . 1:1(0) ack 1\n"),
                "no segment of flow main has this dport: its remote end is 192.0.2.1:8080",
                "declare a flow with that end, and name it: flow: ...",
                "dport",
            ),
            (
                format!("{two}  - allow: {{ segment: R 1:1(0), sport: 81..90 }}\n    flow: a\n"),
                "no segment of flow a has this sport: its local end is 192.168.0.1:80",
                "declare a flow with that end, and name it: flow: ...",
                "sport",
            ),
            (
                format!(
                    "{two}  - expect: {{ one_of: [nothing, {{ segment: R 1:1(0), ip: {{ src: local2 }} }}] }}\n    flow: a\n"
                ),
                "no segment of flow a has this src: its local end is 192.168.0.1:80",
                "declare a flow with that end, and name it: flow: ...",
                "src",
            ),
        ],
    );
}

#[test]
fn slips_of_yaml() {
    check(
        "slips_of_yaml",
        &[
            (
                story("  - call: close(s)\n   after: 1s\n"),
                "not YAML: while parsing a block collection, did not find expected '-' indicator",
                "keys of one map, and members of one list, start in the same column",
                "",
            ),
            (
                story("  - expect: { segment: R 1:1(0)\n"),
                "not YAML: while parsing a flow mapping, did not find expected ',' or '}'",
                "a { or [ above is not closed",
                "",
            ),
            (story("  - call: close(s)\n    after:1s\n"), "no blank after \":\"", "write after: 1s", ":"),
            (
                story("  -call: close(s)\n"),
                "steps takes a list, this is a map",
                "a blank must follow the - of each member",
                "-call: close(s)",
            ),
            (
                story("  - expect: [S 0:0(0) <mss 10,sackOK>]\n"),
                "the options are not closed",
                "add >; inside [..] and {..} a text with a comma is put in quotes",
                "<mss 10",
            ),
        ],
    );
}

#[test]
fn outcomes_of_calls() {
    check(
        "outcomes_of_calls",
        &[
            (
                story("  - call: close(s)\n    data: text hello\n"),
                "data says what is read or sent, and close does neither",
                "",
                "text hello",
            ),
            (
                story("  - call: read(s, 5)\n    blocks: true\n    data: text hello\n  - returns: 5\n"),
                "this call returns later; say there what it returns",
                "move data to a step of its own",
                "text hello",
            ),
            (
                story("  - call: read(s, 5)\n    blocks: forever\n    gives: 5\n"),
                "a call that blocks forever does not return",
                "",
                "5",
            ),
            (
                story(
                    "  - call: write(s, 5)\n    blocks: true\n    data: text hello\n  - returns: 5\n    data: text hello\n",
                ),
                "what write sends is said where it is called",
                "",
                "text hello",
            ),
            (
                story("  - call: recv(s, 1, MSG_OOB)\n"),
                "what is read with MSG_OOB is not in the stream; say which byte it is",
                "data: text !",
                "recv(s, 1, MSG_OOB)",
            ),
            (
                story("  - call: read(s, 1)\n    blocks: 300ms\n  - after: 200ms\n    call: read(s, 1)\n"),
                "thread main is blocked in read() since line 4",
                "name another thread",
                "read",
            ),
        ],
    );
}

#[test]
fn values_and_names() {
    check(
        "values_and_names",
        &[
            (
                story("  - call: connect(s, \"300.1.1.1\":80)\n"),
                "\"300.1.1.1\" is not an IP address",
                "",
                "\"300.1.1.1\"",
            ),
            (
                story("  - call: shutdown(s, SHUT_WRITE)\n"),
                "unknown constant \"SHUT_WRITE\"",
                "one of SHUT_RD, SHUT_WR, SHUT_RDWR",
                "SHUT_WRITE",
            ),
            (
                story("  - call: n = getsockname(s)\n    as: mss\n"),
                "$mss is given in advance",
                "take another name",
                "mss",
            ),
            (
                story("  - at: any\n    expect: { one_of: [R 1:1(0), nothing] }\n"),
                "nothing has no time at which it comes",
                "write how long: within: 1s",
                "any",
            ),
            (
                story("  - call: read(s, 10) = 10\n"),
                "unexpected \"= 10\"",
                "what it returns is a key of its own: returns: 10",
                "= 10",
            ),
            (
                story("  - assert: s.tcpi_snd_cwnd = 10\n"),
                "unexpected \"= 10\"",
                "two things are compared with ==",
                "= 10",
            ),
            (
                story("  - call: getsockname(s)\n    gives: local:9000..8000\n"),
                "empty range: 9000 is after 8000",
                "",
                "9000..8000",
            ),
            (
                story("  - call: getsockname(s)\n    gives: 42000..90000\n"),
                "90000 does not fit 16 bits",
                "",
                "90000",
            ),
        ],
    );
}

#[test]
fn icmp_names_without_counterpart() {
    check("icmp_names_without_counterpart", &[
        (
            "title: t\nmatrix: { ip: [v4, v6] }\nsteps:\n  - inject: icmp unreachable protocol [S 0:0(0)]\n"
                .to_owned(),
            "ICMPv6 has no protocol",
            "write matrix: { ip: [..] } with the versions that have it",
            "protocol",
        ),
        (
            story("  - inject: icmp unreachable prot [S 0:0(0)]\n"),
            "unknown ICMP code \"prot\"",
            "did you mean port?",
            "prot",
        ),
        (
            story("  - inject: icmp unreachabel port\n"),
            "unknown ICMP type \"unreachabel\"",
            "did you mean unreachable?",
            "unreachabel",
        ),
    ]);
}

#[test]
fn links_and_peers() {
    let auto = "  - peer: auto\n";
    let takes = "the peer of this flow answers by itself and takes such a segment";
    let help = "peer: scripted before it; or leave it out, and look at what was received";
    check(
        "links_and_peers",
        &[
            (
                story("  - link: { offload: tso }\n"),
                "offload cannot change while a case runs",
                "give it in the link of the case, before the steps",
                "offload",
            ),
            (story(&format!("{auto}  - expect: P. 1:11(10) ack 1\n")), takes, help, "P. 1:11(10) ack 1"),
            (
                story(&format!("{auto}  - any_order:\n      - expect: F. 1:1(0) ack 1\n")),
                takes,
                help,
                "F. 1:1(0) ack 1",
            ),
        ],
    );
    let right =
        format!("{auto}  - expect: R. 1:1(0) ack 1\n  - peer: scripted\n  - expect: . 1:1(0) ack 1\n");
    let right = yaml::lower("cases/a/b.yaml", "a/b", Arc::from(story(&right)), &library());
    assert!(right.is_ok(), "what it does not take may be expected, and all once a script follows");
}

#[test]
fn what_scripts_say() {
    let script = |head: &str, steps: &str| format!("title: t\npacketdrill: {head}\nsteps:\n{steps}");
    let open = "  - call: socket(af, SOCK_STREAM, 0)\n";
    check(
        "what_scripts_say",
        &[
            (
                story("  - assert: { says: lost }\n"),
                "that, which must hold, is missing",
                "",
                "{ says: lost }",
            ),
            (
                story("  - assert: [{ that: s.tcpi_lost == 0, syas: lost }]\n"),
                "unknown key \"syas\"",
                "did you mean says?",
                "syas",
            ),
            (
                story("  - assert: { that: s.tcpi_lost == 0, says: lost $(t.tcpi_lost) }\n"),
                "no value \"t\" before this step",
                "did you mean mtu?",
                "t.tcpi_lost",
            ),
            (
                story("  - call: f = open()\n"),
                "how many zeros the file holds is missing",
                "as in f = open(zeros=1000)",
                "open",
            ),
            (
                story("  - expect: S. 0:0(0) ack 1\n    isn: 70\n"),
                "isn of what is expected is new",
                "the number is the target's own",
                "70",
            ),
            (script("{ lenient: yes }", open), "lenient is true or false", "", "yes"),
            (script("{ tolerance: 4 }", open), "a time needs a unit", "4ms or 4s?", "4"),
            (script("{ ticks: 1ms }", open), "unknown key \"ticks\"", "did you mean tick?", "ticks"),
        ],
    );
}

#[test]
fn a_name_is_used_by_a_truth_with_a_message() {
    let kept = "  - assert: s.tcpi_lost == 0\n    as: before\n";
    for (claim, count) in [
        ("{ that: s.tcpi_lost == before.s.tcpi_lost, says: more }", 0),
        ("{ that: s.tcpi_lost == 0, says: $(before.s.tcpi_lost) before }", 0),
        ("{ that: s.tcpi_lost == 0, says: before }", 1),
    ] {
        let source = story(&format!("{kept}  - assert: {claim}\n"));
        let lowered = yaml::lower("cases/a/b.yaml", "a/b", Arc::from(source), &library()).expect("a case");
        assert_eq!(lowered.warnings.list.len(), count, "{claim}");
    }
}
