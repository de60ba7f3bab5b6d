//! The case language in YAML.
//!
//! A file is read in this order, and all errors of the first order that has any are reported: size, nesting, YAML;
//! keys and their types; `covers`, `given`, tables and their expansion; each notation, in each row; names; times.

mod address;
mod arguments;
mod calls;
mod cursor;
mod data;
mod describe;
mod document;
mod ends;
mod expand;
mod expr;
mod fixtures;
mod fold;
mod headers;
mod icmp;
mod ledger;
mod lowerer;
mod mistakes;
mod number;
mod options;
mod packets;
mod replace;
mod report;
mod results;
mod schema;
mod segment;
mod shape;
mod signatures;
mod steps;
mod syscalls;
mod table;
mod text;
mod times;
mod tree;
mod types;
mod unused;
mod world;

use std::sync::Arc;

use crate::case::{Case, FileId, Location};
use crate::front::{Diagnostics, Library};

use document::{Role, document};
use report::{Phase, Report};

pub use ledger::ledger;
pub use schema::{case_schema, fixture_schema};

/// Files over so many bytes are refused.
pub const LARGEST: u64 = 1 << 20;

/// The tests of a file.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// One, or one for each row and combination.
    pub cases: Vec<Case>,
    /// What is odd but not wrong.
    pub warnings: Diagnostics,
}

/// Refuses a file by its length, before it is read.
///
/// # Errors
/// What to show if it is over 1 MiB.
pub fn check_size(path: &str, bytes: u64) -> Result<(), Diagnostics> {
    if bytes <= LARGEST {
        return Ok(());
    }
    let mut report = Report::default();
    let file = report.sources.add(path, &Arc::from(""));
    let text = format!("the file is {}; the limit is 1 MiB", size(bytes));
    report.error(Phase::Yaml, start(file), text);
    Err(report.errors())
}

/// A size for a person.
fn size(bytes: u64) -> String {
    let tenths = bytes.div_ceil(100_000);
    match tenths {
        0..100 if !tenths.is_multiple_of(10) => format!("{}.{} MB", tenths / 10, tenths % 10),
        _ => format!("{} MB", bytes.div_euclid(1_000_000)),
    }
}

fn start(file: FileId) -> Location {
    Location { file, start: 0, end: 0 }
}

/// Lowers a file given as bytes: `path` as it is shown, `id` as `area/name`.
///
/// # Errors
/// What is wrong with it.
pub fn from_bytes(path: &str, id: &str, bytes: &[u8], library: &dyn Library) -> Result<Lowered, Diagnostics> {
    check_size(path, bytes.len() as u64)?;
    match std::str::from_utf8(bytes) {
        Ok(text) => lower(path, id, Arc::from(text), library),
        Err(error) => {
            let mut report = Report::default();
            let text = String::from_utf8_lossy(bytes);
            let file = report.sources.add(path, &Arc::from(&*text));
            let at = Location {
                file,
                start: error.valid_up_to(),
                end: error.valid_up_to() + '\u{fffd}'.len_utf8(),
            };
            report.error(Phase::Yaml, at, "not UTF-8 text");
            Err(report.errors())
        }
    }
}

/// Lowers a file to its tests: `path` as it is shown, `id` as `area/name`.
///
/// # Errors
/// What is wrong with it: all mistakes of the first order of reading that has any.
pub fn lower(path: &str, id: &str, text: Arc<str>, library: &dyn Library) -> Result<Lowered, Diagnostics> {
    check_size(path, text.len() as u64)?;
    let mut report = Report::default();
    let file = report.sources.add(path, &text);
    let read = tree::read(&text, file, &mut report).and_then(|root| {
        let document = document(&root, file, Role::Case, &mut report)?;
        let cases = expand::cases(id, &document, library, &mut report)?;
        unused::warn(&root, &document, &mut report);
        Ok(cases)
    });
    let failed = report.failed(Phase::Times);
    match read {
        Ok(mut cases) if !failed => {
            for case in &mut cases {
                case.sources = report.sources.clone();
            }
            Ok(Lowered { cases, warnings: report.warnings() })
        }
        _ => Err(report.errors()),
    }
}
