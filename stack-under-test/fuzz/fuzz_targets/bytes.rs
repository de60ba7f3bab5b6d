//! Packets of any bytes, each also with its checksums made right. The first byte chooses the connection, then each
//! packet has its length in two bytes before it.
#![no_main]

#[path = "../../tests/robustness/driver.rs"]
mod driver;
#[path = "../../tests/robustness/grammar.rs"]
mod grammar;
#[path = "../../tests/util/mod.rs"]
mod util;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some((opening, packets)) = bytes.split_first() {
        driver::receive(*opening, &driver::packets(packets));
    }
});
