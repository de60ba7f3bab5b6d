//! SipHash-2-4, a keyed hash of 64 bits.

fn round(v: &mut [u64; 4]) {
    let [a, b, c, d] = *v;
    let (a, c) = (a.wrapping_add(b), c.wrapping_add(d));
    let (b, d) = (b.rotate_left(13) ^ a, d.rotate_left(16) ^ c);
    let (a, c) = (a.rotate_left(32).wrapping_add(d), c.wrapping_add(b));
    let (b, d) = (b.rotate_left(17) ^ c, d.rotate_left(21) ^ a);
    *v = [a, b, c.rotate_left(32), d];
}

fn absorb(v: &mut [u64; 4], word: u64) {
    let [_, _, _, d] = v;
    *d ^= word;
    round(v);
    round(v);
    let [a, ..] = v;
    *a ^= word;
}

/// The hash of `bytes` under a key.
pub(crate) fn hash(key: [u8; 16], bytes: &[u8]) -> u64 {
    let key = u128::from_le_bytes(key);
    let (low, high) = (key as u64, (key >> 64) as u64);
    let mut v = [
        low ^ 0x736f_6d65_7073_6575,
        high ^ 0x646f_7261_6e64_6f6d,
        low ^ 0x6c79_6765_6e65_7261,
        high ^ 0x7465_6462_7974_6573,
    ];
    let words = bytes.chunks_exact(8);
    let rest = words.remainder();
    let little = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte));
    for word in words {
        absorb(&mut v, little(word));
    }
    // The last word ends with the length, of which only the lowest byte counts.
    absorb(&mut v, little(rest) | ((bytes.len() as u64) << 56));
    let [_, _, c, _] = &mut v;
    *c ^= 0xff;
    (0..4).for_each(|_| round(&mut v));
    v.into_iter().fold(0, |sum, word| sum ^ word)
}

#[cfg(test)]
mod tests {
    use super::hash;

    #[test]
    fn the_vectors_of_its_authors() {
        let key: [u8; 16] = core::array::from_fn(|index| index as u8);
        let message: [u8; 64] = core::array::from_fn(|index| index as u8);
        for (length, expected) in [
            (0, 0x726f_db47_dd0e_0e31),
            (1, 0x74f8_39c5_93dc_67fd),
            (8, 0x93f5_f579_9a93_2462),
            (15, 0xa129_ca61_49be_45e5),
        ] {
            assert_eq!(hash(key, message.get(..length).unwrap()), expected, "{length} bytes");
        }
    }
}
