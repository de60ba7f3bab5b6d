//! The strict codec: packets in and out, and what makes one unacceptable.

pub(crate) mod checksum;
pub(crate) mod drops;
pub(crate) mod flags;
pub(crate) mod icmp;
pub(crate) mod ip;
pub(crate) mod options;
pub(crate) mod seq;
pub(crate) mod siphash;
pub(crate) mod tcp;
