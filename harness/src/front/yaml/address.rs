//! Addresses: `remote:5001`, `any`, `"192.0.2.9":80`.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use crate::case::{Addresses, DEFAULT_PORT, IpVersion};

use super::cursor::Cursor;
use super::number::{Bits, exact};
use super::report::{Fault, Parse};

/// Where an address is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a call, or given back by one.
    Call,
    /// On the link.
    Link,
}

/// What a word stands for.
pub(super) fn named(word: &str, ip: IpVersion, place: Place) -> Option<IpAddr> {
    let addresses = Addresses(ip);
    let numbered = |rest: &str| match rest.as_bytes() {
        [] => Some(1),
        [digit @ b'2'..=b'9'] => Some(digit - b'0'),
        _ => None,
    };
    let on_link = if let Some(rest) = word.strip_prefix("local") {
        addresses.local(numbered(rest)?)
    } else if let Some(rest) = word.strip_prefix("remote") {
        addresses.remote(numbered(rest)?)
    } else {
        match word {
            "any" => return Some(addresses.any()),
            "loopback" => return Some(addresses.loopback()),
            "nowhere" => addresses.nowhere(),
            _ => return None,
        }
    };
    Some(match place {
        Place::Call => addresses.for_call(on_link),
        Place::Link => on_link,
    })
}

/// An address with or without a port.
pub(super) fn address(
    cursor: &mut Cursor<'_>,
    ip: IpVersion,
    place: Place,
) -> Parse<(SocketAddr, Range<usize>)> {
    cursor.skip_spaces();
    let start = cursor.position();
    let address = host(cursor, ip, place)?;
    let port = if colon(cursor) { exact(cursor, Bits(16))? as u16 } else { DEFAULT_PORT };
    Ok((SocketAddr::new(address, port), start..cursor.position()))
}

/// An address without its port.
pub(super) fn host(cursor: &mut Cursor<'_>, ip: IpVersion, place: Place) -> Parse<IpAddr> {
    cursor.skip_spaces();
    if cursor.peek() == Some('"') {
        return literal(cursor);
    }
    let Some((word, range)) = cursor.word() else {
        return Err(cursor.unexpected("an address"));
    };
    named(word, ip, place).ok_or_else(|| not_an_address(word, range))
}

/// Whether a port follows an address.
pub(super) fn colon(cursor: &mut Cursor<'_>) -> bool {
    let follows = cursor.rest().starts_with(':');
    if follows {
        cursor.advance(1);
    }
    follows
}

/// A port, or a range of them.
pub(super) fn ports(cursor: &mut Cursor<'_>) -> Parse<(u16, u16)> {
    cursor.skip_spaces();
    let start = cursor.position();
    let from = exact(cursor, Bits(16))? as u16;
    if !cursor.rest().starts_with("..") {
        return Ok((from, from));
    }
    cursor.advance(2);
    let to = exact(cursor, Bits(16))? as u16;
    if to < from {
        return Err(Fault::new(start..cursor.position(), format!("empty range: {from} is after {to}")));
    }
    Ok((from, to))
}

pub(super) fn not_an_address(word: &str, range: Range<usize>) -> Fault {
    Fault::new(range, format!("\"{word}\" is not an address"))
        .help("local, local2..local9, remote, remote2..remote9, any, loopback, nowhere, or one in quotes")
}

fn literal(cursor: &mut Cursor<'_>) -> Parse<IpAddr> {
    let start = cursor.position();
    let inner = &cursor.rest()[1..];
    let Some(length) = inner.find('"') else {
        return Err(Fault::new(start..cursor.end(), "the quotes are not closed"));
    };
    cursor.advance(length + 2);
    let written = &inner[..length];
    let bare = written.trim_start_matches('[').trim_end_matches(']');
    bare.parse().map_err(|_| {
        let shown = super::cursor::shorten(written);
        Fault::new(start..cursor.position(), format!("\"{shown}\" is not an IP address"))
    })
}
