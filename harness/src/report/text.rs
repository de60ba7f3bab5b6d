//! Lines of a run for a person.

use std::time::Duration;

use crate::case::Case;
use crate::run::CaseRun;
use crate::verdict::{Deviation, Ledger, Verdict};

use super::{Style, Tally};

/// Width of the column of case ids.
const ID_WIDTH: usize = 44;

/// One line for one run: verdict, case, time that passed for the target. What is known of the test stands for what
/// went wrong.
#[must_use]
pub fn case_text(case: &Case, run: &CaseRun, deviation: Option<&Deviation>, style: Style) -> String {
    let (word, after) = match (&run.report.verdict, deviation) {
        (Verdict::Pass, None) => (style.good("pass"), String::new()),
        (Verdict::Pass, Some(deviation)) => {
            (style.bad("PASS"), format!("known to fail ({})", deviation.kind.name()))
        }
        (Verdict::Fail(_), Some(deviation)) => {
            (style.unsure("fail"), format!("known ({}): {}", deviation.kind.name(), deviation.reason))
        }
        (Verdict::Fail(mismatches), None) => {
            let first = mismatches.first().map(|mismatch| mismatch.problem.to_string()).unwrap_or_default();
            (style.bad("FAIL"), first)
        }
        (Verdict::Inconclusive { why }, _) => (style.unsure("????"), format!("inconclusive: {why}")),
        (Verdict::Skipped { missing }, _) => (style.unsure("skip"), format!("for lack of {missing}")),
    };
    let time = match run.trace {
        Some(_) => format!("{:>10}", seconds(run.target_time.0)),
        None => " ".repeat(10),
    };
    let again = match run.attempts {
        0 | 1 => String::new(),
        attempts => format!("  ({attempts} attempts)"),
    };
    let mut line = format!("{word}  {:<ID_WIDTH$} {}{again}", case.id, style.faint(time));
    if !after.is_empty() {
        line.push_str("  ");
        line.push_str(&after);
    }
    line.trim_end().to_owned()
}

/// The last line of a run.
#[must_use]
pub fn summary_text(tally: &Tally, target: &str, wall: Duration, style: Style) -> String {
    let mut parts = vec![style.good(format!("{} passed", tally.pass - tally.unexpected_pass))];
    for (count, word, is_bad) in [
        (tally.fail - tally.known, "failed", true),
        (tally.unexpected_pass, "passed unexpectedly", true),
        (tally.known, "failed as known", false),
        (tally.inconclusive, "inconclusive", false),
        (tally.skipped, "skipped", false),
        (tally.invalid, "invalid", true),
    ] {
        if count > 0 {
            let text = format!("{count} {word}");
            parts.push(if is_bad { style.bad(text) } else { style.unsure(text) });
        }
    }
    let repeated = match tally.repeated {
        0 => String::new(),
        1 => ", 1 run repeated".to_owned(),
        count => format!(", {count} runs repeated"),
    };
    let stale = match tally.stale {
        0 => String::new(),
        count => format!(", {}", style.bad(format!("{count} stale in the ledger"))),
    };
    let took = format!("{:.2} s", wall.as_secs_f64());
    format!(
        "{} on {target}: {}{stale}{repeated}, in {took}",
        style.strong(plural(tally.total(), "test")),
        parts.join(", ")
    )
}

/// The known deviations that a run came upon, one entry of the ledger a line, with how many tests it is about.
#[must_use]
pub fn deviations_text(met: &[(&Ledger, &Deviation, usize)], target: &str, style: Style) -> String {
    let mut lines = vec![style.strong(format!("known deviations of {target}"))];
    for (ledger, deviation, count) in met {
        let link = deviation.link.as_ref().map(|link| format!(" {link}")).unwrap_or_default();
        lines.push(format!(
            "  {:<8}  {} ({}): {}{link}  {}",
            deviation.kind.name(),
            deviation.text,
            plural(*count, "test"),
            deviation.reason,
            style.faint(ledger.sources.describe(deviation.at)),
        ));
    }
    lines.join("\n")
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// Nanoseconds as seconds with three decimals.
fn seconds(nanos: i64) -> String {
    let millis = nanos / 1_000_000;
    format!("{}.{:03} s", millis / 1_000, millis % 1_000)
}
