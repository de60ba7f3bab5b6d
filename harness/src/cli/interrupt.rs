//! Ctrl-C and SIGTERM: the first asks the run to end in order, the second ends the process at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The exit status of a process that a signal ended is this and the signal's number, as shells have it.
const BY_SIGNAL: i32 = 128;

/// Which signal came, if one did.
#[derive(Debug)]
pub(super) struct Interrupt {
    signal: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Watches from now on.
    pub(super) fn watch() -> io::Result<Self> {
        let (signal, came) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        for number in [SIGINT, SIGTERM] {
            // In this order: a signal finds the flag that one before it has set.
            flag::register_conditional_shutdown(number, BY_SIGNAL + number, Arc::clone(&came))?;
            flag::register(number, Arc::clone(&came))?;
            flag::register_usize(number, Arc::clone(&signal), usize::try_from(number).unwrap_or_default())?;
        }
        Ok(Self { signal })
    }

    /// Whether one came.
    pub(super) fn came(&self) -> bool {
        self.signal.load(Ordering::Relaxed) != 0
    }

    /// The exit status, if one came: 130 for Ctrl-C, 143 for SIGTERM.
    pub(super) fn exit_status(&self) -> Option<u8> {
        let number = u8::try_from(self.signal.load(Ordering::Relaxed)).ok().filter(|number| *number != 0)?;
        u8::try_from(BY_SIGNAL).ok()?.checked_add(number)
    }
}
