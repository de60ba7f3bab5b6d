//! The protocol: states, what a segment means in each, what is sent when.
//!
//! States whose data differ are types: [`listen`], [`syn_sent`], [`syn_received`], [`connection`], [`time_wait`]. Those
//! that differ in what they permit only are rows of the table in [`transition`].

pub(crate) mod acceptable;
pub(crate) mod acknowledge;
pub(crate) mod apply;
mod chronograph;
mod close;
pub(crate) mod congestion;
pub(crate) mod connection;
mod consistency;
mod cubic;
pub(crate) mod delayed_ack;
pub(super) mod ecn;
pub(crate) mod emit;
pub(crate) mod env;
pub(crate) mod fast_open;
pub(crate) mod flow;
pub(crate) mod handshake;
pub(crate) mod info;
pub(crate) mod journal;
pub(crate) mod keep_alive;
pub(crate) mod listen;
pub(crate) mod rack;
pub(crate) mod receive_queue;
mod receive_space;
pub(crate) mod recovery;
pub(crate) mod retransmit;
pub(crate) mod rtt;
pub(crate) mod sack_report;
pub(crate) mod scoreboard;
pub(crate) mod send_queue;
pub(crate) mod stamps;
pub(crate) mod state;
pub(crate) mod syn_received;
pub(crate) mod syn_sent;
pub(crate) mod tail_probe;
pub(crate) mod text;
pub(crate) mod time_wait;
pub(crate) mod timers;
pub(crate) mod transition;
pub(crate) mod transmit;
pub(crate) mod undo;
pub(crate) mod urgent;
pub(crate) mod window;
