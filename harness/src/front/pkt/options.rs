//! What is said of a script outside of it, and what comes of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::front::Diagnostics;

/// What the command line says of scripts. A trace keeps it: the same script with other options is another case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// `-D NAME=VALUE`: they win over the variant's and the script's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub definitions: BTreeMap<String, String>,
    /// Options of the language by their names there: `tolerance_usecs`. They win likewise.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// What packetdrill leaves unchecked is checked: segments after the last expectation, checksums.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
    /// Commands are run, not understood (Linux target only).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_shell: bool,
}

/// The variants of a script: each is a case, or is wrong.
#[derive(Clone, Debug, Default)]
pub struct Variants {
    /// Those that can be run, or skipped with what they lack.
    pub cases: Vec<Case>,
    /// Those that are wrong, by id: the language refuses them only as this variant.
    pub invalid: Vec<(String, Diagnostics)>,
}
