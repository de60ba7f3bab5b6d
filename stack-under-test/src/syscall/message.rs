//! What reading and writing calls carry besides bytes: flags, control messages, the error queue.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::constants::{
    IP_RECVERR, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, IPV6_RECVERR, MSG_CTRUNC, MSG_ERRQUEUE, MSG_PEEK,
    MSG_TRUNC, SCM_CREDENTIALS, SCM_RIGHTS, SO_EE_ORIGIN_TIMESTAMPING, SO_EE_ORIGIN_ZEROCOPY,
    SO_TIMESTAMPING, SOL_SOCKET, TCP_INQ,
};
use super::dispatch::CallResult;
use super::{Control, ControlData, Failure, Input, Message, Reply, Room};
use crate::socket::errors::{Errno, Quoted, Report};
use crate::socket::{Domain, Socket, SocketId};
use crate::stack::Stack;
use crate::tcp::stamps::SOFTWARE;

/// `struct cmsghdr`
const HEADER: usize = 16;
const INT: usize = 4;
/// `struct sock_extended_err`
const EXTENDED: usize = 16;
/// `struct scm_timestamping`
const STAMPS: usize = 48;
/// No call moves more.
const MOST: usize = 0x7fff_f000;

/// A call that reads, and how far it came.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(super) count: usize,
    pub(super) nowhere: bool,
    pub(super) flags: i32,
    /// Room for control messages, in bytes, in a call that takes them.
    control: Option<usize>,
    pub(super) got: Vec<u8>,
}

impl Reading {
    pub(super) fn new(room: Room, flags: i32) -> Self {
        // A length that is taken for negative elsewhere is a very large one here.
        let count = usize::try_from(room.length).unwrap_or(MOST).min(MOST);
        // What is thrown away needs no memory.
        let nowhere = room.nowhere && flags & MSG_TRUNC == 0;
        Self { count, nowhere, flags, control: None, got: Vec::new() }
    }

    pub(super) fn with_control(room: Room, flags: i32, control: usize) -> Self {
        Self { control: Some(control), ..Self::new(room, flags) }
    }

    pub(super) fn peeks(&self) -> bool {
        self.flags & MSG_PEEK != 0
    }

    /// Whether there is nowhere to put the bytes, of which there are some.
    pub(super) fn faults(&self) -> bool {
        self.nowhere && self.count > 0
    }

    /// The reply with what was read.
    pub(super) fn reply(&mut self, control: Vec<Control>, flags: i32) -> Reply {
        let data = core::mem::take(&mut self.got);
        let count = data.len();
        let discards = self.flags & MSG_TRUNC != 0 && flags == 0;
        match self.control {
            None if discards => Reply::Discarded(count),
            None => Reply::Data(data),
            Some(room) => {
                let (control, cut) = fitting(control, room);
                let data = if discards { Vec::new() } else { data };
                let flags = flags | if cut { MSG_CTRUNC } else { 0 };
                Reply::Message(Box::new(Message { count, data, name: None, control, flags }))
            }
        }
    }
}

/// A call that writes, and how far it came.
#[derive(Debug)]
pub(crate) struct Writing {
    pub(super) data: Vec<u8>,
    pub(super) nowhere: bool,
    pub(super) control: Vec<Control>,
    pub(super) flags: i32,
    pub(super) written: usize,
    pub(super) waited: bool,
    /// The call opens the connection too: what it fails with if it stops waiting for that.
    pub(super) opening: Option<Errno>,
    /// Something is left to be written when the connection is there.
    pub(super) awaits_peer: bool,
    /// The number under which the call lends its memory (`MSG_ZEROCOPY`).
    pub(super) loan: Option<u32>,
}

impl Writing {
    /// The call waits for the connection first; so much of its data is in the SYN, if any `may` be.
    pub(super) fn opens(&mut self, in_progress: Errno, carried: usize, may: bool) {
        self.opening = Some(in_progress);
        self.written = carried;
        self.awaits_peer = !may || carried < self.data.len();
    }

    pub(super) fn new(data: Input, flags: i32) -> Self {
        let length = usize::try_from(data.length).unwrap_or(MOST).min(MOST);
        let nowhere = length > 0 && data.bytes.as_ref().is_none_or(|bytes| bytes.len() < length);
        let mut bytes = data.bytes.unwrap_or_default();
        bytes.truncate(length);
        Self {
            data: bytes,
            nowhere,
            control: Vec::new(),
            flags,
            written: 0,
            waited: false,
            opening: None,
            awaits_peer: true,
            loan: None,
        }
    }
}

/// The control messages that fit, and whether some did not.
fn fitting(control: Vec<Control>, room: usize) -> (Vec<Control>, bool) {
    let mut left = room;
    let mut kept = Vec::new();
    let all = control.len();
    for message in control {
        let length = HEADER
            + match &message.data {
                ControlData::Bytes(bytes) => bytes.len(),
                ControlData::Stamp(_) => STAMPS,
                ControlData::Error(_) => EXTENDED + if message.level == IPPROTO_IP { 16 } else { 28 },
            };
        if length > left {
            break;
        }
        left = left.saturating_sub(length.next_multiple_of(size_of::<u64>()));
        kept.push(message);
    }
    let cut = kept.len() < all;
    (kept, cut)
}

/// As Linux's `__sock_cmsg_send`: other levels are nobody's business here.
pub(super) fn check_control(control: &[Control]) -> Result<(), Failure> {
    use super::constants::SO_MARK;
    for Control { level, kind, data } in control {
        let length = match data {
            ControlData::Bytes(bytes) => bytes.len(),
            ControlData::Error(_) | ControlData::Stamp(_) => 0,
        };
        match (*level, *kind) {
            (SOL_SOCKET, SCM_RIGHTS | SCM_CREDENTIALS) => {}
            // A mark is for rules of routing, of which there are none.
            (SOL_SOCKET, SO_MARK) if length == INT => {}
            (SOL_SOCKET, SO_TIMESTAMPING) if length == INT => {
                return Err(Failure::Unsupported("timestamps of what is sent"));
            }
            (SOL_SOCKET, _) => return Err(Errno::EINVAL.into()),
            (_, _) => {}
        }
    }
    Ok(())
}

impl Stack {
    /// The reply of a call that read something, or met the end.
    pub(super) fn give(&self, id: SocketId, reading: &mut Reading) -> Reply {
        let hint = self.sockets.get(&id).filter(|socket| socket.tell_unread).map(Socket::unread_hint);
        let hint = hint.map(|unread| Control {
            level: IPPROTO_TCP,
            kind: TCP_INQ,
            data: ControlData::Bytes(unread.to_ne_bytes().to_vec()),
        });
        reading.reply(hint.into_iter().collect(), 0)
    }

    /// `recv(MSG_ERRQUEUE)`, which never waits.
    pub(super) fn read_errors(&mut self, id: SocketId, reading: &mut Reading) -> CallResult {
        let socket = self.sockets.get_mut(&id).ok_or(Errno::EBADF)?;
        let Report { entry, quoted, name, stamp } = match socket.errors.front() {
            None => return Err(Errno::EAGAIN.into()),
            Some(Report { quoted: Quoted::Packet, .. }) if reading.count > 0 => {
                return Err(Failure::Unsupported("packets with their timestamps"));
            }
            Some(_) => socket.errors.pop_front().ok_or(Errno::EAGAIN)?,
        };
        // What was told with the entry is told; the next one is what is pending then.
        let next =
            socket.errors.front().filter(|next| next.is_error()).map(|next| Errno(next.entry.errno as i32));
        if next.is_some() || ![SO_EE_ORIGIN_ZEROCOPY, SO_EE_ORIGIN_TIMESTAMPING].contains(&entry.origin) {
            socket.error = next;
        }
        let (level, kind) = match socket.domain {
            Domain::Inet => (IPPROTO_IP, IP_RECVERR),
            Domain::Inet6 => (IPPROTO_IPV6, IPV6_RECVERR),
        };
        let (quoted, cut) = match quoted {
            Quoted::Bytes(bytes) => {
                let cut = bytes.len() > reading.count;
                (bytes, cut)
            }
            Quoted::Packet => (Vec::new(), true),
        };
        reading.got = quoted;
        reading.got.truncate(reading.count);
        let stamp = stamp.filter(|_| socket.knobs.stamping & SOFTWARE != 0).map(|at| Control {
            level: SOL_SOCKET,
            kind: SO_TIMESTAMPING,
            data: ControlData::Stamp(at),
        });
        let error = Control { level, kind, data: ControlData::Error(entry) };
        let control = stamp.into_iter().chain([error]).collect();
        let flags = MSG_ERRQUEUE | if cut { MSG_TRUNC } else { 0 };
        let mut reply = reading.reply(control, flags);
        if let Reply::Message(message) = &mut reply {
            message.name = name;
        }
        Ok(reply)
    }
}
