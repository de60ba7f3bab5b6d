//! Lines of notation, taken apart into fields that stand under each other.

use crate::verdict::FieldDifference;

use super::{Cell, Side};

/// The fields of a line in their order. Two lines have the same field under each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Field {
    Attributes,
    Flags,
    Range,
    Reserved,
    Ack,
    Win,
    Urg,
    Options,
    IcmpType,
    Mtu,
    Ptr,
    Quote,
}

/// Words that begin a field.
const WORDS: [(&str, Field); 6] = [
    ("reserved", Field::Reserved),
    ("ack", Field::Ack),
    ("win", Field::Win),
    ("urg", Field::Urg),
    ("mtu", Field::Mtu),
    ("ptr", Field::Ptr),
];

/// What a difference is about, as far as it stands on the line.
fn field_of(difference: &FieldDifference) -> Option<Field> {
    Some(match difference.field.as_str() {
        "flags" => Field::Flags,
        "seq" | "length" => Field::Range,
        "ack" => Field::Ack,
        "win" => Field::Win,
        "urg" => Field::Urg,
        "reserved" => Field::Reserved,
        "type" | "code" => Field::IcmpType,
        "mtu" => Field::Mtu,
        "ptr" => Field::Ptr,
        "options" | "option" | "mss" | "wscale" | "TS val" | "TS ecr" | "sack left edge"
        | "sack right edge" | "ECN counter" => Field::Options,
        "ttl" | "dscp" | "ecn" | "df" | "id" | "flowlabel" | "sport" | "dport" => Field::Attributes,
        name if name.starts_with("quoted ") => Field::Quote,
        _ => return None,
    })
}

/// Whether both lines show what differs.
pub(in crate::report) fn is_on_the_line(difference: &FieldDifference) -> bool {
    field_of(difference).is_some_and(|field| field != Field::Attributes)
}

/// Both lines, field by field.
pub(super) fn cells(expected: &str, actual: &str, fields: &[FieldDifference]) -> Vec<Cell> {
    let (wanted, got) = (fields_of(expected), fields_of(actual));
    let differ = |field: Field| fields.iter().any(|difference| field_of(difference) == Some(field));
    let (Some(wanted), Some(got)) = (wanted, got) else { return whole(expected, actual) };
    if fields.iter().any(|difference| difference.field == "protocol") {
        return whole(expected, actual);
    }
    let mut cells: Vec<Cell> = Vec::new();
    let mut kinds: Vec<Field> = wanted.iter().chain(&got).map(|(field, _)| *field).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for field in kinds {
        let find = |line: &[(Field, String)]| {
            line.iter().find(|(kind, _)| *kind == field).map(|(_, text)| text.clone())
        };
        let (wanted, got) = (find(&wanted), find(&got));
        if field == Field::Options {
            cells.extend(options(wanted.as_deref(), got.as_deref(), fields));
            continue;
        }
        let lead = if cells.is_empty() { "" } else { " " };
        let mut cell = Cell {
            expected: Side { lead, text: wanted, marked: 0..0 },
            actual: Side { lead, text: got, marked: 0..0 },
        };
        if differ(field) {
            mark(&mut cell.expected, field, fields);
            mark(&mut cell.actual, field, fields);
        }
        cells.push(cell);
    }
    cells
}

/// Two things that have no fields in common.
fn whole(expected: &str, actual: &str) -> Vec<Cell> {
    let mut cell = Cell { expected: Side::new("", expected), actual: Side::new("", actual) };
    cell.expected.mark_all();
    cell.actual.mark_all();
    vec![cell]
}

/// Marks the part that differs: of a range its start or its length, of a field with a name its number.
fn mark(side: &mut Side, field: Field, fields: &[FieldDifference]) {
    let Some(text) = &side.text else { return };
    let length = text.chars().count();
    let is_wrong = |name: &str| fields.iter().any(|difference| difference.field == name);
    side.marked = match field {
        Field::Range => {
            let bracket = text.chars().position(|c| c == '(').unwrap_or(length);
            let from = if is_wrong("seq") { 0 } else { bracket };
            let to = if is_wrong("length") { length } else { bracket };
            from..to
        }
        Field::Ack | Field::Win | Field::Urg | Field::Mtu | Field::Ptr | Field::Reserved => {
            text.chars().position(|c| c == ' ').map_or(0, |at| at + 1)..length
        }
        // `icmp unreachable port`
        Field::IcmpType => {
            let words: Vec<usize> = text.match_indices(' ').map(|(at, _)| at + 1).collect();
            let kind = words.first().copied().unwrap_or(0);
            let code = words.get(1).copied().unwrap_or(length);
            let from = if is_wrong("type") { kind } else { code.min(length) };
            let to = if is_wrong("code") || code == length { length } else { code - 1 };
            from.min(to)..to
        }
        Field::Attributes | Field::Flags | Field::Options | Field::Quote => 0..length,
    };
}

/// Nothing if it is no line of notation.
fn fields_of(line: &str) -> Option<Vec<(Field, String)>> {
    let words = words(line);
    let mut words = words.iter().map(String::as_str).peekable();
    let mut fields = Vec::new();
    if let Some(attributes) = words.next_if(|word| word.starts_with('(')) {
        fields.push((Field::Attributes, attributes.to_owned()));
    }
    let first = words.next()?;
    if first == "icmp" {
        fields.push((Field::IcmpType, first.to_owned()));
    } else if first == "none" || first.chars().all(|c| "FSRP.UEWA01234567".contains(c)) {
        fields.push((Field::Flags, first.to_owned()));
        let range = words.next_if(|word| !begins_field(word))?;
        fields.push((Field::Range, range.to_owned()));
    } else {
        return None;
    }
    for word in words {
        let known = WORDS.iter().find(|(name, _)| *name == word).map(|(_, field)| *field);
        match (known, word.chars().next()) {
            (Some(field), _) => fields.push((field, word.to_owned())),
            (None, Some('<')) => fields.push((Field::Options, word.to_owned())),
            (None, Some('[')) => fields.push((Field::Quote, word.to_owned())),
            _ => {
                let (_, text) = fields.last_mut()?;
                text.push(' ');
                text.push_str(word);
            }
        }
    }
    Some(fields)
}

fn begins_field(word: &str) -> bool {
    WORDS.iter().any(|(name, _)| *name == word) || word.starts_with(['<', '['])
}

/// Words at blanks outside of brackets.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut depth = 0_usize;
    for c in line.chars() {
        match c {
            '(' | '<' | '[' => depth += 1,
            ')' | '>' | ']' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 => {
                words.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Options of the same kind stand under each other; what only one line has faces a gap.
fn options(wanted: Option<&str>, got: Option<&str>, fields: &[FieldDifference]) -> Vec<Cell> {
    let items = |line: Option<&str>| -> Vec<String> {
        let inside = line.unwrap_or_default().trim_start_matches('<').trim_end_matches('>');
        inside.split(',').filter(|item| !item.is_empty()).map(str::to_owned).collect()
    };
    let (left, right) = (items(wanted), items(got));
    let is_open = left.iter().any(|item| item == "...");
    let lists_differ =
        fields.iter().any(|difference| matches!(difference.field.as_str(), "options" | "option"));
    let bracket = |line: Option<&str>| line.map_or_else(Side::default, |_| Side::new(" ", "<"));
    let mut cells = vec![Cell { expected: bracket(wanted), actual: bracket(got) }];
    let mut seen = (false, false);
    for (expected, actual) in pairs(&left, &right) {
        let side = |item: Option<&String>, seen: &mut bool| match item {
            Some(item) => {
                let lead = if std::mem::replace(seen, true) { "," } else { "" };
                Side::new(lead, item.as_str())
            }
            None => Side::default(),
        };
        let mut cell = Cell { expected: side(expected, &mut seen.0), actual: side(actual, &mut seen.1) };
        let marked = match (expected, actual) {
            (Some(expected), Some(actual)) => expected != actual && is_wrong_option(expected, fields),
            (Some(expected), None) => lists_differ && expected != "...",
            (None, Some(_)) => lists_differ && !is_open,
            (None, None) => false,
        };
        if marked {
            cell.expected.mark_all();
            cell.actual.mark_all();
        }
        cells.push(cell);
    }
    close(cells.iter_mut().map(|cell| &mut cell.expected));
    close(cells.iter_mut().map(|cell| &mut cell.actual));
    cells
}

/// The bracket after the last option of a line.
fn close<'a>(line: impl DoubleEndedIterator<Item = &'a mut Side>) {
    if let Some(last) = line.rev().find_map(|side| side.text.as_mut()) {
        last.push('>');
    }
}

/// Whether a difference is about an option of this kind.
fn is_wrong_option(item: &str, fields: &[FieldDifference]) -> bool {
    let kind = kind_of(item);
    fields.iter().any(|difference| match difference.field.as_str() {
        "option" => kind_of(&difference.expected) == kind,
        // Bytes that differ although they read alike.
        "options" => true,
        name => kind_of(name) == kind,
    })
}

fn kind_of(item: &str) -> &str {
    item.split(' ').next().unwrap_or_default()
}

/// The longest common sequence of kinds, with what is left on either side between.
fn pairs<'a>(left: &'a [String], right: &'a [String]) -> Vec<(Option<&'a String>, Option<&'a String>)> {
    // How many pairs there are from the i-th on the left and the j-th on the right on.
    let mut common = vec![vec![0_usize; right.len() + 1]; left.len() + 1];
    for (i, a) in left.iter().enumerate().rev() {
        for (j, b) in right.iter().enumerate().rev() {
            common[i][j] = match kind_of(a) == kind_of(b) {
                true => 1 + common[i + 1][j + 1],
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut pairs = Vec::new();
    while i < left.len() || j < right.len() {
        let both = left.get(i).zip(right.get(j));
        if both.is_some_and(|(a, b)| kind_of(a) == kind_of(b)) {
            pairs.push((left.get(i), right.get(j)));
            (i, j) = (i + 1, j + 1);
        } else if i < left.len() && (j == right.len() || common[i + 1][j] >= common[i][j + 1]) {
            pairs.push((left.get(i), None));
            i += 1;
        } else {
            pairs.push((None, right.get(j)));
            j += 1;
        }
    }
    pairs
}
