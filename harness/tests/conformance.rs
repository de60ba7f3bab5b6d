//! Every case as a test of `cargo test`: `bundled/<id>` on the bundled stack, `linux/<id>` on the kernel.
//!
//! Linux cases mostly wait, so all that this process was asked for run as one concurrent batch, started by the
//! first of them that is run. Where the machine cannot run them, or they take long (`slow`), they are shown as
//! ignored with the reason; `TCPDRILL_SLOW=1` runs the slow ones.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Condvar, Mutex, OnceLock};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use tcpdrill::case::Case;
use tcpdrill::report::{FailureContext, Style, failure_page};
use tcpdrill::run::{CaseRun, Plan, RunOptions, Selection, Tree, run_batch, run_case, save};
use tcpdrill::target::TargetFactory;
use tcpdrill::target::bundled::BundledFactory;
use tcpdrill::verdict::Verdict;

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
    let cases: Arc<[Case]> = loaded.cases.into();
    let mut trials = bundled_trials(&cases, &tree);
    trials.extend(linux_trials(&cases, &tree, &arguments));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn bundled_trials(cases: &Arc<[Case]>, tree: &Arc<Tree>) -> Vec<Trial> {
    (0..cases.len())
        .map(|index| {
            let (cases, tree) = (Arc::clone(cases), Arc::clone(tree));
            Trial::ignorable_test(format!("bundled/{}", cases[index].id), move || {
                let case = &cases[index];
                let run = run_case(case, &BundledFactory::new(), RunOptions::default());
                verdict(case, &run, "bundled", &tree)
            })
        })
        .collect()
}

/// What libtest is told of a run; a failure is told as its whole page.
fn verdict(case: &Case, run: &CaseRun, target: &str, tree: &Tree) -> Result<Completion, Failed> {
    let saved = save(CAPTURES.as_ref(), case, run, 1).map_err(|error| format!("captures: {error}"))?;
    match &run.report.verdict {
        Verdict::Pass => Ok(Completion::Completed),
        Verdict::Fail(_) => {
            let requirements = tree.requirements().map_err(|error| error.to_string())?;
            let context = FailureContext { target, requirements, saved: saved.as_ref(), seed: 0 };
            Err(failure_page(case, run, &context, Style::default()).into())
        }
        Verdict::Inconclusive { why } => Err(format!("inconclusive: {why}").into()),
        Verdict::Skipped { missing } => Ok(Completion::ignored_with(format!("for lack of {missing}"))),
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

fn linux_trials(cases: &Arc<[Case]>, tree: &Arc<Tree>, arguments: &Arguments) -> Vec<Trial> {
    let names: Vec<String> = cases.iter().map(|case| format!("linux/{}", case.id)).collect();
    let is_wanted = arguments.list || names.iter().any(|name| is_asked(name, arguments));
    let factory = if is_wanted { linux_factory() } else { Err("not asked for".to_owned()) };
    let slow = std::env::var_os("TCPDRILL_SLOW").is_some_and(|value| value != "0");
    let reason = |case: &Case| match &factory {
        Err(why) => Some(why.clone()),
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
        if is_asked(&name, arguments) {
            asked.push(index);
        }
        let (cases, tree, results) = (Arc::clone(cases), Arc::clone(tree), Arc::clone(&results));
        trials.push(Trial::ignorable_test(name, move || {
            let run = results.take(index);
            verdict(&cases[index], &run, "linux", &tree)
        }));
    }
    if let Ok(factory) = factory {
        results.prepare(Arc::clone(cases), asked, factory);
    }
    trials
}

fn is_asked(name: &str, arguments: &Arguments) -> bool {
    let fits = |filter: &str| if arguments.exact { name == filter } else { name.contains(filter) };
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
            let plan = Plan { cases: &chosen, factory: factory.as_ref(), options, repeat: 1, jobs };
            run_batch(&plan, |index, _, run| {
                batch
                    .done
                    .lock()
                    .expect("no test panics while it holds the results")
                    .insert(asked[index], run);
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
