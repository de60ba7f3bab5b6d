//! Netlink messages: built, sent, and their answers read.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::sys::socket::{MsgFlags, recv, send};

use super::sys;

const HEADER: usize = 16;
const DONE: u16 = libc::NLMSG_DONE as u16;
const ERROR: u16 = libc::NLMSG_ERROR as u16;

/// A request: header, the fixed part of its family, attributes.
#[derive(Debug)]
pub(super) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    /// A request of a type, with the flags it has besides NLM_F_REQUEST, and its fixed part.
    pub(super) fn new(kind: u16, flags: i32, fixed: &[u8]) -> Self {
        let mut bytes = vec![0; HEADER];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        let flags = (flags | libc::NLM_F_REQUEST) as u16;
        bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
        let mut message = Self { bytes };
        message.put(fixed);
        message
    }

    /// Adds an attribute.
    #[must_use]
    pub(super) fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        let length = (value.len() + 4) as u16;
        self.put(&[length.to_ne_bytes(), kind.to_ne_bytes()].concat());
        self.put(value);
        self
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn finish(mut self, sequence: u32) -> Vec<u8> {
        let length = self.bytes.len() as u32;
        self.bytes[0..4].copy_from_slice(&length.to_ne_bytes());
        self.bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
        self.bytes
    }
}

/// A netlink socket of the namespace it was opened in.
#[derive(Debug)]
pub(super) struct Netlink {
    socket: OwnedFd,
    sequence: u32,
}

impl Netlink {
    /// A socket of a protocol: NETLINK_ROUTE, NETLINK_SOCK_DIAG.
    pub(super) fn open(protocol: i32) -> io::Result<Self> {
        let socket = sys::socket(libc::AF_NETLINK, libc::SOCK_RAW, protocol)?;
        // An answer that never comes must not hold up everything.
        sys::set_option(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_RCVTIMEO,
            &[2_i64.to_ne_bytes(), 0_i64.to_ne_bytes()].concat(),
        )?;
        Ok(Self { socket, sequence: 0 })
    }

    /// Sends all requests at once and waits until each is acknowledged. The results are in their order.
    pub(super) fn execute(&mut self, messages: Vec<Message>) -> io::Result<Vec<io::Result<()>>> {
        let first = self.sequence + 1;
        let count = messages.len();
        let mut batch = Vec::new();
        for mut message in messages {
            message.bytes[6] |= libc::NLM_F_ACK as u8;
            self.sequence += 1;
            batch.extend(message.finish(self.sequence));
        }
        self.send(&batch)?;
        let mut results: Vec<Option<io::Result<()>>> = (0..count).map(|_| None).collect();
        while results.iter().any(Option::is_none) {
            for (sequence, kind, body) in self.receive()? {
                let slot = results.get_mut(sequence.wrapping_sub(first) as usize);
                if let (ERROR, Some(slot)) = (kind, slot) {
                    *slot = Some(outcome(&body));
                }
            }
        }
        Ok(results.into_iter().flatten().collect())
    }

    /// Sends a question and gives the bodies of all answers.
    pub(super) fn ask(&mut self, message: Message) -> io::Result<Vec<Vec<u8>>> {
        let dump = u16::from_ne_bytes([message.bytes[6], message.bytes[7]]) & libc::NLM_F_DUMP as u16 != 0;
        self.sequence += 1;
        let request = message.finish(self.sequence);
        self.send(&request)?;
        let mut answers = Vec::new();
        loop {
            for (sequence, kind, body) in self.receive()? {
                if sequence != self.sequence {
                    continue;
                }
                match kind {
                    DONE => return Ok(answers),
                    ERROR => return outcome(&body).map(|()| answers),
                    _ => answers.push(body),
                }
            }
            if !dump && !answers.is_empty() {
                return Ok(answers);
            }
        }
    }

    /// The descriptor, to be closed elsewhere.
    pub(super) fn into_fd(self) -> OwnedFd {
        self.socket
    }

    fn send(&self, bytes: &[u8]) -> io::Result<()> {
        send(self.socket.as_raw_fd(), bytes, MsgFlags::empty())?;
        Ok(())
    }

    /// The messages of one datagram: sequence number, type, body.
    fn receive(&self) -> io::Result<Vec<(u32, u16, Vec<u8>)>> {
        let mut buffer = vec![0; 64 * 1024];
        let length = loop {
            match recv(self.socket.as_fd().as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                Err(nix::errno::Errno::EINTR) => {}
                other => break other?,
            }
        };
        let mut rest = &buffer[..length];
        let mut messages = Vec::new();
        while rest.len() >= HEADER {
            let length = u32::from_ne_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
            if length < HEADER || length > rest.len() {
                break;
            }
            let kind = u16::from_ne_bytes([rest[4], rest[5]]);
            let sequence = u32::from_ne_bytes([rest[8], rest[9], rest[10], rest[11]]);
            messages.push((sequence, kind, rest[HEADER..length].to_vec()));
            rest = &rest[length.next_multiple_of(4).min(rest.len())..];
        }
        Ok(messages)
    }
}

/// What an NLMSG_ERROR says: 0 is an acknowledgement, else a negative errno.
fn outcome(body: &[u8]) -> io::Result<()> {
    let code = body.first_chunk::<4>().map_or(-libc::EPROTO, |bytes| i32::from_ne_bytes(*bytes));
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(-code)) }
}

#[cfg(test)]
mod tests {
    use super::{Message, outcome};

    #[test]
    fn messages_and_attributes_are_padded_and_counted() {
        let message = Message::new(16, 0, &[1, 2, 3, 4]).attribute(3, b"tun0\0").finish(7);
        assert_eq!(message.len(), 16 + 4 + 4 + 8);
        assert_eq!(message[0..4], 32_u32.to_ne_bytes());
        assert_eq!(message[8..12], 7_u32.to_ne_bytes());
        assert_eq!(message[20..22], 9_u16.to_ne_bytes());
    }

    #[test]
    fn an_acknowledgement_is_an_error_of_zero() {
        assert!(outcome(&0_i32.to_ne_bytes()).is_ok());
        let error = outcome(&(-1_i32).to_ne_bytes()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(1));
    }
}
