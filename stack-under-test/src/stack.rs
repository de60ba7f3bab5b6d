//! The endpoint as a whole.

mod consistency;
mod cookies;
mod fast_open;
mod icmp;
mod input;
mod lifecycle;
mod output;
mod ports;
mod reassembly;
mod timeouts;

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use crate::config::Config;
use crate::counters::Tally;
use crate::settings::SettingError;
use crate::socket::epoll::{Epoll, EpollId};
use crate::socket::pipe::{Pipe, PipeId};
use crate::socket::table::Descriptors;
use crate::socket::{Socket, SocketId};
use crate::syscall::dispatch::Blocked;
use crate::syscall::{Failure, Fd, Reply, Signal, Syscall, ThreadId};
use crate::tcp::env::{Env, Paths, TimestampClock};
use crate::tcp::fast_open::Known;
use crate::tcp::flow::{Endpoint, Flow, Outbox};
use crate::tcp::info::TcpInfo;
use crate::tcp::journal::{Cause, StateChange};
use crate::tcp::state::TcpState;
use crate::tcp::time_wait::TimeWait;
use crate::time::Instant;
use crate::wire::drops::DropCounters;
use crate::wire::seq::SeqNum;

/// Something that happened, in the order it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A whole IP packet leaves.
    Transmit(Vec<u8>),
    /// A call returns.
    Return {
        /// The thread that made it.
        thread: ThreadId,
        /// What it returns.
        result: Result<Reply, Failure>,
    },
    /// A signal is raised.
    Signal {
        /// The thread that gets it.
        thread: ThreadId,
        /// Which.
        signal: Signal,
    },
}

/// The thread is still in a call that blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadBusy;

/// Who takes the segments of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Socket(SocketId),
    /// A handshake of this listener.
    Request(SocketId),
    TimeWait,
}

/// The next open towards `remote` starts with `isn`.
#[derive(Clone, Copy, Debug)]
struct ForcedIsn {
    local: Option<Endpoint>,
    remote: Endpoint,
    isn: SeqNum,
}

/// A TCP/IP endpoint with Linux socket semantics.
///
/// # Order of calls
///
/// 1. Put something in: [`handle_packet`](Self::handle_packet), [`handle_timeout`](Self::handle_timeout),
///    [`submit`](Self::submit) or [`interrupt`](Self::interrupt), with the time, which never goes backwards.
/// 2. Take everything out: [`poll_output`](Self::poll_output) until it returns `None`.
/// 3. Ask [`poll_timeout`](Self::poll_timeout) when `handle_timeout` must be called unless something else goes in first.
///
/// Timers fire at their nominal time. `handle_timeout` fires the timer that is due first, and only that; called again
/// with the same time it fires the next one, until `poll_timeout` lies in the future.
///
/// A call that cannot finish stays with its thread as a record and is tried again after every input.
#[derive(Debug)]
pub struct Stack {
    pub(crate) config: Config,
    seed: u64,
    clock: TimestampClock,
    pub(crate) now: Instant,
    pub(crate) sockets: BTreeMap<SocketId, Socket>,
    next_socket: u32,
    pub(crate) descriptors: Descriptors,
    pub(crate) epolls: BTreeMap<EpollId, Epoll>,
    pub(crate) next_epoll: u32,
    pub(crate) pipes: BTreeMap<PipeId, Pipe>,
    pub(crate) next_pipe: u32,
    pub(crate) flows: BTreeMap<Flow, Owner>,
    pub(crate) time_waits: BTreeMap<Flow, TimeWait>,
    pub(crate) blocked: Vec<Blocked>,
    pub(crate) outbox: Outbox,
    output: VecDeque<Output>,
    forced: Vec<ForcedIsn>,
    reassembly: reassembly::Reassembly,
    drops: DropCounters,
    pub(crate) tally: Tally,
    pub(crate) paths: Paths,
    ports_given: u64,
    /// What servers told, by our address and theirs.
    fast_opens: BTreeMap<(IpAddr, IpAddr), Known>,
}

impl Stack {
    /// An endpoint at time zero. `seed` determines sequence numbers, ephemeral ports and the timestamp clock.
    pub fn new(config: Config, seed: u64) -> Self {
        Self {
            config,
            seed,
            clock: TimestampClock { offset: ports::mix(seed, &[0]) as u32 },
            now: Instant::ZERO,
            sockets: BTreeMap::new(),
            next_socket: 0,
            descriptors: Descriptors::default(),
            epolls: BTreeMap::new(),
            next_epoll: 0,
            pipes: BTreeMap::new(),
            next_pipe: 0,
            flows: BTreeMap::new(),
            time_waits: BTreeMap::new(),
            blocked: Vec::new(),
            outbox: Outbox::new(),
            output: VecDeque::new(),
            forced: Vec::new(),
            reassembly: reassembly::Reassembly::default(),
            drops: DropCounters::default(),
            tally: Tally::default(),
            paths: Paths::new(),
            ports_given: 0,
            fast_opens: BTreeMap::new(),
        }
    }

    /// Changes a kernel setting by its Linux name; what exists already keeps what it copied.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SettingError> {
        self.config.settings.set(name, value)?;
        if name == "net.ipv4.tcp_fastopen_blackhole_timeout_sec" {
            self.tally.resume_fast_open();
        }
        Ok(())
    }

    /// Forgets what was learnt of peers, as `ip tcp_metrics flush` does.
    pub fn forget_peers(&mut self) {
        self.fast_opens.clear();
    }

    /// The link carries packets of at most so many bytes from now on. Like Linux, connections notice when they send
    /// the next time.
    pub fn set_mtu(&mut self, mtu: u16) {
        self.config.mtu = mtu;
    }

    /// A whole IPv4 or IPv6 packet arrives.
    pub fn handle_packet(&mut self, now: Instant, packet: &[u8]) {
        self.at(now);
        if let Err(reason) = self.receive(packet) {
            self.drops.count(reason);
        }
        self.settle();
    }

    /// The time has come that [`poll_timeout`](Self::poll_timeout) named; without effect before.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.at(now);
        self.tally.journal.because_of(Cause::Timer);
        self.fire_first_timer();
        self.settle();
    }

    /// A thread makes a call.
    pub fn submit(&mut self, now: Instant, thread: ThreadId, call: Syscall) -> Result<(), ThreadBusy> {
        if self.blocked.iter().any(|blocked| blocked.thread == thread) {
            return Err(ThreadBusy);
        }
        self.at(now);
        self.tally.journal.because_of(Cause::Call);
        self.start_call(thread, call);
        self.settle();
        Ok(())
    }

    /// A signal with a handler that does not restart calls is delivered to a thread; without effect on one that is in
    /// no call.
    pub fn interrupt(&mut self, now: Instant, thread: ThreadId) {
        self.at(now);
        self.tally.journal.because_of(Cause::Call);
        self.interrupt_call(thread, false);
        self.settle();
    }

    /// A signal whose handler restarts calls (`SA_RESTART`) is delivered to a thread. Calls that wait for events or for
    /// a limited time are interrupted nevertheless.
    pub fn interrupt_and_restart(&mut self, now: Instant, thread: ThreadId) {
        self.at(now);
        self.tally.journal.because_of(Cause::Call);
        self.interrupt_call(thread, true);
        self.settle();
    }

    /// Takes the next thing that happened.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.output.pop_front()
    }

    /// From now on every change of state is kept for [`poll_state_change`](Self::poll_state_change).
    pub fn keep_state_changes(&mut self) {
        self.tally.journal.keep();
    }

    /// Takes the next change of state, in the order they happened.
    pub fn poll_state_change(&mut self) -> Option<StateChange> {
        self.tally.journal.take()
    }

    /// When the next timer is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.first_timer().map(|(due, _)| due)
    }

    /// The next connection opened from `local` (any, if `None`) to `remote` starts with this sequence number.
    pub fn force_isn(&mut self, local: Option<SocketAddr>, remote: SocketAddr, isn: u32) {
        self.forced.push(ForcedIsn {
            local: local.map(Endpoint::from),
            remote: remote.into(),
            isn: SeqNum(isn),
        });
    }

    /// The state of the connection between two addresses, with or without a descriptor; `Closed` if there is none.
    pub fn tcp_state(&self, local: SocketAddr, remote: SocketAddr) -> TcpState {
        let flow = Flow { local: local.into(), remote: remote.into() };
        match self.flows.get(&flow) {
            None => TcpState::Closed,
            Some(Owner::Request(_)) => TcpState::SynRecv,
            Some(Owner::Socket(id)) => self.sockets.get(id).map_or(TcpState::Closed, Socket::state),
            Some(Owner::TimeWait) => match self.time_waits.get(&flow) {
                Some(remains) if remains.awaits_fin => TcpState::FinWait2,
                Some(_) | None => TcpState::TimeWait,
            },
        }
    }

    /// What `getsockopt(TCP_INFO)` would return, without a call; `None` if there is no such descriptor.
    pub fn tcp_info(&self, fd: Fd) -> Option<TcpInfo> {
        let id = self.descriptors.get(fd).ok()?;
        self.sockets.get(&id).map(|socket| crate::tcp::info::of_socket(&self.env(), socket))
    }

    /// Bytes that can be read, that were written and not sent, and that were written and not acknowledged, without a call;
    /// `None` if there is no such descriptor. What `SIOCINQ`, `SIOCOUTQNSD` and `SIOCOUTQ` would say.
    pub fn queued(&self, fd: Fd) -> Option<[u32; 3]> {
        let id = self.descriptors.get(fd).ok()?;
        let connection = self.sockets.get(&id)?.connection();
        Some(connection.map_or([0; 3], |connection| {
            [connection.unread_before_mark(), connection.unsent(), connection.unacknowledged()]
        }))
    }

    /// How many packets were dropped before a connection saw them, by reason.
    pub fn dropped(&self) -> DropCounters {
        self.drops
    }

    /// How often something happened, by its name as `nstat` prints it (`TcpExtListenDrops`); `None` if that is not
    /// counted.
    pub fn counter(&self, name: &str) -> Option<u64> {
        self.tally.get(name)
    }

    fn at(&mut self, now: Instant) {
        debug_assert!(now >= self.now, "time goes backwards");
        self.now = self.now.max(now);
    }

    /// After every input: calls that wait are tried again, and what they sent leaves.
    fn settle(&mut self) {
        self.flush();
        self.sockets.values_mut().for_each(Socket::report_loans);
        self.sockets.values_mut().for_each(Socket::report_stamps);
        self.wake_epolls();
        self.retry_calls();
    }

    pub(crate) fn env(&self) -> Env<'_> {
        env_of(&self.config, self.clock, self.now, (&self.tally, &self.paths))
    }

    /// The environment, and the parts of the stack that may change beside it.
    pub(crate) fn split(&mut self) -> (Env<'_>, &mut BTreeMap<SocketId, Socket>, &mut Outbox) {
        (
            env_of(&self.config, self.clock, self.now, (&self.tally, &self.paths)),
            &mut self.sockets,
            &mut self.outbox,
        )
    }
}

fn env_of<'a>(
    config: &'a Config,
    clock: TimestampClock,
    now: Instant,
    (tally, paths): (&'a Tally, &'a Paths),
) -> Env<'a> {
    Env { now, settings: &config.settings, mtu: config.mtu, clock, tally, paths }
}
