//! The descriptors of a case: names, and the numbers they have now.

use std::collections::BTreeMap;
use std::os::fd::RawFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::sys;
use crate::case::DescriptorId;

/// A number that is never a descriptor's: calls on it give EBADF, however many files the process opens.
pub(super) const NEVER: RawFd = 0x7fff_fff0;

/// Shared by all threads of a case. Descriptors belong to the process, so only their names are the case's.
#[derive(Debug, Default)]
pub(super) struct Descriptors {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    named: BTreeMap<DescriptorId, RawFd>,
    unnamed: Vec<RawFd>,
}

impl Descriptors {
    /// The number behind a name: [`NEVER`] once it is closed, or if it was never obtained.
    pub(super) fn number(&self, id: DescriptorId) -> RawFd {
        self.lock().named.get(&id).copied().unwrap_or(NEVER)
    }

    /// Gives what a call made the names it is to have. What was there under a name before stays open.
    pub(super) fn bind(&self, names: &[DescriptorId], numbers: &[RawFd]) {
        let mut table = self.lock();
        for (n, number) in numbers.iter().enumerate() {
            match names.get(n) {
                Some(name) => {
                    let before = table.named.insert(*name, *number);
                    table.unnamed.extend(before);
                }
                None => table.unnamed.push(*number),
            }
        }
    }

    /// Takes the number off a name, for `close`: it may be given to another case at any moment from now.
    pub(super) fn release(&self, id: DescriptorId) -> RawFd {
        self.lock().named.remove(&id).unwrap_or(NEVER)
    }

    /// All that is open.
    pub(super) fn all(&self) -> Vec<RawFd> {
        let table = self.lock();
        table
            .named
            .values()
            .chain(&table.unnamed)
            .copied()
            .collect()
    }

    /// Closes all that is open.
    pub(super) fn close_all(&self) {
        let table = std::mem::take(&mut *self.lock());
        for number in table.named.into_values().chain(table.unnamed) {
            sys::close(number);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Descriptors, NEVER};
    use crate::case::DescriptorId;

    #[test]
    fn a_name_without_descriptor_is_a_number_that_never_is_one() {
        let descriptors = Descriptors::default();
        let name = DescriptorId(3);
        assert_eq!(descriptors.number(name), NEVER);
        descriptors.bind(&[name], &[1_000_000]);
        assert_eq!(descriptors.number(name), 1_000_000);
        assert_eq!(descriptors.release(name), 1_000_000);
        assert_eq!(descriptors.number(name), NEVER);
        assert!(descriptors.all().is_empty());
    }
}
