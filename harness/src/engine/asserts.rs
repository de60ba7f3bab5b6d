//! `assert`: truths over captured values and over what the target tells.

use crate::case::{Action, BinaryOp, Case, Expr, Place, Value};
use crate::target::Inspection;
use crate::verdict::Problem;

use super::clock::Window;
use super::eval::{self, EvalError, Known};
use super::memory::state_name;
use super::want::Want;
use super::{Engine, Next, Seen};

impl Engine<'_> {
    /// Evaluates the expressions of a step that is due, asking the target for what they name first.
    pub(super) fn assert(&mut self, expressions: &[Expr], window: Window) -> Next {
        let mut places = Vec::new();
        for expression in expressions {
            places_of(expression, &mut places);
        }
        if let Err(error) = self.tell_received(&places) {
            return self.meaningless(&error);
        }
        if let Some(place) = places.iter().find(|place| !self.memory.has(place)) {
            return match self.inspection(place) {
                Some(what) => Next::Want(Want::Inspect(what)),
                None => {
                    let missing = format!("{place}: nothing has been seen of that flow");
                    self.fail(window.from, Problem::Consequence { missing });
                    self.memory.forget();
                    self.next_step(window.from, window.slip)
                }
            };
        }
        for place in places {
            if !matches!(place, Place::Captured { .. })
                && let Ok(worth) = self.memory.look_up(&place)
            {
                let (step, at, place) = (self.cursor, window.from, place.to_string());
                self.seen.push(Seen { step, at, place, worth });
            }
        }
        for expression in expressions {
            match eval::truth(expression, &self.memory) {
                Ok(true) => {}
                Ok(false) => {
                    let mut seen = Vec::new();
                    places_of(expression, &mut seen);
                    let values = seen
                        .iter()
                        .filter_map(|place| {
                            let worth = self.memory.look_up(place).ok()?;
                            Some((place.to_string(), worth.to_string()))
                        })
                        .collect();
                    self.fail(window.from, Problem::NotTrue { expression: expression.to_string(), values });
                }
                Err(error) => {
                    self.fail(window.from, Problem::Meaningless { why: error.0 });
                }
            }
        }
        self.memory.forget();
        self.next_step(window.from, window.slip)
    }

    /// What the peers have got is known without asking.
    fn tell_received(&mut self, places: &[Place]) -> Result<(), EvalError> {
        for place in places {
            if let Place::Flow { id, field, .. } = place
                && field == "received"
                && !self.memory.has(place)
            {
                let count = self.flows.0.get(id.0).map_or(0, |flow| flow.peer.received());
                self.memory.tell(place.clone(), &Value::Int(count))?;
            }
        }
        Ok(())
    }

    fn inspection(&self, place: &Place) -> Option<Inspection> {
        match place {
            Place::Captured { .. } => None,
            Place::Descriptor { id, field, .. } => Some(Inspection::Descriptor(*id, field.clone())),
            Place::Counter(name) => Some(Inspection::Counter(name.clone())),
            Place::Flow { id, .. } => {
                let flow = self.flows.0.get(id.0)?;
                Some(Inspection::FlowState { flow: *id, local: flow.local?, remote: flow.remote })
            }
        }
    }

    /// The answer to an inspection.
    pub(super) fn inspected(&mut self, answer: Result<Value, String>) {
        if self.cursor == self.case.given
            && let Some(name) = self.counters.pop()
        {
            match answer {
                Ok(Value::Int(count)) => {
                    self.memory.baseline.insert(name, count);
                }
                Ok(_) => self.lacks(format!("counter.{name}")),
                Err(missing) => self.lacks(missing),
            }
            return;
        }
        if let Some((index, _)) = self.curious.take() {
            if let (Ok(Value::Int(state)), Some(mismatch)) = (answer, self.mismatches.get_mut(index)) {
                mismatch.hints.push(format!("the connection is in state {}", state_name(state)));
            }
            return;
        }
        let Some(step) = self.case.steps.get(self.cursor) else { return };
        let Action::Assert(expressions) = &step.action else { return };
        let mut places = Vec::new();
        for expression in expressions {
            places_of(expression, &mut places);
        }
        let Some(place) = places.into_iter().find(|place| !self.memory.has(place)) else { return };
        match answer {
            Ok(value) => {
                if let Err(error) = self.memory.tell(place, &value) {
                    self.lacks(error.0);
                }
            }
            Err(missing) => self.lacks(missing),
        }
    }
}

/// The counters that a case's assertions name, each once.
pub(super) fn counters(case: &Case) -> Vec<String> {
    let mut places = Vec::new();
    for step in &case.steps {
        if let Action::Assert(expressions) = &step.action {
            expressions.iter().for_each(|expression| places_of(expression, &mut places));
        }
    }
    let mut names: Vec<String> = places
        .into_iter()
        .filter_map(|place| if let Place::Counter(name) = place { Some(name) } else { None })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Everything an expression looks at, in order.
fn places_of(expr: &Expr, places: &mut Vec<Place>) {
    match expr {
        Expr::Int(_) | Expr::Time(_) | Expr::Symbol(_) => {}
        Expr::Place(place) => places.push(place.clone()),
        Expr::Binary(
            BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Rem
            | BinaryOp::Shl
            | BinaryOp::Shr
            | BinaryOp::BitAnd
            | BinaryOp::BitOr,
            left,
            right,
        )
        | Expr::Min(left, right)
        | Expr::Max(left, right) => {
            places_of(left, places);
            places_of(right, places);
        }
        Expr::Compare(first, rest) => {
            places_of(first, places);
            rest.iter().for_each(|(_, term)| places_of(term, places));
        }
        Expr::And(terms) | Expr::Or(terms) => terms.iter().for_each(|term| places_of(term, places)),
        Expr::Not(inner) | Expr::Negative(inner) => places_of(inner, places),
    }
}
