//! From a call to its return, at once or later.

use alloc::vec::Vec;
use core::time::Duration;

use super::constants::{MSG_DONTWAIT, O_NONBLOCK};
use super::poll::Watched;
use super::{Failure, Fd, Reply, Selected, Syscall, ThreadId};
use crate::socket::SocketId;
use crate::socket::epoll::{EpollId, Interest};
use crate::socket::errors::Errno;
use crate::stack::Stack;
use crate::time::Instant;

/// What a call returns.
pub(crate) type CallResult = Result<Reply, Failure>;

/// A call that may have to wait, and how far it came.
#[derive(Debug)]
pub(crate) enum Pending {
    Accept {
        id: SocketId,
        flags: i32,
    },
    Connect {
        id: SocketId,
        /// What it fails with when it stops waiting.
        in_progress: Errno,
    },
    Read {
        id: SocketId,
        count: usize,
        flags: i32,
        got: Vec<u8>,
    },
    Write {
        id: SocketId,
        data: Vec<u8>,
        written: usize,
        flags: i32,
        waited: bool,
    },
    /// `close` of a socket that lingers.
    Linger {
        id: SocketId,
    },
    Poll {
        watched: Vec<Watched>,
    },
    Select {
        watched: [Vec<Watched>; 3],
    },
    Epoll {
        epoll: EpollId,
        most: usize,
    },
}

impl Pending {
    /// The sockets that the call keeps open.
    fn holds(&self) -> Vec<SocketId> {
        match self {
            Self::Accept { id, .. }
            | Self::Connect { id, .. }
            | Self::Read { id, .. }
            | Self::Write { id, .. } => [*id].into(),
            Self::Linger { .. } => Vec::new(),
            Self::Poll { watched } => watched.iter().filter_map(|watched| watched.id).collect(),
            Self::Select { watched } => watched.iter().flatten().filter_map(|watched| watched.id).collect(),
            Self::Epoll { .. } => Vec::new(),
        }
    }
}

/// A call that waits.
#[derive(Debug)]
pub(crate) struct Blocked {
    pub(crate) thread: ThreadId,
    pending: Pending,
    /// When it stops waiting.
    pub(crate) deadline: Option<Instant>,
}

impl Blocked {
    pub(super) fn waits_for(&self, list: EpollId) -> bool {
        matches!(self.pending, Pending::Epoll { epoll, .. } if epoll == list)
    }

    pub(crate) fn writes_to(&self, socket: SocketId) -> bool {
        matches!(self.pending, Pending::Write { id, .. } if id == socket)
    }
}

impl Stack {
    pub(crate) fn start_call(&mut self, thread: ThreadId, call: Syscall) {
        let result = match call {
            Syscall::Socket { domain, kind, protocol } => self.socket(domain, kind, protocol),
            Syscall::Bind { fd, addr } => self.bind(fd, addr),
            Syscall::Listen { fd, backlog } => self.listen(fd, backlog),
            Syscall::Shutdown { fd, how } => self.shutdown(fd, how),
            Syscall::Dup { fd } => self.dup(fd),
            Syscall::Getsockname { fd } => self.getsockname(fd),
            Syscall::Getpeername { fd } => self.getpeername(fd),
            Syscall::Setsockopt { fd, level, name, value } => self.setsockopt(fd, level, name, value),
            Syscall::Getsockopt { fd, level, name } => self.getsockopt(fd, level, name),
            Syscall::Fcntl { fd, cmd, arg } => self.fcntl(fd, cmd, arg),
            Syscall::Ioctl { fd, request } => self.ioctl(fd, request),
            Syscall::Accept { fd, flags } => {
                return self.wait_on(thread, fd, |id| Pending::Accept { id, flags });
            }
            Syscall::Connect { fd, addr } => return self.start_connect(thread, fd, addr),
            Syscall::Read { fd, count } => return self.start_read(thread, fd, count, 0),
            Syscall::Recv { fd, count, flags } => return self.start_read(thread, fd, count, flags),
            Syscall::Write { fd, data } => return self.start_write(thread, fd, data, 0),
            Syscall::Send { fd, data, flags } => return self.start_write(thread, fd, data, flags),
            Syscall::Close { fd } => return self.start_close(thread, fd),
            Syscall::Poll { fds, timeout } => return self.start_poll(thread, &fds, timeout),
            Syscall::Select { read, write, except, timeout } => {
                return self.start_select(thread, [&read, &write, &except], timeout);
            }
            Syscall::EpollCreate { size } => self.epoll_create(size),
            Syscall::EpollCtl { ep, operation, fd, events, data } => {
                self.epoll_ctl(ep, operation, fd, Interest { events, data })
            }
            Syscall::EpollWait { ep, most, timeout } => return self.start_epoll(thread, ep, most, timeout),
        };
        self.finish_call(thread, result);
    }

    /// Makes a call that concerns one socket and may wait.
    pub(super) fn wait_on(&mut self, thread: ThreadId, fd: Fd, make: impl FnOnce(SocketId) -> Pending) {
        match self.descriptors.get(fd) {
            Ok(id) => self.wait_or_finish(thread, make(id), None),
            Err(errno) => self.finish_call(thread, Err(errno.into())),
        }
    }

    /// Tries a call; keeps it if it would block and may.
    pub(super) fn wait_or_finish(
        &mut self,
        thread: ThreadId,
        mut pending: Pending,
        deadline: Option<Instant>,
    ) {
        let deadline = deadline.or_else(|| Some(self.now + self.time_limit(&pending)?));
        if let Some(result) = self.attempt(thread, &mut pending) {
            self.finish_call(thread, result);
        } else if self.may_wait(&pending) {
            for id in pending.holds() {
                if let Some(socket) = self.sockets.get_mut(&id) {
                    socket.references += 1;
                }
            }
            self.blocked.push(Blocked { thread, pending, deadline });
        } else {
            let result = self.cut_short(pending, Errno::EAGAIN);
            self.finish_call(thread, result);
        }
    }

    /// `SO_RCVTIMEO` and `SO_SNDTIMEO`.
    fn time_limit(&self, pending: &Pending) -> Option<Duration> {
        match pending {
            Pending::Accept { id, .. } | Pending::Read { id, .. } => self.sockets.get(id)?.receive_timeout,
            Pending::Connect { id, .. } | Pending::Write { id, .. } => self.sockets.get(id)?.send_timeout,
            Pending::Linger { .. }
            | Pending::Poll { .. }
            | Pending::Select { .. }
            | Pending::Epoll { .. } => None,
        }
    }

    fn may_wait(&self, pending: &Pending) -> bool {
        let (id, flags) = match pending {
            Pending::Accept { id, .. } | Pending::Connect { id, .. } => (id, 0),
            Pending::Read { id, flags, .. } | Pending::Write { id, flags, .. } => (id, *flags),
            Pending::Linger { .. }
            | Pending::Poll { .. }
            | Pending::Select { .. }
            | Pending::Epoll { .. } => return true,
        };
        flags & MSG_DONTWAIT == 0 && self.sockets.get(id).is_some_and(|socket| !socket.nonblocking)
    }

    /// `None` if the call would block.
    fn attempt(&mut self, thread: ThreadId, pending: &mut Pending) -> Option<CallResult> {
        match pending {
            Pending::Accept { id, flags } => self.try_accept(*id, *flags),
            Pending::Connect { id, .. } => self.try_connect(*id),
            Pending::Read { id, count, flags, got } => self.try_read(*id, *count, *flags, got),
            Pending::Write { id, data, written, flags, waited } => {
                self.try_write(thread, *id, data, written, *flags, waited)
            }
            Pending::Linger { id } => self.try_linger(*id),
            Pending::Poll { watched } => self.try_poll(watched),
            Pending::Select { watched } => self.try_select(watched),
            Pending::Epoll { epoll, most } => self.try_epoll(*epoll, *most),
        }
    }

    /// Tries every waiting call again, the one that waits longest first, until none of them gets further.
    pub(crate) fn retry_calls(&mut self) {
        let mut index = 0;
        while index < self.blocked.len() {
            let mut blocked = self.blocked.remove(index);
            match self.attempt(blocked.thread, &mut blocked.pending) {
                None => {
                    self.blocked.insert(index, blocked);
                    index += 1;
                }
                Some(result) => {
                    self.end_call(&blocked, result);
                    index = 0;
                }
            }
        }
        self.flush();
    }

    fn end_call(&mut self, blocked: &Blocked, result: CallResult) {
        self.finish_call(blocked.thread, result);
        for id in blocked.pending.holds() {
            self.release(id);
        }
        self.flush();
    }

    /// The time of a waiting call is over.
    pub(crate) fn end_wait(&mut self, index: usize) {
        let Blocked { thread, pending, .. } = self.blocked.remove(index);
        let holds = pending.holds();
        let result = match pending {
            Pending::Poll { watched } => Ok(Reply::Poll(watched.iter().map(|_| 0).collect())),
            Pending::Select { .. } => Ok(Reply::Select(Selected::default())),
            Pending::Epoll { .. } => Ok(Reply::Epoll(Vec::new())),
            Pending::Connect { in_progress, .. } => Err(in_progress.into()),
            Pending::Accept { .. }
            | Pending::Read { .. }
            | Pending::Write { .. }
            | Pending::Linger { .. } => self.cut_short(pending, Errno::EAGAIN),
        };
        self.finish_call(thread, result);
        for id in holds {
            self.release(id);
        }
        self.flush();
    }

    /// A signal arrived for a thread; `restart` if its handler wants calls to go on. Those that wait for events do not,
    /// nor those that wait for a limited time.
    pub(crate) fn interrupt_call(&mut self, thread: ThreadId, restart: bool) {
        let Some(index) = self.blocked.iter().position(|blocked| blocked.thread == thread) else {
            return;
        };
        let restarts = self.blocked.get(index).is_some_and(|blocked| match &blocked.pending {
            Pending::Accept { .. } | Pending::Connect { .. } | Pending::Write { .. } => {
                blocked.deadline.is_none()
            }
            Pending::Read { got, .. } => blocked.deadline.is_none() && got.is_empty(),
            Pending::Linger { .. }
            | Pending::Poll { .. }
            | Pending::Select { .. }
            | Pending::Epoll { .. } => false,
        });
        if restart && restarts {
            return;
        }
        let Blocked { pending, .. } = self.blocked.remove(index);
        let holds = pending.holds();
        let result = self.cut_short(pending, Errno::EINTR);
        self.finish_call(thread, result);
        for id in holds {
            self.release(id);
        }
    }

    /// What a call returns that has to stop waiting: what it has, else an error.
    fn cut_short(&mut self, pending: Pending, errno: Errno) -> CallResult {
        match pending {
            Pending::Read { got, .. } if !got.is_empty() => Ok(Reply::Data(got)),
            Pending::Write { written, .. } if written > 0 => Ok(Reply::Value(written as i64)),
            Pending::Linger { id } => {
                self.orphan(id);
                Ok(Reply::Value(0))
            }
            Pending::Accept { .. }
            | Pending::Connect { .. }
            | Pending::Read { .. }
            | Pending::Write { .. }
            | Pending::Poll { .. }
            | Pending::Select { .. }
            | Pending::Epoll { .. } => Err(errno.into()),
        }
    }

    fn fcntl(&mut self, fd: Fd, cmd: i32, arg: i64) -> CallResult {
        use super::constants::{F_GETFL, F_SETFL, O_RDWR};
        let id = self.descriptors.get(fd)?;
        let socket = self.sockets.get_mut(&id).ok_or(Errno::EBADF)?;
        match cmd {
            F_GETFL => Ok(Reply::Value(i64::from(O_RDWR | if socket.nonblocking { O_NONBLOCK } else { 0 }))),
            F_SETFL => {
                socket.nonblocking = arg & i64::from(O_NONBLOCK) != 0;
                Ok(Reply::Value(0))
            }
            _ => Err(Failure::Unsupported("fcntl other than F_GETFL and F_SETFL")),
        }
    }
}
