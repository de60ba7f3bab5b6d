//! What is counted for the whole endpoint, under the names that `nstat` prints.

use core::cell::Cell;

use crate::tcp::fast_open::Pause;
use crate::tcp::journal::Journal;
use crate::time::Instant;

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
    /// Reductions of the window that were taken back when recovery was over.
    FullUndo = "TcpExtTCPFullUndo",
    /// Those taken back within recovery.
    PartialUndo = "TcpExtTCPPartialUndo",
    /// Those taken back because all repetitions were reported as duplicates.
    DsackUndo = "TcpExtTCPDSACKUndo",
    /// Those of a time-out.
    LossUndo = "TcpExtTCPLossUndo",
    /// Time-outs that F-RTO found needless.
    SpuriousRtos = "TcpExtTCPSpuriousRTOs",
    /// Probes of the tail.
    LossProbes = "TcpExtTCPLossProbes",
    /// Probes of a silent peer.
    KeepAlive = "TcpExtTCPKeepAlive",
    /// Opens that took the place of what was left of an older connection.
    TimeWaitRecycled = "TcpExtTWRecycled",
    /// Data in a SYN of ours that the peer took.
    FastOpenActive = "TcpExtTCPFastOpenActive",
    /// Data in a SYN of ours that it did not.
    FastOpenActiveFail = "TcpExtTCPFastOpenActiveFail",
    /// Connections that began with a SYN.
    FastOpenPassive = "TcpExtTCPFastOpenPassive",
    /// Cookies that were not ours.
    FastOpenPassiveFail = "TcpExtTCPFastOpenPassiveFail",
    /// Connections that began with a cookie of the second key.
    FastOpenPassiveAltKey = "TcpExtTCPFastOpenPassiveAltKey",
    /// SYNs for which there were too many connections of this kind.
    FastOpenListenOverflow = "TcpExtTCPFastOpenListenOverflow",
    /// Wishes for a cookie.
    FastOpenCookieReqd = "TcpExtTCPFastOpenCookieReqd",
    /// Slow starts that ended because acknowledgements came in a long train.
    HystartTrain = "TcpExtTCPHystartTrainDetect",
    /// Those that ended because round trips became longer.
    HystartDelay = "TcpExtTCPHystartDelayDetect",
    /// ICMP errors about something that is not under way.
    OutOfWindowIcmps = "TcpExtOutOfWindowIcmps",
    /// Pauses because of middleboxes.
    FastOpenBlackhole = "TcpExtTCPFastOpenBlackhole",
}

/// The counts, and the changes of state: what may be noted wherever something happens, which is why it is shared.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) journal: Journal,
    counts: [Cell<u64>; NAMES.len()],
    /// The second that runs, and how many more challenges may be sent in it.
    challenges: Cell<(u64, u32)>,
    /// Whether Fast Open rests.
    fast_open: Cell<Pause>,
}

impl Tally {
    pub(crate) fn count(&self, what: Counter) {
        if let Some(cell) = self.counts.get(what as usize) {
            cell.set(cell.get() + 1);
        }
    }

    /// Something on the way does not bear Fast Open.
    pub(crate) fn pause_fast_open(&self, now: Instant) {
        let mut pause = self.fast_open.get();
        pause.begin(now);
        self.fast_open.set(pause);
    }

    pub(crate) fn fast_open_pause(&self) -> Pause {
        self.fast_open.get()
    }

    pub(crate) fn resume_fast_open(&self) {
        self.fast_open.set(Pause::default());
    }

    /// Whether the host may send one more challenge in this second: so many on average, and never a number that an
    /// attacker could count on. RFC5961/7-throttle
    pub(crate) fn may_challenge(&self, second: u64, limit: u32) -> bool {
        if limit == i32::MAX.unsigned_abs() {
            return true;
        }
        let (current, mut left) = self.challenges.get();
        if current != second + 1 {
            let noise = second.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
            left = limit.div_ceil(2) + (noise % u64::from(limit.max(1))) as u32;
            left = if limit == 0 { 0 } else { left };
        }
        self.challenges.set((second + 1, left.saturating_sub(1)));
        left > 0
    }

    /// The count under one of the names, if there is such a name.
    pub(crate) fn get(&self, name: &str) -> Option<u64> {
        let index = NAMES.iter().position(|other| *other == name)?;
        self.counts.get(index).map(Cell::get)
    }
}
