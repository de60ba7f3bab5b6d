//! The names of the states.

use core::fmt;

/// The states of RFC 9293 section 3.3.2, with Linux's names and numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TcpState {
    /// Data flows both ways.
    Established = 1,
    /// Our SYN is out.
    SynSent = 2,
    /// A SYN came and was answered.
    SynRecv = 3,
    /// Our FIN is out and not acknowledged.
    FinWait1 = 4,
    /// Our FIN is acknowledged, the peer's has not come.
    FinWait2 = 5,
    /// Both FINs are acknowledged; old segments die out.
    TimeWait = 6,
    /// No connection.
    Closed = 7,
    /// The peer's FIN came; we may still send.
    CloseWait = 8,
    /// The peer's FIN came first, ours is out.
    LastAck = 9,
    /// Waiting for connections.
    Listen = 10,
    /// Both FINs crossed; ours is not acknowledged.
    Closing = 11,
}

impl TcpState {
    /// The name as Linux and the case language write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Established => "ESTABLISHED",
            Self::SynSent => "SYN_SENT",
            Self::SynRecv => "SYN_RECV",
            Self::FinWait1 => "FIN_WAIT1",
            Self::FinWait2 => "FIN_WAIT2",
            Self::TimeWait => "TIME_WAIT",
            Self::Closed => "CLOSED",
            Self::CloseWait => "CLOSE_WAIT",
            Self::LastAck => "LAST_ACK",
            Self::Listen => "LISTEN",
            Self::Closing => "CLOSING",
        }
    }
}

impl fmt::Display for TcpState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
