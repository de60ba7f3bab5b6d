//! Times of steps.

use std::ops::Range;

use crate::case::{Base, Blocks, Location, TimeSpec, When, nearest};
use crate::time::Span;

use super::cursor::Cursor;
use super::lowerer::{Clock, Lowerer};
use super::number::capture;
use super::report::{Fault, Lowers, Parse, Phase};
use super::shape::Shape;
use super::text::Text;

/// A time, or a range of times.
pub(super) struct Window {
    pub(super) from: TimeSpec,
    pub(super) to: TimeSpec,
    pub(super) is_range: bool,
}

impl Lowerer<'_, '_> {
    /// One time.
    pub(super) fn time(&mut self, cursor: &mut Cursor<'_>) -> Parse<TimeSpec> {
        cursor.skip_spaces();
        if cursor.peek() == Some('$') {
            return capture(cursor, self).map(TimeSpec::Computed);
        }
        cursor.time().map(|(span, _)| TimeSpec::Known(span))
    }

    /// A time or `from..to`, to the end of the text.
    pub(super) fn window(&mut self, text: &Text) -> Parse<Window> {
        let mut cursor = Cursor::new(text);
        cursor.skip_spaces();
        let start = cursor.position();
        let from = self.time(&mut cursor)?;
        if !cursor.take("..") {
            cursor.finish()?;
            return Ok(Window { to: from.clone(), from, is_range: false });
        }
        let to = self.time(&mut cursor)?;
        cursor.finish()?;
        if let (TimeSpec::Known(low), TimeSpec::Known(high)) = (&from, &to)
            && high < low
        {
            return Err(empty_range(*low, *high, start..cursor.position()));
        }
        Ok(Window { from, to, is_range: true })
    }

    /// A single time to the end of a text.
    pub(super) fn one_time(&mut self, text: &Text, key: &str) -> Parse<TimeSpec> {
        let window = self.window(text)?;
        if window.is_range {
            return Err(Fault::new(0..text.as_str().len(), format!("{key} takes one time, not a range")));
        }
        Ok(window.from)
    }

    /// `blocks`.
    pub(super) fn blocks(&mut self, text: &Text) -> Parse<Blocks> {
        Ok(match text.as_str() {
            "true" => Blocks::UntilReturns,
            "false" => Blocks::No,
            "forever" => Blocks::Forever,
            _ => {
                let window = self
                    .window(text)
                    .map_err(|fault| fault.or_help("true, forever, a time or a range of times"))?;
                Blocks::For { from: window.from, to: window.to }
            }
        })
    }

    /// When a step happens, and the moment from which the next one counts.
    pub(super) fn when(&mut self, shape: &Shape) -> Lowers<(When, Clock)> {
        let base = match shape.text("since") {
            Some(text) => self.since(text)?,
            None => (Base::Previous, self.scope().clock),
        };
        let key = ["after", "within", "at"].into_iter().find(|key| shape.keys.contains_key(key));
        let Some((key, written)) = key.and_then(|key| Some((key, shape.text(key)?))) else {
            let window = Window { from: TimeSpec::ZERO, to: TimeSpec::ZERO, is_range: false };
            return self.window_from(shape, base, window, shape.value.at);
        };
        let text = self.replaced(written)?;
        let whole = 0..text.as_str().len();
        if key == "at" && text.as_str() == "any" {
            return self.any_time(shape, &text, whole);
        }
        let mut window = self.parse(&text, |this| this.window(&text))?;
        if shape.kind.is_action() && window.is_range {
            let name = shape.kind.name();
            let fault = Fault::new(whole, format!("{name} happens at an exact time, not in a range"));
            return Err(self.fault(&text, fault));
        }
        if key == "within" {
            if window.is_range {
                let fault = Fault::new(whole, "within takes one time, not a range");
                let help = format!("after: {}", text.as_str());
                return Err(self.fault(&text, fault.help(help)));
            }
            window.from = TimeSpec::ZERO;
        }
        let base = if key == "at" {
            let first = self.scope().first;
            (Base::Reached(first), Clock::START)
        } else {
            base
        };
        let at = text.at(0..text.as_str().len());
        self.window_from(shape, base, window, at)
    }

    fn any_time(&mut self, shape: &Shape, text: &Text, whole: Range<usize>) -> Lowers<(When, Clock)> {
        if shape.kind.is_action() {
            let name = shape.kind.name();
            let fault = Fault::new(whole, format!("{name} happens at an exact time, not at any"));
            return Err(self.fault(text, fault));
        }
        let at = text.at(whole);
        if !self.is_script() {
            self.report.warn(at, "at: any accepts every time; it is for imported scripts and sketches");
        }
        let low = self.scope().clock.low;
        let clock = Clock { low, high: i64::MAX, at: Some(shape.value.at) };
        Ok((When::Any, clock))
    }

    fn since(&mut self, text: &Text) -> Lowers<(Base, Clock)> {
        let text = self.replaced(text)?;
        let name = text.as_str();
        let level = text.level(0).min(self.level());
        if let Some((step, clock)) = self.scopes[level].kept.get(name) {
            return Ok((Base::Step(*step), *clock));
        }
        let names = self.scopes[level].kept.keys().map(String::as_str);
        let near = nearest(name, names).map(|near| format!("did you mean {near}?"));
        let fault = Fault::new(0..name.len(), format!("no step \"{name}\" before this step"))
            .help("give it a name: as: ...")
            .help_opt(near)
            .phase(Phase::Names);
        Err(self.fault(&text, fault))
    }

    fn window_from(
        &mut self,
        shape: &Shape,
        (base, counted): (Base, Clock),
        window: Window,
        at: Location,
    ) -> Lowers<(When, Clock)> {
        let previous = self.scope().clock;
        let known = |time: &TimeSpec, unknown: i64| match time {
            TimeSpec::Known(span) => span.0,
            TimeSpec::Computed(_) => unknown,
        };
        // Nothing is known of a computed time but that it is not negative.
        let low = counted.low.saturating_add(known(&window.from, 0));
        let high = counted.high.saturating_add(known(&window.to, i64::MAX));
        // A script may go back unnoticed: it is late then.
        if high < previous.low && !self.is_script() {
            let distance = Span(previous.low - high);
            let line = previous.at.map_or(1, |at| self.report.sources.line_column(at).0);
            let text = format!("time goes backwards: this is {distance} before the step in line {line}");
            return Err(self.report.error(Phase::Times, at, text));
        }
        let clock = Clock { low: low.max(previous.low), high, at: Some(shape.value.at) };
        let when = When::Window { base, from: window.from, to: window.to };
        Ok((when, clock))
    }
}

fn empty_range(low: Span, high: Span, range: Range<usize>) -> Fault {
    Fault::new(range, format!("empty range: {low} is after {high}")).phase(Phase::Times)
}
