//! Explicit congestion notification (RFC 3168): routers mark what they would else drop.
//!
//! As Linux does it: off, asked for, or only agreed to (`tcp_ecn` 1 or 2; 2 is the default).

use super::connection::Connection;
use super::env::Env;
use crate::wire::flags::Flags;
use crate::wire::ip::Ecn;
use crate::wire::seq::SeqNum;
use crate::wire::tcp::Segment;

/// Acknowledgements sent at once when a mark came or is missing.
const QUICK: u32 = 2;

/// Whether we ask for it.
pub(crate) fn offers(env: &Env<'_>) -> bool {
    env.settings.ecn == 1
}

/// Whether we agree to what a SYN asks for. A mark on the SYN itself means that somebody on the way sets it on
/// everything, unless bits tell that the peer knows what it does. RFC3168/6.1.1h
pub(crate) fn agrees(env: &Env<'_>, syn: &Segment<'_>) -> bool {
    let asked = syn.flags.has(Flags::ECE | Flags::CWR);
    env.settings.ecn != 0 && asked && (syn.ecn == Ecn::NotCapable || syn.reserved != 0)
}

/// What a connection that takes part has still to say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Notification {
    /// The peer's data carried a codepoint.
    pub(crate) seen: bool,
    /// A mark came, and the peer has not said that it heard of it. RFC3168/6.1.3a
    echo: bool,
}

impl Connection {
    /// What a segment carries: flags, and whether routers may mark it. Only new data may be marked.
    /// RFC3168/6.1.5a, RFC3168/6.1.4
    pub(super) fn ecn_of_segment(&mut self, seq: SeqNum, has_data: bool) -> (Flags, bool) {
        if !self.negotiated.ecn {
            return (Flags::NONE, false);
        }
        let fresh = has_data && !seq.before(self.send.nxt);
        // RFC3168/6.1.2e
        let reduced = fresh && core::mem::take(&mut self.congestion.tell);
        (Flags::CWR.when(reduced) | Flags::ECE.when(self.notification.echo), fresh)
    }

    /// The peer reduced its window, so that the next mark is a new one. Linux takes this from segments without data, too,
    /// and answers data at once. RFC3168/6.1.3c
    pub(super) fn take_reduced(&mut self, segment: &Segment<'_>) {
        if segment.flags.has(Flags::CWR) {
            self.notification.echo = false;
            self.acking.urgent |= segment.len() != 0;
        }
    }

    /// Whether a mark on our data came to the peer.
    pub(super) fn hears_of_congestion(&self, segment: &Segment<'_>) -> bool {
        self.negotiated.ecn && segment.flags.has(Flags::ECE)
    }

    /// The SYN was lost, which counts as congestion in Linux.
    pub(super) fn tell_of_reduction(&mut self) {
        self.congestion.tell = true;
    }

    /// Data came: was it marked?
    pub(super) fn look_at_mark(&mut self, segment: &Segment<'_>) {
        if !self.negotiated.ecn {
            return;
        }
        let window = self.window.advertised;
        match segment.ecn {
            // Without codepoint where others had one: likely a repetition.
            Ecn::NotCapable if self.notification.seen => self.acking.enter_quick(window, QUICK),
            Ecn::NotCapable => {}
            Ecn::Capable0 | Ecn::Capable1 => self.notification.seen = true,
            Ecn::Congestion => {
                self.notification.seen = true;
                if !self.notification.echo {
                    self.acking.enter_quick(window, QUICK);
                    self.notification.echo = true;
                }
            }
        }
    }
}
