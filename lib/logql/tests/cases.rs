//! Runs the plain-text cases in `tests/cases/*.test`. Their form:
//!
//! ```text
//! entries                                  what the queries below see, instead of what came before
//!   10s {app="a"} a line                   time, stream, line
//!   20s {app="a"} +{pod="p1"} a line       … with structured metadata
//! at 60s QUERY                             an instant query, its vector (or `scalar 1`) in any order
//!   {app="a"} 2
//! from 0s to 60s step 20s QUERY            a range query, `_` where a step has no value
//!   {app="a"} _ 1 2 2
//! logs forward 10 QUERY                    a log query with direction and limit, entries in their order
//!   10s {app="a"} a line
//! format QUERY                             how the query prints
//!   {app="a"}
//! refuse QUERY                             line and column of the error, and a part of its message
//!   1:5 unexpected
//! ```
//!
//! `fails TEXT` stands for an error while a query is evaluated. `\` at the end of a header continues it.

mod memory;

use std::path::Path;

use event::Matcher;
use logql::{
    Answer, Direction, EvalError, Expr, LabelSet, Options, Range, Value, parse, parse_selector,
    query_instant, query_range,
};
use memory::Memory;

const SECOND: i64 = 1_000_000_000;

#[test]
fn all_cases_answer_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut faults = Vec::new();
    let mut files = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        run(&text).into_iter().for_each(|fault| faults.push(format!("{name}:{fault}")));
        files += 1;
    }
    assert!(files > 5, "found only {files} files with cases");
    assert!(faults.is_empty(), "{} faults\n\n{}", faults.len(), faults.join("\n\n"));
}

/// A header and the lines that are indented below it.
struct Block<'a> {
    line: usize,
    header: String,
    body: Vec<&'a str>,
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut open = false;
    for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty() && !l.starts_with('#')) {
        match blocks.last_mut() {
            Some(block) if open => block.header += line.trim(),
            Some(block) if line.starts_with(' ') => block.body.push(line.trim()),
            _ => blocks.push(Block { line: i + 1, header: line.into(), body: Vec::new() }),
        }
        let header = &mut blocks.last_mut().unwrap().header;
        open = header.ends_with('\\');
        if open {
            header.pop();
        }
    }
    blocks
}

fn run(text: &str) -> Vec<String> {
    let mut memory = Memory::default();
    let mut faults = Vec::new();
    for block in blocks(text) {
        let (command, rest) = block.header.split_once(' ').unwrap_or((&block.header, ""));
        let got = match command {
            "entries" => {
                memory = entries(&block.body);
                continue;
            }
            "format" => vec![parse(rest).map_or_else(|e| e.to_string(), |expr| expr.to_string())],
            "refuse" => {
                faults.extend(
                    refused(rest, block.body[0]).map(|fault| format!("{}: {rest}\n{fault}", block.line)),
                );
                continue;
            }
            "at" => at(&memory, rest),
            "from" => from(&memory, rest),
            "logs" => logs(&memory, rest),
            other => panic!("line {}: no command {other:?}", block.line),
        };
        let (mut got, mut want) = (got, block.body.clone());
        if command != "logs" {
            got.sort();
            want.sort();
        }
        let failed = want.first().and_then(|w| w.strip_prefix("fails "));
        let same = match failed {
            Some(part) => got.len() == 1 && got[0].starts_with("fails ") && got[0].contains(part),
            None => got == want,
        };
        if !same {
            faults.push(format!(
                "{}: {rest}\nwant\n  {}\ngot\n  {}",
                block.line,
                want.join("\n  "),
                got.join("\n  ")
            ));
        }
    }
    faults
}

fn refused(query: &str, want: &str) -> Option<String> {
    let (place, message) = want.split_once(' ').unwrap();
    match parse(query) {
        Ok(expr) => Some(format!("was understood: {expr}")),
        Err(e) if format!("{}:{}", e.line, e.column) == place && e.message.contains(message) => None,
        Err(e) => Some(format!("want {want}\ngot  {}:{} {}", e.line, e.column, e.message)),
    }
}

fn seconds(text: &str) -> i64 {
    let number: f64 = text.strip_suffix('s').expect("a time ends with s").parse().unwrap();
    (number * SECOND as f64) as i64
}

/// Labels at the beginning of `text`, and what follows them.
fn labels(text: &str) -> (Vec<Matcher>, &str) {
    let end = text.find('}').expect("labels end with a brace") + 1;
    (parse_selector(&text[..end]).unwrap(), text[end..].trim_start())
}

fn entries(lines: &[&str]) -> Memory {
    let mut memory = Memory::default();
    for line in lines {
        let (time, rest) = line.split_once(' ').unwrap();
        let (stream, rest) = labels(rest);
        let (metadata, line) = match rest.strip_prefix('+') {
            Some(rest) => labels(rest),
            None => (Vec::new(), rest),
        };
        let stream = stream.iter().map(|m| (m.name.as_str(), m.value.as_str())).collect();
        let metadata = metadata.into_iter().map(|m| (m.name, m.value)).collect();
        memory.push(seconds(time), stream, line.as_bytes(), metadata);
    }
    memory
}

fn understood(query: &str) -> Expr {
    parse(query).unwrap_or_else(|e| panic!("{query}\n{e}"))
}

fn print(result: Result<Answer, EvalError>, print: impl Fn(Value) -> Vec<String>) -> Vec<String> {
    match result {
        Ok(answer) => print(answer.value),
        Err(error) => vec![format!("fails {}", error.to_string().replace('\n', " "))],
    }
}

fn number(value: f64) -> String {
    let rounded = (value * 1e6).round() / 1e6;
    if value.is_finite() { rounded.to_string() } else { value.to_string() }
}

fn at(memory: &Memory, rest: &str) -> Vec<String> {
    let (time, query) = rest.split_once(' ').unwrap();
    let result = query_instant(&understood(query), memory, seconds(time), &Options::default());
    print(result, |value| match value {
        Value::Scalar(value) => vec![format!("scalar {}", number(value))],
        Value::Vector(vector) => {
            vector.iter().map(|s| format!("{} {}", s.labels, number(s.sample.value))).collect()
        }
        other => panic!("{other:?}"),
    })
}

fn from(memory: &Memory, rest: &str) -> Vec<String> {
    let words: Vec<&str> = rest.splitn(6, ' ').collect();
    let [start, "to", end, "step", step, query] = words[..] else { panic!("{rest}") };
    let range = Range { start_ns: seconds(start), end_ns: seconds(end), step_ns: seconds(step) };
    let result = query_range(&understood(query), memory, &range, &Options::default());
    let steps = (range.end_ns - range.start_ns) / range.step_ns;
    let time_ms = |i: i64| (range.start_ns + i * range.step_ns) / 1_000_000;
    print(result, |value| {
        let Value::Matrix(matrix) = value else { panic!("{value:?}") };
        let series = |labels: &LabelSet, samples: &[event::Sample]| {
            let value = |i| {
                samples.iter().find(|s| s.timestamp_ms == time_ms(i)).map_or("_".into(), |s| number(s.value))
            };
            let values: Vec<String> = (0..=steps).map(value).collect();
            format!("{labels} {}", values.join(" "))
        };
        matrix.iter().map(|s| series(&s.labels, &s.samples)).collect()
    })
}

fn logs(memory: &Memory, rest: &str) -> Vec<String> {
    let words: Vec<&str> = rest.splitn(3, ' ').collect();
    let [direction, limit, query] = words[..] else { panic!("{rest}") };
    let forward = direction == "forward";
    let options = Options {
        limit: limit.parse().unwrap(),
        direction: if forward { Direction::Forward } else { Direction::Backward },
        ..Options::default()
    };
    let range = Range { start_ns: 0, end_ns: 1000 * SECOND, step_ns: SECOND };
    print(query_range(&understood(query), memory, &range, &options), |value| {
        let Value::Streams(streams) = value else { panic!("{value:?}") };
        let mut entries: Vec<(i64, String)> = Vec::new();
        for stream in &streams {
            let labels = stream.labels.filtered(|name| name != "__error_details__");
            entries.extend(stream.entries.iter().map(|e| {
                let seconds = e.timestamp_ns as f64 / SECOND as f64;
                (e.timestamp_ns, format!("{seconds}s {labels} {}", e.line))
            }));
        }
        entries.sort_by_key(|(time, _)| if forward { *time } else { -time });
        entries.into_iter().map(|(_, text)| text.trim_end().to_owned()).collect()
    })
}
