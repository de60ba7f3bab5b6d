//! What always holds of a connection, for those who look for the case in which it does not.

use super::connection::Connection;
use super::timers::Timer;

impl Connection {
    /// The first rule that the data of this connection break.
    pub(crate) fn inconsistency(&self) -> Option<&'static str> {
        let send = &self.send;
        if send.nxt.before(send.una) {
            return Some("SND.UNA is after SND.NXT");
        }
        if send.nxt.after(self.queue.end()) {
            return Some("more was sent than written");
        }
        let mut at = send.una;
        for sent in self.queue.in_flight() {
            if sent.start != at || !sent.end.after(sent.start) {
                return Some("the segments in flight do not join up");
            }
            at = sent.end;
        }
        if at != send.nxt {
            return Some("the segments in flight do not end at SND.NXT");
        }
        // RFC6298/5.1: what is in flight is waited for, one way or another.
        let waits = [Timer::Retransmit, Timer::Reorder, Timer::TailProbe, Timer::Probe];
        if self.queue.packets_out() > 0 && !waits.iter().any(|timer| self.timers.is_set(*timer)) {
            return Some("something is in flight and no timer waits for it");
        }
        if self.congestion.window() == 0 {
            return Some("the congestion window is empty");
        }
        self.received.inconsistency(self.window.nxt)
    }
}
