//! Names of ICMP types and codes, and their numbers in either version.

use std::fmt;

use crate::wire::ip::IpVersion;

/// A type of ICMP message, by what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `unreachable`
    Unreachable,
    /// `packet_too_big`; in IPv4 an unreachable with the code "fragmentation needed".
    PacketTooBig,
    /// `time_exceeded`
    TimeExceeded,
    /// `parameter_problem`
    ParameterProblem,
    /// `source_quench`, IPv4 only.
    SourceQuench,
    /// `redirect`, IPv4 only: in IPv6 it belongs to neighbour discovery.
    Redirect,
    /// `echo_request`
    EchoRequest,
    /// `echo_reply`
    EchoReply,
    /// `type_N`
    Number(u8),
}

/// A code of an unreachable (or redirect), by what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// `net`; in IPv6 "no route".
    Net,
    /// `host`; in IPv6 "address".
    Host,
    /// `protocol`
    Protocol,
    /// `port`
    Port,
    /// `frag_needed`
    FragNeeded,
    /// `source_route`
    SourceRoute,
    /// `net_unknown`
    NetUnknown,
    /// `host_unknown`
    HostUnknown,
    /// `net_prohibited`
    NetProhibited,
    /// `host_prohibited`
    HostProhibited,
    /// `tos_net`
    TosNet,
    /// `tos_host`
    TosHost,
    /// `admin_prohibited`
    AdminProhibited,
    /// `code_N`
    Number(u8),
}

/// Type, and the code when none is named.
type Pair = Option<(u8, u8)>;

/// Meaning, name, numbers in IPv4, numbers in IPv6 (RFC 792, RFC 4443).
const KINDS: [(Kind, &str, Pair, Pair); 8] = [
    (Kind::Unreachable, "unreachable", Some((3, 0)), Some((1, 0))),
    (
        Kind::PacketTooBig,
        "packet_too_big",
        Some((3, 4)),
        Some((2, 0)),
    ),
    (
        Kind::TimeExceeded,
        "time_exceeded",
        Some((11, 0)),
        Some((3, 0)),
    ),
    (
        Kind::ParameterProblem,
        "parameter_problem",
        Some((12, 0)),
        Some((4, 0)),
    ),
    (Kind::SourceQuench, "source_quench", Some((4, 0)), None),
    (Kind::Redirect, "redirect", Some((5, 0)), None),
    (
        Kind::EchoRequest,
        "echo_request",
        Some((8, 0)),
        Some((128, 0)),
    ),
    (Kind::EchoReply, "echo_reply", Some((0, 0)), Some((129, 0))),
];

/// Meaning, name, number in an unreachable of IPv4 (RFC 1122, 1812) and of IPv6 (RFC 4443).
const CODES: [(Code, &str, Option<u8>, Option<u8>); 13] = [
    (Code::Net, "net", Some(0), Some(0)),
    (Code::Host, "host", Some(1), Some(3)),
    (Code::Protocol, "protocol", Some(2), None),
    (Code::Port, "port", Some(3), Some(4)),
    (Code::FragNeeded, "frag_needed", Some(4), None),
    (Code::SourceRoute, "source_route", Some(5), None),
    (Code::NetUnknown, "net_unknown", Some(6), None),
    (Code::HostUnknown, "host_unknown", Some(7), None),
    (Code::NetProhibited, "net_prohibited", Some(9), None),
    (Code::HostProhibited, "host_prohibited", Some(10), None),
    (Code::TosNet, "tos_net", Some(11), None),
    (Code::TosHost, "tos_host", Some(12), None),
    (Code::AdminProhibited, "admin_prohibited", Some(13), Some(1)),
];

/// What packetdrill calls them, where it differs.
const LONG_CODES: [(&str, Code); 18] = [
    ("net_unreachable", Code::Net),
    ("no_route", Code::Net),
    ("host_unreachable", Code::Host),
    ("address_unreachable", Code::Host),
    ("protocol_unreachable", Code::Protocol),
    ("port_unreachable", Code::Port),
    ("source_route_failed", Code::SourceRoute),
    ("net_unreachable_for_tos", Code::TosNet),
    ("host_unreachable_for_tos", Code::TosHost),
    ("packet_filtered", Code::AdminProhibited),
    ("source_host_isolated", Code::Number(8)),
    ("precedence_violation", Code::Number(14)),
    ("precedence_cutoff", Code::Number(15)),
    ("exceeded_hop_limit", Code::Number(0)),
    ("exceeded_frag_time", Code::Number(1)),
    ("header_field", Code::Number(0)),
    ("unknown_next_header", Code::Number(1)),
    ("unknown_option", Code::Number(2)),
];

impl Kind {
    /// All names, without `type_N`.
    pub fn all_names() -> impl Iterator<Item = &'static str> {
        KINDS.iter().map(|(_, name, _, _)| *name)
    }

    /// The type of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if let Some(number) = name.strip_prefix("type_") {
            return number_from(number).map(Self::Number);
        }
        KINDS
            .iter()
            .find(|(_, known, _, _)| *known == name)
            .map(|(kind, ..)| *kind)
    }

    fn pair(self, version: IpVersion) -> Pair {
        if let Self::Number(number) = self {
            return Some((number, 0));
        }
        let (_, _, v4, v6) = KINDS.iter().find(|(kind, ..)| *kind == self)?;
        in_version(version, *v4, *v6)
    }
}

impl Code {
    /// All names, without `code_N` and packetdrill's.
    pub fn all_names() -> impl Iterator<Item = &'static str> {
        CODES.iter().map(|(_, name, _, _)| *name)
    }

    /// The code of this name; packetdrill's longer names are known, too.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if let Some(number) = name.strip_prefix("code_") {
            return number_from(number).map(Self::Number);
        }
        let short = CODES
            .iter()
            .find(|(_, known, _, _)| *known == name)
            .map(|(code, ..)| *code);
        short.or_else(|| {
            LONG_CODES
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, code)| *code)
        })
    }
}

/// Type and code as numbers. Without a code it is the one that the type implies: 0, or 4 for IPv4's
/// `packet_too_big`. `None` where the version has no counterpart, or the type no code of that name.
#[must_use]
pub fn numbers(kind: Kind, code: Option<Code>, version: IpVersion) -> Option<(u8, u8)> {
    let (type_number, implied) = kind.pair(version)?;
    let code = match code {
        None => implied,
        Some(Code::Number(number)) => number,
        Some(named)
            if Kind::Unreachable
                .pair(version)
                .is_some_and(|(number, _)| number == type_number) =>
        {
            let (_, _, v4, v6) = CODES.iter().find(|(code, ..)| *code == named)?;
            in_version(version, *v4, *v6)?
        }
        Some(named) if kind == Kind::Redirect => {
            [Code::Net, Code::Host, Code::TosNet, Code::TosHost]
                .iter()
                .position(|code| *code == named)? as u8
        }
        Some(_) => return None,
    };
    Some((type_number, code))
}

/// The names of a type and code: those that [`numbers`] turns into the same numbers. No code where the type implies it.
#[must_use]
pub fn names(type_number: u8, code: u8, version: IpVersion) -> (Kind, Option<Code>) {
    let whole = KINDS.iter().find(|(kind, ..)| {
        *kind != Kind::Unreachable && kind.pair(version) == Some((type_number, code))
    });
    if let Some((kind, ..)) = whole {
        return (*kind, None);
    }
    let kind = KINDS
        .iter()
        .map(|(kind, ..)| *kind)
        .find(|kind| {
            kind.pair(version)
                .is_some_and(|(number, _)| number == type_number)
        })
        .unwrap_or(Kind::Number(type_number));
    let named = CODES.iter().map(|(named, ..)| *named);
    let code = named
        .filter(|_| matches!(kind, Kind::Unreachable | Kind::Redirect))
        .find(|named| numbers(kind, Some(*named), version) == Some((type_number, code)))
        .or((code != 0).then_some(Code::Number(code)));
    (kind, code)
}

/// Type and code in words: `unreachable port`.
#[must_use]
pub fn text(type_number: u8, code: u8, version: IpVersion) -> String {
    match names(type_number, code, version) {
        (kind, Some(code)) => format!("{kind} {code}"),
        (kind, None) => kind.to_string(),
    }
}

fn in_version<T>(version: IpVersion, v4: Option<T>, v6: Option<T>) -> Option<T> {
    match version {
        IpVersion::V4 => v4,
        IpVersion::V6 => v6,
    }
}

/// Digits alone, as everywhere in cases: no sign, no leading zero.
fn number_from(digits: &str) -> Option<u8> {
    let number: u8 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(number)
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, KINDS.iter().find(|(kind, ..)| kind == self)) {
            (Self::Number(number), _) => write!(f, "type_{number}"),
            (_, Some((_, name, _, _))) => f.write_str(name),
            (_, None) => unreachable!("every named type is in the table"),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, CODES.iter().find(|(code, ..)| code == self)) {
            (Self::Number(number), _) => write!(f, "code_{number}"),
            (_, Some((_, name, _, _))) => f.write_str(name),
            (_, None) => unreachable!("every named code is in the table"),
        }
    }
}

#[cfg(test)]
mod tests;
