//! From a call to its return, at once or later.

use alloc::vec::Vec;
use core::time::Duration;

use super::constants::MSG_DONTWAIT;
use super::message::{Reading, Writing};
use super::poll::Watched;
use super::splice::{SpliceIn, SpliceOut};
use super::{Failure, Reply, Room, Selected, Syscall, ThreadId};
use crate::socket::SocketId;
use crate::socket::epoll::{EpollId, Interest};
use crate::socket::errors::Errno;
use crate::socket::pipe::{End, PipeId};
use crate::socket::table::File;
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
        reading: Reading,
    },
    Write {
        id: SocketId,
        writing: Writing,
    },
    PipeRead {
        pipe: PipeId,
        room: Room,
    },
    PipeWrite {
        pipe: PipeId,
        data: Vec<u8>,
        written: usize,
    },
    SpliceIn(SpliceIn),
    SpliceOut(SpliceOut),
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
    /// What the call keeps open.
    fn holds(&self) -> Vec<File> {
        match self {
            Self::Accept { id, .. }
            | Self::Connect { id, .. }
            | Self::Read { id, .. }
            | Self::Write { id, .. } => [File::Socket(*id)].into(),
            Self::PipeRead { pipe, .. } => [File::Pipe(*pipe, End::Read)].into(),
            Self::PipeWrite { pipe, .. } => [File::Pipe(*pipe, End::Write)].into(),
            Self::SpliceIn(splice) => [File::Socket(splice.id), File::Pipe(splice.pipe, End::Write)].into(),
            Self::SpliceOut(splice) => [File::Socket(splice.id), File::Pipe(splice.pipe, End::Read)].into(),
            Self::Linger { .. } => Vec::new(),
            Self::Poll { watched } => watched.iter().filter_map(|watched| watched.file).collect(),
            Self::Select { watched } => watched.iter().flatten().filter_map(|watched| watched.file).collect(),
            Self::Epoll { epoll, .. } => [File::Epoll(*epoll)].into(),
        }
    }

    /// Whether a signal handler that restarts calls restarts this one: not one that waits for events, or has begun.
    fn restarts(&self) -> bool {
        match self {
            Self::Accept { .. }
            | Self::Connect { .. }
            | Self::Write { .. }
            | Self::PipeRead { .. }
            | Self::PipeWrite { .. }
            | Self::SpliceIn(_)
            | Self::SpliceOut(_) => true,
            Self::Read { reading, .. } => reading.got.is_empty(),
            Self::Linger { .. } | Self::Poll { .. } | Self::Select { .. } | Self::Epoll { .. } => false,
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
    pub(crate) fn writes_to(&self, socket: SocketId) -> bool {
        matches!(&self.pending, Pending::Write { id, writing } if *id == socket && writing.awaits_peer)
    }
}

impl Stack {
    pub(crate) fn start_call(&mut self, thread: ThreadId, call: Syscall) {
        let result = match call {
            Syscall::Socket { domain, kind, protocol } => self.socket(domain, kind, protocol),
            Syscall::Bind { fd, addr } => self.bind(fd, &addr),
            Syscall::Listen { fd, backlog } => self.listen(fd, backlog),
            Syscall::Shutdown { fd, how } => self.shutdown(fd, how),
            Syscall::Dup { fd } => self.dup(fd),
            Syscall::Getsockname { fd } => self.getsockname(fd),
            Syscall::Getpeername { fd } => self.getpeername(fd),
            Syscall::Setsockopt { fd, level, name, value } => self.setsockopt(fd, level, name, &value),
            Syscall::Getsockopt { fd, level, name, room } => self.getsockopt(fd, level, name, room),
            Syscall::Fcntl { fd, cmd, arg } => self.fcntl(fd, cmd, arg),
            Syscall::Ioctl { fd, request, argument } => self.ioctl(fd, request, argument),
            Syscall::Pipe => self.pipe(),
            Syscall::Accept { fd, flags } => return self.start_accept(thread, fd, flags),
            Syscall::Connect { fd, addr } => return self.start_connect(thread, fd, &addr),
            Syscall::Read { fd, room } => return self.start_read(thread, fd, room),
            Syscall::Recv { fd, room, flags } => {
                return self.start_recv(thread, fd, Reading::new(room, flags));
            }
            Syscall::Recvmsg { fd, room, control, flags } => {
                return self.start_recv(thread, fd, Reading::with_control(room, flags, control));
            }
            Syscall::Write { fd, data } => return self.start_write(thread, fd, data),
            Syscall::Send { fd, data, flags } => {
                return self.start_send(thread, fd, Writing::new(data, flags), None);
            }
            Syscall::Sendmsg { fd, data, name, control, flags } => {
                let writing = Writing { control, ..Writing::new(data, flags) };
                return self.start_send(thread, fd, writing, name.as_ref());
            }
            Syscall::Sendfile { fd, data } => return self.start_sendfile(thread, fd, data),
            Syscall::Splice { from, to, count, flags } => {
                return self.start_splice(thread, (from, to), count, flags);
            }
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

    /// Tries a call; keeps it if it would block and may.
    pub(super) fn wait_or_finish(
        &mut self,
        thread: ThreadId,
        mut pending: Pending,
        deadline: Option<Instant>,
    ) {
        let limit = self.time_limit(&pending);
        let deadline = deadline.or_else(|| Some(self.now + limit?));
        if let Some(result) = self.attempt(thread, &mut pending) {
            self.finish_call(thread, result);
        } else if self.may_wait(&pending) && limit != Some(Duration::ZERO) {
            for file in pending.holds() {
                if let File::Socket(id) = file
                    && let Some(socket) = self.sockets.get_mut(&id)
                {
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
            Pending::Accept { id, .. }
            | Pending::Read { id, .. }
            | Pending::SpliceIn(SpliceIn { id, .. }) => self.sockets.get(id)?.receive_timeout,
            Pending::Connect { id, .. }
            | Pending::Write { id, .. }
            | Pending::SpliceOut(SpliceOut { id, .. }) => self.sockets.get(id)?.send_timeout,
            Pending::PipeRead { .. }
            | Pending::PipeWrite { .. }
            | Pending::Linger { .. }
            | Pending::Poll { .. }
            | Pending::Select { .. }
            | Pending::Epoll { .. } => None,
        }
    }

    fn may_wait(&self, pending: &Pending) -> bool {
        let blocks = |id: &SocketId| self.sockets.get(id).is_some_and(|socket| !socket.nonblocking);
        let of_pipe = |pipe: &PipeId| self.pipes.get(pipe);
        match pending {
            Pending::Accept { id, .. } | Pending::Connect { id, .. } => blocks(id),
            Pending::Read { id, reading } => reading.flags & MSG_DONTWAIT == 0 && blocks(id),
            Pending::Write { id, writing } => writing.flags & MSG_DONTWAIT == 0 && blocks(id),
            Pending::PipeRead { pipe, .. } => of_pipe(pipe).is_some_and(|pipe| !pipe.nonblocking_read),
            Pending::PipeWrite { pipe, .. } => of_pipe(pipe).is_some_and(|pipe| !pipe.nonblocking_write),
            // Which of the two ends makes it wait decides.
            Pending::SpliceIn(splice) => match of_pipe(&splice.pipe) {
                Some(pipe) if pipe.is_full() => !splice.nonblocking,
                Some(_) | None => blocks(&splice.id),
            },
            Pending::SpliceOut(splice) => match of_pipe(&splice.pipe) {
                Some(pipe) if pipe.len() == 0 => !splice.nonblocking,
                Some(_) | None => blocks(&splice.id),
            },
            Pending::Linger { .. }
            | Pending::Poll { .. }
            | Pending::Select { .. }
            | Pending::Epoll { .. } => true,
        }
    }

    /// `None` if the call would block.
    fn attempt(&mut self, thread: ThreadId, pending: &mut Pending) -> Option<CallResult> {
        match pending {
            Pending::Accept { id, flags } => self.try_accept(*id, *flags),
            Pending::Connect { id, .. } => self.try_connect(*id),
            Pending::Read { id, reading } => self.try_read(*id, reading),
            Pending::Write { id, writing } => self.try_write(thread, *id, writing),
            Pending::PipeRead { pipe, room } => self.try_pipe_read(*pipe, *room),
            Pending::PipeWrite { pipe, data, written } => self.try_pipe_write(thread, *pipe, data, written),
            Pending::SpliceIn(splice) => self.try_splice_in(thread, splice),
            Pending::SpliceOut(splice) => self.try_splice_out(thread, splice),
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
        self.let_go(blocked.pending.holds());
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
            | Pending::PipeRead { .. }
            | Pending::PipeWrite { .. }
            | Pending::SpliceIn(_)
            | Pending::SpliceOut(_)
            | Pending::Linger { .. } => self.cut_short(pending, Errno::EAGAIN),
        };
        self.finish_call(thread, result);
        self.let_go(holds);
        self.flush();
    }

    /// A signal arrived for a thread; `restart` if its handler wants calls to go on. Those that wait for events do not,
    /// nor those that wait for a limited time.
    pub(crate) fn interrupt_call(&mut self, thread: ThreadId, restart: bool) {
        let Some(index) = self.blocked.iter().position(|blocked| blocked.thread == thread) else {
            return;
        };
        let restarts = self
            .blocked
            .get(index)
            .is_some_and(|blocked| blocked.deadline.is_none() && blocked.pending.restarts());
        if restart && restarts {
            return;
        }
        let Blocked { pending, .. } = self.blocked.remove(index);
        let holds = pending.holds();
        let result = self.cut_short(pending, Errno::EINTR);
        self.finish_call(thread, result);
        self.let_go(holds);
    }

    /// What a call returns that has to stop waiting: what it has, else an error.
    fn cut_short(&mut self, pending: Pending, errno: Errno) -> CallResult {
        let moved = |count: usize| Ok(Reply::Value(count as i64));
        if let Pending::Write { id, writing } = &pending
            && let Some(socket) = self.sockets.get_mut(id)
        {
            socket.end_loan(writing.loan);
        }
        match pending {
            Pending::Read { id, mut reading } if !reading.got.is_empty() => Ok(self.give(id, &mut reading)),
            Pending::Write { writing: Writing { opening: Some(_), .. }, .. } if errno == Errno::EINTR => {
                Err(errno.into())
            }
            Pending::Write { writing, .. } if writing.written > 0 => moved(writing.written),
            Pending::Write { writing: Writing { opening: Some(in_progress), .. }, .. } => {
                Err(in_progress.into())
            }
            Pending::PipeWrite { written, .. } if written > 0 => moved(written),
            Pending::SpliceOut(splice) => match self.finish_splice(&splice) {
                0 => Err(errno.into()),
                count => moved(count),
            },
            Pending::Linger { id } => {
                self.orphan(id);
                Ok(Reply::Value(0))
            }
            Pending::Accept { .. }
            | Pending::Connect { .. }
            | Pending::Read { .. }
            | Pending::Write { .. }
            | Pending::PipeRead { .. }
            | Pending::PipeWrite { .. }
            | Pending::SpliceIn(_)
            | Pending::Poll { .. }
            | Pending::Select { .. }
            | Pending::Epoll { .. } => Err(errno.into()),
        }
    }

    /// A call has returned: what only it kept open is closed.
    fn let_go(&mut self, files: Vec<File>) {
        for file in files {
            match file {
                File::Socket(id) => self.release(id),
                File::Epoll(_) | File::Pipe(_, _) => self.close_unheld(file),
            }
        }
    }

    /// Whether a call that waits keeps this open.
    pub(super) fn is_waited_for(&self, file: File) -> bool {
        self.blocked.iter().any(|blocked| blocked.pending.holds().contains(&file))
    }
}
