//! The packet socket on the case's device: what the kernel sends, and when.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use tokio::io::unix::AsyncFd;

use super::clock::{Clock, Offset};
use super::offload;
use super::sys;
use crate::case::Offload;
use crate::time::Timestamp;

const ROOM: i32 = 32 * 1024 * 1024;
const PACKET_STATISTICS: i32 = 6;
const PACKET_VNET_HDR: i32 = 15;
const PACKET_OUTGOING: u32 = 4;

/// Keeps what the device transmits and drops what is injected into it: load the packet type, compare, return.
const OUTGOING_ONLY: [(u16, u8, u8, u32); 4] = [
    (0x28, 0, 0, (libc::SKF_AD_OFF + libc::SKF_AD_PKTTYPE).cast_unsigned()),
    (0x15, 0, 1, PACKET_OUTGOING),
    (0x06, 0, 0, u32::MAX),
    (0x06, 0, 0, 0),
];

/// A packet socket before it is waited on.
#[derive(Debug)]
pub(super) struct Socket {
    socket: OwnedFd,
    vnet: bool,
}

impl Socket {
    /// Listens to what the device `index` sends. To be called inside the namespace.
    pub(super) fn open(index: u32, offload: Offload) -> io::Result<Self> {
        // Protocol 0: nothing is received before filter and device are known.
        let socket = sys::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_NONBLOCK, 0)?;
        let fd = socket.as_raw_fd();
        sys::attach_filter(fd, &OUTGOING_ONLY)?;
        sys::set_int(fd, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, ROOM)
            .or_else(|_| sys::set_int(fd, libc::SOL_SOCKET, libc::SO_RCVBUF, ROOM))?;
        sys::set_int(fd, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)?;
        let vnet = offload == Offload::Tso;
        if vnet {
            sys::set_int(fd, libc::SOL_PACKET, PACKET_VNET_HDR, 1)?;
        }
        sys::bind(socket.as_fd(), &link_address(index))?;
        Ok(Self { socket, vnet })
    }
}

/// A packet socket that is waited on.
#[derive(Debug)]
pub(super) struct Tap {
    socket: AsyncFd<OwnedFd>,
    vnet: bool,
    clock: Clock,
    offset: Offset,
    /// No packet was sent before the one read before it.
    last: Timestamp,
    buffer: Vec<u8>,
}

/// What reading a packet socket gives.
#[derive(Debug)]
pub(super) enum Reading {
    /// A packet, and when it was sent.
    Packet(Timestamp, Vec<u8>),
    /// Something that makes the run worthless.
    Disturbed(String),
}

impl Tap {
    /// To be called within a tokio runtime.
    pub(super) fn new(socket: Socket, clock: Clock) -> io::Result<Self> {
        Ok(Self {
            socket: sys::watch(socket.socket)?,
            vnet: socket.vnet,
            clock,
            offset: Offset::sample(),
            last: Timestamp(i64::MIN),
            buffer: vec![0; 70_000],
        })
    }

    /// Reads everything that is there.
    pub(super) fn read(&mut self, mut take: impl FnMut(Reading)) -> io::Result<()> {
        let mut sampled = false;
        while let Some((length, stamp)) = sys::read_stamped(self.socket.get_ref().as_fd(), &mut self.buffer)?
        {
            if !sampled && self.offset.update() {
                take(Reading::Disturbed("the clock of the machine was set".to_owned()));
            }
            sampled = true;
            let now = self.clock.now();
            let sent = stamp.map_or(now, |stamp| self.offset.convert(stamp, self.clock));
            self.last = sent.min(now).max(self.last);
            let mut packet = self.buffer[..length.min(self.buffer.len())].to_vec();
            if self.vnet {
                packet = offload::complete(packet);
            }
            take(Reading::Packet(self.last, packet));
        }
        if sampled && self.lost()? > 0 {
            take(Reading::Disturbed("packets were lost on the way from the kernel".to_owned()));
        }
        Ok(())
    }

    /// Returns when there may be something to read.
    pub(super) async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await.map(|mut ready| ready.clear_ready())
    }

    /// The descriptor, to be closed elsewhere: the kernel takes a while for it.
    pub(super) fn into_fd(self) -> OwnedFd {
        self.socket.into_inner()
    }

    /// How many packets found no room since last asked.
    fn lost(&self) -> io::Result<u32> {
        let mut statistics = [0; 8];
        let fd = self.socket.get_ref().as_raw_fd();
        sys::get_option(fd, libc::SOL_PACKET, PACKET_STATISTICS, &mut statistics)?;
        let [.., a, b, c, d] = statistics;
        Ok(u32::from_ne_bytes([a, b, c, d]))
    }
}

/// A `sockaddr_ll` for all protocols of a device.
fn link_address(index: u32) -> Vec<u8> {
    let mut address = (libc::AF_PACKET as u16).to_ne_bytes().to_vec();
    address.extend((libc::ETH_P_ALL as u16).to_be_bytes());
    address.extend(index.to_ne_bytes());
    address.resize(20, 0);
    address
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::{Offload, Reading, Socket, Tap};
    use crate::case::Link;
    use crate::target::TargetError;
    use crate::target::linux::clock::Clock;
    use crate::target::linux::link;
    use crate::target::linux::namespace::Namespace;
    use crate::target::linux::tun::Tun;

    /// A namespace with a device, a tap on it and a socket that sends through it; nothing where that is not allowed.
    fn furnished() -> Option<(Namespace, Tun, Socket, UdpSocket)> {
        let namespace = Namespace::create().inspect_err(|error| eprintln!("skipped: {error}")).ok()?;
        let parts = namespace.run(|| {
            let (tun, index) = Tun::create(&Link::default(), false).expect("a TUN device");
            link::build(index, 1500)?;
            let socket = Socket::open(index, Offload::None).expect("a packet socket");
            let sender = UdpSocket::bind("192.168.0.1:9").expect("an address of the namespace");
            Ok::<_, TargetError>((tun, socket, sender))
        });
        let (tun, socket, sender) = parts.expect("the namespace lives").expect("a link");
        Some((namespace, tun, socket, sender))
    }

    #[test]
    fn a_clock_that_is_set_while_packets_are_on_their_way_disturbs() {
        let Some((_namespace, _tun, socket, sender)) = furnished() else { return };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
        let _entered = runtime.enter();
        let mut tap = Tap::new(socket, Clock::start()).expect("a tap");
        let mut seen = |step| {
            sender.send_to(b"hello", "192.0.2.1:9").expect("there is a route");
            tap.offset.step(step);
            let (mut packets, mut why) = (0, Vec::new());
            tap.read(|reading| match reading {
                Reading::Packet(..) => packets += 1,
                Reading::Disturbed(by) => why.push(by),
            })
            .expect("it can be read");
            (packets, why)
        };
        assert_eq!(seen(0), (1, Vec::new()));
        assert_eq!(seen(1_000_000_000), (1, vec!["the clock of the machine was set".to_owned()]));
        assert_eq!(seen(0), (1, Vec::new()), "once is enough");
    }
}
