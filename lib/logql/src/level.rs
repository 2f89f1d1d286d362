//! The level of an entry where nobody says it apart: `detected_level`.

use std::borrow::Cow;

use event::Labels;

use crate::stage::{
    json::{Kind, for_each_field, unescape},
    logfmt::Pairs,
};

/// The label that Grafana colours lines by.
pub const DETECTED_LEVEL: &str = "detected_level";

/// Where programs write their levels; the first that is there counts.
pub const LEVEL_FIELDS: [&str; 14] = [
    "level",
    "LEVEL",
    "Level",
    "log.level",
    "severity",
    "SEVERITY",
    "Severity",
    "SeverityText",
    "lvl",
    "LVL",
    "Lvl",
    "severity_text",
    "Severity_Text",
    "SEVERITY_TEXT",
];

/// The other words for a level.
const WORDS: [(&str, &str); 14] = [
    ("trace", "trace"),
    ("trc", "trace"),
    ("debug", "debug"),
    ("dbg", "debug"),
    ("info", "info"),
    ("inf", "info"),
    ("information", "info"),
    ("warn", "warn"),
    ("wrn", "warn"),
    ("warning", "warn"),
    ("error", "error"),
    ("err", "error"),
    ("critical", "critical"),
    ("fatal", "fatal"),
];

/// The highest severity numbers of OpenTelemetry for each level.
const SEVERITIES: [(i64, &str); 7] =
    [(0, UNKNOWN), (4, "trace"), (8, "debug"), (12, "info"), (16, "warn"), (20, "error"), (24, "fatal")];

const UNKNOWN: &str = "unknown";
/// In plain text a level stands near the beginning.
const PLAIN_BYTES: usize = 512;
/// Objects in a JSON line that nest deeper are left out.
const MAX_DEPTH: usize = 8;

/// The level of an entry: what a label or the metadata says, else a field of a JSON or logfmt line, else the
/// first word of the line that names a level, else `unknown`.
pub fn detected_level<'a>(stream: &'a Labels, metadata: &'a [(String, String)], line: &[u8]) -> Cow<'a, str> {
    let in_metadata = |name: &str| metadata.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
    let of_stream = LEVEL_FIELDS.iter().find_map(|name| stream.get(name));
    if let Some(said) = of_stream.or_else(|| LEVEL_FIELDS.iter().find_map(|name| in_metadata(name))) {
        return named(said).unwrap_or(said).into();
    }
    if let Some(number) = in_metadata("severity_number") {
        return of_severity(number).into();
    }
    let field = if line.trim_ascii_start().starts_with(b"{") { in_json(line, 0) } else { in_logfmt(line) };
    field.and_then(|text| named(&text)).or_else(|| in_words(line)).unwrap_or(UNKNOWN).into()
}

fn named(text: &str) -> Option<&'static str> {
    WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, level)| *level)
}

fn of_severity(number: &str) -> &'static str {
    let Ok(number) = number.parse::<i64>() else { return "info" };
    SEVERITIES.iter().find(|(highest, _)| number <= *highest).map_or(UNKNOWN, |(_, level)| level)
}

fn in_json(object: &[u8], depth: usize) -> Option<String> {
    let mut found = None;
    // Fields before a fault count.
    let _ = for_each_field(object, &mut |key, kind, raw| {
        if found.is_none() && kind == Kind::Text && LEVEL_FIELDS.contains(&key) {
            found = Some(unescape(raw));
        } else if found.is_none() && kind == Kind::Object && depth < MAX_DEPTH {
            found = in_json(raw, depth + 1);
        }
    });
    found
}

fn in_logfmt(line: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(line).ok().filter(|text| text.contains('='))?;
    let rank = |key: &str| LEVEL_FIELDS.iter().position(|field| field.eq_ignore_ascii_case(key));
    let fields = Pairs::new(text).flatten().filter_map(|(key, value)| Some((rank(key)?, value)));
    fields.min_by_key(|(rank, _)| *rank).map(|(_, value)| value.into_owned())
}

fn in_words(line: &[u8]) -> Option<&'static str> {
    let begin = &line[..line.len().min(PLAIN_BYTES)];
    let mut words = begin.split(|byte| !byte.is_ascii_alphabetic());
    words.find_map(|word| std::str::from_utf8(word).ok().and_then(named))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(stream: &[(&str, &str)], metadata: &[(&str, &str)], line: &str) -> String {
        let stream: Labels = stream.iter().copied().collect();
        let metadata: Vec<_> = metadata.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        detected_level(&stream, &metadata, line.as_bytes()).into_owned()
    }

    #[test]
    fn labels_count_before_metadata_and_metadata_before_the_line() {
        assert_eq!(level(&[("level", "WARNING")], &[("level", "info")], "level=error"), "warn");
        assert_eq!(level(&[], &[("severity", "ERR")], "level=debug"), "error");
        assert_eq!(level(&[("level", "notice")], &[], "x"), "notice", "what has no other word stays");
        assert_eq!(level(&[], &[("severity_number", "17")], "info"), "error");
        assert_eq!(level(&[], &[("severity_number", "0")], "info"), "unknown");
    }

    #[test]
    fn fields_of_a_line_count_before_its_words() {
        assert_eq!(level(&[], &[], "msg=\"an error\" lvl=dbg"), "debug");
        assert_eq!(level(&[], &[], "severity=error level=info"), "info");
        assert_eq!(level(&[], &[], r#"{"msg":"fatal","log":{"level":"Warn"}}"#), "warn");
        assert_eq!(level(&[], &[], r#"{"msg":"fatal"#), "fatal", "broken JSON is text");
        assert_eq!(level(&[], &[], "2026 ERROR [main] no info"), "error");
        assert_eq!(level(&[], &[], "informal terror"), "unknown");
    }
}
