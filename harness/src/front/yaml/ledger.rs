//! Ledgers: what is known of a target, written in YAML.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::case::{Location, TestPattern, nearest};
use crate::front::{Diagnostics, check_size};
use crate::verdict::{Comparison, Condition, Deviation, DeviationKind, Ledger, Version};

use super::cursor::Cursor;
use super::report::{Fault, Lowers, Parse, Phase, Report, Reported};
use super::shape::{list, map, scalar, unknown_key};
use super::text::Text;
use super::tree::{self, Node};

const KEYS: [&str; 2] = ["verified", "deviations"];
const DEVIATION_KEYS: [&str; 5] = ["tests", "kind", "condition", "reason", "link"];

/// Reads the ledger of a target: `path` as it is shown.
///
/// # Errors
/// What is wrong with it: all mistakes of the first order of reading that has any.
pub fn ledger(path: &str, target: &str, text: &str) -> Result<Ledger, Diagnostics> {
    check_size(path, text.len() as u64)?;
    let mut report = Report::default();
    let file = report.sources.add(path, &Arc::from(text));
    let read = tree::read(text, file, &mut report).and_then(|root| document(&root, target, &mut report));
    match read {
        Ok(ledger) if !report.failed(Phase::Times) => Ok(Ledger { sources: report.sources, ..ledger }),
        _ => Err(report.errors()),
    }
}

fn document(root: &Node, target: &str, report: &mut Report) -> Lowers<Ledger> {
    let mut ledger = Ledger::default();
    for entry in map(root, "a ledger", report)? {
        match entry.key.as_str() {
            "verified" => {
                for item in list(&entry.node, "verified", report)? {
                    let text = scalar(item, "verified", report)?;
                    match Version::exact(text.as_str()) {
                        Some(version) => ledger.verified.push(version),
                        None => {
                            report.error_help(
                                Phase::Notation,
                                text.whole(),
                                format!("\"{}\" is not a version", text.as_str()),
                                "numbers and dots: 6.18",
                            );
                        }
                    }
                }
            }
            "deviations" => {
                let mut known = BTreeMap::new();
                for item in list(&entry.node, "deviations", report)? {
                    if let Ok(deviation) = deviation(item, target, &mut known, report) {
                        ledger.deviations.push(deviation);
                    }
                }
            }
            _ => unknown_key(entry, KEYS, report),
        }
    }
    Ok(ledger)
}

/// The texts of one deviation.
#[derive(Default)]
struct Parts<'n> {
    tests: Option<&'n Text>,
    kind: Option<&'n Text>,
    condition: Option<&'n Text>,
    reason: Option<&'n Text>,
    link: Option<&'n Text>,
}

/// Reads one entry. `known` holds the patterns and conditions of those before it.
fn deviation(
    node: &Node,
    target: &str,
    known: &mut BTreeMap<(String, Option<String>), Location>,
    report: &mut Report,
) -> Lowers<Deviation> {
    let parts = parts(node, report)?;
    let start = Location { end: node.at.start, ..node.at };
    let mut wanted = |what: Option<_>, key: &str| {
        what.ok_or_else(|| report.error(Phase::Keys, start, format!("{key} is missing")))
    };
    let (tests, kind, reason) =
        (wanted(parts.tests, "tests"), wanted(parts.kind, "kind"), wanted(parts.reason, "reason"));
    let (tests, kind, reason) = (tests?, kind?, reason?);
    if reason.as_str().trim().is_empty() {
        report.error(Phase::Keys, reason.whole(), "the reason is empty");
    }
    let pattern = TestPattern::new(tests.as_str()).map_err(|why| {
        let help = "the id of a test, as tcpdrill list shows it; * and ? stand for other signs";
        report.error_help(Phase::Notation, tests.whole(), why.0, help)
    });
    let kind = read_kind(kind, report);
    let condition = match parts.condition {
        Some(text) => condition(text, target).map(Some).map_err(|fault| report.fault(text, fault, &[])),
        None => Ok(None),
    };
    let written = parts.condition.map(|text| text.as_str().split_whitespace().collect::<Vec<_>>().join(" "));
    if let Some(first) = known.insert((tests.as_str().to_owned(), written), tests.whole()) {
        let (line, _) = report.sources.line_column(first);
        let text = format!("{} is there already (line {line})", tests.as_str());
        report.error(Phase::Names, tests.whole(), text);
    }
    Ok(Deviation {
        text: tests.as_str().to_owned(),
        tests: pattern?,
        kind: kind?,
        condition: condition?,
        reason: reason.as_str().trim().to_owned(),
        link: parts.link.map(|link| link.as_str().to_owned()),
        at: tests.whole(),
    })
}

fn parts<'n>(node: &'n Node, report: &mut Report) -> Lowers<Parts<'n>> {
    let mut parts = Parts::default();
    let mut failed = false;
    for entry in map(node, "a deviation", report)? {
        let part = match entry.key.as_str() {
            "tests" => &mut parts.tests,
            "kind" => &mut parts.kind,
            "condition" => &mut parts.condition,
            "reason" => &mut parts.reason,
            "link" => &mut parts.link,
            _ => {
                unknown_key(entry, DEVIATION_KEYS, report);
                failed = true;
                continue;
            }
        };
        match scalar(&entry.node, &entry.key, report) {
            Ok(text) => *part = Some(text),
            Err(Reported) => failed = true,
        }
    }
    if failed { Err(Reported) } else { Ok(parts) }
}

fn read_kind(text: &Text, report: &mut Report) -> Lowers<DeviationKind> {
    let names = DeviationKind::ALL.map(DeviationKind::name);
    let found = DeviationKind::ALL.into_iter().find(|kind| kind.name() == text.as_str());
    found.ok_or_else(|| {
        let help = match nearest(text.as_str(), names) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("one of {}", names.join(", ")),
        };
        report.error_help(Phase::Notation, text.whole(), format!("unknown kind \"{}\"", text.as_str()), help)
    })
}

/// `linux >= 6.1 and linux < 6.5 or linux == 6.12`; `and` binds closer.
fn condition(text: &Text, target: &str) -> Parse<Condition> {
    let mut cursor = Cursor::new(text);
    let mut any = Vec::new();
    loop {
        let mut all = vec![comparison(&mut cursor, target)?];
        while cursor.take_word("and") {
            all.push(comparison(&mut cursor, target)?);
        }
        any.push(all);
        if !cursor.take_word("or") {
            cursor.finish()?;
            return Ok(Condition(any));
        }
    }
}

fn comparison(cursor: &mut Cursor<'_>, target: &str) -> Parse<(Comparison, Version)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let name = run_of(cursor, is_name);
    if &cursor.text().as_str()[name.clone()] != target {
        let wrong = if name.is_empty() { cursor.token_range() } else { name };
        let text = format!("a condition of this ledger compares the version of {target}");
        return Err(Fault::new(wrong, text).help(format!("{target} < 6.5")));
    }
    let Some((_, how)) = Comparison::SIGNS.into_iter().find(|(sign, _)| cursor.take(sign)) else {
        let signs = Comparison::SIGNS.map(|(sign, _)| sign);
        return Err(cursor.unexpected("a comparison").help(format!("one of {}", signs.join(" "))));
    };
    let range = run_of(cursor, |c| !c.is_whitespace());
    let written = &cursor.text().as_str()[range.clone()];
    match Version::exact(written) {
        Some(version) => Ok((how, version)),
        None => {
            let text = format!("\"{written}\" is not a version");
            Err(Fault::new(range, text).help("numbers and dots: 6.18"))
        }
    }
}

/// Takes the signs of a kind that come next, after blanks.
fn run_of(cursor: &mut Cursor<'_>, is_part: impl Fn(char) -> bool) -> std::ops::Range<usize> {
    cursor.skip_spaces();
    let start = cursor.position();
    let rest = cursor.rest();
    cursor.advance(rest.find(|c| !is_part(c)).unwrap_or(rest.len()));
    start..cursor.position()
}
