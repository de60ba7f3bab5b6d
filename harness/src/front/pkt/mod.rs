//! packetdrill's script language. What it means is written in docs/packetdrill-language.md.
//!
//! A script is parsed to a syntax tree ([`script`]), and that is lowered to cases, one for each variant.

#[expect(dead_code, reason = "calls, commands and code use more of it")]
mod lower;
mod options;
pub mod parse;
pub mod script;

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
