//! Which cases a target would skip, without running them.

use std::collections::HashMap;

use crate::case::{Case, IpVersion, Link, Setting};
use crate::target::{TargetError, TargetFactory};

use super::RunOptions;
use super::attempt::{impossible, world_of};

/// Why each case would be skipped, or `None`, as far as shows before the first step: what the engine or the target
/// lacks, and what it refuses when it makes the case's world. Each world is made once and removed again.
///
/// # Errors
/// Where the target cannot be made at all.
pub fn foreseen_skips(
    cases: &[Case],
    factory: &dyn TargetFactory,
    options: RunOptions,
) -> Result<Vec<Option<String>>, TargetError> {
    let mut made: HashMap<(IpVersion, String), Option<String>> = HashMap::new();
    let mut why_each = Vec::with_capacity(cases.len());
    for case in cases {
        if let Some(missing) = impossible(case, factory, options) {
            why_each.push(Some(missing));
            continue;
        }
        let key = (case.ip, shape(&case.link, &case.settings));
        let why = match made.get(&key) {
            Some(why) => why.clone(),
            None => match factory.open(&world_of(case, options)) {
                Ok(target) => target.finish().map(|_| None)?,
                Err(TargetError::Missing(missing)) => Some(missing),
                Err(error) => return Err(error),
            },
        };
        made.insert(key, why.clone());
        why_each.push(why);
    }
    Ok(why_each)
}

/// What a target may refuse of a world, as a key.
fn shape(link: &Link, settings: &[Setting]) -> String {
    format!("{link:?} {settings:?}")
}
