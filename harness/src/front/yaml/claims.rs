//! Assertions: truths, and what is said where one does not hold.

use crate::case::{Action, Claim, Expr, Said};

use super::cursor::Cursor;
use super::expr::expression;
use super::lowerer::Lowerer;
use super::number::capture;
use super::report::{Lowers, Parse, Reported};
use super::shape::Shape;
use super::text::Text;
use super::tree::{Node, Value};
use super::types;

impl Lowerer<'_, '_> {
    /// An `assert` step.
    pub(super) fn assert(&mut self, shape: &Shape) -> Lowers<Action> {
        let nodes = match &shape.value.value {
            Value::List(items) => items.as_slice(),
            Value::Scalar(_) | Value::Map(_) => std::slice::from_ref(&shape.value),
        };
        let mut claims = Vec::new();
        let mut failed = false;
        for node in nodes {
            match self.claim(node) {
                Ok(claim) => claims.push(claim),
                Err(Reported) => failed = true,
            }
        }
        if failed { Err(Reported) } else { Ok(Action::Assert(claims)) }
    }

    fn claim(&mut self, node: &Node) -> Lowers<Claim> {
        let (truth, message) = match &node.value {
            Value::Map(entries) => {
                let key = |key: &str| entries.iter().find(|entry| entry.key == key)?.node.text();
                (key("that"), key("says"))
            }
            Value::Scalar(text) => (Some(text), None),
            Value::List(_) => (None, None),
        };
        let truth = self.replaced(truth.ok_or(Reported)?)?;
        let truth = self.parse(&truth, |this| this.truth_of(&truth))?;
        let says = match message {
            Some(message) => {
                let message = self.replaced(message)?;
                self.parse(&message, |this| this.message(&message))?
            }
            None => Vec::new(),
        };
        Ok(Claim { truth, written: None, says })
    }

    fn truth_of(&mut self, text: &Text) -> Parse<Expr> {
        let mut cursor = Cursor::new(text);
        let expr = expression(&mut cursor, self)?;
        cursor.finish().map_err(|fault| match cursor.peek() {
            Some('=') => fault.help("two things are compared with =="),
            _ => fault,
        })?;
        types::must_be_truth(&expr, 0..text.as_str().len())?;
        Ok(expr)
    }

    /// Words, and values in `$(..)`.
    fn message(&mut self, text: &Text) -> Parse<Vec<Said>> {
        let mut cursor = Cursor::new(text);
        let mut parts = Vec::new();
        loop {
            let rest = cursor.rest();
            let words = rest.find("$(").unwrap_or(rest.len());
            if words > 0 {
                parts.push(Said::Text(rest[..words].to_owned()));
                cursor.advance(words);
            }
            if cursor.rest().is_empty() {
                return Ok(parts);
            }
            parts.push(Said::Value(capture(&mut cursor, self)?));
        }
    }
}
