//! Every row of the table of mistakes gives its text and its help, at the words at fault.

mod front_library;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use front_library::library;
use tcpdrill::front::{Diagnostics, yaml};

fn diagnostics(source: &str) -> Diagnostics {
    match yaml::lower("cases/a/b.yaml", "a/b", Arc::from(source), &library()) {
        Err(found) => found,
        Ok(lowered) => panic!("no mistake in\n{source}\n{} tests", lowered.cases.len()),
    }
}

/// A case around some steps that follow a handshake.
fn story(steps: &str) -> String {
    format!("title: t\ngiven: server()\nsteps:\n{steps}")
}

/// What is found first: text, help, and the words that are marked.
fn first(source: &str) -> (String, String, String) {
    let found = diagnostics(source);
    let diagnostic = &found.list[0];
    let at = diagnostic.location.expect("a place");
    let text = &found.sources.file(at.file).expect("a file").text;
    (diagnostic.text.clone(), diagnostic.help.clone().unwrap_or_default(), text[at.start..at.end].to_owned())
}

/// Each source gives this first, and all of it is shown as in the committed snapshot of this name.
/// `TCPDRILL_UPDATE=1` writes the snapshot anew.
fn check(name: &str, rows: &[(String, &str, &str, &str)]) {
    let mut wrong = String::new();
    let mut shown = String::new();
    for (source, text, help, words) in rows {
        shown += &format!("{}\n", diagnostics(source).render(false));
        let found = first(source);
        let wanted = ((*text).to_owned(), (*help).to_owned(), (*words).to_owned());
        if found != wanted {
            wrong.push_str(&format!("{source}\n  found  {found:?}\n  wanted {wanted:?}\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    let path = snapshots().join(format!("{name}.txt"));
    if std::env::var_os("TCPDRILL_UPDATE").is_some() {
        fs::write(&path, &shown).expect("the snapshot is written");
    }
    let wanted = fs::read_to_string(&path).unwrap_or_default();
    let lines = shown.lines().zip(wanted.lines()).enumerate();
    let differs = lines.into_iter().find(|(_, (now, then))| now != then);
    assert!(shown == wanted, "{}: {differs:?}\n{shown}", path.display());
}

fn snapshots() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/front_mistakes")
}

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

/// Not in the table of the reference.
#[test]
fn what_the_table_leaves_out() {
    let two = "title: t\nflows: { a: { local: local:80 }, b: { remote: remote2 } }\nsteps:\n";
    check(
        "what_the_table_leaves_out",
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
                story("  - call: recv(s, 1, MSG_OOB)\n"),
                "what is read with MSG_OOB is not in the stream; say which byte it is",
                "data: text !",
                "recv(s, 1, MSG_OOB)",
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
fn a_mistake_in_a_fixture_is_shown_there_and_where_it_is_used() {
    let mut library = library();
    library.add_fixture("odd", "title: t\nparams: { win: 10 }\nsteps:\n  - inject: S 0:0(0) win $win\n");
    let source = "title: t\ngiven: odd(win=0100)\nsteps: []\n";
    let found = yaml::lower("cases/a/b.yaml", "a/b", Arc::from(source), &library).expect_err("a mistake");
    assert_eq!(
        found.render(false),
        "cases/a/b.yaml:2:16: error: a number does not start with 0
  |
2 | given: odd(win=0100)
  |                ^^^^
help: 100, or 0x100
fixtures/odd.yaml:4:26: note: in this step
  |
4 |   - inject: S 0:0(0) win $win
  |                          ^^^^
cases/a/b.yaml:2:8: note: used here
  |
2 | given: odd(win=0100)
  |        ^^^
"
    );
}

/// The snapshots show every mistake of the table in the reference, with its help.
#[test]
fn the_table_of_the_reference_is_true() {
    let reference = include_str!("../../docs/language.md");
    let section = reference
        .split("\n## 9. ")
        .nth(1)
        .and_then(|rest| rest.split("\n## 10. ").next())
        .expect("section 9");
    let mut shown = diagnostics("title: &a x").render(false);
    for entry in fs::read_dir(snapshots()).expect("snapshots").flatten() {
        shown += &fs::read_to_string(entry.path()).expect("a snapshot");
    }
    shown += &yaml::check_size("big.yaml", 100_000_000).expect_err("too large").render(false);
    let shown = without_line_numbers(&shown);
    let mut rows = 0;
    for row in section.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| mistake")) {
        let said = row.trim_end_matches(" |").rsplit_once(" | ").expect("two columns").1;
        for (index, part) in said.split('`').enumerate() {
            if index % 2 == 1 {
                let wanted = without_line_numbers(part);
                let first = shown.contains(&format!("error: {wanted}\n"))
                    || shown.contains(&format!("help: {wanted}\n"));
                assert!(first, "no snapshot shows {part:?}");
            }
        }
        rows += 1;
    }
    assert!(rows > 40, "{rows} rows");
}

/// The same with every number after "line" as 0.
fn without_line_numbers(text: &str) -> String {
    let mut parts = text.split("line ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out += "line 0";
        out += part.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    out
}

#[test]
fn warnings_are_shown_in_the_same_form() {
    let source = "title: t\nlet: { used: \". 1:1(0) ack 1\", win: 5 }\ntable: |\n  name | n | m\n  a    | 1 | 2\ngiven: server()\nsteps:\n  - inject: $used\n    as: first\n  - inject: . $n:$n(0) ack 1\n    as: last\n  - at: any\n    expect: . 1:1(0) ack 1\n  - assert: last.seq == 1\n";
    let lowered = yaml::lower("cases/a/b.yaml", "a/b", Arc::from(source), &library());
    let warnings = lowered.map(|lowered| lowered.warnings).unwrap_or_default();
    assert_eq!(
        warnings.render(false),
        "cases/a/b.yaml:12:9: warning: at: any accepts every time; it is for imported scripts and sketches
   |
12 |   - at: any
   |         ^^^

cases/a/b.yaml:2:32: warning: \"win\" is never used
  |
2 | let: { used: \". 1:1(0) ack 1\", win: 5 }
  |                                ^^^
help: use it as $win, or remove it

cases/a/b.yaml:4:14: warning: \"m\" is never used
  |
4 |   name | n | m
  |              ^
help: use it as $m, or remove it

cases/a/b.yaml:9:9: warning: \"first\" is never used
  |
9 |     as: first
  |         ^^^^^
help: use it in a value, an assert or since, or remove it
"
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
fn too_large_is_said_without_reading() {
    let found = yaml::check_size("big.yaml", 100_000_000).expect_err("too large");
    assert_eq!(
        found.render(false).lines().next(),
        Some("big.yaml:1:1: error: the file is 100 MB; the limit is 1 MiB")
    );
    let bytes = vec![b'a'; 100_000_000];
    let found = yaml::from_bytes("big.yaml", "a/b", &bytes, &library()).expect_err("too large");
    assert_eq!(found.list[0].text, "the file is 100 MB; the limit is 1 MiB");
}

#[test]
fn the_whole_rendering() {
    let text = diagnostics(&story("  - expect: S. 0:0(0) ack 1 <mss 1460,sackok>\n")).render(false);
    assert_eq!(
        text,
        "cases/a/b.yaml:4:39: error: unknown option \"sackok\"
  |
4 |   - expect: S. 0:0(0) ack 1 <mss 1460,sackok>
  |                                       ^^^^^^
help: did you mean sackOK?
"
    );
}

#[test]
fn an_error_in_a_row_points_at_the_cell_and_names_the_step() {
    let source = "title: t\ntable: |\n  name | answer\n  ok   | . 1:1(0) ack 1\n  bad  | . 1:1(0)\ngiven: server()\nsteps:\n  - expect: $answer\n";
    assert_eq!(
        diagnostics(source).render(false),
        "cases/a/b.yaml:5:10: error: flag . without ack
  |
5 |   bad  | . 1:1(0)
  |          ^
help: add ack N, or remove the .
cases/a/b.yaml:8:13: note: in this step
  |
8 |   - expect: $answer
  |             ^^^^^^^
"
    );
}

#[test]
fn tabs_wide_characters_and_long_lines_are_shown() {
    let source = story("  - note: \"größe\t\"\n    expect: Q 1:1(0)\n");
    assert!(diagnostics(&source).render(true).contains("unknown flag"));
    let long = story(&format!("  - expect: {} Q 1:1(0)\n", "ä".repeat(100_000)));
    let shown = diagnostics(&long).render(false);
    assert!(shown.len() < 2000, "{}", shown.len());
    let columns = "title: t\nwhy: größe &\nstepz: { ä: [ü, x }\n";
    assert!(diagnostics(columns).render(false).starts_with("cases/a/b.yaml:3:"));
}
