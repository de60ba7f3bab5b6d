//! `poll`.

use alloc::vec::Vec;
use core::time::Duration;

use super::constants::{
    POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLPRI, POLLRDBAND, POLLRDHUP, POLLRDNORM, POLLWRBAND,
    POLLWRNORM,
};
use super::dispatch::{CallResult, Pending};
use super::{Fd, Reply, Selected, ThreadId};
use crate::socket::pipe::End;
use crate::socket::table::File;
use crate::socket::{SocketId, Tcp};
use crate::stack::Stack;
use crate::tcp::connection::Connection;

const READABLE: i16 = POLLIN | POLLRDNORM;
const WRITABLE: i16 = POLLOUT | POLLWRNORM;
/// What `select` takes for readable, and for writable.
const SELECT_READ: i16 = READABLE | POLLRDBAND | POLLHUP | POLLERR;
const SELECT_WRITE: i16 = WRITABLE | POLLWRBAND | POLLERR;

/// A descriptor under `poll`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watched {
    fd: Fd,
    /// `None` for a descriptor that is not open, or that is negative and so ignored.
    pub(super) file: Option<File>,
    ignored: bool,
    events: i16,
}

impl Stack {
    pub(super) fn start_poll(&mut self, thread: ThreadId, fds: &[(Fd, i16)], timeout: Option<Duration>) {
        let watched: Vec<Watched> = fds
            .iter()
            .map(|&(fd, events)| Watched {
                fd,
                file: self.descriptors.file(fd).ok(),
                ignored: fd.0 < 0,
                events,
            })
            .collect();
        if timeout.is_some_and(|timeout| timeout.is_zero()) {
            let events = self.ready(&watched);
            return self.finish_call(thread, Ok(Reply::Poll(events)));
        }
        let deadline = timeout.map(|timeout| self.now + timeout);
        self.wait_or_finish(thread, Pending::Poll { watched }, deadline);
    }

    pub(super) fn try_poll(&mut self, watched: &[Watched]) -> Option<CallResult> {
        let ready = self.ready(watched);
        if ready.iter().any(|events| *events != 0) { Some(Ok(Reply::Poll(ready))) } else { None }
    }

    fn ready(&self, watched: &[Watched]) -> Vec<i16> {
        let events = |watched: &Watched| match watched.file {
            None if watched.ignored => 0,
            None => POLLNVAL,
            Some(file) => self.file_events(file) & (watched.events | POLLERR | POLLHUP),
        };
        watched.iter().map(events).collect()
    }

    pub(super) fn start_select(&mut self, thread: ThreadId, sets: [&[Fd]; 3], timeout: Option<Duration>) {
        let mut watched = [Vec::new(), Vec::new(), Vec::new()];
        for ((set, watched), events) in
            sets.into_iter().zip(&mut watched).zip([SELECT_READ, SELECT_WRITE, POLLPRI])
        {
            for fd in set {
                match self.descriptors.file(*fd) {
                    Ok(file) => watched.push(Watched { fd: *fd, file: Some(file), ignored: false, events }),
                    Err(errno) => return self.finish_call(thread, Err(errno.into())),
                }
            }
        }
        if timeout.is_some_and(|timeout| timeout.is_zero()) {
            let result = self.try_select(&watched).unwrap_or(Ok(Reply::Select(Selected::default())));
            return self.finish_call(thread, result);
        }
        let deadline = timeout.map(|timeout| self.now + timeout);
        self.wait_or_finish(thread, Pending::Select { watched }, deadline);
    }

    pub(super) fn try_select(&self, watched: &[Vec<Watched>; 3]) -> Option<CallResult> {
        let ready = |set: &Vec<Watched>| -> Vec<Fd> {
            let is_ready = |watched: &&Watched| {
                watched.file.is_some_and(|file| self.file_events(file) & watched.events != 0)
            };
            set.iter().filter(is_ready).map(|watched| watched.fd).collect()
        };
        let [read, write, except] = watched;
        let found = Selected { read: ready(read), write: ready(write), except: ready(except) };
        if found == Selected::default() { None } else { Some(Ok(Reply::Select(found))) }
    }

    /// What there is to be told of a descriptor.
    pub(super) fn file_events(&self, file: File) -> i16 {
        match file {
            File::Socket(id) => self.events(id),
            File::Epoll(id) => {
                if self.has_ready(id) {
                    READABLE
                } else {
                    0
                }
            }
            File::Pipe(id, end) => {
                let Some(pipe) = self.pipes.get(&id) else { return POLLNVAL };
                let (ready, gone) = match end {
                    End::Read => (
                        if pipe.len() > 0 { READABLE } else { 0 },
                        if pipe.write_closed { POLLHUP } else { 0 },
                    ),
                    End::Write => (
                        if pipe.is_full() { 0 } else { WRITABLE },
                        if pipe.read_closed { POLLERR } else { 0 },
                    ),
                };
                ready | gone
            }
        }
    }

    /// As Linux's `tcp_poll`.
    fn events(&self, id: SocketId) -> i16 {
        let Some(socket) = self.sockets.get(&id) else {
            return POLLNVAL;
        };
        let (read_shut, write_shut, readable, writable, closed) = match &socket.tcp {
            Tcp::Listen(listen) => return if listen.queue.is_empty() { 0 } else { READABLE },
            Tcp::SynSent(open) if open.deferred => (false, false, false, true, false),
            Tcp::SynSent(_) | Tcp::SynReceived(_) => {
                (socket.shut_early.0, socket.shut_early.1, false, false, false)
            }
            Tcp::Closed(remains) => {
                (remains.read_shut, remains.write_shut, !remains.unread.is_empty(), true, true)
            }
            Tcp::Synchronized(connection) => (
                connection.read_closed(),
                connection.write_closed(),
                connection.has_unread(socket.receive_low),
                connection.write_closed() || connection.is_writable(&self.env()),
                false,
            ),
        };
        let mut events = 0;
        if closed || (read_shut && write_shut) {
            events |= POLLHUP;
        }
        if read_shut {
            events |= READABLE | POLLRDHUP;
        }
        if readable {
            events |= READABLE;
        }
        if socket.connection().is_some_and(Connection::has_urgent) {
            events |= POLLPRI;
        }
        if writable {
            events |= WRITABLE;
        }
        if socket.error.is_some() || !socket.errors.is_empty() {
            events |= POLLERR;
        }
        events
    }
}
