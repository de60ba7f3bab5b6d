//! What people and programs read: lines of a run, pages of failures, JSON, JUnit, TAP.

mod aligned;
mod bytes;
mod compare;
mod coverage;
mod doctor;
mod event;
mod excerpt;
mod failure;
mod fold;
mod json;
mod junit;
mod ladder;
mod meaning;
mod outcome;
mod problem;
mod style;
mod summary;
mod tap;
mod text;

pub use compare::{
    CompareFinding, CompareTally, Compared, comparison_line, comparison_page, comparison_summary_line,
    comparison_summary_text, comparison_text,
};
pub use coverage::{
    Coverage, Covered, Outlook, Show, Verdicts, coverage_lines, coverage_text, requirements_text,
    tests_lines, tests_text,
};
pub use doctor::{Finding, State, diagnose, diagnosis_lines, diagnosis_text, skips};
pub use event::{Ending, Finished, Reporter, RunEvent};
pub use failure::{FailureContext, explanation, failure_page};
pub use json::{JsonReport, case_line};
pub use junit::JunitReport;
pub use outcome::{Outcome, Tally};
pub use style::{Style, USUAL_WIDTH};
pub use summary::summary_text;
pub use tap::TapReport;
pub use text::{Detail, TextReport, case_text};
