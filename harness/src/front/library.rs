//! Where fixtures and requirement ids come from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The tree a case belongs to: its fixtures and the requirements it may name.
pub trait Library {
    /// A fixture's path, as shown, and text.
    fn fixture(&self, name: &str) -> Option<(String, Arc<str>)>;
    /// The names of all fixtures.
    fn fixtures(&self) -> Vec<String>;
    /// Whether a requirement with this id exists.
    fn has_requirement(&self, id: &str) -> bool;
    /// The ids of all requirements.
    fn requirements(&self) -> Vec<String>;
}

/// A library held in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryLibrary {
    fixtures: BTreeMap<String, (String, Arc<str>)>,
    requirements: BTreeSet<String>,
}

impl MemoryLibrary {
    /// Adds a fixture; it is shown as `fixtures/<name>.yaml`.
    pub fn add_fixture(&mut self, name: &str, text: &str) {
        let path = format!("fixtures/{name}.yaml");
        self.fixtures.insert(name.to_owned(), (path, Arc::from(text)));
    }

    /// Adds a requirement id.
    pub fn add_requirement(&mut self, id: &str) {
        self.requirements.insert(id.to_owned());
    }
}

impl Library for MemoryLibrary {
    fn fixture(&self, name: &str) -> Option<(String, Arc<str>)> {
        self.fixtures.get(name).cloned()
    }

    fn fixtures(&self) -> Vec<String> {
        self.fixtures.keys().cloned().collect()
    }

    fn has_requirement(&self, id: &str) -> bool {
        self.requirements.contains(id)
    }

    fn requirements(&self) -> Vec<String> {
        self.requirements.iter().cloned().collect()
    }
}
