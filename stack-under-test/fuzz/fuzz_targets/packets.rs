//! A story of packets, calls, errors and time, from the grammar that the test `robustness` uses too.
#![no_main]

#[path = "../../tests/robustness/driver.rs"]
mod driver;
#[path = "../../tests/robustness/grammar.rs"]
mod grammar;
#[path = "../../tests/util/mod.rs"]
mod util;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|story: grammar::Story| driver::tell(&story));
