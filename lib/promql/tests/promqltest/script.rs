//! The scripts: blocks of lines, the first of which says what the others are.

use std::iter::Peekable;

use event::Labels;

use crate::{
    series::{Described, described, duration, number},
    starts::{is_of_starts, start_offsets},
};

/// What a block asks for.
pub enum Command {
    Clear,
    Load(Load),
    Eval(Box<Case>),
}

/// Series, with a value at every step from 0 on.
pub struct Load {
    pub step_ms: i64,
    pub series: Vec<Described>,
    /// How far from each of their samples the start timestamps lie.
    pub starts: Vec<(Labels, Vec<Option<i64>>)>,
    /// Also as native histograms with custom buckets.
    pub with_native: bool,
}

/// A query and what is expected of it.
pub struct Case {
    pub query: String,
    pub times: Times,
    pub expected: Expected,
}

#[derive(Clone, Copy)]
pub enum Times {
    Instant(i64),
    /// First, last, step.
    Range(i64, i64, i64),
}

#[derive(Default)]
pub struct Expected {
    pub fails: bool,
    pub ordered: bool,
    pub text: Option<String>,
    pub scalar: Option<f64>,
    pub series: Vec<Described>,
    /// An instant query for a range: where its samples are.
    pub range: Option<(i64, i64, i64)>,
    pub notes: Vec<Note>,
}

/// `warn`, `no_warn`, `info`, `no_info` or `fail`, perhaps with a text.
pub struct Note {
    pub kind: String,
    pub text: Option<Text>,
}

pub enum Text {
    Is(String),
    Matches(String),
}

/// All commands with the numbers of their lines.
pub fn parse(text: &str) -> Vec<(usize, Command)> {
    let lines = text.lines().map(str::trim).zip(1..);
    // A comment ends a block as an empty line does.
    let mut lines = lines.map(|(line, at)| (at, if line.starts_with('#') { "" } else { line })).peekable();
    let mut commands = Vec::new();
    while let Some((at, line)) = lines.next() {
        if line.is_empty() {
            continue;
        }
        commands.push((at, command(line, &mut lines)));
    }
    commands
}

fn command<'a>(line: &str, lines: &mut Peekable<impl Iterator<Item = (usize, &'a str)>>) -> Command {
    let word = line.split_whitespace().next().unwrap_or_default();
    if word == "clear" {
        return Command::Clear;
    }
    let mut block = Vec::new();
    while let Some((_, line)) = lines.next_if(|(_, line)| !line.is_empty()) {
        block.push(line);
    }
    if let Some(kind) = word.strip_prefix("load") {
        let (starts, series): (Vec<&str>, Vec<&str>) = block.iter().partition(|line| is_of_starts(line));
        return Command::Load(Load {
            step_ms: duration(line[word.len()..].trim()),
            series: series.into_iter().map(described).collect(),
            starts: starts.into_iter().map(start_offsets).collect(),
            with_native: kind == "_with_nhcb",
        });
    }
    Command::Eval(Box::new(case(line, word, &block)))
}

fn case(line: &str, word: &str, block: &[&str]) -> Case {
    let rest = line[word.len()..].trim();
    let (times, query) = match rest.strip_prefix("instant at ") {
        Some(rest) => {
            let (time, query) = rest.trim().split_once(char::is_whitespace).unwrap();
            (Times::Instant(duration(time)), query)
        }
        None => range(rest),
    };
    let mut expected =
        Expected { fails: word == "eval_fail", ordered: word == "eval_ordered", ..Expected::default() };
    if let Some(kind @ ("warn" | "info")) = word.strip_prefix("eval_") {
        expected.notes.push(Note { kind: kind.into(), text: None });
    }
    block.iter().for_each(|line| expectation(line, &mut expected));
    Case { query: query.trim().into(), times, expected }
}

/// `range from 0 to 10m step 1m QUERY`
fn range(text: &str) -> (Times, &str) {
    let mut rest = text;
    let mut times = Vec::new();
    for _ in 0..3 {
        let at = ["from ", "to ", "step "][times.len()];
        rest = rest[rest.find(at).unwrap() + at.len()..].trim_start();
        let (time, behind) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        times.push(duration(time));
        rest = behind;
    }
    (Times::Range(times[0], times[1], times[2]), rest)
}

fn expectation(line: &str, expected: &mut Expected) {
    if let Some(range_text) = line.strip_prefix("expect range vector") {
        if let (Times::Range(start, end, step), _) = range(range_text) {
            expected.range = Some((start, end, step));
        }
    } else if let Some(text) = line.strip_prefix("expect string ") {
        expected.text = Some(crate::series::unquoted(text.trim()));
    } else if let Some(what) = line.strip_prefix("expect ") {
        let (kind, text) = what.split_once(char::is_whitespace).unwrap_or((what, ""));
        let text = text.trim();
        let is = text.strip_prefix("msg:").map(|text| Text::Is(text.trim().into()));
        let text = is.or_else(|| text.strip_prefix("regex:").map(|text| Text::Matches(text.trim().into())));
        match kind {
            "ordered" => expected.ordered = true,
            kind => {
                expected.fails |= kind == "fail";
                expected.notes.push(Note { kind: kind.into(), text });
            }
        }
    } else if let Some(text) = line.strip_prefix("expected_fail_message ") {
        expected.notes.push(Note { kind: "fail".into(), text: Some(Text::Is(text.trim().into())) });
    } else if let Some(text) = line.strip_prefix("expected_fail_regexp ") {
        expected.notes.push(Note { kind: "fail".into(), text: Some(Text::Matches(text.trim().into())) });
    } else if let Some(value) = number(line) {
        expected.scalar = Some(value);
    } else {
        expected.series.push(described(line));
    }
}
