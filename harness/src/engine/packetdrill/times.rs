//! Times: what they count from, and how far off is in time.

use crate::case::{Action, PacketdrillRules};
use crate::time::{Span, Timestamp};

use super::super::Engine;
use super::super::clock::{Moment, Window};

/// The step before, as the times of the next one need it.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Pace {
    rules: PacketdrillRules,
    before: Option<Before>,
}

#[derive(Clone, Copy, Debug)]
struct Before {
    nominal: Timestamp,
    injected: bool,
}

impl Engine<'_> {
    /// When a step was really over that was nominally at this moment, and how late that is. Says it to the next one.
    pub(in crate::engine) fn over(&mut self, moment: Moment) -> Moment {
        let (nominal, action) =
            (self.stage.window().map(|window| window.from), self.case.steps.get(self.cursor));
        let action = action.map(|step| &step.action);
        if let Some(pace) = &mut self.clock.pace {
            pace.step_over(nominal.unwrap_or(moment.at), matches!(action, Some(Action::Inject { .. })));
        }
        if matches!(action, Some(Action::Expect { .. })) {
            return moment;
        }
        let at = moment.at.max(self.clock.busy);
        Moment { at, slip: at - moment.at }
    }
}

impl Pace {
    pub(in crate::engine) const fn new(rules: PacketdrillRules) -> Self {
        Self { rules, before: None }
    }

    /// The first event is reached: what was before is none.
    pub(in crate::engine) const fn begin(&mut self) {
        self.before = None;
    }

    /// A step is over whose time was `nominal`.
    pub(in crate::engine) const fn step_over(&mut self, nominal: Timestamp, injected: bool) {
        self.before = Some(Before { nominal, injected });
    }

    /// What relative times count from: the nominal moment of the step before if both inject, else when it was over.
    fn reference(&self, injects: bool, over: Moment) -> Moment {
        match self.before {
            Some(before) if before.injected && injects => Moment { at: before.nominal, slip: Span::ZERO },
            _ => Moment { at: over.at, slip: Span::ZERO },
        }
    }

    /// The window of a step whose times are given, from the start or else after a step that was over at `over`. A
    /// lateness of ours delays only what counts from the start: all else counts from when things really were over.
    pub(in crate::engine) fn window(
        &self,
        injects: bool,
        start: Option<Timestamp>,
        over: Moment,
        times: (Span, Span),
    ) -> Window {
        let base = match start {
            Some(at) => Moment { at, slip: over.slip },
            None => self.reference(injects, over),
        };
        let (from, to) = (base.at + times.0, base.at + times.1);
        Window { bound: Some(self.bound(from)), ..Window::between(from, to, base.slip) }
    }

    /// How far from `nominal` is in time.
    fn bound(&self, nominal: Timestamp) -> Span {
        let waited = self.before.map_or(Span::ZERO, |before| nominal - before.nominal);
        self.share(waited)
    }

    /// The larger of the two tolerances, for something that was waited for so long.
    pub(in crate::engine) fn share(&self, waited: Span) -> Span {
        let rules = self.rules;
        let share = i128::from(waited.0) * i128::from(rules.per_million) / 1_000_000;
        let micros = i64::try_from(share / 1_000).unwrap_or(i64::MAX);
        rules.tolerance.max(Span::micros(micros))
    }
}
