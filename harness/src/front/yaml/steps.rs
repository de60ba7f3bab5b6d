//! Steps, one after the other.

use crate::case::{
    self, Action, Capability, Expected, FlowId, Isn, Origin, PacketSpec, PeerMode, Signal, Step, ThreadId,
    TimeSpec, Transport, When, nearest,
};
use crate::front::Diagnostic;
use crate::wire::Flags;

use super::cursor::Cursor;
use super::data;
use super::lowerer::{Clock, Lowerer, Meaning};
use super::number::Use;
use super::report::{Fault, Lowers, Parse, Phase, Reported};
use super::shape::{Kind, Shape, is_name, not_a_name};
use super::text::Text;
use super::tree::{Node, Value};

/// How many steps a case may have after unrolling.
const MOST_STEPS: usize = 100_000;

impl Lowerer<'_, '_> {
    pub(super) fn steps(&mut self, shapes: &[Shape]) {
        for shape in shapes {
            if self.steps.len() > MOST_STEPS || self.report.is_full() {
                return;
            }
            self.step_or_steps(shape);
        }
    }

    /// A step, a list of packets, or a loop.
    fn step_or_steps(&mut self, shape: &Shape) {
        if shape.kind == Kind::Repeat {
            let _ = self.repeat(shape);
            return;
        }
        let Value::List(items) = &shape.value.value else {
            self.step(shape);
            return;
        };
        if !matches!(shape.kind, Kind::Inject | Kind::Expect) {
            self.step(shape);
            return;
        }
        let mut member = shape.clone();
        for item in items {
            member.value = item.clone();
            self.step(&member);
            for key in ["after", "at", "within", "since"] {
                member.keys.remove(key);
            }
        }
    }

    fn repeat(&mut self, shape: &Shape) -> Lowers<()> {
        let Some(text) = shape.value.text() else {
            return Err(Reported);
        };
        let text = self.replaced(text)?;
        let mut cursor = Cursor::new(&text);
        let (count, range) = self.parse(&text, |_| {
            let count = cursor.int()?;
            cursor.finish()?;
            Ok(count)
        })?;
        self.in_loop = true;
        for pass in 0..count {
            let at = shape.value.at;
            let index = Text::made(&pass.to_string(), at);
            self.scope().known.insert("i".to_owned(), index);
            self.steps(&shape.steps);
            if self.steps.len() > MOST_STEPS {
                let at = text.at(range);
                self.report.error(Phase::Expansion, at, format!("more than {MOST_STEPS} steps"));
                break;
            }
            if pass == 0 && self.report.failed(Phase::Notation) {
                break;
            }
        }
        self.in_loop = false;
        self.scope().known.remove("i");
        Ok(())
    }

    fn step(&mut self, shape: &Shape) {
        let index = self.steps.len();
        self.cell = None;
        let lowered = self.lower_step(shape);
        self.keep(shape, index, lowered.as_ref().ok());
        if let Ok(step) = lowered {
            self.steps.push(step);
        }
    }

    /// `as` and the moment it stands for, whether or not the step is right.
    fn keep(&mut self, shape: &Shape, index: usize, step: Option<&Step>) {
        let Some(written) = shape.text("as") else {
            return;
        };
        let Ok(name) = self.replaced(written) else {
            return;
        };
        if !is_name(name.as_str(), false) {
            not_a_name(written.whole(), name.as_str(), false, self.report);
            return;
        }
        let clock = self.scope().clock;
        self.scope().kept.insert(name.as_str().to_owned(), (index, clock));
        let meaning = match shape.kind {
            Kind::Inject | Kind::Expect => Meaning::Segment(index),
            Kind::Assert => Meaning::Looked(index, step.map(looked_at).unwrap_or_default()),
            _ => Meaning::Call(index),
        };
        self.bind(name.as_str(), meaning, written.whole());
    }

    fn lower_step(&mut self, shape: &Shape) -> Lowers<Step> {
        let timed = match shape.kind {
            Kind::Silent | Kind::Allow => Ok((When::NOW, self.scope().clock)),
            _ => self.when(shape),
        };
        self.present = timed.as_ref().map_or(self.scope().clock, |(_, clock)| *clock);
        let action = self.action(shape);
        let (when, mut clock) = timed?;
        if let Some(span) = self.passes.take() {
            clock.low = clock.low.saturating_add(span.0);
            clock.high = clock.high.saturating_add(span.0);
            clock.at = Some(shape.value.at);
        }
        if std::mem::take(&mut self.lasts_to_end) {
            // Silence ends when its window does.
            clock.low = clock.high;
        }
        if shape.kind != Kind::Allow {
            self.scope().clock = clock;
            self.longest = self.longest.max(clock.low);
        }
        let result_name = self.result_name.take();
        let covers = self.covers(shape);
        Ok(Step {
            when,
            action: action?,
            name: self.name_of(shape).or(result_name),
            covers: covers?,
            note: shape.text("note").map(|note| note.as_str().to_owned()),
            origin: self.origin(shape.kind.name(), &shape.value),
        })
    }

    fn name_of(&mut self, shape: &Shape) -> Option<String> {
        let written = shape.text("as")?;
        let name = self.replaced(written).ok()?;
        Some(name.as_str().to_owned())
    }

    pub(super) fn origin(&self, key: &str, node: &Node) -> Origin {
        Origin {
            at: node.at,
            text: format!("{key}: {}", node.one_line(&|text| self.shown(text))),
            through: self.through.clone(),
            cell: self.cell,
        }
    }

    fn covers(&mut self, shape: &Shape) -> Lowers<Vec<String>> {
        let Some(Value::List(items)) = shape.keys.get("covers").map(|node| &node.value) else {
            return Ok(Vec::new());
        };
        let texts: Vec<Text> = items.iter().filter_map(Node::text).cloned().collect();
        self.requirements(&texts)
    }

    /// Requirement ids, each of which exists.
    pub(super) fn requirements(&mut self, texts: &[Text]) -> Lowers<Vec<String>> {
        let mut ids = Vec::new();
        for written in texts {
            let text = self.replaced(written)?;
            let id = text.as_str();
            if !self.fixtures.library.has_requirement(id) {
                let known = self.fixtures.library.requirements();
                let near = nearest(id, known.iter().map(String::as_str));
                let fault = Fault::new(0..id.len(), format!("no requirement {id}"))
                    .help_opt(near.map(|near| format!("nearest: {near}")));
                return Err(self.fault(&text, fault.phase(Phase::Expansion)));
            }
            ids.push(id.to_owned());
        }
        Ok(ids)
    }

    fn action(&mut self, shape: &Shape) -> Lowers<Action> {
        match shape.kind {
            Kind::Call => self.call_step(shape),
            Kind::Returns => self.returns_step(shape),
            Kind::Inject => self.inject(shape),
            Kind::Expect => self.expect(shape),
            Kind::Silent => self.silent(shape),
            Kind::Allow => self.allow(shape),
            Kind::Assert => self.assert(shape),
            Kind::Set => self.settings(&shape.value).map(Action::Set),
            Kind::Link => self.link_change(shape),
            Kind::Peer => self.peer(shape),
            Kind::Signal => self.signal(shape),
            Kind::AnyOrder => self.any_order(shape),
            Kind::Repeat => Err(Reported),
        }
    }

    /// The value of a step whose kind takes text, with names replaced.
    pub(super) fn value_text(&mut self, shape: &Shape) -> Lowers<Text> {
        let text = shape.value.text().ok_or(Reported)?;
        self.replaced(text)
    }

    /// The value of a key, with names replaced.
    pub(super) fn key_text(&mut self, shape: &Shape, key: &str) -> Lowers<Option<Text>> {
        shape.text(key).map(|text| self.replaced(text)).transpose()
    }

    fn inject(&mut self, shape: &Shape) -> Lowers<Action> {
        let flow = self.flow(shape.text("flow"), shape.value.at);
        let isn = match self.key_text(shape, "isn")? {
            None => None,
            Some(text) => Some(self.parse(&text, |_| isn(&text))?),
        };
        let mut packet = self.packet(&shape.value, Use::Inject)?;
        self.payload(shape, &mut packet, Use::Inject)?;
        if isn.is_some() {
            self.must_be_syn(shape, &packet)?;
        }
        Ok(Action::Inject { flow: flow?, packet, isn })
    }

    fn expect(&mut self, shape: &Shape) -> Lowers<Action> {
        let flow = self.flow(shape.text("flow"), shape.value.at);
        let isn = match self.key_text(shape, "isn")? {
            None => None,
            Some(text) if text.as_str() == "new" => Some(Isn::New),
            Some(text) if self.is_script() => Some(Isn::As(self.parse(&text, |_| isn(&text))?)),
            Some(text) => {
                let fault = Fault::new(0..text.as_str().len(), "isn of what is expected is new")
                    .help("the number is the target's own");
                return Err(self.fault(&text, fault));
            }
        };
        let mut expected = self.expected(&shape.value)?;
        let at = shape.text("at").filter(|text| text.as_str() == "any");
        if let (Some(at), true) = (at, may_be_nothing(&expected)) {
            let text = "nothing has no time at which it comes";
            return Err(self.report.error_help(Phase::Names, at.whole(), text, "write how long: within: 1s"));
        }
        if let Ok(flow) = flow {
            self.ends_fit(&shape.value, flow, &expected)?;
        }
        let push = self.truth(shape, "push")?;
        self.each_packet(shape, &mut expected, push)?;
        if let (Some(_), Expected::Packet(packet)) = (isn, &expected) {
            self.must_be_syn(shape, packet)?;
        }
        if matches!(expected, Expected::Nothing) {
            self.lasts_to_end = true;
        }
        let flow = flow?;
        if self.is_automatic(flow) && taken_by_peer(&expected) {
            let text = "the peer of this flow answers by itself and takes such a segment";
            let diagnostic = Diagnostic::error(shape.value.at, text)
                .with_help("peer: scripted before it; or leave it out, and look at what was received");
            return Err(self.report.add(Phase::Names, diagnostic));
        }
        Ok(Action::Expect { flow, expected, isn })
    }

    /// Whether the peer of a flow answers by itself at this step.
    fn is_automatic(&self, flow: FlowId) -> bool {
        let mode = self.steps.iter().rev().find_map(|step| match &step.action {
            Action::Peer { flow: other, mode } if *other == flow => Some(*mode),
            _ => None,
        });
        mode == Some(PeerMode::Auto)
    }

    /// `isn` starts a new numbering, which only a SYN can.
    fn must_be_syn(&mut self, shape: &Shape, packet: &PacketSpec) -> Lowers<()> {
        match (&packet.transport, shape.keys.get("isn")) {
            (Transport::Tcp(tcp), Some(node)) if !tcp.flags.contains(Flags::SYN) => {
                Err(self.report.error(Phase::Notation, node.at, "isn belongs to a SYN"))
            }
            _ => Ok(()),
        }
    }

    fn each_packet(&mut self, shape: &Shape, expected: &mut Expected, push: Option<bool>) -> Lowers<()> {
        match expected {
            Expected::Nothing => Ok(()),
            Expected::Packet(packet) => {
                if let Transport::Tcp(tcp) = &mut packet.transport {
                    tcp.push = push.or(tcp.push);
                }
                self.payload(shape, packet, Use::Expect)
            }
            Expected::OneOf(several) => {
                for one in several {
                    self.each_packet(shape, one, push)?;
                }
                Ok(())
            }
        }
    }

    /// `data` of a segment.
    fn payload(&mut self, shape: &Shape, packet: &mut PacketSpec, how: Use) -> Lowers<()> {
        let Some(text) = self.key_text(shape, "data")? else {
            return Ok(());
        };
        let payload = self.parse(&text, |_| data::data(&text, how))?;
        let Transport::Tcp(tcp) = &mut packet.transport else {
            let fault = Fault::new(0..text.as_str().len(), "only a TCP segment has data");
            return Err(self.fault(&text, fault));
        };
        if let (Some(length), Some(segment)) = (data::length(&payload), tcp.length.known())
            && i64::try_from(length) != Ok(segment)
        {
            let plural = if length == 1 { "byte" } else { "bytes" };
            let message = format!("data has {length} {plural}, the segment {segment}");
            let fault = Fault::new(0..text.as_str().len(), message);
            return Err(self.fault(&text, fault));
        }
        tcp.payload = payload;
        Ok(())
    }

    /// `true` or `false`.
    fn truth(&mut self, shape: &Shape, key: &str) -> Lowers<Option<bool>> {
        let Some(text) = self.key_text(shape, key)? else {
            return Ok(None);
        };
        match text.as_str() {
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => {
                let fault = Fault::new(0..text.as_str().len(), format!("{key} is true or false"));
                Err(self.fault(&text, fault))
            }
        }
    }

    /// The thread a step names, `main` by default. Threads exist by being named.
    pub(super) fn thread_of(&mut self, shape: &Shape) -> Lowers<ThreadId> {
        let Some(text) = self.key_text(shape, "thread")? else {
            return Ok(self.thread("main"));
        };
        if !is_name(text.as_str(), false) {
            let at = text.at(0..text.as_str().len());
            return Err(not_a_name(at, text.as_str(), false, self.report));
        }
        Ok(self.thread(text.as_str()))
    }

    fn silent(&mut self, shape: &Shape) -> Lowers<Action> {
        let flow = match shape.text("flow") {
            Some(text) => Some(self.flow(Some(text), shape.value.at)?),
            None => self.scope().flow,
        };
        let text = self.value_text(shape)?;
        let span = self.parse(&text, |this| this.one_time(&text, "silent"))?;
        if let TimeSpec::Known(span) = &span {
            self.passes = Some(*span);
        }
        Ok(Action::Silent { flow, span })
    }

    fn allow(&mut self, shape: &Shape) -> Lowers<Action> {
        let flow = self.flow(shape.text("flow"), shape.value.at);
        let within = match self.key_text(shape, "within")? {
            Some(text) => Some(self.parse(&text, |this| this.one_time(&text, "within"))?),
            None => None,
        };
        let packet = self.packet(&shape.value, Use::Expect)?;
        let flow = flow?;
        self.packet_ends_fit(&shape.value, flow, &packet)?;
        Ok(Action::Allow { flow, packet, within })
    }

    fn peer(&mut self, shape: &Shape) -> Lowers<Action> {
        let flow = self.flow(shape.text("flow"), shape.value.at);
        let text = self.value_text(shape)?;
        let mode = match text.as_str() {
            "auto" => PeerMode::Auto,
            "scripted" => PeerMode::Scripted,
            _ => {
                let fault = Fault::new(0..text.as_str().len(), "peer is auto or scripted");
                return Err(self.fault(&text, fault));
            }
        };
        Ok(Action::Peer { flow: flow?, mode })
    }

    fn signal(&mut self, shape: &Shape) -> Lowers<Action> {
        let text = self.value_text(shape)?;
        let signal = self.parse(&text, |_| signal(&text))?;
        let thread = self.thread_of(shape)?;
        let restart = self.truth(shape, "restart")?.unwrap_or(false);
        self.needs.insert(Capability::Signals);
        Ok(Action::Signal { thread, signal, restart })
    }

    fn any_order(&mut self, shape: &Shape) -> Lowers<Action> {
        let index = self.steps.len();
        self.inside = Some(index);
        let mut members = Vec::new();
        let mut failed = false;
        let clock: Clock = self.scope().clock;
        for member in &shape.steps {
            let parts: Vec<Shape> = match &member.value.value {
                Value::List(items) if member.kind == Kind::Expect => items
                    .iter()
                    .map(|item| {
                        let mut part = member.clone();
                        part.value = item.clone();
                        part
                    })
                    .collect(),
                _ => vec![member.clone()],
            };
            for part in parts {
                let lowered = self.lower_step(&part);
                self.keep(&part, index, None);
                match lowered {
                    Ok(step) => members.push(step),
                    Err(Reported) => failed = true,
                }
            }
        }
        self.scope().clock = clock;
        self.inside = None;
        self.passes = None;
        if failed {
            return Err(Reported);
        }
        Ok(Action::AnyOrder(members))
    }
}

/// What an assertion looks at, as it is written.
fn looked_at(step: &Step) -> Vec<String> {
    let Action::Assert(claims) = &step.action else { return Vec::new() };
    let places = claims.iter().flat_map(|claim| claim.truth.places());
    places.filter(|place| !matches!(place, case::Place::Captured { .. })).map(ToString::to_string).collect()
}

/// A first sequence number.
fn isn(text: &Text) -> Parse<u32> {
    let mut cursor = Cursor::new(text);
    let isn = super::number::exact(&mut cursor, super::number::Bits(32))?;
    cursor.finish()?;
    Ok(isn as u32)
}

fn may_be_nothing(expected: &Expected) -> bool {
    match expected {
        Expected::Nothing => true,
        Expected::Packet(_) => false,
        Expected::OneOf(several) => several.iter().any(may_be_nothing),
    }
}

/// Whether one of these is a segment of an open connection, which a peer that answers by itself takes.
fn taken_by_peer(expected: &Expected) -> bool {
    match expected {
        Expected::Packet(packet) => match &packet.transport {
            Transport::Tcp(tcp) => {
                let others = [Flags::SYN, Flags::RST];
                tcp.flags.contains(Flags::ACK) && !others.iter().any(|flag| tcp.flags.contains(*flag))
            }
            Transport::Icmp(_) | Transport::Udp(_) | Transport::Bytes(_) => false,
        },
        Expected::OneOf(several) => several.iter().any(taken_by_peer),
        Expected::Nothing => false,
    }
}

/// A signal's name.
pub(super) fn signal(text: &Text) -> Result<Signal, Fault> {
    let name = text.as_str();
    Signal::from_name(name).ok_or_else(|| {
        let near = nearest(name, Signal::ALL.map(Signal::name));
        Fault::new(0..name.len(), format!("unknown signal \"{name}\""))
            .help(format!("one of {}", Signal::ALL.map(Signal::name).join(", ")))
            .help_opt(near.map(|near| format!("did you mean {near}?")))
    })
}
