//! A script of any bytes is read or refused.
#![no_main]

#[path = "../../tests/robustness/drivers.rs"]
mod drivers;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| drivers::script(bytes));
