//! Targets by their names.

use crate::case::nearest;
use crate::target::bundled::BundledFactory;
use crate::target::{TargetError, TargetFactory};

use super::output::Output;
use super::{UNUSABLE, WRONG};

/// All names, for messages.
const NAMES: [&str; 2] = ["bundled", "linux"];

/// Why there is no such target here.
pub(super) enum NoTarget {
    /// The name means nothing.
    Unknown { help: String },
    /// This machine or this build cannot run it.
    Unusable(String),
}

/// The target of a name, or the exit status after saying why there is none.
pub(super) fn open(name: &str, output: &mut Output) -> Result<Box<dyn TargetFactory>, u8> {
    find(name).map_err(|missing| match missing {
        NoTarget::Unknown { help } => {
            output.complain(&format!("no target {name:?}"), Some(&help));
            WRONG
        }
        NoTarget::Unusable(why) => {
            output.complain(&format!("target {name} cannot run here: {why}"), None);
            UNUSABLE
        }
    })
}

/// The target of a name.
pub(super) fn find(name: &str) -> Result<Box<dyn TargetFactory>, NoTarget> {
    match name {
        "bundled" => Ok(Box::new(BundledFactory::new())),
        "linux" => linux().map_err(|error| NoTarget::Unusable(error.to_string())),
        _ => Err(NoTarget::Unknown {
            help: match nearest(name, NAMES) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("known targets: {}", NAMES.join(", ")),
            },
        }),
    }
}

#[cfg(all(feature = "linux", target_os = "linux"))]
fn linux() -> Result<Box<dyn TargetFactory>, TargetError> {
    // No thread has been started yet: for an ordinary user this is the moment.
    crate::target::linux::enter_user_namespace()?;
    Ok(Box::new(crate::target::linux::LinuxFactory::new()?))
}

#[cfg(not(all(feature = "linux", target_os = "linux")))]
fn linux() -> Result<Box<dyn TargetFactory>, TargetError> {
    Err(TargetError::Unusable(
        "this build has no Linux target; it needs Linux and the feature \"linux\"".to_owned(),
    ))
}
