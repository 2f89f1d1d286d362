//! The parts of a block's lines that are stored each for itself, so that a reader unpacks only what it needs.

use super::vocabulary::Class;

/// A part of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The template of each row.
    Rows,
    /// The templates' texts.
    Templates,
    /// How each column is stored.
    Slots,
    /// Numbers and times.
    Numbers,
    /// Places in vocabularies.
    Places,
    Vocabulary(Class),
    /// What [`super::filter`] knows.
    Filter,
}

/// How many there are.
pub const COUNT: usize = 6 + Class::ALL.len();

/// What they are called where people see them.
pub const NAMES: [&str; COUNT] = [
    "filter",
    "templates-of-rows",
    "templates",
    "slots",
    "numbers",
    "places",
    "short-numbers",
    "long-numbers",
    "hexadecimal",
    "uuids",
    "addresses",
    "texts",
];

impl Section {
    /// Where it comes among the others.
    pub fn index(self) -> usize {
        match self {
            Section::Filter => 0,
            Section::Rows => 1,
            Section::Templates => 2,
            Section::Slots => 3,
            Section::Numbers => 4,
            Section::Places => 5,
            Section::Vocabulary(class) => 6 + class as usize,
        }
    }
}
