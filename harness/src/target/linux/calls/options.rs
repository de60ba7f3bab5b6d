//! `setsockopt`, `getsockopt`, `fcntl`, `ioctl`.

#![expect(unsafe_code, reason = "system calls are made with what the case says")]

use std::collections::BTreeMap;
use std::os::fd::RawFd;

use super::{Outcome, Stage};
use crate::case::{Lie, OptionValue, Value, duplicates};
use crate::target::linux::tcp_info;
use crate::time::Span;

/// Ends repair mode without a window probe.
pub(super) const TCP_REPAIR_OFF_SILENTLY: i32 = -1;

/// Room around option values, for lengths that lie.
const ROOM: usize = 4096;
const TCP_FASTOPEN_KEY: i64 = 33;

/// `setsockopt`
pub(super) fn setsockopt(
    stage: &mut Stage<'_>,
    fd: RawFd,
    (level, name): (i64, i64),
    value: &OptionValue<i64>,
    lie: Option<&Lie<i64>>,
) -> Outcome {
    let mut bytes = match value {
        OptionValue::Int(number) => (*number as i32).to_ne_bytes().to_vec(),
        OptionValue::Time(span) => timeval(*span),
        OptionValue::Linger { on, seconds } => {
            [(*on as i32).to_ne_bytes(), (*seconds as i32).to_ne_bytes()].concat()
        }
        OptionValue::Bytes(bytes) => bytes.clone(),
    };
    let true_length = bytes.len();
    bytes.resize(true_length.max(ROOM), 0);
    let (pointer, length) = match lie {
        None | Some(Lie::Family(_)) => (bytes.as_ptr() as usize, true_length),
        Some(Lie::Length(length)) => (bytes.as_ptr() as usize, *length as usize),
        Some(Lie::NullBuffer) => (0, true_length),
    };
    // SAFETY: the kernel reads the true length; for a longer lie what it knows of the option, which `ROOM` exceeds.
    Outcome::plain(unsafe {
        stage.call(libc::SYS_setsockopt, &[fd as usize, level as usize, name as usize, pointer, length])
    })
}

/// `getsockopt`
pub(super) fn getsockopt(
    stage: &mut Stage<'_>,
    fd: RawFd,
    (level, name): (i64, i64),
    raw: bool,
    lie: Option<&Lie<i64>>,
) -> Outcome {
    let shape = if raw { Shape::Bytes } else { Shape::of(level, name) };
    let mut bytes = vec![0_u8; ROOM];
    let mut length = match lie {
        Some(Lie::Length(length)) => *length as i32,
        _ => shape.room(),
    };
    let asked = length;
    bytes.resize(ROOM.max(usize::try_from(asked).unwrap_or(0).min(1 << 20)), 0);
    let pointer = match lie {
        Some(Lie::NullBuffer) => 0,
        _ => bytes.as_mut_ptr() as usize,
    };
    let arguments = [fd as usize, level as usize, name as usize, pointer, &raw mut length as usize];
    // SAFETY: the kernel writes at most `length` bytes, and no more than it knows of the option, which `ROOM` exceeds.
    let result = unsafe { stage.call(libc::SYS_getsockopt, &arguments) };
    let written = usize::try_from(length).unwrap_or(0).min(bytes.len());
    Outcome::giving(result, || Some(shape.value(&bytes[..written])))
}

/// `fcntl`
pub(super) fn fcntl(stage: &mut Stage<'_>, fd: RawFd, command: i64, argument: Option<i64>) -> Outcome {
    let argument = argument.unwrap_or(0) as usize;
    // SAFETY: the commands of the language (F_GETFL, F_SETFL, ...) take numbers.
    let result = unsafe { stage.call(libc::SYS_fcntl, &[fd as usize, command as usize, argument]) };
    if duplicates(command) { Outcome::descriptor(result) } else { Outcome::plain(result) }
}

/// `ioctl` with a pointer to an int, which is given back unless the case wrote it.
pub(super) fn ioctl(stage: &mut Stage<'_>, fd: RawFd, request: i64, argument: Option<i64>) -> Outcome {
    // More than an int, for requests that the language does not know.
    let mut room = [0_i64; 64];
    room[..1].copy_from_slice(&[argument.unwrap_or(0)]);
    let pointer = room.as_mut_ptr() as usize;
    // SAFETY: requests on sockets write an int, or a structure smaller than this room.
    let result = unsafe { stage.call(libc::SYS_ioctl, &[fd as usize, request as usize, pointer]) };
    Outcome::giving(result, || {
        let int = i32::from_ne_bytes(*room[0].to_ne_bytes().first_chunk()?);
        argument.is_none().then(|| Value::Int(i64::from(int)))
    })
}

/// How the value of an option looks.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Int,
    Linger,
    Time,
    TcpInfo,
    Text,
    Bytes,
}

impl Shape {
    fn of(level: i64, name: i64) -> Self {
        let known = |level_name: i32, names: &[i32]| {
            level == i64::from(level_name) && names.iter().any(|known| name == i64::from(*known))
        };
        if known(libc::SOL_SOCKET, &[libc::SO_LINGER]) {
            Self::Linger
        } else if known(libc::SOL_SOCKET, &[libc::SO_RCVTIMEO, libc::SO_SNDTIMEO]) {
            Self::Time
        } else if known(libc::SOL_TCP, &[libc::TCP_INFO]) {
            Self::TcpInfo
        } else if known(libc::SOL_TCP, &[libc::TCP_CONGESTION, libc::TCP_ULP]) {
            Self::Text
        } else if known(libc::SOL_TCP, &[libc::TCP_SAVED_SYN, libc::TCP_CC_INFO, TCP_FASTOPEN_KEY as i32]) {
            Self::Bytes
        } else {
            Self::Int
        }
    }

    /// How long the value may be.
    const fn room(self) -> i32 {
        match self {
            Self::Int => 4,
            Self::Linger => 8,
            Self::Time => 16,
            Self::TcpInfo => tcp_info::ROOM as i32,
            Self::Text => 16,
            Self::Bytes => ROOM as i32,
        }
    }

    fn value(self, bytes: &[u8]) -> Value {
        let int = |at: usize| int(bytes, at);
        match self {
            Self::Int => Value::Int(int(0)),
            Self::Linger => Value::Map(BTreeMap::from([
                ("l_onoff".to_owned(), Value::Int(int(0))),
                ("l_linger".to_owned(), Value::Int(int(4))),
            ])),
            Self::Time => Value::Time(span(bytes)),
            Self::TcpInfo => Value::Map(tcp_info::fields(bytes)),
            Self::Text => {
                let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
                Value::Bytes(bytes[..end].to_vec())
            }
            Self::Bytes => Value::Bytes(bytes.to_vec()),
        }
    }
}

/// An int at an offset; of a shorter value, what there is of it.
pub(super) fn int(bytes: &[u8], at: usize) -> i64 {
    let mut word = [0; 4];
    for (to, from) in word.iter_mut().zip(bytes.get(at..).unwrap_or_default()) {
        *to = *from;
    }
    i64::from(i32::from_ne_bytes(word))
}

fn timeval(span: Span) -> Vec<u8> {
    let micros = span.0.div_euclid(1_000);
    let (seconds, micros) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    [seconds.to_ne_bytes().as_slice(), micros.to_ne_bytes().as_slice()].concat()
}

fn span(bytes: &[u8]) -> Span {
    let long = |at: usize| {
        bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()).map_or(0, |chunk| i64::from_ne_bytes(*chunk))
    };
    Span::seconds(long(0)) + Span::micros(long(8))
}

#[cfg(test)]
mod tests {
    use super::{int, span, timeval};
    use crate::time::Span;

    #[test]
    fn times_survive_the_way_to_the_kernel_and_back() {
        for nanos in [0, 1_000, 1_500_000_000, 59_999_999_000] {
            assert_eq!(span(&timeval(Span(nanos))), Span(nanos));
        }
    }

    #[test]
    fn a_short_value_is_read_as_far_as_it_goes() {
        assert_eq!(int(&[1], 0), 1);
        assert_eq!(int(&[], 0), 0);
        assert_eq!(int(&(-3_i32).to_ne_bytes(), 0), -3);
    }
}
