//! Is the segment's place in the sequence acceptable?

use super::connection::Connection;
use super::env::Env;
use super::transition::SyncState;
use crate::wire::seq::SeqNum;
use crate::wire::tcp::Segment;

/// What the place of a segment means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It is looked at further.
    Acceptable,
    /// Nothing happens.
    Ignored,
    /// It is answered with what we expect, not too often.
    Rebuked,
    /// It claims something that a blind attacker could; the peer is asked to confirm, not too often.
    Challenged,
    /// It ends the connection.
    Reset,
}

impl Connection {
    /// The first checks of RFC 9293 section 3.10.7.4, in Linux's order.
    pub(super) fn place(&self, segment: &Segment<'_>) -> Place {
        let flags = segment.flags;
        // RFC9293/3.10.7.4-noack-drop
        if !flags.ack() && !flags.rst() && !flags.syn() {
            return Place::Ignored;
        }
        let complaint = if flags.syn() { Place::Challenged } else { Place::Rebuked };
        // RFC7323/5.3-R1. RFC7323/5.2b: a reset is exempt.
        if !flags.rst() && self.negotiated.is_old_timestamp(segment) && !self.is_disordered_ack(segment) {
            return complaint;
        }
        if !self.is_in_window(segment) {
            return match (flags.rst(), self.is_reset_before_fin(segment)) {
                // RFC9293/3.10.7.4-rst-outwindow
                (true, false) => Place::Ignored,
                (true, true) => Place::Reset,
                // RFC9293/3.5.2-sync-unacceptable-ack
                (false, _) => complaint,
            };
        }
        if flags.rst() {
            // RFC5961/3.2-1, RFC5961/3.2-2: exactly the next number resets, any other in the window is confirmed.
            // Linux adds the end of the highest block that we report by SACK.
            let reported = if self.negotiated.sack { self.received.report.blocks() } else { &[] };
            let highest = reported.iter().map(|block| block.end).reduce(SeqNum::max);
            let exact = segment.seq == self.window.nxt
                || self.is_reset_before_fin(segment)
                || highest == Some(segment.seq);
            return if exact { Place::Reset } else { Place::Challenged };
        }
        // RFC5961/4.2-1, RFC9293/3.10.7.4-syn-sync
        if flags.syn() { Place::Challenged } else { Place::Acceptable }
    }

    /// Linux's window check: the end must not lie before what was acknowledged, nor beyond the window, unless the
    /// program has read everything and the start lies inside. The left half is RFC9293/3.4-acceptability-n-n.
    fn is_in_window(&self, segment: &Segment<'_>) -> bool {
        let (start, end) = (segment.seq, segment.end());
        if end.before(self.window.advertised_at) {
            return false;
        }
        let edge = self.window.right_edge();
        // A FIN may stand right after the window.
        if !(end - u32::from(segment.flags.fin())).after(edge) {
            return true;
        }
        !start.after(edge) && self.received.unread() == 0
    }

    /// A peer that closed and was then killed sends its reset at the number before its FIN.
    fn is_reset_before_fin(&self, segment: &Segment<'_>) -> bool {
        let fin_came = match self.state {
            SyncState::CloseWait | SyncState::LastAck | SyncState::Closing => true,
            SyncState::SynReceived | SyncState::Established | SyncState::FinWait1 | SyncState::FinWait2 => {
                false
            }
        };
        fin_came && segment.flags.rst() && segment.seq + 1 == self.window.nxt
    }

    /// A bare acknowledgement that says nothing new, overtaken on the way, proves nothing by its old timestamp.
    fn is_disordered_ack(&self, segment: &Segment<'_>) -> bool {
        let (Some(recent), Some(timestamps)) = (self.negotiated.timestamps, segment.options.timestamps)
        else {
            return false;
        };
        let age = SeqNum(recent).beyond(SeqNum(timestamps.value));
        let window = u32::from(segment.window) << self.negotiated.send_scale();
        let replay = (self.rtt.rto().as_millis() as u32).saturating_mul(1024) / 1000;
        segment.flags.ack()
            && segment.len() == 0
            && segment.seq == self.window.nxt
            && segment.ack == self.send.una
            && !self.updates_window(segment, window)
            && age <= replay
    }

    /// Whether an answer to a segment out of place may be sent now: two such answers keep a distance, so that two ends
    /// that disagree do not flood each other. Data is always answered. RFC5961/7-throttle
    pub(super) fn may_rebuke(&self, env: &Env<'_>, segment: &Segment<'_>) -> bool {
        if segment.len() != 0 && !segment.flags.syn() {
            return true;
        }
        self.may_challenge(env)
    }

    pub(super) fn may_challenge(&self, env: &Env<'_>) -> bool {
        self.last_rebuke.is_none_or(|last| env.now - last >= env.settings.invalid_ratelimit)
    }
}
