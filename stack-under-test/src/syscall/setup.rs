//! Calls that make, name and close sockets.

use core::net::SocketAddr;

use super::constants::{
    AF_INET, AF_INET6, IPPROTO_TCP, SIOCATMARK, SIOCINQ, SIOCOUTQ, SIOCOUTQNSD, SOCK_CLOEXEC, SOCK_NONBLOCK,
    SOCK_STREAM, SOCK_TYPE_MASK,
};
use super::dispatch::{CallResult, Pending};
use super::{Failure, Fd, Reply, ThreadId};
use crate::socket::errors::Errno;
use crate::socket::table::File;
use crate::socket::{Binding, Domain, Phase, Socket, SocketId, Tcp};
use crate::stack::Stack;
use crate::tcp::flow::Endpoint;
use crate::tcp::listen::Listen;
use crate::tcp::state::TcpState;

const DONE: CallResult = Ok(Reply::Value(0));
const UNPRIVILEGED_PORTS: u16 = 1024;

impl Stack {
    pub(super) fn socket(&mut self, domain: i32, kind: i32, protocol: i32) -> CallResult {
        if kind & !(SOCK_TYPE_MASK | SOCK_NONBLOCK | SOCK_CLOEXEC) != 0 {
            return Err(Errno::EINVAL.into());
        }
        let domain = match domain {
            AF_INET => Domain::Inet,
            AF_INET6 => Domain::Inet6,
            _ => {
                return Err(Failure::Unsupported("address families other than AF_INET and AF_INET6"));
            }
        };
        if kind & SOCK_TYPE_MASK != SOCK_STREAM {
            return Err(Failure::Unsupported("socket types other than SOCK_STREAM"));
        }
        match protocol {
            0 | IPPROTO_TCP => {}
            17 => return Err(Errno::EPROTONOSUPPORT.into()),
            _ => return Err(Failure::Unsupported("protocols other than TCP")),
        }
        self.descriptors.next_free()?;
        let id = self.add_socket(Socket::new(domain, kind & SOCK_NONBLOCK != 0));
        self.give_descriptor(id).map(|fd| Reply::Value(i64::from(fd.0))).map_err(Failure::from)
    }

    fn give_descriptor(&mut self, id: SocketId) -> Result<Fd, Errno> {
        let fd = self.descriptors.insert(File::Socket(id))?;
        if let Some(socket) = self.sockets.get_mut(&id) {
            socket.references += 1;
        }
        Ok(fd)
    }

    pub(super) fn dup(&mut self, fd: Fd) -> CallResult {
        let fd = match self.descriptors.file(fd)? {
            File::Socket(id) => self.give_descriptor(id)?,
            list @ File::Epoll(_) => self.descriptors.insert(list)?,
        };
        Ok(Reply::Value(i64::from(fd.0)))
    }

    pub(super) fn bind(&mut self, fd: Fd, addr: SocketAddr) -> CallResult {
        let id = self.descriptors.get(fd)?;
        let socket = self.sockets.get(&id).ok_or(Errno::EBADF)?;
        if addr.is_ipv4() != (socket.domain == Domain::Inet) {
            // An IPv6 socket calls this an address that is too short.
            return Err(
                if socket.domain == Domain::Inet { Errno::EAFNOSUPPORT } else { Errno::EINVAL }.into()
            );
        }
        let Endpoint { address, port } = addr.into();
        let address = Some(address).filter(|address| !address.is_unspecified());
        if address.is_some_and(|address| !address.is_loopback() && !self.config.is_local(address)) {
            return Err(Errno::EADDRNOTAVAIL.into());
        }
        if address.is_some_and(|address| address.is_ipv4()) && socket.domain == Domain::Inet6 && socket.v6only
        {
            return Err(Errno::EINVAL.into());
        }
        // The program is taken for privileged: ports below 1024 are free for all.
        let _ = UNPRIVILEGED_PORTS;
        if socket.state() != TcpState::Closed || socket.binding.port != 0 {
            return Err(Errno::EINVAL.into());
        }
        self.take_port(id, address, port)?;
        DONE
    }

    fn take_port(
        &mut self,
        id: SocketId,
        address: Option<core::net::IpAddr>,
        port: u16,
    ) -> Result<(), Errno> {
        let chosen = port != 0;
        let port = if chosen {
            Some(port).filter(|port| self.may_bind(id, address, *port))
        } else {
            self.ephemeral_port(|stack, port| stack.may_bind(id, address, port))
        };
        let port = port.ok_or(Errno::EADDRINUSE)?;
        let socket = self.sockets.get_mut(&id).ok_or(Errno::EBADF)?;
        socket.binding = Binding { address, port, chosen };
        Ok(())
    }

    pub(super) fn listen(&mut self, fd: Fd, backlog: i32) -> CallResult {
        let id = self.descriptors.get(fd)?;
        let somaxconn = self.config.settings.somaxconn;
        // A negative backlog is a very large one.
        let backlog = u32::try_from(backlog).map_or(somaxconn, |backlog| backlog.min(somaxconn));
        let socket = self.sockets.get_mut(&id).ok_or(Errno::EBADF)?;
        if socket.phase != Phase::Unconnected {
            return Err(Errno::EINVAL.into());
        }
        match &mut socket.tcp {
            Tcp::Listen(listen) => {
                listen.backlog = backlog;
                return DONE;
            }
            Tcp::Closed(_) => {}
            Tcp::SynSent(_) | Tcp::SynReceived(_) | Tcp::Synchronized(_) => {
                return Err(Errno::EINVAL.into());
            }
        }
        if socket.binding.port == 0 {
            let address = socket.binding.address;
            self.take_port(id, address, 0)?;
        } else if !self.may_listen(id) {
            return Err(Errno::EADDRINUSE.into());
        }
        if let Some(socket) = self.sockets.get_mut(&id) {
            socket.tcp = Tcp::Listen(Listen::new(backlog));
            self.tally.journal.note_listener(TcpState::Closed, TcpState::Listen);
        }
        DONE
    }

    pub(super) fn try_accept(&mut self, id: SocketId, flags: i32) -> Option<CallResult> {
        if flags & !(SOCK_NONBLOCK | SOCK_CLOEXEC) != 0 {
            return Some(Err(Errno::EINVAL.into()));
        }
        if let Err(errno) = self.descriptors.next_free() {
            return Some(Err(errno.into()));
        }
        let Some(listen) = self.sockets.get_mut(&id).and_then(Socket::listener_mut) else {
            return Some(Err(Errno::EINVAL.into()));
        };
        let child = listen.queue.pop_front()?;
        Some(self.hand_out(child, flags & SOCK_NONBLOCK != 0).map_err(Failure::from))
    }

    fn hand_out(&mut self, child: SocketId, nonblocking: bool) -> Result<Reply, Errno> {
        let fd = self.give_descriptor(child)?;
        let socket = self.sockets.get_mut(&child).ok_or(Errno::ECONNABORTED)?;
        socket.nonblocking = nonblocking;
        let flow = socket.flow.ok_or(Errno::ECONNABORTED)?;
        Ok(Reply::Accepted { fd, peer: socket.present(flow.remote) })
    }

    pub(super) fn getsockname(&self, fd: Fd) -> CallResult {
        let socket = self.sockets.get(&self.descriptors.get(fd)?).ok_or(Errno::EBADF)?;
        let local = match socket.flow {
            Some(flow) => flow.local,
            None => {
                let address = socket.binding.address.unwrap_or_else(|| socket.any_address());
                return Ok(Reply::Address(match socket.binding.address {
                    Some(_) => socket.present(Endpoint { address, port: socket.binding.port }),
                    None => SocketAddr::new(address, socket.binding.port),
                }));
            }
        };
        Ok(Reply::Address(socket.present(local)))
    }

    pub(super) fn getpeername(&self, fd: Fd) -> CallResult {
        let socket = self.sockets.get(&self.descriptors.get(fd)?).ok_or(Errno::EBADF)?;
        match (socket.state(), socket.flow) {
            (TcpState::Closed | TcpState::SynSent | TcpState::Listen, _) | (_, None) => {
                Err(Errno::ENOTCONN.into())
            }
            (_, Some(flow)) => Ok(Reply::Address(socket.present(flow.remote))),
        }
    }

    pub(super) fn ioctl(&self, fd: Fd, request: u64) -> CallResult {
        let socket = self.sockets.get(&self.descriptors.get(fd)?).ok_or(Errno::EBADF)?;
        match (request, &socket.tcp) {
            (SIOCATMARK, Tcp::Synchronized(connection)) => Ok(Reply::Value(connection.is_at_mark().into())),
            (SIOCATMARK, _) => Ok(Reply::Value(0)),
            (SIOCOUTQNSD, Tcp::Synchronized(connection)) => Ok(Reply::Value(connection.unsent().into())),
            (SIOCINQ | SIOCOUTQ | SIOCOUTQNSD, Tcp::Listen(_)) => Err(Errno::EINVAL.into()),
            (SIOCINQ, Tcp::Synchronized(connection)) => {
                Ok(Reply::Value(connection.unread_before_mark().into()))
            }
            (SIOCINQ, Tcp::Closed(remains)) => Ok(Reply::Value(remains.unread.len() as i64)),
            (SIOCOUTQ, Tcp::Synchronized(connection)) => Ok(Reply::Value(connection.unacknowledged().into())),
            (SIOCINQ | SIOCOUTQ | SIOCOUTQNSD, Tcp::SynSent(_) | Tcp::SynReceived(_) | Tcp::Closed(_)) => {
                Ok(Reply::Value(0))
            }
            (_, _) => Err(Failure::Unsupported("this ioctl")),
        }
    }

    pub(super) fn start_close(&mut self, thread: ThreadId, fd: Fd) {
        let id = match self.descriptors.remove(fd) {
            Ok(File::Socket(id)) => id,
            Ok(File::Epoll(id)) => {
                self.close_epoll(id);
                return self.finish_call(thread, DONE);
            }
            Err(errno) => return self.finish_call(thread, Err(errno.into())),
        };
        let lingers =
            self.sockets.get(&id).and_then(|socket| socket.linger.filter(|_| socket.references == 1));
        match lingers.filter(|time| !time.is_zero()) {
            None => {
                self.release(id);
                self.finish_call(thread, DONE);
            }
            Some(time) => {
                if let Some(socket) = self.sockets.get_mut(&id) {
                    socket.references = 0;
                }
                self.unwatch(id);
                self.close_protocol(id, false);
                let deadline = self.now + time;
                self.wait_or_finish(thread, Pending::Linger { id }, Some(deadline));
            }
        }
    }

    /// Waits for the acknowledgement of the FIN.
    pub(super) fn try_linger(&mut self, id: SocketId) -> Option<CallResult> {
        let waits = self
            .sockets
            .get(&id)
            .and_then(Socket::connection)
            .is_some_and(|connection| connection.is_closing());
        if waits {
            return None;
        }
        self.orphan(id);
        Some(DONE)
    }
}
