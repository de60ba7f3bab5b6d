//! `sendmsg` and `recvmsg`, with control messages.

#![expect(unsafe_code, reason = "system calls are made with what the case says")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::RawFd;

use super::address::{self, decode, encode};
use super::options::int;
use super::transfer::Buffers;
use super::{Context, Outcome, Stage};
use crate::case::Value;
use crate::target::TargetError;
use crate::target::linux::clock::{Clock, Offset};
use crate::time::{Span, Timestamp};

/// Length of a `cmsghdr`: a size and two ints.
const HEADER: usize = size_of::<usize>() + 8;
const ALIGN: usize = size_of::<usize>();
const MOST_CONTROL: usize = 64 * 1024;

/// `recvmsg`. Gives `flags`, `name` where there is one, and `control`.
pub(super) fn recvmsg(
    stage: &mut Stage<'_>,
    clock: Clock,
    fd: RawFd,
    counts: &[i64],
    control: i64,
    flags: i64,
) -> Outcome {
    let mut buffers = Buffers::new(counts, &[]);
    let mut vectors = buffers.vectors();
    let mut name = [0_u8; address::ROOM];
    let mut control = vec![0_u64; usize::try_from(control).unwrap_or(0).min(MOST_CONTROL).div_ceil(8)];
    let room = size_of_val(control.as_slice());
    // SAFETY: all bytes zero is a valid `msghdr`.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_name = name.as_mut_ptr().cast();
    message.msg_namelen = address::ROOM as u32;
    message.msg_iov = vectors.as_mut_ptr();
    message.msg_iovlen = vectors.len() as _;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = room as _;
    let arguments = [fd as usize, &raw mut message as usize, flags as usize];
    // SAFETY: every pointer in `message` is valid for the length beside it, until the call returns.
    let result = unsafe { stage.call(libc::SYS_recvmsg, &arguments) };
    let mut outcome = Outcome::bytes(result, buffers.joined());
    if result.is_ok() {
        let bytes: Vec<u8> = control.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let written = (message.msg_controllen as usize).min(bytes.len());
        let mut given = BTreeMap::from([
            ("flags".to_owned(), Value::Int(i64::from(message.msg_flags))),
            ("control".to_owned(), Value::List(parse(&bytes[..written], clock))),
        ]);
        let named = name.get(..message.msg_namelen as usize).and_then(decode);
        if let Some(address) = named {
            given.insert("name".to_owned(), Value::Address(address));
        }
        outcome.given = Some(Value::Map(given));
    }
    outcome
}

/// `sendmsg`
pub(super) fn sendmsg(
    stage: &mut Stage<'_>,
    context: &Context,
    fd: RawFd,
    (counts, data): (&[i64], &[u8]),
    name: Option<SocketAddr>,
    control: &[Value],
    flags: i64,
) -> Result<Outcome, TargetError> {
    let mut buffers = Buffers::new(counts, data);
    let mut vectors = buffers.vectors();
    let mut address = name.map(encode);
    let mut control = build(control)?;
    // SAFETY: all bytes zero is a valid `msghdr`.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    if let Some((bytes, length)) = &mut address {
        message.msg_name = bytes.as_mut_ptr().cast();
        message.msg_namelen = *length as u32;
    }
    message.msg_iov = vectors.as_mut_ptr();
    message.msg_iovlen = vectors.len() as _;
    if !control.is_empty() {
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = control.len() as _;
    }
    let arguments = [fd as usize, &raw const message as usize, flags as usize];
    // SAFETY: every pointer in `message` is valid for the length beside it, until the call returns.
    let result = unsafe { stage.call(libc::SYS_sendmsg, &arguments) };
    context.lend(buffers.into_parts(), flags);
    Ok(Outcome::plain(result))
}

/// Control messages as bytes: maps of `level`, `type` and `data`, a number (an int) or bytes.
fn build(control: &[Value]) -> Result<Vec<u8>, TargetError> {
    let wrong = || TargetError::Missing("sendmsg: control is a list of {level, type, data}".to_owned());
    let mut bytes = Vec::new();
    for item in control {
        let Value::Map(fields) = item else {
            return Err(wrong());
        };
        let number = |name: &str| match fields.get(name) {
            Some(Value::Int(number)) => Ok(*number as i32),
            _ => Err(wrong()),
        };
        let data = match fields.get("data") {
            Some(Value::Int(number)) => (*number as i32).to_ne_bytes().to_vec(),
            Some(Value::Bytes(bytes)) => bytes.clone(),
            None => Vec::new(),
            _ => return Err(wrong()),
        };
        bytes.extend((HEADER + data.len()).to_ne_bytes());
        bytes.extend(number("level")?.to_ne_bytes());
        bytes.extend(number("type")?.to_ne_bytes());
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(ALIGN), 0);
    }
    Ok(bytes)
}

/// Control messages as the kernel wrote them.
fn parse(mut bytes: &[u8], clock: Clock) -> Vec<Value> {
    let mut items = Vec::new();
    while let Some(length) = bytes.first_chunk().map(|chunk| usize::from_ne_bytes(*chunk)) {
        let Some(data) = bytes.get(HEADER..length) else {
            break;
        };
        let (level, kind) = (int(bytes, ALIGN), int(bytes, ALIGN + 4));
        items.push(Value::Map(BTreeMap::from([
            ("level".to_owned(), Value::Int(level)),
            ("type".to_owned(), Value::Int(kind)),
            ("data".to_owned(), content(level as i32, kind as i32, data, clock)),
        ])));
        bytes = bytes.get(length.next_multiple_of(ALIGN)..).unwrap_or_default();
    }
    items
}

/// What a control message says.
fn content(level: i32, kind: i32, data: &[u8], clock: Clock) -> Value {
    match (level, kind) {
        (libc::SOL_IP, libc::IP_RECVERR) | (libc::SOL_IPV6, libc::IPV6_RECVERR) => extended_error(data),
        (libc::SOL_SOCKET, libc::SO_TIMESTAMPING) => Value::List(times(data, clock)),
        _ if data.len() == 4 => Value::Int(int(data, 0)),
        _ => Value::Bytes(data.to_vec()),
    }
}

/// A `sock_extended_err`, and behind it the address of who caused it.
fn extended_error(data: &[u8]) -> Value {
    let byte = |at: usize| i64::from(data.get(at).copied().unwrap_or(0));
    let unsigned = |at: usize| int(data, at) & 0xffff_ffff;
    let mut fields: BTreeMap<String, Value> = [
        ("ee_errno", unsigned(0)),
        ("ee_origin", byte(4)),
        ("ee_type", byte(5)),
        ("ee_code", byte(6)),
        ("ee_info", unsigned(8)),
        ("ee_data", unsigned(12)),
    ]
    .into_iter()
    .map(|(name, number)| (name.to_owned(), Value::Int(number)))
    .collect();
    if let Some(offender) = data.get(16..).and_then(decode) {
        fields.insert("offender".to_owned(), Value::Address(offender));
    }
    Value::Map(fields)
}

/// Moments of the real-time clock in seconds and nanoseconds, as the target's time; those that are unset are 0.
fn times(data: &[u8], clock: Clock) -> Vec<Value> {
    let offset = Offset::sample();
    let long = |bytes: &[u8], at: usize| {
        let chunk = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>());
        chunk.map_or(0, |chunk| i64::from_ne_bytes(*chunk))
    };
    let size = 8;
    data.chunks_exact(2 * size)
        .map(|time| match Span::seconds(long(time, 0)) + Span(long(time, size)) {
            Span::ZERO => Value::Time(Span::ZERO),
            Span(stamp) => Value::Time(offset.convert(stamp, clock) - Timestamp::START),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{build, parse};
    use crate::case::Value;
    use crate::target::linux::clock::Clock;

    fn item(level: i64, kind: i64, data: Value) -> Value {
        Value::Map(BTreeMap::from([
            ("level".to_owned(), Value::Int(level)),
            ("type".to_owned(), Value::Int(kind)),
            ("data".to_owned(), data),
        ]))
    }

    #[test]
    fn control_messages_survive_the_way_to_bytes_and_back() {
        let items = [item(6, 36, Value::Int(1_000)), item(1, 99, Value::Bytes(vec![1, 2, 3]))];
        assert_eq!(parse(&build(&items).unwrap(), Clock::start()), items);
    }

    #[test]
    fn an_extended_error_has_names() {
        let error = [0, 0, 0, 0, 5, 0, 1, 0, 2, 0, 0, 0, 3, 0, 0, 0];
        let bytes = build(&[item(0, 11, Value::Bytes(error.to_vec()))]).unwrap();
        let [Value::Map(fields)] = &parse(&bytes, Clock::start())[..] else {
            panic!("one map");
        };
        let Value::Map(data) = &fields["data"] else {
            panic!("a map");
        };
        assert_eq!(data["ee_origin"], Value::Int(5));
        assert_eq!(data["ee_code"], Value::Int(1));
        assert_eq!(data["ee_info"], Value::Int(2));
        assert_eq!(data["ee_data"], Value::Int(3));
    }

    #[test]
    fn lengths_that_lie_end_the_list() {
        assert_eq!(parse(&[255; 16], Clock::start()), []);
        assert_eq!(parse(&[0; 16], Clock::start()), []);
        assert_eq!(parse(&[1], Clock::start()), []);
    }
}
