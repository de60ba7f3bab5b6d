//! Goes through the tokens of a script, and says what was found where something else was expected.

use crate::case::{FileId, Location, nearest};
use crate::front::Diagnostic;
use crate::front::pkt::script::Node;

use super::definitions::{Definitions, integer};
use super::lexer::{Kind, Token};

/// A part of a script, or the mistake that kept it from being read.
pub(super) type Parsed<T> = Result<T, Box<Diagnostic>>;

/// How deep lists and structures may lie in each other.
const DEEPEST: usize = 32;

/// A place in the tokens of a script.
pub(super) struct Cursor<'a> {
    pub(super) text: &'a str,
    pub(super) file: FileId,
    pub(super) tokens: Vec<Token>,
    pub(super) at: usize,
    pub(super) definitions: Definitions,
    /// Mistakes that did not keep anything from being read, and those of events before.
    pub(super) found: Vec<Diagnostic>,
    /// The first sign of a protocol that is not run here.
    pub(super) out_of_scope: Option<Node<&'static str>>,
    depth: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str, file: FileId, tokens: Vec<Token>, definitions: Definitions) -> Self {
        Self { text, file, tokens, at: 0, definitions, found: Vec::new(), out_of_scope: None, depth: 0 }
    }

    /// The token that comes next.
    pub(super) fn peek(&self) -> Token {
        self.ahead(0)
    }

    /// The token after so many others.
    pub(super) fn ahead(&self, count: usize) -> Token {
        let last = self.tokens.len() - 1;
        self.tokens[(self.at + count).min(last)]
    }

    /// Takes the next token.
    pub(super) fn next(&mut self) -> Token {
        let token = self.peek();
        if token.kind != Kind::End {
            self.at += 1;
        }
        token
    }

    /// What a token says: its own words, or what they stand for.
    pub(super) fn say(&self, token: Token) -> &str {
        match token.defined {
            Some(index) => self.definitions.text(index),
            None => &self.text[token.start..token.end],
        }
    }

    pub(super) fn is_word(&self, token: Token, word: &str) -> bool {
        token.kind == Kind::Word && self.say(token) == word
    }

    pub(super) fn sees(&self, sign: u8) -> bool {
        self.peek().kind == Kind::Sign(sign)
    }

    pub(super) fn sees_word(&self, word: &str) -> bool {
        self.is_word(self.peek(), word)
    }

    /// Takes this sign, if it is next.
    pub(super) fn take(&mut self, sign: u8) -> bool {
        let sees = self.sees(sign);
        self.at += usize::from(sees);
        sees
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let sees = self.sees_word(word);
        self.at += usize::from(sees);
        sees
    }

    pub(super) fn place(&self, token: Token) -> Location {
        Location { file: self.file, start: token.start, end: token.end }
    }

    /// From this token to the last one taken.
    pub(super) fn since(&self, first: Token) -> Location {
        let end =
            self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(first.end, |last| last.end);
        Location { file: self.file, start: first.start, end: end.max(first.start) }
    }

    /// Right behind the last token taken: where what lacks should stand.
    pub(super) fn behind(&self) -> Location {
        let end = self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0, |last| last.end);
        Location { file: self.file, start: end, end }
    }

    pub(super) fn node<T>(&self, token: Token, value: T) -> Node<T> {
        Node { value, at: self.place(token) }
    }

    /// Takes a sign that must come.
    pub(super) fn expect(&mut self, sign: u8, after: &str) -> Parsed<()> {
        if self.take(sign) {
            return Ok(());
        }
        Err(self.unexpected(&format!("\"{}\" {after}", char::from(sign))))
    }

    pub(super) fn expect_word(&mut self, word: &str) -> Parsed<Token> {
        if self.sees_word(word) {
            return Ok(self.next());
        }
        Err(self.unexpected_word(&format!("\"{word}\""), &[word]))
    }

    /// An integer in decimal.
    pub(super) fn integer(&mut self, what: &str) -> Parsed<Node<i64>> {
        let token = self.peek();
        if token.kind != Kind::Int {
            let mut wrong = self.unexpected(what);
            if token.kind == Kind::Hex {
                wrong.help = Some("this number is written in decimal".to_owned());
            }
            return Err(wrong);
        }
        self.next();
        let text = self.say(token);
        let number = if token.defined.is_some() { integer(text) } else { text.parse().ok() };
        match number {
            Some(number) => Ok(self.node(token, number)),
            None => Err(self.error(token, format!("{text} is no number of 64 bits"))),
        }
    }

    /// An integer in decimal or hexadecimal.
    pub(super) fn number(&mut self, what: &str) -> Parsed<Node<i64>> {
        let token = self.peek();
        if token.kind != Kind::Hex {
            return self.integer(what);
        }
        self.next();
        match u64::from_str_radix(&self.say(token)[2..], 16) {
            Ok(number) => Ok(self.node(token, number.cast_signed())),
            Err(_) => Err(self.error(token, format!("{} is no number of 64 bits", self.say(token)))),
        }
    }

    /// A number that must fit; one that does not is complained of, and reading goes on.
    pub(super) fn fit<T: TryFrom<i64> + Default>(
        &mut self,
        number: Node<i64>,
        what: &str,
        most: u64,
    ) -> Node<T> {
        let fits = u64::try_from(number.value).is_ok_and(|value| value <= most);
        let value = T::try_from(number.value).ok().filter(|_| fits);
        if value.is_none() {
            let text = format!("{what} is 0 to {most}, not {}", number.value);
            self.found.push(Diagnostic::error(number.at, text));
        }
        Node { value: value.unwrap_or_default(), at: number.at }
    }

    /// An integer in decimal, up to `most`.
    pub(super) fn up_to<T: TryFrom<i64> + Default>(&mut self, what: &str, most: u64) -> Parsed<Node<T>> {
        let described = what.starts_with("a ") || what.starts_with("an ");
        let number =
            if described { self.integer(what) } else { self.integer(&format!("a number behind {what}")) };
        Ok(self.fit(number?, what, most))
    }

    /// Reads something that may hold others of its kind.
    pub(super) fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == DEEPEST {
            return Err(self.error(self.peek(), format!("nested deeper than {DEEPEST}")));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// A protocol that is not run here was met.
    pub(super) fn out_of_scope(&mut self, token: Token, protocol: &'static str) {
        let place = self.node(token, protocol);
        self.out_of_scope.get_or_insert(place);
    }

    /// A mistake at a token.
    pub(super) fn error(&self, token: Token, text: impl Into<String>) -> Box<Diagnostic> {
        Box::new(Diagnostic::error(self.place(token), text))
    }

    /// What is next is not what was expected.
    pub(super) fn unexpected(&self, expected: &str) -> Box<Diagnostic> {
        let token = self.peek();
        match token.kind {
            Kind::Open(end) => self.endless(token, end),
            Kind::Stray => {
                let word = self.say(token);
                let mut wrong = self.error(token, format!("{word:?} has no meaning in a script"));
                if word == "\r" {
                    wrong.help =
                        Some("a line ends with a newline, or a carriage return and a newline".to_owned());
                }
                wrong
            }
            _ => self.error(token, format!("expected {expected}, found {}", self.describe(token))),
        }
    }

    /// The same where one of some words was expected.
    pub(super) fn unexpected_word(&self, expected: &str, known: &[&str]) -> Box<Diagnostic> {
        let mut wrong = self.unexpected(expected);
        let token = self.peek();
        if token.kind == Kind::Word && token.defined.is_none() {
            wrong.help =
                nearest(self.say(token), known.iter().copied()).map(|near| format!("did you mean {near}?"));
        }
        wrong
    }

    fn endless(&self, token: Token, end: &str) -> Box<Diagnostic> {
        let (what, length) = match end {
            "\"" => ("string", 1),
            "`" => ("command", 1),
            "}%" => ("code", 2),
            _ => ("comment", 2),
        };
        let at = Location { file: self.file, start: token.start, end: token.start + length };
        let wrong = Diagnostic::error(at, format!("this {what} does not end"));
        Box::new(wrong.with_help(format!("{what} ends with {end}")))
    }

    /// A token for a person.
    pub(super) fn describe(&self, token: Token) -> String {
        const LONGEST: usize = 30;
        let short = |text: &str| match text.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}...", &text[..end]),
            None => text.to_owned(),
        };
        let name = || short(&self.text[token.start..token.end]);
        match token.kind {
            Kind::End => "the end of the script".to_owned(),
            Kind::Command => "a command".to_owned(),
            Kind::Code => "code".to_owned(),
            Kind::Text => format!("the string {}", short(self.say(token))),
            _ if token.defined.is_some() => format!("{} ({})", name(), short(self.say(token))),
            _ => format!("\"{}\"", name()),
        }
    }
}
