//! Moments and windows: what a step's time keys mean, given when earlier steps happened.

use crate::case::{Action, Base, Case, Step, TimeSpec, When};
use crate::target::Timing;
use crate::time::{Span, Timestamp};

use super::eval::{EvalError, Known};
use super::packetdrill::{self, Pace};

/// How long `at: any` waits.
pub(super) const PATIENCE: Span = Span::seconds(60);

/// When a step happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moment {
    /// The time from which the next step counts.
    pub(super) at: Timestamp,
    /// How much later than that our own act was really done. Whatever it causes may be later by as much.
    pub(super) slip: Span,
}

/// When a step may happen. Both ends are nominal; the target's tolerance comes on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    /// The wait over which a real clock's lateness is measured.
    pub(super) interval: Span,
    pub(super) slip: Span,
    /// How uncertain the ends themselves are, as computed from measured times.
    pub(super) uncertain: Span,
    /// Anything that comes at all comes in time (`at: any`).
    pub(super) unbounded: bool,
    /// By packetdrill's rules: how far off is in time, whatever the target's clock.
    pub(super) bound: Option<Span>,
}

impl Window {
    /// From one moment to another, over no wait worth speaking of.
    pub(super) const fn between(from: Timestamp, to: Timestamp, slip: Span) -> Self {
        let (interval, uncertain) = (Span::ZERO, Span::ZERO);
        Self { from, to, interval, slip, uncertain, unbounded: false, bound: None }
    }

    /// Before this it is too early.
    pub(super) fn earliest(&self, timing: Timing) -> Timestamp {
        let early = self.bound.unwrap_or_else(|| timing.early());
        if self.unbounded { Timestamp::START } else { self.from - early - self.uncertain }
    }

    /// After this it is too late.
    pub(super) fn latest(&self, timing: Timing) -> Timestamp {
        self.to + self.late(timing) + self.slip + self.uncertain
    }

    /// How late is not too late.
    pub(super) fn late(&self, timing: Timing) -> Span {
        self.bound.unwrap_or_else(|| timing.late(self.interval))
    }

    /// How long to go on looking for what is late, so that late is told from missing: nothing on a virtual clock,
    /// where what comes late is recognized when it comes.
    pub(super) fn give_up(&self, timing: Timing) -> Timestamp {
        match timing {
            Timing::Virtual => self.latest(timing),
            Timing::Real(_) => {
                self.latest(timing)
                    + Span::millis(250)
                    + timing.late(self.interval)
                    + timing.late(self.interval)
            }
        }
    }
}

/// When each step was reached and when it happened.
#[derive(Debug)]
pub(super) struct Clock {
    pub(super) timing: Timing,
    /// By packetdrill's rules.
    pub(super) pace: Option<Pace>,
    /// Of the step before.
    pub(super) moment: Moment,
    /// Until when we were busy or waiting: our last act, the last thing seen, the last silence waited out.
    pub(super) busy: Timestamp,
    /// Everything up to here has been seen, and nothing was done since.
    settled: Option<Timestamp>,
    reached: Vec<Option<Timestamp>>,
    happened: Vec<Option<Moment>>,
}

impl Clock {
    pub(super) fn new(timing: Timing, case: &Case) -> Self {
        let steps = case.steps.len();
        Self {
            timing,
            pace: packetdrill::rules(case).map(Pace::new),
            moment: Moment::default(),
            busy: Timestamp::START,
            settled: None,
            reached: vec![None; steps + 1],
            happened: vec![None; steps],
        }
    }

    /// Whether everything that happens up to `until` without our doing has been seen.
    pub(super) fn is_settled(&self, until: Timestamp) -> bool {
        self.settled.is_some_and(|settled| settled >= until)
    }

    /// Something happened at this moment.
    pub(super) fn see(&mut self, at: Timestamp) {
        self.busy = self.busy.max(at);
    }

    pub(super) fn settle(&mut self, until: Timestamp) {
        self.see(until);
        self.settled = Some(self.settled.map_or(until, |before| before.max(until)));
    }

    /// We did something: what was settled is open again.
    pub(super) fn unsettle(&mut self, at: Timestamp) {
        self.settled = None;
        self.see(at);
    }

    pub(super) fn reach(&mut self, step: usize) {
        if let Some(reached) = self.reached.get_mut(step) {
            reached.get_or_insert(self.moment.at);
        }
    }

    pub(super) fn happen(&mut self, step: usize, moment: Moment) {
        self.moment = moment;
        if let Some(happened) = self.happened.get_mut(step) {
            *happened = Some(moment);
        }
    }

    /// What follows may be later by so much.
    pub(super) fn grow(&mut self, by: Span) {
        self.moment.slip += by;
        self.happened.iter_mut().flatten().for_each(|moment| moment.slip += by);
    }

    /// When each step happened.
    pub(super) fn moments(&self) -> Vec<Option<Timestamp>> {
        self.happened.iter().map(|moment| moment.map(|moment| moment.at)).collect()
    }

    /// The moment of time 0, once it is reached.
    pub(super) fn zero(&self, case: &Case) -> Option<Timestamp> {
        self.reached.get(case.given).copied().flatten()
    }

    /// The window of a step that is reached now.
    pub(super) fn window(&self, step: &Step, known: &dyn Known) -> Result<Window, EvalError> {
        let previous = self.moment;
        let When::Window { base, from, to } = &step.when else {
            let window = Window::between(previous.at, previous.at + PATIENCE, previous.slip);
            return Ok(Window { unbounded: true, ..window });
        };
        let uncertain = uncertainty(from, known).max(uncertainty(to, known));
        let (from, to) = (self.span(from, known)?, self.span(to, known)?);
        if let Some(pace) = &self.pace {
            let injects = matches!(step.action, Action::Inject { .. });
            let start = match base {
                Base::Reached(index) => self.reached.get(*index).copied().flatten(),
                Base::Previous | Base::Step(_) => None,
            };
            return Ok(pace.window(injects, start, previous, (from, to)));
        }
        let (base, interval) = match base {
            Base::Previous => (previous, to),
            Base::Step(index) => (self.happened.get(*index).copied().flatten().unwrap_or(previous), to),
            Base::Reached(index) => {
                let at = self.reached.get(*index).copied().flatten().unwrap_or(previous.at);
                (Moment { at, slip: previous.slip }, at + to - previous.at)
            }
        };
        Ok(Window {
            from: base.at + from,
            to: base.at + to,
            interval,
            slip: base.slip,
            uncertain,
            unbounded: false,
            bound: None,
        })
    }

    fn span(&self, time: &TimeSpec, known: &dyn Known) -> Result<Span, EvalError> {
        match time {
            TimeSpec::Known(span) => Ok(*span),
            TimeSpec::Computed(expr) => super::eval::time(expr, known),
        }
    }

    /// A length of time that is not a step's own window.
    pub(super) fn length(&self, time: &TimeSpec, known: &dyn Known) -> Result<Span, EvalError> {
        self.span(time, known)
    }
}

/// How uncertain a length of time is.
pub(super) fn uncertainty(time: &TimeSpec, known: &dyn Known) -> Span {
    match time {
        TimeSpec::Known(_) => Span::ZERO,
        TimeSpec::Computed(expr) => super::eval::uncertainty(expr, known),
    }
}
