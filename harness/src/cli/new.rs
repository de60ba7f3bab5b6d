//! `tcpdrill new`: a case to begin with.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::front::yaml;
use crate::run::{NOT_CASES, Tree};

use super::args::NewArguments;
use super::output::Output;
use super::{SUCCESS, WRONG};

/// What the case states without `--title`, and its text.
const SERVER: (&str, &str) =
    ("data that arrives in order is acknowledged and can be read", include_str!("new/server.yaml"));
const CLIENT: (&str, &str) =
    ("data is sent at once, and not again once it is acknowledged", include_str!("new/client.yaml"));

/// How editors find what a case may say.
const SCHEMA: &str = "case.schema.json";

/// Why nothing was written, and what to do.
struct Refusal {
    text: String,
    help: Option<String>,
}

/// Writes a case that passes; the exit status.
pub(super) fn new(arguments: &NewArguments, output: &mut Output) -> u8 {
    let (usual, template) = if arguments.client { CLIENT } else { SERVER };
    let title = arguments.title.as_deref().unwrap_or(usual);
    match write(&arguments.path, title, template, output) {
        Ok(lines) => {
            lines.iter().all(|line| output.line(line));
            SUCCESS
        }
        Err(Some(Refusal { text, help })) => {
            output.complain(&text, help.as_deref());
            WRONG
        }
        Err(None) => WRONG,
    }
}

/// Writes the case, and the schema if editors would find none: what to tell the user. `None`: it has been told.
fn write(
    path: &Path,
    title: &str,
    template: &str,
    output: &mut Output,
) -> Result<Vec<String>, Option<Refusal>> {
    let shown = path.display();
    let absolute = absolute(path).map_err(|error| unwritable(path, &error))?;
    let tree = Tree::around(&absolute);
    let id = id(path, &absolute, &tree)?;
    let (schema, is_there) = schema(path, &absolute, &tree);
    let text = template.replacen("SCHEMA", &relative(&schema, &absolute), 1).replacen(
        "TITLE",
        &title_in_yaml(title)?,
        1,
    );
    // A tree may have a fixture of its own that has the name of ours.
    if let Err(mistakes) = yaml::from_bytes(&shown.to_string(), &id, text.as_bytes(), &tree) {
        let colour = output.error_style().colour;
        output.error(&mistakes.render(colour));
        return Err(None);
    }
    create(path, &text).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Some(Refusal {
            text: format!("{shown} is there already"),
            help: Some("nothing was written; choose another name".to_owned()),
        }),
        _ => unwritable(path, &error),
    })?;
    let mut lines = vec![format!("{shown}: a case that passes; its comments say how to go on")];
    if !is_there {
        create(&schema, &format!("{:#}\n", yaml::case_schema()))
            .map_err(|error| unwritable(&schema, &error))?;
        lines.push(format!("{}: what editors complete and check it with", schema_shown(&schema).display()));
    }
    lines.push(String::new());
    lines.push(format!("tcpdrill check {shown}    say what is wrong with it"));
    lines.push(format!("tcpdrill run {shown}      run it on the bundled stack; on Linux: --target linux"));
    Ok(lines)
}

fn unwritable(path: &Path, error: &io::Error) -> Option<Refusal> {
    Some(Refusal { text: format!("{} cannot be written: {error}", path.display()), help: None })
}

/// The path from the root of the file system, of which the last folders may not be there yet.
fn absolute(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let there = path.ancestors().find(|folder| folder.is_dir()).unwrap_or(&path);
    let rest = path.strip_prefix(there).unwrap_or(Path::new(""));
    Ok(there.canonicalize()?.join(rest))
}

/// The id that the file's case has: an area and a name.
fn id(path: &Path, absolute: &Path, tree: &Tree) -> Result<String, Option<Refusal>> {
    let shown = path.display();
    let refuse = |text: String| Some(Refusal { text, help: Some("e.g. cases/mine/first.yaml".to_owned()) });
    if path.extension().is_none_or(|extension| extension != "yaml") {
        return Err(refuse(format!("{shown}: the file of a case ends in .yaml")));
    }
    let id = if root(tree).is_some() {
        tree.id(absolute)
    } else {
        let bare = absolute.with_extension("");
        let mut parts: Vec<_> = bare.iter().rev().take(2).map(|part| part.to_string_lossy()).collect();
        parts.reverse();
        parts.join("/")
    };
    let parts: Vec<&str> = id.split('/').collect();
    if parts.len() < 2 {
        return Err(refuse(format!("{shown}: a case is in the folder of its area, below that of all cases")));
    }
    if NOT_CASES.contains(&parts[0]) {
        return Err(refuse(format!("{shown}: {} holds no cases", parts[0])));
    }
    if let Some(part) = parts.iter().find(|part| !is_word(part)) {
        let words = "areas and names are words of small letters, digits and -";
        return Err(refuse(format!("{shown}: {part:?} cannot be part of an id; {words}")));
    }
    Ok(id)
}

/// The root of a tree that has one; a folder with nothing but cases does not show it.
fn root(tree: &Tree) -> Option<&Path> {
    tree.root().filter(|root| NOT_CASES.iter().any(|name| root.join(name).is_dir()))
}

fn is_word(part: &str) -> bool {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    part.starts_with(letter) && part.chars().all(|c| letter(c) || c == '-')
}

/// The schema nearest to a file, and whether it is there. If not, where it goes: where the areas are, as far as that
/// is known.
fn schema(path: &Path, absolute: &Path, tree: &Tree) -> (PathBuf, bool) {
    let places = |folder: &Path| {
        [folder.join(SCHEMA), folder.join("docs").join(SCHEMA)].into_iter().find(|p| p.is_file())
    };
    if let Some(schema) = absolute.ancestors().skip(1).find_map(places) {
        return (schema, true);
    }
    // A name alone says nothing of the folder above this one.
    let ups = if path.components().count() > 2 { 2 } else { 1 };
    let folder = root(tree).or_else(|| absolute.ancestors().nth(ups)).unwrap_or(absolute);
    (folder.join(SCHEMA), false)
}

/// As the user would name it.
fn schema_shown(schema: &Path) -> &Path {
    let here = std::env::current_dir().and_then(fs::canonicalize);
    here.ok().and_then(|here| schema.strip_prefix(here).ok()).unwrap_or(schema)
}

/// How a file names another one, in a folder above its own or beside one.
fn relative(to: &Path, from: &Path) -> String {
    let folders = from.ancestors().skip(1);
    for (ups, folder) in folders.enumerate() {
        if let Ok(below) = to.strip_prefix(folder) {
            let below = below.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
            return format!("{}{below}", "../".repeat(ups));
        }
    }
    to.display().to_string()
}

/// A title as YAML writes it, quoted where it has to be.
fn title_in_yaml(title: &str) -> Result<String, Option<Refusal>> {
    if title.trim().is_empty() || title.chars().any(char::is_control) {
        let text = format!("the title {title:?} is not a sentence on one line");
        return Err(Some(Refusal { text, help: None }));
    }
    match serde_yaml::to_string(title) {
        Ok(text) => Ok(text.trim_end().to_owned()),
        Err(error) => Err(Some(Refusal { text: format!("the title {title:?}: {error}"), help: None })),
    }
}

/// Writes a file that must not be there yet.
fn create(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}
