//! Headers around a packet: IP in IP, GRE, MPLS. They are bytes, filled in from the inside out.

use std::net::IpAddr;

use crate::case::{Num, OptionsSpec, IpSpec, OptionItem, OptionSpec, Transport};
use crate::front::pkt::script::{Gre, IpAttribute, MplsEntry, Node, Outer};
use crate::wire::{Body, Ip, IpVersion, Ipv4, Ipv6, Lies, Packet, build, protocol};

use super::Context;
use super::packets::{TTL, attribute_of};
