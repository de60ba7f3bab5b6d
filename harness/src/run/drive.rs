//! One run: the engine's wants become calls of the target, and what comes back becomes its inputs and a trace.

use crate::case::Case;
use crate::engine::{Act, Engine, Input, Report, Want};
use crate::target::replay::{Replay, describe};
use crate::target::{Inspection, Observation, Target, TargetError};
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
        Err(error) => {
            let by = error.to_string();
            report.disturbed(&by);
            entries.push(Entry::Disturbed { at: last_moment(entries), by });
        }
    }
    entries.push(Entry::Verdict(report.verdict.name().to_owned()));
    report
}

/// When the last thing happened.
fn last_moment(entries: &[Entry]) -> i64 {
    let mut moments = entries.iter().rev().filter_map(|entry| match entry {
        Entry::Acted { at, .. }
        | Entry::Emitted { at, .. }
        | Entry::Returned { at, .. }
        | Entry::Signalled { at, .. }
        | Entry::Disturbed { at, .. }
        | Entry::Changed { at, .. }
        | Entry::Teardown { at, .. }
        | Entry::Reached(at) => Some(*at),
        Entry::Refused { .. } | Entry::Failed { .. } | Entry::Inspected { .. } | Entry::Verdict(_) => None,
    });
    moments.next().unwrap_or_default()
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
                Err(error) => failed(describe::silence(until), error, entries),
            },
            Want::Act { step, due, act } => {
                let (what, done) = perform(target, &act);
                match done {
                    Ok(at) => {
                        entries.push(Entry::Acted { step, due: due.0, at: at.0, what });
                        Input::Acted { at }
                    }
                    Err(error) => {
                        entries.push(Entry::Refused { step, what, why: Why::of(&error) });
                        Input::Refused(error)
                    }
                }
            }
            Want::Inspect(what) => inspect(target, &what, entries),
        };
        entries.extend(target.state_changes().into_iter().map(Entry::changed));
        engine.handle(input);
    }
}

fn inspect(target: &mut dyn Target, what: &Inspection, entries: &mut Vec<Entry>) -> Input {
    let answer = match target.inspect(what) {
        Ok(value) => Ok(value),
        Err(TargetError::Missing(missing)) => Err(missing),
        Err(error) => return failed(describe::inspection(what), error, entries),
    };
    entries.push(Entry::Inspected {
        what: describe::inspection(what),
        value: answer.clone().ok(),
        missing: answer.clone().err(),
    });
    Input::Inspected(answer)
}

/// The target cannot go on, or cannot look.
fn failed(what: String, error: TargetError, entries: &mut Vec<Entry>) -> Input {
    entries.push(Entry::Failed { what, why: Why::of(&error) });
    Input::Refused(error)
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
/// [`ReplayError::Misfit`] where the trace is not one of this case, or not a whole one.
pub fn replay(case: &Case, trace: &Trace) -> Result<Report, ReplayError> {
    if trace.header.case != case.id {
        let why = format!("the trace is of {}, the case is {}", trace.header.case, case.id);
        return Err(ReplayError::Misfit(why));
    }
    let mut target = Replay::new(trace);
    let engine = Engine::new(case, trace.header.timing);
    let mut report = interpret(engine, &mut target, &mut Vec::new());
    while let Some(observation) = target.after_the_end().map_err(ReplayError::Misfit)? {
        match observation {
            Observation::Emitted { at, packet } => report.tear_down(at, &packet),
            Observation::Disturbed { by, .. } => report.disturbed(&by),
            Observation::Returned { .. } | Observation::Signalled { .. } => {}
        }
    }
    Ok(report)
}
