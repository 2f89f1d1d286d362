//! Times. Within a template a time is text in the form that Go prints.

use std::sync::Arc;

use gotmpl::{FuncMap, TemplateError};
use jiff::{Timestamp, civil, fmt::strtime, tz::TimeZone};

use super::{super::CURRENT, Args, Outcome, failed, string, text};

/// `2006-01-02 15:04:05.999 +0000 UTC`
const PRINTED: &str = "%Y-%m-%d %H:%M:%S%.f %z UTC";

pub fn add(functions: &mut FuncMap) {
    let mut one = |name: &str, f: fn(Args<'_>) -> Outcome| {
        functions.insert(name.into(), Arc::new(f));
    };
    one("__timestamp__", |_| {
        let ns = CURRENT.with_borrow(|(_, timestamp_ns)| *timestamp_ns);
        string(printed(Timestamp::from_nanosecond(ns.into()).map_err(broken)?))
    });
    one("unixEpoch", |args| string(time(&text(args, 0)?)?.as_second().to_string()));
    one("unixEpochMillis", |args| string(time(&text(args, 0)?)?.as_millisecond().to_string()));
    one("unixEpochNanos", |args| string(time(&text(args, 0)?)?.as_nanosecond().to_string()));
    one("unixToTime", unix_to_time);
    one("date", |args| {
        let zoned = time(&text(args, 1)?)?.to_zoned(TimeZone::UTC);
        string(strtime::format(layout(&text(args, 0)?), &zoned).map_err(broken)?)
    });
    one("toDate", |args| to_date(&text(args, 0)?, "UTC", &text(args, 1)?));
    one("toDateInZone", |args| to_date(&text(args, 0)?, &text(args, 1)?, &text(args, 2)?));
}

fn broken(error: jiff::Error) -> TemplateError {
    failed(error.to_string())
}

fn printed(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime(PRINTED).to_string()
}

fn time(text: &str) -> Result<Timestamp, TemplateError> {
    let text = text.trim_end_matches(" UTC");
    let printed = strtime::parse("%Y-%m-%d %H:%M:%S%.f %z", text).and_then(|t| t.to_timestamp());
    printed.or_else(|_| text.parse()).map_err(|e| failed(format!("{text:?} is no time: {e}")))
}

/// Days, seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their digits.
fn unix_to_time(args: Args<'_>) -> Outcome {
    let digits = text(args, 0)?;
    let unknown = || failed(format!("unable to parse time '{digits}'"));
    let number: i64 = digits.parse().map_err(|_| unknown())?;
    let time = match digits.len() {
        5 => Timestamp::from_second(number * 86_400),
        10 => Timestamp::from_second(number),
        13 => Timestamp::from_millisecond(number),
        16 => Timestamp::from_microsecond(number),
        19 => Timestamp::from_nanosecond(number.into()),
        _ => return Err(unknown()),
    };
    string(printed(time.map_err(broken)?))
}

fn to_date(go_layout: &str, zone: &str, text: &str) -> Outcome {
    // `Z07:00` takes a plain `Z` too
    let utc = text.strip_suffix('Z').filter(|_| go_layout.ends_with("Z07:00"));
    let text = utc.map_or_else(|| text.to_owned(), |start| format!("{start}+00:00"));
    let parsed = strtime::parse(layout(go_layout), text).map_err(broken)?;
    if let Ok(time) = parsed.to_timestamp() {
        return string(printed(time));
    }
    let date = parsed.to_date().map_err(broken)?;
    let clock = parsed.to_time().unwrap_or(civil::Time::midnight());
    let zone = TimeZone::get(zone).map_err(broken)?;
    let zoned = date.to_datetime(clock).to_zoned(zone).map_err(broken)?;
    string(printed(zoned.timestamp()))
}

/// Parts of Go's layouts, longer ones before those that they begin with.
#[rustfmt::skip] // a table reads better in columns
const LAYOUT: [(&str, &str); 26] = [
    ("January", "%B"), ("Jan", "%b"), ("Monday", "%A"), ("Mon", "%a"), ("MST", "%Z"), ("2006", "%Y"),
    ("-07:00", "%:z"), ("-0700", "%z"), ("Z07:00", "%:z"), ("Z0700", "%z"), (".999999999", "%.f"),
    (".000000000", "%.9f"), (".000000", "%.6f"), (".000", "%.3f"), (".999", "%.f"), ("002", "%j"),
    ("01", "%m"), ("02", "%d"), ("03", "%I"), ("04", "%M"), ("05", "%S"), ("06", "%y"), ("15", "%H"),
    ("PM", "%p"), ("_2", "%e"), ("2", "%-d"),
];

/// From Go's form of a layout to that of `strftime`.
fn layout(go: &str) -> String {
    let mut out = String::new();
    let mut rest = go;
    while let Some(first) = rest.chars().next() {
        match LAYOUT.iter().find(|(part, _)| rest.starts_with(part)) {
            Some((part, format)) => {
                out += format;
                rest = &rest[part.len()..];
            }
            None => {
                out.push(first);
                out.push_str(if first == '%' { "%" } else { "" });
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_of_go_are_understood() {
        assert_eq!(layout("2006-01-02T15:04:05.000Z07:00"), "%Y-%m-%dT%H:%M:%S%.3f%:z");
        assert_eq!(layout("Mon, 2 Jan 2006 100%"), "%a, %-d %b %Y 100%%");
    }

    #[test]
    fn times_print_and_parse() {
        let printed = to_date("2006-01-02 15:04", "UTC", "2021-11-02 01:00").unwrap();
        let text = printed.as_str().unwrap();
        assert_eq!(text, "2021-11-02 01:00:00 +0000 UTC");
        assert_eq!(time(text).unwrap().as_second(), 1_635_814_800);
    }
}
