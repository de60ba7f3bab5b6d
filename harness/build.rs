//! The version that `tcpdrill --version` shows: that of the package, and the commit it was built from.
//!
//! A packaged crate carries its commit in `.cargo_vcs_info.json`. In a checkout only optimised builds ask git: a hash
//! in all of them would build this crate and its tests again after each commit.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// What cargo writes into a package.
const PACKAGED: &str = ".cargo_vcs_info.json";
/// So much of a hash names a commit.
const SHORT: usize = 10;
/// What the program is made of: where it differs from the commit, the version says so.
const SOURCES: [&str; 5] = ["src", "embedded", "Cargo.toml", "../stack-under-test/src", "../Cargo.lock"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let commit = if Path::new(PACKAGED).exists() {
        println!("cargo:rerun-if-changed={PACKAGED}");
        packaged()
    } else if env::var("PROFILE").is_ok_and(|profile| profile == "release") && Path::new("../.git").exists() {
        checked_out()
    } else {
        None
    };
    let version = env!("CARGO_PKG_VERSION");
    let commit = commit.map(|commit| format!(" ({commit})")).unwrap_or_default();
    println!("cargo:rustc-env=TCPDRILL_VERSION={version}{commit}");
}

/// The commit that a package was made of.
fn packaged() -> Option<String> {
    let info = fs::read_to_string(PACKAGED).ok()?;
    let hash: String =
        info.split_once("\"sha1\"")?.1.chars().skip_while(|c| !c.is_ascii_hexdigit()).take(SHORT).collect();
    hash.chars().all(|c| c.is_ascii_hexdigit()).then_some(hash)
}

/// The commit that is checked out, and whether the sources differ from it.
fn checked_out() -> Option<String> {
    // HEAD changes where another branch is checked out, its log with each commit.
    for name in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", name])?;
        // What is watched and not there would run this each time.
        if Path::new(&path).exists() {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    SOURCES.iter().for_each(|path| println!("cargo:rerun-if-changed={path}"));
    let hash = git(&["rev-parse", &format!("--short={SHORT}"), "HEAD"])?;
    let changed = git(&[&["status", "--porcelain", "--"], &SOURCES[..]].concat())?;
    Some(if changed.is_empty() { hash } else { format!("{hash}, changed") })
}

fn git(arguments: &[&str]) -> Option<String> {
    // No lock: another git may be at work.
    let output = Command::new("git").arg("--no-optional-locks").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
