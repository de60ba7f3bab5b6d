//! The ledgers of a tree of cases.

use std::path::{Path, PathBuf};

use crate::front::{Diagnostic, Diagnostics, check_size, yaml};
use crate::verdict::{Deviation, Ledger};

use super::library::is_yaml;
use super::{LoadError, Loaded, Tree};

/// The folder of ledgers in a tree.
const FOLDER: &str = "ledger";

/// Why a ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// It is wrong.
    #[error("{}", .0.render(false).trim_end())]
    Wrong(Diagnostics),
    /// It, or the tree it belongs to, cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl Tree {
    /// What the tree knows of a target; nothing, if it has no ledger of it.
    ///
    /// # Errors
    /// Where there is one that is wrong or cannot be read.
    pub fn ledger(&self, target: &str) -> Result<Ledger, LedgerError> {
        let file = self.ledger_files()?.into_iter().find(|(name, _)| name == target);
        match file {
            Some((_, path)) => self.read_ledger(target, &path),
            None => Ok(Ledger::default()),
        }
    }

    /// The targets that the tree has a ledger of.
    ///
    /// # Errors
    /// Where they cannot be listed.
    pub fn ledgers(&self) -> Result<Vec<String>, LoadError> {
        Ok(self.ledger_files()?.into_iter().map(|(target, _)| target).collect())
    }

    /// The deviations whose pattern matches no test of the whole tree. `loaded` holds tests of the tree that were
    /// read already; files are read only for patterns that match none of those.
    ///
    /// # Errors
    /// Where files cannot be read.
    pub fn stale<'l>(&self, ledger: &'l Ledger, loaded: &Loaded) -> Result<Vec<&'l Deviation>, LoadError> {
        let is_loaded = |deviation: &&Deviation| {
            loaded.cases.iter().any(|case| self.holds(case) && deviation.tests.matches(&case.id))
        };
        let unseen: Vec<&Deviation> =
            ledger.deviations.iter().filter(|deviation| !is_loaded(deviation)).collect();
        if unseen.is_empty() {
            return Ok(unseen);
        }
        let files = self.files(self.root().unwrap_or_else(|| Path::new("")))?;
        let mut stale = Vec::new();
        for deviation in unseen {
            let mut found = Loaded::default();
            for file in files.iter().filter(|file| deviation.tests.matches_file(&self.id(file))) {
                self.load(file, &mut found)?;
            }
            // The tests of a file that is wrong are not known: nothing can be said of them.
            if found.invalid.is_empty() && !found.cases.iter().any(|case| deviation.tests.matches(&case.id)) {
                stale.push(deviation);
            }
        }
        Ok(stale)
    }

    fn read_ledger(&self, target: &str, path: &Path) -> Result<Ledger, LedgerError> {
        let shown = path.display().to_string();
        check_size(&shown, self.size(path)?).map_err(LedgerError::Wrong)?;
        let bytes = self.read(path)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            LoadError::io(path, std::io::Error::new(std::io::ErrorKind::InvalidData, error))
        })?;
        yaml::ledger(&shown, target, &text).map_err(LedgerError::Wrong)
    }

    /// The target and the path of each ledger.
    fn ledger_files(&self) -> Result<Vec<(String, PathBuf)>, LoadError> {
        let mut paths = match self.root() {
            Some(root) => {
                let folder = root.join(FOLDER);
                if !folder.is_dir() {
                    return Ok(Vec::new());
                }
                let entries = std::fs::read_dir(&folder).map_err(|error| LoadError::io(&folder, error))?;
                entries
                    .map(|entry| {
                        entry.map(|entry| entry.path()).map_err(|error| LoadError::io(&folder, error))
                    })
                    .collect::<Result<Vec<_>, _>>()?
            }
            None => Self::embedded_folder(FOLDER),
        };
        paths.retain(|path| is_yaml(path));
        paths.sort();
        let name = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        Ok(paths.into_iter().filter_map(|path| Some((name(&path)?, path))).collect())
    }
}

/// Says of each stale deviation where it stands.
#[must_use]
pub fn stale_diagnostics(ledger: &Ledger, stale: &[&Deviation]) -> Diagnostics {
    let list = stale
        .iter()
        .map(|deviation| {
            Diagnostic::error(deviation.at, format!("no test of this tree matches {}", deviation.text))
                .with_help("take the entry out, or write the id as tcpdrill list shows it")
        })
        .collect();
    Diagnostics { sources: ledger.sources.clone(), list }
}
