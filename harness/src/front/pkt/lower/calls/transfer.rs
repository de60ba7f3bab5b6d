//! Calls that move bytes, and those that make what bytes are moved through.

use crate::case::{Scalar, Syscall};
use crate::front::pkt::script::{Node, Value};

use super::arguments::{Arguments, Fault, Read, int};

impl Arguments<'_, '_, '_> {
    pub(super) fn transfer(&mut self) -> Read<Syscall<Scalar>> {
        Ok(match self.call.name.value.as_str() {
            "read" => Syscall::Read { fd: self.fd(0)?, count: self.int(2)?, lie: self.buffer(1)? },
            "write" => Syscall::Write { fd: self.fd(0)?, count: self.int(2)?, lie: self.buffer(1)? },
            "readv" => Syscall::Readv { fd: self.fd(0)?, counts: self.vector()? },
            "writev" => Syscall::Writev { fd: self.fd(0)?, counts: self.vector()? },
            "recv" => {
                let (fd, lie) = (self.fd(0)?, self.buffer(1)?);
                Syscall::Recv { fd, count: self.int(2)?, flags: self.int(3)?, lie }
            }
            "send" => {
                let (fd, lie) = (self.fd(0)?, self.buffer(1)?);
                Syscall::Send { fd, count: self.int(2)?, flags: self.int(3)?, lie }
            }
            "recvfrom" => {
                self.any_address(4)?;
                let (fd, lie) = (self.fd(0)?, self.buffer(1)?);
                Syscall::Recvfrom { fd, count: self.int(2)?, flags: self.int(3)?, lie }
            }
            "sendto" => self.sendto()?,
            "open" => self.open()?,
            "sendfile" => {
                let offset = Scalar::Known(self.only_int(self.get(2)?)?);
                let (fd, from) = (self.fd(0)?, self.fd(1)?);
                Syscall::Sendfile { fd, from: Some((from, offset)), count: self.int(3)? }
            }
            "pipe" => {
                self.pipe_ends()?;
                Syscall::Pipe
            }
            "splice" => {
                self.null(1)?;
                self.null(3)?;
                let (from, to) = (self.fd(0)?, self.fd(2)?);
                Syscall::Splice { from, to, count: self.int(4)?, flags: self.int(5)? }
            }
            other => return Err(Fault::Lacks(self.call.name.at, format!("the call {other}"))),
        })
    }

    fn sendto(&mut self) -> Read<Syscall<Scalar>> {
        let fd = self.fd(0)?;
        let (addr, family) = self.connect_address(4)?;
        let lie = match (self.buffer(1)?, family) {
            (Some(_), Some(_)) => {
                let what = "a buffer of NULL together with the family of an address";
                return Err(Fault::Lacks(self.at(1), what.to_owned()));
            }
            (buffer, family) => buffer.or(family),
        };
        Ok(Syscall::Sendto { fd, count: self.int(2)?, flags: self.int(3)?, addr, lie })
    }

    /// A file that the script's commands have made, and that holds zeros.
    fn open(&mut self) -> Read<Syscall<Scalar>> {
        let argument = self.get(0)?;
        let Value::Text(path) = &argument.value else {
            return Err(Fault::wrong(argument.at, "the name of a file in quotes is needed here"));
        };
        let path = String::from_utf8_lossy(path);
        for index in 1..self.call.arguments.len() {
            self.number(index)?;
        }
        match self.context.zeros.get(path.as_ref()) {
            Some(zeros) => Ok(Syscall::Open { zeros: *zeros }),
            None => Err(Fault::Lacks(argument.at, format!("the file {path}"))),
        }
    }

    /// Both numbers of `pipe([5, 6])`.
    pub(super) fn pipe_ends(&self) -> Read<Vec<Node<i64>>> {
        let argument = self.get(0)?;
        match &argument.value {
            Value::List(ends) if ends.len() == 2 => {
                ends.iter().map(|end| Ok(Node { value: int(end)?, at: end.at })).collect()
            }
            _ => {
                Err(Fault::wrong(argument.at, "two numbers in brackets are needed here").help("as in [5, 6]"))
            }
        }
    }

    /// Buffers and how many they are said to be.
    fn vector(&self) -> Read<Vec<Scalar>> {
        let counts = buffers(self.get(1)?)?;
        let number = self.number(2)?;
        if i64::try_from(counts.len()) != Ok(number) {
            let text = format!("{number} is not how many buffers there are: {}", counts.len());
            return Err(Fault::wrong(self.at(2), text));
        }
        Ok(counts)
    }
}

/// The lengths in `[{..., 10}, {..., 20}]`.
pub(super) fn buffers(argument: &Node<Value>) -> Read<Vec<Scalar>> {
    let wrong = |node: &Node<Value>| {
        Fault::wrong(node.at, "a list of buffers is needed here").help("as in [{..., 10}, {..., 20}]")
    };
    let Value::List(items) = &argument.value else {
        return Err(wrong(argument));
    };
    let length = |item: &Node<Value>| match &item.value {
        Value::Tuple(parts) => match parts.as_slice() {
            [Node { value: Value::Ellipsis, .. }, length] => int(length).map(Scalar::Known),
            _ => Err(wrong(item)),
        },
        _ => Err(wrong(item)),
    };
    items.iter().map(length).collect()
}
