//! Words of the code in a script, line by line.

use std::ops::Range;

/// Longer lines are no code that a script needs.
const MOST_TOKENS: usize = 4_000;

/// What is not understood, and where in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: Range<usize>,
    pub(super) what: String,
}

impl Fault {
    pub(super) fn new(at: Range<usize>, what: impl Into<String>) -> Self {
        Self { at, what: what.into() }
    }
}

/// One word or sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Name(String),
    /// A number as a fraction: 2.5 is 25 / 10.
    Number(i64, i64),
    Text(String),
    Sign(&'static str),
}

/// A token with its place.
pub(super) type Placed = (Token, Range<usize>);

/// A line as the language counts them: continued lines and what stands in brackets are one.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// Columns before the first word.
    pub(super) indent: usize,
    pub(super) tokens: Vec<Placed>,
}

/// Longest first.
const SIGNS: [&str; 37] = [
    "**=", "//=", "<<=", ">>=", "**", "//", "<<", ">>", "==", "!=", "<=", ">=", "+=", "-=", "*=", "/=", "%=",
    "&=", "|=", "^=", "(", ")", "[", "]", ",", ":", ";", "=", "<", ">", "+", "-", "*", "/", "%", "&", "|",
];
const OTHER_SIGNS: [&str; 5] = ["^", "~", ".", "{", "}"];

/// The lines of a text, those without a word left out.
pub(super) fn lines(text: &str) -> Result<Vec<Line>, Fault> {
    let mut reader = Reader { text, at: 0, depth: 0, line: Line::default(), lines: Vec::new() };
    reader.indent();
    while reader.at < text.len() {
        reader.step()?;
    }
    reader.end_line();
    Ok(reader.lines)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    line: Line,
    lines: Vec<Line>,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn indent(&mut self) {
        let spaces = self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
        self.line.indent = spaces;
        self.at += spaces;
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if !line.tokens.is_empty() {
            self.lines.push(line);
        }
    }

    fn step(&mut self) -> Result<(), Fault> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(()) };
        match first {
            '\n' => {
                self.at += 1;
                if self.depth == 0 {
                    self.end_line();
                    self.indent();
                }
            }
            ' ' | '\t' | '\r' | '\x0c' => self.at += 1,
            '#' => self.at += rest.find('\n').unwrap_or(rest.len()),
            '\\' => {
                // The line goes on after it; white space behind it is forgiven.
                let after = rest[1..].trim_start_matches([' ', '\t', '\r']);
                if !after.is_empty() && !after.starts_with('\n') {
                    return Err(Fault::new(self.at..self.at + 1, "a backslash inside a line"));
                }
                self.at = self.text.len() - after.strip_prefix('\n').unwrap_or(after).len();
            }
            '\'' | '"' => self.string(first)?,
            '0'..='9' => self.number()?,
            '.' if rest[1..].starts_with(|next: char| next.is_ascii_digit()) => self.number()?,
            _ if first == '_' || first.is_alphabetic() => self.word(),
            _ => self.sign()?,
        }
        if self.line.tokens.len() > MOST_TOKENS {
            return Err(Fault::new(self.at..self.at, "code of so many words in one line"));
        }
        Ok(())
    }

    fn push(&mut self, token: Token, start: usize) {
        self.line.tokens.push((token, start..self.at));
    }

    fn word(&mut self) {
        let rest = self.rest();
        let length = rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len());
        let start = self.at;
        self.at += length;
        self.push(Token::Name(rest[..length].to_owned()), start);
    }

    fn number(&mut self) -> Result<(), Fault> {
        let rest = self.rest();
        let length = rest.find(|c: char| c != '.' && c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len());
        let start = self.at;
        let fault = || Fault::new(start..start + length, format!("the number {}", &rest[..length]));
        let word = rest[..length].replace('_', "");
        let lower = word.to_ascii_lowercase();
        let radix =
            [("0x", 16), ("0o", 8), ("0b", 2)].into_iter().find(|(prefix, _)| lower.starts_with(prefix));
        let (top, over) = if let Some((_, radix)) = radix {
            // Targets give nothing beyond this size either: what is larger there is as large here.
            let number = u64::from_str_radix(&lower[2..], radix).map_err(|_| fault())?;
            (i64::try_from(number).unwrap_or(i64::MAX), 1)
        } else if let Some((whole, part)) = word.split_once('.') {
            let digits = part.trim_end_matches('0');
            let over =
                10_i64.checked_pow(u32::try_from(digits.len()).map_err(|_| fault())?).ok_or_else(fault)?;
            (format!("0{whole}{digits}").parse().map_err(|_| fault())?, over)
        } else {
            let number: u64 = word.parse().map_err(|_| fault())?;
            (i64::try_from(number).unwrap_or(i64::MAX), 1)
        };
        self.at += length;
        self.push(Token::Number(top, over), start);
        Ok(())
    }

    fn string(&mut self, quote: char) -> Result<(), Fault> {
        let start = self.at;
        let mut value = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        let open = || Fault::new(start..start + 1, "a string without an end");
        if self.rest()[1..].starts_with(&format!("{quote}{quote}")) {
            return Err(Fault::new(start..start + 3, "a string in triple quotes"));
        }
        while let Some((offset, character)) = characters.next() {
            match character {
                _ if character == quote => {
                    self.at = start + offset + 1;
                    self.push(Token::Text(value), start);
                    return Ok(());
                }
                '\n' => return Err(open()),
                '\\' => match characters.next().ok_or_else(open)?.1 {
                    'n' => value.push('\n'),
                    't' => value.push('\t'),
                    '\n' => {}
                    other => value.push(other),
                },
                _ => value.push(character),
            }
        }
        Err(open())
    }

    fn sign(&mut self) -> Result<(), Fault> {
        let rest = self.rest();
        let found = SIGNS.iter().chain(&OTHER_SIGNS).find(|sign| rest.starts_with(**sign));
        let Some(sign) = found else {
            let length = rest.chars().next().map_or(0, char::len_utf8);
            return Err(Fault::new(self.at..self.at + length, format!("the sign {}", &rest[..length])));
        };
        match *sign {
            "(" | "[" | "{" => self.depth += 1,
            ")" | "]" | "}" => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        let start = self.at;
        self.at += sign.len();
        self.push(Token::Sign(sign), start);
        Ok(())
    }
}
