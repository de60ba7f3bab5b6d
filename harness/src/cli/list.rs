//! `tcpdrill list`.

use super::args::SelectArguments;
use super::output::Output;
use super::{SUCCESS, WRONG};

/// Names what is selected; the exit status.
pub(super) fn list(arguments: &SelectArguments, output: &mut Output) -> u8 {
    let loaded = match arguments.load(output) {
        Ok((loaded, _)) => loaded,
        Err(status) => return status,
    };
    let colour = output.error_style().colour;
    for (_, mistakes) in &loaded.invalid {
        output.error(&mistakes.render(colour));
    }
    for case in &loaded.cases {
        let slow = if case.is_slow() { "  (slow)" } else { "" };
        if !output.line(&format!("{:<44} {}{slow}", case.id, case.title)) {
            break;
        }
    }
    if loaded.cases.is_empty() && loaded.invalid.is_empty() {
        output.complain("no test is selected", None);
    }
    if loaded.cases.is_empty() || !loaded.invalid.is_empty() { WRONG } else { SUCCESS }
}
