//! A trace of any bytes gives a verdict or none.
#![no_main]

#[path = "../../tests/robustness/drivers.rs"]
mod drivers;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    drivers::trace(bytes);
});
