//! `recvmsg` and `sendmsg`, with their control messages.

use std::collections::BTreeMap;

use crate::case::{self, Num, Scalar, Syscall, ValueSpec, constant};
use crate::front::pkt::script::{Node, Value};
use crate::time::Span;

use super::Asked;
use super::arguments::{Arguments, Fault, Members, Read, int};
use super::transfer::buffers;

const MESSAGE: &str = "{msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0}";
const CONTROL: &str = "{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=10}";
/// Members of an extended error.
const ERROR: [&str; 6] = ["ee_errno", "ee_origin", "ee_type", "ee_code", "ee_info", "ee_data"];

/// Lengths in bytes, on machines of 64 bits: of what stands before a control message, of an extended error without the
/// address behind it, of the addresses, of three moments.
const HEADER: i64 = 16;
const EXTENDED_ERROR: i64 = 16;
const V4_ADDRESS: i64 = 16;
const V6_ADDRESS: i64 = 28;
const MOMENTS: i64 = 48;

/// A message as written.
struct Message<'s> {
    counts: Vec<Scalar>,
    flags: i64,
    control: &'s [Node<Value>],
}

/// A control message as written.
struct Control<'s> {
    level: i64,
    kind: i64,
    data: &'s Node<Value>,
}

impl<'s> Arguments<'_, '_, 's> {
    pub(super) fn recvmsg(&mut self) -> Read<Asked> {
        let fd = self.fd(0)?;
        let Message { counts, flags, control } = self.message()?;
        let (mut room, mut specs) = (0, Vec::new());
        for item in control {
            let control = Control::of(item)?;
            let (length, data) = self.content(&control)?;
            room += HEADER + (length + 7) / 8 * 8;
            let fields = [
                ("level", ValueSpec::Int(Num::exactly(control.level))),
                ("type", ValueSpec::Int(Num::exactly(control.kind))),
                ("data", data),
            ];
            specs.push(ValueSpec::Map(fields.map(|(name, spec)| (name.to_owned(), spec)).to_vec()));
        }
        let gives =
            [("flags", ValueSpec::Flags { bits: flags, more: false }), ("control", ValueSpec::List(specs))];
        let gives = ValueSpec::Map(gives.map(|(name, spec)| (name.to_owned(), spec)).to_vec());
        let call = Syscall::Recvmsg { fd, counts, control: Scalar::Known(room), flags: self.int(2)? };
        Ok((call, Some(gives)))
    }

    pub(super) fn sendmsg(&mut self) -> Read<Syscall<Scalar>> {
        let fd = self.fd(0)?;
        let Message { counts, flags, control } = self.message()?;
        if flags != 0 {
            return Err(Fault::wrong(self.at(1), "msg_flags of a message that is sent is 0"));
        }
        let mut items = Vec::new();
        for item in control {
            let Control { level, kind, data } = Control::of(item)?;
            let data = match &data.value {
                Value::Fields(_) => {
                    return Err(Fault::Lacks(
                        data.at,
                        "a structure in a control message that is sent".to_owned(),
                    ));
                }
                _ => int(data)?,
            };
            let fields = [("level", level), ("type", kind), ("data", data)];
            let fields = fields.map(|(name, number)| (name.to_owned(), case::Value::Int(number)));
            items.push(case::Value::Map(BTreeMap::from(fields)));
        }
        let name = Some(self.context.world.for_call(self.context.world.remote));
        Ok(Syscall::Sendmsg { fd, counts, name, control: items, flags: self.int(2)? })
    }

    fn message(&self) -> Read<Message<'s>> {
        let known = ["msg_name", "msg_iov", "msg_flags", "msg_control"];
        let members = Members::of(self.get(1)?, &known, MESSAGE)?;
        let vector = members.needed("msg_iov")?;
        let counts = buffers(vector)?;
        let length = members.field("msg_iov").and_then(|field| field.length.as_ref());
        if let Some(length) = length
            && i64::try_from(counts.len()) != Ok(int(length)?)
        {
            return Err(Fault::wrong(length.at, format!("there are {} buffers", counts.len())));
        }
        let control = match members.get("msg_control") {
            None => [].as_slice(),
            Some(Node { value: Value::List(items), .. }) => items,
            Some(other) => {
                let text = "a list of control messages is needed here";
                return Err(Fault::wrong(other.at, text).help(format!("as in [{CONTROL}]")));
            }
        };
        Ok(Message { counts, flags: members.int("msg_flags")?, control })
    }

    /// How long the content of a control message is, and what it must be.
    fn content(&self, control: &Control<'_>) -> Read<(i64, ValueSpec)> {
        let Value::Fields(fields) = &control.data.value else {
            let number = int(control.data)? as i32;
            return Ok((4, ValueSpec::Int(Num::exactly(i64::from(number)))));
        };
        match fields.first().map(|field| field.name.value.as_str()) {
            Some(name) if name.starts_with("ee_") => control.extended_error(),
            Some(name) if name.starts_with("scm_") => {
                Ok((MOMENTS, control.moments(self.context.world.rules.tolerance)?))
            }
            Some(name) if name.starts_with("TCP_NLA_") => {
                Err(Fault::Lacks(control.data.at, "statistics beside a timestamp".to_owned()))
            }
            _ => Err(Fault::wrong(control.data.at, "there is no such structure")),
        }
    }
}

impl<'s> Control<'s> {
    fn of(item: &'s Node<Value>) -> Read<Self> {
        let members = Members::of(item, &["cmsg_level", "cmsg_type", "cmsg_data"], CONTROL)?;
        Ok(Self {
            level: int(members.needed("cmsg_level")?)?,
            kind: int(members.needed("cmsg_type")?)?,
            data: members.needed("cmsg_data")?,
        })
    }

    fn is(&self, level: &str, kind: &str) -> bool {
        constant(level) == Some(self.level) && constant(kind) == Some(self.kind)
    }

    /// A `sock_extended_err`, and behind it room for the address of who caused it.
    fn extended_error(&self) -> Read<(i64, ValueSpec)> {
        let usage =
            "{ee_errno=0, ee_origin=SO_EE_ORIGIN_ZEROCOPY, ee_type=0, ee_code=0, ee_info=0, ee_data=0}";
        let address = if self.is("SOL_IP", "IP_RECVERR") {
            V4_ADDRESS
        } else if self.is("SOL_IPV6", "IPV6_RECVERR") {
            V6_ADDRESS
        } else {
            let text = "an error belongs to SOL_IP and IP_RECVERR, or to SOL_IPV6 and IPV6_RECVERR";
            return Err(Fault::wrong(self.data.at, text));
        };
        let members = Members::of(self.data, &ERROR, usage)?;
        let mut fields = Vec::new();
        for name in ERROR {
            let number = int(members.needed(name)?)? & 0xffff_ffff;
            fields.push((name.to_owned(), ValueSpec::Int(Num::exactly(number))));
        }
        Ok((EXTENDED_ERROR + address, ValueSpec::Map(fields)))
    }

    /// Three moments, of which the first is compared unless it is 0.
    fn moments(&self, tolerance: Span) -> Read<ValueSpec> {
        if !self.is("SOL_SOCKET", "SCM_TIMESTAMPING") {
            let text = "moments belong to SOL_SOCKET and SCM_TIMESTAMPING";
            return Err(Fault::wrong(self.data.at, text));
        }
        let members = Members::of(self.data, &["scm_sec", "scm_nsec"], "{scm_sec=0, scm_nsec=10000000}")?;
        let seconds = int(members.needed("scm_sec")?)?;
        let at = Span::seconds(seconds) + Span(int(members.needed("scm_nsec")?)?);
        let first = if at == Span::ZERO { ValueSpec::Any } else { ValueSpec::Moment(at, tolerance) };
        Ok(ValueSpec::List(vec![first, ValueSpec::Any, ValueSpec::Any]))
    }
}
