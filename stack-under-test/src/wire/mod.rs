//! The strict codec: packets in and out, and what makes one unacceptable.

pub(crate) mod drops;
