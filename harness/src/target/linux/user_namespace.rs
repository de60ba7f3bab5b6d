//! How somebody who is not root becomes one inside.

use std::fs;

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getgid, getuid};

use crate::target::TargetError;

/// Moves this process into a user namespace in which it is root, and a network namespace that belongs to it.
///
/// Must be called before the process starts a thread: the kernel refuses it to a process that has any. Does nothing for
/// root. The files a process may open stay those of the user outside, `/dev/net/tun` among them.
///
/// # Errors
/// [`TargetError::Unusable`] where this machine does not let users make namespaces, or there are threads already.
pub fn enter_user_namespace() -> Result<(), TargetError> {
    let (user, group) = (getuid(), getgid());
    if nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET).map_err(|errno| {
        TargetError::Unusable(format!(
            "a user namespace cannot be made ({errno}): run as root, or see that the system lets users make them \
             (kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns, user.max_user_namespaces)"
        ))
    })?;
    let write = |file: &str, text: String| {
        fs::write(format!("/proc/self/{file}"), text)
            .map_err(|error| TargetError::Unusable(format!("/proc/self/{file} cannot be written: {error}")))
    };
    write("setgroups", "deny".to_owned())?;
    write("uid_map", format!("0 {user} 1"))?;
    write("gid_map", format!("0 {group} 1"))
}
