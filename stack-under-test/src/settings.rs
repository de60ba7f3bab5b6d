//! Kernel settings by their Linux names.

use alloc::string::String;

/// Why a setting was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingError {
    /// The stack has no such setting, or nothing in it that the setting would steer.
    Unknown,
    /// The value is not one of the setting's.
    Invalid,
}

/// The settings that steer the stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {}

impl Settings {
    /// Changes one setting, by its name as in `sysctl` (`net.ipv4.tcp_sack`).
    pub fn set(&mut self, _name: &str, _value: &str) -> Result<(), SettingError> {
        Err(SettingError::Unknown)
    }

    /// The value of a setting as `sysctl` prints it.
    pub fn get(&self, _name: &str) -> Option<String> {
        None
    }
}
