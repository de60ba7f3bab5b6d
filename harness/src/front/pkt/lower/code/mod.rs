//! `%{ ... }%`: the code of a script becomes truths that must hold.
//!
//! What can be worked out now is; what the target must be asked is asked when the case comes to it. A variable keeps
//! what was seen when it was set: the step that looked keeps that under its name.

mod names;
mod syntax;
#[cfg(test)]
mod tests;
mod tokens;
mod values;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::case::{Action, Capability, Claim, CompareOp, DescriptorId, Expr, Location, Place, Said};
use crate::front::pkt::script::Node;

use super::{Context, Effect};

use syntax::{Ast, Statement, What};
use tokens::Fault;
use values::{Done, Number, Trouble, Truth, Value};

/// So often a loop may be gone through, and so many truths a block may have.
const MOST_ROUNDS: i64 = 1_000;
const MOST_CLAIMS: usize = 4_000;

/// The code of a script, from its first block to its last.
#[derive(Clone, Debug, Default)]
pub(super) struct Code {
    variables: BTreeMap<String, Value>,
    blocks: usize,
}

/// A block, and what is known where it stands.
#[derive(Clone, Copy, Debug)]
struct Block<'a> {
    /// Between the brackets.
    text: &'a str,
    /// The descriptor of the socket under test and its name; none if it has none (any more).
    socket: Option<(DescriptorId, &'a str)>,
    /// The index that the step made of it will have.
    step: usize,
}

/// What a block comes to: one step.
#[derive(Clone, Debug)]
struct Looked {
    /// What must hold. There is one at least, so that the socket is looked at.
    claims: Vec<Claim>,
    /// The name under which the step keeps what it sees.
    name: String,
}

/// Something in a block that is not understood, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NotUnderstood {
    /// Bytes of the text.
    at: Range<usize>,
    /// What.
    what: String,
}

/// Lowers a block of code: one step that looks at the socket under test.
pub(super) fn code(context: &mut Context<'_>, code: &Node<String>) -> Vec<Effect> {
    context.needs.insert(Capability::Inspect);
    let id = context.descriptor_under_test();
    let descriptor = id.and_then(|id| Some((id, context.descriptors.get(id.0)?.as_str())));
    let block = Block { text: &code.value, socket: descriptor, step: context.steps.len() };
    match context.code.lower(block) {
        Ok(Looked { claims, name }) => {
            vec![Effect { action: Action::Assert(claims), name: Some(name) }]
        }
        Err(NotUnderstood { at, what }) => {
            // What stands between the brackets was stripped of white space.
            let written =
                context.sources.file(code.at.file).and_then(|file| file.text.get(code.at.start..code.at.end));
            let start = code.at.start + written.and_then(|written| written.find(&code.value)).unwrap_or(0);
            let place = Location { file: code.at.file, start: start + at.start, end: start + at.end };
            context.lacks(place, what);
            Vec::new()
        }
    }
}

impl Code {
    /// The next block.
    ///
    /// # Errors
    /// Where the code is none that is understood. Its variables are not to be relied on after that.
    fn lower(&mut self, block: Block<'_>) -> Result<Looked, NotUnderstood> {
        self.blocks += 1;
        let name = format!("code{}", self.blocks);
        let Some((id, descriptor)) = block.socket else {
            let what = "no socket is under test whose TCP_INFO could be read".to_owned();
            let truth = Truth::known(false).expr;
            let claim = Claim { truth, written: None, says: vec![Said::Text(what)] };
            return Ok(Looked { claims: vec![claim], name });
        };
        let mut lowering = Lowering {
            variables: &mut self.variables,
            block,
            id,
            descriptor,
            guards: Vec::new(),
            claims: Vec::new(),
            rounds: 0,
        };
        let statements = syntax::statements(block.text);
        statements
            .and_then(|statements| lowering.statements(&statements))
            .map_err(|Fault { at, what }| NotUnderstood { at, what })?;
        let mut claims = lowering.claims;
        // What is kept must be looked at, and a block without an assertion looks at the socket as well.
        let mut freezer = Freezer { step: block.step, name: &name, kept: Vec::new() };
        self.variables.values_mut().for_each(|value| freezer.value(value));
        for place in freezer.kept {
            claims.push(Claim::from(not_negative(Expr::Place(place))));
        }
        if claims.is_empty() {
            let field = "tcpi_state".to_owned();
            let place = Place::Descriptor { id, name: descriptor.to_owned(), field };
            claims.push(Claim::from(not_negative(Expr::Place(place))));
        }
        Ok(Looked { claims, name })
    }
}

/// Always so: a way to look at something.
fn not_negative(expr: Expr) -> Expr {
    Expr::Compare(Box::new(expr), vec![(CompareOp::Ge, Expr::Int(0))])
}

/// Makes of what is looked at now what a step has kept.
struct Freezer<'a> {
    step: usize,
    name: &'a str,
    kept: Vec<Place>,
}

impl Freezer<'_> {
    fn value(&mut self, value: &mut Value) {
        match value {
            Value::Number(number) => self.expr(&mut number.top),
            Value::Truth(truth) => self.expr(&mut truth.expr),
            Value::Text(parts) => parts.iter_mut().for_each(|part| match part {
                Said::Value(expr) => self.expr(expr),
                Said::Text(_) => {}
            }),
            Value::Tuple(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Range(..) => {}
        }
    }

    fn expr(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Place(place) => {
                if let Place::Descriptor { name, field, .. } = place {
                    let path = vec![name.clone(), field.clone()];
                    let kept = Place::Captured { step: self.step, name: self.name.to_owned(), path };
                    let seen = std::mem::replace(place, kept);
                    if !self.kept.contains(&seen) {
                        self.kept.push(seen);
                    }
                }
            }
            Expr::Int(_) | Expr::Time(_) | Expr::Symbol(_) => {}
            Expr::Binary(_, left, right) | Expr::Min(left, right) | Expr::Max(left, right) => {
                self.expr(left);
                self.expr(right);
            }
            Expr::Compare(first, rest) => {
                self.expr(first);
                rest.iter_mut().for_each(|(_, term)| self.expr(term));
            }
            Expr::And(terms) | Expr::Or(terms) => terms.iter_mut().for_each(|term| self.expr(term)),
            Expr::Not(inner) | Expr::Negative(inner) => self.expr(inner),
        }
    }
}

struct Lowering<'a, 'b> {
    variables: &'a mut BTreeMap<String, Value>,
    block: Block<'b>,
    id: DescriptorId,
    descriptor: &'b str,
    /// Conditions that are not known now, of the branches around.
    guards: Vec<Truth>,
    claims: Vec<Claim>,
    rounds: i64,
}

type Lowers<T> = Result<T, Fault>;

fn at<T>(done: Done<T>, place: &Range<usize>) -> Lowers<T> {
    done.map_err(|trouble| {
        let what = match trouble {
            Trouble::TooLarge => "code whose values are too large",
            Trouble::DivisionByZero => "code that divides by zero",
            Trouble::Kind => "an operation between such values in code",
            Trouble::Unknown => "an operation in code whose operands are not known beforehand",
        };
        Fault::new(place.clone(), what)
    })
}

impl Lowering<'_, '_> {
    fn statements(&mut self, statements: &[Statement]) -> Lowers<()> {
        statements.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Statement) -> Lowers<()> {
        match statement {
            Statement::Nothing => Ok(()),
            Statement::Assert { truth, message, at } => self.assert(truth, message.as_ref(), at),
            Statement::Assign { names, value: written } => {
                let value = self.value(written)?;
                names.iter().try_for_each(|name| self.set(name, value.clone(), &written.at))
            }
            Statement::Change { name, sign, value, at } => {
                let old = self.variable(name, at)?;
                let new = self.value(value)?;
                let changed = self.operate(sign, old, new, at)?;
                self.set(name, changed, at)
            }
            Statement::If { branches, otherwise } => self.branch(branches, otherwise),
            Statement::For { name, over, body } => {
                for item in self.items(over)? {
                    self.rounds += 1;
                    if self.rounds > MOST_ROUNDS {
                        return Err(Fault::new(over.at.clone(), "a loop of so many rounds in code"));
                    }
                    self.set(name, item, &over.at)?;
                    self.statements(body)?;
                }
                Ok(())
            }
        }
    }

    fn assert(&mut self, truth: &Ast, message: Option<&Ast>, at: &Range<usize>) -> Lowers<()> {
        let holds = self.truth(truth)?;
        let says = message.map(|message| self.message(message)).unwrap_or_default();
        let mut ways: Vec<Truth> = self.guards.iter().cloned().map(Truth::opposite).collect();
        ways.push(holds);
        let holds = Truth::any(ways);
        if self.claims.len() >= MOST_CLAIMS {
            return Err(Fault::new(at.clone(), "so many assertions in one piece of code"));
        }
        let written = self.block.text.get(truth.at.clone()).map(squeezed);
        self.claims.push(Claim { truth: holds.expr, written, says });
        Ok(())
    }

    fn branch(&mut self, branches: &[(Ast, Vec<Statement>)], otherwise: &[Statement]) -> Lowers<()> {
        let outside = self.guards.len();
        for (condition, body) in branches {
            let truth = self.truth(condition)?;
            match truth.known {
                Some(false) => {}
                Some(true) => {
                    self.statements(body)?;
                    self.guards.truncate(outside);
                    return Ok(());
                }
                None => {
                    self.guards.push(truth.clone());
                    self.statements(body)?;
                    self.guards.pop();
                    self.guards.push(truth.opposite());
                }
            }
        }
        self.statements(otherwise)?;
        self.guards.truncate(outside);
        Ok(())
    }

    fn set(&mut self, name: &str, value: Value, place: &Range<usize>) -> Lowers<()> {
        if !self.guards.is_empty() {
            return Err(Fault::new(
                place.clone(),
                format!("{name}, set under a condition that is not known beforehand"),
            ));
        }
        if value.is_too_large() {
            return at(Err(Trouble::TooLarge), place);
        }
        self.variables.insert(name.to_owned(), value);
        Ok(())
    }

    fn variable(&mut self, name: &str, at: &Range<usize>) -> Lowers<Value> {
        if let Some(value) = self.variables.get(name) {
            return Ok(value.clone());
        }
        if let Some(number) = names::constant(name) {
            return Ok(Value::Number(Number::int(number)));
        }
        match name {
            "True" => return Ok(Value::Truth(Truth::known(true))),
            "False" | "None" => return Ok(Value::Truth(Truth::known(false))),
            _ => {}
        }
        let known = names::of_socket(name, self.id, self.descriptor);
        let expr = known
            .ok_or_else(|| Fault::new(at.clone(), format!("the name {name} in code, which is not set")))?;
        Ok(Value::Number(Number::whole(expr)))
    }

    fn items(&mut self, over: &Ast) -> Lowers<Vec<Value>> {
        match self.value(over)? {
            Value::Tuple(items) => Ok(items),
            Value::Range(from, to, step) => {
                let mut items = Vec::new();
                let mut next = Some(from);
                while let Some(number) = next.filter(|next| if step > 0 { *next < to } else { *next > to }) {
                    if items.len() as i64 > MOST_ROUNDS {
                        return Err(Fault::new(over.at.clone(), "a loop of so many rounds in code"));
                    }
                    items.push(Value::Number(Number::int(number)));
                    next = number.checked_add(step);
                }
                Ok(items)
            }
            Value::Number(_) | Value::Truth(_) | Value::Text(_) => {
                Err(Fault::new(over.at.clone(), "a loop over such a value in code"))
            }
        }
    }

    fn value(&mut self, ast: &Ast) -> Lowers<Value> {
        let number = |this: &mut Self, ast: &Ast| this.number(ast);
        Ok(match &ast.what {
            What::Number(top, over) => Value::Number(Number { top: Expr::Int(*top), over: *over }),
            What::Text(text) => Value::Text(vec![Said::Text(text.clone())]),
            What::Name(name) => self.variable(name, &ast.at)?,
            What::Tuple(items) => {
                Value::Tuple(items.iter().map(|item| self.value(item)).collect::<Lowers<_>>()?)
            }
            What::Negative(inner) => Value::Number(at(values::negative(&number(self, inner)?), &ast.at)?),
            What::Inverted(inner) => {
                let turned = at(values::negative(&number(self, inner)?), &ast.at)?;
                Value::Number(at(values::binary("-", &turned, &Number::int(1)), &ast.at)?)
            }
            What::Binary(sign, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                self.operate(sign, left, right, &ast.at)?
            }
            What::Call(name, arguments) => self.call(name, arguments, &ast.at)?,
            What::Compare(..) | What::In(..) | What::And(_) | What::Or(_) | What::Not(_) => {
                Value::Truth(self.truth(ast)?)
            }
            What::Other => return Err(Fault::new(ast.at.clone(), "code that is not understood")),
        })
    }

    fn operate(&self, sign: &str, left: Value, right: Value, place: &Range<usize>) -> Lowers<Value> {
        match (sign, left, right) {
            (_, Value::Number(a), Value::Number(b)) => {
                at(values::binary(sign, &a, &b), place).map(Value::Number)
            }
            ("%", Value::Text(format), values) => Ok(Value::Text(formatted(&format, values))),
            ("+", Value::Text(mut a), Value::Text(b)) => {
                a.extend(b);
                Ok(Value::Text(a))
            }
            _ => at(Err(Trouble::Kind), place),
        }
    }

    fn number(&mut self, ast: &Ast) -> Lowers<Number> {
        match self.value(ast)? {
            Value::Number(number) => Ok(number),
            Value::Truth(Truth { known: Some(known), .. }) => Ok(Number::int(i64::from(known))),
            _ => at(Err(Trouble::Kind), &ast.at),
        }
    }

    fn truth(&mut self, ast: &Ast) -> Lowers<Truth> {
        Ok(match &ast.what {
            What::Compare(first, rest) => {
                let first = self.number(first)?;
                let rest = rest
                    .iter()
                    .map(|(op, term)| Ok((*op, self.number(term)?)))
                    .collect::<Lowers<Vec<_>>>()?;
                at(values::compare(&first, &rest), &ast.at)?
            }
            What::In(what, many) => {
                let what = self.number(what)?;
                let mut found = Vec::new();
                for item in self.items(many)? {
                    let Value::Number(item) = item else { return at(Err(Trouble::Kind), &many.at) };
                    found.push(at(values::compare(&what, &[(CompareOp::Eq, item)]), &ast.at)?);
                }
                if found.is_empty() { Truth::known(false) } else { Truth::any(found) }
            }
            What::And(terms) => Truth::all(terms.iter().map(|term| self.truth(term)).collect::<Lowers<_>>()?),
            What::Or(terms) => Truth::any(terms.iter().map(|term| self.truth(term)).collect::<Lowers<_>>()?),
            What::Not(inner) => self.truth(inner)?.opposite(),
            _ => match self.value(ast)? {
                Value::Truth(truth) => truth,
                Value::Number(number) => {
                    at(values::compare(&number, &[(CompareOp::Ne, Number::int(0))]), &ast.at)?
                }
                Value::Text(text) => Truth::known(!text.is_empty()),
                Value::Tuple(items) => Truth::known(!items.is_empty()),
                Value::Range(from, to, step) => Truth::known(if step > 0 { from < to } else { from > to }),
            },
        })
    }

    fn call(&mut self, name: &str, arguments: &[Ast], place: &Range<usize>) -> Lowers<Value> {
        let numbers =
            |this: &mut Self| arguments.iter().map(|one| this.number(one)).collect::<Lowers<Vec<Number>>>();
        let unknown = || Fault::new(place.clone(), format!("a call of {name} in code"));
        Ok(match (name, arguments) {
            ("min" | "max", [_, ..]) => {
                let op = if name == "min" { CompareOp::Le } else { CompareOp::Ge };
                let several = match arguments {
                    [one] => self.items(one)?,
                    _ => numbers(self)?.into_iter().map(Value::Number).collect(),
                };
                let mut best: Option<Number> = None;
                for value in several {
                    let Value::Number(number) = value else { return at(Err(Trouble::Kind), place) };
                    best = Some(match best {
                        Some(best) => at(values::extreme(op, &best, &number), place)?,
                        None => number,
                    });
                }
                Value::Number(best.ok_or_else(unknown)?)
            }
            ("abs", [one]) => {
                let number = self.number(one)?;
                let turned = at(values::negative(&number), place)?;
                Value::Number(at(values::extreme(CompareOp::Ge, &number, &turned), place)?)
            }
            ("int" | "float", [one]) => {
                let number = self.number(one)?;
                match name {
                    "int" => Value::Number(at(values::binary("//", &number, &Number::int(1)), place)?),
                    _ => Value::Number(number),
                }
            }
            ("bool", [one]) => Value::Truth(self.truth(one)?),
            ("str", [one]) => Value::Text(said(self.value(one)?)),
            ("len", [one]) => Value::Number(Number::int(self.items(one)?.len() as i64)),
            ("range", [_, ..]) => {
                let known = numbers(self)?.iter().map(Number::known).collect::<Option<Vec<i64>>>();
                match known
                    .as_deref()
                    .ok_or_else(|| Fault::new(place.clone(), "a range that is not known beforehand"))?
                {
                    [to] => Value::Range(0, *to, 1),
                    [from, to] => Value::Range(*from, *to, 1),
                    [from, to, step] if *step != 0 => Value::Range(*from, *to, *step),
                    _ => return Err(unknown()),
                }
            }
            _ => return Err(unknown()),
        })
    }

    /// What is said when an assertion does not hold. It decides nothing, so its text will do where it is not understood.
    fn message(&mut self, ast: &Ast) -> Vec<Said> {
        self.value(ast).map(|value| joined(said(value))).unwrap_or_else(|_| {
            vec![Said::Text(self.block.text.get(ast.at.clone()).map(squeezed).unwrap_or_default())]
        })
    }
}

/// On one line, with single blanks.
fn squeezed(text: &str) -> String {
    text.replace('\\', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A value as text.
fn said(value: Value) -> Vec<Said> {
    match value {
        Value::Number(Number { top, over: 1 }) => vec![Said::Value(top)],
        Value::Number(Number { top, over }) => vec![Said::Value(top), Said::Text(format!("/{over}"))],
        Value::Truth(truth) => vec![Said::Value(truth.expr)],
        Value::Text(text) => text,
        Value::Tuple(items) => {
            let mut all = vec![Said::Text("(".to_owned())];
            for (place, item) in items.into_iter().enumerate() {
                if place > 0 {
                    all.push(Said::Text(", ".to_owned()));
                }
                all.extend(said(item));
            }
            all.push(Said::Text(")".to_owned()));
            all
        }
        Value::Range(from, to, step) => vec![Said::Text(format!("range({from}, {to}, {step})"))],
    }
}

/// The same in as few parts as can be: what is known now is words.
fn joined(parts: Vec<Said>) -> Vec<Said> {
    let mut all: Vec<Said> = Vec::new();
    for part in parts {
        let part = match part {
            Said::Value(Expr::Int(number)) => Said::Text(number.to_string()),
            other => other,
        };
        match (all.last_mut(), part) {
            (_, Said::Text(nothing)) if nothing.is_empty() => {}
            (Some(Said::Text(before)), Said::Text(more)) => before.push_str(&more),
            (_, part) => all.push(part),
        }
    }
    all
}

/// `format % values`: each place that a percent sign makes takes the next value.
fn formatted(format: &[Said], values: Value) -> Vec<Said> {
    let mut values = match values {
        Value::Tuple(items) => items,
        one => vec![one],
    }
    .into_iter();
    let mut all = Vec::new();
    for part in format {
        let Said::Text(text) = part else {
            all.push(part.clone());
            continue;
        };
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('%') {
            all.push(Said::Text(before.to_owned()));
            let end =
                after.find(|c: char| c.is_ascii_alphabetic() || c == '%').map_or(after.len(), |end| end + 1);
            rest = &after[end..];
            if after[..end].ends_with('%') {
                all.push(Said::Text("%".to_owned()));
            } else {
                all.extend(values.next().map(said).unwrap_or_default());
            }
        }
        all.push(Said::Text(rest.to_owned()));
    }
    all.retain(|part| !matches!(part, Said::Text(text) if text.is_empty()));
    all
}
