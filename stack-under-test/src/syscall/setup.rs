//! Calls that make and name sockets.

use core::net::SocketAddr;

use super::constants::{
    AF_INET, AF_INET6, AF_UNSPEC, IPPROTO_TCP, SOCK_CLOEXEC, SOCK_DCCP, SOCK_DGRAM, SOCK_NONBLOCK,
    SOCK_PACKET, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM, SOCK_TYPE_MASK,
};
use super::dispatch::{CallResult, Pending};
use super::memory::socket_address;
use super::{Failure, Fd, Input, Reply, ThreadId};
use crate::socket::errors::Errno;
use crate::socket::{Binding, Domain, Phase, Socket, SocketId, Tcp};
use crate::stack::Stack;
use crate::tcp::fast_open::{EVERY_LISTENER, SERVER};
use crate::tcp::flow::Endpoint;
use crate::tcp::listen::Listen;
use crate::tcp::state::TcpState;

/// One more than the last address family that Linux has, and than the last protocol.
const FAMILIES: i32 = 46;
const PROTOCOLS: i32 = 263;
const IPPROTO_SCTP: i32 = 132;
const IPPROTO_SMC: i32 = 256;
const IPPROTO_MPTCP: i32 = 262;
const DONE: CallResult = Ok(Reply::Value(0));
const UNPRIVILEGED_PORTS: u16 = 1024;

impl Stack {
    pub(super) fn socket(&mut self, domain: i32, kind: i32, protocol: i32) -> CallResult {
        if kind & !(SOCK_TYPE_MASK | SOCK_NONBLOCK | SOCK_CLOEXEC) != 0 {
            return Err(Errno::EINVAL.into());
        }
        let kind_of = kind & SOCK_TYPE_MASK;
        let domain = match domain {
            AF_INET => Domain::Inet,
            AF_INET6 => Domain::Inet6,
            AF_UNSPEC | FAMILIES.. => return Err(Errno::EAFNOSUPPORT.into()),
            ..0 => return Err(Errno::EAFNOSUPPORT.into()),
            _ if kind_of > SOCK_PACKET => return Err(Errno::EINVAL.into()),
            _ => {
                return Err(Failure::Unsupported("address families other than AF_INET and AF_INET6"));
            }
        };
        match (kind_of, protocol) {
            (SOCK_PACKET.., _) if kind_of > SOCK_PACKET => return Err(Errno::EINVAL.into()),
            (_, ..0 | PROTOCOLS..) => return Err(Errno::EINVAL.into()),
            (SOCK_STREAM, 0 | IPPROTO_TCP) => {}
            (SOCK_STREAM, IPPROTO_SCTP | IPPROTO_SMC | IPPROTO_MPTCP) => {
                return Err(Failure::Unsupported("protocols other than TCP"));
            }
            (SOCK_STREAM, _) => return Err(Errno::EPROTONOSUPPORT.into()),
            (SOCK_DGRAM | SOCK_RAW | SOCK_SEQPACKET | SOCK_DCCP | SOCK_PACKET, _) => {
                return Err(Failure::Unsupported("socket types other than SOCK_STREAM"));
            }
            (_, _) => return Err(Errno::ESOCKTNOSUPPORT.into()),
        }
        self.descriptors.next_free()?;
        let id = self.add_socket(Socket::new(domain, kind & SOCK_NONBLOCK != 0));
        let fd = self.give_descriptor(id)?;
        self.descriptors.close_on_exec(fd, kind & SOCK_CLOEXEC != 0);
        Ok(Reply::Value(fd.0.into()))
    }

    pub(super) fn bind(&mut self, fd: Fd, addr: &Input) -> CallResult {
        let id = self.descriptors.get(fd)?;
        let socket = self.sockets.get(&id).ok_or(Errno::EBADF)?;
        let addr = socket_address(addr.address()?, socket.domain, true)?;
        let Endpoint { address, port } = addr.into();
        let address = Some(address).filter(|address| !address.is_unspecified());
        if !socket.free_bind
            && address.is_some_and(|address| !address.is_loopback() && !self.config.is_local(address))
        {
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
        let bits = self.config.settings.fast_open;
        let every = bits & EVERY_LISTENER != 0 && bits & SERVER != 0;
        if let Some(socket) = self.sockets.get_mut(&id) {
            if every && socket.fast_open.backlog == 0 {
                socket.fast_open.backlog = backlog;
            }
            socket.tcp = Tcp::Listen(Listen::new(backlog));
            self.tally.journal.note_listener(TcpState::Closed, TcpState::Listen);
        }
        DONE
    }

    pub(super) fn start_accept(&mut self, thread: ThreadId, fd: Fd, flags: i32) {
        let wrong = flags & !(SOCK_NONBLOCK | SOCK_CLOEXEC) != 0;
        let checked = self
            .descriptors
            .file(fd)
            .and_then(|_| if wrong { Err(Errno::EINVAL) } else { self.descriptors.next_free() });
        match checked.and_then(|_| self.descriptors.get(fd)) {
            Ok(id) => self.wait_or_finish(thread, Pending::Accept { id, flags }, None),
            Err(errno) => self.finish_call(thread, Err(errno.into())),
        }
    }

    pub(super) fn try_accept(&mut self, id: SocketId, flags: i32) -> Option<CallResult> {
        if let Err(errno) = self.descriptors.next_free() {
            return Some(Err(errno.into()));
        }
        let Some(listen) = self.sockets.get_mut(&id).and_then(Socket::listener_mut) else {
            return Some(Err(Errno::EINVAL.into()));
        };
        let child = listen.queue.pop_front()?;
        Some(self.hand_out(child, flags).map_err(Failure::from))
    }

    fn hand_out(&mut self, child: SocketId, flags: i32) -> Result<Reply, Errno> {
        let fd = self.give_descriptor(child)?;
        self.descriptors.close_on_exec(fd, flags & SOCK_CLOEXEC != 0);
        let socket = self.sockets.get_mut(&child).ok_or(Errno::ECONNABORTED)?;
        socket.nonblocking = flags & SOCK_NONBLOCK != 0;
        let flow = socket.flow.ok_or(Errno::ECONNABORTED)?;
        Ok(Reply::Accepted { fd, peer: socket.present(flow.remote) })
    }

    pub(super) fn getsockname(&self, fd: Fd) -> CallResult {
        let socket = self.sockets.get(&self.descriptors.get(fd)?).ok_or(Errno::EBADF)?;
        let local = match socket.flow {
            Some(flow) => flow.local,
            None => {
                let port = match socket.binding.port {
                    0 => socket.former_port,
                    port => port,
                };
                return Ok(Reply::Address(match socket.binding.address {
                    Some(address) => socket.present(Endpoint { address, port }),
                    None => SocketAddr::new(socket.any_address(), port),
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
}
