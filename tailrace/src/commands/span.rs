//! `--since`, `--from`, `--to` to times.

use anyhow::Result;
use jiff::Timestamp;

use crate::args::{SpanArgs, misused};

impl SpanArgs {
    /// Beginning and end; `default_age` where neither `--since` nor `--from` is given.
    ///
    /// # Errors
    /// When an age or time cannot be read.
    pub fn resolve(&self, now: Timestamp, default_age: &str) -> Result<(Timestamp, Timestamp)> {
        let end = self.to.as_deref().map_or(Ok(now), |text| time("--to", text))?;
        let start = match &self.from {
            Some(from) => time("--from", from)?,
            None => {
                let text = self.since.as_deref().unwrap_or(default_age);
                let start = end.checked_sub(age(text)?.0).ok().filter(|start| is_stored(*start));
                start.ok_or_else(|| out_of_range("--since", text))?
            }
        };
        in_order("--from", start, end)
    }

    /// Whether the user asked for a span at all.
    pub fn is_given(&self) -> bool {
        self.since.is_some() || self.from.is_some() || self.to.is_some()
    }
}

/// The two times, of which `flag` gave the first.
///
/// # Errors
/// When they are the other way round.
pub fn in_order(flag: &str, start: Timestamp, end: Timestamp) -> Result<(Timestamp, Timestamp)> {
    match start <= end {
        true => Ok((start, end)),
        false => Err(misused(format_args!("{flag} {start} is later than the end, {end}"))),
    }
}

/// An RFC 3339 time.
pub fn time(flag: &str, text: &str) -> Result<Timestamp> {
    let wrong = |e| misused(format_args!("{flag}: {text:?} is no time like 2026-01-31T12:00:00Z: {e}"));
    let time = text.parse::<Timestamp>().map_err(wrong)?;
    if is_stored(time) { Ok(time) } else { Err(out_of_range(flag, text)) }
}

/// Times of lines are nanoseconds since 1970 in 64 bits.
fn is_stored(time: Timestamp) -> bool {
    i64::try_from(time.as_nanosecond()).is_ok()
}

fn out_of_range(flag: &str, text: &str) -> anyhow::Error {
    let [first, last] =
        [i64::MIN, i64::MAX].map(|ns| Timestamp::from_nanosecond(ns.into()).unwrap_or_default());
    misused(format_args!("{flag} {text} is out of range: times are from {first} to {last}"))
}

/// A duration like `1h30m`.
pub fn age(text: &str) -> Result<::config::Duration> {
    text.parse().map_err(|message: String| misused(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_counts_from_the_end() {
        let span = SpanArgs { since: Some("1h".into()), from: None, to: Some("2026-01-01T02:00:00Z".into()) };
        let (start, end) = span.resolve(Timestamp::UNIX_EPOCH, "5m").unwrap();
        assert_eq!(start.to_string(), "2026-01-01T01:00:00Z");
        assert_eq!(end.to_string(), "2026-01-01T02:00:00Z");
    }

    #[test]
    fn a_span_does_not_end_before_it_begins() {
        let span = |to: &str| SpanArgs {
            since: None,
            from: Some("2026-01-01T02:00:00Z".into()),
            to: Some(to.into()),
        };
        let resolve = |to| span(to).resolve(Timestamp::UNIX_EPOCH, "5m");
        assert!(resolve("2026-01-01T02:00:00Z").is_ok());
        let error = resolve("2026-01-01T01:59:59Z").unwrap_err();
        assert!(error.is::<clap::Error>() && error.to_string().contains("--from"), "{error}");
    }

    #[test]
    fn what_cannot_be_read_is_a_wrong_command_line() {
        let error = time("--from", "yesterday").unwrap_err();
        assert!(error.is::<clap::Error>() && error.to_string().contains("--from"), "{error}");
        assert!(age("1x").unwrap_err().is::<clap::Error>());
    }

    #[test]
    fn a_time_that_cannot_be_stored_names_its_flag_and_the_range() {
        let since = SpanArgs { since: Some("1000y".into()), from: None, to: None };
        let errors =
            [time("--to", "2300-01-01T00:00:00Z").err(), since.resolve(Timestamp::UNIX_EPOCH, "1h").err()];
        for (error, flag) in errors.into_iter().zip(["--to", "--since"]) {
            let error = error.unwrap().to_string();
            assert!(error.contains(flag) && error.contains("1677") && error.contains("2262"), "{error}");
        }
    }
}
