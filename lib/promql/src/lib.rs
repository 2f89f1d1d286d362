//! PromQL: [`parse`] a query, then evaluate it over any [`Storage`] at one instant or over a range of steps.
//! Rules, the query API and replay share this one evaluator. It does no I/O and reads no clock: samples come
//! from the storage, time is an argument, so the same input gives the same answer.
//!
//! The walk: `query` (text to checked expression) → `eval` (operators, selectors, subqueries) → `functions`.

mod error;
mod eval;
mod functions;
mod query;
mod value;

pub use error::{EvalError, ParseError, Position, StorageError};
pub use eval::{Options, Storage, query_instant, query_range};
pub use query::{MAX_DEPTH, MAX_QUERY_BYTES, Query, Selector, ValueType, parse, parse_selector};
pub use value::{Answer, Value};
