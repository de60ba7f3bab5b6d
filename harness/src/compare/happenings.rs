//! A run as a series of happenings, each in a lane in which order means something.

use std::collections::BTreeMap;

use crate::case::{Action, Case, FlowId, Scalar, Syscall, constant};
use crate::engine::{Event, Seen, Status, What};
use crate::target::Completion;
use crate::time::Timestamp;
use crate::trace::{Entry, Trace};
use crate::wire::{Parsed, parse};

use super::{Kind, Side};

/// One thing that happened.
#[derive(Debug)]
pub(super) struct Happening<'r> {
    pub(super) at: Timestamp,
    /// The step that did it or claimed it.
    pub(super) step: Option<usize>,
    pub(super) status: Status,
    pub(super) place: Place,
    pub(super) what: Matter<'r>,
    pub(super) kind: Kind,
    pub(super) text: String,
}

/// What its partner in the other run is found by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// By name: only one thing of a run has it.
    Key(Key),
    /// By order and likeness, among others of this lane.
    Lane(Lane),
}

/// A name that a thing has in every run of the case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// The n-th act of a step.
    Act(usize, usize),
    /// The return of the call that a step made.
    Return(usize),
    /// The n-th signal that it raised.
    Signal(usize, usize),
    /// What a step looked at, the n-th time.
    Seen(usize, String, usize),
}

/// A series of things that come in an order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lane {
    /// What is emitted on a flow, or on none.
    Flow(Option<FlowId>),
    /// What an automatic peer sends.
    Peer,
    /// The changes of state of a connection: with this peer, or of sockets that listen.
    State(String),
    /// Returns and signals of no known call.
    Stray,
}

/// What is compared.
#[derive(Debug)]
pub(super) enum Matter<'r> {
    /// Done by the case.
    Act,
    /// Sent by an automatic peer: it follows from what the target sent.
    Peer,
    /// A packet; none that is no packet at all.
    Emitted(Option<Box<Parsed>>, &'r Event),
    /// A call came back; what of that means nothing.
    Returned(&'r Completion, Chance),
    Signalled,
    Seen(&'r Seen),
    Changed,
}

/// What a call gives that is drawn by chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chance {
    Nothing,
    /// The number of a descriptor.
    Result,
    /// A packet of the target that an error is about, with its ports and numbers.
    Data,
}

/// Everything of a run that is compared, in the order it was recorded.
pub(super) fn of<'r>(case: &Case, side: &Side<'r>, with_states: bool) -> Vec<Happening<'r>> {
    let mut reader = Reader::new(case);
    let mut list: Vec<Happening<'r>> = Vec::new();
    let mut seen = side.report.seen.iter().peekable();
    let changes = if with_states { changes(side.trace) } else { Vec::new() };
    let mut changes = changes.into_iter().peekable();
    for event in &side.report.events {
        while let Some(change) = changes.next_if(|change| change.at < event.at) {
            list.push(change);
        }
        let is_later = |seen: &&Seen| {
            seen.at < event.at
                || (event.status == Status::Done && event.step.is_some_and(|step| step > seen.step))
        };
        while let Some(seen) = seen.next_if(is_later) {
            list.push(reader.seen(seen));
        }
        list.extend(reader.event(event));
    }
    list.extend(seen.map(|seen| reader.seen(seen)));
    list.extend(changes);
    list
}

/// The last moment at which anybody looked.
pub(super) fn horizon(side: &Side<'_>) -> Timestamp {
    let reached = |trace: &Trace| {
        trace
            .entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Reached(at) => Some(Timestamp(*at)),
                _ => None,
            })
            .max()
    };
    let last = side
        .report
        .events
        .iter()
        .filter(|event| event.status != Status::Teardown)
        .map(|event| event.at)
        .max();
    last.max(side.trace.and_then(reached)).unwrap_or_default()
}

/// Whether a trace tells of states.
pub(super) fn tells_states(side: &Side<'_>) -> bool {
    side.trace.is_some_and(|trace| trace.entries.iter().any(|entry| matches!(entry, Entry::Changed { .. })))
}

fn changes<'r>(trace: Option<&Trace>) -> Vec<Happening<'r>> {
    let entries = trace.map(|trace| trace.entries.as_slice()).unwrap_or_default();
    let change = |entry: &Entry| {
        let Entry::Changed { at, ends, from, to, cause } = entry else { return None };
        let peer = ends.map_or_else(|| "listener".to_owned(), |(_, peer)| peer.to_string());
        Some(Happening {
            at: Timestamp(*at),
            step: None,
            status: Status::Unclaimed,
            place: Place::Lane(Lane::State(peer)),
            what: Matter::Changed,
            kind: Kind::State,
            text: format!("{from} -> {to} ({cause})"),
        })
    };
    entries.iter().filter_map(change).collect()
}

struct Reader<'c> {
    case: &'c Case,
    /// How many acts of each step there were.
    acts: BTreeMap<usize, usize>,
    /// Of each thread: the step of its last call, and how many signals that raised.
    calls: Vec<Option<(usize, usize)>>,
    looks: BTreeMap<(usize, String), usize>,
}

impl<'c> Reader<'c> {
    fn new(case: &'c Case) -> Self {
        let calls = vec![None; case.threads.len()];
        Self { case, acts: BTreeMap::new(), calls, looks: BTreeMap::new() }
    }

    fn event<'r>(&mut self, event: &'r Event) -> Option<Happening<'r>> {
        if matches!(event.status, Status::Ignored | Status::Teardown) {
            return None;
        }
        let (place, what, kind, text) = match &event.what {
            What::Injected(_) | What::Called(_) | What::Did => self.act(event),
            What::Lost(_) => {
                (Place::Lane(Lane::Peer), Matter::Peer, Kind::Injected, format!("{} (lost)", event.text))
            }
            What::Emitted(bytes) => {
                let parsed = parse(bytes).ok().map(Box::new);
                let place = Place::Lane(Lane::Flow(event.flow));
                (place, Matter::Emitted(parsed, event), Kind::Emitted, event.text.clone())
            }
            What::Returned(thread) => {
                let call = self.calls.get(thread.0).copied().flatten().map(|(step, _)| step);
                let place = call.map_or(Place::Lane(Lane::Stray), |step| Place::Key(Key::Return(step)));
                let completion = event.back.as_ref()?;
                (
                    place,
                    Matter::Returned(completion, self.chance(call)),
                    Kind::Returned,
                    self.on(thread.0, &event.text),
                )
            }
            What::Signalled(thread, _) => {
                let place = match self.calls.get_mut(thread.0).and_then(Option::as_mut) {
                    Some((step, count)) => {
                        *count += 1;
                        Place::Key(Key::Signal(*step, *count))
                    }
                    None => Place::Lane(Lane::Stray),
                };
                (place, Matter::Signalled, Kind::Signalled, self.on(thread.0, &event.text))
            }
        };
        Some(Happening { at: event.at, step: event.step, status: event.status, place, what, kind, text })
    }

    fn act<'r>(&mut self, event: &Event) -> (Place, Matter<'r>, Kind, String) {
        let Some(step) = event.step else {
            return (Place::Lane(Lane::Peer), Matter::Peer, Kind::Injected, event.text.clone());
        };
        let (kind, text) = match &event.what {
            What::Called(thread) => {
                if let Some(call) = self.calls.get_mut(thread.0) {
                    *call = Some((step, 0));
                }
                (Kind::Called, self.on(thread.0, &event.text))
            }
            What::Injected(_) => (Kind::Injected, event.text.clone()),
            _ => (Kind::Did, event.text.clone()),
        };
        let count = self.acts.entry(step).or_default();
        *count += 1;
        (Place::Key(Key::Act(step, *count)), Matter::Act, kind, text)
    }

    fn seen<'r>(&mut self, seen: &'r Seen) -> Happening<'r> {
        let count = self.looks.entry((seen.step, seen.place.clone())).or_default();
        *count += 1;
        Happening {
            at: seen.at,
            step: Some(seen.step),
            status: Status::Expected,
            place: Place::Key(Key::Seen(seen.step, seen.place.clone(), *count)),
            what: Matter::Seen(seen),
            kind: Kind::Seen,
            text: format!("{} is {}", seen.place, seen.worth),
        }
    }

    /// With the thread's name in front, unless it is the main one.
    fn on(&self, thread: usize, text: &str) -> String {
        match thread {
            0 => text.to_owned(),
            _ => format!("{}: {text}", self.case.threads.get(thread).map_or("?", String::as_str)),
        }
    }

    /// What the call of a step gives that means nothing.
    fn chance(&self, call: Option<usize>) -> Chance {
        let step = call.and_then(|step| self.case.steps.get(step));
        let Some(Action::Call { call, .. }) = step.map(|step| &step.action) else { return Chance::Nothing };
        let errors = constant("MSG_ERRQUEUE").unwrap_or_default();
        match call {
            Syscall::Socket { .. }
            | Syscall::Accept { .. }
            | Syscall::Accept4 { .. }
            | Syscall::Dup { .. }
            | Syscall::EpollCreate { .. } => Chance::Result,
            Syscall::Recv { flags, .. }
            | Syscall::Recvfrom { flags, .. }
            | Syscall::Recvmsg { flags, .. }
                if matches!(flags, Scalar::Known(flags) if flags & errors != 0) =>
            {
                Chance::Data
            }
            _ => Chance::Nothing,
        }
    }
}
