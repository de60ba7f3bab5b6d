//! Text in lines.

/// The text in lines of at most `width` characters, broken at blanks and, inside brackets of a packet, after commas; a
/// word that is longer stays whole.
pub(super) fn fold(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for piece in pieces(text) {
        let Some(line) = lines.last_mut() else { break };
        let length = line.chars().count() + piece.trim_end().chars().count();
        if length > width && !line.is_empty() {
            lines.push(piece.trim_start().to_owned());
        } else {
            line.push_str(&piece);
        }
    }
    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    lines
}

/// What stays together, with the blank or comma after it.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut in_options = false;
    let mut before = ' ';
    for c in text.chars() {
        let c = if c == '\n' { ' ' } else { c };
        in_options = match c {
            '<' | '[' => before == ' ' || in_options,
            '>' | ']' => false,
            // A comparison.
            ' ' => in_options && before != '<',
            _ => in_options,
        };
        if let Some(piece) = pieces.last_mut() {
            piece.push(c);
        }
        if c == ' ' && !in_options || c == ',' && in_options {
            pieces.push(String::new());
        }
        before = c;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn lines_are_broken_at_blanks_and_commas() {
        for (text, width, lines) in [
            ("", 10, &[""][..]),
            ("one two", 10, &["one two"]),
            ("one two  three", 7, &["one two", "three"]),
            ("one two three", 7, &["one two", "three"]),
            ("<mss 1460,nop,nop>", 11, &["<mss 1460,", "nop,nop>"]),
            ("incomprehensibilities are long", 9, &["incomprehensibilities", "are long"]),
            ("S 0:0(0) <TS val 1 ecr 2,nop>", 16, &["S 0:0(0)", "<TS val 1 ecr 2,", "nop>"]),
            ("1 < 2 and 3 <= 4", 9, &["1 < 2 and", "3 <= 4"]),
            ("one\ntwo", 10, &["one two"]),
        ] {
            assert_eq!(fold(text, width), lines, "{text:?} in {width}");
        }
    }
}
