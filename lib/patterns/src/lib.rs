//! Log patterns: which lines are the same but for their values. No I/O, no clock; the same lines in the same order
//! give the same patterns.
//!
//! A line becomes tokens ([`tokens`]: what holds a digit is a value), and finds among the patterns with as many
//! tokens and the same beginning the one that it is most like ([`Miner`]). What differs in it becomes a value
//! (`<_>`), so that the text of a pattern finds its lines with LogQL's `|>`.

mod miner;
mod pattern;
mod tokens;

pub use miner::{Miner, Settings};
pub use pattern::Pattern;

/// What stands for a value.
pub const VALUE: &str = "<_>";
