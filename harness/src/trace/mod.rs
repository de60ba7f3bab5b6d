//! What crossed the boundary between harness and target, on paper.

pub mod pcapng;
