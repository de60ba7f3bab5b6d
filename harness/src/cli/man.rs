//! `tcpdrill man` and `tcpdrill completions`: what follows from the arguments.

use std::fs;
use std::path::Path;

use clap::CommandFactory;

use super::args::{Arguments, CompletionsArguments, ManArguments};
use super::output::Output;
use super::{SUCCESS, WRONG};

/// Writes a shell's completions; the exit status.
pub(super) fn completions(arguments: &CompletionsArguments, output: &mut Output) -> u8 {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "tcpdrill", &mut text);
    output.line(String::from_utf8_lossy(&text).trim_end());
    SUCCESS
}

/// Writes the manual page, or all of them into a folder; the exit status.
pub(super) fn man(arguments: &ManArguments, output: &mut Output) -> u8 {
    let Some(folder) = &arguments.folder else {
        let mut text = Vec::new();
        return match clap_mangen::Man::new(Arguments::command()).render(&mut text) {
            Ok(()) => {
                output.line(String::from_utf8_lossy(&text).trim_end());
                SUCCESS
            }
            Err(error) => refused(Path::new("tcpdrill.1"), &error, output),
        };
    };
    // What clap adds by itself needs no page.
    let command = Arguments::command().disable_help_subcommand(true);
    match fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder)) {
        Ok(()) => {
            output.line(&format!("the manual pages are in {}", folder.display()));
            SUCCESS
        }
        Err(error) => refused(folder, &error, output),
    }
}

fn refused(path: &Path, error: &std::io::Error, output: &mut Output) -> u8 {
    output.complain(&format!("{} cannot be written: {error}", path.display()), None);
    WRONG
}
