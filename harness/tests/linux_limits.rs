//! The Linux target in numbers: many at once, nothing left behind, how long it takes.

#![cfg(all(feature = "linux", target_os = "linux"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]
#![expect(clippy::disallowed_methods, reason = "these measure real time")]

mod linux_support;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use linux_support::{ACK, FIN, MAIN, OTHER, PSH, Rig, SYN, factory, world};
use tcpdrill::case::{DescriptorId, IpVersion, Syscall};
use tcpdrill::target::TargetFactory;
use tcpdrill::target::linux::LinuxFactory;
use tcpdrill::time::Span;

const S: DescriptorId = DescriptorId(1);
/// Set in a child process that is to be killed while it has targets.
const VICTIM: &str = "TCPDRILL_TEST_VICTIM";

/// How many namespaces that are gone the kernel may keep counting.
const SLACK: usize = 40;

/// These count what the whole system has: one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The network namespaces that threads are in.
fn namespaces() -> BTreeSet<u64> {
    let mut found = BTreeSet::new();
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(threads) = fs::read_dir(process.path().join("task")) else {
            continue;
        };
        for thread in threads.flatten() {
            found.extend(fs::metadata(thread.path().join("ns/net")).map(|ns| ns.ino()));
        }
    }
    found
}

/// How many network namespaces the kernel has, whoever is in them; `None` where it does not say. What it gives back
/// stays counted for a while, up to [`SLACK`].
fn kernel_namespaces() -> Option<usize> {
    let text = fs::read_to_string("/proc/slabinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("net_namespace "))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Connections of all namespaces that nobody has a descriptor of.
fn orphans() -> Option<usize> {
    let text = fs::read_to_string("/proc/net/sockstat").ok()?;
    let line = text.lines().find(|line| line.starts_with("TCP:"))?;
    line.split_whitespace().nth(4)?.parse().ok()
}

/// What is there before a test.
struct Before {
    inhabited: BTreeSet<u64>,
    kernel: Option<usize>,
    orphans: Option<usize>,
}

impl Before {
    fn note() -> Self {
        Self { inhabited: namespaces(), kernel: kernel_namespaces(), orphans: orphans() }
    }

    /// Waits until there is no more than before. The namespace of a thread is gone a moment after it was joined; the
    /// kernel removes namespaces in the background.
    fn wait(&self) {
        if self.kernel.is_none() {
            eprintln!("skipped in part: /proc/slabinfo does not tell how many namespaces there are");
        }
        let start = Instant::now();
        loop {
            let (inhabited, kernel, orphans) = (namespaces(), kernel_namespaces(), orphans());
            if inhabited.is_subset(&self.inhabited)
                && kernel <= self.kernel.map(|count| count + SLACK)
                && orphans <= self.orphans
            {
                return;
            }
            assert!(
                start.elapsed() < Duration::from_secs(10),
                "left: {inhabited:?}, {kernel:?} after {:?} in the kernel, {orphans:?} orphans",
                self.kernel
            );
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A whole conversation: connect, send, receive.
fn converse(rig: &mut Rig) {
    let next = rig.accepted();
    let mut data = rig.segment(PSH | ACK, 1, next);
    data.payload = vec![7; 100];
    rig.inject(&data);
    let read = Syscall::Read { fd: S, count: 100, lie: None };
    assert_eq!(rig.call(read, &[]).result, Ok(100));
    assert_eq!(rig.emitted(Span::seconds(2)).1.ack, 101);
}

#[test]
fn two_hundred_run_beside_each_other() {
    let Some(factory) = factory() else { return };
    let _alone = alone();
    let before = Before::note();
    const COUNT: usize = 200;
    let (all_open, start) = (Barrier::new(COUNT), Instant::now());
    thread::scope(|scope| {
        for n in 0..COUNT {
            let all_open = &all_open;
            scope.spawn(move || {
                let ip = if n % 2 == 0 { IpVersion::V4 } else { IpVersion::V6 };
                let mut rig = Rig::open(factory, ip);
                // Two hundred threads in the real-time class wait for each other.
                rig.brief = Span::seconds(2);
                all_open.wait();
                converse(&mut rig);
                rig.target.finish().unwrap();
            });
        }
    });
    eprintln!("{COUNT} at once took {:?}", start.elapsed());
    before.wait();
}

#[test]
fn nothing_stays_of_connections_without_descriptor() {
    let Some(factory) = factory() else { return };
    let _alone = alone();
    let before = Before::note();
    for finish in [true, false] {
        for n in 0..SLACK {
            let ip = if n % 2 == 0 { IpVersion::V4 } else { IpVersion::V6 };
            let mut rig = Rig::open(factory, ip);
            let next = rig.accepted();
            // Data that is never acknowledged, then close: FIN_WAIT1 without descriptor, for minutes.
            let write = Syscall::Write { fd: S, count: 10, lie: None };
            assert_eq!(rig.call_with(write, &[1; 10], &[]).result, Ok(10));
            assert_eq!(rig.call(Syscall::Close { fd: S }, &[]).result, Ok(0));
            // One in TIME_WAIT, one in SYN_RECV, one that is accepted by nobody, and a thread that waits.
            rig.remote_port = 9_001;
            rig.inject(&rig.segment(SYN, 0, 0));
            rig.remote_port = 9_002;
            rig.inject(&rig.segment(SYN, 0, 0));
            let answer = loop {
                let (_, segment) = rig.emitted(Span::seconds(1));
                if segment.to.port() == 9_002 && segment.flags == SYN | ACK {
                    break segment;
                }
            };
            rig.inject(&rig.segment(ACK, 1, answer.seq.wrapping_add(1)));
            rig.start(MAIN, Syscall::Accept { fd: DescriptorId(0) }, &[], &[3]);
            rig.start(OTHER, Syscall::Accept { fd: DescriptorId(0) }, &[], &[4]);
            let fin = rig.segment(FIN | ACK, 1, next);
            rig.inject(&fin);
            if finish {
                rig.target.finish().unwrap();
            } else {
                drop(rig);
            }
        }
    }
    before.wait();
}

#[test]
fn a_killed_process_leaves_nothing() {
    if std::env::var_os(VICTIM).is_some() {
        be_killed();
    }
    if factory().is_none() {
        return;
    }
    let _alone = alone();
    let before = Before::note();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_killed_process_leaves_nothing", "--nocapture"])
        .env(VICTIM, "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while namespaces().len() < before.inhabited.len() + 3 {
        assert!(start.elapsed() < Duration::from_secs(10), "the child makes no targets");
        thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    before.wait();
}

/// Opens targets, with a blocked call in each, and waits for the end.
fn be_killed() -> ! {
    let factory = factory().unwrap();
    let mut rigs = Vec::new();
    for _ in 0..3 {
        let mut rig = Rig::open(factory, IpVersion::V4);
        rig.listener();
        rig.start(OTHER, Syscall::Accept { fd: DescriptorId(0) }, &[], &[]);
        rigs.push(rig);
    }
    thread::sleep(Duration::from_secs(60));
    panic!("nobody killed it");
}

#[test]
fn opening_and_finishing_takes_milliseconds() {
    let Some(factory) = factory() else { return };
    let _alone = alone();
    let (mut open, mut finish) = (Vec::new(), Vec::new());
    for _ in 0..50 {
        let start = Instant::now();
        let target = factory.open(&world(IpVersion::V4)).unwrap();
        open.push(start.elapsed());
        let start = Instant::now();
        target.finish().unwrap();
        finish.push(start.elapsed());
    }
    open.sort();
    finish.sort();
    eprintln!("open {:?} at most {:?}, finish {:?} at most {:?}", open[25], open[49], finish[25], finish[49]);
    assert!(open[25] + finish[25] < Duration::from_millis(50));
}

#[test]
fn busy_neighbours_make_nothing_late() {
    let Some(factory) = factory() else { return };
    let _alone = alone();
    let quiet = lateness(factory);
    let stop = AtomicBool::new(false);
    let busy = thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().unwrap().get() {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let busy = lateness(factory);
        stop.store(true, Ordering::Relaxed);
        busy
    });
    eprintln!("latest of 200 waits: {quiet} alone, {busy} beside busy loops");
    let bound = factory.info().timing.late(Span::millis(2));
    assert!(busy <= bound, "{busy} is more than {bound}");
}

/// How late the target is at most, when nothing happens and when a call is released.
fn lateness(factory: &LinuxFactory) -> Span {
    let mut rig = Rig::open(factory, IpVersion::V4);
    let next = rig.accepted();
    let mut latest = Span::ZERO;
    for n in 0..100 {
        let until = rig.target.now() + Span::millis(2);
        while rig.target.advance(until).unwrap().is_some() {}
        latest = latest.max(rig.target.now() - until);
        rig.start(OTHER, Syscall::Read { fd: S, count: 1, lie: None }, &[], &[]);
        let mut data = rig.segment(PSH | ACK, 1 + n, next);
        data.payload = vec![7];
        let injected = rig.inject(&data);
        latest = latest.max(rig.returned(Span::millis(50)).0 - injected);
    }
    rig.target.finish().unwrap();
    latest
}
