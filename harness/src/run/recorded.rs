//! What a trace carries beside what happened: the case that was run.

use std::path::Path;
use std::sync::Arc;

use crate::case::Case;
use crate::front::{Library, yaml};
use crate::trace::{Header, Trace};

use super::ReplayError;
use super::scripts::{self, Carried};

/// The case that a trace carries.
///
/// # Errors
/// [`ReplayError::Misfit`] where the trace carries no case, or a wrong one.
pub fn case_of(trace: &Trace) -> Result<Case, ReplayError> {
    let header = &trace.header;
    let source = header.sources.first().ok_or_else(|| misfit("the trace carries no case"))?;
    let file = header.case.split_once('[').map_or(header.case.as_str(), |(file, _)| file);
    let text = source.text.as_bytes();
    let cases = if scripts::is_script(Path::new(&source.path)) {
        let carried = Carried(header);
        let options =
            carried.options().map_err(|error| misfit(format!("the options in the trace: {error}")))?;
        scripts::lower(&source.path, file, text, &options, &carried).map(|variants| variants.cases)
    } else {
        yaml::from_bytes(&source.path, file, text, &Recorded(header)).map(|lowered| lowered.cases)
    };
    cases
        .map_err(|mistakes| misfit(format!("the case in the trace is wrong:\n{}", mistakes.render(false))))?
        .into_iter()
        .find(|case| case.id == header.case)
        .ok_or_else(|| misfit(format!("the case in the trace has no variant {}", header.case)))
}

fn misfit(why: impl Into<String>) -> ReplayError {
    ReplayError::Misfit(why.into())
}

/// The fixtures that a trace carries. Whatever requirement its case names was known when it ran.
struct Recorded<'a>(&'a Header);

impl Library for Recorded<'_> {
    fn fixture(&self, name: &str) -> Option<(String, Arc<str>)> {
        let source = self
            .0
            .sources
            .iter()
            .skip(1)
            .find(|source| Path::new(&source.path).file_stem().is_some_and(|stem| stem == name))?;
        Some((source.path.clone(), source.text.as_str().into()))
    }

    fn fixtures(&self) -> Vec<String> {
        Vec::new()
    }

    fn has_requirement(&self, _id: &str) -> bool {
        true
    }

    fn requirements(&self) -> Vec<String> {
        Vec::new()
    }
}
