//! What a case needs around it: device node, namespaces, device, packet socket, settings.

use crate::case::Errno;
use crate::target::machine::{Machine, Node, Tried, User};

use super::Finding;

const TUN: &str = "TUN node";

fn is(errno: Option<Errno>, name: &str) -> bool {
    errno.is_some() && errno == Errno::from_name(name)
}

pub(super) fn tun_node(machine: &Machine) -> Finding {
    let tun = &machine.tun;
    let path = tun.path;
    let Some(node) = &tun.node else {
        return Finding::obstacle(
            TUN,
            format!("{path} is missing"),
            "load the module (modprobe tun), or give the container the device (--device /dev/net/tun)",
        );
    };
    let Node { mode, owner, group, .. } = node;
    let of = format!("{path} (mode {mode:04o}, owner {owner}:{group})");
    match &tun.opened {
        _ if !node.is_tun => Finding::obstacle(
            TUN,
            format!("{of} is not the TUN device, character 10:200"),
            "make it anew (rm /dev/net/tun; mknod /dev/net/tun c 10 200)",
        ),
        Tried::Worked => Finding::good(TUN, format!("{of} can be opened")),
        Tried::Refused { errno, .. } => {
            let todo = match errno.name() {
                Some("EACCES") => "run as root, or let others use it (chmod 666 /dev/net/tun)",
                Some("EPERM") => {
                    "let the control group use it (DeviceAllow=/dev/net/tun, --device /dev/net/tun)"
                }
                Some("ENODEV" | "ENXIO") => "load the module (modprobe tun)",
                _ if machine.user.id != 0 => "run as root",
                _ => "load the module (modprobe tun)",
            };
            Finding::obstacle(TUN, format!("{of} cannot be opened ({errno})"), todo)
        }
    }
}

/// Of an ordinary user only.
pub(super) fn user_namespace(machine: &Machine) -> Option<Finding> {
    let subject = "user namespace";
    Some(match machine.user_namespace.as_ref()? {
        Tried::Worked => Finding::good(subject, "entered one, in which the user is root"),
        Tried::Refused { doing, errno } => {
            let found = format!("{doing} was refused ({errno})");
            let (why, todo) = not_permitted(machine, Some(*errno));
            Finding::obstacle(subject, format!("{found}{why}"), &todo)
        }
    })
}

/// Which switch of the system is to blame that a user may not make a user namespace, and what to do.
fn not_permitted(machine: &Machine, errno: Option<Errno>) -> (String, String) {
    let switch = |name: &str| machine.switches.iter().find(|switch| switch.name == name);
    let blamed = ["user.max_user_namespaces", "user.max_net_namespaces", "kernel.unprivileged_userns_clone"]
        .into_iter()
        .filter_map(switch)
        .find(|switch| switch.value == 0)
        .map(|switch| (switch, if switch.name.starts_with("user.") { 10_000 } else { 1 }))
        .or_else(|| {
            let restricts = switch("kernel.apparmor_restrict_unprivileged_userns")?;
            (restricts.value != 0).then_some((restricts, 0))
        });
    if let Some((switch, better)) = blamed {
        let (name, value) = (switch.name, switch.value);
        return (
            format!(", {name} is {value}"),
            format!("run as root, or let the administrator allow it (sysctl {name}={better})"),
        );
    }
    if machine.user.is_filtered {
        let todo = "run as root with CAP_SYS_ADMIN, or let the container's seccomp profile permit unshare \
                    (--security-opt seccomp=unconfined)";
        return (", and system calls are filtered".to_owned(), todo.to_owned());
    }
    if is(errno, "EINVAL") {
        let todo = "run as root, or use a kernel with user namespaces (CONFIG_USER_NS)";
        return (String::new(), todo.to_owned());
    }
    (String::new(), "run as root".to_owned())
}

pub(super) fn namespace(machine: &Machine) -> Finding {
    let subject = "network namespace";
    let Tried::Refused { doing, errno } = &machine.world.namespace else {
        let took = |nanos: i64| format!("{}.{} ms", nanos / 1_000_000, nanos % 1_000_000 / 100_000);
        let found = match machine.world.took {
            Some((made, removed)) => format!("made in {}, removed in {}", took(made), took(removed)),
            None => "can be made".to_owned(),
        };
        return Finding::good(subject, found);
    };
    let found = format!("{doing} was refused ({errno})");
    // A user to whom user namespaces are refused has been told so already.
    if machine.user_namespace.as_ref().is_some_and(|tried| !tried.worked()) {
        return Finding::obstacle(subject, found, "see user namespace");
    }
    if let Some(switch) = machine.switches.iter().find(|switch| switch.name == "user.max_net_namespaces")
        && is(Some(*errno), "ENOSPC")
    {
        let found = format!("{found}, user.max_net_namespaces is {}", switch.value);
        return Finding::obstacle(subject, found, "raise it (sysctl user.max_net_namespaces=10000)");
    }
    let todo = match errno.name() {
        Some("EPERM") => without_capability(&machine.user),
        Some("EINVAL") => "use a kernel with network namespaces (CONFIG_NET_NS)",
        _ => "see what the system says of it (dmesg)",
    };
    Finding::obstacle(subject, found, todo)
}

/// What to do where root is refused what root may do.
fn without_capability(user: &User) -> &'static str {
    if user.is_filtered && user.capabilities.contains(&"CAP_SYS_ADMIN") {
        "let the container's seccomp profile permit unshare (--security-opt seccomp=unconfined)"
    } else {
        "give the container or service CAP_SYS_ADMIN, CAP_NET_ADMIN and CAP_NET_RAW (--cap-add), or run as an ordinary \
         user who may make user namespaces"
    }
}

pub(super) fn device(machine: &Machine) -> Option<Finding> {
    let subject = "TUN device";
    Some(match (machine.world.device.as_ref()?, &machine.world.link) {
        (Tried::Refused { doing, errno }, _) => {
            let todo = match errno.name() {
                Some("EPERM") => "give the process CAP_NET_ADMIN: run as root, or in a user namespace",
                _ if !machine.tun.opened.worked() => "see TUN node",
                _ => "see what the system says of it (dmesg)",
            };
            Finding::obstacle(subject, format!("{doing} in the namespace was refused ({errno})"), todo)
        }
        (Tried::Worked, Some(Err(error))) => Finding::obstacle(
            subject,
            format!("made in the namespace, but its link cannot be set up ({error})"),
            "use a kernel with IPv4 and IPv6 (see that ipv6.disable=1 is not on its command line)",
        ),
        (Tried::Worked, _) => Finding::good(subject, "made in the namespace, with addresses and routes"),
    })
}

pub(super) fn packet_socket(machine: &Machine) -> Option<Finding> {
    let subject = "packet socket";
    Some(match machine.world.packet_socket.as_ref()? {
        Tried::Worked => Finding::good(subject, "opened on the device"),
        Tried::Refused { doing, errno } => {
            let todo = match errno.name() {
                Some("EPERM") => "give the process CAP_NET_RAW (--cap-add NET_RAW)",
                _ => "load the module (modprobe af_packet)",
            };
            Finding::obstacle(subject, format!("{doing} was refused ({errno})"), todo)
        }
    })
}

/// The baseline; of a namespace that could be made.
pub(super) fn settings(machine: &Machine) -> Option<Finding> {
    let world = &machine.world;
    world.device.as_ref()?;
    let count = world.settings;
    if world.unmet.is_empty() {
        return Some(Finding::good("settings", format!("all {count} of the baseline can be made")));
    }
    let found = format!(
        "{} of {count} of the baseline cannot be made: {}",
        world.unmet.len(),
        world.unmet.join("; ")
    );
    let todo = "cases that depend on them see what this kernel does without; /proc/sys must be writable";
    Some(Finding::note("settings", found, todo))
}
