//! What the endpoint's world looks like: addresses, routes, link.

use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::settings::Settings;

/// Where the endpoint stands in the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Largest packet the link carries, in bytes, IP header included.
    pub mtu: u16,
    /// The device cuts packets that are longer: what leaves may be many segments in one packet, up to 64 KiB.
    pub segmentation_offload: bool,
    /// The endpoint's own addresses; packets for any other are dropped. The first of a family is the default source.
    pub local: Vec<IpAddr>,
    /// Reachable networks as address and prefix length; everything else has no route.
    pub on_link: Vec<(IpAddr, u8)>,
    /// Kernel settings by their Linux names.
    pub settings: Settings,
}

impl Default for Config {
    /// The world of the case language: nine local addresses per family, the peers' networks, an MTU of 1500.
    fn default() -> Self {
        let v4 = (1..=9).map(|last| IpAddr::V4(Ipv4Addr::new(192, 168, 0, last)));
        let v6 = (1..=9).map(|last| IpAddr::V6(Ipv6Addr::new(0xfd3d, 0x0a0b, 0x17d6, 0, 0, 0, 0, last)));
        Self {
            mtu: 1500,
            segmentation_offload: false,
            local: v4.chain(v6).collect(),
            on_link: vec![
                (IpAddr::V4(Ipv4Addr::new(192, 0, 2, 0)), 24),
                (IpAddr::V4(Ipv4Addr::new(192, 168, 0, 0)), 16),
                (IpAddr::V6(Ipv6Addr::new(0xfd3d, 0xfa7b, 0xd17d, 0, 0, 0, 0, 0)), 64),
                (IpAddr::V6(Ipv6Addr::new(0xfd3d, 0x0a0b, 0x17d6, 0, 0, 0, 0, 0)), 64),
            ],
            settings: Settings::default(),
        }
    }
}

impl Config {
    /// Whether `address` is one of the endpoint's own.
    pub(crate) fn is_local(&self, address: IpAddr) -> bool {
        self.local.contains(&address)
    }

    /// Whether there is a route to `address`.
    pub(crate) fn has_route(&self, address: IpAddr) -> bool {
        self.on_link.iter().any(|&(network, prefix)| matches_prefix(address, network, prefix))
    }

    /// The address that packets to `remote` carry as their source: the first of the family, as no route prefers another.
    pub(crate) fn source_for(&self, remote: IpAddr) -> Option<IpAddr> {
        self.local.iter().copied().find(|local| local.is_ipv4() == remote.is_ipv4())
    }
}

fn matches_prefix(address: IpAddr, network: IpAddr, prefix: u8) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let shift = 32u32.saturating_sub(u32::from(prefix));
            let difference = address.to_bits() ^ network.to_bits();
            difference.checked_shr(shift).unwrap_or(0) == 0
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let shift = 128u32.saturating_sub(u32::from(prefix));
            let difference = address.to_bits() ^ network.to_bits();
            difference.checked_shr(shift).unwrap_or(0) == 0
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}
