//! Shell commands of a script, understood and not run.
//!
//! What the commands that scripts use do to the stack under test, or find out about it, is said as deeds. A command
//! that is none of these is named, and the script is not run.

mod idioms;
mod lowered;
mod shell;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::case::{Offload, Setting, is_setting};

use shell::{List, Then};

pub(super) use lowered::{Stands, command};

/// How deep scripts may read one another.
const DEEPEST: usize = 2;

/// What a command does, or finds out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// A setting is changed, of the stack or of what lies around it (`route`, `qdisc`).
    Set(Setting),
    /// The device joins segments, or does not.
    Offload(Offload),
    /// The device carries packets of so many bytes.
    Mtu(u16),
    /// Counters are counted from here on.
    CountersFrom,
    /// The counter has grown since then.
    CounterGrew(String),
    /// A socket listens on the port.
    Listens(u16),
    /// There is a file with so many zeros.
    File {
        /// Its name.
        path: String,
        /// Its bytes.
        length: u64,
    },
    /// The command fails, whatever the target: why.
    Fails(String),
}

/// What a command stands in.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// The peer's address.
    remote: IpAddr,
    /// Reads a file by its name as a command has it: relative to the folder of the script.
    read: &'a dyn Fn(&str) -> Result<String, String>,
}

/// A command that is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the command \"{command}\"{}", why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default())]
pub(super) struct NotUnderstood {
    /// As written, on one line.
    command: String,
    /// Why, where that is not plain.
    why: Option<String>,
}

/// What a command comes to in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Status {
    /// It succeeds, unless its deeds have none on the target.
    Succeeds,
    /// It fails everywhere.
    Fails(String),
}

/// What the text between backquotes does.
///
/// # Errors
/// Where one of its commands is not understood.
pub(super) fn understand(text: &str, around: Surroundings<'_>) -> Result<Vec<Deed>, NotUnderstood> {
    let mut deeds = Vec::new();
    let status = run(text, around, 0, &mut deeds)?;
    if let Status::Fails(why) = status {
        deeds.push(Deed::Fails(why));
    }
    Ok(deeds)
}

/// Understands the commands of a text in order; its status is that of the last one.
fn run(
    text: &str,
    around: Surroundings<'_>,
    depth: usize,
    deeds: &mut Vec<Deed>,
) -> Result<Status, NotUnderstood> {
    let mut variables = BTreeMap::new();
    let plain = |command| NotUnderstood { command, why: None };
    let list: List = shell::split(text, &mut variables).map_err(plain)?;
    let last = list.len().saturating_sub(1);
    let mut status = Status::Succeeds;
    let mut before = Then::Next;
    for (index, (pipeline, then, command)) in list.into_iter().enumerate() {
        let goes_on = match (before, &status) {
            (Then::Next, _) | (Then::And, Status::Succeeds) | (Then::Or, Status::Fails(_)) => true,
            (Then::And, Status::Fails(_)) | (Then::Or, Status::Succeeds) => false,
        };
        before = then;
        if !goes_on {
            continue;
        }
        let first = deeds.len();
        let file = if depth < DEEPEST { idioms::script(&pipeline) } else { None };
        status = match file {
            Some(file) => {
                let read = (around.read)(file);
                let text = read.map_err(|why| NotUnderstood { command: command.clone(), why: Some(why) })?;
                let status = run(&text, around, depth + 1, deeds)?;
                // Such a script goes on after what the kernel does not have.
                make_optional(&mut deeds[first..], |_| true);
                status
            }
            None => {
                let done = idioms::simple(&pipeline, around, then == Then::Or, deeds);
                done.map_err(|why| NotUnderstood { command: command.clone(), why })?
            }
        };
        // That a setting is not there decides nothing before the last command. One that kernels have is wanted.
        if index < last && then == Then::Next {
            make_optional(&mut deeds[first..], |setting| !is_setting(&setting.name));
        }
    }
    Ok(status)
}

fn make_optional(deeds: &mut [Deed], which: impl Fn(&Setting) -> bool) {
    for deed in deeds {
        if let Deed::Set(setting) = deed
            && which(setting)
        {
            setting.optional = true;
        }
    }
}
