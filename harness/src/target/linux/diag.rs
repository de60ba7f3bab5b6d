//! Questions to the kernel about its TCP sockets, with or without a descriptor: `sock_diag`.

use std::io;
use std::net::{IpAddr, SocketAddr};

use super::netlink::{Message, Netlink};

const BY_FAMILY: u16 = 20;
const DESTROY: u16 = 21;
/// Ports, two addresses of 16 bytes, interface, cookie.
const ID: usize = 48;
/// Where the identity begins in an answer: behind family, state, timer and retransmissions.
const ANSWER_ID: usize = 4;

/// As `tcp_states.h` numbers them.
pub(super) const CLOSE: u8 = 7;
const SYN_RECV: u8 = 3;
const LISTEN: u8 = 10;
const NEW_SYN_RECV: u8 = 12;
const TIME_WAIT: u8 = 6;

/// The state of the connection between two ends, closed where there is none.
pub(super) fn state(netlink: &mut Netlink, local: SocketAddr, remote: SocketAddr) -> io::Result<u8> {
    let family = if local.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let mut id = Vec::with_capacity(ID);
    id.extend(local.port().to_be_bytes());
    id.extend(remote.port().to_be_bytes());
    id.extend(octets(local.ip()));
    id.extend(octets(remote.ip()));
    id.extend([0; 4]);
    id.extend([0xff; 8]);
    match netlink.ask(Message::new(BY_FAMILY, 0, &request(family, u32::MAX, &id))) {
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(CLOSE),
        Err(error) => Err(error),
        Ok(answers) => Ok(match answers.first().and_then(|answer| answer.get(1)) {
            // The listener that would take a new connection is not the connection asked about.
            None | Some(&LISTEN) => CLOSE,
            Some(&NEW_SYN_RECV) => SYN_RECV,
            Some(state) => *state,
        }),
    }
}

/// Destroys every connection that is left, those without descriptor, too. How many there were.
pub(super) fn destroy_all(netlink: &mut Netlink) -> io::Result<usize> {
    let mut destroyed = 0;
    for family in [libc::AF_INET, libc::AF_INET6] {
        // TIME_WAIT goes with the namespace.
        let states = !(1_u32 << TIME_WAIT);
        let question = Message::new(BY_FAMILY, libc::NLM_F_DUMP, &request(family, states, &[0; ID]));
        for answer in netlink.ask(question)? {
            let Some(id) = answer.get(ANSWER_ID..ANSWER_ID + ID) else {
                continue;
            };
            let order = Message::new(DESTROY, 0, &request(family, u32::MAX, id));
            match netlink.execute(vec![order])?.pop() {
                Some(Err(error)) if error.raw_os_error() != Some(libc::ENOENT) => {
                    return Err(error);
                }
                _ => destroyed += 1,
            }
        }
    }
    Ok(destroyed)
}

/// An `inet_diag_req_v2` for TCP.
fn request(family: i32, states: u32, id: &[u8]) -> Vec<u8> {
    let mut bytes = vec![family as u8, libc::IPPROTO_TCP as u8, 0, 0];
    bytes.extend(states.to_ne_bytes());
    bytes.extend(id);
    bytes
}

fn octets(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V6(v6) => v6.octets(),
        IpAddr::V4(v4) => {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&v4.octets());
            bytes
        }
    }
}
