//! What is counted for the whole endpoint, under the names that `nstat` prints.

use core::cell::Cell;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {
        /// What is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Counter {
            $($(#[$doc])* $name,)+
        }

        const NAMES: [&str; [$($text),+].len()] = [$($text),+];
    };
}

counters! {
    /// Connections that we began.
    ActiveOpens = "TcpActiveOpens",
    /// Connections that the peer began and that a listener finished.
    PassiveOpens = "TcpPassiveOpens",
    /// Segments sent again, SYN and SYN-ACK among them.
    RetransSegs = "TcpRetransSegs",
    /// A full accept queue kept a connection out.
    ListenOverflows = "TcpExtListenOverflows",
    /// A SYN, or the end of a handshake, was dropped by a listener.
    ListenDrops = "TcpExtListenDrops",
    /// SYN-ACKs that a cookie answers for.
    SyncookiesSent = "TcpExtSyncookiesSent",
    /// Cookies that came back.
    SyncookiesRecv = "TcpExtSyncookiesRecv",
    /// Acknowledgements that carry no cookie of ours.
    SyncookiesFailed = "TcpExtSyncookiesFailed",
    /// SYNs answered with a cookie.
    ReqQFullDoCookies = "TcpExtTCPReqQFullDoCookies",
    /// SYNs dropped because there were too many handshakes.
    ReqQFullDrop = "TcpExtTCPReqQFullDrop",
    /// Acknowledgements that ask a peer to confirm.
    ChallengeAck = "TcpExtTCPChallengeACK",
    /// Probes of the tail.
    LossProbes = "TcpExtTCPLossProbes",
    /// Probes of a silent peer.
    KeepAlive = "TcpExtTCPKeepAlive",
    /// Opens that took the place of what was left of an older connection.
    TimeWaitRecycled = "TcpExtTWRecycled",
}

/// The counts. The one thing that may change wherever something happens, which is why it is shared.
#[derive(Debug, Default)]
pub(crate) struct Tally([Cell<u64>; NAMES.len()]);

impl Tally {
    pub(crate) fn count(&self, what: Counter) {
        if let Some(cell) = self.0.get(what as usize) {
            cell.set(cell.get() + 1);
        }
    }

    /// The count under one of the names, if there is such a name.
    pub(crate) fn get(&self, name: &str) -> Option<u64> {
        let index = NAMES.iter().position(|other| *other == name)?;
        self.0.get(index).map(Cell::get)
    }
}
