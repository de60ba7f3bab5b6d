//! Arithmetic on sequence numbers: 32 bits on a circle, so there is distance but no order.

/// How far `to` lies ahead of `from`, in bytes; negative if it lies behind. Numbers exactly half the circle apart
/// count as behind.
#[must_use]
pub fn distance(from: u32, to: u32) -> i32 {
    to.wrapping_sub(from).cast_signed()
}

/// The number that is written relative to `base`, e.g. an initial sequence number.
#[must_use]
pub fn relative(base: u32, absolute: u32) -> u32 {
    absolute.wrapping_sub(base)
}

/// The number on the wire that is `relative` counted from `base`.
#[must_use]
pub fn absolute(base: u32, relative: u32) -> u32 {
    base.wrapping_add(relative)
}

#[cfg(test)]
mod tests {
    use super::{absolute, distance, relative};

    #[test]
    fn distance_wraps_and_has_a_sign() {
        let table = [
            (1, 1, 0),
            (1, 2, 1),
            (2, 1, -1),
            (u32::MAX, 0, 1),
            (0, u32::MAX, -1),
            (0, 0x7fff_ffff, i32::MAX),
            (0, 0x8000_0000, i32::MIN),
        ];
        for (from, to, want) in table {
            assert_eq!(distance(from, to), want, "from {from} to {to}");
        }
    }

    #[test]
    fn relative_and_absolute_undo_each_other() {
        assert_eq!(relative(0xffff_fff0, 5), 21);
        assert_eq!(absolute(0xffff_fff0, 21), 5);
    }
}
