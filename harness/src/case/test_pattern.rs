//! Patterns of tests: which ids are meant.

/// A pattern of ids, as a command line and a ledger write it: `connect/refused` with all its variants,
/// `connect/refused[ip=*]` with some of them, `connect/*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestPattern {
    file: String,
    variant: Option<String>,
}

/// Why a text is no pattern of tests, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAPattern(pub &'static str);

impl TestPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Self, NotAPattern> {
        let (file, variant) = match text.split_once('[') {
            None if text.contains(']') => return Err(NotAPattern("a \"]\" without \"[\"")),
            None => (text, None),
            Some((file, rest)) => match rest.strip_suffix(']') {
                Some(variant) if !variant.contains(['[', ']']) => (file, Some(variant.to_owned())),
                _ => {
                    return Err(NotAPattern("the pattern of variants is not closed by one \"]\" at the end"));
                }
            },
        };
        if file.is_empty() || text.contains(char::is_whitespace) {
            return Err(NotAPattern("not the id of a test"));
        }
        if file.ends_with(".yaml") || file.ends_with(".yml") {
            return Err(NotAPattern("an id has no extension"));
        }
        Ok(Self { file: file.to_owned(), variant })
    }

    /// Whether a test is meant.
    #[must_use]
    pub fn matches(&self, id: &str) -> bool {
        let (file, variant) = split_id(id);
        self.matches_file(file)
            && self.variant.as_ref().is_none_or(|pattern| variant.is_some_and(|text| glob(pattern, text)))
    }

    /// Whether a file may hold tests that are meant, by its id.
    #[must_use]
    pub fn matches_file(&self, id: &str) -> bool {
        glob(&self.file, id)
    }
}

/// The file and the variant of a test's id.
#[must_use]
pub fn split_id(id: &str) -> (&str, Option<&str>) {
    match id.strip_suffix(']').and_then(|id| id.split_once('[')) {
        Some((file, variant)) => (file, Some(variant)),
        None => (id, None),
    }
}

/// A shell pattern: `*` is any text, `?` any character.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || text.get(t) == Some(c) => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                p = at + 1;
                t = taken + 1;
            }
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::{TestPattern, glob};

    #[test]
    fn shell_patterns() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("ip=*", "ip=v6", true),
            ("ip=v?", "ip=v6", true),
            ("rst-exact,*", "rst-exact,established", true),
            ("rst,*", "rst-exact,established", false),
            ("*b", "aab", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
        ] {
            assert_eq!(glob(pattern, text), fits, "{pattern} on {text}");
        }
    }

    #[test]
    fn tests_that_are_meant() {
        for (pattern, id, fits) in [
            ("a/b", "a/b", true),
            ("a/b", "a/bc", false),
            ("a/b", "a/b[ip=v4]", true),
            ("a/b[ip=*]", "a/b[ip=v4]", true),
            ("a/b[ip=*]", "a/b", false),
            ("a/b[ip=v6]", "a/b[ip=v4]", false),
            ("a/*[ip=v?]", "a/b[ip=v4]", true),
            ("a*", "a/b[ip=v4]", true),
            ("*", "a/b", true),
        ] {
            assert_eq!(TestPattern::new(pattern).unwrap().matches(id), fits, "{pattern} on {id}");
        }
    }

    #[test]
    fn texts_that_are_no_patterns() {
        for text in ["", "[ip=v4]", "a/b[ip", "a/b]", "a/b[x]y", "a/b[x][y]", "a b", "a/b.yaml", "a/b.yml[x]"]
        {
            assert!(TestPattern::new(text).is_err(), "{text:?}");
        }
    }
}
