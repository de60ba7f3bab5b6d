//! Whether two cases say the same: all but where it was written, in which words, and what they are called.

use std::fmt::Debug;

use crate::case::{Action, Case, Claim, Outcome, Step};

/// The first thing that differs, if something does.
#[must_use]
pub fn difference(a: &Case, b: &Case) -> Option<String> {
    // Everything is named, so that nothing that is added is forgotten.
    let Case {
        id: _,
        title: _,
        why,
        covers,
        tags,
        needs,
        ip,
        flows,
        descriptors,
        threads,
        settings,
        link,
        rules,
        steps,
        given,
        lacking,
        sources: _,
    } = a;
    let parts = [
        differs("why", why, &b.why),
        differs("covers", covers, &b.covers),
        differs("tags", tags, &b.tags),
        differs("needs", needs, &b.needs),
        differs("ip", ip, &b.ip),
        differs("flows", flows, &b.flows),
        differs("descriptors", descriptors, &b.descriptors),
        differs("threads", threads, &b.threads),
        differs("settings", settings, &b.settings),
        differs("link", link, &b.link),
        differs("rules", rules, &b.rules),
        differs("given", given, &b.given),
        differs("what lacks", lacking, &b.lacking),
        differs("number of steps", &steps.len(), &b.steps.len()),
    ];
    let of_steps = || {
        let pairs = steps.iter().zip(&b.steps).enumerate();
        pairs.into_iter().find_map(|(index, (a, b))| {
            Some(format!("step {} ({}): {}", index + 1, a.origin.text, step(a, b)?))
        })
    };
    parts.into_iter().flatten().next().or_else(of_steps)
}

fn differs<T: PartialEq + Debug>(what: &str, a: &T, b: &T) -> Option<String> {
    (a != b).then(|| format!("{what}: {a:?} and {b:?}"))
}

fn step(a: &Step, b: &Step) -> Option<String> {
    let Step { when, action, name, covers, note, origin: _ } = a;
    differs("when", when, &b.when)
        .or_else(|| differs("name", name, &b.name))
        .or_else(|| differs("covers", covers, &b.covers))
        .or_else(|| differs("note", note, &b.note))
        .or_else(|| {
            let (a, b) = (format!("{:?}", without_words(action)), format!("{:?}", without_words(&b.action)));
            differs("what is done", &a, &b)
        })
}

/// The same without places and words of another language.
fn without_words(action: &Action) -> Action {
    match action.clone() {
        Action::Call { thread, call, data, binds, blocks, outcome } => {
            let outcome = Outcome { origin: None, ..outcome };
            Action::Call { thread, call, data, binds, blocks, outcome }
        }
        Action::Returns { thread, outcome } => {
            Action::Returns { thread, outcome: Outcome { origin: None, ..outcome } }
        }
        Action::Assert(claims) => {
            Action::Assert(claims.into_iter().map(|claim| Claim { written: None, ..claim }).collect())
        }
        other => other,
    }
}
