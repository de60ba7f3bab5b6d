//! Every row of the table of mistakes gives its text and its help, at the words at fault.

#[path = "../front_library/mod.rs"]
mod front_library;
mod others;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use front_library::library;
use tcpdrill::front::{Diagnostics, check_size, yaml};

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
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/front_mistakes/snapshots")
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
    let reference = include_str!("../../../docs/language.md");
    let section = reference
        .split("\n## 9. ")
        .nth(1)
        .and_then(|rest| rest.split("\n## 10. ").next())
        .expect("section 9");
    let mut shown = diagnostics("title: &a x").render(false);
    for entry in fs::read_dir(snapshots()).expect("snapshots").flatten() {
        shown += &fs::read_to_string(entry.path()).expect("a snapshot");
    }
    shown += &check_size("big.yaml", 100_000_000).expect_err("too large").render(false);
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
fn too_large_is_said_without_reading() {
    let found = check_size("big.yaml", 100_000_000).expect_err("too large");
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
