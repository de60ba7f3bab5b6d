//! The shape of steps: which keys they have, and of which type. Nothing is replaced or read here.

use std::collections::BTreeMap;

use crate::case::{Location, nearest};

use super::report::{Lowers, Phase, Report, Reported};
use super::text::Text;
use super::tree::{Entry, Node, Value};

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Call,
    Returns,
    Inject,
    Expect,
    Silent,
    Allow,
    Assert,
    Set,
    Link,
    Peer,
    Signal,
    AnyOrder,
    Repeat,
}

/// A step with its keys.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    pub(super) value: Node,
    pub(super) keys: BTreeMap<&'static str, Node>,
    /// Steps inside it.
    pub(super) steps: Vec<Shape>,
}

pub(super) const KINDS: [(Kind, &str, &[&str]); 13] = [
    (
        Kind::Call,
        "call",
        &["after", "at", "since", "thread", "returns", "gives", "data", "blocks", "raises", "as", "covers"],
    ),
    (
        Kind::Returns,
        "returns",
        &["after", "at", "within", "since", "thread", "gives", "data", "raises", "as", "covers"],
    ),
    (Kind::Inject, "inject", &["after", "at", "since", "flow", "data", "isn", "as"]),
    (
        Kind::Expect,
        "expect",
        &["after", "at", "within", "since", "flow", "data", "push", "isn", "as", "covers"],
    ),
    (Kind::Silent, "silent", &["flow", "covers"]),
    (Kind::Allow, "allow", &["within", "flow"]),
    (Kind::Assert, "assert", &["after", "at", "as", "covers"]),
    (Kind::Set, "set", &["after", "at"]),
    (Kind::Link, "link", &["after", "at"]),
    (Kind::Peer, "peer", &["after", "at", "flow", "covers"]),
    (Kind::Signal, "signal", &["after", "at", "thread", "restart"]),
    (Kind::AnyOrder, "any_order", &["after", "at", "within", "since", "covers"]),
    (Kind::Repeat, "repeat", &["steps"]),
];

/// Keys of a truth with a message.
pub(super) const CLAIM_KEYS: [&str; 2] = ["that", "says"];

/// All keys that some step has besides its kind.
const KEYS: [&str; 17] = [
    "note", "covers", "after", "at", "within", "since", "flow", "thread", "data", "isn", "push", "as",
    "returns", "gives", "blocks", "raises", "restart",
];

impl Kind {
    fn entry(self) -> &'static (Self, &'static str, &'static [&'static str]) {
        KINDS.iter().find(|(kind, ..)| *kind == self).unwrap_or(&KINDS[0])
    }

    /// Its key.
    pub(super) fn name(self) -> &'static str {
        self.entry().1
    }

    /// The keys it takes besides its own and `note`.
    pub(super) fn keys(self) -> &'static [&'static str] {
        self.entry().2
    }

    fn allows(self, key: &str) -> bool {
        key == "note" || self.keys().contains(&key)
    }

    /// Whether the case does it, rather than expects it.
    pub(super) fn is_action(self) -> bool {
        !matches!(self, Self::Expect | Self::Returns | Self::AnyOrder)
    }
}

impl Shape {
    /// The text of a key, if the step has it.
    pub(super) fn text(&self, key: &str) -> Option<&Text> {
        self.keys.get(key).and_then(Node::text)
    }
}

/// The members of a list.
pub(super) fn list<'n>(node: &'n Node, key: &str, report: &mut Report) -> Lowers<&'n [Node]> {
    match &node.value {
        Value::List(items) => Ok(items),
        Value::Map(entries) if entries.iter().all(|entry| entry.key.starts_with('-')) => {
            let text = format!("{key} takes a list, this is a map");
            Err(report.error_help(Phase::Keys, node.at, text, "a blank must follow the - of each member"))
        }
        Value::Scalar(_) | Value::Map(_) => Err(wrong_type(node, key, "a list", report)),
    }
}

/// The entries of a map.
pub(super) fn map<'n>(node: &'n Node, key: &str, report: &mut Report) -> Lowers<&'n [Entry]> {
    match &node.value {
        Value::Map(entries) => Ok(entries),
        Value::Scalar(_) | Value::List(_) => Err(wrong_type(node, key, "a map", report)),
    }
}

/// The text of a scalar.
pub(super) fn scalar<'n>(node: &'n Node, key: &str, report: &mut Report) -> Lowers<&'n Text> {
    node.text().ok_or_else(|| wrong_type(node, key, "text", report))
}

/// A value is not of the type its key decides.
pub(super) fn wrong_type(node: &Node, key: &str, wanted: &str, report: &mut Report) -> Reported {
    let text = format!("{key} takes {wanted}, this is {}", node.kind());
    report.error(Phase::Keys, node.at, text)
}

/// All steps of a list.
pub(super) fn steps(node: &Node, report: &mut Report) -> Lowers<Vec<Shape>> {
    let mut shapes = Vec::new();
    let mut failed = false;
    for item in list(node, "steps", report)? {
        match step(item, report, false) {
            Ok(shape) => shapes.push(shape),
            Err(Reported) => failed = true,
        }
    }
    if failed { Err(Reported) } else { Ok(shapes) }
}

fn step(node: &Node, report: &mut Report, in_loop: bool) -> Lowers<Shape> {
    let entries = match &node.value {
        Value::Map(entries) => entries,
        Value::Scalar(_) | Value::List(_) => {
            return Err(wrong_type(node, "a step", "a map", report));
        }
    };
    let kind = kind(node, entries, report)?;
    let mut shape = Shape { kind, value: node.clone(), keys: BTreeMap::new(), steps: Vec::new() };
    let mut failed = false;
    for entry in entries {
        if entry.key == kind.name() {
            shape.value = entry.node.clone();
        } else if entry.key == "steps" && kind == Kind::Repeat {
            match inner(&entry.node, "steps", report, in_loop) {
                Ok(steps) => shape.steps = steps,
                Err(Reported) => failed = true,
            }
        } else if let Some(key) = allowed(kind, &entry.key) {
            failed |= key_type(entry, report).is_err();
            shape.keys.insert(key, entry.node.clone());
        } else {
            wrong_key(kind, entry, report);
            failed = true;
        }
    }
    // Of a loop whose steps are wrong it cannot be said that it has none.
    let is_told = failed && kind == Kind::Repeat;
    if !is_told && value_type(&mut shape, report, in_loop).is_err() || exclusive(&shape, report).is_err() {
        failed = true;
    }
    if kind == Kind::Repeat && in_loop {
        return Err(report.error(Phase::Keys, shape.value.at, "loops do not nest"));
    }
    if failed { Err(Reported) } else { Ok(shape) }
}

/// Steps of a loop.
fn inner(node: &Node, key: &str, report: &mut Report, _: bool) -> Lowers<Vec<Shape>> {
    let mut shapes = Vec::new();
    let mut failed = false;
    for item in list(node, key, report)? {
        match step(item, report, true) {
            Ok(shape) => shapes.push(shape),
            Err(Reported) => failed = true,
        }
    }
    if failed { Err(Reported) } else { Ok(shapes) }
}

fn allowed(kind: Kind, key: &str) -> Option<&'static str> {
    KEYS.into_iter().find(|known| *known == key).filter(|known| kind.allows(known))
}

/// The one kind of a step.
fn kind(node: &Node, entries: &[Entry], report: &mut Report) -> Lowers<Kind> {
    let has_call = entries.iter().any(|entry| entry.key == "call");
    let found: Vec<(Kind, &Entry)> = entries
        .iter()
        .filter_map(|entry| {
            let (kind, ..) = KINDS.iter().find(|(_, name, _)| *name == entry.key)?;
            let is_key = *kind == Kind::Returns && has_call;
            (!is_key).then_some((*kind, entry))
        })
        .collect();
    match found.as_slice() {
        [(kind, _)] => Ok(*kind),
        [] => Err(no_kind(node, entries, report)),
        [.., (_, second)] => {
            let names: Vec<&str> = found.iter().map(|(kind, _)| kind.name()).collect();
            let text = format!("a step has one kind; this has {}", names.join(" and "));
            Err(report.error_help(Phase::Keys, second.key_at, text, "make it two steps"))
        }
    }
}

fn no_kind(node: &Node, entries: &[Entry], report: &mut Report) -> Reported {
    let unknown = entries.iter().find(|entry| !KEYS.contains(&entry.key.as_str()));
    let Some(entry) = unknown else {
        return report.error_help(
            Phase::Keys,
            node.at,
            "this step does nothing",
            "one of call, returns, inject, expect, silent, ...",
        );
    };
    let kinds = KINDS.map(|(_, name, _)| name);
    let help = nearest(&entry.key, kinds)
        .map_or_else(|| format!("one of {}", kinds.join(", ")), |near| format!("did you mean {near}?"));
    let text = format!("unknown step kind \"{}\"", entry.key);
    report.error_help(Phase::Keys, entry.key_at, text, help)
}

fn wrong_key(kind: Kind, entry: &Entry, report: &mut Report) {
    let name = kind.name();
    let key = entry.key.as_str();
    let at = entry.key_at;
    if key == "within" && kind.is_action() {
        let text = format!("within is for what is expected; {name} happens at an exact time");
        report.error_help(Phase::Keys, at, text, "use after or at");
    } else if key == "covers" {
        let text = format!("{name} cannot fail, so it covers nothing");
        report.error_help(Phase::Keys, at, text, "put covers on the step that checks it");
    } else if KEYS.contains(&key) {
        report.error(Phase::Keys, at, format!("\"{key}\" does not belong to {name}"));
    } else {
        unknown_key(entry, KEYS.into_iter().filter(|key| kind.allows(key)), report);
    }
}

/// A key that there is not.
pub(super) fn unknown_key<'k>(entry: &Entry, known: impl IntoIterator<Item = &'k str>, report: &mut Report) {
    let known: Vec<&str> = known.into_iter().collect();
    let text = format!("unknown key \"{}\"", entry.key);
    let value = entry.node.one_line(&|text| text.as_str().to_owned());
    let help = match entry.key.as_str() {
        "by" | "until" | "timeout" => {
            format!("exactly then: after: {value}; no later than: within: {value}")
        }
        key => nearest(key, known.iter().copied())
            .map_or_else(|| format!("one of {}", known.join(", ")), |near| format!("did you mean {near}?")),
    };
    report.error_help(Phase::Keys, entry.key_at, text, help);
}

fn key_type(entry: &Entry, report: &mut Report) -> Lowers<()> {
    match entry.key.as_str() {
        "covers" => {
            for id in list(&entry.node, "covers", report)? {
                scalar(id, "covers", report)?;
            }
            Ok(())
        }
        "gives" => Ok(()),
        key => scalar(&entry.node, key, report).map(|_| ()),
    }
}

/// The value of the kind has the type that belongs to it.
fn value_type(shape: &mut Shape, report: &mut Report, in_loop: bool) -> Lowers<()> {
    let name = shape.kind.name();
    let node = shape.value.clone();
    match shape.kind {
        Kind::Call | Kind::Returns | Kind::Silent | Kind::Peer | Kind::Signal => {
            scalar(&node, name, report)?;
        }
        Kind::Repeat => {
            scalar(&node, name, report)?;
            if shape.steps.is_empty() {
                return Err(report.error(Phase::Keys, node.at, "repeat needs steps"));
            }
        }
        Kind::Set | Kind::Link => {
            map(&node, name, report)?;
        }
        Kind::Assert => {
            if let Value::List(items) = &node.value {
                for item in items {
                    claim(item, report)?;
                }
            } else {
                claim(&node, report)?;
            }
        }
        Kind::Inject | Kind::Expect => {
            if let Value::List(items) = &node.value {
                return packet_list(shape, items, report);
            }
        }
        Kind::Allow => {
            if let Value::List(_) = &node.value {
                return Err(wrong_type(&node, name, "a packet", report));
            }
        }
        Kind::AnyOrder => {
            shape.steps = inner(&node, name, report, in_loop)?;
            return members(shape, report);
        }
    }
    Ok(())
}

/// A truth, or a map with what is said when it does not hold.
fn claim(node: &Node, report: &mut Report) -> Lowers<()> {
    let Value::Map(entries) = &node.value else {
        return scalar(node, "assert", report).map(|_| ());
    };
    for entry in entries {
        if !CLAIM_KEYS.contains(&entry.key.as_str()) {
            unknown_key(entry, CLAIM_KEYS, report);
            return Err(Reported);
        }
        scalar(&entry.node, &entry.key, report)?;
    }
    match entries.iter().any(|entry| entry.key == "that") {
        true => Ok(()),
        false => Err(report.error(Phase::Keys, node.at, "that, which must hold, is missing")),
    }
}

/// Keys that say something about one packet do not go with a list of them.
fn packet_list(shape: &Shape, items: &[Node], report: &mut Report) -> Lowers<()> {
    let name = shape.kind.name();
    if items.is_empty() {
        return Err(report.error(Phase::Keys, shape.value.at, format!("{name} names no packet")));
    }
    if let Some(nested) = items.iter().find(|item| matches!(item.value, Value::List(_))) {
        return Err(wrong_type(nested, name, "packets", report));
    }
    for key in ["as", "data", "isn", "push"] {
        if let Some(node) = shape.keys.get(key) {
            let text = format!("{key} does not go with a list");
            return Err(report.error_help(Phase::Keys, node.at, text, "make it steps of their own"));
        }
    }
    Ok(())
}

/// Members of `any_order` are expected and have no times.
fn members(shape: &Shape, report: &mut Report) -> Lowers<()> {
    for member in &shape.steps {
        if !matches!(member.kind, Kind::Expect | Kind::Returns) {
            let text = format!("any_order takes expect and returns, not {}", member.kind.name());
            return Err(report.error(Phase::Keys, member.value.at, text));
        }
        for key in ["after", "at", "within", "since"] {
            if let Some(node) = member.keys.get(key) {
                let text = format!("{key} does not belong inside any_order");
                return Err(report.error_help(Phase::Keys, node.at, text, "write it beside any_order"));
            }
        }
    }
    Ok(())
}

fn exclusive(shape: &Shape, report: &mut Report) -> Lowers<()> {
    let times = ["after", "at", "within"];
    let given: Vec<&str> = times.into_iter().filter(|key| shape.keys.contains_key(key)).collect();
    if let [first, second, ..] = given.as_slice() {
        let at = shape.keys[second].at;
        let text = format!("{first} and {second} exclude each other");
        let help = "a range is written after: 10ms..20ms";
        return Err(report.error_help(Phase::Keys, at, text, help));
    }
    if let (Some(node), Some(_)) = (shape.keys.get("since"), shape.keys.get("at")) {
        let at = node.at;
        return Err(report.error(Phase::Keys, at, "since goes with after or within, not with at"));
    }
    if let Some(node) = shape.keys.get("as") {
        name(node, report)?;
    }
    Ok(())
}

/// A name of something a step keeps or binds.
pub(super) fn name<'n>(node: &'n Node, report: &mut Report) -> Lowers<&'n str> {
    let text = scalar(node, "as", report)?;
    if is_name(text.as_str(), false) || text.as_str().contains('$') {
        return Ok(text.as_str());
    }
    Err(not_a_name(node.at, text.as_str(), false, report))
}

/// Whether it is a name; some may contain `-`.
pub(super) fn is_name(text: &str, dashes: bool) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || (dashes && c == '-'))
}

/// A name that is none.
pub(super) fn not_a_name(at: Location, text: &str, dashes: bool, report: &mut Report) -> Reported {
    let help = if dashes {
        "a to z, digits, _ and -, a letter first"
    } else {
        "a to z, digits and _, a letter first"
    };
    let text = format!("\"{}\" is not a name", super::cursor::shorten(text));
    report.error_help(Phase::Keys, at, text, help)
}
