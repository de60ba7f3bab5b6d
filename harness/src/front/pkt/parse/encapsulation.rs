//! Headers around a packet: GRE and MPLS. As values of socket options they are written alike.

use crate::front::pkt::script::{Gre, MplsEntry};

use super::cursor::{Cursor, Parsed};
use super::lexer::Kind;

/// A stack has no more labels.
const MOST_LABELS: usize = 6;

/// The bits of a GRE header that say what it has.
const GRE_FLAGS: [(&str, u16); 3] = [("checksum", 0x8000), ("key", 0x2000), ("sequence", 0x1000)];

impl Cursor<'_> {
    /// `flags 0x2000, sum 0, off 0, key 5, seq 0`, or nothing.
    pub(super) fn gre_header(&mut self) -> Parsed<Gre> {
        if !self.take_word("flags") {
            return Ok(Gre::default());
        }
        let flags = if self.take(b'[') { self.gre_flags()? } else { self.gre_number("flags", 0xffff)? };
        self.take(b',');
        self.expect_word("sum")?;
        let checksum = self.gre_number("sum", 0xffff)?;
        self.take(b',');
        self.expect_word("off")?;
        let offset = self.gre_number("off", 0xffff)?;
        self.take(b',');
        self.expect_word("key")?;
        self.take(b'=');
        let key = self.gre_number("key", u64::from(u32::MAX))?;
        self.take(b',');
        self.expect_word("seq")?;
        let sequence = self.gre_number("seq", u64::from(u32::MAX))?;
        Ok(Gre { flags, checksum, offset, key, sequence })
    }

    fn gre_number<T: TryFrom<i64> + Default>(&mut self, name: &str, most: u64) -> Parsed<T> {
        let number = self.number(&format!("a number behind {name}"))?;
        Ok(self.fit(number, name, most).value)
    }

    /// `[checksum present, key present]`, `[none]`.
    fn gre_flags(&mut self) -> Parsed<u16> {
        let mut flags = 0;
        loop {
            if !self.take_word("none") {
                let Some((name, bit)) = GRE_FLAGS.iter().find(|(name, _)| self.sees_word(name)) else {
                    let names = ["none", "checksum", "key", "sequence"];
                    return Err(self.unexpected_word("none, checksum, key or sequence#", &names));
                };
                self.next();
                if *name == "sequence" {
                    self.expect(b'#', "behind sequence")?;
                }
                self.expect_word("present")?;
                flags |= bit;
            }
            if self.take(b']') {
                return Ok(flags);
            }
            self.expect(b',', "or \"]\" behind a flag")?;
        }
    }

    /// `(label 5, tc 0, ttl 64) (label 6, tc 0, [S], ttl 64)`.
    pub(super) fn mpls_stack(&mut self) -> Parsed<Vec<MplsEntry>> {
        let mut stack = Vec::new();
        while self.sees(b'(') {
            let first = self.next();
            self.expect_word("label")?;
            let label = self.up_to("label", 0xf_ffff)?.value;
            self.expect(b',', "behind the label")?;
            self.expect_word("tc")?;
            let class = self.up_to("tc", 7)?.value;
            self.expect(b',', "behind tc")?;
            let bottom = self.take(b'[');
            if bottom {
                self.expect_word("S")?;
                self.expect(b']', "behind S")?;
                self.expect(b',', "behind [S]")?;
            }
            self.expect_word("ttl")?;
            let ttl = self.up_to("ttl", 255)?.value;
            self.expect(b')', "behind an MPLS entry")?;
            stack.push(MplsEntry { label, class, bottom, ttl });
            if stack.len() > MOST_LABELS {
                return Err(self.error(first, format!("a stack has at most {MOST_LABELS} labels")));
            }
        }
        if stack.is_empty() && self.peek().kind != Kind::Sign(b':') {
            return Err(self.unexpected("an MPLS entry, as in (label 5, tc 0, [S], ttl 64)"));
        }
        Ok(stack)
    }
}
