//! What leaves.

use super::{Output, Stack};
use crate::syscall::{Failure, Reply, Signal, ThreadId};
use crate::tcp::flow::{Departure, Flow, Outbox};
use crate::tcp::handshake::HeaderKnobs;
use crate::wire::tcp::Outgoing;
use crate::wire::{ip, tcp};

impl Stack {
    /// Moves the segments that were made to the output, as packets.
    pub(crate) fn flush(&mut self) {
        let mut outbox = core::mem::take(&mut self.outbox);
        if self.config.segmentation_offload {
            outbox = joined(outbox);
        }
        for Departure { flow, identification, header: knobs, segment } in outbox {
            let (source, destination) = (flow.local.address, flow.remote.address);
            let bytes = segment.emit((source, flow.local.port), (destination, flow.remote.port));
            let header = ip::Header {
                source,
                destination,
                protocol: tcp::PROTOCOL,
                // RFC3168/6.1.2a
                traffic_class: knobs.class & !3
                    | if segment.ecn_capable { ip::Ecn::Capable0 } else { ip::Ecn::NotCapable } as u8,
                hops: knobs.hops,
                identification,
                dont_fragment: !knobs.may_be_cut,
            };
            let packet = ip::emit(header, &bytes);
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

/// What a device cuts leaves in one packet.
fn joined(segments: Outbox) -> Outbox {
    let mut joined = Outbox::new();
    for segment in segments {
        let rest = match joined.last_mut() {
            Some(last) => last.join(segment),
            None => Some(segment),
        };
        joined.extend(rest);
    }
    joined
}
