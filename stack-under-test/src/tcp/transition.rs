//! The states of a synchronized connection: what each permits, and which follows.

use super::state::TcpState;

/// A synchronized state. Their data are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SyncState {
    /// The connection began with the peer's SYN (RFC 7413); our SYN is not acknowledged.
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
}

/// What may change the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SyncEvent {
    /// The program closed its direction.
    LocalClose,
    /// The peer's FIN came in sequence.
    PeerFin,
    /// Our FIN was acknowledged.
    FinAcknowledged,
    /// Our SYN was acknowledged.
    Confirmed,
}

/// Where an event leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing changes.
    Stay,
    /// Another synchronized state.
    To(SyncState),
    /// The connection is over; its remains wait for old segments.
    TimeWait,
    /// The connection is over.
    Closed,
}

impl SyncState {
    /// The one transition table: RFC 9293 figure 5, from ESTABLISHED on, or with Fast Open from SYN-RECEIVED.
    pub(crate) fn on(self, event: SyncEvent) -> Next {
        use SyncEvent::{Confirmed, FinAcknowledged, LocalClose, PeerFin};
        use SyncState::{CloseWait, Closing, Established, FinWait1, FinWait2, LastAck, SynReceived};
        match (self, event) {
            // RFC9293/3.10.4-close-estab-fin
            (SynReceived | Established, LocalClose) => Next::To(FinWait1),
            (CloseWait, LocalClose) => Next::To(LastAck),
            // RFC9293/3.10.4-no-second-fin
            (FinWait1 | FinWait2 | Closing | LastAck, LocalClose) => Next::Stay,
            (SynReceived | Established, PeerFin) => Next::To(CloseWait),
            // RFC9293/3.6-simclose
            (FinWait1, PeerFin) => Next::To(Closing),
            // RFC9293/MUST-13
            (FinWait2, PeerFin) => Next::TimeWait,
            (CloseWait | Closing | LastAck, PeerFin) => Next::Stay,
            // RFC9293/3.10.7.4-fw1-fw2
            (FinWait1, FinAcknowledged) => Next::To(FinWait2),
            // RFC9293/3.10.7.4-closing-tw
            (Closing, FinAcknowledged) => Next::TimeWait,
            // RFC9293/3.10.7.4-lastack-closed
            (LastAck, FinAcknowledged) => Next::Closed,
            (SynReceived | Established | FinWait2 | CloseWait, FinAcknowledged) => Next::Stay,
            (SynReceived, Confirmed) => Next::To(Established),
            (Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck, Confirmed) => Next::Stay,
        }
    }

    /// Whether the program may write. RFC9293/3.10.2-send-closewait
    pub(crate) fn may_send(self) -> bool {
        match self {
            Self::SynReceived | Self::Established | Self::CloseWait => true,
            Self::FinWait1 | Self::FinWait2 | Self::Closing | Self::LastAck => false,
        }
    }

    /// Whether new data from the peer is taken. RFC9293/3.6-halfclose-receive, RFC9293/3.10.7.4-text-late
    pub(crate) fn may_receive(self) -> bool {
        match self {
            Self::SynReceived | Self::Established | Self::FinWait1 | Self::FinWait2 => true,
            Self::CloseWait | Self::Closing | Self::LastAck => false,
        }
    }

    /// Whether an abort tells the peer. RFC9293/3.10.5-abort-rst
    pub(crate) fn abort_sends_reset(self) -> bool {
        match self {
            Self::SynReceived | Self::Established | Self::FinWait1 | Self::FinWait2 | Self::CloseWait => true,
            Self::Closing | Self::LastAck => false,
        }
    }

    pub(crate) fn name(self) -> TcpState {
        match self {
            Self::SynReceived => TcpState::SynRecv,
            Self::Established => TcpState::Established,
            Self::FinWait1 => TcpState::FinWait1,
            Self::FinWait2 => TcpState::FinWait2,
            Self::CloseWait => TcpState::CloseWait,
            Self::Closing => TcpState::Closing,
            Self::LastAck => TcpState::LastAck,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{SyncEvent, SyncState};
    use alloc::string::String;
    use core::fmt::Write;

    #[test]
    fn every_state_and_event() {
        let mut table = String::new();
        for state in [
            SyncState::SynReceived,
            SyncState::Established,
            SyncState::FinWait1,
            SyncState::FinWait2,
            SyncState::CloseWait,
            SyncState::Closing,
            SyncState::LastAck,
        ] {
            let (send, receive, reset) = (state.may_send(), state.may_receive(), state.abort_sends_reset());
            writeln!(table, "{}: send {send}, receive {receive}, abort resets {reset}", state.name())
                .unwrap();
            for event in
                [SyncEvent::LocalClose, SyncEvent::PeerFin, SyncEvent::FinAcknowledged, SyncEvent::Confirmed]
            {
                writeln!(table, "  {event:?} -> {:?}", state.on(event)).unwrap();
            }
        }
        insta::assert_snapshot!(table, @r"
        SYN_RECV: send true, receive true, abort resets true
          LocalClose -> To(FinWait1)
          PeerFin -> To(CloseWait)
          FinAcknowledged -> Stay
          Confirmed -> To(Established)
        ESTABLISHED: send true, receive true, abort resets true
          LocalClose -> To(FinWait1)
          PeerFin -> To(CloseWait)
          FinAcknowledged -> Stay
          Confirmed -> Stay
        FIN_WAIT1: send false, receive true, abort resets true
          LocalClose -> Stay
          PeerFin -> To(Closing)
          FinAcknowledged -> To(FinWait2)
          Confirmed -> Stay
        FIN_WAIT2: send false, receive true, abort resets true
          LocalClose -> Stay
          PeerFin -> TimeWait
          FinAcknowledged -> Stay
          Confirmed -> Stay
        CLOSE_WAIT: send true, receive false, abort resets true
          LocalClose -> To(LastAck)
          PeerFin -> Stay
          FinAcknowledged -> Stay
          Confirmed -> Stay
        CLOSING: send false, receive false, abort resets false
          LocalClose -> Stay
          PeerFin -> Stay
          FinAcknowledged -> TimeWait
          Confirmed -> Stay
        LAST_ACK: send false, receive false, abort resets false
          LocalClose -> Stay
          PeerFin -> Stay
          FinAcknowledged -> Closed
          Confirmed -> Stay
        ");
    }
}
