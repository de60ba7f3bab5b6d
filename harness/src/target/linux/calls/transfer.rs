//! Calls that move bytes.

#![expect(unsafe_code, reason = "system calls are made with what the case says")]

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};

use super::address::addressed;
use super::lifecycle::Name;
use super::{Context, Outcome, Stage};
use crate::case::{Lie, Value};
use crate::target::TargetError;
use crate::target::linux::sys;

/// Room for counts that nobody means: larger than what a socket of this target ever holds.
const HUGE: usize = 64 * 1024 * 1024;

/// `read`
pub(super) fn read(stage: &mut Stage<'_>, fd: RawFd, count: i64, lie: Option<&Lie<i64>>) -> Outcome {
    receive(stage, libc::SYS_read, fd, count, 0, lie)
}

/// `recv`
pub(super) fn recv(
    stage: &mut Stage<'_>,
    fd: RawFd,
    count: i64,
    flags: i64,
    lie: Option<&Lie<i64>>,
) -> Outcome {
    receive(stage, libc::SYS_recvfrom, fd, count, flags, lie)
}

fn receive(
    stage: &mut Stage<'_>,
    call: libc::c_long,
    fd: RawFd,
    count: i64,
    flags: i64,
    lie: Option<&Lie<i64>>,
) -> Outcome {
    let count = said(count, lie);
    let mut buffer = vec![0; room(count)];
    let pointer = place(buffer.as_mut_ptr(), lie);
    // SAFETY: the buffer has room for `count` bytes, or for more than a socket holds.
    let result = unsafe { stage.call(call, &[fd as usize, pointer, count as usize, flags as usize]) };
    if flags & i64::from(libc::MSG_TRUNC) != 0 {
        // Bytes were counted and thrown away.
        buffer.clear();
    }
    Outcome::bytes(result, buffer)
}

/// `recvfrom`
pub(super) fn recvfrom(
    stage: &mut Stage<'_>,
    fd: RawFd,
    count: i64,
    flags: i64,
    lie: Option<&Lie<i64>>,
) -> Outcome {
    let mut buffer = vec![0; room(count)];
    let mut name = Name::default();
    let [bytes, length] = name.pointers();
    let pointer = place(buffer.as_mut_ptr(), lie);
    // SAFETY: the buffer has room for `count` bytes, or for more than a socket holds; the address has its length.
    let result = unsafe {
        stage.call(libc::SYS_recvfrom, &[fd as usize, pointer, count as usize, flags as usize, bytes, length])
    };
    Outcome {
        given: result.ok().and_then(|_| name.address()).map(Value::Address),
        ..Outcome::bytes(result, buffer)
    }
}

/// `readv`
pub(super) fn readv(stage: &mut Stage<'_>, fd: RawFd, counts: &[i64]) -> Outcome {
    let mut buffers = Buffers::new(counts, &[]);
    let vectors = buffers.vectors();
    let pointer = vectors.as_ptr() as usize;
    // SAFETY: each vector is a buffer that is as long as it says.
    let result = unsafe { stage.call(libc::SYS_readv, &[fd as usize, pointer, vectors.len()]) };
    Outcome::bytes(result, buffers.joined())
}

/// `write`
pub(super) fn write(
    stage: &mut Stage<'_>,
    fd: RawFd,
    count: i64,
    data: &[u8],
    lie: Option<&Lie<i64>>,
) -> Outcome {
    let (_buffer, pointer, count) = outgoing(count, data, lie);
    // SAFETY: the buffer holds `count` bytes; beyond, the kernel reads what is mapped or fails with EFAULT.
    Outcome::plain(unsafe { stage.call(libc::SYS_write, &[fd as usize, pointer, count]) })
}

/// `send`, or with an address `sendto`.
pub(super) fn send(
    stage: &mut Stage<'_>,
    context: &Context,
    fd: RawFd,
    (count, data): (i64, &[u8]),
    flags: i64,
    to: Option<SocketAddr>,
    lie: Option<&Lie<i64>>,
) -> Outcome {
    let (buffer, pointer, count) = outgoing(count, data, lie);
    let address = to.map(|address| addressed(address, lie));
    let (name, length) =
        address.as_ref().map_or((0, 0), |(bytes, length)| (bytes.as_ptr() as usize, *length));
    let arguments = [fd as usize, pointer, count, flags as usize, name, length];
    // SAFETY: the buffer holds `count` bytes (see `write`), the address its length.
    let result = unsafe { stage.call(libc::SYS_sendto, &arguments) };
    context.lend(vec![buffer], flags);
    Outcome::plain(result)
}

/// `writev`
pub(super) fn writev(stage: &mut Stage<'_>, fd: RawFd, counts: &[i64], data: &[u8]) -> Outcome {
    let mut buffers = Buffers::new(counts, data);
    let vectors = buffers.vectors();
    let pointer = vectors.as_ptr() as usize;
    // SAFETY: each vector is a buffer that is as long as it says.
    Outcome::plain(unsafe { stage.call(libc::SYS_writev, &[fd as usize, pointer, vectors.len()]) })
}

/// `open` of a file of zeros, which is in memory.
pub(super) fn open(stage: &mut Stage<'_>, zeros: u64) -> Result<Outcome, TargetError> {
    let missing = |error: std::io::Error| TargetError::Missing(format!("open: no file in memory ({error})"));
    let file = sys::memory_file(&[]).map_err(missing)?;
    file.set_len(zeros).map_err(missing)?;
    // SAFETY: takes no pointers. The number is the same file's, and the case's to close.
    Ok(Outcome::descriptor(unsafe { stage.call(libc::SYS_dup, &[file.as_raw_fd() as usize]) }))
}

/// `sendfile`
pub(super) fn sendfile(
    stage: &mut Stage<'_>,
    fd: RawFd,
    from: RawFd,
    mut offset: i64,
    count: i64,
) -> Outcome {
    let pointer = &raw mut offset as usize;
    // SAFETY: the kernel reads and writes the offset.
    Outcome::plain(unsafe {
        stage.call(libc::SYS_sendfile, &[fd as usize, from as usize, pointer, count as usize])
    })
}

/// `sendfile` from a file in memory that holds the data.
pub(super) fn sendfile_of(
    stage: &mut Stage<'_>,
    fd: RawFd,
    count: i64,
    data: &[u8],
) -> Result<Outcome, TargetError> {
    let file = sys::memory_file(data)
        .map_err(|error| TargetError::Missing(format!("sendfile: no file in memory ({error})")))?;
    Ok(sendfile(stage, fd, file.as_raw_fd(), 0, count))
}

/// `splice`
pub(super) fn splice(stage: &mut Stage<'_>, from: RawFd, to: RawFd, count: i64, flags: i64) -> Outcome {
    // SAFETY: both offsets are null.
    Outcome::plain(unsafe {
        stage.call(libc::SYS_splice, &[from as usize, 0, to as usize, 0, count as usize, flags as usize])
    })
}

/// How large a buffer is for a count. Pages of a large one that nobody touches cost nothing.
fn room(count: i64) -> usize {
    usize::try_from(count).map_or(HUGE, |count| count.min(HUGE))
}

/// The length that the kernel is told.
fn said(count: i64, lie: Option<&Lie<i64>>) -> i64 {
    match lie {
        Some(Lie::Length(length)) => *length,
        _ => count,
    }
}

/// The place of a buffer that the kernel is told.
fn place(buffer: *const u8, lie: Option<&Lie<i64>>) -> usize {
    match lie {
        Some(Lie::NullBuffer) => 0,
        _ => buffer as usize,
    }
}

/// What is sent, where it is, and how long it is said to be.
fn outgoing(count: i64, data: &[u8], lie: Option<&Lie<i64>>) -> (Vec<u8>, usize, usize) {
    let count = said(count, lie);
    let mut buffer = data.to_vec();
    if buffer.len() < room(count) {
        buffer.resize(room(count), 0);
    }
    let pointer = place(buffer.as_ptr(), lie);
    (buffer, pointer, count as usize)
}

/// Several buffers. Each is an allocation of its own, as programs have them: the kernel would put together what lies side
/// by side.
#[derive(Debug)]
pub(super) struct Buffers(Vec<Vec<u8>>);

impl Buffers {
    /// Of these lengths, filled with what is sent.
    pub(super) fn new(counts: &[i64], data: &[u8]) -> Self {
        let mut rest = data;
        let part = |count: &i64| {
            let (own, behind) = rest.split_at(rest.len().min(room(*count)));
            rest = behind;
            let mut part = own.to_vec();
            part.resize(room(*count), 0);
            part
        };
        Self(counts.iter().map(part).collect())
    }

    /// An `iovec` for each, valid as long as these live.
    pub(super) fn vectors(&mut self) -> Vec<libc::iovec> {
        let vector =
            |part: &mut Vec<u8>| libc::iovec { iov_base: part.as_mut_ptr().cast(), iov_len: part.len() };
        self.0.iter_mut().map(vector).collect()
    }

    /// All bytes, one buffer behind the other.
    pub(super) fn joined(&self) -> Vec<u8> {
        self.0.concat()
    }

    /// The buffers themselves.
    pub(super) fn into_parts(self) -> Vec<Vec<u8>> {
        self.0
    }
}
