//! PromQL: [`parse`] a query, then evaluate it over any [`Storage`] at one instant or over a range of steps.
//! Rules, the query API and replay share this one evaluator. It does no I/O and reads no clock: samples come
//! from the storage, time is an argument, so the same input gives the same answer.
//!
//! The walk: `parse` (text to checked tree) → `query` (to what is evaluated) → `eval` (operators, selectors,
//! subqueries) → `functions`.

mod error;
mod eval;
mod functions;
mod histogram;
mod notation;
mod parse;
mod query;
mod value;

pub use error::{EvalError, ParseError, Position, StorageError};
pub use eval::{Options, Selected, Start, StartSeries, Stop, Storage, query_instant, query_range};
pub use histogram::{Range, is_reset, ranges};
pub use notation::{Reading, describe_histogram, parse_metric, parse_values};
pub use parse::{Features, MAX_DEPTH, MAX_QUERY_BYTES, Signature, Variadic, ast};
pub use query::{Query, Selector, ValueType, parse, parse_selector, parse_with};
pub use value::{Answer, Value};
