//! packetdrill scripts: what they read beside themselves, and how a trace carries it.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::front::Diagnostics;
use crate::front::check_size;
use crate::front::pkt::{self, Files, Options, Variant, Variants};
use crate::import::{self, Import};
use crate::trace::Header;

use super::library::{LoadError, Tree};

/// The name under which a case carries what the command line said of it.
const COMMAND_LINE: &str = "<command line>";

/// Whether a file's name says that it is a script.
pub(super) fn is_script(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "pkt")
}

/// Lowers a script. Its cases carry all that they came from: the files it read, and the options.
pub(super) fn lower(
    path: &str,
    id: &str,
    bytes: &[u8],
    options: &Options,
    files: &dyn Files,
) -> Result<Variants, Diagnostics> {
    let noted = Noted { files, read: RefCell::new(Vec::new()) };
    let mut variants = pkt::from_bytes(path, id, bytes, options, &noted)?;
    let mut texts = noted.read.into_inner();
    if *options != Options::default()
        && let Ok(text) = serde_json::to_string(options)
    {
        texts.push((COMMAND_LINE.to_owned(), text));
    }
    for case in &mut variants.cases {
        for (path, text) in &texts {
            case.sources.add(path, &Arc::from(text.as_str()));
        }
    }
    Ok(variants)
}

/// Writes the script in a file as a case, or as several: one for each variant that differs.
///
/// # Errors
/// Where the file cannot be read.
pub fn import_script(
    path: &Path,
    only: Option<Variant>,
    options: &Options,
) -> Result<Result<Import, Diagnostics>, LoadError> {
    let tree = Tree::around(path);
    let shown = path.display().to_string();
    if let Err(wrong) = check_size(&shown, tree.size(path)?) {
        return Ok(Err(wrong));
    }
    let bytes = tree.read(path)?;
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    Ok(import::import(&shown, &tree.id(path), &bytes, only, options, &Beside(folder)))
}

/// Notes what is read.
struct Noted<'a> {
    files: &'a dyn Files,
    read: RefCell<Vec<(String, String)>>,
}

impl Files for Noted<'_> {
    fn read(&self, path: &str) -> Option<String> {
        let text = self.files.read(path)?;
        self.read.borrow_mut().push((path.to_owned(), text.clone()));
        Some(text)
    }
}

/// Files on disk, as a script in this folder names them.
pub(super) struct Beside(pub(super) PathBuf);

impl Files for Beside {
    fn read(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.0.join(path)).ok()
    }
}

/// The files that a trace carries.
pub(super) struct Carried<'a>(pub(super) &'a Header);

impl Carried<'_> {
    fn text(&self, path: &str) -> Option<&str> {
        let others = self.0.sources.iter().skip(1);
        others.into_iter().find(|source| source.path == path).map(|source| source.text.as_str())
    }

    /// What the command line said when the trace was made.
    pub(super) fn options(&self) -> Result<Options, serde_json::Error> {
        self.text(COMMAND_LINE).map_or_else(|| Ok(Options::default()), serde_json::from_str)
    }
}

impl Files for Carried<'_> {
    fn read(&self, path: &str) -> Option<String> {
        self.text(path).map(str::to_owned)
    }
}
