//! `tcpdrill run`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::case::Case;
use crate::front::pkt::Options;
use crate::report::{Ending, FailureContext, Finished, RunEvent, Style, Tally, failure_page};
use crate::run::{
    CaseRun, LedgerError, Loaded, News, Plan, RunOptions, Selection, Tree, probe, run_batch, save,
};
use crate::target::{TargetFactory, Timing};

use super::args::{RunArguments, ScriptArguments, SelectArguments};
use super::interrupt::Interrupt;
use super::known::{Known, Stale};
use super::output::Output;
use super::reports::Reports;
use super::targets;
use super::{UNUSABLE, WRONG};

/// How many cases a real clock runs at once on each processor: they mostly wait, but more of them make each other late.
const REAL_JOBS: usize = 8;

impl ScriptArguments {
    pub(super) fn options(&self) -> Options {
        let tolerance = self.tolerance_usecs.map(|micros| ("tolerance_usecs".to_owned(), micros.to_string()));
        Options {
            definitions: self.definitions.iter().cloned().collect(),
            settings: tolerance.into_iter().collect(),
            strict: self.strict,
            allow_shell: self.allow_shell,
        }
    }
}

impl SelectArguments {
    pub(super) fn selection(&self) -> Selection {
        Selection {
            paths: self.paths.clone(),
            filter: self.filter.clone(),
            variant: self.variant.clone(),
            scripts: self.scripts.options(),
            shard: self.shard,
        }
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
                output.complain(&error.to_string(), error.help().as_deref());
                Err(WRONG)
            }
        }
    }
}

/// Runs what is selected on every target named; the exit status.
pub(super) fn run(arguments: &RunArguments, output: &mut Output) -> u8 {
    prepare_and_run(arguments, output).unwrap_or_else(|status| status)
}

/// Everything that can be wrong before a run is found before the first case runs.
fn prepare_and_run(arguments: &RunArguments, output: &mut Output) -> Result<u8, u8> {
    let (loaded, trees) = arguments.select.load(output)?;
    if loaded.cases.is_empty() && loaded.invalid.is_empty() {
        output.complain("no test is selected", Some(nothing_selected(&arguments.select)));
        return Err(WRONG);
    }
    let mut reports = Reports::of(arguments, output).map_err(|failed| report_lost(failed, output))?;
    prepare_captures(&arguments.captures).map_err(|error| captures_lost(arguments, &error, output))?;
    let factories = targets::open_all(&arguments.target, output)?;
    let mut parts = Vec::new();
    for factory in &factories {
        let known = Known::of(factory.info(), &trees).map_err(|error| {
            show_ledger_error(&error, output);
            WRONG
        })?;
        let stale = known.stale(&loaded).map_err(|error| {
            output.complain(&error.to_string(), None);
            WRONG
        })?;
        parts.push((factory.as_ref(), known, stale));
    }
    let interrupt = Interrupt::watch().map_err(|error| {
        output.complain(&format!("signals cannot be watched: {error}"), None);
        UNUSABLE
    })?;
    let runs = loaded.cases.len() * usize::try_from(arguments.repeat).unwrap_or(usize::MAX);
    let planned = parts.iter().map(|(_, _, stale)| runs + loaded.invalid.len() + stale.entries.len()).sum();
    reports.tell(&RunEvent::Planned(planned), output);
    let mut statuses = Vec::new();
    for (factory, known, stale) in parts {
        let tally = Tally::default();
        let (trees, interrupt) = (trees.as_slice(), &interrupt);
        let mut session =
            Session { arguments, output, reports: &mut reports, trees, interrupt, known, tally };
        statuses.push(session.run(&loaded, factory, &stale)?);
    }
    reports.tell(&RunEvent::Over, output);
    reports.save().map_err(|failed| report_lost(failed, output))?;
    Ok(interrupt.exit_status().unwrap_or_else(|| worst(&statuses)))
}

/// What to do where nothing is selected.
const fn nothing_selected(select: &SelectArguments) -> &'static str {
    if select.shard.is_some() {
        "there are fewer tests than parts; tcpdrill list with the same arguments shows what there is"
    } else if select.filter.is_some() {
        "--filter wants a text that is part of an id; tcpdrill list shows the ids"
    } else {
        "tcpdrill list shows what there is"
    }
}

/// The folder exists afterwards, and files can be made in it.
fn prepare_captures(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    probe(&folder.join("probe"))
}

fn captures_lost(arguments: &RunArguments, error: &io::Error, output: &mut Output) -> u8 {
    let place = arguments.captures.display();
    let help = "--captures DIR takes another folder";
    output.complain(&format!("captures cannot be written to {place}: {error}"), Some(help));
    WRONG
}

fn report_lost((path, error): (std::path::PathBuf, io::Error), output: &mut Output) -> u8 {
    let text = format!("the report {} cannot be written: {error}", path.display());
    output.complain(&text, Some("--report FORMAT=FILE wants a file in a folder that exists"));
    WRONG
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
    reports: &'a mut Reports,
    trees: &'a [Tree],
    interrupt: &'a Interrupt,
    known: Known<'a>,
    tally: Tally,
}

impl Session<'_> {
    fn run(&mut self, loaded: &Loaded, factory: &dyn TargetFactory, stale: &Stale) -> Result<u8, u8> {
        let (start, target) = (now(), factory.info());
        self.tell(&RunEvent::Begins(target));
        let colour = self.output.error_style().colour;
        for (id, mistakes) in &loaded.invalid {
            self.tally.invalid += 1;
            self.tell(&RunEvent::Invalid { id, mistakes });
            self.output.error(&mistakes.render(colour));
        }
        let lost = self.run_all(loaded, factory);
        if let Some(error) = lost {
            return Err(captures_lost(self.arguments, &error, self.output));
        }
        self.tally.stale = stale.entries.len();
        for (deviation, line) in &stale.entries {
            self.tell(&RunEvent::Stale { deviation, line: *line });
        }
        for mistakes in self.known.unexpected(&target.id).iter().chain(&stale.diagnostics) {
            self.output.error(&mistakes.render(colour));
        }
        let is_interrupted = self.interrupt.came();
        let (tally, wall, met) = (&self.tally, now() - start, self.known.met());
        let ending = Ending { target, tally, wall, is_interrupted, met: &met };
        self.reports.tell(&RunEvent::Ends(&ending), self.output);
        Ok(self.tally.exit_status())
    }

    fn tell(&mut self, event: &RunEvent<'_>) -> bool {
        self.reports.tell(event, self.output)
    }

    /// Runs the plan; why files of runs could not be written, if that ended it.
    fn run_all(&mut self, loaded: &Loaded, factory: &dyn TargetFactory) -> Option<io::Error> {
        let target = factory.info();
        let (interrupt, gave_up) = (self.interrupt, AtomicBool::new(false));
        let stop = || interrupt.came() || gave_up.load(Ordering::Relaxed);
        let plan = Plan {
            cases: &loaded.cases,
            factory,
            options: RunOptions { seed: self.arguments.seed, slow: self.arguments.slow },
            repeat: self.arguments.repeat,
            jobs: self
                .arguments
                .jobs
                .map_or_else(|| default_jobs(target.timing != Timing::Virtual), usize::from),
            stop: &stop,
        };
        let mut lost = None;
        self.output.start_progress(plan.total());
        run_batch(&plan, |news| {
            let goes_on = match news {
                News::Over(count) => {
                    self.progress(count);
                    true
                }
                News::Run { index, repeat, run } => {
                    let finished =
                        loaded.cases.get(index).map(|case| self.finished(case, factory, &run, repeat));
                    finished.unwrap_or(Ok(true)).unwrap_or_else(|error| {
                        lost = Some(error);
                        false
                    })
                }
                News::NotRun { index, repeat } => {
                    self.tally.not_run += 1;
                    loaded.cases.get(index).is_none_or(|case| self.tell(&RunEvent::NotRun { case, repeat }))
                }
            };
            gave_up.fetch_or(!goes_on, Ordering::Relaxed);
            goes_on
        });
        self.output.end_progress();
        lost
    }

    fn progress(&mut self, over: usize) {
        let message = match (self.interrupt.came(), self.tally.fail - self.tally.known) {
            (true, _) => "interrupted, tidying up".to_owned(),
            (_, 0) => String::new(),
            (_, failed) => format!("{failed} failed"),
        };
        self.output.progress(over, &message);
    }

    /// One run is over: keep its files, say how it went. False: nobody listens any more.
    fn finished(
        &mut self,
        case: &Case,
        factory: &dyn TargetFactory,
        run: &CaseRun,
        repeat: u32,
    ) -> io::Result<bool> {
        let target = factory.info();
        let saved = save(&self.arguments.captures, case, run, repeat)?;
        let verdict = &run.report.verdict;
        let deviation = self.known.meet(case, verdict);
        self.tally.count(verdict, deviation.is_some());
        self.tally.repeated += usize::try_from(run.attempts.saturating_sub(1)).unwrap_or(0);
        let nothing = BTreeMap::new();
        let tree = self.trees.iter().find(|tree| tree.holds(case));
        let seed = self.arguments.seed;
        let page = |style: Style| {
            let requirements = tree.and_then(|tree| tree.requirements().ok()).unwrap_or(&nothing);
            let context = FailureContext { target: &target.id, requirements, saved: saved.as_ref(), seed };
            failure_page(case, &run.report, &context, style)
        };
        let (deviation, saved) = (deviation.as_ref(), saved.as_ref());
        let finished = Finished { case, target, repeat, run, deviation, saved, page: &page };
        Ok(self.reports.tell(&RunEvent::Finished(&finished), self.output))
    }
}

/// How many cases to run at once, on a real clock or a virtual one.
pub(super) fn default_jobs(is_real: bool) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    if is_real { processors * REAL_JOBS } else { processors }
}

#[expect(clippy::disallowed_methods, reason = "how long a command took is measured here")]
pub(super) fn now() -> Instant {
    Instant::now()
}
