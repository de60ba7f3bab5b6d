//! Targets by their names.

use crate::case::nearest;
use crate::target::bundled::BundledFactory;
use crate::target::{TargetError, TargetFactory};

use super::output::Output;
use super::{UNUSABLE, WRONG};

/// All names, for messages.
const NAMES: [&str; 2] = ["bundled", "linux"];

/// The target of a name, or the exit status after saying why there is none.
pub(super) fn open(name: &str, output: &mut Output) -> Result<Box<dyn TargetFactory>, u8> {
    match name {
        "bundled" => Ok(Box::new(BundledFactory::new())),
        "linux" => linux().map_err(|why| {
            output.complain(&format!("target {name} cannot run here: {why}"), None);
            UNUSABLE
        }),
        _ => {
            let help = match nearest(name, NAMES) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("known targets: {}", NAMES.join(", ")),
            };
            output.complain(&format!("no target {name:?}"), Some(&help));
            Err(WRONG)
        }
    }
}

/// The targets of all these names, before any runs: one may have to enter a user namespace, which threads prevent.
pub(super) fn open_all(names: &[String], output: &mut Output) -> Result<Vec<Box<dyn TargetFactory>>, u8> {
    names.iter().map(|name| open(name, output)).collect()
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
