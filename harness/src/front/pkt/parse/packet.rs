//! Packets: direction, headers around, IP attributes, and what they carry.

use std::net::IpAddr;

use crate::front::Diagnostic;
use crate::front::pkt::script::{Body, Direction, IpAttribute, Node, Outer, Packet, Ports};

use super::cursor::{Cursor, Parsed};
use super::lexer::Kind;

/// A packet has no more headers than these, its own TCP, UDP or ICMP header included.
const MOST_HEADERS: usize = 6;

/// Names of attributes.
const ATTRIBUTES: [&str; 12] =
    ["noecn", "ect0", "ect1", "ce", "ect01", "tos", "ttl", "flowlabel", "hlim", "class", "dscp", "ecn"];

/// What packets begin with that are not read, and whose they are.
const OTHER_PROTOCOLS: [(&str, &str); 3] = [("encap", "PSP"), ("sctp", "SCTP"), ("udplite", "UDP-Lite")];

impl Cursor<'_> {
    /// A packet, from its `<` or `>` on.
    pub(super) fn packet(&mut self) -> Parsed<Packet> {
        let direction = if self.take(b'<') {
            Direction::Inbound
        } else {
            self.expect(b'>', "of a packet")?;
            Direction::Outbound
        };
        let outer = self.outer_headers(direction)?;
        let ip = self.ip_attributes(direction)?;
        let first = self.peek();
        let (ports, body) = if self.take_word("udp") {
            let ports = self.ports()?;
            let length = self.length_in_parentheses()?;
            (ports, Body::Udp { length: length.value })
        } else if self.take_word("icmp") {
            (None, Body::Icmp(Box::new(self.icmp()?)))
        } else {
            self.no_other_protocol()?;
            let ports = self.ports()?;
            (ports, Body::Tcp(Box::new(self.segment(direction)?)))
        };
        let body = Node { value: body, at: self.since(first) };
        self.end_of_packet(&body.value)?;
        Ok(Packet { direction, outer, ip, ports, body })
    }

    /// `5000 > 8080`.
    pub(super) fn ports(&mut self) -> Parsed<Option<Ports>> {
        if self.peek().kind != Kind::Int || self.ahead(1).kind != Kind::Sign(b'>') {
            return Ok(None);
        }
        let source = self.up_to("a port", 65535)?;
        self.next();
        let destination = self.up_to("a port", 65535)?;
        Ok(Some(Ports { source, destination }))
    }

    /// `(100)`.
    pub(super) fn length_in_parentheses(&mut self) -> Parsed<Node<u16>> {
        self.expect(b'(', "and the length")?;
        let length = self.up_to("a length", 65535)?;
        self.expect(b')', "behind the length")?;
        Ok(length)
    }

    /// Takes note of a protocol that is not run here.
    fn no_other_protocol(&mut self) -> Parsed<()> {
        let token = self.peek();
        let Some((_, protocol)) = OTHER_PROTOCOLS.iter().find(|(word, _)| self.is_word(token, word)) else {
            return Ok(());
        };
        self.out_of_scope(token, protocol);
        Err(self.error(token, format!("{protocol} is not run here")))
    }

    fn outer_headers(&mut self, direction: Direction) -> Parsed<Vec<Node<Outer>>> {
        let mut outer = Vec::new();
        loop {
            let first = self.peek();
            let header = if self.take_word("ipv4") || self.take_word("ipv6") {
                let ip = self.ip_attributes(direction)?;
                let v4 = self.is_word(first, "ipv4");
                let source = self.address(v4)?;
                self.expect(b'>', "between the addresses")?;
                let destination = self.address(v4)?;
                Outer::Ip { ip, source, destination }
            } else if self.take_word("gre") || self.take_word("GREv0") {
                self.take(b',');
                Outer::Gre(self.gre_header()?)
            } else if self.take_word("mpls") {
                Outer::Mpls(self.mpls_stack()?)
            } else {
                return Ok(outer);
            };
            let at = self.since(first);
            self.expect(b':', "behind an outer header")?;
            outer.push(Node { value: header, at });
            // The innermost IP header and its payload's are not written.
            if outer.len() + 2 > MOST_HEADERS {
                return Err(Box::new(Diagnostic::error(
                    at,
                    format!("a packet has at most {MOST_HEADERS} headers"),
                )));
            }
        }
    }

    fn address(&mut self, v4: bool) -> Parsed<IpAddr> {
        let token = self.peek();
        let (kind, expected) = if v4 { (Kind::V4, "an IPv4 address") } else { (Kind::V6, "an IPv6 address") };
        if token.kind != kind {
            return Err(self.unexpected(expected));
        }
        self.next();
        self.say(token).parse().map_err(|_| self.error(token, "this is no address"))
    }

    /// `[ect0]`, `(tos 0x10, flowlabel 0x3)`, or nothing.
    fn ip_attributes(&mut self, direction: Direction) -> Parsed<Vec<Node<IpAttribute>>> {
        let mut attributes = Vec::new();
        let close = if self.take(b'[') {
            b']'
        } else if self.take(b'(') {
            b')'
        } else {
            return Ok(attributes);
        };
        loop {
            attributes.push(self.ip_attribute(direction)?);
            if self.take(close) {
                return Ok(attributes);
            }
            if !self.take(b',') {
                let expected = format!("\",\" or \"{}\" behind an IP attribute", char::from(close));
                return Err(self.unexpected(&expected));
            }
        }
    }

    fn ip_attribute(&mut self, direction: Direction) -> Parsed<Node<IpAttribute>> {
        let token = self.peek();
        if token.kind != Kind::Word {
            return Err(self.unexpected("an IP attribute: ect0, tos 0x2, ttl 64, flowlabel 0x3"));
        }
        self.next();
        let name = self.say(token).to_owned();
        let value = match name.as_str() {
            "tos" | "class" => IpAttribute::Tos(self.hexadecimal(&name, 0xff)?),
            "dscp" => IpAttribute::Dscp(self.hexadecimal(&name, 0x3f)?),
            "ttl" | "hlim" => IpAttribute::Ttl(self.up_to(&name, 255)?.value),
            "flowlabel" => IpAttribute::FlowLabel(self.hexadecimal(&name, 0xf_ffff)?),
            "ecn" => {
                let word = self.next();
                match ecn(self.say(word)) {
                    Some(value) => value,
                    None => return Err(self.error(word, "ecn is one of noecn, ect0, ect1, ce, ect01")),
                }
            }
            _ => match ecn(&name) {
                Some(value) => value,
                None => {
                    self.at -= 1;
                    return Err(self.unexpected_word("an IP attribute", &ATTRIBUTES));
                }
            },
        };
        let at = self.since(token);
        if value == IpAttribute::AnyEct && direction == Direction::Inbound {
            let text = "ect01 is for packets that are expected (>); what is sent is either of the two";
            self.found.push(Diagnostic::error(at, text).with_help("write ect0 or ect1"));
        }
        Ok(Node { value, at })
    }

    /// A number that is written in hexadecimal.
    fn hexadecimal<T: TryFrom<i64> + Default>(&mut self, name: &str, most: u64) -> Parsed<T> {
        let token = self.peek();
        if token.kind == Kind::Int {
            let wrong = self.error(token, format!("{name} is written in hexadecimal"));
            return Err(match self.say(token).parse::<u64>() {
                Ok(number) => Box::new(wrong.with_help(format!("write {name} {number:#x}"))),
                Err(_) => wrong,
            });
        }
        let number = self.number(&format!("a hexadecimal number behind {name}"))?;
        Ok(self.fit(number, name, most).value)
    }

    /// Behind a packet comes the next event.
    fn end_of_packet(&self, body: &Body) -> Parsed<()> {
        let next = self.peek();
        let starts = self.sees_time() || matches!(next.kind, Kind::Command | Kind::End | Kind::Code);
        // What is first on its line is another event, be its time written or not.
        if starts || next.first {
            return Ok(());
        }
        let (expected, words): (&str, &[&str]) = match body {
            Body::Tcp(segment) => match (&segment.ack, &segment.win, &segment.urg, &segment.options) {
                (_, _, _, Some(_)) => ("the next event behind the options", &[]),
                (_, _, Some(_), None) => ("options in <> or the next event", &[]),
                (_, Some(_), None, None) => ("urg, options in <> or the next event", &["urg"]),
                (Some(_), None, None, None) => ("win, urg, options in <> or the next event", &["win", "urg"]),
                (None, None, None, None) => {
                    ("ack, win, urg, options in <> or the next event", &["ack", "win", "urg"])
                }
            },
            Body::Icmp(icmp) if icmp.quoted.is_none() => {
                ("mtu, id, what is quoted in [] or the next event", &["mtu", "id"])
            }
            Body::Icmp(_) | Body::Udp { .. } => ("the next event", &[]),
        };
        let mut wrong = self.unexpected_word(expected, words);
        if ["ack", "win", "urg"].iter().any(|word| self.is_word(next, word)) {
            wrong.help = Some("the order is: ack, win, urg, options".to_owned());
        }
        Err(wrong)
    }
}

fn ecn(name: &str) -> Option<IpAttribute> {
    Some(match name {
        "noecn" => IpAttribute::Ecn(0),
        "ect1" => IpAttribute::Ecn(1),
        "ect0" => IpAttribute::Ecn(2),
        "ce" => IpAttribute::Ecn(3),
        "ect01" => IpAttribute::AnyEct,
        _ => return None,
    })
}
