//! `tcpdrill check`.

use super::args::SelectArguments;
use super::output::Output;
use super::{SUCCESS, WRONG};

/// Reads what is selected and says what is wrong with it; the exit status.
pub(super) fn check(arguments: &SelectArguments, output: &mut Output) -> u8 {
    let loaded = match arguments.load(output) {
        Ok((loaded, _)) => loaded,
        Err(status) => return status,
    };
    let colour = output.error_style().colour;
    for (_, mistakes) in &loaded.invalid {
        output.error(&mistakes.render(colour));
    }
    let wrong = loaded.invalid.len();
    if wrong > 0 {
        output.line(&format!("{wrong} files are wrong, {} tests are in the others", loaded.cases.len()));
        return WRONG;
    }
    if loaded.cases.is_empty() {
        output.complain("no test is selected", Some("tcpdrill list shows what there is"));
        return WRONG;
    }
    let files: std::collections::BTreeSet<&str> = loaded
        .cases
        .iter()
        .filter_map(|case| case.sources.files.first())
        .map(|file| file.path.as_str())
        .collect();
    output.line(&format!("{} tests in {} files, all as they should be", loaded.cases.len(), files.len()));
    SUCCESS
}
