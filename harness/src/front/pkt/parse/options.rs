//! TCP options: `<mss 1460,nop,wscale 7>`.

use crate::front::Diagnostic;
use crate::front::pkt::script::{AccEcn, AccEcnCounter, Direction, Node, Number, Options, TcpOption};

use super::cursor::{Cursor, Parsed};
use super::lexer::{Kind, Token};

/// A header has room for so many bytes of options.
const ROOM: usize = 40;
/// The kind of experimental options (RFC 6994).
const EXPERIMENT: u8 = 254;
/// The experiment of TARR (draft-gomez-tcpm-ack-rate-request).
const TARR: u16 = 0x00ac;

/// Names of options.
const NAMES: [&str; 14] = [
    "nop", "eol", "mss", "wscale", "sackOK", "sack", "TS", "md5", "FO", "FOEXP", "ECN", "AccECN0", "AccECN1",
    "exp",
];

impl Cursor<'_> {
    /// The options of a segment, in their brackets.
    pub(super) fn options(&mut self, direction: Direction) -> Parsed<Node<Options>> {
        let first = self.next();
        if self.peek().kind == Kind::Ellipsis && self.ahead(1).kind == Kind::Sign(b'>') {
            self.next();
            self.next();
            let at = self.since(first);
            if direction == Direction::Inbound {
                let text = "<...> is for packets that are expected (>); this one is sent";
                self.found.push(Diagnostic::error(at, text).with_help("write its options, or none"));
            }
            return Ok(Node { value: Options::Any, at });
        }
        let mut list = Vec::new();
        loop {
            let token = self.peek();
            let option = self.option()?;
            list.push(Node { value: option, at: self.since(token) });
            if self.take(b'>') {
                break;
            }
            if !self.take(b',') {
                let mut wrong = self.unexpected("\",\" or \">\" behind a TCP option");
                if self.peek().first {
                    wrong.help = Some("the options of the packet above lack their >".to_owned());
                }
                return Err(wrong);
            }
        }
        let at = self.since(first);
        self.check_size(&list, first);
        Ok(Node { value: Options::List(list), at })
    }

    /// Options fill their room, in whole words.
    fn check_size(&mut self, list: &[Node<TcpOption>], first: Token) {
        let at = self.since(first);
        let bytes: usize = list.iter().map(|option| size(&option.value)).sum();
        if bytes > ROOM {
            let text = format!("these options are {bytes} bytes; a header has room for {ROOM}");
            self.found.push(Diagnostic::error(at, text));
        } else if !bytes.is_multiple_of(4) {
            let lacking = 4 - bytes % 4;
            let unit = if bytes == 1 { "byte" } else { "bytes" };
            let text = format!("these options are {bytes} {unit}, which is no multiple of 4");
            let help = format!("the padding is written: add {}", vec!["nop"; lacking].join(","));
            self.found.push(Diagnostic::error(at, text).with_help(help));
        }
    }

    fn option(&mut self) -> Parsed<TcpOption> {
        let token = self.peek();
        if token.kind != Kind::Word {
            return Err(self.unexpected("a TCP option"));
        }
        self.next();
        let name = self.say(token).to_owned();
        Ok(match name.as_str() {
            "nop" => TcpOption::Nop,
            "eol" => TcpOption::Eol,
            "mss" => TcpOption::Mss(self.up_to("mss", 65535)?.value),
            "wscale" => TcpOption::Wscale(self.up_to("wscale", 255)?.value),
            "sackOK" => TcpOption::SackOk,
            "sack" => TcpOption::Sack(self.sack_blocks()?),
            "TS" => self.timestamps()?,
            "md5" if self.take_word("valid") => TcpOption::Md5Valid,
            "md5" => TcpOption::Md5(self.bytes_of("a digest", 16)?),
            "FO" => TcpOption::FastOpen(self.cookie(38)?),
            "FOEXP" => TcpOption::FastOpenExp(self.cookie(36)?),
            "ECN" => self.counters_in_order()?,
            "AccECN0" => self.counters(true, false)?,
            "AccECN1" => self.counters(false, false)?,
            "gen" => self.any_kind()?,
            "exp" => self.experiment()?,
            _ => {
                self.at -= 1;
                return Err(self.unexpected_word("a TCP option", &NAMES));
            }
        })
    }

    fn sack_blocks(&mut self) -> Parsed<Vec<(u32, u32)>> {
        let mut blocks = Vec::new();
        while blocks.is_empty() || self.peek().kind == Kind::Int {
            let left = self.up_to("an edge of a sack block", u64::from(u32::MAX))?;
            self.expect(b':', "between the edges of a sack block")?;
            let right = self.up_to("an edge of a sack block", u64::from(u32::MAX))?;
            blocks.push((left.value, right.value));
        }
        Ok(blocks)
    }

    fn timestamps(&mut self) -> Parsed<TcpOption> {
        self.expect_word("val")?;
        let val = self.timestamp("val")?;
        self.expect_word("ecr")?;
        let ecr = self.timestamp("ecr")?;
        Ok(TcpOption::Timestamps { val, ecr })
    }

    fn timestamp(&mut self, what: &str) -> Parsed<Number> {
        if self.peek().kind == Kind::Ellipsis {
            self.next();
            return Ok(Number::Any);
        }
        let number = self.up_to(what, u64::from(u32::MAX))?;
        Ok(if self.take(b'!') { Number::OnWire(number.value) } else { Number::Is(number.value) })
    }

    /// A cookie, or nothing: a request.
    fn cookie(&mut self, most: usize) -> Parsed<Vec<u8>> {
        match self.peek().kind {
            Kind::Word | Kind::Int => self.bytes_of("a cookie", most),
            _ => Ok(Vec::new()),
        }
    }

    /// Bytes as pairs of hexadecimal digits.
    fn bytes_of(&mut self, what: &str, most: usize) -> Parsed<Vec<u8>> {
        let token = self.peek();
        if !matches!(token.kind, Kind::Word | Kind::Int) {
            return Err(self.unexpected(&format!("{what} in hexadecimal digits")));
        }
        let text = self.say(token);
        let mut wrong = if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            self.error(token, format!("{} is not {what} in hexadecimal digits", self.describe(token)))
        } else if !text.len().is_multiple_of(2) {
            self.error(token, format!("{what} has pairs of digits, not {}", text.len()))
        } else if text.len() / 2 > most {
            self.error(token, format!("{what} has at most {most} bytes, not {}", text.len() / 2))
        } else {
            let digits = text.as_bytes().chunks_exact(2);
            let bytes = digits.map(|pair| hex_digit(pair[0]) << 4 | hex_digit(pair[1])).collect();
            self.next();
            return Ok(bytes);
        };
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) && token.defined.is_none() {
            wrong.help = Some(format!("a name needs a definition: -D {text}=00ff12ab"));
        }
        Err(wrong)
    }

    /// `ECN e0b 1 ceb 1 e1b 1`: the first counter says which option it is, the others follow in its order.
    fn counters_in_order(&mut self) -> Parsed<TcpOption> {
        let ect0_first = self.sees_word("e0b");
        let order = if ect0_first {
            [("e0b", AccEcnCounter::Ect0), ("ceb", AccEcnCounter::Ce), ("e1b", AccEcnCounter::Ect1)]
        } else {
            [("e1b", AccEcnCounter::Ect1), ("ceb", AccEcnCounter::Ce), ("e0b", AccEcnCounter::Ect0)]
        };
        if !ect0_first && !self.sees_word("e1b") {
            return Err(self.unexpected("e0b or e1b, the first counter"));
        }
        let mut counters = Vec::new();
        for (name, counter) in order {
            if !self.take_word(name) {
                break;
            }
            counters.push((counter, self.up_to(name, 0xff_ffff)?.value));
        }
        if ["e0b", "ceb", "e1b"].iter().any(|name| self.sees_word(name)) {
            let mut wrong = self.unexpected("\",\" or \">\"");
            wrong.help = Some("the order of counters is e0b ceb e1b or e1b ceb e0b".to_owned());
            return Err(wrong);
        }
        Ok(TcpOption::AccEcn(AccEcn { ect0_first, experimental: false, counters }))
    }

    /// `AccECN0 ee0b 1 eceb 1`: any of the counters.
    fn counters(&mut self, ect0_first: bool, experimental: bool) -> Parsed<TcpOption> {
        let names =
            [("ee0b", AccEcnCounter::Ect0), ("eceb", AccEcnCounter::Ce), ("ee1b", AccEcnCounter::Ect1)];
        let mut counters = Vec::new();
        while let Some((name, counter)) = names.iter().find(|(name, _)| self.sees_word(name)) {
            let token = self.next();
            if counters.len() == names.len() {
                return Err(self.error(token, "an option has at most three counters"));
            }
            counters.push((*counter, self.up_to(name, 0xff_ffff)?.value));
        }
        Ok(TcpOption::AccEcn(AccEcn { ect0_first, experimental, counters }))
    }

    /// `gen-KIND HEX`.
    fn any_kind(&mut self) -> Parsed<TcpOption> {
        let word = self.behind_dash("gen-5")?;
        let token = self.tokens[self.at - 1];
        let kind = match word.strip_prefix("0x") {
            Some(hex) => u8::from_str_radix(hex, 16),
            None => word.parse(),
        };
        let Ok(kind) = kind else {
            return Err(self.error(token, format!("\"{word}\" is no kind of option: 0 to 255")));
        };
        let data = self.cookie(38)?;
        Ok(TcpOption::Other { kind, data })
    }

    /// `exp-MAGIC HEX`, `exp-FO`, `exp-tarr`, `exp-AccECN0`.
    fn experiment(&mut self) -> Parsed<TcpOption> {
        let word = self.behind_dash("exp-f989")?;
        let token = self.tokens[self.at - 1];
        let magic = match word.as_str() {
            "FO" => return Ok(TcpOption::FastOpenExp(self.cookie(36)?)),
            "AccECN0" => return self.counters(true, true),
            "AccECN1" => return self.counters(false, true),
            "tarr" => TARR,
            _ => match u16::from_str_radix(word.strip_prefix("0x").unwrap_or(&word), 16) {
                Ok(magic) => magic,
                Err(_) => {
                    let text = format!(
                        "\"{word}\" is no experiment: FO, tarr, AccECN0, AccECN1 or four hexadecimal digits"
                    );
                    return Err(self.error(token, text));
                }
            },
        };
        let mut data = magic.to_be_bytes().to_vec();
        data.extend(self.cookie(36)?);
        Ok(TcpOption::Other { kind: EXPERIMENT, data })
    }

    /// The word behind the dash of `gen-`, `exp-`: a dash with digits is one token.
    fn behind_dash(&mut self, example: &str) -> Parsed<String> {
        let token = self.peek();
        if token.kind == Kind::Int && self.say(token).starts_with('-') {
            self.next();
            let rest = self.peek();
            let mut word = self.say(token)[1..].to_owned();
            if rest.kind == Kind::Word && rest.start == token.end {
                self.next();
                word.push_str(self.say(rest));
            }
            return Ok(word);
        }
        if !self.take(b'-') {
            return Err(self.unexpected(&format!("\"-\" as in {example}")));
        }
        let token = self.peek();
        if !matches!(token.kind, Kind::Word | Kind::Hex | Kind::Int) {
            return Err(self.unexpected(&format!("a name or number as in {example}")));
        }
        self.next();
        Ok(self.say(token).to_owned())
    }
}

/// The value of a hexadecimal digit.
fn hex_digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        _ => byte - b'A' + 10,
    }
}

/// How many bytes an option is.
fn size(option: &TcpOption) -> usize {
    match option {
        TcpOption::Nop | TcpOption::Eol => 1,
        TcpOption::Mss(_) => 4,
        TcpOption::Wscale(_) => 3,
        TcpOption::SackOk => 2,
        TcpOption::Sack(blocks) => 2 + 8 * blocks.len(),
        TcpOption::Timestamps { .. } => 10,
        TcpOption::FastOpen(bytes) | TcpOption::Md5(bytes) => 2 + bytes.len(),
        TcpOption::FastOpenExp(bytes) => 4 + bytes.len(),
        TcpOption::Md5Valid => 18,
        TcpOption::AccEcn(counters) => {
            2 + 2 * usize::from(counters.experimental) + 3 * counters.counters.len()
        }
        // End of list and no-operation have no length.
        TcpOption::Other { kind: 0 | 1, data } => 1 + data.len(),
        TcpOption::Other { data, .. } => 2 + data.len(),
    }
}
