//! Sockets: what a program holds.

pub(crate) mod errors;
