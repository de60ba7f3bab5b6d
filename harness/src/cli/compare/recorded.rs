//! Two recorded runs, or two folders of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::case::Case;
use crate::compare::Side;
use crate::engine::Report;
use crate::report::{CompareFinding, Compared};
use crate::run;
use crate::trace::Trace;

use super::super::WRONG;
use super::super::args::CompareArguments;
use super::super::replay::collect;
use super::Session;

/// How the names of traces end.
const ENDING: &str = ".trace.jsonl";

/// Whether the paths are traces, and no targets are named.
pub(super) fn are_meant(arguments: &CompareArguments) -> bool {
    let paths = &arguments.select.paths;
    arguments.targets.is_empty() && !paths.is_empty() && paths.iter().any(|path| is_recorded(Path::new(path)))
}

/// Whether a path is a trace or a folder that has one.
fn is_recorded(path: &Path) -> bool {
    let is_trace = |path: &Path| path.to_string_lossy().ends_with(ENDING);
    if path.is_dir() {
        let mut found = Vec::new();
        return collect(path, &mut found).is_ok() && !found.is_empty();
    }
    is_trace(path)
}

pub(super) fn compare(mut session: Session<'_>) -> u8 {
    let paths = &session.arguments.select.paths;
    let [a, b] = paths.as_slice() else {
        let text = format!("two traces are compared, or two folders of traces, not {}", paths.len());
        session.output.complain(&text, None);
        return WRONG;
    };
    if session.arguments.select.filter.is_some() || session.arguments.select.shard.is_some() {
        session.output.complain("--filter and --shard select cases, not traces", None);
        return WRONG;
    }
    let pairs = match (named(Path::new(a)), named(Path::new(b))) {
        (Ok(one), Ok(other)) => join(one, other),
        (Err(why), _) | (_, Err(why)) => {
            session.output.complain(&why, Some("tcpdrill run leaves traces in captures"));
            return WRONG;
        }
    };
    session.is_single = pairs.len() == 1;
    for (one, other) in pairs.values() {
        match pair(&mut session, (a, one.as_deref()), (b, other.as_deref())) {
            Ok(true) => {}
            Ok(false) => break,
            Err(why) => {
                session.tally.invalid += 1;
                session.output.complain(&why, None);
            }
        }
    }
    session.conclude((a, b))
}

type Pairs = BTreeMap<PathBuf, (Option<PathBuf>, Option<PathBuf>)>;

/// The traces of a path by their names below it; of a file by none.
fn named(path: &Path) -> Result<Vec<(PathBuf, PathBuf)>, String> {
    let mut found = Vec::new();
    collect(path, &mut found).map_err(|error| format!("{}: {error}", path.display()))?;
    if found.is_empty() {
        return Err(format!("{}: there is no trace", path.display()));
    }
    let name = |file: &PathBuf| file.strip_prefix(path).map(Path::to_path_buf).unwrap_or_default();
    Ok(found.into_iter().map(|file| (name(&file), file)).collect())
}

fn join(one: Vec<(PathBuf, PathBuf)>, other: Vec<(PathBuf, PathBuf)>) -> Pairs {
    let mut pairs = Pairs::new();
    for (name, file) in one {
        pairs.entry(name).or_default().0 = Some(file);
    }
    for (name, file) in other {
        pairs.entry(name).or_default().1 = Some(file);
    }
    pairs
}

/// Compares the two traces of one name, each with the path it was found by. False: nobody reads any more.
fn pair(
    session: &mut Session<'_>,
    (a, one): (&str, Option<&Path>),
    (b, other): (&str, Option<&Path>),
) -> Result<bool, String> {
    let one = one.map(Recorded::read).transpose()?;
    let other = other.map(Recorded::read).transpose()?;
    let (Some(one), Some(other)) = (&one, &other) else {
        let (present, lacking) = if one.is_some() { (&one, b) } else { (&other, a) };
        let Some(present) = present else { return Ok(true) };
        let finding = CompareFinding::Skipped(format!("{lacking} has no trace of it"));
        let verdict = present.report.verdict.name();
        let verdicts = if one.is_some() { (verdict, "none") } else { ("none", verdict) };
        return Ok(session.tell(&Compared {
            case: &present.case,
            names: (a, b),
            verdicts,
            finding: &finding,
        }));
    };
    let text = |recorded: &Recorded| -> Vec<String> {
        recorded.trace.header.sources.iter().map(|source| source.text.clone()).collect()
    };
    if one.case.id != other.case.id || text(one) != text(other) {
        let (a, b) = (&one.path, &other.path);
        return Err(format!("{a} and {b} are no runs of the same case: only those can be compared"));
    }
    let names = names(one, other);
    let (a, b) = (one.side(&names.0), other.side(&names.1));
    let finding = session.finding(&one.case, a, b, None);
    let verdicts = (one.report.verdict.name(), other.report.verdict.name());
    let names = (names.0.as_str(), names.1.as_str());
    Ok(session.tell(&Compared { case: &one.case, names, verdicts, finding: &finding }))
}

/// What two runs are called: by their targets if these differ, else A and B.
fn names(one: &Recorded, other: &Recorded) -> (String, String) {
    let (a, b) = (&one.trace.header, &other.trace.header);
    if a.target != b.target {
        return (a.target.clone(), b.target.clone());
    }
    if a.version != b.version {
        return (format!("{} {}", a.target, a.version), format!("{} {}", b.target, b.version));
    }
    ("A".to_owned(), "B".to_owned())
}

/// A run that was recorded.
struct Recorded {
    path: String,
    case: Case,
    trace: Trace,
    report: Report,
}

impl Recorded {
    fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display().to_string();
        let read = || {
            let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
            let trace = Trace::from_text(&text).map_err(|error| error.to_string())?;
            let case = run::case_of(&trace).map_err(|error| error.to_string())?;
            let report = run::replay(&case, &trace).map_err(|error| error.to_string())?;
            Ok::<_, String>((case, trace, report))
        };
        let (case, trace, report) = read().map_err(|why| format!("{shown}: {why}"))?;
        Ok(Self { path: shown, case, trace, report })
    }

    fn side<'r>(&'r self, name: &'r str) -> Side<'r> {
        Side { name, report: &self.report, trace: Some(&self.trace) }
    }
}
