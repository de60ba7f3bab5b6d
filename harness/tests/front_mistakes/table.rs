//! The mistakes of the table in the reference.

use super::{check, story};

#[test]
fn yaml_and_its_limits() {
    let deep = format!("title: t\nsteps: {}{}", "[".repeat(40), "]".repeat(40));
    check(
        "yaml_and_its_limits",
        &[
            (String::new(), "the file is empty", "", ""),
            ("# nothing\n".to_owned(), "the file is empty", "", ""),
            (deep, "nested deeper than 32", "", "["),
            (
                "title: &a t\nsteps: []".to_owned(),
                "aliases are not allowed in a case",
                "use let, or a fixture",
                "&a",
            ),
            (
                "title: t\nwhy: *a\nsteps: []".to_owned(),
                "aliases are not allowed in a case",
                "use let, or a fixture",
                "*a",
            ),
            (
                "title: t\nlet: { <<: x }\nsteps: []".to_owned(),
                "aliases are not allowed in a case",
                "use let, or a fixture",
                "<<",
            ),
            (
                "title: t\nsteps:\n\t- silent: 1s\n".to_owned(),
                "tab used for indentation",
                "YAML allows only spaces here",
                "\t",
            ),
            (
                "title: connect(): refused\nsteps: []".to_owned(),
                "\": \" inside unquoted text",
                "put the text in quotes",
                ":",
            ),
            (
                story("  - expect: [ect0] . 1:1(0)\n"),
                "a value cannot start with \"[\"",
                "write attributes as (ect0) . 1:1(0)",
                "[",
            ),
            (story("  - inject: - 1:1(0)\n"), "\"-\" starts a list here", "no flags is written none", "-"),
            (
                story("  - silent: 1s\n    note: a\n  - after: 1s\n    expect: nothing\n    after: 2s\n"),
                "key \"after\" given twice (first in line 6)",
                "",
                "after",
            ),
        ],
    );
}

#[test]
fn keys_and_their_types() {
    check(
        "keys_and_their_types",
        &[
            ("title: t\nstepz: []".to_owned(), "unknown key \"stepz\"", "did you mean steps?", "stepz"),
            ("steps: []".to_owned(), "title is missing", "", ""),
            (
                story("  - expct: . 1:1(0) ack 1\n"),
                "unknown step kind \"expct\"",
                "did you mean expect?",
                "expct",
            ),
            (
                story("  - note: x\n"),
                "this step does nothing",
                "one of call, returns, inject, expect, silent, ...",
                "note: x",
            ),
            (
                story("  - call: close(s)\n    inject: . 1:1(0) ack 1\n"),
                "a step has one kind; this has call and inject",
                "make it two steps",
                "inject",
            ),
            (
                story("  - expect: nothing\n    by: 10ms\n"),
                "unknown key \"by\"",
                "exactly then: after: 10ms; no later than: within: 10ms",
                "by",
            ),
            (
                story("  - inject: . 1:1(0) ack 1\n    within: 10ms\n"),
                "within is for what is expected; inject happens at an exact time",
                "use after or at",
                "within",
            ),
        ],
    );
}

#[test]
fn what_a_file_names() {
    check(
        "what_a_file_names",
        &[
            (
                "title: t\ncovers: [RFC9293/MUST-100]\nsteps: []".to_owned(),
                "no requirement RFC9293/MUST-100",
                "nearest: RFC9293/MUST-10",
                "RFC9293/MUST-100",
            ),
            (
                "title: t\ngiven: sevrer()\nsteps: []".to_owned(),
                "no fixture \"sevrer\"",
                "did you mean server?",
                "sevrer",
            ),
            (
                "title: t\ntable: |\n  name | a | b\n  x    | 1\nsteps: []".to_owned(),
                "row has 2 cells, the table 3 columns",
                "",
                "x    | 1",
            ),
        ],
    );
}

#[test]
fn segments() {
    check(
        "segments",
        &[
            (
                story("  - expect: Q 0:0(0)\n"),
                "unknown flag \"Q\"",
                "F S R P . U E W A, a digit, or none",
                "Q",
            ),
            (
                story("  - inject: . 1:1(0) ack 1 win 0100\n"),
                "a number does not start with 0",
                "100, or 0x100",
                "0100",
            ),
            (
                story("  - expect: S 0:0(0) <TS val 0 ecr 0,...>\n"),
                "the target's timestamps start at 100",
                "write any, or 100 plus the milliseconds since its first",
                "0",
            ),
            (
                story("  - expect: P. 1:1000(1000) ack 1\n"),
                "1 + 1000 is 1001, not 1000",
                "the end is the number after the last byte",
                "1000",
            ),
            (story("  - expect: S. 0:0(0)\n"), "flag . without ack", "add ack N, or remove the .", "S."),
            (story("  - expect: P 1:11(10) ack 1\n"), "ack 1 without flag .", "P. or remove ack", "ack 1"),
            (
                story("  - expect: S 0:0(0) <mss 1460,sackok>\n"),
                "unknown option \"sackok\"",
                "did you mean sackOK?",
                "sackok",
            ),
            (
                story("  - inject: S 0:0(0) <mss 1000,sackOK>\n"),
                "options are 6 bytes; 2 more are needed to fill a word",
                "add nop,nop",
                "<mss 1000,sackOK>",
            ),
            (
                story("  - inject: . any:any(0) ack 1\n"),
                "any is for expectations; what is injected is exact",
                "",
                "any",
            ),
            (story("  - inject: S 0:0(0) <mss 1000,...>\n"), "... is for expectations", "", "..."),
            (
                story("  - inject: P. 1:6(5) ack 1\n    data: hello\n"),
                "data starts with text, hex, pattern, zeros or any",
                "data: text hello",
                "hello",
            ),
            (
                story("  - inject: P. 1:5(4) ack 1\n    data: text hello\n"),
                "data has 5 bytes, the segment 4",
                "",
                "text hello",
            ),
        ],
    );
}

#[test]
fn calls() {
    check(
        "calls",
        &[
            (
                story("  - call: connect(s, remote, 16)\n"),
                "connect takes 2 arguments",
                "lengths are left out; to lie about one: len=16",
                "16",
            ),
            (
                story("  - call: conect(s, remote)\n"),
                "unknown call \"conect\"",
                "did you mean connect?",
                "conect",
            ),
            (story("  - call: read(x, 10)\n"), "no descriptor \"x\" at this point", "known here: l, s", "x"),
            (
                story("  - call: read(s, 10)\n    returns: EAGAIN\n"),
                "an error is written -1 EAGAIN",
                "",
                "EAGAIN",
            ),
            (
                story("  - call: read(s, 10)\n    returns: -1 EAGIAN\n"),
                "unknown errno \"EAGIAN\"",
                "did you mean EAGAIN?",
                "EAGIAN",
            ),
            (
                story("  - call: poll([{fd=s, events=POLLIN}], 0)\n"),
                "poll needs returns: how many are ready",
                "",
                "poll([{fd=s, events=POLLIN}], 0)",
            ),
            (
                story("  - call: read(s, 1)\n    blocks: true\n  - call: read(s, 1)\n  - returns: 1\n"),
                "thread main is blocked in read() since line 4",
                "name another thread",
                "read",
            ),
            (
                story("  - call: read(s, 1)\n    blocks: true\n    returns: 1\n  - returns: 1\n"),
                "this call returns later; say there what it returns",
                "move returns to a step of its own",
                "1",
            ),
            (
                story("  - call: read(s, 1)\n    blocks: true\n"),
                "no returns step ends this call",
                "add one, or blocks: forever",
                "read",
            ),
            (story("  - returns: 1\n"), "no call is blocked on thread main here", "", "1"),
        ],
    );
}

#[test]
fn names_times_and_assertions() {
    check("names_times_and_assertions", &[
        (
            story("  - expect: nothing\n    after: 10\n"),
            "a time needs a unit",
            "10ms or 10s?",
            "10",
        ),
        (
            story("  - at: 2s\n    call: close(s)\n  - at: 1s\n    call: close(l)\n"),
            "time goes backwards: this is 1s before the step in line 5",
            "",
            "1s",
        ),
        (
            story("  - expect: nothing\n    after: 2s..1s\n"),
            "empty range: 2s is after 1s",
            "",
            "2s..1s",
        ),
        (
            "title: t\nflows: { a: { remote: remote:5001 }, b: { remote: remote:5002 } }\nsteps:\n  - inject: S 0:0(0)\n".to_owned(),
            "which flow? a or b",
            "",
            "S 0:0(0)",
        ),
        (
            "title: t\nflows: { a: {}, b: { remote: remote2 } }\ngiven: server()\nsteps: []\n".to_owned(),
            "which flow? a or b",
            "every fixture takes flow=...: the flow of its steps",
            "server",
        ),
        (
            story("  - inject: . 1:1(0) ack 1\n  - inject: . 1:1(0) ack 1\n  - inject: . 1:1(0) ack 1\n  - inject: . 1:1(0) ack 1\n  - inject: . 1:1(0) ack 1\n    as: first\n  - expect: . 1:1(0) ack 1 win $frist.win\n"),
            "no value \"frist\" before this step",
            "did you mean first (line 9)?",
            "frist.win",
        ),
        (
            story("  - assert: s.tcpi_cwnd == 10\n"),
            "TCP_INFO has no tcpi_cwnd",
            "did you mean tcpi_snd_cwnd?",
            "s.tcpi_cwnd",
        ),
        (
            story("  - assert: s.tcpi_rtt == 10000\n"),
            "a time compared with an integer",
            "tcpi_rtt is a time: 10ms",
            "s.tcpi_rtt == 10000",
        ),
        (
            "title: t\nset: { net.ipv4.tcp_sacks: 0 }\nsteps: []".to_owned(),
            "unknown setting net.ipv4.tcp_sacks",
            "did you mean net.ipv4.tcp_sack?",
            "net.ipv4.tcp_sacks",
        ),
    ]);
}
