//! `epoll`.

use alloc::vec::Vec;
use core::time::Duration;

use super::constants::{
    EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLERR, EPOLLET, EPOLLEXCLUSIVE, EPOLLHUP, EPOLLIN,
    EPOLLONESHOT, EPOLLOUT, EPOLLWAKEUP,
};
use super::dispatch::{CallResult, Pending};
use super::{Fd, Reply, ThreadId};
use crate::socket::epoll::{Activity, Epoll, EpollId, Interest, Item};
use crate::socket::errors::Errno;
use crate::socket::table::File;
use crate::stack::Stack;

const DONE: CallResult = Ok(Reply::Value(0));
/// What is no event.
const PRIVATE: u32 = EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP;
const ALWAYS: u32 = EPOLLERR | EPOLLHUP;
/// What may stand beside `EPOLLEXCLUSIVE`.
const WITH_EXCLUSIVE: u32 = EPOLLIN | EPOLLOUT | ALWAYS | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;
/// How deep lists may lie in one another.
const NESTS: usize = 4;

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
            File::Socket(_) | File::Pipe(_, _) => Err(Errno::EINVAL),
        }
    }

    pub(super) fn epoll_ctl(&mut self, ep: Fd, operation: i32, fd: Fd, interest: Interest) -> CallResult {
        let list = self.descriptors.file(ep)?;
        let file = self.descriptors.file(fd)?;
        let id = self.epoll_of(ep)?;
        if file == list {
            return Err(Errno::EINVAL.into());
        }
        let exclusive = interest.events & EPOLLEXCLUSIVE != 0;
        match (operation, file) {
            (EPOLL_CTL_MOD, _) | (EPOLL_CTL_ADD, File::Epoll(_)) if exclusive => {
                return Err(Errno::EINVAL.into());
            }
            (EPOLL_CTL_ADD, _) if exclusive && interest.events & !WITH_EXCLUSIVE != 0 => {
                return Err(Errno::EINVAL.into());
            }
            (EPOLL_CTL_ADD, File::Epoll(inner)) if self.depth(inner, id) > NESTS => {
                return Err(Errno::ELOOP.into());
            }
            (_, _) => {}
        }
        let seen = self.activity(file).ok_or(Errno::EBADF)?;
        let events = interest.events | ALWAYS;
        let ready = self.wanted(file, events) != 0;
        let item = Item { interest: Interest { events, ..interest }, ready, seen };
        let items = &mut self.epolls.get_mut(&id).ok_or(Errno::EBADF)?.items;
        let key = (fd, file);
        match (operation, items.contains_key(&key)) {
            (EPOLL_CTL_ADD, true) => return Err(Errno::EEXIST.into()),
            (EPOLL_CTL_DEL | EPOLL_CTL_MOD, false) => return Err(Errno::ENOENT.into()),
            (EPOLL_CTL_MOD, true)
                if items.get(&key).is_some_and(|item| item.interest.events & EPOLLEXCLUSIVE != 0) =>
            {
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

    /// How many lists lie in one another below this one; more than there may be if one of them is `outer`.
    fn depth(&self, inner: EpollId, outer: EpollId) -> usize {
        if inner == outer {
            return NESTS + 1;
        }
        let items = self.epolls.get(&inner).into_iter().flat_map(|epoll| epoll.items.keys());
        let deepest = items.filter_map(|(_, file)| match file {
            File::Epoll(id) => Some(self.depth(*id, outer)),
            File::Socket(_) | File::Pipe(_, _) => None,
        });
        deepest.max().map_or(1, |depth| depth + 1)
    }

    fn activity(&self, file: File) -> Option<Activity> {
        match file {
            File::Socket(id) => Some(Activity::of(&self.env(), self.sockets.get(&id)?)),
            File::Epoll(id) => Some(Activity::of_list(self.epolls.get(&id)?)),
            File::Pipe(id, _) => Some(Activity::of_pipe(self.pipes.get(&id)?)),
        }
    }

    /// Whether `epoll_wait` on this list would report something.
    pub(super) fn has_ready(&self, id: EpollId) -> bool {
        let mut items = self.epolls.get(&id).into_iter().flat_map(|epoll| &epoll.items);
        items.any(|((_, file), item)| {
            let events = item.interest.events;
            let level = events & (EPOLLET | EPOLLONESHOT) == 0;
            (item.ready || level) && self.wanted(*file, events) != 0
        })
    }

    /// Which of the events asked for there are.
    fn wanted(&self, file: File, events: u32) -> u32 {
        u32::from(self.file_events(file).cast_unsigned()) & events & !PRIVATE
    }

    /// After something happened: notes of which descriptors those who wait would be told.
    pub(crate) fn wake_epolls(&mut self) {
        // A list in a list hears of it when the inner one has: as often as lists can lie in one another.
        for _ in 0..=NESTS {
            if !self.wake_lists() {
                return;
            }
        }
    }

    /// Whether anything that some list watches changed.
    fn wake_lists(&mut self) -> bool {
        let mut changed = false;
        let ids: Vec<EpollId> = self.epolls.keys().copied().collect();
        for id in ids {
            let Some(mut items) = self.epolls.get(&id).map(|epoll| epoll.items.clone()) else { continue };
            let mut woken = 0;
            for ((_, file), item) in &mut items {
                let Some(now) = self.activity(*file).filter(|now| *now != item.seen) else { continue };
                let told = u32::from(now.since(item.seen).cast_unsigned());
                let tells = told & item.interest.events & !PRIVATE != 0;
                item.ready |= tells;
                item.seen = now;
                woken += u64::from(tells);
                changed = true;
            }
            if let Some(epoll) = self.epolls.get_mut(&id) {
                epoll.items = items;
                epoll.woken += woken;
            }
        }
        changed
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
        let mut items = self.epolls.get(&id)?.items.clone();
        let mut found = Vec::new();
        for ((_, file), item) in &mut items {
            let Interest { events, data } = item.interest;
            let level = events & (EPOLLET | EPOLLONESHOT) == 0;
            if found.len() == most || !(item.ready || level) {
                continue;
            }
            item.ready = false;
            let there = self.wanted(*file, events);
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
        self.epolls.get_mut(&id)?.items = items;
        if found.is_empty() { None } else { Some(Ok(Reply::Epoll(found))) }
    }

    /// What a descriptor referred to is gone, or its last descriptor is.
    pub(crate) fn unwatch(&mut self, file: File) {
        for epoll in self.epolls.values_mut() {
            epoll.items.retain(|(_, watched), _| *watched != file);
        }
    }
}
