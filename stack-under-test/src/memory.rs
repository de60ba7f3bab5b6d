//! What a packet costs in memory.
//!
//! Windows and the limits of reassembly follow from what Linux charges for a packet, not from its bytes: a buffer of a
//! size that its allocator has, and a descriptor.

/// Room that Linux leaves before a packet, and what it keeps behind it.
const HEADROOM: u32 = 64;
const TRAILER: u32 = 320;
const DESCRIPTOR: u32 = 256;
const CACHE_LINE: u32 = 64;
/// The smallest buffer.
const SMALL: u32 = 640;

/// The buffer for a packet of `length` bytes, IP header included.
const fn buffer(length: u32) -> u32 {
    let size = (length + HEADROOM).next_multiple_of(CACHE_LINE) + TRAILER;
    if size <= SMALL { SMALL } else { size.next_power_of_two() }
}

/// The charge for a packet of `length` bytes, IP header included.
pub(crate) const fn charge(length: u32) -> u32 {
    buffer(length) + DESCRIPTOR
}

/// Bytes that the buffer of such a packet can take besides it.
pub(crate) const fn room_behind(length: u32) -> u32 {
    buffer(length) - TRAILER - HEADROOM - length
}

#[cfg(test)]
mod tests {
    use super::{charge, room_behind};

    #[test]
    fn as_a_kernel_showed_by_its_windows() {
        for (length, charged) in
            [(41, 896), (577, 1280), (640, 1280), (641, 2304), (1040, 2304), (1500, 2304)]
        {
            assert_eq!(charge(length), charged, "{length}");
        }
        assert_eq!(room_behind(1040), 624);
        assert_eq!(room_behind(640), 0);
    }
}
