//! From plain data, and the lies asked for, to bytes.

use super::checksum;
use super::fields;
use super::ip::{Extension, Ip, IpVersion, protocol};
use super::lies::{Fragment, IpLies, Lies};
use super::packet::{Body, Packet};

/// Bytes of a TCP header up to and with its checksum.
const TCP_CHECKSUM_END: usize = 18;
/// Bytes of an ICMP header up to and with its checksum.
const ICMP_CHECKSUM_END: usize = 4;

/// The bytes of a packet: one packet, or its fragments in the order asked for. Without lies they are well formed,
/// as long as the parts fit into their length fields.
#[must_use]
pub fn build(packet: &Packet, lies: &Lies) -> Vec<Vec<u8>> {
    let mut body = body_bytes(&packet.body, lies);
    seal(&mut body, packet, lies);
    let mut packets: Vec<Vec<u8>> = if lies.fragments.is_empty() {
        vec![with_header(&packet.ip, packet.protocol(), &body, &lies.ip)]
    } else {
        lies.fragments
            .iter()
            .map(|piece| fragment(packet, &body, piece, &lies.ip))
            .collect()
    };
    if let Some(length) = lies.truncate {
        packets.iter_mut().for_each(|bytes| bytes.truncate(length));
    }
    packets
}

fn body_bytes(body: &Body, lies: &Lies) -> Vec<u8> {
    match body {
        Body::Tcp(tcp) => fields::write_tcp(tcp, lies.data_offset),
        Body::Icmp(icmp) => fields::write_icmp(icmp),
        Body::Fragment { bytes, .. } | Body::Other { bytes, .. } => bytes.clone(),
    }
}

/// Fills in the checksum of TCP or ICMP. A receiver that believes a lying IP length must find it good.
fn seal(body: &mut [u8], packet: &Packet, lies: &Lies) {
    match &packet.body {
        Body::Tcp(_) => {
            let covered = believed(body, TCP_CHECKSUM_END, &packet.ip, lies);
            let good = checksum::transport(&packet.ip, protocol::TCP, covered);
            fields::set_tcp_checksum(body, lies.checksum.apply(good));
        }
        Body::Icmp(_) => {
            let covered = believed(body, ICMP_CHECKSUM_END, &packet.ip, lies);
            let good = icmp_checksum(&packet.ip, covered);
            fields::set_icmp_checksum(body, lies.checksum.apply(good));
        }
        Body::Fragment { .. } | Body::Other { .. } => {}
    }
}

/// The part of the body that a receiver sees who believes the IP length; all of it if there is less than that, or if
/// it would see fewer than `least` bytes, not even the checksum.
fn believed<'a>(body: &'a [u8], least: usize, ip: &Ip, lies: &Lies) -> &'a [u8] {
    let lie = lies.ip.total_length.filter(|_| lies.fragments.is_empty());
    let claimed = lie.map_or(body.len(), |total| {
        usize::from(total).saturating_sub(uncounted(ip))
    });
    body.get(..claimed)
        .filter(|seen| seen.len() >= least)
        .unwrap_or(body)
}

/// The true checksum of an ICMP message in which it is zero.
pub(super) fn icmp_checksum(ip: &Ip, message: &[u8]) -> u16 {
    match ip.version() {
        IpVersion::V4 => checksum::plain(message),
        IpVersion::V6 => checksum::transport(ip, protocol::ICMPV6, message),
    }
}

/// How many of the bytes that the IP length field counts are not the body's.
fn uncounted(ip: &Ip) -> usize {
    match ip {
        Ip::V4(ip) => fields::write_ipv4(ip, 0, 0).len(),
        Ip::V6(ip) => fields::write_ipv6(ip, 0, 0).len() - IpVersion::V6.header_len(),
    }
}

fn with_header(ip: &Ip, protocol: u8, body: &[u8], lies: &IpLies) -> Vec<u8> {
    let protocol = lies.protocol.unwrap_or(protocol);
    let mut bytes = match ip {
        Ip::V4(ip) => fields::write_ipv4(ip, protocol, body.len()),
        Ip::V6(ip) => fields::write_ipv6(ip, protocol, body.len()),
    };
    let header_len = bytes.len();
    bytes.extend_from_slice(body);
    if let Some(version) = lies.version {
        fields::set_version(&mut bytes, version);
    }
    match ip {
        Ip::V4(_) => finish_ipv4(&mut bytes, header_len, lies),
        Ip::V6(_) => {
            if let Some(length) = lies.total_length {
                fields::set_ipv6_payload_length(&mut bytes, length);
            }
        }
    }
    bytes
}

/// Lies and checksum of an IPv4 header. The checksum covers what the header length says, as far as there is that much.
fn finish_ipv4(packet: &mut [u8], mut header_len: usize, lies: &IpLies) {
    if let Some(words) = lies.header_length {
        fields::set_ipv4_header_length(packet, words);
        header_len = (usize::from(words) * 4).clamp(IpVersion::V4.header_len(), packet.len());
    }
    if let Some(length) = lies.total_length {
        fields::set_ipv4_total_length(packet, length);
    }
    let good = checksum::plain(&packet[..header_len]);
    fields::set_ipv4_checksum(packet, lies.checksum.apply(good));
}

fn fragment(packet: &Packet, body: &[u8], piece: &Fragment, lies: &IpLies) -> Vec<u8> {
    let mut ip = piece.ip.as_ref().unwrap_or(&packet.ip).clone();
    match &mut ip {
        Ip::V4(ip) => {
            ip.offset = piece.offset;
            ip.mf = piece.more;
        }
        Ip::V6(ip) => set_fragment_header(&mut ip.ext, piece),
    }
    let start = usize::from(piece.offset).min(body.len());
    let end = start.saturating_add(piece.length).min(body.len());
    with_header(
        &ip,
        packet.protocol(),
        &body[start..end],
        &piece.lies.or(lies),
    )
}

/// Sets the fragment header that is there, keeping its identification, or appends one with identification 0.
fn set_fragment_header(extensions: &mut Vec<Extension>, piece: &Fragment) {
    let there = extensions.iter_mut().find_map(|extension| match extension {
        Extension::Fragment { offset, more, .. } => Some((offset, more)),
        Extension::HopByHop(_) | Extension::Routing(_) | Extension::Destination(_) => None,
    });
    match there {
        Some((offset, more)) => (*offset, *more) = (piece.offset, piece.more),
        None => extensions.push(Extension::Fragment {
            offset: piece.offset,
            more: piece.more,
            id: 0,
        }),
    }
}
