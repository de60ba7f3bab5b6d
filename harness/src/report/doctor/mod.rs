//! Whether a machine can run the Linux target: what was found, what it means, and what to do.

mod finding;
mod means;
#[cfg(test)]
mod tests;
mod time;
mod world;

use crate::target::machine::Machine;
use crate::verdict::Ledger;

pub use finding::{Finding, State, diagnosis_lines, diagnosis_text};

/// What is found of a machine, in the order in which one thing depends on another. `ledgers` say which kernels the
/// cases were verified on; `jobs` is how many cases are run at once.
#[must_use]
pub fn diagnose(machine: &Machine, ledgers: &[&Ledger], jobs: usize) -> Vec<Finding> {
    let mut findings = vec![
        means::system(machine),
        means::kernel(machine, ledgers),
        means::user(machine),
        world::tun_node(machine),
    ];
    findings.extend(world::user_namespace(machine));
    findings.push(world::namespace(machine));
    findings.extend(world::device(machine));
    findings.extend(world::packet_socket(machine));
    findings.extend(world::settings(machine));
    findings.extend([
        means::congestion(machine),
        time::scheduling(machine),
        time::lateness(machine),
        time::clock(machine),
        means::files(machine, jobs),
        means::threads(machine, jobs),
        means::namespaces(machine, jobs),
    ]);
    findings
}

/// The tests that would be skipped, from the reason of each of them.
#[must_use]
pub fn skips(why_each: &[Option<String>]) -> Finding {
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for why in why_each.iter().flatten() {
        *counts.entry(why).or_default() += 1;
    }
    let skipped: usize = counts.values().sum();
    let total = why_each.len();
    if skipped == 0 {
        return Finding::good("tests", format!("none of {total} would be skipped"));
    }
    let mut reasons: Vec<(&str, usize)> = counts.into_iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let reasons: Vec<String> = reasons.into_iter().map(|(why, count)| format!("{count} for {why}")).collect();
    Finding::note("tests", format!("{skipped} of {total} would be skipped: {}", reasons.join("; ")), "")
}
