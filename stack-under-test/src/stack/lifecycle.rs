//! How sockets come and go.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use super::{Owner, Stack};
use crate::counters::Counter;
use crate::socket::table::File;
use crate::socket::{Phase, Remains, Socket, SocketId, Tcp, errors};
use crate::tcp::connection::{Connection, Ending, Fate};
use crate::tcp::flow::{Flow, reset_for};
use crate::tcp::info::{self, TcpInfo};
use crate::tcp::state::TcpState;
use crate::tcp::time_wait::TimeWait;
use crate::wire::tcp::Segment;

impl Stack {
    pub(crate) fn add_socket(&mut self, socket: Socket) -> SocketId {
        let id = SocketId(self.next_socket);
        self.next_socket += 1;
        self.sockets.insert(id, socket);
        id
    }

    /// A handshake of a listener is complete: the connection waits to be accepted.
    pub(super) fn queue_connection(&mut self, listener: SocketId, connection: Connection) -> SocketId {
        let flow = connection.flow;
        self.tally.count(Counter::PassiveOpens);
        self.tally.journal.note(flow, connection.state().name());
        let Some(parent) = self.sockets.get(&listener) else { unreachable!("the listener was just found") };
        let id = self.add_socket(Socket::accepted(parent, connection));
        self.flows.insert(flow, Owner::Socket(id));
        if let Some(listen) = self.sockets.get_mut(&listener).and_then(Socket::listener_mut) {
            listen.queue.push_back(id);
            listen.finished += 1;
        }
        id
    }

    /// A handshake failed: the listener goes on.
    pub(super) fn drop_request(&mut self, listener: SocketId, flow: Flow) {
        self.tally.journal.note(flow, TcpState::Listen);
        self.forget_request(listener, flow);
    }

    /// A handshake is over.
    pub(super) fn forget_request(&mut self, listener: SocketId, flow: Flow) {
        if let Some(listen) = self.sockets.get_mut(&listener).and_then(Socket::listener_mut) {
            listen.requests.remove(&flow);
        }
        self.flows.remove(&flow);
    }

    pub(crate) fn forget_remains(&mut self, flow: Flow) {
        self.tally.journal.note(flow, TcpState::Closed);
        self.time_waits.remove(&flow);
        self.flows.remove(&flow);
    }

    /// Does what an event decided about a connection. `segment` is the one that decided, if one did.
    pub(crate) fn meet_fate(&mut self, id: SocketId, fate: Fate, segment: Option<&Segment<'_>>) {
        match fate {
            Fate::Lives => {}
            Fate::TimeWait => self.leave_remains(id, None),
            Fate::OrphanTimeWait(wait) => self.leave_remains(id, Some(wait)),
            Fate::Ended(ending) => self.end(id, ending),
            Fate::EndedWithReset(ending) => {
                let flow = self.sockets.get(&id).and_then(|socket| socket.flow);
                if let (Some(flow), Some(reset)) = (flow, segment.and_then(reset_for)) {
                    self.send_stateless(flow, reset);
                }
                self.end(id, ending);
            }
        }
    }

    fn leave_remains(&mut self, id: SocketId, awaits_fin: Option<Duration>) {
        let env = super::env_of(&self.config, self.clock, self.now, (&self.tally, &self.paths));
        let Some(socket) = self.sockets.get(&id) else {
            return;
        };
        let Some(connection) = socket.connection() else {
            return;
        };
        if self.time_waits.len() as u64 >= u64::from(env.settings.max_time_waits) {
            return self.end(id, Ending::Closed);
        }
        let remains = TimeWait::new(&env, connection, (socket.reuse_address, socket.reuse_port), awaits_fin);
        let flow = connection.flow;
        let state = if remains.awaits_fin { TcpState::FinWait2 } else { TcpState::TimeWait };
        env.tally.journal.note(flow, state);
        self.time_waits.insert(flow, remains);
        self.flows.insert(flow, Owner::TimeWait);
        self.close_socket(id, Ending::Closed);
    }

    fn end(&mut self, id: SocketId, ending: Ending) {
        if let Some(flow) = self.sockets.get(&id).and_then(|socket| socket.flow) {
            self.tally.journal.note(flow, TcpState::Closed);
            self.flows.remove(&flow);
        }
        self.close_socket(id, ending);
    }

    /// The socket has no connection any more; without a holder it goes away.
    fn close_socket(&mut self, id: SocketId, ending: Ending) {
        let queued = self.is_queued(id);
        let (env, sockets, _) = self.split();
        let Some(socket) = sockets.get_mut(&id) else {
            return;
        };
        let info = info::of_socket(&env, socket);
        if socket.references == 0 && !queued {
            self.sockets.remove(&id);
            return;
        }
        socket.error = errors::after(ending).or(socket.error);
        if !socket.binding.chosen {
            socket.binding.port = 0;
        }
        let info = Some(Box::new(TcpInfo { unacked: 0, ..info }));
        let tcp = core::mem::replace(&mut socket.tcp, Tcp::Closed(Remains::default()));
        let mut remains = Remains { read_shut: true, write_shut: true, info, ..Remains::default() };
        if let Tcp::Synchronized(connection) = tcp {
            remains.peer_closed = connection.peer_closed();
            remains.unread = connection.into_unread();
        }
        socket.tcp = Tcp::Closed(remains);
    }

    /// Whether a socket waits to be accepted.
    pub(super) fn is_queued(&self, id: SocketId) -> bool {
        self.sockets.values().filter_map(Socket::listener).any(|listen| listen.queue.contains(&id))
    }

    /// A descriptor or a blocked call lets go of a socket; the last one closes it.
    pub(crate) fn release(&mut self, id: SocketId) {
        let Some(socket) = self.sockets.get_mut(&id) else {
            return;
        };
        socket.references = socket.references.saturating_sub(1);
        if socket.references > 0 {
            return;
        }
        self.unwatch(File::Socket(id));
        let Some(socket) = self.sockets.get(&id) else { return };
        let abortive = socket.linger.is_some_and(|time| time.is_zero());
        self.close_protocol(id, abortive);
        self.orphan(id);
    }

    /// The protocol's part of closing the last descriptor.
    pub(crate) fn close_protocol(&mut self, id: SocketId, abortive: bool) {
        let (env, sockets, out) = self.split();
        let Some(socket) = sockets.get_mut(&id) else {
            return;
        };
        match &mut socket.tcp {
            Tcp::Synchronized(connection) => {
                let fate = connection.close(&env, abortive, out);
                self.meet_fate(id, fate, None);
            }
            Tcp::Listen(_) => self.stop_listening(id),
            // RFC9293/3.10.4-close-synsent
            Tcp::SynSent(_) => self.end(id, Ending::Aborted),
            Tcp::SynReceived(crossed) => {
                // RFC9293/3.10.4-close-synrcvd: the FIN does not wait for the handshake.
                let mut connection = crossed.as_ref().clone().into_unanswered(&env);
                let fate = connection.close(&env, abortive, out);
                socket.tcp = Tcp::Synchronized(Box::new(connection));
                self.meet_fate(id, fate, None);
            }
            Tcp::Closed(_) => {}
        }
    }

    /// Nobody holds the socket any more; what the protocol still has to do it does alone.
    pub(crate) fn orphan(&mut self, id: SocketId) {
        let (env, sockets, out) = self.split();
        let Some(socket) = sockets.get_mut(&id) else {
            return;
        };
        match socket.connection_mut() {
            Some(connection) => {
                let fate = connection.become_orphan(&env, out);
                self.meet_fate(id, fate, None);
            }
            None => {
                self.sockets.remove(&id);
            }
        }
    }

    /// A listener stops: handshakes are forgotten, connections that wait are reset. RFC9293/3.10.4-close-listen
    pub(crate) fn stop_listening(&mut self, id: SocketId) {
        let Some(socket) = self.sockets.get_mut(&id) else {
            return;
        };
        let tcp = core::mem::replace(&mut socket.tcp, Tcp::Closed(Remains::default()));
        if !socket.binding.chosen {
            socket.former_port = socket.binding.port;
            socket.binding.port = 0;
        }
        let Tcp::Listen(listen) = tcp else { return };
        self.tally.journal.note_listener(TcpState::Listen, TcpState::Closed);
        for flow in listen.requests.keys() {
            self.tally.journal.note(*flow, TcpState::Closed);
            self.flows.remove(flow);
        }
        let waiting: Vec<SocketId> = listen.queue.into_iter().collect();
        for child in waiting {
            let (env, sockets, out) = self.split();
            let Some(socket) = sockets.get_mut(&child) else {
                continue;
            };
            match socket.connection_mut() {
                Some(connection) => {
                    let fate = connection.abort(&env, out);
                    self.meet_fate(child, fate, None);
                }
                None => {
                    self.sockets.remove(&child);
                }
            }
        }
    }

    /// `connect` failed, or its open was called off: the socket is as new.
    pub(crate) fn disconnect(&mut self, id: SocketId) {
        if let Some(flow) = self.sockets.get(&id).and_then(|socket| socket.flow)
            && self.flows.get(&flow) == Some(&Owner::Socket(id))
        {
            self.tally.journal.note(flow, TcpState::Closed);
            self.flows.remove(&flow);
        }
        let Some(socket) = self.sockets.get_mut(&id) else {
            return;
        };
        socket.tcp = Tcp::Closed(Remains::default());
        socket.phase = Phase::Unconnected;
        socket.shut_early = (false, false);
        socket.error = None;
        let flow = socket.flow.take();
        if !socket.binding.chosen {
            socket.former_port = flow.map_or(socket.binding.port, |flow| flow.local.port);
            // An address that was bound stays.
            let address = socket.binding.address;
            socket.binding = crate::socket::Binding { address, ..Default::default() };
        }
    }
}
