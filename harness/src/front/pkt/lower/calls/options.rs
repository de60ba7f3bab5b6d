//! `getsockopt` and `setsockopt`.

use std::net::IpAddr;

use crate::case::{Lie, Num, OptionValue, Scalar, Syscall, ValueSpec, constant};
use crate::front::pkt::script::{Node, Value};

use super::Asked;
use super::addresses::address_of;
use super::arguments::{Arguments, Fault, Members, Read, int};

/// Options whose value is not one number, however that is written.
const NOT_INTS: [(&str, &[&str]); 2] = [
    ("SOL_SOCKET", &["SO_LINGER", "SO_RCVTIMEO", "SO_SNDTIMEO"]),
    (
        "SOL_TCP",
        &["TCP_INFO", "TCP_CONGESTION", "TCP_ULP", "TCP_SAVED_SYN", "TCP_CC_INFO", "TCP_FASTOPEN_KEY"],
    ),
];

/// The length of a number.
const INT: i64 = 4;

fn is_int(level: i64, name: i64) -> bool {
    !NOT_INTS.iter().any(|(of, names)| {
        constant(of) == Some(level) && names.iter().any(|known| constant(known) == Some(name))
    })
}

impl Arguments<'_, '_, '_> {
    pub(super) fn getsockopt(&mut self) -> Read<Asked> {
        let (level, name) = (self.number(1)?, self.number(2)?);
        let (value, length) = (self.get(3)?, self.only_int(self.get(4)?)?);
        let bytes = self.value_bytes(value)?;
        if i64::try_from(bytes.len()) != Ok(length) {
            let text = format!("the value has {} bytes, not {length}", bytes.len());
            return Err(Fault::wrong(self.at(4), text));
        }
        let raw = !is_int(level, name) || !matches!(value.value, Value::List(_));
        let gives = match <[u8; 4]>::try_from(bytes.as_slice()) {
            Ok(int) if !raw => ValueSpec::Int(Num::exactly(i64::from(i32::from_ne_bytes(int)))),
            _ => ValueSpec::Bytes(bytes),
        };
        let lie = raw.then_some(Lie::Length(Scalar::Known(length)));
        let (level, name) = (Scalar::Known(level), Scalar::Known(name));
        Ok((Syscall::Getsockopt { fd: self.fd(0)?, level, name, raw, lie }, Some(gives)))
    }

    /// A value that must come back, as it lies in memory.
    fn value_bytes(&self, value: &Node<Value>) -> Read<Vec<u8>> {
        match &value.value {
            Value::List(_) => Ok((self.only_int(value)? as i32).to_ne_bytes().to_vec()),
            Value::Text(text) => Ok(text.clone()),
            Value::Apply(..) => v6_bytes(value),
            Value::Gre(_) | Value::Mpls(_) => Err(tunnel(value)),
            Value::Ellipsis => Err(Fault::wrong(value.at, "what getsockopt gives cannot be left open")),
            _ => Err(Fault::wrong(value.at, "a value is needed here").help("as in [1] or \"cubic\"")),
        }
    }

    pub(super) fn setsockopt(&mut self) -> Read<Syscall<Scalar>> {
        let (fd, level, name, length) = (self.fd(0)?, self.int(1)?, self.int(2)?, self.number(4)?);
        let value = self.get(3)?;
        let (value, true_length) = match &value.value {
            Value::List(_) => (OptionValue::Int(Scalar::Known(self.only_int(value)?)), INT),
            Value::Fields(_) => {
                let members = Members::of(value, &["onoff", "linger"], "{onoff=1, linger=5}")?;
                let on = Scalar::Known(int(members.needed("onoff")?)?);
                let seconds = Scalar::Known(int(members.needed("linger")?)?);
                (OptionValue::Linger { on, seconds }, 2 * INT)
            }
            Value::Text(text) => (OptionValue::Bytes(text.clone()), i64::try_from(text.len()).unwrap_or(0)),
            Value::Apply(..) => (OptionValue::Bytes(v6_bytes(value)?), 16),
            Value::Gre(_) | Value::Mpls(_) => return Err(tunnel(value)),
            _ => return Err(Fault::wrong(value.at, "a value is needed here").help("as in [1] or \"cubic\"")),
        };
        let lie = (length != true_length).then_some(Lie::Length(Scalar::Known(length)));
        Ok(Syscall::Setsockopt { fd, level, name, value, lie })
    }
}

fn v6_bytes(value: &Node<Value>) -> Read<Vec<u8>> {
    match address_of(value)? {
        IpAddr::V6(address) => Ok(address.octets().to_vec()),
        IpAddr::V4(_) => Err(Fault::wrong(value.at, "an address as a value is written inet6_addr(\"::1\")")),
    }
}

fn tunnel(value: &Node<Value>) -> Fault {
    Fault::Lacks(value.at, "the header of a tunnel as value of an option".to_owned())
}
