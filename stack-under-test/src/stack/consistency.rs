//! What always holds of the endpoint, for those who look for the case in which it does not.

use super::{Owner, Stack};
use crate::socket::table::File;
use crate::socket::{Socket, SocketId, Tcp};

impl Stack {
    /// The first rule that the endpoint's books break: between two inputs there is none. For tests and fuzzers.
    pub fn inconsistency(&self) -> Option<&'static str> {
        let sockets = self.sockets.iter().find_map(|(id, socket)| self.socket_inconsistency(*id, socket));
        let flows = || {
            self.flows.iter().find_map(|(flow, owner)| {
                let kept = match owner {
                    Owner::Socket(id) => {
                        self.sockets.get(id).is_some_and(|socket| socket.flow == Some(*flow))
                    }
                    Owner::Request(id) => self
                        .sockets
                        .get(id)
                        .and_then(Socket::listener)
                        .is_some_and(|listen| listen.requests.contains_key(flow)),
                    Owner::TimeWait => self.time_waits.contains_key(flow),
                };
                (!kept).then_some("a flow leads nowhere")
            })
        };
        let remains =
            || self.time_waits.keys().find(|flow| self.flows.get(flow) != Some(&Owner::TimeWait)).is_some();
        sockets
            .or_else(flows)
            .or_else(|| remains().then_some("segments do not find what is left of a connection"))
            .or_else(|| {
                let past = self.first_timer().is_some_and(|(due, _)| due < self.now);
                past.then_some("a timer was due in the past")
            })
    }

    fn socket_inconsistency(&self, id: SocketId, socket: &Socket) -> Option<&'static str> {
        let owned = |flow| self.flows.get(&flow) == Some(&Owner::Socket(id));
        match &socket.tcp {
            Tcp::Synchronized(connection) => {
                if !owned(connection.flow) {
                    return Some("segments do not find their connection");
                }
                connection.inconsistency()
            }
            Tcp::SynSent(open) => (!owned(open.flow)).then_some("segments do not find their open"),
            Tcp::SynReceived(_) => None,
            Tcp::Listen(listen) => {
                let asked = |flow| self.flows.get(flow) == Some(&Owner::Request(id));
                if !listen.requests.keys().all(asked) {
                    return Some("segments do not find their handshake");
                }
                if !listen.queue.iter().all(|child| self.sockets.contains_key(child)) {
                    return Some("a connection that waits to be accepted is gone");
                }
                None
            }
            Tcp::Closed(_) => {
                let held = socket.references > 0
                    || self.descriptors.refer_to(File::Socket(id))
                    || self.is_queued(id);
                (!held).then_some("a closed socket is left that nobody holds")
            }
        }
    }
}
