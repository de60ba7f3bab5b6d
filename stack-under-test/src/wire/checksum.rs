//! The Internet checksum.

use core::net::IpAddr;

/// A one's complement sum in the making.
#[derive(Clone, Copy, Default)]
pub(crate) struct Checksum(u64);

impl Checksum {
    /// Adds bytes as big-endian words; an odd last byte is padded with zero, so only the last part may be odd.
    pub(crate) fn add(mut self, bytes: &[u8]) -> Self {
        let (words, odd) = bytes.as_chunks();
        self.0 += words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum::<u64>();
        self.0 += odd.iter().map(|byte| u64::from(*byte) << 8).sum::<u64>();
        self
    }

    /// Adds the pseudo-header of RFC 9293 section 3.1.
    pub(crate) fn add_pseudo_header(
        self,
        source: IpAddr,
        destination: IpAddr,
        protocol: u8,
        length: u32,
    ) -> Self {
        let with_addresses = match (source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                self.add(&source.octets()).add(&destination.octets())
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                self.add(&source.octets()).add(&destination.octets())
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
                unreachable!("both ends of a packet are of one family")
            }
        };
        with_addresses.add(&length.to_be_bytes()).add(&[0, protocol])
    }

    /// The field's value; zero when computed over a part that carries a correct checksum.
    pub(crate) fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }
}
