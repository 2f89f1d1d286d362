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
    /// Then control characters are shown, and not carried out.
    is_terminal: bool,
    printed: usize,
}

impl Printer {
    /// As the command line wants it. What is followed has no end, and so is no JSON array.
    pub fn new(args: &LogsArgs) -> Self {
        let output =
            if args.follow && args.output == LogOutput::Json { LogOutput::Jsonl } else { args.output };
        let is_terminal = io::stdout().is_terminal();
        let colored = match args.color {
            Color::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none(),
            Color::Always => true,
            Color::Never => false,
        };
        Printer { output, colored, is_terminal, printed: 0 }
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
        let object =
            || self.shown(json!({"timestamp": time, "labels": line.labels, "line": line.line}).to_string());
        let labels = || self.shown(print::labels(&line.labels));
        match self.output {
            LogOutput::Raw => self.painted(line),
            LogOutput::Default => format!("{time} {} {}", labels(), self.painted(line)),
            LogOutput::Jsonl => object(),
            LogOutput::Json => format!("{}{}", if self.printed == 0 { "[" } else { "," }, object()),
            LogOutput::Csv => {
                let header = if self.printed == 0 { "timestamp,labels,line\n" } else { "" };
                let text = self.shown(line.line.clone());
                format!("{header}{time},{},{}", print::csv(&labels()), print::csv(&text))
            }
        }
    }

    fn painted(&self, line: &Line) -> String {
        let text = self.shown(line.line.clone());
        if !self.colored {
            return text;
        }
        let labels: Labels = serde_json::from_value(line.labels.clone()).unwrap_or_default();
        let color = match &*logql::detected_level(&labels, &[], line.line.as_bytes()) {
            "fatal" | "critical" => "1;31",
            "error" => "31",
            "warn" => "33",
            "debug" | "trace" => "90",
            _ => return text,
        };
        format!("\x1b[{color}m{text}\x1b[0m")
    }

    fn shown(&self, text: String) -> String {
        if self.is_terminal { print::visible(text) } else { text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(output: LogOutput, colored: bool) -> String {
        let streams = json!([{"stream": {"job": "a"}, "values": [["1000000000", "error: \"hi\""]]}]);
        Printer { output, colored, is_terminal: false, printed: 1 }.text(&lines(&streams)[0])
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
    fn a_terminal_does_not_carry_out_what_lines_and_labels_hold() {
        let line =
            Line { timestamp_ns: 0, labels: json!({"a": "\u{9b}"}), line: "error\t\x1b[2J\r\u{7f}é".into() };
        let printed =
            |output, is_terminal| Printer { output, colored: true, is_terminal, printed: 1 }.text(&line);
        assert_eq!(printed(LogOutput::Raw, true), "\x1b[31merror\t\\x1b[2J\\x0d\\x7fé\x1b[0m");
        assert_eq!(printed(LogOutput::Raw, false), "\x1b[31merror\t\x1b[2J\r\u{7f}é\x1b[0m");
        for output in [LogOutput::Default, LogOutput::Csv, LogOutput::Json, LogOutput::Jsonl] {
            let text = printed(output, true).replace("\x1b[31m", "").replace("\x1b[0m", "");
            assert!(!text.chars().any(|c| c.is_control() && c != '\t'), "{output:?}: {text:?}");
        }
    }

    #[test]
    fn colours_tell_the_level() {
        assert_eq!(printed(LogOutput::Raw, true), "\x1b[31merror: \"hi\"\x1b[0m");
        assert_eq!(printed(LogOutput::Raw, false), "error: \"hi\"");
    }
}
