//! The bundled stack with one planted difference: what it does is changed on its way to the judge.

use tcpdrill::case::{Errno, Setting, Signal, Submission, ThreadId, Value};
use tcpdrill::target::bundled::BundledFactory;
use tcpdrill::target::{
    Inspection, Observation, StateChange, Target, TargetError, TargetFactory, TargetInfo, World,
};
use tcpdrill::time::{Span, Timestamp};
use tcpdrill::wire::{Lies, Packet, build, parse};

/// One difference. What is counted is counted from 0.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Plant {
    None,
    /// The n-th segment is changed.
    Segment(usize, fn(&mut Packet)),
    /// It is lost.
    Lose(usize),
    /// It is there twice.
    Repeat(usize),
    /// It comes later.
    Delay(usize, Span),
    /// What the n-th call returned is changed.
    Returns(usize, fn(&mut Result<i64, Errno>)),
    /// So are the bytes that it read.
    Reads(usize, fn(&mut Vec<u8>)),
    /// It does not come back.
    Hang(usize),
    /// No signal is raised.
    NoSignal,
    /// What is looked at is one more.
    Looks,
    /// The n-th change of state leads elsewhere.
    State(usize),
}

pub(crate) struct PlantedFactory {
    inner: BundledFactory,
    plant: Plant,
}

impl PlantedFactory {
    pub(crate) fn new(plant: Plant) -> Self {
        Self { inner: BundledFactory::new(), plant }
    }
}

impl TargetFactory for PlantedFactory {
    fn info(&self) -> &TargetInfo {
        self.inner.info()
    }

    fn open(&self, world: &World) -> Result<Box<dyn Target>, TargetError> {
        let (inner, plant) = (self.inner.open(world)?, self.plant);
        Ok(Box::new(Planted { inner, plant, emitted: 0, returned: 0, changed: 0, held: None }))
    }
}

struct Planted {
    inner: Box<dyn Target>,
    plant: Plant,
    emitted: usize,
    returned: usize,
    changed: usize,
    /// What is handed over once its moment has come, before anything later.
    held: Option<Observation>,
}

impl Planted {
    /// What becomes of something that the stack did: nothing, if it is lost or held back.
    fn change(&mut self, observation: Observation) -> Option<Observation> {
        match observation {
            Observation::Emitted { at, packet } => {
                let index = self.emitted;
                self.emitted += 1;
                match self.plant {
                    Plant::Segment(n, change) if n == index => {
                        let mut packet = parse(&packet).expect("the stack emits packets").packet;
                        change(&mut packet);
                        Some(Observation::Emitted { at, packet: build(&packet, &Lies::default()).concat() })
                    }
                    Plant::Lose(n) if n == index => None,
                    Plant::Delay(n, by) if n == index => {
                        self.held = Some(Observation::Emitted { at: at + by, packet });
                        None
                    }
                    Plant::Repeat(n) if n == index => {
                        self.held = Some(Observation::Emitted { at, packet: packet.clone() });
                        Some(Observation::Emitted { at, packet })
                    }
                    _ => Some(Observation::Emitted { at, packet }),
                }
            }
            Observation::Returned { at, thread, mut completion } => {
                let index = self.returned;
                self.returned += 1;
                match self.plant {
                    Plant::Returns(n, change) if n == index => change(&mut completion.result),
                    Plant::Reads(n, change) if n == index => change(&mut completion.data),
                    Plant::Hang(n) if n == index => return None,
                    _ => {}
                }
                Some(Observation::Returned { at, thread, completion })
            }
            Observation::Signalled { .. } if matches!(self.plant, Plant::NoSignal) => None,
            other => Some(other),
        }
    }
}

impl Target for Planted {
    fn info(&self) -> &TargetInfo {
        self.inner.info()
    }

    fn now(&mut self) -> Timestamp {
        self.inner.now()
    }

    fn configure(&mut self, setting: &Setting) -> Result<Timestamp, TargetError> {
        self.inner.configure(setting)
    }

    fn resize(&mut self, mtu: u16) -> Result<Timestamp, TargetError> {
        self.inner.resize(mtu)
    }

    fn inject(&mut self, packet: &[u8]) -> Result<Timestamp, TargetError> {
        self.inner.inject(packet)
    }

    fn submit(&mut self, submission: &Submission) -> Result<Timestamp, TargetError> {
        self.inner.submit(submission)
    }

    fn signal(&mut self, thread: ThreadId, signal: Signal, restart: bool) -> Result<Timestamp, TargetError> {
        self.inner.signal(thread, signal, restart)
    }

    fn inspect(&mut self, what: &Inspection) -> Result<Value, TargetError> {
        let value = self.inner.inspect(what)?;
        Ok(match (self.plant, value) {
            (Plant::Looks, Value::Int(number)) => Value::Int(number + 1),
            (_, value) => value,
        })
    }

    fn advance(&mut self, until: Timestamp) -> Result<Option<Observation>, TargetError> {
        loop {
            let due = self.held.as_ref().map(Observation::at).filter(|due| *due <= until);
            match self.inner.advance(due.unwrap_or(until))? {
                Some(observation) => {
                    if let Some(observation) = self.change(observation) {
                        return Ok(Some(observation));
                    }
                }
                None if due.is_some() => return Ok(self.held.take()),
                None => return Ok(None),
            }
        }
    }

    fn state_changes(&mut self) -> Vec<StateChange> {
        let mut changes = self.inner.state_changes();
        for change in &mut changes {
            if matches!(self.plant, Plant::State(n) if n == self.changed) {
                change.to = "TIME_WAIT".to_owned();
            }
            self.changed += 1;
        }
        changes
    }

    fn finish(self: Box<Self>) -> Result<Vec<Observation>, TargetError> {
        self.inner.finish()
    }
}
