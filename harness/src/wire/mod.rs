//! The harness's own wire codec for IP, TCP and ICMP.
//!
//! It is lossless rather than strict: it builds what a case asks for, however malformed ([`Lies`]), and reads
//! whatever a target emits, keeping what is wrong with it as a list of [`Fault`]s beside the packet. It shares no
//! code with the codec of the stack under test.
//!
//! * [`Packet`] is what [`build`] takes and [`parse`] gives.
//! * [`TcpOption`] is the codec of TCP options: parsing and encoding again gives the same bytes, whatever they are.
//! * [`notation`] prints a packet in one line, as cases write it.
//! * [`pattern`] is the payload that says at which stream offset it stands.
//!
//! Header layouts and sums come from `pnet`'s packet types; `fields` and `checksum` are the only places that name it.

mod build;
pub mod checksum;
mod fault;
mod fields;
pub mod icmp;
mod ip;
mod lies;
pub mod notation;
mod option;
mod packet;
mod parse;
pub mod pattern;
pub mod seq;
mod tcp;

pub use build::build;
pub use fault::{Fault, Layer, ParseError};
pub use icmp::Icmp;
pub use ip::{Extension, Ip, IpVersion, Ipv4, Ipv6, protocol};
pub use lies::{Checksum, Fragment, IpLies, Lies};
pub use option::{AccEcnOrder, OptionFault, TcpOption, encode_options, parse_options};
pub use packet::{Body, Endpoints, Packet};
pub use parse::{Parsed, Stated, parse};
pub use tcp::{Flags, Tcp};
