//! Which calls there are, and what they take.

use crate::case::{duplicates, nearest};

use super::arguments::{Argument, CallText, Written};
use super::report::{Fault, Parse};
use super::text::Text;

/// A function: its name, how it is written, fewest and most arguments, arguments that may lie.
type Signature = (&'static str, &'static str, usize, usize, &'static [&'static str]);

const SIGNATURES: [Signature; 31] = [
    ("socket", "socket(af, SOCK_STREAM, 0)", 3, 3, &[]),
    ("bind", "bind(s, local)", 2, 2, &["len", "family"]),
    ("listen", "listen(s, 5)", 2, 2, &[]),
    ("accept", "accept(l)", 1, 1, &[]),
    ("accept4", "accept4(l, SOCK_NONBLOCK)", 2, 2, &[]),
    ("connect", "connect(c, remote)", 2, 2, &["len", "family"]),
    ("shutdown", "shutdown(s, SHUT_WR)", 2, 2, &[]),
    ("close", "close(s)", 1, 1, &[]),
    ("dup", "dup(s)", 1, 1, &[]),
    ("read", "read(s, 1000)", 2, 2, &["buf"]),
    ("readv", "readv(s, [500, 500])", 2, 2, &[]),
    ("recv", "recv(s, 1000, 0)", 3, 3, &["buf"]),
    ("recvfrom", "recvfrom(s, 1000, 0)", 3, 3, &["buf"]),
    ("recvmsg", "recvmsg(s, {iov=[1000], control=256}, 0)", 3, 3, &[]),
    ("write", "write(s, 1000)", 2, 2, &["buf"]),
    ("writev", "writev(s, [500, 500])", 2, 2, &[]),
    ("send", "send(s, 1000, 0)", 3, 3, &["buf"]),
    ("sendto", "sendto(s, 1000, 0, remote)", 4, 4, &["family", "buf"]),
    ("sendmsg", "sendmsg(s, {iov=[1000]}, 0)", 3, 3, &[]),
    ("setsockopt", "setsockopt(s, SOL_TCP, TCP_NODELAY, 1)", 4, 4, &["len", "buf"]),
    ("getsockopt", "getsockopt(s, SOL_SOCKET, SO_ERROR)", 3, 3, &["len", "buf", "bytes"]),
    ("getsockname", "getsockname(s)", 1, 1, &[]),
    ("getpeername", "getpeername(s)", 1, 1, &[]),
    ("fcntl", "fcntl(s, F_SETFL, O_NONBLOCK)", 2, 3, &[]),
    ("ioctl", "ioctl(s, SIOCINQ)", 2, 3, &[]),
    ("poll", "poll([{fd=s, events=POLLIN}], 100ms)", 2, 2, &[]),
    ("select", "select({read=[s]}, 0)", 2, 2, &[]),
    ("epoll_create", "epoll_create(1)", 1, 1, &[]),
    ("epoll_ctl", "epoll_ctl(ep, EPOLL_CTL_ADD, s, {events=EPOLLIN, fd=s})", 3, 4, &[]),
    ("epoll_wait", "epoll_wait(ep, 1, 0)", 3, 3, &[]),
    ("sendfile", "sendfile(s, 1000) or sendfile(s, f, 0, 1000)", 2, 4, &[]),
];

const MORE: [Signature; 3] = [
    ("splice", "splice(a, b, 1000, 0)", 4, 4, &[]),
    ("pipe", "r, w = pipe()", 0, 0, &[]),
    ("open", "f = open(zeros=1000)", 0, 0, &["zeros"]),
];

fn signature(name: &str) -> Option<&'static Signature> {
    SIGNATURES.iter().chain(&MORE).find(|(known, ..)| *known == name)
}

/// Whether what a call returns is a descriptor.
pub(super) fn makes_descriptors(function: &str, call: &CallText) -> bool {
    let command = || call.arguments.get(1).and_then(Argument::value_bits);
    ["socket", "accept", "accept4", "dup", "epoll_create", "pipe", "open"].contains(&function)
        || (function == "fcntl" && command().is_some_and(duplicates))
}

/// A function that there is not, or that takes something else.
pub(super) fn check(text: &Text, call: &CallText) -> Parse<&'static str> {
    let name = &text.as_str()[call.function.clone()];
    let Some((known, usage, fewest, most, lies)) = signature(name) else {
        let names = SIGNATURES.iter().chain(&MORE).map(|(name, ..)| *name);
        let near = nearest(name, names).map(|near| format!("did you mean {near}?"));
        return Err(Fault::new(call.function.clone(), format!("unknown call \"{name}\"")).help_opt(near));
    };
    let given = call.arguments.len();
    if given < *fewest || given > *most {
        let takes = if fewest == most { format!("{fewest}") } else { format!("{fewest} or {most}") };
        let plural = if *most == 1 { "" } else { "s" };
        let at = match call.arguments.get(*most) {
            Some(extra) => extra.range.clone(),
            None => call.function.clone(),
        };
        let help = match call.arguments.get(*most).map(|extra| &extra.value) {
            Some(Written::Int(number)) if lies.contains(&"len") => {
                format!("lengths are left out; to lie about one: len={number}")
            }
            _ => format!("as in {usage}"),
        };
        return Err(Fault::new(at, format!("{name} takes {takes} argument{plural}")).help(help));
    }
    for (range, _) in &call.named {
        let lie = &text.as_str()[range.clone()];
        if !lies.contains(&lie) {
            return Err(Fault::new(range.clone(), format!("{name} has no argument \"{lie}\""))
                .help(format!("as in {usage}")));
        }
    }
    Ok(known)
}
