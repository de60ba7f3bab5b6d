//! Events: a time and what happens then.

use crate::front::Diagnostic;
use crate::front::pkt::script::{Direction, Event, EventKind, Node, Time};
use crate::time::Span;

use super::cursor::{Cursor, Parsed};
use super::lexer::{Kind, Token};

/// No script goes on for longer than this: about 31 years.
const LONGEST: f64 = 1e15;

impl Cursor<'_> {
    /// Everything behind the options.
    pub(super) fn events(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        let wrong_before = self.found.len();
        if self.peek().kind == Kind::Command {
            events.push(self.untimed_command());
        }
        let first = self.peek();
        while self.peek().kind != Kind::End {
            let begin = self.at;
            let read = if self.sees(b'#') {
                self.condition()
            } else if self.peek().kind == Kind::Command && self.ahead(1).kind == Kind::End {
                Ok(Some(self.untimed_command()))
            } else {
                self.event().map(Some)
            };
            match read {
                Ok(event) => events.extend(event),
                Err(wrong) => {
                    self.found.push(*wrong);
                    self.at = self.at.max(begin + 1).min(self.tokens.len() - 1);
                    self.skip_event();
                }
            }
        }
        if self.found.len() == wrong_before {
            self.check_first(&events, first);
        }
        events
    }

    /// The first event is at time 0.
    fn check_first(&mut self, events: &[Event], first: Token) {
        let Some(time) = events.iter().find_map(|event| event.time.as_ref()) else {
            let wrong = self.error(first, "a script needs an event");
            self.found.push(wrong.with_help("such as: 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3"));
            return;
        };
        let (Time::Absolute(start) | Time::Relative(start)) = time.value else { return };
        if start != Span::ZERO {
            let wrong = Diagnostic::error(time.at, "the first event is not at time 0");
            self.found.push(wrong.with_help("write 0 or +0"));
        }
    }

    /// Goes to where the next event seems to begin: at a time that is first on its line.
    pub(super) fn skip_event(&mut self) {
        while self.peek().kind != Kind::End {
            let (token, next) = (self.peek(), self.ahead(1));
            let begins = match token.kind {
                Kind::Sign(b'+') => matches!(next.kind, Kind::Int | Kind::Fraction),
                Kind::Sign(b'*') => matches!(next.kind, Kind::Sign(b'<' | b'>')),
                Kind::Int | Kind::Fraction => matches!(
                    next.kind,
                    Kind::Sign(b'<' | b'>' | b'~') | Kind::Word | Kind::Command | Kind::Code | Kind::Ellipsis
                ),
                Kind::Command | Kind::Sign(b'#') => true,
                _ => false,
            };
            if token.first && begins {
                return;
            }
            self.at += 1;
        }
    }

    /// `#ifdef NAME`: what is up to `#endif` counts if the name is defined.
    fn condition(&mut self) -> Parsed<Option<Event>> {
        let sign = self.next();
        let word = self.next();
        if self.is_word(word, "endif") {
            return Ok(None);
        }
        if !self.is_word(word, "ifdef") {
            let wrong = self.error(sign, "\"#\" begins #ifdef NAME or #endif only");
            return Err(Box::new(wrong.with_help("a comment begins with //")));
        }
        let name = self.next();
        let text = &self.text[name.start..name.end];
        if self.definitions.has(text) || text == "Linux" {
            return Ok(None);
        }
        while !(self.sees(b'#') && self.is_word(self.ahead(1), "endif")) {
            if self.next().kind == Kind::End {
                return Err(Box::new(Diagnostic::error(self.since(sign), "this #ifdef has no #endif")));
            }
        }
        Ok(None)
    }

    /// A command without a time: before the first event, or behind the last.
    fn untimed_command(&mut self) -> Event {
        let token = self.next();
        let kind = EventKind::Command(self.inside(token, 1, 1));
        Event { time: None, until: None, kind, at: self.place(token) }
    }

    /// An event with its time.
    fn event(&mut self) -> Parsed<Event> {
        let first = self.peek();
        let time = self.time()?;
        let until = if self.peek().kind == Kind::Ellipsis {
            self.next();
            Some(self.end_of_call(&time)?)
        } else {
            None
        };
        let token = self.peek();
        let kind = match token.kind {
            Kind::Sign(b'<' | b'>') => EventKind::Packet(Box::new(self.packet()?)),
            Kind::Command => {
                self.next();
                EventKind::Command(self.inside(token, 1, 1))
            }
            Kind::Code => {
                self.next();
                EventKind::Code(self.code(token))
            }
            Kind::Word => EventKind::Call(Box::new(self.call()?)),
            _ => {
                return Err(
                    self.unexpected("a packet (< or >), a system call, a command or code behind the time")
                );
            }
        };
        self.fits_time(&time, until.as_ref(), &kind);
        Ok(Event { time: Some(time), until, kind, at: self.since(first) })
    }

    /// A time: `1.5`, `+1.5`, `*`, `1~2`, `+1~+2`.
    fn time(&mut self) -> Parsed<Node<Time>> {
        let first = self.peek();
        if self.take(b'*') {
            return Ok(self.node(first, Time::Any));
        }
        if !self.sees_time() {
            return Err(self.no_time());
        }
        let relative = self.take(b'+');
        let from = self.seconds()?;
        if !self.take(b'~') {
            let value = if relative { Time::Relative(from) } else { Time::Absolute(from) };
            return Ok(Node { value, at: self.since(first) });
        }
        let second = self.peek();
        if self.take(b'+') != relative {
            let text = "both ends of a range of times have a +, or none has";
            return Err(self.error(second, text));
        }
        let to = self.seconds()?;
        let at = self.since(first);
        if to < from {
            self.found.push(Diagnostic::error(at, "this range of times ends before it begins"));
        }
        let value = if relative { Time::RelativeRange(from, to) } else { Time::AbsoluteRange(from, to) };
        Ok(Node { value, at })
    }

    /// When a blocking call returns: counted from where its beginning is.
    fn end_of_call(&mut self, time: &Node<Time>) -> Parsed<Node<Time>> {
        let token = self.peek();
        if self.take(b'+') {
            let wrong = self.error(token, "the end of a blocking call is written without +");
            let help = "it counts from where the call's beginning counts from: +.1...0.4 lasts 0.3 s";
            return Err(Box::new(wrong.with_help(help)));
        }
        let end = self.seconds()?;
        let (value, start) = match time.value {
            Time::Relative(start) => (Time::Relative(end), start),
            Time::Absolute(start) => (Time::Absolute(end), start),
            Time::Any | Time::AbsoluteRange(..) | Time::RelativeRange(..) => {
                let text = "a blocking call begins at one time, not at any of several";
                return Err(Box::new(Diagnostic::error(time.at, text)));
            }
        };
        if end < start {
            let wrong = self.error(token, "this call returns before it begins");
            let help = "both times count from the same moment: +.1...0.4 lasts 0.3 s";
            self.found.push(wrong.with_help(help));
        }
        Ok(self.node(token, value))
    }

    /// Seconds, cut to whole microseconds.
    fn seconds(&mut self) -> Parsed<Span> {
        let token = self.peek();
        if !matches!(token.kind, Kind::Int | Kind::Fraction) {
            return Err(self.unexpected("a time in seconds"));
        }
        self.next();
        let micros = self.say(token).parse().unwrap_or(f64::INFINITY) * 1e6;
        if self.say(token).starts_with('-') {
            return Err(self.error(token, "a time is not negative"));
        }
        if micros > LONGEST {
            return Err(self.error(token, "times go up to 1000000000 s"));
        }
        let micros = micros as i64;
        Ok(Span::micros(micros))
    }

    /// Whether what comes can only be a time.
    pub(super) fn sees_time(&self) -> bool {
        let token = self.peek();
        matches!(token.kind, Kind::Int | Kind::Fraction | Kind::Sign(b'+' | b'*'))
    }

    /// An event begins without a time.
    fn no_time(&self) -> Box<Diagnostic> {
        let token = self.peek();
        let what = match token.kind {
            Kind::Sign(b'<' | b'>') => "packet",
            Kind::Word if self.ahead(1).kind == Kind::Sign(b'(') => "call",
            Kind::Command => "command",
            Kind::Code => "code",
            _ if self.sees_setting() => {
                return self.error(token, "options stand before everything else");
            }
            _ => return self.unexpected("a time: 1.5, +1.5 or *"),
        };
        let wrong = self.error(token, format!("this {what} has no time"));
        Box::new(wrong.with_help("write +0 in front of it: at once after the event before"))
    }

    /// Ranges, `*` and blocking belong to certain events.
    fn fits_time(&mut self, time: &Node<Time>, until: Option<&Node<Time>>, kind: &EventKind) {
        let outbound = matches!(kind, EventKind::Packet(packet) if packet.direction == Direction::Outbound);
        if !outbound && !matches!(time.value, Time::Absolute(_) | Time::Relative(_)) {
            let what = if time.value == Time::Any { "\"*\"" } else { "a range of times" };
            let text = format!("{what} is for packets that are expected (>) only");
            self.found.push(Diagnostic::error(time.at, text));
        }
        if let Some(until) = until.filter(|_| !matches!(kind, EventKind::Call(_))) {
            let text = "only a system call lasts from one time to another";
            let wrong = Diagnostic::error(until.at, text);
            self.found.push(if outbound {
                wrong.with_help("a packet that may come between two times is written with ~: +.1~+.2 > ...")
            } else {
                wrong
            });
        }
    }

    /// The text of a token without what encloses it.
    fn inside(&self, token: Token, before: usize, after: usize) -> Node<String> {
        let text = self.say(token);
        let inner = text.get(before..text.len().saturating_sub(after)).unwrap_or_default();
        self.node(token, inner.to_owned())
    }

    /// The text of code, without the blanks at both ends.
    fn code(&self, token: Token) -> Node<String> {
        let mut code = self.inside(token, 2, 2);
        code.value = code.value.trim_matches([' ', '\t']).to_owned();
        code
    }
}
