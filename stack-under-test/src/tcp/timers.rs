//! The timers of a connection.

use crate::time::Instant;

/// What may be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The oldest segment in flight, a SYN and a FIN among them, was not acknowledged in time: it is sent again.
    Retransmit,
    /// Something was reported to have arrived that was sent after what is missing: it is thought lost, no longer only
    /// out of order.
    Reorder,
    /// The last segments in flight may be lost, which nothing that arrives can tell: the very last is sent again.
    TailProbe,
    /// The peer's window was too small for too long, with nothing in flight: it is probed.
    Probe,
    /// Data waits for its acknowledgement, which waited for company: it goes alone.
    DelayedAck,
    /// Acknowledgements of what comes out of order were held back: one goes for all of them.
    CompressedAck,
    /// Nothing came for so long that the peer may be gone: it is asked for a sign of life.
    KeepAlive,
    /// Nobody holds the connection any more and the peer's FIN does not come: it is given up or becomes TIME-WAIT.
    Orphan,
    /// What is left of a connection has stood long enough: it disappears.
    TimeWait,
}

const KINDS: [Timer; 9] = [
    Timer::Retransmit,
    Timer::Reorder,
    Timer::TailProbe,
    Timer::Probe,
    Timer::DelayedAck,
    Timer::CompressedAck,
    Timer::KeepAlive,
    Timer::Orphan,
    Timer::TimeWait,
];

/// When each timer is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timers([Option<Instant>; KINDS.len()]);

impl Timers {
    pub(crate) fn set(&mut self, timer: Timer, due: Instant) {
        *self.slot(timer) = Some(due);
    }

    pub(crate) fn clear(&mut self, timer: Timer) {
        *self.slot(timer) = None;
    }

    pub(crate) fn due(&self, timer: Timer) -> Option<Instant> {
        self.iter().find_map(|(other, due)| (other == timer).then_some(due))
    }

    pub(crate) fn is_set(&self, timer: Timer) -> bool {
        self.due(timer).is_some()
    }

    /// The first timer due, by time and then by kind.
    pub(crate) fn next(&self) -> Option<(Instant, Timer)> {
        self.iter().map(|(timer, due)| (due, timer)).min()
    }

    fn iter(&self) -> impl Iterator<Item = (Timer, Instant)> + '_ {
        KINDS.iter().zip(&self.0).filter_map(|(timer, due)| Some((*timer, (*due)?)))
    }

    fn slot(&mut self, timer: Timer) -> &mut Option<Instant> {
        let [
            retransmit,
            reorder,
            tail_probe,
            probe,
            delayed_ack,
            compressed_ack,
            keep_alive,
            orphan,
            time_wait,
        ] = &mut self.0;
        match timer {
            Timer::Retransmit => retransmit,
            Timer::Reorder => reorder,
            Timer::TailProbe => tail_probe,
            Timer::Probe => probe,
            Timer::DelayedAck => delayed_ack,
            Timer::CompressedAck => compressed_ack,
            Timer::KeepAlive => keep_alive,
            Timer::Orphan => orphan,
            Timer::TimeWait => time_wait,
        }
    }
}
