//! A text in a notation of a step; the first byte says which.
#![no_main]

#[path = "../../tests/robustness/drivers.rs"]
mod drivers;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some((key, text)) = bytes.split_first()
        && let Ok(text) = std::str::from_utf8(text)
    {
        drivers::notation(drivers::KEYS[usize::from(*key) % drivers::KEYS.len()], text);
    }
});
