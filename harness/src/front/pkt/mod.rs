//! packetdrill's script language. What it means is written in docs/packetdrill-language.md.
//!
//! A script is parsed to a syntax tree ([`script`]), and that is lowered to cases, one for each variant.

mod lower;
mod parse;
pub mod script;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::case::{Case, Location, Sources};
use crate::front::{Diagnostic, Diagnostics};

pub use lower::Variant;

/// Scripts over so many bytes are refused.
pub const LARGEST: u64 = 1 << 20;

/// What is said of a script outside it: packetdrill's command line.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `-D NAME=value`, in order. They come after those of the variant: a later definition of a name wins.
    pub definitions: Vec<(String, String)>,
    /// `--name=value`, over the script's own and the variant's.
    pub settings: Vec<(String, Option<String>)>,
    /// Commands that are not understood are run by a shell.
    pub allow_shell: bool,
    /// What packetdrill leaves unchecked is checked.
    pub strict: bool,
}

/// Files that scripts name, such as the settings that many share.
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

/// The tests of a script.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// One for each variant that the language finds nothing wrong with.
    pub cases: Vec<Case>,
    /// Ids of the others, and what is wrong.
    pub invalid: Vec<(String, Diagnostics)>,
}

/// Lowers a script given as bytes: `path` as it is shown, `id` as `area/name`.
///
/// # Errors
/// What is wrong with it, if it is so in every variant.
pub fn from_bytes(
    path: &str,
    id: &str,
    bytes: &[u8],
    options: &Options,
    files: &dyn Files,
) -> Result<Lowered, Diagnostics> {
    let text = text(path, bytes)?;
    let mut lowered = Lowered { cases: Vec::new(), invalid: Vec::new() };
    for variant in Variant::of(id) {
        let mut definitions: BTreeMap<String, String> = variant.definitions();
        definitions.extend(options.definitions.iter().cloned());
        let id = format!("{id}[{}]", variant.name());
        let case = parse::parse(path, Arc::clone(&text), &definitions)
            .and_then(|(script, sources)| lower::lower(&script, sources, &id, variant, options, files));
        match case {
            Ok(case) => lowered.cases.push(case),
            Err(wrong) => lowered.invalid.push((id, wrong)),
        }
    }
    match lowered.invalid.first() {
        Some((_, wrong)) if lowered.cases.is_empty() => Err(wrong.clone()),
        _ => Ok(lowered),
    }
}

/// The script as text.
fn text(path: &str, bytes: &[u8]) -> Result<Arc<str>, Diagnostics> {
    let mut sources = Sources::default();
    let refuse = |sources: Sources, start: usize, end: usize, text: String| {
        let mut sources = sources;
        let file = sources.add(path, &Arc::from(&*String::from_utf8_lossy(bytes)));
        let diagnostic = Diagnostic::error(Location { file, start, end }, text);
        Diagnostics { sources, list: vec![diagnostic] }
    };
    if bytes.len() as u64 > LARGEST {
        let text = format!("the script is {} bytes; the limit is 1 MiB", bytes.len());
        sources.add(path, &Arc::from(""));
        return Err(Diagnostics {
            list: vec![Diagnostic { location: None, ..Diagnostic::error(start(), text) }],
            sources,
        });
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Arc::from(text)),
        Err(error) => {
            let at = error.valid_up_to();
            Err(refuse(sources, at, at + '\u{fffd}'.len_utf8(), "not UTF-8 text".to_owned()))
        }
    }
}
