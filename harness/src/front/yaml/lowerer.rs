//! What is known while the steps of one test are lowered.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::case::{
    Capability, DescriptorId, Expr, Flow, FlowId, IpVersion, Link, Location, Place, Rules, Step, ThreadId,
    descriptor_field, flow_field, nearest,
};

use crate::front::Diagnostic;

use super::expr::Names;
use super::fixtures::Fixtures;
use super::replace::{Environment, replace};
use super::report::{Fault, Lowers, Parse, Phase, Report};
use super::text::Text;
use crate::time::Span;

/// A descriptor that was not found; the case is refused.
pub(super) const NO_DESCRIPTOR: DescriptorId = DescriptorId(usize::MAX);

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Meaning {
    Descriptor(DescriptorId),
    /// What a segment step kept.
    Segment(usize),
    /// What a call kept.
    Call(usize),
    /// The result of a call.
    Result(usize),
    /// What an assertion looked at.
    Looked(usize, Vec<String>),
}

#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) meaning: Meaning,
    pub(super) at: Location,
}

/// The moment of the step before, as far as it is known: nanoseconds since time 0 of the story or fixture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) low: i64,
    pub(super) high: i64,
    /// The step whose moment it is.
    pub(super) at: Option<Location>,
}

impl Clock {
    pub(super) const START: Self = Self { low: 0, high: 0, at: None };
}

/// Names and times of the story, or of one use of a fixture.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) known: Environment,
    pub(super) names: BTreeMap<String, Named>,
    pub(super) flow: Option<FlowId>,
    /// Index of its first step.
    pub(super) first: usize,
    pub(super) clock: Clock,
    /// Moments of steps that were kept.
    pub(super) kept: BTreeMap<String, (usize, Clock)>,
}

impl Scope {
    pub(super) fn new(known: Environment, flow: Option<FlowId>) -> Self {
        Self { known, names: BTreeMap::new(), flow, first: 0, clock: Clock::START, kept: BTreeMap::new() }
    }
}

/// A call that occupies its thread.
#[derive(Clone, Debug)]
pub(super) struct Blocked {
    pub(super) call: &'static str,
    pub(super) at: Location,
    pub(super) until: Until,
    /// A name bound to its result, to be told which step gives it.
    pub(super) result: Option<String>,
}

/// When a blocked call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    Returns,
    /// Not before this time of the scope that was `level` deep.
    Time {
        level: usize,
        low: i64,
    },
    Never,
}

/// The test that is being lowered.
pub(super) struct Lowerer<'r, 'f> {
    pub(super) report: &'r mut Report,
    pub(super) fixtures: &'r mut Fixtures<'f>,
    pub(super) ip: IpVersion,
    pub(super) flows: Vec<Flow>,
    pub(super) flows_at: BTreeMap<String, Location>,
    pub(super) descriptors: Vec<String>,
    pub(super) threads: Vec<String>,
    pub(super) blocked: BTreeMap<usize, Blocked>,
    pub(super) link: Link,
    /// By whose rules the case is judged.
    pub(super) rules: Rules,
    pub(super) steps: Vec<Step>,
    pub(super) needs: BTreeSet<Capability>,
    pub(super) scopes: Vec<Scope>,
    /// The uses of fixtures that led to the present step.
    pub(super) through: Vec<Location>,
    pub(super) in_loop: bool,
    /// The step being lowered is inside this one.
    pub(super) inside: Option<usize>,
    /// The table cell that supplied a part of the present step.
    pub(super) cell: Option<Location>,
    /// The name that the present step binds to an integer result.
    pub(super) result_name: Option<String>,
    /// Time that the present step lets pass.
    pub(super) passes: Option<Span>,
    /// The moment of the present step is the end of its window.
    pub(super) lasts_to_end: bool,
    /// The moment of the present step, as far as it is known.
    pub(super) present: Clock,
    /// The latest moment so far, in nanoseconds.
    pub(super) longest: i64,
}

impl Lowerer<'_, '_> {
    /// Whether the case is judged by packetdrill's rules.
    pub(super) fn is_script(&self) -> bool {
        matches!(self.rules, Rules::Packetdrill(_))
    }

    pub(super) fn level(&self) -> usize {
        self.scopes.len() - 1
    }

    pub(super) fn scope(&mut self) -> &mut Scope {
        let level = self.level();
        &mut self.scopes[level]
    }

    /// The index the present step has, or will have.
    pub(super) fn here(&self) -> usize {
        self.inside.unwrap_or(self.steps.len())
    }

    /// A value's text with `$name` replaced.
    pub(super) fn replaced(&mut self, text: &Text) -> Lowers<Text> {
        let level = self.level();
        match replace(text, &self.scopes[level].known, level) {
            Ok(replaced) => {
                self.cell = self.cell.or_else(|| replaced.cell());
                Ok(replaced)
            }
            Err(fault) => Err(self.fault(text, fault)),
        }
    }

    /// A text for people: with names replaced where that can be done.
    pub(super) fn shown(&self, text: &Text) -> String {
        let level = self.level();
        match replace(text, &self.scopes[level].known, level) {
            Ok(replaced) => replaced.as_str().to_owned(),
            Err(_) => text.as_str().to_owned(),
        }
    }

    /// Reports a mistake in a text.
    pub(super) fn fault(&mut self, text: &Text, fault: Fault) -> super::report::Reported {
        let through = self.through.clone();
        self.report.fault(text, fault, &through)
    }

    /// Reads a text by a notation.
    pub(super) fn parse<T>(&mut self, text: &Text, read: impl FnOnce(&mut Self) -> Parse<T>) -> Lowers<T> {
        match read(self) {
            Ok(value) => Ok(value),
            Err(fault) => Err(self.fault(text, fault)),
        }
    }

    /// Gives a name a meaning. A loop gives it anew in each pass.
    pub(super) fn bind(&mut self, name: &str, meaning: Meaning, at: Location) {
        let level = self.level();
        let first = self.scopes[level].names.get(name).map(|named| named.at);
        let again = self.in_loop && first == Some(at);
        let in_advance = ["ip", "mtu", "mss"].contains(&name) || (name == "i" && self.in_loop);
        if in_advance {
            let text = format!("${name} is given in advance");
            self.report.error_help(Phase::Names, at, text, "take another name");
        }
        let taken = first
            .filter(|_| !again)
            .or_else(|| self.flows_at.get(name).copied())
            .or_else(|| self.scopes[level].known.get(name).map(Text::whole))
            .filter(|_| !in_advance);
        if let Some(first) = taken {
            let (line, _) = self.report.sources.line_column(first);
            let text = format!("name \"{name}\" given twice (first in line {line})");
            self.report.error(Phase::Names, at, text);
        }
        self.scopes[level].names.insert(name.to_owned(), Named { meaning, at });
    }

    /// A new descriptor under a name of the present scope.
    pub(super) fn bind_descriptor(&mut self, name: &str, at: Location) -> DescriptorId {
        let id = DescriptorId(self.descriptors.len());
        self.descriptors.push(name.to_owned());
        self.bind(name, Meaning::Descriptor(id), at);
        id
    }

    /// The descriptor that a text names at these bytes.
    pub(super) fn descriptor(&mut self, text: &Text, range: Range<usize>) -> DescriptorId {
        let name = &text.as_str()[range.clone()];
        let level = text.level(range.start).min(self.level());
        match self.scopes[level].names.get(name).map(|named| &named.meaning) {
            Some(Meaning::Descriptor(id)) => *id,
            Some(Meaning::Segment(_) | Meaning::Call(_) | Meaning::Result(_) | Meaning::Looked(..)) => {
                let fault = Fault::new(range, format!("\"{name}\" is not a descriptor"));
                self.fault(text, fault.help(format!("its value is ${name}")).phase(Phase::Names));
                NO_DESCRIPTOR
            }
            None => {
                let known: Vec<&str> = self.scopes[level]
                    .names
                    .iter()
                    .filter(|(_, named)| matches!(named.meaning, Meaning::Descriptor(_)))
                    .map(|(name, _)| name.as_str())
                    .collect();
                let help = match known.as_slice() {
                    [] => "none is known here".to_owned(),
                    known => format!("known here: {}", known.join(", ")),
                };
                let fault = Fault::new(range, format!("no descriptor \"{name}\" at this point"));
                self.fault(text, fault.help(help).phase(Phase::Names));
                NO_DESCRIPTOR
            }
        }
    }

    /// The thread with this name; threads exist by being named.
    pub(super) fn thread(&mut self, name: &str) -> ThreadId {
        if let Some(index) = self.threads.iter().position(|known| known == name) {
            return ThreadId(index);
        }
        self.threads.push(name.to_owned());
        ThreadId(self.threads.len() - 1)
    }

    /// The flow a step names, or the only one.
    pub(super) fn flow(&mut self, written: Option<&Text>, at: Location) -> Lowers<FlowId> {
        let Some(written) = written else {
            if let Some(flow) = self.scope().flow {
                return Ok(flow);
            }
            if self.flows.len() == 1 {
                return Ok(FlowId(0));
            }
            let text = format!("which flow? {}", self.flow_names());
            let diagnostic = match self.through.first() {
                Some(used) => Diagnostic::error(*used, text)
                    .with_help("every fixture takes flow=...: the flow of its steps"),
                None => Diagnostic::error(at, text),
            };
            return Err(self.report.add(Phase::Names, diagnostic));
        };
        let written = self.replaced(written)?;
        let name = written.as_str();
        if let Some(index) = self.flows.iter().position(|flow| flow.name == name) {
            return Ok(FlowId(index));
        }
        let names = self.flows.iter().map(|flow| flow.name.as_str());
        let help = match nearest(name, names) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("declared: {}", self.flow_names()),
        };
        let fault = Fault::new(0..name.len(), format!("no flow \"{name}\""));
        Err(self.fault(&written, fault.help(help).phase(Phase::Names)))
    }

    fn flow_names(&self) -> String {
        let names: Vec<&str> = self.flows.iter().map(|flow| flow.name.as_str()).collect();
        match names.as_slice() {
            [first, second] => format!("{first} or {second}"),
            [first, second, .., last] if names.len() > 6 => {
                format!("{first}, {second}, ... or {last}")
            }
            [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            other => other.join(""),
        }
    }

    fn captured(&self, name: &str, meaning: &Meaning, fields: &[&str], range: Range<usize>) -> Parse<Expr> {
        const SEGMENT: [&str; 11] =
            ["time", "seq", "ack", "len", "win", "urg", "ttl", "id", "ts_val", "ts_ecr", "mss"];
        const CALL: [&str; 3] = ["time", "result", "value"];
        let (step, path) = match (meaning, fields) {
            (Meaning::Result(step), []) => (*step, vec!["result".to_owned()]),
            (Meaning::Segment(step), [field]) if SEGMENT.contains(field) || *field == "wscale" => {
                (*step, vec![(*field).to_owned()])
            }
            (Meaning::Call(step) | Meaning::Result(step), [field, rest @ ..])
                if CALL.contains(field) && (rest.is_empty() || *field == "value") =>
            {
                (*step, fields.iter().map(|field| (*field).to_owned()).collect())
            }
            (Meaning::Looked(step, places), fields) if places.contains(&fields.join(".")) => {
                (*step, fields.iter().map(|field| (*field).to_owned()).collect())
            }
            (Meaning::Looked(_, places), _) => {
                let text = format!("{name} did not look at {}", fields.join("."));
                let help = format!("it looked at {}", places.join(", "));
                return Err(Fault::new(range, text).help(help).phase(Phase::Names));
            }
            (Meaning::Descriptor(_), _) => {
                return Err(Fault::new(range, format!("{name} is a descriptor, not a value"))
                    .help("descriptors are used without $")
                    .phase(Phase::Names));
            }
            (meaning, _) => {
                let (what, known) = match meaning {
                    Meaning::Segment(_) => ("segment", format!("{}, wscale", SEGMENT.join(", "))),
                    _ => ("call", CALL.join(", ")),
                };
                let text = match fields.first() {
                    Some(field) => format!("a {what} has no {field}"),
                    None => format!("which field of {name}?"),
                };
                return Err(Fault::new(range, text).help(format!("one of {known}")).phase(Phase::Names));
            }
        };
        Ok(Expr::Place(Place::Captured { step, name: name.to_owned(), path }))
    }

    fn no_value(&self, level: usize, name: &str, range: Range<usize>) -> Fault {
        let scope = &self.scopes[level];
        let kept: Vec<&str> = scope.names.keys().map(String::as_str).collect();
        let known = scope.known.keys().map(String::as_str);
        let flows = self.flows.iter().map(|flow| flow.name.as_str());
        let near = nearest(name, kept.iter().copied().chain(known).chain(flows));
        let help = near.map(|near| {
            if near == name {
                return "names are replaced once, and not again inside what they stand for".to_owned();
            }
            let at = scope.names.get(near).map(|named| named.at);
            match at.map(|at| self.report.sources.line_column(at)) {
                Some((line, _)) => format!("did you mean {near} (line {line})?"),
                None => format!("did you mean {near}?"),
            }
        });
        Fault::new(range, format!("no value \"{name}\" before this step")).help_opt(help).phase(Phase::Names)
    }

    fn descriptor_place(
        &mut self,
        id: DescriptorId,
        name: &str,
        field: &str,
        range: Range<usize>,
    ) -> Parse<Expr> {
        if descriptor_field(field).is_none() {
            return Err(no_field(field, range));
        }
        self.needs.insert(Capability::Inspect);
        Ok(Expr::Place(Place::Descriptor { id, name: name.to_owned(), field: field.to_owned() }))
    }
}

/// A field of a descriptor that there is not.
fn no_field(field: &str, range: Range<usize>) -> Fault {
    use crate::case::{DESCRIPTOR_FIELDS, TCP_INFO};
    if let Some(rest) = field.strip_prefix("tcpi_") {
        let names = || TCP_INFO.iter().map(|(name, _)| *name);
        let suffix = format!("_{rest}");
        let near = names().find(|name| name.ends_with(&suffix)).or_else(|| nearest(field, names()));
        return Fault::new(range, format!("TCP_INFO has no {field}"))
            .help_opt(near.map(|near| format!("did you mean {near}?")))
            .phase(Phase::Names);
    }
    let names: Vec<&str> = DESCRIPTOR_FIELDS.iter().map(|(name, _)| *name).collect();
    let help = format!("one of {}, tcpi_...", names.join(", "));
    Fault::new(range, format!("a descriptor has no {field}")).help(help).phase(Phase::Names)
}

impl Names for Lowerer<'_, '_> {
    fn value(&mut self, text: &Text, path: &[&str], range: Range<usize>) -> Parse<Expr> {
        let level = text.level(range.start).min(self.level());
        let [name, fields @ ..] = path else {
            return Err(Fault::new(range, "a name is missing"));
        };
        if let [own, field] = fields {
            // A fixture under another name: `sa.l`.
            let joined = format!("{name}.{own}");
            if let Some(Meaning::Descriptor(id)) =
                self.scopes[level].names.get(&joined).map(|named| &named.meaning)
            {
                let id = *id;
                return self.descriptor_place(id, &joined, field, range);
            }
        }
        if let Some(named) = self.scopes[level].names.get(*name).cloned() {
            return match (named.meaning, fields) {
                (Meaning::Descriptor(id), [field]) => self.descriptor_place(id, name, field, range),
                (meaning, fields) => self.captured(name, &meaning, fields, range),
            };
        }
        if let ("counter", [counter]) = (*name, fields) {
            self.needs.insert(Capability::Counters);
            return Ok(Expr::Place(Place::Counter((*counter).to_owned())));
        }
        let Some(index) = self.flows.iter().position(|flow| flow.name == *name) else {
            return Err(self.no_value(level, name, range));
        };
        match fields {
            [field] if flow_field(field).is_some() => {
                if *field == "state" {
                    self.needs.insert(Capability::Inspect);
                }
                Ok(Expr::Place(Place::Flow {
                    id: FlowId(index),
                    name: (*name).to_owned(),
                    field: (*field).to_owned(),
                }))
            }
            _ => Err(Fault::new(range, format!("a flow has no {}", fields.join(".")))
                .help("one of state, received")
                .phase(Phase::Names)),
        }
    }
}
