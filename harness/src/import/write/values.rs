//! What calls return and give back.

use crate::case::{Addresses, DEFAULT_PORT, Errno, IpVersion, Num, ResultSpec, Value, ValueSpec, constant};
use std::net::{IpAddr, SocketAddr};

use super::constants::{bits, control, level};
use super::times::time;
use super::yaml::Yaml;

/// Flags by the key they stand under.
const FLAGS: [(&str, &[&str]); 3] = [("flags", &["MSG_"]), ("revents", &["POLL"]), ("events", &["EPOLL"])];

/// Names of a case that values show.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    pub(super) ip: IpVersion,
    pub(super) descriptors: &'a [String],
}

impl Names<'_> {
    pub(super) fn descriptor(self, id: crate::case::DescriptorId) -> Option<String> {
        self.descriptors.get(id.0).cloned()
    }

    /// An address as a call has it (`for_call`) or as it is on the link.
    pub(super) fn address(self, address: SocketAddr, for_call: bool) -> String {
        let port = address.port();
        let host = self.host(address.ip(), for_call);
        match host {
            Some(name) if port == DEFAULT_PORT => name,
            Some(name) => format!("{name}:{port}"),
            None => format!("\"{}\":{port}", address.ip()),
        }
    }

    fn host(self, ip: IpAddr, for_call: bool) -> Option<String> {
        let addresses = Addresses(self.ip);
        let on_link = |address: IpAddr| if for_call { addresses.for_call(address) } else { address };
        for n in 1..=Addresses::COUNT {
            let digit = if n == 1 { String::new() } else { n.to_string() };
            if on_link(addresses.local(n)) == ip {
                return Some(format!("local{digit}"));
            }
            if on_link(addresses.remote(n)) == ip {
                return Some(format!("remote{digit}"));
            }
        }
        None
    }

    /// What must come back through pointers.
    pub(super) fn gives(self, spec: &ValueSpec, key: &str) -> Option<Yaml> {
        let text = |text: String| Some(Yaml::Text(text));
        match spec {
            ValueSpec::Any => text("any".to_owned()),
            ValueSpec::Int(number) => text(match (key, number.known()) {
                ("level", Some(number)) => level(number),
                (name, Some(number)) if name.starts_with("ee_") => of_error(name, number),
                _ => number.to_string(),
            }),
            ValueSpec::Flags { bits: flags, more: false } => {
                let prefixes =
                    FLAGS.iter().find(|(known, _)| *known == key).map_or(&[][..], |(_, names)| names);
                text(bits(*flags, prefixes))
            }
            ValueSpec::Flags { more: true, .. } => None,
            ValueSpec::Time(from, to) if from == to => text(time(*from)),
            ValueSpec::Time(from, to) => text(format!("{}..{}", time(*from), time(*to))),
            ValueSpec::Moment(at, _) => text(format!("at {}", time(*at))),
            ValueSpec::Address(Some(ip), from, to) if from == to => {
                text(self.address(SocketAddr::new(*ip, *from), true))
            }
            ValueSpec::Address(..) => None,
            ValueSpec::Descriptor(id) => text(self.descriptor(*id)?),
            ValueSpec::Bytes(bytes) => text(hex(bytes)),
            ValueSpec::Map(fields) => self.fields(fields),
            ValueSpec::List(items) => {
                Some(Yaml::List(items.iter().map(|item| self.gives(item, key)).collect::<Option<_>>()?))
            }
            ValueSpec::First(first) => Some(Yaml::List(vec![self.gives(first, key)?, Yaml::text("...")])),
        }
    }

    fn fields(self, fields: &[(String, ValueSpec)]) -> Option<Yaml> {
        let number = |name: &str| {
            fields.iter().find(|(known, _)| known == name).and_then(|(_, spec)| match spec {
                ValueSpec::Int(number) => number.known(),
                _ => None,
            })
        };
        let entry = |(name, spec): &(String, ValueSpec)| {
            let value = match (name.as_str(), number("level"), number(name)) {
                ("type", Some(level), Some(kind)) => Yaml::Text(control(level, kind)),
                (name, _, Some(number)) if name.starts_with("ee_") => Yaml::Text(of_error(name, number)),
                _ => self.gives(spec, name)?,
            };
            Some((name.clone(), value))
        };
        Some(Yaml::Map(fields.iter().map(entry).collect::<Option<_>>()?))
    }

    /// An argument that is a structure, as a call writes it.
    pub(super) fn value(self, value: &Value) -> Option<String> {
        Some(match value {
            Value::Int(number) => number.to_string(),
            Value::Map(fields) => {
                let number = |name: &str| match fields.get(name) {
                    Some(Value::Int(number)) => Some(*number),
                    _ => None,
                };
                let mut parts = Vec::new();
                for (name, value) in fields {
                    let value = match (name.as_str(), value, number("level")) {
                        ("level", Value::Int(number), _) => level(*number),
                        ("type", Value::Int(number), Some(level)) => control(level, *number),
                        _ => self.value(value)?,
                    };
                    parts.push(format!("{name}={value}"));
                }
                format!("{{{}}}", parts.join(", "))
            }
            Value::Time(_) | Value::Address(_) | Value::Descriptor(_) | Value::Bytes(_) | Value::List(_) => {
                return None;
            }
        })
    }
}

/// A member of an extended error.
fn of_error(name: &str, number: i64) -> String {
    let errno = || Errno(i32::try_from(number).ok()?).name();
    match name {
        "ee_errno" if number != 0 => errno().map_or_else(|| number.to_string(), str::to_owned),
        "ee_origin" => super::constants::one(number, &["SO_EE_ORIGIN_"]),
        _ => number.to_string(),
    }
}

/// `hex 00ff`.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("hex {digits}")
}

/// What a call returns. Nothing where that goes without saying.
pub(super) fn returns(result: &ResultSpec, usual: Option<i64>) -> Option<String> {
    match result {
        ResultSpec::Success => None,
        ResultSpec::Any => Some("any".to_owned()),
        ResultSpec::Value(number) if number.known() == usual && usual.is_some() => None,
        ResultSpec::Value(number) => Some(Num::to_string(number)),
        ResultSpec::Fails(errors) if errors.is_empty() => Some("-1".to_owned()),
        ResultSpec::Fails(errors) => {
            let names: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Some(format!("-1 {}", names.join(" or ")))
        }
    }
}

/// Whether a constant has this number.
pub(super) fn is(number: i64, name: &str) -> bool {
    constant(name) == Some(number)
}
