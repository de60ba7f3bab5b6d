//! JSON Schemas of cases and fixtures, for editors: made from the tables that files are read by.
//!
//! They know keys and types, and the form of times and names. What a notation says only `check` reads.

use serde_json::{Map, Value, json};

use crate::case::{Capability, SETTINGS, Signal};

use super::describe::describe;
use super::document::{CASE, COMMON, FIXTURE};
use super::headers::{FRAGMENT_KEYS, IP_KEYS};
use super::packets::{ICMP_KEYS, KEYS as PACKET_KEYS};
use super::shape::{CLAIM_KEYS, KINDS, Kind};
use super::world::{FLOW_KEYS, LINK_KEYS, PACKETDRILL_KEYS};

/// Keys of times, of which a step has one.
const TIMES: [&str; 4] = ["after", "at", "within", "since"];

/// The schema of a case file.
#[must_use]
pub fn case_schema() -> Value {
    let mut schema = file("A tcpdrill case", &CASE);
    schema["not"] = json!({ "required": ["table", "grid"] });
    schema
}

/// The schema of a fixture.
#[must_use]
pub fn fixture_schema() -> Value {
    file("A tcpdrill fixture", &FIXTURE)
}

fn file(title: &str, own: &[&str]) -> Value {
    let properties = properties("file", COMMON.iter().chain(own), file_key);
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": title,
        "type": "object",
        "required": ["title", "steps"],
        "additionalProperties": false,
        "properties": properties,
        "definitions": definitions(),
    })
}

/// Keys with their types and descriptions.
fn properties<'k>(
    section: &str,
    keys: impl IntoIterator<Item = &'k &'k str>,
    type_of: impl Fn(&str) -> Value,
) -> Value {
    let described = keys.into_iter().map(|key| {
        let mut schema = type_of(key);
        if let Some(text) = describe(section, key) {
            // Keywords beside a reference are ignored in draft 7.
            if schema.get("$ref").is_some() {
                schema = json!({ "allOf": [schema] });
            }
            schema["description"] = json!(text);
        }
        ((*key).to_owned(), schema)
    });
    Value::Object(described.collect::<Map<_, _>>())
}

/// A map with these keys and no others.
fn closed(properties: Value) -> Value {
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{name}") })
}

fn list_of(item: Value) -> Value {
    json!({ "type": "array", "items": item })
}

/// A map from names to something; `dashes`: names that may contain `-`.
fn named(dashes: bool, item: Value) -> Value {
    let pattern = if dashes { "^[a-z][a-z0-9_-]*$" } else { "^[a-z][a-z0-9_]*$" };
    json!({ "type": "object", "propertyNames": { "pattern": pattern }, "additionalProperties": item })
}

/// One of these words, or what a `$name` stands for.
fn word(words: &[&str]) -> Value {
    json!({ "anyOf": [{ "enum": words }, reference("replaced")] })
}

fn file_key(key: &str) -> Value {
    match key {
        "covers" | "tags" | "exports" => list_of(reference("text")),
        "needs" => list_of(word(&Capability::ALL.map(Capability::name))),
        "matrix" => {
            let mut values = list_of(reference("text"));
            values["minItems"] = json!(1);
            named(true, values)
        }
        "let" | "params" => named(true, reference("text")),
        "flows" => named(false, closed(properties("flow", &FLOW_KEYS, |_| reference("text")))),
        "set" | "link" => reference(key),
        "given" => json!({ "anyOf": [reference("text"), list_of(reference("text"))] }),
        "steps" => list_of(reference("step")),
        "packetdrill" => closed(properties("file", &PACKETDRILL_KEYS, |_| reference("text"))),
        "title" | "table" | "grid" => json!({ "type": "string", "minLength": 1 }),
        _ => reference("text"),
    }
}

fn definitions() -> Value {
    const TIME: &str = r"([0-9]+(\.[0-9]+)?(ns|us|ms|s|min|h)|0)";
    let steps = |inside: Option<&str>| -> Vec<Value> {
        KINDS.iter().filter_map(|(kind, ..)| step(*kind, inside)).collect()
    };
    // With a dash in front a setting may be missing.
    let settings: Map<_, _> = SETTINGS
        .iter()
        .flat_map(|name| [(*name).to_owned(), format!("-{name}")])
        .map(|name| (name, json!(true)))
        .collect();
    json!({
        "text": {
            "description": "Text; a number or truth is read from its source text, too",
            "type": ["string", "number", "boolean", "null"],
        },
        "replaced": { "type": "string", "pattern": r"\$" },
        "name": { "type": "string", "pattern": r"^[a-z][a-z0-9_]*$|\$" },
        "time": { "anyOf": [{ "const": 0 }, { "type": "string", "pattern": format!(r"^{TIME}$|\$") }] },
        "window": {
            "anyOf": [{ "const": 0 }, { "type": "string", "pattern": format!(r"^{TIME}(\.\.{TIME})?$|\$") }],
        },
        "packet": { "anyOf": [reference("text"), packet(&["one_of"])] },
        "expected": { "anyOf": [reference("text"), packet(&[])] },
        "claim": { "anyOf": [reference("text"), claim()] },
        "ip": closed(properties("ip", &IP_KEYS, |key| match key {
            "ext" => list_of(json!({ "type": ["string", "object"] })),
            _ => reference("text"),
        })),
        "set": {
            "type": "object",
            "additionalProperties": false,
            "properties": settings,
            "allOf": [{ "additionalProperties": reference("text") }],
        },
        "link": closed(properties("link", &LINK_KEYS, |key| match key {
            "drop" => list_of(reference("text")),
            "offload" => word(&["none", "tso"]),
            "to" => word(&["remote", "local"]),
            _ => reference("text"),
        })),
        "step": { "oneOf": steps(None) },
        "repeated": { "oneOf": steps(Some("repeat")) },
        "member": { "oneOf": steps(Some("any_order")) },
    })
}

/// A truth with a message.
fn claim() -> Value {
    let mut claim = closed(properties("claim", &CLAIM_KEYS, |_| reference("text")));
    claim["required"] = json!(["that"]);
    claim
}

/// A packet as a map, without these keys.
fn packet(without: &[&str]) -> Value {
    let keys = PACKET_KEYS.iter().filter(|key| !without.contains(*key));
    closed(properties("packet", keys, |key| match key {
        "ip" => reference("ip"),
        "icmp" => closed(properties("icmp", &ICMP_KEYS, |key| match key {
            "quote" => reference("packet"),
            _ => reference("text"),
        })),
        "fragments" => {
            let mut fragment = closed(properties("fragment", &FRAGMENT_KEYS, |key| match key {
                "ip" => reference("ip"),
                _ => reference("text"),
            }));
            fragment["required"] = json!(["offset", "length"]);
            list_of(fragment)
        }
        "one_of" => list_of(reference("expected")),
        _ => reference("text"),
    }))
}

/// A step of this kind, `inside` a loop or an `any_order`; `None` where there is none.
fn step(kind: Kind, inside: Option<&str>) -> Option<Value> {
    let member = inside == Some("any_order");
    let fits = match inside {
        Some("any_order") => matches!(kind, Kind::Expect | Kind::Returns),
        Some(_) => kind != Kind::Repeat,
        None => true,
    };
    if !fits {
        return None;
    }
    let keys: Vec<&str> =
        kind.keys().iter().copied().filter(|key| !member || !TIMES.contains(key)).chain(["note"]).collect();
    let mut fields =
        properties("step", keys.iter().filter(|key| **key != "returns"), |key| step_key(kind, key));
    let returns = keys.contains(&"returns").then_some("returns");
    let values = properties("kind", [kind.name()].iter().chain(returns.iter()), |key| kind_value(kind, key));
    if let (Value::Object(fields), Value::Object(values)) = (&mut fields, values) {
        fields.extend(values);
    }
    let mut schema = closed(fields);
    schema["title"] = json!(kind.name());
    let mut required = vec![kind.name()];
    required.extend((kind == Kind::Repeat).then_some("steps"));
    schema["required"] = json!(required);
    let both = |one: &str, other: &str| json!({ "required": [one, other] });
    let times = [("after", "at"), ("after", "within"), ("at", "within"), ("at", "since")];
    let exclusive: Vec<Value> = times
        .into_iter()
        .filter(|(one, other)| keys.contains(one) && keys.contains(other))
        .map(|(one, other)| both(one, other))
        .collect();
    if !exclusive.is_empty() {
        schema["not"] = json!({ "anyOf": exclusive });
    }
    Some(schema)
}

/// The value of a kind's own key.
fn kind_value(kind: Kind, key: &str) -> Value {
    let listed = |item: &str| json!({ "anyOf": [reference(item), list_of(reference(item))] });
    if key == "returns" {
        return reference("text");
    }
    match kind {
        Kind::Inject => listed("packet"),
        Kind::Expect => listed("expected"),
        Kind::Allow => reference("packet"),
        Kind::Silent => reference("time"),
        Kind::Assert => listed("claim"),
        Kind::Set => reference("set"),
        Kind::Link => reference("link"),
        Kind::Peer => word(&["auto", "scripted"]),
        Kind::Signal => word(&Signal::ALL.map(Signal::name)),
        Kind::AnyOrder => list_of(reference("member")),
        Kind::Call | Kind::Returns | Kind::Repeat => reference("text"),
    }
}

/// The value of another key of a step.
fn step_key(kind: Kind, key: &str) -> Value {
    match key {
        "covers" => list_of(reference("text")),
        "after" if kind.is_action() => reference("time"),
        "after" => reference("window"),
        "at" if kind.is_action() => reference("time"),
        "at" => json!({ "anyOf": [{ "const": "any" }, reference("window")] }),
        "within" => reference("time"),
        "as" | "thread" => reference("name"),
        "push" | "restart" => json!({ "anyOf": [{ "type": "boolean" }, reference("replaced")] }),
        "blocks" => json!({ "anyOf": [{ "type": "boolean" }, { "const": "forever" }, reference("window")] }),
        "raises" => {
            let mut signals = Signal::ALL.map(Signal::name).to_vec();
            signals.push("none");
            word(&signals)
        }
        "gives" => json!({}),
        "steps" => {
            let mut steps = list_of(reference("repeated"));
            steps["minItems"] = json!(1);
            steps
        }
        _ => reference("text"),
    }
}

#[cfg(test)]
mod tests {
    use super::{CASE, COMMON, FIXTURE, describe};
    use super::{
        CLAIM_KEYS, FLOW_KEYS, FRAGMENT_KEYS, ICMP_KEYS, IP_KEYS, KINDS, LINK_KEYS, PACKET_KEYS,
        PACKETDRILL_KEYS,
    };

    #[test]
    fn every_key_is_described() {
        let kinds = KINDS.map(|(_, name, _)| name);
        let steps: Vec<&str> = KINDS.iter().flat_map(|(_, _, keys)| keys.iter().copied()).collect();
        let steps: Vec<&str> = steps.into_iter().filter(|key| *key != "returns").collect();
        for (section, keys) in [
            ("file", &COMMON[..]),
            ("file", &CASE),
            ("file", &FIXTURE),
            ("file", &PACKETDRILL_KEYS),
            ("kind", &kinds),
            ("step", &steps),
            ("claim", &CLAIM_KEYS),
            ("packet", &PACKET_KEYS),
            ("icmp", &ICMP_KEYS),
            ("ip", &IP_KEYS),
            ("fragment", &FRAGMENT_KEYS),
            ("flow", &FLOW_KEYS),
            ("link", &LINK_KEYS),
        ] {
            for key in keys {
                assert!(describe(section, key).is_some(), "{section} {key}");
            }
        }
    }
}
