//! TCP segments: flags, sequence numbers, window.

use crate::front::Diagnostic;
use crate::front::pkt::script::{Direction, Node, Number, Ports, Range, Segment};
use crate::wire::Flags;

use super::cursor::{Cursor, Parsed};
use super::lexer::Kind;

/// Letters of the three bits that a digit counts in.
const COUNTER: [(char, Flags, u16); 3] = [('A', Flags::AE, 4), ('W', Flags::CWR, 2), ('E', Flags::ECE, 1)];

impl Cursor<'_> {
    /// A segment, behind its ports.
    pub(super) fn segment(&mut self, direction: Direction) -> Parsed<Segment> {
        let flags = self.flags()?;
        let range = self.range()?;
        let ack = if self.take_word("ack") { Some(self.sequence_number()?) } else { None };
        let win = if self.take_word("win") { Some(self.up_to("win", 65535)?) } else { None };
        let urg = if self.take_word("urg") { Some(self.up_to("urg", 65535)?) } else { None };
        let end = self.behind();
        let options = if self.sees(b'<') && !self.sees_packet_without_time() {
            Some(self.options(direction)?)
        } else {
            None
        };
        let in_udp = self.in_udp()?;
        let out_of_order = ["ack", "win", "urg"].iter().any(|word| self.sees_word(word));
        if direction == Direction::Inbound && win.is_none() && !out_of_order {
            let wrong = Diagnostic::error(end, "win must be written: this segment is sent");
            self.found.push(wrong.with_help("write win 1000 here, the window as it stands in the header"));
        }
        Ok(Segment { flags, range, ack, win, urg, options, in_udp })
    }

    /// `S`, `P.`, `.`, `-`, `SEW`, `S.5`.
    fn flags(&mut self) -> Parsed<Node<Flags>> {
        let first = self.peek();
        let expected = "the flags of a segment (S, S., ., P., F., R), udp or icmp";
        if self.take(b'-') {
            return Ok(self.node(first, Flags::NONE));
        }
        let mut text = String::new();
        if first.kind == Kind::Word {
            text.push_str(self.say(first));
            self.next();
        }
        let dot = self.peek();
        match dot.kind {
            Kind::Sign(b'.') => {
                self.next();
                text.push('.');
                // A digit may stand apart from the dot, before the sequence numbers.
                if self.peek().kind == Kind::Int && matches!(self.ahead(1).kind, Kind::Int | Kind::Ellipsis) {
                    let digit = self.next();
                    text.push_str(self.say(digit));
                }
            }
            Kind::Fraction if self.say(dot).starts_with('.') => {
                self.next();
                text.push_str(self.say(dot));
            }
            _ if text.is_empty() => return Err(self.unexpected(expected)),
            _ => {}
        }
        let at = self.since(first);
        match read_flags(&text) {
            Ok(flags) => Ok(Node { value: flags, at }),
            Err(wrong) => Err(Box::new(Diagnostic::error(at, wrong.text).with_help(wrong.help))),
        }
    }

    /// `1:1001(1000)`; `...(1000)`; `1:1001(1000)!`.
    pub(super) fn range(&mut self) -> Parsed<Range> {
        let first = self.peek();
        if first.kind == Kind::Ellipsis {
            self.next();
            let length = self.length_in_parentheses()?;
            return Ok(Range { start: self.node(first, Number::Any), length });
        }
        let start = self.integer("a sequence number")?;
        self.expect(b':', "and the end of the range, as in 1:1001(1000)")?;
        let start = self.fit::<u32>(start, "a sequence number", u64::from(u32::MAX));
        let end = self.integer("the end of the range")?;
        let length = end.value.checked_sub(i64::from(start.value)).filter(|length| *length >= 0);
        let whole = length.map(|length| format!("write {}:{}({length})", start.value, end.value));
        if !self.take(b'(') {
            let mut wrong = self.unexpected("\"(\" and the length, as in 1:1001(1000)");
            wrong.help = whole;
            return Err(wrong);
        }
        let mistakes = self.found.len();
        let length = self.up_to::<u16>("a length", 65535)?;
        self.expect(b')', "behind the length")?;
        let right = i64::from(start.value) + i64::from(length.value);
        if end.value != right && self.found.len() == mistakes {
            self.found.push(wrong_end(&start, &end, &length, right));
        }
        let on_wire = self.take(b'!');
        let value = if on_wire { Number::OnWire(start.value) } else { Number::Is(start.value) };
        Ok(Range { start: Node { value, at: start.at }, length })
    }

    /// The number behind `ack`.
    fn sequence_number(&mut self) -> Parsed<Node<Number>> {
        let token = self.peek();
        if token.kind == Kind::Ellipsis {
            self.next();
            return Ok(self.node(token, Number::Any));
        }
        let number = self.up_to::<u32>("a sequence number", u64::from(u32::MAX))?;
        let value = if self.take(b'!') { Number::OnWire(number.value) } else { Number::Is(number.value) };
        Ok(Node { value, at: self.since(token) })
    }

    /// `/udp(5000 > 9899)`.
    fn in_udp(&mut self) -> Parsed<Option<Ports>> {
        if !self.sees(b'/') || !self.is_word(self.ahead(1), "udp") {
            return Ok(None);
        }
        self.next();
        self.next();
        self.expect(b'(', "and the ports")?;
        let Some(ports) = self.ports()? else {
            return Err(self.unexpected("two ports, as in /udp(5000 > 9899)"));
        };
        self.expect(b')', "behind the ports")?;
        Ok(Some(ports))
    }

    /// A `<` that begins a line and a packet, not options: flags and a range come.
    fn sees_packet_without_time(&self) -> bool {
        if !self.peek().first {
            return false;
        }
        let (token, next) = (self.ahead(1), self.ahead(2));
        match token.kind {
            Kind::Sign(b'.') => true,
            Kind::Word => {
                matches!(next.kind, Kind::Sign(b'.') | Kind::Int)
                    && self.say(token).chars().all(|letter| Flags::from_letter(letter).is_some())
            }
            _ => false,
        }
    }
}

fn wrong_end(start: &Node<u32>, end: &Node<i64>, length: &Node<u16>, right: i64) -> Diagnostic {
    let (first, length) = (start.value, length.value);
    if right > i64::from(u32::MAX) {
        let text = format!("{first} and {length} more go past 4294967295; a range does not wrap around");
        return Diagnostic::error(end.at, text);
    }
    let wrong = Diagnostic::error(end.at, format!("the end of the range is {right}, not {}", end.value));
    let other = end.value.checked_sub(i64::from(first)).filter(|other| (0..=65535).contains(other));
    let other = other.map(|other| format!(", or {first}:{}({other})", end.value)).unwrap_or_default();
    wrong.with_help(format!("it is the first number and the length: write {first}:{right}({length}){other}"))
}

/// What is wrong with flags.
struct WrongFlags {
    text: String,
    help: String,
}

/// The flags that a text names.
fn read_flags(text: &str) -> Result<Flags, WrongFlags> {
    let mut flags = Flags::NONE;
    let mut count: Option<u16> = None;
    for letter in text.chars() {
        if let Some(digit) = letter.to_digit(8) {
            if count.is_some() {
                return Err(counters("flags have one digit at most"));
            }
            count = u16::try_from(digit).ok();
            continue;
        }
        match Flags::from_letter(letter) {
            Some(flag) => flags |= flag,
            None => {
                let known = "F S R P U . (ACK), E W A or a digit 0 to 7 for ECN";
                return Err(WrongFlags {
                    text: format!("\"{letter}\" in \"{text}\" is no flag"),
                    help: format!("flags are {known}"),
                });
            }
        }
    }
    let Some(count) = count else { return Ok(flags) };
    for (letter, flag, bit) in COUNTER {
        if flags.contains(flag) {
            return Err(counters(&format!("a digit stands for {letter}, too: write one of them")));
        }
        if count & bit != 0 {
            flags |= flag;
        }
    }
    Ok(flags)
}

fn counters(text: &str) -> WrongFlags {
    let help = "the digit is the ACE counter: A counts 4, W counts 2, E counts 1";
    WrongFlags { text: text.to_owned(), help: help.to_owned() }
}
