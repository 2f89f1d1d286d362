//! LogQL: parse, check and evaluate over an abstract source of entries. No I/O, no clock: where entries come
//! from is behind [`Entries`], and time is an argument.
//!
//! A query becomes an [`Expr`] ([`parse`]), and with entries an [`Answer`] ([`query_range`], [`query_instant`]).

mod answer;
mod ast;
mod entries;
mod error;
mod eval;
mod options;
mod parse;
mod regexp;
mod stage;
mod units;

pub use answer::{
    Answer, EntryAnswer, LabelSet, SampleAnswer, SeriesAnswer, Stats, StreamAnswer, Value, categorized,
};
pub use ast::{Expr, LogExpr, MetricExpr};
pub use entries::{Entries, EntryRef, Order, Scan, ScanError, Visit};
pub use error::{EvalError, ParseError};
pub use eval::{query_instant, query_range};
pub use options::{Direction, Options, Range};
pub use parse::{parse, parse_selector};
pub use stage::line_filter::LineFilter;
