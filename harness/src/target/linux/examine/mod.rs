//! What this machine has of what the target needs: found out by reading, and by doing it.

mod host;

use std::io;
use std::thread;

use nix::sched::{CloneFlags, unshare};
use nix::time::{ClockId, clock_getres};

use super::namespace::Namespace;
use super::tun::{self, Tun};
use super::wait::Timer;
use super::{baseline, clock, link, schedule, settings, sys, tap, user_namespace};
use crate::case::{Errno, Link, Offload};
use crate::target::TargetError;
use crate::target::machine::{Clock, Lateness, Machine, Scheduling, Tried, World};

/// How often the lateness of waking up is measured, and how long each wait is in nanoseconds.
const WAITS: usize = 400;
const WAIT: i64 = 500_000;
/// MTU of the world that is made to see whether one can be.
const MTU: u16 = 1500;

/// Finds out. Must be called before the process starts a thread: for an ordinary user it enters a user namespace. Of the
/// machine nothing is changed; of this process, the limits of open files and of real-time threads.
#[must_use]
pub fn examine() -> Machine {
    // The host as it is for the user who asked: in a user namespace other owners and limits are seen.
    let (user, tun, switches) = (host::user(), host::tun_node(), host::switches());
    let limits = host::limits(sys::raise_file_limit());
    let congestion = host::congestion();
    let user_namespace = (user.id != 0).then(|| match user_namespace::enter() {
        Ok(()) => Tried::Worked,
        Err(refused) => Tried::Refused { doing: refused.doing, errno: Errno(refused.errno as i32) },
    });
    let (release, architecture) = host::kernel();
    Machine {
        release,
        architecture,
        processors: thread::available_parallelism().map_or(1, usize::from),
        user,
        tun,
        switches,
        user_namespace,
        world: world(),
        clock: clock(),
        scheduling: scheduling(),
        congestion,
        limits,
    }
}

/// The answer to an attempt.
fn tried(doing: &str, result: io::Result<()>) -> Tried {
    match result {
        Ok(()) => Tried::Worked,
        Err(error) => {
            let errno = Errno(error.raw_os_error().unwrap_or(libc::EIO));
            Tried::Refused { doing: doing.to_owned(), errno }
        }
    }
}

/// Does something on a thread of its own, which it may spoil.
fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    thread::spawn(work).join().ok()
}

/// Makes the world of a case and removes it again.
fn world() -> World {
    let mut world = World {
        namespace: tried("making a network namespace", namespace()),
        device: None,
        link: None,
        packet_socket: None,
        settings: baseline::BASELINE.len(),
        unmet: Vec::new(),
        took: None,
    };
    if !world.namespace.worked() {
        return world;
    }
    let start = clock::monotonic();
    let Ok(namespace) = Namespace::create() else { return world };
    if let Ok(inside) = namespace.run(inside) {
        let made = clock::monotonic();
        (world.device, world.link, world.packet_socket) =
            (Some(inside.device), inside.link, inside.packet_socket);
        world.unmet = inside.unmet;
        drop(inside.open);
        drop(namespace);
        world.took = Some((made - start, clock::monotonic() - made));
    }
    world
}

/// Whether a thread may move into a new network namespace.
fn namespace() -> io::Result<()> {
    aside(|| unshare(CloneFlags::CLONE_NEWNET)).unwrap_or(Err(nix::Error::EIO)).map_err(io::Error::from)
}

struct Inside {
    unmet: Vec<String>,
    device: Tried,
    link: Option<Result<(), String>>,
    packet_socket: Option<Tried>,
    /// What stays as long as it is open.
    open: Option<(Tun, Option<tap::Socket>)>,
}

/// What a case is furnished with, on a thread in its namespace.
fn inside() -> Inside {
    let unmet = settings::write_baseline(baseline::BASELINE);
    let (tun, index) = match Tun::create(&Link::default(), false) {
        Ok(made) => made,
        Err(error) => {
            let device = tried("making a TUN device", Err(error));
            return Inside { unmet, device, link: None, packet_socket: None, open: None };
        }
    };
    let link = link::build(index, MTU).map_err(|error: TargetError| error.to_string());
    let (packet_socket, tap) = match tap::Socket::open(index, Offload::None) {
        Ok(socket) => (Tried::Worked, Some(socket)),
        Err(error) => (tried("opening a packet socket", Err(error)), None),
    };
    Inside {
        unmet,
        device: Tried::Worked,
        link: Some(link),
        packet_socket: Some(packet_socket),
        open: Some((tun, tap)),
    }
}

fn scheduling() -> Scheduling {
    let refused = || Err(io::Error::from_raw_os_error(libc::EIO));
    Scheduling {
        limited: tried("limiting the time of real-time threads", schedule::limit()),
        real_time: tried("entering the real-time class", aside(schedule::try_raise).unwrap_or_else(refused)),
    }
}

fn clock() -> Clock {
    let resolution = clock_getres(ClockId::CLOCK_MONOTONIC);
    Clock {
        source: host::clock_source(),
        jiffy: clock::jiffy(),
        resolution: resolution.map_or(0, |length| length.tv_sec() * 1_000_000_000 + length.tv_nsec()),
        lateness: aside(lateness).and_then(Result::ok).and_then(Lateness::of),
    }
}

/// How late each of many waits ended, with the timer and in the scheduling class of cases.
fn lateness() -> io::Result<Vec<i64>> {
    let _driving = schedule::Driving::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let timer = {
        let _entered = runtime.enter();
        Timer::new()?
    };
    (0..WAITS)
        .map(|_| {
            let due = clock::monotonic() + WAIT;
            runtime.block_on(timer.wait(due))?;
            Ok(clock::monotonic() - due)
        })
        .collect()
}
