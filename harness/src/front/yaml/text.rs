//! Texts that remember where each part of them was written.

use std::ops::Range;

use crate::case::Location;

/// The text of a value, with the places its parts came from.
#[derive(Clone, Debug)]
pub(super) struct Text {
    string: String,
    parts: Vec<Part>,
    whole: Location,
}

/// A stretch of a [`Text`].
#[derive(Clone, Copy, Debug)]
struct Part {
    start: usize,
    end: usize,
    from: Location,
    /// Byte for byte as in the file.
    verbatim: bool,
    /// The `$name` that put it here.
    via: Option<Location>,
    /// Whether it is the cell of a table.
    cell: bool,
    /// The scope its names belong to.
    level: usize,
}

impl Text {
    /// A text that stands in a file as it is.
    pub(super) fn verbatim(string: &str, from: Location) -> Self {
        Self::from_parts(string, from, true)
    }

    /// A text made up from what stands at `from`.
    pub(super) fn made(string: &str, from: Location) -> Self {
        Self::from_parts(string, from, false)
    }

    fn from_parts(string: &str, from: Location, verbatim: bool) -> Self {
        let part = Part { start: 0, end: string.len(), from, verbatim, via: None, cell: false, level: 0 };
        Self { string: string.to_owned(), parts: vec![part], whole: from }
    }

    /// An empty text at a place, to be filled.
    pub(super) fn empty(whole: Location) -> Self {
        Self { string: String::new(), parts: Vec::new(), whole }
    }

    /// A decoded scalar laid over its source: folded lines, indentation and escapes are skipped.
    pub(super) fn aligned(string: &str, source: &str, from: Location) -> Self {
        if string == source {
            return Self::verbatim(string, from);
        }
        let mut text = Self::empty(from);
        let mut rest = source;
        let mut run = 0;
        for (at, c) in string.char_indices() {
            let end = at + c.len_utf8();
            let consumed = source.len() - rest.len();
            if let Some(after) = rest.strip_prefix(c) {
                rest = after;
                continue;
            }
            text.push_run(&string[run..at], from, consumed - (at - run));
            let (skipped, taken) = skip(rest, c);
            rest = &rest[skipped + taken..];
            let here = Location {
                start: from.start + consumed + skipped,
                end: from.start + consumed + skipped + taken,
                ..from
            };
            text.push(&string[at..end], here, skipped > 0 && taken > 0 && rest_is(taken, c));
            run = end;
        }
        let consumed = source.len() - rest.len();
        text.push_run(&string[run..], from, consumed.saturating_sub(string.len() - run));
        text
    }

    fn push_run(&mut self, run: &str, from: Location, offset: usize) {
        let start = from.start + offset;
        let here = Location { start, end: start + run.len(), ..from };
        self.push(run, here, true);
    }

    fn push(&mut self, string: &str, from: Location, verbatim: bool) {
        if string.is_empty() {
            return;
        }
        let start = self.string.len();
        self.string.push_str(string);
        self.parts.push(Part {
            start,
            end: self.string.len(),
            from,
            verbatim,
            via: None,
            cell: false,
            level: 0,
        });
    }

    /// The characters.
    pub(super) fn as_str(&self) -> &str {
        &self.string
    }

    /// Where the value as a whole stands.
    pub(super) fn whole(&self) -> Location {
        self.whole
    }

    fn part(&self, at: usize) -> Option<&Part> {
        let index = self.parts.partition_point(|part| part.end <= at);
        self.parts.get(index).or(self.parts.last())
    }

    /// Where a stretch of it was written. Only the part in which it starts counts.
    pub(super) fn at(&self, range: Range<usize>) -> Location {
        let Some(part) = self.part(range.start) else {
            return self.whole;
        };
        if !part.verbatim {
            return part.from;
        }
        let start = part.from.start + range.start.clamp(part.start, part.end) - part.start;
        let end = match self.part(range.end.max(1) - 1) {
            Some(last) if last.verbatim && last.from.file == part.from.file && last.via == part.via => {
                last.from.start + range.end.clamp(last.start, last.end) - last.start
            }
            _ => part.from.start + part.end - part.start,
        };
        Location { file: part.from.file, start, end: end.max(start) }
    }

    /// The `$name` that put the byte there.
    pub(super) fn via(&self, at: usize) -> Option<Location> {
        self.part(at).and_then(|part| part.via)
    }

    /// The scope that names at this byte belong to.
    pub(super) fn level(&self, at: usize) -> usize {
        self.part(at).map_or(0, |part| part.level)
    }

    /// The first table cell that supplied a part of it.
    pub(super) fn cell(&self) -> Option<Location> {
        self.parts.iter().find(|part| part.cell).map(|part| part.from)
    }

    /// A stretch of it as a text of its own.
    pub(super) fn slice(&self, range: Range<usize>) -> Self {
        let mut out = Self::empty(self.at(range.clone()));
        out.append(self, range);
        out
    }

    /// Adds a stretch of another text.
    pub(super) fn append(&mut self, other: &Self, range: Range<usize>) {
        let first = other.parts.partition_point(|part| part.end <= range.start);
        let within = other.parts[first..].iter().take_while(|part| part.start < range.end);
        for part in within {
            let start = part.start.max(range.start);
            let end = part.end.min(range.end);
            if start >= end {
                continue;
            }
            let mut piece = *part;
            piece.start = self.string.len();
            self.string.push_str(&other.string[start..end]);
            piece.end = self.string.len();
            if part.verbatim {
                piece.from.start = part.from.start + start - part.start;
                piece.from.end = part.from.start + end - part.start;
            }
            self.parts.push(piece);
        }
    }

    /// Adds all of another text in place of the `$name` at `via`.
    pub(super) fn append_via(&mut self, other: &Self, via: Location) {
        let first = self.parts.len();
        self.append(other, 0..other.string.len());
        for part in &mut self.parts[first..] {
            part.via = part.via.or(Some(via));
        }
    }

    /// Adds characters that were computed from what stands at `from`.
    pub(super) fn append_made(&mut self, string: &str, from: Location, level: usize) {
        self.push(string, from, false);
        if let Some(part) = self.parts.last_mut() {
            part.level = level;
        }
    }

    /// The same as the cell of a table.
    pub(super) fn into_cell(mut self) -> Self {
        for part in &mut self.parts {
            part.cell = true;
        }
        self
    }

    /// The same with its names in another scope.
    pub(super) fn at_level(mut self, level: usize) -> Self {
        for part in &mut self.parts {
            part.level = level;
        }
        self
    }
}

/// How a character of the decoded text stands in the source where it does not stand there as it is: bytes to skip
/// before it, and bytes it takes.
fn skip(rest: &str, c: char) -> (usize, usize) {
    if let Some(escaped) = rest.strip_prefix('\\') {
        let escape: usize = match escaped.chars().next() {
            Some('x') => 4,
            Some('u') => 6,
            Some('U') => 10,
            Some(other) => 1 + other.len_utf8(),
            None => 1,
        };
        return (0, floor(rest, escape));
    }
    let blank = rest.len() - rest.trim_start().len();
    if c.is_whitespace() {
        return (0, blank);
    }
    let after = &rest[blank..];
    if after.starts_with(c) { (blank, c.len_utf8()) } else { (0, 0) }
}

fn rest_is(taken: usize, c: char) -> bool {
    taken == c.len_utf8()
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::Text;
    use crate::case::{FileId, Location};

    fn location(start: usize, end: usize) -> Location {
        Location { file: FileId(0), start, end }
    }

    #[test]
    fn a_block_is_laid_over_its_indented_source() {
        let source = "  a | b\n  c | d\n";
        let text = Text::aligned("a | b\nc | d\n", source, location(0, source.len()));
        assert_eq!(text.as_str(), "a | b\nc | d\n");
        assert_eq!(text.at(0..1), location(2, 3));
        assert_eq!(text.at(6..7), location(10, 11));
        assert_eq!(text.at(10..11), location(14, 15));
    }

    #[test]
    fn escapes_take_their_place_in_the_source() {
        let source = r#"GET\r\n x"#;
        let text = Text::aligned("GET\r\n x", source, location(10, 10 + source.len()));
        assert_eq!(text.as_str(), "GET\r\n x");
        assert_eq!(text.at(3..4), location(13, 15));
        assert_eq!(text.at(6..7), location(18, 19));
    }
}
