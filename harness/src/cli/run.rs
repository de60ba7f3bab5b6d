//! `tcpdrill run`.

use std::time::{Duration, Instant};

use crate::case::Case;
use crate::front::Diagnostics;
use crate::report::{
    FailureContext, Outcome, Tally, case_line, case_text, failure_page, invalid_line, summary_line,
    summary_text,
};
use crate::run::{
    CaseRun, LedgerError, LoadError, Loaded, Plan, RunOptions, Selection, Tree, run_batch, save,
};
use crate::target::{TargetFactory, Timing};

use super::args::{Format, RunArguments, SelectArguments};
use super::known::Known;
use super::output::Output;
use super::targets::{self, NoTarget};
use super::{UNUSABLE, WRONG};

/// How many cases a real clock runs at once on each processor: they mostly wait, but more of them make each other late.
const REAL_JOBS: usize = 8;

impl SelectArguments {
    pub(super) fn selection(&self) -> Selection {
        Selection { paths: self.paths.clone(), filter: self.filter.clone(), shard: self.shard }
    }

    /// What is selected, with warnings printed. Where nothing can be loaded: the exit status.
    pub(super) fn load(&self, output: &mut Output) -> Result<(Loaded, Vec<Tree>), u8> {
        match self.selection().load() {
            Ok((loaded, trees)) => {
                let colour = output.error_style().colour;
                for warnings in &loaded.warnings {
                    output.error(&warnings.render(colour));
                }
                Ok((loaded, trees))
            }
            Err(error) => {
                output.complain(&error.to_string(), None);
                Err(WRONG)
            }
        }
    }
}

/// Runs what is selected on every target named; the exit status.
pub(super) fn run(arguments: &RunArguments, output: &mut Output) -> u8 {
    let (loaded, trees) = match arguments.select.load(output) {
        Ok(loaded) => loaded,
        Err(status) => return status,
    };
    if loaded.cases.is_empty() && loaded.invalid.is_empty() {
        output.complain("no test is selected", Some("tcpdrill list shows what there is"));
        return WRONG;
    }
    let mut factories = Vec::new();
    for name in &arguments.target {
        match targets::find(name) {
            Ok(factory) => factories.push(factory),
            Err(NoTarget::Unknown { help }) => {
                output.complain(&format!("no target {name:?}"), Some(&help));
                return WRONG;
            }
            Err(NoTarget::Unusable(why)) => {
                output.complain(&format!("target {name} cannot run here: {why}"), None);
                return UNUSABLE;
            }
        }
    }
    let mut known = Vec::new();
    for factory in &factories {
        match Known::of(factory.info(), &trees) {
            Ok(ledgers) => known.push(ledgers),
            Err(error) => {
                show_ledger_error(&error, output);
                return WRONG;
            }
        }
    }
    let mut statuses: Vec<u8> = Vec::new();
    for (factory, known) in factories.iter().zip(known) {
        let (tally, pages) = (Tally::default(), Vec::new());
        let mut session = Session { arguments, output, trees: &trees, known, tally, pages };
        statuses.push(session.run(&loaded, factory.as_ref()));
    }
    worst(&statuses)
}

/// A ledger that is wrong is shown like a case that is; no run can be judged by it.
pub(super) fn show_ledger_error(error: &LedgerError, output: &mut Output) {
    match error {
        LedgerError::Wrong(mistakes) => {
            let colour = output.error_style().colour;
            output.error(&mistakes.render(colour));
        }
        LedgerError::Load(error) => output.complain(&error.to_string(), None),
    }
}

/// Of several targets' statuses: 2 wins, then 1, 4, 3.
fn worst(statuses: &[u8]) -> u8 {
    [2, 1, 4, 3].into_iter().find(|status| statuses.contains(status)).unwrap_or(0)
}

/// One target's part of a run.
struct Session<'a> {
    arguments: &'a RunArguments,
    output: &'a mut Output,
    trees: &'a [Tree],
    known: Known<'a>,
    tally: Tally,
    pages: Vec<String>,
}

impl Session<'_> {
    fn run(&mut self, loaded: &Loaded, factory: &dyn TargetFactory) -> u8 {
        let start = now();
        let target = factory.info().id.clone();
        for (id, mistakes) in &loaded.invalid {
            self.invalid(id, &target, mistakes);
        }
        let jobs = self
            .arguments
            .jobs
            .map_or_else(|| default_jobs(factory.info().timing != Timing::Virtual), usize::from);
        let plan = Plan {
            cases: &loaded.cases,
            factory,
            options: RunOptions { seed: self.arguments.seed, slow: self.arguments.slow },
            repeat: self.arguments.repeat,
            jobs,
        };
        let mut broken = None;
        run_batch(&plan, |index, repeat, run| {
            let Some(case) = loaded.cases.get(index) else { return true };
            match self.finished(case, &target, &run, repeat) {
                Ok(goes_on) => goes_on,
                Err(error) => {
                    broken = Some(error);
                    false
                }
            }
        });
        if let Some(error) = broken {
            let place = self.arguments.captures.display();
            self.output.complain(&format!("captures cannot be written to {place}: {error}"), None);
            return WRONG;
        }
        if let Err(error) = self.conclude(loaded, &target, now() - start) {
            self.output.complain(&error.to_string(), None);
            return WRONG;
        }
        self.tally.exit_status()
    }

    /// One run is over: keep its files, say how it went. False: nobody listens any more.
    fn finished(&mut self, case: &Case, target: &str, run: &CaseRun, repeat: u32) -> std::io::Result<bool> {
        let saved = save(&self.arguments.captures, case, run, repeat)?;
        let verdict = &run.report.verdict;
        let deviation = self.known.meet(case, verdict);
        self.tally.count(verdict, deviation.is_some());
        self.tally.repeated += usize::try_from(run.attempts.saturating_sub(1)).unwrap_or(0);
        let style = self.output.style();
        if self.arguments.format == Format::Json {
            let line = case_line(case, target, run, deviation.as_ref(), saved.as_ref(), repeat);
            return Ok(self.output.line(&line));
        }
        if Outcome::of(verdict, deviation.is_some()) == Outcome::UnexpectedFail {
            let nothing = std::collections::BTreeMap::new();
            let tree = self.trees.iter().find(|tree| tree.holds(case));
            let requirements = tree.and_then(|tree| tree.requirements().ok()).unwrap_or(&nothing);
            let context =
                FailureContext { target, requirements, saved: saved.as_ref(), seed: self.arguments.seed };
            self.pages.push(failure_page(case, &run.report, &context, style));
        }
        Ok(self.output.line(&case_text(case, run, deviation.as_ref(), style)))
    }

    fn invalid(&mut self, id: &str, target: &str, mistakes: &Diagnostics) {
        self.tally.invalid += 1;
        let colour = self.output.error_style().colour;
        if self.arguments.format == Format::Json {
            let first = mistakes.list.first();
            let line = first.and_then(|first| first.location).map(|at| mistakes.sources.line_column(at).0);
            let why = first.map(|first| first.text.as_str()).unwrap_or_default();
            self.output.line(&invalid_line(id, target, line, why));
        }
        self.output.error(&mistakes.render(colour));
    }

    fn conclude(&mut self, loaded: &Loaded, target: &str, wall: Duration) -> Result<(), LoadError> {
        let style = self.output.style();
        let stale = self.known.stale(loaded)?;
        self.tally.stale = stale.count;
        if self.arguments.format == Format::Json {
            for line in stale.lines(target) {
                self.output.line(&line);
            }
            self.output.line(&summary_line(&self.tally, wall));
        } else {
            for page in std::mem::take(&mut self.pages).into_iter().chain(self.known.met_text(target, style))
            {
                self.output.line("");
                self.output.line(&page);
            }
            self.output.line("");
        }
        let colour = self.output.error_style().colour;
        for mistakes in self.known.unexpected(target).iter().chain(&stale.diagnostics) {
            self.output.error(&mistakes.render(colour));
        }
        if self.arguments.format == Format::Text {
            self.output.line(&summary_text(&self.tally, target, wall, style));
            let place = self.arguments.captures.join(target);
            self.output.line(&format!("captures and traces are in {}", place.display()));
        }
        Ok(())
    }
}

/// How many cases to run at once, on a real clock or a virtual one.
pub(super) fn default_jobs(is_real: bool) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    if is_real { processors * REAL_JOBS } else { processors }
}

#[expect(clippy::disallowed_methods, reason = "how long a command took is measured here")]
fn now() -> Instant {
    Instant::now()
}
