//! A shipped case on the bundled stack, with what the stack does changed on its way to the judge. However odd it is:
//! there is a verdict, all reports of it can be written, and the trace gives the same verdict again.

use std::collections::VecDeque;
use std::sync::Mutex;

use arbitrary::{Arbitrary, Result, Unstructured};
use tcpdrill::case::{Errno, Setting, Signal, Submission, ThreadId, Value};
use tcpdrill::report::{FailureContext, Style, case_line, case_text, failure_page};
use tcpdrill::run::{RunOptions, replay, run_case};
use tcpdrill::target::bundled::BundledFactory;
use tcpdrill::target::{Completion, Tolerance};
use tcpdrill::target::{
    Inspection, Observation, Target, TargetError, TargetFactory, TargetInfo, Timing, World,
};
use tcpdrill::time::{Span, Timestamp};
use tcpdrill::trace::{Trace, capture};

use crate::drivers::{cases, library};

/// A case and what is changed.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    case: usize,
    /// Judge as on a real clock.
    real: bool,
    /// One for each thing that happens; then nothing is changed any more.
    changes: Vec<Change>,
    /// An entry of the trace that is taken away, doubled or moved afterwards.
    cut: Option<(u16, u8)>,
}

/// What becomes of one thing that the stack does.
#[derive(Clone, Debug, Arbitrary)]
enum Change {
    Nothing,
    Lost,
    Doubled,
    Delayed {
        micros: u32,
    },
    Flipped {
        at: u16,
        bit: u8,
    },
    Cut {
        to: u16,
    },
    Joined(Vec<u8>),
    Returned {
        value: i64,
    },
    Failed {
        errno: u8,
    },
    /// The time that is told is not the true one.
    Skewed {
        micros: i32,
    },
    Signalled {
        thread: u8,
    },
    Missing,
}

impl Arbitrary<'_> for Story {
    fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        let case = usize::from(u16::arbitrary(u)?) % cases().len();
        let (real, cut) = (u.ratio(1, 4)?, u.ratio(1, 4)?.then(|| u.arbitrary()).transpose()?);
        let mut changes = Vec::new();
        while !u.is_empty() && changes.len() < 300 {
            changes.push(if u.ratio(2, 3)? { Change::Nothing } else { u.arbitrary()? });
        }
        Ok(Self { case, real, changes, cut })
    }
}

/// Runs the case.
///
/// # Panics
/// Where the trace gives another verdict than the run did.
pub(crate) fn tell(story: &Story) {
    let case = &cases()[story.case];
    let factory = Factory::new(story);
    let run = run_case(case, &factory, RunOptions { slow: true, ..RunOptions::default() });
    let Some(trace) = &run.trace else { return };
    let again = replay(case, trace).expect("a run's own trace fits its case");
    assert_eq!(again.verdict, run.report.verdict, "{}", case.id);
    let requirements = library().requirements().expect("the catalogue");
    let context = FailureContext { target: "bundled", requirements, saved: None, seed: 0 };
    assert_eq!(
        failure_page(case, &run.report, &context, Style { colour: true, ..Style::default() }).is_empty(),
        run.report.verdict.mismatches().is_empty()
    );
    let _ = case_text(case, &run, None, Style::default());
    let _ = case_line(case, "bundled", &run, None, None, 1);
    capture::render(case, &trace.header, &run.report).expect("a capture takes every packet");
    if let Some((at, how)) = story.cut {
        // Nothing is said about the verdict: only that it comes to an end.
        let _ = replay(case, &cut(trace.clone(), usize::from(at), how));
    }
}

fn cut(mut trace: Trace, at: usize, how: u8) -> Trace {
    let at = at % trace.entries.len();
    let entry = trace.entries.remove(at);
    match how % 3 {
        0 => {}
        1 => trace.entries.extend([entry.clone(), entry]),
        _ => trace.entries.insert(usize::from(how) % (trace.entries.len() + 1), entry),
    }
    trace
}

/// Makes targets that change what the bundled stack does.
struct Factory {
    inner: BundledFactory,
    info: TargetInfo,
    changes: Mutex<Vec<Change>>,
}

impl Factory {
    fn new(story: &Story) -> Self {
        let inner = BundledFactory::new();
        let mut info = inner.info().clone();
        if story.real {
            info.timing = Timing::Real(Tolerance { early: 5_000_000, late: 4_500_000, divisor: 8 });
        }
        let mut changes = story.changes.clone();
        changes.reverse();
        Self { inner, info, changes: Mutex::new(changes) }
    }
}

impl TargetFactory for Factory {
    fn info(&self) -> &TargetInfo {
        &self.info
    }

    fn open(&self, world: &World) -> std::result::Result<Box<dyn Target>, TargetError> {
        let changes = self.changes.lock().expect("no test panics here").clone();
        let inner = self.inner.open(world)?;
        Ok(Box::new(Perturbed { inner, info: self.info.clone(), changes, held: VecDeque::new() }))
    }
}

struct Perturbed {
    inner: Box<dyn Target>,
    info: TargetInfo,
    /// The next one last.
    changes: Vec<Change>,
    /// What happens later than it did, the earliest first.
    held: VecDeque<Observation>,
}

/// An answer of a target.
type Answer<T> = std::result::Result<T, TargetError>;

impl Perturbed {
    fn hold(&mut self, observation: Observation) {
        let at = self.held.iter().position(|held| held.at() > observation.at()).unwrap_or(self.held.len());
        self.held.insert(at, observation);
    }

    /// What becomes of an observation; `None` if it is not to be seen now.
    fn change(&mut self, mut seen: Observation) -> Option<Observation> {
        match (self.changes.pop().unwrap_or(Change::Nothing), &mut seen) {
            (Change::Lost, _) => return None,
            (Change::Doubled, _) => self.hold(seen.clone()),
            (Change::Delayed { micros }, _) => {
                let at = seen.at() + Span(i64::from(micros) * 1000);
                self.hold(moved(seen, at));
                return None;
            }
            (Change::Flipped { at, bit }, Observation::Emitted { packet, .. }) if !packet.is_empty() => {
                let at = usize::from(at) % packet.len();
                packet[at] ^= 1 << (bit % 8);
            }
            (Change::Cut { to }, Observation::Emitted { packet, .. }) => packet.truncate(usize::from(to)),
            (Change::Joined(bytes), _) => {
                self.hold(seen.clone());
                return Some(Observation::Emitted { at: seen.at(), packet: bytes });
            }
            (Change::Returned { value }, Observation::Returned { completion, .. }) => {
                completion.result = Ok(value);
            }
            (Change::Failed { errno }, Observation::Returned { completion, .. }) => {
                *completion = Completion { result: Err(Errno(errno.into())), data: Vec::new(), given: None };
            }
            (Change::Skewed { micros }, _) => {
                let at = seen.at() + Span(i64::from(micros) * 1000);
                return Some(moved(seen, at));
            }
            (Change::Signalled { thread }, _) => {
                self.hold(seen.clone());
                let thread = ThreadId(usize::from(thread % 4));
                return Some(Observation::Signalled { at: seen.at(), thread, signal: Signal::Pipe });
            }
            _ => {}
        }
        Some(seen)
    }

    /// Now and then something cannot be done.
    fn refuses(&mut self) -> Answer<()> {
        if matches!(self.changes.last(), Some(Change::Missing)) {
            self.changes.pop();
            return Err(TargetError::Missing("what is not there".to_owned()));
        }
        Ok(())
    }
}

fn moved(observation: Observation, to: Timestamp) -> Observation {
    match observation {
        Observation::Emitted { packet, .. } => Observation::Emitted { at: to, packet },
        Observation::Returned { thread, completion, .. } => {
            Observation::Returned { at: to, thread, completion }
        }
        Observation::Signalled { thread, signal, .. } => Observation::Signalled { at: to, thread, signal },
        Observation::Disturbed { by, .. } => Observation::Disturbed { at: to, by },
    }
}

impl Target for Perturbed {
    fn info(&self) -> &TargetInfo {
        &self.info
    }

    fn now(&mut self) -> Timestamp {
        self.inner.now()
    }

    fn configure(&mut self, setting: &Setting) -> Answer<Timestamp> {
        self.refuses().and_then(|()| self.inner.configure(setting))
    }

    fn resize(&mut self, mtu: u16) -> Answer<Timestamp> {
        self.refuses().and_then(|()| self.inner.resize(mtu))
    }

    fn inject(&mut self, packet: &[u8]) -> Answer<Timestamp> {
        self.inner.inject(packet)
    }

    fn submit(&mut self, submission: &Submission) -> Answer<Timestamp> {
        self.refuses().and_then(|()| self.inner.submit(submission))
    }

    fn signal(&mut self, thread: ThreadId, signal: Signal, restart: bool) -> Answer<Timestamp> {
        self.inner.signal(thread, signal, restart)
    }

    fn inspect(&mut self, what: &Inspection) -> Answer<Value> {
        self.refuses().and_then(|()| self.inner.inspect(what))
    }

    fn advance(&mut self, until: Timestamp) -> Answer<Option<Observation>> {
        loop {
            let next = self.held.front().map(Observation::at).filter(|at| *at <= until);
            let limit = next.map_or(until, |at| at.max(self.inner.now()));
            match self.inner.advance(limit)? {
                Some(seen) => {
                    if let Some(seen) = self.change(seen) {
                        return Ok(Some(seen));
                    }
                }
                None if next.is_some() => return Ok(self.held.pop_front()),
                None => return Ok(None),
            }
        }
    }

    fn finish(self: Box<Self>) -> Answer<Vec<Observation>> {
        Ok(self.held.into())
    }
}
