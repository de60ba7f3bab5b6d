//! `tcpdrill coverage`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::case::{Case, glob};
use crate::report::{
    Coverage, Covered, Show, Verdicts, coverage_lines, coverage_text, requirements_text, tests_lines,
    tests_text,
};
use crate::run::{News, Plan, Requirement, RunOptions, run_batch};
use crate::target::Timing;
use crate::trace::Trace;

use super::args::{CoverageArguments, Format};
use super::output::Output;
use super::replay::collect;
use super::run::default_jobs;
use super::targets;
use super::{SUCCESS, WRONG};

/// Says which requirements the selected cases are about; the exit status.
pub(super) fn coverage(arguments: &CoverageArguments, output: &mut Output) -> u8 {
    let (loaded, trees) = match arguments.select.load(output) {
        Ok(loaded) => loaded,
        Err(status) => return status,
    };
    output.mistakes(&loaded);
    if loaded.cases.is_empty() {
        output.complain("no test is selected", Some("tcpdrill list shows what there is"));
        return WRONG;
    }
    let mut catalogue: BTreeMap<&str, &Requirement> = BTreeMap::new();
    for tree in &trees {
        match tree.requirements() {
            Ok(own) => catalogue.extend(own.iter().map(|(id, requirement)| (id.as_str(), requirement))),
            Err(error) => {
                output.complain(&error.to_string(), None);
                return WRONG;
            }
        }
    }
    let verdicts = match &arguments.from {
        Some(path) => read(path, &arguments.target).map_err(|why| {
            output.complain(&why, None);
            WRONG
        }),
        None => run(arguments, &loaded.cases, output),
    };
    let targets = match verdicts {
        Ok(verdicts) => verdicts,
        Err(status) => return status,
    };
    let coverage = Coverage::of(&catalogue, &loaded.cases, &targets);
    let shown = shown(&coverage, arguments);
    if shown.is_empty()
        && let Some(pattern) = &arguments.id
    {
        output.complain(
            &format!("no requirement matches {pattern:?}"),
            Some("ids look like RFC9293/MUST-10; * is any text"),
        );
        return WRONG;
    }
    show(&coverage, &shown, arguments, output);
    if loaded.invalid.is_empty() { SUCCESS } else { WRONG }
}

/// The requirements that are asked for; without being asked, all.
fn shown<'c, 'a>(coverage: &'c Coverage<'a>, arguments: &CoverageArguments) -> Vec<&'c Covered<'a>> {
    let is_asked = |covered: &&Covered<'_>| {
        let named = arguments.id.as_ref().is_none_or(|pattern| glob(pattern, &covered.requirement.id));
        named && (!arguments.missing || covered.is_missing())
    };
    coverage.requirements.iter().filter(is_asked).collect()
}

fn show(coverage: &Coverage<'_>, shown: &[&Covered<'_>], arguments: &CoverageArguments, output: &mut Output) {
    let style = output.style();
    let is_list = arguments.missing || arguments.id.is_some();
    match (arguments.format, arguments.by_case) {
        (Format::Json, true) => {
            for line in tests_lines(coverage) {
                output.line(&line);
            }
        }
        (Format::Json, false) => {
            for line in coverage_lines(coverage, shown) {
                output.line(&line);
            }
        }
        (Format::Text, true) => {
            output.line(&tests_text(coverage, style));
        }
        (Format::Text, false) if is_list => {
            let how = if arguments.id.is_some() { Show::Cases } else { Show::Words };
            output.line(&requirements_text(coverage, shown, how, style));
        }
        (Format::Text, false) => {
            output.line(&coverage_text(coverage, style));
        }
    }
}

type Targets = Vec<(String, Verdicts)>;

/// Runs the cases on the targets that are named, without keeping files. Where one cannot: the exit status.
fn run(arguments: &CoverageArguments, cases: &[Case], output: &mut Output) -> Result<Targets, u8> {
    let factories = targets::open_all(&arguments.target, output)?;
    let mut all = Vec::new();
    for (name, factory) in arguments.target.iter().cloned().zip(factories) {
        let plan = Plan {
            cases,
            factory: factory.as_ref(),
            options: RunOptions { slow: arguments.slow, ..RunOptions::default() },
            repeat: 1,
            jobs: default_jobs(factory.info().timing != Timing::Virtual),
            stop: &|| false,
        };
        let mut verdicts = Verdicts::default();
        run_batch(&plan, |news| {
            if let News::Run { index, run, .. } = news
                && let Some(case) = cases.get(index)
            {
                verdicts.note(&case.id, run.report.verdict.name());
            }
            true
        });
        all.push((name, verdicts));
    }
    Ok(all)
}

/// The verdicts of earlier runs: of traces, or of what `run --format json` wrote. Without `wanted` of every target.
fn read(path: &Path, wanted: &[String]) -> Result<Targets, String> {
    let mut found: BTreeMap<String, Verdicts> = BTreeMap::new();
    let mut note = |target: &str, test: &str, verdict: &str| {
        let is_wanted = wanted.is_empty() || wanted.iter().any(|name| name == target);
        if is_wanted && Verdicts::is_verdict(verdict) {
            found.entry(target.to_owned()).or_default().note(test, verdict);
        }
    };
    let failed = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let mut paths: Vec<PathBuf> = Vec::new();
    collect(path, &mut paths).map_err(|error| failed(path, &error))?;
    for path in &paths {
        let text = fs::read_to_string(path).map_err(|error| failed(path, &error))?;
        if path.to_string_lossy().ends_with(".trace.jsonl") {
            let trace = Trace::from_text(&text).map_err(|error| failed(path, &error))?;
            note(&trace.header.target, &trace.header.case, trace.verdict().unwrap_or_default());
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let line: Value = serde_json::from_str(line).map_err(|error| {
                failed(
                    path,
                    &format!("line {}: not what tcpdrill run --format json writes: {error}", number + 1),
                )
            })?;
            let word = |key: &str| line[key].as_str().unwrap_or_default();
            note(word("target"), word("case"), word("verdict"));
        }
    }
    match wanted.iter().find(|name| !found.contains_key(*name)) {
        Some(name) => Err(format!("{}: there is no verdict of target {name}", path.display())),
        None if found.is_empty() => Err(format!("{}: there is no verdict", path.display())),
        None => Ok(found.into_iter().collect()),
    }
}
