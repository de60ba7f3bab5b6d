//! ICMP messages: `icmp unreachable port [S 0:0(0)]`.

use std::ops::Range;

use crate::case::{ChecksumSpec, IcmpSpec, Num, PacketSpec, Quote, TcpSpec, Transport, nearest};
use crate::wire::icmp::{Code, Kind, numbers};
use crate::wire::{Flags, IpVersion};

use super::cursor::Cursor;
use super::number::{Bits, number};
use super::report::{Fault, Parse};
use super::script;
use super::segment::{self, Context};

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
        id: None,
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
    let is_range = ahead.rest().starts_with('(')
        || ahead.clone().take_word("or")
        || cursor.text().as_str()[first].contains(':');
    if is_range {
        let (seq, length) = segment::range(cursor, context)?;
        return Ok(match context.is_script {
            true => script::quoted(seq, length),
            false => PacketSpec::plain(Transport::Tcp(TcpSpec::bare(Flags::ACK, seq, length))),
        });
    }
    let line = segment::tcp(cursor, context)?;
    segment::check_options(&line, context.how)?;
    Ok(line.packet)
}

/// Type and perhaps code of a type's name, or `type_N`.
pub(super) fn kind(word: &str, range: Range<usize>, context: &Context<'_>) -> Parse<(i64, Option<i64>)> {
    let Some(kind) = Kind::from_name(word) else {
        let known: Vec<&str> = Kind::all_names().collect();
        let near = nearest(word, known.iter().copied());
        return Err(Fault::new(range, format!("unknown ICMP type \"{word}\""))
            .help(format!("one of {}, type_N", known.join(", ")))
            .help_opt(near.map(|near| format!("did you mean {near}?"))));
    };
    let (number, implied) =
        numbers(kind, None, version(context)).ok_or_else(|| no_counterpart(word, range, context))?;
    // Its name says the code, too; for other types it is one of several.
    let fixed = (kind == Kind::PacketTooBig).then_some(i64::from(implied));
    Ok((i64::from(number), fixed))
}

/// The number of a code's name, or `code_N`.
pub(super) fn code_number(word: &str, range: Range<usize>, context: &Context<'_>) -> Parse<i64> {
    let Some(code) = Code::from_name(word) else {
        let near = nearest(word, Code::all_names());
        return Err(Fault::new(range, format!("unknown ICMP code \"{word}\""))
            .help_opt(near.map(|near| format!("did you mean {near}?"))));
    };
    numbers(Kind::Unreachable, Some(code), version(context))
        .map(|(_, number)| i64::from(number))
        .ok_or_else(|| no_counterpart(word, range, context))
}

fn version(context: &Context<'_>) -> IpVersion {
    if context.ip.wire_is_v6() { IpVersion::V6 } else { IpVersion::V4 }
}

fn no_counterpart(name: &str, range: Range<usize>, context: &Context<'_>) -> Fault {
    let version = if context.ip.wire_is_v6() { "ICMPv6" } else { "ICMP for IPv4" };
    Fault::new(range, format!("{version} has no {name}"))
        .help("write matrix: { ip: [..] } with the versions that have it")
}
