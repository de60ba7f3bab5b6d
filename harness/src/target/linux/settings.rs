//! Settings of a namespace: written to `/proc/sys/net` and read back.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::{link, metrics};
use crate::case::Setting;
use crate::target::TargetError;

const CONGESTION_CONTROL: &str = "net.ipv4.tcp_congestion_control";

/// What became of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The namespace has it.
    Made,
    /// A congestion control that the host does not let namespaces have; each socket can be given it.
    BySocket(String),
}

/// Writes the baseline. Gives what this kernel does not have, or has otherwise.
///
/// To be called inside the namespace: `/proc/sys/net` shows that of the task that opens it.
pub(super) fn write_baseline(baseline: &[(&str, &str)]) -> Vec<String> {
    baseline
        .iter()
        .filter_map(|(name, value)| {
            let error = write(name, value).err()?;
            Some(match error.kind() {
                io::ErrorKind::NotFound => format!("{name}: not in this kernel"),
                _ => format!("{name}: {error}"),
            })
        })
        .collect()
}

/// Makes one of the case's settings, if there is one or it must be there.
///
/// To be called inside the namespace.
pub(super) fn make(setting: &Setting) -> Result<Outcome, TargetError> {
    match require(setting) {
        Err(TargetError::Missing(_)) if setting.optional => Ok(Outcome::Made),
        other => other,
    }
}

fn require(setting: &Setting) -> Result<Outcome, TargetError> {
    let value = setting.value.as_str();
    match setting.name.as_str() {
        "route" => return link::set_route(value).map(|()| Outcome::Made),
        "qdisc" => return link::set_queue(value).map(|()| Outcome::Made),
        "tcp_metrics" => return metrics::forget().map(|()| Outcome::Made),
        name => {
            if let Some(parameter) = name.strip_prefix("module.") {
                return is_already(parameter, value).map(|()| Outcome::Made);
            }
        }
    }
    match write(&setting.name, &setting.value) {
        Ok(()) => Ok(Outcome::Made),
        Err(error) if setting.name == CONGESTION_CONTROL && error.raw_os_error() == Some(libc::EPERM) => {
            Ok(Outcome::BySocket(setting.value.trim().to_owned()))
        }
        Err(_) => Err(TargetError::Missing(setting.name.clone())),
    }
}

/// Parameters of modules are the whole machine's, and left alone: one that has another value is missing.
fn is_already(parameter: &str, value: &str) -> Result<(), TargetError> {
    let missing = |found: &str| {
        TargetError::Missing(format!(
            "{parameter} = {value}: the parameter of that module is the whole machine's, and {found}"
        ))
    };
    let sound = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let (module, name) = parameter
        .split_once('.')
        .filter(|(module, name)| sound(module) && sound(name))
        .ok_or_else(|| missing("has no such name"))?;
    match fs::read_to_string(format!("/sys/module/{module}/parameters/{name}")) {
        Ok(found) if same(value, &found) => Ok(()),
        Ok(found) => Err(missing(&format!("is {}", found.trim()))),
        Err(_) => Err(missing("is not there")),
    }
}

/// Writes a setting, and reads back whether it took.
fn write(name: &str, value: &str) -> io::Result<()> {
    let path = path(name)?;
    fs::write(&path, format!("{value}\n"))?;
    let found = fs::read_to_string(&path)?;
    if same(value, &found) {
        Ok(())
    } else {
        Err(io::Error::other(format!("{value} was written, {} is read", found.trim())))
    }
}

/// Only names below `net`: the rest is the host's.
fn path(name: &str) -> io::Result<PathBuf> {
    let words: Vec<&str> = name.split('.').collect();
    let sound = words.len() > 2
        && words[0] == "net"
        && words.iter().all(|word| {
            !word.is_empty()
                && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        });
    if sound {
        Ok(PathBuf::from("/proc/sys").join(words.join("/")))
    } else {
        Err(io::Error::from(io::ErrorKind::NotFound))
    }
}

/// Whether a setting reads as it was written: word by word, numbers as numbers.
fn same(written: &str, read: &str) -> bool {
    let number = |word: &str| match word.strip_prefix("0x") {
        Some(digits) => i128::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    };
    let written: Vec<&str> = written.split_whitespace().collect();
    let read: Vec<&str> = read.split_whitespace().collect();
    written.len() == read.len()
        && written.iter().zip(&read).all(|(a, b)| a == b || (number(a).is_some() && number(a) == number(b)))
}

#[cfg(test)]
mod tests {
    use super::{path, same};

    #[test]
    fn names_stay_below_net() {
        assert!(path("net.ipv4.tcp_sack").is_ok());
        for name in ["net.ipv4", "kernel.hostname.x", "net.ipv4.../x", "net.ipv4./etc", "net..x"] {
            assert!(path(name).is_err(), "{name}");
        }
    }

    #[test]
    fn settings_are_compared_word_by_word() {
        assert!(same("4096 131072 6291456", "4096\t131072\t6291456\n"));
        assert!(same("01", "1\n"));
        assert!(same("0x70403", "459779\n"));
        assert!(!same("2", "1\n"));
        assert!(!same("1 2", "1\n"));
    }
}
