//! The end of a case: nothing of it stays.
//!
//! Threads are freed, descriptors closed with a reset, connections without descriptor destroyed. Only these could keep
//! the namespace alive; a connection in TIME_WAIT goes with it.

use super::driver::LinuxTarget;
use super::factory::INTERRUPT;
use super::faults::broken;
use super::{diag, inspect, reaper, sys};
use crate::target::{Observation, TargetError};

/// Tears down, and gives what was not given before and what this caused. All is tried, whatever fails.
pub(super) fn run(target: &mut LinuxTarget) -> Result<Vec<Observation>, TargetError> {
    let mut outcome = Ok(());
    let mut note = |step: Result<(), TargetError>| {
        if outcome.is_ok() {
            outcome = step;
        }
    };
    for worker in std::mem::take(&mut target.workers).into_values() {
        note(worker.stop(libc::SIGRTMIN() + INTERRUPT));
    }
    for descriptor in target.descriptors.all() {
        // Not all of them are sockets.
        let linger = [1_i32.to_ne_bytes(), 0_i32.to_ne_bytes()].concat();
        let _ = sys::set_option(descriptor, libc::SOL_SOCKET, libc::SO_LINGER, &linger);
    }
    target.descriptors.close_all();
    note(destroy_orphans(target));
    note(target.collect());
    if let Some(wires) = target.wires.take() {
        reaper::close(vec![wires.tap.into_fd(), wires.tun.into_fd(), wires.netlink.into_fd()]);
    }
    outcome.map(|()| target.queue.take())
}

fn destroy_orphans(target: &mut LinuxTarget) -> Result<(), TargetError> {
    if inspect::sockets(&target.namespace) == 0 {
        return Ok(());
    }
    match diag::destroy_all(&mut target.wires()?.netlink) {
        // A kernel without CONFIG_INET_DIAG_DESTROY: they go when their timers say so, a minute or two later.
        Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => Ok(()),
        Err(error) => Err(broken(format!("a connection cannot be destroyed: {error}"))),
        Ok(_) => Ok(()),
    }
}
