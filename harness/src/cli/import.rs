//! `tcpdrill import`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::front::pkt::Options;
use crate::import::{Document, Import};
use crate::run::{import_script, write_whole};

use super::args::ImportArguments;
use super::output::Output;
use super::{SUCCESS, WRONG};

/// Writes scripts as cases; the exit status.
pub(super) fn import(arguments: &ImportArguments, output: &mut Output) -> u8 {
    let options = arguments.scripts.options();
    let imported = if arguments.path.is_dir() {
        folder(arguments, &options, output)
    } else {
        one(arguments, &options, output)
    };
    imported.unwrap_or(WRONG)
}

/// A single script. `None`: what was wrong has been told.
fn one(arguments: &ImportArguments, options: &Options, output: &mut Output) -> Option<u8> {
    let path = &arguments.path;
    let import = read(path, arguments, options, output)?;
    let target = match (&arguments.output, &arguments.out) {
        (Some(file), _) => file.clone(),
        (None, Some(folder)) => folder.join(path.file_name().unwrap_or_default()).with_extension("yaml"),
        (None, None) => {
            let [document] = import.documents.as_slice() else {
                let text = "the variants of this script differ in more than words";
                output.complain(text, Some("take one (--variant), or write them into files: -o FILE"));
                return None;
            };
            output.text(&document.text);
            return Some(SUCCESS);
        }
    };
    write(&import, &target, output).then_some(SUCCESS)
}

/// All scripts of a folder. What cannot be imported is named; the others are.
fn folder(arguments: &ImportArguments, options: &Options, output: &mut Output) -> Option<u8> {
    if arguments.output.is_some() {
        output.complain("-o is for a single script", Some("the folder of the cases: --out DIR"));
        return None;
    }
    let root = &arguments.path;
    let mut scripts = Vec::new();
    if let Err(error) = find(root, &mut scripts) {
        output.complain(&format!("{}: {error}", root.display()), None);
        return None;
    }
    if scripts.is_empty() {
        output.complain(&format!("{}: there are no .pkt files", root.display()), None);
        return None;
    }
    scripts.sort();
    let mut refused = 0;
    for script in &scripts {
        let below = script.strip_prefix(root).unwrap_or(script);
        let target = arguments.out.as_deref().unwrap_or(root).join(below).with_extension("yaml");
        match read(script, arguments, options, output) {
            Some(import) if write(&import, &target, output) => {}
            _ => refused += 1,
        }
    }
    output.line(&format!("{} of {} scripts are written as cases", scripts.len() - refused, scripts.len()));
    Some(if refused == 0 { SUCCESS } else { WRONG })
}

fn find(folder: &Path, scripts: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, scripts)?;
        } else if path.extension().is_some_and(|extension| extension == "pkt") {
            scripts.push(path);
        }
    }
    Ok(())
}

/// What a script becomes; what is wrong with it is told.
fn read(path: &Path, arguments: &ImportArguments, options: &Options, output: &mut Output) -> Option<Import> {
    match import_script(path, arguments.variant, options) {
        Ok(Ok(import)) => {
            for (_, wrong) in &import.invalid {
                let colour = output.error_style().colour;
                output.error(&wrong.render(colour));
            }
            Some(import)
        }
        Ok(Err(wrong)) => {
            let colour = output.error_style().colour;
            output.error(&wrong.render(colour));
            None
        }
        Err(error) => {
            output.complain(&error.to_string(), None);
            None
        }
    }
}

/// Writes the documents; several get the names of their variants.
fn write(import: &Import, target: &Path, output: &mut Output) -> bool {
    let is_single = import.documents.len() == 1;
    import.documents.iter().all(|document| {
        let path = if is_single { target.to_path_buf() } else { named(target, document) };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let written = folder
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| write_whole(&path, document.text.as_bytes()));
        match written {
            Ok(()) => {
                output.line(&format!("wrote {}", path.display()));
                true
            }
            Err(error) => {
                output.complain(&format!("{}: {error}", path.display()), None);
                false
            }
        }
    })
}

/// `NAME-ipv6.yaml`.
fn named(target: &Path, document: &Document) -> PathBuf {
    let stem = target.file_stem().unwrap_or_default().to_string_lossy();
    let extension = target.extension().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!("{stem}-{}.{extension}", document.variants.join("-")))
}
