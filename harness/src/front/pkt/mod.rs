//! packetdrill's script language. What it means is written in docs/packetdrill-language.md.
//!
//! A script is parsed to a syntax tree ([`script`]), and that is lowered to cases, one for each variant.

mod lower;
mod options;
pub mod parse;
pub mod script;

use std::sync::Arc;

use crate::front::{Diagnostics, read_text};

pub use lower::{Variant, lower};
pub use options::{Options, Variants};

/// Files that scripts name, such as settings that many share.
pub trait Files {
    /// The text of a file, by its path from the directory of the script.
    fn read(&self, path: &str) -> Option<String>;
}

/// No files at all.
impl Files for () {
    fn read(&self, _path: &str) -> Option<String> {
        None
    }
}

/// Lowers a script given as bytes: `path` as it is shown, `id` as `area/name`.
///
/// # Errors
/// What is wrong with it, if something is wrong in every variant.
pub fn from_bytes(
    path: &str,
    id: &str,
    bytes: &[u8],
    options: &Options,
    files: &dyn Files,
) -> Result<Variants, Diagnostics> {
    let text = read_text(path, bytes)?;
    let mut variants = Variants::default();
    for variant in Variant::of(id) {
        let mut definitions = variant.definitions();
        definitions.extend(options.definitions.clone());
        let definitions: Vec<(String, String)> = definitions.into_iter().collect();
        let id = format!("{id}[{}]", variant.name());
        let case = parse::parse(path, Arc::clone(&text), &definitions)
            .and_then(|(script, sources)| lower(&script, sources, &id, variant, options, files));
        match case {
            Ok(case) => variants.cases.push(case),
            Err(wrong) => variants.invalid.push((id, wrong)),
        }
    }
    match variants.invalid.first() {
        Some((_, wrong)) if variants.cases.is_empty() => Err(wrong.clone()),
        _ => Ok(variants),
    }
}
