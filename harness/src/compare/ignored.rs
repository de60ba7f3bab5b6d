//! What a comparison leaves out because somebody said so.

use std::collections::BTreeSet;

use crate::case::nearest;

use super::Class;

/// Fields that can be ignored, beside the classes. What a target draws by chance is never compared and is not here.
pub const FIELDS: [&str; 19] = [
    "flags", "push", "seq", "ack", "length", "win", "urg", "reserved", "options", "ttl", "dscp", "ecn", "df",
    "ip", "icmp", "mtu", "quote", "form", "gives",
];
/// Options, each a field; `options` means all of them, and their order.
pub const OPTIONS: [&str; 9] = ["mss", "wscale", "sackOK", "sack", "TS", "FO", "FOEXP", "ECN", "opt"];

/// Names of fields and classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ignored(BTreeSet<String>);

impl Ignored {
    /// Reads names.
    ///
    /// # Errors
    /// The first name that means nothing, with what to do.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, (String, String)> {
        let known: Vec<&str> = FIELDS.into_iter().chain(OPTIONS).chain(Class::ALL.map(Class::name)).collect();
        let mut set = BTreeSet::new();
        for name in names {
            if !known.contains(&name) {
                let help = match nearest(name, known.iter().copied()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("known fields and classes: {}", known.join(", ")),
                };
                return Err((format!("nothing that is compared is called {name:?}"), help));
            }
            set.insert(name.to_owned());
        }
        Ok(Self(set))
    }

    /// Whether differences of this class in this field are left out. `gives.revents` is a part of `gives`.
    pub(super) fn has(&self, class: Class, what: &str) -> bool {
        let field = what.split(['.', '[', ' ']).next().unwrap_or(what);
        let is_option = OPTIONS.contains(&field) && self.0.contains("options");
        let is_field = matches!(class, Class::Field | Class::Return) && (is_option || self.0.contains(field));
        is_field || self.0.contains(class.name())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Class;
    use super::Ignored;

    #[test]
    fn names_are_checked_and_found() {
        let ignored = Ignored::parse(["win", "timing", "gives"]).unwrap();
        assert!(ignored.has(Class::Field, "win"));
        assert!(!ignored.has(Class::Field, "ack"));
        assert!(!ignored.has(Class::Field, "mss"));
        assert!(Ignored::parse(["options"]).unwrap().has(Class::Field, "mss"));
        assert!(ignored.has(Class::Timing, "order"));
        assert!(ignored.has(Class::Return, "gives.revents"));
        assert!(!ignored.has(Class::Return, "returns"));
        let (text, help) = Ignored::parse(["wim"]).unwrap_err();
        assert_eq!(
            (text.as_str(), help.as_str()),
            (r#"nothing that is compared is called "wim""#, "did you mean win?")
        );
    }
}
