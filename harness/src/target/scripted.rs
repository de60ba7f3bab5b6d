//! A target that does what it was told beforehand: a double for tests of the engine and of whoever drives it.

use std::collections::VecDeque;

use crate::case::{Setting, Signal, Submission, ThreadId, Value};
use crate::time::{Span, Timestamp};

use super::{Completion, Inspection, Observation, Target, TargetError, TargetInfo, Timing};

/// Plays a list of observations in order of their times, on any clock, from the first act on. All that is done to it
/// is taken and kept for tests to look at.
#[derive(Clone)]
pub struct Scripted {
    info: TargetInfo,
    now: Timestamp,
    /// How much later than now every act is done.
    pub lateness: Span,
    /// How long a call takes that does not block.
    pub slowness: Span,
    /// Time cannot be let pass.
    pub breaks_when_advanced: bool,
    /// It cannot be put away.
    pub breaks_at_the_end: bool,
    coming: VecDeque<Observation>,
    /// What calls return when they are made, in order; a call beyond the list blocks until `coming` has its return.
    pub at_once: VecDeque<Option<Completion>>,
    /// What was done, for tests to look at.
    pub acts: Vec<String>,
    ready: VecDeque<Observation>,
}

impl Scripted {
    /// A target with this clock on which these things happen.
    #[must_use]
    pub fn new(timing: Timing, coming: Vec<Observation>) -> Self {
        Self {
            info: TargetInfo {
                id: "scripted".to_owned(),
                version: "1".to_owned(),
                capabilities: crate::case::Capability::ALL.into_iter().collect(),
                timing,
            },
            now: Timestamp::START,
            lateness: Span::ZERO,
            slowness: Span::ZERO,
            breaks_when_advanced: false,
            breaks_at_the_end: false,
            coming: coming.into(),
            at_once: VecDeque::new(),
            acts: Vec::new(),
            ready: VecDeque::new(),
        }
    }

    fn act(&mut self, what: String) -> Timestamp {
        self.acts.push(what);
        self.now + self.lateness
    }
}

impl Target for Scripted {
    fn info(&self) -> &TargetInfo {
        &self.info
    }

    fn now(&mut self) -> Timestamp {
        self.now
    }

    fn configure(&mut self, setting: &Setting) -> Result<Timestamp, TargetError> {
        Ok(self.act(format!("set {}", setting.name)))
    }

    fn resize(&mut self, mtu: u16) -> Result<Timestamp, TargetError> {
        Ok(self.act(format!("mtu {mtu}")))
    }

    fn inject(&mut self, packet: &[u8]) -> Result<Timestamp, TargetError> {
        Ok(self.act(format!("inject {} bytes", packet.len())))
    }

    fn submit(&mut self, submission: &Submission) -> Result<Timestamp, TargetError> {
        let at = self.act(submission.call.name().to_owned());
        if let Some(Some(completion)) = self.at_once.pop_front() {
            let at = at + self.slowness;
            self.ready.push_back(Observation::Returned { at, thread: submission.thread, completion });
        }
        Ok(at)
    }

    fn signal(
        &mut self,
        _thread: ThreadId,
        signal: Signal,
        _restart: bool,
    ) -> Result<Timestamp, TargetError> {
        Ok(self.act(signal.to_string()))
    }

    fn inspect(&mut self, what: &Inspection) -> Result<Value, TargetError> {
        match what {
            Inspection::FlowState { .. } => Ok(Value::Int(1)),
            Inspection::Descriptor(_, field) => Err(TargetError::Missing(field.clone())),
            Inspection::Counter(name) => Err(TargetError::Missing(name.clone())),
            Inspection::Command { text, .. } => Err(TargetError::Missing(text.clone())),
        }
    }

    fn advance(&mut self, until: Timestamp) -> Result<Option<Observation>, TargetError> {
        if self.breaks_when_advanced {
            return Err(TargetError::Broken("time stands still".to_owned()));
        }
        if let Some(observation) = self.ready.pop_front() {
            return Ok(Some(observation));
        }
        let started = !self.acts.is_empty();
        if started && self.coming.front().is_some_and(|first| first.at() <= until.max(self.now)) {
            let observation = self.coming.pop_front();
            if let Some(observation) = &observation {
                self.now = self.now.max(observation.at());
            }
            return Ok(observation);
        }
        self.now = self.now.max(until);
        Ok(None)
    }

    fn finish(self: Box<Self>) -> Result<Vec<Observation>, TargetError> {
        if self.breaks_at_the_end {
            return Err(TargetError::Broken("it does not go away".to_owned()));
        }
        Ok(Vec::new())
    }
}
