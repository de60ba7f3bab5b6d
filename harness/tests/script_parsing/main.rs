//! packetdrill scripts become syntax trees, and mistakes in them are told.

mod forms;
mod mistakes;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tcpdrill::front::pkt::parse::parse;
use tcpdrill::front::pkt::script::Script;
use tcpdrill::front::{Diagnostics, check_size};

/// The example scripts, as text.
fn examples() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pkt/scripts/syntax");
    let mut found: Vec<PathBuf> =
        fs::read_dir(&folder).expect("the scripts").map(|entry| entry.expect("a script").path()).collect();
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("a script"))
        })
        .collect()
}

fn defined() -> Vec<(String, String)> {
    let pairs = [
        ("COOKIE", "00ff12ab34cd56ef"),
        ("CODE", "host_unreachable"),
        ("COUNT", "0x10"),
        ("NAME", "\"a b\""),
    ];
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn read(text: &str) -> Result<Script, Diagnostics> {
    parse("a.pkt", Arc::from(text), &defined()).map(|(script, _)| script)
}

/// Compares with the committed snapshot; `TCPDRILL_UPDATE=1` writes it anew.
fn check(name: &str, shown: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/script_parsing/snapshots").join(name);
    if std::env::var_os("TCPDRILL_UPDATE").is_some() {
        fs::write(&path, shown).expect("the snapshot is written");
    }
    let wanted = fs::read_to_string(&path).unwrap_or_default();
    let mut lines = shown.lines().zip(wanted.lines()).enumerate();
    let differs = lines.find(|(_, (now, then))| now != then);
    assert!(shown == wanted, "{}: {differs:?}\n{shown}", path.display());
}

#[test]
fn the_example_scripts_are_read() {
    let examples = examples();
    assert!(examples.len() >= 10, "{}", examples.len());
    for (name, text) in examples {
        if let Err(found) = read(&text) {
            panic!("{name}\n{}", found.render(false));
        }
    }
}

#[test]
fn carriage_returns_before_newlines_change_nothing_but_places() {
    for (name, text) in examples() {
        // In strings and code they are kept.
        if ["code", "strings", "commands", "layout"].iter().any(|kept| name.contains(kept)) {
            continue;
        }
        let plain = forms::tree(&read(&text).expect("a script"));
        let script =
            read(&text.replace('\n', "\r\n")).unwrap_or_else(|found| panic!("{}", found.render(false)));
        assert_eq!(forms::tree(&script).replace("\\r", ""), plain, "{name}");
    }
}

#[test]
fn an_event_knows_its_words() {
    let text = "0 socket(..., SOCK_STREAM,\n IPPROTO_TCP) = 3 // one\n+0 < S 0:0(0) win 9\n";
    let script = read(text).expect("a script");
    let words: Vec<&str> = script.events.iter().map(|event| &text[event.at.start..event.at.end]).collect();
    assert_eq!(words, ["0 socket(..., SOCK_STREAM,\n IPPROTO_TCP) = 3", "+0 < S 0:0(0) win 9"]);
    assert_eq!(script.comments[0].value, "// one");
}

#[test]
fn a_script_over_one_mebibyte_is_refused() {
    let found = read(&"+0 < S 0:0(0) win 9\n".repeat(500_000)).expect_err("too long");
    assert_eq!(found.list[0].text, "the file is 10 MB; the limit is 1 MiB");
    assert_eq!(check_size("a.pkt", 10_000_000).expect_err("too long").list, found.list);
}

#[test]
fn no_more_than_twenty_mistakes_are_told() {
    let found = read(&"0 close(3) = x\n".repeat(100)).expect_err("mistakes");
    assert_eq!(found.list.len(), 20);
}
