//! Names that a file gives and never uses: not wrong, but a slip of the hand as often as not.

use std::collections::BTreeSet;

use crate::case::Location;

use super::document::Document;
use super::replace::longest_name;
use super::report::Report;
use super::table;
use super::text::Text;
use super::tree::{Node, Value};

/// Names that mean something without being written.
const IMPLIED: [&str; 3] = ["ip", "mtu", "mss"];

/// A name and how it could be used.
struct Given {
    name: String,
    at: Location,
    help: String,
}

/// Warns of every name of a file that nothing in it uses.
pub(super) fn warn(root: &Node, document: &Document, report: &mut Report) {
    let mut given = texts(document);
    kept(root, &mut given);
    let mut used = BTreeSet::new();
    let names: BTreeSet<&str> = given.iter().map(|one| one.name.as_str()).collect();
    uses(root, "", &names, &mut used);
    if let Some(grid) = &document.grid {
        used.extend(table::cells_of(grid).into_iter().filter_map(|cell| names.get(cell).copied()));
    }
    for one in &given {
        if !used.contains(one.name.as_str()) {
            report.warn_help(one.at, format!("\"{}\" is never used", one.name), &one.help);
        }
    }
}

/// `let`, `matrix` and columns. Parameters are not meant: fixtures that stand for each other take the same ones.
fn texts(document: &Document) -> Vec<Given> {
    let lets = document.texts.iter().map(|(name, at, _)| (name.clone(), *at));
    let matrix = document.matrix.iter().map(|(name, at, _)| (name.clone(), *at));
    let columns = document.table.iter().flat_map(table::columns_of);
    let cell = document.grid.iter().map(|grid| ("cell".to_owned(), grid.at(0..1)));
    lets.chain(matrix.filter(|(name, _)| !IMPLIED.contains(&name.as_str())))
        .chain(columns.filter(|(name, _)| name != "name" && !IMPLIED.contains(&name.as_str())))
        .chain(cell)
        .map(|(name, at)| Given { help: format!("use it as ${name}, or remove it"), name, at })
        .collect()
}

/// Names given by `as`.
fn kept(node: &Node, given: &mut Vec<Given>) {
    match &node.value {
        Value::Scalar(_) => {}
        Value::List(items) => items.iter().for_each(|item| kept(item, given)),
        Value::Map(entries) => {
            for entry in entries {
                match entry.node.text() {
                    Some(text) if entry.key == "as" && !text.as_str().contains('$') => given.push(Given {
                        name: text.as_str().to_owned(),
                        at: text.whole(),
                        help: "use it in a value, an assert or since, or remove it".to_owned(),
                    }),
                    _ => kept(&entry.node, given),
                }
            }
        }
    }
}

/// All names that the values of a file use. A name counts wherever it could be meant.
fn uses<'n>(node: &'n Node, key: &str, names: &BTreeSet<&'n str>, used: &mut BTreeSet<&'n str>) {
    match &node.value {
        Value::Scalar(text) => used_in(text, key, names, used),
        Value::List(items) => items.iter().for_each(|item| uses(item, key, names, used)),
        Value::Map(entries) => entries.iter().for_each(|entry| uses(&entry.node, &entry.key, names, used)),
    }
}

fn used_in<'n>(text: &'n Text, key: &str, names: &BTreeSet<&'n str>, used: &mut BTreeSet<&'n str>) {
    let source = text.as_str();
    for (at, _) in source.match_indices('$') {
        used.extend(longest_name(&source[at + 1..], |name| names.contains(name)));
    }
    let expression = match key {
        "assert" | "that" | "since" => Some(source),
        _ => source.find("$(").map(|at| &source[at..]),
    };
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    for word in expression.unwrap_or_default().split(|c| !is_part(c)) {
        used.extend(names.get(word).copied());
    }
}
