//! Which changes of state there were, and what caused each: for an observer, who asks for it.

use alloc::collections::{BTreeMap, VecDeque};
use core::cell::{Cell, RefCell};
use core::net::SocketAddr;

use super::flow::{Endpoint, Flow};
use super::state::TcpState;

/// What a change of state came of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// A call.
    Call,
    /// A segment without RST.
    Segment,
    /// A segment with RST.
    Reset,
    /// An ICMP error.
    Icmp,
    /// A timer.
    Timer,
}

/// A connection, or a socket that listens, changed its state. One that a listener begins for a peer comes from
/// `Listen`, and goes back there if the handshake fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// Our end and the peer's; none of a socket that listens.
    pub ends: Option<(SocketAddr, SocketAddr)>,
    /// The state before.
    pub from: TcpState,
    /// The state after.
    pub to: TcpState,
    /// What the change came of.
    pub cause: Cause,
}

/// The changes that nobody has taken yet.
#[derive(Debug)]
pub(crate) struct Journal {
    is_kept: Cell<bool>,
    cause: Cell<Cause>,
    /// The state of each connection that there is.
    states: RefCell<BTreeMap<Flow, TcpState>>,
    changes: RefCell<VecDeque<StateChange>>,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            is_kept: Cell::new(false),
            cause: Cell::new(Cause::Call),
            states: RefCell::default(),
            changes: RefCell::default(),
        }
    }
}

impl Journal {
    /// From now on changes are noted.
    pub(crate) fn keep(&self) {
        self.is_kept.set(true);
    }

    /// What comes next comes of this.
    pub(crate) fn because_of(&self, cause: Cause) {
        self.cause.set(cause);
    }

    /// A connection is in this state now.
    pub(crate) fn note(&self, flow: Flow, to: TcpState) {
        if !self.is_kept.get() {
            return;
        }
        let mut states = self.states.borrow_mut();
        let from = match (states.get(&flow), to) {
            (Some(state), _) => *state,
            (None, TcpState::SynSent | TcpState::Closed) => TcpState::Closed,
            // What nobody here opened a listener did.
            (None, _) => TcpState::Listen,
        };
        match to {
            TcpState::Closed | TcpState::Listen => states.remove(&flow),
            _ => states.insert(flow, to),
        };
        let address = |end: Endpoint| SocketAddr::new(end.address, end.port);
        self.push(Some((address(flow.local), address(flow.remote))), from, to);
    }

    /// A socket began to listen, or stopped.
    pub(crate) fn note_listener(&self, from: TcpState, to: TcpState) {
        if self.is_kept.get() {
            self.push(None, from, to);
        }
    }

    fn push(&self, ends: Option<(SocketAddr, SocketAddr)>, from: TcpState, to: TcpState) {
        if from != to {
            let cause = self.cause.get();
            self.changes.borrow_mut().push_back(StateChange { ends, from, to, cause });
        }
    }

    pub(crate) fn take(&self) -> Option<StateChange> {
        self.changes.borrow_mut().pop_front()
    }
}
