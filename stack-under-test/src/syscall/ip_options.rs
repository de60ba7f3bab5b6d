//! Options of the levels `IPPROTO_IP` and `IPPROTO_IPV6`.

use super::constants::{
    IP_END, IP_FREEBIND, IP_MTU, IP_MTU_DISCOVER, IP_PMTUDISC_DO, IP_PMTUDISC_DONT, IP_PMTUDISC_OMIT,
    IP_PMTUDISC_WANT, IP_RECVERR, IP_TOS, IP_TTL, IPV6_END, IPV6_FREEBIND, IPV6_MTU, IPV6_MTU_DISCOVER,
    IPV6_RECVERR, IPV6_TCLASS, IPV6_UNICAST_HOPS, IPV6_V6ONLY, SO_EE_ORIGIN_ZEROCOPY,
};
use super::options::{refused, set_knob};
use super::{Failure, Input, OptionValue};
use crate::socket::Socket;
use crate::socket::errors::Errno;
use crate::tcp::env::Env;
use crate::tcp::handshake::HeaderKnobs;

/// What packets carry if nobody says otherwise. RFC9293/MUST-49
const HOPS: u8 = 64;
/// The bits of the traffic class that are ECN's, which belong to TCP.
const ECN: u8 = 3;

/// From 1 to 255; -1 is the system's.
fn hops(value: i64) -> Result<Option<u8>, Errno> {
    match u8::try_from(value) {
        Ok(hops) => Ok(Some(hops)),
        Err(_) if value == -1 => Ok(None),
        Err(_) => Err(Errno::EINVAL),
    }
}

/// The path's limit is obeyed in any case: `IP_PMTUDISC_DO` differs from `_WANT` for datagrams only.
fn discovery(value: i64) -> Result<(), Failure> {
    match i32::try_from(value) {
        Ok(IP_PMTUDISC_WANT | IP_PMTUDISC_DO) => Ok(()),
        Ok(0..=IP_PMTUDISC_OMIT) => Err(Failure::Unsupported("path MTU discovery that is switched off")),
        Ok(_) | Err(_) => Err(Errno::EINVAL.into()),
    }
}

fn set_report(socket: &mut Socket, on: bool, of: impl Fn(&mut HeaderKnobs, bool), v4: bool) {
    if !on {
        socket.errors.retain(|report| report.entry.origin == SO_EE_ORIGIN_ZEROCOPY);
    }
    set_knob(socket, |knobs| of(if v4 { &mut knobs.v4 } else { &mut knobs.v6 }, on));
}

pub(super) fn set_v4(socket: &mut Socket, name: i32, value: &Input) -> Result<(), Failure> {
    match name {
        IP_TTL => {
            if value.length < 1 {
                return Err(Errno::EINVAL.into());
            }
            let hops = hops(value.int_or_byte()?)?;
            if hops == Some(0) {
                return Err(Errno::EINVAL.into());
            }
            set_knob(socket, |knobs| knobs.v4.hops = hops);
        }
        IP_TOS => {
            let class = value.int_or_byte()? as u8 & !ECN;
            set_knob(socket, |knobs| knobs.v4.class = class);
        }
        IP_RECVERR => {
            let on = value.int_or_byte()? != 0;
            set_report(socket, on, |knobs, on| knobs.report_errors = on, true);
        }
        IP_FREEBIND => socket.free_bind = value.int_or_byte()? != 0,
        IP_MTU_DISCOVER => {
            let wanted = value.int_or_byte()?;
            if wanted != IP_PMTUDISC_DONT {
                discovery(wanted)?;
            }
            set_knob(socket, |knobs| knobs.v4.may_be_cut = wanted == IP_PMTUDISC_DONT);
            socket.ignored.discovery_v4 = Some(wanted as i32);
        }
        IP_MTU => return Err(Errno::ENOPROTOOPT.into()),
        _ => return Err(refused(name, IP_END)),
    }
    Ok(())
}

pub(super) fn get_v4(env: &Env<'_>, socket: &Socket, name: i32) -> Result<OptionValue, Failure> {
    Ok(OptionValue::Int(match name {
        IP_TTL => socket.knobs.v4.hops.unwrap_or(HOPS).into(),
        IP_TOS => socket.knobs.v4.class.into(),
        IP_RECVERR => socket.knobs.v4.report_errors.into(),
        IP_FREEBIND => socket.free_bind.into(),
        IP_MTU_DISCOVER => socket.ignored.discovery_v4.unwrap_or(IP_PMTUDISC_WANT).into(),
        IP_MTU => path_mtu(env, socket)?,
        _ => return Err(refused(name, IP_END)),
    }))
}

pub(super) fn set_v6(socket: &mut Socket, name: i32, value: &Input) -> Result<(), Failure> {
    let known = [IPV6_UNICAST_HOPS, IPV6_TCLASS, IPV6_RECVERR, IPV6_MTU_DISCOVER, IPV6_V6ONLY, IPV6_FREEBIND]
        .contains(&name);
    if !known {
        return Err(refused(name, IPV6_END));
    }
    // No memory is a value of 0.
    let number = match (&value.bytes, value.length) {
        (None, _) => 0,
        (Some(_), _) => value.int()?,
    };
    match name {
        IPV6_UNICAST_HOPS => {
            let hops = hops(number)?;
            set_knob(socket, |knobs| knobs.v6.hops = hops);
        }
        IPV6_TCLASS => {
            let class = hops(number)?.unwrap_or(0) & !ECN;
            set_knob(socket, |knobs| knobs.v6.class = class);
        }
        IPV6_RECVERR => set_report(socket, number != 0, |knobs, on| knobs.report_errors = on, false),
        IPV6_MTU_DISCOVER => {
            discovery(number)?;
            socket.ignored.discovery_v6 = Some(number as i32);
        }
        IPV6_V6ONLY if value.length < 4 || socket.binding.port != 0 => return Err(Errno::EINVAL.into()),
        IPV6_V6ONLY => socket.v6only = number != 0,
        IPV6_FREEBIND if value.length < 4 => return Err(Errno::EINVAL.into()),
        IPV6_FREEBIND => socket.free_bind = number != 0,
        _ => unreachable!("an option that was found known"),
    }
    Ok(())
}

pub(super) fn get_v6(env: &Env<'_>, socket: &Socket, name: i32) -> Result<OptionValue, Failure> {
    Ok(OptionValue::Int(match name {
        IPV6_UNICAST_HOPS => socket.knobs.v6.hops.unwrap_or(HOPS).into(),
        IPV6_TCLASS => socket.knobs.v6.class.into(),
        IPV6_RECVERR => socket.knobs.v6.report_errors.into(),
        IPV6_MTU_DISCOVER => socket.ignored.discovery_v6.unwrap_or(IP_PMTUDISC_WANT).into(),
        IPV6_V6ONLY => socket.v6only.into(),
        IPV6_FREEBIND => socket.free_bind.into(),
        IPV6_MTU => path_mtu(env, socket)?,
        _ => return Err(refused(name, IPV6_END)),
    }))
}

/// What the route to the peer carries, of a socket that has one.
fn path_mtu(env: &Env<'_>, socket: &Socket) -> Result<i64, Failure> {
    let flow = socket.flow.filter(|_| !matches!(socket.tcp, crate::socket::Tcp::Closed(_)));
    Ok(env.path_mtu(flow.ok_or(Errno::ENOTCONN)?.remote.address).into())
}
