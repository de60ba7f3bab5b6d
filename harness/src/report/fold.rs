//! Text in lines.

/// The words of a text in lines of so many characters at most; a longer word stands alone.
pub(super) fn fold(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn words_stay_whole() {
        assert_eq!(fold("one two  three", 7), ["one two", "three"]);
        assert_eq!(fold("one two", 6), ["one", "two"]);
        assert_eq!(fold("incomprehensible x", 5), ["incomprehensible", "x"]);
        assert_eq!(fold("", 5), [""]);
    }
}
