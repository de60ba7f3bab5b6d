//! What `tcpdrill doctor` says where something is really missing. Each is provoked in namespaces of its own; that takes
//! root, and the tools unshare, mount, mknod and setpriv.

#![cfg(all(feature = "cli", feature = "linux", target_os = "linux"))]
#![expect(clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A folder that everybody may read, with the program and a small tree of cases; removed at the end.
struct Place(PathBuf);

impl Place {
    /// `None` where nothing can be provoked; the reason is printed.
    fn new(name: &str) -> Option<Self> {
        let is_root = nix::unistd::geteuid().is_root();
        let has_tools = ["unshare", "setpriv"]
            .iter()
            .all(|tool| Command::new(tool).arg("--version").output().is_ok_and(|done| done.status.success()));
        if !is_root || !has_tools || !Path::new("/dev/net/tun").exists() {
            eprintln!("left out: this takes root, /dev/net/tun, unshare and setpriv");
            return None;
        }
        let root = std::env::temp_dir().join(format!("tcpdrill-doctor-{name}-{}", std::process::id()));
        for folder in ["cases/area", "cases/fixtures", "cases/ledger"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        let place = Self(root);
        place.write(
            "cases/area/a.yaml",
            "title: a socket is made\nsteps:\n  - call: s = socket(af, SOCK_STREAM, 0)\n",
        );
        fs::copy(env!("CARGO_BIN_EXE_tcpdrill"), place.0.join("tcpdrill")).unwrap();
        for folder in [".", "cases", "cases/area", "cases/fixtures", "cases/ledger", "tcpdrill"] {
            fs::set_permissions(place.0.join(folder), Permissions::from_mode(0o755)).unwrap();
        }
        Some(place)
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.0.join(file), text).unwrap();
        fs::set_permissions(self.0.join(file), Permissions::from_mode(0o644)).unwrap();
    }

    /// What the doctor says at the end of a shell script, run by a command. The exit status, and its objects.
    fn doctor(&self, command: &[&str], script: &str) -> (Option<i32>, Vec<Value>) {
        let script = format!("set -e; {script} ./tcpdrill doctor --format json");
        let (program, arguments) = command.split_first().unwrap();
        let done = Command::new(program)
            .args(arguments)
            .args(["sh", "-c", &script])
            .current_dir(&self.0)
            .output()
            .unwrap();
        let text = String::from_utf8(done.stdout).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(!text.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
        (done.status.code(), lines)
    }

    /// The first obstacle, where there must be one.
    fn obstacle(&self, command: &[&str], script: &str) -> String {
        let (status, lines) = self.doctor(command, script);
        let summary = &lines.last().unwrap()["summary"];
        assert_eq!((status, &summary["usable"]), (Some(3), &Value::Bool(false)), "{lines:?}");
        summary["obstacle"].as_str().unwrap().to_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Of one subject, state and what was found.
fn of<'l>(lines: &'l [Value], subject: &str) -> (&'l str, &'l str) {
    let line = lines.iter().find(|line| line["subject"] == subject).unwrap();
    (line["state"].as_str().unwrap(), line["found"].as_str().unwrap())
}

const MOUNTS: [&str; 2] = ["unshare", "--mount"];
/// An empty `/dev/net`, of this process only.
const NO_NODE: &str = "mount -t tmpfs none /dev/net; chmod 755 /dev/net;";
const NOBODY: &str = "exec setpriv --reuid=65534 --regid=65534 --clear-groups";

#[test]
fn the_tun_node_is_missing() {
    let Some(place) = Place::new("missing") else { return };
    assert_eq!(
        place.obstacle(&MOUNTS, NO_NODE),
        "/dev/net/tun is missing: load the module (modprobe tun), or give the container the device (--device \
         /dev/net/tun)"
    );
}

#[test]
fn the_tun_node_is_something_else() {
    let Some(place) = Place::new("other") else { return };
    assert_eq!(
        place.obstacle(&MOUNTS, &format!("{NO_NODE} umask 077; echo > /dev/net/tun;")),
        "/dev/net/tun (mode 0600, owner 0:0) is not the TUN device, character 10:200: make it anew (rm /dev/net/tun; \
         mknod /dev/net/tun c 10 200)"
    );
}

#[test]
fn the_tun_node_is_for_root_only() {
    let Some(place) = Place::new("denied") else { return };
    assert_eq!(
        place.obstacle(&MOUNTS, &format!("{NO_NODE} mknod -m 0600 /dev/net/tun c 10 200; {NOBODY}")),
        "/dev/net/tun (mode 0600, owner 0:0) cannot be opened (EACCES): run as root, or let others use it (chmod 666 \
         /dev/net/tun)"
    );
}

#[test]
fn users_may_not_make_namespaces() {
    let Some(place) = Place::new("users") else { return };
    // Without a user of its own the process in the namespace is nobody, who keeps the right to change its limits.
    let command = ["unshare", "--user", "--keep-caps"];
    let (_, lines) = place.doctor(&command, "echo 0 > /proc/sys/user/max_user_namespaces;");
    assert_eq!(
        of(&lines, "user namespace"),
        ("obstacle", "making a user namespace was refused (ENOSPC), user.max_user_namespaces is 0")
    );
}

#[test]
fn nobody_may_make_network_namespaces() {
    let Some(place) = Place::new("network") else { return };
    let command = ["unshare", "--user", "--map-root-user"];
    let (status, lines) = place.doctor(&command, "echo 0 > /proc/sys/user/max_net_namespaces;");
    assert_eq!(status, Some(3));
    assert_eq!(
        of(&lines, "network namespace"),
        ("obstacle", "making a network namespace was refused (ENOSPC), user.max_net_namespaces is 0")
    );
}

#[test]
fn root_lacks_a_capability() {
    let Some(place) = Place::new("capability") else { return };
    let without = |name: &str| place.obstacle(&["setpriv", &format!("--bounding-set=-{name}")], "");
    assert!(
        without("sys_admin")
            .starts_with("making a network namespace was refused (EPERM): give the container")
    );
    assert_eq!(
        without("net_raw"),
        "opening a packet socket was refused (EPERM): give the process CAP_NET_RAW (--cap-add NET_RAW)"
    );
}

#[test]
fn a_kernel_is_verified_or_not() {
    let Some(place) = Place::new("kernel") else { return };
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let series: Vec<&str> = release.split('.').take(2).collect();
    for (series, state) in [(series.join("."), "good"), ("2.4".to_owned(), "note")] {
        place.write("cases/ledger/linux.yaml", &format!("verified: [\"{series}\"]\n"));
        let (status, lines) = place.doctor(&["env"], "");
        assert_eq!(status, Some(0), "{lines:?}");
        let (is, found) = of(&lines, "kernel");
        assert_eq!(is, state, "{found}");
        assert!(found.contains(&series), "{found}");
        assert_eq!(lines.last().unwrap()["summary"], serde_json::json!({ "usable": true, "obstacle": null }));
    }
}

#[test]
fn tests_are_skipped_for_what_the_machine_lacks() {
    let Some(place) = Place::new("skips") else { return };
    let unknown = "title: another control\nset: { net.ipv4.tcp_congestion_control: nosuch }\nsteps:\n  - call: s = socket(af, SOCK_STREAM, 0)\n";
    place.write("cases/area/b.yaml", unknown);
    let (_, lines) = place.doctor(&["env"], "");
    assert_eq!(
        of(&lines, "tests"),
        ("note", "1 of 2 would be skipped: 1 for net.ipv4.tcp_congestion_control")
    );
}

#[test]
fn an_ordinary_user_runs_in_a_user_namespace() {
    let Some(place) = Place::new("ordinary") else { return };
    let (status, lines) = place.doctor(
        &MOUNTS,
        &format!("{NO_NODE} mknod -m 0666 /dev/net/tun c 10 200; chmod 666 /dev/net/tun; {NOBODY}"),
    );
    if status == Some(0) {
        assert_eq!(of(&lines, "user namespace"), ("good", "entered one, in which the user is root"));
    } else {
        // A system that does not let users make namespaces says so.
        assert_eq!(of(&lines, "user namespace").0, "obstacle", "{lines:?}");
    }
    assert_eq!(of(&lines, "user"), ("good", "user 65534: cases run in a user namespace"));
}
