//! Socket addresses as the kernel has them.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use crate::case::Lie;

/// Room for every address, and for lengths that lie a little.
pub(super) const ROOM: usize = 128;

/// The bytes of a `sockaddr_in` or `sockaddr_in6`, padded, and how many count.
pub(super) fn encode(address: SocketAddr) -> ([u8; ROOM], usize) {
    let mut bytes = [0; ROOM];
    bytes[2..4].copy_from_slice(&address.port().to_be_bytes());
    let (family, length) = match address {
        SocketAddr::V4(v4) => {
            bytes[4..8].copy_from_slice(&v4.ip().octets());
            (libc::AF_INET, 16)
        }
        SocketAddr::V6(v6) => {
            bytes[4..8].copy_from_slice(&v6.flowinfo().to_be_bytes());
            bytes[8..24].copy_from_slice(&v6.ip().octets());
            bytes[24..28].copy_from_slice(&v6.scope_id().to_ne_bytes());
            (libc::AF_INET6, 28)
        }
    };
    bytes[0..2].copy_from_slice(&(family as u16).to_ne_bytes());
    (bytes, length)
}

/// The bytes of an address, with the lie that is told about its family.
pub(super) fn addressed(address: SocketAddr, lie: Option<&Lie<i64>>) -> ([u8; ROOM], usize) {
    let (mut bytes, length) = encode(address);
    if let Some(Lie::Family(family)) = lie {
        bytes[0..2].copy_from_slice(&(*family as u16).to_ne_bytes());
    }
    (bytes, length)
}

/// The address in the bytes that the kernel wrote.
pub(super) fn decode(bytes: &[u8]) -> Option<SocketAddr> {
    let family = i32::from(u16::from_ne_bytes(*bytes.first_chunk()?));
    let port = u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?);
    match family {
        libc::AF_INET => {
            let ip = Ipv4Addr::from(*bytes.get(4..)?.first_chunk::<4>()?);
            Some(SocketAddr::new(ip.into(), port))
        }
        libc::AF_INET6 => {
            let ip = Ipv6Addr::from(*bytes.get(8..)?.first_chunk::<16>()?);
            let scope = u32::from_ne_bytes(*bytes.get(24..)?.first_chunk()?);
            Some(SocketAddrV6::new(ip, port, 0, scope).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn addresses_survive_the_way_to_the_kernel_and_back() {
        for text in ["192.168.0.1:8080", "[fd3d:a0b:17d6::1]:80", "[::ffff:192.0.2.1]:1"] {
            let address = text.parse().unwrap();
            let (bytes, length) = encode(address);
            assert_eq!(decode(&bytes[..length]), Some(address));
        }
        assert_eq!(decode(&[0; 16]), None);
        assert_eq!(decode(&[2, 0]), None);
    }
}
