//! TCP options.

use alloc::vec::Vec;

use super::seq::SeqNum;

const END: u8 = 0;
const NOP: u8 = 1;
const MSS: u8 = 2;
const WINDOW_SCALE: u8 = 3;
const SACK_PERMITTED: u8 = 4;
const SACK: u8 = 5;
const TIMESTAMPS: u8 = 8;
const FAST_OPEN: u8 = 34;
/// An option shared by experiments, and the number of the one that became Fast Open.
const EXPERIMENT: u8 = 254;
const FAST_OPEN_MAGIC: [u8; 2] = [0xf9, 0x89];

/// RFC 7323 section 2.3 allows shifts up to this.
pub(crate) const MAX_WINDOW_SCALE: u8 = 14;

/// A timestamps option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timestamps {
    pub(crate) value: u32,
    pub(crate) echo: u32,
}

/// Edges of data that arrived out of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SackBlock {
    pub(crate) start: SeqNum,
    pub(crate) end: SeqNum,
}

/// What a SYN says about Fast Open: a cookie, or with no bytes the wish for one. RFC7413/4.1.1a
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cookie {
    pub(crate) bytes: Vec<u8>,
    /// In the option of the experiment.
    pub(crate) experimental: bool,
}

impl Cookie {
    /// Nothing but an even length between 4 and 16, or none, is one.
    fn parse(bytes: &[u8], experimental: bool) -> Option<Self> {
        let fits = bytes.is_empty() || ((4..=16).contains(&bytes.len()) && bytes.len().is_multiple_of(2));
        fits.then(|| Self { bytes: bytes.to_vec(), experimental })
    }

    fn emit(&self, out: &mut Vec<u8>) {
        // At most 16 bytes.
        let length = self.bytes.len() as u8;
        if self.experimental {
            out.extend([EXPERIMENT, 4 + length]);
            out.extend(FAST_OPEN_MAGIC);
        } else {
            out.extend([FAST_OPEN, 2 + length]);
        }
        out.extend(&self.bytes);
        out.resize(out.len().next_multiple_of(4), NOP);
    }
}

/// The options of a segment, as far as this stack knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) mss: Option<u16>,
    pub(crate) window_scale: Option<u8>,
    pub(crate) sack_permitted: bool,
    pub(crate) timestamps: Option<Timestamps>,
    pub(crate) sack: Vec<SackBlock>,
    /// Means something in a SYN only.
    pub(crate) fast_open: Option<Cookie>,
}

impl Options {
    /// Reads options at any byte offset (`RFC9293/MUST-64`). A nonsensical length ends the list; what stood before it
    /// counts, as in Linux (`RFC9293/MUST-7`).
    pub(crate) fn parse(mut bytes: &[u8]) -> Self {
        let mut options = Self::default();
        loop {
            match bytes {
                // RFC9293/3.1-padding-ignored
                [] | [END, ..] => return options,
                [NOP, rest @ ..] => bytes = rest,
                [kind, length, ..] => {
                    let length = usize::from(*length);
                    // RFC9293/MUST-68
                    let (Some(body), Some(rest)) = (bytes.get(2..length), bytes.get(length..)) else {
                        return options;
                    };
                    options.take(*kind, body);
                    bytes = rest;
                }
                [_] => return options,
            }
        }
    }

    /// An option of unknown kind, or of a known kind with another length, is skipped (`RFC9293/MUST-6`).
    fn take(&mut self, kind: u8, body: &[u8]) {
        match (kind, body) {
            (MSS, &[high, low]) => {
                // Linux: a zero counts as not sent.
                self.mss = Some(u16::from_be_bytes([high, low])).filter(|mss| *mss != 0);
            }
            // RFC7323/2.3a
            (WINDOW_SCALE, &[shift]) => self.window_scale = Some(shift.min(MAX_WINDOW_SCALE)),
            (SACK_PERMITTED, []) => self.sack_permitted = true,
            (TIMESTAMPS, &[a, b, c, d, e, f, g, h]) => {
                let value = u32::from_be_bytes([a, b, c, d]);
                let echo = u32::from_be_bytes([e, f, g, h]);
                self.timestamps = Some(Timestamps { value, echo });
            }
            (SACK, blocks) if !blocks.is_empty() && blocks.len().is_multiple_of(8) => {
                self.sack = blocks.chunks_exact(8).filter_map(sack_block).collect();
            }
            (FAST_OPEN, cookie) => self.fast_open = Cookie::parse(cookie, false),
            (EXPERIMENT, [a, b, cookie @ ..]) if [*a, *b] == FAST_OPEN_MAGIC => {
                self.fast_open = Cookie::parse(cookie, true);
            }
            (_, _) => {}
        }
    }

    /// The options as bytes, a multiple of four, in Linux's order and with Linux's padding.
    pub(crate) fn emit(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(40);
        if let Some(mss) = self.mss {
            bytes.extend([MSS, 4]);
            bytes.extend(mss.to_be_bytes());
        }
        if let Some(Timestamps { value, echo }) = self.timestamps {
            // The two bytes of padding before timestamps carry SACK-permitted where that is offered.
            bytes.extend(if self.sack_permitted { [SACK_PERMITTED, 2] } else { [NOP, NOP] });
            bytes.extend([TIMESTAMPS, 10]);
            bytes.extend(value.to_be_bytes());
            bytes.extend(echo.to_be_bytes());
        } else if self.sack_permitted {
            bytes.extend([NOP, NOP, SACK_PERMITTED, 2]);
        }
        if let Some(shift) = self.window_scale {
            bytes.extend([NOP, WINDOW_SCALE, 3, shift]);
        }
        if let Some(length) = u8::try_from(self.sack.len() * 8 + 2).ok().filter(|length| *length > 2) {
            bytes.extend([NOP, NOP, SACK, length]);
            for SackBlock { start, end } in &self.sack {
                bytes.extend(start.0.to_be_bytes());
                bytes.extend(end.0.to_be_bytes());
            }
        }
        if let Some(cookie) = &self.fast_open {
            cookie.emit(&mut bytes);
        }
        bytes
    }
}

fn sack_block(bytes: &[u8]) -> Option<SackBlock> {
    let (start, end) = bytes.split_first_chunk::<4>()?;
    let start = SeqNum(u32::from_be_bytes(*start));
    let end = SeqNum(u32::from_be_bytes(*end.first_chunk::<4>()?));
    Some(SackBlock { start, end })
}

#[cfg(test)]
mod tests {
    use super::{Options, Timestamps};

    #[test]
    fn nonsense_ends_the_list_and_what_stood_before_counts() {
        let mss = |bytes: &[u8]| Options::parse(bytes).mss;
        assert_eq!(mss(&[2, 4, 5, 0xb4]), Some(1460));
        assert_eq!(mss(&[1, 2, 4, 2, 0, 0]), Some(512), "at an odd offset");
        assert_eq!(mss(&[253, 4, 0xbe, 0xef, 2, 4, 2, 24]), Some(536), "after an unknown kind");
        for (bytes, what) in [
            (&[2, 0, 5, 0xb4][..], "length 0"),
            (&[2, 1, 5, 0xb4], "length 1"),
            (&[2, 3, 5, 0xb4], "another length"),
            (&[2, 8, 5, 0xb4], "beyond the header"),
            (&[1, 1, 1, 2], "no length byte"),
            (&[253, 40, 0, 0, 2, 4, 2, 24], "an unknown kind that is too long"),
            (&[0, 0, 0, 0, 2, 4, 2, 24], "after the end of the list"),
            (&[2, 4, 0, 0], "zero"),
        ] {
            assert_eq!(mss(bytes), None, "{what}");
        }
    }

    #[test]
    fn options_come_in_the_order_of_linux() {
        let timestamps = Some(Timestamps { value: 1, echo: 2 });
        let full = Options {
            mss: Some(1460),
            window_scale: Some(7),
            sack_permitted: true,
            timestamps,
            ..Options::default()
        };
        let bytes = [2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7];
        assert_eq!(full.emit(), bytes);
        assert_eq!(Options::parse(&bytes), full);
        let without = Options { timestamps: None, ..full };
        assert_eq!(without.emit(), [2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 7]);
        let established = Options { timestamps, ..Options::default() };
        assert_eq!(established.emit(), [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
    }

    #[test]
    fn both_forms_of_a_cookie_are_read_and_written() {
        for (bytes, cookie, experimental) in [
            (&[34, 2, 1, 1][..], &[][..], false),
            (&[34, 6, 1, 2, 3, 4, 1, 1], &[1, 2, 3, 4], false),
            (&[254, 4, 0xf9, 0x89], &[], true),
            (&[254, 8, 0xf9, 0x89, 1, 2, 3, 4], &[1, 2, 3, 4], true),
        ] {
            let fast_open = Some(super::Cookie { bytes: cookie.to_vec(), experimental });
            let options = Options { fast_open, ..Options::default() };
            assert_eq!(Options::parse(bytes), options);
            assert_eq!(options.emit(), bytes);
        }
        for bytes in [&[34, 4, 1, 2][..], &[34, 7, 1, 2, 3, 4, 5], &[254, 6, 0xf9, 0x88, 1, 2]] {
            assert_eq!(Options::parse(bytes).fast_open, None, "{bytes:?}");
        }
    }
}
