//! The Internet checksum: this file is its only owner.

use std::net::IpAddr;

use pnet::packet::util;

use super::ip::Ip;

/// The ones' complement sum of 16-bit words, not complemented. An odd last byte counts as a word's upper half.
fn sum(data: &[u8]) -> u64 {
    // Even pieces far below the size at which a 32-bit sum of words could overflow.
    data.chunks(0x8000)
        .map(|piece| u64::from(!util::checksum(piece, usize::MAX)))
        .sum()
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    // At most 16 bits are left.
    sum as u16
}

/// The checksum of `data`, in which the checksum field must be zero: an IPv4 header's, or an ICMP message's.
#[must_use]
pub fn plain(data: &[u8]) -> u16 {
    !fold(sum(data))
}

/// The sum over the pseudo header of TCP and ICMPv6, not complemented. Network cards that finish checksums expect
/// this in the field. `length` is that of the segment in bytes.
///
/// # Panics
/// If the addresses are of different versions, which no header can hold.
#[must_use]
pub fn pseudo(src: IpAddr, dst: IpAddr, protocol: u8, length: u32) -> u16 {
    let addresses = match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => sum(&src.octets()) + sum(&dst.octets()),
        (IpAddr::V6(src), IpAddr::V6(dst)) => sum(&src.octets()) + sum(&dst.octets()),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
            panic!("a packet's addresses are of one version, not {src} and {dst}")
        }
    };
    fold(addresses + sum(&length.to_be_bytes()) + u64::from(protocol))
}

/// The checksum of a TCP segment or ICMPv6 message in which the checksum field is zero. An IPv6 routing header is not
/// looked into: the destination is the header's.
#[must_use]
pub fn transport(ip: &Ip, protocol: u8, segment: &[u8]) -> u16 {
    let length = u32::try_from(segment.len()).unwrap_or(u32::MAX);
    let pseudo = pseudo(ip.src(), ip.dst(), protocol, length);
    !fold(u64::from(pseudo) + sum(segment))
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn sums_agree_with_rfc_1071() {
        // The example of RFC 1071, section 3: the sum is ddf2.
        assert_eq!(
            plain(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]),
            !0xddf2
        );
        assert_eq!(plain(&[]), 0xffff);
        assert_eq!(plain(&[0x12]), !0x1200);
        assert_eq!(plain(&[0xff; 300_001]), 0x00ff);
    }
}
