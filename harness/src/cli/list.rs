//! `tcpdrill list`.

use super::args::{Format, LookArguments};
use super::output::Output;
use super::{SUCCESS, WRONG};

/// Names what is selected; the exit status.
pub(super) fn list(arguments: &LookArguments, output: &mut Output) -> u8 {
    let loaded = match arguments.select.load(output) {
        Ok((loaded, _)) => loaded,
        Err(status) => return status,
    };
    output.mistakes(&loaded);
    for case in &loaded.cases {
        let line = match arguments.format {
            Format::Text => {
                let slow = if case.is_slow() { "  (slow)" } else { "" };
                format!("{:<44} {}{slow}", case.id, case.title)
            }
            Format::Json => serde_json::json!({
                "case": case.id,
                "title": case.title,
                "tags": case.tags,
                "covers": case.covers,
                "asserts": case.asserts(),
            })
            .to_string(),
        };
        if !output.line(&line) {
            break;
        }
    }
    if loaded.cases.is_empty() && loaded.invalid.is_empty() {
        output.complain("no test is selected", None);
    }
    if loaded.cases.is_empty() || !loaded.invalid.is_empty() { WRONG } else { SUCCESS }
}
