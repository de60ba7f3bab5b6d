//! Closes descriptors that the kernel takes long to close.
//!
//! A TUN device and a packet socket go only after every processor has passed through its scheduler, which takes tens of
//! milliseconds. Nobody needs to wait for that: a thread of its own does. If the process ends before, the kernel closes
//! them all the same.

use std::os::fd::OwnedFd;
use std::sync::OnceLock;
use std::thread;

use super::mailbox::Mailbox;
use super::namespace::STACK;

/// How many wait at the same time: those that wait together are served together.
const AT_ONCE: usize = 4;

/// Closes them, some time.
pub(super) fn close(descriptors: Vec<OwnedFd>) {
    static QUEUE: OnceLock<Option<Mailbox<Vec<OwnedFd>>>> = OnceLock::new();
    let queue = QUEUE.get_or_init(start);
    // Without the threads, dropping what comes back closes it here.
    if let Some(queue) = queue {
        drop(queue.put(descriptors));
    }
}

fn start() -> Option<Mailbox<Vec<OwnedFd>>> {
    let queue = Mailbox::<Vec<OwnedFd>>::new();
    let mut started = 0;
    for _ in 0..AT_ONCE {
        let theirs = queue.share();
        let spawned =
            thread::Builder::new().name("tcpdrill-close".to_owned()).stack_size(STACK).spawn(move || {
                while let Some(descriptors) = theirs.take() {
                    drop(descriptors);
                }
            });
        started += usize::from(spawned.is_ok());
    }
    (started > 0).then_some(queue)
}
