//! Packets in one line: `(ect0) P. 1:1001(1000) ack 1 win 257 <mss 1460>`.

use std::ops::Range;

use crate::case::{IpSpec, IpVersion, Num, OptionsSpec, PacketSpec, TcpSpec, Transport, nearest};
use crate::wire::Flags;

use super::cursor::Cursor;
use super::expr::Names;
use super::icmp;
use super::number::{Bits, Use, capture, exact, number};
use super::options;
use super::report::{Fault, Parse};
use super::script;

/// What a packet is read for.
pub(super) struct Context<'n> {
    pub(super) how: Use,
    pub(super) ip: IpVersion,
    /// Judged by packetdrill's rules: what is not written means what it does there.
    pub(super) is_script: bool,
    pub(super) names: &'n mut dyn Names,
}

/// A packet, and where the parts of it stand that must fit each other.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) packet: PacketSpec,
    pub(super) flags_at: Range<usize>,
    pub(super) ack_at: Option<Range<usize>>,
    pub(super) options_at: Option<Range<usize>>,
}

/// Reads a packet to its end and checks it.
pub(super) fn packet(cursor: &mut Cursor<'_>, context: &mut Context<'_>) -> Parse<PacketSpec> {
    let line = line(cursor, context)?;
    cursor.finish()?;
    if !context.is_script {
        check_ack(&line)?;
    }
    check_options(&line, context.how)?;
    Ok(line.packet)
}

/// Reads a packet without the checks that its parts fit each other.
pub(super) fn line(cursor: &mut Cursor<'_>, context: &mut Context<'_>) -> Parse<Line> {
    let mut attributes = Attributes::default();
    if cursor.take("(") {
        loop {
            attribute(cursor, context, &mut attributes)?;
            if cursor.take(")") {
                break;
            }
            cursor.expect(",")?;
        }
    }
    cursor.skip_spaces();
    if cursor.peek_word() == Some("icmp") {
        return icmp_line(cursor, context, attributes);
    }
    if cursor.peek() == Some('$') {
        let start = cursor.position();
        capture(cursor, context.names)?;
        return Err(Fault::new(start..cursor.position(), "a value is not a packet"));
    }
    let mut line = tcp(cursor, context)?;
    line.packet.ip = attributes.ip;
    if let Transport::Tcp(tcp) = &mut line.packet.transport {
        tcp.sport = attributes.sport;
        tcp.dport = attributes.dport;
    }
    if context.is_script {
        script::fill_in(&mut line.packet, context.how, context.ip);
    }
    Ok(line)
}

fn icmp_line(cursor: &mut Cursor<'_>, context: &mut Context<'_>, attributes: Attributes) -> Parse<Line> {
    let start = cursor.position();
    if let Some(range) = attributes.port_at {
        return Err(Fault::new(range, "ICMP has no ports"));
    }
    cursor.word();
    let icmp = icmp::icmp(cursor, context)?;
    let mut packet = PacketSpec::plain(Transport::Icmp(icmp));
    packet.ip = attributes.ip;
    if context.is_script {
        script::fill_in(&mut packet, context.how, context.ip);
    }
    Ok(Line { packet, flags_at: start..cursor.position(), ack_at: None, options_at: None })
}

#[derive(Default)]
struct Attributes {
    ip: IpSpec,
    sport: Option<Num>,
    dport: Option<Num>,
    port_at: Option<Range<usize>>,
}

const ATTRIBUTES: [&str; 13] =
    ["ect0", "ect1", "ce", "noecn", "ttl", "dscp", "tos", "df", "nodf", "id", "flowlabel", "sport", "dport"];

fn attribute(cursor: &mut Cursor<'_>, context: &mut Context<'_>, out: &mut Attributes) -> Parse<()> {
    let Some((word, range)) = cursor.word() else {
        return Err(cursor.unexpected("an attribute"));
    };
    let mut num = |bits| number(cursor, context.how, Bits(bits), context.names).map(Some);
    match word {
        "noecn" => out.ip.ecn = Some(Num::exactly(0)),
        "ect1" => out.ip.ecn = Some(Num::exactly(1)),
        "ect0" => out.ip.ecn = Some(Num::exactly(2)),
        "ce" => out.ip.ecn = Some(Num::exactly(3)),
        "df" => out.ip.df = Some(true),
        "nodf" => out.ip.df = Some(false),
        "ttl" => out.ip.ttl = num(8)?,
        "dscp" => out.ip.dscp = num(6)?,
        "id" => out.ip.id = num(32)?,
        "flowlabel" => out.ip.flow_label = num(20)?,
        "tos" => {
            let tos = exact(cursor, Bits(8))?;
            out.ip.dscp = Some(Num::exactly(tos >> 2));
            out.ip.ecn = Some(Num::exactly(tos & 3));
        }
        "sport" => {
            out.sport = num(16)?;
            out.port_at = Some(range);
        }
        "dport" => {
            out.dport = num(16)?;
            out.port_at = Some(range);
        }
        _ => {
            let near = nearest(word, ATTRIBUTES).map(|near| format!("did you mean {near}?"));
            return Err(Fault::new(range, format!("unknown attribute \"{word}\""))
                .help(format!("one of {}", ATTRIBUTES.join(", ")))
                .help_opt(near));
        }
    }
    Ok(())
}

/// A TCP segment without attributes.
pub(super) fn tcp(cursor: &mut Cursor<'_>, context: &mut Context<'_>) -> Parse<Line> {
    let (flags, flags_at) = flags(cursor)?;
    let (seq, length) = range(cursor, context)?;
    let mut tcp = TcpSpec::bare(flags, seq, length);
    let mut ack_at = None;
    let mut options_at = None;
    cursor.skip_spaces();
    if cursor.peek_word() == Some("ack") {
        let start = cursor.position();
        cursor.word();
        tcp.ack = Some(number(cursor, context.how, Bits(32), context.names)?);
        ack_at = Some(start..cursor.position());
    }
    if cursor.take_word("win") {
        tcp.win = Some(number(cursor, context.how, Bits(16), context.names)?);
    }
    if cursor.take_word("urg") {
        tcp.urg = Some(number(cursor, context.how, Bits(16), context.names)?);
    }
    cursor.skip_spaces();
    if cursor.peek() == Some('<') {
        let start = cursor.position();
        tcp.options = options::options(cursor, context)?;
        options_at = Some(start..cursor.position());
    }
    cursor.skip_spaces();
    if let Some(word @ ("ack" | "win" | "urg")) = cursor.peek_word() {
        let range = cursor.token_range();
        return Err(Fault::new(range, format!("\"{word}\" is given twice or out of order"))
            .help("the order is: ack, win, urg, <options>"));
    }
    Ok(Line { packet: PacketSpec::plain(Transport::Tcp(tcp)), flags_at, ack_at, options_at })
}

/// Flags up to the next blank.
pub(super) fn flags(cursor: &mut Cursor<'_>) -> Parse<(Flags, Range<usize>)> {
    cursor.skip_spaces();
    let start = cursor.position();
    let rest = cursor.rest();
    let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let word = &rest[..length];
    let at = start..start + length;
    let help = "F S R P . U E W A, a digit, or none";
    if word.is_empty() {
        return Err(Fault::new(at, "flags are missing").help(help));
    }
    cursor.advance(length);
    if word == "none" {
        return Ok((Flags::NONE, at));
    }
    let mut flags = Flags::NONE;
    let mut digit = false;
    for (offset, c) in word.char_indices() {
        let here = start + offset..start + offset + c.len_utf8();
        let flag = match c {
            '0'..='7' if !digit => {
                digit = true;
                Flags::from_bits((c as u16 - '0' as u16) << 6)
            }
            '0'..='7' => {
                return Err(Fault::new(here, "more than one digit in the flags").help(help));
            }
            _ => match Flags::from_letter(c) {
                Some(flag) if flags.contains(flag) => {
                    return Err(Fault::new(here, format!("flag \"{c}\" given twice")));
                }
                Some(flag) => flag,
                None => return Err(unknown_flag(word, c, at, here, help)),
            },
        };
        flags |= flag;
    }
    Ok((flags, at))
}

fn unknown_flag(word: &str, c: char, at: Range<usize>, here: Range<usize>, help: &str) -> Fault {
    // A whole word that is not flags at all is shown as a whole.
    let is_word = word.len() > 1 && word.chars().all(|c| Flags::from_letter(c).is_none());
    if is_word {
        let word = super::cursor::shorten(word);
        return Fault::new(at, format!("\"{word}\" is not a packet")).help(format!("flags are {help}"));
    }
    Fault::new(here, format!("unknown flag \"{c}\"")).help(help)
}

/// `start:end(length)` or `start(length)`.
pub(super) fn range(cursor: &mut Cursor<'_>, context: &mut Context<'_>) -> Parse<(Num, Num)> {
    let seq = number(cursor, context.how, Bits(32), context.names)?;
    let end = if cursor.take(":") {
        cursor.skip_spaces();
        let start = cursor.position();
        let end = number(cursor, context.how, Bits(32), context.names)?;
        Some((end, start..cursor.position()))
    } else {
        None
    };
    cursor.expect("(")?;
    let length = number(cursor, context.how, Bits(32), context.names)?;
    cursor.expect(")")?;
    if let (Some((end, at)), Some(start), Some(count)) = (end, lowest(&seq), length.known())
        && let Some(end) = lowest(&end)
    {
        let right = (start + count) & 0xffff_ffff;
        if end != right {
            return Err(Fault::new(at, format!("{start} + {count} is {right}, not {end}"))
                .help("the end is the number after the last byte"));
        }
    }
    Ok((seq, length))
}

/// The number, relative or absolute, if it is a single one that is known.
fn lowest(number: &Num) -> Option<i64> {
    use crate::case::{Alt, Term};
    match number.0.as_slice() {
        [Alt::Is { term: Term::Known(known), .. }] => Some(*known),
        _ => None,
    }
}

/// The flag `.` and `ack` belong together.
pub(super) fn check_ack(line: &Line) -> Parse<()> {
    let Transport::Tcp(tcp) = &line.packet.transport else {
        return Ok(());
    };
    match (tcp.flags.contains(Flags::ACK), &line.ack_at) {
        (true, None) => {
            Err(Fault::new(line.flags_at.clone(), "flag . without ack").help("add ack N, or remove the ."))
        }
        (false, Some(at)) => {
            let ack = tcp.ack.as_ref().map(ToString::to_string).unwrap_or_default();
            let flags =
                if tcp.flags == Flags::NONE { ".".to_owned() } else { format!("{}", tcp.flags | Flags::ACK) };
            Err(Fault::new(at.clone(), format!("ack {ack} without flag ."))
                .help(format!("{flags} or remove ack")))
        }
        _ => Ok(()),
    }
}

/// Injected options fill whole words and fit a header.
pub(super) fn check_options(line: &Line, how: Use) -> Parse<()> {
    let (Use::Inject, Transport::Tcp(tcp), Some(at)) = (how, &line.packet.transport, &line.options_at) else {
        return Ok(());
    };
    let OptionsSpec::Exactly(items) = &tcp.options else {
        return Ok(());
    };
    let length: usize = items.iter().map(options::encoded_length).sum();
    let missing = (4 - length % 4) % 4;
    if missing > 0 {
        let is = if missing == 1 { "is" } else { "are" };
        let nops = vec!["nop"; missing].join(",");
        return Err(Fault::new(
            at.clone(),
            format!("options are {length} bytes; {missing} more {is} needed to fill a word"),
        )
        .help(format!("add {nops}")));
    }
    if length > 40 {
        return Err(Fault::new(at.clone(), format!("options are {length} bytes; a header holds 40")));
    }
    Ok(())
}
