//! Joins engine and target: one run, its repeats, many runs side by side, and what they leave on disk.

mod attempt;
mod batch;
mod drive;
mod files;
mod ledgers;
mod library;
mod recorded;
mod scales;
mod scripts;
mod select;
mod side_by_side;
mod skips;

pub use attempt::{CaseRun, RunOptions, run_case};
pub use batch::{News, Plan, run_batch};
pub use drive::{ReplayError, replay};
pub use files::{Saved, capture_name, probe, save, write_whole};
pub use ledgers::{LedgerError, stale_diagnostics};
pub use library::{EMBEDDED_ROOT, LoadError, Loaded, NOT_CASES, Requirement, Testable, Tree};
pub use recorded::case_of;
pub use scripts::import_script;
pub use select::{SelectError, Selection};
pub use skips::foreseen_skips;
