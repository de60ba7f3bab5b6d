//! packetdrill's script language. What it means is written in docs/packetdrill-language.md.
//!
//! A script is parsed to a syntax tree ([`script`]), and that is lowered to cases, one for each variant.

mod options;
pub mod script;

pub use options::{Options, Variants};
