//! Reading, writing, and closing one direction.

use alloc::vec::Vec;

use super::constants::{
    MSG_DONTWAIT, MSG_MORE, MSG_NOSIGNAL, MSG_OOB, MSG_PEEK, MSG_WAITALL, SHUT_RD, SHUT_RDWR, SHUT_WR,
};
use super::dispatch::{CallResult, Pending};
use super::{Failure, Fd, Reply, Signal, ThreadId};
use crate::socket::errors::Errno;
use crate::socket::{Remains, Socket, SocketId, Tcp};
use crate::stack::Stack;
use crate::tcp::state::TcpState;
use crate::tcp::transmit::Manner;

impl Stack {
    pub(super) fn start_read(&mut self, thread: ThreadId, fd: Fd, count: usize, flags: i32) {
        if flags & MSG_OOB != 0 {
            let result = self.read_urgent(fd, count, flags & MSG_PEEK != 0);
            return self.finish_call(thread, result);
        }
        if flags & !(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_PEEK | MSG_WAITALL) != 0 {
            return self.finish_call(thread, Err(Failure::Unsupported("this flag of recv")));
        }
        self.wait_on(thread, fd, |id| Pending::Read { id, count, flags, got: Vec::new() });
    }

    fn read_urgent(&mut self, fd: Fd, count: usize, peek: bool) -> CallResult {
        let id = self.descriptors.get(fd)?;
        let socket = self.sockets.get_mut(&id).ok_or(Errno::EBADF)?;
        match &mut socket.tcp {
            Tcp::Synchronized(connection) => Ok(Reply::Data(connection.read_urgent(count, peek)?)),
            Tcp::Listen(_) => Err(Errno::ENOTCONN.into()),
            Tcp::Closed(_) | Tcp::SynSent(_) | Tcp::SynReceived(_) => Err(Errno::EINVAL.into()),
        }
    }

    /// As Linux's `tcp_recvmsg`: first what is there, then why there is nothing.
    pub(super) fn try_read(
        &mut self,
        id: SocketId,
        count: usize,
        flags: i32,
        got: &mut Vec<u8>,
    ) -> Option<CallResult> {
        let peek = flags & MSG_PEEK != 0;
        if self.sockets.get(&id).map(Socket::state) == Some(TcpState::Listen) {
            return Some(Err(Errno::ENOTCONN.into()));
        }
        let (env, sockets, out) = self.split();
        let socket = sockets.get_mut(&id)?;
        if peek {
            got.clear();
        }
        let mut at_mark = false;
        let wanted = count.saturating_sub(got.len());
        let (peer_closed, shut, state) = match &mut socket.tcp {
            Tcp::Synchronized(connection) => {
                let (bytes, stops) = connection.read(&env, wanted, (peek, !got.is_empty()), out);
                got.extend(bytes);
                at_mark = stops;
                (connection.peer_closed(), connection.read_closed(), connection.state().name())
            }
            Tcp::Closed(remains) => {
                let ready = wanted.min(remains.unread.len());
                got.extend(remains.unread.iter().take(ready));
                if !peek {
                    remains.unread.drain(..ready);
                }
                (remains.peer_closed, remains.read_shut, TcpState::Closed)
            }
            Tcp::SynSent(_) | Tcp::SynReceived(_) => (false, false, TcpState::SynSent),
            Tcp::Listen(_) => unreachable!("a listener was turned away"),
        };
        let low = if flags & MSG_WAITALL == 0 { count.min(socket.receive_low as usize) } else { count };
        let enough = got.len() == count || (!got.is_empty() && (got.len() >= low || at_mark));
        if enough {
            return Some(Ok(Reply::Data(core::mem::take(got))));
        }
        let over = shut || socket.error.is_some() || state == TcpState::Closed;
        if !got.is_empty() {
            return over.then(|| Ok(Reply::Data(core::mem::take(got))));
        }
        if peer_closed {
            // RFC9293/3.10.3-recv-closewait
            return Some(Ok(Reply::Data(Vec::new())));
        }
        if let Some(errno) = socket.error.take() {
            return Some(Err(errno.into()));
        }
        if shut {
            return Some(Ok(Reply::Data(Vec::new())));
        }
        if state == TcpState::Closed {
            return Some(Err(Errno::ENOTCONN.into()));
        }
        None
    }

    pub(super) fn start_write(&mut self, thread: ThreadId, fd: Fd, data: Vec<u8>, flags: i32) {
        if flags & !(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE | MSG_OOB) != 0 {
            return self.finish_call(thread, Err(Failure::Unsupported("this flag of send")));
        }
        self.wait_on(thread, fd, |id| Pending::Write { id, data, written: 0, flags, waited: false });
    }

    /// As Linux's `tcp_sendmsg`. Errors are reported only by a call that wrote nothing.
    pub(super) fn try_write(
        &mut self,
        thread: ThreadId,
        id: SocketId,
        data: &[u8],
        written: &mut usize,
        flags: i32,
        waited: &mut bool,
    ) -> Option<CallResult> {
        let manner = Manner { more: flags & MSG_MORE != 0, urgent: flags & MSG_OOB != 0 };
        let (env, sockets, out) = self.split();
        let socket = sockets.get_mut(&id)?;
        let may_wait = flags & MSG_DONTWAIT == 0 && !socket.nonblocking;
        let broken = match &mut socket.tcp {
            // RFC9293/3.10.2-send-queued: Linux waits for the handshake instead.
            Tcp::SynSent(_) | Tcp::SynReceived(_) if socket.error.is_none() => return None,
            Tcp::SynSent(_) | Tcp::SynReceived(_) | Tcp::Closed(_) | Tcp::Listen(_) => true,
            Tcp::Synchronized(connection) => {
                let broken = socket.error.is_some() || connection.write_closed();
                // One that waited goes on only when a good part of the buffer is free.
                if !broken && (!*waited || connection.is_writable(&env)) {
                    loop {
                        let rest = data.get(*written..).unwrap_or_default();
                        *written += connection.write(&env, rest, manner, out);
                        // What was sent last may have made room, which a program that may wait uses at once.
                        let goes_on = may_wait && *written < data.len() && connection.has_memory(&env);
                        if !goes_on {
                            break;
                        }
                    }
                }
                broken
            }
        };
        if *written == data.len() && (!broken || *written > 0) {
            return Some(Ok(Reply::Value(*written as i64)));
        }
        if !broken {
            *waited = true;
            return None;
        }
        if *written > 0 {
            return Some(Ok(Reply::Value(*written as i64)));
        }
        // A pending error is reported once; after that there is only the broken pipe.
        let errno = socket.error.take().unwrap_or(Errno::EPIPE);
        if errno == Errno::EPIPE && flags & MSG_NOSIGNAL == 0 {
            self.raise(thread, Signal::Sigpipe);
        }
        Some(Err(errno.into()))
    }

    pub(super) fn shutdown(&mut self, fd: Fd, how: i32) -> CallResult {
        let id = self.descriptors.get(fd)?;
        let (read, write) = match how {
            SHUT_RD => (true, false),
            SHUT_WR => (false, true),
            SHUT_RDWR => (true, true),
            _ => return Err(Errno::EINVAL.into()),
        };
        let (env, sockets, out) = self.split();
        let socket = sockets.get_mut(&id).ok_or(Errno::EBADF)?;
        match &mut socket.tcp {
            Tcp::Closed(Remains { read_shut, write_shut, .. }) => {
                *read_shut |= read;
                *write_shut |= write;
                return Err(Errno::ENOTCONN.into());
            }
            Tcp::Synchronized(connection) => {
                if read {
                    connection.shut_read();
                }
                if write {
                    connection.shut_write(&env, out);
                }
            }
            Tcp::Listen(_) if read => self.stop_listening(id),
            Tcp::Listen(_) => {}
            Tcp::SynSent(_) => {
                // Calls the open off.
                self.disconnect(id);
                if let Some(socket) = self.sockets.get_mut(&id) {
                    socket.error = Some(Errno::ECONNRESET);
                }
            }
            Tcp::SynReceived(_) => {
                return Err(Failure::Unsupported("shutdown during a simultaneous open"));
            }
        }
        Ok(Reply::Value(0))
    }
}
