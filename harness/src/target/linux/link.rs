//! The link of a case: device, addresses and routes, made with netlink.

use std::io;
use std::net::IpAddr;

use super::clock;
use super::faults::{broken, out_of_files};
use super::netlink::{Message, Netlink};
use super::tun;
use crate::case::{Addresses, IpVersion};
use crate::target::TargetError;

/// IPv6 refuses links that are narrower.
const IPV6_MIN_MTU: u16 = 1280;

/// How long the kernel may take to make addresses usable, and how long to wait between asking. Nanoseconds.
const PATIENCE: i64 = 20_000_000_000;
const NAP: i64 = 100_000;
const MOST_NAP: i64 = 20_000_000;

const CREATE: i32 = libc::NLM_F_CREATE | libc::NLM_F_EXCL;
const TC_H_ROOT: u32 = 0xffff_ffff;
const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;

/// Brings up loopback and the device `index`, with all `local` addresses and routes to all `remote` ones.
///
/// To be called inside the namespace.
pub(super) fn build(index: u32, mtu: u16) -> Result<(), TargetError> {
    let failed = |error: &io::Error| out_of_files("rtnetlink", error);
    let mut netlink = Netlink::open(libc::NETLINK_ROUTE).map_err(|error| failed(&error))?;
    let mut requests = vec![
        ("plain queue", queue(index, "pfifo", None)),
        ("loopback", up(1, None)),
        ("link", up(index, Some(mtu))),
    ];
    let families: &[IpVersion] =
        if mtu < IPV6_MIN_MTU { &[IpVersion::V4] } else { &[IpVersion::V4, IpVersion::V6] };
    for addresses in families.iter().map(|ip| Addresses(*ip)) {
        for n in 1..=Addresses::COUNT {
            requests.push(("address", address(index, addresses.local(n))));
        }
        requests.push(("route", route(index, addresses.remote(0), CREATE)));
    }
    let (names, messages): (Vec<_>, Vec<_>) = requests.into_iter().unzip();
    let results = netlink.execute(messages).map_err(|error| failed(&error))?;
    for (name, result) in names.into_iter().zip(results) {
        match result {
            // A kernel without traffic control has no queue to replace.
            Err(error) if name == "plain queue" && error.raw_os_error() == Some(libc::EOPNOTSUPP) => {}
            Err(error) => {
                return Err(out_of_files(&format!("setting up the {name} of a case"), &error));
            }
            Ok(()) => {}
        }
    }
    if families.contains(&IpVersion::V6) {
        wait_for_ipv6(&mut netlink)?;
    }
    Ok(())
}

/// Gives the device `index` another MTU.
///
/// To be called inside the namespace.
pub(super) fn resize(index: u32, mtu: u16) -> Result<(), TargetError> {
    let failed = |error: &io::Error| out_of_files("rtnetlink", error);
    let mut netlink = Netlink::open(libc::NETLINK_ROUTE).map_err(|error| failed(&error))?;
    let results = netlink.execute(vec![up(index, Some(mtu))]).map_err(|error| failed(&error))?;
    results.into_iter().collect::<io::Result<()>>().map_err(|error| {
        TargetError::Missing(format!("an MTU of {mtu} bytes, which the kernel refuses ({error})"))
    })
}

/// Gives the device another queue: `fq`, `pfifo limit 0`.
///
/// To be called inside the namespace.
pub(super) fn set_queue(value: &str) -> Result<(), TargetError> {
    let missing = |why: &str| TargetError::Missing(format!("qdisc {value}{why}"));
    let (kind, limit) = match value.split_whitespace().collect::<Vec<_>>().as_slice() {
        [kind] => (*kind, None),
        // Other kinds have their limits in other places.
        [kind @ "pfifo", "limit", limit] => (*kind, Some(limit.parse().map_err(|_| missing(""))?)),
        _ => return Err(missing("")),
    };
    change(vec![queue(device()?, kind, limit)]).map_err(|error| match error.raw_os_error() {
        Some(libc::ENOENT | libc::EOPNOTSUPP) => missing(", which this kernel does not have"),
        _ => missing(&format!(" ({error})")),
    })
}

/// Gives the routes to the peers these metrics and no others: `advmss 600 mtu lock 640`.
///
/// To be called inside the namespace.
pub(super) fn set_route(value: &str) -> Result<(), TargetError> {
    let missing = |error: &str| TargetError::Missing(format!("route {value}{error}"));
    let metrics = metrics(value).ok_or_else(|| missing(""))?;
    let index = device()?;
    let to = |ip| {
        let message = route(index, Addresses(ip).remote(0), libc::NLM_F_REPLACE);
        change(vec![message.attribute(libc::RTA_METRICS, &metrics)])
    };
    to(IpVersion::V4).map_err(|error| missing(&format!(" ({error})")))?;
    // A narrow link has no IPv6.
    match to(IpVersion::V6) {
        Err(error) if error.raw_os_error() != Some(libc::ENOENT) => Err(missing(&format!(" ({error})"))),
        _ => Ok(()),
    }
}

/// Metrics of a route as nested attributes.
fn metrics(value: &str) -> Option<Vec<u8>> {
    const LOCK: u16 = 1;
    const NAMES: [(&str, u16); 4] = [("mtu", 2), ("advmss", 8), ("initcwnd", 11), ("initrwnd", 14)];
    let mut attributes = Vec::new();
    let mut put = |kind: u16, number: u32| {
        attributes.extend(8_u16.to_ne_bytes());
        attributes.extend(kind.to_ne_bytes());
        attributes.extend(number.to_ne_bytes());
    };
    let mut locked = 0;
    let mut words = value.split_whitespace();
    while let Some(word) = words.next() {
        let (_, kind) = NAMES.iter().find(|(name, _)| *name == word)?;
        let mut number = words.next()?;
        if number == "lock" {
            locked |= 1 << kind;
            number = words.next()?;
        }
        put(*kind, number.parse().ok()?);
    }
    if locked != 0 {
        put(LOCK, locked);
    }
    Some(attributes)
}

/// The index of the device.
fn device() -> Result<u32, TargetError> {
    nix::net::if_::if_nametoindex(tun::NAME).map_err(broken)
}

fn change(messages: Vec<Message>) -> io::Result<()> {
    Netlink::open(libc::NETLINK_ROUTE)?.execute(messages)?.into_iter().collect()
}

/// Waits until packets to the IPv6 addresses are received: a worker of the kernel sees to that some time after they
/// were added, even without the search for a double.
fn wait_for_ipv6(netlink: &mut Netlink) -> Result<(), TargetError> {
    let deadline = clock::monotonic() + PATIENCE;
    let mut nap = NAP;
    for n in 1..=Addresses::COUNT {
        let ip = Addresses(IpVersion::V6).local(n);
        while !is_local(netlink, ip).map_err(|error| out_of_files("rtnetlink", &error))? {
            if clock::monotonic() > deadline {
                return Err(TargetError::Broken(format!("{ip} does not become usable")));
            }
            // Longer each time: many who ask often keep the worker from its work.
            clock::nap(nap);
            nap = (2 * nap).min(MOST_NAP);
        }
    }
    Ok(())
}

/// Whether packets to the address would be received.
fn is_local(netlink: &mut Netlink, ip: IpAddr) -> io::Result<bool> {
    let fixed = [family(ip), 128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let question = Message::new(libc::RTM_GETROUTE, 0, &fixed).attribute(libc::RTA_DST, &octets(ip));
    match netlink.ask(question) {
        Ok(answers) => Ok(answers.first().and_then(|route| route.get(7)) == Some(&libc::RTN_LOCAL)),
        Err(error) if error.raw_os_error() == Some(libc::ENETUNREACH) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A queue at the root of the device, whatever the host has as default; how many packets it holds, if that matters.
fn queue(index: u32, kind: &str, limit: Option<u32>) -> Message {
    let mut fixed = vec![0; 4];
    fixed.extend(index.to_ne_bytes());
    fixed.extend(0_u32.to_ne_bytes());
    fixed.extend(TC_H_ROOT.to_ne_bytes());
    fixed.extend(0_u32.to_ne_bytes());
    let message = Message::new(libc::RTM_NEWQDISC, libc::NLM_F_CREATE | libc::NLM_F_REPLACE, &fixed)
        .attribute(TCA_KIND, &[kind.as_bytes(), b"\0"].concat());
    match limit {
        Some(limit) => message.attribute(TCA_OPTIONS, &limit.to_ne_bytes()),
        None => message,
    }
}

fn up(index: u32, mtu: Option<u16>) -> Message {
    let flag = libc::IFF_UP as u32;
    let mut fixed = vec![0; 4];
    fixed.extend(index.to_ne_bytes());
    fixed.extend(flag.to_ne_bytes());
    fixed.extend(flag.to_ne_bytes());
    let message = Message::new(libc::RTM_NEWLINK, 0, &fixed);
    match mtu {
        Some(mtu) => message.attribute(libc::IFLA_MTU, &u32::from(mtu).to_ne_bytes()),
        None => message,
    }
}

/// `local` addresses: 192.168.0.n/16, fd3d:a0b:17d6::n/64. IPv6 ones are usable at once, without the search for a
/// double.
fn address(index: u32, ip: IpAddr) -> Message {
    let prefix = if ip.is_ipv4() { 16 } else { 64 };
    let mut fixed = vec![family(ip), prefix, libc::IFA_F_NODAD as u8, libc::RT_SCOPE_UNIVERSE];
    fixed.extend(index.to_ne_bytes());
    let bytes = octets(ip);
    Message::new(libc::RTM_NEWADDR, CREATE, &fixed)
        .attribute(libc::IFA_LOCAL, &bytes)
        .attribute(libc::IFA_ADDRESS, &bytes)
}

/// Routes to the peers: 192.0.2.0/24, fd3d:fa7b:d17d::/64.
fn route(index: u32, net: IpAddr, flags: i32) -> Message {
    let (prefix, scope) =
        if net.is_ipv4() { (24, libc::RT_SCOPE_LINK) } else { (64, libc::RT_SCOPE_UNIVERSE) };
    let fixed = [
        family(net),
        prefix,
        0,
        0,
        libc::RT_TABLE_MAIN,
        libc::RTPROT_STATIC,
        scope,
        libc::RTN_UNICAST,
        0,
        0,
        0,
        0,
    ];
    // Without a preference IPv6 sends from the address that was added last.
    let source = Addresses(if net.is_ipv4() { IpVersion::V4 } else { IpVersion::V6 }).local(1);
    Message::new(libc::RTM_NEWROUTE, flags, &fixed)
        .attribute(libc::RTA_DST, &octets(net))
        .attribute(libc::RTA_OIF, &index.to_ne_bytes())
        .attribute(libc::RTA_PREFSRC, &octets(source))
}

const fn family(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(_) => libc::AF_INET as u8,
        IpAddr::V6(_) => libc::AF_INET6 as u8,
    }
}

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}
