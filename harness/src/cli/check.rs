//! `tcpdrill check`.

use std::collections::BTreeSet;

use serde_json::json;

use crate::case::split_id;
use crate::front::{Diagnostics, Severity};
use crate::run::{LedgerError, LoadError, Loaded, Tree, stale_diagnostics};

use super::args::{Format, LookArguments};
use super::output::Output;
use super::{SUCCESS, WRONG};

/// Reads what is selected and says what is wrong with it; the exit status.
pub(super) fn check(arguments: &LookArguments, output: &mut Output) -> u8 {
    let (mut loaded, trees) = match arguments.select.load(output) {
        Ok(loaded) => loaded,
        Err(status) => return status,
    };
    for tree in &trees {
        if let Err(error) = ledgers(tree, &mut loaded) {
            output.complain(&error.to_string(), None);
            return WRONG;
        }
    }
    match arguments.format {
        Format::Text => as_text(&loaded, output),
        Format::Json => as_json(&loaded, output),
    }
    if loaded.cases.is_empty() && loaded.invalid.is_empty() {
        output.complain("no test is selected", Some("tcpdrill list shows what there is"));
    }
    if loaded.cases.is_empty() || !loaded.invalid.is_empty() { WRONG } else { SUCCESS }
}

/// Reads all ledgers of a tree; those that are wrong join the files that are.
fn ledgers(tree: &Tree, loaded: &mut Loaded) -> Result<(), LoadError> {
    for target in tree.ledgers()? {
        let mistakes = match tree.ledger(&target) {
            Ok(ledger) => {
                let stale = tree.stale(&ledger, loaded)?;
                stale_diagnostics(&ledger, &stale)
            }
            Err(LedgerError::Wrong(mistakes)) => mistakes,
            Err(LedgerError::Load(error)) => return Err(error),
        };
        if !mistakes.is_empty() {
            loaded.invalid.push((format!("ledger/{target}"), mistakes));
        }
    }
    Ok(())
}

fn as_text(loaded: &Loaded, output: &mut Output) {
    let colour = output.error_style().colour;
    for (_, mistakes) in &loaded.invalid {
        output.error(&mistakes.render(colour));
    }
    let (right, wrong) = (files(loaded), wrong_files(loaded).len());
    let tests = loaded.cases.len();
    if wrong > 0 {
        let of_right = loaded.cases.iter().map(|case| split_id(&case.id).0);
        let all: BTreeSet<&str> = of_right.chain(wrong_files(loaded)).collect();
        let rest = if all.len() == right + wrong { "are in the others" } else { "are right" };
        output.line(&format!("{wrong} of {} files are wrong; {tests} tests {rest}", all.len()));
    } else if tests > 0 {
        let warnings: usize = loaded.warnings.iter().map(|found| found.list.len()).sum();
        output.line(&match warnings {
            0 => format!("{tests} tests in {right} files, all as they should be"),
            _ => format!("{tests} tests in {right} files; warnings: {warnings}"),
        });
    }
}

/// One object a line for each mistake, and one for the summary.
fn as_json(loaded: &Loaded, output: &mut Output) {
    for mistakes in loaded.invalid.iter().map(|(_, mistakes)| mistakes).chain(&loaded.warnings) {
        for line in objects(mistakes) {
            output.line(&line);
        }
    }
    let counts =
        json!({ "files": files(loaded), "tests": loaded.cases.len(), "invalid": loaded.invalid.len() });
    output.line(&json!({ "summary": counts }).to_string());
}

fn objects(mistakes: &Diagnostics) -> Vec<String> {
    let object = |diagnostic: &crate::front::Diagnostic| {
        let place = diagnostic.location.map(|at| (mistakes.sources.line_column(at), at.file));
        let file = place.and_then(|(_, file)| mistakes.sources.file(file)).or(mistakes.sources.files.first());
        json!({
            "file": file.map(|file| &file.path),
            "line": place.map(|((line, _), _)| line),
            "column": place.map(|((_, column), _)| column),
            "severity": match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            "text": diagnostic.text,
            "help": diagnostic.help,
        })
        .to_string()
    };
    mistakes.list.iter().map(object).collect()
}

/// The ids of files that are wrong, as a whole or in some variants.
fn wrong_files(loaded: &Loaded) -> BTreeSet<&str> {
    loaded.invalid.iter().map(|(id, _)| split_id(id).0).collect()
}

/// How many files are right.
fn files(loaded: &Loaded) -> usize {
    let paths: BTreeSet<&str> = loaded
        .cases
        .iter()
        .filter_map(|case| case.sources.files.first())
        .map(|file| file.path.as_str())
        .collect();
    paths.len()
}
