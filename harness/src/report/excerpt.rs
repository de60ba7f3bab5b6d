//! A step as it was written, with a mark under the words that failed.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::case::{Location, Sources};

use super::Style;

/// So many lines of a step are shown before and after the one that failed.
const BEFORE: usize = 4;
const AFTER: usize = 4;

/// The lines of the step around a location.
pub(super) fn excerpt(sources: &Sources, at: Location, style: Style) -> Vec<String> {
    let Some(file) = sources.file(at.file) else { return Vec::new() };
    let Some(block) = Block::around(&file.text, at) else { return Vec::new() };
    let renderer = if style.colour { Renderer::styled() } else { Renderer::plain() };
    let group = Group::with_level(Level::ERROR).element(
        Snippet::source(block.text)
            .line_start(block.line)
            .fold(false)
            .annotation(AnnotationKind::Primary.span(block.from..block.to)),
    );
    let text = renderer.decor_style(DecorStyle::Ascii).term_width(style.width).render(&[group]);
    text.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// The words of a location, on one line.
pub(super) fn words(sources: &Sources, at: Location) -> String {
    let text = sources.file(at.file).and_then(|file| file.text.get(at.start..at.end)).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Some lines of a file, and the marked bytes in them.
struct Block {
    text: String,
    /// Number of the first line.
    line: usize,
    from: usize,
    to: usize,
}

impl Block {
    fn around(text: &str, at: Location) -> Option<Self> {
        let lines: Vec<&str> = text.split('\n').collect();
        let index = text.get(..at.start)?.matches('\n').count();
        let line_start = text.get(..at.start)?.rfind('\n').map_or(0, |at| at + 1);
        let line = lines.get(index)?;
        let from = at.start - line_start;
        let to = (at.end.max(at.start) - line_start).min(line.trim_end().len()).max(from);
        let first = first_line(&lines, index).max(index.saturating_sub(BEFORE));
        let last = last_line(&lines, first, index).min(index + AFTER);
        let before: usize = lines.get(first..index)?.iter().map(|line| line.len() + 1).sum();
        let shown = lines.get(first..=last)?.join("\n");
        // Every byte keeps its place: what cannot be shown becomes a blank.
        let printable = |c: char| if c.is_ascii_control() && c != '\n' { ' ' } else { c };
        let text = shown.chars().map(printable).collect();
        Some(Self { text, line: first + 1, from: before + from, to: before + to })
    }
}

/// Where the step of a line begins: at the item of the list of steps that it stands in.
fn first_line(lines: &[&str], index: usize) -> usize {
    let mut indent = usize::MAX;
    for (at, line) in lines.iter().enumerate().take(index + 1).rev() {
        if is_blank(line) || indent_of(line) >= indent {
            continue;
        }
        if starts_step(line) {
            return at;
        }
        indent = indent_of(line);
        if indent == 0 {
            break;
        }
    }
    index
}

/// The last line that belongs to the step.
fn last_line(lines: &[&str], first: usize, index: usize) -> usize {
    let indent = lines.get(first).map_or(0, |line| indent_of(line));
    let after = lines.iter().skip(index + 1);
    index + after.take_while(|line| !is_blank(line) && indent_of(line) > indent).count()
}

fn is_blank(line: &str) -> bool {
    line.trim().is_empty() || line.trim_start().starts_with('#')
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// `- key: ..` or `- { .. }`.
fn starts_step(line: &str) -> bool {
    let Some(item) = line.trim_start().strip_prefix("- ") else { return false };
    let key = item.split(':').next().unwrap_or_default();
    let is_key = item.contains(':') && key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    is_key || item.starts_with('{')
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::excerpt;
    use crate::case::{Location, Sources};
    use crate::report::Style;

    #[test]
    fn a_step_is_shown_from_its_first_key() {
        let text =
            "steps:\n  - after: 1s\n    expect:\n      - . 1:1(0) ack 1\n      - R 1:1(0)\n  - silent: 1s\n";
        let mut sources = Sources::default();
        let file = sources.add("x.yaml", &Arc::from(text));
        let start = text.find("R 1").expect("it is there");
        let lines = excerpt(&sources, Location { file, start, end: start + 8 }, Style::default());
        assert_eq!(
            lines,
            [
                "  |",
                "2 |   - after: 1s",
                "3 |     expect:",
                "4 |       - . 1:1(0) ack 1",
                "5 |       - R 1:1(0)",
                "  |         ^^^^^^^^",
            ]
        );
    }
}
