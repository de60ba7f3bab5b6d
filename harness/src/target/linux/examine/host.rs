//! What is read of the host.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use nix::unistd::geteuid;

use super::{tried, tun};
use crate::target::machine::{Congestion, Limits, Node, Switch, TunNode, User};

/// The capabilities that cases need, by their numbers.
const CAPABILITIES: [(u32, &str); 4] =
    [(12, "CAP_NET_ADMIN"), (13, "CAP_NET_RAW"), (21, "CAP_SYS_ADMIN"), (23, "CAP_SYS_NICE")];

/// By these a system permits namespaces; not every kernel has all.
const SWITCHES: [&str; 5] = [
    "user.max_user_namespaces",
    "user.max_net_namespaces",
    // Debian and its kin.
    "kernel.unprivileged_userns_clone",
    // Ubuntu.
    "kernel.apparmor_restrict_unprivileged_userns",
    "kernel.apparmor_restrict_unprivileged_unconfined",
];

const CLOCK_SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";

pub(super) fn kernel() -> (String, String) {
    nix::sys::utsname::uname().map_or_else(
        |_| ("unknown".to_owned(), "unknown".to_owned()),
        |name| (name.release().to_string_lossy().into_owned(), name.machine().to_string_lossy().into_owned()),
    )
}

pub(super) fn user() -> User {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let effective = field("CapEff:").and_then(|text| u64::from_str_radix(text, 16).ok()).unwrap_or(0);
    User {
        id: geteuid().as_raw(),
        capabilities: CAPABILITIES
            .iter()
            .filter(|(number, _)| effective >> number & 1 == 1)
            .map(|(_, name)| *name)
            .collect(),
        is_filtered: field("Seccomp:").is_some_and(|mode| mode != "0"),
    }
}

pub(super) fn tun_node() -> TunNode {
    let node = fs::metadata(tun::NODE).ok().map(|data| Node {
        is_tun: data.file_type().is_char_device() && data.rdev() == libc::makedev(10, 200),
        mode: data.permissions().mode() & 0o7777,
        owner: data.uid(),
        group: data.gid(),
    });
    let opened = OpenOptions::new().read(true).write(true).open(tun::NODE).map(drop);
    TunNode { path: tun::NODE, node, opened: tried("opening it", opened) }
}

pub(super) fn switches() -> Vec<Switch> {
    let value = |name: &str| number(&format!("/proc/sys/{}", name.replace('.', "/")));
    SWITCHES.into_iter().filter_map(|name| Some(Switch { name, value: value(name)? })).collect()
}

pub(super) fn clock_source() -> Option<String> {
    fs::read_to_string(CLOCK_SOURCE).ok().map(|text| text.trim().to_owned())
}

pub(super) fn congestion() -> Congestion {
    let list = |which: &str| -> Vec<String> {
        let text = fs::read_to_string(format!("/proc/sys/net/ipv4/tcp_{which}_congestion_control"));
        text.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    };
    Congestion { available: list("available"), allowed: list("allowed") }
}

pub(super) fn limits(files: u64) -> Limits {
    let finite = |limit: u64| (limit != RLIM_INFINITY).then_some(limit);
    let processes = getrlimit(Resource::RLIMIT_NPROC).ok().and_then(|(soft, _)| finite(soft));
    // Root is not held to the limit of processes.
    let processes = processes.filter(|_| !geteuid().is_root());
    let of_system = ["/proc/sys/kernel/threads-max", "/proc/sys/kernel/pid_max"].map(count);
    Limits {
        files: finite(files),
        threads: of_system.into_iter().chain([processes, threads_of_group()]).flatten().min(),
        namespaces: count("/proc/sys/user/max_net_namespaces"),
    }
}

/// How many threads the control group of this process may have; the least of its own limit and those above it.
fn threads_of_group() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let of = |line: &str| {
        let (kinds, group) = line.split_once(':')?.1.split_once(':')?;
        let root = match kinds {
            "" => Path::new("/sys/fs/cgroup"),
            "pids" => Path::new("/sys/fs/cgroup/pids"),
            _ => return None,
        };
        let group = root.join(group.trim_start_matches('/'));
        let above = group.ancestors().take_while(|folder| folder.starts_with(root));
        above.filter_map(|folder| count(&folder.join("pids.max").to_string_lossy())).min()
    };
    groups.lines().filter_map(of).min()
}

fn count(path: &str) -> Option<u64> {
    number(path).and_then(|number| u64::try_from(number).ok())
}

fn number(path: &str) -> Option<i64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}
