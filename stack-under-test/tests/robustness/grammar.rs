//! What can happen to the stack: packets near and far from what it expects, calls, errors of the network, time.

use arbitrary::{Arbitrary, Result, Unstructured};

/// No story is longer.
const LONGEST: usize = 200;

/// A story: how it begins, and what happens then.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    /// Which connection there is.
    pub(crate) opening: u8,
    pub(crate) events: Vec<Event>,
}

/// A sequence or acknowledgement number, by what it lies near.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    /// So far from what is expected next.
    Expected(i32),
    /// So far from the first number.
    First(u32),
    Any(u32),
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Segment(Segment),
    Sack {
        ack: u32,
        start: u32,
        len: u32,
    },
    /// A good segment with a bit flipped, cut to so many bytes.
    Mutated {
        at: usize,
        bit: u8,
        cut: usize,
    },
    /// An ICMP error of this type and code about a segment with this number.
    Icmp {
        kind: u8,
        code: u8,
        mtu: u16,
        seq: u32,
    },
    /// Part of a packet with data, maybe with a mark; a fragment may overlap another or lack one.
    Fragment {
        id: u8,
        offset: usize,
        len: usize,
        more: bool,
        mark: u8,
    },
    /// In-order data of several segments, as fast as the peer can.
    Burst {
        segments: u32,
        len: usize,
        mark: u8,
    },
    Junk(Vec<u8>),
    Call(u8, u8),
    Signal(u8),
    /// A setting of the endpoint changes.
    Set(u8, u8),
    Wait(u64),
}

/// A segment that arrives.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) seq: Number,
    pub(crate) ack: Number,
    pub(crate) flags: u8,
    pub(crate) win: u16,
    pub(crate) options: Vec<u8>,
    pub(crate) len: usize,
    /// Which of the peer's ports.
    pub(crate) peer: u8,
    /// To an address nobody listens at.
    pub(crate) elsewhere: bool,
}

impl Arbitrary<'_> for Story {
    fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        let opening = u.arbitrary()?;
        let mut events = Vec::new();
        while !u.is_empty() && events.len() < LONGEST {
            events.push(u.arbitrary()?);
        }
        Ok(Self { opening, events })
    }
}

impl Arbitrary<'_> for Number {
    fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        Ok(match u.int_in_range(0..=9)? {
            0..=3 => Self::Expected(0),
            4..=5 => Self::Expected(u.int_in_range(-3..=3)?),
            6 => Self::Expected(u.int_in_range(-3000..=70_000)?),
            7..=8 => Self::First(u.int_in_range(0..=70_000)?),
            _ => Self::Any(u.arbitrary()?),
        })
    }
}

impl Arbitrary<'_> for Segment {
    fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        Ok(Self {
            seq: u.arbitrary()?,
            ack: u.arbitrary()?,
            flags: *u.choose(&[0x10, 0x10, 0x10, 0x18, 0x11, 0x02, 0x12, 0x04, 0x14, 0x30, 0xff])?
                ^ if u.ratio(1, 8)? { u.arbitrary()? } else { 0 },
            win: u.arbitrary()?,
            options: options(u)?,
            len: if u.ratio(1, 2)? { 0 } else { u.int_in_range(0..=1400)? },
            peer: if u.ratio(7, 8)? { 0 } else { u.int_in_range(1..=3)? },
            elsewhere: u.ratio(1, 16)?,
        })
    }
}

/// Options, padded to whole words.
fn options(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut bytes = match u.int_in_range(0..=5)? {
        0..=1 => Vec::new(),
        2 => vec![2, 4, 3, 232, 1, 3, 3, 7, 4, 2, 1, 1],
        3 => vec![2, 4, 3, 232, 4, 2, 8, 10, 0, 0, 0, u.arbitrary()?, 0, 0, 0, 0, 1, 3, 3, 7],
        4 => [vec![1, 1, 8, 10, 0, 0], u.bytes(6)?.to_vec()].concat(),
        _ => {
            let count = u.int_in_range(0..=40)?;
            u.bytes(count)?.to_vec()
        }
    };
    bytes.resize(bytes.len().next_multiple_of(4), 1);
    Ok(bytes)
}

impl Arbitrary<'_> for Event {
    fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        Ok(match u.int_in_range(0..=30)? {
            0..=9 => Self::Segment(u.arbitrary()?),
            10..=12 => Self::Sack {
                ack: u.int_in_range(0..=29)? * 1000 + 1,
                start: u.int_in_range(0..=29)? * 1000 + 1,
                len: u.int_in_range(0..=9)? * 700,
            },
            13 => Self::Mutated {
                at: u.int_in_range(0..=79)?,
                bit: u.int_in_range(0..=7)?,
                cut: u.int_in_range(0..=89)?,
            },
            14 => Self::Icmp {
                kind: *u.choose(&[3, 11, 12])?,
                code: u.int_in_range(0..=5)?,
                mtu: u.arbitrary()?,
                seq: u.int_in_range(0..=4999)?,
            },
            15 => {
                let count = u.int_in_range(0..=119)?;
                Self::Junk(u.bytes(count)?.to_vec())
            }
            16..=21 => Self::Call(u.arbitrary()?, u.arbitrary()?),
            22 => Self::Signal(u.arbitrary()?),
            23 => Self::Set(u.arbitrary()?, u.arbitrary()?),
            24..=26 => {
                let id = u.int_in_range(0..=3)?;
                Self::Fragment {
                    id,
                    offset: u.int_in_range(0..=15)? * 8,
                    len: u.int_in_range(0..=15)? * 8 + usize::from(id == 3),
                    more: u.arbitrary()?,
                    mark: u.int_in_range(0..=3)?,
                }
            }
            27..=28 => Self::Burst {
                segments: u.int_in_range(1..=59)?,
                len: u.int_in_range(1..=1459)?,
                mark: u.int_in_range(0..=3)?,
            },
            _ => Self::Wait(if u.ratio(3, 4)? {
                u.int_in_range(0..=700)?
            } else {
                u.int_in_range(0..=400_000)?
            }),
        })
    }
}
