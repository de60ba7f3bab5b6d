//! Addresses of calls. Scripts leave them open (`...`), with the ends of the connection for it; FreeBSD's fork writes them.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use crate::case::{Lie, Scalar, constant};
use crate::front::pkt::script::{Node, Value};

use super::arguments::{Arguments, Fault, Members, Read, int};

const USAGE: &str = "{sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr(\"192.0.2.1\")}";

impl Arguments<'_, '_, '_> {
    /// The address of `bind`.
    pub(super) fn bind_address(&mut self) -> Read<SocketAddr> {
        self.length(2)?;
        if self.is_ellipsis(1) {
            return Ok(self.context.world.for_call(self.context.world.local));
        }
        self.written(1)
    }

    /// The address of `connect` and `sendto`, and its family where that is written instead.
    pub(super) fn connect_address(&mut self, index: usize) -> Read<(SocketAddr, Option<Lie<Scalar>>)> {
        self.length(index + 1)?;
        let argument = self.get(index)?;
        match &argument.value {
            Value::Ellipsis => Ok((self.context.world.for_call(self.context.world.remote), None)),
            Value::Fields(_) => Ok((self.written(index)?, None)),
            _ => {
                let family = Lie::Family(Scalar::Known(int(argument)?));
                Ok((SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0), Some(family)))
            }
        }
    }

    /// An address that a call gives, which is not compared.
    pub(super) fn any_address(&self, index: usize) -> Read<()> {
        let argument = self.get(index)?;
        if let Value::Fields(_) = &argument.value {
            return Err(Fault::Lacks(argument.at, "the address that a call gives".to_owned()));
        }
        self.ellipsis(index)?;
        self.length(index + 1)
    }

    /// The length of an address: open, or written with an address.
    fn length(&self, index: usize) -> Read<()> {
        let address = index.checked_sub(1).and_then(|index| self.call.arguments.get(index));
        let is_written = address.is_some_and(|address| matches!(address.value, Value::Fields(_)));
        if is_written && !self.is_ellipsis(index) {
            return self.number(index).map(drop);
        }
        self.ellipsis(index)
    }

    fn written(&self, index: usize) -> Read<SocketAddr> {
        let argument = self.get(index)?;
        let known = ["sa_family", "sin_port", "sin_addr"];
        let members = Members::of(argument, &known, USAGE)?;
        let family = int(members.needed("sa_family")?)?;
        let port = match members.get("sin_port") {
            Some(port) => port_of(port)?,
            None => 0,
        };
        let ip = match members.get("sin_addr") {
            Some(address) => address_of(address)?,
            None => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let is_v4 = Some(family) == constant("AF_INET");
        if is_v4 != ip.is_ipv4() {
            return Err(Fault::wrong(argument.at, "family and address do not go together"));
        }
        Ok(SocketAddr::new(ip, port))
    }
}

/// `htons(8080)`, or the number alone.
fn port_of(argument: &Node<Value>) -> Read<u16> {
    let number = match &argument.value {
        Value::Apply(function, arguments) if function.value == "htons" => match arguments.as_slice() {
            [port] => int(port)?,
            _ => return Err(Fault::wrong(argument.at, "htons takes 1 argument")),
        },
        _ => return Err(Fault::wrong(argument.at, "a port is written htons(8080)")),
    };
    u16::try_from(number).map_err(|_| Fault::wrong(argument.at, format!("{number} is no port")))
}

/// `inet_addr("192.0.2.1")`, `inet6_addr("2001:db8::1")`.
pub(super) fn address_of(argument: &Node<Value>) -> Read<IpAddr> {
    let wrong = || Fault::wrong(argument.at, "an address is written inet_addr(\"192.0.2.1\")");
    let Value::Apply(function, arguments) = &argument.value else {
        return Err(wrong());
    };
    let [Node { value: Value::Text(text), .. }] = arguments.as_slice() else {
        return Err(wrong());
    };
    let text = String::from_utf8_lossy(text);
    let address = match function.value.as_str() {
        "inet_addr" => text.parse().map(IpAddr::V4),
        "inet6_addr" => text.parse().map(IpAddr::V6),
        _ => return Err(wrong()),
    };
    address.map_err(|_| Fault::wrong(argument.at, format!("\"{text}\" is no address")))
}
