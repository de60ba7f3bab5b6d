//! Every case as a test of `cargo test`: `bundled/<id>` on the bundled stack, `linux/<id>` on the kernel.
//!
//! Linux cases mostly wait, so all that this process was asked for run as one concurrent batch, started by the
//! first of them that is run. Where the machine cannot run them, its kernel is none that the cases were verified on,
//! or they take long (`slow`), they are shown as ignored with the reason; `TCPDRILL_ANY_VERSION=1` runs them on any
//! kernel, `TCPDRILL_SLOW=1` runs the slow ones.
//!
//! The verdict must follow from the trace alone, too.
//!
//! A test that the ledger of its target knows to fail is shown with the mark `[known: KIND]`; it passes by failing,
//! and fails by passing. That no entry of a ledger is stale is a test of its own, `ledger/<target>`.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Condvar, Mutex, OnceLock};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use tcpdrill::case::Case;
use tcpdrill::report::{FailureContext, Style, failure_page};
use tcpdrill::run::{
    CaseRun, Loaded, News, Plan, RunOptions, Selection, Tree, replay, run_batch, run_case, save,
    stale_diagnostics,
};
use tcpdrill::target::TargetFactory;
use tcpdrill::target::bundled::BundledFactory;
use tcpdrill::trace::Trace;
use tcpdrill::verdict::{Deviation, DeviationKind, Ledger, Verdict};

/// Cases and captures are at the root of the repository.
const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../cases");
const CAPTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../captures");

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let selection = Selection { paths: vec![CASES.to_owned()], ..Selection::default() };
    let (loaded, mut trees) = match selection.load() {
        Ok(loaded) => loaded,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    for (_, mistakes) in &loaded.invalid {
        eprintln!("{}", mistakes.render(false));
    }
    if !loaded.invalid.is_empty() || loaded.cases.is_empty() {
        eprintln!("{} case files are wrong", loaded.invalid.len());
        return ExitCode::from(2);
    }
    let tree: Arc<Tree> = Arc::new(trees.remove(0));
    let ledger = |target: &str| tree.ledger(target).map(Arc::new);
    let (bundled, linux) = match (ledger("bundled"), ledger("linux")) {
        (Ok(bundled), Ok(linux)) => (bundled, linux),
        (Err(error), _) | (_, Err(error)) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let loaded = Arc::new(loaded);
    let mut trials = vec![
        ledger_trial("bundled", &bundled, &loaded, &tree),
        ledger_trial("linux", &linux, &loaded, &tree),
    ];
    let cases: Arc<[Case]> = loaded.cases.clone().into();
    trials.extend(bundled_trials(&cases, &tree, &bundled));
    trials.extend(linux_trials(&cases, &tree, &linux, &arguments));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// That every entry of a ledger matches a test.
fn ledger_trial(target: &str, ledger: &Arc<Ledger>, loaded: &Arc<Loaded>, tree: &Arc<Tree>) -> Trial {
    let (ledger, loaded, tree) = (Arc::clone(ledger), Arc::clone(loaded), Arc::clone(tree));
    Trial::test(format!("ledger/{target}"), move || {
        let stale = tree.stale(&ledger, &loaded).map_err(|error| error.to_string())?;
        if stale.is_empty() {
            return Ok(());
        }
        Err(stale_diagnostics(&ledger, &stale).render(false).into())
    })
}

fn bundled_trials(cases: &Arc<[Case]>, tree: &Arc<Tree>, ledger: &Ledger) -> Vec<Trial> {
    let version = BundledFactory::new().info().version.clone();
    (0..cases.len())
        .map(|index| {
            let (cases, tree) = (Arc::clone(cases), Arc::clone(tree));
            let known = ledger.deviation(&cases[index].id, &version).cloned();
            let mark = mark(known.as_ref());
            let trial = Trial::ignorable_test(format!("bundled/{}", cases[index].id), move || {
                let case = &cases[index];
                let run = run_case(case, &BundledFactory::new(), RunOptions::default());
                verdict(case, &run, "bundled", &tree, known.as_ref())
            });
            trial.with_kind(mark)
        })
        .collect()
}

/// How a test is marked whose failure is known.
fn mark(known: Option<&Deviation>) -> String {
    known.map(|deviation| mark_of(deviation.kind)).unwrap_or_default()
}

fn mark_of(kind: DeviationKind) -> String {
    format!("known: {}", kind.name())
}

/// What libtest is told of a run; a failure is told as its whole page.
fn verdict(
    case: &Case,
    run: &CaseRun,
    target: &str,
    tree: &Tree,
    known: Option<&Deviation>,
) -> Result<Completion, Failed> {
    let saved = save(CAPTURES.as_ref(), case, run, 1).map_err(|error| format!("captures: {error}"))?;
    replays(case, run)?;
    match (&run.report.verdict, known) {
        (Verdict::Pass, None) | (Verdict::Fail(_), Some(_)) => Ok(Completion::Completed),
        (Verdict::Pass, Some(deviation)) => {
            let (kind, reason) = (deviation.kind.name(), &deviation.reason);
            Err(format!("passed, but the ledger of {target} knows it to fail ({kind}): {reason}").into())
        }
        (Verdict::Fail(_), None) => {
            let requirements = tree.requirements().map_err(|error| error.to_string())?;
            let context = FailureContext { target, requirements, saved: saved.as_ref(), seed: 0 };
            Err(failure_page(case, &run.report, &context, Style::default()).into())
        }
        (Verdict::Inconclusive { why }, _) => Err(format!("inconclusive: {why}").into()),
        (Verdict::Skipped { missing }, _) => Ok(Completion::ignored_with(format!("for lack of {missing}"))),
    }
}

/// The verdict of the last attempt can be derived again from its trace as it stands in the file.
fn replays(case: &Case, run: &CaseRun) -> Result<(), String> {
    let Some(live) = &run.trace else { return Ok(()) };
    let trace = Trace::from_text(&live.to_text()).map_err(|error| format!("the trace: {error}"))?;
    let report = replay(case, &trace).map_err(|error| error.to_string())?;
    let (again, verdict) = (report.verdict.name(), live.verdict().unwrap_or("none"));
    if again == verdict {
        Ok(())
    } else {
        Err(format!("the verdict was {verdict}; from the trace it is {again}"))
    }
}

#[cfg(all(feature = "linux", target_os = "linux"))]
fn linux_factory() -> Result<Arc<dyn TargetFactory + Send + Sync>, String> {
    use tcpdrill::target::linux::{LinuxFactory, enter_user_namespace};
    let factory =
        enter_user_namespace().and_then(|()| LinuxFactory::new()).map_err(|error| error.to_string())?;
    Ok(Arc::new(factory))
}

#[cfg(not(all(feature = "linux", target_os = "linux")))]
fn linux_factory() -> Result<Arc<dyn TargetFactory + Send + Sync>, String> {
    Err("the Linux target needs Linux".to_owned())
}

fn linux_trials(cases: &Arc<[Case]>, tree: &Arc<Tree>, ledger: &Ledger, arguments: &Arguments) -> Vec<Trial> {
    let names: Vec<String> = cases.iter().map(|case| format!("linux/{}", case.id)).collect();
    let marks: Vec<String> = DeviationKind::ALL.into_iter().map(mark_of).chain([String::new()]).collect();
    let is_asked_somehow = |name: &String| marks.iter().any(|mark| is_asked(name, mark, arguments));
    let is_wanted = arguments.list || names.iter().any(is_asked_somehow);
    let factory = if is_wanted { linux_factory() } else { Err("not asked for".to_owned()) };
    let version = factory.as_ref().map(|factory| factory.info().version.clone()).unwrap_or_default();
    let slow = is_set("TCPDRILL_SLOW");
    let any_version = is_set("TCPDRILL_ANY_VERSION");
    let reason = |case: &Case| match &factory {
        Err(why) => Some(why.clone()),
        Ok(_) if !any_version && !ledger.is_verified(&version) => Some(unverified(ledger, &version)),
        Ok(_) if case.is_slow() && !slow => Some("takes more than 5 s; TCPDRILL_SLOW=1 runs it".to_owned()),
        Ok(_) => None,
    };
    // The filter of the command line is applied here too, so that the batch runs only what was asked for.
    let mut asked = Vec::new();
    let mut trials = Vec::new();
    let results = Arc::new(Batch::default());
    for (index, case) in cases.iter().enumerate() {
        let name = names[index].clone();
        if let Some(reason) = reason(case) {
            // nextest learns what is ignored from the list of tests only, and that has no place for a reason.
            let in_list = std::env::var_os("NEXTEST").is_some();
            let trial = Trial::ignorable_test(name, || Ok(Completion::ignored_with(reason)));
            trials.push(trial.with_ignored_flag(in_list));
            continue;
        }
        let known = ledger.deviation(&case.id, &version).cloned();
        let mark = mark(known.as_ref());
        if is_asked(&name, &mark, arguments) {
            asked.push(index);
        }
        let (cases, tree, results) = (Arc::clone(cases), Arc::clone(tree), Arc::clone(&results));
        let trial = Trial::ignorable_test(name, move || {
            let run = results.take(index);
            verdict(&cases[index], &run, "linux", &tree, known.as_ref())
        });
        trials.push(trial.with_kind(mark));
    }
    if let Ok(factory) = factory {
        results.prepare(Arc::clone(cases), asked, factory);
    }
    trials
}

/// Whether an environment variable asks for something.
fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| value != "0")
}

fn unverified(ledger: &Ledger, version: &str) -> String {
    let verified: Vec<String> = ledger.verified.iter().map(ToString::to_string).collect();
    let verified = verified.join(", ");
    format!("verified on Linux {verified}, this is {version}; TCPDRILL_ANY_VERSION=1 runs it")
}

/// Whether a test is selected, by its name or by its mark and name, as libtest-mimic does it.
fn is_asked(name: &str, mark: &str, arguments: &Arguments) -> bool {
    let marked = format!("[{mark}] {name}");
    let marked = if mark.is_empty() { name } else { &marked };
    let fits = |filter: &str| {
        if arguments.exact { name == filter || marked == filter } else { marked.contains(filter) }
    };
    !arguments.list
        && arguments.filter.as_deref().is_none_or(fits)
        && !arguments.skip.iter().any(|skip| fits(skip))
}

type Job = Box<dyn FnOnce(&Batch) + Send>;

/// The Linux runs of this process: started once, awaited by each test.
#[derive(Default)]
struct Batch {
    job: Mutex<Option<Job>>,
    started: OnceLock<()>,
    done: Mutex<BTreeMap<usize, CaseRun>>,
    news: Condvar,
}

impl Batch {
    fn prepare(&self, cases: Arc<[Case]>, asked: Vec<usize>, factory: Arc<dyn TargetFactory + Send + Sync>) {
        let job: Job = Box::new(move |batch| {
            let chosen: Vec<Case> = asked.iter().map(|index| cases[*index].clone()).collect();
            let options = RunOptions { seed: 0, slow: true };
            let jobs = 8 * std::thread::available_parallelism().map_or(1, usize::from);
            let (factory, stop) = (factory.as_ref(), &|| false);
            let plan = Plan { cases: &chosen, factory, options, repeat: 1, jobs, stop };
            run_batch(&plan, |news| {
                let News::Run { index, run, .. } = news else { return true };
                batch
                    .done
                    .lock()
                    .expect("no test panics while it holds the results")
                    .insert(asked[index], *run);
                batch.news.notify_all();
                true
            });
        });
        *self.job.lock().expect("nothing else runs yet") = Some(job);
    }

    /// The run of one case. The first to ask starts them all.
    fn take(self: &Arc<Self>, index: usize) -> CaseRun {
        self.started.get_or_init(|| {
            if let Some(job) = self.job.lock().expect("taken once").take() {
                let batch = Arc::clone(self);
                std::thread::spawn(move || job(&batch));
            }
        });
        let mut done = self.done.lock().expect("no test panics while it holds the results");
        loop {
            if let Some(run) = done.remove(&index) {
                return run;
            }
            done = self.news.wait(done).expect("no test panics while it holds the results");
        }
    }
}
