//! `epoll`.

use alloc::vec::Vec;
use core::time::Duration;

use super::constants::{
    EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLERR, EPOLLET, EPOLLEXCLUSIVE, EPOLLHUP, EPOLLONESHOT,
};
use super::dispatch::{CallResult, Pending};
use super::{Failure, Fd, Reply, ThreadId};
use crate::socket::SocketId;
use crate::socket::epoll::{Activity, Epoll, EpollId, Interest, Item};
use crate::socket::errors::Errno;
use crate::socket::table::File;
use crate::stack::Stack;

const DONE: CallResult = Ok(Reply::Value(0));
/// What is no event.
const PRIVATE: u32 = EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE;
const ALWAYS: u32 = EPOLLERR | EPOLLHUP;

impl Stack {
    pub(super) fn epoll_create(&mut self, size: i32) -> CallResult {
        if size <= 0 {
            return Err(Errno::EINVAL.into());
        }
        let id = EpollId(self.next_epoll);
        let fd = self.descriptors.insert(File::Epoll(id))?;
        self.next_epoll += 1;
        self.epolls.insert(id, Epoll::default());
        Ok(Reply::Value(i64::from(fd.0)))
    }

    fn epoll_of(&self, fd: Fd) -> Result<EpollId, Errno> {
        match self.descriptors.file(fd)? {
            File::Epoll(id) => Ok(id),
            File::Socket(_) => Err(Errno::EINVAL),
        }
    }

    pub(super) fn epoll_ctl(&mut self, ep: Fd, operation: i32, fd: Fd, interest: Interest) -> CallResult {
        self.descriptors.file(ep)?;
        let socket = match self.descriptors.file(fd)? {
            File::Socket(id) => id,
            File::Epoll(_) if ep == fd => return Err(Errno::EINVAL.into()),
            File::Epoll(_) => return Err(Failure::Unsupported("an epoll descriptor in an interest list")),
        };
        let id = self.epoll_of(ep)?;
        let seen = self.activity(socket).ok_or(Errno::EBADF)?;
        let events = interest.events | ALWAYS;
        let ready = self.wanted(socket, events) != 0;
        let item = Item { interest: Interest { events, ..interest }, ready, seen };
        let items = &mut self.epolls.get_mut(&id).ok_or(Errno::EBADF)?.items;
        let key = (fd, socket);
        match (operation, items.contains_key(&key)) {
            (EPOLL_CTL_ADD, true) => return Err(Errno::EEXIST.into()),
            (EPOLL_CTL_DEL | EPOLL_CTL_MOD, false) => return Err(Errno::ENOENT.into()),
            (EPOLL_CTL_MOD, true) if interest.events & EPOLLEXCLUSIVE != 0 => {
                return Err(Errno::EINVAL.into());
            }
            (EPOLL_CTL_ADD, false) | (EPOLL_CTL_MOD, true) => {
                items.insert(key, item);
            }
            (EPOLL_CTL_DEL, true) => {
                items.remove(&key);
            }
            (_, _) => return Err(Errno::EINVAL.into()),
        }
        DONE
    }

    fn activity(&self, id: SocketId) -> Option<Activity> {
        Some(Activity::of(&self.env(), self.sockets.get(&id)?))
    }

    /// Which of the events asked for there are.
    fn wanted(&self, id: SocketId, events: u32) -> u32 {
        u32::from(self.events(id).cast_unsigned()) & events & !PRIVATE
    }

    /// After something happened: notes of which sockets those who wait would be told.
    pub(crate) fn wake_epolls(&mut self) {
        let mut epolls = core::mem::take(&mut self.epolls);
        for ((_, socket), item) in epolls.values_mut().flat_map(|epoll| epoll.items.iter_mut()) {
            let Some(now) = self.activity(*socket) else { continue };
            let told = u32::from(now.since(item.seen).cast_unsigned());
            item.ready |= told & item.interest.events & !PRIVATE != 0;
            item.seen = now;
        }
        self.epolls = epolls;
    }

    pub(super) fn start_epoll(&mut self, thread: ThreadId, ep: Fd, most: i32, timeout: Option<Duration>) {
        let most = usize::try_from(most).ok().filter(|most| *most > 0).ok_or(Errno::EINVAL);
        let (most, epoll) = match most.and_then(|most| Ok((most, self.epoll_of(ep)?))) {
            Ok(both) => both,
            Err(errno) => {
                let errno = self.descriptors.file(ep).err().unwrap_or(errno);
                return self.finish_call(thread, Err(errno.into()));
            }
        };
        if timeout.is_some_and(|timeout| timeout.is_zero()) {
            let result = self.try_epoll(epoll, most).unwrap_or(Ok(Reply::Epoll(Vec::new())));
            return self.finish_call(thread, result);
        }
        let deadline = timeout.map(|timeout| self.now + timeout);
        self.wait_or_finish(thread, Pending::Epoll { epoll, most }, deadline);
    }

    /// What is ready, looked at anew. What is watched by its edges is reported once for each that came.
    pub(super) fn try_epoll(&mut self, id: EpollId, most: usize) -> Option<CallResult> {
        self.wake_epolls();
        let mut epoll = self.epolls.remove(&id)?;
        let mut found = Vec::new();
        for ((_, socket), item) in &mut epoll.items {
            let Interest { events, data } = item.interest;
            let level = events & (EPOLLET | EPOLLONESHOT) == 0;
            if found.len() == most || !(item.ready || level) {
                continue;
            }
            item.ready = false;
            let there = self.wanted(*socket, events);
            if there == 0 {
                continue;
            }
            found.push((there, data));
            if events & EPOLLONESHOT != 0 {
                item.interest.events &= PRIVATE;
            } else {
                item.ready = events & EPOLLET == 0;
            }
        }
        self.epolls.insert(id, epoll);
        if found.is_empty() { None } else { Some(Ok(Reply::Epoll(found))) }
    }

    /// A socket is gone, or its last descriptor is.
    pub(crate) fn unwatch(&mut self, id: SocketId) {
        for epoll in self.epolls.values_mut() {
            epoll.items.retain(|(_, socket), _| *socket != id);
        }
    }

    pub(super) fn close_epoll(&mut self, id: EpollId) {
        let waited = self.blocked.iter().any(|blocked| blocked.waits_for(id));
        if !waited && !self.descriptors.refer_to(File::Epoll(id)) {
            self.epolls.remove(&id);
        }
    }
}
