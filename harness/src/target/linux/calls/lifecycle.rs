//! Calls that make, name, connect and end sockets.

#![expect(unsafe_code, reason = "system calls are made with what the case says")]

use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::sync::PoisonError;

use super::address::{self, addressed, decode};
use super::options::TCP_REPAIR_OFF_SILENTLY;
use super::{Context, Outcome, Stage};
use crate::case::{Errno, Lie, Value};
use crate::target::TargetError;
use crate::target::linux::diag::CLOSE;
use crate::target::linux::sys;

const TCP_SEND_QUEUE: i32 = 2;

/// `socket`. Gives the new socket the case's congestion control, where the namespace may not have it as default.
pub(super) fn socket(
    stage: &mut Stage<'_>,
    context: &Context,
    domain: i64,
    kind: i64,
    protocol: i64,
) -> Result<Outcome, TargetError> {
    // SAFETY: takes no pointers.
    let result =
        unsafe { stage.call(libc::SYS_socket, &[domain as usize, kind as usize, protocol as usize]) };
    let congestion = context.congestion.lock().unwrap_or_else(PoisonError::into_inner);
    if let (Ok(number), Some(name)) = (result, congestion.as_ref()) {
        let given = sys::set_option(number as RawFd, libc::SOL_TCP, libc::TCP_CONGESTION, name.as_bytes());
        let is_tcp = kind & 0xf == i64::from(libc::SOCK_STREAM)
            && [0, i64::from(libc::IPPROTO_TCP)].contains(&protocol);
        if is_tcp && given.is_err() {
            sys::close(number as RawFd);
            return Err(TargetError::Missing(format!("net.ipv4.tcp_congestion_control {name}")));
        }
    }
    Ok(Outcome::descriptor(result))
}

/// `bind`
pub(super) fn bind(stage: &mut Stage<'_>, fd: RawFd, to: SocketAddr, lie: Option<&Lie<i64>>) -> Outcome {
    with_address(stage, libc::SYS_bind, fd, to, lie)
}

/// `connect`, with the first sequence number that the case chose for it.
pub(super) fn connect(
    stage: &mut Stage<'_>,
    context: &Context,
    fd: RawFd,
    to: SocketAddr,
    lie: Option<&Lie<i64>>,
) -> Result<Outcome, TargetError> {
    if let Some(isn) = chosen_isn(context, fd, to).filter(|_| is_fresh(fd)) {
        set_isn(fd, isn)
            .map_err(|error| TargetError::Missing(format!("local-isn: {isn} cannot be chosen ({error})")))?;
    }
    Ok(with_address(stage, libc::SYS_connect, fd, to, lie))
}

/// `listen`
pub(super) fn listen(stage: &mut Stage<'_>, fd: RawFd, backlog: i64) -> Outcome {
    // SAFETY: takes no pointers.
    Outcome::plain(unsafe { stage.call(libc::SYS_listen, &[fd as usize, backlog as usize]) })
}

/// `accept`, or with flags `accept4`.
pub(super) fn accept(stage: &mut Stage<'_>, fd: RawFd, flags: Option<i64>) -> Outcome {
    let mut name = Name::default();
    let [bytes, length] = name.pointers();
    // SAFETY: both pointers live through the call; the kernel writes at most the length given there.
    let result = unsafe {
        match flags {
            None => stage.call(libc::SYS_accept, &[fd as usize, bytes, length]),
            Some(flags) => stage.call(libc::SYS_accept4, &[fd as usize, bytes, length, flags as usize]),
        }
    };
    Outcome {
        given: result.ok().and_then(|_| name.address()).map(Value::Address),
        ..Outcome::descriptor(result)
    }
}

/// `shutdown`
pub(super) fn shutdown(stage: &mut Stage<'_>, fd: RawFd, how: i64) -> Outcome {
    // SAFETY: takes no pointers.
    Outcome::plain(unsafe { stage.call(libc::SYS_shutdown, &[fd as usize, how as usize]) })
}

/// `close`
pub(super) fn close(stage: &mut Stage<'_>, fd: RawFd) -> Outcome {
    // SAFETY: the number was taken out of the table that owned it.
    Outcome::plain(unsafe { stage.call(libc::SYS_close, &[fd as usize]) })
}

/// `dup`
pub(super) fn dup(stage: &mut Stage<'_>, fd: RawFd) -> Outcome {
    // SAFETY: takes no pointers.
    Outcome::descriptor(unsafe { stage.call(libc::SYS_dup, &[fd as usize]) })
}

/// `getsockname`, `getpeername`
pub(super) fn name(stage: &mut Stage<'_>, call: libc::c_long, fd: RawFd) -> Outcome {
    let mut name = Name::default();
    let [bytes, length] = name.pointers();
    // SAFETY: both pointers live through the call; the kernel writes at most the length given there.
    let result = unsafe { stage.call(call, &[fd as usize, bytes, length]) };
    Outcome::giving(result, || name.address().map(Value::Address))
}

/// `pipe`
pub(super) fn pipe(stage: &mut Stage<'_>) -> Outcome {
    let mut ends = [0_i32; 2];
    // SAFETY: the kernel writes two ints.
    let result = unsafe { stage.call(libc::SYS_pipe2, &[ends.as_mut_ptr() as usize, 0]) };
    Outcome { made: if result.is_ok() { ends.to_vec() } else { Vec::new() }, ..Outcome::plain(result) }
}

fn with_address(
    stage: &mut Stage<'_>,
    call: libc::c_long,
    fd: RawFd,
    to: SocketAddr,
    lie: Option<&Lie<i64>>,
) -> Outcome {
    let (bytes, length) = addressed(to, lie);
    let (pointer, length) = match lie {
        None | Some(Lie::Family(_)) => (bytes.as_ptr() as usize, length),
        Some(Lie::Length(length)) => (bytes.as_ptr() as usize, *length as usize),
        Some(Lie::NullBuffer) => (0, length),
    };
    // SAFETY: the kernel reads no more than 128 bytes of an address, whatever the length says.
    Outcome::plain(unsafe { stage.call(call, &[fd as usize, pointer, length]) })
}

/// The number the case chose for the connection from this socket to there.
fn chosen_isn(context: &Context, fd: RawFd, to: SocketAddr) -> Option<u32> {
    let plain = |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
    let to = plain(to);
    let own = local_port(fd);
    context
        .isns
        .iter()
        .find(|(local, remote, _)| {
            plain(*remote) == to && local.is_none_or(|local| own.is_none_or(|own| own == local.port()))
        })
        .map(|(_, _, isn)| *isn)
}

/// The port a socket is bound to, if it is.
fn local_port(fd: RawFd) -> Option<u16> {
    let mut name = Name::default();
    let [bytes, length] = name.pointers();
    // SAFETY: both pointers live through the call; the kernel writes at most the length given there.
    let result = unsafe { libc::syscall(libc::SYS_getsockname, fd, bytes, length) };
    (result == 0).then(|| name.address()).flatten().map(|address| address.port()).filter(|port| *port != 0)
}

/// Whether the socket was never connected, or is not any more.
fn is_fresh(fd: RawFd) -> bool {
    let mut state = [0];
    sys::get_option(fd, libc::SOL_TCP, libc::TCP_INFO, &mut state).is_ok() && state == [CLOSE]
}

/// Sets the first sequence number of a socket that is not connected: what checkpoint and restore does.
fn set_isn(fd: RawFd, isn: u32) -> std::io::Result<()> {
    let set = |name, value| sys::set_int(fd, libc::SOL_TCP, name, value);
    if isn == 0 {
        // For Linux, 0 means "not chosen".
        return Err(std::io::Error::from_raw_os_error(libc::EINVAL));
    }
    set(libc::TCP_REPAIR, 1)?;
    set(libc::TCP_REPAIR_QUEUE, TCP_SEND_QUEUE)?;
    set(libc::TCP_QUEUE_SEQ, isn.cast_signed())?;
    set(libc::TCP_REPAIR, TCP_REPAIR_OFF_SILENTLY)
}

/// Room for an address that the kernel writes.
#[derive(Debug)]
pub(super) struct Name {
    bytes: [u8; address::ROOM],
    length: u32,
}

impl Default for Name {
    fn default() -> Self {
        Self { bytes: [0; address::ROOM], length: address::ROOM as u32 }
    }
}

impl Name {
    /// Pointers to the room and to its length.
    pub(super) fn pointers(&mut self) -> [usize; 2] {
        [self.bytes.as_mut_ptr() as usize, &raw mut self.length as usize]
    }

    /// What the kernel wrote.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        decode(self.bytes.get(..self.length as usize)?)
    }
}

/// So that a failed call is written as one: for those that the kernel is not asked.
pub(super) const fn refused(errno: i32) -> Outcome {
    Outcome { result: Err(Errno(errno)), data: Vec::new(), given: None, made: Vec::new() }
}
