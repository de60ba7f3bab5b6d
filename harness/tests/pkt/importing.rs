//! Scripts of ours as cases in YAML: read again they say the same, and they come out the same.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tcpdrill::case::Case;
use tcpdrill::front::pkt::{Options, from_bytes};
use tcpdrill::front::{MemoryLibrary, yaml};
use tcpdrill::import::{Import, difference, import};
use tcpdrill::run::{RunOptions, run_case};
use tcpdrill::target::bundled::BundledFactory;
use tcpdrill::verdict::Verdict;

use super::running::{Beside, SCRIPTS};

/// Scripts that cannot be cases, by a part of the reason that is given.
const REFUSED: [(&str, &str); 3] = [
    ("flows/datagram-refused-v4", "UDP cannot be imported"),
    ("flows/datagrams", "UDP cannot be imported"),
    ("syntax/calls", "the call cap_set cannot be imported"),
];

fn scripts(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of scripts") {
        let path = entry.expect("a script").path();
        if path.is_dir() {
            scripts(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "pkt") {
            found.push(path);
        }
    }
    found.sort();
}

fn id_of(path: &Path) -> String {
    let id = path.with_extension("");
    id.strip_prefix(SCRIPTS).unwrap_or(&id).to_string_lossy().into_owned()
}

fn imported(path: &Path) -> Result<Import, String> {
    let bytes = std::fs::read(path).expect("a script");
    let (shown, options) = (path.to_string_lossy(), Options::default());
    import(&shown, &id_of(path), &bytes, None, &options, &Beside(path)).map_err(|wrong| wrong.render(false))
}

/// The cases of all documents, by variant.
fn read(import: &Import, id: &str) -> Vec<Case> {
    let read = |text: &str| {
        let lowered = yaml::lower("case.yaml", id, Arc::from(text), &MemoryLibrary::default());
        let lowered = lowered.unwrap_or_else(|wrong| panic!("{id}: {}\n{text}", wrong.render(false)));
        assert!(lowered.warnings.is_empty(), "{id}: {}", lowered.warnings.render(false));
        lowered.cases
    };
    import.documents.iter().flat_map(|document| read(&document.text)).collect()
}

/// All scripts that can be, as cases of the script and of what it was imported to.
fn pairs() -> Vec<(Case, Case)> {
    let mut paths = Vec::new();
    scripts(Path::new(SCRIPTS), &mut paths);
    let (mut pairs, mut refusals) = (Vec::new(), 0);
    for path in paths {
        let id = id_of(&path);
        let bytes = std::fs::read(&path).expect("a script");
        let variants = from_bytes(&path.to_string_lossy(), &id, &bytes, &Options::default(), &Beside(&path));
        // Some are only there to be parsed.
        let Ok(variants) = variants else { continue };
        let refused = REFUSED.iter().find(|(known, _)| *known == id);
        let import = match (imported(&path), refused) {
            (Ok(import), None) => import,
            (Err(why), Some((_, reason))) => {
                assert!(why.contains(reason), "{id}: {why}");
                refusals += 1;
                continue;
            }
            (Ok(_), Some(_)) => panic!("{id} can be imported now"),
            (Err(why), None) => panic!("{why}"),
        };
        let read = read(&import, &id);
        assert_eq!(variants.cases.len(), read.len(), "{id}");
        pairs.extend(variants.cases.into_iter().zip(read));
    }
    assert_eq!(refusals, REFUSED.len(), "scripts that are refused, and are there no more");
    pairs
}

#[test]
fn an_imported_case_says_what_the_script_says() {
    let pairs = pairs();
    assert!(pairs.len() > 100, "{}", pairs.len());
    for (script, case) in pairs {
        assert_eq!(difference(&script, &case), None, "{}", script.id);
    }
}

/// What editors check cases with takes them.
#[test]
fn imported_cases_fit_the_schema() {
    let schema = jsonschema::draft7::new(&yaml::case_schema()).expect("a schema");
    let mut paths = Vec::new();
    scripts(Path::new(SCRIPTS), &mut paths);
    let mut count = 0;
    for document in paths.iter().filter_map(|path| imported(path).ok()).flat_map(|import| import.documents) {
        let case: serde_json::Value = serde_yaml::from_str(&document.text).expect("YAML");
        // Settings that the schema does not know are for scripts only.
        let is_known = |name: &String| tcpdrill::case::is_setting(name.trim_start_matches('-'));
        if case["set"].as_object().is_some_and(|settings| !settings.keys().all(is_known)) {
            continue;
        }
        let faults: Vec<String> =
            schema.iter_errors(&case).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(faults.is_empty(), "{}\n{}", faults.join("\n"), document.text);
        count += 1;
    }
    assert!(count > 40, "{count}");
}

#[test]
fn an_imported_case_comes_out_as_the_script() {
    let factory = BundledFactory::new();
    let verdict = |case: &Case| run_case(case, &factory, RunOptions::default()).report.verdict;
    for (script, case) in pairs() {
        let (of_script, of_case) = (verdict(&script), verdict(&case));
        let same = match (&of_script, &of_case) {
            (Verdict::Fail(a), Verdict::Fail(b)) => {
                a.first().map(|one| one.step) == b.first().map(|one| one.step)
            }
            (a, b) => a == b,
        };
        assert!(same, "{}: {of_script:?} and {of_case:?}", script.id);
    }
}

#[test]
fn a_setting_whose_name_is_odd_in_yaml_is_quoted() {
    let script = "`sysctl -q '!x.y=1' net.ipv4.tcp_sack=0`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n";
    for script in [script.to_owned(), script.replace('\'', "")] {
        let import = import("odd.pkt", "odd", script.as_bytes(), None, &Options::default(), &());
        let import = import.unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
        let cases = read(&import, "odd");
        assert!(cases.iter().all(|case| case.settings.iter().any(|setting| setting.name == "!x.y")));
    }
}

#[test]
fn a_result_that_no_call_has_is_refused_by_name() {
    let script = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = -3\n";
    let found = import("odd.pkt", "odd", script.as_bytes(), None, &Options::default(), &());
    let found = found.expect_err("YAML has no such result").render(false);
    assert!(
        found.starts_with(
            "odd.pkt:1:1: error: a call that returns -3, which no call does, cannot be imported"
        ),
        "{found}"
    );
}

#[test]
fn a_message_without_words_is_none() {
    let script = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 %{ assert 1 < 2, '' }%\n";
    let import = import("odd.pkt", "odd", script.as_bytes(), None, &Options::default(), &());
    let import = import.unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
    assert!(import.documents.iter().all(|document| !document.text.contains("says")));
}

#[test]
fn comments_and_words_may_have_characters_that_yaml_does_not_take() {
    for odd in ["\u{0}", "\u{7f}", "\u{85}", "\r", "\u{2028}", "\u{feff}", "\u{fffe}"] {
        let script = format!(
            "// A ti{odd}tle.\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3 // be{odd}hind\n\n// be{odd}fore\n+0 close(3) = 0\n\
             +0 %{{ assert 1 == 1, \"be{odd}cause\" }}%\n"
        );
        let import = import("a.pkt", "a", script.as_bytes(), None, &Options::default(), &())
            .unwrap_or_else(|wrong| panic!("{odd:?}: {}", wrong.render(false)));
        assert_eq!(read(&import, "a").len(), 3, "{odd:?}");
        let text = &import.documents.first().expect("a document").text;
        assert!(text.contains("# be fore") && text.contains("# be hind"), "{odd:?}:\n{text}");
    }
}
