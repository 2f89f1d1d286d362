//! Standard output. Its reader may go at any time, as `head` does: then the process ends without a word, like a tool
//! that does not catch SIGPIPE.

use std::{
    fmt,
    io::{self, ErrorKind, Write},
    process,
};

use crate::stderr::errln;

/// 128 and the number of SIGPIPE, as shells report it.
const READER_GONE: i32 = 141;

/// A line, formatted as by `println!`.
macro_rules! outln {
    ($($text:tt)+) => { $crate::stdout::line(format_args!($($text)+)) };
}
pub(crate) use outln;

/// Where every command prints. An output that cannot be written to ends the process.
pub struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        written(io::stdout().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        written(io::stdout().flush())
    }
}

/// What [`outln`] does.
pub fn line(text: fmt::Arguments<'_>) {
    // An error has ended the process already.
    let _ = writeln!(Stdout, "{text}");
}

fn written<T>(result: io::Result<T>) -> io::Result<T> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => process::exit(READER_GONE),
        Err(error) if error.kind() != ErrorKind::Interrupted => {
            errln!("error: standard output: {error}");
            process::exit(1)
        }
        result => result,
    }
}
