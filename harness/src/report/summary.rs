//! What a run came to, for a person: sections, and the last line.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::verdict::{Deviation, Ledger, Verdict};

use super::event::is_real;
use super::text::seconds;
use super::{Ending, Finished, Outcome, Style, Tally};

/// How many of the slowest tests are named.
const SLOWEST: usize = 5;
/// What takes less is not slow.
const SLOW: Duration = Duration::from_millis(100);

/// Reasons, each with how many tests it is about and the first of them.
type Reasons = BTreeMap<String, (usize, String)>;

/// Collects what the sections say.
#[derive(Debug, Default)]
pub(super) struct Summary {
    style: Style,
    with_times: bool,
    slowest: Vec<(Duration, String, i64)>,
    skipped: Reasons,
    inconclusive: Reasons,
    passed: Vec<String>,
    failed: Vec<(String, String)>,
    invalid: Vec<String>,
}

impl Summary {
    pub(super) fn new(style: Style, with_times: bool) -> Self {
        Self { style, with_times, ..Self::default() }
    }

    /// Notes a run.
    pub(super) fn count(&mut self, finished: &Finished<'_>) {
        let (run, name) = (finished.run, finished.name());
        if run.wall >= SLOW {
            self.slowest.push((run.wall, name.clone(), run.target_time.0));
            self.slowest.sort_by_key(|(wall, _, _)| std::cmp::Reverse(*wall));
            self.slowest.truncate(SLOWEST);
        }
        match (&run.report.verdict, finished.outcome()) {
            (Verdict::Skipped { missing }, _) => add(&mut self.skipped, missing, name),
            (Verdict::Inconclusive { why }, _) => add(&mut self.inconclusive, why, name),
            (_, Outcome::UnexpectedPass) => self.passed.push(name),
            (_, Outcome::UnexpectedFail) => self.failed.push((name, finished.why().unwrap_or_default())),
            (Verdict::Pass | Verdict::Fail(_), _) => {}
        }
    }

    /// Notes a file that is wrong by its first mistake.
    pub(super) fn invalid(&mut self, mistake: String) {
        self.invalid.push(mistake);
    }

    /// The sections that have something to say, the gravest last; the next target begins anew.
    pub(super) fn take(&mut self, ending: &Ending<'_>) -> Vec<String> {
        let Self { style, with_times, .. } = *self;
        let this = std::mem::replace(self, Self::new(style, with_times));
        let mut sections = Vec::new();
        let mut section = |title: &str, lines: Vec<String>| {
            if !lines.is_empty() {
                sections.push(format!("{}\n{}", style.strong(title), lines.join("\n")));
            }
        };
        if with_times {
            section("slowest", slowest(&this.slowest, is_real(ending.target), style));
        }
        section("skipped, for lack of", reasons(&this.skipped));
        let title = format!("known deviations of {}", ending.target.id);
        section(&title, ending.met.iter().map(|met| deviation(met, style)).collect());
        section("inconclusive", reasons(&this.inconclusive));
        section("passed, but known to fail", this.passed.iter().map(|name| format!("  {name}")).collect());
        section("invalid", this.invalid.iter().map(|mistake| format!("  {mistake}")).collect());
        let failed = |(name, why): &(String, String)| format!("  {name}  {}", style.faint(why));
        section("failed", this.failed.iter().map(failed).collect());
        sections
    }
}

fn add(reasons: &mut Reasons, why: &str, name: String) {
    reasons.entry(why.to_owned()).or_insert((0, name)).0 += 1;
}

/// The most frequent first.
fn reasons(reasons: &Reasons) -> Vec<String> {
    let mut sorted: Vec<_> = reasons.iter().collect();
    sorted.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    sorted
        .into_iter()
        .map(|(why, (count, example))| match count {
            1 => format!("  {count:>4}  {why}: {example}"),
            _ => format!("  {count:>4}  {why}, such as {example}"),
        })
        .collect()
}

fn slowest(runs: &[(Duration, String, i64)], is_real: bool, style: Style) -> Vec<String> {
    let line = |(wall, name, target): &(Duration, String, i64)| {
        let target = if is_real { format!("  {} on the target", seconds(*target)) } else { String::new() };
        format!("  {:>8.3} s  {name}{}", wall.as_secs_f64(), style.faint(target))
    };
    runs.iter().map(line).collect()
}

/// An entry of the ledger that tests failed by, with how many.
fn deviation((ledger, deviation, count): &(&Ledger, &Deviation, usize), style: Style) -> String {
    let link = deviation.link.as_ref().map(|link| format!(" {link}")).unwrap_or_default();
    format!(
        "  {:<8}  {} ({}): {}{link}  {}",
        deviation.kind.name(),
        deviation.text,
        plural(*count, "test"),
        deviation.reason,
        style.faint(ledger.sources.describe(deviation.at)),
    )
}

/// How many of each, those that there are: `3 passed, 1 skipped`.
pub(super) fn counts(tally: &Tally, style: Style) -> String {
    let mut parts = vec![style.good(format!("{} passed", tally.pass - tally.unexpected_pass))];
    for (count, word, is_bad) in [
        (tally.fail - tally.known, "failed", true),
        (tally.unexpected_pass, "passed unexpectedly", true),
        (tally.known, "failed as known", false),
        (tally.inconclusive, "inconclusive", false),
        (tally.skipped, "skipped", false),
        (tally.invalid, "invalid", true),
        (tally.not_run, "not run", true),
        (tally.stale, "stale in the ledger", true),
    ] {
        if count > 0 {
            let text = format!("{count} {word}");
            parts.push(if is_bad { style.bad(text) } else { style.unsure(text) });
        }
    }
    parts.join(", ")
}

/// The last line of a target's part.
#[must_use]
pub fn summary_text(tally: &Tally, target: &str, wall: Duration, style: Style) -> String {
    let repeated = match tally.repeated {
        0 => String::new(),
        1 => ", 1 run repeated".to_owned(),
        count => format!(", {count} runs repeated"),
    };
    format!(
        "{} on {target}: {}{repeated}, in {:.2} s",
        style.strong(plural(tally.total(), "test")),
        counts(tally, style),
        wall.as_secs_f64()
    )
}

/// That so many runs are missing in a report.
pub(super) fn not_made(count: usize) -> String {
    if count == 1 { "1 run was not made".to_owned() } else { format!("{count} runs were not made") }
}

pub(super) fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}
