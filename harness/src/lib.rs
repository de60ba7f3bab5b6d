//! TCP conformance tests as scripts.

pub mod trace;
pub mod wire;
