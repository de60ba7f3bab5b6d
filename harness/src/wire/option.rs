//! TCP options, byte for byte.
//!
//! To add a kind: a variant of [`TcpOption`] with its kind and form, a line each in `from_data` and `encode`, its words
//! in [`notation`](super::notation), and itself in the tests' strategy of options.

use thiserror::Error;

const EOL: u8 = 0;
const NOP: u8 = 1;
const MSS: u8 = 2;
const WSCALE: u8 = 3;
const SACK_OK: u8 = 4;
const SACK: u8 = 5;
const TIMESTAMPS: u8 = 8;
const MD5: u8 = 19;
const FAST_OPEN: u8 = 34;
const ACCECN0: u8 = 172;
const ACCECN1: u8 = 174;
const EXPERIMENT: u8 = 254;
/// The experiment identifier of TCP Fast Open before it had a kind of its own (RFC 7413, 4.1.1).
const FAST_OPEN_MAGIC: [u8; 2] = [0xf9, 0x89];

/// A TCP option, as it stands on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TcpOption {
    /// Kind 1: one byte of filling.
    Nop,
    /// Kind 0: end of the list.
    Eol,
    /// Kind 2: maximum segment size, in bytes.
    Mss(u16),
    /// Kind 3: window scale, a shift.
    Wscale(u8),
    /// Kind 4: selective acknowledgement permitted.
    SackOk,
    /// Kind 5: blocks received, each from its first sequence number to the one after its last.
    Sack(Vec<(u32, u32)>),
    /// Kind 8: timestamps.
    Ts {
        /// The sender's clock.
        val: u32,
        /// The other side's clock, echoed.
        ecr: u32,
    },
    /// Kind 34: TCP Fast Open, a cookie; none asks for one.
    FastOpen(Vec<u8>),
    /// Kind 254 with the identifier 0xf989: the same before it had a kind of its own.
    FastOpenExp(Vec<u8>),
    /// Kind 19: MD5 signature.
    Md5([u8; 16]),
    /// Kinds 172 and 174: accurate ECN byte counters, one to three of 24 bits each, in the order of the kind.
    AccEcn {
        /// Which kind.
        order: AccEcnOrder,
        /// The counters; more than three are sent all the same.
        counters: Vec<u32>,
    },
    /// Any other kind, or a known kind with a length that it does not have.
    Other {
        /// Kind.
        kind: u8,
        /// What follows kind and length.
        data: Vec<u8>,
    },
    /// An option whose length byte says something else than its length. Parsing never gives one.
    Lying {
        /// What is there.
        option: Box<TcpOption>,
        /// What the length byte says. Kinds without one (nop, eol) get it appended.
        length: u8,
    },
    /// Bytes in which no option could be made out, or that a case gave as they stand.
    Raw(Vec<u8>),
}

/// The order of the counters in an accurate ECN option (RFC 9768, 3.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccEcnOrder {
    /// Kind 172: ECT(0), CE, ECT(1).
    E0First,
    /// Kind 174: ECT(1), CE, ECT(0).
    E1First,
}

impl AccEcnOrder {
    /// The names of the counters in the notation, in this order.
    #[must_use]
    pub fn names(self) -> [&'static str; 3] {
        match self {
            Self::E0First => ["e0b", "ceb", "e1b"],
            Self::E1First => ["e1b", "ceb", "e0b"],
        }
    }

    fn kind(self) -> u8 {
        match self {
            Self::E0First => ACCECN0,
            Self::E1First => ACCECN1,
        }
    }
}

/// What is wrong in a list of options. Offsets count from its start.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OptionFault {
    /// The length byte is missing, below 2, or beyond the end.
    #[error("option {kind} at byte {offset} has no usable length")]
    Unreadable {
        /// Kind.
        kind: u8,
        /// Where it stands.
        offset: usize,
    },
    /// A known kind never has this length.
    #[error("option {kind} at byte {offset} is {length} bytes long, which it never is")]
    Length {
        /// Kind.
        kind: u8,
        /// Where it stands.
        offset: usize,
        /// Its length byte.
        length: u8,
    },
    /// Something else than zeros after the end of the list.
    #[error("padding from byte {offset} on is not zero")]
    Padding {
        /// Where it starts.
        offset: usize,
    },
}

/// The bytes of a list of options, nothing added.
#[must_use]
pub fn encode_options(options: &[TcpOption]) -> Vec<u8> {
    let mut out = Vec::new();
    for option in options {
        option.encode(&mut out);
    }
    out
}

/// Reads any bytes as a list of options. Encoding the list gives the same bytes.
#[must_use]
pub fn parse_options(bytes: &[u8]) -> (Vec<TcpOption>, Vec<OptionFault>) {
    let (mut options, mut faults) = (Vec::new(), Vec::new());
    let mut offset = 0;
    let mut ended = false;
    while let Some((&kind, rest)) = bytes.get(offset..).and_then(<[u8]>::split_first) {
        if ended && kind != EOL {
            faults.push(OptionFault::Padding { offset });
            options.push(TcpOption::Raw(bytes[offset..].to_vec()));
            break;
        }
        if kind == EOL || kind == NOP {
            ended |= kind == EOL;
            options.push(if kind == EOL { TcpOption::Eol } else { TcpOption::Nop });
            offset += 1;
            continue;
        }
        let length = rest.first().copied().unwrap_or(0);
        let Some(data) = bytes.get(offset + 2..offset + usize::from(length)) else {
            faults.push(OptionFault::Unreadable { kind, offset });
            options.push(TcpOption::Raw(bytes[offset..].to_vec()));
            break;
        };
        let option = TcpOption::from_data(kind, data);
        if matches!(option, TcpOption::Other { .. }) && has_fixed_form(kind) {
            faults.push(OptionFault::Length { kind, offset, length });
        }
        options.push(option);
        offset += usize::from(length);
    }
    (options, faults)
}

/// Kinds of which [`TcpOption::from_data`] refuses some lengths because they are wrong.
fn has_fixed_form(kind: u8) -> bool {
    matches!(kind, MSS | WSCALE | SACK_OK | SACK | TIMESTAMPS | MD5)
}

fn u32_at(data: &[u8], at: usize) -> u32 {
    data[at..at + 4].iter().fold(0, |value, byte| value << 8 | u32::from(*byte))
}

impl TcpOption {
    /// The option of this kind with these bytes after the length byte.
    fn from_data(kind: u8, data: &[u8]) -> Self {
        match (kind, data) {
            (MSS, &[high, low]) => Self::Mss(u16::from_be_bytes([high, low])),
            (WSCALE, &[shift]) => Self::Wscale(shift),
            (SACK_OK, []) => Self::SackOk,
            (SACK, [_, ..]) if data.len().is_multiple_of(8) => {
                Self::Sack(data.chunks_exact(8).map(|edges| (u32_at(edges, 0), u32_at(edges, 4))).collect())
            }
            (TIMESTAMPS, _) if data.len() == 8 => Self::Ts { val: u32_at(data, 0), ecr: u32_at(data, 4) },
            (MD5, _) if data.len() == 16 => {
                let mut digest = [0; 16];
                digest.copy_from_slice(data);
                Self::Md5(digest)
            }
            (FAST_OPEN, cookie) => Self::FastOpen(cookie.to_vec()),
            (EXPERIMENT, [high, low, cookie @ ..]) if [*high, *low] == FAST_OPEN_MAGIC => {
                Self::FastOpenExp(cookie.to_vec())
            }
            (ACCECN0 | ACCECN1, _) if matches!(data.len(), 3 | 6 | 9) => {
                let order = if kind == ACCECN0 { AccEcnOrder::E0First } else { AccEcnOrder::E1First };
                let counters =
                    data.chunks_exact(3).map(|c| u32::from_be_bytes([0, c[0], c[1], c[2]])).collect();
                Self::AccEcn { order, counters }
            }
            (kind, data) => Self::Other { kind, data: data.to_vec() },
        }
    }

    /// Appends the option's bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Nop => out.push(NOP),
            Self::Eol => out.push(EOL),
            Self::Mss(size) => framed(out, MSS, &size.to_be_bytes()),
            Self::Wscale(shift) => framed(out, WSCALE, &[*shift]),
            Self::SackOk => framed(out, SACK_OK, &[]),
            Self::Sack(blocks) => {
                let edges = blocks.iter().flat_map(|(from, to)| [*from, *to]);
                framed(out, SACK, &edges.flat_map(u32::to_be_bytes).collect::<Vec<_>>());
            }
            Self::Ts { val, ecr } => {
                framed(out, TIMESTAMPS, &[val.to_be_bytes(), ecr.to_be_bytes()].concat());
            }
            Self::FastOpen(cookie) => framed(out, FAST_OPEN, cookie),
            Self::FastOpenExp(cookie) => {
                framed(out, EXPERIMENT, &[&FAST_OPEN_MAGIC, cookie.as_slice()].concat());
            }
            Self::Md5(digest) => framed(out, MD5, digest),
            Self::AccEcn { order, counters } => {
                let data: Vec<u8> =
                    counters.iter().flat_map(|c| c.to_be_bytes().into_iter().skip(1)).collect();
                framed(out, order.kind(), &data);
            }
            Self::Other { kind, data } => framed(out, *kind, data),
            Self::Lying { option, length } => {
                let start = out.len();
                option.encode(out);
                match out.get_mut(start + 1) {
                    Some(byte) => *byte = *length,
                    None => out.push(*length),
                }
            }
            Self::Raw(bytes) => out.extend_from_slice(bytes),
        }
    }
}

/// An option with a length byte; a length beyond 255 wraps.
fn framed(out: &mut Vec<u8>, kind: u8, data: &[u8]) {
    out.push(kind);
    out.push((data.len() + 2) as u8);
    out.extend_from_slice(data);
}
