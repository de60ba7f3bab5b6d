//! A trace as a target: what was seen is seen again, so that the verdict can be derived without the stack.

use crate::case::{Setting, Signal, Submission, ThreadId, Value};
use crate::time::Timestamp;
use crate::trace::{Entry, Trace};

use super::{Inspection, Observation, Target, TargetError, TargetInfo};

/// Plays a trace back.
pub struct Replay {
    info: TargetInfo,
    /// What there is to answer with, each with its line.
    entries: Vec<(usize, Entry)>,
    next: usize,
    /// How many lines the trace has.
    lines: usize,
    now: Timestamp,
    misfit: Option<String>,
}

/// The entries that answer something, each with its line. Changes of state are told by a target that nobody asked; what
/// the link did is derived again.
fn answers(trace: &Trace) -> Vec<(usize, Entry)> {
    // Line 1 is the head.
    let numbered = trace.entries.iter().enumerate().map(|(index, entry)| (index + 2, entry.clone()));
    numbered.filter(|(_, entry)| !matches!(entry, Entry::Changed { .. } | Entry::OnTheWay { .. })).collect()
}

impl Replay {
    /// A target that answers as the trace says.
    #[must_use]
    pub fn new(trace: &Trace) -> Self {
        let header = &trace.header;
        Self {
            info: TargetInfo {
                id: header.target.clone(),
                version: header.version.clone(),
                capabilities: crate::case::Capability::ALL.into_iter().collect(),
                timing: header.timing,
            },
            entries: answers(trace),
            next: 0,
            lines: trace.entries.len() + 1,
            now: Timestamp::START,
            misfit: None,
        }
    }

    /// What happened next after the end of the case; nothing more before the verdict, which ends a whole trace.
    ///
    /// # Errors
    /// Where trace and case turned out not to belong together, or the trace is cut short or goes on too long.
    pub fn after_the_end(&mut self) -> Result<Option<Observation>, String> {
        if let Some(why) = &self.misfit {
            return Err(why.clone());
        }
        match self.entry() {
            Some(Entry::Teardown { at, packet }) => {
                let observation = Observation::Emitted { at: Timestamp(*at), packet: packet.clone() };
                self.next += 1;
                Ok(Some(observation))
            }
            Some(Entry::Disturbed { at, by }) => {
                let observation = Observation::Disturbed { at: Timestamp(*at), by: by.clone() };
                self.next += 1;
                Ok(Some(observation))
            }
            Some(Entry::Verdict(_)) if self.next + 1 == self.entries.len() => Ok(None),
            Some(
                Entry::Acted { .. }
                | Entry::Refused { .. }
                | Entry::Failed { .. }
                | Entry::Emitted { .. }
                | Entry::Returned { .. }
                | Entry::Signalled { .. }
                | Entry::Reached(_)
                | Entry::Inspected { .. }
                | Entry::Changed { .. }
                | Entry::OnTheWay { .. }
                | Entry::Verdict(_),
            )
            | None => Err(self.misfit("the end of the run").to_string()),
        }
    }

    fn entry(&self) -> Option<&Entry> {
        self.entries.get(self.next).map(|(_, entry)| entry)
    }

    /// The trace and the case do not belong together.
    fn misfit(&mut self, wanted: &str) -> TargetError {
        let (line, found) = match self.entries.get(self.next) {
            Some((line, entry)) => (*line, serde_json::to_string(entry).unwrap_or_default()),
            None => (self.lines + 1, "the end".to_owned()),
        };
        let found: String = found.chars().take(120).collect();
        let why = format!("the trace does not fit the case: line {line} should be {wanted}, but is {found}");
        self.misfit = Some(why.clone());
        TargetError::Broken(why)
    }

    /// The case did something: the trace must say the same.
    fn act(&mut self, what: &str) -> Result<Timestamp, TargetError> {
        match self.entry() {
            Some(Entry::Acted { at, what: recorded, .. }) if recorded == what => {
                let at = Timestamp(*at);
                self.now = self.now.max(at);
                self.next += 1;
                Ok(at)
            }
            Some(Entry::Refused { what: recorded, why, .. }) if recorded == what => {
                let error = why.error();
                self.next += 1;
                Err(error)
            }
            _ => Err(self.misfit(what)),
        }
    }
}

impl Target for Replay {
    fn info(&self) -> &TargetInfo {
        &self.info
    }

    fn now(&mut self) -> Timestamp {
        self.now
    }

    fn configure(&mut self, setting: &Setting) -> Result<Timestamp, TargetError> {
        self.act(&describe::setting(setting))
    }

    fn resize(&mut self, mtu: u16) -> Result<Timestamp, TargetError> {
        self.act(&describe::mtu(mtu))
    }

    fn inject(&mut self, packet: &[u8]) -> Result<Timestamp, TargetError> {
        self.act(&describe::packet(packet))
    }

    fn submit(&mut self, submission: &Submission) -> Result<Timestamp, TargetError> {
        self.act(&describe::submission(submission))
    }

    fn signal(&mut self, thread: ThreadId, signal: Signal, restart: bool) -> Result<Timestamp, TargetError> {
        self.act(&describe::signal(thread, signal, restart))
    }

    fn inspect(&mut self, what: &Inspection) -> Result<Value, TargetError> {
        let wanted = describe::inspection(what);
        match self.entry() {
            Some(Entry::Inspected { what, value, missing }) if *what == wanted => {
                let answer = match (value, missing) {
                    (Some(value), _) => Ok(value.clone()),
                    (None, missing) => Err(TargetError::Missing(missing.clone().unwrap_or_default())),
                };
                self.next += 1;
                answer
            }
            Some(Entry::Failed { what, why }) if *what == wanted => {
                let error = why.error();
                self.next += 1;
                Err(error)
            }
            _ => Err(self.misfit(&wanted)),
        }
    }

    fn advance(&mut self, until: Timestamp) -> Result<Option<Observation>, TargetError> {
        let entry = self.entry();
        if let Some(observation) = entry.and_then(Entry::observation) {
            self.next += 1;
            self.now = self.now.max(observation.at());
            return Ok(Some(observation));
        }
        match entry {
            Some(Entry::Reached(at)) if *at == until.0 => {
                self.next += 1;
                self.now = self.now.max(until);
                Ok(None)
            }
            Some(Entry::Failed { what, why }) if *what == describe::silence(until) => {
                let error = why.error();
                self.next += 1;
                Err(error)
            }
            _ => Err(self.misfit(&describe::silence(until))),
        }
    }

    fn finish(self: Box<Self>) -> Result<Vec<Observation>, TargetError> {
        Ok(Vec::new())
    }
}

/// Acts as a trace writes them: the same text when recorded and when compared.
pub(crate) mod describe {
    use crate::case::{Setting, Signal, Submission, ThreadId};
    use crate::target::Inspection;
    use crate::time::Timestamp;
    use crate::trace::hex;

    pub(crate) fn packet(bytes: &[u8]) -> String {
        format!("inject {}", hex::text(bytes))
    }

    pub(crate) fn setting(setting: &Setting) -> String {
        format!("set {} = {}", setting.name, setting.value)
    }

    pub(crate) fn mtu(mtu: u16) -> String {
        format!("mtu {mtu}")
    }

    pub(crate) fn signal(thread: ThreadId, signal: Signal, restart: bool) -> String {
        format!("{signal} to thread {}{}", thread.0, if restart { ", restarting" } else { "" })
    }

    pub(crate) fn submission(submission: &Submission) -> String {
        format!("thread {} {:?} {}", submission.thread.0, submission.call, hex::text(&submission.data))
    }

    pub(crate) fn silence(until: Timestamp) -> String {
        format!("silence until {}", until.0)
    }

    pub(crate) fn inspection(what: &Inspection) -> String {
        match what {
            Inspection::Descriptor(id, field) => format!("descriptor {} {field}", id.0),
            Inspection::FlowState { local, remote, .. } => format!("state {local} {remote}"),
            Inspection::Counter(name) => format!("counter {name}"),
            Inspection::Command { text, folder } => format!("command {text} in {folder}"),
        }
    }
}
