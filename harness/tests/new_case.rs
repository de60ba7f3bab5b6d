//! What `tcpdrill new` writes passes, is found by editors, and replaces nothing.

#![expect(clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use tcpdrill::run::{RunOptions, Selection, run_case};
use tcpdrill::target::bundled::BundledFactory;

/// An empty folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        // Not below this repository, whose schema would be found.
        let path = std::env::temp_dir().join(format!("tcpdrill-new-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn tcpdrill(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_tcpdrill")).args(arguments).current_dir(&self.0).output().unwrap()
    }

    /// Runs `new`, which must succeed; the text of the file.
    fn new_case(&self, path: &str, options: &[&str]) -> String {
        let output = self.tcpdrill(&[&["new", path], options].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.read(path)
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).unwrap()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The schema that a case names in its first line, as a path.
    fn schema_of(&self, path: &str) -> PathBuf {
        let text = self.read(path);
        let name = text.lines().next().unwrap().strip_prefix("# yaml-language-server: $schema=").unwrap();
        self.0.join(path).parent().unwrap().join(name).canonicalize().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_case_passes() {
    let folder = Folder::new("passes");
    folder.new_case("cases/mine/server.yaml", &[]);
    folder.new_case("cases/mine/client.yaml", &["--client"]);
    // The rules that a comment offers exist.
    let proved = folder.read("cases/mine/client.yaml").replace("# covers:", "covers:");
    folder.write("cases/mine/proved.yaml", &proved);
    let cases = folder.0.join("cases").display().to_string();
    let (loaded, _) = Selection { paths: vec![cases], ..Selection::default() }.load().unwrap();
    assert!(loaded.invalid.is_empty() && loaded.warnings.is_empty(), "{loaded:?}");
    let ids: Vec<&str> = loaded.cases.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(ids, ["mine/client", "mine/proved", "mine/server"]);
    assert_eq!(loaded.cases[1].asserts().len(), 1);
    for case in &loaded.cases {
        let verdict = run_case(case, &BundledFactory::new(), RunOptions::default()).report.verdict;
        assert_eq!(verdict.name(), "pass", "{}: {verdict:?}", case.id);
    }
}

#[test]
fn titles_are_what_was_said() {
    let folder = Folder::new("titles");
    for (index, title) in ["plain", "a: b #c", "yes", "- 'x' \"y\"", "ünï\\n", "[1, 2]"].iter().enumerate()
    {
        let path = format!("cases/mine/t{index}.yaml");
        folder.new_case(&path, &["--title", title]);
        let paths = vec![folder.0.join(path).display().to_string()];
        let (loaded, _) = Selection { paths, ..Selection::default() }.load().unwrap();
        assert_eq!(loaded.cases[0].title, *title);
    }
}

#[test]
fn editors_find_the_schema() {
    let folder = Folder::new("schema");
    let root = folder.0.canonicalize().unwrap();
    folder.new_case("cases/mine/first.yaml", &[]);
    assert_eq!(folder.schema_of("cases/mine/first.yaml"), root.join("cases/case.schema.json"));
    let schema = folder.read("cases/case.schema.json");
    assert_eq!(schema, format!("{:#}\n", tcpdrill::front::yaml::case_schema()));
    folder.new_case("cases/other/deep/er.yaml", &[]);
    assert_eq!(folder.schema_of("cases/other/deep/er.yaml"), root.join("cases/case.schema.json"));
    // As in this repository.
    folder.write("lab/docs/case.schema.json", "{}");
    folder.write("lab/cases/fixtures/own.yaml", "");
    folder.new_case("lab/cases/mine/first.yaml", &[]);
    assert_eq!(folder.schema_of("lab/cases/mine/first.yaml"), root.join("lab/docs/case.schema.json"));
    assert!(!folder.0.join("lab/cases/case.schema.json").exists());
}

#[test]
fn nothing_is_replaced() {
    let folder = Folder::new("replaced");
    folder.write("cases/mine/first.yaml", "mine");
    let output = folder.tcpdrill(&["new", "cases/mine/first.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(folder.read("cases/mine/first.yaml"), "mine");
    assert!(String::from_utf8_lossy(&output.stderr).contains("cases/mine/first.yaml is there already"));
}

#[test]
fn what_cannot_be_a_case_is_refused() {
    let folder = Folder::new("refused");
    folder.write("tree/cases/fixtures/server.yaml", "title: another\nparams: {}\nsteps: []\n");
    let table = [
        (vec!["cases/mine/first.yml"], "ends in .yaml"),
        (vec!["cases/mine/first"], "ends in .yaml"),
        (vec!["cases/Mine/first.yaml"], "\"Mine\" cannot be part of an id"),
        (vec!["cases/mine/two words.yaml"], "\"two words\" cannot be part of an id"),
        (vec!["cases/mine/-x.yaml"], "\"-x\" cannot be part of an id"),
        (vec!["tree/cases/first.yaml"], "in the folder of its area"),
        (vec!["tree/cases/fixtures/first.yaml"], "fixtures holds no cases"),
        (vec!["tree/cases/ledger/first.yaml"], "ledger holds no cases"),
        (vec!["cases/mine/first.yaml", "--title", " "], "not a sentence on one line"),
        (vec!["cases/mine/first.yaml", "--title", "a\nb"], "not a sentence on one line"),
        // The tree's own fixture has no parameter rtt.
        (vec!["tree/cases/mine/first.yaml"], "rtt"),
    ];
    for (arguments, why) in table {
        let output = folder.tcpdrill(&[vec!["new"], arguments.clone()].concat());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(why), "{arguments:?}: {error}");
        assert!(!folder.0.join(arguments[0]).exists(), "{arguments:?}");
    }
}
