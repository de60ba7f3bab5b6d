//! The command line of tcpdrill.
fn main() {}
