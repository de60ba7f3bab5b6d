//! The TUN device: what is written to its descriptor arrives at the kernel.
//!
//! What the kernel sends is read from a packet socket ([`super::tap`]), which knows when it was sent; here it is
//! only taken away.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;

use nix::net::if_::if_nametoindex;

use super::sys;
use crate::case::{Link, Offload};
use crate::wire::protocol;

/// Where TUN devices come from.
pub(super) const NODE: &str = "/dev/net/tun";
/// The device's name, the same in every namespace.
pub(super) const NAME: &str = "tcpdrill0";

const OFFLOADS: u32 = libc::TUN_F_CSUM | libc::TUN_F_TSO4 | libc::TUN_F_TSO6 | libc::TUN_F_TSO_ECN;
/// A `virtio_net_hdr` that asks for nothing.
const NO_OFFLOAD: [u8; 10] = [0; 10];
/// Kinds of packets in it.
const GSO_TCPV4: u8 = 1;
const GSO_TCPV6: u8 = 4;

/// The device of one case.
#[derive(Debug)]
pub(super) struct Tun {
    file: File,
    /// Whether a `virtio_net_hdr` stands in front of each packet.
    has_header: bool,
    /// What is written was joined from segments of so many bytes.
    joined_from: Option<u16>,
    /// The EtherType of packets whose version is neither 4 nor 6.
    protocol: u16,
    scratch: Vec<u8>,
}

impl Tun {
    /// Makes the device in the namespace of the calling thread, still down; gives its index, too.
    pub(super) fn create(link: &Link, wire_is_v6: bool) -> io::Result<(Self, u32)> {
        let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(NODE)?;
        // With packet information (no IFF_NO_PI), so that packets with a wrong version can be injected as well: it
        // names the protocol, which the kernel else takes from the version.
        let has_header = link.offload == Offload::Tso || link.joined_from.is_some();
        let flags = if has_header { libc::IFF_TUN | libc::IFF_VNET_HDR } else { libc::IFF_TUN };
        sys::tun_create(file.as_fd(), NAME, flags)?;
        if link.offload == Offload::Tso {
            sys::tun_offload(file.as_fd(), OFFLOADS)?;
        }
        let index = if_nametoindex(NAME)?;
        let tun = Self {
            file,
            has_header,
            joined_from: link.joined_from,
            protocol: ether_type(wire_is_v6),
            scratch: vec![0; 4 + NO_OFFLOAD.len() + 65_536],
        };
        Ok((tun, index))
    }

    /// Lets a packet arrive. One that no device would hand on (an empty one) does not.
    pub(super) fn write(&mut self, packet: &[u8]) -> io::Result<()> {
        let protocol = match packet.first().map(|byte| byte >> 4) {
            None => return Ok(()),
            Some(4) => ether_type(false),
            Some(6) => ether_type(true),
            Some(_) => self.protocol,
        };
        let [high, low] = protocol.to_be_bytes();
        let information = [0, 0, high, low];
        let joined = self.joined_from.map_or(NO_OFFLOAD, |size| joined_from(size, packet));
        let vnet: &[u8] = if self.has_header { &joined } else { &[] };
        let parts = [IoSlice::new(&information), IoSlice::new(vnet), IoSlice::new(packet)];
        loop {
            match self.file.write_vectored(&parts) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other.map(drop),
            }
        }
    }

    /// Takes away what the kernel sent.
    pub(super) fn drain(&mut self) {
        while self.file.read(&mut self.scratch).is_ok() {}
    }

    /// The descriptor, to be closed elsewhere: that destroys the device, which takes the kernel a while.
    pub(super) fn into_fd(self) -> OwnedFd {
        self.file.into()
    }
}

/// A `virtio_net_hdr` that says of which size the segments were that a device joined.
fn joined_from(size: u16, packet: &[u8]) -> [u8; 10] {
    let kind = match (packet.first().map(|byte| byte >> 4), packet.get(9), packet.get(6)) {
        (Some(4), Some(&protocol::TCP), _) => GSO_TCPV4,
        (Some(6), _, Some(&protocol::TCP)) => GSO_TCPV6,
        _ => return NO_OFFLOAD,
    };
    let mut header = NO_OFFLOAD;
    header[1] = kind;
    header[4..6].copy_from_slice(&size.to_ne_bytes());
    header
}

const fn ether_type(v6: bool) -> u16 {
    if v6 { libc::ETH_P_IPV6 as u16 } else { libc::ETH_P_IP as u16 }
}
