//! Statements and expressions of the code in a script.

use std::ops::Range;

use super::tokens::{Fault, Line, Placed, Token, lines};
use crate::case::CompareOp;

/// How deep brackets and blocks may lie in each other.
const DEEPEST: usize = 40;

/// A statement.
#[derive(Clone, Debug)]
pub(super) enum Statement {
    Assert {
        truth: Ast,
        message: Option<Ast>,
        /// The statement as written.
        at: Range<usize>,
    },
    Assign {
        names: Vec<String>,
        value: Ast,
    },
    Change {
        name: String,
        sign: &'static str,
        value: Ast,
        at: Range<usize>,
    },
    If {
        branches: Vec<(Ast, Vec<Self>)>,
        otherwise: Vec<Self>,
    },
    For {
        name: String,
        over: Ast,
        body: Vec<Self>,
    },
    /// What is printed is not looked at.
    Nothing,
}

/// An expression and its place.
#[derive(Clone, Debug)]
pub(super) struct Ast {
    pub(super) what: What,
    pub(super) at: Range<usize>,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Number(i64, i64),
    Text(String),
    Name(String),
    Tuple(Vec<Ast>),
    Negative(Box<Ast>),
    Inverted(Box<Ast>),
    Binary(&'static str, Box<Ast>, Box<Ast>),
    Compare(Box<Ast>, Vec<(CompareOp, Ast)>),
    In(Box<Ast>, Box<Ast>),
    And(Vec<Ast>),
    Or(Vec<Ast>),
    Not(Box<Ast>),
    Call(String, Vec<Ast>),
    /// Not understood, which matters only if it is needed: a message.
    Other,
}

type Read<T> = Result<T, Fault>;

/// The statements of a block.
pub(super) fn statements(text: &str) -> Read<Vec<Statement>> {
    let lines = lines(text)?;
    let mut blocks = Blocks { lines: &lines, next: 0 };
    let statements = blocks.block(0, 0)?;
    match lines.get(blocks.next).and_then(|line| line.tokens.first()) {
        Some((_, at)) => Err(Fault::new(at.clone(), "code that is indented without a reason")),
        None => Ok(statements),
    }
}

struct Blocks<'l> {
    lines: &'l [Line],
    next: usize,
}

impl Blocks<'_> {
    /// Statements at one indentation.
    fn block(&mut self, indent: usize, depth: usize) -> Read<Vec<Statement>> {
        let mut statements = Vec::new();
        while let Some(line) = self.lines.get(self.next) {
            // The first line of a text may begin anywhere.
            if line.indent != indent && self.next > 0 {
                break;
            }
            self.next += 1;
            let mut reader = Reader { tokens: &line.tokens, next: 0, depth: 0 };
            match reader.peek_name() {
                Some("if") => statements.push(self.conditional(&mut reader, indent, depth)?),
                Some("for") => statements.push(self.repeated(&mut reader, indent, depth)?),
                _ => reader.simple(&mut statements)?,
            }
        }
        Ok(statements)
    }

    fn conditional(&mut self, reader: &mut Reader<'_>, indent: usize, depth: usize) -> Read<Statement> {
        reader.next += 1;
        let mut branches = vec![(reader.expression()?, self.body(reader, indent, depth)?)];
        let mut otherwise = Vec::new();
        while let Some(line) = self.lines.get(self.next).filter(|line| line.indent == indent) {
            let mut reader = Reader { tokens: &line.tokens, next: 1, depth: 0 };
            match line.tokens.first() {
                Some((Token::Name(word), _)) if word == "elif" => {
                    self.next += 1;
                    branches.push((reader.expression()?, self.body(&mut reader, indent, depth)?));
                }
                Some((Token::Name(word), _)) if word == "else" => {
                    self.next += 1;
                    otherwise = self.body(&mut reader, indent, depth)?;
                    break;
                }
                _ => break,
            }
        }
        Ok(Statement::If { branches, otherwise })
    }

    fn repeated(&mut self, reader: &mut Reader<'_>, indent: usize, depth: usize) -> Read<Statement> {
        reader.next += 1;
        let name = reader.name()?;
        reader.word("in")?;
        let over = reader.tuple()?;
        let body = self.body(reader, indent, depth)?;
        Ok(Statement::For { name, over, body })
    }

    /// What follows a colon: the rest of the line, or the lines that are indented more.
    fn body(&mut self, reader: &mut Reader<'_>, indent: usize, depth: usize) -> Read<Vec<Statement>> {
        reader.sign(":")?;
        if depth >= DEEPEST {
            return Err(reader.fault("blocks nested so deep"));
        }
        if !reader.is_over() {
            let mut statements = Vec::new();
            reader.simple(&mut statements)?;
            return Ok(statements);
        }
        match self.lines.get(self.next) {
            Some(line) if line.indent > indent => self.block(line.indent, depth + 1),
            _ => Err(reader.fault("a colon without a block behind it")),
        }
    }
}

/// Reads one line.
struct Reader<'l> {
    tokens: &'l [Placed],
    next: usize,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(token, _)| token)
    }

    fn peek_name(&self) -> Option<&str> {
        match self.peek() {
            Some(Token::Name(name)) => Some(name),
            _ => None,
        }
    }

    const fn is_over(&self) -> bool {
        self.next >= self.tokens.len()
    }

    /// Where the next token begins, or the last one ended.
    fn start(&self) -> usize {
        let here = self.tokens.get(self.next).map(|(_, at)| at.start);
        here.or_else(|| self.tokens.last().map(|(_, at)| at.end)).unwrap_or(0)
    }

    fn end(&self) -> usize {
        self.next.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(0, |(_, at)| at.end)
    }

    fn fault(&self, what: &str) -> Fault {
        let at = self.tokens.get(self.next).map_or_else(|| self.start()..self.start(), |(_, at)| at.clone());
        Fault::new(at, what)
    }

    fn unexpected(&self) -> Fault {
        match self.peek() {
            Some(Token::Name(name)) => self.fault(&format!("\"{name}\" at this place in code")),
            Some(Token::Sign(sign)) => self.fault(&format!("\"{sign}\" at this place in code")),
            Some(Token::Number(..) | Token::Text(_)) => self.fault("a value at this place in code"),
            None => self.fault("code that ends too early"),
        }
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.next += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek_name() == Some(word);
        self.next += usize::from(found);
        found
    }

    fn take_any(&mut self, signs: &[&'static str]) -> Option<&'static str> {
        signs.iter().copied().find(|sign| self.take(sign))
    }

    fn sign(&mut self, sign: &str) -> Read<()> {
        if self.take(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn word(&mut self, word: &str) -> Read<()> {
        if self.take_word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn name(&mut self) -> Read<String> {
        let name = self.peek_name().map(str::to_owned).ok_or_else(|| self.unexpected())?;
        self.next += 1;
        Ok(name)
    }

    /// Statements between semicolons.
    fn simple(&mut self, statements: &mut Vec<Statement>) -> Read<()> {
        loop {
            if self.is_over() {
                return Ok(());
            }
            statements.push(self.statement()?);
            if !self.is_over() {
                self.sign(";")?;
            }
        }
    }

    fn statement(&mut self) -> Read<Statement> {
        let start = self.start();
        match self.peek_name() {
            Some("assert") => {
                self.next += 1;
                let truth = self.expression()?;
                let message = if self.take(",") { Some(self.message()) } else { None };
                Ok(Statement::Assert { truth, message, at: start..self.end() })
            }
            Some("pass") => {
                self.next += 1;
                Ok(Statement::Nothing)
            }
            Some("print") => {
                self.next += 1;
                self.message();
                Ok(Statement::Nothing)
            }
            Some(
                word @ ("import" | "from" | "def" | "class" | "while" | "with" | "try" | "return" | "del"
                | "global" | "raise" | "lambda" | "exec"),
            ) => Err(self.fault(&format!("\"{word}\" in code"))),
            _ => self.assignment(start),
        }
    }

    fn assignment(&mut self, start: usize) -> Read<Statement> {
        let mut names = Vec::new();
        loop {
            let ahead = self.tokens.get(self.next + 1).map(|(token, _)| token);
            if self.peek_name().is_none() || ahead != Some(&Token::Sign("=")) {
                break;
            }
            names.push(self.name()?);
            self.sign("=")?;
        }
        if !names.is_empty() {
            return Ok(Statement::Assign { names, value: self.tuple()? });
        }
        if let (Some(_), Some((Token::Sign(sign), _))) = (self.peek_name(), self.tokens.get(self.next + 1))
            && let Some(operator) =
                sign.strip_suffix('=').filter(|sign| !["", "=", "!", "<", ">"].contains(sign))
        {
            let name = self.name()?;
            self.next += 1;
            return Ok(Statement::Change {
                name,
                sign: operator,
                value: self.tuple()?,
                at: start..self.end(),
            });
        }
        // A value alone does nothing.
        self.tuple()?;
        Ok(Statement::Nothing)
    }

    /// Up to the end of the statement; what is not understood counts only when it is needed.
    fn message(&mut self) -> Ast {
        let (start, first) = (self.start(), self.next);
        if let Ok(message) = self.tuple()
            && (self.is_over() || self.peek() == Some(&Token::Sign(";")))
        {
            return message;
        }
        self.next = first;
        while !self.is_over() && self.peek() != Some(&Token::Sign(";")) {
            self.next += 1;
        }
        Ast { what: What::Other, at: start..self.end() }
    }

    fn made(&self, start: usize, what: What) -> Ast {
        Ast { what, at: start..self.end() }
    }

    /// One expression, or several with commas between.
    fn tuple(&mut self) -> Read<Ast> {
        let start = self.start();
        let first = self.expression()?;
        if self.peek() != Some(&Token::Sign(",")) {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.take(",") {
            if self.is_over() || matches!(self.peek(), Some(Token::Sign(")" | "]" | ";" | ":"))) {
                break;
            }
            items.push(self.expression()?);
        }
        Ok(self.made(start, What::Tuple(items)))
    }

    fn expression(&mut self) -> Read<Ast> {
        self.deeper(|this| {
            let start = this.start();
            let mut terms = vec![this.and()?];
            while this.take_word("or") {
                terms.push(this.and()?);
            }
            if this.peek_name() == Some("if") {
                return Err(this.fault("\"if\" inside an expression"));
            }
            Ok(this.single(start, terms, What::Or))
        })
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth >= DEEPEST {
            return Err(self.fault("brackets nested so deep"));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn single(&self, start: usize, mut terms: Vec<Ast>, many: fn(Vec<Ast>) -> What) -> Ast {
        match terms.len() {
            1 => terms.remove(0),
            _ => self.made(start, many(terms)),
        }
    }

    fn and(&mut self) -> Read<Ast> {
        let start = self.start();
        let mut terms = vec![self.not()?];
        while self.take_word("and") {
            terms.push(self.not()?);
        }
        Ok(self.single(start, terms, What::And))
    }

    fn not(&mut self) -> Read<Ast> {
        let start = self.start();
        if self.take_word("not") {
            let inner = self.deeper(Self::not)?;
            return Ok(self.made(start, What::Not(Box::new(inner))));
        }
        self.compare()
    }

    fn compare(&mut self) -> Read<Ast> {
        let start = self.start();
        let first = self.binary(0)?;
        if let Some("in" | "not") = self.peek_name() {
            let is_not = self.take_word("not");
            self.word("in")?;
            let many = self.binary(0)?;
            let found = self.made(start, What::In(Box::new(first), Box::new(many)));
            return Ok(if is_not { self.made(start, What::Not(Box::new(found))) } else { found });
        }
        let mut rest = Vec::new();
        while let Some(op) = self.compare_op() {
            rest.push((op, self.binary(0)?));
        }
        Ok(if rest.is_empty() { first } else { self.made(start, What::Compare(Box::new(first), rest)) })
    }

    fn compare_op(&mut self) -> Option<CompareOp> {
        Some(match self.take_any(&["==", "!=", "<=", ">=", "<", ">"])? {
            "==" => CompareOp::Eq,
            "!=" => CompareOp::Ne,
            "<=" => CompareOp::Le,
            ">=" => CompareOp::Ge,
            "<" => CompareOp::Lt,
            _ => CompareOp::Gt,
        })
    }

    /// Operators of two values, the weakest first.
    fn binary(&mut self, level: usize) -> Read<Ast> {
        const LEVELS: [&[&str]; 6] =
            [&["|"], &["^"], &["&"], &["<<", ">>"], &["+", "-"], &["*", "//", "/", "%"]];
        let Some(signs) = LEVELS.get(level) else { return self.unary() };
        let start = self.start();
        let mut left = self.binary(level + 1)?;
        while let Some(sign) = self.take_any(signs) {
            let right = self.binary(level + 1)?;
            left = self.made(start, What::Binary(sign, Box::new(left), Box::new(right)));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Read<Ast> {
        let start = self.start();
        if self.take("+") {
            return self.deeper(Self::unary);
        }
        if self.take("-") {
            let inner = self.deeper(Self::unary)?;
            return Ok(self.made(start, What::Negative(Box::new(inner))));
        }
        if self.take("~") {
            let inner = self.deeper(Self::unary)?;
            return Ok(self.made(start, What::Inverted(Box::new(inner))));
        }
        let base = self.atom()?;
        if self.take("**") {
            let power = self.deeper(Self::unary)?;
            return Ok(self.made(start, What::Binary("**", Box::new(base), Box::new(power))));
        }
        Ok(base)
    }

    fn atom(&mut self) -> Read<Ast> {
        let start = self.start();
        let what = match self.peek() {
            Some(Token::Number(top, over)) => What::Number(*top, *over),
            Some(Token::Text(text)) => What::Text(text.clone()),
            Some(Token::Name(name)) => What::Name(name.clone()),
            Some(Token::Sign("(")) => return self.brackets(")"),
            Some(Token::Sign("[")) => return self.brackets("]"),
            Some(Token::Sign(_)) | None => return Err(self.unexpected()),
        };
        self.next += 1;
        match (what, self.peek()) {
            (What::Name(name), Some(Token::Sign("("))) => {
                self.next += 1;
                let mut arguments = Vec::new();
                while !self.take(")") {
                    arguments.push(self.expression()?);
                    if self.peek() != Some(&Token::Sign(")")) {
                        self.sign(",")?;
                    }
                }
                Ok(self.made(start, What::Call(name, arguments)))
            }
            (What::Text(mut text), Some(Token::Text(_))) => {
                // Strings behind each other are one.
                while let Some(Token::Text(more)) = self.peek() {
                    text.push_str(more);
                    self.next += 1;
                }
                Ok(self.made(start, What::Text(text)))
            }
            (_, Some(Token::Sign(sign @ ("." | "[" | "{")))) => {
                Err(self.fault(&format!("\"{sign}\" in code")))
            }
            (what, _) => Ok(self.made(start, what)),
        }
    }

    /// What stands in brackets: one expression, or several.
    fn brackets(&mut self, close: &str) -> Read<Ast> {
        let start = self.start();
        self.next += 1;
        if self.take(close) {
            return Ok(self.made(start, What::Tuple(Vec::new())));
        }
        let inner = self.deeper(Self::tuple)?;
        self.sign(close)?;
        Ok(match inner.what {
            What::Tuple(_) | What::Text(_) | What::Other => inner,
            _ if close == "]" => self.made(start, What::Tuple(vec![inner])),
            what => self.made(start, what),
        })
    }
}
