//! Every command in the documents is run, and prints what they show.
//!
//! A block marked `console` is a transcript: after each `$ command` stands what it prints, `...` for any text. A command
//! succeeds; where another status is the point it says so itself (`|| echo "exit status $?"`). `cargo run -- ARGUMENTS`
//! is run as the program with these arguments. A block marked `yaml PATH` or `pkt PATH` is a file that the commands after it
//! find; `- run:` lines of YAML are commands, too. Each document has a folder of its own, with a copy of `cases/`.

#![expect(clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Commands that are not run here, and why.
const EXCEPTIONS: [(&str, &str); 14] = [
    ("sudo tcpdrill run scripts --target linux", "needs root; tests/pkt runs scripts on Linux"),
    ("cargo test", "the gate: this test is part of it"),
    ("cargo install --path harness", "builds the program once more"),
    ("cargo install --locked --git URL tcpdrill", "needs the network"),
    ("sudo tcpdrill run --target linux --slow", "needs root; ci/linux does this"),
    ("sudo tcpdrill run cases/mine --target linux", "needs root; ci/linux does this with all cases"),
    ("sudo \"$(command -v tcpdrill)\" run --target linux", "needs root; ci/linux does this"),
    ("sudo apt-get install tshark", "needs root and the network"),
    ("cp -r docs/wireshark/tcpdrill ~/.config/wireshark/profiles/", "changes the home directory"),
    ("wireshark -C tcpdrill captures/bundled/retransmit/back-off.pcapng", "needs a screen"),
    (
        "tshark -C tcpdrill -r captures/bundled/retransmit/back-off.pcapng",
        "needs Wireshark; ci/captures does this",
    ),
    (
        "capinfos -k captures/bundled/retransmit/back-off.pcapng",
        "needs Wireshark; tests/captures.rs reads the same",
    ),
    (
        "tcpdrill completions bash > ~/.local/share/bash-completion/completions/tcpdrill",
        "changes the home directory",
    ),
    ("sudo tcpdrill man /usr/local/share/man/man1", "needs root"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// README, what is for contributors, and all of docs/.
fn documents() -> Vec<PathBuf> {
    let mut documents = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    let entries = fs::read_dir(root().join("docs")).unwrap();
    documents.extend(
        entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|name| name == "md")),
    );
    documents.sort();
    documents
}

/// A fenced block: the words after the fence, its first line, its lines.
struct Block {
    info: String,
    line: usize,
    lines: Vec<String>,
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut indent = None;
    for (index, line) in text.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), indent) {
            (Some(_), Some(_)) => indent = None,
            (Some(info), None) => {
                indent = Some(line.len() - line.trim_start().len());
                blocks.push(Block { info: info.trim().to_owned(), line: index + 2, lines: Vec::new() });
            }
            (None, Some(indent)) => {
                blocks.last_mut().unwrap().lines.push(line.get(indent..).unwrap_or_default().to_owned());
            }
            (None, None) => {}
        }
    }
    blocks
}

/// What a document has us do, in order.
enum Act {
    Write { path: String, text: String },
    Run { line: usize, command: String, prints: Option<String> },
}

fn acts(text: &str) -> Vec<Act> {
    let mut acts = Vec::new();
    for block in blocks(text) {
        let mut words = block.info.split(' ');
        match (words.next().unwrap_or_default(), words.next()) {
            ("console", _) => acts.extend(transcript(&block)),
            ("yaml" | "pkt", Some(path)) => {
                let text = block.lines.join("\n") + "\n";
                acts.push(Act::Write { path: path.to_owned(), text });
            }
            ("yaml", None) => acts.extend(block.lines.iter().enumerate().filter_map(|(index, line)| {
                let command = line.trim_start().strip_prefix("- run: ")?.to_owned();
                Some(Act::Run { line: block.line + index, command, prints: None })
            })),
            _ => {}
        }
    }
    acts
}

fn transcript(block: &Block) -> Vec<Act> {
    let mut acts = Vec::new();
    for (index, line) in block.lines.iter().enumerate() {
        match (line.strip_prefix("$ "), acts.last_mut()) {
            (Some(command), _) => acts.push(Act::Run {
                line: block.line + index,
                command: command.to_owned(),
                prints: Some(String::new()),
            }),
            (None, Some(Act::Run { prints: Some(prints), .. })) => {
                prints.push_str(line);
                prints.push('\n');
            }
            _ => panic!("a console block begins with a command, not with {line:?}"),
        }
    }
    acts
}

/// Whether a text is what a document shows of it: `...` is any text.
fn is_shown_as(text: &str, shown: &str) -> bool {
    // A line of its own stands for any number of lines, none too.
    let shown = format!("\n{shown}").replace("\n...\n", "\n...");
    let text = format!("\n{text}");
    let (text, shown) = (text.trim_end(), shown.trim_end());
    let Some((start, rest)) = shown.split_once("...") else { return text == shown };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split("...").collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(end)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &to) } else { fs::copy(&path, &to).map(drop).unwrap() }
    }
}

/// What a command prints, and whether it succeeds.
fn run(command: &str, folder: &Path) -> (String, bool) {
    let mut command = command.to_owned();
    for cargo in ["cargo run --release -- ", "cargo run -- "] {
        command = command.replace(cargo, "tcpdrill ");
    }
    let program = Path::new(env!("CARGO_BIN_EXE_tcpdrill")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1; {command}")])
        .env("PATH", path)
        .current_dir(folder)
        .output()
        .unwrap();
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.success())
}

/// Does what a document says, in a folder of its own: what was wrong, and which exceptions it has.
fn follow(document: &Path) -> (Vec<String>, BTreeSet<String>) {
    let (mut wrong, mut excepted) = (Vec::new(), BTreeSet::new());
    let name = document.strip_prefix(root()).unwrap().display().to_string();
    let folder = format!("tcpdrill-{}-{}", name.replace('/', "-"), std::process::id());
    let folder = std::env::temp_dir().join(folder);
    for part in ["cases", "docs"] {
        copy(&root().join(part), &folder.join(part));
    }
    for act in acts(&fs::read_to_string(document).unwrap()) {
        match act {
            Act::Write { path, text } => {
                let path = folder.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Act::Run { command, .. } if EXCEPTIONS.iter().any(|(text, _)| *text == command) => {
                excepted.insert(command);
            }
            Act::Run { line, command, prints } => {
                let (text, succeeds) = run(&command, &folder);
                if !succeeds || prints.is_some_and(|prints| !is_shown_as(&text, &prints)) {
                    wrong.push(format!("{name}:{line}: $ {command}\n{text}"));
                }
            }
        }
    }
    fs::remove_dir_all(&folder).unwrap();
    (wrong, excepted)
}

#[test]
fn commands_print_what_the_documents_show() {
    let documents = documents();
    let (wrong, excepted) = std::thread::scope(|scope| {
        let threads: Vec<_> = documents.iter().map(|document| scope.spawn(|| follow(document))).collect();
        let results = threads.into_iter().map(|thread| thread.join().unwrap());
        let (wrong, excepted): (Vec<_>, Vec<_>) = results.unzip();
        (wrong.concat(), excepted.into_iter().flatten().collect::<BTreeSet<_>>())
    });
    assert!(wrong.is_empty(), "these fail, or print something else:\n\n{}", wrong.join("\n"));
    let stale: Vec<&str> =
        EXCEPTIONS.iter().map(|(text, _)| *text).filter(|text| !excepted.contains(*text)).collect();
    assert!(stale.is_empty(), "exceptions that no document has: {stale:#?}");
}

/// Otherwise a command would escape this test.
#[test]
fn commands_stand_in_console_blocks() {
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for block in blocks(&text) {
            let place = format!("{}:{}", document.display(), block.line);
            let language = block.info.split(' ').next().unwrap_or_default();
            assert!(!["sh", "bash", "shell", "zsh"].contains(&language), "{place}: mark it as console");
            let is_command = |line: &String| line.starts_with("$ ");
            assert!(
                language == "console" || !block.lines.iter().any(is_command),
                "{place}: mark it as console"
            );
        }
    }
}

#[test]
fn what_is_left_out_is_any_text() {
    for (text, shown, want) in [
        ("a\nb\n", "a\nb", true),
        ("a\nb\n", "a", false),
        ("a 12 s\nb", "a ... s\nb", true),
        ("a\nx\ny\nb", "a\n...\nb", true),
        ("a\nx\ny\nc", "a\n...\nb", false),
        ("za\nb", "a\n...", false),
        ("", "", true),
        ("b", "...\nb", true),
        ("a\nb", "a\n...\nb", true),
        ("a1b2c", "a...b...c", true),
        ("a1c2b", "a...b...c", false),
    ] {
        assert_eq!(is_shown_as(text, shown), want, "{text:?} shown as {shown:?}");
    }
}
