//! TCP options: `<mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>`.

use std::ops::Range;

use crate::case::{Num, OptionItem, OptionSpec, OptionsSpec, nearest};
use crate::wire::AccEcnOrder;

use super::cursor::Cursor;
use super::number::{Bits, Use, exact, hex_digits, number};
use super::report::{Fault, Parse};
use super::segment::Context;

const NAMES: [&str; 13] =
    ["nop", "eol", "mss", "wscale", "sackOK", "sack", "TS", "FO", "FOEXP", "md5", "ECN", "opt", "hex"];

/// Options in their brackets.
pub(super) fn options(cursor: &mut Cursor<'_>, context: &mut Context<'_>) -> Parse<OptionsSpec> {
    let opening = cursor.position();
    cursor.expect("<")?;
    if !cursor.rest().contains('>') {
        return Err(Fault::new(opening..cursor.end(), "the options are not closed")
            .help("add >; inside [..] and {..} a text with a comma is put in quotes"));
    }
    let mut items = Vec::new();
    let mut more = false;
    if cursor.take(">") {
        return Ok(OptionsSpec::Exactly(items));
    }
    loop {
        cursor.skip_spaces();
        let start = cursor.position();
        if cursor.take("...") {
            if context.how == Use::Inject {
                return Err(Fault::new(start..cursor.position(), "... is for expectations"));
            }
            more = true;
        } else {
            items.push(item(cursor, context)?);
        }
        if cursor.take(">") {
            break;
        }
        cursor.expect(",")?;
    }
    Ok(if more { OptionsSpec::Including(items) } else { OptionsSpec::Exactly(items) })
}

fn item(cursor: &mut Cursor<'_>, context: &mut Context<'_>) -> Parse<OptionItem> {
    let Some((word, range)) = cursor.word() else {
        return Err(cursor.unexpected("an option"));
    };
    let option = option(cursor, context, word, range)?;
    let length = if cursor.take_word("len") { Some(exact(cursor, Bits(8))? as u8) } else { None };
    Ok(OptionItem { option, length })
}

fn option(
    cursor: &mut Cursor<'_>,
    context: &mut Context<'_>,
    word: &str,
    range: Range<usize>,
) -> Parse<OptionSpec> {
    let mut num = |bits| number(cursor, context.how, Bits(bits), context.names);
    Ok(match word {
        "nop" => OptionSpec::Nop,
        "eol" => OptionSpec::Eol,
        "mss" => OptionSpec::Mss(num(16)?),
        "wscale" => OptionSpec::Wscale(num(8)?),
        "sackOK" => OptionSpec::SackOk,
        "sack" => OptionSpec::Sack(sack(cursor, context)?),
        "TS" => timestamps(cursor, context)?,
        "FO" => OptionSpec::FastOpen(hex_digits(cursor)?),
        "FOEXP" => OptionSpec::FastOpenExp(hex_digits(cursor)?),
        "md5" => OptionSpec::Md5(some_hex(cursor)?),
        "ECN" => accurate_ecn(cursor, context)?,
        "opt" => OptionSpec::Other { kind: exact(cursor, Bits(8))? as u8, data: hex_digits(cursor)? },
        "hex" => OptionSpec::Raw(some_hex(cursor)?),
        _ => {
            let near = nearest(word, NAMES).map(|near| format!("did you mean {near}?"));
            return Err(Fault::new(range, format!("unknown option \"{word}\""))
                .help(format!("one of {}", NAMES.join(", ")))
                .help_opt(near));
        }
    })
}

fn some_hex(cursor: &mut Cursor<'_>) -> Parse<Vec<u8>> {
    let bytes = hex_digits(cursor)?;
    if bytes.is_empty() {
        return Err(cursor.unexpected("hex bytes"));
    }
    Ok(bytes)
}

fn sack(cursor: &mut Cursor<'_>, context: &mut Context<'_>) -> Parse<Vec<(Num, Num)>> {
    let mut blocks = Vec::new();
    loop {
        let left = number(cursor, context.how, Bits(32), context.names)?;
        cursor.expect(":")?;
        let right = number(cursor, context.how, Bits(32), context.names)?;
        blocks.push((left, right));
        cursor.skip_spaces();
        if !cursor.peek().is_some_and(|c| c.is_ascii_digit() || c == '$' || c == 'a') {
            return Ok(blocks);
        }
    }
}

fn timestamps(cursor: &mut Cursor<'_>, context: &mut Context<'_>) -> Parse<OptionSpec> {
    if !cursor.take_word("val") {
        return Err(cursor.unexpected("\"val\""));
    }
    cursor.skip_spaces();
    let start = cursor.position();
    let val = number(cursor, context.how, Bits(32), context.names)?;
    let at = start..cursor.position();
    if !cursor.take_word("ecr") {
        return Err(cursor.unexpected("\"ecr\""));
    }
    let ecr = number(cursor, context.how, Bits(32), context.names)?;
    if context.how == Use::Expect && !context.is_script && val.known().is_some_and(|val| val < 100) {
        return Err(Fault::new(at, "the target's timestamps start at 100")
            .help("write any, or 100 plus the milliseconds since its first"));
    }
    Ok(OptionSpec::Timestamps { val, ecr })
}

fn accurate_ecn(cursor: &mut Cursor<'_>, context: &mut Context<'_>) -> Parse<OptionSpec> {
    let order = match cursor.peek_word() {
        Some("e0b") => AccEcnOrder::E0First,
        Some("e1b") => AccEcnOrder::E1First,
        _ => {
            return Err(cursor.unexpected("a counter").help("e0b N ceb N e1b N, or e1b N ceb N e0b N"));
        }
    };
    let mut counters = Vec::new();
    for name in order.names() {
        if !cursor.take_word(name) {
            break;
        }
        counters.push(number(cursor, context.how, Bits(24), context.names)?);
    }
    if let Some(word @ ("e0b" | "e1b" | "ceb")) = cursor.peek_word() {
        cursor.skip_spaces();
        let fault = Fault::new(cursor.token_range(), format!("\"{word}\" is out of order"));
        return Err(fault.help("e0b N ceb N e1b N, or e1b N ceb N e0b N"));
    }
    Ok(OptionSpec::AccEcn { order, counters })
}

/// How many bytes an option takes, whatever its length byte says.
pub(super) fn encoded_length(item: &OptionItem) -> usize {
    match &item.option {
        OptionSpec::Nop | OptionSpec::Eol => 1 + usize::from(item.length.is_some()),
        OptionSpec::Mss(_) => 4,
        OptionSpec::Wscale(_) => 3,
        OptionSpec::SackOk => 2,
        OptionSpec::Sack(blocks) => 2 + 8 * blocks.len(),
        OptionSpec::Timestamps { .. } => 10,
        OptionSpec::FastOpen(cookie) => 2 + cookie.len(),
        OptionSpec::FastOpenExp(cookie) => 4 + cookie.len(),
        OptionSpec::Md5(digest) => 2 + digest.len(),
        OptionSpec::AccEcn { counters, .. } => 2 + 3 * counters.len(),
        OptionSpec::Other { data, .. } => 2 + data.len(),
        OptionSpec::Raw(bytes) => bytes.len(),
    }
}
