//! A sans-I/O TCP/IP endpoint with Linux socket semantics.
//!
//! The crate has no clock, no threads, no I/O and no randomness but a seed: packets, socket calls and the time go in,
//! packets, return values and signals come out. The same seed and the same inputs give the same bytes.
//!
//! Start at [`Stack`], whose documentation states the order of calls.
#![no_std]
#![warn(clippy::std_instead_of_core, clippy::std_instead_of_alloc, clippy::alloc_instead_of_core)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod codec;
mod config;
mod counters;
mod memory;
mod settings;
mod socket;
mod stack;
pub mod syscall;
mod tcp;
mod time;

pub use config::Config;
pub use settings::{SettingError, Settings};
pub use socket::errors::Errno;
pub use stack::{Output, Stack, ThreadBusy};
pub use syscall::{
    Control, ControlData, ExtendedError, Failure, Fd, Input, Message, OptionValue, Reply, Room, Selected,
    Signal, Syscall, ThreadId,
};
pub use tcp::info::TcpInfo;
pub use tcp::journal::{Cause, StateChange};
pub use tcp::state::TcpState;
pub use time::Instant;
pub use wire::drops::{DropCounters, DropReason};

mod wire;
