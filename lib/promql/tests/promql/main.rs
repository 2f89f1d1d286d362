//! The crate from outside: cases in plain text, limits, and random queries.

mod cases;
mod counts;
mod limits;
mod memory;
mod random_queries;
mod starts;
