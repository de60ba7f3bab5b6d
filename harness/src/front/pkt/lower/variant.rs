//! The three variants that a script runs as, and the world that variant and options make.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::case::{Addresses, DEFAULT_PORT, IpVersion, Lacking, PacketdrillRules};
use crate::front::Diagnostic;
use crate::front::pkt::Options;
use crate::front::pkt::script::{Node, Script};

use super::options;

/// What a script runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Variant {
    /// IPv4 sockets and packets.
    Ipv4,
    /// IPv6 sockets with mapped addresses, IPv4 packets.
    Ipv4Mapped,
    /// IPv6 sockets and packets.
    Ipv6,
}

impl Variant {
    /// All of them, in the order they run.
    pub const ALL: [Self; 3] = [Self::Ipv4, Self::Ipv4Mapped, Self::Ipv6];

    /// As it stands in brackets behind the name of a script.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv4Mapped => "ipv4-mapped-ipv6",
            Self::Ipv6 => "ipv6",
        }
    }

    /// A name read back.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|variant| variant.name() == name)
    }

    /// The variants of a script: its name may restrict it to one version of IP.
    pub fn of(script: &str) -> impl Iterator<Item = Self> {
        let (only_v4, only_v6) = (script.ends_with("v4"), script.ends_with("v6"));
        Self::ALL.into_iter().filter(move |variant| match variant {
            Self::Ipv4 | Self::Ipv4Mapped => !only_v6,
            Self::Ipv6 => !only_v4,
        })
    }

    /// Names that scripts may use, and what they stand for.
    #[must_use]
    pub fn definitions(self) -> BTreeMap<String, String> {
        let (level, kind) = match self {
            Self::Ipv4 => ("SOL_IP", "IP_RECVERR"),
            Self::Ipv4Mapped | Self::Ipv6 => ("SOL_IPV6", "IPV6_RECVERR"),
        };
        let mut definitions = vec![("CMSG_LEVEL_IP", level), ("CMSG_TYPE_RECVERR", kind)];
        match self {
            Self::Ipv4 | Self::Ipv4Mapped => {
                definitions.extend([("TFO_COOKIE", "3021b9d889017eeb"), ("CODE", "host_unreachable")]);
            }
            Self::Ipv6 => definitions.push(("TFO_COOKIE", "c1d1e9742a47a9bc")),
        }
        definitions.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    const fn ip(self) -> IpVersion {
        match self {
            Self::Ipv4 => IpVersion::V4,
            Self::Ipv4Mapped => IpVersion::V4Mapped,
            Self::Ipv6 => IpVersion::V6,
        }
    }
}

/// Addresses, ports and rules of a script in one variant.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) ip: IpVersion,
    /// The target's end, as on the link.
    pub(super) local: SocketAddr,
    /// The end it connects to, as on the link.
    pub(super) remote: SocketAddr,
    pub(super) mtu: u16,
    /// The device joins what comes from segments of so many bytes.
    pub(super) joined_from: Option<u16>,
    pub(super) rules: PacketdrillRules,
    /// Commands that come before the script's own.
    pub(super) init_scripts: Vec<Node<String>>,
    /// The script is only read.
    pub(super) dry_run: bool,
}

impl World {
    /// The world that variant, script and command line make, each over the one before; and what is wrong or lacking.
    pub(super) fn new(
        script: &Script,
        variant: Variant,
        options: &Options,
    ) -> (Self, Vec<Lacking>, Vec<Diagnostic>) {
        let ip = variant.ip();
        let addresses = Addresses(ip);
        let mut world = Self {
            ip,
            local: SocketAddr::new(addresses.local(1), DEFAULT_PORT),
            remote: SocketAddr::new(addresses.remote(1), DEFAULT_PORT),
            mtu: 1500,
            joined_from: None,
            rules: PacketdrillRules { strict: options.strict, ..PacketdrillRules::default() },
            init_scripts: Vec::new(),
            dry_run: false,
        };
        let (lacking, wrong) = options::apply(&mut world, variant, script, options);
        (world, lacking, wrong)
    }

    /// An end as a call takes or gives it.
    pub(super) fn for_call(&self, end: SocketAddr) -> SocketAddr {
        SocketAddr::new(Addresses(self.ip).for_call(end.ip()), end.port())
    }

    /// Whether the harness has this address for the target, or for the peer.
    pub(super) fn knows(&self, address: IpAddr, of_peer: bool) -> bool {
        let addresses = Addresses(self.ip);
        (1..=Addresses::COUNT).any(|n| {
            let known = if of_peer { addresses.remote(n) } else { addresses.local(n) };
            known == address
        })
    }
}
