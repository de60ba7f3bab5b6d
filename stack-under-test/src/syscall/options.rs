//! Socket options.

use alloc::boxed::Box;
use core::time::Duration;

use super::constants::{AF_INET, AF_INET6};
use super::constants::{
    IPPROTO_IPV6, IPPROTO_TCP, IPV6_V6ONLY, SO_ACCEPTCONN, SO_DOMAIN, SO_ERROR, SO_LINGER, SO_PROTOCOL,
    SO_RCVBUF, SO_REUSEADDR, SO_SNDBUF, SO_TYPE, SOCK_STREAM, SOL_SOCKET, TCP_INFO, TCP_MAXSEG, TCP_NODELAY,
    TCP_QUICKACK, TCP_SYNCNT,
};
use super::dispatch::CallResult;
use super::{Failure, Fd, OptionValue, Reply};
use crate::socket::errors::Errno;
use crate::socket::{Domain, Socket};
use crate::stack::Stack;
use crate::tcp::handshake::Knobs;
use crate::tcp::info;
use crate::tcp::state::TcpState;

const DONE: CallResult = Ok(Reply::Value(0));
/// `net.core.rmem_max` and `wmem_max`, which are the host's.
const BUFFER_MAX: u32 = 212_992;
const RECEIVE_MIN: u32 = 2304;
const SEND_MIN: u32 = 4608;
const MAXSEG_MIN: i64 = 88;
const MAXSEG_MAX: i64 = 32767;
const UNSUPPORTED: Failure = Failure::Unsupported("this socket option");

fn int(value: &OptionValue) -> Result<i64, Errno> {
    match value {
        OptionValue::Int(value) => Ok(*value),
        OptionValue::Linger { .. } | OptionValue::Info(_) | OptionValue::Timeval(_) => Err(Errno::EINVAL),
    }
}

/// The kernel doubles what is asked for, to have room for its own data.
fn buffer(value: i64, least: u32) -> u32 {
    let asked = u32::try_from(value).unwrap_or(BUFFER_MAX).min(BUFFER_MAX);
    (2 * asked).max(least)
}

impl Stack {
    pub(super) fn setsockopt(&mut self, fd: Fd, level: i32, name: i32, value: OptionValue) -> CallResult {
        let id = self.descriptors.get(fd)?;
        let (env, sockets, out) = self.split();
        let socket = sockets.get_mut(&id).ok_or(Errno::EBADF)?;
        match (level, name) {
            (SOL_SOCKET, SO_REUSEADDR) => socket.reuse_address = int(&value)? != 0,
            (SOL_SOCKET, SO_LINGER) => socket.linger = linger(&value)?,
            (SOL_SOCKET, SO_RCVBUF) => {
                socket.knobs.receive_buffer = Some(buffer(int(&value)?, RECEIVE_MIN));
            }
            (SOL_SOCKET, SO_SNDBUF) => {
                let size = buffer(int(&value)?, SEND_MIN);
                set_knob(socket, |knobs| knobs.send_buffer = Some(size));
            }
            (SOL_SOCKET, SO_TYPE | SO_ERROR | SO_ACCEPTCONN | SO_PROTOCOL | SO_DOMAIN) => {
                return Err(Errno::ENOPROTOOPT.into());
            }
            (IPPROTO_IPV6, IPV6_V6ONLY) if socket.domain == Domain::Inet6 => {
                let on = int(&value)? != 0;
                if socket.binding.port != 0 {
                    return Err(Errno::EINVAL.into());
                }
                socket.v6only = on;
            }
            (IPPROTO_TCP, TCP_NODELAY) => {
                let on = int(&value)? != 0;
                set_knob(socket, |knobs| knobs.nodelay = on);
                if let Some(connection) = socket.connection_mut().filter(|_| on) {
                    connection.transmit(&env, out);
                }
            }
            (IPPROTO_TCP, TCP_MAXSEG) => {
                let size = int(&value)?;
                if size != 0 && !(MAXSEG_MIN..=MAXSEG_MAX).contains(&size) {
                    return Err(Errno::EINVAL.into());
                }
                socket.knobs.max_segment = u16::try_from(size).ok().filter(|size| *size != 0);
            }
            (IPPROTO_TCP, TCP_SYNCNT) => {
                let count = int(&value)?;
                let count = u32::try_from(count).ok().filter(|count| (1..=127).contains(count));
                let count = count.ok_or(Errno::EINVAL)?;
                socket.knobs.syn_retries = Some(count);
            }
            (IPPROTO_TCP, TCP_QUICKACK) => {
                let value = int(&value)?;
                socket.knobs.lazy_ack = value == 0;
                if let Some(connection) = socket.connection_mut() {
                    connection.set_quick_ack(&env, value, out);
                }
            }
            (IPPROTO_TCP, TCP_INFO) => return Err(Errno::ENOPROTOOPT.into()),
            (_, _) => return Err(UNSUPPORTED),
        }
        DONE
    }

    pub(super) fn getsockopt(&mut self, fd: Fd, level: i32, name: i32) -> CallResult {
        let id = self.descriptors.get(fd)?;
        let (env, sockets, _) = self.split();
        let socket = sockets.get_mut(&id).ok_or(Errno::EBADF)?;
        let value = match (level, name) {
            // Reported once.
            (SOL_SOCKET, SO_ERROR) => socket.error.take().map_or(0, |errno| i64::from(errno.0)),
            (SOL_SOCKET, SO_TYPE) => i64::from(SOCK_STREAM),
            (SOL_SOCKET, SO_PROTOCOL) => i64::from(IPPROTO_TCP),
            (SOL_SOCKET, SO_DOMAIN) => i64::from(match socket.domain {
                Domain::Inet => AF_INET,
                Domain::Inet6 => AF_INET6,
            }),
            (SOL_SOCKET, SO_ACCEPTCONN) => i64::from(socket.state() == TcpState::Listen),
            (SOL_SOCKET, SO_REUSEADDR) => i64::from(socket.reuse_address),
            (SOL_SOCKET, SO_LINGER) => {
                let seconds = socket.linger.unwrap_or_default().as_secs();
                let seconds = i32::try_from(seconds).unwrap_or(i32::MAX);
                return Ok(Reply::Option(OptionValue::Linger { on: socket.linger.is_some(), seconds }));
            }
            (SOL_SOCKET, SO_RCVBUF) => socket.knobs.receive_buffer.unwrap_or(env.settings.rmem[1]).into(),
            (SOL_SOCKET, SO_SNDBUF) => match (socket.knobs.send_buffer, socket.connection()) {
                (Some(size), _) => size.into(),
                (None, Some(connection)) => connection.send_buffer(&env).into(),
                (None, None) => env.settings.wmem[1].into(),
            },
            (IPPROTO_IPV6, IPV6_V6ONLY) if socket.domain == Domain::Inet6 => i64::from(socket.v6only),
            (IPPROTO_TCP, TCP_NODELAY) => i64::from(socket.knobs.nodelay),
            (IPPROTO_TCP, TCP_MAXSEG) => match (socket.connection(), socket.knobs.max_segment) {
                (Some(connection), _) => connection.segment_size(&env).into(),
                (None, size) => size.map_or(536, i64::from),
            },
            (IPPROTO_TCP, TCP_SYNCNT) => socket.knobs.syn_retries.unwrap_or(env.settings.syn_retries).into(),
            (IPPROTO_TCP, TCP_QUICKACK) => i64::from(match socket.connection() {
                Some(connection) => connection.quick_ack(&env),
                None => !socket.knobs.lazy_ack,
            }),
            (IPPROTO_TCP, TCP_INFO) => {
                return Ok(Reply::Option(OptionValue::Info(Box::new(info::of_socket(&env, socket)))));
            }
            (_, _) => return Err(UNSUPPORTED),
        };
        Ok(Reply::Option(OptionValue::Int(value)))
    }
}

fn linger(value: &OptionValue) -> Result<Option<Duration>, Errno> {
    match value {
        OptionValue::Linger { on: false, .. } => Ok(None),
        OptionValue::Linger { on: true, seconds } => {
            Ok(Some(Duration::from_secs(u64::from(seconds.unsigned_abs()))))
        }
        OptionValue::Int(_) | OptionValue::Info(_) | OptionValue::Timeval(_) => Err(Errno::EINVAL),
    }
}

/// Sets something on the socket and on the connection it has.
fn set_knob(socket: &mut Socket, set: impl Fn(&mut Knobs)) {
    set(&mut socket.knobs);
    if let Some(connection) = socket.connection_mut() {
        set(&mut connection.knobs);
    }
}
