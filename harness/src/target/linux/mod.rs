//! The Linux kernel as a target, through a TUN device in a network namespace of its own.
//!
//! Everything of a case is in this process: a thread lives in the namespace (`namespace`) and furnishes it
//! (`baseline`, `link`, `tun`); a thread for each thread of the case makes its calls (`worker`, `calls`);
//! the thread of the caller injects, waits (`wait`) and reads from a packet socket what the kernel sends (`tap`).
//! At the end nothing stays (`teardown`). No setting of the host is changed, and no command is run but those of scripts,
//! where whoever runs them allows that (`command`).

mod baseline;
mod calls;
mod clock;
mod command;
mod descriptors;
mod diag;
mod driver;
mod examine;
mod factory;
mod faults;
mod inbox;
mod inspect;
mod link;
mod mailbox;
mod metrics;
mod namespace;
mod netlink;
mod offload;
mod reaper;
mod schedule;
mod settings;
mod sys;
mod tap;
mod tcp_info;
mod teardown;
mod tun;
mod user_namespace;
mod wait;
mod worker;

pub use driver::LinuxTarget;
pub use examine::examine;
pub use factory::LinuxFactory;
pub use user_namespace::enter_user_namespace;
