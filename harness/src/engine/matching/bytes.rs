//! Bytes that are not the expected ones, and where they belong.

use crate::verdict::{BytesDiffer, FieldDifference};
use crate::wire::pattern::{self, Direction};

/// So many bytes are shown, beginning with the block that the first wrong one stands in.
const SHOWN: usize = 16;
const BLOCK: usize = 8;
/// So many bytes that are as expected again show that only those before were wrong.
const ENOUGH: usize = 8;

/// The first byte that differs, or else the lengths. The first byte is at this offset of a stream.
pub(in crate::engine) fn first_difference(
    expected: &[u8],
    actual: &[u8],
    direction: Direction,
    offset: u64,
) -> Option<FieldDifference> {
    let Some(at) = expected.iter().zip(actual).position(|(a, b)| a != b) else {
        let (wanted, got) = (format!("{} bytes", expected.len()), format!("{} bytes", actual.len()));
        return (wanted != got).then(|| FieldDifference::new("data", wanted, got));
    };
    let inside = usize::try_from((offset + at as u64) % BLOCK as u64).unwrap_or(0);
    let shown_from = at.saturating_sub(inside);
    let shown = |bytes: &[u8]| -> Vec<u8> { bytes.iter().skip(shown_from).take(SHOWN).copied().collect() };
    let around = |bytes: &[u8]| {
        let text: String = bytes.iter().skip(shown_from).take(BLOCK).map(|byte| printable(*byte)).collect();
        format!("0x{:02x} in \"{text}\"", bytes.get(at).copied().unwrap_or(0))
    };
    let bytes = BytesDiffer {
        at,
        offset: offset + at as u64,
        shown_from,
        expected: shown(expected),
        actual: shown(actual),
        belongs: belongs(expected, actual, at, direction, offset),
    };
    let difference = FieldDifference::new(format!("payload byte {at}"), around(expected), around(actual));
    Some(FieldDifference { bytes: Some(Box::new(bytes)), ..difference })
}

fn printable(byte: u8) -> char {
    if byte.is_ascii_graphic() || byte == b' ' { char::from(byte) } else { '.' }
}

/// What the bytes from the first wrong one on are instead.
fn belongs(expected: &[u8], actual: &[u8], at: usize, direction: Direction, offset: u64) -> Option<String> {
    let (wanted, got) = (expected.get(at..)?, actual.get(at..)?);
    let wrong = wanted.iter().zip(got).rposition(|(a, b)| a != b)? + 1;
    if wanted.len().min(got.len()) - wrong >= ENOUGH {
        return Some(match wrong {
            1 => "only this byte is wrong; all after it are as expected".to_owned(),
            _ => format!("wrong up to {} bytes further on; all after them are as expected", wrong - 1),
        });
    }
    if got.len() >= BLOCK && got.iter().all(|byte| *byte == 0) {
        return Some("zeros from here on: the bytes were never filled in".to_owned());
    }
    let found = (0..=at.min(BLOCK - 1)).find_map(|back| {
        let (direction, place) = pattern::locate(actual.get(at - back..)?)?;
        Some((direction, place + back as u64))
    });
    let (whose, place) = found?;
    let should = offset + at as u64;
    Some(if whose != direction {
        format!("these bytes are of the other direction's stream, from offset {place} on")
    } else if place > should {
        format!("these bytes belong to offset {place} of the stream, {} later", plural(place - should))
    } else {
        format!("these bytes belong to offset {place} of the stream, {} earlier", plural(should - place))
    })
}

fn plural(count: u64) -> String {
    if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") }
}

#[cfg(test)]
mod tests {
    use super::first_difference;
    use crate::wire::pattern::{Direction, fill};

    #[test]
    fn bytes_say_where_they_belong() {
        let right = || fill(Direction::ToPeer, 1000, 64);
        let then = |bytes: Vec<u8>| [&right()[..24], &bytes].concat();
        let mut one = right();
        one[30] = b'x';
        let mut two = one.clone();
        two[33] = b'x';
        for (actual, expected) in [
            (right(), ""),
            (one, "only this byte is wrong; all after it are as expected"),
            (two, "wrong up to 3 bytes further on; all after them are as expected"),
            (
                then(fill(Direction::ToPeer, 1032, 40)),
                "these bytes belong to offset 1038 of the stream, 8 bytes later",
            ),
            (
                then(fill(Direction::ToPeer, 1023, 40)),
                "these bytes belong to offset 1023 of the stream, 1 byte earlier",
            ),
            (
                then(fill(Direction::FromPeer, 0, 40)),
                "these bytes are of the other direction's stream, from offset 4 on",
            ),
            (then(vec![0; 40]), "zeros from here on: the bytes were never filled in"),
            (then(vec![7; 40]), ""),
        ] {
            let expected_bytes = right();
            let found = first_difference(&expected_bytes, &actual, Direction::ToPeer, 1000);
            let belongs = found.and_then(|found| found.bytes?.belongs).unwrap_or_default();
            assert_eq!(belongs, expected);
        }
    }
}
