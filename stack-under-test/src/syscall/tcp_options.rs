//! Options of the level `IPPROTO_TCP`.

use alloc::boxed::Box;
use core::time::Duration;

use super::constants::{
    TCP_CC_INFO, TCP_CONGESTION, TCP_CORK, TCP_DEFER_ACCEPT, TCP_END, TCP_FASTOPEN, TCP_FASTOPEN_CONNECT,
    TCP_FASTOPEN_KEY, TCP_FASTOPEN_NO_COOKIE, TCP_INFO, TCP_INQ, TCP_KEEPCNT, TCP_KEEPIDLE, TCP_KEEPINTVL,
    TCP_LINGER2, TCP_MAXSEG, TCP_NODELAY, TCP_NOTSENT_LOWAT, TCP_QUICKACK, TCP_SAVED_SYN, TCP_SYNCNT,
    TCP_THIN_DUPACK, TCP_TIMESTAMP, TCP_USER_TIMEOUT, TCP_WINDOW_CLAMP, TCP_ZEROCOPY_RECEIVE,
};
use super::options::{refused, set_knob};
use super::{Failure, Input, OptionValue};
use crate::socket::Socket;
use crate::socket::errors::Errno;
use crate::tcp::congestion::Algorithm;
use crate::tcp::env::Env;
use crate::tcp::fast_open::{CLIENT, Key};
use crate::tcp::flow::Outbox;
use crate::tcp::handshake::OrphanTime;
use crate::tcp::info;
use crate::tcp::state::TcpState;

const MAXSEG_MIN: i64 = 88;
const MAXSEG_MAX: i64 = 32767;
/// The longest name of a congestion control.
const NAME_MAX: usize = 15;
const ORPHAN_MAX: Duration = Duration::from_secs(120);
/// No window is clamped to less.
const CLAMP_MIN: u32 = 1152;

/// A number between 1 and `most`.
fn count(value: i64, most: u32) -> Result<u32, Errno> {
    u32::try_from(value).ok().filter(|count| (1..=most).contains(count)).ok_or(Errno::EINVAL)
}

pub(super) fn set(
    env: &Env<'_>,
    socket: &mut Socket,
    name: i32,
    value: &Input,
    out: &mut Outbox,
) -> Result<(), Failure> {
    match name {
        TCP_CONGESTION => return set_congestion(env, socket, value),
        TCP_FASTOPEN_KEY => return set_fast_open_keys(socket, value),
        _ => {}
    }
    let value = value.int()?;
    match name {
        TCP_NODELAY | TCP_CORK => set_hold(env, socket, name, value != 0, out),
        TCP_KEEPIDLE => set_idle(env, socket, value)?,
        TCP_KEEPINTVL => {
            let interval = Duration::from_secs(count(value, 32767)?.into());
            set_knob(socket, |knobs| knobs.keep_alive.interval = Some(interval));
        }
        TCP_KEEPCNT => {
            let probes = count(value, 127)?;
            set_knob(socket, |knobs| knobs.keep_alive.count = Some(probes));
        }
        TCP_SYNCNT => {
            let retries = count(value, 127)?;
            set_knob(socket, |knobs| knobs.syn_retries = Some(retries));
        }
        TCP_MAXSEG => {
            if value != 0 && !(MAXSEG_MIN..=MAXSEG_MAX).contains(&value) {
                return Err(Errno::EINVAL.into());
            }
            socket.knobs.max_segment = u16::try_from(value).ok().filter(|size| *size != 0);
        }
        TCP_USER_TIMEOUT => {
            let millis = u32::try_from(value).map_err(|_| Errno::EINVAL)?;
            let most = Some(Duration::from_millis(millis.into())).filter(|most| !most.is_zero());
            set_knob(socket, |knobs| knobs.user_timeout = most);
        }
        TCP_LINGER2 => {
            let time = orphan_time(value);
            set_knob(socket, |knobs| knobs.orphan_time = time);
        }
        TCP_DEFER_ACCEPT => set_knob(socket, |knobs| knobs.defer_accept = repetitions_within(env, value)),
        TCP_WINDOW_CLAMP => set_window_clamp(socket, value)?,
        TCP_QUICKACK => {
            set_knob(socket, |knobs| knobs.lazy_ack = value == 0);
            if let Some(connection) = socket.connection_mut() {
                connection.set_quick_ack(env, value, out);
            }
        }
        TCP_INQ => socket.tell_unread = switch(value)?,
        TCP_NOTSENT_LOWAT => {
            set_knob(socket, |knobs| knobs.unsent_low = unsent_low(value));
        }
        TCP_FASTOPEN | TCP_FASTOPEN_CONNECT | TCP_FASTOPEN_NO_COOKIE => {
            set_fast_open(env, socket, name, value)?;
        }
        // What it asked for Linux has given up.
        TCP_THIN_DUPACK => drop(switch(value)?),
        // Only a connection under repair can be given another clock.
        TCP_TIMESTAMP => return Err(Errno::EPERM.into()),
        TCP_INFO | TCP_CC_INFO | TCP_SAVED_SYN | TCP_ZEROCOPY_RECEIVE => {
            return Err(Errno::ENOPROTOOPT.into());
        }
        _ => return Err(refused(name, TCP_END)),
    }
    Ok(())
}

/// Zero is the system's, and a negative number a very large one.
fn unsent_low(value: i64) -> Option<u32> {
    Some(value as u32).filter(|low| *low != 0)
}

fn orphan_time(seconds: i64) -> OrphanTime {
    match u64::try_from(seconds) {
        Err(_) => OrphanTime::None,
        Ok(0) => OrphanTime::System,
        Ok(seconds) => OrphanTime::So(Duration::from_secs(seconds).min(ORPHAN_MAX)),
    }
}

fn set_fast_open(env: &Env<'_>, socket: &mut Socket, name: i32, value: i64) -> Result<(), Errno> {
    let settings = env.settings;
    let closed = socket.state() == TcpState::Closed;
    let quiet = closed || socket.state() == TcpState::Listen;
    match name {
        TCP_FASTOPEN => {
            let backlog = u32::try_from(value).ok().filter(|_| quiet).ok_or(Errno::EINVAL)?;
            socket.fast_open.backlog = backlog.min(settings.somaxconn);
        }
        TCP_FASTOPEN_CONNECT => {
            let on = switch(value)?;
            if settings.fast_open & CLIENT == 0 {
                return Err(Errno::EOPNOTSUPP);
            }
            if !closed {
                return Err(Errno::EINVAL);
            }
            socket.knobs.fast_open.connect = on;
        }
        _ => {
            let on = switch(value)?;
            if !quiet {
                return Err(Errno::EINVAL);
            }
            socket.knobs.fast_open.no_cookie = on;
        }
    }
    Ok(())
}

/// One key or two.
fn set_fast_open_keys(socket: &mut Socket, value: &Input) -> Result<(), Failure> {
    let length = usize::try_from(value.length).unwrap_or(0);
    if length != size_of::<Key>() && length != 2 * size_of::<Key>() {
        return Err(Errno::EINVAL.into());
    }
    let (keys, _) = value.get(length)?.as_chunks();
    socket.fast_open.keys = keys.to_vec();
    Ok(())
}

fn set_idle(env: &Env<'_>, socket: &mut Socket, seconds: i64) -> Result<(), Errno> {
    let idle = Duration::from_secs(count(seconds, 32767)?.into());
    set_knob(socket, |knobs| knobs.keep_alive.idle = Some(idle));
    if let Some(connection) = socket.connection_mut() {
        connection.rearm_keep_alive(env);
    }
    Ok(())
}

/// 0 or 1, and nothing else.
pub(super) fn switch(value: i64) -> Result<bool, Errno> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Errno::EINVAL),
    }
}

/// Those of Linux that are not here.
const OTHERS: [&str; 15] = [
    "bbr",
    "bic",
    "cdg",
    "dctcp",
    "highspeed",
    "htcp",
    "hybla",
    "illinois",
    "lp",
    "nv",
    "scalable",
    "vegas",
    "veno",
    "westwood",
    "yeah",
];

fn set_congestion(env: &Env<'_>, socket: &mut Socket, value: &Input) -> Result<(), Failure> {
    if value.length < 1 {
        return Err(Errno::EINVAL.into());
    }
    let length = usize::try_from(value.length).unwrap_or(usize::MAX).min(NAME_MAX);
    let name = value.get(length)?;
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    let name = name.get(..end).and_then(|name| core::str::from_utf8(name).ok()).unwrap_or_default();
    if OTHERS.contains(&name) {
        return Err(Failure::Unsupported("congestion control other than reno and cubic"));
    }
    let algorithm = Algorithm::named(name).ok_or(Errno::ENOENT)?;
    set_knob(socket, |knobs| knobs.congestion = Some(algorithm));
    if let Some(connection) = socket.connection_mut().filter(|connection| connection.algorithm() != algorithm)
    {
        connection.set_congestion(env, algorithm);
    }
    Ok(())
}

/// What was held back goes when it is no longer to be: also under a cork if `TCP_NODELAY` is set.
fn set_hold(env: &Env<'_>, socket: &mut Socket, name: i32, on: bool, out: &mut Outbox) {
    set_knob(socket, |knobs| if name == TCP_CORK { knobs.cork = on } else { knobs.nodelay = on });
    let Some(connection) = socket.connection_mut() else { return };
    match (name, on) {
        (TCP_NODELAY, true) => connection.push_out(env, out),
        (TCP_CORK, false) => connection.transmit(env, out),
        (_, _) => {}
    }
}

fn set_window_clamp(socket: &mut Socket, value: i64) -> Result<(), Errno> {
    let clamp = u32::try_from(value).unwrap_or(CLAMP_MIN);
    if clamp == 0 {
        if socket.state() != TcpState::Closed {
            return Err(Errno::EINVAL);
        }
        socket.knobs.window_clamp = None;
        return Ok(());
    }
    let clamp = clamp.max(CLAMP_MIN);
    socket.knobs.window_clamp = Some(clamp);
    if let Some(connection) = socket.connection_mut() {
        connection.set_window_clamp(clamp);
    }
    Ok(())
}

/// So many doublings of one second fit into the given time, which is rounded up.
fn repetitions_within(env: &Env<'_>, seconds: i64) -> u32 {
    let most = env.settings.rto_max.as_secs();
    let wanted = u64::try_from(seconds).unwrap_or(0);
    let (mut count, mut interval, mut sum) = (0, 1, 0);
    while sum < wanted && count < 255 {
        count += 1;
        sum += interval;
        interval = (interval * 2).min(most);
    }
    count
}

/// The time that so many doublings take.
fn time_of(env: &Env<'_>, repetitions: u32) -> i64 {
    let most = env.settings.rto_max.as_secs() as i64;
    (0..repetitions).fold((0, 1), |(sum, interval), _| (sum + interval, (interval * 2).min(most))).0
}

pub(super) fn get(env: &Env<'_>, socket: &Socket, name: i32) -> Result<OptionValue, Failure> {
    let knobs = &socket.knobs;
    let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Ok(OptionValue::Int(match name {
        TCP_NODELAY => i64::from(knobs.nodelay),
        TCP_CORK => i64::from(knobs.cork),
        TCP_KEEPIDLE => seconds(knobs.keep_alive.idle.unwrap_or(env.settings.keep_alive_idle)),
        TCP_KEEPINTVL => seconds(knobs.keep_alive.interval.unwrap_or(env.settings.keep_alive_interval)),
        TCP_KEEPCNT => knobs.keep_alive.count.unwrap_or(env.settings.keep_alive_probes).into(),
        TCP_USER_TIMEOUT => {
            i64::try_from(knobs.user_timeout.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
        }
        TCP_LINGER2 => match knobs.orphan_time {
            OrphanTime::System => seconds(env.settings.fin_timeout),
            OrphanTime::None => -1,
            OrphanTime::So(time) => seconds(time),
        },
        TCP_DEFER_ACCEPT => time_of(env, knobs.defer_accept),
        TCP_WINDOW_CLAMP => match (socket.connection(), knobs.window_clamp) {
            (Some(connection), _) => connection.window_clamp().into(),
            (None, clamp) => clamp.unwrap_or(0).into(),
        },
        TCP_MAXSEG => match (socket.connection(), knobs.max_segment) {
            (Some(connection), _) => connection.segment_size(env).into(),
            (None, size) => size.map_or(536, i64::from),
        },
        TCP_SYNCNT => knobs.syn_retries.unwrap_or(env.settings.syn_retries).into(),
        TCP_QUICKACK => i64::from(match socket.connection() {
            Some(connection) => connection.quick_ack(env),
            None => !knobs.lazy_ack,
        }),
        TCP_INFO => return Ok(OptionValue::Info(Box::new(info::of_socket(env, socket)))),
        TCP_INQ => socket.tell_unread.into(),
        TCP_NOTSENT_LOWAT => (knobs.unsent_low.unwrap_or(0) as i32).into(),
        TCP_FASTOPEN => socket.fast_open.backlog.into(),
        TCP_FASTOPEN_CONNECT => knobs.fast_open.connect.into(),
        TCP_FASTOPEN_NO_COOKIE => knobs.fast_open.no_cookie.into(),
        TCP_THIN_DUPACK => 0,
        TCP_TIMESTAMP => env.timestamp().cast_signed().into(),
        TCP_CONGESTION => {
            let algorithm = match socket.connection() {
                Some(connection) => connection.algorithm(),
                None => knobs.congestion.unwrap_or(env.settings.congestion),
            };
            return Ok(OptionValue::Bytes(algorithm.name().as_bytes().to_vec()));
        }
        _ => return Err(refused(name, TCP_END)),
    }))
}
