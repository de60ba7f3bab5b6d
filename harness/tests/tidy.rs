//! The shape of the source: file and function sizes, where `unsafe` may be, and the embedded copy of the cases.

#![expect(clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]

use std::fs;
use std::path::{Path, PathBuf};

/// Longer files answer more than one question.
const FILE_LINES: usize = 600;
/// Longer functions too.
const FUNCTION_LINES: usize = 70;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut paths = Vec::new();
    for folder in [
        "harness/src",
        "harness/tests",
        "harness/benches",
        "harness/fuzz/fuzz_targets",
        "stack-under-test/src",
        "stack-under-test/tests",
        "stack-under-test/benches",
        "stack-under-test/fuzz/fuzz_targets",
    ] {
        files_below(&root().join(folder), &mut paths);
    }
    paths
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path, text)
        })
        .collect()
}

#[test]
fn files_answer_one_question() {
    let long: Vec<String> = sources()
        .iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > FILE_LINES)
        .map(|(path, lines)| format!("{} has {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "over {FILE_LINES} lines, split by question:\n{}", long.join("\n"));
}

/// What may stand before `fn`, besides `pub(...)`.
const MODIFIERS: [&str; 5] = ["pub", "const", "async", "unsafe", "extern"];

/// Names and lengths of the functions of a formatted file: from `fn` to the brace in the same column.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        let mut words =
            code.split(' ').skip_while(|word| MODIFIERS.contains(word) || word.starts_with("pub("));
        if words.next() != Some("fn") {
            continue;
        }
        let name = words.next().unwrap_or_default().split(['(', '<']).next().unwrap_or_default().to_owned();
        let end = lines.iter().skip(start).position(|line| {
            line.strip_prefix(&" ".repeat(indent))
                .is_some_and(|rest| rest == "}" || rest.ends_with(';') && !rest.starts_with(' '))
        });
        found.push((name, end.map_or(1, |end| end + 1)));
    }
    found
}

#[test]
fn functions_answer_one_question() {
    let mut long = Vec::new();
    for (path, text) in sources() {
        for (name, lines) in functions(&text) {
            if lines > FUNCTION_LINES {
                long.push(format!("{}: {name} has {lines} lines", path.display()));
            }
        }
    }
    assert!(long.is_empty(), "over {FUNCTION_LINES} lines, split by question:\n{}", long.join("\n"));
}

#[test]
fn function_lengths_are_counted() {
    let text = "fn one() {\n    two();\n}\n\nimpl X {\n    pub(super) fn three(\n        a: u8,\n    ) -> u8 {\n        a\n    }\n}\n";
    assert_eq!(functions(text), [("one".to_owned(), 3), ("three".to_owned(), 5)]);
}

#[test]
fn unsafe_is_only_where_the_kernel_is_spoken_to() {
    for (path, text) in sources() {
        let speaks_to_kernel = path.components().any(|part| part.as_os_str() == "linux");
        let uses = text.lines().any(|line| {
            let code = line.split("//").next().unwrap_or_default();
            code.contains("unsafe {") || code.contains("unsafe fn") || code.contains("unsafe impl")
        });
        let is_this_file = path.ends_with("tidy.rs");
        assert!(!uses || speaks_to_kernel || is_this_file, "{} uses unsafe", path.display());
    }
}

#[test]
fn the_embedded_cases_are_equal_to_cases() {
    let (cases, embedded) = (root().join("cases"), Path::new(env!("CARGO_MANIFEST_DIR")).join("embedded"));
    let list = |folder: &Path| {
        let mut paths = Vec::new();
        files_below(folder, &mut paths);
        let mut list: Vec<(PathBuf, Vec<u8>)> = paths
            .into_iter()
            .map(|path| (path.strip_prefix(folder).unwrap().to_path_buf(), fs::read(&path).unwrap()))
            .collect();
        list.sort();
        list
    };
    let (cases, embedded) = (list(&cases), list(&embedded));
    let names = |list: &[(PathBuf, Vec<u8>)]| list.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
    assert_eq!(names(&cases), names(&embedded), "run ci/embed");
    let is_ours =
        |path: &PathBuf| path.extension().is_some_and(|extension| extension == "yaml" || extension == "md");
    let strangers: Vec<PathBuf> = names(&cases).into_iter().filter(|path| !is_ours(path)).collect();
    assert!(strangers.is_empty(), "neither case nor page: {strangers:?}");
    for ((path, case), (_, copy)) in cases.iter().zip(&embedded) {
        assert!(case == copy, "{} differs from its embedded copy: run ci/embed", path.display());
    }
}
