//! Front ends: languages in which cases are written, lowered to [`Case`](crate::case::Case).
//!
//! A mistake in a file is a [`Diagnostic`] that points at the words at fault.

mod diagnostic;
mod input;
mod library;
pub mod pkt;
pub mod yaml;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use input::{LARGEST, check_size, read_text};
pub use library::{Library, MemoryLibrary};
