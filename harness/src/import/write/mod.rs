//! A lowered script as a case in YAML.
//!
//! | file | writes |
//! |---|---|
//! | `steps` | steps, settings, assertions |
//! | `packets`, `calls`, `values`, `times`, `constants` | what stands in them |
//! | `yaml` | values in lines |

mod calls;
mod constants;
mod packets;
mod steps;
mod times;
mod values;
mod yaml;

use crate::case::{Addresses, Capability, Case, Link, Location, Offload, PacketdrillRules, Rules};

use steps::{Lacking, Steps, settings};
use times::time;
use values::Names;

pub(super) use yaml::{Line, Yaml, is_special, literal};

/// A document in parts: what comes before the steps, and the lines of each step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    /// Lines before the steps, without `title`.
    pub(super) head: Vec<Line>,
    /// By step: where it was written, and its lines.
    pub(super) steps: Vec<(Location, Vec<Line>)>,
}

/// Why a case cannot be written: where that stands, and what.
pub(super) type Refused = (Option<Location>, Lacking);

/// Writes a case. `needs` is what its steps do not show of what it needs.
pub(super) fn write(case: &Case, needs: &[Capability]) -> Result<Parts, Refused> {
    let Rules::Packetdrill(rules) = &case.rules else {
        return Err((None, "a case that is no script".to_owned()));
    };
    if case.given > 0 {
        let at = case.steps.first().map(|step| step.origin.at);
        return Err((at, "a command before the first event that looks at something".to_owned()));
    }
    let mut head = Vec::new();
    rules_of(rules).key("packetdrill", &mut head);
    flows(case, &mut head);
    if !needs.is_empty() {
        let names = needs.iter().map(|need| Yaml::text(need.name())).collect();
        Yaml::List(names).key("needs", &mut head);
    }
    if !case.settings.is_empty() {
        settings(&case.settings).key("set", &mut head);
    }
    link(&case.link).key("link", &mut head);
    let mut writer = Steps { case, link: case.link.clone() };
    let mut parts = Parts { head, steps: Vec::new() };
    for step in &case.steps {
        let yaml = writer.step(step).map_err(|what| (Some(step.origin.at), what))?;
        let mut lines = Vec::new();
        yaml.item(2, &mut lines);
        parts.steps.push((step.origin.at, lines));
    }
    Ok(parts)
}

/// The rules that are not as they usually are, and the tolerance.
fn rules_of(rules: &PacketdrillRules) -> Yaml {
    let PacketdrillRules { tolerance, per_million, tick, scaled_echo, whole_segments, lenient, strict } =
        *rules;
    let usual = PacketdrillRules::default();
    let percent = format!("{}.{:04}", per_million / 10_000, per_million % 10_000);
    let percent = percent.trim_end_matches('0').trim_end_matches('.').to_owned();
    let mut entries = vec![
        ("tolerance".to_owned(), Yaml::Text(time(tolerance))),
        ("percent".to_owned(), Yaml::Text(percent)),
    ];
    if tick != usual.tick {
        entries.push(("tick".to_owned(), Yaml::Text(time(tick))));
    }
    let switches = [
        ("scaled_echo", scaled_echo),
        ("whole_segments", whole_segments),
        ("lenient", lenient),
        ("strict", strict),
    ];
    let on = switches.into_iter().filter(|(_, on)| *on);
    entries.extend(on.map(|(name, _)| (name.to_owned(), Yaml::text("true"))));
    Yaml::Map(entries)
}

/// The flows, unless there is only the one there always is.
fn flows(case: &Case, head: &mut Vec<Line>) {
    let names = Names { ip: case.ip, descriptors: &case.descriptors };
    let usual = Addresses(case.ip).remote(1);
    if let [flow] = case.flows.as_slice()
        && flow.name == "main"
        && flow.local.is_none()
        && flow.remote == (usual, crate::case::DEFAULT_PORT).into()
        && flow.isn == 0
    {
        return;
    }
    let entry = |flow: &crate::case::Flow| {
        let mut keys = vec![("remote".to_owned(), Yaml::Text(names.address(flow.remote, false)))];
        if let Some(local) = flow.local {
            keys.push(("local".to_owned(), Yaml::Text(names.address(local, false))));
        }
        if flow.isn != 0 {
            keys.push(("isn".to_owned(), Yaml::text(flow.isn.to_string())));
        }
        (flow.name.clone(), Yaml::Map(keys))
    };
    head.push(Line::plain("flows:".to_owned()));
    for (name, flow) in case.flows.iter().map(entry) {
        let mut lines = Vec::new();
        flow.key(&name, &mut lines);
        for mut line in lines {
            line.text.insert_str(0, "  ");
            line.value += 2;
            head.push(line);
        }
    }
}

fn link(link: &Link) -> Yaml {
    let offload = match link.offload {
        Offload::None => "none",
        Offload::Tso => "tso",
    };
    let mtu = ("mtu".to_owned(), Yaml::text(link.mtu.to_string()));
    let mut entries = vec![mtu, ("offload".to_owned(), Yaml::text(offload))];
    if let Some(size) = link.joined_from {
        entries.push(("joined_from".to_owned(), Yaml::text(size.to_string())));
    }
    Yaml::Map(entries)
}
