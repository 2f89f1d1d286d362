//! The rows of a part that a scan has still to visit, in its order.

use std::{ops::Range, vec::IntoIter};

/// Rows, each with whether it is certain to pass the filters.
pub enum Rows {
    /// All of them, and all are certain.
    Ascending(Range<u32>),
    /// The same from the last one on.
    Descending(Range<u32>),
    Listed(IntoIter<(u32, bool)>),
}

impl Rows {
    pub fn first(&self) -> Option<u32> {
        match self {
            Rows::Ascending(rows) => rows.clone().next(),
            Rows::Descending(rows) => rows.clone().next_back(),
            Rows::Listed(rows) => rows.as_slice().first().map(|(row, _)| *row),
        }
    }

    pub fn reversed(self) -> Self {
        match self {
            Rows::Ascending(rows) => Rows::Descending(rows),
            Rows::Descending(rows) => Rows::Ascending(rows),
            Rows::Listed(rows) => rows.rev().collect::<Vec<_>>().into(),
        }
    }
}

impl From<Vec<(u32, bool)>> for Rows {
    fn from(rows: Vec<(u32, bool)>) -> Self {
        Rows::Listed(rows.into_iter())
    }
}

impl Iterator for Rows {
    type Item = (u32, bool);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Rows::Ascending(rows) => rows.next().map(|row| (row, true)),
            Rows::Descending(rows) => rows.next_back().map(|row| (row, true)),
            Rows::Listed(rows) => rows.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_in_either_order() {
        let all = |rows: Rows| (rows.first(), rows.map(|(row, _)| row).collect::<Vec<_>>());
        let both: [fn() -> Rows; 2] =
            [|| Rows::Ascending(3..6), || vec![(3, true), (4, false), (5, true)].into()];
        for rows in both {
            assert_eq!(all(rows()), (Some(3), vec![3, 4, 5]));
            assert_eq!(all(rows().reversed()), (Some(5), vec![5, 4, 3]));
            assert_eq!(all(rows().reversed().reversed()), all(rows()));
        }
        assert_eq!(all(Rows::Ascending(6..6)), (None, vec![]));
    }
}
