//! From the syntax tree of a script to a case.

pub mod code;
pub mod commands;
