//! Comments of a script, put where they stood.

use crate::case::{Location, SourceFile};
use crate::front::pkt::script::Script;

use super::write::{Line, Parts, is_special};

/// Comments by where they go.
pub(super) struct Placed {
    /// Before everything.
    pub(super) top: Vec<String>,
    /// By step: the lines before it.
    before: Vec<Vec<String>>,
    /// By step: behind its first line.
    behind: Vec<Option<String>>,
    /// After the last step.
    end: Vec<String>,
}

/// Finds the places of comments. The words that became the title are left out.
pub(super) fn place(script: &Script, file: &SourceFile, parts: &Parts, title: &str) -> Placed {
    let count = parts.steps.len();
    let mut placed = Placed {
        top: Vec::new(),
        before: vec![Vec::new(); count],
        behind: vec![None; count],
        end: Vec::new(),
    };
    let mut said_title = false;
    let first = script.events.first().map_or(usize::MAX, |event| event.at.start);
    for comment in &script.comments {
        let mut lines = lines(&comment.value);
        if !said_title && let Some(first) = lines.iter().position(|line| !line.is_empty()) {
            said_title = true;
            if lines[first] == title {
                lines.drain(..=first);
            }
        }
        let lines = trimmed(lines);
        if lines.is_empty() {
            continue;
        }
        match where_to(comment.at, file, parts) {
            _ if comment.at.start < first => placed.top.extend(lines),
            Where::Behind(step) if placed.behind[step].is_none() => {
                placed.behind[step] = Some(lines.join(" "));
            }
            Where::Behind(step) | Where::Before(step) => placed.before[step].extend(lines),
            Where::End => placed.end.extend(lines),
        }
    }
    placed
}

enum Where {
    Before(usize),
    Behind(usize),
    End,
}

fn where_to(comment: Location, file: &SourceFile, parts: &Parts) -> Where {
    let next = parts.steps.iter().position(|(at, _)| at.end > comment.start);
    let last = next.unwrap_or(parts.steps.len()).checked_sub(1);
    if let Some((event, _)) = last.and_then(|last| parts.steps.get(last)) {
        let between = file.text.get(event.end..comment.start);
        if between.is_some_and(|between| !between.contains('\n')) {
            // Of several steps of one event it stands at the first.
            let first = parts.steps.iter().position(|(at, _)| at == event);
            return first.map_or(Where::End, Where::Behind);
        }
    }
    next.map_or(Where::End, Where::Before)
}

/// The lines of a comment without what makes it one.
fn lines(text: &str) -> Vec<String> {
    let line = |line: &str| {
        let line = line.trim();
        let line = line.strip_suffix("*/").unwrap_or(line);
        let line = ["//", "/*", "*"].into_iter().find_map(|mark| line.strip_prefix(mark)).unwrap_or(line);
        line.trim_matches(['*', '/']).trim().replace(is_special, " ")
    };
    text.lines().map(line).collect()
}

/// Without empty lines around it.
fn trimmed(lines: Vec<String>) -> Vec<String> {
    let is_words = |line: &String| !line.is_empty();
    let Some(first) = lines.iter().position(is_words) else { return Vec::new() };
    let last = lines.iter().rposition(is_words).unwrap_or(first);
    lines[first..=last].to_vec()
}

impl Placed {
    /// The lines of all steps, with what is said between them.
    pub(super) fn steps(&self, parts: &Parts) -> Vec<String> {
        let mut out = Vec::new();
        for (index, (_, lines)) in parts.steps.iter().enumerate() {
            out.extend(self.before[index].iter().map(|text| remark(text, 2)));
            for (place, line) in lines.iter().enumerate() {
                let comment = self.behind[index].clone().filter(|_| place == 0);
                // Behind a block it would be a part of it.
                out.push(Line { comment, ..line.clone() }.render());
            }
        }
        out.extend(self.end.iter().map(|text| remark(text, 2)));
        out
    }
}

/// A comment in a line of its own.
pub(super) fn remark(text: &str, indent: usize) -> String {
    let line = format!("{:indent$}# {text}", "");
    line.trim_end().to_owned()
}
