//! Why a packet was dropped without being looked at by a connection.

/// What was wrong with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DropReason {
    /// Shorter than its headers, or than the lengths they state.
    Truncated,
    /// Neither IPv4 nor IPv6.
    IpVersion,
    /// An IP header with impossible lengths.
    IpHeader,
    /// The IPv4 header's checksum is wrong.
    IpChecksum,
    /// For an address that is not ours.
    NotOurs,
    /// From an address that nobody can answer: unspecified, multicast, broadcast, or our own.
    BadSource,
    /// A fragment that fits no packet: it overlaps another, repeats one, or is cut wrongly; or there were too many.
    Fragment,
    /// A protocol other than TCP and ICMP, or an IPv6 extension header.
    Protocol,
    /// A TCP header shorter than 20 bytes or longer than the segment.
    DataOffset,
    /// The TCP or ICMP checksum is wrong.
    Checksum,
    /// An ICMP message that reports no error of ours.
    Icmp,
}

/// All reasons, in the order of [`DropCounters`].
const REASONS: [DropReason; 11] = [
    DropReason::Truncated,
    DropReason::IpVersion,
    DropReason::IpHeader,
    DropReason::IpChecksum,
    DropReason::NotOurs,
    DropReason::BadSource,
    DropReason::Fragment,
    DropReason::Protocol,
    DropReason::DataOffset,
    DropReason::Checksum,
    DropReason::Icmp,
];

/// How many packets were dropped, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DropCounters([u64; REASONS.len()]);

impl DropCounters {
    /// Packets dropped for one reason.
    pub fn get(&self, reason: DropReason) -> u64 {
        self.iter().find(|&(other, _)| other == reason).map_or(0, |(_, count)| count)
    }

    /// Every reason with its count.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        REASONS.iter().copied().zip(self.0.iter().copied())
    }

    /// All packets dropped.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(crate) fn count(&mut self, reason: DropReason) {
        for (other, count) in REASONS.iter().zip(&mut self.0) {
            if *other == reason {
                *count += 1;
            }
        }
    }
}
