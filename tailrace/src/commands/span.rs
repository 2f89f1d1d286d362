//! `--since`, `--from`, `--to` to times.

use anyhow::{Context, Result, anyhow};
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
                let age = age(self.since.as_deref().unwrap_or(default_age))?;
                end.checked_sub(age.0).context("--since reaches too far back")?
            }
        };
        if start > end {
            return Err(misused(format_args!("--from {start} is later than the end, {end}")));
        }
        Ok((start, end))
    }

    /// Whether the user asked for a span at all.
    pub fn is_given(&self) -> bool {
        self.since.is_some() || self.from.is_some() || self.to.is_some()
    }
}

/// An RFC 3339 time.
pub fn time(flag: &str, text: &str) -> Result<Timestamp> {
    text.parse().with_context(|| format!("{flag}: {text:?} is no time like 2026-01-31T12:00:00Z"))
}

/// A duration like `1h30m`.
pub fn age(text: &str) -> Result<::config::Duration> {
    text.parse().map_err(|message: String| anyhow!(message))
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
    fn a_wrong_time_names_its_flag() {
        assert!(time("--from", "yesterday").unwrap_err().to_string().contains("--from"));
    }
}
