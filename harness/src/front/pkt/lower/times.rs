//! When events happen, or must happen.

use crate::case::{Base, Blocks, TimeSpec, When};
use crate::front::pkt::script::{Node, Time};
use crate::time::Span;

use super::Context;

/// What is known of times so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    /// The index of the first step that counts: absolute times count from it.
    pub(super) start: usize,
    /// The event before, if its time was absolute; none before the first event.
    before: Option<Before>,
}

#[derive(Clone, Copy, Debug)]
enum Before {
    Absolute(Span),
    Other,
}

impl Context<'_> {
    /// When the event with this time happens.
    pub(super) fn time(&mut self, time: &Node<Time>, until: Option<&Node<Time>>) -> When {
        let start = Base::Reached(self.times.start);
        let (base, from, to) = match time.value {
            Time::Absolute(at) => (Some(start), at, at),
            Time::Relative(after) => (Some(Base::Previous), after, after),
            Time::AbsoluteRange(from, to) => (Some(start), from, to),
            Time::RelativeRange(from, to) => (Some(Base::Previous), from, to),
            Time::Any => (None, Span::ZERO, Span::ZERO),
        };
        match self.times.before {
            None if from != Span::ZERO => {
                self.wrong_help(time.at, "the first event is not at time 0", "begin with 0 or +0");
            }
            Some(Before::Absolute(before)) if base == Some(start) && from < before => {
                self.wrong(time.at, format!("time goes backwards: the event before is at {before}"));
            }
            _ => {}
        }
        self.times.before = Some(if base == Some(start) { Before::Absolute(from) } else { Before::Other });
        if let Some(until) = until
            && span(until.value) < span(time.value)
        {
            self.wrong(until.at, "the call returns before it is made");
        }
        match base {
            Some(base) => When::Window { base, from: TimeSpec::Known(from), to: TimeSpec::Known(to) },
            None => When::Any,
        }
    }

    /// Whether a call with these times blocks, and how long after it was made it returns.
    pub(super) fn blocks(&self, time: &Node<Time>, until: Option<&Node<Time>>) -> Blocks {
        let Some(until) = until else { return Blocks::No };
        let after = TimeSpec::Known(span(until.value) - span(time.value));
        Blocks::For { from: after.clone(), to: after }
    }
}

/// A time from what it counts from; the beginning of a range.
const fn span(time: Time) -> Span {
    match time {
        Time::Absolute(span)
        | Time::Relative(span)
        | Time::AbsoluteRange(span, _)
        | Time::RelativeRange(span, _) => span,
        Time::Any => Span::ZERO,
    }
}
