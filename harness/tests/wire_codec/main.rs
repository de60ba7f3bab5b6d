//! The wire codec and the capture files, from outside: against another codec, against itself, against bytes written
//! down by hand.

#![expect(clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]

mod capture;
mod fragments;
mod icmp_quotes;
mod lies;
mod notation;
mod options;
mod other_codec;
mod round_trip;
mod samples;
mod stack_codec;
mod strategies;
