//! `tcpdrill replay`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::report::Style;
use crate::run;
use crate::trace::Trace;
use crate::verdict::Verdict;

use super::args::{Format, ReplayArguments};
use super::output::Output;
use super::{FAILURE, SUCCESS, WRONG};

/// Derives the verdict of each trace again; the exit status.
pub(super) fn replay(arguments: &ReplayArguments, output: &mut Output) -> u8 {
    let mut paths = Vec::new();
    for path in &arguments.traces {
        if let Err(error) = collect(path, &mut paths) {
            output.complain(&format!("{}: {error}", path.display()), None);
            return WRONG;
        }
    }
    if paths.is_empty() {
        output.complain(
            "there is no trace",
            Some("traces end in .trace.jsonl; tcpdrill run leaves them in captures"),
        );
        return WRONG;
    }
    let mut status = SUCCESS;
    let mut same = 0;
    for path in &paths {
        match again(path) {
            Ok(replayed) => {
                let is_same = replayed.live == replayed.verdict.name();
                same += usize::from(is_same);
                if !is_same && status != WRONG {
                    status = FAILURE;
                }
                if !output.line(&show(path, &replayed, arguments.format, output.style())) {
                    return status;
                }
            }
            Err(why) => {
                output.complain(&format!("{}: {why}", path.display()), None);
                status = WRONG;
            }
        }
    }
    if arguments.format == Format::Text {
        output.line(&format!("{same} of {} traces give their live verdict again", paths.len()));
    }
    status
}

struct Replayed {
    case: String,
    verdict: Verdict,
    /// The verdict when it ran.
    live: String,
}

/// The traces below a folder; of a file, itself.
pub(super) fn collect(path: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        fs::metadata(path)?;
        paths.push(path.to_path_buf());
        return Ok(());
    }
    let mut entries: Vec<PathBuf> =
        fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    entries.sort();
    for entry in entries {
        if entry.is_dir() || entry.to_string_lossy().ends_with(".trace.jsonl") {
            collect(&entry, paths)?;
        }
    }
    Ok(())
}

fn again(path: &Path) -> Result<Replayed, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let trace = Trace::from_text(&text).map_err(|error| error.to_string())?;
    let case = run::case_of(&trace).map_err(|error| error.to_string())?;
    let report = run::replay(&case, &trace).map_err(|error| error.to_string())?;
    let live = trace.verdict().ok_or("the trace ends before its verdict")?.to_owned();
    Ok(Replayed { case: case.id, verdict: report.verdict, live })
}

fn show(path: &Path, replayed: &Replayed, format: Format, style: Style) -> String {
    let verdict = replayed.verdict.name();
    if format == Format::Json {
        return serde_json::json!({
            "trace": path.display().to_string(),
            "case": replayed.case,
            "verdict": verdict,
            "live": replayed.live,
        })
        .to_string();
    }
    let is_same = replayed.live == verdict;
    let live = &replayed.live;
    let word = if is_same { style.good(verdict) } else { style.bad(format!("{verdict}, was {live}")) };
    let first = replayed.verdict.mismatches().first().map(|mismatch| format!("  {}", mismatch.problem));
    format!("{word}  {}{}", replayed.case, first.unwrap_or_default())
}
