//! `tcpdrill compare`.

mod live;
mod recorded;

use std::time::{Duration, Instant};

use crate::case::Case;
use crate::compare::{Comparison, Ignored, Side, compare as compare_runs};
use crate::report::{
    CompareFinding, CompareTally, Compared, comparison_line, comparison_page, comparison_summary_line,
    comparison_summary_text, comparison_text,
};
use crate::verdict::Verdict;

use super::WRONG;
use super::args::{CompareArguments, Format};
use super::output::Output;
use super::run::now;

/// Compares two targets on what is selected, or two traces; the exit status.
pub(super) fn compare(arguments: &CompareArguments, output: &mut Output) -> u8 {
    let names = arguments.ignore.iter().map(String::as_str);
    let ignored = match Ignored::parse(names) {
        Ok(ignored) => ignored,
        Err((text, help)) => {
            output.complain(&text, Some(&help));
            return WRONG;
        }
    };
    let start = now();
    let session =
        Session { arguments, ignored, output, tally: CompareTally::default(), start, is_single: false };
    if recorded::are_meant(arguments) { recorded::compare(session) } else { live::compare(session) }
}

/// What both ways to compare share.
struct Session<'a> {
    arguments: &'a CompareArguments,
    ignored: Ignored,
    output: &'a mut Output,
    tally: CompareTally,
    start: Instant,
    /// There is one test: all of it is shown.
    is_single: bool,
}

impl Session<'_> {
    /// What the two runs of a case say. `known` is the reason why a target fails it.
    fn finding(&self, case: &Case, a: Side<'_>, b: Side<'_>, known: Option<&str>) -> CompareFinding {
        for side in [a, b] {
            if let Verdict::Skipped { missing } = &side.report.verdict {
                return CompareFinding::Skipped(format!("{} lacks {missing}", side.name));
            }
        }
        for side in [a, b] {
            if let Verdict::Inconclusive { why } = &side.report.verdict {
                return CompareFinding::Inconclusive(format!("{}: {why}", side.name));
            }
        }
        let comparison: Comparison = compare_runs(case, a, b, &self.ignored);
        match (comparison.first(), known) {
            (None, _) => CompareFinding::Equal(comparison),
            (Some(_), Some(reason)) => CompareFinding::Known(comparison, reason.to_owned()),
            (Some(_), None) => CompareFinding::Differs(comparison),
        }
    }

    /// One test is compared. False: nobody reads any more.
    fn tell(&mut self, compared: &Compared<'_>) -> bool {
        self.tally.count(compared.finding);
        let style = self.output.style();
        if self.arguments.format == Format::Json {
            return self.output.line(&comparison_line(compared));
        }
        let is_shown = self.arguments.ladders && matches!(compared.finding, CompareFinding::Differs(_));
        if self.is_single || is_shown {
            let page = comparison_page(compared, style);
            return self.output.line(&page) && self.output.line("");
        }
        comparison_text(compared, style).is_none_or(|text| self.output.line(&text))
    }

    /// The summary; the exit status.
    fn conclude(self, names: (&str, &str)) -> u8 {
        let wall: Duration = now() - self.start;
        let line = match self.arguments.format {
            Format::Json => comparison_summary_line(&self.tally, wall),
            Format::Text => comparison_summary_text(&self.tally, names, wall, self.output.style()),
        };
        self.output.line(&line);
        self.tally.exit_status()
    }
}
