//! `connect`.

use alloc::boxed::Box;
use core::net::{IpAddr, SocketAddr};

use super::constants::AF_UNSPEC;
use super::dispatch::{CallResult, Pending};
use super::memory::{family, socket_address};
use super::message::Writing;
use super::{Failure, Fd, Input, Reply, ThreadId};
use crate::counters::Counter;
use crate::socket::errors::Errno;
use crate::socket::{Domain, Phase, Socket, SocketId, Tcp};
use crate::stack::{Owner, Stack};
use crate::tcp::fast_open::CLIENT;
use crate::tcp::flow::{Endpoint, Flow};
use crate::tcp::state::TcpState;
use crate::tcp::syn_sent::SynSent;
use crate::tcp::time_wait::TimeWait;

impl Stack {
    pub(super) fn start_connect(&mut self, thread: ThreadId, fd: Fd, addr: &Input) {
        let (id, in_progress) = match self.connect(fd, addr) {
            Ok(Some(begun)) => begun,
            Ok(None) => return self.finish_call(thread, Ok(Reply::Value(0))),
            Err(failure) => return self.finish_call(thread, Err(failure)),
        };
        let nonblocking = self.sockets.get(&id).is_some_and(|socket| socket.nonblocking);
        if nonblocking && self.is_opening(id) {
            self.finish_call(thread, Err(in_progress.into()));
        } else {
            self.wait_or_finish(thread, Pending::Connect { id, in_progress }, None);
        }
    }

    /// As far as the call gets without waiting: `None` if that is all.
    fn connect(&mut self, fd: Fd, addr: &Input) -> Result<Option<(SocketId, Errno)>, Failure> {
        self.descriptors.file(fd)?;
        let address = addr.address()?;
        let id = self.descriptors.get(fd)?;
        match family(address) {
            None => Err(Errno::EINVAL.into()),
            Some(AF_UNSPEC) => {
                self.dissolve(id);
                Ok(None)
            }
            Some(_) => {
                let in_progress = self.begin_connect(id, address)?;
                // With Fast Open it is done when the SYN waits for data; done again it waits with it.
                let done = in_progress == Errno::EINPROGRESS && self.is_deferred(id);
                Ok((!done).then_some((id, in_progress)))
            }
        }
    }

    /// Ends the connection, if there is one, so that the socket is as new. As Linux's `tcp_disconnect`.
    fn dissolve(&mut self, id: SocketId) {
        let (env, sockets, out) = self.split();
        let Some(socket) = sockets.get_mut(&id) else { return };
        let error = match &mut socket.tcp {
            Tcp::Listen(_) => {
                self.stop_listening(id);
                None
            }
            Tcp::Synchronized(connection) => {
                let before = out.len();
                connection.abort(&env, out);
                (out.len() > before).then_some(Errno::ECONNRESET)
            }
            Tcp::SynReceived(crossed) => {
                crossed.as_ref().clone().into_unanswered(&env).abort(&env, out);
                Some(Errno::ECONNRESET)
            }
            Tcp::SynSent(_) => Some(Errno::ECONNRESET),
            Tcp::Closed(_) => socket.error,
        };
        self.disconnect(id);
        if let Some(socket) = self.sockets.get_mut(&id) {
            socket.error = error;
        }
    }

    /// Opens, unless that was done by an earlier call; returns what a call that does not wait fails with.
    fn begin_connect(&mut self, id: SocketId, address: &[u8]) -> Result<Errno, Failure> {
        let socket = self.sockets.get(&id).ok_or(Errno::EBADF)?;
        match socket.phase {
            Phase::Connected => Err(Errno::EISCONN.into()),
            Phase::Connecting if self.is_deferred(id) => Ok(Errno::EISCONN),
            Phase::Connecting => Ok(Errno::EALREADY),
            // RFC9293/3.10.1-open-exists
            Phase::Unconnected if socket.state() != TcpState::Closed => Err(Errno::EISCONN.into()),
            Phase::Unconnected => {
                let fast = socket.knobs.fast_open.connect;
                let flow = self.prepare_open(id, address)?;
                // With a cookie the SYN waits for data.
                let waits =
                    fast && self.sockets.get(&id).is_some_and(|socket| self.may_fast_open(socket, flow));
                if !waits {
                    self.start_open(id, fast.then_some(&[]));
                }
                Ok(Errno::EINPROGRESS)
            }
        }
    }

    /// RFC9293/MUST-46
    fn reachable(&self, id: SocketId, addr: SocketAddr) -> Result<Endpoint, Failure> {
        let socket = self.sockets.get(&id).ok_or(Errno::EBADF)?;
        let remote = Endpoint::from(addr);
        let mapped = remote.address.is_ipv4() && socket.domain == Domain::Inet6;
        if mapped && socket.v6only {
            return Err(Errno::ENETUNREACH.into());
        }
        if remote.address.is_unspecified() || self.config.is_local(remote.address) {
            return Err(Failure::Unsupported("connections of the endpoint with itself"));
        }
        let broadcast = match remote.address {
            IpAddr::V4(address) => address.is_broadcast(),
            IpAddr::V6(_) => false,
        };
        if broadcast || remote.address.is_multicast() || !self.config.has_route(remote.address) {
            return Err(Errno::ENETUNREACH.into());
        }
        let bound = socket.binding.address;
        if bound.is_some_and(|bound| bound.is_ipv4() != remote.address.is_ipv4()) {
            return Err(Errno::ENETUNREACH.into());
        }
        Ok(remote)
    }

    /// `sendto(MSG_FASTOPEN)`, before it waits: opens with data in the SYN.
    pub(super) fn begin_fast_open(
        &mut self,
        id: SocketId,
        name: Option<&[u8]>,
        writing: &mut Writing,
    ) -> Result<(), Failure> {
        self.may_use_fast_open()?;
        if name.is_some_and(|name| family(name) == Some(AF_UNSPEC)) {
            return Err(Errno::EOPNOTSUPP.into());
        }
        let socket = self.sockets.get(&id).ok_or(Errno::EBADF)?;
        match socket.phase {
            Phase::Connected => Err(Errno::EISCONN.into()),
            Phase::Connecting => {
                if !self.is_deferred(id) {
                    writing.opens(Errno::EALREADY, 0, false);
                }
                Ok(())
            }
            Phase::Unconnected if socket.state() != TcpState::Closed => Err(Errno::EISCONN.into()),
            Phase::Unconnected => {
                self.prepare_open(id, name.ok_or(Errno::EINVAL)?)?;
                let (carried, may) = self.start_open(id, Some(&writing.data));
                writing.opens(Errno::EINPROGRESS, carried, may);
                Ok(())
            }
        }
    }

    /// The first data on a socket whose SYN waited for it.
    pub(super) fn start_deferred(&mut self, id: SocketId, writing: &mut Writing) -> Result<(), Failure> {
        if self.is_deferred(id) {
            self.may_use_fast_open()?;
            let (carried, may) = self.start_open(id, Some(&writing.data));
            writing.opens(Errno::EINPROGRESS, carried, may);
        }
        Ok(())
    }

    fn may_use_fast_open(&self) -> Result<(), Errno> {
        if self.config.settings.fast_open & CLIENT == 0 { Err(Errno::EOPNOTSUPP) } else { Ok(()) }
    }

    /// Whether the SYN waits for data.
    fn is_deferred(&self, id: SocketId) -> bool {
        matches!(self.sockets.get(&id), Some(Socket { tcp: Tcp::SynSent(open), .. }) if open.deferred)
    }

    /// All of an open but the SYN.
    fn prepare_open(&mut self, id: SocketId, address: &[u8]) -> Result<Flow, Failure> {
        let socket = self.sockets.get(&id).ok_or(Errno::EBADF)?;
        let addr = socket_address(address, socket.domain, false)?;
        let remote = self.reachable(id, addr)?;
        let binding = socket.binding;
        // RFC9293/MUST-43, RFC9293/MUST-44
        let address =
            binding.address.or_else(|| self.config.source_for(remote.address)).ok_or(Errno::EADDRNOTAVAIL)?;
        let is_free = |stack: &Self, port: u16| {
            stack.is_flow_free(Endpoint { address, port }, remote, binding.port != 0)
        };
        let port = if binding.port != 0 {
            Some(binding.port).filter(|port| is_free(self, *port))
        } else {
            self.ephemeral_port(|stack, port| is_free(stack, port) && !stack.is_bound(port))
        };
        let local = Endpoint { address, port: port.ok_or(Errno::EADDRNOTAVAIL)? };
        let flow = Flow { local, remote };
        let successor = self.time_waits.get(&flow).map(TimeWait::successor);
        let (isn, echo) = match successor {
            Some(successor) => {
                self.forget_remains(flow);
                self.tally.count(Counter::TimeWaitRecycled);
                successor
            }
            None => (self.isn_of_open(flow), 0),
        };
        let identification = self.identification(flow);
        let (env, sockets, _) = self.split();
        let socket = sockets.get_mut(&id).ok_or(Errno::EBADF)?;
        let open = SynSent::new(&env, flow, socket.knobs.clone(), (isn, echo), identification);
        socket.tcp = Tcp::SynSent(Box::new(open));
        env.tally.journal.note(flow, TcpState::SynSent);
        env.tally.count(Counter::ActiveOpens);
        socket.phase = Phase::Connecting;
        socket.error = None;
        socket.flow = Some(flow);
        socket.binding.port = local.port;
        self.flows.insert(flow, Owner::Socket(id));
        Ok(flow)
    }

    /// Whether a program chose this port for a socket.
    fn is_bound(&self, port: u16) -> bool {
        self.sockets.values().any(|socket| socket.binding.port == port && socket.binding.chosen)
    }

    fn is_opening(&self, id: SocketId) -> bool {
        match self.sockets.get(&id).map(Socket::state) {
            Some(TcpState::SynSent | TcpState::SynRecv) => true,
            Some(_) | None => false,
        }
    }

    pub(super) fn try_connect(&mut self, id: SocketId) -> Option<CallResult> {
        if self.is_opening(id) {
            return None;
        }
        let socket = self.sockets.get_mut(&id)?;
        if socket.state() == TcpState::Closed {
            let errno = socket.error.take().unwrap_or(Errno::ECONNABORTED);
            self.disconnect(id);
            return Some(Err(errno.into()));
        }
        socket.phase = Phase::Connected;
        Some(Ok(Reply::Value(0)))
    }
}
