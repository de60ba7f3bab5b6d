//! The machine, who uses it, and how much of everything there is.

use crate::target::machine::Machine;
use crate::verdict::Ledger;

use super::Finding;

/// Descriptors of a case: device, packet socket, timer, event queue, netlink, and those of its calls.
const FILES: u64 = 10;
/// Threads of a case: one that drives it, one in the namespace, and those of its calls.
const THREADS: u64 = 4;

pub(super) fn system(machine: &Machine) -> Finding {
    let count = machine.processors;
    let processors = if count == 1 { "1 processor".to_owned() } else { format!("{count} processors") };
    Finding::good("system", format!("Linux on {}, {processors}", machine.architecture))
}

pub(super) fn kernel(machine: &Machine, ledgers: &[&Ledger]) -> Finding {
    let mut series: Vec<String> =
        ledgers.iter().flat_map(|ledger| &ledger.verified).map(ToString::to_string).collect();
    series.dedup();
    let release = &machine.release;
    if series.is_empty() {
        return Finding::good("kernel", format!("{release}; the ledger names no verified versions"));
    }
    let series = series.join(", ");
    if ledgers.iter().all(|ledger| ledger.is_verified(release)) {
        return Finding::good("kernel", format!("{release}; the cases were verified on {series}"));
    }
    Finding::note(
        "kernel",
        format!("{release}; the cases were verified on {series} only"),
        "tcpdrill run works all the same, and what fails may be this kernel's own way; cargo test leaves Linux out \
         unless TCPDRILL_ANY_VERSION=1 is set",
    )
}

pub(super) fn user(machine: &Machine) -> Finding {
    let user = &machine.user;
    let filter =
        if user.is_filtered { "; system calls are filtered (seccomp), as in a container" } else { "" };
    if user.id != 0 {
        return Finding::good("user", format!("user {}: cases run in a user namespace{filter}", user.id));
    }
    let lacking: Vec<&str> = ["CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_NET_RAW"]
        .into_iter()
        .filter(|name| !user.capabilities.contains(name))
        .collect();
    if lacking.is_empty() {
        return Finding::good("user", format!("root, with the capabilities that cases need{filter}"));
    }
    Finding::note(
        "user",
        format!("root without {}{filter}", lacking.join(", ")),
        "give the container or service these capabilities (--cap-add), or run as an ordinary user who may make user \
         namespaces",
    )
}

pub(super) fn congestion(machine: &Machine) -> Finding {
    let (available, allowed) = (&machine.congestion.available, &machine.congestion.allowed);
    let found = format!("the kernel has {}; everybody may use {}", available.join(", "), allowed.join(", "));
    if available.iter().any(|name| name == "reno") {
        Finding::good("congestion control", found)
    } else {
        Finding::note("congestion control", found, "cases start from reno, which this kernel lacks")
    }
}

pub(super) fn files(machine: &Machine, jobs: usize) -> Finding {
    let todo = "raise the hard limit (ulimit -Hn), or run fewer at once (--jobs)";
    room("open files", machine.limits.files, FILES, jobs, todo)
}

pub(super) fn threads(machine: &Machine, jobs: usize) -> Finding {
    let todo = "raise the limit (ulimit -u, pids.max of the control group), or run fewer at once (--jobs)";
    room("threads", machine.limits.threads, THREADS, jobs, todo)
}

pub(super) fn namespaces(machine: &Machine, jobs: usize) -> Finding {
    let todo = "raise it (sysctl user.max_net_namespaces), or run fewer at once (--jobs)";
    // The kernel removes them in the background: those of cases that are over still count for a while.
    room("namespaces", machine.limits.namespaces, 2, jobs, todo)
}

/// Whether there is room for what is run at once.
fn room(subject: &'static str, limit: Option<u64>, each: u64, jobs: usize, todo: &str) -> Finding {
    let Some(limit) = limit else { return Finding::good(subject, "without limit") };
    let jobs = u64::try_from(jobs).unwrap_or(u64::MAX);
    let cases = limit / each;
    let found = format!("up to {limit}: room for {cases} cases at once, {jobs} are run");
    if cases >= jobs { Finding::good(subject, found) } else { Finding::note(subject, found, todo) }
}
