//! Steps in which the case does something.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::case::{
    Action, Blocks, Case, DescriptorId, FlowId, Outcome, PacketSpec, Payload, Step, Submission, Syscall,
    ThreadId,
};
use crate::target::Timing;
use crate::time::{Span, Timestamp};
use crate::verdict::{Problem, Verdict};
use crate::wire::notation::packet_text;
use crate::wire::parse;
use crate::wire::pattern::Direction;

use super::build::{self, Frame};
use super::calls::{self, Streams};
use super::clock::{self, Window};
use super::eval::{EvalError, Known};
use super::memory::Keeper;
use super::packetdrill;
use super::threads::{Ends, Made};
use super::want::{Act, Want};
use super::{Engine, Next, Stage, Status, What};

/// So many bytes take so long to make that a real clock notices.
const MANY: usize = 10_000;

/// The bytes that a call sends if all goes well before it.
#[derive(Debug)]
pub(super) struct Draft {
    call: Syscall,
    /// How much was sent on the same socket before.
    sent: u64,
    data: Arc<[u8]>,
}

/// The bytes of calls that send many, by step, made before time runs.
pub(super) fn drafts(case: &Case, known: &dyn Known) -> BTreeMap<usize, Draft> {
    let mut drafts = BTreeMap::new();
    let mut sent: BTreeMap<DescriptorId, u64> = BTreeMap::new();
    for (index, step) in case.steps.iter().enumerate() {
        let Action::Call { call, data, .. } = &step.action else { continue };
        let Ok(call) = calls::resolve(call, known) else { continue };
        let Some(id) = call.sends_on() else { continue };
        let before = sent.entry(id).or_default();
        let streams = Streams { sent: *before, received: 0 };
        let length = calls::wanted(&call).unwrap_or(0);
        if length >= MANY
            && let Ok(bytes) = calls::outgoing(&call, data, streams)
        {
            drafts.insert(index, Draft { call, sent: *before, data: bytes.into() });
        }
        *before += length as u64;
    }
    drafts
}

impl<'c> Engine<'c> {
    pub(super) fn act(&mut self, step: &'c Step) -> Next {
        match &mut self.stage {
            Stage::Fresh => match self.clock.window(step, &self.memory) {
                Ok(window) => self.become_due(window),
                Err(error) => self.meaningless(&error),
            },
            Stage::Due(window) => {
                let window = *window;
                // What peers answer at this moment, or answered what was done before, comes first. On a real clock
                // that happens a little after the moment.
                let ready = if self.is_automatic() { window.from.max(self.clock.busy) } else { window.from };
                if let Some(wait) = self.settle(ready).or_else(|| self.wait_for_calls(step, window)) {
                    return wait;
                }
                match &step.action {
                    Action::Assert(claims) => return self.assert(claims, window),
                    Action::Peer { flow, mode } => return self.change_peer(*flow, *mode, window),
                    _ => {}
                }
                match self.plan(step) {
                    Ok(Some(acts)) => {
                        self.stage = Stage::Acting { window, acts };
                        Next::Again
                    }
                    Ok(None) => self.next_step(window.from, window.slip),
                    Err(error) => self.meaningless(&error),
                }
            }
            Stage::Acting { window, acts } => {
                let due = window.from;
                match acts.front() {
                    Some(act) => Next::Want(Want::Act { step: Some(self.cursor), due, act: act.clone() }),
                    None => {
                        let window = *window;
                        self.done(step, window)
                    }
                }
            }
            Stage::Called(window) => {
                let window = *window;
                self.after_call(step, window)
            }
            Stage::Waiting(_) | Stage::Several(..) => unreachable!("an act has no such stage"),
        }
    }

    /// The step's time is known. If it has passed, the step fails and is done at once.
    fn become_due(&mut self, mut window: Window) -> Next {
        let moment = self.clock.moment;
        if window.from < moment.at {
            let by = moment.at - window.from;
            if by > window.late(self.clock.timing) && self.mismatches.is_empty() {
                self.fail(moment.at, Problem::InThePast { by });
            }
            window.from = moment.at;
            window.slip = moment.slip;
        }
        self.stage = Stage::Due(window);
        Next::Again
    }

    /// What the step does, in order; nothing where it cannot be done.
    fn plan(&mut self, step: &'c Step) -> Result<Option<VecDeque<Act>>, EvalError> {
        match &step.action {
            Action::Inject { flow, packet, isn } => {
                self.injection(*flow, packet, *isn).map(|acts| Some(acts.into_iter().collect()))
            }
            Action::Set(settings) => Ok(Some(settings.iter().cloned().map(Act::Configure).collect())),
            Action::Link(link) => {
                let resize = (link.mtu != self.path.link().mtu).then_some(Act::Resize(link.mtu));
                Ok(Some(resize.into_iter().collect()))
            }
            Action::Signal { thread, signal, restart } => Ok(Some(VecDeque::from([Act::Signal {
                thread: *thread,
                signal: *signal,
                restart: *restart,
            }]))),
            Action::Call { thread, .. } => {
                Ok(self.submission(*thread, step)?.map(|act| VecDeque::from([act])))
            }
            _ => Err(EvalError("this step does nothing".to_owned())),
        }
    }

    fn injection(
        &mut self,
        id: FlowId,
        packet: &PacketSpec,
        isn: Option<u32>,
    ) -> Result<Vec<Act>, EvalError> {
        let addresses = self.addresses();
        let translated = self.script.as_ref().map(|script| script.injected(packet, id)).transpose()?;
        let packet = translated.as_ref().unwrap_or(packet);
        let Some(flow) = self.flows.0.get_mut(id.0) else { return Ok(Vec::new()) };
        if let Some(isn) = isn {
            flow.renumber(isn);
        }
        let frame = Frame {
            src: flow.remote,
            dst: flow.settle_local(addresses),
            bases: flow.bases().reversed(),
            direction: Direction::FromPeer,
            last: flow.last.as_deref(),
            known: &self.memory,
        };
        Ok(build::packets(packet, &frame)?.into_iter().map(Act::Inject).collect())
    }

    /// The bytes of a call that is made now: those made beforehand, if they are the same.
    fn bytes(&mut self, call: &Syscall, data: &Payload) -> Result<Arc<[u8]>, EvalError> {
        let streams = call.sends_on().map(|id| self.stream(id)).unwrap_or_default();
        match self.drafts.remove(&self.cursor) {
            Some(draft) if draft.call == *call && draft.sent == streams.sent => Ok(draft.data),
            _ => calls::outgoing(call, data, streams).map(Arc::from),
        }
    }

    /// The call as it is made, or nothing where an earlier failure makes it impossible.
    fn submission(&mut self, thread: ThreadId, step: &'c Step) -> Result<Option<Act>, EvalError> {
        let Action::Call { call, data, binds, .. } = &step.action else { return Ok(None) };
        let unbound =
            call.descriptors().into_iter().find(|id| !self.bound.get(id.0).copied().unwrap_or(false));
        if let Some(id) = unbound {
            let name = self.case.descriptors.get(id.0).map_or("?", String::as_str);
            let missing = format!("descriptor {name} was never obtained");
            self.fail(self.clock.moment.at, Problem::Consequence { missing });
            return Ok(None);
        }
        if let Some(made) = self.threads.get(thread).and_then(|thread| thread.made.as_ref()) {
            let missing = format!("its thread is still in {}", made.text);
            self.fail(self.clock.moment.at, Problem::Consequence { missing });
            return Ok(None);
        }
        let call = calls::resolve(call, &self.memory)?;
        let data = self.bytes(&call, data)?;
        Ok(Some(Act::Submit(Submission { thread, call, data, binds: binds.clone() })))
    }

    /// The answer to an act: it was done.
    pub(super) fn acted(&mut self, at: Timestamp) {
        let step = self.cursor;
        let busy = self.clock.busy;
        let Stage::Acting { window, acts } = &mut self.stage else { return };
        let Some(act) = acts.pop_front() else { return };
        let due = window.from;
        let slip = if at > due { at - due } else { Span::ZERO };
        if slip > window.slip {
            window.slip = slip;
        }
        // A chain of acts at one moment takes its time, and after a failure we may have waited longer than planned:
        // only what came after that is lateness. Before the first act nothing can have been late.
        let ready = if self.events.is_empty() { at } else { due.max(busy) };
        if let Timing::Real(_) = self.clock.timing
            && at - ready > self.clock.timing.late(Span::ZERO)
        {
            let why = format!("an action came {} too late", at - ready);
            self.ended = Some(Verdict::Inconclusive { why });
        }
        self.clock.unsettle(at);
        self.memory.keep_time(step, at);
        self.log_act(step, at, act);
    }

    fn log_act(&mut self, step: usize, at: Timestamp, act: Act) {
        let Some(written) = self.case.steps.get(step) else { return };
        let (what, text) = match act {
            Act::Inject(bytes) => {
                let Action::Inject { flow, .. } = &written.action else { return };
                let (id, flow) = (*flow, self.flows.0.get_mut(flow.0));
                let mut bases = flow.as_ref().map(|flow| flow.bases()).unwrap_or_default();
                let parsed = parse(&bytes);
                if let (Some(script), Ok(parsed)) = (&self.script, &parsed) {
                    bases = script.bases(id, bases, packetdrill::is_syn(&parsed.packet));
                }
                let bases = bases.reversed();
                let text = match parsed {
                    Ok(parsed) => {
                        if let Some(flow) = flow {
                            flow.injected(at, &parsed);
                        }
                        self.memory.keep_segment(Keeper::act(step), at, &parsed, &bases);
                        match &self.script {
                            Some(_) => packetdrill::injected_text(&parsed.packet, &bases),
                            None => packet_text(&parsed.packet, &bases),
                        }
                    }
                    Err(error) => format!("{} bytes: {error}", bytes.len()),
                };
                (What::Injected(bytes), text)
            }
            Act::Submit(submission) => {
                let thread = submission.thread;
                self.called(step, submission);
                (What::Called(thread), call_text(&written.origin.text).to_owned())
            }
            Act::Configure(setting) => (What::Did, format!("{} = {}", setting.name, setting.value)),
            Act::Signal { signal, .. } => (What::Did, signal.to_string()),
            // The step itself is logged when all of it is done.
            Act::Resize(_) => return,
        };
        self.record(at, what, text, Some(step), Status::Done);
    }

    /// A call was made: from now on its thread is in it.
    fn called(&mut self, index: usize, submission: Submission) {
        let Some(step) = self.case.steps.get(index) else { return };
        let Action::Call { binds, blocks, outcome, .. } = &step.action else { return };
        let Stage::Acting { window, .. } = &self.stage else { return };
        let ends = match self.return_window(*window, blocks) {
            Some(window) => Ends::In(window, outcome),
            None => Ends::WhenLooked,
        };
        if let Some(thread) = self.threads.get(submission.thread) {
            thread.made = Some(Made {
                step: index,
                call: submission.call,
                binds,
                text: call_text(&step.origin.text),
                ends,
                overdue: None,
            });
        }
    }

    fn return_window(&self, made: Window, blocks: &Blocks) -> Option<Window> {
        let Blocks::For { from, to } = blocks else { return None };
        let uncertain = clock::uncertainty(from, &self.memory).max(clock::uncertainty(to, &self.memory));
        let (from, to) = (self.length(from).ok()?, self.length(to).ok()?);
        Some(Window {
            interval: to,
            uncertain,
            bound: self.clock.pace.map(|pace| pace.share(to)),
            ..Window::between(made.from + from, made.from + to, made.slip)
        })
    }

    /// All acts of the step are done.
    fn done(&mut self, step: &'c Step, window: Window) -> Next {
        if matches!(step.action, Action::Call { .. }) {
            self.stage = Stage::Called(window);
            return Next::Again;
        }
        if let Action::Link(link) = &step.action {
            self.change_link(link, window.from);
        }
        self.next_step(window.from, window.slip)
    }

    /// After a call: it must have returned, or be blocked, as its step says.
    fn after_call(&mut self, step: &'c Step, window: Window) -> Next {
        let Action::Call { thread, blocks, outcome, .. } = &step.action else { return self.skip_step() };
        match blocks {
            Blocks::No => self.must_be_back(*thread, outcome, window),
            Blocks::For { .. } => self.next_step(window.from, window.slip),
            Blocks::UntilReturns | Blocks::Forever => {
                if !self.threads.is_back(*thread)
                    && let Some(wait) = self.settle(window.from)
                {
                    return wait;
                }
                if let Some((made, back)) = self.threads.take(*thread) {
                    let returned = calls::show_result(back.completion.result);
                    let call = made.text.to_owned();
                    self.accept(&made, &back, None);
                    self.fail(back.at, Problem::DidNotBlock { call, returned });
                }
                self.next_step(window.from, window.slip)
            }
        }
    }

    fn must_be_back(&mut self, thread: ThreadId, outcome: &'c Outcome, window: Window) -> Next {
        let at_once = match self.script {
            // However long it takes: that delays what follows.
            Some(_) => Window { to: window.from + self.patience(), ..window },
            None => Window { to: window.from, interval: Span::ZERO, ..window },
        };
        if !self.threads.is_back(thread)
            && let Some(wait) = self.settle(at_once.latest(self.clock.timing))
        {
            return wait;
        }
        match self.threads.take(thread) {
            Some((made, back)) => {
                self.check_time(self.cursor, made.text, back.at, at_once);
                self.accept(&made, &back, Some((Keeper::look(self.cursor, at_once), outcome)));
            }
            None => self.still_blocked(thread, window.from),
        }
        self.next_step(window.from, window.slip)
    }
}

/// The call without the key in front of it: `call: read(s, 1)` is `read(s, 1)`.
fn call_text(text: &str) -> &str {
    text.strip_prefix("call:").unwrap_or(text).trim()
}
