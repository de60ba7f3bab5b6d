//! System calls: their arguments, what they must return, and what must come back through pointers.
//!
//! To add a call: a line in [`SIGNATURES`] and one in [`Arguments::syscall`].

mod addresses;
mod arguments;
mod messages;
mod options;
mod readiness;
mod transfer;

use crate::case::{
    DescriptorId, Errno, Location, Num, Outcome, Payload, ResultSpec, Scalar, Syscall, ValueSpec, duplicates,
};
use crate::front::pkt::script::Call;

use super::Context;
use arguments::{Arguments, Fault, Read};

/// A call as it goes into a step. When it is made and whether it blocks is its event's affair; so is what its success
/// means for the sockets of the script.
#[derive(Clone, Debug)]
pub(super) struct Made {
    /// The call.
    pub(super) call: Syscall<Scalar>,
    /// The bytes it sends.
    pub(super) data: Payload,
    /// Descriptors that it makes.
    pub(super) binds: Vec<DescriptorId>,
    /// What it must return.
    pub(super) outcome: Outcome,
}

/// The arguments of a call, and what it must give back if it succeeds.
type Asked = (Syscall<Scalar>, Option<ValueSpec>);

/// Calls: the name, fewest and most arguments, how it is written.
const SIGNATURES: [(&str, usize, usize, &str); 30] = [
    ("socket", 3, 3, "socket(..., SOCK_STREAM, IPPROTO_TCP)"),
    ("bind", 3, 3, "bind(3, ..., ...)"),
    ("listen", 2, 2, "listen(3, 1)"),
    ("accept", 3, 3, "accept(3, ..., ...)"),
    ("connect", 3, 3, "connect(3, ..., ...)"),
    ("read", 3, 3, "read(4, ..., 100)"),
    ("readv", 3, 3, "readv(4, [{..., 60}, {..., 40}], 2)"),
    ("recv", 4, 4, "recv(4, ..., 100, 0)"),
    ("recvfrom", 6, 6, "recvfrom(4, ..., 100, 0, ..., ...)"),
    ("recvmsg", 3, 3, "recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}], msg_flags=0}, 0)"),
    ("write", 3, 3, "write(4, ..., 100)"),
    ("writev", 3, 3, "writev(4, [{..., 60}, {..., 40}], 2)"),
    ("send", 4, 4, "send(4, ..., 100, 0)"),
    ("sendto", 6, 6, "sendto(4, ..., 100, 0, ..., ...)"),
    ("sendmsg", 3, 3, "sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}], msg_flags=0}, 0)"),
    ("fcntl", 2, 3, "fcntl(4, F_SETFL, O_RDWR)"),
    ("ioctl", 2, 3, "ioctl(4, SIOCINQ, [100])"),
    ("close", 1, 1, "close(4)"),
    ("shutdown", 2, 2, "shutdown(4, SHUT_WR)"),
    ("getsockopt", 5, 5, "getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4])"),
    ("setsockopt", 5, 5, "setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4)"),
    ("poll", 3, 3, "poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 100)"),
    ("cap_set", 3, 3, "cap_set(CAP_EFFECTIVE, CAP_NET_ADMIN, CAP_CLEAR)"),
    ("open", 2, 3, "open(\"/tmp/file\", O_RDONLY)"),
    ("sendfile", 4, 4, "sendfile(4, 5, [0], 100)"),
    ("epoll_create", 1, 1, "epoll_create(1)"),
    ("epoll_ctl", 4, 4, "epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, fd=4})"),
    ("epoll_wait", 4, 4, "epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 100)"),
    ("pipe", 1, 1, "pipe([5, 6])"),
    ("splice", 6, 6, "splice(5, NULL, 4, NULL, 100, 0)"),
];

/// Lowers a call. Nothing where that cannot be: then it is said in the context, as something that lacks or as a mistake.
pub(super) fn call(context: &mut Context<'_>, call: &Call) -> Option<Made> {
    match lower(context, call) {
        Ok(made) => Some(made),
        Err(Fault::Said) => None,
        Err(Fault::Lacks(at, what)) => {
            context.lacks(at, what);
            None
        }
        Err(Fault::Wrong(at, text, help)) => {
            match help {
                Some(help) => context.wrong_help(at, text, help),
                None => context.wrong(at, text),
            }
            None
        }
    }
}

fn lower(context: &mut Context<'_>, call: &Call) -> Read<Made> {
    check(call)?;
    let result = result(call)?;
    let mut arguments = Arguments { context, call };
    let (syscall, gives) = arguments.syscall()?;
    let succeeds = call.result.value >= 0;
    let binds = if succeeds { arguments.binds()? } else { Vec::new() };
    context.needs.extend(syscall.needs());
    let origin = None;
    let outcome = Outcome {
        result,
        gives: if succeeds { gives } else { None },
        data: Payload::Any,
        raises: None,
        origin,
    };
    Ok(Made { call: syscall, data: Payload::Zeros, binds, outcome })
}

/// Whether there is such a call, with so many arguments.
fn check(call: &Call) -> Read<()> {
    let name = &call.name;
    let Some((_, fewest, most, usage)) = SIGNATURES.iter().find(|(known, ..)| *known == name.value) else {
        // The parser has said so of those that no script has.
        return Err(Fault::Lacks(name.at, format!("the call {}", name.value)));
    };
    let given = call.arguments.len();
    if (*fewest..=*most).contains(&given) {
        return Ok(());
    }
    let takes = if fewest == most { fewest.to_string() } else { format!("{fewest} or {most}") };
    let text = format!("{} takes {takes} argument{}", name.value, if *most == 1 { "" } else { "s" });
    Err(Fault::wrong(name.at, text).help(format!("as in {usage}")))
}

/// Whether a call makes a descriptor that the script names by its result: any that is not negative will do then.
fn names_its_result(function: &str) -> bool {
    ["socket", "accept", "open", "epoll_create"].contains(&function)
}

/// What the call must return.
fn result(call: &Call) -> Read<ResultSpec> {
    let errno = call.errno.as_ref().map(|name| errno(&name.value, name.at)).transpose()?;
    Ok(match (call.result.value, errno) {
        (-1, errno) => ResultSpec::Fails(errno.into_iter().collect()),
        (0.., None) if names_its_result(&call.name.value) => ResultSpec::Success,
        (value, None) => ResultSpec::Value(Num::exactly(value)),
        (_, Some(_)) => {
            let at = call.errno.as_ref().map_or(call.result.at, |errno| errno.at);
            return Err(Fault::Lacks(at, "an errno beside a result other than -1".to_owned()));
        }
    })
}

fn errno(name: &str, at: Location) -> Read<Errno> {
    Errno::from_name(name).ok_or_else(|| {
        let near = crate::case::nearest(name, crate::case::ERRNOS.iter().map(|(known, _)| *known));
        let help = near.map(|near| format!("did you mean {near}?"));
        Fault::Wrong(at, format!("unknown errno \"{name}\""), help)
    })
}

impl Arguments<'_, '_, '_> {
    fn syscall(&mut self) -> Read<Asked> {
        let only = |call| Ok((call, None));
        match self.call.name.value.as_str() {
            "socket" => only(self.socket()?),
            "bind" => only(Syscall::Bind { fd: self.fd(0)?, addr: self.bind_address()?, lie: None }),
            "listen" => only(Syscall::Listen { fd: self.fd(0)?, backlog: self.int(1)? }),
            "accept" => {
                self.any_address(1)?;
                only(Syscall::Accept { fd: self.fd(0)? })
            }
            "connect" => {
                let (addr, lie) = self.connect_address(1)?;
                only(Syscall::Connect { fd: self.fd(0)?, addr, lie })
            }
            "close" => only(Syscall::Close { fd: self.fd(0)? }),
            "shutdown" => only(Syscall::Shutdown { fd: self.fd(0)?, how: self.int(1)? }),
            "fcntl" => self.fcntl().map(|call| (call, None)),
            "ioctl" => self.ioctl(),
            "getsockopt" => self.getsockopt(),
            "setsockopt" => self.setsockopt().map(|call| (call, None)),
            "poll" => self.poll(),
            "epoll_create" => only(Syscall::EpollCreate { size: self.int(0)? }),
            "epoll_ctl" => self.epoll_ctl().map(|call| (call, None)),
            "epoll_wait" => self.epoll_wait(),
            "recvmsg" => self.recvmsg(),
            "sendmsg" => self.sendmsg().map(|call| (call, None)),
            "cap_set" => {
                let name = &self.call.name;
                Err(Fault::Lacks(name.at, format!("the call {}", name.value)))
            }
            _ => self.transfer().map(|call| (call, None)),
        }
    }

    fn socket(&mut self) -> Read<Syscall<Scalar>> {
        let domain =
            if self.is_ellipsis(0) { Scalar::Known(self.context.world.ip.af()) } else { self.int(0)? };
        Ok(Syscall::Socket { domain, kind: self.int(1)?, protocol: self.int(2)? })
    }

    fn fcntl(&mut self) -> Read<Syscall<Scalar>> {
        let command = self.number(1)?;
        if duplicates(command) {
            return Err(Fault::Lacks(self.at(1), "a descriptor that fcntl makes".to_owned()));
        }
        let argument = if self.call.arguments.len() > 2 { Some(self.int(2)?) } else { None };
        Ok(Syscall::Fcntl { fd: self.fd(0)?, command: Scalar::Known(command), argument })
    }

    fn ioctl(&mut self) -> Read<Asked> {
        let gives = match self.call.arguments.get(2) {
            Some(argument) => Some(ValueSpec::Int(Num::exactly(self.only_int(argument)?))),
            None => None,
        };
        Ok((Syscall::Ioctl { fd: self.fd(0)?, request: self.int(1)?, argument: None }, gives))
    }

    /// Names for the descriptors that the call makes.
    fn binds(&mut self) -> Read<Vec<DescriptorId>> {
        let mut numbers = Vec::new();
        if names_its_result(&self.call.name.value) {
            numbers.push(self.call.result.clone());
        }
        if self.call.name.value == "pipe" {
            numbers.extend(self.pipe_ends()?);
        }
        let accepts = self.call.name.value.starts_with("accept");
        numbers.iter().map(|number| self.context.bind(number, accepts).ok_or(Fault::Said)).collect()
    }
}
