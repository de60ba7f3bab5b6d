//! One case on the kernel: the [`Target`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Runtime;

use super::calls::Context;
use super::clock::Clock;
use super::descriptors::Descriptors;
use super::factory::{INTERRUPT, RESTART};
use super::faults::{broken, out_of_files};
use super::inbox::Inbox;
use super::namespace::Namespace;
use super::netlink::Netlink;
use super::schedule::{self, Driving, Pinned};
use super::settings::{self, Outcome};
use super::tap::{self, Tap};
use super::tun::Tun;
use super::wait::{Queue, Timer};
use super::worker::Worker;
use super::{baseline, command, inspect, link, teardown};
use crate::case::{Setting, Signal, Submission, ThreadId, Value};
use crate::target::{Inspection, Observation, Target, TargetError, TargetInfo, World};
use crate::time::Timestamp;

/// A case's namespace, device and threads.
#[derive(Debug)]
pub struct LinuxTarget {
    info: TargetInfo,
    pub(super) clock: Clock,
    /// Nothing that happens is held back for what came before it.
    pub(super) prompt: bool,
    pub(super) runtime: Runtime,
    pub(super) timer: Timer,
    /// Gone after teardown.
    pub(super) wires: Option<Wires>,
    pub(super) namespace: Namespace,
    pub(super) descriptors: Arc<Descriptors>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) workers: BTreeMap<ThreadId, Worker>,
    pub(super) queue: Queue,
    context: Arc<Context>,
    _pinned: Option<Pinned>,
    _driving: Driving,
}

/// What connects us with the namespace.
#[derive(Debug)]
pub(super) struct Wires {
    pub(super) tun: Tun,
    pub(super) tap: Tap,
    pub(super) netlink: Netlink,
    /// The device's index.
    device: u32,
}

impl LinuxTarget {
    /// Makes the world of a case.
    pub(super) fn open(info: &TargetInfo, world: &World) -> Result<Self, TargetError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .map_err(|error| out_of_files("an event queue", &error))?;
        let namespace = Namespace::create()?;
        let inside = {
            let world = world.clone();
            namespace.run(move || furnish(&world))??
        };
        let clock = if world.prompt { Clock::start_between_ticks() } else { Clock::start() };
        let context = Arc::new(Context {
            clock,
            descriptors: Arc::default(),
            congestion: Mutex::new(inside.congestion),
            isns: world
                .flows
                .iter()
                .filter_map(|flow| Some((flow.local, flow.remote, flow.local_isn?)))
                .collect(),
            lent: Mutex::default(),
        });
        let (tap, timer) = {
            let _entered = runtime.enter();
            let tap = Tap::new(inside.tap, clock).map_err(|error| out_of_files("a packet socket", &error))?;
            (tap, Timer::new().map_err(|error| out_of_files("a timer", &error))?)
        };
        let mut target = Self {
            info: info.clone(),
            clock,
            prompt: world.prompt,
            runtime,
            timer,
            wires: Some(Wires { tun: inside.tun, tap, netlink: inside.netlink, device: inside.device }),
            namespace,
            descriptors: context.descriptors.clone(),
            inbox: Arc::default(),
            workers: BTreeMap::new(),
            queue: Queue::default(),
            context,
            _pinned: if world.prompt { Pinned::start() } else { None },
            _driving: Driving::start(),
        };
        if world.prompt {
            // Whatever takes time is over before the start.
            (0..world.threads).try_for_each(|thread| target.worker(ThreadId(thread)).map(drop))?;
        }
        Ok(target)
    }

    pub(super) fn wires(&mut self) -> Result<&mut Wires, TargetError> {
        self.wires.as_mut().ok_or_else(|| broken("the target was torn down"))
    }

    /// Waits until every thread that is in a call sleeps in it: what was done to the target may have woken some, and
    /// what the case does next comes after what they do now.
    fn settle(&self) -> Result<(), TargetError> {
        self.workers.values().filter(|worker| worker.is_calling()).try_for_each(Worker::settle)
    }

    fn worker(&mut self, id: ThreadId) -> Result<&Worker, TargetError> {
        if !self.workers.contains_key(&id) {
            let worker = Worker::start(id, &self.namespace, &self.context, &self.inbox)?;
            self.workers.insert(id, worker);
        }
        self.workers.get(&id).ok_or_else(|| broken("a thread of the case is gone"))
    }
}

impl Target for LinuxTarget {
    fn info(&self) -> &TargetInfo {
        &self.info
    }

    fn epoch_ns(&self) -> u64 {
        self.clock.epoch()
    }

    fn now(&mut self) -> Timestamp {
        self.clock.now()
    }

    fn configure(&mut self, setting: &Setting) -> Result<Timestamp, TargetError> {
        let at = self.clock.now();
        let setting = setting.clone();
        if let Outcome::BySocket(name) = self.namespace.run(move || settings::make(&setting))?? {
            *self.context.congestion.lock().unwrap_or_else(PoisonError::into_inner) = Some(name);
        }
        self.settle()?;
        Ok(at)
    }

    fn resize(&mut self, mtu: u16) -> Result<Timestamp, TargetError> {
        let (at, device) = (self.clock.now(), self.wires()?.device);
        self.namespace.run(move || link::resize(device, mtu))??;
        self.settle()?;
        Ok(at)
    }

    fn inject(&mut self, packet: &[u8]) -> Result<Timestamp, TargetError> {
        let at = self.clock.now();
        self.wires()?
            .tun
            .write(packet)
            .map_err(|error| broken(format!("a packet cannot be injected: {error}")))?;
        self.settle()?;
        Ok(at)
    }

    fn submit(&mut self, submission: &Submission) -> Result<Timestamp, TargetError> {
        let at = self.worker(submission.thread)?.submit(submission)?;
        self.settle()?;
        Ok(at)
    }

    fn signal(&mut self, thread: ThreadId, _signal: Signal, restart: bool) -> Result<Timestamp, TargetError> {
        // Which signal it is makes no difference to a call. Two of our own stand for all, so that cases that run beside
        // each other do not change each other's handlers and those of this process stay as they are.
        let number = if restart { libc::SIGRTMIN() + RESTART } else { libc::SIGRTMIN() + INTERRUPT };
        let at = self.clock.now();
        self.worker(thread)?.signal(number)?;
        self.settle()?;
        Ok(at)
    }

    fn inspect(&mut self, what: &Inspection) -> Result<Value, TargetError> {
        match what {
            Inspection::Descriptor(id, field) => inspect::descriptor(self.descriptors.number(*id), field),
            Inspection::Counter(name) => inspect::counter(&self.namespace, name),
            Inspection::Command { text, folder } => {
                let (text, folder) = (text.clone(), folder.clone());
                let status = self.namespace.run(move || command::run(&text, &folder))??;
                self.settle()?;
                Ok(Value::Int(status.into()))
            }
            Inspection::FlowState { flow: _, local, remote } => {
                inspect::flow_state(&mut self.wires()?.netlink, *local, *remote)
            }
        }
    }

    fn advance(&mut self, until: Timestamp) -> Result<Option<Observation>, TargetError> {
        self.wait(until)
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<Observation>, TargetError> {
        teardown::run(&mut self)
    }
}

impl Drop for LinuxTarget {
    fn drop(&mut self) {
        if self.wires.is_some() {
            // Nobody is left to be told what went wrong.
            let _ = teardown::run(self);
        }
    }
}

/// What a namespace is furnished with.
struct Inside {
    tun: Tun,
    tap: tap::Socket,
    netlink: Netlink,
    device: u32,
    congestion: Option<String>,
}

/// Furnishes the namespace of the calling thread: baseline, device, addresses, the case's settings.
fn furnish(world: &World) -> Result<Inside, TargetError> {
    settings::write_baseline(baseline::BASELINE);
    let (offload, mtu) = (world.link.offload, world.link.mtu);
    let (tun, index) = Tun::create(&world.link, world.ip.wire_is_v6())
        .map_err(|error| out_of_files("the TUN device", &error))?;
    link::build(index, mtu)?;
    // A packet socket on a device that is down is in error.
    let tap = tap::Socket::open(index, offload).map_err(|error| out_of_files("a packet socket", &error))?;
    let netlink =
        Netlink::open(libc::NETLINK_SOCK_DIAG).map_err(|error| out_of_files("a netlink socket", &error))?;
    let mut congestion = None;
    for setting in &world.settings {
        if let Outcome::BySocket(name) = settings::make(setting)? {
            congestion = Some(name);
        }
    }
    // Not before: making namespaces needs workers of the kernel, which many threads in this class would hold up.
    schedule::raise();
    Ok(Inside { tun, tap, netlink, device: index, congestion })
}
