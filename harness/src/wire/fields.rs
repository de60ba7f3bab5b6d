//! Header layouts: where each field lies. The only file that names pnet's packet types.
//!
//! Writing fills in the true lengths and leaves checksums zero. Reading takes a slice that is known to hold the
//! fixed part of the header.

use pnet::packet::icmp::{IcmpCode, IcmpPacket, IcmpType, MutableIcmpPacket};
use pnet::packet::ip::IpNextHeaderProtocol;
use pnet::packet::ipv4::{Ipv4Packet, MutableIpv4Packet};
use pnet::packet::ipv6::{
    ExtensionPacket, FragmentPacket, Ipv6Packet, MutableExtensionPacket, MutableFragmentPacket,
    MutableIpv6Packet,
};
use pnet::packet::tcp::{MutableTcpPacket, TcpPacket};

use super::icmp::Icmp;
use super::option::encode_options;
use super::packet::{Extension, Ipv4, Ipv6, protocol};
use super::tcp::{Flags, Tcp};

/// Bytes of a TCP header without options.
pub(super) const TCP_LEN: usize = 20;
/// Bytes of an ICMP header with its word for pointer, MTU or the like.
pub(super) const ICMP_LEN: usize = 8;
/// Bytes of the shortest IPv6 extension header, and of the fragment header.
pub(super) const EXTENSION_LEN: usize = 8;

const SIZED: &str = "the buffer holds the header";

fn saturated(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

/// An IPv4 header in front of a body of `body_len` bytes.
pub(super) fn write_ipv4(ip: &Ipv4, protocol: u8, body_len: usize) -> Vec<u8> {
    let mut bytes = vec![0; 20];
    bytes.extend_from_slice(&ip.options);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let (header_len, total_len) = (bytes.len(), bytes.len() + body_len);
    let mut header = MutableIpv4Packet::new(&mut bytes).expect(SIZED);
    header.set_version(4);
    header.set_header_length((header_len / 4).min(15) as u8);
    header.set_dscp(ip.dscp);
    header.set_ecn(ip.ecn);
    header.set_total_length(saturated(total_len));
    header.set_identification(ip.id);
    header.set_flags(u8::from(ip.reserved) << 2 | u8::from(ip.df) << 1 | u8::from(ip.mf));
    header.set_fragment_offset(ip.offset / 8);
    header.set_ttl(ip.ttl);
    header.set_next_level_protocol(IpNextHeaderProtocol(protocol));
    header.set_source(ip.src.octets().into());
    header.set_destination(ip.dst.octets().into());
    bytes
}

/// An IPv6 header with its extension headers, in front of a body of `body_len` bytes.
pub(super) fn write_ipv6(ip: &Ipv6, protocol: u8, body_len: usize) -> Vec<u8> {
    let mut extensions = Vec::new();
    for (index, extension) in ip.ext.iter().enumerate() {
        let next = ip.ext.get(index + 1).map_or(protocol, Extension::protocol);
        write_extension(extension, next, &mut extensions);
    }
    let mut bytes = vec![0; 40];
    let mut header = MutableIpv6Packet::new(&mut bytes).expect(SIZED);
    header.set_version(6);
    header.set_traffic_class(ip.dscp << 2 | (ip.ecn & 3));
    header.set_flow_label(ip.flow_label & 0xf_ffff);
    header.set_payload_length(saturated(extensions.len() + body_len));
    header.set_next_header(IpNextHeaderProtocol(
        ip.ext.first().map_or(protocol, Extension::protocol),
    ));
    header.set_hop_limit(ip.hop_limit);
    header.set_source(ip.src.octets().into());
    header.set_destination(ip.dst.octets().into());
    bytes.extend(extensions);
    bytes
}

fn write_extension(extension: &Extension, next: u8, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend([0; 2]);
    match extension {
        Extension::HopByHop(data) | Extension::Routing(data) | Extension::Destination(data) => {
            out.extend_from_slice(data);
            let len = (out.len() - start).next_multiple_of(8).max(EXTENSION_LEN);
            out.resize(start + len, 0);
            let mut header = MutableExtensionPacket::new(&mut out[start..]).expect(SIZED);
            header.set_next_header(IpNextHeaderProtocol(next));
            header.set_hdr_ext_len((len / 8 - 1).min(255) as u8);
        }
        Extension::Fragment { offset, more, id } => {
            out.resize(start + EXTENSION_LEN, 0);
            let mut header = MutableFragmentPacket::new(&mut out[start..]).expect(SIZED);
            header.set_next_header(IpNextHeaderProtocol(next));
            header.set_fragment_offset_with_flags((offset & !7) | u16::from(*more));
            header.set_id(*id);
        }
    }
}

/// A TCP segment. Options that do not fill words are filled up with zeros, unless a `data_offset` is given.
pub(super) fn write_tcp(tcp: &Tcp, data_offset: Option<u8>) -> Vec<u8> {
    let mut bytes = vec![0; TCP_LEN];
    bytes.extend(encode_options(&tcp.options));
    if data_offset.is_none() {
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    let words = (bytes.len() / 4).min(15) as u8;
    bytes.extend_from_slice(&tcp.payload);
    let mut header = MutableTcpPacket::new(&mut bytes).expect(SIZED);
    header.set_source(tcp.sport);
    header.set_destination(tcp.dport);
    header.set_sequence(tcp.seq);
    header.set_acknowledgement(tcp.ack);
    header.set_data_offset(data_offset.unwrap_or(words));
    let [above, below] = tcp.flags.bits().to_be_bytes();
    header.set_reserved((tcp.reserved & 7) << 1 | above);
    header.set_flags(below);
    header.set_window(tcp.win);
    header.set_urgent_ptr(tcp.urg);
    bytes
}

/// An ICMP message of either version.
pub(super) fn write_icmp(icmp: &Icmp) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    let mut header = MutableIcmpPacket::new(&mut bytes).expect(SIZED);
    header.set_icmp_type(IcmpType(icmp.kind));
    header.set_icmp_code(IcmpCode(icmp.code));
    bytes.extend(icmp.rest.to_be_bytes());
    bytes.extend_from_slice(&icmp.payload);
    bytes
}

pub(super) fn set_version(packet: &mut [u8], version: u8) {
    MutableIpv4Packet::new(packet)
        .expect(SIZED)
        .set_version(version);
}

pub(super) fn set_ipv4_header_length(packet: &mut [u8], words: u8) {
    MutableIpv4Packet::new(packet)
        .expect(SIZED)
        .set_header_length(words);
}

pub(super) fn set_ipv4_total_length(packet: &mut [u8], length: u16) {
    MutableIpv4Packet::new(packet)
        .expect(SIZED)
        .set_total_length(length);
}

pub(super) fn set_ipv6_payload_length(packet: &mut [u8], length: u16) {
    MutableIpv6Packet::new(packet)
        .expect(SIZED)
        .set_payload_length(length);
}

pub(super) fn set_ipv4_checksum(packet: &mut [u8], checksum: u16) {
    MutableIpv4Packet::new(packet)
        .expect(SIZED)
        .set_checksum(checksum);
}

pub(super) fn set_tcp_checksum(segment: &mut [u8], checksum: u16) {
    MutableTcpPacket::new(segment)
        .expect(SIZED)
        .set_checksum(checksum);
}

pub(super) fn set_icmp_checksum(message: &mut [u8], checksum: u16) {
    MutableIcmpPacket::new(message)
        .expect(SIZED)
        .set_checksum(checksum);
}

/// What stands in the fixed part of an IPv4 header; `ip` has no options yet.
pub(super) struct Ipv4Fields {
    pub(super) ip: Ipv4,
    /// Words of four bytes.
    pub(super) header_length: u8,
    pub(super) total_length: u16,
    pub(super) protocol: u8,
    pub(super) checksum: u16,
}

pub(super) fn read_ipv4(bytes: &[u8]) -> Ipv4Fields {
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
pub(super) struct Ipv6Fields {
    pub(super) ip: Ipv6,
    pub(super) payload_length: u16,
    pub(super) next_header: u8,
}

pub(super) fn read_ipv6(bytes: &[u8]) -> Ipv6Fields {
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
pub(super) struct ExtensionFields {
    pub(super) extension: Extension,
    pub(super) next_header: u8,
    /// Bytes that it takes.
    pub(super) length: usize,
    /// Whether bits that must be zero are not.
    pub(super) reserved: bool,
}

/// `None` if `protocol` is no extension header that we know, or if the bytes do not hold it.
pub(super) fn read_extension(protocol: u8, bytes: &[u8]) -> Option<ExtensionFields> {
    if bytes.len() < EXTENSION_LEN {
        return None;
    }
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
pub(super) fn extension_len(bytes: &[u8]) -> usize {
    ExtensionPacket::new(bytes).map_or(EXTENSION_LEN, |header| {
        8 * (usize::from(header.get_hdr_ext_len()) + 1)
    })
}

/// What stands in the fixed part of a TCP header; `tcp` has neither options nor payload yet.
pub(super) struct TcpFields {
    pub(super) tcp: Tcp,
    /// Words of four bytes.
    pub(super) data_offset: u8,
    pub(super) checksum: u16,
}

pub(super) fn read_tcp(bytes: &[u8]) -> TcpFields {
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
pub(super) fn read_icmp(bytes: &[u8]) -> (Icmp, u16) {
    let header = IcmpPacket::new(bytes).expect(SIZED);
    let icmp = Icmp {
        kind: header.get_icmp_type().0,
        code: header.get_icmp_code().0,
        rest: u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
        payload: bytes[ICMP_LEN..].to_vec(),
    };
    (icmp, header.get_checksum())
}
