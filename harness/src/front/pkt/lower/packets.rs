//! Packets of a script, as what is injected or expected.

use crate::case::{
    Action, Alt, ChecksumSpec, Expected, IpSpec, Isn, Location, Num, OptionItem, OptionSpec, OptionsSpec,
    PacketSpec, Payload, TcpSpec, Term, Transport, UdpSpec,
};
use crate::front::pkt::script::{
    AccEcnCounter, Body, Direction, IpAttribute, Node, Number, Options, Packet, Ports, Segment, TcpOption,
};
use crate::wire::{AccEcnOrder, Flags};

use super::Context;
use super::sockets::{Home, Numbering};

/// The TTL of what is injected.
pub(super) const TTL: i64 = 255;

impl Context<'_> {
    /// The step that a packet is. Nothing where it cannot be: then it is said in the context.
    pub(super) fn packet(&mut self, packet: &Packet) -> Option<Action> {
        let at = packet.body.at;
        let (home, transport) = match &packet.body.value {
            Body::Tcp(segment) => self.tcp(packet, segment, at)?,
            Body::Udp { length } => {
                let length = Num::exactly(i64::from(*length));
                (self.home(self.sockets.datagram(), at)?, Transport::Udp(UdpSpec { length }))
            }
            Body::Icmp(icmp) => {
                let home = self.home(self.sockets.message(packet.direction), at)?;
                (home, Transport::Icmp(self.icmp(icmp, packet.direction, home, at)?))
            }
        };
        let ip = self.headers(packet, &transport)?;
        let packet_spec = PacketSpec { ip, ..PacketSpec::plain(transport) };
        Some(match packet.direction {
            Direction::Inbound => Action::Inject { flow: home.flow, packet: packet_spec, isn: None },
            Direction::Outbound => Action::Expect {
                flow: home.flow,
                expected: Expected::Packet(Box::new(packet_spec)),
                isn: home.learns.then(|| Isn::As(home.numbering.local.unwrap_or_default())),
            },
        })
    }

    /// Where a packet belongs; if nowhere, that is said.
    fn home(&mut self, found: Result<Home, String>, at: Location) -> Option<Home> {
        match found {
            Ok(home) => Some(home),
            Err(text) => {
                self.wrong_here(at, text);
                None
            }
        }
    }

    fn tcp(&mut self, packet: &Packet, segment: &Segment, at: Location) -> Option<(Home, Transport)> {
        if let Some(ports) = &segment.in_udp {
            self.lacks(ports.source.at, "TCP in UDP");
        }
        let (flags, seq) = (segment.flags.value, segment.range.start.value);
        let home = match packet.direction {
            Direction::Inbound => self.sockets.inbound_tcp(flags, seq),
            Direction::Outbound => self.sockets.outbound_tcp(flags, seq),
        };
        let home = self.home(home, at)?;
        let ends = Ends::new(packet.direction, home.numbering, flags);
        let options = self.segment_options(segment.options.as_ref(), &ends);
        let mut spec = TcpSpec {
            ack: Some(ends.ack(segment.ack.as_ref().map_or(Number::Is(0), |ack| ack.value))),
            win: segment.win.as_ref().map(|win| Num::exactly(i64::from(win.value))),
            urg: Some(Num::exactly(segment.urg.as_ref().map_or(0, |urg| i64::from(urg.value)))),
            options,
            payload: Payload::Zeros,
            ..TcpSpec::bare(
                flags,
                seq.lower(ends.own, ends.in_syn),
                Num::exactly(i64::from(segment.range.length.value)),
            )
        };
        match packet.direction {
            Direction::Inbound => self.written_ports(&mut spec, packet.ports.as_ref()),
            Direction::Outbound => {
                spec.push = Some(flags.contains(Flags::PSH));
                spec.checksum = ChecksumSpec::Any;
            }
        }
        Some((home, Transport::Tcp(spec)))
    }

    /// Ports that are written replace those of the flow, in this packet alone.
    fn written_ports(&self, spec: &mut TcpSpec, ports: Option<&Ports>) {
        let port = |port: &Node<u16>| Num::exactly(i64::from(port.value));
        spec.sport = ports.map(|ports| port(&ports.source));
        spec.dport = ports.map(|ports| port(&ports.destination));
    }

    /// The header of the flow's own packet, and those around it.
    fn headers(&mut self, packet: &Packet, transport: &Transport) -> Option<IpSpec> {
        let is_v6 = self.world.ip.wire_is_v6();
        let mut ip = match packet.direction {
            Direction::Inbound => IpSpec { ttl: Some(Num::exactly(TTL)), ..IpSpec::default() },
            // Options of the IP header are none of packetdrill's.
            Direction::Outbound => IpSpec { options: (!is_v6).then(Vec::new), ..IpSpec::default() },
        };
        for attribute in &packet.ip {
            attribute_of(&mut ip, &attribute.value, is_v6);
        }
        if packet.direction == Direction::Outbound && !packet.outer.is_empty() {
            self.lacks(packet.body.at, "comparing packets in tunnels");
            return None;
        }
        ip.encapsulation = self.outer_headers(&packet.outer, transport)?;
        Some(ip)
    }

    fn segment_options(&mut self, options: Option<&Node<Options>>, ends: &Ends) -> OptionsSpec {
        let list = match options.map(|options| &options.value) {
            None => return OptionsSpec::Exactly(Vec::new()),
            Some(Options::Any) => return OptionsSpec::Unwritten,
            Some(Options::List(list)) => list,
        };
        let items = list.iter().filter_map(|option| {
            let option = self.option(option, ends)?;
            Some(OptionItem { option, length: None })
        });
        OptionsSpec::Exactly(items.collect())
    }

    fn option(&mut self, option: &Node<TcpOption>, ends: &Ends) -> Option<OptionSpec> {
        Some(match &option.value {
            TcpOption::Nop => OptionSpec::Nop,
            TcpOption::Eol => OptionSpec::Eol,
            TcpOption::Mss(mss) => OptionSpec::Mss(Num::exactly(i64::from(*mss))),
            TcpOption::Wscale(shift) => OptionSpec::Wscale(Num::exactly(i64::from(*shift))),
            TcpOption::SackOk => OptionSpec::SackOk,
            TcpOption::Sack(blocks) => {
                let edge = |edge: u32| Number::Is(edge).lower(ends.other, ends.in_syn);
                OptionSpec::Sack(blocks.iter().map(|(left, right)| (edge(*left), edge(*right))).collect())
            }
            TcpOption::Timestamps { val, ecr } => {
                OptionSpec::Timestamps { val: timestamp(*val), ecr: ends.echo(*ecr) }
            }
            TcpOption::FastOpen(cookie) => OptionSpec::FastOpen(cookie.clone()),
            TcpOption::FastOpenExp(cookie) => OptionSpec::FastOpenExp(cookie.clone()),
            TcpOption::Md5(digest) => OptionSpec::Md5(digest.clone()),
            TcpOption::Md5Valid => {
                self.lacks(option.at, "computing MD5 signatures");
                return None;
            }
            TcpOption::AccEcn(counters) if counters.experimental => {
                self.lacks(option.at, "accurate ECN in the experimental option");
                return None;
            }
            TcpOption::AccEcn(counters) => {
                let order = if counters.ect0_first { AccEcnOrder::E0First } else { AccEcnOrder::E1First };
                let names = counters.counters.iter().map(|(counter, _)| counter_name(*counter));
                if !names.eq(order.names().into_iter().take(counters.counters.len())) {
                    self.lacks(option.at, "accurate ECN counters in this order");
                    return None;
                }
                let numbers = counters.counters.iter().map(|(_, number)| Num::exactly(i64::from(*number)));
                OptionSpec::AccEcn { order, counters: numbers.collect() }
            }
            TcpOption::Other { kind, data } => OptionSpec::Other { kind: *kind, data: data.clone() },
        })
    }
}

const fn counter_name(counter: AccEcnCounter) -> &'static str {
    match counter {
        AccEcnCounter::Ect0 => "e0b",
        AccEcnCounter::Ce => "ceb",
        AccEcnCounter::Ect1 => "e1b",
    }
}

/// A timestamp, as the script has it.
fn timestamp(number: Number) -> Num {
    number.lower(Some(0), false)
}

/// What the numbers of one segment count from.
struct Ends {
    direction: Direction,
    /// The sender's initial number.
    own: Option<u32>,
    /// The receiver's.
    other: Option<u32>,
    in_syn: bool,
    has_ack: bool,
}

impl Ends {
    fn new(direction: Direction, numbering: Numbering, flags: Flags) -> Self {
        let (own, other) = match direction {
            Direction::Inbound => (numbering.remote, numbering.local),
            Direction::Outbound => (numbering.local, numbering.remote),
        };
        let (in_syn, has_ack) = (flags.contains(Flags::SYN), flags.contains(Flags::ACK));
        Self { direction, own, other, in_syn, has_ack }
    }

    /// An acknowledgement number counts from something only with its flag.
    fn ack(&self, number: Number) -> Num {
        number.lower(self.other.filter(|_| self.has_ack), self.in_syn)
    }

    /// Echoes of the target are not compared; those of the peer mean something only with ACK.
    fn echo(&self, number: Number) -> Num {
        match self.direction {
            Direction::Outbound => Num::any(),
            Direction::Inbound => number.lower(self.has_ack.then_some(0), false),
        }
    }
}

/// Writes an attribute into a header.
pub(super) fn attribute_of(ip: &mut IpSpec, attribute: &IpAttribute, is_v6: bool) {
    let number = |number: u8| Some(Num::exactly(i64::from(number)));
    match *attribute {
        IpAttribute::Tos(tos) => (ip.dscp, ip.ecn) = (number(tos >> 2), number(tos & 3)),
        IpAttribute::Dscp(dscp) => ip.dscp = number(dscp),
        IpAttribute::Ecn(ecn) => ip.ecn = number(ecn),
        IpAttribute::AnyEct => {
            let alternative = |number| Alt::Is { term: Term::Known(number), absolute: false };
            ip.ecn = Some(Num(vec![alternative(1), alternative(2)]));
        }
        IpAttribute::Ttl(0 | 255) => {}
        IpAttribute::Ttl(ttl) => ip.ttl = number(ttl),
        IpAttribute::FlowLabel(label) if is_v6 && label != 0 => {
            ip.flow_label = Some(Num::exactly(i64::from(label)));
        }
        IpAttribute::FlowLabel(_) => {}
    }
}
