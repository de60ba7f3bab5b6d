//! Names that stand for something else: `-D NAME=value`, `--define=NAME=value`.

use super::lexer::{Kind, Token};

/// Words of the language: no definition replaces them.
const KEYWORDS: &str = " sa_family sin_port sin_addr htons inet_addr inet6_addr msg_name msg_iov msg_flags msg_control \
    cmsg_level cmsg_type cmsg_data ee_errno ee_origin ee_type ee_code ee_info ee_data scm_sec scm_nsec fd events \
    revents ptr u32 u64 onoff linger ipv4 ipv6 icmp udp gre GREv0 raw sum off key seq none checksum present mpls label \
    tc ttl tos flowlabel flags Flags ack win urg mtu id mss wscale sack sackOK nop eol TS val ecr md5 FO FOEXP ECN \
    e0b e1b ceb ect0 ect1 ect01 ce noecn encap psp spi ";

/// The definitions of a run, in order.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    list: Vec<Definition>,
}

#[derive(Debug)]
struct Definition {
    name: String,
    kind: Kind,
    text: String,
}

impl Definitions {
    /// Adds one; a later one of the same name wins.
    pub(super) fn add(&mut self, name: &str, value: &str) {
        if KEYWORDS.split(' ').any(|keyword| keyword == name) {
            return;
        }
        self.list.push(Definition { name: name.to_owned(), kind: kind(value), text: value.to_owned() });
    }

    /// Whether something has this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.list.iter().any(|definition| definition.name == name)
    }

    /// Makes words that are names what they stand for.
    pub(super) fn replace(&self, text: &str, tokens: &mut [Token]) {
        if self.list.is_empty() {
            return;
        }
        for token in tokens.iter_mut().filter(|token| token.kind == Kind::Word) {
            let word = &text[token.start..token.end];
            token.defined = self.list.iter().rposition(|definition| definition.name == word);
            if let Some(definition) = token.defined.and_then(|index| self.list.get(index)) {
                token.kind = definition.kind;
            }
        }
    }

    /// What a definition stands for.
    pub(super) fn text(&self, index: usize) -> &str {
        self.list.get(index).map_or("", |definition| &definition.text)
    }
}

/// What a value is.
fn kind(value: &str) -> Kind {
    let closed = |sign: char| value.len() > 1 && value.starts_with(sign) && value.ends_with(sign);
    match integer(value) {
        _ if closed('"') => Kind::Text,
        _ if closed('`') => Kind::Command,
        Some(_) => Kind::Int,
        None => Kind::Word,
    }
}

/// An integer as C writes it: `0x` and a leading zero count.
pub(super) fn integer(value: &str) -> Option<i64> {
    let (negative, digits) = match value.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, value),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let number = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => i64::from_str_radix(hex, 16).ok().filter(|_| !hex.starts_with(['+', '-'])),
        None if digits.len() > 1 && digits.starts_with('0') => i64::from_str_radix(&digits[1..], 8).ok(),
        None => digits.parse().ok(),
    }?;
    Some(if negative { -number } else { number })
}
