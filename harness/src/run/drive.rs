//! One run: the engine's wants become calls of the target, and what comes back becomes its inputs and a trace.

use crate::case::Case;
use crate::engine::{Act, Engine, Input, Report, Want};
use crate::target::replay::{Replay, describe};
use crate::target::{Target, TargetError};
use crate::time::Timestamp;
use crate::trace::{Entry, Trace, Why};

/// Runs a case on a target to its end, and destroys what is left of it.
pub(super) fn drive(case: &Case, mut target: Box<dyn Target>, entries: &mut Vec<Entry>) -> Report {
    let engine = Engine::new(case, target.info().timing);
    let mut report = interpret(engine, target.as_mut(), entries);
    match target.finish() {
        Ok(left) => {
            for observation in left {
                let entry = Entry::of(&observation);
                if let Entry::Emitted { at, packet } = entry {
                    report.tear_down(Timestamp(at), &packet);
                    entries.push(Entry::Teardown { at, packet });
                }
            }
        }
        Err(error) => report.disturbed(&error.to_string()),
    }
    entries.push(Entry::Verdict(report.verdict.name().to_owned()));
    report
}

fn interpret(mut engine: Engine<'_>, target: &mut dyn Target, entries: &mut Vec<Entry>) -> Report {
    loop {
        let input = match engine.poll() {
            Want::Done => return engine.report(),
            Want::Advance(until) => match target.advance(until) {
                Ok(Some(observation)) => {
                    entries.push(Entry::of(&observation));
                    Input::Observed(observation)
                }
                Ok(None) => {
                    entries.push(Entry::Reached(until.0));
                    Input::Reached(until)
                }
                Err(error) => Input::Refused(error),
            },
            Want::Act { step, due, act } => {
                let (what, done) = perform(target, &act);
                match done {
                    Ok(at) => {
                        entries.push(Entry::Acted { step, due: due.0, at: at.0, what });
                        Input::Acted { at }
                    }
                    Err(error) => {
                        let why = match &error {
                            TargetError::Missing(missing) => Why::Missing(missing.clone()),
                            TargetError::Unusable(why) | TargetError::Broken(why) => Why::Broken(why.clone()),
                        };
                        entries.push(Entry::Refused { step, what, why });
                        Input::Refused(error)
                    }
                }
            }
            Want::Inspect(what) => {
                let answer = target.inspect(&what).map_err(|error| error.to_string());
                entries.push(Entry::Inspected {
                    what: describe::inspection(&what),
                    value: answer.clone().ok(),
                    missing: answer.clone().err(),
                });
                Input::Inspected(answer)
            }
        };
        engine.handle(input);
    }
}

fn perform(target: &mut dyn Target, act: &Act) -> (String, Result<Timestamp, TargetError>) {
    match act {
        Act::Inject(packet) => (describe::packet(packet), target.inject(packet)),
        Act::Submit(submission) => (describe::submission(submission), target.submit(submission)),
        Act::Configure(setting) => (describe::setting(setting), target.configure(setting)),
        Act::Signal { thread, signal, restart } => {
            (describe::signal(*thread, *signal, *restart), target.signal(*thread, *signal, *restart))
        }
    }
}

/// Why a trace gives no verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The case does not ask for what the trace has.
    #[error("{0}")]
    Misfit(String),
}

/// Derives the verdict of a trace again, without its target.
///
/// # Errors
/// [`ReplayError::Misfit`] where the trace is not one of this case.
pub fn replay(case: &Case, trace: &Trace) -> Result<Report, ReplayError> {
    let mut target = Replay::new(trace);
    let engine = Engine::new(case, trace.header.timing);
    let mut report = interpret(engine, &mut target, &mut Vec::new());
    if let Some(why) = target.misfit_found() {
        return Err(ReplayError::Misfit(why));
    }
    for entry in &trace.entries {
        if let Entry::Teardown { at, packet } = entry {
            report.tear_down(Timestamp(*at), packet);
        }
    }
    Ok(report)
}
