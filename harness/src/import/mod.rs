//! packetdrill scripts, written as cases in YAML that say the same.
//!
//! A script is lowered as for a run; what comes of it is written down, with its comments; that is read and lowered
//! again; and both must be the same ([`difference`]), or nothing is written.

mod comments;
mod merge;
mod same;
mod write;

use std::sync::Arc;

use crate::case::{Capability, Case, FileId, IpVersion, Location};
use crate::front::pkt::{self, Files, Options, Variant, Variants, parse, script::Script};
use crate::front::{Diagnostic, Diagnostics, MemoryLibrary, yaml};

use merge::Column;
use write::{Parts, Yaml, literal};

pub use same::difference;

/// What came of a script.
#[derive(Clone, Debug)]
pub struct Import {
    /// One document; or one for each variant, where they differ in more than words.
    pub documents: Vec<Document>,
    /// Variants that the language itself calls wrong.
    pub invalid: Vec<(String, Diagnostics)>,
}

/// A case file.
#[derive(Clone, Debug)]
pub struct Document {
    /// The variants that it is, by name.
    pub variants: Vec<&'static str>,
    /// Its text.
    pub text: String,
}

/// Writes a script as one document, or several: `path` as it is shown, `id` as `area/name`. With `only` it is that
/// variant alone.
///
/// # Errors
/// What is wrong with the script, or cannot be said in YAML.
pub fn import(
    path: &str,
    id: &str,
    bytes: &[u8],
    only: Option<Variant>,
    options: &Options,
    files: &dyn Files,
) -> Result<Import, Diagnostics> {
    let Variants { cases, invalid } = pkt::from_bytes(path, id, bytes, options, files)?;
    let is_wanted = |id: &str| only.is_none_or(|only| id.ends_with(&format!("[{}]", only.name())));
    let cases: Vec<Case> = cases.into_iter().filter(|case| is_wanted(&case.id)).collect();
    let invalid: Vec<_> = invalid.into_iter().filter(|(id, _)| is_wanted(id)).collect();
    let Some(first) = cases.first() else {
        return Err(match invalid.into_iter().next() {
            Some((_, wrong)) => wrong,
            None => refused(path, "it does not run as this variant", "its name says which it runs as"),
        });
    };
    lacking(&cases)?;
    let script = script_of(first, path, options)?;
    let mut written = Vec::new();
    for case in &cases {
        written.push(parts(case)?);
    }
    if let Some((parts, columns)) = merge::merge(&written) {
        let text = document(&cases, &parts, &columns, &script);
        if check(&text, id, &cases).is_ok() {
            let variants = cases.iter().map(|case| variant_of(case).name()).collect();
            return Ok(Import { documents: vec![Document { variants, text }], invalid });
        }
    }
    let mut documents = Vec::new();
    for (case, parts) in cases.iter().zip(&written) {
        let alone = std::slice::from_ref(case);
        let text = document(alone, parts, &[], &script);
        check(&text, id, alone)
            .map_err(|why| refused(path, "this script cannot be written as a case", &why))?;
        documents.push(Document { variants: vec![variant_of(case).name()], text });
    }
    Ok(Import { documents, invalid })
}

fn variant_of(case: &Case) -> Variant {
    match case.ip {
        IpVersion::V4 => Variant::Ipv4,
        IpVersion::V4Mapped => Variant::Ipv4Mapped,
        IpVersion::V6 => Variant::Ipv6,
    }
}

/// A mistake that is the whole script's.
fn refused(path: &str, text: &str, help: &str) -> Diagnostics {
    let mut sources = crate::case::Sources::default();
    sources.add(path, &Arc::from(""));
    let at = Location { file: FileId(0), start: 0, end: 0 };
    Diagnostics { sources, list: vec![Diagnostic::error(at, text).with_help(help)] }
}

/// What cannot be run cannot be written either.
fn lacking(cases: &[Case]) -> Result<(), Diagnostics> {
    let Some(first) = cases.iter().find(|case| !case.lacking.is_empty()) else { return Ok(()) };
    let mistake = |lacking: &crate::case::Lacking| {
        Diagnostic::error(lacking.at, format!("{} cannot be imported", lacking.what))
            .with_help("such a script is skipped when it is run, too")
    };
    let list = first.lacking.iter().map(mistake).collect();
    Err(Diagnostics { sources: first.sources.clone(), list })
}

/// The script once more, for its comments.
fn script_of(case: &Case, path: &str, options: &Options) -> Result<Script, Diagnostics> {
    let mut definitions = variant_of(case).definitions();
    definitions.extend(options.definitions.clone());
    let definitions: Vec<(String, String)> = definitions.into_iter().collect();
    let text = case.sources.files.first().map(|file| Arc::clone(&file.text)).unwrap_or_default();
    parse::parse(path, text, &definitions).map(|(script, _)| script)
}

/// A case in parts, with what of its needs the steps do not show.
fn parts(case: &Case) -> Result<Parts, Diagnostics> {
    let refused = |(at, what): write::Refused| {
        let start = Location { file: FileId(0), start: 0, end: 0 };
        let text = format!("{what} cannot be imported");
        let help = "the language of cases has no words for it; run the script itself";
        let list = vec![Diagnostic::error(at.unwrap_or(start), text).with_help(help)];
        Diagnostics { sources: case.sources.clone(), list }
    };
    let plain = write::write(case, &[]).map_err(refused)?;
    let text = document(std::slice::from_ref(case), &plain, &[], &Script::default());
    // What is wrong with it is told later.
    let shown = lowered(&text, "a/b").ok().and_then(|cases| cases.into_iter().next()).map(|case| case.needs);
    let missing: Vec<Capability> =
        case.needs.iter().copied().filter(|need| !shown.iter().any(|shown| shown.contains(need))).collect();
    if missing.is_empty() { Ok(plain) } else { write::write(case, &missing).map_err(refused) }
}

fn lowered(text: &str, id: &str) -> Result<Vec<Case>, String> {
    let lowered = yaml::lower("imported.yaml", id, Arc::from(text), &MemoryLibrary::default());
    lowered.map(|lowered| lowered.cases).map_err(|wrong| wrong.render(false))
}

/// Whether a document says what these cases do.
fn check(text: &str, id: &str, cases: &[Case]) -> Result<(), String> {
    let read = lowered(text, id)?;
    if read.len() != cases.len() {
        return Err(format!("{} variants became {}", cases.len(), read.len()));
    }
    match cases.iter().zip(&read).find_map(|(case, read)| difference(case, read)) {
        Some(difference) => Err(difference),
        None => Ok(()),
    }
}

/// The text of a case file.
fn document(cases: &[Case], parts: &Parts, columns: &[Column], script: &Script) -> String {
    let Some(first) = cases.first() else { return String::new() };
    let empty = crate::case::SourceFile { path: String::new(), text: Arc::from("") };
    let file = first.sources.files.first().unwrap_or(&empty);
    let placed = comments::place(script, file, parts, &first.title);
    let mut lines = Vec::new();
    // Without a comment a script is called by its name.
    let title = if first.title == first.id { without_variant(&first.id) } else { &first.title };
    Yaml::Text(literal(title)).key("title", &mut lines);
    let mut out: Vec<String> = lines.iter().map(write::Line::render).collect();
    out.extend(placed.top.iter().map(|text| comments::remark(text, 0)));
    let mut lines = Vec::new();
    Yaml::Block(table(cases, columns)).key("table", &mut lines);
    out.extend(lines.iter().chain(&parts.head).map(write::Line::render));
    if parts.steps.is_empty() {
        out.push("steps: []".to_owned());
    } else {
        out.push("steps:".to_owned());
        out.extend(placed.steps(parts));
    }
    out.join("\n") + "\n"
}

/// The id of a script, of one of its variants.
fn without_variant(id: &str) -> &str {
    id.split_once('[').map_or(id, |(id, _)| id)
}

/// A row for each variant.
fn table(cases: &[Case], columns: &[Column]) -> Vec<String> {
    let mut rows = vec![vec!["name", "ip"]];
    rows[0].extend(columns.iter().map(|column| column.name.as_str()));
    for (index, case) in cases.iter().enumerate() {
        let mut row = vec![variant_of(case).name(), case.ip.name()];
        row.extend(columns.iter().filter_map(|column| column.cells.get(index)).map(String::as_str));
        rows.push(row);
    }
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.len()).max();
    let widths: Vec<usize> = (0..rows[0].len()).map(|column| width(column).unwrap_or(0)).collect();
    rows.iter()
        .map(|row| {
            let cells: Vec<String> =
                row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            cells.join(" | ").trim_end().to_owned()
        })
        .collect()
}
