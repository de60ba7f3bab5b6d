//! The endpoint as a whole.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::SocketAddr;

use crate::config::Config;
use crate::settings::SettingError;
use crate::syscall::{Failure, Fd, Reply, Signal, Syscall, ThreadId};
use crate::tcp::info::TcpInfo;
use crate::tcp::state::TcpState;
use crate::time::Instant;
use crate::wire::drops::DropCounters;

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

/// A TCP/IP endpoint with Linux socket semantics.
///
/// # Order of calls
///
/// 1. Put something in: [`handle_packet`](Self::handle_packet), [`handle_timeout`](Self::handle_timeout),
///    [`submit`](Self::submit) or [`interrupt`](Self::interrupt), with the time, which never goes backwards.
/// 2. Take everything out: [`poll_output`](Self::poll_output) until it returns `None`.
/// 3. Ask [`poll_timeout`](Self::poll_timeout) when `handle_timeout` must be called unless something else goes in first.
///
/// Timers fire at their nominal time. `handle_timeout` fires the timers of the earliest due time only; called again
/// with the same time it fires the next ones, until `poll_timeout` lies in the future.
///
/// A call that cannot finish stays with its thread as a record and is tried again after every input.
#[derive(Debug)]
pub struct Stack {
    config: Config,
    output: VecDeque<Output>,
}

impl Stack {
    /// An endpoint at time zero. `seed` determines sequence numbers, ephemeral ports and the timestamp clock.
    pub fn new(config: Config, _seed: u64) -> Self {
        Self { config, output: VecDeque::new() }
    }

    /// Changes a kernel setting by its Linux name; what exists already keeps what it copied.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SettingError> {
        self.config.settings.set(name, value)
    }

    /// A whole IPv4 or IPv6 packet arrives.
    pub fn handle_packet(&mut self, _now: Instant, _packet: &[u8]) {}

    /// The time has come that [`poll_timeout`](Self::poll_timeout) named.
    pub fn handle_timeout(&mut self, _now: Instant) {}

    /// A thread makes a call.
    pub fn submit(&mut self, _now: Instant, thread: ThreadId, _call: Syscall) -> Result<(), ThreadBusy> {
        self.output.push_back(Output::Return { thread, result: Err(Failure::Unsupported("not built yet")) });
        Ok(())
    }

    /// A signal with a handler that does not restart calls is delivered to a thread.
    pub fn interrupt(&mut self, _now: Instant, _thread: ThreadId) {}

    /// Takes the next thing that happened.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.output.pop_front()
    }

    /// When the next timer is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// The next connection opened from `local` (any, if `None`) to `remote` starts with this sequence number.
    pub fn force_isn(&mut self, _local: Option<SocketAddr>, _remote: SocketAddr, _isn: u32) {}

    /// The state of the connection between two addresses; `Closed` if there is none.
    pub fn tcp_state(&self, _local: SocketAddr, _remote: SocketAddr) -> TcpState {
        TcpState::Closed
    }

    /// What `getsockopt(TCP_INFO)` would return, without a call.
    pub fn tcp_info(&self, _fd: Fd) -> Option<TcpInfo> {
        None
    }

    /// How many packets were dropped before a connection saw them, by reason.
    pub fn dropped(&self) -> DropCounters {
        DropCounters::default()
    }
}
