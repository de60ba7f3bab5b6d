//! Cuts a script into tokens.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::case::{FileId, Location};
use crate::front::pkt::script::Node;

/// An address has no more characters.
const LONGEST_ADDRESS: usize = 45;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `12`, `-1`.
    Int,
    /// `0x1f`.
    Hex,
    /// `.5`, `1.25`.
    Fraction,
    /// Letters, digits and underscores that are no number.
    Word,
    /// `"..."`.
    Text,
    /// `` `...` ``.
    Command,
    /// `%{ ... }%`.
    Code,
    /// `192.0.2.1`.
    V4,
    /// `2001:db8::1`.
    V6,
    /// `...`.
    Ellipsis,
    /// Any other character of ASCII.
    Sign(u8),
    /// A character that is in no script.
    Stray,
    /// What begins here does not end: its end sign.
    Open(&'static str),
    /// Nothing comes any more.
    End,
}

/// A token: its place, and what it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Nothing but blanks and comments stands before it on its line.
    pub(super) first: bool,
    /// Which definition it was replaced by.
    pub(super) defined: Option<usize>,
}

/// All tokens of a text, with one of kind `End` behind them, and its comments.
pub(super) fn tokens(text: &str, file: FileId) -> (Vec<Token>, Vec<Node<String>>) {
    let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0, first: true };
    let mut tokens = Vec::with_capacity(text.len() / 3);
    let mut comments = Vec::new();
    loop {
        if let Some((start, end)) = lexer.blank() {
            let at = Location { file, start, end };
            comments.push(Node { value: text[start..end].to_owned(), at });
            continue;
        }
        let (start, first) = (lexer.at, lexer.first);
        lexer.first = false;
        let kind = lexer.token();
        tokens.push(Token { kind, start, end: lexer.at, first, defined: None });
        if kind == Kind::End {
            return (tokens, comments);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    first: bool,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Goes past blanks, and past one comment: where that is.
    fn blank(&mut self) -> Option<(usize, usize)> {
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'\n' => self.first = true,
                // A line may end as it does on Windows.
                b'\r' if self.peek(1) == b'\n' => {}
                b' ' | b'\t' => {}
                _ => break,
            }
            self.at += 1;
        }
        let start = self.at;
        let rest = &self.text[start..];
        if rest.starts_with("//") {
            self.at += rest.find('\n').unwrap_or(rest.len());
            let end = start + self.text[start..self.at].trim_end_matches('\r').len();
            return Some((start, end));
        }
        // One that does not end is a token, to be complained of.
        let length = rest.strip_prefix("/*")?.find("*/")? + 4;
        self.first |= rest[..length].contains('\n');
        self.at += length;
        Some((start, self.at))
    }

    fn token(&mut self) -> Kind {
        let Some(byte) = self.bytes.get(self.at) else { return Kind::End };
        match byte {
            b'"' => self.string(),
            b'`' => self.until(1, "`", Kind::Command),
            b'%' if self.peek(1) == b'{' => self.until(2, "}%", Kind::Code),
            b'/' if self.peek(1) == b'*' => self.until(2, "*/", Kind::Stray),
            b'.' if self.peek(1) == b'.' && self.peek(2) == b'.' => self.take(3, Kind::Ellipsis),
            b'0'..=b'9' | b'.' | b'-' => self.number(),
            b':' if self.peek(1) == b':' => self.address().unwrap_or_else(|| self.take(1, Kind::Sign(b':'))),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.address().unwrap_or_else(|| self.word()),
            0x21..=0x7e => self.take(1, Kind::Sign(*byte)),
            _ => {
                let length = self.text[self.at..].chars().next().map_or(1, char::len_utf8);
                self.take(length, Kind::Stray)
            }
        }
    }

    fn take(&mut self, length: usize, kind: Kind) -> Kind {
        self.at += length;
        kind
    }

    fn until(&mut self, skip: usize, end: &'static str, kind: Kind) -> Kind {
        match self.text[self.at + skip..].find(end) {
            Some(length) => self.take(skip + length + end.len(), kind),
            None => self.take(self.bytes.len() - self.at, Kind::Open(end)),
        }
    }

    fn string(&mut self) -> Kind {
        let mut length = 1;
        loop {
            match self.peek(length) {
                b'"' => return self.take(length + 1, Kind::Text),
                _ if self.at + length >= self.bytes.len() => {
                    return self.take(self.bytes.len() - self.at, Kind::Open("\""));
                }
                b'\\' => length += 2,
                _ => length += 1,
            }
        }
    }

    fn digits(&self, from: usize) -> usize {
        self.run(from, |byte| byte.is_ascii_digit())
    }

    /// How many bytes from there are such.
    fn run(&self, from: usize, such: impl Fn(&u8) -> bool) -> usize {
        self.bytes.get(self.at + from..).unwrap_or(&[]).iter().take_while(|byte| such(byte)).count()
    }

    /// A number, an address or a word that begins with a digit; or a dot or dash that does not.
    fn number(&mut self) -> Kind {
        if let Some(kind) = self.address() {
            return kind;
        }
        let sign = usize::from(self.peek(0) == b'-');
        let whole = self.digits(sign);
        let mut longest = (sign + whole, Kind::Int);
        if self.peek(sign + whole) == b'.' {
            let places = self.digits(sign + whole + 1);
            if places > 0 {
                longest = (sign + whole + 1 + places, Kind::Fraction);
            }
        }
        if sign == 0 && self.peek(0) == b'0' && self.peek(1) == b'x' {
            let digits = self.run(2, u8::is_ascii_hexdigit);
            if digits > 0 {
                longest = (2 + digits, Kind::Hex);
            }
        }
        let word = self.run(0, is_word);
        if word > longest.0 {
            return self.take(word, Kind::Word);
        }
        if longest.0 == sign {
            return self.take(1, Kind::Sign(self.peek(0)));
        }
        self.take(longest.0, longest.1)
    }

    fn word(&mut self) -> Kind {
        let length = self.run(0, is_word);
        self.take(length, Kind::Word)
    }

    /// An address, if one begins here.
    fn address(&mut self) -> Option<Kind> {
        let first = self.run(0, u8::is_ascii_hexdigit);
        match self.peek(first) {
            b'.' => {
                let near = &self.bytes[self.at..self.bytes.len().min(self.at + LONGEST_ADDRESS)];
                let length = near.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
                let text = &self.text[self.at..self.at + length];
                text.parse::<Ipv4Addr>().ok()?;
                Some(self.take(length, Kind::V4))
            }
            b':' => {
                let near = &self.bytes[self.at..self.bytes.len().min(self.at + LONGEST_ADDRESS)];
                let part = |byte: &&u8| byte.is_ascii_hexdigit() || **byte == b':' || **byte == b'.';
                let length = near.iter().take_while(part).count();
                let span = &self.text[self.at..self.at + length];
                if !span.contains("::") && span.bytes().filter(|byte| *byte == b':').count() < 7 {
                    return None;
                }
                let length = (2..=span.len()).rev().find(|end| span[..*end].parse::<Ipv6Addr>().is_ok())?;
                Some(self.take(length, Kind::V6))
            }
            _ => None,
        }
    }
}

fn is_word(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'_'
}
