//! The strict codec in plain numbers, for those who compare it with another one.

use alloc::vec::Vec;
use core::net::SocketAddr;

use crate::wire::drops::DropReason;
use crate::wire::flags::Flags;
use crate::wire::ip;
use crate::wire::options::{Cookie, Options, SackBlock, Timestamps};
use crate::wire::seq::SeqNum;
use crate::wire::tcp::{Outgoing, PROTOCOL, Segment};

/// A TCP segment with its addresses, as this stack reads and writes it: options that it does not know are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plain {
    /// Who sends it.
    pub source: SocketAddr,
    /// To whom.
    pub destination: SocketAddr,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number, whether or not ACK is set.
    pub ack: u32,
    /// The header's fourteenth byte: CWR ECE URG ACK PSH RST SYN FIN, FIN the lowest.
    pub flags: u8,
    /// Window field, not scaled.
    pub window: u16,
    /// Largest segment the sender takes, in bytes.
    pub mss: Option<u16>,
    /// The shift of its windows.
    pub window_scale: Option<u8>,
    /// Whether it takes SACK blocks.
    pub sack_permitted: bool,
    /// Timestamp value and echo reply.
    pub timestamps: Option<(u32, u32)>,
    /// Edges of SACK blocks.
    pub sack: Vec<(u32, u32)>,
    /// A cookie of Fast Open, and whether in the option of the experiment.
    pub fast_open: Option<(Vec<u8>, bool)>,
    /// Data.
    pub payload: Vec<u8>,
}

impl Plain {
    /// Reads a whole packet.
    ///
    /// # Errors
    /// The reason for which the stack would drop it.
    pub fn read(packet: &[u8]) -> Result<Self, DropReason> {
        let ip::Arrival::Whole(ip) = ip::Arrival::parse(packet)? else { return Err(DropReason::Fragment) };
        let segment = Segment::parse(&ip)?;
        let options = segment.options;
        Ok(Self {
            source: SocketAddr::new(ip.source, segment.source_port),
            destination: SocketAddr::new(ip.destination, segment.destination_port),
            seq: segment.seq.0,
            ack: segment.ack.0,
            flags: segment.flags.0,
            window: segment.window,
            mss: options.mss,
            window_scale: options.window_scale,
            sack_permitted: options.sack_permitted,
            timestamps: options.timestamps.map(|stamps| (stamps.value, stamps.echo)),
            sack: options.sack.iter().map(|block| (block.start.0, block.end.0)).collect(),
            fast_open: options.fast_open.map(|cookie| (cookie.bytes, cookie.experimental)),
            payload: segment.payload.to_vec(),
        })
    }

    /// The packet as the stack would send it; both addresses are of one family, and what options the segment carries
    /// fit into a header.
    #[must_use]
    pub fn write(&self, identification: u16) -> Vec<u8> {
        let segment = Outgoing {
            seq: SeqNum(self.seq),
            ack: SeqNum(self.ack),
            flags: Flags(self.flags),
            window: self.window,
            options: Options {
                mss: self.mss,
                window_scale: self.window_scale,
                sack_permitted: self.sack_permitted,
                timestamps: self.timestamps.map(|(value, echo)| Timestamps { value, echo }),
                sack: self
                    .sack
                    .iter()
                    .map(|(start, end)| SackBlock { start: SeqNum(*start), end: SeqNum(*end) })
                    .collect(),
                fast_open: self.fast_open.clone().map(|(bytes, experimental)| Cookie { bytes, experimental }),
            },
            urgent: 0,
            payload: self.payload.clone(),
            ..Outgoing::default()
        };
        let ends = ((self.source.ip(), self.source.port()), (self.destination.ip(), self.destination.port()));
        let bytes = segment.emit(ends.0, ends.1);
        let header = ip::Header {
            source: self.source.ip(),
            destination: self.destination.ip(),
            protocol: PROTOCOL,
            traffic_class: 0,
            hops: None,
            identification,
            dont_fragment: true,
        };
        ip::emit(header, &bytes)
    }
}
