//! What a run remembers for expressions: captured segments and calls, and what the target told.

use std::collections::BTreeMap;

use crate::case::{Place, Value};
use crate::target::{Completion, Timing};
use crate::time::{Span, Timestamp};
use crate::wire::notation::Bases;
use crate::wire::{Ip, Parsed};

use super::clock::Window;
use super::eval::{EvalError, Known, Worth};

/// Names of TCP states as the kernel numbers them.
const STATES: [(i64, &str); 12] = [
    (1, "ESTABLISHED"),
    (2, "SYN_SENT"),
    (3, "SYN_RECV"),
    (4, "FIN_WAIT1"),
    (5, "FIN_WAIT2"),
    (6, "TIME_WAIT"),
    (7, "CLOSED"),
    (8, "CLOSE_WAIT"),
    (9, "LAST_ACK"),
    (10, "LISTEN"),
    (11, "CLOSING"),
    (12, "SYN_RECV"),
];

/// The name of a TCP state.
pub(super) fn state_name(number: i64) -> String {
    STATES
        .iter()
        .find(|(known, _)| *known == number)
        .map_or_else(|| format!("state {number}"), |(_, name)| (*name).to_owned())
}

/// What a named step kept.
#[derive(Clone, Debug)]
struct Captured {
    at: Timestamp,
    /// How far the time may be from its nominal one.
    tolerance: Span,
    fields: BTreeMap<&'static str, Worth>,
    value: Option<Value>,
    /// What an assertion looked at, by its name: `s.tcpi_rtt`.
    told: BTreeMap<String, Worth>,
}

/// Who keeps something: a step, or a member of an `any_order` by its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keeper<'a> {
    pub(super) step: usize,
    pub(super) member: Option<&'a str>,
    /// The wait over which a real clock's lateness is measured; none for what the case does.
    pub(super) wait: Option<Span>,
}

impl Keeper<'_> {
    /// A step that does something.
    pub(super) const fn act(step: usize) -> Self {
        Self { step, member: None, wait: None }
    }

    /// A step that looks at something, in a window.
    pub(super) const fn look(step: usize, window: Window) -> Self {
        Self { step, member: None, wait: Some(window.interval) }
    }
}

/// Everything that expressions can look up.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    timing: Timing,
    /// Time 0, from which the times that are kept count; the start as long as it is not reached.
    pub(super) zero: Timestamp,
    /// By step; what members of an `any_order` kept also by their names.
    captured: BTreeMap<(usize, Option<String>), Captured>,
    /// What the target told for the current assertion.
    told: Vec<(Place, Worth)>,
    /// Counters at time 0.
    pub(super) baseline: BTreeMap<String, i64>,
}

impl Memory {
    pub(super) fn new(timing: Timing) -> Self {
        Self {
            timing,
            zero: Timestamp::START,
            captured: BTreeMap::new(),
            told: Vec::new(),
            baseline: BTreeMap::new(),
        }
    }

    fn keep(
        &mut self,
        keeper: Keeper<'_>,
        at: Timestamp,
        fields: BTreeMap<&'static str, Worth>,
        value: Option<Value>,
    ) {
        let tolerance =
            keeper.wait.map_or(Span::ZERO, |wait| self.timing.late(wait).max(self.timing.early()));
        let key = (keeper.step, keeper.member.map(str::to_owned));
        self.captured.insert(key, Captured { at, tolerance, fields, value, told: BTreeMap::new() });
    }

    fn captured(&self, step: usize, name: &str) -> Option<&Captured> {
        let of_member = self.captured.get(&(step, Some(name.to_owned())));
        of_member.or_else(|| self.captured.get(&(step, None)))
    }

    /// Keeps a segment of a step with `as`.
    pub(super) fn keep_segment(&mut self, keeper: Keeper<'_>, at: Timestamp, parsed: &Parsed, bases: &Bases) {
        let mut fields = BTreeMap::from([("ttl", Worth::Int(i64::from(parsed.packet.ip.ttl())))]);
        if let Ip::V4(ip) = &parsed.packet.ip {
            fields.insert("id", Worth::Int(i64::from(ip.id)));
        }
        if let Some(tcp) = parsed.packet.tcp() {
            let length = i64::try_from(tcp.payload.len()).unwrap_or(i64::MAX);
            for (name, number) in [
                ("seq", i64::from(tcp.seq.wrapping_sub(bases.seq))),
                ("ack", i64::from(tcp.ack.wrapping_sub(bases.ack))),
                ("len", length),
                ("win", i64::from(tcp.win)),
                ("urg", i64::from(tcp.urg)),
            ] {
                fields.insert(name, Worth::Int(number));
            }
            if let Some((value, echo)) = tcp.timestamps() {
                fields.insert("ts_val", Worth::Int(i64::from(value.wrapping_sub(bases.ts_val))));
                let echo = if echo == 0 { 0 } else { echo.wrapping_sub(bases.ts_ecr) };
                fields.insert("ts_ecr", Worth::Int(i64::from(echo)));
            }
            if let Some(mss) = tcp.mss() {
                fields.insert("mss", Worth::Int(i64::from(mss)));
            }
            if let Some(shift) = tcp.wscale() {
                fields.insert("wscale", Worth::Int(i64::from(shift)));
            }
        }
        self.keep(keeper, at, fields, None);
    }

    /// Keeps the moment of an act.
    pub(super) fn keep_time(&mut self, step: usize, at: Timestamp) {
        self.keep(Keeper::act(step), at, BTreeMap::new(), None);
    }

    /// Keeps what a call came back with.
    pub(super) fn keep_call(&mut self, keeper: Keeper<'_>, at: Timestamp, completion: &Completion) {
        let result = completion.result.unwrap_or(-1);
        let fields = BTreeMap::from([("result", Worth::Int(result))]);
        self.keep(keeper, at, fields, completion.given.clone());
    }

    /// Keeps what the target told for a step with `as`.
    pub(super) fn keep_told(&mut self, step: usize, at: Timestamp) {
        self.keep_time(step, at);
        if let Some(captured) = self.captured.get_mut(&(step, None)) {
            captured.told =
                self.told.iter().map(|(place, worth)| (place.to_string(), worth.clone())).collect();
        }
    }

    /// Forgets what the target told: it may have changed.
    pub(super) fn forget(&mut self) {
        self.told.clear();
    }

    /// Keeps what the target told of a place.
    pub(super) fn tell(&mut self, place: Place, value: &Value) -> Result<(), EvalError> {
        let worth = match (&place, Worth::of(value)?) {
            (Place::Flow { field, .. } | Place::Descriptor { field, .. }, Worth::Int(number))
                if field == "state" =>
            {
                Worth::Symbol(state_name(number))
            }
            (Place::Counter(name), Worth::Int(number)) => {
                Worth::Int(number - self.baseline.get(name).copied().unwrap_or(0))
            }
            (_, worth) => worth,
        };
        self.told.push((place, worth));
        Ok(())
    }

    pub(super) fn has(&self, place: &Place) -> bool {
        matches!(place, Place::Captured { .. }) || self.told.iter().any(|(known, _)| known == place)
    }
}

impl Known for Memory {
    fn look_up(&self, place: &Place) -> Result<Worth, EvalError> {
        let Place::Captured { step, name, path } = place else {
            return self
                .told
                .iter()
                .find(|(known, _)| known == place)
                .map(|(_, worth)| worth.clone())
                .ok_or_else(|| EvalError(format!("{place} can be looked at only in an assert")));
        };
        let captured = self
            .captured(*step, name)
            .ok_or_else(|| EvalError(format!("{place}: the step that should have kept it did not happen")))?;
        let missing = || EvalError(format!("{place}: there is no such field in what came"));
        match path.split_first() {
            Some((first, rest)) if first == "value" => {
                let mut value = captured.value.as_ref().ok_or_else(missing)?;
                for field in rest {
                    let Value::Map(fields) = value else { return Err(missing()) };
                    value = fields.get(field).ok_or_else(missing)?;
                }
                Worth::of(value)
            }
            Some((first, [])) if first == "time" => Ok(Worth::Time(captured.at - self.zero)),
            Some((first, [])) => captured.fields.get(first.as_str()).cloned().ok_or_else(missing),
            _ => captured.told.get(&path.join(".")).cloned().ok_or_else(missing),
        }
    }

    fn timing(&self) -> Timing {
        self.timing
    }

    fn tolerance(&self, place: &Place) -> Span {
        match place {
            Place::Captured { step, name, path } if *path == ["time"] => {
                self.captured(*step, name).map_or(Span::ZERO, |captured| captured.tolerance)
            }
            Place::Captured { .. }
            | Place::Descriptor { .. }
            | Place::Flow { .. }
            | Place::Counter(_)
            | Place::Command { .. } => Span::ZERO,
        }
    }
}
