//! What leaves.

use super::{Output, Stack};
use crate::syscall::{Failure, Reply, Signal, ThreadId};
use crate::tcp::flow::{Departure, Flow};
use crate::tcp::handshake::HeaderKnobs;
use crate::wire::ip;
use crate::wire::tcp::Outgoing;

impl Stack {
    /// Moves the segments that were made to the output, as packets.
    pub(crate) fn flush(&mut self) {
        for Departure { flow, identification, header, segment } in self.outbox.drain(..) {
            let (source, destination) = (flow.local.address, flow.remote.address);
            let bytes = segment.emit((source, flow.local.port), (destination, flow.remote.port));
            let packet = ip::emit(source, destination, (header.hops, header.class), identification, &bytes);
            self.output.push_back(Output::Transmit(packet));
        }
    }

    /// Sends a segment that no socket stands behind.
    pub(crate) fn send_stateless(&mut self, flow: Flow, segment: Outgoing) {
        self.outbox.push(Departure { flow, identification: 0, header: HeaderKnobs::default(), segment });
    }

    pub(crate) fn finish_call(&mut self, thread: ThreadId, result: Result<Reply, Failure>) {
        self.flush();
        self.output.push_back(Output::Return { thread, result });
    }

    pub(crate) fn raise(&mut self, thread: ThreadId, signal: Signal) {
        self.flush();
        self.output.push_back(Output::Signal { thread, signal });
    }
}
