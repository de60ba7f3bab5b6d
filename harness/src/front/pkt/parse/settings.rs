//! Options of a script: `--mtu=1000`. Which there are is for lowering to say.

use crate::front::pkt::script::{Node, Setting};

use super::cursor::{Cursor, Parsed};
use super::lexer::{Kind, Token};

impl Cursor<'_> {
    /// The options before everything else.
    pub(super) fn settings(&mut self) -> Vec<Setting> {
        let mut settings = Vec::new();
        while self.sees_setting() {
            match self.setting() {
                Ok(setting) => settings.push(setting),
                Err(wrong) => {
                    self.found.push(*wrong);
                    if !self.peek().first {
                        self.skip_line();
                    }
                }
            }
        }
        settings
    }

    /// Whether `--` and a name come.
    pub(super) fn sees_setting(&self) -> bool {
        self.sees(b'-') && self.ahead(1).kind == Kind::Sign(b'-')
    }

    /// Goes to the first token of another line.
    pub(super) fn skip_line(&mut self) {
        while self.peek().kind != Kind::End {
            self.at += 1;
            if self.peek().first {
                return;
            }
        }
    }

    /// An option.
    pub(super) fn setting(&mut self) -> Parsed<Setting> {
        self.next();
        self.next();
        let token = self.peek();
        if token.kind != Kind::Word {
            return Err(self.unexpected("the name of an option"));
        }
        self.next();
        let name = self.node(token, self.say(token).to_owned());
        if name.value == "psp_udp_port" {
            self.out_of_scope(token, "PSP");
        }
        let value = match (self.take(b'='), name.value.as_str()) {
            (false, "define" | "D") => return Err(self.unexpected("\"=\" and NAME=value behind it")),
            (false, _) => {
                // What stands alone behind it is meant as its value.
                if !self.peek().first && self.ahead(1).first {
                    let wrong = self.unexpected("\"=\" behind the name, or the next line");
                    let help = format!("write --{}={}", name.value, self.say(self.peek()));
                    return Err(Box::new(wrong.with_help(help)));
                }
                None
            }
            (true, "define" | "D") => Some(self.definition()?),
            (true, _) => Some(self.setting_value(&name.value)?),
        };
        Ok(Setting { name, value })
    }

    fn setting_value(&mut self, name: &str) -> Parsed<Node<String>> {
        let token = self.peek();
        let text = self.say(token);
        match token.kind {
            Kind::Text => {
                let value = self.node(token, unquoted(text).to_owned());
                self.next();
                return Ok(value);
            }
            Kind::Int | Kind::Word | Kind::V4 | Kind::V6 => {}
            Kind::Fraction => {
                let mut wrong = self.unexpected("a value");
                wrong.help = Some(format!("write --{name}=\"{text}\""));
                return Err(wrong);
            }
            _ => return Err(self.unexpected("a value: a word, a whole number, an address or a string")),
        }
        self.next();
        self.no_more_of_value(name, token)?;
        Ok(self.node(token, self.say(token).to_owned()))
    }

    /// A prefix or a name with dashes is to be quoted.
    fn no_more_of_value(&self, name: &str, first: Token) -> Parsed<()> {
        let next = self.peek();
        if next.start != first.end
            || next.kind == Kind::End
            || matches!(next.kind, Kind::Open(_) | Kind::Stray)
        {
            return Ok(());
        }
        let rest = &self.text[next.start..];
        let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let whole = &self.text[first.start..next.start + length];
        let mut wrong = self.error(next, format!("the value of --{name} is more than a word"));
        wrong.help = Some(format!("write --{name}=\"{whole}\""));
        Err(wrong)
    }

    /// `NAME=value`: known from here on.
    fn definition(&mut self) -> Parsed<Node<String>> {
        let first = self.peek();
        if first.kind != Kind::Word {
            return Err(self.unexpected("a name and what it stands for, as in COOKIE=00ff12ab"));
        }
        self.next();
        self.expect(b'=', "behind the name")?;
        let value = self.peek();
        if !matches!(value.kind, Kind::Word | Kind::Text | Kind::Command) {
            let mut wrong = self.unexpected("a word, a string or a command");
            if value.kind == Kind::Int {
                let (name, number) = (self.say(first), self.say(value));
                wrong.help = Some(format!("numbers are defined on the command line: -D {name}={number}"));
            }
            return Err(wrong);
        }
        self.next();
        let (name, text) = (self.say(first).to_owned(), self.say(value).to_owned());
        let at = self.since(first);
        Ok(Node { value: format!("{name}={text}"), at })
    }
}

/// A string's text without its quotes.
pub(super) fn unquoted(text: &str) -> &str {
    let text = text.strip_prefix('"').unwrap_or(text);
    text.strip_suffix('"').unwrap_or(text)
}
