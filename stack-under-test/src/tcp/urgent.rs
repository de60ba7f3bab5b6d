//! What is urgent, in both directions.
//!
//! The pointer that arrives is taken for the number after the last urgent byte (`RFC9293/MUST-62`), or with `tcp_stdurg`
//! for that byte itself. As in Linux only that byte is urgent, where RFC9293/MUST-31 has any number of them, and it does
//! not stand in the stream unless the program asks for that (`SO_OOBINLINE`).

use alloc::vec::Vec;

use super::connection::Connection;
use super::env::Env;
use super::flow::Outbox;
use crate::socket::errors::Errno;
use crate::wire::seq::SeqNum;
use crate::wire::tcp::Segment;

/// What became of the urgent byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Byte {
    /// Announced only.
    Awaited,
    Here(u8),
    Read,
}

/// The peer's urgent byte: the place of the mark.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    seq: SeqNum,
    byte: Byte,
}

impl Connection {
    /// The pointer of a segment that begins at `seq`; zero if nothing after it is urgent.
    pub(super) fn urgent_pointer(&self, seq: SeqNum) -> u16 {
        match self.send.urgent {
            Some(end) if seq.before(end) => match u16::try_from(end - seq) {
                Ok(distance) => distance,
                Err(_) if (seq + 0xffff).after(self.send.nxt) => u16::MAX,
                Err(_) => 0,
            },
            Some(_) | None => 0,
        }
    }

    /// Whether urgent data is not acknowledged yet.
    pub(super) fn is_urgent(&self) -> bool {
        self.send.urgent.is_some_and(|end| end.after(self.send.una))
    }

    /// The number of the first byte that the program has not read.
    fn copied(&self) -> SeqNum {
        self.window.nxt - u32::from(self.peer_closed) - self.received.unread()
    }

    /// Looks for news of urgent data in a segment that is taken.
    pub(super) fn take_urgent(&mut self, env: &Env<'_>, segment: &Segment<'_>) {
        if segment.flags.urg() {
            self.note_mark(env, segment);
        }
        if let Some(Mark { seq, byte: byte @ Byte::Awaited }) = &mut self.mark {
            let at = (*seq - segment.seq) as usize;
            if let Some(found) = segment.payload.get(at) {
                *byte = Byte::Here(*found);
            }
        }
    }

    fn note_mark(&mut self, env: &Env<'_>, segment: &Segment<'_>) {
        let back = u32::from(segment.urgent != 0 && !env.settings.standard_urgent);
        let seq = segment.seq + u32::from(segment.urgent) - back;
        let known = self.mark.is_some_and(|mark| !seq.after(mark.seq));
        if self.copied().after(seq) || seq.before(self.window.nxt) || known {
            return;
        }
        // The last byte of the stream was urgent and is passed; the program must not find it there as data.
        if let Some(mark) = self.mark
            && mark.seq == self.copied()
            && !self.knobs.urgent_inline
            && self.received.unread() > 0
        {
            self.received.read(1, false);
        }
        self.mark = Some(Mark { seq, byte: Byte::Awaited });
        self.counters.marks += 1;
    }

    /// `recv(MSG_OOB)`, which never waits.
    pub(crate) fn read_urgent(&mut self, count: usize, peek: bool) -> Result<Vec<u8>, Errno> {
        let shut = self.read_closed();
        let mark = self.mark.as_mut().filter(|_| !self.knobs.urgent_inline).ok_or(Errno::EINVAL)?;
        match mark.byte {
            Byte::Read => Err(Errno::EINVAL),
            Byte::Awaited if shut => Ok(Vec::new()),
            Byte::Awaited => Err(Errno::EAGAIN),
            Byte::Here(byte) => {
                if !peek {
                    mark.byte = Byte::Read;
                }
                Ok(if count > 0 { [byte].into() } else { Vec::new() })
            }
        }
    }

    /// Takes bytes for the program, up to the mark; `began` if it has some already. Returns them and whether reading
    /// stops at the mark.
    pub(super) fn read_to_mark(&mut self, count: usize, peek: bool, began: bool) -> (Vec<u8>, bool) {
        let Some(mark) = self.mark else {
            return (self.received.read(count, peek), false);
        };
        let distance = mark.seq - self.copied();
        if distance == 0 && began {
            return (Vec::new(), true);
        }
        let here = self.received.unread();
        if distance >= here.min(u32::try_from(count).unwrap_or(u32::MAX)) {
            let bytes = self.received.read(count, peek);
            let stops = !bytes.is_empty() && distance as usize == bytes.len();
            return (bytes, stops);
        }
        if distance > 0 {
            return (self.received.read(distance as usize, peek), true);
        }
        // At the mark: its byte is passed over, or read like any other.
        let skip = usize::from(!self.knobs.urgent_inline);
        let mut bytes = self.received.read(count, peek);
        if peek {
            bytes = self.received.read(count + skip, true);
        } else {
            bytes.extend(self.received.read(skip, false));
            self.mark = None;
        }
        bytes.drain(..skip);
        (bytes, false)
    }

    /// `ioctl(SIOCATMARK)`
    pub(crate) fn is_at_mark(&self) -> bool {
        self.mark.is_some_and(|mark| mark.seq == self.copied())
    }

    /// Bytes to be read before the mark, or at all. `ioctl(SIOCINQ)`
    pub(crate) fn unread_before_mark(&self) -> u32 {
        let unread = self.received.unread();
        match self.mark.filter(|_| !self.knobs.urgent_inline) {
            Some(mark) if mark.seq - self.copied() < unread => mark.seq - self.copied(),
            Some(_) | None => unread,
        }
    }

    /// Whether there is an urgent byte to be read.
    pub(crate) fn has_urgent(&self) -> bool {
        self.mark.is_some_and(|mark| matches!(mark.byte, Byte::Here(_)))
    }

    /// Whether so many bytes can be read; one that is passed over does not count.
    pub(crate) fn has_unread(&self, low: u32) -> bool {
        let passed = self.is_at_mark() && !self.knobs.urgent_inline;
        self.received.unread() >= low.saturating_add(u32::from(passed))
    }

    /// Whether the next byte in the stream is the urgent one, which reading passes over.
    pub(crate) fn stops_at_mark(&self) -> bool {
        self.is_at_mark() && !self.knobs.urgent_inline && self.received.unread() > 0
    }

    /// With a window that is closed, urgent data is announced, too.
    pub(super) fn probe_urgently(&mut self, env: &Env<'_>, out: &mut Outbox) {
        if self.send.urgent.is_some_and(|end| end.after(self.send.una) && end - self.send.una < 0xffff) {
            let seq = self.send.una;
            self.emit(env, seq, crate::wire::flags::Flags::NONE, Vec::new(), out);
        }
    }
}
