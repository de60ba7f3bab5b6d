//! What two returns of the same call have that differs.

use std::net::SocketAddr;

use crate::case::{Case, Errno, Value};
use crate::target::{Completion, Timing};
use crate::time::Span;

use super::happenings::Chance;
use super::times::apart;
use super::{Class, Difference};

/// Ports that a target draws by chance.
const CHOSEN: std::ops::RangeInclusive<u16> = 32768..=60999;

/// Two returns.
pub(super) struct Returns<'a> {
    pub(super) case: &'a Case,
    /// What means nothing.
    pub(super) chance: Chance,
    pub(super) clocks: (Timing, Timing),
}

impl Returns<'_> {
    /// Everything that differs.
    pub(super) fn differences(&self, a: &Completion, b: &Completion) -> Vec<Difference> {
        let mut list = Vec::new();
        match (a.result, b.result) {
            (Ok(_), Ok(_)) if self.chance == Chance::Result => {}
            (a, b) if a == b => {}
            (Ok(one), Ok(other)) => {
                list.push(Difference::new(Class::Return, "returns", one.to_string(), other.to_string()));
            }
            (a, b) => list.push(Difference::new(Class::Errno, "returns", show(a), show(b))),
        }
        if self.chance != Chance::Data
            && a.data.len() == b.data.len()
            && let Some(difference) = byte(Class::Data, "byte", &a.data, &b.data)
        {
            list.push(difference);
        }
        // A call that fails gives nothing, and its result differs; otherwise only one target told.
        if let (Some(a), Some(b)) = (&a.given, &b.given) {
            self.values("gives", a, b, &mut list);
        }
        list
    }

    fn values(&self, path: &str, a: &Value, b: &Value, list: &mut Vec<Difference>) {
        let equal = match (a, b) {
            (Value::Map(one), Value::Map(other)) => {
                for (name, value) in one {
                    // A target need not know all fields.
                    if let Some(value_of_b) = other.get(name) {
                        self.values(&format!("{path}.{name}"), value, value_of_b, list);
                    }
                }
                return;
            }
            (Value::List(one), Value::List(other)) if one.len() == other.len() => {
                // Events come in any order: only what has no equal on the other side is compared.
                let left = |these: &[Value], those: &[Value]| -> Vec<Value> {
                    let mut those = those.to_vec();
                    let taken = |value: &&Value| match those.iter().position(|other| other == *value) {
                        Some(at) => {
                            those.swap_remove(at);
                            false
                        }
                        None => true,
                    };
                    these.iter().filter(taken).cloned().collect()
                };
                for (index, (a, b)) in left(one, other).iter().zip(&left(other, one)).enumerate() {
                    self.values(&format!("{path}[{index}]"), a, b, list);
                }
                return;
            }
            (Value::Address(a), Value::Address(b)) => same_address(*a, *b),
            (Value::Time(a), Value::Time(b)) => !apart((*a, self.clocks.0), (*b, self.clocks.1)),
            (a, b) => a == b,
        };
        if !equal {
            list.push(Difference::new(Class::Return, path, self.show_value(a), self.show_value(b)));
        }
    }

    fn show_value(&self, value: &Value) -> String {
        match value {
            Value::Int(number) => number.to_string(),
            Value::Time(span) => span.to_string(),
            Value::Address(address) => address.to_string(),
            Value::Descriptor(id) => self.case.descriptors.get(id.0).map_or("?", String::as_str).to_owned(),
            Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
            Value::Map(fields) => {
                let fields = fields.iter().map(|(name, value)| format!("{name}: {}", self.show_value(value)));
                format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
            }
            Value::List(items) => {
                let items: Vec<String> = items.iter().map(|item| self.show_value(item)).collect();
                format!("[{}]", items.join(", "))
            }
        }
    }
}

/// Whether two times that targets told can be the same.
pub(super) fn same_time(a: (Span, Timing), b: (Span, Timing)) -> bool {
    !apart(a, b)
}

fn same_address(a: SocketAddr, b: SocketAddr) -> bool {
    let chosen = CHOSEN.contains(&a.port()) && CHOSEN.contains(&b.port());
    a.ip() == b.ip() && (a.port() == b.port() || chosen)
}

/// The first byte that differs in two series of the same length.
pub(super) fn byte(class: Class, word: &str, a: &[u8], b: &[u8]) -> Option<Difference> {
    let at = a.iter().zip(b).position(|(a, b)| a != b)?;
    let show = |bytes: &[u8]| bytes.get(at).map_or_else(String::new, |byte| format!("0x{byte:02x}"));
    Some(Difference::new(class, format!("{word} {at}"), show(a), show(b)))
}

/// As a case writes it.
pub(super) fn show(result: Result<i64, Errno>) -> String {
    match result {
        Ok(value) => value.to_string(),
        Err(errno) => format!("-1 {errno}"),
    }
}
