//! Reads a script: its text becomes a syntax tree, or a list of mistakes.

mod call;
mod cursor;
mod definitions;
mod encapsulation;
mod event;
mod icmp;
mod lexer;
mod options;
mod packet;
mod segment;
mod settings;

use std::sync::Arc;

use crate::case::Sources;
use crate::front::{Diagnostics, check_size};

use super::script::Script;
use cursor::Cursor;
use definitions::Definitions;

/// More mistakes are not shown.
const MOST_MISTAKES: usize = 20;

/// Reads a script: `path` as it is shown. `definitions` are those of the command line; they win over the script's own.
///
/// # Errors
/// What is wrong with it.
pub fn parse(
    path: &str,
    text: Arc<str>,
    definitions: &[(String, String)],
) -> Result<(Script, Sources), Diagnostics> {
    check_size(path, text.len() as u64)?;
    let mut sources = Sources::default();
    let file = sources.add(path, &text);
    let (tokens, comments) = lexer::tokens(&text, file);
    let mut cursor = Cursor::new(&text, file, tokens, Definitions::default());
    let options = cursor.settings();
    for setting in options.iter().filter(|setting| matches!(setting.name.value.as_str(), "define" | "D")) {
        if let Some((name, value)) = setting.value.as_ref().and_then(|value| value.value.split_once('=')) {
            cursor.definitions.add(name, value);
        }
    }
    for (name, value) in definitions {
        cursor.definitions.add(name, value);
    }
    let rest = cursor.at;
    cursor.definitions.replace(&text, &mut cursor.tokens[rest..]);
    let events = cursor.events();
    let script = match cursor.out_of_scope {
        None => Script { options, events, out_of_scope: None, comments },
        // What its packets look like is not known here, so what seems wrong may be right.
        protocol => Script { out_of_scope: protocol, comments, ..Script::default() },
    };
    let mut list = cursor.found;
    if list.is_empty() || script.out_of_scope.is_some() {
        return Ok((script, sources));
    }
    list.sort_by_key(|diagnostic| diagnostic.location.map(|at| at.start));
    list.truncate(MOST_MISTAKES);
    Err(Diagnostics { sources, list })
}
