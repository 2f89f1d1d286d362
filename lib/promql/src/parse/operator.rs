//! Binary operators: their names, and how tight they bind.

/// Binary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the operators say it")]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    TrimUpper,
    TrimLower,
    And,
    Or,
    Unless,
}

impl BinaryOp {
    const ALL: [(&'static str, BinaryOp, u8); 18] = [
        ("or", BinaryOp::Or, 1),
        ("and", BinaryOp::And, 2),
        ("unless", BinaryOp::Unless, 2),
        ("==", BinaryOp::Equal, 3),
        ("!=", BinaryOp::NotEqual, 3),
        (">", BinaryOp::Greater, 3),
        (">=", BinaryOp::GreaterEqual, 3),
        ("<", BinaryOp::Less, 3),
        ("<=", BinaryOp::LessEqual, 3),
        ("</", BinaryOp::TrimUpper, 3),
        (">/", BinaryOp::TrimLower, 3),
        ("+", BinaryOp::Add, 4),
        ("-", BinaryOp::Sub, 4),
        ("*", BinaryOp::Mul, 5),
        ("/", BinaryOp::Div, 5),
        ("%", BinaryOp::Mod, 5),
        ("atan2", BinaryOp::Atan2, 5),
        ("^", BinaryOp::Pow, POWER),
    ];

    /// The operator of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, ..)| *known == name).map(|(_, op, _)| *op)
    }

    fn entry(self) -> (&'static str, u8) {
        let found = Self::ALL.iter().find(|(_, op, _)| *op == self);
        found.map_or(("", 0), |(name, _, precedence)| (name, *precedence))
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        self.entry().0
    }

    /// Higher binds tighter.
    pub(super) fn precedence(self) -> u8 {
        self.entry().1
    }

    /// Whether it compares.
    pub fn is_comparison(self) -> bool {
        use BinaryOp::{Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual};
        matches!(self, Equal | NotEqual | Greater | GreaterEqual | Less | LessEqual)
    }

    /// Whether it cuts off a part of a histogram.
    pub fn trims(self) -> bool {
        matches!(self, BinaryOp::TrimUpper | BinaryOp::TrimLower)
    }

    /// Whether it works on sets of series.
    pub fn is_set(self) -> bool {
        matches!(self, BinaryOp::And | BinaryOp::Or | BinaryOp::Unless)
    }
}

/// The precedence of `^`, which alone binds tighter than a sign.
pub(super) const POWER: u8 = 6;
