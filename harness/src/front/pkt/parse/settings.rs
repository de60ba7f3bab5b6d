//! Options of a script: `--mtu=1000`.

use crate::front::Diagnostic;
use crate::front::pkt::script::{Node, Setting};

use super::cursor::{Cursor, Parsed};
use super::lexer::{Kind, Token};

/// What stands behind the name of an option.
#[derive(Clone, Copy)]
enum Takes {
    /// Nothing.
    Nothing,
    /// A value.
    Value,
    /// An integer in these bounds.
    Number(i64, i64),
    /// A name, `=`, and what it stands for.
    Definition,
}

/// Options and what they take. What they mean, if anything, is for lowering to say.
const OPTIONS: [(&str, Takes); 37] = [
    ("ip_version", Takes::Value),
    ("local_ip", Takes::Value),
    ("remote_ip", Takes::Value),
    ("gateway_ip", Takes::Value),
    ("netmask_ip", Takes::Value),
    ("bind_port", Takes::Number(1, 65535)),
    ("connect_port", Takes::Number(1, 65535)),
    ("mtu", Takes::Number(0, i32::MAX as i64)),
    ("mss", Takes::Number(1, 65535)),
    ("speed", Takes::Number(0, u32::MAX as i64)),
    ("tolerance_usecs", Takes::Number(1, i32::MAX as i64)),
    ("tolerance_percent", Takes::Value),
    ("tcp_ts_tick_usecs", Takes::Number(0, 1_000_000)),
    ("tcp_ts_ecr_scaled", Takes::Nothing),
    ("strict_segments", Takes::Nothing),
    ("non_fatal", Takes::Value),
    ("init_scripts", Takes::Value),
    ("define", Takes::Definition),
    ("D", Takes::Definition),
    ("dry_run", Takes::Nothing),
    ("send_omit_free", Takes::Nothing),
    ("is_anyip", Takes::Nothing),
    ("code_command", Takes::Value),
    ("code_format", Takes::Value),
    ("code_sockopt", Takes::Value),
    ("verbose", Takes::Nothing),
    ("debug", Takes::Nothing),
    ("so_filename", Takes::Value),
    ("so_flags", Takes::Value),
    ("wire_client", Takes::Nothing),
    ("wire_server", Takes::Nothing),
    ("wire_server_ip", Takes::Value),
    ("wire_server_at", Takes::Value),
    ("wire_server_port", Takes::Number(1, 65535)),
    ("wire_client_dev", Takes::Value),
    ("wire_server_dev", Takes::Value),
    ("psp_udp_port", Takes::Number(1, 65535)),
];

impl Cursor<'_> {
    /// The options before everything else.
    pub(super) fn settings(&mut self) -> Vec<Setting> {
        let mut settings = Vec::new();
        while self.sees_setting() {
            match self.setting() {
                Ok(setting) => settings.push(setting),
                Err(wrong) => {
                    self.found.push(*wrong);
                    self.skip_line();
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
        let names = || OPTIONS.map(|(name, _)| name);
        let Some((_, takes)) = OPTIONS.iter().find(|(name, _)| self.is_word(token, name)) else {
            let mut wrong = self.unexpected_word("an option", &names());
            wrong.text = format!("no option is called {}", self.say(token));
            return Err(wrong);
        };
        self.next();
        let name = self.node(token, self.say(token).to_owned());
        if name.value == "psp_udp_port" {
            self.out_of_scope(token, "PSP");
        }
        let value = match takes {
            Takes::Nothing if self.sees(b'=') => {
                return Err(self.error(self.peek(), format!("--{} takes no value", name.value)));
            }
            Takes::Nothing => None,
            _ => {
                if !self.take(b'=') {
                    let text = format!("--{} lacks its value", name.value);
                    let help = format!("write --{}=..., without blanks", name.value);
                    return Err(Box::new(Diagnostic::error(name.at, text).with_help(help)));
                }
                Some(self.setting_value(&name.value, *takes)?)
            }
        };
        Ok(Setting { name, value })
    }

    fn setting_value(&mut self, name: &str, takes: Takes) -> Parsed<Node<String>> {
        let token = self.peek();
        match (takes, token.kind) {
            (Takes::Definition, Kind::Word) => return self.definition(),
            (Takes::Definition, _) => return Err(self.unexpected("a name and what it stands for")),
            (Takes::Number(from, to), Kind::Int) => {
                let number = self.integer("a number")?;
                if !(from..=to).contains(&number.value) {
                    let text = format!("{name} is {from} to {to}, not {}", number.value);
                    self.found.push(Diagnostic::error(number.at, text));
                }
                return Ok(Node { value: number.value.to_string(), at: number.at });
            }
            (Takes::Number(..), _) => return Err(self.unexpected("a whole number")),
            (_, Kind::Text) => {
                self.next();
                return Ok(self.node(token, unquoted(self.say(token)).to_owned()));
            }
            (_, Kind::Int | Kind::Word | Kind::V4 | Kind::V6) => {}
            (_, Kind::Fraction) => {
                let mut wrong = self.unexpected("a value");
                wrong.help = Some(format!("write --{name}=\"{}\"", self.say(token)));
                return Err(wrong);
            }
            _ => return Err(self.unexpected("a value")),
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
        let first = self.next();
        self.expect(b'=', "behind the name")?;
        let value = self.peek();
        if !matches!(value.kind, Kind::Word | Kind::Text | Kind::Command) {
            return Err(self.unexpected("a word, a string or a command"));
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
