//! A shipped case on the bundled stack, with what the stack does changed on its way to the judge.
#![no_main]

#[path = "../../tests/robustness/drivers.rs"]
mod drivers;
#[path = "../../tests/robustness/perturbed.rs"]
mod perturbed;

use libfuzzer_sys::fuzz_target;

// All cases are read before the first story is timed.
fuzz_target!(init: { drivers::cases(); }, |story: perturbed::Story| perturbed::tell(&story));
