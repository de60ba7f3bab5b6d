//! One run: the engine's wants become calls of the target, and what comes back becomes its inputs and a trace.

use crate::case::Case;
use crate::engine::{Act, Engine, Input, Report, Want};
use crate::target::replay::{Replay, describe};
use crate::target::{Inspection, Observation, Target, TargetError, Timing};
use crate::time::{Span, Timestamp};
use crate::trace::{Entry, Trace, Why};

/// What is recorded while a run goes on. Acts become text only when it is over: spelling out what a large write sends
/// takes longer than a real clock forgives.
#[derive(Default)]
struct Record {
    notes: Vec<Note>,
    /// How many of the engine's events have been looked at.
    seen: usize,
}

enum Note {
    Entry(Entry),
    Acted { step: Option<usize>, due: Timestamp, act: Act, done: Result<Timestamp, TargetError> },
}

impl Record {
    fn push(&mut self, entry: Entry) {
        self.notes.push(Note::Entry(entry));
    }

    /// Notes what the link did to packets.
    fn follow(&mut self, engine: &Engine<'_>) {
        let events = engine.events();
        for event in events.get(self.seen..).unwrap_or_default() {
            for fate in &event.fates {
                let (packet, fate) = (event.text.clone(), fate.to_string());
                self.push(Entry::OnTheWay { at: event.at.0, packet, fate });
            }
        }
        self.seen = events.len();
    }

    fn into_entries(self) -> Vec<Entry> {
        let entry = |note| match note {
            Note::Entry(entry) => entry,
            Note::Acted { step, due, act, done: Ok(at) } => {
                Entry::Acted { step, due: due.0, at: at.0, what: spell(&act) }
            }
            Note::Acted { step, due: _, act, done: Err(error) } => {
                Entry::Refused { step, what: spell(&act), why: Why::of(&error) }
            }
        };
        self.notes.into_iter().map(entry).collect()
    }
}

/// Runs a case on a target to its end, and destroys what is left of it. Also gives the trace.
/// Where `stop` says so the run ends as if the target had broken.
pub(super) fn drive(
    case: &Case,
    mut target: Box<dyn Target>,
    seed: u64,
    stop: &dyn Fn() -> bool,
) -> (Report, Vec<Entry>) {
    let engine = Engine::new(case, target.info().timing, seed);
    let mut record = Record::default();
    let mut report = interpret(engine, target.as_mut(), &mut record, Some(stop));
    let left = target.finish();
    let mut entries = record.into_entries();
    match left {
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
            entries.push(Entry::Disturbed { at: last_moment(&entries), by });
        }
    }
    entries.push(Entry::Verdict(report.verdict.name().to_owned()));
    (report, entries)
}

/// So long a target on a real clock is left alone, at most about twice.
const PORTION: Span = Span::millis(100);

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
        | Entry::OnTheWay { at, .. }
        | Entry::Reached(at) => Some(*at),
        Entry::Refused { .. } | Entry::Failed { .. } | Entry::Inspected { .. } | Entry::Verdict(_) => None,
    });
    moments.next().unwrap_or_default()
}

fn interpret(
    mut engine: Engine<'_>,
    target: &mut dyn Target,
    record: &mut Record,
    stop: Option<&dyn Fn() -> bool>,
) -> Report {
    loop {
        let want = engine.poll();
        record.follow(&engine);
        let input = match want {
            Want::Done => return engine.report(),
            Want::Advance(until) => match advance(target, until, stop) {
                Ok(Some(observation)) => {
                    record.push(Entry::of(&observation));
                    Input::Observed(observation)
                }
                Ok(None) => {
                    record.push(Entry::Reached(until.0));
                    Input::Reached(until)
                }
                Err(error) => failed(describe::silence(until), error, record),
            },
            Want::Act { step, due, act } => {
                let done = perform(target, &act);
                record.notes.push(Note::Acted { step, due, act, done: done.clone() });
                done.map_or_else(Input::Refused, |at| Input::Acted { at })
            }
            Want::Inspect(what) => inspect(target, &what, record),
        };
        target.state_changes().into_iter().map(Entry::changed).for_each(|entry| record.push(entry));
        engine.handle(input);
        record.follow(&engine);
    }
}

/// Lets time pass. On a real clock in portions: whoever wants to stop does not wait for the end of a long silence.
fn advance(
    target: &mut dyn Target,
    until: Timestamp,
    stop: Option<&dyn Fn() -> bool>,
) -> Result<Option<Observation>, TargetError> {
    while let (Some(stop), Timing::Real(_)) = (stop, target.info().timing) {
        if stop() {
            return Err(TargetError::Broken("interrupted".to_owned()));
        }
        let portion = target.now() + PORTION;
        // A rest that is hardly worth a portion of its own goes with the last one.
        if until < portion + PORTION {
            break;
        }
        if let Some(observation) = target.advance(portion)? {
            return Ok(Some(observation));
        }
    }
    target.advance(until)
}

fn inspect(target: &mut dyn Target, what: &Inspection, record: &mut Record) -> Input {
    let answer = match target.inspect(what) {
        Ok(value) => Ok(value),
        Err(TargetError::Missing(missing)) => Err(missing),
        Err(error) => return failed(describe::inspection(what), error, record),
    };
    record.push(Entry::Inspected {
        what: describe::inspection(what),
        value: answer.clone().ok(),
        missing: answer.clone().err(),
    });
    Input::Inspected(answer)
}

/// The target cannot go on, or cannot look.
fn failed(what: String, error: TargetError, record: &mut Record) -> Input {
    record.push(Entry::Failed { what, why: Why::of(&error) });
    Input::Refused(error)
}

fn perform(target: &mut dyn Target, act: &Act) -> Result<Timestamp, TargetError> {
    match act {
        Act::Inject(packet) => target.inject(packet),
        Act::Submit(submission) => target.submit(submission),
        Act::Configure(setting) => target.configure(setting),
        Act::Resize(mtu) => target.resize(*mtu),
        Act::Signal { thread, signal, restart } => target.signal(*thread, *signal, *restart),
    }
}

/// An act as a trace writes it.
fn spell(act: &Act) -> String {
    match act {
        Act::Inject(packet) => describe::packet(packet),
        Act::Submit(submission) => describe::submission(submission),
        Act::Configure(setting) => describe::setting(setting),
        Act::Resize(mtu) => describe::mtu(*mtu),
        Act::Signal { thread, signal, restart } => describe::signal(*thread, *signal, *restart),
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
    let engine = Engine::new(case, trace.header.timing, trace.header.seed);
    let mut record = Record::default();
    let mut report = interpret(engine, &mut target, &mut record, None);
    while let Some(observation) = target.after_the_end().map_err(ReplayError::Misfit)? {
        match observation {
            Observation::Emitted { at, packet } => report.tear_down(at, &packet),
            Observation::Disturbed { by, .. } => report.disturbed(&by),
            Observation::Returned { .. } | Observation::Signalled { .. } => {}
        }
    }
    let on_the_way = |entries: &[Entry]| -> Vec<Entry> {
        entries.iter().filter(|entry| matches!(entry, Entry::OnTheWay { .. })).cloned().collect()
    };
    if on_the_way(&record.into_entries()) != on_the_way(&trace.entries) {
        let why = "the link of the case does not do to packets what the trace says";
        return Err(ReplayError::Misfit(why.to_owned()));
    }
    Ok(report)
}
