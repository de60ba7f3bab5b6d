//! A queue from thread to thread, whose reader sleeps while it waits.
//!
//! Not the channel of the standard library: its reader spins while a writer is half done. A reader in the real-time class
//! then keeps the writer it has preempted from ever finishing, and the processor from everybody else.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Both ends of the queue.
#[derive(Debug)]
pub(super) struct Mailbox<T> {
    shared: Arc<Shared<T>>,
}

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<T>,
    closed: bool,
}

impl<T> Mailbox<T> {
    /// An empty one.
    pub(super) fn new() -> Self {
        let state = State { items: VecDeque::new(), closed: false };
        Self { shared: Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() }) }
    }

    /// The same queue, for another thread.
    pub(super) fn share(&self) -> Self {
        Self { shared: self.shared.clone() }
    }

    /// Adds something; gives it back where the queue is closed.
    pub(super) fn put(&self, item: T) -> Result<(), T> {
        let mut state = self.lock();
        if state.closed {
            return Err(item);
        }
        state.items.push_back(item);
        drop(state);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Takes the oldest, once there is one; `None` when the queue is closed and empty.
    pub(super) fn take(&self) -> Option<T> {
        self.shared
            .changed
            .wait_while(self.lock(), |state| state.items.is_empty() && !state.closed)
            .unwrap_or_else(PoisonError::into_inner)
            .items
            .pop_front()
    }

    /// Lets nothing more in.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.shared.changed.notify_all();
    }

    /// Closes the queue when dropped, however the thread that has it ends.
    pub(super) const fn closer(&self) -> Closer<'_, T> {
        Closer(self)
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Mailbox::closer`].
#[derive(Debug)]
pub(super) struct Closer<'a, T>(&'a Mailbox<T>);

impl<T> Drop for Closer<'_, T> {
    fn drop(&mut self) {
        self.0.close();
        // Nobody will see to what is left; those who wait for an answer must not wait for ever.
        self.0.lock().items.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::Mailbox;

    #[test]
    fn what_is_put_in_comes_out_in_order_until_it_is_closed() {
        let mailbox = Mailbox::new();
        let reader = mailbox.share();
        let thread = std::thread::spawn(move || [reader.take(), reader.take(), reader.take()]);
        assert_eq!(mailbox.put(1), Ok(()));
        assert_eq!(mailbox.put(2), Ok(()));
        mailbox.close();
        assert_eq!(mailbox.put(3), Err(3));
        assert_eq!(thread.join().unwrap(), [Some(1), Some(2), None]);
    }

    #[test]
    fn a_reader_that_ends_closes() {
        let mailbox = Mailbox::new();
        assert_eq!(mailbox.put(1), Ok(()));
        drop(mailbox.closer());
        assert_eq!(mailbox.put(2), Err(2));
        assert_eq!(mailbox.take(), None);
    }
}
