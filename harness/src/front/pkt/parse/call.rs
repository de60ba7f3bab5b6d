//! System calls and their arguments.

use crate::case::nearest;
use crate::front::Diagnostic;
use crate::front::pkt::script::{Call, Field, Node, Value};
use crate::wire::Flags;

use super::cursor::{Cursor, Parsed};
use super::lexer::{Kind, Token};
use super::settings::unquoted;

/// An errno or a note, if it is written.
type Words = Option<Node<String>>;

/// Calls that scripts can make.
const CALLS: [&str; 30] = [
    "socket",
    "bind",
    "listen",
    "accept",
    "connect",
    "read",
    "readv",
    "recv",
    "recvfrom",
    "recvmsg",
    "write",
    "writev",
    "send",
    "sendto",
    "sendmsg",
    "fcntl",
    "ioctl",
    "close",
    "shutdown",
    "getsockopt",
    "setsockopt",
    "poll",
    "cap_set",
    "open",
    "sendfile",
    "epoll_create",
    "epoll_ctl",
    "epoll_wait",
    "pipe",
    "splice",
];

impl Cursor<'_> {
    /// A call: `read(3, ..., 10) = -1 EAGAIN (none yet)`.
    pub(super) fn call(&mut self) -> Parsed<Call> {
        let token = self.peek();
        if self.ahead(1).kind != Kind::Sign(b'(') {
            return Err(self.no_call());
        }
        self.next();
        let name = self.node(token, self.say(token).to_owned());
        self.known_call(token, &name);
        let open = self.next();
        let arguments = self.values(b')', open, "an argument")?;
        self.expect(b'=', "and the result behind a call")?;
        let result = self.result()?;
        let (errno, note) = self.outcome(&result)?;
        Ok(Call { name, arguments, result, errno, note })
    }

    /// A word that begins nothing.
    fn no_call(&self) -> Box<Diagnostic> {
        let token = self.peek();
        let name = self.say(token);
        if CALLS.contains(&name) {
            let wrong = self.error(
                self.ahead(1),
                format!("expected \"(\" behind {name}, found {}", self.describe(self.ahead(1))),
            );
            return wrong;
        }
        let expected = "a packet (< or >), a system call, a command or code";
        let mut wrong = self.unexpected_word(expected, &CALLS);
        if wrong.help.is_none() && name.chars().all(|letter| Flags::from_letter(letter).is_some()) {
            wrong.help = Some("a packet begins with < if it is sent, with > if it is expected".to_owned());
        }
        wrong
    }

    fn known_call(&mut self, token: Token, name: &Node<String>) {
        if CALLS.contains(&name.value.as_str()) {
            return;
        }
        for (prefix, protocol) in [("sctp_", "SCTP"), ("psp_", "PSP")] {
            if name.value.starts_with(prefix) {
                return self.out_of_scope(token, protocol);
            }
        }
        let wrong = Diagnostic::error(name.at, format!("no system call is called {}", name.value));
        let help = match name.value.as_str() {
            "accept4" => Some("accept takes no flags here: accept(3, ..., ...) = 4, then fcntl".to_owned()),
            "epoll_create1" => Some("write epoll_create(1) = 5".to_owned()),
            "pipe2" => Some("write pipe([5, 6]) = 0".to_owned()),
            other => nearest(other, CALLS).map(|near| format!("did you mean {near}?")),
        };
        self.found.push(Diagnostic { help, ..wrong });
    }

    fn result(&mut self) -> Parsed<Node<i64>> {
        let token = self.peek();
        let expected = "a number behind =, the result of the call";
        if token.kind == Kind::Word {
            let mut wrong = self.unexpected(expected);
            wrong.help = Some(format!("an errno stands behind the number: = -1 {} (...)", self.say(token)));
            return Err(wrong);
        }
        if token.kind == Kind::Sign(b'?') || token.kind == Kind::Ellipsis {
            let mut wrong = self.unexpected(expected);
            wrong.help = Some("scripts know no result that may be anything".to_owned());
            return Err(wrong);
        }
        self.number(expected)
    }

    /// `EAGAIN (Resource temporarily unavailable)`.
    fn outcome(&mut self, result: &Node<i64>) -> Parsed<(Words, Words)> {
        let token = self.peek();
        // A word on another line is a call without a time, unless it looks like an errno.
        let errno = !token.first
            || self.say(token).bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        let errno = (token.kind == Kind::Word && errno).then(|| {
            self.next();
            self.node(token, self.say(token).to_owned())
        });
        if !self.sees(b'(') {
            let Some(errno) = errno else { return Ok((None, None)) };
            let wrong = Diagnostic::error(errno.at, format!("{} needs a note behind it", errno.value));
            let help = format!("write = {} {} (any words)", result.value, errno.value);
            return Err(Box::new(wrong.with_help(help)));
        }
        let open = self.next();
        let begin = self.peek();
        loop {
            let token = self.peek();
            if token.kind == Kind::Sign(b')') {
                let text = self.text[begin.start..token.start].trim_end().to_owned();
                self.next();
                let note = Node { value: text, at: self.since(open) };
                return Ok((errno, Some(note)));
            }
            if token.kind == Kind::End
                || (token.first && self.sees_time())
                || matches!(token.kind, Kind::Open(_))
            {
                return Err(Box::new(Diagnostic::error(self.place(open), "this note lacks its \")\"")));
            }
            self.next();
        }
    }

    /// Values up to a closing sign.
    fn values(&mut self, close: u8, open: Token, what: &str) -> Parsed<Vec<Node<Value>>> {
        let mut values = Vec::new();
        if self.take(close) {
            return Ok(values);
        }
        loop {
            values.push(self.nested(|cursor| cursor.value(what))?);
            if self.take(close) {
                return Ok(values);
            }
            if !self.take(b',') {
                return Err(self.unclosed(close, open, what));
            }
        }
    }

    /// Neither a comma nor the closing sign comes.
    fn unclosed(&self, close: u8, open: Token, what: &str) -> Box<Diagnostic> {
        let close = char::from(close);
        let mut wrong = self.unexpected(&format!("\",\" or \"{close}\" behind {what}"));
        let next = self.peek();
        if matches!(next.kind, Kind::Sign(b'=' | b')' | b']' | b'}') | Kind::End) || next.first {
            let opening = &self.text[open.start..open.end];
            wrong
                .related
                .push((self.place(open), format!("this \"{opening}\" is not closed by \"{close}\"")));
        }
        wrong
    }

    /// A value: one, or several with `|` between.
    fn value(&mut self, what: &str) -> Parsed<Node<Value>> {
        let first = self.peek();
        let value = self.one_value(what)?;
        if !self.sees(b'|') {
            return Ok(Node { value, at: self.since(first) });
        }
        let at = self.since(first);
        let mut parts = vec![self.bits(Node { value, at })?];
        while self.take(b'|') {
            let token = self.peek();
            let value = self.one_value("a name or number behind |")?;
            let at = self.since(token);
            parts.push(self.bits(Node { value, at })?);
        }
        Ok(Node { value: Value::Or(parts), at: self.since(first) })
    }

    /// What can stand beside `|`.
    fn bits(&self, part: Node<Value>) -> Parsed<Node<Value>> {
        match part.value {
            Value::Int(_) | Value::Word(_) => Ok(part),
            _ => Err(Box::new(Diagnostic::error(part.at, "only names and numbers stand beside |"))),
        }
    }

    fn one_value(&mut self, what: &str) -> Parsed<Value> {
        let token = self.peek();
        Ok(match token.kind {
            Kind::Ellipsis => {
                self.next();
                Value::Ellipsis
            }
            Kind::Int | Kind::Hex => Value::Int(self.number(what)?.value),
            Kind::Text => Value::Text(self.texts()?),
            Kind::Word => {
                self.next();
                let word = self.say(token).to_owned();
                if word == "IPPROTO_SCTP" {
                    self.out_of_scope(token, "SCTP");
                }
                if !self.sees(b'(') {
                    return Ok(Value::Word(word));
                }
                let open = self.next();
                Value::Apply(self.node(token, word), self.values(b')', open, what)?)
            }
            Kind::Sign(b'[') => {
                self.next();
                Value::List(self.values(b']', token, "a member of a list")?)
            }
            Kind::Sign(b'{') => {
                self.next();
                self.structure(token)?
            }
            Kind::Fraction => {
                let mut wrong = self.unexpected(what);
                wrong.help = Some("calls take whole numbers".to_owned());
                return Err(wrong);
            }
            _ => return Err(self.unexpected(what)),
        })
    }

    /// What stands in braces.
    fn structure(&mut self, open: Token) -> Parsed<Value> {
        if self.take(b'}') {
            return Ok(Value::Fields(Vec::new()));
        }
        if self.sees_word("flags") && self.ahead(1).kind != Kind::Sign(b'=') {
            let header = self.gre_header()?;
            self.expect(b'}', "behind a GRE header")?;
            return Ok(Value::Gre(header));
        }
        if self.sees(b'(') {
            let stack = self.mpls_stack()?;
            self.expect(b'}', "behind an MPLS stack")?;
            return Ok(Value::Mpls(stack));
        }
        if !self.sees_field() {
            return Ok(Value::Tuple(self.values(b'}', open, "a member of a structure")?));
        }
        let mut fields = Vec::new();
        loop {
            fields.push(self.field()?);
            if self.take(b'}') {
                return Ok(Value::Fields(fields));
            }
            if !self.take(b',') {
                return Err(self.unclosed(b'}', open, "a field"));
            }
        }
    }

    /// Whether `name=` or `name(length)=` comes.
    fn sees_field(&self) -> bool {
        self.peek().kind == Kind::Word
            && (self.ahead(1).kind == Kind::Sign(b'=')
                || (self.ahead(1).kind == Kind::Sign(b'(')
                    && self.ahead(3).kind == Kind::Sign(b')')
                    && self.ahead(4).kind == Kind::Sign(b'=')))
    }

    fn field(&mut self) -> Parsed<Field> {
        let token = self.peek();
        if token.kind != Kind::Word {
            return Err(self.unexpected("the name of a field"));
        }
        self.next();
        let name = self.node(token, self.say(token).to_owned());
        let length = if self.take(b'(') {
            let length = self.nested(|cursor| cursor.value("a length"))?;
            self.expect(b')', "behind a length")?;
            Some(length)
        } else {
            None
        };
        self.expect(b'=', "behind the name of a field")?;
        let value = self.nested(|cursor| cursor.value("a value"))?;
        Ok(Field { name, length, value })
    }

    /// Adjacent strings, as one.
    fn texts(&mut self) -> Parsed<Vec<u8>> {
        let mut bytes = Vec::new();
        while self.peek().kind == Kind::Text {
            let token = self.next();
            let text = unquoted(self.say(token)).to_owned();
            if let Err((offset, length)) = unescape(&text, &mut bytes) {
                let known = "escapes are \\f \\n \\r \\t \\v \\xHH \\\\ \\\"";
                let escape = text.get(offset..offset + length).unwrap_or("\\");
                let mut wrong =
                    Box::new(self.error(token, format!("{escape} is no escape")).with_help(known));
                if let Some(at) = wrong.location.as_mut().filter(|_| token.defined.is_none()) {
                    at.start += 1 + offset;
                    at.end = at.start + length;
                }
                return Err(wrong);
            }
        }
        Ok(bytes)
    }
}

/// Adds what a string stands for; or says where what is no escape begins, and how long it is.
fn unescape(text: &str, bytes: &mut Vec<u8>) -> Result<(), (usize, usize)> {
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let escape = &rest[at + 1..];
        let begin = text.len() - rest.len() + at;
        let letter = escape.chars().next().ok_or((begin, 1))?;
        let length = letter.len_utf8();
        let (byte, length) = match letter {
            // The two last are a form feed, too: so does the reference.
            'f' | '\\' | '"' => (0x0c, length),
            'n' => (b'\n', length),
            'r' => (b'\r', length),
            't' => (b'\t', length),
            'v' => (0x0b, length),
            'x' => {
                let digits =
                    escape.get(1..3).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
                let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                (byte.ok_or((begin, 2))?, 3)
            }
            _ => return Err((begin, 1 + length)),
        };
        bytes.push(byte);
        rest = &escape[length..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(())
}
