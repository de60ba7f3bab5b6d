//! From one file to its tests: rows, combinations, and what each of them is made of.

use std::collections::{BTreeMap, BTreeSet};

use crate::case::{Capability, Case, IpVersion, Link, Location, Rules, Sources, nearest};
use crate::front::Library;

use super::cursor::Cursor;
use super::document::Document;
use super::fixtures::Fixtures;
use super::lowerer::{Clock, Lowerer, Scope};
use super::replace::{Environment, replace};
use super::report::{Fault, Lowers, Phase, Report, Reported};
use super::table::{self, Row};
use super::text::Text;
use super::tree::{Node, Value};

/// How many tests one file may hold.
const MOST_TESTS: usize = 20_000;
/// How many steps all its tests may have together.
const MOST_STEPS: usize = 2_000_000;
/// Beyond this a case needs a virtual clock, in nanoseconds.
const LONG: i64 = 300_000_000_000;

/// One combination: what its name has in brackets, and its texts.
struct Variant {
    brackets: Vec<String>,
    texts: Environment,
}

/// All tests of a file.
pub(super) fn cases(
    id: &str,
    document: &Document,
    library: &dyn Library,
    report: &mut Report,
) -> Lowers<Vec<Case>> {
    let mut fixtures = Fixtures::new(library);
    let mut cases: Vec<Case> = Vec::new();
    let mut steps = 0;
    for variant in variants(document, report)? {
        let lowered = case(id, document, variant, &mut fixtures, report);
        // A mistake of the file's frame is the same in every row.
        if report.failed(Phase::Keys) || report.is_full() {
            return Err(Reported);
        }
        if let Ok(case) = lowered {
            steps += case.steps.len();
            cases.push(case);
        }
        if steps > MOST_STEPS {
            let at = document.title.whole();
            let text = format!("the tests of this file have more than {MOST_STEPS} steps");
            return Err(report.error(Phase::Expansion, at, text));
        }
    }
    Ok(cases)
}

fn variants(document: &Document, report: &mut Report) -> Lowers<Vec<Variant>> {
    let mut lets = Environment::new();
    for (name, _, text) in &document.texts {
        lets.insert(name.clone(), text.clone());
    }
    let rows = match (&document.table, &document.grid) {
        (Some(text), _) => Some(table::table(text, report)?),
        (None, Some(text)) => Some(table::grid(text, &lets, report)?),
        (None, None) => None,
    };
    unique_names(document, rows.as_deref(), report)?;
    let mut variants = match rows {
        Some(rows) => rows
            .into_iter()
            .map(|row| {
                let mut texts = lets.clone();
                texts.extend(row.texts);
                Variant { brackets: vec![row.name], texts }
            })
            .collect(),
        None => vec![Variant { brackets: Vec::new(), texts: lets }],
    };
    for (name, at, values) in &document.matrix {
        if variants.len().saturating_mul(values.len()) > MOST_TESTS {
            let text = format!("more than {MOST_TESTS} tests in one file");
            return Err(report.error(Phase::Expansion, *at, text));
        }
        variants = variants
            .iter()
            .flat_map(|variant| values.iter().map(move |value| with(variant, name, value)))
            .collect();
    }
    if variants.len() > MOST_TESTS {
        let text = format!("more than {MOST_TESTS} tests in one file");
        return Err(report.error(Phase::Expansion, document.title.whole(), text));
    }
    Ok(variants)
}

fn with(variant: &Variant, name: &str, value: &Text) -> Variant {
    let mut texts = variant.texts.clone();
    texts.insert(name.to_owned(), value.clone().into_cell());
    let mut brackets = variant.brackets.clone();
    brackets.push(format!("{name}={}", value.as_str()));
    Variant { brackets, texts }
}

/// Names of `let`, columns and `matrix` are given once.
fn unique_names(document: &Document, rows: Option<&[Row]>, report: &mut Report) -> Lowers<()> {
    let mut seen: BTreeMap<&str, Location> = BTreeMap::new();
    let columns = rows
        .and_then(<[Row]>::first)
        .into_iter()
        .flat_map(|row| row.texts.iter())
        .map(|(name, text)| (name.as_str(), text.whole()));
    let lets = document.texts.iter().map(|(name, at, _)| (name.as_str(), *at));
    let matrix = document.matrix.iter().map(|(name, at, _)| (name.as_str(), *at));
    for (name, at) in columns.chain(lets).chain(matrix) {
        if let Some(first) = seen.insert(name, at) {
            let (line, _) = report.sources.line_column(first);
            let text = format!("name \"{name}\" given twice (first in line {line})");
            return Err(report.error(Phase::Expansion, at, text));
        }
        if name == "i" {
            let text = "$i is the pass of a repeat";
            return Err(report.error_help(Phase::Expansion, at, text, "take another name"));
        }
    }
    Ok(())
}

/// The address family: `$ip`, where something says so.
fn ip(texts: &Environment, report: &mut Report) -> Lowers<IpVersion> {
    let Some(text) = texts.get("ip") else {
        return Ok(IpVersion::V4);
    };
    IpVersion::from_name(text.as_str()).ok_or_else(|| {
        let near = nearest(text.as_str(), ["v4", "v6", "v4mapped"]);
        let fault = Fault::new(0..text.as_str().len(), format!("unknown ip \"{}\"", text.as_str()))
            .help("v4, v6 or v4mapped")
            .help_opt(near.map(|near| format!("did you mean {near}?")));
        report.fault(text, fault.phase(Phase::Expansion), &[])
    })
}

/// Adds `$ip`, `$mtu` and `$mss` where nothing gives them.
fn advance(texts: &mut Environment, document: &Document, ip: IpVersion, at: Location) {
    let add = |texts: &mut Environment, name: &str, value: String| {
        texts.entry(name.to_owned()).or_insert_with(|| Text::made(&value, at));
    };
    add(texts, "ip", ip.name().to_owned());
    let mtu = link_mtu(document, texts).unwrap_or(1500);
    add(texts, "mtu", mtu.to_string());
    let mtu = texts.get("mtu").and_then(|text| text.as_str().parse::<i64>().ok()).unwrap_or(mtu);
    let headers = if ip.wire_is_v6() { 60 } else { 40 };
    add(texts, "mss", (mtu - headers).max(0).to_string());
}

/// The MTU that `link` writes.
fn link_mtu(document: &Document, texts: &Environment) -> Option<i64> {
    let Some(Node { value: Value::Map(entries), .. }) = &document.link else {
        return None;
    };
    let entry = entries.iter().find(|entry| entry.key == "mtu")?;
    let text = replace(entry.node.text()?, texts, 0).ok()?;
    let mut cursor = Cursor::new(&text);
    let (mtu, _) = cursor.int().ok()?;
    cursor.at_end().then_some(mtu)
}

fn case(
    id: &str,
    document: &Document,
    variant: Variant,
    fixtures: &mut Fixtures<'_>,
    report: &mut Report,
) -> Lowers<Case> {
    let mut texts = variant.texts;
    let ip = ip(&texts, report)?;
    advance(&mut texts, document, ip, document.title.whole());
    let mut lowerer = Lowerer {
        report,
        fixtures,
        ip,
        flows: Vec::new(),
        flows_at: BTreeMap::new(),
        descriptors: Vec::new(),
        threads: vec!["main".to_owned()],
        blocked: BTreeMap::new(),
        link: Link::default(),
        rules: Rules::Native,
        steps: Vec::new(),
        needs: BTreeSet::new(),
        scopes: vec![Scope::new(texts, None)],
        through: Vec::new(),
        in_loop: false,
        inside: None,
        cell: None,
        result_name: None,
        passes: None,
        lasts_to_end: false,
        present: Clock::START,
        longest: 0,
    };
    if ip != IpVersion::V4 {
        lowerer.needs.insert(Capability::Ipv6);
    }
    lowerer.story(id, document, &variant.brackets)
}

impl Lowerer<'_, '_> {
    fn story(&mut self, id: &str, document: &Document, brackets: &[String]) -> Lowers<Case> {
        let covers = self.requirements(&document.covers);
        self.named_needs(&document.needs);
        let rules = self.rules(document.packetdrill.as_ref());
        self.rules = rules.unwrap_or_default();
        self.declare_flows(&document.flows);
        let settings = match &document.set {
            Some(node) => self.settings(node),
            None => Ok(Vec::new()),
        };
        let mut link = Link::default();
        if let Some(node) = &document.link {
            self.link_map(node, &mut link)?;
        }
        self.link = link.clone();
        self.given(&document.given);
        let given = self.steps.len();
        self.longest = 0;
        self.steps(&document.steps);
        self.check_ended();
        if self.longest > LONG && !self.is_script() {
            self.needs.insert(Capability::VirtualClock);
        }
        let id = if brackets.is_empty() { id.to_owned() } else { format!("{id}[{}]", brackets.join(",")) };
        let texts = |this: &mut Self, list: &[Text]| -> Lowers<Vec<String>> {
            list.iter().map(|text| this.replaced(text).map(|text| text.as_str().to_owned())).collect()
        };
        Ok(Case {
            id,
            title: self.replaced(&document.title)?.as_str().to_owned(),
            why: match &document.why {
                Some(why) => Some(self.replaced(why)?.as_str().trim_end().to_owned()),
                None => None,
            },
            covers: covers?,
            tags: texts(self, &document.tags)?,
            needs: std::mem::take(&mut self.needs),
            ip: self.ip,
            flows: std::mem::take(&mut self.flows),
            descriptors: std::mem::take(&mut self.descriptors),
            threads: std::mem::take(&mut self.threads),
            settings: settings?,
            link,
            rules: rules?,
            steps: std::mem::take(&mut self.steps),
            given,
            lacking: Vec::new(),
            sources: Sources::default(),
        })
    }
}
