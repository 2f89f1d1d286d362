//! Log lines as templates and variables, in columns.
//!
//! A line is cut into tokens ([`token`]). Those with digits are values, times in a known layout are times
//! ([`clock`]), and what remains is the line's shape ([`shape`]). Shapes that differ in few words become one
//! template, whose differing words are values too ([`cluster`]). Each template has a column for each of its
//! values, stored as it is cheapest ([`slot`]): as numbers, as places in a vocabulary ([`vocabulary`]), or not
//! at all when it is constant or the same as another. A reader opens the columns that it needs ([`block`]).

mod alike;
mod block;
mod clock;
mod cluster;
mod encode;
mod filter;
mod interner;
mod search;
mod section;
mod shape;
mod slot;
mod template;
#[cfg(test)]
mod tests;
mod token;
mod vocabulary;
mod write;

pub use block::LineBlock;
pub use encode::encode;
pub use filter::may_hold;
pub use search::{Hits, Verdict};
pub use section::{COUNT as SECTIONS, NAMES as SECTION_NAMES, Section};
