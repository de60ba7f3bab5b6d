//! How somebody who is not root becomes one inside.

use std::fs;

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getgid, getuid};

use crate::target::TargetError;

/// What could not be done, and why.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) doing: String,
    pub(super) errno: Errno,
}

/// Moves this process into a user namespace in which it is root, and a network namespace that belongs to it.
///
/// Must be called before the process starts a thread: the kernel refuses it to a process that has any. Does nothing for
/// root. The files a process may open stay those of the user outside, `/dev/net/tun` among them.
///
/// # Errors
/// [`TargetError::Unusable`] where this machine does not let users make namespaces, or there are threads already.
pub fn enter_user_namespace() -> Result<(), TargetError> {
    enter().map_err(|Refused { doing, errno }| {
        TargetError::Unusable(format!(
            "{doing} failed ({errno}): run as root, or see that the system lets users make user namespaces (tcpdrill \
             doctor looks into it)"
        ))
    })
}

/// The same, for who wants to know what was refused.
pub(super) fn enter() -> Result<(), Refused> {
    let (user, group) = (getuid(), getgid());
    if nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET)
        .map_err(|errno| Refused { doing: "making a user namespace".to_owned(), errno })?;
    let write = |file: &str, text: String| {
        fs::write(format!("/proc/self/{file}"), text).map_err(|error| Refused {
            doing: format!("writing /proc/self/{file}"),
            errno: Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)),
        })
    };
    write("setgroups", "deny".to_owned())?;
    write("uid_map", format!("0 {user} 1"))?;
    write("gid_map", format!("0 {group} 1"))
}
