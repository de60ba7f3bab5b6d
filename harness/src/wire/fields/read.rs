//! Headers into plain data.

use pnet::packet::icmp::IcmpPacket;
use pnet::packet::ipv4::Ipv4Packet;
use pnet::packet::ipv6::{ExtensionPacket, FragmentPacket, Ipv6Packet};
use pnet::packet::tcp::TcpPacket;

use super::{EXTENSION_LEN, ICMP_LEN, SIZED};
use crate::wire::icmp::Icmp;
use crate::wire::ip::{Extension, Ipv4, Ipv6, protocol};
use crate::wire::tcp::{Flags, Tcp};

/// What stands in the fixed part of an IPv4 header; `ip` has no options yet.
pub(in crate::wire) struct Ipv4Fields {
    pub(in crate::wire) ip: Ipv4,
    /// Words of four bytes.
    pub(in crate::wire) header_length: u8,
    pub(in crate::wire) total_length: u16,
    pub(in crate::wire) protocol: u8,
    pub(in crate::wire) checksum: u16,
}

pub(in crate::wire) fn read_ipv4(bytes: &[u8]) -> Ipv4Fields {
    let header = Ipv4Packet::new(bytes).expect(SIZED);
    let flags = header.get_flags();
    let ip = Ipv4 {
        src: header.get_source().octets().into(),
        dst: header.get_destination().octets().into(),
        dscp: header.get_dscp(),
        ecn: header.get_ecn(),
        id: header.get_identification(),
        reserved: flags & 4 != 0,
        df: flags & 2 != 0,
        mf: flags & 1 != 0,
        offset: header.get_fragment_offset() * 8,
        ttl: header.get_ttl(),
        options: Vec::new(),
    };
    Ipv4Fields {
        ip,
        header_length: header.get_header_length(),
        total_length: header.get_total_length(),
        protocol: header.get_next_level_protocol().0,
        checksum: header.get_checksum(),
    }
}

/// What stands in an IPv6 header; `ip` has no extension headers yet.
pub(in crate::wire) struct Ipv6Fields {
    pub(in crate::wire) ip: Ipv6,
    pub(in crate::wire) payload_length: u16,
    pub(in crate::wire) next_header: u8,
}

pub(in crate::wire) fn read_ipv6(bytes: &[u8]) -> Ipv6Fields {
    let header = Ipv6Packet::new(bytes).expect(SIZED);
    let class = header.get_traffic_class();
    let ip = Ipv6 {
        src: header.get_source().octets().into(),
        dst: header.get_destination().octets().into(),
        dscp: class >> 2,
        ecn: class & 3,
        flow_label: header.get_flow_label(),
        hop_limit: header.get_hop_limit(),
        ext: Vec::new(),
    };
    Ipv6Fields {
        ip,
        payload_length: header.get_payload_length(),
        next_header: header.get_next_header().0,
    }
}

/// An IPv6 extension header at the start of some bytes.
pub(in crate::wire) struct ExtensionFields {
    pub(in crate::wire) extension: Extension,
    pub(in crate::wire) next_header: u8,
    /// Bytes that it takes.
    pub(in crate::wire) length: usize,
    /// Whether bits that must be zero are not.
    pub(in crate::wire) reserved: bool,
}

/// `None` if `protocol` is no extension header that we know, or if the bytes do not hold it.
pub(in crate::wire) fn read_extension(protocol: u8, bytes: &[u8]) -> Option<ExtensionFields> {
    if protocol == protocol::FRAGMENT {
        let header = FragmentPacket::new(bytes)?;
        let word = header.get_fragment_offset_with_flags();
        return Some(ExtensionFields {
            extension: Extension::Fragment {
                offset: word & !7,
                more: word & 1 != 0,
                id: header.get_id(),
            },
            next_header: header.get_next_header().0,
            length: EXTENSION_LEN,
            reserved: header.get_reserved() != 0 || word & 6 != 0,
        });
    }
    let header = ExtensionPacket::new(bytes)?;
    let length = 8 * (usize::from(header.get_hdr_ext_len()) + 1);
    let data = bytes.get(2..length)?.to_vec();
    let extension = match protocol {
        protocol::HOP_BY_HOP => Extension::HopByHop(data),
        protocol::ROUTING => Extension::Routing(data),
        protocol::DESTINATION => Extension::Destination(data),
        _ => return None,
    };
    Some(ExtensionFields {
        extension,
        next_header: header.get_next_header().0,
        length,
        reserved: false,
    })
}

/// How many bytes the extension header at the start of `bytes` needs, as far as can be told.
pub(in crate::wire) fn extension_len(bytes: &[u8]) -> usize {
    ExtensionPacket::new(bytes).map_or(EXTENSION_LEN, |header| {
        8 * (usize::from(header.get_hdr_ext_len()) + 1)
    })
}

/// What stands in the fixed part of a TCP header; `tcp` has neither options nor payload yet.
pub(in crate::wire) struct TcpFields {
    pub(in crate::wire) tcp: Tcp,
    /// Words of four bytes.
    pub(in crate::wire) data_offset: u8,
    pub(in crate::wire) checksum: u16,
}

pub(in crate::wire) fn read_tcp(bytes: &[u8]) -> TcpFields {
    let header = TcpPacket::new(bytes).expect(SIZED);
    let above = header.get_reserved();
    let tcp = Tcp {
        sport: header.get_source(),
        dport: header.get_destination(),
        seq: header.get_sequence(),
        ack: header.get_acknowledgement(),
        flags: Flags::from_bits(u16::from_be_bytes([above & 1, header.get_flags()])),
        reserved: above >> 1,
        win: header.get_window(),
        urg: header.get_urgent_ptr(),
        options: Vec::new(),
        payload: Vec::new(),
    };
    TcpFields {
        tcp,
        data_offset: header.get_data_offset(),
        checksum: header.get_checksum(),
    }
}

/// An ICMP message of at least [`ICMP_LEN`] bytes, and its checksum field.
pub(in crate::wire) fn read_icmp(bytes: &[u8]) -> (Icmp, u16) {
    let header = IcmpPacket::new(bytes).expect(SIZED);
    let icmp = Icmp {
        kind: header.get_icmp_type().0,
        code: header.get_icmp_code().0,
        rest: u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
        payload: bytes[ICMP_LEN..].to_vec(),
    };
    (icmp, header.get_checksum())
}
