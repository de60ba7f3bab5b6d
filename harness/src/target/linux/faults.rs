//! How failures of the system become errors of the target.

use std::io;

use crate::target::TargetError;

/// Something that worked before, or cannot fail, failed.
pub(super) fn broken(what: impl std::fmt::Display) -> TargetError {
    TargetError::Broken(what.to_string())
}

/// A step of building the target failed.
pub(super) fn out_of_files(what: &str, error: &io::Error) -> TargetError {
    match error.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE) => TargetError::Unusable(format!(
            "{what}: too many open files; a case needs about ten: raise the limit (ulimit -n) or run fewer at once \
             (--jobs)"
        )),
        Some(libc::EAGAIN | libc::ENOMEM | libc::ENOSPC) => TargetError::Unusable(format!(
            "{what}: {error}; the machine is out of threads, memory or namespaces: run fewer cases at once (--jobs)"
        )),
        _ => TargetError::Unusable(format!("{what}: {error}")),
    }
}
