//! What can be done with any descriptor: `dup`, `fcntl`, `ioctl`, `close`.

use super::constants::{
    F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_GETFL, F_SETFD, F_SETFL, FD_CLOEXEC, FIONBIO, O_NONBLOCK, O_OTHERS,
    O_RDWR, O_WRONLY, SIOCATMARK, SIOCINQ, SIOCOUTQ, SIOCOUTQNSD,
};
use super::dispatch::{CallResult, Pending};
use super::{Failure, Fd, Reply, ThreadId};
use crate::socket::errors::Errno;
use crate::socket::pipe::End;
use crate::socket::table::{Descriptors, File};
use crate::socket::{SocketId, Tcp};
use crate::stack::Stack;

const DONE: CallResult = Ok(Reply::Value(0));
/// The commands of `fcntl` that Linux has: the old ones, and those from `F_SETLEASE` on.
const COMMANDS: [core::ops::RangeInclusive<i32>; 2] = [0..=16, 1024..=1044];
/// Requests of network devices, which this stack does not have.
const OF_DEVICES: core::ops::RangeInclusive<u64> = 0x8900..=0x89ff;

impl Stack {
    pub(super) fn give_descriptor(&mut self, id: SocketId) -> Result<Fd, Errno> {
        self.duplicate(File::Socket(id), 0)
    }

    fn duplicate(&mut self, file: File, least: i32) -> Result<Fd, Errno> {
        let fd = self.descriptors.insert_from(least, file)?;
        if let File::Socket(id) = file
            && let Some(socket) = self.sockets.get_mut(&id)
        {
            socket.references += 1;
        }
        Ok(fd)
    }

    pub(super) fn dup(&mut self, fd: Fd) -> CallResult {
        let file = self.descriptors.file(fd)?;
        Ok(Reply::Value(self.duplicate(file, 0)?.0.into()))
    }

    pub(super) fn fcntl(&mut self, fd: Fd, cmd: i32, arg: i64) -> CallResult {
        let file = self.descriptors.file(fd)?;
        match cmd {
            F_DUPFD | F_DUPFD_CLOEXEC => {
                if !Descriptors::is_possible(arg) {
                    return Err(Errno::EINVAL.into());
                }
                let fd = self.duplicate(file, arg as i32)?;
                self.descriptors.close_on_exec(fd, cmd == F_DUPFD_CLOEXEC);
                Ok(Reply::Value(fd.0.into()))
            }
            F_GETFD => Ok(Reply::Value(self.descriptors.closes_on_exec(fd)?.into())),
            F_SETFD => {
                self.descriptors.close_on_exec(fd, arg & FD_CLOEXEC != 0);
                DONE
            }
            F_GETFL => {
                let access = match file {
                    File::Socket(_) | File::Epoll(_) => O_RDWR,
                    File::Pipe(_, End::Read) => 0,
                    File::Pipe(_, End::Write) => O_WRONLY,
                };
                let nonblocking = if self.is_nonblocking(file) { O_NONBLOCK } else { 0 };
                Ok(Reply::Value((access | nonblocking).into()))
            }
            F_SETFL if arg & i64::from(O_OTHERS) != 0 => {
                Err(Failure::Unsupported("flags of F_SETFL other than O_NONBLOCK"))
            }
            F_SETFL => {
                self.set_nonblocking(file, arg & i64::from(O_NONBLOCK) != 0);
                DONE
            }
            _ if COMMANDS.iter().any(|range| range.contains(&cmd)) => {
                Err(Failure::Unsupported("this command of fcntl"))
            }
            _ => Err(Errno::EINVAL.into()),
        }
    }

    fn is_nonblocking(&self, file: File) -> bool {
        match file {
            File::Socket(id) => self.sockets.get(&id).is_some_and(|socket| socket.nonblocking),
            File::Epoll(id) => self.epolls.get(&id).is_some_and(|epoll| epoll.nonblocking),
            File::Pipe(id, End::Read) => self.pipes.get(&id).is_some_and(|pipe| pipe.nonblocking_read),
            File::Pipe(id, End::Write) => self.pipes.get(&id).is_some_and(|pipe| pipe.nonblocking_write),
        }
    }

    fn set_nonblocking(&mut self, file: File, on: bool) {
        let flag = match file {
            File::Socket(id) => self.sockets.get_mut(&id).map(|socket| &mut socket.nonblocking),
            File::Epoll(id) => self.epolls.get_mut(&id).map(|epoll| &mut epoll.nonblocking),
            File::Pipe(id, End::Read) => self.pipes.get_mut(&id).map(|pipe| &mut pipe.nonblocking_read),
            File::Pipe(id, End::Write) => self.pipes.get_mut(&id).map(|pipe| &mut pipe.nonblocking_write),
        };
        if let Some(flag) = flag {
            *flag = on;
        }
    }

    pub(super) fn ioctl(&mut self, fd: Fd, request: u64, argument: i32) -> CallResult {
        let file = self.descriptors.file(fd)?;
        if request == FIONBIO {
            self.set_nonblocking(file, argument != 0);
            return Ok(Reply::Value(argument.into()));
        }
        match file {
            File::Socket(id) => self.socket_ioctl(id, request),
            File::Pipe(id, _) if request == SIOCINQ => {
                let pipe = self.pipes.get(&id).ok_or(Errno::EBADF)?;
                Ok(Reply::Value(pipe.len() as i64))
            }
            File::Pipe(_, _) => Err(Errno::ENOTTY.into()),
            File::Epoll(_) => Err(Errno::EINVAL.into()),
        }
    }

    fn socket_ioctl(&self, id: SocketId, request: u64) -> CallResult {
        let socket = self.sockets.get(&id).ok_or(Errno::EBADF)?;
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
            (_, _) if OF_DEVICES.contains(&request) => Err(Failure::Unsupported("this ioctl")),
            (_, _) => Err(Errno::ENOTTY.into()),
        }
    }

    pub(super) fn start_close(&mut self, thread: ThreadId, fd: Fd) {
        let id = match self.descriptors.remove(fd) {
            Ok(File::Socket(id)) => id,
            Ok(file @ (File::Epoll(_) | File::Pipe(_, _))) => {
                self.close_unheld(file);
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
                self.unwatch(File::Socket(id));
                self.close_protocol(id, false);
                let deadline = self.now + time;
                self.wait_or_finish(thread, Pending::Linger { id }, Some(deadline));
            }
        }
    }

    /// Closes a pipe's end or an interest list that no descriptor and no call holds any more.
    pub(super) fn close_unheld(&mut self, file: File) {
        if self.descriptors.refer_to(file) || self.is_waited_for(file) {
            return;
        }
        self.unwatch(file);
        match file {
            File::Socket(_) => {}
            File::Epoll(id) => {
                self.epolls.remove(&id);
            }
            File::Pipe(id, end) => self.close_pipe_end(id, end),
        }
    }

    /// Waits for the acknowledgement of the FIN.
    pub(super) fn try_linger(&mut self, id: SocketId) -> Option<CallResult> {
        let waits = self
            .sockets
            .get(&id)
            .and_then(crate::socket::Socket::connection)
            .is_some_and(|connection| connection.is_closing());
        if waits {
            return None;
        }
        self.orphan(id);
        Some(DONE)
    }
}
