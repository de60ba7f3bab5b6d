//! A run for a person, line by line.

use std::path::PathBuf;

use crate::case::Case;
use crate::run::CaseRun;
use crate::verdict::{Deviation, Verdict};

use super::event::{area, first_mistake};
use super::summary::{Summary, not_made};
use super::{Ending, Finished, Outcome, Reporter, RunEvent, Style, Tally};

/// Width of the column of case ids.
const ID_WIDTH: usize = 44;

/// How much is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Only what is not as expected, and the last line.
    Quiet,
    /// A line for each area, and a summary.
    #[default]
    Normal,
    /// A line for each run as well, and which of them took longest.
    Verbose,
}

/// Says what happens as it happens: areas that are done, pages of failures; a summary at the end.
#[derive(Debug, Default)]
pub struct TextReport {
    style: Style,
    detail: Detail,
    captures: PathBuf,
    /// The area whose tests run at present, and how they went.
    area: Option<(String, Tally)>,
    summary: Summary,
    /// Whether the last thing written was a page, which stands apart from what follows.
    after_page: bool,
}

impl TextReport {
    /// Nothing has happened yet. `with_times`: also say which tests took longest, although that is never twice the same.
    #[must_use]
    pub fn new(style: Style, detail: Detail, with_times: bool, captures: PathBuf) -> Self {
        let summary = Summary::new(style, with_times);
        Self { style, detail, captures, area: None, summary, after_page: false }
    }

    /// A run is over.
    fn finished(&mut self, finished: &Finished<'_>) -> String {
        let mut lines = String::new();
        let area = area(&finished.case.id);
        if self.area.as_ref().is_none_or(|(known, _)| known != area) {
            lines = self.area_ends();
            self.area = Some((area.to_owned(), Tally::default()));
        }
        if let Some((_, tally)) = &mut self.area {
            tally.count(&finished.run.report.verdict, finished.deviation.is_some());
        }
        self.summary.count(finished);
        if self.detail == Detail::Verbose {
            let line = case_text(finished.case, finished.run, finished.deviation, self.style);
            lines.push_str(&self.line(&line));
        }
        if finished.outcome() == Outcome::UnexpectedFail {
            lines.push_str(&format!("\n{}\n", (finished.page)(self.style)));
            self.after_page = true;
        }
        lines
    }

    /// The line of an area, if one has been begun.
    fn area_ends(&mut self) -> String {
        let Some((area, tally)) = self.area.take() else { return String::new() };
        if self.detail != Detail::Normal {
            return String::new();
        }
        self.line(&format!("  {area:<16} {}", super::summary::counts(&tally, self.style)))
    }

    fn line(&mut self, text: &str) -> String {
        let apart = if std::mem::take(&mut self.after_page) { "\n" } else { "" };
        format!("{apart}{text}\n")
    }

    fn ends(&mut self, ending: &Ending<'_>) -> String {
        let mut text = self.area_ends();
        let sections = self.summary.take(ending);
        if self.detail > Detail::Quiet {
            sections.iter().for_each(|section| text.push_str(&format!("\n{section}\n")));
        }
        // A quiet run of which nothing is to be said is a single line.
        if std::mem::take(&mut self.after_page) || self.detail > Detail::Quiet {
            text.push('\n');
        }
        let left = ending.tally.not_run;
        if left > 0 {
            let why = if ending.is_interrupted { "interrupted" } else { "ended early" };
            let why = format!("{why}: {}", not_made(left));
            text.push_str(&format!("{}\n", self.style.bad(why)));
        }
        let last = super::summary_text(ending.tally, &ending.target.id, ending.wall, self.style);
        text.push_str(&format!("{last}\n"));
        if self.detail != Detail::Quiet {
            let place = self.captures.join(&ending.target.id);
            text.push_str(&format!("captures and traces are in {}\n", place.display()));
        }
        text
    }
}

impl Reporter for TextReport {
    fn report(&mut self, event: &RunEvent<'_>) -> String {
        match event {
            RunEvent::Begins(target) if self.detail != Detail::Quiet => {
                format!("{} {}\n", self.style.strong(&target.id), target.version)
            }
            RunEvent::Invalid { mistakes, .. } => {
                self.summary.invalid(first_mistake(mistakes).0);
                String::new()
            }
            RunEvent::Finished(finished) => self.finished(finished),
            RunEvent::Ends(ending) => self.ends(ending),
            RunEvent::Planned(_)
            | RunEvent::Begins(_)
            | RunEvent::NotRun { .. }
            | RunEvent::Stale { .. }
            | RunEvent::Over => String::new(),
        }
    }
}

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

/// Nanoseconds as seconds with three decimals.
pub(super) fn seconds(nanos: i64) -> String {
    let millis = nanos / 1_000_000;
    format!("{}.{:03} s", millis / 1_000, millis % 1_000)
}
