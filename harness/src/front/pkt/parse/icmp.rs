//! ICMP and ICMPv6 messages. Whether a name is known for the IP version at hand is for lowering to say.

use crate::front::Diagnostic;
use crate::front::pkt::script::{Icmp, Node, Quoted};

use super::cursor::{Cursor, Parsed};
use super::lexer::Kind;

impl Cursor<'_> {
    /// A message, behind `icmp`.
    pub(super) fn icmp(&mut self) -> Parsed<Icmp> {
        let token = self.peek();
        if token.kind != Kind::Word {
            return Err(self.unexpected("the type of the ICMP message, as in icmp unreachable"));
        }
        self.next();
        let kind = self.node(token, self.say(token).to_owned());
        let token = self.peek();
        let call = token.first && self.ahead(1).kind == Kind::Sign(b'(');
        let code = token.kind == Kind::Word && !call && !self.sees_word("mtu") && !self.sees_word("id");
        let code = code.then(|| {
            self.next();
            self.node(token, self.say(token).to_owned())
        });
        let mtu = if self.take_word("mtu") { Some(self.up_to("mtu", u64::from(u32::MAX))?) } else { None };
        let id = if self.take_word("id") { Some(self.up_to("id", 65535)?) } else { None };
        let quoted = if self.sees(b'[') { Some(self.quoted()?) } else { None };
        Ok(Icmp { kind, code, mtu, id, quoted })
    }

    fn quoted(&mut self) -> Parsed<Node<Quoted>> {
        let first = self.next();
        let value = if self.take_word("udp") {
            Quoted::Udp(self.length_in_parentheses()?.value)
        } else if self.take_word("raw") {
            let length = self.length_in_parentheses()?;
            if length.value < 8 {
                let wrong = Diagnostic::error(length.at, "raw is the length of the ICMP message, at least 8");
                self.found.push(wrong);
            }
            Quoted::Raw(length.value)
        } else {
            Quoted::Tcp(self.range()?)
        };
        self.expect(b']', "behind what is quoted")?;
        Ok(Node { value, at: self.since(first) })
    }
}
