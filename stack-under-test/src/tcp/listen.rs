//! LISTEN: connections that are being made.

use alloc::collections::{BTreeMap, VecDeque};

use super::env::Env;
use super::flow::Flow;
use super::syn_received::SynReceived;
use crate::socket::SocketId;
use crate::time::Instant;
use crate::wire::tcp::Segment;

/// What a listener does about a segment that belongs to no handshake under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListenDisposition {
    Ignore,
    /// The segment is answered with a reset.
    Refuse,
    /// A handshake begins.
    Begin,
    /// A handshake begins that only the peer remembers.
    Cookie,
    /// There are too many finished connections.
    Overflow,
    /// There are too many handshakes.
    Crowded,
}

/// The data of a listening socket.
#[derive(Debug)]
pub(crate) struct Listen {
    /// Connections that may wait, less one.
    pub(crate) backlog: u32,
    /// Handshakes under way.
    pub(crate) requests: BTreeMap<Flow, SynReceived>,
    /// Finished connections that wait for `accept`, the oldest first.
    pub(crate) queue: VecDeque<SocketId>,
    /// When a cookie was last given out.
    pub(crate) last_cookie: Option<Instant>,
    /// Connections that were ever finished.
    pub(crate) finished: u64,
    /// Until when connections that began with a SYN and were reset count as if they were still there: a forged SYN
    /// brings on a reset. RFC7413/4.2b
    pub(crate) reset_opens: VecDeque<Instant>,
}

impl Listen {
    pub(crate) fn new(backlog: u32) -> Self {
        Self {
            backlog,
            requests: BTreeMap::new(),
            queue: VecDeque::new(),
            last_cookie: None,
            finished: 0,
            reset_opens: VecDeque::new(),
        }
    }

    /// Whether no further connection may finish. One more than the backlog fits, as in Linux.
    pub(crate) fn is_full(&self) -> bool {
        self.queue.len() as u64 > u64::from(self.backlog)
    }

    /// RFC 9293 section 3.10.7.2.
    pub(crate) fn on_segment(&self, env: &Env<'_>, segment: &Segment<'_>) -> ListenDisposition {
        let flags = segment.flags;
        if flags.rst() {
            // RFC9293/3.5.3-rst-listen
            return ListenDisposition::Ignore;
        }
        if flags.ack() {
            // RFC9293/3.10.7.2-listen-ack
            return ListenDisposition::Refuse;
        }
        // RFC9293/3.10.7.2-listen-other. RFC9293/3.10.7.2-syn-fin has a FIN wait; Linux ignores such a SYN.
        if !flags.syn() || flags.fin() {
            return ListenDisposition::Ignore;
        }
        // RFC9293/3.10.7.2-listen-syn
        let crowded = self.requests.len() as u64 > u64::from(self.backlog);
        match (env.settings.syn_cookies, crowded) {
            (0, true) => ListenDisposition::Crowded,
            _ if self.is_full() => ListenDisposition::Overflow,
            (0, false) if self.exceeds_host_limit(env) => ListenDisposition::Crowded,
            (2, _) | (_, true) => ListenDisposition::Cookie,
            (_, false) => ListenDisposition::Begin,
        }
    }

    /// Linux without SYN cookies: no more handshakes than three quarters of the host's limit.
    fn exceeds_host_limit(&self, env: &Env<'_>) -> bool {
        let pending = self.requests.len() as u64;
        let most = u64::from(env.settings.max_syn_backlog);
        most.saturating_sub(pending) < most / 4
    }
}
