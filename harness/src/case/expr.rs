//! Expressions of `assert`, of computed times and numbers. Evaluation is the engine's.

use super::{DescriptorId, FlowId};
use crate::time::Span;

/// An expression over integers, times, symbols and truths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// A number.
    Int(i64),
    /// A length of time.
    Time(Span),
    /// A name with a meaning of its own: `ESTABLISHED`.
    Symbol(String),
    /// Something known only when the case runs.
    Place(Place),
    /// Arithmetic on two values.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// A chain of comparisons as in mathematics: `1 <= x <= 3`.
    Compare(Box<Expr>, Vec<(CompareOp, Expr)>),
    /// All must be true.
    And(Vec<Expr>),
    /// One must be true.
    Or(Vec<Expr>),
    /// The opposite.
    Not(Box<Expr>),
    /// The value with its sign turned.
    Negative(Box<Expr>),
    /// The smaller of two.
    Min(Box<Expr>, Box<Expr>),
    /// The larger of two.
    Max(Box<Expr>, Box<Expr>),
}

/// A truth that must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The truth.
    pub truth: Expr,
    /// As somebody wrote it, where that is another language.
    pub written: Option<String>,
    /// What is said when it does not hold, part by part.
    pub says: Vec<Said>,
}

/// A part of what is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// These words.
    Text(String),
    /// What this comes to.
    Value(Expr),
}

impl From<Expr> for Claim {
    fn from(truth: Expr) -> Self {
        Self { truth, written: None, says: Vec::new() }
    }
}

impl Claim {
    /// All expressions in it.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let said = self.says.iter().filter_map(|part| match part {
            Said::Value(expr) => Some(expr),
            Said::Text(_) => None,
        });
        std::iter::once(&self.truth).chain(said)
    }
}

/// What an expression can look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A field of what a named step kept: `first.win`. The step is an index into the case's steps. A call that
    /// binds an integer (`n = read(..)`) is looked at by that name with the path `result`, whether or not it has
    /// an `as`; if it was ended by a `Returns` step, the index is that step's. Of an assertion the path is what it
    /// looked at: `before.s.tcpi_snd_cwnd`.
    Captured {
        /// Index into the case's steps.
        step: usize,
        /// `as:` of that step.
        name: String,
        /// Fields after the name.
        path: Vec<String>,
    },
    /// Something the target can tell of a descriptor: `s.tcpi_snd_cwnd`, `s.state`.
    Descriptor {
        /// Which.
        id: DescriptorId,
        /// Its name in the case.
        name: String,
        /// What is asked of it.
        field: String,
    },
    /// Something the target can tell of a flow: `main.state`.
    Flow {
        /// Which.
        id: FlowId,
        /// Its name in the case.
        name: String,
        /// What is asked of it.
        field: String,
    },
    /// A counter since time 0: `counter.TcpExtListenOverflows`.
    Counter(String),
    /// The exit status of a shell command that the target runs at this moment, where it may.
    Command {
        /// What is given to the shell.
        text: String,
        /// The folder it runs in.
        folder: String,
    },
}

impl Expr {
    /// Everything it looks at, in order.
    #[must_use]
    pub fn places(&self) -> Vec<&Place> {
        let mut places = Vec::new();
        self.collect(&mut places);
        places
    }

    fn collect<'e>(&'e self, places: &mut Vec<&'e Place>) {
        match self {
            Self::Int(_) | Self::Time(_) | Self::Symbol(_) => {}
            Self::Place(place) => places.push(place),
            Self::Binary(_, left, right) | Self::Min(left, right) | Self::Max(left, right) => {
                left.collect(places);
                right.collect(places);
            }
            Self::Compare(first, rest) => {
                first.collect(places);
                rest.iter().for_each(|(_, term)| term.collect(places));
            }
            Self::And(terms) | Self::Or(terms) => terms.iter().for_each(|term| term.collect(places)),
            Self::Not(inner) | Self::Negative(inner) => inner.collect(places),
        }
    }
}

/// Arithmetic and bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the operator it names")]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Shl,
    Shr,
    BitAnd,
    BitOr,
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the operator it names")]
pub enum CompareOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}
