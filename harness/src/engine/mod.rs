//! The interpreter of cases: a pure function from a case and recorded inputs to wants and a verdict.
//!
//! # Order of calls
//! [`Engine::poll`] says what is wanted next. Each want has its answers, given to [`Engine::handle`]:
//!
//! | want | answer |
//! |---|---|
//! | [`Want::Advance`] | one [`Input::Observed`], or [`Input::Reached`] with the same moment |
//! | [`Want::Act`] | [`Input::Acted`] |
//! | [`Want::Inspect`] | [`Input::Inspected`] |
//! | any of them | [`Input::Refused`]: the target cannot |
//! | [`Want::Done`] | none; [`Engine::report`] has the verdict |
//!
//! The engine reads no clock: what it knows of time comes with inputs.

mod acts;
mod asserts;
mod build;
mod calls;
mod clock;
mod end;
mod eval;
mod expects;
mod flows;
mod link;
mod log;
mod matching;
mod memory;
mod nearly;
mod packetdrill;
mod peer;
mod returns;
mod several;
mod threads;
mod traffic;
mod want;

pub use eval::Worth;
pub use link::Fate;
pub use log::{Event, Seen, Status, What};
pub use want::{Act, Input, Want};

use std::collections::BTreeMap;

use crate::case::{Action, Addresses, Case, FlowId, PacketSpec, Step, TimeSpec};
use crate::target::{Inspection, Observation, TargetError, Timing};
use crate::time::{Span, Timestamp};
use crate::verdict::{Mismatch, Problem, Verdict};
use crate::wire::notation::packet_text;
use crate::wire::parse;

use acts::Draft;
use calls::Streams;
use clock::{Clock, Window};
use eval::EvalError;
use flows::{Belongs, Emitted, Flows};
use link::Path;
use memory::Memory;
use packetdrill::Script;
use several::Members;
use threads::Threads;
use traffic::Lateness;

/// So many mismatches are kept; a case that goes so wrong is not explained better by more.
const MISMATCH_LIMIT: usize = 200;

/// Runs one case once.
pub struct Engine<'c> {
    case: &'c Case,
    clock: Clock,
    flows: Flows,
    /// The link, and what is on its way to and from peers that answer by themselves.
    path: Path,
    lateness: Lateness,
    /// By packetdrill's rules.
    script: Option<Script>,
    threads: Threads<'c>,
    memory: Memory,
    /// Which descriptors were obtained.
    bound: Vec<bool>,
    /// Streams by descriptor; `dup` shares them through `stream_of`.
    streams: Vec<Streams>,
    stream_of: Vec<usize>,
    allowances: Vec<Allowance<'c>>,
    /// Index of the next step.
    cursor: usize,
    /// Nothing of `given` is left: what is unclaimed from here on belongs to the story.
    given_over: bool,
    stage: Stage,
    /// The bytes of calls to come, by step.
    drafts: BTreeMap<usize, Draft>,
    events: Vec<Event>,
    seen: Vec<Seen>,
    mismatches: Vec<Mismatch>,
    /// Expectations that nothing answered yet: what comes late is told from what is unexpected.
    missed: Vec<Missed<'c>>,
    /// Counters whose value at time 0 is still to be asked for.
    counters: Vec<String>,
    /// A question about a flow's state for the mismatch with this index.
    curious: Option<(usize, FlowId)>,
    /// The end of the window of the last step that had one.
    last_window: Timestamp,
    /// See [`Report::scarcely`].
    scarcely: Option<String>,
    ended: Option<Verdict>,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// The verdict.
    pub verdict: Verdict,
    /// Everything that happened, in order.
    pub events: Vec<Event>,
    /// Time 0 of the case; the start if it was not reached.
    pub zero: Timestamp,
    /// The clock it was judged by.
    pub clock: Timing,
    /// When each step happened, by its index.
    pub moments: Vec<Option<Timestamp>>,
    /// What was looked at, in order.
    pub seen: Vec<Seen>,
    /// What was early on a real clock, and in time by less than a tick of the kernel's timers: had the machine not been
    /// slow, it might have been too early. The first such thing, in words.
    pub scarcely: Option<String>,
}

impl Report {
    /// A packet that was emitted when the flows were destroyed: kept, not judged.
    pub fn tear_down(&mut self, at: Timestamp, packet: &[u8]) {
        let text = match parse(packet) {
            Ok(parsed) => packet_text(&parsed.packet, &crate::wire::notation::Bases::default()),
            Err(error) => format!("{} bytes that are no packet: {error}", packet.len()),
        };
        let what = What::Emitted(packet.to_vec());
        self.events.push(Event::new(at, what, text, None, Status::Teardown));
    }

    /// Something went wrong with the target after the end.
    pub fn disturbed(&mut self, why: &str) {
        if self.verdict == Verdict::Pass {
            self.verdict = Verdict::Inconclusive { why: why.to_owned() };
        }
    }
}

/// Packets that may come any time.
#[derive(Debug)]
struct Allowance<'c> {
    flow: FlowId,
    packet: &'c PacketSpec,
    from: Timestamp,
    until: Option<Timestamp>,
}

#[derive(Debug)]
struct Missed<'c> {
    mismatch: usize,
    flow: FlowId,
    packet: &'c PacketSpec,
    window: Window,
}

/// How far the current step has got.
#[derive(Debug)]
enum Stage {
    /// Not looked at yet.
    Fresh,
    /// An action that waits for its time.
    Due(Window),
    /// Its acts are being done, front first.
    Acting { window: Window, acts: std::collections::VecDeque<Act> },
    /// Its call was made.
    Called(Window),
    /// Something expected.
    Waiting(Window),
    /// Several things expected in any order.
    Several(Window, Members),
}

/// What one look at the current step led to.
enum Next {
    Want(Want),
    Again,
}

/// What this engine cannot run yet, as a reason to skip the case.
#[must_use]
pub fn unsupported(case: &Case) -> Option<String> {
    if case.lacking.is_empty() {
        return None;
    }
    let lacking = case.lacking.iter().map(|lacking| {
        let (line, _) = case.sources.line_column(lacking.at);
        format!("line {line}: {}", lacking.what)
    });
    Some(lacking.collect::<Vec<_>>().join("; "))
}

impl<'c> Engine<'c> {
    /// An engine at the first step of `case`, for a target with this clock. What the link loses, repeats and swaps
    /// follows from the seed.
    #[must_use]
    pub fn new(case: &'c Case, timing: Timing, seed: u64) -> Self {
        let descriptors = case.descriptors.len();
        let memory = Memory::new(timing);
        let drafts = acts::drafts(case, &memory);
        Self {
            case,
            clock: Clock::new(timing, case),
            flows: Flows::new(case),
            path: Path::new(case, seed),
            lateness: Lateness::default(),
            script: Script::of(case),
            threads: Threads::new(case.threads.len()),
            memory,
            bound: vec![false; descriptors],
            streams: vec![Streams::default(); descriptors],
            stream_of: (0..descriptors).collect(),
            allowances: Vec::new(),
            cursor: 0,
            given_over: case.given == 0,
            stage: Stage::Fresh,
            drafts,
            events: Vec::new(),
            seen: Vec::new(),
            mismatches: Vec::new(),
            missed: Vec::new(),
            counters: asserts::counters(case),
            curious: None,
            last_window: Timestamp::START,
            scarcely: None,
            ended: unsupported(case).map(|missing| Verdict::Skipped { missing }),
        }
    }

    /// What is wanted next. Asking twice without an answer between gives the same want.
    pub fn poll(&mut self) -> Want {
        loop {
            if self.ended.is_some() {
                return Want::Done;
            }
            if let Some(want) = self.traffic() {
                return want;
            }
            if !self.given_over && self.cursor == self.case.given {
                if let Some(Next::Want(want)) = self.settle(self.clock.moment.at) {
                    return want;
                }
                self.end_given();
            }
            if let Some(want) = self.ask() {
                return want;
            }
            let next = match self.case.steps.get(self.cursor) {
                Some(step) => self.look_at(step),
                None if self.script.is_some() => self.finish_in_order(),
                None => self.finish(),
            };
            if let Next::Want(want) = next {
                return want;
            }
        }
    }

    /// Takes the answer to the last want.
    pub fn handle(&mut self, input: Input) {
        match input {
            Input::Observed(observation) => self.observe(observation),
            Input::Reached(until) => {
                self.clock.settle(until);
                self.expire(until);
            }
            Input::Acted { at } if self.is_arriving() => self.arrived(at),
            Input::Acted { at } => self.acted(at),
            Input::Refused(TargetError::Missing(missing)) => self.lacks(missing),
            Input::Refused(TargetError::Unusable(why) | TargetError::Broken(why)) => {
                self.ended = Some(Verdict::Inconclusive { why });
            }
            Input::Inspected(answer) => self.inspected(answer),
        }
    }

    /// The verdict and what led to it. Before [`Want::Done`]: what is known so far, inconclusive if nothing failed.
    #[must_use]
    pub fn report(self) -> Report {
        let zero = self.clock.zero(self.case).unwrap_or(Timestamp::START);
        let verdict = self.ended.unwrap_or_else(|| {
            if self.mismatches.is_empty() {
                Verdict::Inconclusive { why: "the run did not come to its end".to_owned() }
            } else {
                Verdict::Fail(self.mismatches)
            }
        });
        Report {
            verdict,
            events: self.events,
            zero,
            clock: self.clock.timing,
            moments: self.clock.moments(),
            seen: self.seen,
            scarcely: self.scarcely,
        }
    }

    fn look_at(&mut self, step: &'c Step) -> Next {
        if matches!(self.stage, Stage::Fresh) {
            self.clock.reach(self.cursor);
            if let Some(zero) = self.clock.zero(self.case) {
                self.memory.zero = zero;
            }
        }
        match &step.action {
            Action::Call { .. }
            | Action::Inject { .. }
            | Action::Set(_)
            | Action::Signal { .. }
            | Action::Link(_)
            | Action::Peer { .. }
            | Action::Assert(_) => self.act(step),
            Action::Expect { flow, expected, isn } if self.script.is_some() => {
                self.expect_in_order(step, *flow, expected, *isn)
            }
            Action::Expect { flow, expected, isn } => self.expect(step, *flow, expected, *isn),
            Action::Returns { thread, outcome } => self.returns(step, *thread, outcome),
            Action::Silent { flow, span } => self.silent(*flow, span),
            Action::Allow { flow, packet, within } => self.allow(*flow, packet, within.as_ref()),
            Action::AnyOrder(members) => self.any_order(step, members),
        }
    }

    /// The step is over; the next one counts from `at`.
    fn next_step(&mut self, at: Timestamp, slip: Span) -> Next {
        let window = self.stage.window();
        let moment = match &self.script {
            Some(_) => self.over(clock::Moment { at, slip }),
            None => clock::Moment { at, slip },
        };
        self.clock.happen(self.cursor, moment);
        let next = self.skip_step();
        // What may come at any time is not waited for again once it has come.
        if let Some(window) = window.filter(|window| !window.unbounded) {
            self.last_window = window.to;
        }
        next
    }

    /// The step is over and has no moment.
    fn skip_step(&mut self) -> Next {
        self.cursor += 1;
        self.stage = Stage::Fresh;
        self.last_window = self.clock.moment.at;
        Next::Again
    }

    /// Wait until nothing can happen up to `until` without the case's doing. What is on its way arrives when it is due.
    fn settle(&self, until: Timestamp) -> Option<Next> {
        let until = self.path.next().map_or(until, |(due, ..)| due.min(until));
        (!self.clock.is_settled(until)).then_some(Next::Want(Want::Advance(until)))
    }

    fn fail(&mut self, at: Timestamp, problem: Problem) -> usize {
        let steps = if self.given_over { self.case.steps.len() } else { self.case.given };
        let step = self.cursor.min(steps.saturating_sub(1));
        self.fail_step(step, at, problem)
    }

    fn fail_step(&mut self, step: usize, at: Timestamp, problem: Problem) -> usize {
        if self.mismatches.len() < MISMATCH_LIMIT {
            self.mismatches.push(Mismatch { step, at, problem, hints: Vec::new() });
        }
        self.mismatches.len() - 1
    }

    /// The run is over with this verdict, unless the case has failed before it came to that.
    fn end_unless_failed(&mut self, verdict: Verdict) {
        self.ended = Some(match self.mismatches.is_empty() {
            true => verdict,
            false => Verdict::Fail(std::mem::take(&mut self.mismatches)),
        });
    }

    /// The target lacks something that the case needs.
    fn lacks(&mut self, missing: String) {
        self.end_unless_failed(Verdict::Skipped { missing });
    }

    /// The step makes no sense with the values of this run: it fails and is passed over.
    fn meaningless(&mut self, error: &EvalError) -> Next {
        self.fail(self.clock.moment.at, Problem::Meaningless { why: error.0.clone() });
        self.skip_step()
    }

    /// A length of time of the current step, or a failure of it.
    fn length(&self, time: &TimeSpec) -> Result<Span, EvalError> {
        self.clock.length(time, &self.memory)
    }

    fn mark(&mut self, event: usize, step: Option<usize>, status: Status) {
        if let Some(event) = self.events.get_mut(event) {
            event.step = step;
            event.status = status;
        }
    }

    fn record(
        &mut self,
        at: Timestamp,
        what: What,
        text: String,
        step: Option<usize>,
        status: Status,
    ) -> usize {
        self.events.push(Event::new(at, what, text, step, status));
        self.events.len() - 1
    }

    fn observe(&mut self, observation: Observation) {
        self.clock.see(observation.at());
        match observation {
            Observation::Emitted { at, packet } => self.emitted(at, packet),
            Observation::Returned { at, thread, completion } => self.returned(at, thread, completion),
            Observation::Signalled { at, thread, signal } => {
                let event = self.record(
                    at,
                    What::Signalled(thread, signal),
                    signal.to_string(),
                    None,
                    Status::Unclaimed,
                );
                self.threads.raise(thread, signal, event);
            }
            Observation::Disturbed { by, .. } => self.ended = Some(Verdict::Inconclusive { why: by }),
        }
    }

    fn emitted(&mut self, at: Timestamp, bytes: Vec<u8>) {
        if self.script.is_some() {
            return self.unseen(at, bytes);
        }
        let parsed = match parse(&bytes) {
            Ok(parsed) => parsed,
            Err(error) => {
                let text = format!("{} bytes that are no packet: {error}", bytes.len());
                self.record(at, What::Emitted(bytes), text.clone(), Some(self.cursor), Status::Unexpected);
                self.fail(at, Problem::NoFlow { actual: text });
                return;
            }
        };
        let belongs = self.flows.place(&parsed.packet);
        match belongs {
            Belongs::To(id) => {
                let Some(flow) = self.flows.0.get_mut(id.0) else { return };
                let bases = flow.bases();
                let text = packet_text(&parsed.packet, &bases);
                if parsed.packet.tcp().is_some() {
                    flow.last = Some(bytes.clone());
                }
                let what = What::Emitted(bytes.clone());
                let event = self.record(at, what, text, None, Status::Unclaimed);
                if let Some(event) = self.events.get_mut(event) {
                    (event.flow, event.bases) = (Some(id), bases);
                }
                let emitted = Emitted { at, parsed, bytes, event };
                if !self.taken_by_peer(id, &emitted)
                    && let Some(flow) = self.flows.0.get_mut(id.0)
                {
                    flow.queue.push_back(emitted);
                }
            }
            Belongs::Ignored => {
                let text = packet_text(&parsed.packet, &crate::wire::notation::Bases::default());
                self.record(at, What::Emitted(bytes), text, None, Status::Ignored);
            }
            Belongs::Nowhere => {
                let line = packet_text(&parsed.packet, &crate::wire::notation::Bases::default());
                let ends = match parsed.packet.endpoints() {
                    Some(ends) => format!("{} > {}", ends.src, ends.dst),
                    None => format!("{} > {}", parsed.packet.ip.src(), parsed.packet.ip.dst()),
                };
                let text = format!("{ends} {line}");
                let hint = self.flows.nearly(&parsed.packet);
                self.record(at, What::Emitted(bytes), text.clone(), Some(self.cursor), Status::Unexpected);
                let index = self.fail(at, Problem::NoFlow { actual: text });
                if let (Some(hint), Some(mismatch)) = (hint, self.mismatches.get_mut(index)) {
                    mismatch.hints.push(hint);
                }
            }
        }
    }

    /// Asks for counters at time 0, and for the state of a connection that did not answer.
    fn ask(&self) -> Option<Want> {
        if self.cursor == self.case.given
            && let Some(name) = self.counters.last()
        {
            return Some(Want::Inspect(Inspection::Counter(name.clone())));
        }
        let (_, flow) = self.curious?;
        let state = self.flows.0.get(flow.0)?;
        let local = state.local?;
        Some(Want::Inspect(Inspection::FlowState { flow, local, remote: state.remote }))
    }

    /// What has happened so far, in order.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    fn addresses(&self) -> Addresses {
        Addresses(self.case.ip)
    }
}
