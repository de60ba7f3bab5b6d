//! Where reports go: one to standard output, others into files.

use std::io;
use std::path::PathBuf;

use crate::report::{Detail, JsonReport, JunitReport, Reporter, RunEvent, Style, TapReport, TextReport};
use crate::run::{probe, write_whole};

use super::args::{ReportFormat, RunArguments};
use super::output::Output;

/// All reports of a command.
pub(super) struct Reports {
    printed: Box<dyn Reporter>,
    files: Vec<FileReport>,
}

struct FileReport {
    reporter: Box<dyn Reporter>,
    path: PathBuf,
    text: String,
}

impl Reports {
    /// What the arguments ask for; files are known to be writable then.
    pub(super) fn of(arguments: &RunArguments, output: &Output) -> Result<Self, (PathBuf, io::Error)> {
        let mut files = Vec::new();
        for (format, path) in &arguments.report {
            if let Err(error) = probe(path) {
                return Err((path.clone(), error));
            }
            let reporter = reporter(*format, arguments, Style::default(), false);
            files.push(FileReport { reporter, path: path.clone(), text: String::new() });
        }
        let printed = reporter(arguments.format, arguments, output.style(), output.is_terminal());
        Ok(Self { printed, files })
    }

    /// Tells all of them. False: nobody reads standard output any more.
    pub(super) fn tell(&mut self, event: &RunEvent<'_>, output: &mut Output) -> bool {
        for file in &mut self.files {
            file.text.push_str(&file.reporter.report(event));
        }
        output.text(&self.printed.report(event))
    }

    /// Writes the files, each whole.
    pub(super) fn save(&self) -> Result<(), (PathBuf, io::Error)> {
        for file in &self.files {
            write_whole(&file.path, file.text.as_bytes()).map_err(|error| (file.path.clone(), error))?;
        }
        Ok(())
    }
}

fn reporter(
    format: ReportFormat,
    arguments: &RunArguments,
    style: Style,
    is_terminal: bool,
) -> Box<dyn Reporter> {
    match format {
        ReportFormat::Text => {
            let detail = match (arguments.quiet, arguments.verbose) {
                (true, _) => Detail::Quiet,
                (_, true) => Detail::Verbose,
                _ => Detail::Normal,
            };
            let with_times = is_terminal || arguments.verbose;
            Box::new(TextReport::new(style, detail, with_times, arguments.captures.clone()))
        }
        ReportFormat::Json => Box::<JsonReport>::default(),
        ReportFormat::Junit => Box::<JunitReport>::default(),
        ReportFormat::Tap => Box::<TapReport>::default(),
    }
}
