//! As much of a shell's language as the commands of scripts need.

use std::collections::BTreeMap;

/// Variables that are put together again and again double each time.
const LONGEST_WORD: usize = 64 << 10;

/// A command with its arguments, quotes taken off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Simple {
    pub(super) words: Vec<String>,
    /// What the standard output goes to, if that is a file.
    pub(super) output: Option<String>,
    /// Whether its output or errors go elsewhere.
    redirected: bool,
    /// `NAME=value` in front.
    pub(super) assigned: Vec<(String, String)>,
}

/// Commands with pipes between.
pub(super) type Pipeline = Vec<Simple>;

/// What follows a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The next one, whatever its status.
    Next,
    /// The next one if it succeeded.
    And,
    /// The next one if it failed.
    Or,
}

/// Pipelines in order, each with its text.
pub(super) type List = Vec<(Pipeline, Then, String)>;

/// Splits a text into commands. The error is what of it is not understood.
pub(super) fn split(text: &str, variables: &mut BTreeMap<String, String>) -> Result<List, String> {
    let mut splitter = Splitter {
        text,
        at: 0,
        start: 0,
        variables,
        list: Vec::new(),
        pipeline: Vec::new(),
        simple: Simple::default(),
    };
    while splitter.at < text.len() {
        splitter.step()?;
    }
    splitter.end(Then::Next);
    Ok(splitter.list)
}

struct Splitter<'t, 'v> {
    text: &'t str,
    at: usize,
    /// Where the pipeline began.
    start: usize,
    variables: &'v mut BTreeMap<String, String>,
    list: List,
    pipeline: Pipeline,
    simple: Simple,
}

impl<'t> Splitter<'t, '_> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        self.at += if found { sign.len() } else { 0 };
        found
    }

    fn step(&mut self) -> Result<(), String> {
        if self.take("\\\n") || self.take(" ") || self.take("\t") {
        } else if self.rest().starts_with('#') {
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        } else if self.take("&&") {
            self.end(Then::And);
        } else if self.take("||") {
            self.end(Then::Or);
        } else if self.take("\n") {
            // After && and || a command may begin on the next line.
            let goes_on = self.simple == Simple::default()
                && self.pipeline.is_empty()
                && self.list.last().is_some_and(|(_, then, _)| *then != Then::Next);
            if !goes_on {
                self.end(Then::Next);
            }
        } else if self.take(";") {
            self.end(Then::Next);
        } else if self.rest().starts_with("|") {
            self.at += 1;
            self.pipeline.push(std::mem::take(&mut self.simple));
        } else if self.redirected()? {
        } else if self.rest().starts_with(['(', ')', '&', '<', '`']) {
            return Err(self.whole());
        } else {
            self.word()?;
        }
        Ok(())
    }

    /// The text of the pipeline so far and to the end of its line.
    fn whole(&self) -> String {
        let end = self.rest().find('\n').map_or(self.text.len(), |end| self.at + end);
        squeezed(&self.text[self.start..end])
    }

    fn end(&mut self, then: Then) {
        let simple = std::mem::take(&mut self.simple);
        if simple != Simple::default() {
            self.pipeline.push(simple);
        }
        let pipeline = std::mem::take(&mut self.pipeline);
        if let [only] = pipeline.as_slice()
            && only.words.is_empty()
        {
            self.variables.extend(only.assigned.iter().cloned());
        }
        if !pipeline.is_empty() {
            let text = self.text[self.start..self.at].trim_end_matches([';', '&', '|', '\n']);
            self.list.push((pipeline, then, squeezed(text)));
        }
        self.start = self.at;
    }

    /// `> FILE`, `2>&1`. What bash means by `&> FILE` is to other shells a command in the background, and behind it
    /// one that only makes the file, and succeeds.
    fn redirected(&mut self) -> Result<bool, String> {
        if self.rest().starts_with("&>") {
            self.end(Then::Next);
            self.at += 1;
        }
        let digits = self.rest().len() - self.rest().trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let from = &self.rest()[..digits];
        let after = &self.rest()[digits..];
        let Some(sign) = [">>", ">"].into_iter().find(|sign| after.starts_with(sign)) else {
            return Ok(false);
        };
        self.simple.redirected = true;
        self.at += digits + sign.len();
        if self.take("&") {
            // To another descriptor.
            let number =
                self.rest().len() - self.rest().trim_start_matches(|c: char| c.is_ascii_digit()).len();
            self.at += number;
            return Ok(true);
        }
        while self.take(" ") || self.take("\t") {}
        let file = self.text_of_word()?;
        if file != "/dev/null" {
            if !["", "1"].contains(&from) {
                return Err(self.whole());
            }
            self.simple.output = Some(file);
        }
        Ok(true)
    }

    fn word(&mut self) -> Result<(), String> {
        let start = self.at;
        let word = self.text_of_word()?;
        if self.at == start {
            return Err(self.whole());
        }
        let written = &self.text[start..self.at];
        if self.simple.words.is_empty() {
            let is_name = |name: &str| {
                !name.is_empty() && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
            };
            if let Some((name, value)) = word.split_once('=')
                && is_name(name)
                && written.starts_with(name)
            {
                self.simple.assigned.push((name.to_owned(), value.to_owned()));
                return Ok(());
            }
            const RESERVED: [&str; 16] = [
                "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac",
                "{", "}", "!", "function",
            ];
            if RESERVED.contains(&written) {
                return Err(self.whole());
            }
        }
        self.simple.words.push(word);
        Ok(())
    }

    /// One word, its quotes taken off and its variables replaced.
    fn text_of_word(&mut self) -> Result<String, String> {
        let mut word = String::new();
        let mut quoted = false;
        while let Some(next) = self.rest().chars().next() {
            match next {
                '"' => {
                    quoted = !quoted;
                    self.at += 1;
                }
                '\'' if !quoted => {
                    let inner = self.rest()[1..].find('\'').ok_or_else(|| self.whole())?;
                    word.push_str(&self.rest()[1..=inner]);
                    self.at += inner + 2;
                }
                '\\' if self.take("\\\n") => {}
                '\\' => {
                    let escaped = self.rest()[1..].chars().next();
                    if quoted && !escaped.is_some_and(|c| ['"', '\\', '$', '`'].contains(&c)) {
                        word.push('\\');
                    }
                    word.extend(escaped);
                    self.at += 1 + escaped.map_or(0, char::len_utf8);
                }
                '$' => self.substituted(&mut word)?,
                '`' => return Err(self.whole()),
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' if !quoted => break,
                '*' | '?' | '[' if !quoted => return Err(self.whole()),
                _ => {
                    word.push(next);
                    self.at += next.len_utf8();
                }
            }
        }
        if quoted || word.len() > LONGEST_WORD { Err(self.whole()) } else { Ok(word) }
    }

    /// `$((2*3))`, `$NAME`, `${NAME}`.
    fn substituted(&mut self, word: &mut String) -> Result<(), String> {
        if self.take("$((") {
            let end = self.rest().find("))").ok_or_else(|| self.whole())?;
            let number = calculated(&self.rest()[..end]).ok_or_else(|| self.whole())?;
            self.at += end + 2;
            word.push_str(&number.to_string());
            return Ok(());
        }
        self.at += 1;
        let braced = self.take("{");
        let length =
            self.rest().find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(self.rest().len());
        let name = &self.rest()[..length];
        self.at += length;
        if braced && !self.take("}") {
            return Err(self.whole());
        }
        match (name, self.variables.get(name)) {
            (_, Some(value)) => word.push_str(value),
            // The number of a process: scripts make names of files with it.
            ("PPID" | "PACKETDRILL_PID", None) => word.push_str("PID"),
            _ => return Err(self.whole()),
        }
        Ok(())
    }
}

/// Sums and products of integers.
fn calculated(text: &str) -> Option<i64> {
    if text.len() > 200 {
        return None;
    }
    let text: String = text.split_whitespace().collect();
    let sum = text.rfind(['+', '-']).filter(|at| *at > 0);
    if let Some(at) = sum {
        let (left, right) = (calculated(&text[..at])?, calculated(&text[at + 1..])?);
        return if text[at..].starts_with('+') { left.checked_add(right) } else { left.checked_sub(right) };
    }
    if let Some((left, right)) = text.rsplit_once(['*', '/']) {
        let is_product = text.as_bytes().get(left.len()) == Some(&b'*');
        let (left, right) = (calculated(left)?, calculated(right)?);
        return if is_product { left.checked_mul(right) } else { left.checked_div(right) };
    }
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// On one line, with single blanks.
pub(super) fn squeezed(text: &str) -> String {
    text.replace("\\\n", " ").split_whitespace().collect::<Vec<_>>().join(" ")
}
