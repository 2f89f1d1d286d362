//! Lines on standard output.

use std::io::{self, IsTerminal, Write};

use anyhow::Result;
use event::Labels;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    args::{Color, LogOutput, LogsArgs},
    commands::print,
    stdout::Stdout,
};

/// One line of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub timestamp_ns: i64,
    pub labels: Value,
    pub line: String,
}

/// The lines of all streams of an answer.
pub fn lines(streams: &Value) -> Vec<Line> {
    let mut all = Vec::new();
    for stream in streams.as_array().into_iter().flatten() {
        for value in stream["values"].as_array().into_iter().flatten() {
            all.push(Line {
                timestamp_ns: value[0].as_str().and_then(|t| t.parse().ok()).unwrap_or(0),
                labels: stream["stream"].clone(),
                line: value[1].as_str().unwrap_or_default().to_owned(),
            });
        }
    }
    all
}

/// Prints lines in one form.
pub struct Printer {
    output: LogOutput,
    colored: bool,
    printed: usize,
}

impl Printer {
    /// As the command line wants it. What is followed has no end, and so is no JSON array.
    pub fn new(args: &LogsArgs) -> Self {
        let output =
            if args.follow && args.output == LogOutput::Json { LogOutput::Jsonl } else { args.output };
        let colored = match args.color {
            Color::Auto => io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
            Color::Always => true,
            Color::Never => false,
        };
        Printer { output, colored, printed: 0 }
    }

    /// # Errors
    /// When standard output is closed.
    pub fn print(&mut self, lines: &[Line]) -> Result<()> {
        let mut out = Stdout;
        for line in lines {
            writeln!(out, "{}", self.text(line))?;
            self.printed += 1;
        }
        Ok(out.flush()?)
    }

    /// Ends what has been printed.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn end(&self) -> Result<()> {
        match (self.output, self.printed) {
            (LogOutput::Json, 0) => writeln!(Stdout, "[]")?,
            (LogOutput::Json, _) => writeln!(Stdout, "]")?,
            _ => {}
        }
        Ok(())
    }

    fn text(&self, line: &Line) -> String {
        let time = Timestamp::from_nanosecond(line.timestamp_ns.into()).unwrap_or(Timestamp::UNIX_EPOCH);
        let object = || json!({"timestamp": time, "labels": line.labels, "line": line.line}).to_string();
        match self.output {
            LogOutput::Raw => self.painted(line),
            LogOutput::Default => format!("{time} {} {}", print::labels(&line.labels), self.painted(line)),
            LogOutput::Jsonl => object(),
            LogOutput::Json => format!("{}{}", if self.printed == 0 { "[" } else { "," }, object()),
            LogOutput::Csv => {
                let header = if self.printed == 0 { "timestamp,labels,line\n" } else { "" };
                format!(
                    "{header}{time},{},{}",
                    print::csv(&print::labels(&line.labels)),
                    print::csv(&line.line)
                )
            }
        }
    }

    fn painted(&self, line: &Line) -> String {
        if !self.colored {
            return line.line.clone();
        }
        let labels: Labels = serde_json::from_value(line.labels.clone()).unwrap_or_default();
        let color = match &*logql::detected_level(&labels, &[], line.line.as_bytes()) {
            "fatal" | "critical" => "1;31",
            "error" => "31",
            "warn" => "33",
            "debug" | "trace" => "90",
            _ => return line.line.clone(),
        };
        format!("\x1b[{color}m{}\x1b[0m", line.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(output: LogOutput, colored: bool) -> String {
        let streams = json!([{"stream": {"job": "a"}, "values": [["1000000000", "error: \"hi\""]]}]);
        Printer { output, colored, printed: 1 }.text(&lines(&streams)[0])
    }

    #[test]
    fn a_log_line_shows_time_labels_and_text() {
        assert_eq!(printed(LogOutput::Default, false), "1970-01-01T00:00:01Z {job=\"a\"} error: \"hi\"");
        assert_eq!(
            printed(LogOutput::Csv, false),
            "1970-01-01T00:00:01Z,\"{job=\"\"a\"\"}\",\"error: \"\"hi\"\"\""
        );
    }

    #[test]
    fn colours_tell_the_level() {
        assert_eq!(printed(LogOutput::Raw, true), "\x1b[31merror: \"hi\"\x1b[0m");
        assert_eq!(printed(LogOutput::Raw, false), "error: \"hi\"");
    }
}
