//! A packet of any bytes is read, and built again as it was.
#![no_main]

#[path = "../../tests/robustness/drivers.rs"]
mod drivers;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| drivers::packet(bytes));
