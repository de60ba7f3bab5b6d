//! Whatever the bytes, a file is lowered or refused: never a panic, never without end.

use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use proptest::prelude::*;
use tcpdrill::front::yaml;
use tcpdrill::run::Tree;

use crate::drivers::{KEYS, library, lower, notation};

/// A case with most of the language in it.
const CASE: &str = r#"title: a case with most of the language in it
why: "to be changed: at random"
covers: [RFC9293/MUST-10]
matrix: { ip: [v4, v6, v4mapped] }
let: { challenge: . 1:1(0) ack 1 }
table: |
  name | answer           | wait
  a    | $challenge       | 10ms
  b    | . 1:1(0) ack 1   | 20ms
set: { net.ipv4.tcp_sack: 0 }
link: { mtu: 1400, delay: 10ms, loss: 2.5% }
given: server(options="<mss 1000,sackOK,nop,nop>", win=1000)
steps:
  - call: write(s, 10)
    thread: writer
    blocks: true
  - after: 10ms..20ms
    expect: (ect0, ttl 64) P. 1:11(10) ack 1 win any <mss 1460,...>
    as: first
  - inject:
      segment: . 1:1(0) ack 1
      checksum: bad
      ip: { ttl: 3, df: true }
      options: <nop,nop,TS val 1 ecr 0>
  - returns: 10
    thread: writer
  - repeat: 3
    steps:
      - after: $(min(210ms << i, 2s))
        expect: $answer
  - any_order:
      - expect: R 1:1(0)
      - expect: nothing
    within: 1s
  - call: poll([{fd=s, events=POLLIN|POLLOUT}], $wait)
    returns: 1
    gives: [{ fd: s, revents: POLLIN|... }]
  - call: recvmsg(s, {iov=[10], control=256}, MSG_ERRQUEUE)
    returns: -1 EAGAIN or EINTR
  - assert: [s.tcpi_rtt < 10ms, main.state == ESTABLISHED, first.win + 1 > 3]
  - silent: 1s
"#;

#[test]
fn deep_nesting_is_refused_at_once() {
    for depth in [33, 10_000, 300_000] {
        for open in ["[", "{a: ", "- ", "? ", "- - ", "a:\n "] {
            let text = format!("title: t\nsteps:\n  {}", open.repeat(depth));
            let text = &text[..text.len().min(1 << 20)];
            lower(text.as_bytes());
        }
    }
    let brackets = "[".repeat(1_000_000);
    let found = yaml::lower("a.yaml", "a/b", Arc::from(brackets), library()).expect_err("deep");
    assert_eq!(found.list[0].text, "nested deeper than 32");
}

#[test]
fn deep_brackets_in_a_notation_are_refused() {
    for step in [
        format!("assert: {}1", "(".repeat(100_000)),
        format!("assert: {}1", "- ".repeat(100_000)),
        format!("assert: {}1 == 1", "not ".repeat(100_000)),
        format!("assert: 1{} == 1", " + 1".repeat(100_000)),
        format!("after: $({}1\n    expect: nothing", "min(".repeat(100_000)),
        format!("call: read(s, {}", "[".repeat(100_000)),
        format!("call: read(s, {}", "{a=".repeat(100_000)),
        format!("inject: icmp unreachable {}", "[".repeat(100_000)),
    ] {
        lower(format!("title: t\ngiven: server()\nsteps:\n  - {step}\n").as_bytes());
    }
}

#[test]
fn odd_files_are_refused_in_words() {
    for (bytes, text) in [
        (&b"title: \xff\xfe"[..], "not UTF-8 text"),
        (b"title: a\nsteps: []\n---\ntitle: b\nsteps: []\n", "a case is one YAML document"),
        (b"- a\n- b\n", "a case takes a map, this is a list"),
        (b"title: !!str a\nsteps: []\n", "tags are not allowed in a case"),
    ] {
        let found = yaml::from_bytes("a.yaml", "a/b", bytes, library()).expect_err("odd");
        assert_eq!(found.list[0].text, text);
    }
}

#[test]
fn the_case_itself_is_right() {
    if let Err(found) = yaml::lower("a.yaml", "a/b", Arc::from(CASE), library()) {
        // `$challenge` in a cell is not replaced again, so this row alone is refused.
        assert_eq!(found.list.len(), 1, "{}", found.render(false));
    }
    let right = CASE.replace("$challenge ", ". 1:1(0) ack 1 ");
    let lowered = yaml::lower("a.yaml", "a/b", Arc::from(right), library());
    assert_eq!(lowered.map(|lowered| lowered.cases.len()).map_err(|found| found.render(false)), Ok(6));
}

/// What mistakes of people look like: a line lost, doubled, moved, indented; a word replaced by one of another place.
#[derive(Clone, Copy, Debug)]
enum Slip {
    Lose(usize),
    Double(usize),
    Swap(usize, usize),
    Indent(usize, bool),
    Word(usize, usize),
}

fn slip() -> impl Strategy<Value = Slip> {
    let any = || any::<usize>();
    prop_oneof![
        any().prop_map(Slip::Lose),
        any().prop_map(Slip::Double),
        (any(), any()).prop_map(|(one, other)| Slip::Swap(one, other)),
        (any(), proptest::bool::ANY).prop_map(|(line, deeper)| Slip::Indent(line, deeper)),
        (any(), any()).prop_map(|(to, from)| Slip::Word(to, from)),
    ]
}

fn slipped(text: &str, slips: &[Slip]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for slip in slips {
        let count = lines.len();
        if count == 0 {
            break;
        }
        match *slip {
            Slip::Lose(line) => drop(lines.remove(line % count)),
            Slip::Double(line) => lines.insert(line % count, lines[line % count].clone()),
            Slip::Swap(one, other) => lines.swap(one % count, other % count),
            Slip::Indent(line, true) => lines[line % count].insert_str(0, "  "),
            Slip::Indent(line, false) => {
                let line = &mut lines[line % count];
                *line = line.strip_prefix("  ").unwrap_or(line).to_owned();
            }
            Slip::Word(to, from) => {
                let text = lines.join("\n");
                let mut words: Vec<&str> = text.split(' ').collect();
                let count = words.len();
                words[to % count] = words[from % count].trim();
                lines = words.join(" ").lines().map(str::to_owned).collect();
            }
        }
    }
    lines.join("\n")
}

/// All shipped cases and fixtures.
fn shipped() -> &'static [String] {
    static FILES: OnceLock<Vec<String>> = OnceLock::new();
    FILES.get_or_init(|| {
        let mut texts = Vec::new();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder").flatten() {
                let path = entry.path();
                if path.is_dir() && !path.ends_with("requirements") {
                    folders.push(path);
                } else if path.is_file() {
                    texts.push(fs::read_to_string(path).expect("a file"));
                }
            }
        }
        assert!(texts.len() > 300);
        texts
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        lower(&bytes);
    }

    #[test]
    fn a_case_with_bytes_changed(
        changes in proptest::collection::vec((0..CASE.len(), "[ -~\\n\u{e4}]{0,3}"), 1..6),
    ) {
        let mut text = CASE.as_bytes().to_vec();
        for (at, new) in changes {
            let end = (at + 1).min(text.len());
            text.splice(at.min(end)..end, new.bytes());
        }
        lower(&text);
    }

    #[test]
    fn shipped_files_with_slips(file in any::<usize>(), slips in proptest::collection::vec(slip(), 1..4)) {
        let files = shipped();
        let text = slipped(&files[file % files.len()], &slips);
        lower(text.as_bytes());
        // What the front end takes, an editor must not mark.
        static TREE: OnceLock<Tree> = OnceLock::new();
        let tree = TREE.get_or_init(|| Tree::around(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases")));
        let is_case = yaml::from_bytes("a.yaml", "a/b", text.as_bytes(), tree).is_ok();
        if let (true, Ok(value)) = (is_case, serde_yaml::from_str::<serde_json::Value>(&text)) {
            static SCHEMA: OnceLock<jsonschema::Validator> = OnceLock::new();
            let schema = SCHEMA.get_or_init(|| jsonschema::draft7::new(&yaml::case_schema()).expect("a schema"));
            let faults: Vec<String> = schema.iter_errors(&value).map(|error| error.to_string()).collect();
            prop_assert!(faults.is_empty(), "{}\n{}", faults.join("\n"), text);
        }
    }

    #[test]
    fn any_value(value in "[FSRP.UEWA0-9:()<>,$!a-z\\[\\]{}=|&+* \u{e4}-]{0,40}", key in 0..8_usize) {
        notation(KEYS[key], &value);
    }

    #[test]
    fn segments_of_words(words in proptest::collection::vec(
        proptest::sample::select(vec![
            "S.", "P.", "none", "1:1(0)", "any", "1..2", "ack", "win", "urg", "<", ">", "mss", "1460", "sack", "TS", "val",
            "ecr", ",", "opt", "254", "hex", "be", "len", "...", "icmp", "unreachable", "port", "[", "]", "(", ")", "ttl", "$x", "$(1)",
            "or", "ECN", "e0b", "FO", "read(", "s", "poll([{fd=s}]", "=", "0x", "99999999999999999999", "1.5s", "-1", "EAGAIN", "\u{e4}",
        ]), 0..12), key in 0..3_usize) {
        let key = ["inject", "expect", "call"][key];
        let value = words.join(" ");
        lower(format!("title: t\ngiven: server()\nsteps:\n  - {key}: '{value}'\n").as_bytes());
    }
}
