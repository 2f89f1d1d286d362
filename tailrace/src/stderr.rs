//! Standard error. When nobody reads it any more, what would be said is left out, and the work goes on.

use std::{
    fmt,
    io::{self, Write},
};

/// A line, formatted as by `eprintln!`.
macro_rules! errln {
    ($($text:tt)+) => { $crate::stderr::line(format_args!($($text)+)) };
}
pub(crate) use errln;

/// What [`errln`] does.
pub fn line(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{text}");
}
