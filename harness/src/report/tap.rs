//! A run in the Test Anything Protocol, with diagnostics in YAML.

use std::fmt::Write;

use super::event::{first_mistake, name};
use super::summary::not_made;
use super::{Ending, Finished, Outcome, Reporter, RunEvent, Style};

/// The protocol's version: what the harness of Perl, and all others, read.
const VERSION: u32 = 13;

/// Writes a line for each run as it ends.
#[derive(Debug, Default)]
pub struct TapReport {
    target: String,
    number: usize,
    not_run: usize,
}

impl Reporter for TapReport {
    fn report(&mut self, event: &RunEvent<'_>) -> String {
        match event {
            RunEvent::Planned(count) => format!("TAP version {VERSION}\n1..{count}\n"),
            RunEvent::Begins(target) => {
                self.target.clone_from(&target.id);
                format!("# {} {}\n", text(&target.id), text(&target.version))
            }
            RunEvent::Invalid { id, mistakes } => {
                let (why, _) = first_mistake(mistakes);
                let page = mistakes.render(false);
                self.point(false, id, None, &[("outcome", "invalid"), ("message", &why)], Some(&page))
            }
            RunEvent::Finished(finished) => self.finished(finished),
            RunEvent::NotRun { .. } => {
                self.not_run += 1;
                String::new()
            }
            RunEvent::Stale { deviation, .. } => {
                let facts = [
                    ("outcome", Outcome::StaleLedger.name()),
                    ("message", "no test of the tree matches this entry of the ledger"),
                ];
                self.point(false, &format!("ledger: {}", deviation.text), None, &facts, None)
            }
            RunEvent::Ends(ending) => summary(ending),
            RunEvent::Over if self.not_run > 0 => {
                format!("Bail out! {}\n", not_made(self.not_run))
            }
            RunEvent::Over => String::new(),
        }
    }
}

impl TapReport {
    fn finished(&mut self, finished: &Finished<'_>) -> String {
        let outcome = finished.outcome();
        let why = finished.why().unwrap_or_default();
        let is_known = finished.deviation.is_some();
        let (is_ok, directive) = match outcome {
            Outcome::AsExpected if is_known => (false, Some(format!("TODO {why}"))),
            Outcome::AsExpected => (true, None),
            Outcome::Skipped => (true, Some(format!("SKIP {why}"))),
            Outcome::UnexpectedFail
            | Outcome::UnexpectedPass
            | Outcome::Inconclusive
            | Outcome::Invalid
            | Outcome::StaleLedger => (false, None),
        };
        let name = name(finished.case, finished.repeat);
        let run = finished.run;
        if outcome == Outcome::Skipped || (is_ok && run.attempts < 2) {
            return self.point(is_ok, &name, directive.as_deref(), &[], None);
        }
        let (duration, attempts) = (run.wall.as_millis().to_string(), run.attempts.to_string());
        let files = finished.files();
        let mut facts = vec![("outcome", outcome.name())];
        if !why.is_empty() {
            facts.push(("message", &why));
        }
        facts.extend([("duration_ms", duration.as_str()), ("attempts", attempts.as_str())]);
        facts.extend(run.repeated.iter().map(|again| ("repeated", again.as_str())).take(1));
        facts.extend(files.iter().map(|(name, path)| (*name, path.as_str())));
        let page = (outcome == Outcome::UnexpectedFail).then(|| (finished.page)(Style::default()));
        self.point(is_ok, &name, directive.as_deref(), &facts, page.as_deref())
    }

    /// A test point with its diagnostics.
    fn point(
        &mut self,
        is_ok: bool,
        name: &str,
        directive: Option<&str>,
        facts: &[(&str, &str)],
        page: Option<&str>,
    ) -> String {
        self.number += 1;
        let word = if is_ok { "ok" } else { "not ok" };
        let mut line = format!("{word} {} - {}: {}", self.number, text(&self.target), text(name));
        if let Some(directive) = directive {
            let _ = write!(line, " # {}", one_line(directive));
        }
        line.push('\n');
        if facts.is_empty() {
            return line;
        }
        line.push_str("  ---\n");
        for (key, value) in facts {
            let _ = writeln!(line, "  {key}: {}", serde_json::Value::from(*value));
        }
        if let Some(page) = page {
            line.push_str("  page: |\n");
            // An empty line has its indent too: Perl's reader would take it for the end of the block.
            page.lines().for_each(|row| line.push_str(&format!("    {row}\n")));
        }
        line.push_str("  ...\n");
        line
    }
}

fn summary(ending: &Ending<'_>) -> String {
    let line = super::summary_text(ending.tally, &ending.target.id, ending.wall, Style::default());
    format!("# {line}\n")
}

/// Text of a description: `#` would begin a directive.
fn text(text: &str) -> String {
    one_line(text).replace('\\', "\\\\").replace('#', "\\#")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
