//! Numbers of calls under their names.

use crate::case::{CONSTANTS, Scalar, constant};

/// The name with one of these beginnings that stands for this number, if one does.
fn named(number: i64, prefixes: &[&str]) -> Option<&'static str> {
    let of = |prefix: &str| {
        CONSTANTS
            .iter()
            .find(|(name, known)| *known == number && name.starts_with(prefix))
            .map(|(name, _)| *name)
    };
    prefixes.iter().find_map(|prefix| of(prefix))
}

/// A number, by name if it has one.
pub(super) fn one(number: i64, prefixes: &[&str]) -> String {
    named(number, prefixes).map_or_else(|| number.to_string(), str::to_owned)
}

/// Bits, by their names if each has one.
pub(super) fn bits(number: i64, prefixes: &[&str]) -> String {
    if number == 0 {
        return "0".to_owned();
    }
    if let Some(name) = named(number, prefixes) {
        return name.to_owned();
    }
    let mut left = number;
    let mut names = Vec::new();
    for bit in 0..63 {
        let mask = 1_i64 << bit;
        if left & mask != 0
            && let Some(name) = named(mask, prefixes)
        {
            names.push(name);
            left &= !mask;
        }
    }
    if left == 0 && !names.is_empty() { names.join("|") } else { number.to_string() }
}

/// The level of a socket option.
pub(super) fn level(number: i64) -> String {
    one(number, &["SOL_", "IPPROTO_"])
}

/// A socket option.
pub(super) fn option(level: i64, number: i64) -> String {
    let prefix = [("SOL_SOCKET", "SO_"), ("SOL_TCP", "TCP_"), ("SOL_IP", "IP_"), ("SOL_IPV6", "IPV6_")]
        .into_iter()
        .find(|(name, _)| constant(name) == Some(level))
        .map(|(_, prefix)| prefix);
    let is_value = |name: &str| constant(name) == Some(number);
    // Options that look like others of the same number.
    let other = ["SO_EE_", "TCP_CM_", "TCP_NLA_", "IP_PMTUDISC_", "IPV6_PMTUDISC_"];
    let found = prefix.and_then(|prefix| {
        CONSTANTS.iter().map(|(name, _)| *name).find(|name| {
            name.starts_with(prefix) && is_value(name) && !other.iter().any(|other| name.starts_with(other))
        })
    });
    found.map_or_else(|| number.to_string(), str::to_owned)
}

/// The kind of a control message of a level.
pub(super) fn control(level: i64, number: i64) -> String {
    if constant("SOL_TCP") == Some(level) {
        return one(number, &["TCP_CM_"]);
    }
    if constant("SOL_SOCKET") == Some(level) {
        return one(number, &["SCM_", "SO_"]);
    }
    option(level, number)
}

/// What a number is, if it is known in advance. Scripts have no others.
pub(super) fn known(scalar: &Scalar) -> Option<i64> {
    match scalar {
        Scalar::Known(number) => Some(*number),
        Scalar::Computed(_) => None,
    }
}
