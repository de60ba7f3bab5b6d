//! ICMP messages. Their names are those of the IP version at hand: one that it lacks is a mistake.

use crate::case::{
    ChecksumSpec, IcmpSpec, IpSpec, Location, Num, PacketSpec, Payload, Quote, TcpSpec, Transport, UdpSpec,
};
use crate::front::pkt::script::{Direction, Icmp, Node, Number, Quoted};
use crate::wire::{Flags, IpVersion};

use super::Context;
use super::packets::TTL;
use super::sockets::Home;

/// Bytes of the header of ICMP.
const HEADER: u16 = 8;
/// So many bytes after the IP header are quoted.
const QUOTED: usize = 8;

/// A type: its name, its number, its codes by name.
type Type = (&'static str, u8, &'static [(&'static str, u8)]);

/// The types of ICMP (RFC 792, RFC 1812).
const V4: [Type; 13] = [
    ("echo_reply", 0, &[]),
    (
        "unreachable",
        3,
        &[
            ("net_unreachable", 0),
            ("host_unreachable", 1),
            ("protocol_unreachable", 2),
            ("port_unreachable", 3),
            ("frag_needed", 4),
            ("source_route_failed", 5),
            ("net_unknown", 6),
            ("host_unknown", 7),
            ("source_host_isolated", 8),
            ("net_prohibited", 9),
            ("host_prohibited", 10),
            ("net_unreachable_for_tos", 11),
            ("host_unreachable_for_tos", 12),
            ("packet_filtered", 13),
            ("precedence_violation", 14),
            ("precedence_cutoff", 15),
        ],
    ),
    ("source_quench", 4, &[]),
    ("redirect", 5, &[]),
    ("echo_request", 8, &[]),
    ("time_exceeded", 11, &[]),
    ("parameter_problem", 12, &[]),
    ("timestamp_request", 13, &[]),
    ("timestamp_reply", 14, &[]),
    ("information_request", 15, &[]),
    ("information_reply", 16, &[]),
    ("address_mask_request", 17, &[]),
    ("address_mask_reply", 18, &[]),
];

/// The types of ICMPv6 (RFC 4443).
const V6: [Type; 6] = [
    (
        "unreachable",
        1,
        &[
            ("net_unreachable", 0),
            ("no_route", 0),
            ("admin_prohibited", 1),
            ("not_neighbour", 2),
            ("address_unreachable", 3),
            ("port_unreachable", 4),
        ],
    ),
    ("packet_too_big", 2, &[]),
    ("time_exceeded", 3, &[("exceeded_hop_limit", 0), ("exceeded_frag_time", 1)]),
    ("parameter_problem", 4, &[("header_field", 0), ("unknown_next_header", 1), ("unknown_option", 2)]),
    ("echo_request", 128, &[]),
    ("echo_reply", 129, &[]),
];

impl Context<'_> {
    pub(super) fn icmp(
        &mut self,
        icmp: &Icmp,
        direction: Direction,
        home: Home,
        at: Location,
    ) -> Option<IcmpSpec> {
        let (kind, code) = self.type_and_code(icmp)?;
        if let Some(mtu) = &icmp.mtu {
            self.check_mtu(mtu, kind, code);
        }
        let header_len = if self.world.ip.wire_is_v6() { 40 } else { 20 };
        let of_error = header_len + QUOTED;
        let (quote, length) = match icmp.quoted.as_ref().map(|quoted| &quoted.value) {
            None => (self.quoted_segment(home, Number::Is(0), 0), of_error),
            Some(Quoted::Tcp(range)) => {
                (self.quoted_segment(home, range.start.value, range.length.value), of_error)
            }
            Some(Quoted::Udp(length)) => (self.quoted_datagram(*length), of_error),
            Some(Quoted::Raw(length)) => {
                let Some(rest) = length.checked_sub(HEADER) else {
                    self.wrong(at, format!("an ICMP message has at least {HEADER} bytes"));
                    return None;
                };
                let bytes = vec![0; usize::from(rest)];
                (PacketSpec::plain(Transport::Bytes(bytes)), usize::from(rest))
            }
        };
        let quote = match direction {
            Direction::Inbound => Quote::Packet(Box::new(quote)),
            // Of what is expected only the length is compared.
            Direction::Outbound => Quote::Last,
        };
        Some(IcmpSpec {
            kind: Some(Num::exactly(i64::from(kind))),
            code: Some(Num::exactly(i64::from(code))),
            mtu: icmp.mtu.as_ref().map(|mtu| Num::exactly(i64::from(mtu.value))),
            id: icmp.id.as_ref().map(|id| id.value),
            ptr: None,
            checksum: if direction == Direction::Inbound { ChecksumSpec::Good } else { ChecksumSpec::Any },
            quote,
            quote_length: Some(length),
        })
    }

    fn version(&self) -> (IpVersion, &'static [Type]) {
        if self.world.ip.wire_is_v6() { (IpVersion::V6, &V6) } else { (IpVersion::V4, &V4) }
    }

    fn type_and_code(&mut self, icmp: &Icmp) -> Option<(u8, u8)> {
        let (version, types) = self.version();
        let name = icmp.kind.value.as_str();
        let known = types.iter().find(|(known, ..)| *known == name);
        let kind = known.map(|(_, number, _)| *number).or_else(|| numbered(name, "type_"));
        let Some(kind) = kind else {
            let names = types.iter().map(|(known, ..)| *known);
            self.unknown("ICMP type", &icmp.kind, version, names.collect());
            return None;
        };
        let Some(code) = &icmp.code else { return Some((kind, 0)) };
        let codes = types.iter().find(|(_, number, _)| *number == kind).map_or(&[][..], |(.., codes)| codes);
        let known = codes.iter().find(|(known, _)| *known == code.value).map(|(_, number)| *number);
        let Some(number) = known.or_else(|| numbered(&code.value, "code_")) else {
            let what = format!("code of the ICMP type {name}");
            self.unknown(&what, code, version, codes.iter().map(|(known, _)| *known).collect());
            return None;
        };
        Some((kind, number))
    }

    fn unknown(&mut self, what: &str, name: &Node<String>, version: IpVersion, known: Vec<&str>) {
        let text = format!("{} is no {what} in IPv{}", name.value, version.number());
        if known.is_empty() {
            self.wrong_help(name.at, text, "it has none with a name: write code_N");
        } else {
            self.wrong_help(name.at, text, format!("known: {}", known.join(", ")));
        }
    }

    fn check_mtu(&mut self, mtu: &Node<u32>, kind: u8, code: u8) {
        let (version, _) = self.version();
        let largest = match (version, kind, code) {
            (IpVersion::V4, 3, 4) => u32::from(u16::MAX),
            (IpVersion::V6, 2, _) => u32::MAX,
            _ => {
                let text = "this ICMP message has no MTU";
                self.wrong_help(mtu.at, text, "unreachable frag_needed has one, or packet_too_big in IPv6");
                return;
            }
        };
        if mtu.value > largest {
            self.wrong(mtu.at, format!("the MTU of this message is at most {largest}"));
        }
    }

    /// A segment as the target would have sent it, of which the beginning is quoted.
    fn quoted_segment(&self, home: Home, start: Number, length: u16) -> PacketSpec {
        let seq = start.lower(home.numbering.local, false);
        let tcp = TcpSpec {
            payload: Payload::Zeros,
            ..TcpSpec::bare(Flags::NONE, seq, Num::exactly(i64::from(length)))
        };
        quoted(Transport::Tcp(tcp))
    }

    fn quoted_datagram(&self, length: u16) -> PacketSpec {
        quoted(Transport::Udp(UdpSpec { length: Num::exactly(i64::from(length)) }))
    }
}

fn quoted(transport: Transport) -> PacketSpec {
    let ip = IpSpec { ttl: Some(Num::exactly(TTL)), ..IpSpec::default() };
    PacketSpec { ip, ..PacketSpec::plain(transport) }
}

/// `type_7`, `code_3`.
fn numbered(name: &str, prefix: &str) -> Option<u8> {
    name.strip_prefix(prefix)?.parse().ok()
}
