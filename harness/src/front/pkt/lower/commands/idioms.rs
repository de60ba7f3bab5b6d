//! The commands that are understood.

use std::net::IpAddr;

use super::shell::{Pipeline, Simple};
use super::{Deed, Status, Surroundings};
use crate::case::{Offload, Setting, is_setting};

/// Why a command is not understood, where that is not plain.
type Why = Option<String>;
type Understood = Result<Status, Why>;

/// The file that a command makes the shell read: `. FILE`, `sh FILE`, `dir/FILE.sh`.
pub(super) fn script(pipeline: &Pipeline) -> Option<&str> {
    let [Simple { words, output: None, .. }] = pipeline.as_slice() else { return None };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["." | "source" | "sh" | "bash" | "/bin/sh" | "/bin/bash", file] if !file.starts_with('-') => {
            Some(file)
        }
        [file] if file.contains('/') && file.ends_with(".sh") && !is_restore(file) => Some(file),
        _ => None,
    }
}

/// A script that puts settings back, written by the command that changed them.
fn is_restore(file: &str) -> bool {
    file.starts_with("/tmp/") && file.contains("restore")
}

/// What a command does. `has_other`: another command follows for the case that it fails.
pub(super) fn simple(
    pipeline: &Pipeline,
    around: Surroundings<'_>,
    has_other: bool,
    deeds: &mut Vec<Deed>,
) -> Understood {
    let commands: Vec<Vec<&str>> =
        pipeline.iter().map(|simple| simple.words.iter().map(String::as_str).collect()).collect();
    let commands: Vec<&[&str]> = commands.iter().map(Vec::as_slice).collect();
    let output = pipeline.last().and_then(|simple| simple.output.as_deref());
    if let Some(file) = output {
        return match commands.as_slice() {
            [["echo", words @ ..]] => echo(words, file, deeds),
            _ => Err(None),
        };
    }
    match commands.as_slice() {
        // Only variables.
        [[]] | [["true" | ":" | "echo" | "printf", ..]] => Ok(Status::Succeeds),
        [["false"]] => Ok(Status::Fails("false".to_owned())),
        [["sysctl" | "/sbin/sysctl" | "/usr/sbin/sysctl", words @ ..]] => sysctl(words, has_other, deeds),
        [["tc" | "/sbin/tc", words @ ..]] => queue(words, deeds),
        [["ip" | "/sbin/ip", words @ ..]] => ip(words, around, deeds),
        [["ethtool" | "/sbin/ethtool", "-K", _, words @ ..]] => offload(words, deeds),
        [["nstat"]] | [["nstat", "-n"]] => {
            deeds.push(Deed::CountersFrom);
            Ok(Status::Succeeds)
        }
        [["nstat"], ["grep", words @ ..]] => match without_flags(words, &["-q"]).as_slice() {
            [counter] if is_name(counter) => {
                deeds.push(Deed::CounterGrew((*counter).to_owned()));
                Ok(Status::Succeeds)
            }
            _ => Err(None),
        },
        [["grep", words @ ..], ["grep", more @ ..]] => listens(words, more, deeds),
        [["rm" | "/bin/rm", ..]] => Ok(Status::Succeeds),
        [["dd" | "/bin/dd", words @ ..]] => zeros(words, deeds),
        [[program, words @ ..]] if is_restore(program) && words.is_empty() => Ok(Status::Succeeds),
        [[program, words @ ..]] if program.contains("sysctl") && !words.is_empty() => files(words, deeds),
        _ => Err(None),
    }
}

/// Whether it is the whole name of a counter and no pattern.
fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn without_flags<'w>(words: &[&'w str], flags: &[&str]) -> Vec<&'w str> {
    words.iter().copied().filter(|word| !flags.contains(word)).collect()
}

fn set(name: &str, value: &str, optional: bool) -> Deed {
    let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
    Deed::Set(Setting { name: name.to_owned(), value, optional })
}

/// `sysctl -q -w net.ipv4.tcp_sack=1 ...`. A setting that no kernel has makes it fail, which matters if another command
/// follows for that case; else the target says whether it has the setting.
fn sysctl(words: &[&str], has_other: bool, deeds: &mut Vec<Deed>) -> Understood {
    let optional = words.iter().any(|word| ["-e", "--ignore", "-eq", "-qe"].contains(word));
    let plain = without_flags(
        words,
        &["-q", "-w", "-e", "-n", "-eq", "-qe", "-qw", "-wq", "--quiet", "--write", "--ignore"],
    );
    let mut status = Status::Succeeds;
    if plain.is_empty() {
        return Err(None);
    }
    for word in plain {
        let (name, value) = word.split_once('=').filter(|(name, _)| !name.starts_with('-')).ok_or(None)?;
        let name = name.trim().replace('/', ".");
        if has_other && !is_setting(&name) {
            status = Status::Fails(format!("there is no setting {name}"));
        } else {
            deeds.push(set(&name, value, optional));
        }
    }
    Ok(status)
}

/// `PATH=VALUE ...`, each a file below `/proc/sys`.
fn files(words: &[&str], deeds: &mut Vec<Deed>) -> Understood {
    for word in words {
        let (path, value) = word.split_once('=').ok_or(None)?;
        deeds.push(set(&setting_of(path).ok_or(None)?, value, false));
    }
    Ok(Status::Succeeds)
}

/// The setting behind a file: of `/proc/sys`, or a parameter of a module.
fn setting_of(path: &str) -> Option<String> {
    if let Some(rest) = path.strip_prefix("/proc/sys/") {
        return Some(rest.replace('/', "."));
    }
    let (module, parameter) = path.strip_prefix("/sys/module/")?.split_once("/parameters/")?;
    Some(format!("module.{module}.{parameter}"))
}

fn echo(words: &[&str], file: &str, deeds: &mut Vec<Deed>) -> Understood {
    let words = without_flags(words, &["-n"]);
    deeds.push(set(&setting_of(file).ok_or(None)?, &words.join(" "), false));
    Ok(Status::Succeeds)
}

/// `tc qdisc replace dev tun0 root pfifo limit 0`.
fn queue(words: &[&str], deeds: &mut Vec<Deed>) -> Understood {
    let value = match words {
        ["qdisc", "add" | "replace" | "change", "dev", device, "root", kind @ ..] if *device != "lo" => {
            kind.join(" ")
        }
        ["qdisc", "del" | "delete", "dev", device, "root"] if *device != "lo" => "pfifo".to_owned(),
        _ => return Err(None),
    };
    deeds.push(set("qdisc", &value, false));
    Ok(Status::Succeeds)
}

fn ip(words: &[&str], around: Surroundings<'_>, deeds: &mut Vec<Deed>) -> Understood {
    match words {
        ["tcp_metrics", "flush"] | ["tcp_metrics", "flush", "all"] => {
            deeds.push(set("tcp_metrics", "flush", false));
            Ok(Status::Succeeds)
        }
        ["link", "set", "dev", device, rest @ ..] | ["link", "set", device, rest @ ..] if *device != "lo" => {
            match rest {
                ["up"] => {}
                ["mtu", bytes] => deeds.push(Deed::Mtu(bytes.parse().map_err(|_| None)?)),
                _ => return Err(None),
            }
            Ok(Status::Succeeds)
        }
        ["-6" | "-4", "route", "change" | "replace", to, rest @ ..]
        | ["route", "change" | "replace", to, rest @ ..] => route(to, rest, around, deeds),
        _ => Err(None),
    }
}

/// What packets to the peer are sent with: `advmss 600 mtu lock 640`.
fn route(to: &str, words: &[&str], around: Surroundings<'_>, deeds: &mut Vec<Deed>) -> Understood {
    let address: IpAddr = to.split('/').next().unwrap_or(to).parse().map_err(|_| None)?;
    let mut metrics = Vec::new();
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        match word {
            "via" | "dev" | "src" => {
                words.next();
            }
            "mtu" | "advmss" | "initcwnd" | "initrwnd" => {
                metrics.push(word);
                let mut value = words.next().ok_or(None)?;
                if value == "lock" {
                    metrics.push(value);
                    value = words.next().ok_or(None)?;
                }
                value.parse::<u32>().map_err(|_| None)?;
                metrics.push(value);
            }
            _ => return Err(None),
        }
    }
    if address != around.remote {
        return Ok(Status::Fails(format!("there is no route to {to} that could be changed")));
    }
    deeds.push(set("route", &metrics.join(" "), false));
    Ok(Status::Succeeds)
}

/// `tso off gso off`. Segments are joined by the device alone: the rest makes no difference to what is seen.
fn offload(words: &[&str], deeds: &mut Vec<Deed>) -> Understood {
    for pair in words.chunks(2) {
        match pair {
            ["tso" | "tcp-segmentation-offload", "off"] => deeds.push(Deed::Offload(Offload::None)),
            ["tso" | "tcp-segmentation-offload", "on"] => deeds.push(Deed::Offload(Offload::Tso)),
            ["gso" | "gro" | "generic-segmentation-offload" | "generic-receive-offload", "on" | "off"] => {}
            _ => return Err(None),
        }
    }
    if words.is_empty() { Err(None) } else { Ok(Status::Succeeds) }
}

/// `grep " 0A " /proc/net/tcp /proc/net/tcp6 | grep ":1F90"`: 0A is LISTEN, the port stands in hexadecimal.
fn listens(words: &[&str], more: &[&str], deeds: &mut Vec<Deed>) -> Understood {
    let (words, more) = (without_flags(words, &["-q"]), without_flags(more, &["-q"]));
    let ([state, tables @ ..], [port]) = (words.as_slice(), more.as_slice()) else { return Err(None) };
    let are_tables = tables.iter().all(|table| ["/proc/net/tcp", "/proc/net/tcp6"].contains(table));
    if state.trim() != "0A" || tables.is_empty() || !are_tables {
        return Err(None);
    }
    let digits = port.trim().strip_prefix(':').ok_or(None)?;
    deeds.push(Deed::Listens(u16::from_str_radix(digits, 16).map_err(|_| None)?));
    Ok(Status::Succeeds)
}

/// `dd if=/dev/zero of=FILE bs=1 count=5`.
fn zeros(words: &[&str], deeds: &mut Vec<Deed>) -> Understood {
    let value = |key: &str| words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    let size = |text: &str| -> Option<u64> {
        let digits = text.trim_end_matches(['k', 'K', 'M']);
        let unit = match &text[digits.len()..] {
            "" => 1,
            "k" | "K" => 1 << 10,
            "M" => 1 << 20,
            _ => return None,
        };
        digits.parse::<u64>().ok()?.checked_mul(unit)
    };
    if value("if") != Some("/dev/zero") {
        return Err(None);
    }
    let path = value("of").ok_or(None)?.to_owned();
    let block = size(value("bs").unwrap_or("512")).ok_or(None)?;
    let count = size(value("count").ok_or(None)?).ok_or(None)?;
    deeds.push(Deed::File { path, length: block.checked_mul(count).ok_or(None)? });
    Ok(Status::Succeeds)
}
