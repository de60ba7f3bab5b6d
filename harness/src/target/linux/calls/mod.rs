//! The calls of a case, made with the real system calls.
//!
//! Arguments go to the kernel as the case has them, lies included; buffers are as large as what the kernel is told, so
//! that a lie harms the case only.
//!
//! To add a call: a variant of [`Syscall`], a line in [`make`], and a function in the file it belongs to:
//! [`lifecycle`], [`transfer`], [`message`], [`options`] or [`readiness`].

mod address;
mod lifecycle;
mod message;
mod options;
mod readiness;
mod stage;
mod transfer;

use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, PoisonError};

pub(super) use stage::Stage;

use super::clock::Clock;
use super::descriptors::Descriptors;
use crate::case::{Errno, Submission, Syscall, Value};
use crate::target::TargetError;

/// What calls need to know of their case.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) clock: Clock,
    pub(super) descriptors: Arc<Descriptors>,
    /// A congestion control that only sockets can be given.
    pub(super) congestion: Mutex<Option<String>>,
    /// First sequence numbers chosen by the case: own end if known, peer's end, number.
    pub(super) isns: Vec<(Option<SocketAddr>, SocketAddr, u32)>,
    /// Buffers that the kernel may still read from: those of sends without a copy.
    pub(super) lent: Mutex<Vec<Vec<u8>>>,
}

impl Context {
    /// Keeps what was sent as long as the kernel may read it.
    fn lend(&self, buffers: Vec<Vec<u8>>, flags: i64) {
        if flags & i64::from(libc::MSG_ZEROCOPY) != 0 {
            self.lent.lock().unwrap_or_else(PoisonError::into_inner).extend(buffers);
        }
    }
}

/// What a call came back with.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) result: Result<i64, Errno>,
    pub(super) data: Vec<u8>,
    pub(super) given: Option<Value>,
    /// Descriptors it made.
    pub(super) made: Vec<RawFd>,
}

impl Outcome {
    /// Only a result.
    fn plain(result: Result<i64, Errno>) -> Self {
        Self { result, data: Vec::new(), given: None, made: Vec::new() }
    }

    /// A result that is a descriptor.
    fn descriptor(result: Result<i64, Errno>) -> Self {
        Self { made: result.ok().into_iter().map(|number| number as RawFd).collect(), ..Self::plain(result) }
    }

    /// A result, and what came back through a pointer if the call succeeded.
    fn giving(result: Result<i64, Errno>, given: impl FnOnce() -> Option<Value>) -> Self {
        Self { given: if result.is_ok() { given() } else { None }, ..Self::plain(result) }
    }

    /// A count of bytes and the bytes.
    fn bytes(result: Result<i64, Errno>, mut buffer: Vec<u8>) -> Self {
        buffer.truncate(result.map_or(0, |count| usize::try_from(count).unwrap_or(0)));
        Self { data: buffer, ..Self::plain(result) }
    }
}

/// Makes the call on the calling thread.
///
/// # Errors
/// [`TargetError::Missing`] where this machine does not let the case have what it needs for the call.
pub(super) fn make(
    submission: &Submission,
    context: &Context,
    stage: &mut Stage<'_>,
) -> Result<Outcome, TargetError> {
    let number = |id| context.descriptors.number(id);
    Ok(match &submission.call {
        Syscall::Socket { domain, kind, protocol } => {
            return lifecycle::socket(stage, context, *domain, *kind, *protocol);
        }
        Syscall::Connect { fd, addr, lie } => {
            return lifecycle::connect(stage, context, number(*fd), *addr, lie.as_ref());
        }
        Syscall::Bind { fd, addr, lie } => lifecycle::bind(stage, number(*fd), *addr, lie.as_ref()),
        Syscall::Listen { fd, backlog } => lifecycle::listen(stage, number(*fd), *backlog),
        Syscall::Accept { fd } => lifecycle::accept(stage, number(*fd), None),
        Syscall::Accept4 { fd, flags } => lifecycle::accept(stage, number(*fd), Some(*flags)),
        Syscall::Shutdown { fd, how } => lifecycle::shutdown(stage, number(*fd), *how),
        Syscall::Close { fd } => lifecycle::close(stage, context.descriptors.release(*fd)),
        Syscall::Dup { fd } => lifecycle::dup(stage, number(*fd)),
        Syscall::Getsockname { fd } => lifecycle::name(stage, libc::SYS_getsockname, number(*fd)),
        Syscall::Getpeername { fd } => lifecycle::name(stage, libc::SYS_getpeername, number(*fd)),
        Syscall::Pipe => lifecycle::pipe(stage),
        Syscall::Setsockopt { fd, level, name, value, lie } => {
            options::setsockopt(stage, number(*fd), (*level, *name), value, lie.as_ref())
        }
        Syscall::Getsockopt { fd, level, name, raw, lie } => {
            options::getsockopt(stage, number(*fd), (*level, *name), *raw, lie.as_ref())
        }
        Syscall::Fcntl { fd, command, argument } => options::fcntl(stage, number(*fd), *command, *argument),
        Syscall::Ioctl { fd, request, argument } => options::ioctl(stage, number(*fd), *request, *argument),
        Syscall::Poll { fds, timeout } => readiness::poll(stage, context, fds, *timeout),
        Syscall::Select { read, write, except, timeout } => {
            readiness::select(stage, context, [read, write, except], *timeout)
        }
        Syscall::EpollCreate { size } => readiness::epoll_create(stage, *size),
        Syscall::EpollCtl { ep, operation, fd, events, data } => {
            readiness::epoll_ctl(stage, number(*ep), *operation, number(*fd), (*events, *data))
        }
        Syscall::EpollWait { ep, max, timeout } => readiness::epoll_wait(stage, number(*ep), *max, *timeout),
        Syscall::Open { zeros } => return transfer::open(stage, *zeros),
        moving => return move_bytes(moving, &submission.data, context, stage),
    })
}

/// Calls that move bytes.
fn move_bytes(
    call: &Syscall,
    data: &[u8],
    context: &Context,
    stage: &mut Stage<'_>,
) -> Result<Outcome, TargetError> {
    let number = |id| context.descriptors.number(id);
    Ok(match call {
        Syscall::Read { fd, count, lie } => transfer::read(stage, number(*fd), *count, lie.as_ref()),
        Syscall::Readv { fd, counts } => transfer::readv(stage, number(*fd), counts),
        Syscall::Recv { fd, count, flags, lie } => {
            transfer::recv(stage, number(*fd), *count, *flags, lie.as_ref())
        }
        Syscall::Recvfrom { fd, count, flags, lie } => {
            transfer::recvfrom(stage, number(*fd), *count, *flags, lie.as_ref())
        }
        Syscall::Write { fd, count, lie } => transfer::write(stage, number(*fd), *count, data, lie.as_ref()),
        Syscall::Writev { fd, counts } => transfer::writev(stage, number(*fd), counts, data),
        Syscall::Send { fd, count, flags, lie } => {
            transfer::send(stage, context, number(*fd), (*count, data), *flags, None, lie.as_ref())
        }
        Syscall::Sendto { fd, count, flags, addr, lie } => {
            transfer::send(stage, context, number(*fd), (*count, data), *flags, Some(*addr), lie.as_ref())
        }
        Syscall::Sendfile { fd, from: Some((from, offset)), count } => {
            transfer::sendfile(stage, number(*fd), number(*from), *offset, *count)
        }
        Syscall::Sendfile { fd, from: None, count } => {
            return transfer::sendfile_of(stage, number(*fd), *count, data);
        }
        Syscall::Splice { from, to, count, flags } => {
            transfer::splice(stage, number(*from), number(*to), *count, *flags)
        }
        Syscall::Recvmsg { fd, counts, control, flags } => {
            message::recvmsg(stage, context.clock, number(*fd), counts, *control, *flags)
        }
        Syscall::Sendmsg { fd, counts, name, control, flags } => {
            return message::sendmsg(stage, context, number(*fd), (counts, data), *name, control, *flags);
        }
        other => return Err(TargetError::Missing(format!("call {}", other.name()))),
    })
}
