//! The JSON Schemas for editors: they take what is shipped, and refuse what the front end refuses for its keys.

use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde_json::Value;
use tcpdrill::front::yaml::{case_schema, fixture_schema};
use tcpdrill::run::Tree;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn validator(schema: &Value) -> Validator {
    jsonschema::draft7::new(schema).expect("a schema")
}

fn read(text: &str) -> Value {
    serde_yaml::from_str(text).expect("YAML")
}

/// What is wrong with a file, in the schema's words.
fn faults(validator: &Validator, text: &str) -> Vec<String> {
    validator.iter_errors(&read(text)).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn yaml_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            yaml_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
}

#[test]
fn the_schemas_take_every_shipped_file() {
    let (case, fixture) = (validator(&case_schema()), validator(&fixture_schema()));
    let mut paths = Vec::new();
    yaml_files(&root().join("cases"), &mut paths);
    let has = |path: &Path, folder: &str| path.components().any(|part| part.as_os_str() == folder);
    let mut counts = (0, 0);
    for path in paths.iter().filter(|path| !has(path, "requirements") && !has(path, "ledger")) {
        let is_fixture = has(path, "fixtures");
        let schema = if is_fixture { &fixture } else { &case };
        let faults = faults(schema, &fs::read_to_string(path).expect("a file"));
        assert!(faults.is_empty(), "{}:\n{}", path.display(), faults.join("\n"));
        if is_fixture { counts.1 += 1 } else { counts.0 += 1 }
    }
    assert!(counts.0 > 300 && counts.1 > 15, "{counts:?}");
}

#[test]
fn the_committed_copies_are_up_to_date() {
    for (name, schema) in [("case", case_schema()), ("fixture", fixture_schema())] {
        let path = root().join(format!("docs/{name}.schema.json"));
        let text = format!("{schema:#}\n");
        if std::env::var_os("TCPDRILL_UPDATE").is_some() {
            fs::write(&path, &text).expect("the copy is written");
        }
        let copy = fs::read_to_string(&path).expect("the copy is there");
        let how = format!("tcpdrill schema {name} > docs/{name}.schema.json");
        assert!(copy == text, "docs/{name}.schema.json is old: {how}");
    }
}

#[test]
fn mistakes_in_keys_and_types_are_refused() {
    let schema = validator(&case_schema());
    let right = "title: t\nsteps:\n  - after: 10ms\n    inject: S 0:0(0)\n    as: first\n";
    assert_eq!(faults(&schema, right), Vec::<String>::new());
    for (what, from, to) in [
        ("no title", "title: t\n", ""),
        ("no steps", "steps:", "given: server()\nstepz:"),
        ("an unknown key", "title: t\n", "title: t\nstepz: []\n"),
        ("a key of fixtures", "title: t\n", "title: t\nexports: [s]\n"),
        ("table and grid", "title: t\n", "title: t\ntable: x\ngrid: y\n"),
        ("an unknown capability", "title: t\n", "title: t\nneeds: [ipv7]\n"),
        ("an unknown setting", "title: t\n", "title: t\nset: { net.ipv4.tcp_sacks: 0 }\n"),
        ("a dash in a flow's name", "title: t\n", "title: t\nflows: { a-b: {} }\n"),
        ("an unknown step kind", "inject:", "injct:"),
        ("no kind", "inject: S 0:0(0)", "note: x"),
        ("two kinds", "inject:", "call: close(s)\n    inject:"),
        ("a time without unit", "10ms", "10"),
        ("a range on an action", "10ms", "10ms..20ms"),
        ("within on an action", "after:", "within:"),
        ("after and at", "    as: first", "    at: 1s\n"),
        ("a key of other steps", "as: first", "thread: main"),
        ("no name", "as: first", "as: First"),
        ("a list where text belongs", "as: first", "as: [first]"),
        ("an unknown key of a packet", "S 0:0(0)\n", "{ segment: S 0:0(0), win: 1, chksum: bad }\n"),
        ("an unknown key of an IP header", "S 0:0(0)\n", "{ segment: S 0:0(0), ip: { tll: 3 } }\n"),
        ("a fragment without length", "S 0:0(0)\n", "{ segment: S 0:0(0), fragments: [{ offset: 0 }] }\n"),
        ("one_of in what is injected", "S 0:0(0)\n", "{ one_of: [nothing] }\n"),
        (
            "a time inside any_order",
            "inject: S 0:0(0)\n    as: first",
            "any_order: [{ expect: nothing, within: 1s }]",
        ),
        (
            "an action inside any_order",
            "inject: S 0:0(0)\n    as: first",
            "any_order: [{ inject: S 0:0(0) }]",
        ),
        (
            "a loop in a loop",
            "after: 10ms\n    inject: S 0:0(0)\n    as: first",
            "repeat: 2\n    steps: [{ repeat: 2, steps: [{ silent: 1s }] }]",
        ),
        ("no peer mode", "inject: S 0:0(0)\n    as: first", "peer: automatic"),
        ("no signal", "inject: S 0:0(0)\n    as: first", "signal: SIGUSR9"),
    ] {
        let wrong = right.replacen(from, to, 1);
        assert_ne!(wrong, right, "{what}");
        assert!(!faults(&schema, &wrong).is_empty(), "{what} is taken:\n{wrong}");
    }
}

#[test]
fn a_name_stands_for_any_text() {
    let schema = validator(&case_schema());
    let text = "title: t\nneeds: [$need]\nsteps:\n  - after: $wait\n    signal: $signal\n    restart: $r\n  - at: any\n    expect: nothing\n  - call: read(s, 1)\n    blocks: 10ms..1.5s\n    returns: 1\n    raises: none\n    gives: { anything: [1, any] }\n";
    assert_eq!(faults(&schema, text), Vec::<String>::new());
}

/// Names never used and `at: any` are for sketches.
#[test]
fn the_shipped_files_have_no_warnings() {
    let cases = root().join("cases");
    let tree = Tree::around(&cases);
    let mut paths = Vec::new();
    yaml_files(&cases, &mut paths);
    let mut warnings = String::new();
    let has = |path: &Path, folder: &str| path.components().any(|part| part.as_os_str() == folder);
    for path in paths {
        if ["requirements", "ledger", "fixtures"].iter().any(|folder| has(&path, folder)) {
            continue;
        }
        let bytes = fs::read(&path).expect("a file");
        let lowered = tcpdrill::front::yaml::from_bytes(&path.display().to_string(), "a/b", &bytes, &tree);
        warnings += &lowered.expect("a case").warnings.render(false);
    }
    assert!(warnings.is_empty(), "{warnings}");
}
