//! The case language in YAML.
//!
//! A file is read in this order, and all errors of the first order that has any are reported: size, nesting, YAML;
//! keys and their types; `covers`, `given`, tables and their expansion; each notation, in each row; names; times.

mod address;
mod arguments;
mod calls;
mod claims;
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
mod script;
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

use crate::case::Case;
use crate::front::{Diagnostics, Library, check_size, read_text};

use document::{Role, document};
use report::{Phase, Report};

pub use ledger::ledger;
pub use schema::{case_schema, fixture_schema};

/// The tests of a file.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// One, or one for each row and combination.
    pub cases: Vec<Case>,
    /// What is odd but not wrong.
    pub warnings: Diagnostics,
}

/// Lowers a file given as bytes: `path` as it is shown, `id` as `area/name`.
///
/// # Errors
/// What is wrong with it.
pub fn from_bytes(path: &str, id: &str, bytes: &[u8], library: &dyn Library) -> Result<Lowered, Diagnostics> {
    lower(path, id, read_text(path, bytes)?, library)
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
