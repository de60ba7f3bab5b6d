//! Calls in one line.

use crate::case::{EventData, Lie, OptionValue, Scalar, Syscall};
use crate::time::Span;

use super::constants::{bits, known, level, one, option};
use super::times::time;
use super::values::{Names, hex, is};

const MESSAGE_FLAGS: &[&str] = &["MSG_"];

/// A call with its arguments. Nothing where the notation lacks words for it.
pub(super) fn call(syscall: &Syscall<Scalar>, names: Names<'_>) -> Option<String> {
    let fd = |id: &crate::case::DescriptorId| names.descriptor(*id);
    let n = |scalar: &Scalar| known(scalar).map(|number| number.to_string());
    let flags = |scalar: &Scalar| known(scalar).map(|number| bits(number, MESSAGE_FLAGS));
    let named = |scalar: &Scalar, prefix: &str| known(scalar).map(|number| one(number, &[prefix]));
    let arguments = match syscall {
        Syscall::Socket { domain, kind, protocol } => {
            let domain = match known(domain)? {
                domain if domain == names.ip.af() => "af".to_owned(),
                domain => one(domain, &["AF_"]),
            };
            let kind = bits(known(kind)?, &["SOCK_"]);
            vec![domain, kind, named(protocol, "IPPROTO_")?]
        }
        Syscall::Bind { fd: s, addr, lie } | Syscall::Connect { fd: s, addr, lie } => {
            with_lie(vec![fd(s)?, names.address(*addr, true)], lie.as_ref())?
        }
        Syscall::Listen { fd: s, backlog } => vec![fd(s)?, n(backlog)?],
        Syscall::Accept { fd: s }
        | Syscall::Close { fd: s }
        | Syscall::Dup { fd: s }
        | Syscall::Getsockname { fd: s }
        | Syscall::Getpeername { fd: s } => vec![fd(s)?],
        Syscall::Accept4 { fd: s, flags } => vec![fd(s)?, bits(known(flags)?, &["SOCK_"])],
        Syscall::Shutdown { fd: s, how } => vec![fd(s)?, named(how, "SHUT_")?],
        Syscall::Read { fd: s, count, lie } | Syscall::Write { fd: s, count, lie } => {
            with_lie(vec![fd(s)?, n(count)?], lie.as_ref())?
        }
        Syscall::Readv { fd: s, counts } | Syscall::Writev { fd: s, counts } => vec![fd(s)?, list(counts)?],
        Syscall::Recv { fd: s, count, flags: bits, lie }
        | Syscall::Recvfrom { fd: s, count, flags: bits, lie }
        | Syscall::Send { fd: s, count, flags: bits, lie } => {
            with_lie(vec![fd(s)?, n(count)?, flags(bits)?], lie.as_ref())?
        }
        Syscall::Sendto { fd: s, count, flags: bits, addr, lie } => {
            let arguments = vec![fd(s)?, n(count)?, flags(bits)?, names.address(*addr, true)];
            with_lie(arguments, lie.as_ref())?
        }
        Syscall::Recvmsg { fd: s, counts, control, flags: bits } => {
            let control = match known(control)? {
                0 => String::new(),
                room => format!(", control={room}"),
            };
            vec![fd(s)?, format!("{{iov={}{control}}}", list(counts)?), flags(bits)?]
        }
        Syscall::Sendmsg { fd: s, counts, name, control, flags: bits } => {
            let mut message = format!("{{iov={}", list(counts)?);
            if let Some(name) = name {
                message.push_str(&format!(", name={}", names.address(*name, true)));
            }
            if !control.is_empty() {
                let items: Vec<String> =
                    control.iter().map(|item| names.value(item)).collect::<Option<_>>()?;
                message.push_str(&format!(", control=[{}]", items.join(", ")));
            }
            vec![fd(s)?, message + "}", flags(bits)?]
        }
        other => return other_call(other, names),
    };
    Some(format!("{}({})", syscall.name(), arguments.join(", ")))
}

/// Calls about options, and about readiness; those that make something.
fn other_call(syscall: &Syscall<Scalar>, names: Names<'_>) -> Option<String> {
    let fd = |id: &crate::case::DescriptorId| names.descriptor(*id);
    let n = |scalar: &Scalar| known(scalar).map(|number| number.to_string());
    let arguments = match syscall {
        Syscall::Setsockopt { fd: s, level: of, name, value, lie } => {
            let (of, name) = (known(of)?, known(name)?);
            let arguments = vec![fd(s)?, level(of), option(of, name), set_value(of, name, value)?];
            with_lie(arguments, lie.as_ref())?
        }
        Syscall::Getsockopt { fd: s, level: of, name, raw, lie } => {
            let (of, name) = (known(of)?, known(name)?);
            let mut arguments = vec![fd(s)?, level(of), option(of, name)];
            match (raw, lie) {
                (true, Some(Lie::Length(length))) => arguments.push(format!("bytes={}", n(length)?)),
                (true, _) => return None,
                (false, lie) => arguments = with_lie(arguments, lie.as_ref())?,
            }
            arguments
        }
        Syscall::Fcntl { fd: s, command, argument } => {
            let command = known(command)?;
            let mut arguments = vec![fd(s)?, one(command, &["F_"])];
            if let Some(argument) = argument {
                let argument = known(argument)?;
                let is_status = is(command, "F_SETFL");
                arguments.push(if is_status { bits(argument, &["O_"]) } else { argument.to_string() });
            }
            arguments
        }
        Syscall::Ioctl { fd: s, request, argument } => {
            let mut arguments = vec![fd(s)?, one(known(request)?, &["SIOC", "FIO", "TIOC"])];
            arguments.extend(argument.as_ref().and_then(n));
            arguments
        }
        Syscall::Open { zeros } => vec![format!("zeros={zeros}")],
        Syscall::Sendfile { fd: s, from, count } => {
            let mut arguments = vec![fd(s)?];
            if let Some((file, offset)) = from {
                arguments.extend([fd(file)?, n(offset)?]);
            }
            arguments.push(n(count)?);
            arguments
        }
        Syscall::Splice { from, to, count, flags } => {
            vec![fd(from)?, fd(to)?, n(count)?, bits(known(flags)?, &["SPLICE_F_"])]
        }
        Syscall::Pipe => Vec::new(),
        other => readiness(other, names)?,
    };
    Some(format!("{}({})", syscall.name(), arguments.join(", ")))
}

/// The arguments of `poll` and `epoll`.
fn readiness(syscall: &Syscall<Scalar>, names: Names<'_>) -> Option<Vec<String>> {
    let fd = |id: &crate::case::DescriptorId| names.descriptor(*id);
    let n = |scalar: &Scalar| known(scalar).map(|number| number.to_string());
    Some(match syscall {
        Syscall::Poll { fds, timeout } => {
            let entry = |entry: &crate::case::PollFd<Scalar>| {
                let events = bits(known(&entry.events)?, &["POLL"]);
                Some(format!("{{fd={}, events={events}}}", fd(&entry.fd)?))
            };
            let entries: Vec<String> = fds.iter().map(entry).collect::<Option<_>>()?;
            vec![format!("[{}]", entries.join(", ")), wait(*timeout)]
        }
        Syscall::EpollCreate { size } => vec![n(size)?],
        Syscall::EpollCtl { ep, operation, fd: s, events, data } => {
            let operation = known(operation)?;
            let mut arguments = vec![fd(ep)?, one(operation, &["EPOLL_CTL_"]), fd(s)?];
            let events = known(events)?;
            if !(is(operation, "EPOLL_CTL_DEL") && events == 0 && *data == EventData::Descriptor(*s)) {
                let data = match data {
                    EventData::Descriptor(id) => format!("fd={}", fd(id)?),
                    EventData::Number(number) => format!("data={}", number.cast_signed()),
                };
                arguments.push(format!("{{events={}, {data}}}", bits(events, &["EPOLL"])));
            }
            arguments
        }
        Syscall::EpollWait { ep, max, timeout } => vec![fd(ep)?, n(max)?, wait(*timeout)],
        _ => return None,
    })
}

fn list(counts: &[Scalar]) -> Option<String> {
    let counts: Vec<String> =
        counts.iter().map(|count| known(count).map(|count| count.to_string())).collect::<Option<_>>()?;
    Some(format!("[{}]", counts.join(", ")))
}

/// How long to wait; for ever is -1.
fn wait(timeout: Option<Span>) -> String {
    timeout.map_or_else(|| "-1".to_owned(), time)
}

/// The arguments, and the one that is not what it should be.
fn with_lie(mut arguments: Vec<String>, lie: Option<&Lie<Scalar>>) -> Option<Vec<String>> {
    match lie {
        None => {}
        Some(Lie::Length(length)) => arguments.push(format!("len={}", known(length)?)),
        Some(Lie::Family(family)) => arguments.push(format!("family={}", one(known(family)?, &["AF_"]))),
        Some(Lie::NullBuffer) => arguments.push("buf=NULL".to_owned()),
    }
    Some(arguments)
}

/// What an option is set to.
fn set_value(of: i64, name: i64, value: &OptionValue<Scalar>) -> Option<String> {
    Some(match value {
        OptionValue::Int(number) => {
            let number = known(number)?;
            let is_stamping = is(of, "SOL_SOCKET") && is(name, "SO_TIMESTAMPING");
            if is_stamping { bits(number, &["SOF_TIMESTAMPING_"]) } else { number.to_string() }
        }
        OptionValue::Time(span) => time(*span),
        OptionValue::Linger { on, seconds } => {
            format!("{{l_onoff={}, l_linger={}}}", known(on)?, known(seconds)?)
        }
        OptionValue::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) if is_word(text) => format!("\"{text}\""),
            _ => hex(bytes),
        },
    })
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        && text.chars().any(|c| c.is_ascii_alphabetic())
}
