//! What names mean, in words: errors of calls, states of connections, what a blocked call waits for.

/// What an error says, as calls on TCP sockets use it.
const ERRORS: &[(&str, &str)] = &[
    ("EPERM", "this is not permitted here"),
    ("ENOENT", "there is nothing of that name"),
    ("EINTR", "a signal came before anything else happened"),
    ("EBADF", "this is no open descriptor"),
    ("EAGAIN", "there is nothing to do right now, and the call must not wait (or its time is over)"),
    ("ENOMEM", "no memory is left for it"),
    ("EACCES", "this is not allowed"),
    ("EFAULT", "an address of memory is wrong"),
    ("EEXIST", "it is there already"),
    ("EINVAL", "an argument makes no sense, or not in this state of the socket"),
    ("ENFILE", "the system has too many open files"),
    ("EMFILE", "the process has too many open files"),
    ("ENOTTY", "a descriptor of this kind does not know the request"),
    ("ESPIPE", "this has no position to seek to"),
    ("EPIPE", "the socket cannot send any more: its sending side is shut down, or the connection is gone"),
    ("ERANGE", "the value is out of range"),
    ("EOVERFLOW", "the value does not fit"),
    ("ENODATA", "no data of this kind is there"),
    ("ENOTSOCK", "the descriptor is no socket"),
    ("EDESTADDRREQ", "a destination is needed"),
    ("EMSGSIZE", "this is too long to be sent in one piece"),
    ("EPROTO", "the protocol was violated"),
    ("EPROTOTYPE", "the protocol is not for sockets of this type"),
    ("ENOPROTOOPT", "there is no such option"),
    ("EPROTONOSUPPORT", "there is no such protocol"),
    ("ESOCKTNOSUPPORT", "there is no such type of socket"),
    ("EOPNOTSUPP", "a socket of this kind, or in this state, cannot do that"),
    ("EAFNOSUPPORT", "the address is of another family"),
    ("EADDRINUSE", "the address and port are taken"),
    ("EADDRNOTAVAIL", "the address is none of this host, or no port is left"),
    ("ENETDOWN", "the interface is down"),
    ("ENETUNREACH", "there is no way to that network"),
    ("ENETRESET", "the connection was broken off by the network"),
    ("ECONNABORTED", "the connection was gone before it was accepted"),
    ("ECONNRESET", "the other side reset the connection"),
    ("ENOBUFS", "no buffer space is left"),
    ("EISCONN", "the socket is connected already"),
    ("ENOTCONN", "the socket is not connected"),
    ("ESHUTDOWN", "the socket is shut down"),
    ("ETIMEDOUT", "the other side did not answer in time"),
    ("ECONNREFUSED", "the other side answered with a reset: nobody listens there"),
    ("EHOSTDOWN", "the other host is down"),
    ("EHOSTUNREACH", "there is no way to that host"),
    ("EALREADY", "an earlier connect() is still under way"),
    ("EINPROGRESS", "the connection is being opened, and the call does not wait for it"),
    ("ECANCELED", "it was called off"),
];

/// What a connection does in a state (RFC 9293, section 3.3.2).
const STATES: &[(&str, &str)] = &[
    ("LISTEN", "it waits for a SYN"),
    ("SYN_SENT", "it has sent a SYN and waits for the other side's"),
    ("SYN_RECV", "it has answered a SYN and waits for the acknowledgement"),
    ("ESTABLISHED", "it is open; data can go both ways"),
    ("FIN_WAIT1", "it has sent a FIN that is not acknowledged yet"),
    ("FIN_WAIT2", "its FIN is acknowledged; it waits for the other side's"),
    ("CLOSING", "both sides have sent a FIN; its own is not acknowledged yet"),
    ("TIME_WAIT", "it is over, and its ports are kept for a while"),
    ("CLOSE_WAIT", "it has got a FIN and waits until the program closes"),
    ("LAST_ACK", "it has got a FIN, has sent its own and waits for the acknowledgement"),
    ("CLOSED", "there is no connection any more"),
];

/// What ends the wait of a blocked call.
const WAITS: &[(&[&str], &str)] = &[
    (&["accept", "accept4"], "a connection whose handshake is complete"),
    (&["connect"], "the answer to its SYN"),
    (&["read", "readv", "recv", "recvfrom", "recvmsg"], "data, the other side's FIN, or an error"),
    (&["write", "writev", "send", "sendto", "sendmsg", "sendfile"], "room in the send buffer, or an error"),
    (&["splice"], "data to move and room for it, or an error"),
    (&["poll", "select", "epoll_wait"], "one of the events it names, or its own time-out"),
    (&["close", "shutdown"], "the acknowledgement of what was sent (SO_LINGER)"),
];

/// The errors that a text names, with what they mean, each once.
pub(super) fn errors_in(texts: &[&str]) -> Vec<(&'static str, &'static str)> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    for word in texts.iter().flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric())) {
        if let Some(error) = ERRORS.iter().find(|(name, _)| *name == word)
            && !found.contains(error)
        {
            found.push(*error);
        }
    }
    found
}

/// What a connection in this state does.
pub(super) fn state(name: &str) -> Option<&'static str> {
    STATES.iter().find(|(known, _)| *known == name).map(|(_, meaning)| *meaning)
}

/// What a call waits for, by its text: `x = accept(l)`.
pub(super) fn waits_for(call: &str) -> Option<&'static str> {
    let before = call.split('(').next()?;
    let name = before.rsplit([' ', '=']).next()?;
    WAITS.iter().find(|(names, _)| names.contains(&name)).map(|(_, what)| *what)
}

#[cfg(test)]
mod tests {
    use super::{ERRORS, errors_in, state, waits_for};
    use crate::case::ERRNOS;

    #[test]
    fn every_error_is_one_of_the_language_and_there_once() {
        for (index, (name, _)) in ERRORS.iter().enumerate() {
            assert!(ERRNOS.iter().any(|(known, _)| known == name), "{name}");
            assert!(ERRORS.iter().skip(index + 1).all(|(other, _)| other != name), "{name} twice");
        }
    }

    #[test]
    fn names_are_found_in_texts() {
        let names: Vec<&str> =
            errors_in(&["-1 EAGAIN or EINTR", "-1 EAGAIN"]).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["EAGAIN", "EINTR"]);
        assert!(errors_in(&["1000", "any"]).is_empty());
        assert!(state("SYN_SENT").is_some());
        assert_eq!(waits_for("s = accept(l)"), waits_for("accept4(l, 0)"));
        assert!(waits_for("read(s, 10)").is_some());
        assert!(waits_for("getsockname(s)").is_none());
    }
}
