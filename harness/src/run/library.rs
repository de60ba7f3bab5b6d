//! Case trees: folders of cases with their fixtures and requirements, on disk or embedded in this crate.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread;

use include_dir::{Dir, include_dir};
use serde::Deserialize;

use crate::case::Case;
use crate::front::pkt::Options;
use crate::front::{Diagnostics, LARGEST, Library, check_size, yaml};

use super::scripts::{self, Beside};
use super::side_by_side::side_by_side;

/// How the paths of embedded files begin when they are shown.
pub const EMBEDDED_ROOT: &str = "<embedded>";

/// So many files are loaded by one thread before it takes the next.
const SHARE: usize = 8;

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/embedded");

/// A requirement of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Requirement {
    /// `RFC9293/MUST-10`.
    pub id: String,
    /// `MUST`, `SHOULD NOT`, ...
    #[serde(default)]
    pub level: Option<String>,
    /// Of its RFC.
    #[serde(default)]
    pub section: Option<String>,
    /// In our words.
    #[serde(default, alias = "claim")]
    pub summary: Option<String>,
    /// Whether it shows from outside.
    #[serde(default, alias = "black_box")]
    pub testable: Testable,
    /// The requirements that this, a fault, violates.
    #[serde(default)]
    pub violates: Vec<String>,
}

impl Requirement {
    /// What it belongs to: `RFC9293`, `folklore`.
    #[must_use]
    pub fn document(&self) -> &str {
        self.id.split_once('/').map_or(self.id.as_str(), |(document, _)| document)
    }

    /// Whether it is no requirement but a fault, by which one may be violated.
    #[must_use]
    pub fn is_fault(&self) -> bool {
        !self.violates.is_empty()
    }
}

/// Whether something shows from outside, by segments and calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum Testable {
    /// It does.
    #[default]
    Yes,
    /// In part, or indirectly.
    Partially,
    /// It does not.
    No,
}

impl From<String> for Testable {
    /// The catalogue's words: `yes`, `partially`, `no`, with a remark: `no (name) / yes (effect)`.
    fn from(text: String) -> Self {
        match (text.starts_with("yes"), text.starts_with("no"), text.contains("yes")) {
            (true, ..) => Self::Yes,
            (_, true, false) => Self::No,
            _ => Self::Partially,
        }
    }
}

/// A file of the catalogue: a list, or several under headings.
#[derive(Deserialize)]
#[serde(untagged)]
enum CatalogueFile {
    List(Vec<Requirement>),
    Groups(BTreeMap<String, Vec<Requirement>>),
}

/// A tree of cases.
#[derive(Debug)]
pub struct Tree {
    /// `None`: the embedded one.
    root: Option<PathBuf>,
    /// What the command line says of scripts.
    scripts: Options,
    catalogue: OnceLock<Result<BTreeMap<String, Requirement>, String>>,
}

/// What came of loading files.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Every test of every file that is right, in the order of paths and rows.
    pub cases: Vec<Case>,
    /// Files that are wrong, or variants of scripts: the id of each and its mistakes.
    pub invalid: Vec<(String, Diagnostics)>,
    /// Warnings.
    pub warnings: Vec<Diagnostics>,
}

/// Why nothing could be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or folder could not be read.
    #[error("{path}: {error}")]
    Io {
        /// Which.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// The catalogue of requirements is broken.
    #[error("{0}")]
    Catalogue(String),
}

impl Tree {
    /// The tree that comes with this crate.
    #[must_use]
    pub fn embedded() -> Self {
        Self { root: None, scripts: Options::default(), catalogue: OnceLock::new() }
    }

    /// The tree that `path` belongs to: its root is the nearest folder upwards with `fixtures/` or `requirements/`,
    /// else the folder itself.
    #[must_use]
    pub fn around(path: &Path) -> Self {
        let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let is_root =
            |folder: &&Path| folder.join("fixtures").is_dir() || folder.join("requirements").is_dir();
        let root = folder.ancestors().filter(|folder| !folder.as_os_str().is_empty()).find(is_root);
        let absolute = || {
            let absolute = folder.canonicalize().ok()?;
            absolute.ancestors().skip(1).find(is_root).map(Path::to_path_buf)
        };
        let root = root.map(Path::to_path_buf).or_else(absolute).unwrap_or_else(|| folder.to_path_buf());
        Self { root: Some(root), scripts: Options::default(), catalogue: OnceLock::new() }
    }

    /// The same tree, with what the command line says of scripts.
    #[must_use]
    pub fn with_scripts(self, scripts: Options) -> Self {
        Self { scripts, ..self }
    }

    /// Its folder; `None` for the embedded tree.
    #[must_use]
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// Whether a test comes from a file of this tree.
    #[must_use]
    pub fn holds(&self, case: &Case) -> bool {
        let root = self.root.as_deref().unwrap_or_else(|| Path::new(EMBEDDED_ROOT));
        case.sources.files.first().is_some_and(|file| {
            let path = Path::new(&file.path);
            // Of a root and a path below it one may be relative and the other absolute.
            let whole = || Some(path.canonicalize().ok()?.starts_with(root.canonicalize().ok()?));
            path.starts_with(root) || whole().unwrap_or(false)
        })
    }

    /// The files of a folder of the embedded tree.
    pub(super) fn embedded_folder(name: &str) -> Vec<PathBuf> {
        let files = EMBEDDED.get_dir(name).map(Dir::files).into_iter().flatten();
        files.map(|file| Path::new(EMBEDDED_ROOT).join(file.path())).collect()
    }

    /// The requirements of the catalogue, by id. A tree without any has those that come with this crate.
    ///
    /// # Errors
    /// [`LoadError::Catalogue`] with file and place.
    pub fn requirements(&self) -> Result<&BTreeMap<String, Requirement>, LoadError> {
        let read = || {
            let own = self.root.as_ref().map(|root| read_catalogue(&root.join("requirements")));
            match own {
                Some(Ok(own)) if !own.is_empty() => Ok(own),
                Some(Err(error)) => Err(error),
                _ => embedded_catalogue(),
            }
        };
        self.catalogue.get_or_init(read).as_ref().map_err(|error| LoadError::Catalogue(error.clone()))
    }

    /// The id of a file: its path below the root, without extension.
    #[must_use]
    pub fn id(&self, path: &Path) -> String {
        let root = self.root.as_deref().unwrap_or_else(|| Path::new(EMBEDDED_ROOT));
        let below = path.strip_prefix(root).map(Path::to_path_buf).or_else(|error| {
            let (path, root) = (
                path.canonicalize().map_err(|_| error.clone())?,
                root.canonicalize().map_err(|_| error.clone())?,
            );
            path.strip_prefix(root).map(Path::to_path_buf)
        });
        let below = below.unwrap_or_else(|_| path.file_name().map(PathBuf::from).unwrap_or_default());
        let parts: Vec<String> = below
            .with_extension("")
            .components()
            .map(|part| part.as_os_str().to_string_lossy().into_owned())
            .collect();
        parts.join("/")
    }

    /// All case files below `folder` (of the embedded tree: all it has), in order.
    ///
    /// # Errors
    /// [`LoadError::Io`] where a folder cannot be read.
    pub fn files(&self, folder: &Path) -> Result<Vec<PathBuf>, LoadError> {
        let mut files = Vec::new();
        match &self.root {
            Some(root) => walk(folder, root, &mut files)?,
            None => walk_embedded(&EMBEDDED, &mut files),
        }
        files.sort();
        Ok(files)
    }

    /// Reads and lowers files, side by side; what comes of them is in their order.
    ///
    /// # Errors
    /// The first of [`load`](Self::load).
    pub fn load_all(&self, paths: &[PathBuf], loaded: &mut Loaded) -> Result<(), LoadError> {
        self.requirements()?;
        let processors = thread::available_parallelism().map_or(1, usize::from);
        // Many small shares: files differ in what they cost.
        let parts: Vec<&[PathBuf]> = paths.chunks(SHARE).collect();
        for part in side_by_side(&parts, processors, |part| {
            let mut loaded = Loaded::default();
            part.iter().try_for_each(|path| self.load(path, &mut loaded)).map(|()| loaded)
        }) {
            let part = part?;
            loaded.cases.extend(part.cases);
            loaded.invalid.extend(part.invalid);
            loaded.warnings.extend(part.warnings);
        }
        Ok(())
    }

    /// Reads and lowers one file.
    ///
    /// # Errors
    /// [`LoadError::Io`] where it cannot be read, [`LoadError::Catalogue`] where the catalogue cannot.
    pub fn load(&self, path: &Path, loaded: &mut Loaded) -> Result<(), LoadError> {
        self.requirements()?;
        let id = self.id(path);
        let shown = path.display().to_string();
        if let Err(mistakes) = check_size(&shown, self.size(path)?) {
            loaded.invalid.push((id, mistakes));
            return Ok(());
        }
        let bytes = self.read(path)?;
        if scripts::is_script(path) {
            self.load_script(path, id, &bytes, loaded);
            return Ok(());
        }
        match yaml::from_bytes(&shown, &id, &bytes, self) {
            Ok(lowered) => {
                loaded.cases.extend(lowered.cases);
                if !lowered.warnings.is_empty() {
                    loaded.warnings.push(lowered.warnings);
                }
            }
            Err(mistakes) => loaded.invalid.push((id, mistakes)),
        }
        Ok(())
    }

    /// Lowers a script to its variants, each for itself right or wrong.
    fn load_script(&self, path: &Path, id: String, bytes: &[u8], loaded: &mut Loaded) {
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let shown = path.display().to_string();
        match scripts::lower(&shown, &id, bytes, &self.scripts, &Beside(folder)) {
            Ok(variants) => {
                loaded.cases.extend(variants.cases);
                loaded.invalid.extend(variants.invalid);
            }
            Err(mistakes) => loaded.invalid.push((id, mistakes)),
        }
    }

    /// The length of a file in bytes.
    pub(super) fn size(&self, path: &Path) -> Result<u64, LoadError> {
        match self.root {
            Some(_) => fs::metadata(path).map(|data| data.len()).map_err(|error| LoadError::io(path, error)),
            None => Ok(0),
        }
    }

    /// The bytes of a file; never more than a case may have, and one.
    pub(super) fn read(&self, path: &Path) -> Result<Vec<u8>, LoadError> {
        if self.root.is_none() {
            let below = path.strip_prefix(EMBEDDED_ROOT).unwrap_or(path);
            return EMBEDDED
                .get_file(below)
                .map(|file| file.contents().to_vec())
                .ok_or_else(|| LoadError::io(path, io::ErrorKind::NotFound.into()));
        }
        let mut bytes = Vec::new();
        fs::File::open(path)
            .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
            .map_err(|error| LoadError::io(path, error))?;
        Ok(bytes)
    }
}

impl LoadError {
    pub(super) fn io(path: &Path, error: io::Error) -> Self {
        Self::Io { path: path.display().to_string(), error }
    }
}

impl Library for Tree {
    fn fixture(&self, name: &str) -> Option<(String, Arc<str>)> {
        let file = format!("fixtures/{name}.yaml");
        if let Some(root) = &self.root {
            let path = root.join(&file);
            if let Ok(text) = fs::read_to_string(&path) {
                return Some((path.display().to_string(), text.into()));
            }
        }
        let text = EMBEDDED.get_file(&file)?.contents_utf8()?;
        Some((format!("{EMBEDDED_ROOT}/{file}"), text.into()))
    }

    fn fixtures(&self) -> Vec<String> {
        let name = |path: &Path| Some(path.file_stem()?.to_string_lossy().into_owned());
        let mut names: Vec<String> = EMBEDDED
            .get_dir("fixtures")
            .map(|dir| dir.files().filter_map(|file| name(file.path())).collect())
            .unwrap_or_default();
        if let Some(Ok(entries)) = self.root.as_ref().map(|root| fs::read_dir(root.join("fixtures"))) {
            names.extend(entries.flatten().filter_map(|entry| name(&entry.path())));
        }
        names.sort();
        names.dedup();
        names
    }

    fn has_requirement(&self, id: &str) -> bool {
        self.requirements().is_ok_and(|known| known.contains_key(id))
    }

    fn requirements(&self) -> Vec<String> {
        Self::requirements(self).map(|known| known.keys().cloned().collect()).unwrap_or_default()
    }
}

/// Whether a file's name says that it is a case.
pub(super) fn is_case_file(path: &Path) -> bool {
    is_yaml(path) || scripts::is_script(path)
}

/// Whether a file's name says that it is YAML.
pub(super) fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// Folders of a tree's root that hold something else than cases.
pub const NOT_CASES: [&str; 3] = ["fixtures", "requirements", "ledger"];

fn walk(folder: &Path, root: &Path, files: &mut Vec<PathBuf>) -> Result<(), LoadError> {
    for entry in fs::read_dir(folder).map_err(|error| LoadError::io(folder, error))? {
        let path = entry.map_err(|error| LoadError::io(folder, error))?.path();
        let reserved = NOT_CASES.iter().any(|name| path == root.join(name));
        if path.is_dir() && !reserved {
            walk(&path, root, files)?;
        } else if path.is_file() && is_case_file(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn walk_embedded(dir: &Dir<'_>, files: &mut Vec<PathBuf>) {
    files.extend(
        dir.files().map(|file| Path::new(EMBEDDED_ROOT).join(file.path())).filter(|path| is_case_file(path)),
    );
    for inner in dir.dirs() {
        if !NOT_CASES.iter().any(|name| inner.path() == Path::new(name)) {
            walk_embedded(inner, files);
        }
    }
}

fn read_catalogue(folder: &Path) -> Result<BTreeMap<String, Requirement>, String> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(BTreeMap::new()) };
    let mut paths: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| is_yaml(path)).collect();
    paths.sort();
    let files = paths.into_iter().map(|path| {
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok((path.display().to_string(), text))
    });
    parse_catalogue(&files.collect::<Result<Vec<_>, String>>()?)
}

fn embedded_catalogue() -> Result<BTreeMap<String, Requirement>, String> {
    let files = EMBEDDED.get_dir("requirements").map(Dir::files).into_iter().flatten();
    let files: Vec<(String, &str)> = files
        .filter(|file| is_yaml(file.path()))
        .map(|file| {
            let shown = format!("{EMBEDDED_ROOT}/{}", file.path().display());
            (shown, file.contents_utf8().unwrap_or_default())
        })
        .collect();
    parse_catalogue(&files)
}

/// The requirements in files given by path, as shown, and text.
fn parse_catalogue<T: AsRef<str> + Sync>(
    files: &[(String, T)],
) -> Result<BTreeMap<String, Requirement>, String> {
    let parsed: Vec<Result<Vec<_>, _>> =
        side_by_side(files, files.len(), |(shown, text)| match serde_yaml::from_str(text.as_ref()) {
            Ok(CatalogueFile::List(entries)) => Ok(entries),
            Ok(CatalogueFile::Groups(groups)) => Ok(groups.into_values().flatten().collect()),
            Err(error) => Err(format!("{shown}: {error}")),
        });
    let mut known = BTreeMap::new();
    for ((shown, _), entries) in files.iter().zip(parsed) {
        for entry in entries? {
            let id = entry.id.clone();
            if known.insert(id.clone(), entry).is_some() {
                return Err(format!("{shown}: requirement {id} is there twice"));
            }
        }
    }
    Ok(known)
}
