//! What a run leaves on disk: a capture and a trace, each written whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::case::Case;
use crate::trace::capture;

use super::CaseRun;

/// Where a run's files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The pcapng file.
    pub capture: PathBuf,
    /// The trace.
    pub trace: PathBuf,
}

/// The path of a case's files below a target's folder, without extension; characters that file systems dislike
/// become `_`. Repeats after the first carry their number.
#[must_use]
pub fn capture_name(id: &str, repeat: u32) -> String {
    let mut name: String = id
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '=' | '/' | '-') { c } else { '_' })
        .collect();
    if repeat > 1 {
        name.push_str(&format!(".{repeat}"));
    }
    name
}

/// Writes capture and trace of a run below `folder`.
///
/// # Errors
/// Where a folder or file cannot be written.
pub fn save(folder: &Path, case: &Case, run: &CaseRun, repeat: u32) -> io::Result<Option<Saved>> {
    let Some(trace) = &run.trace else { return Ok(None) };
    let stem = folder.join(&trace.header.target).join(capture_name(&case.id, repeat));
    let with = |extension: &str| {
        let mut name = stem.clone().into_os_string();
        name.push(extension);
        PathBuf::from(name)
    };
    let saved = Saved { capture: with(".pcapng"), trace: with(".trace.jsonl") };
    let bytes = capture::render(case, &trace.header, &run.report).map_err(io::Error::other)?;
    if let Some(parent) = saved.capture.parent() {
        fs::create_dir_all(parent)?;
    }
    write_whole(&saved.capture, &bytes)?;
    write_whole(&saved.trace, trace.to_text().as_bytes())?;
    Ok(Some(saved))
}

/// Finds out whether a file can be written, without leaving one.
///
/// # Errors
/// Where it cannot.
pub fn probe(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let partial = partial(path);
    fs::write(&partial, b"").and_then(|()| fs::remove_file(&partial))
}

fn partial(path: &Path) -> PathBuf {
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".{}.partial", std::process::id()));
    PathBuf::from(partial)
}

/// The file appears complete under its name, or not at all.
///
/// # Errors
/// Where it cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = partial(path);
    let written = fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        // Nothing more can be done about the partial file than to try.
        let _ = fs::remove_file(&partial);
    }
    written
}
