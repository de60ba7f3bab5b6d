//! Whether this machine can run cases, and how exactly: found out once.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::thread;

use super::driver::LinuxTarget;
use super::faults::{broken, out_of_files};
use super::namespace::Namespace;
use super::{baseline, clock, schedule, settings, sys, tun};
use crate::case::Capability;
use crate::target::{Target, TargetError, TargetFactory, TargetInfo, Timing, Tolerance, World};

/// Signals that stand for those of a case, counted from the first real-time signal: one that interrupts calls, and one
/// after which they go on.
pub(super) const INTERRUPT: i32 = 5;
pub(super) const RESTART: i32 = 6;

const MILLISECOND: i64 = 1_000_000;
/// How often the lateness of waking up is measured.
const WAKES: usize = 40;
/// A wake-up is never taken to be more exact than this.
const LEAST_LATENESS: i64 = MILLISECOND / 5;
/// Timers of the kernel are the later the longer they are: its wheel keeps them with an eighth of their length.
const DIVISOR: i64 = 8;

/// Makes a namespace with a TUN device for each case.
#[derive(Debug)]
pub struct LinuxFactory {
    info: TargetInfo,
    unmet: Vec<String>,
    /// Packets carry stamps only while somebody in the system wants them, and the kernel takes its time to begin.
    _stamping: OwnedFd,
}

impl LinuxFactory {
    /// Finds out what this machine can do. Raises the limit of open files of this process, and catches two real-time
    /// signals.
    ///
    /// # Errors
    /// [`TargetError::Unusable`] where cases cannot run here; the text says what to do.
    pub fn new() -> Result<Self, TargetError> {
        check_tun_node()?;
        sys::raise_file_limit();
        let stamping = keep_stamping().map_err(|error| out_of_files("a socket", &error))?;
        for (signal, restart) in [(INTERRUPT, false), (RESTART, true)] {
            sys::catch(libc::SIGRTMIN() + signal, restart).map_err(broken)?;
        }
        let (md5, local_isn, unmet) = Namespace::create()?.run(probe)??;
        let mut capabilities: std::collections::BTreeSet<_> = Capability::ALL.into_iter().collect();
        capabilities.remove(&Capability::VirtualClock);
        for (capability, present) in [(Capability::Md5, md5), (Capability::LocalIsn, local_isn)] {
            if !present {
                capabilities.remove(&capability);
            }
        }
        let jiffy = clock::jiffy();
        let info = TargetInfo {
            id: "linux".to_owned(),
            version: release(),
            capabilities,
            timing: Timing::Real(Tolerance {
                early: jiffy + MILLISECOND,
                late: jiffy + lateness()?,
                divisor: DIVISOR,
            }),
        };
        Ok(Self { info, unmet, _stamping: stamping })
    }

    /// Settings of the baseline that this kernel does not have, or has otherwise, each with the reason.
    #[must_use]
    pub fn unmet_baseline(&self) -> &[String] {
        &self.unmet
    }
}

impl TargetFactory for LinuxFactory {
    fn info(&self) -> &TargetInfo {
        &self.info
    }

    fn open(&self, world: &World) -> Result<Box<dyn Target>, TargetError> {
        Ok(Box::new(LinuxTarget::open(&self.info, world)?))
    }
}

fn check_tun_node() -> Result<(), TargetError> {
    let opened = OpenOptions::new().read(true).write(true).open(tun::NODE);
    opened.map(drop).map_err(|error| {
        let what_to_do = match error.kind() {
            io::ErrorKind::PermissionDenied => "run as root, or let others use it (chmod 666 /dev/net/tun)",
            _ => "load the module (modprobe tun), or give the container the device (--device /dev/net/tun)",
        };
        TargetError::Unusable(format!("{} cannot be opened ({error}): {what_to_do}", tun::NODE))
    })
}

/// What a namespace of this kernel can do: MD5 signatures, chosen sequence numbers, and what it lacks of the baseline.
fn probe() -> Result<(bool, bool, Vec<String>), TargetError> {
    let unmet = settings::write_baseline(baseline::BASELINE);
    tun::Tun::create(&crate::case::Link::default(), false).map_err(|error| {
        TargetError::Unusable(format!(
            "a TUN device cannot be made ({error}): this needs CAP_NET_ADMIN over a new network namespace; run as root \
             or in a user namespace"
        ))
    })?;
    let socket = sys::socket(libc::AF_INET, libc::SOCK_STREAM, 0).map_err(broken)?;
    let fd = socket.as_raw_fd();
    let repair = sys::set_int(fd, libc::SOL_TCP, libc::TCP_REPAIR, 1).is_ok();
    // A kernel that knows signatures finds this one too short.
    let md5 = sys::set_option(fd, libc::SOL_TCP, libc::TCP_MD5SIG, &[0; 4])
        .is_err_and(|error| error.raw_os_error() == Some(libc::EINVAL));
    Ok((md5, repair, unmet))
}

fn keep_stamping() -> io::Result<OwnedFd> {
    let socket = sys::socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0)?;
    sys::set_int(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)?;
    Ok(socket)
}

/// The release of the kernel: `6.18.4`.
fn release() -> String {
    nix::sys::utsname::uname()
        .map_or_else(|_| "unknown".to_owned(), |name| name.release().to_string_lossy().into_owned())
}

/// How late a thread of ours wakes up at worst, measured as threads of cases run.
fn lateness() -> Result<i64, TargetError> {
    thread::spawn(|| {
        let _driving = schedule::Driving::start();
        (0..WAKES).map(|_| clock::nap(MILLISECOND / 2)).max().unwrap_or(0)
    })
    .join()
    .map(|lateness| lateness.max(LEAST_LATENESS))
    .map_err(|_| broken("the lateness of waking up cannot be measured"))
}
