//! Two targets run the same cases.

use crate::case::Case;
use crate::compare::{Class, Side};
use crate::report::{CompareFinding, Compared};
use crate::run::{CaseRun, Loaded, News, Plan, RunOptions, run_batch, run_case, save};
use crate::target::{TargetFactory, Timing};
use crate::verdict::Verdict;

use super::super::args::CompareArguments;
use super::super::known::Known;
use super::super::run::{default_jobs, show_ledger_error};
use super::super::{WRONG, targets};
use super::Session;

/// The targets that are meant when none are named.
const TARGETS: [&str; 2] = ["bundled", "linux"];

/// How often a test is run in which only times differ: what a busy machine delays differs every time.
const ATTEMPTS: u32 = 3;

/// A target, what it is called and what is known of it.
struct Contender<'a> {
    name: String,
    factory: &'a dyn TargetFactory,
    known: Known<'a>,
    /// Of two runs on the same target, which: so that neither writes over the other's files.
    repeat: u32,
}

pub(super) fn compare(session: Session<'_>) -> u8 {
    let arguments = session.arguments;
    let names: Vec<String> = match arguments.targets.as_slice() {
        [] => TARGETS.map(str::to_owned).to_vec(),
        names => names.to_vec(),
    };
    let [a, b] = names.as_slice() else {
        let text = format!("two targets are compared, not {}", names.len());
        session.output.complain(&text, Some("write them as --targets bundled,linux"));
        return WRONG;
    };
    let (loaded, trees) = match arguments.select.load(session.output) {
        Ok(loaded) => loaded,
        Err(status) => return status,
    };
    if loaded.cases.is_empty() && loaded.invalid.is_empty() {
        session.output.complain("no test is selected", Some("tcpdrill list shows what there is"));
        return WRONG;
    }
    let (one, other) = match (targets::open(a, session.output), targets::open(b, session.output)) {
        (Ok(one), Ok(other)) => (one, other),
        (Err(status), _) | (_, Err(status)) => return status,
    };
    let known = Known::of(one.info(), &trees).and_then(|one| Ok((one, Known::of(other.info(), &trees)?)));
    let (known_one, known_other) = match known {
        Ok(known) => known,
        Err(error) => {
            show_ledger_error(&error, session.output);
            return WRONG;
        }
    };
    let (name_a, name_b) = match a == b {
        true => (format!("{a} (1)"), format!("{b} (2)")),
        false => (a.clone(), b.clone()),
    };
    let repeat = if a == b { 2 } else { 1 };
    let first = Contender { name: name_a, factory: one.as_ref(), known: known_one, repeat: 1 };
    let second = Contender { name: name_b, factory: other.as_ref(), known: known_other, repeat };
    run(session, &loaded, [first, second])
}

/// Runs all cases on one target, then on the other, and compares case by case as they come: a virtual clock first, as
/// that is soon over.
fn run(mut session: Session<'_>, loaded: &Loaded, mut contenders: [Contender<'_>; 2]) -> u8 {
    for (_, mistakes) in &loaded.invalid {
        session.tally.invalid += 1;
        let colour = session.output.error_style().colour;
        session.output.error(&mistakes.render(colour));
    }
    session.is_single = loaded.cases.len() == 1;
    let is_virtual = |contender: &Contender<'_>| matches!(contender.factory.info().timing, Timing::Virtual);
    let is_swapped = !is_virtual(&contenders[0]) && is_virtual(&contenders[1]);
    if is_swapped {
        contenders.swap(0, 1);
    }
    let arguments = session.arguments;
    let [first, second] = contenders;
    let (name_a, name_b) = if is_swapped { (&second.name, &first.name) } else { (&first.name, &second.name) };
    let names = (name_a.as_str(), name_b.as_str());
    let mut runs: Vec<CaseRun> = Vec::new();
    let mut done = batch(arguments, loaded, &first, |_, run| {
        runs.push(run);
        true
    });
    if done.is_ok() {
        let mut runs = runs.into_iter();
        done = batch(arguments, loaded, &second, |case, run| {
            let Some(before) = runs.next() else { return false };
            let mut pair = (before, run);
            let mut finding = weigh(&session, case, (&first, &second), &pair, is_swapped);
            for _ in 1..ATTEMPTS {
                if !is_only_late(&finding, &pair) {
                    break;
                }
                let again = again(arguments, case, (&first, &second), &pair);
                let weighed = weigh(&session, case, (&first, &second), &again, is_swapped);
                if matches!(weighed, CompareFinding::Equal(_)) {
                    (pair, finding) = (again, weighed);
                }
            }
            let verdicts = (pair.0.report.verdict.name(), pair.1.report.verdict.name());
            let verdicts = if is_swapped { (verdicts.1, verdicts.0) } else { verdicts };
            session.tell(&Compared { case, names, verdicts, finding: &finding })
        });
    }
    if let Err(error) = done {
        let place = arguments.captures.display();
        session.output.complain(&format!("captures cannot be written to {place}: {error}"), None);
        return WRONG;
    }
    session.conclude(names)
}

/// What two runs of a case say, in the order that was asked for.
fn weigh(
    session: &Session<'_>,
    case: &Case,
    (first, second): (&Contender<'_>, &Contender<'_>),
    (before, run): &(CaseRun, CaseRun),
    is_swapped: bool,
) -> CompareFinding {
    let reason = first.reason(case, before).or_else(|| second.reason(case, run));
    let (a, b) = (first.side(before), second.side(run));
    let (a, b) = if is_swapped { (b, a) } else { (a, b) };
    session.finding(case, a, b, reason.as_deref())
}

/// Whether only times differ, of which one at least was measured on a real clock.
fn is_only_late(finding: &CompareFinding, (before, run): &(CaseRun, CaseRun)) -> bool {
    let CompareFinding::Differs(comparison) = finding else { return false };
    let is_real = |run: &CaseRun| matches!(run.report.clock, Timing::Real(_));
    let mut differences = comparison.rows.iter().flat_map(|row| &row.differences);
    (is_real(before) || is_real(run)) && differences.all(|difference| difference.class == Class::Timing)
}

/// The same two runs, made again where the clock is real.
fn again(
    arguments: &CompareArguments,
    case: &Case,
    (first, second): (&Contender<'_>, &Contender<'_>),
    (before, run): &(CaseRun, CaseRun),
) -> (CaseRun, CaseRun) {
    let options = RunOptions { seed: arguments.seed, slow: arguments.slow };
    let again = |contender: &Contender<'_>, run: &CaseRun| match run.report.clock {
        Timing::Real(_) => run_case(case, contender.factory, options),
        Timing::Virtual => run.clone(),
    };
    (again(first, before), again(second, run))
}

/// Runs all cases on a target and keeps their files; each run is handed over in order.
fn batch(
    arguments: &CompareArguments,
    loaded: &Loaded,
    contender: &Contender<'_>,
    mut sink: impl FnMut(&Case, CaseRun) -> bool,
) -> std::io::Result<()> {
    let timing = contender.factory.info().timing;
    let plan = Plan {
        cases: &loaded.cases,
        factory: contender.factory,
        options: RunOptions { seed: arguments.seed, slow: arguments.slow },
        repeat: 1,
        jobs: arguments.jobs.map_or_else(|| default_jobs(timing != Timing::Virtual), usize::from),
        stop: &|| false,
    };
    let mut result = Ok(());
    run_batch(&plan, |news| {
        let News::Run { index, run, .. } = news else { return true };
        let Some(case) = loaded.cases.get(index) else { return true };
        match save(&arguments.captures, case, &run, contender.repeat) {
            Ok(_) => sink(case, *run),
            Err(error) => {
                result = Err(error);
                false
            }
        }
    });
    result
}

impl Contender<'_> {
    fn side<'r>(&'r self, run: &'r CaseRun) -> Side<'r> {
        Side { name: &self.name, report: &run.report, trace: run.trace.as_ref() }
    }

    /// Why it is known to fail a case that it failed.
    fn reason(&self, case: &Case, run: &CaseRun) -> Option<String> {
        let deviation = self.known.deviation(case)?;
        let failed = matches!(run.report.verdict, Verdict::Fail(_));
        failed.then(|| format!("{} ({}): {}", self.name, deviation.kind.name(), deviation.reason))
    }
}
