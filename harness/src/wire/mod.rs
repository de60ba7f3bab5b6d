//! Stub.
#![allow(missing_docs)]
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
pub struct Flags(u16);
impl Flags {
    pub const LETTERS: [(Self, char); 1] = [(Self(1), 'F')];
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccEcnOrder {
    Zero,
    One,
}
