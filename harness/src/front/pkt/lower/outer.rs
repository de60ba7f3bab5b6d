//! Headers around an injected packet: IP in IP, GRE, MPLS. They are bytes, made from the inside out.

use std::net::IpAddr;

use crate::case::{IpSpec, OptionItem, OptionSpec, OptionsSpec, Transport};
use crate::front::pkt::script::{Gre, IpAttribute, MplsEntry, Node, Outer};
use crate::wire::{Body, Ip, Ipv4, Ipv6, Lies, Packet, build};

use super::Context;
use super::packets::attribute_of;

/// IP protocol numbers of what is in an IP header.
const IPV4: u8 = 4;
const IPV6: u8 = 41;
const GRE: u8 = 47;
const MPLS: u8 = 137;
/// The same as GRE has them.
const ETHER_IPV4: u16 = 0x0800;
const ETHER_IPV6: u16 = 0x86dd;
const ETHER_MPLS: u16 = 0x8847;
/// Which fields a GRE header has.
const GRE_CHECKSUM: u16 = 0x8000;
const GRE_KEY: u16 = 0x2000;
const GRE_SEQUENCE: u16 = 0x1000;
/// More are refused.
const MOST_HEADERS: usize = 6;
const TTL: u8 = 255;

/// What a header announces.
#[derive(Clone, Copy, Debug)]
enum Inside {
    Ip { is_v6: bool },
    Gre,
    Mpls,
}

impl Context<'_> {
    /// The headers around a packet, outermost first. Nothing where they make no sense: then it is said.
    pub(super) fn outer_headers(
        &mut self,
        outer: &[Node<Outer>],
        transport: &Transport,
    ) -> Option<Vec<Vec<u8>>> {
        let Some(first) = outer.first() else { return Some(Vec::new()) };
        if !matches!(first.value, Outer::Ip { .. }) {
            self.wrong(first.at, "the outermost header is one of IP");
            return None;
        }
        if outer.len() >= MOST_HEADERS {
            self.wrong(first.at, format!("a packet has at most {MOST_HEADERS} headers"));
            return None;
        }
        let is_v6 = self.world.ip.wire_is_v6();
        let mut length = length(transport)? + if is_v6 { 40 } else { 20 };
        let mut inside = Inside::Ip { is_v6 };
        let mut headers = Vec::new();
        for header in outer.iter().rev() {
            let bytes = match &header.value {
                Outer::Ip { ip, source, destination } => {
                    let Some(bytes) = ip_header(ip, *source, *destination, inside, length) else {
                        self.wrong(header.at, "addresses of two versions of IP");
                        return None;
                    };
                    inside = Inside::Ip { is_v6: source.is_ipv6() };
                    bytes
                }
                Outer::Gre(gre) => {
                    let bytes = gre_header(gre, inside);
                    inside = Inside::Gre;
                    bytes
                }
                Outer::Mpls(entries) => {
                    inside = Inside::Mpls;
                    entries.iter().flat_map(mpls_entry).collect()
                }
            };
            length += bytes.len();
            headers.push(bytes);
        }
        headers.reverse();
        Some(headers)
    }
}

/// Bytes after the IP header.
fn length(transport: &Transport) -> Option<usize> {
    let known = |number: &crate::case::Num| number.known().and_then(|number| usize::try_from(number).ok());
    match transport {
        Transport::Tcp(tcp) => {
            let options = match &tcp.options {
                OptionsSpec::Exactly(items) => items.iter().map(option_length).sum(),
                OptionsSpec::Unwritten | OptionsSpec::Including(_) | OptionsSpec::Raw(_) => 0,
            };
            Some(20 + options + known(&tcp.length)?)
        }
        Transport::Icmp(icmp) => Some(8 + icmp.quote_length?),
        Transport::Udp(udp) => Some(8 + known(&udp.length)?),
        Transport::Bytes(bytes) => Some(bytes.len()),
    }
}

fn option_length(item: &OptionItem) -> usize {
    match &item.option {
        OptionSpec::Nop | OptionSpec::Eol => 1,
        OptionSpec::Mss(_) => 4,
        OptionSpec::Wscale(_) => 3,
        OptionSpec::SackOk => 2,
        OptionSpec::Sack(blocks) => 2 + 8 * blocks.len(),
        OptionSpec::Timestamps { .. } => 10,
        OptionSpec::FastOpen(bytes) | OptionSpec::Md5(bytes) => 2 + bytes.len(),
        OptionSpec::FastOpenExp(bytes) => 4 + bytes.len(),
        OptionSpec::AccEcn { counters, .. } => 2 + 3 * counters.len(),
        OptionSpec::Other { data, .. } => 2 + data.len(),
        OptionSpec::Raw(bytes) => bytes.len(),
    }
}

/// An IP header in front of so many bytes.
fn ip_header(
    attributes: &[Node<IpAttribute>],
    source: IpAddr,
    destination: IpAddr,
    inside: Inside,
    length: usize,
) -> Option<Vec<u8>> {
    let protocol = match inside {
        Inside::Ip { is_v6: false } => IPV4,
        Inside::Ip { is_v6: true } => IPV6,
        Inside::Gre => GRE,
        Inside::Mpls => MPLS,
    };
    let mut spec = IpSpec::default();
    for attribute in attributes {
        attribute_of(&mut spec, &attribute.value, source.is_ipv6());
    }
    let small = |number: &Option<crate::case::Num>| {
        number.as_ref().and_then(crate::case::Num::known).and_then(|number| u8::try_from(number).ok())
    };
    let (dscp, ecn) = (small(&spec.dscp).unwrap_or(0), small(&spec.ecn).unwrap_or(0));
    let ttl = small(&spec.ttl).unwrap_or(TTL);
    let ip = match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            Ip::V4(Ipv4 { dscp, ecn, ttl, ..Ipv4::new(source, destination) })
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let label = spec.flow_label.as_ref().and_then(crate::case::Num::known);
            let flow_label = label.and_then(|label| u32::try_from(label).ok()).unwrap_or(0);
            Ip::V6(Ipv6 { dscp, ecn, hop_limit: ttl, flow_label, ..Ipv6::new(source, destination) })
        }
        _ => return None,
    };
    let header_len = ip.version().header_len();
    let body = Body::Other { protocol, bytes: vec![0; length] };
    let mut bytes = build(&Packet { ip, body }, &Lies::default()).concat();
    bytes.truncate(header_len);
    Some(bytes)
}

fn gre_header(gre: &Gre, inside: Inside) -> Vec<u8> {
    let ether = match inside {
        Inside::Ip { is_v6: false } | Inside::Gre => ETHER_IPV4,
        Inside::Ip { is_v6: true } => ETHER_IPV6,
        Inside::Mpls => ETHER_MPLS,
    };
    let mut bytes = [gre.flags.to_be_bytes(), ether.to_be_bytes()].concat();
    if gre.flags & GRE_CHECKSUM != 0 {
        bytes.extend(gre.checksum.to_be_bytes());
        bytes.extend(gre.offset.to_be_bytes());
    }
    if gre.flags & GRE_KEY != 0 {
        bytes.extend(gre.key.to_be_bytes());
    }
    if gre.flags & GRE_SEQUENCE != 0 {
        bytes.extend(gre.sequence.to_be_bytes());
    }
    bytes
}

fn mpls_entry(entry: &MplsEntry) -> [u8; 4] {
    let word =
        entry.label << 12 | u32::from(entry.class) << 9 | u32::from(entry.bottom) << 8 | u32::from(entry.ttl);
    word.to_be_bytes()
}
