//! What the kernel remembers of peers: metrics of earlier connections, cookies of Fast Open.

use std::io;

use super::faults::broken;
use super::netlink::{Message, Netlink};
use crate::target::TargetError;

/// The family that tells the numbers of the others.
const CONTROL: u16 = 0x10;
const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_FAMILY_NAME: u16 = 2;
const TCP_METRICS_CMD_DEL: u8 = 2;

/// Makes the kernel forget all of it, of this namespace.
///
/// To be called inside the namespace.
pub(super) fn forget() -> Result<(), TargetError> {
    forget_all().map_err(|error| match error.raw_os_error() {
        Some(libc::ENOENT | libc::EPROTONOSUPPORT) => {
            TargetError::Missing("tcp_metrics: this kernel keeps none".to_owned())
        }
        _ => broken(format!("the metrics of peers cannot be forgotten: {error}")),
    })
}

fn forget_all() -> io::Result<()> {
    let mut netlink = Netlink::open(libc::NETLINK_GENERIC)?;
    let question = Message::new(CONTROL, 0, &[CTRL_CMD_GETFAMILY, 1, 0, 0])
        .attribute(CTRL_ATTR_FAMILY_NAME, b"tcp_metrics\0");
    let answers = netlink.ask(question)?;
    let family = answers.first().and_then(|answer| attribute(answer.get(4..)?, CTRL_ATTR_FAMILY_ID));
    let family = family.and_then(|value| Some(u16::from_ne_bytes(*value.first_chunk()?)));
    let family = family.ok_or_else(|| io::Error::from_raw_os_error(libc::ENOENT))?;
    // Without an address it is all of them.
    netlink.execute(vec![Message::new(family, 0, &[TCP_METRICS_CMD_DEL, 1, 0, 0])])?.into_iter().collect()
}

/// The value of an attribute.
fn attribute(mut bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    while bytes.len() >= 4 {
        let length = usize::from(u16::from_ne_bytes([bytes[0], bytes[1]]));
        let kind = u16::from_ne_bytes([bytes[2], bytes[3]]);
        let value = bytes.get(4..length)?;
        if kind == wanted {
            return Some(value);
        }
        bytes = bytes.get(length.next_multiple_of(4)..)?;
    }
    None
}
