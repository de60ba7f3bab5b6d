//! A TCP segment as plain data.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

use super::option::TcpOption;

/// A TCP segment. Data offset and checksum follow from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tcp {
    /// Source port.
    pub sport: u16,
    /// Destination port.
    pub dport: u16,
    /// Sequence number as on the wire.
    pub seq: u32,
    /// Acknowledgement number as on the wire, whether or not ACK is set.
    pub ack: u32,
    /// The nine flags.
    pub flags: Flags,
    /// The three bits between data offset and flags that must be zero, 0..=7.
    pub reserved: u8,
    /// Window field, not scaled.
    pub win: u16,
    /// Urgent pointer, whether or not URG is set.
    pub urg: u16,
    /// Options, padding included.
    pub options: Vec<TcpOption>,
    /// Data.
    pub payload: Vec<u8>,
}

impl Tcp {
    /// How much sequence space the segment takes: its data, and one each for SYN and FIN.
    #[must_use]
    pub fn seq_len(&self) -> u32 {
        let data = u32::try_from(self.payload.len()).unwrap_or(u32::MAX);
        data.wrapping_add(u32::from(self.flags.contains(Flags::SYN)))
            .wrapping_add(u32::from(self.flags.contains(Flags::FIN)))
    }
}

/// The options one usually looks for. Each gives the first of its kind.
impl Tcp {
    /// Maximum segment size, in bytes.
    #[must_use]
    pub fn mss(&self) -> Option<u16> {
        self.options.iter().find_map(|option| {
            if let TcpOption::Mss(size) = option {
                Some(*size)
            } else {
                None
            }
        })
    }

    /// Window scale, a shift.
    #[must_use]
    pub fn wscale(&self) -> Option<u8> {
        self.options.iter().find_map(|option| {
            if let TcpOption::Wscale(shift) = option {
                Some(*shift)
            } else {
                None
            }
        })
    }

    /// Timestamp value and echo reply.
    #[must_use]
    pub fn timestamps(&self) -> Option<(u32, u32)> {
        self.options.iter().find_map(|option| {
            if let TcpOption::Ts { val, ecr } = option {
                Some((*val, *ecr))
            } else {
                None
            }
        })
    }

    /// Whether selective acknowledgement is permitted.
    #[must_use]
    pub fn sack_ok(&self) -> bool {
        self.options.contains(&TcpOption::SackOk)
    }
}

/// TCP's nine flags, FIN the lowest bit, AE the highest (RFC 9293, 3.1; AE: RFC 9768).
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Flags(u16);

impl Flags {
    /// No flag at all.
    pub const NONE: Self = Self(0);
    /// No more data from the sender.
    pub const FIN: Self = Self(0x001);
    /// Synchronize sequence numbers.
    pub const SYN: Self = Self(0x002);
    /// Reset the connection.
    pub const RST: Self = Self(0x004);
    /// Push.
    pub const PSH: Self = Self(0x008);
    /// The acknowledgement number counts.
    pub const ACK: Self = Self(0x010);
    /// The urgent pointer counts.
    pub const URG: Self = Self(0x020);
    /// ECN echo.
    pub const ECE: Self = Self(0x040);
    /// Congestion window reduced.
    pub const CWR: Self = Self(0x080);
    /// Accurate ECN.
    pub const AE: Self = Self(0x100);

    /// Flags and their letters, in the order of the notation.
    pub const LETTERS: [(Self, char); 9] = [
        (Self::FIN, 'F'),
        (Self::SYN, 'S'),
        (Self::RST, 'R'),
        (Self::PSH, 'P'),
        (Self::ACK, '.'),
        (Self::URG, 'U'),
        (Self::ECE, 'E'),
        (Self::CWR, 'W'),
        (Self::AE, 'A'),
    ];

    /// The flags with these bits; bits above the ninth are dropped.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits & 0x1ff)
    }

    /// The bits, as in the header.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether all of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These without `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The flag with this letter of the notation.
    #[must_use]
    pub fn from_letter(letter: char) -> Option<Self> {
        Self::LETTERS
            .iter()
            .find(|(_, l)| *l == letter)
            .map(|(flag, _)| *flag)
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// The letters of the notation, or `none`.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NONE {
            return f.write_str("none");
        }
        for (flag, letter) in Self::LETTERS {
            if self.contains(flag) {
                write!(f, "{letter}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flags({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::{Flags, Tcp};
    use crate::wire::option::TcpOption;

    #[test]
    fn flags_and_letters() {
        for (flag, letter) in Flags::LETTERS {
            assert_eq!(Flags::from_letter(letter), Some(flag));
            assert_eq!(flag.to_string(), letter.to_string());
        }
        assert_eq!(Flags::from_letter('Q'), None);
        assert_eq!(Flags::from_bits(0xffff).to_string(), "FSRP.UEWA");
        let mut flags = Flags::SYN | Flags::ACK;
        assert!(flags.contains(Flags::ACK) && !flags.contains(Flags::ACK | Flags::FIN));
        flags |= Flags::PSH;
        assert_eq!(
            flags.without(Flags::PSH | Flags::FIN),
            Flags::SYN | Flags::ACK
        );
        assert_eq!(format!("{flags:?}"), "Flags(SP.)");
    }

    #[test]
    fn sequence_space_is_data_syn_and_fin() {
        let len = |flags, data| {
            Tcp {
                flags,
                payload: vec![0; data],
                ..Tcp::default()
            }
            .seq_len()
        };
        assert_eq!(len(Flags::ACK, 0), 0);
        assert_eq!(len(Flags::ACK, 10), 10);
        assert_eq!(len(Flags::SYN, 10), 11);
        assert_eq!(len(Flags::FIN, 0), 1);
        assert_eq!(len(Flags::SYN | Flags::FIN, 1), 3);
    }

    #[test]
    fn options_are_found_the_first_of_each() {
        let none = Tcp::default();
        assert_eq!(
            (none.mss(), none.wscale(), none.timestamps(), none.sack_ok()),
            (None, None, None, false)
        );
        let options = vec![
            TcpOption::Nop,
            TcpOption::Mss(1),
            TcpOption::Mss(2),
            TcpOption::Wscale(3),
            TcpOption::Ts { val: 4, ecr: 5 },
            TcpOption::SackOk,
        ];
        let tcp = Tcp {
            options,
            ..Tcp::default()
        };
        assert_eq!(
            (tcp.mss(), tcp.wscale(), tcp.timestamps(), tcp.sack_ok()),
            (Some(1), Some(3), Some((4, 5)), true)
        );
    }
}
