//! Each sentence, from the facts that lead to it.

use super::{Finding, State, diagnose, diagnosis_lines, diagnosis_text, skips};
use crate::case::Errno;
use crate::report::Style;
use crate::target::machine::{
    Clock, Congestion, Lateness, Limits, Machine, Node, Scheduling, Switch, Tried, TunNode, User, World,
};
use crate::verdict::{Ledger, Version};

/// A machine on which everything is as it should be.
fn sound() -> Machine {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect();
    Machine {
        release: "6.18.4-generic".to_owned(),
        architecture: "x86_64".to_owned(),
        processors: 2,
        user: User {
            id: 0,
            capabilities: vec!["CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_ADMIN", "CAP_SYS_NICE"],
            is_filtered: false,
        },
        tun: TunNode {
            path: "/dev/net/tun",
            node: Some(Node { is_tun: true, mode: 0o600, owner: 0, group: 0 }),
            opened: Tried::Worked,
        },
        switches: vec![
            Switch { name: "user.max_user_namespaces", value: 15_000 },
            Switch { name: "user.max_net_namespaces", value: 15_000 },
        ],
        user_namespace: None,
        world: World {
            namespace: Tried::Worked,
            device: Some(Tried::Worked),
            link: Some(Ok(())),
            packet_socket: Some(Tried::Worked),
            settings: 103,
            unmet: Vec::new(),
            took: Some((5_300_000, 49_800_000)),
        },
        clock: Clock {
            source: Some("tsc".to_owned()),
            jiffy: 4_000_000,
            resolution: 1,
            lateness: Some(Lateness { waits: 400, median: 41_000, p99: 67_000, max: 1_180_000 }),
        },
        scheduling: Scheduling { real_time: Tried::Worked, limited: Tried::Worked },
        congestion: Congestion { available: words("reno bbr"), allowed: words("reno") },
        limits: Limits { files: Some(20_000), threads: Some(32_768), namespaces: None },
    }
}

fn refused(doing: &str, errno: &str) -> Tried {
    Tried::Refused { doing: doing.to_owned(), errno: Errno::from_name(errno).unwrap() }
}

fn verified(series: &str) -> Ledger {
    Ledger { verified: Version::exact(series).into_iter().collect(), ..Ledger::default() }
}

fn found(machine: &Machine) -> Vec<Finding> {
    diagnose(machine, &[&verified("6.18")], 16)
}

/// What is not good, as `subject: found > what to do`, obstacles with a `!`.
fn complaints(machine: &Machine) -> Vec<String> {
    let mut list = Vec::new();
    for Finding { subject, state, found, todo } in found(machine) {
        let sign = match state {
            State::Good => continue,
            State::Note => "",
            State::Obstacle => "!",
        };
        list.push(format!("{sign}{subject}: {found} > {}", todo.unwrap_or_default()));
    }
    list
}

#[test]
fn a_sound_machine_as_text() {
    let wanted = "\
ok    system              Linux on x86_64, 2 processors
ok    kernel              6.18.4-generic; the cases were verified on 6.18
ok    user                root, with the capabilities that cases need
ok    TUN node            /dev/net/tun (mode 0600, owner 0:0) can be opened
ok    network namespace   made in 5.3 ms, removed in 49.8 ms
ok    TUN device          made in the namespace, with addresses and routes
ok    packet socket       opened on the device
ok    settings            all 103 of the baseline can be made
ok    congestion control  the kernel has reno, bbr; everybody may use reno
ok    scheduling          threads of cases run in the real-time class, for 2 s
                          at most without sleeping
ok    waking up           41 us late at the median, 67 us at 99 %, 1.18 ms at
                          worst, of 400 waits
ok    clock               source tsc, HZ 250: timers of TCP tick every 4.00 ms
ok    open files          up to 20000: room for 2000 cases at once, 16 are run
ok    threads             up to 32768: room for 8192 cases at once, 16 are run
ok    namespaces          without limit

cases can run on Linux here; notes: 0";
    assert_eq!(diagnosis_text(&found(&sound()), Style::default()), wanted);
}

#[test]
fn an_obstacle_as_text_and_as_json() {
    let mut machine = sound();
    machine.tun.node = None;
    machine.tun.opened = refused("opening it", "ENOENT");
    machine.world.device = Some(refused("making a TUN device", "ENOENT"));
    machine.world.link = None;
    machine.world.packet_socket = None;
    let findings = found(&machine);
    let text = diagnosis_text(&findings, Style::default());
    let sentence = "/dev/net/tun is missing: load the module (modprobe tun), or give the container the device (--device /dev/net/tun)";
    assert!(text.ends_with(&format!("\n\ncases cannot run on Linux here: {sentence}")), "{text}");
    let node = "\
NO    TUN node            /dev/net/tun is missing
                        > load the module (modprobe tun), or give the container
                          the device (--device /dev/net/tun)
";
    assert!(text.contains(node), "{text}");
    assert!(text.contains("NO    TUN device          making a TUN device in the namespace was refused\n                          (ENOENT)\n                        > see TUN node\n"), "{text}");
    let lines = diagnosis_lines(&machine, &findings);
    let summary = serde_json::json!({ "summary": { "usable": false, "obstacle": sentence } });
    assert_eq!(lines.last(), Some(&summary.to_string()));
    let node = "{\"found\":\"/dev/net/tun is missing\",\"state\":\"obstacle\",\"subject\":\"TUN node\",";
    assert!(lines[3].starts_with(node), "{}", lines[3]);
    assert!(lines[lines.len() - 2].contains("\"errno\":\"ENOENT\""), "{lines:?}");
}

#[test]
fn tun_nodes() {
    for (is_tun, errno, sentence) in [
        (
            true,
            "EACCES",
            "cannot be opened (EACCES) > run as root, or let others use it (chmod 666 /dev/net/tun)",
        ),
        (
            true,
            "EPERM",
            "cannot be opened (EPERM) > let the control group use it (DeviceAllow=/dev/net/tun, --device /dev/net/tun)",
        ),
        (true, "ENODEV", "cannot be opened (ENODEV) > load the module (modprobe tun)"),
        (
            false,
            "EINVAL",
            "is not the TUN device, character 10:200 > make it anew (rm /dev/net/tun; mknod /dev/net/tun c 10 200)",
        ),
    ] {
        let mut machine = sound();
        machine.tun.node = Some(Node { is_tun, mode: 0o640, owner: 0, group: 7 });
        machine.tun.opened = refused("opening it", errno);
        let wanted = format!("!TUN node: /dev/net/tun (mode 0640, owner 0:7) {sentence}");
        assert_eq!(complaints(&machine), [wanted]);
    }
}

/// An ordinary user to whom a user namespace is refused.
fn shut_out(doing: &str, errno: &str, switch: Option<(&'static str, i64)>, is_filtered: bool) -> Machine {
    let mut machine = sound();
    machine.user = User { id: 1000, capabilities: Vec::new(), is_filtered };
    machine.user_namespace = Some(refused(doing, errno));
    if let Some((name, value)) = switch {
        machine.switches.retain(|switch| switch.name != name);
        machine.switches.push(Switch { name, value });
    }
    machine
}

#[test]
fn switches_that_keep_users_from_making_namespaces() {
    let making = "making a user namespace";
    for (doing, errno, switch, sentence) in [
        (
            making,
            "ENOSPC",
            Some(("user.max_user_namespaces", 0)),
            "making a user namespace was refused (ENOSPC), user.max_user_namespaces is 0 > run as root, or let the \
             administrator allow it (sysctl user.max_user_namespaces=10000)",
        ),
        (
            making,
            "ENOSPC",
            Some(("user.max_net_namespaces", 0)),
            "making a user namespace was refused (ENOSPC), user.max_net_namespaces is 0 > run as root, or let the \
             administrator allow it (sysctl user.max_net_namespaces=10000)",
        ),
        (
            making,
            "EPERM",
            Some(("kernel.unprivileged_userns_clone", 0)),
            "making a user namespace was refused (EPERM), kernel.unprivileged_userns_clone is 0 > run as root, or let \
             the administrator allow it (sysctl kernel.unprivileged_userns_clone=1)",
        ),
        (
            "writing /proc/self/uid_map",
            "EPERM",
            Some(("kernel.apparmor_restrict_unprivileged_userns", 1)),
            "writing /proc/self/uid_map was refused (EPERM), kernel.apparmor_restrict_unprivileged_userns is 1 > run \
             as root, or let the administrator allow it (sysctl kernel.apparmor_restrict_unprivileged_userns=0)",
        ),
        (
            making,
            "EINVAL",
            None,
            "making a user namespace was refused (EINVAL) > run as root, or use a kernel with user namespaces \
             (CONFIG_USER_NS)",
        ),
        (making, "EPERM", None, "making a user namespace was refused (EPERM) > run as root"),
    ] {
        let machine = shut_out(doing, errno, switch, false);
        assert_eq!(complaints(&machine), [format!("!user namespace: {sentence}")]);
    }
    let machine = shut_out(making, "EPERM", None, true);
    assert_eq!(
        complaints(&machine),
        [
            "!user namespace: making a user namespace was refused (EPERM), and system calls are filtered > run as root \
          with CAP_SYS_ADMIN, or let the container's seccomp profile permit unshare (--security-opt \
          seccomp=unconfined)"
        ]
    );
}

#[test]
fn a_restriction_that_is_off_is_not_blamed() {
    let machine = shut_out(
        "making a user namespace",
        "EPERM",
        Some(("kernel.apparmor_restrict_unprivileged_userns", 0)),
        false,
    );
    assert_eq!(
        complaints(&machine),
        ["!user namespace: making a user namespace was refused (EPERM) > run as root"]
    );
}

/// Root to whom a network namespace is refused.
fn root(errno: &str) -> Machine {
    let mut machine = sound();
    machine.world = World {
        namespace: refused("making a network namespace", errno),
        device: None,
        link: None,
        packet_socket: None,
        took: None,
        ..machine.world
    };
    machine
}

#[test]
fn network_namespaces_that_root_may_not_make() {
    let mut limited = root("ENOSPC");
    limited.switches = vec![Switch { name: "user.max_net_namespaces", value: 0 }];
    assert_eq!(
        complaints(&limited),
        [
            "!network namespace: making a network namespace was refused (ENOSPC), user.max_net_namespaces is 0 > raise \
          it (sysctl user.max_net_namespaces=10000)"
        ]
    );
    let mut filtered = root("EPERM");
    filtered.user.is_filtered = true;
    assert_eq!(
        complaints(&filtered),
        [
            "!network namespace: making a network namespace was refused (EPERM) > let the container's seccomp profile \
          permit unshare (--security-opt seccomp=unconfined)"
        ]
    );
    let mut container = root("EPERM");
    container.user = User { id: 0, capabilities: vec!["CAP_NET_RAW"], is_filtered: true };
    assert_eq!(
        complaints(&container),
        [
            "user: root without CAP_SYS_ADMIN, CAP_NET_ADMIN; system calls are filtered (seccomp), as in a container > \
             give the container or service these capabilities (--cap-add), or run as an ordinary user who may make \
             user namespaces",
            "!network namespace: making a network namespace was refused (EPERM) > give the container or service \
             CAP_SYS_ADMIN, CAP_NET_ADMIN and CAP_NET_RAW (--cap-add), or run as an ordinary user who may make user \
             namespaces",
        ]
    );
    assert_eq!(
        complaints(&root("EINVAL")),
        [
            "!network namespace: making a network namespace was refused (EINVAL) > use a kernel with network namespaces \
          (CONFIG_NET_NS)"
        ]
    );
}

#[test]
fn what_the_namespace_lacks() {
    let mut machine = sound();
    machine.world.device = Some(refused("making a TUN device", "EPERM"));
    machine.world.link = None;
    machine.world.packet_socket = None;
    assert_eq!(
        complaints(&machine),
        [
            "!TUN device: making a TUN device in the namespace was refused (EPERM) > give the process CAP_NET_ADMIN: run \
          as root, or in a user namespace"
        ]
    );
    let mut machine = sound();
    machine.world.link = Some(Err("setting up the address of a case: EOPNOTSUPP".to_owned()));
    machine.world.packet_socket = Some(refused("opening a packet socket", "EPERM"));
    machine.world.unmet = vec!["net.ipv4.tcp_x: not in this kernel".to_owned()];
    assert_eq!(
        complaints(&machine),
        [
            "!TUN device: made in the namespace, but its link cannot be set up (setting up the address of a case: \
             EOPNOTSUPP) > use a kernel with IPv4 and IPv6 (see that ipv6.disable=1 is not on its command line)",
            "!packet socket: opening a packet socket was refused (EPERM) > give the process CAP_NET_RAW (--cap-add \
             NET_RAW)",
            "settings: 1 of 103 of the baseline cannot be made: net.ipv4.tcp_x: not in this kernel > cases that depend \
             on them see what this kernel does without; /proc/sys must be writable",
        ]
    );
}

#[test]
fn a_kernel_that_was_not_verified() {
    let finding = &diagnose(&sound(), &[&verified("6.17")], 16)[1];
    assert_eq!(finding.state, State::Note);
    assert_eq!(finding.found, "6.18.4-generic; the cases were verified on 6.17 only");
    assert_eq!(diagnose(&sound(), &[], 16)[1].state, State::Good);
}

#[test]
fn what_makes_runs_inexact() {
    let mut machine = sound();
    machine.scheduling.real_time = refused("entering the real-time class", "EPERM");
    machine.clock.lateness = Some(Lateness { waits: 400, median: 100_000, p99: 1_000_001, max: 9_000_000 });
    machine.clock.source = Some("hpet".to_owned());
    assert_eq!(
        complaints(&machine),
        [
            "scheduling: the real-time class is refused (EPERM): on a busy machine more runs are repeated > give the \
             process CAP_SYS_NICE (--cap-add SYS_NICE), or the control group real-time time",
            "waking up: 100 us late at the median, 1.00 ms at 99 %, 9.00 ms at worst, of 400 waits > the tolerance grows \
             with it and runs are repeated: use an idle machine, or run fewer at once (--jobs)",
            "clock: source hpet, HZ 250: timers of TCP tick every 4.00 ms; this source is slow to read > choose a faster \
             source, if the machine has one (/sys/devices/system/clocksource/clocksource0/available_clocksource)",
        ]
    );
    let mut machine = sound();
    machine.scheduling.limited = refused("limiting the time of real-time threads", "EPERM");
    machine.clock.resolution = 4_000_000;
    machine.clock.jiffy = 3_333_333;
    assert_eq!(
        complaints(&machine),
        [
            "scheduling: threads of cases run in the real-time class, and RLIMIT_RTTIME cannot be set (EPERM) > raise \
             the hard limit (ulimit -HR unlimited)",
            "clock: source tsc, HZ 300: timers of TCP tick every 3.33 ms; timers are no finer than 4.00 ms > use a kernel \
             with high-resolution timers (CONFIG_HIGH_RES_TIMERS)",
        ]
    );
}

#[test]
fn room_for_what_is_run_at_once() {
    let mut machine = sound();
    machine.limits = Limits { files: Some(159), threads: Some(64), namespaces: Some(31) };
    assert_eq!(
        complaints(&machine),
        [
            "open files: up to 159: room for 15 cases at once, 16 are run > raise the hard limit (ulimit -Hn), or run \
             fewer at once (--jobs)",
            "namespaces: up to 31: room for 15 cases at once, 16 are run > raise it (sysctl user.max_net_namespaces), or \
             run fewer at once (--jobs)",
        ]
    );
}

#[test]
fn tests_that_would_be_skipped() {
    let why = |text: &str| Some(text.to_owned());
    let finding = skips(&[None, why("md5"), why("--slow"), why("md5"), None]);
    assert_eq!(finding.found, "3 of 5 would be skipped: 2 for md5; 1 for --slow");
    assert_eq!(skips(&[None, None]).found, "none of 2 would be skipped");
}
