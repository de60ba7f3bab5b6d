//! ICMP messages: `icmp unreachable port [S 0:0(0)]`.

use std::ops::Range;

use crate::case::{ChecksumSpec, IcmpSpec, Num, PacketSpec, Quote, Transport, nearest};
use crate::wire::Flags;

use super::cursor::Cursor;
use super::number::{Bits, number};
use super::report::{Fault, Parse};
use super::segment::{self, Context};

/// A type: its name, then type and fixed code in ICMP and in ICMPv6.
type Kind = (
    &'static str,
    Option<(i64, Option<i64>)>,
    Option<(i64, Option<i64>)>,
);

const KINDS: [Kind; 8] = [
    ("unreachable", Some((3, None)), Some((1, None))),
    ("packet_too_big", Some((3, Some(4))), Some((2, Some(0)))),
    ("time_exceeded", Some((11, None)), Some((3, None))),
    ("parameter_problem", Some((12, None)), Some((4, None))),
    ("source_quench", Some((4, None)), None),
    ("redirect", Some((5, None)), None),
    ("echo_request", Some((8, None)), Some((128, None))),
    ("echo_reply", Some((0, None)), Some((129, None))),
];

/// A code of `unreachable`: its name, its number in ICMP and in ICMPv6.
type Code = (&'static str, Option<i64>, Option<i64>);

const CODES: [Code; 23] = [
    ("net", Some(0), Some(0)),
    ("host", Some(1), Some(3)),
    ("protocol", Some(2), None),
    ("port", Some(3), Some(4)),
    ("frag_needed", Some(4), None),
    ("source_route", Some(5), None),
    ("net_unknown", Some(6), None),
    ("host_unknown", Some(7), None),
    ("net_prohibited", Some(9), None),
    ("host_prohibited", Some(10), None),
    ("tos_net", Some(11), None),
    ("tos_host", Some(12), None),
    ("admin_prohibited", Some(13), Some(1)),
    // The names of packetdrill.
    ("net_unreachable", Some(0), Some(0)),
    ("host_unreachable", Some(1), Some(3)),
    ("protocol_unreachable", Some(2), None),
    ("port_unreachable", Some(3), Some(4)),
    ("source_route_failed", Some(5), None),
    ("source_host_isolated", Some(8), None),
    ("net_unreachable_for_tos", Some(11), None),
    ("host_unreachable_for_tos", Some(12), None),
    ("no_route", None, Some(0)),
    ("addr_unreachable", None, Some(3)),
];

/// The part after the word `icmp`.
pub(super) fn icmp(cursor: &mut Cursor<'_>, context: &mut Context<'_>) -> Parse<IcmpSpec> {
    let Some((word, range)) = cursor.word() else {
        return Err(cursor.unexpected("an ICMP type"));
    };
    let (kind, mut code) = kind(word, range, context)?;
    let mut ahead = cursor.clone();
    if let Some((word, range)) = ahead.word()
        && !["mtu", "ptr"].contains(&word)
    {
        code = Some(code_number(word, range, context)?);
        *cursor = ahead;
    }
    let mut icmp = IcmpSpec {
        kind: Some(Num::exactly(kind)),
        code: code.map(Num::exactly),
        mtu: None,
        ptr: None,
        checksum: ChecksumSpec::Good,
        quote: Quote::Last,
        quote_length: None,
    };
    if cursor.take_word("mtu") {
        icmp.mtu = Some(number(cursor, context.how, Bits(32), context.names)?);
    }
    if cursor.take_word("ptr") {
        icmp.ptr = Some(number(cursor, context.how, Bits(32), context.names)?);
    }
    if cursor.take("[") {
        icmp.quote = Quote::Packet(Box::new(quoted(cursor, context)?));
        cursor.expect("]")?;
    }
    Ok(icmp)
}

/// What stands in the brackets: the range of a segment, or a whole one.
fn quoted(cursor: &mut Cursor<'_>, context: &mut Context<'_>) -> Parse<PacketSpec> {
    cursor.skip_spaces();
    let mut ahead = cursor.clone();
    let first = ahead.token_range();
    ahead.seek(first.end);
    let is_range = ahead.rest().starts_with('(') || cursor.text().as_str()[first].contains(':');
    if is_range {
        let (seq, length) = segment::range(cursor, context)?;
        let mut tcp = segment::bare(seq, length);
        tcp.flags = Flags::ACK;
        return Ok(PacketSpec::plain(Transport::Tcp(tcp)));
    }
    let line = segment::tcp(cursor, context)?;
    segment::check_options(&line, context.how)?;
    Ok(line.packet)
}

/// Type and perhaps code of a type's name, or `type_N`.
pub(super) fn kind(
    word: &str,
    range: Range<usize>,
    context: &Context<'_>,
) -> Parse<(i64, Option<i64>)> {
    if let Some(number) = numbered(word, "type_", &range)? {
        return Ok((number, None));
    }
    let Some((name, v4, v6)) = KINDS.iter().find(|(name, ..)| *name == word) else {
        let near = nearest(word, KINDS.map(|(name, ..)| name));
        return Err(Fault::new(range, format!("unknown ICMP type \"{word}\""))
            .help(format!(
                "one of {}, type_N",
                KINDS.map(|(name, ..)| name).join(", ")
            ))
            .help_opt(near.map(|near| format!("did you mean {near}?"))));
    };
    let found = if context.ip.wire_is_v6() { v6 } else { v4 };
    found.ok_or_else(|| no_counterpart(name, range, context))
}

/// The number of a code's name, or `code_N`.
pub(super) fn code_number(word: &str, range: Range<usize>, context: &Context<'_>) -> Parse<i64> {
    if let Some(number) = numbered(word, "code_", &range)? {
        return Ok(number);
    }
    let Some((name, v4, v6)) = CODES.iter().find(|(name, ..)| *name == word) else {
        let near = nearest(word, CODES.map(|(name, ..)| name));
        return Err(Fault::new(range, format!("unknown ICMP code \"{word}\""))
            .help_opt(near.map(|near| format!("did you mean {near}?"))));
    };
    let found = if context.ip.wire_is_v6() { v6 } else { v4 };
    found.ok_or_else(|| no_counterpart(name, range, context))
}

fn no_counterpart(name: &str, range: Range<usize>, context: &Context<'_>) -> Fault {
    let version = if context.ip.wire_is_v6() {
        "ICMPv6"
    } else {
        "ICMP for IPv4"
    };
    Fault::new(range, format!("{version} has no {name}"))
        .help("write matrix: { ip: [..] } with the versions that have it")
}

fn numbered(word: &str, prefix: &str, range: &Range<usize>) -> Parse<Option<i64>> {
    match word.strip_prefix(prefix) {
        None => Ok(None),
        Some(digits) => match digits.parse::<u8>() {
            Ok(number) => Ok(Some(i64::from(number))),
            Err(_) => Err(Fault::new(
                range.clone(),
                format!("{prefix}N takes a number up to 255"),
            )),
        },
    }
}
