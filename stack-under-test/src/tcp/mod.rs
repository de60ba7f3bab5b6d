//! The protocol: states, what a segment means in each, what is sent when.

pub(crate) mod info;
pub(crate) mod state;
