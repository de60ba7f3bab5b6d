//! What is refused of a file before it is read as a case.

use std::sync::Arc;

use crate::case::{FileId, Location, Sources};

use super::diagnostic::{Diagnostic, Diagnostics};

/// Files over so many bytes are refused.
pub const LARGEST: u64 = 1 << 20;

/// Refuses a file by its length, before it is read.
///
/// # Errors
/// What to show if it is over 1 MiB.
pub fn check_size(path: &str, bytes: u64) -> Result<(), Diagnostics> {
    if bytes <= LARGEST {
        return Ok(());
    }
    let text = format!("the file is {}; the limit is 1 MiB", size(bytes));
    Err(refused(path, "", 0, 0, text))
}

/// The text of a file.
///
/// # Errors
/// What to show if it is too long, or not UTF-8.
pub fn read_text(path: &str, bytes: &[u8]) -> Result<Arc<str>, Diagnostics> {
    check_size(path, bytes.len() as u64)?;
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Arc::from(text)),
        Err(error) => {
            let start = error.valid_up_to();
            let end = start + '\u{fffd}'.len_utf8();
            Err(refused(path, &String::from_utf8_lossy(bytes), start, end, "not UTF-8 text"))
        }
    }
}

fn refused(path: &str, text: &str, start: usize, end: usize, why: impl Into<String>) -> Diagnostics {
    let mut sources = Sources::default();
    sources.add(path, &Arc::from(text));
    let at = Location { file: FileId(0), start, end };
    Diagnostics { sources, list: vec![Diagnostic::error(at, why)] }
}

/// A size for a person.
fn size(bytes: u64) -> String {
    let tenths = bytes.div_ceil(100_000);
    match tenths {
        0..100 if !tenths.is_multiple_of(10) => format!("{}.{} MB", tenths / 10, tenths % 10),
        _ => format!("{} MB", bytes.div_euclid(1_000_000)),
    }
}
