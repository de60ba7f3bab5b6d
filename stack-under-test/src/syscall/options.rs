//! Socket options.

use core::time::Duration;

use super::constants::{
    AF_INET, AF_INET6, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, SO_ACCEPTCONN, SO_BROADCAST, SO_DEBUG,
    SO_DOMAIN, SO_DONTROUTE, SO_END, SO_ERROR, SO_KEEPALIVE, SO_LINGER, SO_MARK, SO_OOBINLINE, SO_PRIORITY,
    SO_PROTOCOL, SO_RCVBUF, SO_RCVBUFFORCE, SO_RCVLOWAT, SO_RCVTIMEO, SO_REUSEADDR, SO_REUSEPORT, SO_SNDBUF,
    SO_SNDBUFFORCE, SO_SNDLOWAT, SO_SNDTIMEO, SO_TIMESTAMPING, SO_TYPE, SO_ZEROCOPY, SOCK_STREAM, SOL_SOCKET,
    TCP_FASTOPEN_KEY,
};
use super::dispatch::CallResult;
use super::{Failure, Fd, Input, OptionValue, Reply, Room, ip_options, tcp_options};
use crate::socket::errors::Errno;
use crate::socket::{Domain, Socket, Tcp, errors};
use crate::stack::Stack;
use crate::tcp::env::Env;
use crate::tcp::handshake::Knobs;
use crate::tcp::stamps::{OPT_ID, SOFTWARE, TX_ACK, TX_SCHED, TX_SOFTWARE};
use crate::tcp::state::TcpState;

const DONE: CallResult = Ok(Reply::Value(0));
/// `net.core.rmem_max` and `wmem_max`, which are the host's.
const BUFFER_MAX: u32 = 4_194_304;
const RECEIVE_MIN: u32 = 2304;
const SEND_MIN: u32 = 4608;
/// Ticks of the kernel's clock in a second, on most machines.
const TICKS: i64 = 250;
/// The longest time that counts as one, in seconds: more is for ever.
const LONGEST_WAIT: i64 = i64::MAX / 1000 - 1;

/// The kernel doubles what is asked for, to have room for its own data.
fn buffer(value: i64, least: u32) -> u32 {
    let asked = u32::try_from(value).unwrap_or(BUFFER_MAX).min(BUFFER_MAX);
    (2 * asked).max(least)
}

/// With the right to take more than the host's limit.
fn forced_buffer(value: i64, least: u32) -> u32 {
    let asked = u32::try_from(value).unwrap_or(0).min(i32::MAX.unsigned_abs() / 2);
    (2 * asked).max(least)
}

/// An option that Linux does not have, or this stack.
pub(super) fn refused(name: i32, end: i32) -> Failure {
    if (1..end).contains(&name) {
        Failure::Unsupported("this socket option")
    } else {
        Errno::ENOPROTOOPT.into()
    }
}

impl Stack {
    pub(super) fn setsockopt(&mut self, fd: Fd, level: i32, name: i32, value: &Input) -> CallResult {
        let id = self.descriptors.get(fd)?;
        if value.length < 0 {
            return Err(Errno::EINVAL.into());
        }
        let (env, sockets, out) = self.split();
        let socket = sockets.get_mut(&id).ok_or(Errno::EBADF)?;
        match level {
            SOL_SOCKET => set_socket_option(&env, socket, name, value)?,
            IPPROTO_TCP => tcp_options::set(&env, socket, name, value, out)?,
            IPPROTO_IP => ip_options::set_v4(socket, name, value)?,
            IPPROTO_IPV6 if socket.domain == Domain::Inet6 => ip_options::set_v6(socket, name, value)?,
            _ => return Err(Errno::ENOPROTOOPT.into()),
        }
        DONE
    }

    pub(super) fn getsockopt(&mut self, fd: Fd, level: i32, name: i32, room: Room) -> CallResult {
        let id = self.descriptors.get(fd)?;
        // Linux looks at the length first, but for the level of IPv6.
        if room.length < 0 && level != IPPROTO_IPV6 {
            return Err(Errno::EINVAL.into());
        }
        if level == IPPROTO_TCP && name == TCP_FASTOPEN_KEY {
            let socket = self.sockets.get(&id).ok_or(Errno::EBADF)?;
            let keys = OptionValue::Bytes(self.fast_open_keys(socket).concat());
            return Ok(Reply::Option(cut(keys, room.length)?));
        }
        let (env, sockets, _) = self.split();
        let socket = sockets.get_mut(&id).ok_or(Errno::EBADF)?;
        let value = match level {
            SOL_SOCKET => get_socket_option(&env, socket, name)?,
            IPPROTO_TCP => tcp_options::get(&env, socket, name)?,
            IPPROTO_IP => ip_options::get_v4(&env, socket, name)?,
            IPPROTO_IPV6 if socket.domain == Domain::Inet6 => ip_options::get_v6(&env, socket, name)?,
            _ if socket.domain == Domain::Inet => return Err(Errno::EOPNOTSUPP.into()),
            _ => return Err(Errno::ENOPROTOOPT.into()),
        };
        if room.nowhere {
            return Err(Errno::EFAULT.into());
        }
        Ok(Reply::Option(cut(value, room.length)?))
    }
}

/// As much of a value as there is room for.
fn cut(value: OptionValue, length: i64) -> Result<OptionValue, Failure> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    match value {
        OptionValue::Int(number) if length < 4 => {
            let mut bytes = (number as i32).to_ne_bytes();
            bytes.iter_mut().skip(length).for_each(|byte| *byte = 0);
            Ok(OptionValue::Int(i32::from_ne_bytes(bytes).into()))
        }
        OptionValue::Bytes(bytes) => Ok(OptionValue::Bytes(bytes.into_iter().take(length).collect())),
        OptionValue::Linger { .. } if length < 8 => Err(Failure::Unsupported("a part of a struct linger")),
        OptionValue::Timeval(_) if length < 16 => Err(Failure::Unsupported("a part of a struct timeval")),
        OptionValue::Info(_) if length < 256 => Err(Failure::Unsupported("a part of a struct tcp_info")),
        whole => Ok(whole),
    }
}

fn set_socket_option(env: &Env<'_>, socket: &mut Socket, name: i32, value: &Input) -> Result<(), Failure> {
    let number = value.int()?;
    let on = number != 0;
    match name {
        SO_REUSEADDR => socket.reuse_address = on,
        SO_REUSEPORT => socket.reuse_port = on,
        SO_DEBUG => socket.ignored.debug = on,
        SO_DONTROUTE => socket.ignored.dont_route = on,
        SO_BROADCAST => socket.ignored.broadcast = on,
        SO_PRIORITY => socket.ignored.priority = number as i32,
        SO_MARK => socket.ignored.mark = number as i32,
        SO_TIMESTAMPING => set_stamping(socket, number)?,
        SO_ZEROCOPY => socket.may_lend = tcp_options::switch(number)?,
        SO_OOBINLINE => set_knob(socket, |knobs| knobs.urgent_inline = on),
        SO_LINGER => {
            let (on, seconds) = linger(value)?;
            // The time of one that was switched off can still be read.
            if on {
                socket.linger_seconds = seconds;
            }
            socket.linger = on.then(|| Duration::from_secs(seconds.into()));
        }
        SO_RCVTIMEO => socket.receive_timeout = timeout(value)?,
        SO_SNDTIMEO => socket.send_timeout = timeout(value)?,
        SO_RCVLOWAT => {
            // Zero is one, and a negative number a very large one; no more than half of the buffer is waited for.
            let most = socket.knobs.receive_buffer.unwrap_or(env.settings.rmem[2]) / 2;
            let bytes = u32::try_from(number).unwrap_or(i32::MAX.unsigned_abs());
            socket.receive_low = bytes.min(most).max(1);
        }
        SO_KEEPALIVE => {
            let was = socket.knobs.keep_alive.on;
            set_knob(socket, |knobs| knobs.keep_alive.on = on);
            if let Some(connection) = socket.connection_mut().filter(|_| on != was) {
                connection.arm_keep_alive(env);
            }
        }
        SO_RCVBUF => set_receive_buffer(socket, buffer(number, RECEIVE_MIN)),
        SO_RCVBUFFORCE => set_receive_buffer(socket, forced_buffer(number, RECEIVE_MIN)),
        SO_SNDBUF => {
            let size = buffer(number, SEND_MIN);
            set_knob(socket, |knobs| knobs.send_buffer = Some(size));
        }
        SO_SNDBUFFORCE => {
            let size = forced_buffer(number, SEND_MIN);
            set_knob(socket, |knobs| knobs.send_buffer = Some(size));
        }
        SO_TYPE | SO_ERROR | SO_ACCEPTCONN | SO_PROTOCOL | SO_DOMAIN | SO_SNDLOWAT => {
            return Err(Errno::ENOPROTOOPT.into());
        }
        _ => return Err(refused(name, SO_END)),
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
        SO_DEBUG => i64::from(socket.ignored.debug),
        SO_DONTROUTE => i64::from(socket.ignored.dont_route),
        SO_BROADCAST => i64::from(socket.ignored.broadcast),
        SO_PRIORITY => i64::from(socket.ignored.priority),
        SO_MARK => i64::from(socket.ignored.mark),
        SO_ZEROCOPY => i64::from(socket.may_lend),
        SO_KEEPALIVE => i64::from(socket.knobs.keep_alive.on),
        SO_OOBINLINE => i64::from(socket.knobs.urgent_inline),
        SO_RCVLOWAT => i64::from(socket.receive_low),
        SO_SNDLOWAT => 1,
        SO_RCVTIMEO => return Ok(OptionValue::Timeval(socket.receive_timeout.unwrap_or_default())),
        SO_SNDTIMEO => return Ok(OptionValue::Timeval(socket.send_timeout.unwrap_or_default())),
        SO_LINGER => {
            // Linux counts in ticks, and so tells a very large time wrong.
            let seconds = i32::try_from(socket.linger_seconds).unwrap_or((i64::MAX / TICKS) as i32);
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
        // These can only be set.
        SO_RCVBUFFORCE | SO_SNDBUFFORCE => return Err(Errno::ENOPROTOOPT.into()),
        _ => return Err(refused(name, SO_END)),
    }))
}

/// Stamps of what is sent; of what is received there are none.
fn set_stamping(socket: &mut Socket, number: i64) -> Result<(), Failure> {
    const KNOWN: u32 = (1 << 19) - 1;
    const HARDWARE: u32 = 0x65;
    let flags = u32::try_from(number).ok().filter(|flags| flags & !KNOWN == 0).ok_or(Errno::EINVAL)?;
    if flags & !(TX_SOFTWARE | SOFTWARE | OPT_ID | TX_SCHED | TX_ACK | HARDWARE) != 0 {
        return Err(Failure::Unsupported("timestamps other than those of what is sent"));
    }
    let counts = flags & OPT_ID != 0 && socket.knobs.stamping & OPT_ID == 0;
    let base = match &socket.tcp {
        Tcp::Closed(_) | Tcp::Listen(_) if counts => return Err(Errno::EINVAL.into()),
        Tcp::Closed(_) | Tcp::Listen(_) => None,
        Tcp::SynSent(open) => Some(open.isn),
        Tcp::SynReceived(crossed) => Some(crossed.isn),
        Tcp::Synchronized(connection) => Some(connection.oldest_unacknowledged()),
    };
    set_knob(socket, |knobs| {
        knobs.stamping = flags;
        if counts {
            knobs.stamp_base = base;
        }
    });
    Ok(())
}

/// A time to wait: none at all, and one that is too long to tell, is for ever.
fn timeout(value: &Input) -> Result<Option<Duration>, Errno> {
    if value.length < 16 {
        return Err(Errno::EINVAL);
    }
    let long = |at: usize| {
        let bytes = value.get(at + 8)?.get(at..).and_then(|rest| rest.first_chunk()).ok_or(Errno::EFAULT)?;
        Ok(i64::from_ne_bytes(*bytes))
    };
    let (seconds, micros) = (long(0)?, long(8)?);
    if !(0..1_000_000).contains(&micros) {
        return Err(Errno::EDOM);
    }
    if (seconds == 0 && micros == 0) || seconds >= LONGEST_WAIT {
        return Ok(None);
    }
    // Less than none: calls do not wait, and the option reads as none.
    Ok(Some(u64::try_from(seconds).map_or(Duration::ZERO, |seconds| {
        Duration::from_secs(seconds) + Duration::from_micros(micros.unsigned_abs())
    })))
}

/// Whether `close` waits, and how many seconds: a negative number is a very large one.
fn linger(value: &Input) -> Result<(bool, u32), Errno> {
    if value.length < 8 {
        return Err(Errno::EINVAL);
    }
    let bytes = value.get(8)?;
    let word = |at: usize| bytes.get(at..).and_then(|rest| rest.first_chunk()).ok_or(Errno::EFAULT);
    Ok((i32::from_ne_bytes(*word(0)?) != 0, u32::from_ne_bytes(*word(4)?)))
}

fn set_receive_buffer(socket: &mut Socket, size: u32) {
    set_knob(socket, |knobs| knobs.receive_buffer = Some(size));
    if let Some(connection) = socket.connection_mut() {
        connection.set_receive_buffer(size);
    }
}

/// Sets something on the socket and on what it has of connections, also those that are being opened.
pub(super) fn set_knob(socket: &mut Socket, set: impl Fn(&mut Knobs)) {
    set(&mut socket.knobs);
    match &mut socket.tcp {
        Tcp::Closed(_) => {}
        Tcp::Listen(listen) => listen.requests.values_mut().for_each(|request| set(&mut request.knobs)),
        Tcp::SynSent(open) => set(&mut open.knobs),
        Tcp::SynReceived(crossed) => set(&mut crossed.knobs),
        Tcp::Synchronized(connection) => set(&mut connection.knobs),
    }
}
