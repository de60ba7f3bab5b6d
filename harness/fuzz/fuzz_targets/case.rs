//! A file of any bytes is lowered or refused.
#![no_main]

#[path = "../../tests/robustness/drivers.rs"]
mod drivers;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| drivers::lower(bytes));
