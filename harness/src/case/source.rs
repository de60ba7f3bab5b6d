//! Where things were written.

use std::sync::Arc;

/// A file of [`Sources`], by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub usize);

/// One text a case came from: its own file, a fixture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// As the user named it.
    pub path: String,
    /// The whole text.
    pub text: Arc<str>,
}

/// All texts a case came from. The case's own file is the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// In the order they were first used.
    pub files: Vec<SourceFile>,
}

/// A stretch of text in one file, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// Which file.
    pub file: FileId,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// Where a step was written, and how the case came to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The value of the step's kind key.
    pub at: Location,
    /// The step's kind and value on one line, with names replaced: `expect: S 0:0(0) <mss 1460>`.
    pub text: String,
    /// Uses that led here, outermost first: the `given` that named the fixture.
    pub through: Vec<Location>,
    /// The table cell that supplied a part of it.
    pub cell: Option<Location>,
}

impl Sources {
    /// Adds a file once; a second call with the same path finds the first.
    pub fn add(&mut self, path: &str, text: &Arc<str>) -> FileId {
        if let Some(index) = self.files.iter().position(|file| file.path == path) {
            return FileId(index);
        }
        self.files.push(SourceFile { path: path.to_owned(), text: Arc::clone(text) });
        FileId(self.files.len() - 1)
    }

    /// The file of an id that this table gave out.
    #[must_use]
    pub fn file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0)
    }

    /// Line and column (both from 1, columns in characters) of a location's first byte.
    #[must_use]
    pub fn line_column(&self, at: Location) -> (usize, usize) {
        let Some(file) = self.file(at.file) else {
            return (1, 1);
        };
        let before = file.text.get(..at.start).unwrap_or(&file.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }

    /// `path:line:column`.
    #[must_use]
    pub fn describe(&self, at: Location) -> String {
        let (line, column) = self.line_column(at);
        let path = self.file(at.file).map_or("?", |file| file.path.as_str());
        format!("{path}:{line}:{column}")
    }
}
