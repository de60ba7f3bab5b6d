//! Bytes that differ: both sides in hex and as text.

use crate::verdict::{BytesDiffer, FieldDifference};

use super::Style;
use super::problem::fact;

/// The first byte that differs with those around it.
pub(super) fn bytes(field: &FieldDifference, differ: &BytesDiffer, style: Style) -> Vec<String> {
    let count = if style.width < 79 { 8 } else { 16 };
    let differs: Vec<bool> = (0..count)
        .map(|index| match (differ.expected.get(index), differ.actual.get(index)) {
            (Some(a), Some(b)) => a != b,
            _ => false,
        })
        .collect();
    let show = |bytes: &[u8], paint: &dyn Fn(&str) -> String| {
        let marked = |index: usize, text: &str| match differs.get(index) {
            Some(true) => paint(text),
            _ => text.to_owned(),
        };
        let shown = bytes.iter().take(count).enumerate();
        let hex: Vec<String> =
            shown.clone().map(|(index, byte)| marked(index, &format!("{byte:02x}"))).collect();
        let text: String = shown.map(|(index, byte)| marked(index, &printable(*byte).to_string())).collect();
        let pad = 3 * (count - bytes.len().min(count));
        format!("{}{}  {text}", hex.join(" "), " ".repeat(pad))
    };
    let mark = |is_wrong: &bool, sign: &str, other: &str| {
        if *is_wrong { sign.to_owned() } else { other.to_owned() }
    };
    let which = field.field.trim_start_matches("payload ");
    let text = format!("{which}, at offset {} of the stream, is the first that is wrong", differ.offset);
    let mut lines = fact("data", &text, style);
    lines.push(format!("  expected  {}", show(&differ.expected, &|text| style.good(text))));
    lines.push(format!("  actual    {}", show(&differ.actual, &|text| style.bad(text))));
    if !style.colour {
        let hex: Vec<String> = differs.iter().map(|wrong| mark(wrong, "^^", "  ")).collect();
        let text: String = differs.iter().map(|wrong| mark(wrong, "^", " ")).collect();
        lines.push(format!("            {}  {text}", hex.join(" ")).trim_end().to_owned());
    }
    lines
}

fn printable(byte: u8) -> char {
    if byte.is_ascii_graphic() || byte == b' ' { char::from(byte) } else { '.' }
}
