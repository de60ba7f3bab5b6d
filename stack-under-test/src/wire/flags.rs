//! The control bits.

use core::ops::BitOr;

/// A set of control bits, as in the header's fourteenth byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(pub(crate) u8);

impl Flags {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const FIN: Self = Self(0x01);
    pub(crate) const SYN: Self = Self(0x02);
    pub(crate) const RST: Self = Self(0x04);
    pub(crate) const PSH: Self = Self(0x08);
    pub(crate) const ACK: Self = Self(0x10);
    pub(crate) const URG: Self = Self(0x20);
    /// A mark of congestion came (RFC 3168).
    pub(crate) const ECE: Self = Self(0x40);
    /// The congestion window was reduced.
    pub(crate) const CWR: Self = Self(0x80);

    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) fn syn(self) -> bool {
        self.has(Self::SYN)
    }

    pub(crate) fn ack(self) -> bool {
        self.has(Self::ACK)
    }

    pub(crate) fn urg(self) -> bool {
        self.has(Self::URG)
    }

    pub(crate) fn rst(self) -> bool {
        self.has(Self::RST)
    }

    pub(crate) fn fin(self) -> bool {
        self.has(Self::FIN)
    }

    pub(crate) fn psh(self) -> bool {
        self.has(Self::PSH)
    }

    /// `self` if the condition holds, else none.
    pub(crate) fn when(self, condition: bool) -> Self {
        if condition { self } else { Self::NONE }
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
