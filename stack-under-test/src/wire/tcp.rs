//! TCP segments.

use alloc::vec::Vec;
use core::net::IpAddr;

use super::checksum::Checksum;
use super::drops::DropReason;
use super::flags::Flags;
use super::ip::{self, Ecn, Packet};
use super::options::Options;
use super::seq::SeqNum;

/// The number of TCP in IP headers.
pub(crate) const PROTOCOL: u8 = 6;

/// Bytes of a header without options.
pub(crate) const HEADER: usize = 20;

/// A segment that arrived, with the checks of the codec passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment<'a> {
    pub(crate) source_port: u16,
    pub(crate) destination_port: u16,
    pub(crate) seq: SeqNum,
    /// Meaningful only with ACK.
    pub(crate) ack: SeqNum,
    pub(crate) flags: Flags,
    /// The four bits before the flags, which mean nothing to us. RFC9293/3.1-reserved
    pub(crate) reserved: u8,
    /// As in the header, not scaled. RFC9293/MUST-1
    pub(crate) window: u16,
    /// Meaningful only with URG.
    pub(crate) urgent: u16,
    pub(crate) options: Options,
    pub(crate) payload: &'a [u8],
    /// What the IP header said.
    pub(crate) ecn: Ecn,
    /// Bytes of the whole packet, IP header included.
    pub(crate) packet_length: u32,
}

impl<'a> Segment<'a> {
    pub(crate) fn parse(packet: &Packet<'a>) -> Result<Self, DropReason> {
        let &Packet { source, destination, payload: bytes, .. } = packet;
        let Some((header, _)) = bytes.split_first_chunk::<HEADER>() else {
            return Err(DropReason::Truncated);
        };
        let &[s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags, w0, w1, _, _, u0, u1] = header;
        // RFC9293/3.1-dataoffset
        let data_offset = usize::from(offset >> 4) * 4;
        let options = bytes.get(HEADER..data_offset).ok_or(DropReason::DataOffset)?;
        let payload = bytes.get(data_offset..).ok_or(DropReason::DataOffset)?;
        // RFC9293/MUST-3
        let length = u32::try_from(bytes.len()).map_err(|_| DropReason::Truncated)?;
        let sum = Checksum::default().add_pseudo_header(source, destination, PROTOCOL, length).add(bytes);
        if sum.finish() != 0 {
            return Err(DropReason::Checksum);
        }
        Ok(Self {
            source_port: u16::from_be_bytes([s0, s1]),
            destination_port: u16::from_be_bytes([d0, d1]),
            seq: SeqNum(u32::from_be_bytes([q0, q1, q2, q3])),
            ack: SeqNum(u32::from_be_bytes([a0, a1, a2, a3])),
            flags: Flags(flags),
            reserved: offset & 0xf,
            window: u16::from_be_bytes([w0, w1]),
            urgent: u16::from_be_bytes([u0, u1]),
            options: Options::parse(options),
            payload,
            ecn: packet.ecn,
            packet_length: length + u32::from(ip::header_length(destination)),
        })
    }

    /// Sequence numbers that the segment occupies. RFC9293/3.4-syn-fin-occupy
    pub(crate) fn len(&self) -> u32 {
        self.payload_len() + u32::from(self.flags.syn()) + u32::from(self.flags.fin())
    }

    /// The number after the last one that the segment occupies.
    pub(crate) fn end(&self) -> SeqNum {
        self.seq + self.len()
    }

    pub(crate) fn payload_len(&self) -> u32 {
        // An IP packet has at most 65575 bytes.
        self.payload.len() as u32
    }
}

/// A segment to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outgoing {
    pub(crate) seq: SeqNum,
    pub(crate) ack: SeqNum,
    pub(crate) flags: Flags,
    pub(crate) window: u16,
    pub(crate) options: Options,
    pub(crate) payload: Vec<u8>,
    /// The urgent pointer; not zero only with URG.
    pub(crate) urgent: u16,
    /// Routers may mark it instead of dropping it.
    pub(crate) ecn_capable: bool,
    /// It continues the segment before it; a device that cuts segments gets them in one packet.
    pub(crate) follows: bool,
}

impl Outgoing {
    /// The segment as bytes, checksum included (`RFC9293/MUST-2`).
    pub(crate) fn emit(&self, source: (IpAddr, u16), destination: (IpAddr, u16)) -> Vec<u8> {
        let options = self.options.emit();
        let words = (HEADER + options.len()) / 4;
        let mut bytes = Vec::with_capacity(words * 4 + self.payload.len());
        bytes.extend(source.1.to_be_bytes());
        bytes.extend(destination.1.to_be_bytes());
        bytes.extend(self.seq.0.to_be_bytes());
        bytes.extend(self.ack.0.to_be_bytes());
        // RFC9293/3.1-reserved. At most 15 words: options are at most 40 bytes.
        bytes.extend([(words as u8) << 4, self.flags.0]);
        bytes.extend(self.window.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(self.urgent.to_be_bytes());
        bytes.extend(&options);
        bytes.extend(&self.payload);
        let length = bytes.len() as u32;
        let sum = Checksum::default()
            .add_pseudo_header(source.0, destination.0, PROTOCOL, length)
            .add(&bytes)
            .finish();
        if let Some(field) = bytes.get_mut(16..18) {
            field.copy_from_slice(&sum.to_be_bytes());
        }
        bytes
    }
}
