//! Plain data into headers, and single fields overwritten.

use pnet::packet::icmp::{IcmpCode, IcmpType, MutableIcmpPacket};
use pnet::packet::ip::IpNextHeaderProtocol;
use pnet::packet::ipv4::MutableIpv4Packet;
use pnet::packet::ipv6::{MutableExtensionPacket, MutableFragmentPacket, MutableIpv6Packet};
use pnet::packet::tcp::MutableTcpPacket;

use super::{EXTENSION_LEN, SIZED, TCP_LEN};
use crate::wire::icmp::Icmp;
use crate::wire::ip::{Extension, Ipv4, Ipv6};
use crate::wire::option::encode_options;
use crate::wire::tcp::Tcp;

fn saturated(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

/// An IPv4 header in front of a body of `body_len` bytes.
pub(in crate::wire) fn write_ipv4(ip: &Ipv4, protocol: u8, body_len: usize) -> Vec<u8> {
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
pub(in crate::wire) fn write_ipv6(ip: &Ipv6, protocol: u8, body_len: usize) -> Vec<u8> {
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
            let len = (out.len() - start).next_multiple_of(8);
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
pub(in crate::wire) fn write_tcp(tcp: &Tcp, data_offset: Option<u8>) -> Vec<u8> {
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
pub(in crate::wire) fn write_icmp(icmp: &Icmp) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    let mut header = MutableIcmpPacket::new(&mut bytes).expect(SIZED);
    header.set_icmp_type(IcmpType(icmp.kind));
    header.set_icmp_code(IcmpCode(icmp.code));
    bytes.extend(icmp.rest.to_be_bytes());
    bytes.extend_from_slice(&icmp.payload);
    bytes
}

pub(in crate::wire) fn set_version(packet: &mut [u8], version: u8) {
    MutableIpv4Packet::new(packet)
        .expect(SIZED)
        .set_version(version);
}

pub(in crate::wire) fn set_ipv4_header_length(packet: &mut [u8], words: u8) {
    MutableIpv4Packet::new(packet)
        .expect(SIZED)
        .set_header_length(words);
}

pub(in crate::wire) fn set_ipv4_total_length(packet: &mut [u8], length: u16) {
    MutableIpv4Packet::new(packet)
        .expect(SIZED)
        .set_total_length(length);
}

pub(in crate::wire) fn set_ipv6_payload_length(packet: &mut [u8], length: u16) {
    MutableIpv6Packet::new(packet)
        .expect(SIZED)
        .set_payload_length(length);
}

pub(in crate::wire) fn set_ipv4_checksum(packet: &mut [u8], checksum: u16) {
    MutableIpv4Packet::new(packet)
        .expect(SIZED)
        .set_checksum(checksum);
}

pub(in crate::wire) fn set_tcp_checksum(segment: &mut [u8], checksum: u16) {
    MutableTcpPacket::new(segment)
        .expect(SIZED)
        .set_checksum(checksum);
}

pub(in crate::wire) fn set_icmp_checksum(message: &mut [u8], checksum: u16) {
    MutableIcmpPacket::new(message)
        .expect(SIZED)
        .set_checksum(checksum);
}
