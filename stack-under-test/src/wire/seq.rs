//! Sequence numbers: points on a circle.

use core::ops::{Add, AddAssign, Sub};

/// A sequence number. There is no order on a circle, hence no `Ord`: ask [`before`](Self::before) or
/// [`after`](Self::after), which compare over the shorter way round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct SeqNum(pub(crate) u32);

impl SeqNum {
    // RFC9293/3.4-modulo
    pub(crate) fn before(self, other: Self) -> bool {
        (self.0.wrapping_sub(other.0) as i32) < 0
    }

    pub(crate) fn after(self, other: Self) -> bool {
        other.before(self)
    }

    /// Whether `low <= self <= high`.
    pub(crate) fn within(self, low: Self, high: Self) -> bool {
        self.0.wrapping_sub(low.0) <= high.0.wrapping_sub(low.0)
    }

    /// How far `self` is beyond `earlier`, zero if it is not.
    pub(crate) fn beyond(self, earlier: Self) -> u32 {
        if self.after(earlier) { self - earlier } else { 0 }
    }

    pub(crate) fn max(self, other: Self) -> Self {
        if self.after(other) { self } else { other }
    }

    pub(crate) fn min(self, other: Self) -> Self {
        if self.before(other) { self } else { other }
    }
}

impl Add<u32> for SeqNum {
    type Output = Self;

    fn add(self, count: u32) -> Self {
        Self(self.0.wrapping_add(count))
    }
}

impl AddAssign<u32> for SeqNum {
    fn add_assign(&mut self, count: u32) {
        *self = *self + count;
    }
}

impl Sub<u32> for SeqNum {
    type Output = Self;

    fn sub(self, count: u32) -> Self {
        Self(self.0.wrapping_sub(count))
    }
}

impl Sub for SeqNum {
    type Output = u32;

    /// The way from `earlier` up to `self`.
    fn sub(self, earlier: Self) -> u32 {
        self.0.wrapping_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::SeqNum;

    #[test]
    fn order_holds_across_the_wrap() {
        let low = SeqNum(u32::MAX - 1);
        let high = low + 5;
        assert!(low.before(high) && high.after(low) && !high.before(low));
        assert!((low + 2).within(low, high) && !(high + 1).within(low, high));
        assert_eq!((high - low, low.beyond(high), high.beyond(low)), (5, 0, 5));
        assert_eq!((low.max(high), low.min(high)), (high, low));
        assert!(!low.before(low) && !low.after(low) && low.within(low, low));
    }
}
