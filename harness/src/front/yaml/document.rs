//! The keys of a file: a case or a fixture.

use crate::case::{FileId, Location, nearest};

use super::report::{Lowers, Phase, Report, Reported};
use super::shape::{self, Shape, is_name, list, map, not_a_name, scalar, wrong_type};
use super::text::Text;
use super::tree::{Entry, Node, Value};

/// A file, its keys sorted out. Values are as written.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) title: Text,
    pub(super) why: Option<Text>,
    pub(super) covers: Vec<Text>,
    pub(super) tags: Vec<Text>,
    pub(super) needs: Vec<Text>,
    pub(super) matrix: Vec<(String, Location, Vec<Text>)>,
    pub(super) table: Option<Text>,
    pub(super) grid: Option<Text>,
    /// `let` of a case, `params` of a fixture.
    pub(super) texts: Vec<(String, Location, Text)>,
    pub(super) params: Vec<(String, Location, Text)>,
    pub(super) exports: Vec<Text>,
    pub(super) flows: Vec<Entry>,
    pub(super) set: Option<Node>,
    pub(super) link: Option<Node>,
    pub(super) given: Vec<Text>,
    pub(super) steps: Vec<Shape>,
    pub(super) packetdrill: Option<Node>,
}

/// Whether a file is a case or a fixture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Case,
    Fixture,
}

pub(super) const COMMON: [&str; 6] = ["title", "why", "needs", "let", "given", "steps"];
pub(super) const CASE: [&str; 9] =
    ["covers", "tags", "matrix", "table", "grid", "flows", "set", "link", "packetdrill"];
pub(super) const FIXTURE: [&str; 2] = ["params", "exports"];

/// Sorts out the keys of a file.
pub(super) fn document(root: &Node, file: FileId, role: Role, report: &mut Report) -> Lowers<Document> {
    let Value::Map(entries) = &root.value else {
        return Err(wrong_type(root, "a case", "a map", report));
    };
    let start = Location { file, start: 0, end: 0 };
    let mut out = Document {
        title: Text::empty(start),
        why: None,
        covers: Vec::new(),
        tags: Vec::new(),
        needs: Vec::new(),
        matrix: Vec::new(),
        table: None,
        grid: None,
        texts: Vec::new(),
        params: Vec::new(),
        exports: Vec::new(),
        flows: Vec::new(),
        set: None,
        link: None,
        given: Vec::new(),
        steps: Vec::new(),
        packetdrill: None,
    };
    let mut failed = false;
    for entry in entries {
        failed |= key(entry, role, &mut out, report).is_err();
    }
    for wanted in ["title", "steps"] {
        let is_known = |key: &str| COMMON.contains(&key) || CASE.contains(&key) || FIXTURE.contains(&key);
        // A key that was mistyped is reported as that.
        let is_meant = |key: &str| key == wanted || !is_known(key) && nearest(key, [wanted]).is_some();
        if !entries.iter().any(|entry| is_meant(&entry.key)) {
            report.error(Phase::Keys, start, format!("{wanted} is missing"));
            failed = true;
        }
    }
    if let (Some(_), Some(grid)) = (&out.table, &out.grid) {
        report.error(Phase::Keys, grid.whole(), "table and grid exclude each other");
        failed = true;
    }
    if failed { Err(Reported) } else { Ok(out) }
}

fn key(entry: &Entry, role: Role, out: &mut Document, report: &mut Report) -> Lowers<()> {
    let own: &[&str] = match role {
        Role::Case => &CASE,
        Role::Fixture => &FIXTURE,
    };
    let other: &[&str] = match role {
        Role::Case => &FIXTURE,
        Role::Fixture => &CASE,
    };
    let name = entry.key.as_str();
    if other.contains(&name) {
        let text = match role {
            Role::Case => format!("{name} belongs to fixtures only"),
            Role::Fixture => format!("{name} does not belong to a fixture"),
        };
        return Err(report.error(Phase::Keys, entry.key_at, text));
    }
    if !COMMON.contains(&name) && !own.contains(&name) {
        shape::unknown_key(entry, COMMON.iter().chain(own).copied(), report);
        return Err(Reported);
    }
    value(name, &entry.node, out, report)
}

fn value(name: &str, node: &Node, out: &mut Document, report: &mut Report) -> Lowers<()> {
    match name {
        "title" => {
            let text = scalar(node, name, report)?;
            if text.as_str().is_empty() {
                return Err(report.error(Phase::Keys, node.at, "title is missing"));
            }
            out.title = text.clone();
        }
        "why" => out.why = Some(scalar(node, name, report)?.clone()),
        "covers" => out.covers = texts(node, name, report)?,
        "tags" => out.tags = texts(node, name, report)?,
        "needs" => out.needs = texts(node, name, report)?,
        "exports" => out.exports = texts(node, name, report)?,
        "matrix" => {
            for entry in map(node, name, report)? {
                named(entry, report)?;
                let values = texts(&entry.node, "a list of the matrix", report)?;
                if values.is_empty() {
                    return Err(wrong_type(&entry.node, &entry.key, "at least one value", report));
                }
                out.matrix.push((entry.key.clone(), entry.key_at, values));
            }
        }
        "table" => out.table = Some(block(node, name, report)?),
        "grid" => out.grid = Some(block(node, name, report)?),
        "let" => out.texts = named_texts(node, name, report)?,
        "params" => out.params = named_texts(node, name, report)?,
        "flows" => out.flows = map(node, name, report)?.to_vec(),
        "set" => {
            map(node, name, report)?;
            out.set = Some(node.clone());
        }
        "link" => {
            map(node, name, report)?;
            out.link = Some(node.clone());
        }
        "packetdrill" => {
            map(node, name, report)?;
            out.packetdrill = Some(node.clone());
        }
        "given" => {
            out.given = match &node.value {
                Value::List(_) => texts(node, name, report)?,
                Value::Scalar(text) => vec![text.clone()],
                Value::Map(_) => {
                    return Err(wrong_type(node, name, "a fixture or a list of them", report));
                }
            }
        }
        _ => out.steps = shape::steps(node, report)?,
    }
    Ok(())
}

fn texts(node: &Node, key: &str, report: &mut Report) -> Lowers<Vec<Text>> {
    list(node, key, report)?.iter().map(|item| scalar(item, key, report).cloned()).collect()
}

fn named(entry: &Entry, report: &mut Report) -> Lowers<()> {
    if is_name(&entry.key, true) { Ok(()) } else { Err(not_a_name(entry.key_at, &entry.key, true, report)) }
}

fn named_texts(node: &Node, key: &str, report: &mut Report) -> Lowers<Vec<(String, Location, Text)>> {
    map(node, key, report)?
        .iter()
        .map(|entry| {
            named(entry, report)?;
            let text = scalar(&entry.node, key, report)?.clone();
            Ok((entry.key.clone(), entry.key_at, text))
        })
        .collect()
}

/// The text of a table or grid.
fn block(node: &Node, key: &str, report: &mut Report) -> Lowers<Text> {
    let text = scalar(node, key, report)?;
    if text.as_str().trim().is_empty() {
        return Err(report.error_help(
            Phase::Keys,
            node.at,
            format!("the {key} is empty"),
            format!("write {key}: | and the lines below it, indented"),
        ));
    }
    Ok(text.clone())
}
