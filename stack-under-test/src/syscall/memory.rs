//! Memory of the program that calls read and write, and what Linux finds in it.

use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use super::OptionValue;
use super::constants::{AF_INET, AF_INET6, AF_UNSPEC};
use crate::socket::Domain;
use crate::socket::errors::Errno;

/// `struct sockaddr_in`
const V4_LENGTH: usize = 16;
/// `struct sockaddr_in6` without its last field, which old programs leave out.
const V6_LENGTH: usize = 24;
/// `struct sockaddr_storage`
const LONGEST: i64 = 128;

/// What a call is given to read: bytes to send, an address, the value of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// What is there; `None` for an address where nothing is.
    pub bytes: Option<Vec<u8>>,
    /// How many bytes the program says there are.
    pub length: i64,
}

/// Where a call is to write what it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// How many bytes the program says there is room for.
    pub length: i64,
    /// There is no memory at that address.
    pub nowhere: bool,
}

impl From<usize> for Room {
    fn from(length: usize) -> Self {
        Self { length: i64::try_from(length).unwrap_or(i64::MAX), nowhere: false }
    }
}

impl From<Vec<u8>> for Input {
    fn from(bytes: Vec<u8>) -> Self {
        let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        Self { bytes: Some(bytes), length }
    }
}

impl From<i32> for Input {
    fn from(value: i32) -> Self {
        value.to_ne_bytes().to_vec().into()
    }
}

/// A `sockaddr_in` or `sockaddr_in6`.
impl From<SocketAddr> for Input {
    fn from(address: SocketAddr) -> Self {
        let family = if address.is_ipv4() { AF_INET } else { AF_INET6 };
        let mut bytes = (family as u16).to_ne_bytes().to_vec();
        bytes.extend(address.port().to_be_bytes());
        match address {
            SocketAddr::V4(v4) => {
                bytes.extend(v4.ip().octets());
                bytes.resize(V4_LENGTH, 0);
            }
            SocketAddr::V6(v6) => {
                bytes.extend(v6.flowinfo().to_be_bytes());
                bytes.extend(v6.ip().octets());
                bytes.extend(v6.scope_id().to_ne_bytes());
            }
        }
        bytes.into()
    }
}

impl From<OptionValue> for Input {
    fn from(value: OptionValue) -> Self {
        match value {
            OptionValue::Int(number) => Self::from(number as i32),
            OptionValue::Linger { on, seconds } => {
                [i32::from(on).to_ne_bytes(), seconds.to_ne_bytes()].concat().into()
            }
            OptionValue::Timeval(time) => {
                let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
                [seconds.to_ne_bytes(), i64::from(time.subsec_micros()).to_ne_bytes()].concat().into()
            }
            OptionValue::Bytes(bytes) => bytes.into(),
            // No option is set with this.
            OptionValue::Info(_) => Vec::new().into(),
        }
    }
}

impl Input {
    /// The first `count` bytes, which the program says are there.
    pub(super) fn get(&self, count: usize) -> Result<&[u8], Errno> {
        self.bytes.as_deref().and_then(|bytes| bytes.get(..count)).ok_or(Errno::EFAULT)
    }

    /// An option that is an `int`, or begins with one.
    pub(super) fn int(&self) -> Result<i64, Errno> {
        if self.length < 4 {
            return Err(Errno::EINVAL);
        }
        let bytes = self.get(4)?.first_chunk().ok_or(Errno::EFAULT)?;
        Ok(i32::from_ne_bytes(*bytes).into())
    }

    /// An option that may be as short as a byte: what is shorter is 0.
    pub(super) fn int_or_byte(&self) -> Result<i64, Errno> {
        match self.length {
            4.. => self.int(),
            1.. => Ok(self.get(1)?.first().copied().unwrap_or(0).into()),
            _ => Ok(0),
        }
    }

    /// The bytes of an address, as the kernel copies them.
    pub(super) fn address(&self) -> Result<&[u8], Errno> {
        match usize::try_from(self.length) {
            Err(_) => Err(Errno::EINVAL),
            Ok(_) if self.length > LONGEST => Err(Errno::EINVAL),
            Ok(0) => Ok(&[]),
            Ok(length) => self.get(length),
        }
    }
}

/// The family of an address that has one.
pub(super) fn family(address: &[u8]) -> Option<i32> {
    address.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes).into())
}

/// The address that a socket of this family reads. `or_any`: no family at all stands for any address, as `bind` takes
/// it.
pub(super) fn socket_address(address: &[u8], domain: Domain, or_any: bool) -> Result<SocketAddr, Errno> {
    let word = |at: usize| address.get(at..).and_then(|rest| rest.first_chunk::<2>());
    let port = u16::from_be_bytes(*word(2).ok_or(Errno::EINVAL)?);
    let family = family(address).ok_or(Errno::EINVAL)?;
    match domain {
        Domain::Inet => {
            if address.len() < V4_LENGTH {
                return Err(Errno::EINVAL);
            }
            let ip: [u8; 4] = *address.get(4..).and_then(|rest| rest.first_chunk()).ok_or(Errno::EINVAL)?;
            let ip = Ipv4Addr::from(ip);
            if family != AF_INET && !(or_any && family == AF_UNSPEC && ip.is_unspecified()) {
                return Err(Errno::EAFNOSUPPORT);
            }
            Ok(SocketAddrV4::new(ip, port).into())
        }
        Domain::Inet6 => {
            if address.len() < V6_LENGTH {
                return Err(Errno::EINVAL);
            }
            if family != AF_INET6 {
                return Err(Errno::EAFNOSUPPORT);
            }
            let ip: [u8; 16] = *address.get(8..).and_then(|rest| rest.first_chunk()).ok_or(Errno::EINVAL)?;
            Ok(SocketAddrV6::new(Ipv6Addr::from(ip), port, 0, 0).into())
        }
    }
}
