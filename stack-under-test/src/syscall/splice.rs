//! `splice` between a socket and a pipe, and `sendfile`.

use alloc::vec::Vec;

use super::constants::{MSG_MORE, SPLICE_F_GIFT, SPLICE_F_MORE, SPLICE_F_MOVE, SPLICE_F_NONBLOCK};
use super::dispatch::{CallResult, Pending};
use super::message::{Reading, Writing};
use super::{Failure, Fd, Reply, Room, Signal, ThreadId};
use crate::socket::errors::Errno;
use crate::socket::pipe::{End, PipeId};
use crate::socket::table::File;
use crate::socket::{Socket, SocketId};
use crate::stack::Stack;
use crate::tcp::connection::Connection;

const KNOWN: i32 = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT;

/// From a socket into a pipe.
#[derive(Debug)]
pub(crate) struct SpliceIn {
    pub(super) id: SocketId,
    pub(super) pipe: PipeId,
    count: usize,
    /// It does not wait for room in the pipe.
    pub(super) nonblocking: bool,
}

/// From a pipe to a socket.
#[derive(Debug)]
pub(crate) struct SpliceOut {
    pub(super) id: SocketId,
    pub(super) pipe: PipeId,
    count: usize,
    more: bool,
    /// It does not wait for bytes in the pipe.
    pub(super) nonblocking: bool,
    /// Bytes that are being sent; they leave the pipe when they were taken.
    sending: Option<Writing>,
}

impl Stack {
    pub(super) fn start_splice(&mut self, thread: ThreadId, (from, to): (Fd, Fd), count: usize, flags: i32) {
        match self.splice(from, to, count, flags) {
            Ok(Some(pending)) => self.wait_or_finish(thread, pending, None),
            Ok(None) => self.finish_call(thread, Ok(Reply::Value(0))),
            Err(failure) => self.finish_call(thread, Err(failure)),
        }
    }

    fn splice(&self, from: Fd, to: Fd, count: usize, flags: i32) -> Result<Option<Pending>, Failure> {
        if count == 0 {
            return Ok(None);
        }
        if flags & !KNOWN != 0 {
            return Err(Errno::EINVAL.into());
        }
        let nonblocking = flags & SPLICE_F_NONBLOCK != 0;
        let pipe = |id: PipeId| self.pipes.get(&id).ok_or(Errno::EBADF);
        match (self.descriptors.file(from)?, self.descriptors.file(to)?) {
            (File::Pipe(_, End::Write), _) | (_, File::Pipe(_, End::Read)) => Err(Errno::EBADF.into()),
            (File::Pipe(id, _), File::Pipe(other, _)) if id == other => Err(Errno::EINVAL.into()),
            (File::Pipe(_, _), File::Pipe(_, _)) => Err(Failure::Unsupported("splice between pipes")),
            (File::Socket(id), File::Pipe(target, End::Write)) => {
                let nonblocking = nonblocking || pipe(target)?.nonblocking_write;
                Ok(Some(Pending::SpliceIn(SpliceIn { id, pipe: target, count, nonblocking })))
            }
            (File::Pipe(source, End::Read), File::Socket(id)) => {
                let nonblocking = nonblocking || pipe(source)?.nonblocking_read;
                let more = flags & SPLICE_F_MORE != 0;
                let out = SpliceOut { id, pipe: source, count, more, nonblocking, sending: None };
                Ok(Some(Pending::SpliceOut(out)))
            }
            (File::Socket(_) | File::Epoll(_), _) | (File::Pipe(_, _), File::Epoll(_)) => {
                Err(Errno::EINVAL.into())
            }
        }
    }

    /// Takes what is there, as far as there are buffers.
    pub(super) fn try_splice_in(&mut self, thread: ThreadId, splice: &SpliceIn) -> Option<CallResult> {
        let pipe = self.pipes.get(&splice.pipe)?;
        if pipe.read_closed {
            self.raise(thread, Signal::Sigpipe);
            return Some(Err(Errno::EPIPE.into()));
        }
        if pipe.is_full() {
            return splice.nonblocking.then(|| Err(Errno::EAGAIN.into()));
        }
        let most = splice.count.min(pipe.free());
        let connection = self.sockets.get(&splice.id).and_then(Socket::connection);
        if connection.is_some_and(Connection::stops_at_mark) {
            // It does not pass over the urgent byte, and does not wait there.
            return Some(Ok(Reply::Value(0)));
        }
        let mut reading = Reading::new(Room::from(most), 0);
        match self.try_read(splice.id, &mut reading) {
            Some(Ok(Reply::Data(data))) => {
                let moved = self.pipes.get_mut(&splice.pipe)?.splice(&data);
                Some(Ok(Reply::Value(moved as i64)))
            }
            // Less than `SO_RCVLOWAT` is taken, too.
            None if !reading.got.is_empty() => {
                let moved = self.pipes.get_mut(&splice.pipe)?.splice(&reading.got);
                Some(Ok(Reply::Value(moved as i64)))
            }
            other => other,
        }
    }

    /// Sends what is there, until the pipe is empty.
    pub(super) fn try_splice_out(&mut self, thread: ThreadId, splice: &mut SpliceOut) -> Option<CallResult> {
        if splice.sending.is_none() {
            let pipe = self.pipes.get(&splice.pipe)?;
            let data = pipe.peek(splice.count);
            if data.is_empty() {
                let over = pipe.write_closed.then_some(Ok(Reply::Value(0)));
                return over.or_else(|| splice.nonblocking.then(|| Err(Errno::EAGAIN.into())));
            }
            let flags = if splice.more { MSG_MORE } else { 0 };
            splice.sending = Some(Writing::new(data.into(), flags));
        }
        let result = self.try_write(thread, splice.id, splice.sending.as_mut()?)?;
        self.finish_splice(splice);
        Some(result)
    }

    /// What was sent leaves the pipe; returns how much that is.
    pub(super) fn finish_splice(&mut self, splice: &SpliceOut) -> usize {
        let sent = splice.sending.as_ref().map_or(0, |writing| writing.written);
        if let Some(pipe) = self.pipes.get_mut(&splice.pipe) {
            pipe.read(sent);
        }
        sent
    }

    pub(super) fn start_sendfile(&mut self, thread: ThreadId, fd: Fd, data: Vec<u8>) {
        match self.descriptors.file(fd) {
            Err(errno) => self.finish_call(thread, Err(errno.into())),
            Ok(File::Pipe(_, End::Read)) => self.finish_call(thread, Err(Errno::EBADF.into())),
            Ok(File::Socket(_) | File::Pipe(_, End::Write)) if data.is_empty() => {
                self.finish_call(thread, Ok(Reply::Value(0)));
            }
            Ok(File::Socket(id)) => {
                let writing = Writing::new(data.into(), 0);
                self.wait_or_finish(thread, Pending::Write { id, writing }, None);
            }
            Ok(File::Pipe(_, End::Write)) => {
                self.finish_call(thread, Err(Failure::Unsupported("sendfile to a pipe")));
            }
            Ok(File::Epoll(_)) => self.finish_call(thread, Err(Errno::EINVAL.into())),
        }
    }
}
