//! The payload pattern: bytes that say at which stream offset they stand, and which way they go.
//!
//! Blocks of eight bytes, each seven hex digits of its offset modulo 2^28 and then `>` to the peer or `<` from the
//! peer: `0000000>0000008>0000010>`. Offset 0 is the byte with relative sequence number 1.

/// Which way a stream goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the target to the peer.
    ToPeer,
    /// From the peer to the target.
    FromPeer,
}

impl Direction {
    /// The last byte of each block.
    #[must_use]
    pub fn mark(self) -> u8 {
        match self {
            Self::ToPeer => b'>',
            Self::FromPeer => b'<',
        }
    }
}

/// `len` bytes of the pattern from stream offset `offset` on.
#[must_use]
pub fn fill(direction: Direction, offset: u64, len: usize) -> Vec<u8> {
    let inside = (offset % BLOCK) as usize;
    let mut out = Vec::with_capacity(inside + len + BLOCK as usize);
    let mut start = offset - offset % BLOCK;
    while out.len() < inside + len {
        out.extend(block(direction, start));
        start = start.wrapping_add(BLOCK);
    }
    out.drain(..inside);
    out.truncate(len);
    out
}

/// The first byte of `bytes` that is not the pattern's, counted from their start.
#[must_use]
pub fn first_difference(direction: Direction, offset: u64, bytes: &[u8]) -> Option<usize> {
    fill(direction, offset, bytes.len()).iter().zip(bytes).position(|(want, got)| want != got)
}

/// Whose bytes these are: the stream and the offset (modulo 2^28) of the first. Nothing unless a whole block is there
/// and everything is the pattern's.
#[must_use]
pub fn locate(bytes: &[u8]) -> Option<(Direction, u64)> {
    let blocks = bytes.windows(BLOCK as usize).take(BLOCK as usize).enumerate();
    let mut found = blocks.filter_map(|(index, block)| {
        let (mark, digits) = block.split_last()?;
        let direction =
            [Direction::ToPeer, Direction::FromPeer].into_iter().find(|way| way.mark() == *mark)?;
        let start = u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        let offset = (start + MODULUS).checked_sub(index as u64)? % MODULUS;
        first_difference(direction, offset, bytes).is_none().then_some((direction, offset))
    });
    found.next()
}

const BLOCK: u64 = 8;
/// Offsets have seven hex digits.
const MODULUS: u64 = 1 << 28;

fn block(direction: Direction, start: u64) -> [u8; BLOCK as usize] {
    let mut block = [direction.mark(); BLOCK as usize];
    for (place, byte) in block[..7].iter_mut().rev().enumerate() {
        let digit = (start >> (4 * place) & 0xf) as usize;
        *byte = b"0123456789abcdef"[digit];
    }
    block
}

#[cfg(test)]
mod tests {
    use super::{Direction, fill, first_difference, locate};

    fn text(direction: Direction, offset: u64, len: usize) -> String {
        String::from_utf8(fill(direction, offset, len)).unwrap()
    }

    #[test]
    fn shows_offset_and_direction() {
        assert_eq!(text(Direction::FromPeer, 0, 16), "0000000<0000008<");
        assert_eq!(text(Direction::ToPeer, 1000, 24), "00003e8>00003f0>00003f8>");
        assert_eq!(text(Direction::ToPeer, 0, 0), "");
    }

    #[test]
    fn starts_and_ends_anywhere() {
        let whole = text(Direction::ToPeer, 0, 64);
        for from in 0..32 {
            for len in 0..32 {
                assert_eq!(text(Direction::ToPeer, from as u64, len), whole[from..from + len]);
            }
        }
    }

    #[test]
    fn wraps_at_28_bits() {
        assert_eq!(text(Direction::ToPeer, (1 << 28) - 8, 16), "ffffff8>0000000>");
        assert_eq!(text(Direction::ToPeer, u64::MAX - 7, 16), "ffffff8>0000000>");
    }

    #[test]
    fn bytes_say_where_they_belong() {
        for direction in [Direction::ToPeer, Direction::FromPeer] {
            for offset in [0, 1, 7, 8, 1000, 1003, (1 << 28) - 3] {
                for length in [15, 16, 40] {
                    assert_eq!(locate(&fill(direction, offset, length)), Some((direction, offset)));
                }
            }
        }
        assert_eq!(locate(b"0000008>"), Some((Direction::ToPeer, 8)));
        assert_eq!(locate(b"0000009>"), None);
        assert_eq!(locate(b"+000008>"), None);
        assert_eq!(locate(b"0000008"), None);
        assert_eq!(locate(b"0000008>0000018>"), None);
        assert_eq!(locate(&[0; 32]), None);
    }

    #[test]
    fn the_first_wrong_byte_is_found() {
        let mut bytes = fill(Direction::ToPeer, 5, 40);
        assert_eq!(first_difference(Direction::ToPeer, 5, &bytes), None);
        bytes[17] ^= 1;
        assert_eq!(first_difference(Direction::ToPeer, 5, &bytes), Some(17));
        assert_eq!(first_difference(Direction::FromPeer, 0, b"0000000>"), Some(7));
    }
}
