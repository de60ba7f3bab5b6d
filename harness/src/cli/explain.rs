//! `tcpdrill explain`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::case::Case;
use crate::engine::Report;
use crate::report::{FailureContext, Tally, explanation};
use crate::run::{Requirement, RunOptions, Saved, Tree, case_of, replay, run_case, save};
use crate::trace::Trace;
use crate::verdict::Deviation;

use super::WRONG;
use super::args::{ExplainArguments, SelectArguments};
use super::known::Known;
use super::output::Output;
use super::run::show_ledger_error;
use super::targets;

/// So many tests are named where one is to be chosen.
const NAMED: usize = 10;

/// Shows one run with all that happened in it; the exit status.
pub(super) fn explain(arguments: &ExplainArguments, output: &mut Output) -> u8 {
    let result = if arguments.case.ends_with(".trace.jsonl") {
        recorded(Path::new(&arguments.case), output)
    } else {
        live(arguments, output)
    };
    result.unwrap_or_else(|status| status)
}

/// Runs a test. An error is an exit status whose reason was told.
fn live(arguments: &ExplainArguments, output: &mut Output) -> Result<u8, u8> {
    let (paths, scripts) = (vec![arguments.case.clone()], arguments.scripts.clone());
    let select = SelectArguments { paths, scripts, ..SelectArguments::default() };
    let (loaded, trees) = select.load(output)?;
    if !loaded.invalid.is_empty() {
        output.mistakes(&loaded);
        return Err(WRONG);
    }
    let case = one_of(&loaded.cases, &arguments.case, output)?;
    let factory = targets::open(&arguments.target, output)?;
    let mut known = Known::of(factory.info(), &trees).map_err(|error| {
        show_ledger_error(&error, output);
        WRONG
    })?;
    // Who asks for one test wants it, however long it takes.
    let run = run_case(case, factory.as_ref(), RunOptions { seed: arguments.seed, slow: true });
    let saved = save(&arguments.captures, case, &run, 1).map_err(|error| {
        let place = arguments.captures.display();
        output.complain(&format!("captures cannot be written to {place}: {error}"), None);
        WRONG
    })?;
    let deviation = known.meet(case, &run.report.verdict);
    let tree = trees.iter().find(|tree| tree.holds(case));
    let shown = Shown {
        case,
        report: &run.report,
        target: &arguments.target,
        seed: arguments.seed,
        saved: saved.as_ref(),
        deviation: deviation.as_ref(),
    };
    Ok(shown.write(tree, output))
}

/// Derives a run from its trace.
fn recorded(path: &Path, output: &mut Output) -> Result<u8, u8> {
    let mut wrong = |why: String| {
        output.complain(&format!("{}: {why}", path.display()), None);
        WRONG
    };
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let trace = Trace::from_text(&text).map_err(|error| wrong(error.to_string()))?;
    let case = case_of(&trace).map_err(|error| wrong(error.to_string()))?;
    let report = replay(&case, &trace).map_err(|error| wrong(error.to_string()))?;
    let stem = path.to_string_lossy().trim_end_matches(".trace.jsonl").to_owned();
    let capture = Path::new(&format!("{stem}.pcapng")).to_path_buf();
    let saved = capture.is_file().then(|| Saved { capture, trace: path.to_path_buf() });
    let tree = case.sources.files.first().map(|file| Path::new(&file.path)).filter(|file| file.is_file());
    let tree = tree.map_or_else(Tree::embedded, Tree::around);
    let shown = Shown {
        case: &case,
        report: &report,
        target: &trace.header.target,
        seed: trace.header.seed,
        saved: saved.as_ref(),
        deviation: None,
    };
    Ok(shown.write(Some(&tree), output))
}

/// The only test that is selected.
fn one_of<'a>(cases: &'a [Case], asked: &str, output: &mut Output) -> Result<&'a Case, u8> {
    match cases {
        [case] => Ok(case),
        [] => {
            output.complain("no test is selected", Some("tcpdrill list shows what there is"));
            Err(WRONG)
        }
        several => {
            let ids: Vec<&str> = several.iter().take(NAMED).map(|case| case.id.as_str()).collect();
            let more = match several.len() - ids.len() {
                0 => String::new(),
                more => format!(", ... {more} more"),
            };
            let help = format!("name one of them: {}{more}", ids.join(", "));
            output.complain(&format!("{asked} is {} tests", several.len()), Some(&help));
            Err(WRONG)
        }
    }
}

/// A run to be shown.
struct Shown<'a> {
    case: &'a Case,
    report: &'a Report,
    target: &'a str,
    seed: u64,
    saved: Option<&'a Saved>,
    deviation: Option<&'a Deviation>,
}

impl Shown<'_> {
    /// The page, and the exit status of the verdict.
    fn write(&self, tree: Option<&Tree>, output: &mut Output) -> u8 {
        let nothing = BTreeMap::<String, Requirement>::new();
        let requirements = tree.and_then(|tree| tree.requirements().ok()).unwrap_or(&nothing);
        let context =
            FailureContext { target: self.target, requirements, saved: self.saved, seed: self.seed };
        output.line(&explanation(self.case, self.report, &context, output.style()));
        if let Some(deviation) = self.deviation {
            let kind = deviation.kind.name();
            output.line(&format!("  {:<9} known to fail ({kind}): {}", "ledger", deviation.reason));
        }
        let mut tally = Tally::default();
        tally.count(&self.report.verdict, self.deviation.is_some());
        tally.exit_status()
    }
}
