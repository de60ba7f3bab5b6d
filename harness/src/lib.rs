//! tcpdrill: TCP conformance tests as scripts. Cases inject segments and make socket calls, and say what must
//! come back: which segments, which return values, which errno, when, and when nothing at all.

pub mod case;
#[cfg(feature = "cli")]
pub mod cli;
pub mod compare;
pub mod engine;
pub mod front;
pub mod import;
pub mod report;
pub mod run;
pub mod target;
pub mod time;
pub mod trace;
pub mod verdict;
pub mod wire;
