//! What crossed the boundary between judge and target, in order: enough to derive the verdict again.
//!
//! A trace is JSON lines: a [`Header`], then an [`Entry`] for each thing that happened, last the verdict. It carries
//! the texts of the case, so that nothing else is needed to read it.

pub mod capture;
pub mod pcapng;

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::case::{Errno, Signal, ThreadId, Value};
use crate::target::{Completion, Observation, StateChange, TargetError, Timing};
use crate::time::Timestamp;

/// The version of the format that this crate writes and reads.
pub const VERSION: u32 = 1;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`VERSION`].
    pub tcpdrill_trace: u32,
    /// Id of the case with its variant.
    pub case: String,
    /// Name of the target.
    pub target: String,
    /// Version of the target.
    pub version: String,
    /// How exact its clock is.
    pub timing: Timing,
    /// Seed of the run.
    pub seed: u64,
    /// Nanoseconds from the Unix epoch to the moment that the trace's times count from; 0 on a virtual clock.
    pub epoch_ns: u64,
    /// The texts the case came from, its own first.
    pub sources: Vec<Source>,
}

/// One text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// As the user named it.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// One thing that happened. Times are nanoseconds since the target was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// The case did something.
    Acted {
        /// The step; none for a peer that answers by itself.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        step: Option<usize>,
        /// When it was due.
        due: i64,
        /// When it was done.
        at: i64,
        /// What: a packet in hex, a call, a setting.
        what: String,
    },
    /// The target could not do it.
    Refused {
        /// The step; none for a peer that answers by itself.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        step: Option<usize>,
        /// What.
        what: String,
        /// Why.
        why: Why,
    },
    /// What the link did to a packet between the target and a peer that answers by itself.
    OnTheWay {
        /// When it was sent or, for one that was injected, when it arrived.
        at: i64,
        /// The packet in one line.
        packet: String,
        /// What became of it: `dropped by the link`.
        fate: String,
    },
    /// The target could not let time pass, or look at something.
    Failed {
        /// What was asked of it.
        what: String,
        /// Why.
        why: Why,
    },
    /// A packet left the target.
    Emitted {
        /// When.
        at: i64,
        /// The whole packet.
        #[serde(with = "hex")]
        packet: Vec<u8>,
    },
    /// A call returned.
    Returned {
        /// When.
        at: i64,
        /// Whose call.
        thread: usize,
        /// Return value, if it did not fail.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        value: Option<i64>,
        /// Errno, if it did.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        errno: Option<i32>,
        /// Bytes read.
        #[serde(with = "hex", skip_serializing_if = "Vec::is_empty", default)]
        data: Vec<u8>,
        /// What came back through other pointers.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        given: Option<Value>,
    },
    /// A call raised a signal.
    Signalled {
        /// When.
        at: i64,
        /// In which thread.
        thread: usize,
        /// `SIGPIPE`.
        signal: String,
    },
    /// The machine got in the way. After the end of the case: when the target was put away.
    Disturbed {
        /// When it was noticed.
        at: i64,
        /// How.
        by: String,
    },
    /// Nothing more happened up to here.
    Reached(i64),
    /// Something was looked at.
    Inspected {
        /// What.
        what: String,
        /// What was seen.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        value: Option<Value>,
        /// Why nothing could be seen.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        missing: Option<String>,
    },
    /// A connection, or a socket that listens, changed its state: said by targets that can tell, and no part of the
    /// verdict.
    Changed {
        /// When.
        at: i64,
        /// The target's end and the peer's; none of a socket that listens.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        ends: Option<(SocketAddr, SocketAddr)>,
        /// The state before.
        from: String,
        /// The state after.
        to: String,
        /// What it came of.
        cause: String,
    },
    /// After the end of the case: not judged.
    Teardown {
        /// When.
        at: i64,
        /// The whole packet.
        #[serde(with = "hex")]
        packet: Vec<u8>,
    },
    /// The verdict when the run was live.
    Verdict(String),
}

/// Why a target did not do something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It lacks it.
    Missing(String),
    /// It broke.
    Broken(String),
}

impl Why {
    /// What a trace keeps of an error.
    #[must_use]
    pub fn of(error: &TargetError) -> Self {
        match error {
            TargetError::Missing(missing) => Self::Missing(missing.clone()),
            TargetError::Unusable(why) | TargetError::Broken(why) => Self::Broken(why.clone()),
        }
    }

    /// The error again.
    #[must_use]
    pub fn error(&self) -> TargetError {
        match self {
            Self::Missing(missing) => TargetError::Missing(missing.clone()),
            Self::Broken(why) => TargetError::Broken(why.clone()),
        }
    }
}

/// A whole trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The first line.
    pub header: Header,
    /// The others.
    pub entries: Vec<Entry>,
}

/// Why a text is not a trace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct TraceError {
    /// From 1.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

impl Trace {
    /// The trace as JSON lines.
    #[must_use]
    pub fn to_text(&self) -> String {
        let header = serde_json::to_string(&self.header);
        let entries = self.entries.iter().map(serde_json::to_string);
        std::iter::once(header)
            .chain(entries)
            .map(|line| {
                line.expect("a trace has only strings, numbers and lists of them: all of that is JSON") + "\n"
            })
            .collect()
    }

    /// A trace read back.
    ///
    /// # Errors
    /// The first line that is not what it should be.
    pub fn from_text(text: &str) -> Result<Self, TraceError> {
        let mut lines = text.lines().enumerate();
        let error = |line: usize, why: String| TraceError { line: line + 1, why };
        let (_, first) = lines.next().ok_or_else(|| error(0, "the file is empty".to_owned()))?;
        let header: Header =
            serde_json::from_str(first).map_err(|why| error(0, format!("not the head of a trace: {why}")))?;
        if header.tcpdrill_trace != VERSION {
            let why = format!("a trace of version {}; this tcpdrill reads {VERSION}", header.tcpdrill_trace);
            return Err(error(0, why));
        }
        let entries = lines
            .map(|(line, text)| serde_json::from_str(text).map_err(|why| error(line, why.to_string())))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { header, entries })
    }

    /// The verdict of the live run, if it came to one.
    #[must_use]
    pub fn verdict(&self) -> Option<&str> {
        self.entries.iter().rev().find_map(|entry| match entry {
            Entry::Verdict(verdict) => Some(verdict.as_str()),
            _ => None,
        })
    }
}

impl Entry {
    /// What a target was seen to do.
    #[must_use]
    pub fn of(observation: &Observation) -> Self {
        match observation {
            Observation::Emitted { at, packet } => Self::Emitted { at: at.0, packet: packet.clone() },
            Observation::Returned { at, thread, completion } => Self::Returned {
                at: at.0,
                thread: thread.0,
                value: completion.result.ok(),
                errno: completion.result.err().map(|errno| errno.0),
                data: completion.data.clone(),
                given: completion.given.clone(),
            },
            Observation::Signalled { at, thread, signal } => {
                Self::Signalled { at: at.0, thread: thread.0, signal: signal.name().to_owned() }
            }
            Observation::Disturbed { at, by } => Self::Disturbed { at: at.0, by: by.clone() },
        }
    }

    /// What a target told of its states.
    #[must_use]
    pub fn changed(change: StateChange) -> Self {
        let StateChange { at, ends, from, to, cause } = change;
        Self::Changed { at: at.0, ends, from, to, cause }
    }

    /// The observation again, if this entry is one.
    #[must_use]
    pub fn observation(&self) -> Option<Observation> {
        match self {
            Self::Emitted { at, packet } => {
                Some(Observation::Emitted { at: Timestamp(*at), packet: packet.clone() })
            }
            Self::Returned { at, thread, value, errno, data, given } => Some(Observation::Returned {
                at: Timestamp(*at),
                thread: ThreadId(*thread),
                completion: Completion {
                    result: match errno {
                        Some(errno) => Err(Errno(*errno)),
                        None => Ok(value.unwrap_or(0)),
                    },
                    data: data.clone(),
                    given: given.clone(),
                },
            }),
            Self::Signalled { at, thread, signal } => Some(Observation::Signalled {
                at: Timestamp(*at),
                thread: ThreadId(*thread),
                signal: Signal::from_name(signal)?,
            }),
            Self::Disturbed { at, by } => Some(Observation::Disturbed { at: Timestamp(*at), by: by.clone() }),
            Self::Acted { .. }
            | Self::OnTheWay { .. }
            | Self::Refused { .. }
            | Self::Failed { .. }
            | Self::Reached(_)
            | Self::Inspected { .. }
            | Self::Changed { .. }
            | Self::Teardown { .. }
            | Self::Verdict(_) => None,
        }
    }
}

/// Bytes as hexadecimal text.
pub(crate) mod hex {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn text(bytes: &[u8]) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = String::with_capacity(bytes.len() * 2);
        for byte in bytes {
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 0xf)]));
        }
        text
    }

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&text(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits: Option<Vec<u8>> =
            text.chars().map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok())).collect();
        match digits {
            Some(digits) if digits.len() % 2 == 0 => {
                Ok(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
            }
            _ => Err(serde::de::Error::custom("not pairs of hexadecimal digits")),
        }
    }
}
