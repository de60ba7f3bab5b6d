//! What people and programs read: lines of a run, pages of failures, JSON.

mod aligned;
mod bytes;
mod coverage;
mod doctor;
mod excerpt;
mod failure;
mod fold;
mod json;
mod ladder;
mod meaning;
mod outcome;
mod problem;
mod style;
mod text;

pub use coverage::{
    Coverage, Covered, Outlook, Show, Verdicts, coverage_lines, coverage_text, requirements_text,
    tests_lines, tests_text,
};
pub use doctor::{Finding, State, diagnose, diagnosis_lines, diagnosis_text, skips};
pub use failure::{FailureContext, explanation, failure_page};
pub use json::{case_line, invalid_line, stale_line, summary_line};
pub use outcome::{Outcome, Tally};
pub use style::{Style, USUAL_WIDTH};
pub use text::{case_text, deviations_text, summary_text};
