//! One system call: announced, timed, made, its errno read.

#![expect(unsafe_code, reason = "system calls are made with what the case says")]

use std::io;

use crate::case::Errno;
use crate::target::linux::clock::Clock;
use crate::target::linux::worker::Progress;
use crate::time::Timestamp;

/// Where a call happens: notes when it begins and returns.
#[derive(Debug)]
pub(in crate::target::linux) struct Stage<'a> {
    clock: Clock,
    progress: &'a Progress,
    returned: Timestamp,
}

impl<'a> Stage<'a> {
    /// Nothing called yet.
    pub(in crate::target::linux) fn new(clock: Clock, progress: &'a Progress) -> Self {
        Self { clock, progress, returned: clock.now() }
    }

    /// When the call returned.
    pub(in crate::target::linux) const fn returned(&self) -> Timestamp {
        self.returned
    }

    /// Makes the system call. Missing arguments are 0.
    ///
    /// # Safety
    /// Pointers among the arguments are null, or valid for what this system call reads and writes there.
    pub(super) unsafe fn call(&mut self, number: libc::c_long, arguments: &[usize]) -> Result<i64, Errno> {
        let argument = |n: usize| arguments.get(n).copied().unwrap_or(0);
        self.progress.enter(number, self.clock.now());
        // SAFETY: as the caller promises.
        let result = unsafe {
            libc::syscall(
                number,
                argument(0),
                argument(1),
                argument(2),
                argument(3),
                argument(4),
                argument(5),
            )
        };
        let error = io::Error::last_os_error();
        self.returned = self.clock.now();
        if result < 0 { Err(Errno(error.raw_os_error().unwrap_or(0))) } else { Ok(result) }
    }
}
