//! Which descriptor is which socket.

use alloc::collections::BTreeMap;

use super::SocketId;
use super::errors::Errno;
use crate::syscall::Fd;

/// The three standard files are taken.
const FIRST: i32 = 3;
/// The usual limit of a process.
const LIMIT: i32 = 1024;

/// The descriptors of the program.
#[derive(Debug, Default)]
pub(crate) struct Descriptors(BTreeMap<Fd, SocketId>);

impl Descriptors {
    pub(crate) fn get(&self, fd: Fd) -> Result<SocketId, Errno> {
        self.0.get(&fd).copied().ok_or(Errno::EBADF)
    }

    /// Gives out the lowest free number.
    pub(crate) fn insert(&mut self, socket: SocketId) -> Result<Fd, Errno> {
        let fd = self.next_free()?;
        self.0.insert(fd, socket);
        Ok(fd)
    }

    pub(crate) fn next_free(&self) -> Result<Fd, Errno> {
        let free = (FIRST..LIMIT).map(Fd).find(|fd| !self.0.contains_key(fd));
        free.ok_or(Errno::EMFILE)
    }

    pub(crate) fn remove(&mut self, fd: Fd) -> Result<SocketId, Errno> {
        self.0.remove(&fd).ok_or(Errno::EBADF)
    }
}
