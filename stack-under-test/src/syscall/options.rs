//! Socket options.

use core::time::Duration;

use super::constants::{
    AF_INET, AF_INET6, IPPROTO_IPV6, IPPROTO_TCP, IPV6_V6ONLY, SO_ACCEPTCONN, SO_DOMAIN, SO_ERROR,
    SO_KEEPALIVE, SO_LINGER, SO_OOBINLINE, SO_PROTOCOL, SO_RCVBUF, SO_RCVLOWAT, SO_RCVTIMEO, SO_REUSEADDR,
    SO_REUSEPORT, SO_SNDBUF, SO_SNDTIMEO, SO_TYPE, SOCK_STREAM, SOL_SOCKET,
};
use super::dispatch::CallResult;
use super::{Failure, Fd, OptionValue, Reply, tcp_options};
use crate::socket::errors::Errno;
use crate::socket::{Domain, Socket, errors};
use crate::stack::Stack;
use crate::tcp::env::Env;
use crate::tcp::handshake::Knobs;
use crate::tcp::state::TcpState;

const DONE: CallResult = Ok(Reply::Value(0));
/// `net.core.rmem_max` and `wmem_max`, which are the host's.
const BUFFER_MAX: u32 = 4_194_304;
const RECEIVE_MIN: u32 = 2304;
const SEND_MIN: u32 = 4608;
pub(super) const UNSUPPORTED: Failure = Failure::Unsupported("this socket option");

pub(super) fn int(value: &OptionValue) -> Result<i64, Errno> {
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
        match level {
            SOL_SOCKET => set_socket_option(&env, socket, name, &value)?,
            IPPROTO_IPV6 if socket.domain == Domain::Inet6 && name == IPV6_V6ONLY => {
                let on = int(&value)? != 0;
                if socket.binding.port != 0 {
                    return Err(Errno::EINVAL.into());
                }
                socket.v6only = on;
            }
            IPPROTO_TCP => tcp_options::set(&env, socket, name, int(&value)?, out)?,
            _ => return Err(UNSUPPORTED),
        }
        DONE
    }

    pub(super) fn getsockopt(&mut self, fd: Fd, level: i32, name: i32) -> CallResult {
        let id = self.descriptors.get(fd)?;
        let (env, sockets, _) = self.split();
        let socket = sockets.get_mut(&id).ok_or(Errno::EBADF)?;
        let value = match level {
            SOL_SOCKET => get_socket_option(&env, socket, name)?,
            IPPROTO_IPV6 if socket.domain == Domain::Inet6 && name == IPV6_V6ONLY => {
                OptionValue::Int(socket.v6only.into())
            }
            IPPROTO_TCP => tcp_options::get(&env, socket, name)?,
            _ => return Err(UNSUPPORTED),
        };
        Ok(Reply::Option(value))
    }
}

fn set_socket_option(
    env: &Env<'_>,
    socket: &mut Socket,
    name: i32,
    value: &OptionValue,
) -> Result<(), Failure> {
    match name {
        SO_REUSEADDR => socket.reuse_address = int(value)? != 0,
        SO_REUSEPORT => socket.reuse_port = int(value)? != 0,
        SO_OOBINLINE => {
            let on = int(value)? != 0;
            set_knob(socket, |knobs| knobs.urgent_inline = on);
        }
        SO_LINGER => socket.linger = linger(value)?,
        SO_RCVTIMEO => socket.receive_timeout = timeout(value)?,
        SO_SNDTIMEO => socket.send_timeout = timeout(value)?,
        SO_RCVLOWAT => {
            // Zero is one, and a negative number a very large one.
            let bytes = u32::try_from(int(value)?).unwrap_or(i32::MAX.unsigned_abs());
            socket.receive_low = bytes.max(1);
        }
        SO_KEEPALIVE => {
            let on = int(value)? != 0;
            let was = socket.knobs.keep_alive.on;
            set_knob(socket, |knobs| knobs.keep_alive.on = on);
            if let Some(connection) = socket.connection_mut().filter(|_| on != was) {
                connection.arm_keep_alive(env);
            }
        }
        SO_RCVBUF => {
            let size = buffer(int(value)?, RECEIVE_MIN);
            set_knob(socket, |knobs| knobs.receive_buffer = Some(size));
            if let Some(connection) = socket.connection_mut() {
                connection.set_receive_buffer(size);
            }
        }
        SO_SNDBUF => {
            let size = buffer(int(value)?, SEND_MIN);
            set_knob(socket, |knobs| knobs.send_buffer = Some(size));
        }
        SO_TYPE | SO_ERROR | SO_ACCEPTCONN | SO_PROTOCOL | SO_DOMAIN => {
            return Err(Errno::ENOPROTOOPT.into());
        }
        _ => return Err(UNSUPPORTED),
    }
    Ok(())
}

fn get_socket_option(env: &Env<'_>, socket: &mut Socket, name: i32) -> Result<OptionValue, Failure> {
    Ok(OptionValue::Int(match name {
        // Reported once.
        SO_ERROR => {
            let soft = |socket: &mut Socket| socket.connection_mut()?.soft_error.take();
            let errno = socket.error.take().or_else(|| soft(socket).map(errors::from_icmp));
            errno.map_or(0, |errno| i64::from(errno.0))
        }
        SO_TYPE => i64::from(SOCK_STREAM),
        SO_PROTOCOL => i64::from(IPPROTO_TCP),
        SO_DOMAIN => i64::from(match socket.domain {
            Domain::Inet => AF_INET,
            Domain::Inet6 => AF_INET6,
        }),
        SO_ACCEPTCONN => i64::from(socket.state() == TcpState::Listen),
        SO_REUSEADDR => i64::from(socket.reuse_address),
        SO_REUSEPORT => i64::from(socket.reuse_port),
        SO_KEEPALIVE => i64::from(socket.knobs.keep_alive.on),
        SO_OOBINLINE => i64::from(socket.knobs.urgent_inline),
        SO_RCVLOWAT => i64::from(socket.receive_low),
        SO_RCVTIMEO => return Ok(OptionValue::Timeval(socket.receive_timeout.unwrap_or_default())),
        SO_SNDTIMEO => return Ok(OptionValue::Timeval(socket.send_timeout.unwrap_or_default())),
        SO_LINGER => {
            let seconds = socket.linger.unwrap_or_default().as_secs();
            let seconds = i32::try_from(seconds).unwrap_or(i32::MAX);
            return Ok(OptionValue::Linger { on: socket.linger.is_some(), seconds });
        }
        SO_RCVBUF => match socket.connection() {
            Some(connection) => connection.receive_buffer().into(),
            None => socket.knobs.receive_buffer.unwrap_or(env.settings.rmem[1]).into(),
        },
        SO_SNDBUF => match (socket.knobs.send_buffer, socket.connection()) {
            (Some(size), _) => size.into(),
            (None, Some(connection)) => connection.send_buffer(env).into(),
            (None, None) => env.settings.wmem[1].into(),
        },
        _ => return Err(UNSUPPORTED),
    }))
}

/// A time to wait; none is for ever.
fn timeout(value: &OptionValue) -> Result<Option<Duration>, Errno> {
    match value {
        OptionValue::Timeval(time) => Ok(Some(*time).filter(|time| !time.is_zero())),
        OptionValue::Int(_) | OptionValue::Linger { .. } | OptionValue::Info(_) => Err(Errno::EINVAL),
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
pub(super) fn set_knob(socket: &mut Socket, set: impl Fn(&mut Knobs)) {
    set(&mut socket.knobs);
    if let Some(connection) = socket.connection_mut() {
        set(&mut connection.knobs);
    }
}
