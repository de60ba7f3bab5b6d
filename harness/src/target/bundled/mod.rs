//! The bundled stack as a target: the only place that knows the crate `stack-under-test`.

mod convert;
mod files;
mod reply;

use std::collections::{BTreeMap, VecDeque};

use stack_under_test as sut;

use crate::case::{Capability, DescriptorId, Setting, Signal, Submission, Syscall, ThreadId, Value};
use crate::time::Timestamp;

use super::{
    Inspection, Observation, StateChange, Target, TargetError, TargetFactory, TargetInfo, Timing, World,
};

/// So many timers at one moment mean that time stands still.
const TIMERS_AT_ONCE: usize = 100_000;
/// A descriptor that no stack gives out: what a name stands for that was never bound, or was closed.
const NO_FD: sut::Fd = sut::Fd(i32::MAX);

/// Makes bundled stacks.
pub struct BundledFactory {
    info: TargetInfo,
}

impl Default for BundledFactory {
    fn default() -> Self {
        Self::new()
    }
}

impl BundledFactory {
    /// The bundled stack, on a virtual clock.
    #[must_use]
    pub fn new() -> Self {
        let capabilities = [
            Capability::Ipv6,
            Capability::Sack,
            Capability::Ecn,
            Capability::Fastopen,
            Capability::Timestamps,
            Capability::Signals,
            Capability::Epoll,
            Capability::Urgent,
            Capability::Errqueue,
            Capability::Zerocopy,
            Capability::Counters,
            Capability::Inspect,
            Capability::LocalIsn,
            Capability::RawIp,
            Capability::VirtualClock,
        ];
        Self {
            info: TargetInfo {
                id: "bundled".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                capabilities: capabilities.into_iter().collect(),
                timing: Timing::Virtual,
            },
        }
    }
}

impl TargetFactory for BundledFactory {
    fn info(&self) -> &TargetInfo {
        &self.info
    }

    fn open(&self, world: &World) -> Result<Box<dyn Target>, TargetError> {
        if world.link.joined_from.is_some() {
            return Err(TargetError::Missing("segments that the device joins".to_owned()));
        }
        let segmentation_offload = world.link.offload != crate::case::Offload::None;
        let config = sut::Config { mtu: world.link.mtu, segmentation_offload, ..sut::Config::default() };
        let mut stack = sut::Stack::new(config, world.seed);
        stack.keep_state_changes();
        for setting in &world.settings {
            set(&mut stack, setting)?;
        }
        for flow in &world.flows {
            if let Some(isn) = flow.local_isn {
                stack.force_isn(flow.local, flow.remote, isn);
            }
        }
        Ok(Box::new(Bundled {
            info: self.info.clone(),
            stack,
            now: Timestamp::START,
            seen: VecDeque::new(),
            changes: Vec::new(),
            calls: BTreeMap::new(),
            fds: BTreeMap::new(),
            files: files::Files::default(),
        }))
    }
}

fn set(stack: &mut sut::Stack, setting: &Setting) -> Result<(), TargetError> {
    if is_so_anyway(setting) {
        return Ok(());
    }
    if setting.name == "tcp_metrics" {
        stack.forget_peers();
        return Ok(());
    }
    stack.set(&setting.name, &setting.value).or_else(|error| {
        if setting.optional {
            return Ok(());
        }
        Err(TargetError::Missing(match error {
            sut::SettingError::Unknown => format!("setting {}", setting.name),
            sut::SettingError::Invalid => format!("setting {} = {}", setting.name, setting.value),
        }))
    })
}

/// What lies around the stack and is never otherwise: its device has a plain queue.
fn is_so_anyway(setting: &Setting) -> bool {
    match setting.name.as_str() {
        "qdisc" => setting.value == "pfifo",
        "route" => setting.value.is_empty(),
        _ => false,
    }
}

/// One case's stack.
struct Bundled {
    info: TargetInfo,
    stack: sut::Stack,
    now: Timestamp,
    /// What happened and was not handed over.
    seen: VecDeque<Observation>,
    /// Changes of state that were not handed over.
    changes: Vec<StateChange>,
    /// Calls that have not returned.
    calls: BTreeMap<ThreadId, Pending>,
    fds: BTreeMap<DescriptorId, sut::Fd>,
    files: files::Files,
}

/// A call that has not returned.
struct Pending {
    binds: Vec<DescriptorId>,
    polled: Vec<DescriptorId>,
    closes: Option<DescriptorId>,
    /// Its value comes back through a pointer, unless the case wrote it.
    is_ioctl: bool,
    writes_value: bool,
    /// The value of an option comes back as bytes: no fewer than these.
    raw: Option<usize>,
    /// Only the address of a message comes back.
    is_recvfrom: bool,
    /// How it is called where the stack lacks something.
    what: String,
}

impl Target for Bundled {
    fn info(&self) -> &TargetInfo {
        &self.info
    }

    fn now(&mut self) -> Timestamp {
        self.now
    }

    fn configure(&mut self, setting: &Setting) -> Result<Timestamp, TargetError> {
        set(&mut self.stack, setting)?;
        Ok(self.now)
    }

    fn resize(&mut self, mtu: u16) -> Result<Timestamp, TargetError> {
        self.stack.set_mtu(mtu);
        Ok(self.now)
    }

    fn inject(&mut self, packet: &[u8]) -> Result<Timestamp, TargetError> {
        self.stack.handle_packet(instant(self.now), packet);
        self.drain()?;
        Ok(self.now)
    }

    fn submit(&mut self, submission: &Submission) -> Result<Timestamp, TargetError> {
        if let Some(completion) = self.files.call(submission)? {
            let (at, thread) = (self.now, submission.thread);
            self.seen.push_back(Observation::Returned { at, thread, completion });
            return Ok(at);
        }
        let call = self.convert(submission)?;
        let polled = match &submission.call {
            Syscall::Poll { fds, .. } => fds.iter().map(|entry| entry.fd).collect(),
            Syscall::Select { read, write, except, .. } => {
                read.iter().chain(write).chain(except).copied().collect()
            }
            _ => Vec::new(),
        };
        let closes = match &submission.call {
            Syscall::Close { fd } => Some(*fd),
            _ => None,
        };
        let is_ioctl = matches!(submission.call, Syscall::Ioctl { .. });
        let writes_value = matches!(submission.call, Syscall::Ioctl { argument: Some(_), .. });
        let is_recvfrom = matches!(submission.call, Syscall::Recvfrom { .. });
        let raw = convert::raw_length(&submission.call);
        let binds = submission.binds.clone();
        let what = convert::describe(&submission.call);
        let pending = Pending { binds, polled, closes, is_ioctl, writes_value, raw, is_recvfrom, what };
        self.calls.insert(submission.thread, pending);
        self.stack.submit(instant(self.now), sut_thread(submission.thread), call).map_err(
            |sut::ThreadBusy| TargetError::Broken("the stack says that the thread is busy".to_owned()),
        )?;
        self.drain()?;
        Ok(self.now)
    }

    fn signal(&mut self, thread: ThreadId, _signal: Signal, restart: bool) -> Result<Timestamp, TargetError> {
        if restart {
            self.stack.interrupt_and_restart(instant(self.now), sut_thread(thread));
        } else {
            self.stack.interrupt(instant(self.now), sut_thread(thread));
        }
        self.drain()?;
        Ok(self.now)
    }

    fn inspect(&mut self, what: &Inspection) -> Result<Value, TargetError> {
        match what {
            Inspection::FlowState { local, remote, .. } => {
                Ok(Value::Int(self.stack.tcp_state(*local, *remote) as i64))
            }
            Inspection::Descriptor(id, field) => {
                // How long ago something was depends on the time, which the stack knows by what happens to it.
                self.stack.handle_timeout(instant(self.now));
                self.drain()?;
                let missing = || TargetError::Missing(format!("inspection of {field}"));
                let queued = || self.stack.queued(self.fd(*id)).ok_or_else(missing);
                match field.as_str() {
                    "unread" => return Ok(Value::Int(queued()?[0].into())),
                    "unsent" => return Ok(Value::Int(queued()?[1].into())),
                    "unacked" => return Ok(Value::Int(queued()?[2].into())),
                    _ => {}
                }
                let info = self.stack.tcp_info(self.fd(*id)).ok_or_else(missing)?;
                let Value::Map(mut fields) = reply::tcp_info(&info) else { return Err(missing()) };
                let name = match field.as_str() {
                    "state" => "tcpi_state",
                    "accept_queue" => "tcpi_unacked",
                    other => other,
                };
                fields.remove(name).ok_or_else(missing)
            }
            Inspection::Command { .. } => Err(TargetError::Missing("a shell".to_owned())),
            Inspection::Counter(name) => {
                let count = self.stack.counter(name);
                let count = count.ok_or_else(|| TargetError::Missing(format!("counter.{name}")))?;
                Ok(Value::Int(i64::try_from(count).unwrap_or(i64::MAX)))
            }
        }
    }

    fn advance(&mut self, until: Timestamp) -> Result<Option<Observation>, TargetError> {
        for _ in 0..TIMERS_AT_ONCE {
            if let Some(observation) = self.seen.pop_front() {
                return Ok(Some(observation));
            }
            let timer = self.stack.poll_timeout().map(timestamp);
            let Some(due) = timer.filter(|due| *due <= until.max(self.now)) else {
                self.now = self.now.max(until);
                return Ok(None);
            };
            self.now = self.now.max(due);
            self.stack.handle_timeout(instant(self.now));
            self.drain()?;
        }
        Err(TargetError::Broken(format!("the stack's timers make no progress at {}", self.now)))
    }

    fn state_changes(&mut self) -> Vec<StateChange> {
        std::mem::take(&mut self.changes)
    }

    fn finish(self: Box<Self>) -> Result<Vec<Observation>, TargetError> {
        Ok(Vec::new())
    }
}

impl Bundled {
    /// Takes everything that the stack put out at this moment.
    fn drain(&mut self) -> Result<(), TargetError> {
        let at = self.now;
        while let Some(change) = self.stack.poll_state_change() {
            self.changes.push(state_change(at, change));
        }
        while let Some(output) = self.stack.poll_output() {
            let observation = match output {
                sut::Output::Transmit(packet) => Observation::Emitted { at, packet },
                sut::Output::Signal { thread, signal: sut::Signal::Sigpipe } => {
                    Observation::Signalled { at, thread: our_thread(thread), signal: Signal::Pipe }
                }
                sut::Output::Return { thread, result } => {
                    let thread = our_thread(thread);
                    let completion = self.complete(thread, result)?;
                    Observation::Returned { at, thread, completion }
                }
            };
            self.seen.push_back(observation);
        }
        Ok(())
    }

    /// Gives what a call made the names it is to have.
    fn bind(&mut self, binds: &[DescriptorId], fds: &[sut::Fd]) {
        self.fds.extend(binds.iter().copied().zip(fds.iter().copied()));
    }

    fn fd(&self, id: DescriptorId) -> sut::Fd {
        self.fds.get(&id).copied().unwrap_or(NO_FD)
    }
}

fn state_change(at: Timestamp, change: sut::StateChange) -> StateChange {
    let cause = match change.cause {
        sut::Cause::Call => "call",
        sut::Cause::Segment => "segment",
        sut::Cause::Reset => "reset",
        sut::Cause::Icmp => "icmp",
        sut::Cause::Timer => "timer",
    };
    let (from, to) = (change.from.name().to_owned(), change.to.name().to_owned());
    StateChange { at, ends: change.ends, from, to, cause: cause.to_owned() }
}

fn instant(at: Timestamp) -> sut::Instant {
    sut::Instant::from_nanos(u64::try_from(at.0).unwrap_or(0))
}

fn timestamp(at: sut::Instant) -> Timestamp {
    Timestamp(i64::try_from(at.as_nanos()).unwrap_or(i64::MAX))
}

fn sut_thread(thread: ThreadId) -> sut::ThreadId {
    sut::ThreadId(u32::try_from(thread.0).unwrap_or(u32::MAX))
}

fn our_thread(thread: sut::ThreadId) -> ThreadId {
    ThreadId(usize::try_from(thread.0).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    /// docs/language.md promises it.
    #[test]
    fn the_stack_starts_from_the_baseline_but_for_what_its_readme_names() {
        let file = |path: &str| std::fs::read_to_string(format!("{}/../{path}", env!("CARGO_MANIFEST_DIR")));
        let (Ok(reference), Ok(readme)) = (file("docs/language.md"), file("stack-under-test/README.md"))
        else {
            return;
        };
        let settings = stack_under_test::Settings::default();
        let rows = reference.lines().filter_map(|line| {
            let (name, value) = line.strip_prefix("| `net.")?.strip_suffix("` |")?.split_once("` | `")?;
            Some((format!("net.{name}"), value))
        });
        let mut known = 0;
        for (name, value) in rows {
            let Some(own) = settings.get(&name) else { continue };
            known += 1;
            let own = own.split_whitespace().collect::<Vec<_>>().join(" ");
            let short = name.rsplit('.').next().unwrap_or_default();
            let named = readme.contains(&format!("`{short}` is {own}"));
            assert!(own == value || named, "{name} is {own}, and {value} in the baseline");
        }
        assert!(known > 30, "the table was read");
    }
}
