//! `assert`: truths over captured values and over what the target tells.

use crate::case::{Action, Case, Claim, Expr, Place, Said, Value};
use crate::target::Inspection;
use crate::verdict::Problem;

use super::clock::Window;
use super::eval::{self, EvalError, Known};
use super::memory::state_name;
use super::want::Want;
use super::{Engine, Next, Seen};

impl Engine<'_> {
    /// Evaluates the claims of a step that is due, asking the target for what they name first.
    pub(super) fn assert(&mut self, claims: &[Claim], window: Window) -> Next {
        let places = places_in(claims);
        if let Err(error) = self.tell_received(&places) {
            return self.meaningless(&error);
        }
        if let Some(place) = places.iter().find(|place| !self.memory.has(place)) {
            return match self.inspection(place) {
                Ok(what) => Next::Want(Want::Inspect(what)),
                Err(missing) => {
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
        for claim in claims {
            self.judge_claim(claim, window);
        }
        if self.case.steps.get(self.cursor).is_some_and(|step| step.name.is_some()) {
            self.memory.keep_told(self.cursor, window.from);
        }
        self.memory.forget();
        self.next_step(window.from, window.slip)
    }

    fn judge_claim(&mut self, claim: &Claim, window: Window) {
        match eval::truth(&claim.truth, &self.memory) {
            Ok(true) => {}
            Ok(false) => {
                let mut values: Vec<(String, String)> = Vec::new();
                for place in claim.expressions().flat_map(Expr::places) {
                    if let Ok(worth) = self.memory.look_up(place) {
                        let value = (place.to_string(), worth.to_string());
                        if !values.contains(&value) {
                            values.push(value);
                        }
                    }
                }
                let expression = claim.written.clone().unwrap_or_else(|| claim.truth.to_string());
                let says = self.said(&claim.says);
                self.fail(window.from, Problem::NotTrue { expression, values, says });
            }
            Err(error) => {
                self.fail(window.from, Problem::Meaningless { why: error.0 });
            }
        }
    }

    /// What the case says about a claim that does not hold.
    fn said(&self, parts: &[Said]) -> Option<String> {
        let text: String = parts
            .iter()
            .map(|part| match part {
                Said::Text(text) => text.clone(),
                Said::Value(expr) => match eval::eval(expr, &self.memory) {
                    Ok(worth) => worth.to_string(),
                    Err(EvalError(why)) => format!("({why})"),
                },
            })
            .collect();
        (!text.is_empty()).then_some(text)
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

    /// The question to the target, or why it cannot be asked.
    fn inspection(&self, place: &Place) -> Result<Inspection, String> {
        match place {
            Place::Captured { .. } => Err(format!("{place}: it was not kept")),
            Place::Descriptor { id, name, .. } if !self.bound.get(id.0).copied().unwrap_or(false) => {
                Err(format!("{place}: descriptor {name} is not open"))
            }
            Place::Descriptor { id, field, .. } => Ok(Inspection::Descriptor(*id, field.clone())),
            Place::Counter(name) => Ok(Inspection::Counter(name.clone())),
            Place::Command { text, folder } => {
                Ok(Inspection::Command { text: text.clone(), folder: folder.clone() })
            }
            Place::Flow { id, .. } => {
                let flow = self.flows.0.get(id.0).and_then(|flow| Some((flow.local?, flow.remote)));
                let (local, remote) =
                    flow.ok_or_else(|| format!("{place}: nothing has been seen of that flow"))?;
                Ok(Inspection::FlowState { flow: *id, local, remote })
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
        let Action::Assert(claims) = &step.action else { return };
        let Some(place) = places_in(claims).into_iter().find(|place| !self.memory.has(place)) else { return };
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
        if let Action::Assert(claims) = &step.action {
            places.extend(places_in(claims));
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

/// Everything that claims look at, in order.
fn places_in(claims: &[Claim]) -> Vec<Place> {
    claims.iter().flat_map(Claim::expressions).flat_map(Expr::places).cloned().collect()
}
