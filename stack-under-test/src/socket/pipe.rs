//! Pipes.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Buffers that a pipe has, of one page each.
const BUFFERS: usize = 16;
const PAGE: usize = 4096;

/// Names a pipe for as long as it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PipeId(pub(crate) u32);

/// One of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    Read,
    Write,
}

/// Bytes on their way from one descriptor to another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pipe {
    buffers: VecDeque<Vec<u8>>,
    /// The last buffer takes what is written next, if it fits: what was spliced stays alone.
    can_grow: bool,
    /// Bytes that ever went in.
    pub(crate) written: u64,
    /// An end is closed when nobody holds it any more.
    pub(crate) read_closed: bool,
    pub(crate) write_closed: bool,
    pub(crate) nonblocking_read: bool,
    pub(crate) nonblocking_write: bool,
}

impl Pipe {
    pub(crate) fn len(&self) -> usize {
        self.buffers.iter().map(Vec::len).sum()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.buffers.len() == BUFFERS
    }

    /// Bytes that fit into buffers that are free.
    pub(crate) fn free(&self) -> usize {
        (BUFFERS - self.buffers.len()) * PAGE
    }

    /// Takes bytes from a write, which fills the last buffer up if what does not fill a page fits there; returns how
    /// many.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> usize {
        let (odd, grows) = (bytes.len() % PAGE, self.can_grow);
        let mut taken = 0;
        if let Some(last) =
            self.buffers.back_mut().filter(|last| grows && odd > 0 && last.len() + odd <= PAGE)
        {
            last.extend(bytes.iter().take(odd));
            taken = odd;
        }
        taken += self.append(bytes.get(taken..).unwrap_or_default());
        self.written += taken as u64;
        self.can_grow |= taken > 0;
        taken
    }

    /// Takes bytes that are spliced, which get buffers of their own; returns how many.
    pub(crate) fn splice(&mut self, bytes: &[u8]) -> usize {
        let taken = self.append(bytes);
        self.can_grow &= taken == 0;
        self.written += taken as u64;
        taken
    }

    fn append(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        for page in bytes.chunks(PAGE) {
            if self.is_full() {
                break;
            }
            self.buffers.push_back(page.to_vec());
            taken += page.len();
        }
        taken
    }

    /// The first bytes, which stay where they are.
    pub(crate) fn peek(&self, count: usize) -> Vec<u8> {
        self.buffers.iter().flatten().copied().take(count).collect()
    }

    /// Takes the first bytes out.
    pub(crate) fn read(&mut self, count: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while let Some(first) = self.buffers.front_mut().filter(|_| out.len() < count) {
            let part = first.len().min(count - out.len());
            out.extend(first.drain(..part));
            if first.is_empty() {
                self.buffers.pop_front();
            }
        }
        out
    }
}
