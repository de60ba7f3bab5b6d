//! Shell commands of a case, run only where whoever runs it allows that.

use std::process::{Command, Stdio};

use crate::target::TargetError;

/// Death by a signal, as a shell counts it.
const SIGNALLED: i32 = 128;

/// Runs a command in a folder, and gives its exit status.
///
/// To be called inside the namespace.
pub(super) fn run(text: &str, folder: &str) -> Result<i32, TargetError> {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(text).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
    let status = command
        .status()
        .map_err(|error| TargetError::Unusable(format!("/bin/sh cannot be run in {folder}: {error}")))?;
    let signal = std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or(0);
    Ok(status.code().unwrap_or(SIGNALLED + signal))
}
