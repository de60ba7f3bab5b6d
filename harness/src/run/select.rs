//! Which cases are meant by the paths and the filter of a command line.

use std::path::{Path, PathBuf};

use crate::case::{glob, nearest, split_id};
use crate::front::pkt::Options;

use super::library::is_case_file;
use super::{LoadError, Loaded, Tree};

/// The folder that is meant when no path is given.
const DEFAULT_FOLDER: &str = "cases";

/// What to select.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Files, folders, ids of cases; each may end with a pattern for variants in brackets: `refused.yaml[ip=*]`.
    pub paths: Vec<String>,
    /// Part of the id.
    pub filter: Option<String>,
    /// A pattern for the variant.
    pub variant: Option<String>,
    /// What the command line says of scripts.
    pub scripts: Options,
    /// Only every N-th test, starting from the I-th (from 1): `(I, N)`.
    pub shard: Option<(usize, usize)>,
}

/// Why nothing could be selected.
#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    /// A path leads nowhere.
    #[error("{0}: no such file, folder or case")]
    NoSuchPath(String),
    /// A file is no case.
    #[error("{0}: not a case; cases end in .yaml or .yml, scripts in .pkt")]
    NotACase(String),
    /// Files could not be read.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl SelectError {
    /// What to do.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let Self::NoSuchPath(text) = self else { return None };
        let (path, _) = split_pattern(text);
        let ids = ids();
        let areas = ids.iter().filter_map(|id| id.split_once('/')).map(|(area, _)| area);
        Some(match nearest(path, ids.iter().map(String::as_str).chain(areas)) {
            Some(near) => format!("did you mean {near}?"),
            None => {
                "tcpdrill list names the tests; a path may be a file, a folder, or the beginning of an id"
                    .to_owned()
            }
        })
    }
}

/// The ids of all files that need no path: of the default folder, or of the embedded tree.
fn ids() -> Vec<String> {
    let folder = Path::new(DEFAULT_FOLDER);
    let tree = if folder.is_dir() { Tree::around(folder) } else { Tree::embedded() };
    let files = tree.files(tree.root().unwrap_or_else(|| Path::new(""))).unwrap_or_default();
    files.iter().map(|file| tree.id(file)).collect()
}

impl Selection {
    /// Loads what is selected, and the trees it comes from.
    ///
    /// # Errors
    /// Where a path leads nowhere, or files cannot be read. Cases that are wrong are no error here: see
    /// [`Loaded::invalid`].
    pub fn load(&self) -> Result<(Loaded, Vec<Tree>), SelectError> {
        let mut loaded = Loaded::default();
        let mut trees = Vec::new();
        let default = vec![DEFAULT_FOLDER.to_owned()];
        let paths = if self.paths.is_empty() { &default } else { &self.paths };
        for text in paths {
            let (path, pattern) = split_pattern(text);
            let (tree, files) = find(path, self.paths.is_empty())?;
            let tree = tree.with_scripts(self.scripts.clone());
            let mut found = Loaded::default();
            tree.load_all(&files, &mut found)?;
            for pattern in pattern.into_iter().chain(self.variant.as_deref()) {
                found.only_variant(pattern);
            }
            loaded.cases.append(&mut found.cases);
            loaded.invalid.append(&mut found.invalid);
            loaded.warnings.append(&mut found.warnings);
            if !trees.iter().any(|known: &Tree| known.root() == tree.root()) {
                trees.push(tree);
            }
        }
        if let Some(filter) = &self.filter {
            loaded.cases.retain(|case| case.id.contains(filter.as_str()));
            loaded.invalid.retain(|(id, _)| split_id(id).1.is_none() || id.contains(filter.as_str()));
        }
        if let Some((index, count)) = self.shard {
            let mut at = 0;
            loaded.cases.retain(|_| {
                at += 1;
                (at - 1) % count.max(1) == index.saturating_sub(1)
            });
        }
        Ok((loaded, trees))
    }
}

impl Loaded {
    /// Leaves out all variants but those that match a pattern. A file that is wrong as a whole stays.
    fn only_variant(&mut self, pattern: &str) {
        let matches = |id: &str| split_id(id).1.is_some_and(|variant| glob(pattern, variant));
        self.cases.retain(|case| matches(&case.id));
        self.invalid.retain(|(id, _)| split_id(id).1.is_none() || matches(id));
    }
}

/// `refused.yaml[ip=*]` is a path and a pattern of variants.
fn split_pattern(text: &str) -> (&str, Option<&str>) {
    match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
        Some((path, pattern)) if !Path::new(text).exists() => (path, Some(pattern)),
        _ => (text, None),
    }
}

/// The tree of a path and the files it means.
fn find(text: &str, is_default: bool) -> Result<(Tree, Vec<PathBuf>), SelectError> {
    let path = Path::new(text);
    if path.is_dir() {
        let tree = Tree::around(path);
        let files = tree.files(path)?;
        return Ok((tree, files));
    }
    if path.is_file() {
        if !is_case_file(path) {
            return Err(SelectError::NotACase(text.to_owned()));
        }
        return Ok((Tree::around(path), vec![path.to_path_buf()]));
    }
    if is_default {
        let tree = Tree::embedded();
        let files = tree.files(Path::new(""))?;
        return Ok((tree, files));
    }
    // An id, or the beginning of some, of the default folder or of the embedded tree.
    let means = |id: &str| id == text || id.strip_prefix(text).is_some_and(|rest| rest.starts_with('/'));
    let folder = Path::new(DEFAULT_FOLDER);
    for tree in folder.is_dir().then(|| Tree::around(folder)).into_iter().chain([Tree::embedded()]) {
        let all = tree.files(tree.root().unwrap_or_else(|| Path::new("")))?;
        let files: Vec<PathBuf> = all.into_iter().filter(|file| means(&tree.id(file))).collect();
        if !files.is_empty() {
            return Ok((tree, files));
        }
    }
    Err(SelectError::NoSuchPath(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::split_pattern;

    #[test]
    fn a_pattern_stands_in_brackets_behind_a_path() {
        assert_eq!(split_pattern("a/b.yaml[ip=v4]"), ("a/b.yaml", Some("ip=v4")));
        assert_eq!(split_pattern("a/b.yaml"), ("a/b.yaml", None));
    }
}
