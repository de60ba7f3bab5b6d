//! packetdrill scripts: how they are read, what they are lowered to, and what comes of running them.

mod calls;
mod importing;
mod judged;
mod lowering;
mod running;
