//! `tcpdrill doctor`.

use super::args::LookArguments;
use super::output::Output;

#[cfg(all(feature = "linux", target_os = "linux"))]
pub(super) use here::doctor;

/// Says that there is nothing to look at; the exit status.
#[cfg(not(all(feature = "linux", target_os = "linux")))]
pub(super) fn doctor(_arguments: &LookArguments, output: &mut Output) -> u8 {
    output.complain(
        "the Linux target needs Linux, and a build with the feature \"linux\"",
        Some("the target bundled needs nothing of the system: tcpdrill run"),
    );
    super::UNUSABLE
}

#[cfg(all(feature = "linux", target_os = "linux"))]
mod here {
    use crate::case::Case;
    use crate::report::{Finding, State, diagnose, diagnosis_lines, diagnosis_text, skips};
    use crate::run::{LedgerError, RunOptions, Tree, foreseen_skips};
    use crate::target::linux::{LinuxFactory, examine};
    use crate::target::{TargetError, TargetFactory};
    use crate::verdict::Ledger;

    use super::super::args::Format;
    use super::super::run::{default_jobs, show_ledger_error};
    use super::super::{SUCCESS, UNUSABLE, WRONG};
    use super::{LookArguments, Output};

    /// Says whether the Linux target can run here, and if not, why; the exit status.
    pub(in super::super) fn doctor(arguments: &LookArguments, output: &mut Output) -> u8 {
        // First of all: it may have to happen before this process has threads.
        let machine = examine();
        let (loaded, trees) = match arguments.select.load(output) {
            Ok(loaded) => loaded,
            Err(status) => return status,
        };
        output.mistakes(&loaded);
        let ledgers: Result<Vec<Ledger>, LedgerError> =
            trees.iter().map(|tree: &Tree| tree.ledger("linux")).collect();
        let ledgers = match ledgers {
            Ok(ledgers) => ledgers,
            Err(error) => {
                show_ledger_error(&error, output);
                return WRONG;
            }
        };
        let mut findings = diagnose(&machine, &ledgers.iter().collect::<Vec<_>>(), default_jobs(true));
        let is_obstacle = |finding: &Finding| finding.state == State::Obstacle;
        if !findings.iter().any(is_obstacle) {
            findings.push(match try_out(&loaded.cases) {
                Ok(why_each) => skips(&why_each),
                Err(error) => Finding::obstacle("target", error.to_string(), ""),
            });
        }
        match arguments.format {
            Format::Text => {
                output.line(&diagnosis_text(&findings, output.style()));
            }
            Format::Json => {
                for line in diagnosis_lines(&machine, &findings) {
                    output.line(&line);
                }
            }
        }
        if !loaded.invalid.is_empty() {
            WRONG
        } else if findings.iter().any(is_obstacle) {
            UNUSABLE
        } else {
            SUCCESS
        }
    }

    /// Makes the target itself, and the world of each test; why each would be skipped.
    fn try_out(cases: &[Case]) -> Result<Vec<Option<String>>, TargetError> {
        let factory = LinuxFactory::new()?;
        foreseen_skips(cases, &factory as &dyn TargetFactory, RunOptions::default())
    }
}
