//! Which descriptor is what.

use alloc::collections::BTreeMap;

use super::SocketId;
use super::epoll::EpollId;
use super::errors::Errno;
use super::pipe::{End, PipeId};
use crate::syscall::Fd;

/// The three standard files are taken.
const FIRST: i32 = 3;
/// The usual limit of a process.
const LIMIT: i32 = 1024;

/// What a descriptor refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum File {
    Socket(SocketId),
    Epoll(EpollId),
    Pipe(PipeId, End),
}

#[derive(Clone, Copy, Debug)]
struct Descriptor {
    file: File,
    close_on_exec: bool,
}

/// The descriptors of the program.
#[derive(Debug, Default)]
pub(crate) struct Descriptors(BTreeMap<Fd, Descriptor>);

impl Descriptors {
    pub(crate) fn file(&self, fd: Fd) -> Result<File, Errno> {
        self.0.get(&fd).map(|descriptor| descriptor.file).ok_or(Errno::EBADF)
    }

    /// The socket that a descriptor refers to.
    pub(crate) fn get(&self, fd: Fd) -> Result<SocketId, Errno> {
        match self.file(fd)? {
            File::Socket(id) => Ok(id),
            File::Epoll(_) | File::Pipe(_, _) => Err(Errno::ENOTSOCK),
        }
    }

    /// Gives out the lowest free number.
    pub(crate) fn insert(&mut self, file: File) -> Result<Fd, Errno> {
        self.insert_from(FIRST, file)
    }

    /// Gives out the lowest free number that is not below `least`.
    pub(crate) fn insert_from(&mut self, least: i32, file: File) -> Result<Fd, Errno> {
        let fd = self.free_from(least.max(FIRST))?;
        self.0.insert(fd, Descriptor { file, close_on_exec: false });
        Ok(fd)
    }

    pub(crate) fn next_free(&self) -> Result<Fd, Errno> {
        self.free_from(FIRST)
    }

    fn free_from(&self, least: i32) -> Result<Fd, Errno> {
        let free = (least..LIMIT).map(Fd).find(|fd| !self.0.contains_key(fd));
        free.ok_or(Errno::EMFILE)
    }

    /// Whether a number is below the limit, so that it could be a descriptor.
    pub(crate) fn is_possible(number: i64) -> bool {
        (0..i64::from(LIMIT)).contains(&number)
    }

    pub(crate) fn closes_on_exec(&self, fd: Fd) -> Result<bool, Errno> {
        self.0.get(&fd).map(|descriptor| descriptor.close_on_exec).ok_or(Errno::EBADF)
    }

    pub(crate) fn close_on_exec(&mut self, fd: Fd, on: bool) {
        if let Some(descriptor) = self.0.get_mut(&fd) {
            descriptor.close_on_exec = on;
        }
    }

    pub(crate) fn remove(&mut self, fd: Fd) -> Result<File, Errno> {
        self.0.remove(&fd).map(|descriptor| descriptor.file).ok_or(Errno::EBADF)
    }

    /// Whether any descriptor refers to this.
    pub(crate) fn refer_to(&self, file: File) -> bool {
        self.0.values().any(|other| other.file == file)
    }
}
