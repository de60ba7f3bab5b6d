//! A run as the XML that CI systems read: a test suite for each target and area.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestRerun, TestSuite};

use super::event::{area, first_mistake, name};
use super::summary::not_made;
use super::{Ending, Finished, Outcome, Reporter, RunEvent, Style};

/// Collects all runs and writes the document at the end.
#[derive(Debug, Default)]
pub struct JunitReport {
    target: (String, String),
    /// Target and area of each suite.
    suites: Vec<((String, String), TestSuite)>,
    wall: Duration,
}

impl Reporter for JunitReport {
    fn report(&mut self, event: &RunEvent<'_>) -> String {
        match event {
            RunEvent::Planned(_) => {}
            RunEvent::Begins(target) => self.target = (target.id.clone(), target.version.clone()),
            RunEvent::Invalid { id, mistakes } => {
                let (why, _) = first_mistake(mistakes);
                let mut status = problem(NonSuccessKind::Error, Outcome::Invalid.name(), &why);
                status.set_description(mistakes.render(false));
                self.add(area(id), TestCase::new(*id, status));
            }
            RunEvent::Finished(finished) => self.finished(finished),
            RunEvent::NotRun { case, repeat } => {
                let mut status = TestCaseStatus::skipped();
                status.set_type("not-run").set_message("not run: the whole was cut short");
                self.add(area(&case.id), TestCase::new(name(case, *repeat), status));
            }
            RunEvent::Stale { deviation, line } => {
                let why = format!("no test of the tree matches this entry of the ledger (line {line})");
                let status = problem(NonSuccessKind::Failure, Outcome::StaleLedger.name(), &why);
                self.add("ledger", TestCase::new(deviation.text.as_str(), status));
            }
            RunEvent::Ends(ending) => self.ends(ending),
            RunEvent::Over => return self.document(),
        }
        String::new()
    }
}

impl JunitReport {
    fn finished(&mut self, finished: &Finished<'_>) {
        let run = finished.run;
        let mut test = TestCase::new(finished.name(), status(finished));
        test.set_time(run.wall);
        let files: Vec<String> =
            finished.files().iter().map(|(name, path)| format!("{name}: {path}")).collect();
        if !files.is_empty() {
            test.set_system_out(files.join("\n"));
        }
        self.add(area(&finished.case.id), test);
    }

    /// A whole that was cut short must not look like one that passed.
    fn ends(&mut self, ending: &Ending<'_>) {
        self.wall += ending.wall;
        let left = ending.tally.not_run;
        if left > 0 {
            let status = problem(NonSuccessKind::Error, "cut-short", &not_made(left));
            self.add("tcpdrill", TestCase::new("all runs are made", status));
        }
    }

    fn add(&mut self, area: &str, mut test: TestCase) {
        test.set_classname(area);
        let key = (self.target.0.clone(), area.to_owned());
        let at = self.suites.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            let mut suite = TestSuite::new(format!("{}/{area}", key.0));
            suite.add_property(Property::new("target", key.0.as_str()));
            suite.add_property(Property::new("version", self.target.1.as_str()));
            self.suites.push((key, suite));
            self.suites.len() - 1
        });
        if let Some((_, suite)) = self.suites.get_mut(at) {
            let time = suite.time.unwrap_or_default() + test.time.unwrap_or_default();
            suite.set_time(time);
            suite.add_test_case(test);
        }
    }

    fn document(&mut self) -> String {
        let mut report = Report::new("tcpdrill");
        report.set_time(self.wall);
        report.add_test_suites(std::mem::take(&mut self.suites).into_iter().map(|(_, suite)| suite));
        let text = report.to_string().expect("writing into memory does not fail");
        // The strictest reader, Jenkins' xUnit plugin, knows this attribute of suites, but not of the whole.
        text.replacen(&format!(" skipped=\"{}\"", report.skipped), "", 1)
    }
}

fn problem(kind: NonSuccessKind, ty: &str, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(ty).set_message(message);
    status
}

fn status(finished: &Finished<'_>) -> TestCaseStatus {
    let outcome = finished.outcome();
    let why = finished.why().unwrap_or_default();
    let mut status = match outcome {
        Outcome::AsExpected if finished.deviation.is_none() => TestCaseStatus::success(),
        Outcome::AsExpected | Outcome::Skipped => {
            let mut status = TestCaseStatus::skipped();
            let ty = if outcome == Outcome::Skipped { "skipped" } else { "known-deviation" };
            status.set_type(ty).set_message(why);
            status
        }
        Outcome::Inconclusive => problem(NonSuccessKind::Error, outcome.name(), &why),
        Outcome::UnexpectedFail | Outcome::UnexpectedPass | Outcome::Invalid | Outcome::StaleLedger => {
            problem(NonSuccessKind::Failure, outcome.name(), &why)
        }
    };
    if outcome == Outcome::UnexpectedFail {
        status.set_description((finished.page)(Style::default()));
    }
    status.add_reruns(finished.run.repeated.iter().map(|again| {
        let mut rerun = TestRerun::new(NonSuccessKind::Error);
        rerun.set_type("repeated").set_message(again.as_str());
        rerun
    }));
    status
}
