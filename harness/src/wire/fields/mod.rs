//! Header layouts: where each field lies. The only files that name pnet's packet types.
//!
//! Writing fills in the true lengths and leaves checksums zero. Reading takes a slice that is known to hold the
//! fixed part of the header.

mod read;
mod write;

pub(super) use read::{extension_len, read_extension, read_icmp, read_ipv4, read_ipv6, read_tcp};
pub(super) use write::{
    set_icmp_checksum, set_ipv4_checksum, set_ipv4_header_length, set_ipv4_total_length,
    set_ipv6_payload_length, set_tcp_checksum, set_version, write_icmp, write_ipv4, write_ipv6,
    write_tcp,
};

/// Bytes of a TCP header without options.
pub(super) const TCP_LEN: usize = 20;
/// Bytes of an ICMP header with its word for pointer, MTU or the like.
pub(super) const ICMP_LEN: usize = 8;
/// Bytes of the shortest IPv6 extension header, and of the fragment header.
pub(super) const EXTENSION_LEN: usize = 8;

const SIZED: &str = "the buffer holds the header";
