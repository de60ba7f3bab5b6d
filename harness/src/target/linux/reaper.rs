//! Closes descriptors that the kernel takes long to close.
//!
//! A TUN device and a packet socket go only after every processor has passed through its scheduler, which takes tens of
//! milliseconds. Nobody needs to wait for that: a thread of its own does. If the process ends before, the kernel closes
//! them all the same.

use std::os::fd::OwnedFd;
use std::sync::{OnceLock, mpsc};
use std::thread;

/// How many wait at the same time: those that wait together are served together.
const AT_ONCE: usize = 4;

/// Closes them, some time.
pub(super) fn close(descriptors: Vec<OwnedFd>) {
    static QUEUE: OnceLock<Option<mpsc::Sender<Vec<OwnedFd>>>> = OnceLock::new();
    let queue = QUEUE.get_or_init(start);
    // Without the threads, dropping what comes back closes it here.
    if let Some(queue) = queue {
        drop(queue.send(descriptors));
    }
}

fn start() -> Option<mpsc::Sender<Vec<OwnedFd>>> {
    let (sender, receiver) = mpsc::channel::<Vec<OwnedFd>>();
    let receiver = std::sync::Arc::new(std::sync::Mutex::new(receiver));
    let mut started = 0;
    for _ in 0..AT_ONCE {
        let receiver = receiver.clone();
        let spawned = thread::Builder::new()
            .name("tcpdrill-close".to_owned())
            .stack_size(super::namespace::STACK)
            .spawn(move || {
                loop {
                    let next = receiver.lock().map(|receiver| receiver.recv());
                    let Ok(Ok(descriptors)) = next else { return };
                    drop(descriptors);
                }
            });
        started += usize::from(spawned.is_ok());
    }
    (started > 0).then_some(sender)
}
