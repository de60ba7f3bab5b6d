//! `data`: bytes that are sent or must arrive.

use crate::case::Payload;

use super::cursor::Cursor;
use super::number::{Bits, Use, exact, hex_digits};
use super::report::{Fault, Parse};
use super::text::Text;

/// Reads the value of `data`. `any` is for what is expected or read.
pub(super) fn data(text: &Text, how: Use) -> Parse<Payload> {
    let mut cursor = Cursor::new(text);
    let source = text.as_str();
    let unknown = || {
        let end = source.find(' ').unwrap_or(source.len());
        Fault::new(0..end, "data starts with text, hex, pattern, zeros or any")
            .help(format!("data: text {}", super::cursor::shorten(source)))
    };
    // Blanks belong to the text after the first one.
    if let Some(written) = source.strip_prefix("text ") {
        return Ok(Payload::Bytes(written.as_bytes().to_vec()));
    }
    let Some((word, range)) = cursor.word() else {
        return Err(unknown());
    };
    let payload = match word {
        "text" if source == "text" => Payload::Bytes(Vec::new()),
        "hex" => Payload::Bytes(hex_digits(&mut cursor)?),
        "pattern" if cursor.at_end() => Payload::Pattern(None),
        "pattern" => Payload::Pattern(Some(exact(&mut cursor, Bits(62))? as u64)),
        "zeros" => Payload::Zeros,
        "any" if how == Use::Inject => {
            return Err(Fault::new(range, "any is for expectations; what is sent is exact"));
        }
        "any" => Payload::Any,
        _ => return Err(unknown()),
    };
    if !cursor.at_end() {
        return Err(unknown());
    }
    Ok(payload)
}

/// How many bytes it is, where that does not follow from what carries it.
pub(super) fn length(payload: &Payload) -> Option<usize> {
    match payload {
        Payload::Bytes(bytes) => Some(bytes.len()),
        Payload::Pattern(_) | Payload::Zeros | Payload::Any => None,
    }
}
