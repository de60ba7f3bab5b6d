//! What a machine has of what the Linux target needs: facts, without a judgement.

use serde::Serialize;

use crate::case::Errno;

/// What was found. Where one thing is the condition of another that was not tried, the other is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// The kernel's release: `6.18.4`.
    pub release: String,
    /// `x86_64`.
    pub architecture: String,
    /// How many processors this process may use.
    pub processors: usize,
    /// Who runs this.
    pub user: User,
    /// Where TUN devices come from.
    pub tun: TunNode,
    /// Those of the switches that keep users from making namespaces which this kernel has.
    pub switches: Vec<Switch>,
    /// What came of entering a user namespace; `None` for root, who needs none.
    pub user_namespace: Option<Tried>,
    /// What came of making a case's world in a network namespace, step by step.
    pub world: World,
    /// How time passes.
    pub clock: Clock,
    /// What the threads of cases may do.
    pub scheduling: Scheduling,
    /// Congestion controls that the kernel has, and those that namespaces may use.
    pub congestion: Congestion,
    /// What there may be of each.
    pub limits: Limits,
}

/// Whether something worked; if not, the errno.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tried {
    /// It did.
    Worked,
    /// It did not.
    Refused {
        /// What was being done.
        doing: String,
        /// Why it was refused.
        #[serde(serialize_with = "as_text")]
        errno: Errno,
    },
}

/// Who runs this, before any user namespace was entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// Effective user id.
    pub id: u32,
    /// Those of the capabilities that cases need which the process has: `CAP_NET_ADMIN`.
    pub capabilities: Vec<&'static str>,
    /// Whether system calls are filtered, as container runtimes do.
    pub is_filtered: bool,
}

/// The TUN node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TunNode {
    /// `/dev/net/tun`.
    pub path: &'static str,
    /// What stands there; `None` where nothing does.
    pub node: Option<Node>,
    /// What came of opening it.
    pub opened: Tried,
}

/// A file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Whether it is the device of TUN.
    pub is_tun: bool,
    /// Permission bits.
    pub mode: u32,
    /// User id of the owner.
    pub owner: u32,
    /// Group id.
    pub group: u32,
}

/// A setting of the host by which namespaces are permitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Switch {
    /// `user.max_user_namespaces`.
    pub name: &'static str,
    /// Its value.
    pub value: i64,
}

/// A case's world, as far as it could be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct World {
    /// The network namespace.
    pub namespace: Tried,
    /// The TUN device in it.
    pub device: Option<Tried>,
    /// Addresses and routes of the link; an error in words.
    pub link: Option<Result<(), String>>,
    /// The packet socket on it.
    pub packet_socket: Option<Tried>,
    /// How many settings the baseline has.
    pub settings: usize,
    /// Settings of the baseline that were refused, each with the reason.
    pub unmet: Vec<String>,
    /// Nanoseconds that making it took, and removing it again.
    pub took: Option<(i64, i64)>,
}

/// Clocks of the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Clock {
    /// What the kernel reads the time from: `tsc`.
    pub source: Option<String>,
    /// Nanoseconds between ticks of timers of TCP.
    pub jiffy: i64,
    /// Nanoseconds: the resolution of timers.
    pub resolution: i64,
    /// How late timers woke a thread that waits as a case does; `None` where that could not be measured.
    pub lateness: Option<Lateness>,
}

/// How late a thread was woken. Nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Lateness {
    /// How often it was measured.
    pub waits: usize,
    /// Half of them were earlier.
    pub median: i64,
    /// One in a hundred was later.
    pub p99: i64,
    /// The latest.
    pub max: i64,
}

impl Lateness {
    /// Of measured values; `None` without any.
    #[must_use]
    pub fn of(mut values: Vec<i64>) -> Option<Self> {
        values.sort_unstable();
        let at =
            |percent: usize| values.get((values.len() * percent / 100).min(values.len().saturating_sub(1)));
        Some(Self { waits: values.len(), median: *at(50)?, p99: *at(99)?, max: *values.last()? })
    }
}

/// Scheduling of the threads of cases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Scheduling {
    /// What came of asking for the real-time class.
    pub real_time: Tried,
    /// What came of limiting how long a thread may run in it without sleeping.
    pub limited: Tried,
}

/// Congestion controls by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "as the kernel's settings tcp_available_ and tcp_allowed_congestion_control")]
pub struct Congestion {
    pub available: Vec<String>,
    pub allowed: Vec<String>,
}

/// Limits; `None` where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Open files of this process, after it was raised as far as it may be.
    pub files: Option<u64>,
    /// Processes and threads: the least of what applies.
    pub threads: Option<u64>,
    /// Network namespaces of this user.
    pub namespaces: Option<u64>,
}

impl Tried {
    /// Whether it worked.
    #[must_use]
    pub const fn worked(&self) -> bool {
        matches!(self, Self::Worked)
    }

    /// Why it did not.
    #[must_use]
    pub const fn errno(&self) -> Option<Errno> {
        match self {
            Self::Worked => None,
            Self::Refused { errno, .. } => Some(*errno),
        }
    }
}

fn as_text<S: serde::Serializer>(errno: &Errno, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(errno)
}

#[cfg(test)]
mod tests {
    use super::Lateness;

    #[test]
    fn lateness_is_summed_up() {
        let of = |values: Vec<i64>| Lateness::of(values);
        assert_eq!(of(Vec::new()), None);
        assert_eq!(of(vec![7]), Some(Lateness { waits: 1, median: 7, p99: 7, max: 7 }));
        let many = (0..200).rev().collect();
        assert_eq!(of(many), Some(Lateness { waits: 200, median: 100, p99: 198, max: 199 }));
    }
}
