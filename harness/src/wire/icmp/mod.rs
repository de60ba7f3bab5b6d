//! ICMP messages of both versions, their names, and the packets that they quote.

mod message;
mod names;
mod quote;

pub use message::Icmp;
pub use names::{Code, Kind, names, numbers, text};
pub use quote::{Quote, quote, quoted};
