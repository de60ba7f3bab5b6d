//! Steps that make calls, and steps in which blocked calls return.

use crate::case::{
    Action, Blocks, Capability, Location, Outcome, Payload, ResultSpec, Scalar, Signal, Syscall, ThreadId,
    TimeSpec, constant,
};

use super::arguments::{self, CallText};
use super::cursor::Cursor;
use super::data;
use super::lowerer::{Blocked, Lowerer, Meaning, Until};
use super::number::Use;
use super::report::{Fault, Lowers, Phase, Reported};
use super::results;
use super::script;
use super::shape::{Kind, Shape};
use super::signatures;
use super::steps::signal;
use super::syscalls::Arguments;
use super::text::Text;

impl Lowerer<'_, '_> {
    /// A step with `call`.
    pub(super) fn call_step(&mut self, shape: &Shape) -> Lowers<Action> {
        let text = self.value_text(shape)?;
        let ip = self.ip;
        let read = self.parse(&text, |this| {
            let mut cursor = Cursor::new(&text);
            let mut context = arguments::Context { ip, names: this };
            let call = arguments::call(&mut cursor, &mut context)?;
            let function = signatures::check(&text, &call)?;
            Ok((call, function))
        });
        let thread = self.thread_of(shape)?;
        let (call, function) = read?;
        let syscall = self.parse(&text, |this| {
            let mut arguments = Arguments { text: &text, call: &call, lowerer: this };
            arguments.syscall(function)
        });
        let at = text.at(call.function.clone());
        let binds = self.bind_results(&text, &call, function);
        let blocks = self.blocks_of(shape);
        self.occupy(thread, function, at, blocks.as_ref().ok(), &text, &call);
        let blocks = blocks?;
        let later = blocks == Blocks::UntilReturns;
        self.says_nothing_early(shape, function, &blocks)?;
        let syscall = syscall?;
        let outcome = self.outcome(shape, &syscall, later)?;
        let data = self.sent_data(shape, &syscall)?;
        self.urgent_data(shape, &syscall, &outcome, later)?;
        if let Some(binds) = &binds {
            check_bindings(self, &text, &call, function, binds.len())?;
        }
        self.needs.extend(syscall.needs());
        if !later && blocks != Blocks::Forever && needs_returns(function) && shape.text("returns").is_none() {
            let message = format!("{function} needs returns: how many are ready");
            return Err(self.report.error(Phase::Notation, shape.value.at, message));
        }
        Ok(Action::Call { thread, call: syscall, data, binds: binds.unwrap_or_default(), blocks, outcome })
    }

    fn blocks_of(&mut self, shape: &Shape) -> Lowers<Blocks> {
        match self.key_text(shape, "blocks")? {
            Some(text) => self.parse(&text, |this| this.blocks(&text)),
            None => Ok(Blocks::No),
        }
    }

    /// The names a call binds, whether or not the rest of it is right. `None`: its result is an integer.
    fn bind_results(
        &mut self,
        text: &Text,
        call: &CallText,
        function: &str,
    ) -> Option<Vec<crate::case::DescriptorId>> {
        if signatures::makes_descriptors(function, call) {
            let mut ids = Vec::new();
            for range in &call.binds {
                let name = &text.as_str()[range.clone()];
                ids.push(self.bind_descriptor(name, text.at(range.clone())));
            }
            return Some(ids);
        }
        if let Some(range) = call.binds.first() {
            let name = &text.as_str()[range.clone()];
            let here = self.here();
            self.bind(name, Meaning::Result(here), text.at(range.clone()));
            self.result_name = Some(name.to_owned());
        }
        None
    }

    /// A call takes its thread, which must be free.
    fn occupy(
        &mut self,
        thread: ThreadId,
        function: &'static str,
        at: Location,
        blocks: Option<&Blocks>,
        text: &Text,
        call: &CallText,
    ) {
        let clock = self.present;
        let level = self.level();
        if let Some(blocked) = self.blocked.get(&thread.0) {
            let free = match blocked.until {
                Until::Returns | Until::Never => false,
                // Not surely blocked any more.
                // A call of a script waits for the one before.
                Until::Time { level: since, low } => self.is_script() || since != level || clock.high >= low,
            };
            if !free {
                let (line, _) = self.report.sources.line_column(blocked.at);
                let text = format!(
                    "thread {} is blocked in {}() since line {line}",
                    self.threads[thread.0], blocked.call
                );
                self.report.error_help(Phase::Names, at, text, "name another thread");
                return;
            }
        }
        let until = match blocks {
            None | Some(Blocks::No) => {
                self.blocked.remove(&thread.0);
                return;
            }
            Some(Blocks::UntilReturns) => Until::Returns,
            Some(Blocks::Forever) => Until::Never,
            Some(Blocks::For { from, .. }) => Until::Time {
                level,
                low: match from {
                    TimeSpec::Known(span) => clock.low.saturating_add(span.0),
                    TimeSpec::Computed(_) => i64::MIN,
                },
            },
        };
        let result = call
            .binds
            .first()
            .filter(|_| !signatures::makes_descriptors(function, call))
            .map(|range| text.as_str()[range.clone()].to_owned());
        let blocked = Blocked { call: function, at, until, result };
        self.blocked.insert(thread.0, blocked);
    }

    /// With `blocks: true` the outcome belongs to the `returns` step, and with `blocks: forever` there is none.
    fn says_nothing_early(&mut self, shape: &Shape, function: &str, blocks: &Blocks) -> Lowers<()> {
        let (text, where_to) = match blocks {
            Blocks::UntilReturns => {
                ("this call returns later; say there what it returns", "a step of its own")
            }
            Blocks::Forever => ("a call that blocks forever does not return", ""),
            Blocks::No | Blocks::For { .. } => return Ok(()),
        };
        let read = (!SENDING.contains(&function)).then_some("data");
        let found = ["returns", "gives", "raises"].into_iter().chain(read).find_map(|key| {
            let node = shape.keys.get(key)?;
            Some((key, node))
        });
        let Some((key, node)) = found else { return Ok(()) };
        Err(match where_to {
            "" => self.report.error(Phase::Notation, node.at, text),
            _ => self.report.error_help(Phase::Notation, node.at, text, format!("move {key} to {where_to}")),
        })
    }

    /// The bytes a call sends.
    fn sent_data(&mut self, shape: &Shape, call: &Syscall<Scalar>) -> Lowers<Payload> {
        let unwritten = if self.is_script() { Payload::Zeros } else { Payload::Pattern(None) };
        if call.sends_on().is_none() {
            return Ok(unwritten);
        }
        let Some(text) = self.key_text(shape, "data")? else {
            return Ok(unwritten);
        };
        let payload = self.parse(&text, |_| data::data(&text, Use::Inject))?;
        if let (Some(length), Some(count)) = (data::length(&payload), call.known_count())
            && i64::try_from(length) != Ok(count)
        {
            let plural = if length == 1 { "byte" } else { "bytes" };
            let message = format!("data has {length} {plural}, the call sends {count}");
            let fault = Fault::new(0..text.as_str().len(), message);
            return Err(self.fault(&text, fault));
        }
        Ok(payload)
    }

    /// What is read out of band is not in the stream that the pattern is laid over: its bytes are written.
    fn urgent_data(
        &mut self,
        shape: &Shape,
        call: &Syscall<Scalar>,
        outcome: &Outcome,
        later: bool,
    ) -> Lowers<()> {
        let reads = call.receives_on().is_some() && call.needs().contains(&Capability::Urgent);
        let gives_bytes = match &outcome.result {
            ResultSpec::Success => true,
            ResultSpec::Value(number) => number.known() != Some(0),
            ResultSpec::Any | ResultSpec::Fails(_) => false,
        };
        if self.is_script() || !reads || later || !gives_bytes || shape.keys.contains_key("data") {
            return Ok(());
        }
        let text = "what is read with MSG_OOB is not in the stream; say which byte it is";
        Err(self.report.error_help(Phase::Notation, shape.value.at, text, "data: text !"))
    }

    /// What a call must return, by the keys of the step that says so.
    fn outcome(&mut self, shape: &Shape, call: &Syscall<Scalar>, later: bool) -> Lowers<Outcome> {
        let mut outcome = Outcome::success();
        if later {
            return Ok(outcome);
        }
        if self.is_script() {
            script::outcome(call, &mut outcome);
        }
        let get_flags = constant("F_GETFL").map(Scalar::Known);
        if matches!(call, Syscall::Fcntl { command, .. } if Some(command) == get_flags.as_ref()) {
            outcome.result = ResultSpec::Any;
        }
        if let Some(text) = self.key_text(shape, "returns")? {
            outcome.result = self.parse(&text, |this| results::returns(&text, this))?;
            if let Some(node) = shape.keys.get("returns") {
                outcome.origin = Some(self.origin("returns", node));
            }
        }
        self.outcome_keys(shape, call.name(), &mut outcome)?;
        Ok(outcome)
    }

    fn outcome_keys(&mut self, shape: &Shape, function: &str, outcome: &mut Outcome) -> Lowers<()> {
        if let Some(node) = shape.keys.get("gives") {
            outcome.gives = Some(self.gives(node, function)?);
        }
        if let Some(text) = self.key_text(shape, "raises")? {
            outcome.raises = self.raises(&text)?;
        }
        let Some(text) = self.key_text(shape, "data")? else { return Ok(()) };
        if RECEIVING.contains(&function) {
            outcome.data = self.parse(&text, |_| data::data(&text, Use::Expect))?;
            return Ok(());
        }
        let is_call = shape.kind == Kind::Call;
        if SENDING.contains(&function) && is_call {
            return Ok(());
        }
        let message = match function {
            // That no call is blocked here has been said.
            "" => return Ok(()),
            sends if SENDING.contains(&sends) => format!("what {sends} sends is said where it is called"),
            other => format!("data says what is read or sent, and {other} does neither"),
        };
        let at = 0..text.as_str().len();
        Err(self.fault(&text, Fault::new(at, message)))
    }

    fn raises(&mut self, text: &Text) -> Lowers<Option<Signal>> {
        if text.as_str() == "none" {
            return Ok(None);
        }
        let signal = self.parse(text, |_| signal(text))?;
        self.needs.insert(Capability::Signals);
        Ok(Some(signal))
    }

    /// A `returns` step.
    pub(super) fn returns_step(&mut self, shape: &Shape) -> Lowers<Action> {
        let thread = self.thread_of(shape)?;
        let here = self.here();
        let ended = match self.blocked.get(&thread.0) {
            Some(blocked) if blocked.until == Until::Returns => self.blocked.remove(&thread.0),
            Some(_) | None => None,
        };
        let mut function = "";
        match &ended {
            Some(blocked) => {
                function = blocked.call;
                self.result_name.clone_from(&blocked.result);
                if let Some(name) = &blocked.result
                    && let Some(named) = self.scope().names.get_mut(name)
                {
                    named.meaning = Meaning::Result(here);
                }
            }
            None => {
                let name = self.threads[thread.0].clone();
                let text = format!("no call is blocked on thread {name} here");
                let diagnostic = match self.blocked.get(&thread.0) {
                    Some(_) => crate::front::Diagnostic::error(shape.value.at, text).with_help(
                        "its call says itself when it returns; blocks: true leaves that to this step",
                    ),
                    None => crate::front::Diagnostic::error(shape.value.at, text),
                };
                self.report.add(Phase::Names, diagnostic);
            }
        }
        let text = self.value_text(shape)?;
        let mut outcome = Outcome::success();
        outcome.result = self.parse(&text, |this| results::returns(&text, this))?;
        outcome.origin = Some(self.origin("returns", &shape.value));
        self.outcome_keys(shape, function, &mut outcome)?;
        Ok(Action::Returns { thread, outcome })
    }

    /// Calls that a later step was to end.
    pub(super) fn check_ended(&mut self) {
        let open: Vec<Location> = self
            .blocked
            .values()
            .filter(|blocked| blocked.until == Until::Returns)
            .map(|blocked| blocked.at)
            .collect();
        for at in open {
            self.report.error_help(
                Phase::Names,
                at,
                "no returns step ends this call",
                "add one, or blocks: forever",
            );
        }
    }
}

/// Calls with bytes to send.
const SENDING: [&str; 6] = ["write", "writev", "send", "sendto", "sendmsg", "sendfile"];
/// Calls that give back bytes.
const RECEIVING: [&str; 5] = ["read", "readv", "recv", "recvfrom", "recvmsg"];

fn needs_returns(function: &str) -> bool {
    ["poll", "select", "epoll_wait"].contains(&function)
}

/// As many names as the call makes descriptors.
fn check_bindings(
    lowerer: &mut Lowerer<'_, '_>,
    text: &Text,
    call: &CallText,
    function: &str,
    given: usize,
) -> Result<(), Reported> {
    let most = if function == "pipe" { 2 } else { 1 };
    if given <= most {
        return Ok(());
    }
    let range = call.binds[most].clone();
    let message = format!("{function} returns {most}, not {given}");
    Err(lowerer.fault(text, Fault::new(range, message)))
}
