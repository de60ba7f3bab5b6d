//! `tcpdrill schema`.

use crate::front::yaml;

use super::SUCCESS;
use super::args::{FileKind, SchemaArguments};
use super::output::Output;

/// Writes the JSON Schema of a kind of files; the exit status.
pub(super) fn schema(arguments: &SchemaArguments, output: &mut Output) -> u8 {
    let schema = match arguments.of {
        FileKind::Case => yaml::case_schema(),
        FileKind::Fixture => yaml::fixture_schema(),
    };
    output.line(&format!("{schema:#}"));
    SUCCESS
}
