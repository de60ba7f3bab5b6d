//! Reading, writing, and closing one direction.

use alloc::vec::Vec;

use super::constants::{
    MSG_DONTWAIT, MSG_EOR, MSG_ERRQUEUE, MSG_FASTOPEN, MSG_MORE, MSG_NOSIGNAL, MSG_OOB, MSG_SOCK_DEVMEM,
    MSG_WAITALL, MSG_ZEROCOPY, SHUT_RD, SHUT_RDWR, SHUT_WR,
};
use super::dispatch::{CallResult, Pending};
use super::message::{Reading, Writing, check_control};
use super::{Failure, Fd, Input, Reply, Room, Signal, ThreadId};
use crate::socket::errors::Errno;
use crate::socket::pipe::End;
use crate::socket::table::File;
use crate::socket::{Remains, SocketId, Tcp};
use crate::stack::Stack;
use crate::tcp::state::TcpState;
use crate::tcp::transmit::Manner;

fn manner(flags: i32, waits: bool) -> Manner {
    Manner {
        more: flags & MSG_MORE != 0,
        urgent: flags & MSG_OOB != 0,
        ends_record: flags & MSG_EOR != 0,
        waits,
    }
}

impl Stack {
    pub(super) fn start_read(&mut self, thread: ThreadId, fd: Fd, room: Room) {
        let pending = match self.descriptors.file(fd) {
            Err(errno) => Err(errno.into()),
            Ok(File::Pipe(_, End::Write)) => Err(Errno::EBADF.into()),
            Ok(File::Epoll(_)) => Err(Errno::EINVAL.into()),
            Ok(_) if room.length < 0 => Err(Errno::EINVAL.into()),
            // Nothing is wanted of the socket, whatever its state.
            Ok(_) if room.length == 0 => Ok(None),
            Ok(File::Socket(id)) => Ok(Some(Pending::Read { id, reading: Reading::new(room, 0) })),
            Ok(File::Pipe(pipe, End::Read)) => Ok(Some(Pending::PipeRead { pipe, room })),
        };
        match pending {
            Ok(Some(pending)) => self.wait_or_finish(thread, pending, None),
            Ok(None) => self.finish_call(thread, Ok(Reply::Data(Vec::new()))),
            Err(failure) => self.finish_call(thread, Err(failure)),
        }
    }

    pub(super) fn start_recv(&mut self, thread: ThreadId, fd: Fd, mut reading: Reading) {
        let id = match self.descriptors.get(fd) {
            Ok(id) => id,
            Err(errno) => return self.finish_call(thread, Err(errno.into())),
        };
        let result = if reading.flags & MSG_SOCK_DEVMEM != 0 {
            Err(Failure::Unsupported("MSG_SOCK_DEVMEM"))
        } else if reading.flags & MSG_ERRQUEUE != 0 {
            self.read_errors(id, &mut reading)
        } else if reading.flags & MSG_OOB != 0 {
            self.read_urgent(id, &mut reading)
        } else {
            return self.wait_or_finish(thread, Pending::Read { id, reading }, None);
        };
        self.finish_call(thread, result);
    }

    fn read_urgent(&mut self, id: SocketId, reading: &mut Reading) -> CallResult {
        let socket = self.sockets.get_mut(&id).ok_or(Errno::EBADF)?;
        match &mut socket.tcp {
            Tcp::Synchronized(connection) => {
                reading.got = connection.read_urgent(reading.count, reading.peeks())?;
                Ok(reading.reply(Vec::new(), MSG_OOB))
            }
            Tcp::Listen(_) => Err(Errno::ENOTCONN.into()),
            Tcp::Closed(_) | Tcp::SynSent(_) | Tcp::SynReceived(_) => Err(Errno::EINVAL.into()),
        }
    }

    /// As Linux's `tcp_recvmsg`: first what is there, then why there is nothing.
    pub(super) fn try_read(&mut self, id: SocketId, reading: &mut Reading) -> Option<CallResult> {
        if self.sockets.get(&id).map(crate::socket::Socket::state) == Some(TcpState::Listen) {
            return Some(Err(Errno::ENOTCONN.into()));
        }
        let (env, sockets, out) = self.split();
        let socket = sockets.get_mut(&id)?;
        let (count, peek) = (reading.count, reading.peeks());
        if peek {
            reading.got.clear();
        }
        let mut at_mark = false;
        let wanted = count.saturating_sub(reading.got.len());
        let (peer_closed, shut, state, unread) = match &mut socket.tcp {
            Tcp::Synchronized(connection) => {
                let unread = connection.has_unread(1);
                let pretend = peek || reading.faults();
                let (bytes, stops) = connection.read(&env, wanted, (pretend, !reading.got.is_empty()), out);
                reading.got.extend(bytes);
                at_mark = stops;
                (connection.peer_closed(), connection.read_closed(), connection.state().name(), unread)
            }
            Tcp::Closed(remains) => {
                let ready = wanted.min(remains.unread.len());
                reading.got.extend(remains.unread.iter().take(ready));
                if !peek && !reading.faults() {
                    remains.unread.drain(..ready);
                }
                (remains.peer_closed, remains.read_shut, TcpState::Closed, !remains.unread.is_empty())
            }
            Tcp::SynSent(_) | Tcp::SynReceived(_) => (false, socket.shut_early.0, TcpState::SynSent, false),
            Tcp::Listen(_) => unreachable!("a listener was turned away"),
        };
        if reading.faults() && !reading.got.is_empty() {
            return Some(Err(Errno::EFAULT.into()));
        }
        let got = reading.got.len();
        let low =
            if reading.flags & MSG_WAITALL == 0 { count.min(socket.receive_low as usize) } else { count };
        // A call that wants nothing waits until there is something nevertheless.
        let complete = if count == 0 { unread } else { got == count };
        if complete || (got > 0 && (got >= low || at_mark)) {
            return Some(Ok(self.give(id, reading)));
        }
        let over = shut || socket.error.is_some() || state == TcpState::Closed;
        if got > 0 {
            return over.then(|| Ok(self.give(id, reading)));
        }
        if peer_closed {
            // RFC9293/3.10.3-recv-closewait
            return Some(Ok(self.give(id, reading)));
        }
        if let Some(errno) = socket.error.take() {
            return Some(Err(errno.into()));
        }
        if shut {
            return Some(Ok(self.give(id, reading)));
        }
        if state == TcpState::Closed {
            return Some(Err(Errno::ENOTCONN.into()));
        }
        None
    }

    pub(super) fn start_write(&mut self, thread: ThreadId, fd: Fd, data: Input) {
        let pending = match self.descriptors.file(fd) {
            Err(errno) => Err(errno.into()),
            Ok(File::Pipe(_, End::Read)) => Err(Errno::EBADF.into()),
            Ok(File::Epoll(_)) => Err(Errno::EINVAL.into()),
            Ok(_) if data.length < 0 => Err(Errno::EINVAL.into()),
            Ok(File::Socket(id)) => Ok(Pending::Write { id, writing: Writing::new(data, 0) }),
            Ok(File::Pipe(pipe, End::Write)) => match Writing::new(data, 0) {
                Writing { nowhere: true, .. } => Err(Errno::EFAULT.into()),
                Writing { data, .. } => Ok(Pending::PipeWrite { pipe, data, written: 0 }),
            },
        };
        match pending {
            Ok(pending) => self.wait_or_finish(thread, pending, None),
            Err(failure) => self.finish_call(thread, Err(failure)),
        }
    }

    pub(super) fn start_send(
        &mut self,
        thread: ThreadId,
        fd: Fd,
        mut writing: Writing,
        name: Option<&Input>,
    ) {
        match self.begin_send(fd, &mut writing, name) {
            Err(failure) => self.finish_call(thread, Err(failure)),
            Ok(id) => self.wait_or_finish(thread, Pending::Write { id, writing }, None),
        }
    }

    fn begin_send(
        &mut self,
        fd: Fd,
        writing: &mut Writing,
        name: Option<&Input>,
    ) -> Result<SocketId, Failure> {
        let id = self.descriptors.get(fd)?;
        // A stream ignores the address, but it must be one that can be read.
        let name = name.map(Input::address).transpose()?;
        if writing.flags & MSG_FASTOPEN != 0 {
            self.begin_fast_open(id, name, writing)?;
            self.lend(id, writing, false);
        }
        Ok(id)
    }

    /// Notes what a call wrote of memory that it lends.
    fn lend(&mut self, id: SocketId, writing: &mut Writing, done: bool) {
        if writing.flags & MSG_ZEROCOPY != 0
            && writing.written > 0
            && let Some(socket) = self.sockets.get_mut(&id)
            && socket.may_lend
        {
            socket.lend(&mut writing.loan, done);
        }
    }

    /// As Linux's `tcp_sendmsg`. Errors are reported only by a call that wrote nothing.
    pub(super) fn try_write(
        &mut self,
        thread: ThreadId,
        id: SocketId,
        writing: &mut Writing,
    ) -> Option<CallResult> {
        match self.start_deferred(id, writing) {
            Err(failure) => return Some(Err(failure)),
            Ok(()) => self.lend(id, writing, false),
        }
        if writing.opening.is_some() {
            if let Err(failure) = self.try_connect(id)? {
                return Some(Err(failure));
            }
            writing.opening = None;
        }
        let flags = writing.flags;
        let (env, sockets, out) = self.split();
        let socket = sockets.get_mut(&id)?;
        let may_wait = flags & MSG_DONTWAIT == 0 && !socket.nonblocking;
        let manner = manner(flags, may_wait);
        let broken = match &mut socket.tcp {
            // RFC9293/3.10.2-send-queued: Linux waits for the handshake instead.
            Tcp::SynSent(_) | Tcp::SynReceived(_) if socket.error.is_none() => return None,
            Tcp::SynSent(_) | Tcp::SynReceived(_) | Tcp::Closed(_) | Tcp::Listen(_) => true,
            Tcp::Synchronized(connection) => {
                if !connection.write_closed()
                    && let Err(failure) = check_control(&writing.control)
                {
                    return Some(Err(failure));
                }
                let broken = socket.error.is_some() || connection.write_closed();
                // One that waited goes on only when a good part of the buffer is free.
                if !broken && (!writing.waited || connection.is_writable(&env)) {
                    if writing.nowhere && connection.is_writable(&env) {
                        return Some(Err(Errno::EFAULT.into()));
                    }
                    loop {
                        let rest = writing.data.get(writing.written..).unwrap_or_default();
                        writing.written += connection.write(&env, rest, manner, out);
                        // What was sent last may have made room, which a program that may wait uses at once.
                        let unwritten = writing.written < writing.data.len();
                        if !(may_wait && unwritten && connection.has_memory(&env)) {
                            break;
                        }
                    }
                }
                broken
            }
        };
        let (written, wanted) = (writing.written, writing.data.len());
        let complete = written == wanted && !writing.nowhere;
        if (complete && !broken) || (broken && written > 0) {
            self.lend(id, writing, true);
            return Some(Ok(Reply::Value(written as i64)));
        }
        if !broken {
            writing.waited = true;
            self.lend(id, writing, false);
            return None;
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
            // The FIN waits for the handshake.
            Tcp::SynReceived(_) => {
                socket.shut_early.0 |= read;
                socket.shut_early.1 |= write;
            }
        }
        Ok(Reply::Value(0))
    }
}
