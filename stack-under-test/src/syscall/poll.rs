//! `poll`.

use alloc::vec::Vec;
use core::time::Duration;

use super::constants::{POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRNORM};
use super::dispatch::{CallResult, Pending};
use super::{Fd, Reply, ThreadId};
use crate::socket::{SocketId, Tcp};
use crate::stack::Stack;

const READABLE: i16 = POLLIN | POLLRDNORM;
const WRITABLE: i16 = POLLOUT | POLLWRNORM;

/// A descriptor under `poll`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watched {
    /// `None` for a descriptor that is not open, or that is negative and so ignored.
    pub(super) id: Option<SocketId>,
    ignored: bool,
    events: i16,
}

impl Stack {
    pub(super) fn start_poll(&mut self, thread: ThreadId, fds: &[(Fd, i16)], timeout: Option<Duration>) {
        let watched: Vec<Watched> = fds
            .iter()
            .map(|&(fd, events)| Watched { id: self.descriptors.get(fd).ok(), ignored: fd.0 < 0, events })
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
        let events = |watched: &Watched| match watched.id {
            None if watched.ignored => 0,
            None => POLLNVAL,
            Some(id) => self.events(id) & (watched.events | POLLERR | POLLHUP),
        };
        watched.iter().map(events).collect()
    }

    /// As Linux's `tcp_poll`.
    fn events(&self, id: SocketId) -> i16 {
        let Some(socket) = self.sockets.get(&id) else {
            return POLLNVAL;
        };
        let (read_shut, write_shut, readable, writable, closed) = match &socket.tcp {
            Tcp::Listen(listen) => return if listen.queue.is_empty() { 0 } else { READABLE },
            Tcp::SynSent(_) | Tcp::SynReceived(_) => (false, false, false, false, false),
            Tcp::Closed(remains) => {
                (remains.read_shut, remains.write_shut, !remains.unread.is_empty(), true, true)
            }
            Tcp::Synchronized(connection) => (
                connection.read_closed(),
                connection.write_closed(),
                connection.unread() > 0,
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
        if writable {
            events |= WRITABLE;
        }
        if socket.error.is_some() {
            events |= POLLERR;
        }
        events
    }
}
