//! The world of a case: addresses, flows, settings, the link, what a target must be able to do.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::time::Span;

/// The port an address without one means.
pub const DEFAULT_PORT: u16 = 8080;

/// Index into [`Case::flows`](super::Case::flows).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId(pub usize);

/// Index into [`Case::descriptors`](super::Case::descriptors).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct DescriptorId(pub usize);

/// Index into [`Case::threads`](super::Case::threads).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ThreadId(pub usize);

/// The address family of a case: what sockets are made with and what goes over the link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IpVersion {
    /// AF_INET sockets, IPv4 packets.
    #[default]
    V4,
    /// AF_INET6 sockets, IPv6 packets.
    V6,
    /// AF_INET6 sockets with mapped addresses, IPv4 packets.
    V4Mapped,
}

impl IpVersion {
    /// As `$ip` has it: `v4`, `v6`, `v4mapped`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V4 => "v4",
            Self::V6 => "v6",
            Self::V4Mapped => "v4mapped",
        }
    }

    /// The value of `$ip` read back.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::V4, Self::V6, Self::V4Mapped].into_iter().find(|ip| ip.name() == name)
    }

    /// Whether packets on the link are IPv6.
    #[must_use]
    pub const fn wire_is_v6(self) -> bool {
        matches!(self, Self::V6)
    }

    /// The number of `af`: AF_INET or AF_INET6 as Linux numbers them.
    #[must_use]
    pub const fn af(self) -> i64 {
        match self {
            Self::V4 => 2,
            Self::V6 | Self::V4Mapped => 10,
        }
    }
}

/// The addresses that `local`, `remote2`, `any`, ... stand for in one address family.
#[derive(Clone, Copy, Debug)]
pub struct Addresses(pub IpVersion);

impl Addresses {
    /// How many `local` and `remote` addresses there are.
    pub const COUNT: u8 = 9;

    /// `local` (n = 1) to `local9`, as on the link.
    #[must_use]
    pub fn local(self, n: u8) -> IpAddr {
        if self.0.wire_is_v6() {
            Ipv6Addr::new(0xfd3d, 0x0a0b, 0x17d6, 0, 0, 0, 0, u16::from(n)).into()
        } else {
            Ipv4Addr::new(192, 168, 0, n).into()
        }
    }

    /// `remote` (n = 1) to `remote9`, as on the link.
    #[must_use]
    pub fn remote(self, n: u8) -> IpAddr {
        if self.0.wire_is_v6() {
            Ipv6Addr::new(0xfd3d, 0xfa7b, 0xd17d, 0, 0, 0, 0, u16::from(n)).into()
        } else {
            Ipv4Addr::new(192, 0, 2, n).into()
        }
    }

    /// `nowhere`: an address without a route.
    #[must_use]
    pub fn nowhere(self) -> IpAddr {
        if self.0.wire_is_v6() {
            Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1).into()
        } else {
            Ipv4Addr::new(203, 0, 113, 1).into()
        }
    }

    /// `any`, as a call takes it.
    #[must_use]
    pub fn any(self) -> IpAddr {
        match self.0 {
            IpVersion::V4 => Ipv4Addr::UNSPECIFIED.into(),
            IpVersion::V6 | IpVersion::V4Mapped => Ipv6Addr::UNSPECIFIED.into(),
        }
    }

    /// `loopback`, as a call takes it.
    #[must_use]
    pub fn loopback(self) -> IpAddr {
        match self.0 {
            IpVersion::V4 => Ipv4Addr::LOCALHOST.into(),
            IpVersion::V6 => Ipv6Addr::LOCALHOST.into(),
            IpVersion::V4Mapped => Ipv4Addr::LOCALHOST.to_ipv6_mapped().into(),
        }
    }

    /// An address of the link as a call takes it: mapped into IPv6 where the case says so.
    #[must_use]
    pub fn for_call(self, address: IpAddr) -> IpAddr {
        match (self.0, address) {
            (IpVersion::V4Mapped, IpAddr::V4(v4)) => v4.to_ipv6_mapped().into(),
            (_, other) => other,
        }
    }
}

/// A pair of endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// `main` unless declared.
    pub name: String,
    /// Written in the case, or learnt: 8080 when the case injects first, else the port of the target's SYN.
    pub local: Option<SocketAddr>,
    /// The peer's end, as on the link.
    pub remote: SocketAddr,
    /// The peer's first sequence number.
    pub isn: u32,
    /// The target's first sequence number, where the case chooses it (capability `local-isn`).
    pub local_isn: Option<u32>,
}

/// A setting under its Linux sysctl name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// `net.ipv4.tcp_sack`.
    pub name: String,
    /// As written to the sysctl.
    pub value: String,
    /// A target that does not have it goes on without.
    pub optional: bool,
}

/// Segments of at most one MSS, or what a device with segmentation offload sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Offload {
    /// No segment exceeds the MTU; checksums are filled in.
    #[default]
    None,
    /// The target may emit segments of many MSS, as packetdrill shows them.
    Tso,
}

/// Which end an impairment acts towards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the two ends of the link")]
pub enum LinkSide {
    Local,
    Remote,
}

/// What lies between target and peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Largest packet in bytes.
    pub mtu: u16,
    /// Segmentation and checksum offload of the target's device.
    pub offload: Offload,
    /// What is injected reaches the target as if its device had joined it from segments of so many bytes
    /// (packetdrill's language only).
    pub joined_from: Option<u16>,
    /// One-way delay.
    pub delay: Span,
    /// Losses in a million.
    pub loss_ppm: u32,
    /// Duplicates in a million.
    pub duplicate_ppm: u32,
    /// Reordered in a million.
    pub reorder_ppm: u32,
    /// Data segments that are lost, counted from 1.
    pub drop: Vec<u64>,
    /// The direction the impairment acts in; both if unset.
    pub to: Option<LinkSide>,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            mtu: 1500,
            offload: Offload::None,
            joined_from: None,
            delay: Span::ZERO,
            loss_ppm: 0,
            duplicate_ppm: 0,
            reorder_ppm: 0,
            drop: Vec::new(),
            to: None,
        }
    }
}

impl Link {
    /// Whether anything but size is changed on the way.
    #[must_use]
    pub fn is_impaired(&self) -> bool {
        self.delay != Span::ZERO
            || self.loss_ppm > 0
            || self.duplicate_ppm > 0
            || self.reorder_ppm > 0
            || !self.drop.is_empty()
    }
}

/// By whose rules a case is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rules {
    /// This language's: strict, tolerance of the target.
    #[default]
    Native,
    /// packetdrill's, as docs/packetdrill-language.md has them.
    Packetdrill(PacketdrillRules),
}

/// packetdrill's rules. What they make of a case:
///
/// * **Flows.** Each connection that comes under test is a flow of its own; the flow of a step says which it is. Flows
///   come under test in the order of steps and never again. For an `Expect` what was emitted is looked through,
///   oldest first: packets of other flows are lost, the first of its flow is compared and used up. A flow
///   without a local end learns it from the first packet to its remote end that is looked at: a SYN without ACK, or
///   any datagram.
/// * **Numbers** are relative to the flow's bases, or absolute, as everywhere. [`Flow::isn`] is the peer's; an `Expect`
///   with an [`Isn`](super::Isn) gives the target's: the sequence number of the packet that it takes, whatever that
///   is. Until then it is 0. What a script writes in segments with SYN is lowered to that.
/// * **Timestamps** are the script's. Of an expected option val is remembered with what really came (a val of
///   `Num::any()` is not), ecr is not compared. In an injected one val is what is sent; ecr, in a segment with
///   ACK, becomes what was remembered for it, unless it is absolute.
/// * **The flow label** of an expected packet is a name for what comes.
/// * **Payload** is joined from several segments where more is expected than one has.
/// * **Times**: see [`When`](super::When).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketdrillRules {
    /// An absolute bound on a difference of times.
    pub tolerance: Span,
    /// The bound relative to the time waited, in millionths. The larger of the two counts.
    pub per_million: u32,
    /// What one tick of the target's timestamps stands for; zero: they are not compared.
    pub tick: Span,
    /// The echo of a timestamp that was not seen is computed from the first that was.
    pub scaled_echo: bool,
    /// An expected segment is one packet, never several.
    pub whole_segments: bool,
    /// A packet that differs is no failure (`non_fatal=packet`).
    pub lenient: bool,
    /// Not packetdrill's: what is emitted after the last expectation fails the case.
    pub strict: bool,
}

impl Default for PacketdrillRules {
    fn default() -> Self {
        Self {
            tolerance: Span::millis(4),
            per_million: 125_000,
            tick: Span::ZERO,
            scaled_echo: false,
            whole_segments: false,
            lenient: false,
            strict: false,
        }
    }
}

/// What a target may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is described by its name in the reference, section needs")]
pub enum Capability {
    Ipv6,
    Sack,
    Timestamps,
    Ecn,
    Fastopen,
    Md5,
    Urgent,
    Signals,
    Epoll,
    Errqueue,
    Zerocopy,
    Inspect,
    Counters,
    LocalIsn,
    RawIp,
    VirtualClock,
}

impl Capability {
    /// All of them, in the order of the reference.
    pub const ALL: [Self; 16] = [
        Self::Ipv6,
        Self::Sack,
        Self::Timestamps,
        Self::Ecn,
        Self::Fastopen,
        Self::Md5,
        Self::Urgent,
        Self::Signals,
        Self::Epoll,
        Self::Errqueue,
        Self::Zerocopy,
        Self::Inspect,
        Self::Counters,
        Self::LocalIsn,
        Self::RawIp,
        Self::VirtualClock,
    ];

    /// As `needs` writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ipv6 => "ipv6",
            Self::Sack => "sack",
            Self::Timestamps => "timestamps",
            Self::Ecn => "ecn",
            Self::Fastopen => "fastopen",
            Self::Md5 => "md5",
            Self::Urgent => "urgent",
            Self::Signals => "signals",
            Self::Epoll => "epoll",
            Self::Errqueue => "errqueue",
            Self::Zerocopy => "zerocopy",
            Self::Inspect => "inspect",
            Self::Counters => "counters",
            Self::LocalIsn => "local-isn",
            Self::RawIp => "raw-ip",
            Self::VirtualClock => "virtual-clock",
        }
    }

    /// A name of `needs` read back.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.name() == name)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
