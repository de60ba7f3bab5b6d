//! Which descriptor is what.

use alloc::collections::BTreeMap;

use super::SocketId;
use super::epoll::EpollId;
use super::errors::Errno;
use crate::syscall::Fd;

/// The three standard files are taken.
const FIRST: i32 = 3;
/// The usual limit of a process.
const LIMIT: i32 = 1024;

/// What a descriptor refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum File {
    Socket(SocketId),
    Epoll(EpollId),
}

/// The descriptors of the program.
#[derive(Debug, Default)]
pub(crate) struct Descriptors(BTreeMap<Fd, File>);

impl Descriptors {
    pub(crate) fn file(&self, fd: Fd) -> Result<File, Errno> {
        self.0.get(&fd).copied().ok_or(Errno::EBADF)
    }

    /// The socket that a descriptor refers to.
    pub(crate) fn get(&self, fd: Fd) -> Result<SocketId, Errno> {
        match self.file(fd)? {
            File::Socket(id) => Ok(id),
            File::Epoll(_) => Err(Errno::ENOTSOCK),
        }
    }

    /// Gives out the lowest free number.
    pub(crate) fn insert(&mut self, file: File) -> Result<Fd, Errno> {
        let fd = self.next_free()?;
        self.0.insert(fd, file);
        Ok(fd)
    }

    pub(crate) fn next_free(&self) -> Result<Fd, Errno> {
        let free = (FIRST..LIMIT).map(Fd).find(|fd| !self.0.contains_key(fd));
        free.ok_or(Errno::EMFILE)
    }

    pub(crate) fn remove(&mut self, fd: Fd) -> Result<File, Errno> {
        self.0.remove(&fd).ok_or(Errno::EBADF)
    }

    /// Whether any descriptor refers to this.
    pub(crate) fn refer_to(&self, file: File) -> bool {
        self.0.values().any(|other| *other == file)
    }
}
