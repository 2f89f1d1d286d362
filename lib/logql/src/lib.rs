//! LogQL: parse, check and evaluate over an abstract source of entries. No I/O, no clock: where entries come
//! from is behind [`Entries`], and time is an argument.
//!
//! A query becomes an [`Expr`] ([`parse`]), and with entries an [`Answer`] ([`query_range`], [`query_instant`]).
//!
//! Where it differs from Loki 3.7, on purpose:
//! - `ip(…)` behind `or` in a line filter means addresses, as Loki's documentation says; Loki looks for the text.
//! - A hexadecimal integer in a label filter (`status > 0x10`) is an error; Loki reads it as 0.
//! - Of a label `__error__` that a line itself has and the error of a stage, an answer shows the former.
//! - Errors have the place in the query where Loki has none.
//! - Templates have no `now`: an answer depends on the entries and the query alone.

mod answer;
mod ast;
mod entries;
mod error;
mod eval;
mod lens;
mod level;
mod literals;
mod options;
mod parse;
mod regexp;
mod stage;
mod units;

pub use answer::{
    Answer, EntryAnswer, LabelSet, SampleAnswer, SeriesAnswer, Stats, StreamAnswer, Value, categorized,
};
pub use ast::{Expr, LogExpr, MetricExpr, RangeAggregation};
pub use entries::{Entries, EntryRef, Order, Scan, ScanError, Times, Visit, VisitTimes};
pub use error::{EvalError, ParseError};
pub use eval::{query_instant, query_range};
pub use lens::{Lens, Piece, PieceKind};
pub use level::{DETECTED_LEVEL, LEVEL_FIELDS, detected_level};
pub use options::{Direction, Options, Range};
pub use parse::{parse, parse_log, parse_selector};
pub use stage::line_filter::LineFilter;
pub use units::value_kind;
